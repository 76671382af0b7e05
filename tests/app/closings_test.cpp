// Buyers who end what they bought, operators who give it back: each once, whatever is asked.
#include "app/close_world.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/p2pk.h"
#include "payments/cashu/token.h"

#include <gmock/gmock.h>

namespace adit::app {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class Closing : public testing::Test {
protected:
    /// 100 sat for an hour.
    Buyer sold(CloseWorld& in)
    {
        Buyer buyer = in.buyer({4, 32, 64});
        EXPECT_EQ(in.ask(buyer).status, 200);
        return buyer;
    }
    Buyer sold() { return sold(world); }
    /// Another hour for the same tunnel, signed by `key`.
    Buyer topped_up(const Buyer& first, const protocol::SecretKey& key)
    {
        Buyer more = world.buyer({4, 32, 64});
        more.client_key = first.client_key;
        if (key.public_key() == first.key.public_key()) world.clock.pass(Seconds(1)); // or it were the same event
        world.sign_request(more, key);
        EXPECT_EQ(world.ask(more).status, 200);
        return more;
    }
    bool is_locked_to(const std::string& token, const protocol::PublicKey& key)
    {
        const auto parsed = payments::cashu::parse_token(token);
        if (!parsed) return false;
        return std::ranges::all_of(parsed->proofs, [&](const auto& proof) {
            return proof.secret.find(payments::cashu::even_point(key).hex()) != std::string::npos;
        });
    }
    json command(std::string_view name, const json& request)
    {
        const auto answer = world.command(name, request);
        EXPECT_TRUE(answer.has_value()) << (answer ? "" : answer.error().detail);
        return answer ? *answer : json::object();
    }
    CloseWorld world;
};

TEST_F(Closing, WhatIsUnusedComesBackLessTheFeeAndTheTunnelGoes)
{
    const Buyer buyer = sold();
    const std::string id = world.id_of(buyer.client_key);
    world.clock.pass(Seconds(1800));
    const http::Request request = world.close_request(id, buyer.key);
    const http::Response response = world.send(request);
    const protocol::Closed closed = world.closed(response);
    EXPECT_EQ(closed.refunded, Sat(45)); // half of 100, less 10 %
    ASSERT_EQ(closed.refunds.size(), 1U);
    EXPECT_EQ(world.worth(closed.refunds[0]), 45U);
    EXPECT_TRUE(is_locked_to(closed.refunds[0], buyer.refund_key.public_key()));
    EXPECT_EQ(world.wallet(), 55U);
    EXPECT_FALSE(world.has_tunnel(buyer));
    EXPECT_EQ(world.ask(buyer).status, 410);
    EXPECT_EQ(world.process->tunnels->view(id).value().status, "ended");
    EXPECT_TRUE(world.books_balance());
    ASSERT_EQ(world.process->store->taken_addresses().value().size(), 1U);
    EXPECT_EQ(world.process->store->taken_addresses().value()[0].rests_until, world.clock.now() + Seconds(300));
}

TEST_F(Closing, WhoAsksAgainGetsTheSameWhateverHasChanged)
{
    const Buyer buyer = sold();
    const std::string id = world.id_of(buyer.client_key);
    const http::Request request = world.close_request(id, buyer.key);
    const std::string first = world.send(request).body;
    EXPECT_EQ(world.send(request).body, first);
    EXPECT_EQ(world.send(world.close_request(id, buyer.key)).body, first) << "another event of the same key";
    world.config.sessions.refunds = false;
    world.clock.pass(Seconds(40 * 86'400));
    world.restart();
    world.process->tunnels->step();
    EXPECT_EQ(world.send(request).body, first) << "after everything has expired, and keys were wiped";
    auto nonsense = world.close_draft();
    nonsense.tags.clear();
    EXPECT_EQ(world.send(world.close_request(id, nonsense, buyer.key)).body, first);
    EXPECT_EQ(world.wallet(), 10U);
}

TEST_F(Closing, OnlyWhatTheSigningKeyBoughtIsClosed)
{
    const Buyer first = sold();
    const auto other_key = protocol::SecretKey::generate(world.rng);
    const Buyer second = topped_up(first, other_key);
    const std::string id = world.id_of(first.client_key);
    world.clock.pass(Seconds(1800));

    const protocol::Closed closed = world.closed(world.send(world.close_request(id, other_key)));
    EXPECT_EQ(closed.refunded, Sat(90)) << "the whole second hour";
    EXPECT_TRUE(is_locked_to(closed.refunds.at(0), second.refund_key.public_key()));
    EXPECT_TRUE(world.has_tunnel(first));
    EXPECT_EQ(session::expires_at(world.process->tunnels->segments_of(first.client_key)),
              world.clock.now() + Seconds(1800));
    EXPECT_EQ(world.ask(first).status, 200);
    EXPECT_EQ(world.ask(second).status, 410);

    const protocol::Closed rest = world.closed(world.send(world.close_request(id, first.key)));
    EXPECT_EQ(rest.refunded, Sat(45));
    EXPECT_FALSE(world.has_tunnel(first));
    EXPECT_EQ(world.wallet(), 200U - 90 - 45);
    EXPECT_TRUE(world.books_balance());
}

TEST_F(Closing, ATopUpWithTheSameKeyLengthensAndIsClosedWithTheRest)
{
    const Buyer first = sold();
    const std::string id = world.id_of(first.client_key);
    EXPECT_EQ(world.process->tunnels->view(id).value().time_left, Seconds(3600));
    Buyer second = world.buyer({4, 32, 64});
    second.client_key = first.client_key;
    second.refund_key = protocol::SecretKey::parse_hex(std::string(64, '4')).value();
    world.clock.pass(Seconds(1)); // or it were the same event
    world.sign_request(second, first.key);
    const auto answered = world.ask(second);
    ASSERT_EQ(answered.status, 200);
    EXPECT_EQ(std::get<protocol::Delivered>(answered.answer).session_id, id) << "the same key learns of its session";
    world.clock.pass(Seconds(1199));
    EXPECT_EQ(world.process->tunnels->view(id).value().time_left, Seconds(6000));
    const protocol::Closed closed = world.closed(world.send(world.close_request(id, first.key)));
    EXPECT_EQ(closed.refunds.size(), 2U) << "one for each refund key";
    EXPECT_EQ(closed.refunded, Sat(60 + 90)); // two thirds of an hour, and an hour
    EXPECT_FALSE(world.has_tunnel(first));
    EXPECT_TRUE(world.books_balance());
}

TEST_F(Closing, AfterACloseTheSameKeysMayBuyAgain)
{
    const Buyer first = sold();
    const std::string old_id = world.id_of(first.client_key);
    const std::string old_answer = world.send(world.close_request(old_id, first.key)).body;
    topped_up(first, first.key);
    EXPECT_TRUE(world.has_tunnel(first));
    const std::string id = world.id_of(first.client_key);
    EXPECT_NE(id, old_id);
    EXPECT_EQ(world.send(world.close_request(old_id, first.key)).body, old_answer);
    EXPECT_TRUE(world.has_tunnel(first)) << "the old session's id closes nothing of the new one";
}

TEST_F(Closing, DataIsGivenBackByItsBytes)
{
    CloseWorld by_data({.unit = "GiB"});
    const Buyer buyer = sold(by_data);
    by_data.device.add_traffic(buyer.client_key, (1ULL << 30) / 4, (1ULL << 30) / 4);
    by_data.clock.pass(Seconds(86'400));
    const std::string id = by_data.id_of(buyer.client_key);
    EXPECT_EQ(by_data.process->tunnels->view(id).value().data_left_bytes, (1ULL << 30) / 2);
    const protocol::Closed closed = by_data.closed(by_data.send(by_data.close_request(id, buyer.key)));
    EXPECT_EQ(closed.refunded, Sat(45)) << "what the device had counted until now is used";
}

TEST_F(Closing, WhereNothingIsLeftWorthASatThereIsNoToken)
{
    const Buyer buyer = sold();
    const std::string id = world.id_of(buyer.client_key);
    world.clock.pass(Seconds(3599));
    const http::Request request = world.close_request(id, buyer.key);
    const http::Response response = world.send(request);
    EXPECT_EQ(response.body, R"({"status":"closed","refunded_sat":0,"refunds":[]})");
    EXPECT_FALSE(world.has_tunnel(buyer));
    EXPECT_EQ(world.send(request).body, response.body);
    EXPECT_EQ(world.wallet(), 100U);
}

TEST_F(Closing, WhatRanOutIsOver)
{
    const Buyer buyer = sold();
    const std::string id = world.id_of(buyer.client_key);
    world.clock.pass(Seconds(3600));
    world.process->tunnels->step();
    const http::Response response = world.send(world.close_request(id, buyer.key));
    EXPECT_EQ(response.status, 410);
    EXPECT_EQ(world.word(response), "session-ended");
}

TEST_F(Closing, AnOperatorWhoGivesNothingBackSaysSoAndNothingIsClosed)
{
    world.config.sessions.refunds = false;
    const Buyer buyer = sold();
    const http::Response response = world.send(world.close_request(world.id_of(buyer.client_key), buyer.key));
    EXPECT_EQ(response.status, 403);
    EXPECT_EQ(world.word(response), "no-refunds");
    EXPECT_TRUE(world.has_tunnel(buyer));
    EXPECT_EQ(world.wallet(), 100U);
}

TEST_F(Closing, WhatIsNoGoodEventOfTheBuyersClosesNothing)
{
    const Buyer buyer = sold();
    const std::string id = world.id_of(buyer.client_key);
    const auto said = [&](const protocol::EventDraft& draft) {
        const http::Response response = world.send(world.close_request(id, draft, buyer.key));
        EXPECT_GE(response.status, 400);
        EXPECT_LT(response.status, 500);
        return world.word(response);
    };
    const auto with_tag = [&](std::string_view name, std::optional<std::string> value) {
        auto draft = world.close_draft();
        std::erase_if(draft.tags, [&](const auto& tag) { return tag[0] == name; });
        if (value) draft.tags.push_back({std::string(name), *value});
        return draft;
    };
    auto draft = world.close_draft();
    draft.kind = 1;
    EXPECT_EQ(said(draft), "wrong-kind");
    EXPECT_EQ(said(with_tag("t", "vpn-purchase")), "wrong-action");
    EXPECT_EQ(said(with_tag("t", {})), "wrong-action");
    EXPECT_EQ(said(with_tag("expiration", {})), "no-expiration");
    EXPECT_EQ(said(with_tag("expiration", std::to_string(world.clock.now().count()))), "expired-auth");
    EXPECT_EQ(said(with_tag("expiration", std::to_string(world.clock.now().count() + 86'401))), "expired-auth");
    EXPECT_EQ(said(with_tag("expiration", "soon")), "no-expiration");
    EXPECT_EQ(said(with_tag("server", "other.example")), "wrong-server");
    EXPECT_EQ(said(with_tag("server", {})), "wrong-server");
    EXPECT_EQ(said(with_tag("a", {})), "no-listing");
    EXPECT_EQ(said(with_tag("a", "30402:" + buyer.key.public_key().hex() + ":exit-1")), "unknown-listing");
    draft = world.close_draft();
    draft.created_at = world.clock.now() + Seconds(61);
    EXPECT_EQ(said(draft), "expired-auth");

    http::Request request = world.close_request(id, buyer.key);
    request.headers = {};
    EXPECT_EQ(world.send(request).status, 401);
    for (const char* header : {"", "Nostr", "Nostr !", "Nostr e30=", "Basic abc", "Nostr bnVsbA=="}) {
        request.headers = {{"authorization", header}};
        EXPECT_EQ(world.word(world.send(request)), "bad-request") << header;
    }
    auto event = protocol::sign_event(world.close_draft(), buyer.key, world.rng);
    event.content += "!";
    request.headers = {{"authorization", protocol::encode_auth_header(event)}};
    EXPECT_EQ(world.word(world.send(request)), "bad-signature");

    const auto stranger = protocol::SecretKey::generate(world.rng);
    EXPECT_EQ(world.word(world.send(world.close_request(id, stranger))), "not-yours");
    EXPECT_EQ(world.send(world.close_request(id, stranger)).status, 403);
    for (const std::string& wrong : {std::string(), std::string(32, '0'), id + "0", std::string(10'000, 'a'),
                                     std::string("' OR 1=1 --"), std::string("\0", 1)})
        EXPECT_EQ(world.send(world.close_request(wrong, buyer.key)).status, 404);
    // The event that bought it is no event that closes it.
    request.headers = {buyer.request.headers[0]};
    EXPECT_EQ(world.word(world.send(request)), "wrong-action");

    EXPECT_TRUE(world.has_tunnel(buyer));
    EXPECT_EQ(world.wallet(), 100U);
    EXPECT_TRUE(world.process->store->owed_refunds().value().empty());
}

TEST_F(Closing, WhereTheDeviceRefusesNothingIsClosed)
{
    const Buyer buyer = sold();
    const std::string id = world.id_of(buyer.client_key);
    world.device.set_mood(wg::MemoryDevice::Mood::refuses);
    EXPECT_EQ(world.send(world.close_request(id, buyer.key)).status, 503);
    EXPECT_TRUE(world.process->store->owed_refunds().value().empty());
    world.device.set_mood(wg::MemoryDevice::Mood::works);
    EXPECT_TRUE(world.has_tunnel(buyer));
    EXPECT_EQ(world.closed(world.send(world.close_request(id, buyer.key))).refunded, Sat(90));
}

TEST_F(Closing, AMintThatIsSilentDelaysTheTokenOnly)
{
    const Buyer buyer = sold();
    const std::string id = world.id_of(buyer.client_key);
    world.clock.pass(Seconds(1800));
    for (const Fault& fault : always(FaultAct::drop, FaultMoment::before)) world.faults.add(fault);
    const http::Request request = world.close_request(id, buyer.key);
    const http::Response pending = world.send(request);
    EXPECT_EQ(pending.status, 503);
    EXPECT_EQ(world.word(pending), "refund-pending");
    EXPECT_FALSE(world.has_tunnel(buyer)) << "the peer goes before money is signed away";
    const http::Response response = world.insist_on(request);
    EXPECT_EQ(world.closed(response).refunded, Sat(45)) << "what was unused when it was closed";
    EXPECT_EQ(world.wallet(), 55U);
    EXPECT_TRUE(world.books_balance());
}

TEST_F(Closing, ARefundThatTheWalletCanNotPayIsOwedUntilItCan)
{
    const Buyer buyer = sold();
    const std::string id = world.id_of(buyer.client_key);
    const auto row = world.row_of(buyer.client_key);
    std::vector<payments::cashu::Point> ys;
    const auto held = world.process->store->wallet_proofs(store::ProofState::unspent).value();
    for (const auto& each : held) ys.push_back(payments::cashu::proof_y(each.proof.secret));
    EXPECT_TRUE(world.process->store->mark_spent_elsewhere(ys).has_value());
    const http::Request request = world.close_request(id, buyer.key);
    EXPECT_EQ(world.word(world.send(request)), "refund-pending");
    const json shown = command("show-session", {{"session", row}});
    EXPECT_TRUE(shown["refunds"][0]["settled_at"].is_null());
    EXPECT_EQ(shown["refunds"][0]["amount_sat"], 90);
    world.restart();
    sold(); // brings ecash
    for (int i = 0; i < 40; ++i) world.work_on();
    EXPECT_TRUE(world.process->store->owed_refunds().value().empty()) << "paid in the background";
    EXPECT_EQ(world.closed(world.send(request)).refunded, Sat(90));
}

TEST_F(Closing, WhoPaidByLightningHasSignedNothingAndClosesNothing)
{
    CloseWorld lightning({.lightning = fakes::FakeLightning::Way::plain});
    Payer payer = lightning.payer();
    ASSERT_TRUE(lightning.ask_invoice(payer).has_value());
    lightning.lightning->pay(payer.hash);
    lightning.attend();
    const std::string id = lightning.id_of(payer.client_key);
    ASSERT_NE(id, "");
    const auto anybody = protocol::SecretKey::generate(lightning.rng);
    EXPECT_EQ(lightning.word(lightning.send(lightning.close_request(id, anybody))), "not-yours");
}

// ---- by the operator's hand ----------------------------------------------------------------------------------------

TEST_F(Closing, TheOperatorGivesBackWhatIsUnusedWithALineInTheBooks)
{
    world.config.sessions.refunds = false; // which is about buyers
    const Buyer buyer = sold();
    const auto row = world.row_of(buyer.client_key);
    const std::string id = world.id_of(buyer.client_key);
    world.clock.pass(Seconds(900));
    const json shown = command("refund-session", {{"session", row}, {"note", "sorry"}});
    EXPECT_EQ(shown["live"], false);
    EXPECT_EQ(shown["purchases"][0]["state"], "ended");
    EXPECT_EQ(shown["purchases"][0]["unused"], 2700);
    ASSERT_EQ(shown["refunds"].size(), 1U);
    EXPECT_EQ(shown["refunds"][0]["amount_sat"], 75);
    EXPECT_EQ(shown["refunds"][0]["closed_by"], "operator");
    const std::string token = shown["refunds"][0]["token"].get<std::string>();
    EXPECT_EQ(world.worth(token), 75U);
    EXPECT_TRUE(is_locked_to(token, buyer.refund_key.public_key()));
    ASSERT_EQ(shown["acts"].size(), 1U);
    EXPECT_EQ(shown["acts"][0]["act"], "refunded");
    EXPECT_EQ(shown["acts"][0]["amount_sat"], 75);
    EXPECT_EQ(shown["acts"][0]["note"], "sorry");
    EXPECT_FALSE(world.has_tunnel(buyer));
    EXPECT_TRUE(world.books_balance());
    EXPECT_EQ(world.closed(world.send(world.close_request(id, buyer.key))).refunds, std::vector{token})
        << "the buyer has it from us, without the operator's help";

    EXPECT_FALSE(world.command("refund-session", {{"session", row}}).has_value());
    EXPECT_EQ(world.process->store->acts(row, 10).value().size(), 1U) << "twice in a row is once";
}

TEST_F(Closing, APartAnAmountOrOnePurchaseAlone)
{
    const Buyer first = sold();
    const auto row = world.row_of(first.client_key);
    topped_up(first, first.key);
    const json both = command("show-session", {{"session", row}});
    const auto second = both["purchases"][1]["purchase"].get<std::int64_t>();
    EXPECT_FALSE(world.command("refund-session", {{"session", row}, {"amount_sat", 10}}).has_value())
        << "an amount is of one purchase";
    EXPECT_FALSE(
        world.command("refund-session", {{"session", row}, {"purchase", second}, {"amount_sat", 101}}).has_value());
    json shown = command("refund-session", {{"session", row}, {"purchase", second}, {"amount_sat", 33}});
    EXPECT_EQ(shown["live"], true);
    EXPECT_EQ(shown["time_left_s"], 3599);
    EXPECT_EQ(shown["refunds"][0]["amount_sat"], 33);
    EXPECT_TRUE(world.has_tunnel(first));
    shown = command("refund-session", {{"session", row}, {"percent", 50}});
    EXPECT_EQ(shown["refunds"][1]["amount_sat"], 49); // of 3599 s
    EXPECT_FALSE(world.has_tunnel(first));
    EXPECT_EQ(world.wallet(), 200U - 33 - 49);
    EXPECT_TRUE(world.books_balance());
}

TEST_F(Closing, WhatWasGivenIsNoMoneyAndGoesOn)
{
    const Buyer buyer = sold();
    const auto row = world.row_of(buyer.client_key);
    command("extend-session", {{"session", row}, {"quantity", 2}, {"unit", "hour"}});
    const json shown = command("refund-session", {{"session", row}});
    EXPECT_EQ(shown["live"], true);
    EXPECT_EQ(shown["time_left_s"], 2 * 3600);
    EXPECT_TRUE(world.has_tunnel(buyer));
    EXPECT_EQ(shown["refunds"][0]["amount_sat"], 100);
    const auto again = world.command("refund-session", {{"session", row}});
    ASSERT_FALSE(again.has_value());
    EXPECT_THAT(again.error().detail, HasSubstr("no such purchase that is paid for"));
}

TEST_F(Closing, APaymentWithoutAKeyCanNotBeGivenBack)
{
    CloseWorld lightning({.lightning = fakes::FakeLightning::Way::plain});
    Payer payer = lightning.payer(false);
    ASSERT_TRUE(lightning.ask_invoice(payer).has_value());
    lightning.lightning->pay(payer.hash);
    lightning.attend();
    const auto row = lightning.row_of(payer.client_key);
    const auto refused = lightning.command("refund-session", {{"session", row}});
    ASSERT_FALSE(refused.has_value());
    EXPECT_THAT(refused.error().detail, HasSubstr("names no key"));
    EXPECT_TRUE(lightning.device.has(payer.client_key));
}

TEST_F(Closing, AWrongRefundIsRefusedAndChangesNothing)
{
    const Buyer buyer = sold();
    const auto row = world.row_of(buyer.client_key);
    for (const json& bad :
         {json{{"session", 99}}, json{{"session", row}, {"percent", 101}}, json{{"session", row}, {"percent", -1}},
          json{{"session", row}, {"percent", "50"}}, json{{"session", row}, {"amount_sat", -1}},
          json{{"session", row}, {"amount_sat", 1.5}}, json{{"session", row}, {"amount_sat", 1}, {"percent", 1}},
          json{{"session", row}, {"purchase", 99}}, json{{"session", row}, {"purchase", 0}},
          json{{"session", row}, {"amount_sat", ~0ULL}}, json::object()}) {
        const auto refused = world.command("refund-session", bad);
        ASSERT_FALSE(refused.has_value()) << bad;
        EXPECT_EQ(refused.error().reason, Reason::bad_request) << bad;
    }
    EXPECT_TRUE(world.has_tunnel(buyer));
    EXPECT_TRUE(world.process->store->acts(std::nullopt, 10).value().empty());
    EXPECT_EQ(world.wallet(), 100U);
}

// ---- the process dies at any moment --------------------------------------------------------------------------------

enum class Who { buyer, operator_ };

/// Half an hour of one is closed; true: the process lived to the end.
bool close_dies_at(int n, const Mood& mood, Who who, std::uint64_t fee_ppk)
{
    CloseWorld world({.fee_ppk = fee_ppk});
    const Buyer buyer =
        world.buyer(fee_ppk == 0 ? std::vector<std::uint64_t>{4, 32, 64} : std::vector<std::uint64_t>{4, 16, 32, 64});
    EXPECT_EQ(world.ask(buyer).status, 200);
    EXPECT_EQ(world.wallet(), 100U);
    const std::string id = world.id_of(buyer.client_key);
    const auto row = world.row_of(buyer.client_key);
    world.clock.pass(Seconds(1800));
    const http::Request request = world.close_request(id, buyer.key);

    Death death(n);
    world.restart(&death);
    for (const Fault& fault : mood.faults) world.faults.add(fault);
    bool told = false;
    if (world.process->closings) {
        if (who == Who::operator_)
            told = world.command("refund-session", {{"session", row}}).has_value();
        else
            for (int i = 0; i < 5 && !told && !death.dead(); ++i) told = world.send(request).status < 500;
    }
    const bool lived = !death.dead();
    SCOPED_TRACE(std::string("mint ") + mood.name + ", died " + (lived ? "never" : death.where()));

    world.restart();
    world.process->tunnels->reconcile();
    const auto refunds = world.process->store->refunds_of(row).value();
    const bool closed = !refunds.empty();
    if (told) EXPECT_TRUE(closed) << "what was told to be done is on disk";
    // Either it runs and no money has moved, or it is gone and the money is the buyer's, to be had for the asking.
    EXPECT_EQ(world.has_tunnel(buyer), !closed);
    if (!closed) EXPECT_EQ(world.wallet(), 100U);
    if (who == Who::operator_) {
        EXPECT_EQ(world.process->store->acts(std::nullopt, 10).value().size(), closed ? 1U : 0U);
        if (!closed) EXPECT_TRUE(world.command("refund-session", {{"session", row}}).has_value());
    }
    const http::Response response = world.insist_on(request);
    const protocol::Closed answer = world.closed(response);
    EXPECT_EQ(answer.refunded, Sat(who == Who::operator_ ? 50 : 45));
    EXPECT_EQ(answer.refunds.size(), 1U);
    if (answer.refunds.size() != 1) return true;
    EXPECT_EQ(world.worth(answer.refunds[0]), answer.refunded.count());
    EXPECT_FALSE(world.has_tunnel(buyer));
    if (fee_ppk == 0) EXPECT_EQ(world.wallet() + answer.refunded.count(), 100U);
    EXPECT_TRUE(world.books_balance());
    for (int i = 0; i < 3; ++i) world.work_on();
    EXPECT_EQ(world.send(request).body, response.body);
    EXPECT_EQ(world.process->store->refunds_of(row).value().size(), 1U);
    const auto after = world.mint.accounting();
    EXPECT_EQ(after.outstanding().count() + after.fees.count(), after.minted.count());
    return lived;
}

int close_everywhere(const std::vector<Mood>& in, Who who, std::uint64_t fee_ppk)
{
    return die_everywhere(in, [&](int n, const Mood& mood) { return close_dies_at(n, mood, who, fee_ppk); });
}

// In parts, since each takes a while.

TEST(ClosingCrash, AtAnyMomentOfACloseTheGrantRunsOrTheRefundIsTheBuyersOnce)
{
    const int points = close_everywhere(moods(), Who::buyer, 0);
    std::printf("died at %d points of a close\n", points);
    EXPECT_GT(points, 40);
}

TEST(ClosingCrash, TheSameAtAMintWithFees)
{
    const int points = close_everywhere(moods(), Who::buyer, 600);
    std::printf("died at %d points of a close with fees\n", points);
    EXPECT_GT(points, 40);
}

TEST(ClosingCrash, TheSameUnderAMintThatIsStubborn)
{
    const int points = close_everywhere(stubborn_moods(), Who::buyer, 0);
    std::printf("died at %d points of a close under a stubborn mint\n", points);
    EXPECT_GT(points, 40);
}

TEST(ClosingCrash, AtAnyMomentOfAnOperatorsRefundTheGrantRunsOrTheRefundIsTheBuyersOnce)
{
    const int points =
        close_everywhere(moods(), Who::operator_, 0) + close_everywhere(stubborn_moods(), Who::operator_, 0);
    std::printf("died at %d points of an operator's refund\n", points);
    EXPECT_GT(points, 40);
}

} // namespace
} // namespace adit::app
