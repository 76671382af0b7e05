// What a buyer does with every answer of an operator, honest or not.
#include "cli/market_world.h"
#include "payments/cashu/curve.h"
#include "protocol/purchase_auth.h"
#include "protocol/wg_config.h"

#include <gmock/gmock.h>

namespace adit::cli {
namespace {

using ::testing::HasSubstr;

std::string refused(Reason reason) { return protocol::encode_refused(reason); }

class BuyerTest : public ::testing::Test {
protected:
    /// The pretended operator says the same to everybody.
    void operator_says(int status, const std::string& body)
    {
        world.network.set_operator([=](const payments::HttpCall&) {
            return std::optional(payments::HttpReply{status, body});
        });
    }
    std::string locked_to_refund_key(const Record& record, std::uint64_t amount)
    {
        cashu::P2pkLock lock;
        lock.keys = {cashu::even_point(record.keys.refund.public_key())};
        return world.token(amount, lock);
    }
    MarketWorld world;
};

TEST_F(BuyerTest, ADeliveredConfigHasOurOwnKeyAndTheSessionsAddress)
{
    Record record = world.begin();
    const auto outcome = world.go_on(record, nullptr, Seconds(20));
    ASSERT_EQ(outcome.end, End::delivered) << outcome.why;
    const auto config = must(protocol::parse_config(record.tunnel->config));
    ASSERT_TRUE(config.private_key.has_value());
    EXPECT_TRUE(*config.private_key == record.keys.wireguard);
    EXPECT_THAT(record.tunnel->session_url, HasSubstr("/session/"));
    EXPECT_EQ(record.tunnel->quantity, 2U);
    const auto seen = world.network.call({"GET", record.tunnel->session_url});
    EXPECT_EQ(must(seen).status, 200);
}

TEST_F(BuyerTest, AFinishedPurchaseIsNotAskedForAgain)
{
    Record record = world.begin();
    ASSERT_EQ(world.go_on(record, nullptr, Seconds(20)).end, End::delivered);
    const auto sent = world.network.purchases.size();
    record = world.reload();
    EXPECT_EQ(world.go_on(record, nullptr, Seconds(20)).end, End::delivered);
    EXPECT_EQ(world.network.purchases.size(), sent);
}

TEST_F(BuyerTest, SilenceIsAnsweredWithTheSameBytes)
{
    int asked = 0;
    world.network.set_operator([&](const payments::HttpCall&) -> std::optional<payments::HttpReply> {
        if (++asked == 1) return payments::HttpReply{502, "<html>"};
        if (asked == 2) return payments::HttpReply{503, refused(Reason::mint_unreachable), Seconds(0)};
        if (asked == 3) return payments::HttpReply{200, "yes, but this is no JSON"};
        return std::nullopt;
    });
    Record record = world.begin();
    ASSERT_EQ(world.go_on(record, nullptr, Seconds(20)).end, End::delivered);
    ASSERT_EQ(world.network.purchases.size(), 4U);
    for (const auto& one : world.network.purchases) EXPECT_EQ(one, world.network.purchases.front());
    EXPECT_FALSE(record.puzzle.has_value());
}

TEST_F(BuyerTest, AnExpiredEventIsSignedAnewByTheSameKeyForTheSameToken)
{
    operator_says(502, "");
    Record record = world.begin();
    EXPECT_EQ(world.go_on(record, nullptr, Seconds(0)).end, End::open);
    world.clock.move(Seconds(600));
    protocol::Delivered delivered;
    delivered.config = protocol::render_config(
        {.private_key = {},
         .addresses = {"10.66.0.2/32"},
         .dns = {},
         .mtu = {},
         .server_key = protocol::wireguard_public_key(protocol::generate_wireguard_secret(system_rng())),
         .preshared_key = {},
         .endpoint = "vpn.example:51820"},
        {});
    delivered.expires_at = UnixSeconds(2'000'000'000);
    int asked = 0;
    world.network.set_operator([&](const payments::HttpCall&) -> std::optional<payments::HttpReply> {
        if (++asked == 1) return payments::HttpReply{401, refused(Reason::expired_auth)};
        return payments::HttpReply{200, protocol::encode_delivered(delivered)};
    });
    record = world.reload();
    const auto outcome = world.go_on(record, nullptr, Seconds(20));
    ASSERT_EQ(outcome.end, End::delivered) << outcome.why;
    const auto& sent = world.network.purchases;
    ASSERT_EQ(sent.size(), 3U);
    EXPECT_EQ(sent[0], sent[1]) << "the identical request comes first";
    EXPECT_EQ(sent[1].second, sent[2].second);
    const auto first = must(protocol::parse_auth_header(sent[0].first));
    const auto last = must(protocol::parse_auth_header(sent[2].first));
    EXPECT_NE(first.id, last.id);
    EXPECT_EQ(first.pubkey, last.pubkey);
}

TEST_F(BuyerTest, ARefundEndsInTheFileAndCanBeRedeemed)
{
    Record record = world.begin();
    const std::string refund = locked_to_refund_key(record, 42);
    const std::string change = locked_to_refund_key(record, 8);
    operator_says(409, protocol::encode_refunded({refund, "no device", change}));
    EXPECT_EQ(world.go_on(record, nullptr, Seconds(20)).end, End::refunded);
    EXPECT_EQ(world.reporter.said.find("Warning"), std::string::npos) << world.reporter.said;
    record = world.reload();
    ASSERT_EQ(record.coins.size(), 2U);
    EXPECT_EQ(value_of_coins(record), Sat(50));
    EXPECT_TRUE(must(world.redeem(record, nullptr, Seconds(20))));
    record = world.reload();
    ASSERT_EQ(record.coins.back().kind, Coin::Kind::redeemed);
    EXPECT_EQ(value_of_coins(record), Sat(49)); // four proofs, one sat of fee
    EXPECT_EQ(world.unspent(record.coins.back().token), Sat(49));
    EXPECT_FALSE(must(world.redeem(record, nullptr, Seconds(20)))) << "there is nothing left";
}

TEST_F(BuyerTest, ForgedChangeIsWarnedAboutAndKept)
{
    Record record = world.begin();
    cashu::P2pkLock theirs;
    theirs.keys = {cashu::even_point(protocol::SecretKey::generate(system_rng()).public_key())};
    const std::string forged = world.token(4, theirs);
    operator_says(409, protocol::encode_refunded({forged, ""}));
    EXPECT_EQ(world.go_on(record, nullptr, Seconds(20)).end, End::refunded);
    EXPECT_THAT(world.reporter.said, HasSubstr("Warning"));
    ASSERT_EQ(world.reload().coins.size(), 1U);
    EXPECT_EQ(world.reload().coins[0].token, forged);
}

TEST_F(BuyerTest, AConfigThatRunsCommandsIsRefusedAndKeptForPeople)
{
    Record record = world.begin();
    protocol::Delivered evil;
    evil.config = "[Interface]\nPrivateKey = <x>\nAddress = 10.0.0.2/32\nPostUp = rm -rf /\n[Peer]\n";
    evil.expires_at = UnixSeconds(2'000'000'000);
    operator_says(200, protocol::encode_delivered(evil));
    const auto outcome = world.go_on(record, nullptr, Seconds(20));
    EXPECT_EQ(outcome.end, End::open);
    EXPECT_THAT(outcome.why, HasSubstr("not to be trusted"));
    record = world.reload();
    EXPECT_FALSE(record.tunnel.has_value());
    EXPECT_THAT(record.puzzle.value_or(""), HasSubstr("PostUp"));
}

TEST_F(BuyerTest, APaymentThatWasRefusedComesBackFromItsLocktimeOn)
{
    operator_says(402, refused(Reason::wrong_p2pk));
    Record record = world.begin();
    const auto outcome = world.go_on(record, nullptr, Seconds(20));
    EXPECT_EQ(outcome.end, End::open);
    EXPECT_THAT(outcome.why, HasSubstr("not spent"));
    record = world.reload();
    EXPECT_EQ(record.stage, Stage::refused);
    const auto early = world.redeem(record, nullptr, Seconds(20));
    ASSERT_FALSE(early.has_value());
    EXPECT_EQ(early.error().reason, Reason::policy);

    world.clock.move(kPaymentLocktime + Seconds(120));
    const auto redeemed = world.redeem(record, nullptr, Seconds(20));
    ASSERT_TRUE(redeemed.has_value()) << redeemed.error().detail;
    EXPECT_TRUE(*redeemed);
    record = world.reload();
    EXPECT_EQ(record.stage, Stage::refunded);
    EXPECT_EQ(world.unspent(record.coins.back().token), Sat(42)); // 43 paid in, one sat of fee
    EXPECT_EQ(world.go_on(record, nullptr, Seconds(20)).end, End::refunded) << "it is not sent to the operator again";
}

TEST_F(BuyerTest, ChangeIsRedeemedBesideAPaymentThatTheOperatorHasTaken)
{
    // As if every answer had been lost until the session was over; the 410 then had the change in it.
    Record record = world.begin();
    ASSERT_EQ(world.go_on(record, nullptr, Seconds(20)).end, End::delivered);
    record.stage = Stage::refused;
    record.tunnel.reset();
    record.coins = {Coin{Coin::Kind::change, locked_to_refund_key(record, 8), Sat(8)}};
    must(save_record(world.file, record));
    world.clock.move(kPaymentLocktime + Seconds(120)); // from now on the payment would be ours too, were it not spent
    const auto redeemed = world.redeem(record, nullptr, Seconds(20));
    ASSERT_TRUE(redeemed.has_value()) << redeemed.error().detail;
    record = world.reload();
    EXPECT_EQ(world.unspent(record.coins.back().token), Sat(7)); // a sat of fee
    EXPECT_EQ(record.stage, Stage::refused) << "the payment was not taken back";
    const auto again = world.redeem(record, nullptr, Seconds(20));
    ASSERT_FALSE(again.has_value());
    EXPECT_EQ(again.error().reason, Reason::policy);
}

TEST_F(BuyerTest, ARefusalMayBeOverWhenAskedAgain)
{
    operator_says(402, refused(Reason::double_spent));
    Record record = world.begin();
    EXPECT_EQ(world.go_on(record, nullptr, Seconds(20)).end, End::open);
    world.network.set_operator({});
    record = world.reload();
    EXPECT_EQ(world.go_on(record, nullptr, Seconds(20)).end, End::delivered);
}

TEST_F(BuyerTest, NothingIsPaidToAnOperatorWhoDoesNotSell)
{
    Record record = world.begin();
    record.offer.price.amount = "20"; // not what the shop asks
    const auto outcome = world.go_on(record, nullptr, Seconds(20));
    EXPECT_EQ(outcome.end, End::refused);
    EXPECT_THAT(outcome.why, HasSubstr("price-mismatch"));
    EXPECT_EQ(world.reload().stage, Stage::begun);
    EXPECT_EQ(world.world->mint_requests()["mint.quote"], 0U);
}

TEST_F(BuyerTest, NothingIsPaidToAnOperatorWhoIsNotThere)
{
    Record record = world.begin();
    record.offer.endpoint = "http://127.0.0.1:1/purchase";
    EXPECT_EQ(world.go_on(record, nullptr, Seconds(0)).end, End::refused);
    EXPECT_EQ(world.world->mint_requests()["mint.quote"], 0U);
}

TEST_F(BuyerTest, ATokenLockedToTheOperatorIsHandedOverAsItIs)
{
    cashu::P2pkLock lock;
    lock.keys = {*world.offer().lock};
    const std::string token = world.token(64, lock);
    Record record = world.begin(token);
    const auto outcome = world.go_on(record, nullptr, Seconds(20));
    ASSERT_EQ(outcome.end, End::delivered) << outcome.why;
    EXPECT_EQ(record.payment, token);
    EXPECT_EQ(record.tunnel->quantity, 3U) << "more than the price buys more";
}

TEST_F(BuyerTest, ATokenOfSomebodyElseIsRefusedUntouched)
{
    cashu::P2pkLock theirs;
    theirs.keys = {cashu::even_point(protocol::SecretKey::generate(system_rng()).public_key())};
    const std::string token = world.token(64, theirs);
    Record record = world.begin(token);
    EXPECT_EQ(world.go_on(record, nullptr, Seconds(20)).end, End::refused);
    EXPECT_EQ(world.unspent(token), Sat(64));
}

TEST_F(BuyerTest, ATokenThatIsTooSmallIsRefusedUntouched)
{
    const std::string token = world.token(43); // 42, and a sat for each of two swaps
    Record record = world.begin(token);
    const auto outcome = world.go_on(record, nullptr, Seconds(20));
    EXPECT_EQ(outcome.end, End::refused);
    EXPECT_THAT(outcome.why, HasSubstr("44 sat"));
    EXPECT_EQ(world.unspent(token), Sat(43));
}

TEST_F(BuyerTest, AnInvoiceThatNobodyPaysCostsNothingAndCanBePaidLater)
{
    auto settings = world.world->mint().settings();
    settings.quote_payment = devnet::QuotePayment::by_hand;
    world.world->mint().set_settings(settings);
    int shown = 0;
    world.reporter.on_invoice = [&](const std::string&) { ++shown; };
    Record record = world.begin();
    EXPECT_EQ(world.go_on(record, nullptr, Seconds(0)).end, End::open);
    EXPECT_EQ(shown, 1);
    record = world.reload();
    EXPECT_EQ(record.stage, Stage::quoted);
    world.world->mint().pay_quote(record.quote->id);
    EXPECT_EQ(world.go_on(record, nullptr, Seconds(20)).end, End::delivered);
}

TEST_F(BuyerTest, AKeysetRotatedWhileTheMintWasSilentLosesNothing)
{
    devnet::Fault silent;
    silent.endpoint = "mint.mint";
    silent.act = devnet::FaultAct::cut;
    silent.times = 1;
    world.world->faults().add(silent);
    Record record = world.begin();
    EXPECT_EQ(world.go_on(record, nullptr, Seconds(0)).end, End::open);
    EXPECT_EQ(world.reload().stage, Stage::funding);
    world.world->mint().rotate({});
    record = world.reload();
    const auto outcome = world.go_on(record, nullptr, Seconds(20));
    ASSERT_EQ(outcome.end, End::delivered) << outcome.why;
    EXPECT_EQ(record.funding.size(), 2U) << "the old outputs are kept beside the new";
}

TEST_F(BuyerTest, AMintThatKnowsOnlyTheOldQuoteSignatureIsPaidAllTheSame)
{
    auto settings = world.world->mint().settings();
    settings.quote_signatures = devnet::QuoteSignatures::legacy_only;
    world.world->mint().set_settings(settings);
    Record record = world.begin();
    const auto outcome = world.go_on(record, nullptr, Seconds(20));
    EXPECT_EQ(outcome.end, End::delivered) << outcome.why;
}

} // namespace
} // namespace adit::cli
