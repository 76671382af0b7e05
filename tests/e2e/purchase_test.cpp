// A purchase over real HTTP: what is delivered, what a repeat gets, what change is worth, how renewals add up.
#include "e2e/shop.h"

#include "base/clock.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/mint_json.h"
#include "payments/cashu/secret.h"
#include "protocol/constants.h"
#include "protocol/wg_config.h"

#include <future>
#include <nlohmann/json.hpp>
#include <poll.h>

namespace adit::e2e {
namespace {

constexpr std::uint64_t kFeePpk = 100; // up to ten proofs cost one sat

class PurchaseTest : public testing::Test {
protected:
    static void SetUpTestSuite()
    {
        Settings settings;
        settings.prices = {{"100", "sat", "hour"}, {"500", "sat", "GiB"}};
        settings.listing_tables = "[listing.max_purchase]\namount = 5\nunit = \"hour\"\n";
        devnet::WorldOptions options;
        options.mint.fee_ppk = kFeePpk;
        shop_ = std::make_unique<Shop>(settings, options);
        shop_->start();
    }
    static void TearDownTestSuite() { shop_.reset(); }

    static nlohmann::json session(const protocol::Delivered& delivered)
    {
        const Reply reply = shop_->get("/session/" + delivered.session_id.value_or("none"));
        EXPECT_EQ(reply.status, 200) << reply.body;
        return nlohmann::json::parse(reply.body, nullptr, false);
    }
    /// Every SIG_INPUTS proof of the token, spent by its owner for fresh ones.
    static int spend(const std::string& token, const protocol::SecretKey& key)
    {
        auto proofs = must(cashu::parse_token(token)).proofs;
        std::uint64_t sats = 0;
        for (auto& proof : proofs) {
            proof.keyset = shop_->world->mint().keysets().front().id; // tokens carry it short
            sats += proof.amount.count();
        }
        sats -= (proofs.size() * kFeePpk + 999) / 1000;
        std::vector<cashu::BlindedMessage> outputs;
        for (std::uint64_t bit = 1; bit <= sats; bit *= 2)
            if ((sats & bit) != 0)
                outputs.push_back(
                    {proofs.front().keyset, Sat(bit),
                     must(cashu::blind(cashu::make_plain_secret(shop_->rng), cashu::random_scalar(shop_->rng)))});
        EXPECT_TRUE(cashu::sign_inputs(proofs, outputs, key, shop_->rng));
        return shop_->world->mint().handle("POST", "/v1/swap", cashu::encode_swap(proofs, outputs)).status;
    }

    static std::unique_ptr<Shop> shop_;
};
std::unique_ptr<Shop> PurchaseTest::shop_;

TEST_F(PurchaseTest, GivesAConfigThatCanBeUsed)
{
    const UnixSeconds before = system_clock().now();
    const std::uint64_t wallet = shop_->wallet();
    const Buyer buyer = shop_->buyer({1, 4, 32, 64});
    const auto answer = delivered(shop_->ask(buyer.request));
    EXPECT_EQ(answer.quantity, 1U);
    EXPECT_FALSE(answer.change);
    EXPECT_GE(answer.expires_at, before + Seconds(3600));
    EXPECT_LE(answer.expires_at, system_clock().now() + Seconds(3600));
    ASSERT_TRUE(answer.session_id);
    EXPECT_EQ(answer.session_id->size(), 32U);
    const auto config = must(protocol::parse_config(answer.config));
    EXPECT_EQ(config.server_key, shop_->server_key);
    EXPECT_EQ(config.endpoint, "vpn.example:51820");
    EXPECT_TRUE(config.preshared_key);
    EXPECT_NE(answer.config.find("https://shop.example/session/" + *answer.session_id), std::string::npos);
    EXPECT_EQ(shop_->wallet(), wallet + 100);
    EXPECT_EQ(shop_->spent_of(buyer), 101U);
    const auto view = session(answer);
    EXPECT_EQ(view["status"], "active");
    EXPECT_EQ(view["expires_at"], answer.expires_at.count());
    EXPECT_TRUE(view["last_handshake_age_s"].is_null());
}

TEST_F(PurchaseTest, TheSameRequestGetsTheSameAnswerForEver)
{
    const Buyer buyer = shop_->buyer({1, 4, 16, 32, 64});
    auto draft = shop_->draft();
    const UnixSeconds end = system_clock().now() + Seconds(3);
    for (auto& tag : draft.tags)
        if (tag.front() == "expiration") tag[1] = std::to_string(end.count());
    const Ask request = shop_->request(buyer, draft, buyer.key);
    const std::string first = shop_->ask(request).body;
    ASSERT_EQ(must(protocol::parse_purchase_answer(200, first)).index(), 0U) << first;
    const std::uint64_t wallet = shop_->wallet();
    const auto swaps = shop_->world->mint_requests()["mint.swap"];

    EXPECT_EQ(shop_->ask(request).body, first);
    ASSERT_TRUE(fakes::eventually(Milliseconds(10'000), [&] { return system_clock().now() > end; }));
    EXPECT_EQ(shop_->ask(request).body, first) << "after the event has expired";
    shop_->admin("pause");
    EXPECT_EQ(shop_->ask(request).body, first) << "while the listing is paused";
    EXPECT_EQ(shop_->ask(shop_->buyer({1, 4, 32, 64}).request).reason(), "policy");
    shop_->admin("resume");
    shop_->restart();
    EXPECT_EQ(shop_->ask(request).body, first) << "after a restart";
    EXPECT_EQ(shop_->wallet(), wallet);
    EXPECT_EQ(shop_->world->mint_requests()["mint.swap"], swaps);
}

TEST_F(PurchaseTest, RepeatsAtTheSameTimeAreOnePurchase)
{
    const std::uint64_t wallet = shop_->wallet();
    const Buyer buyer = shop_->buyer({1, 4, 32, 64});
    devnet::Fault slow;
    slow.endpoint = "mint.swap";
    slow.latency = Milliseconds(300);
    slow.times = 1;
    shop_->world->faults().add(slow);
    std::vector<std::future<Reply>> asked;
    for (int i = 0; i < 10; ++i)
        asked.push_back(std::async(std::launch::async, [&] { return shop_->ask(buyer.request); }));
    const std::string first = asked.front().get().body;
    delivered({200, {}, first});
    for (std::size_t i = 1; i < asked.size(); ++i) EXPECT_EQ(asked[i].get().body, first);
    EXPECT_EQ(shop_->wallet(), wallet + 100);
}

TEST_F(PurchaseTest, TokenAndClientKeyAreThePurchaseWhoeverSigns)
{
    const Buyer buyer = shop_->buyer({1, 4, 32, 64});
    const auto first = delivered(shop_->ask(buyer.request));
    // By the same key, and by its first tier.
    EXPECT_EQ(delivered(shop_->ask(shop_->request(buyer, 1))), first);
    // By another: whoever holds token and client key learns the tunnel, but not its secrets nor its page.
    const auto stranger = protocol::SecretKey::generate(shop_->rng);
    const auto again = delivered(shop_->ask(shop_->request(buyer, shop_->draft(), stranger)));
    EXPECT_FALSE(again.session_id);
    EXPECT_EQ(again.expires_at, first.expires_at);
    EXPECT_EQ(again.config.find(*first.session_id), std::string::npos);
    EXPECT_EQ(again.config.find("PresharedKey"), std::string::npos);
    EXPECT_EQ(must(protocol::parse_config(again.config)).addresses,
              must(protocol::parse_config(first.config)).addresses);
    EXPECT_EQ(delivered(shop_->ask(buyer.request)), first) << "the buyer's own answer stays";
}

TEST_F(PurchaseTest, AKnownEventBuysNothingElse)
{
    const Buyer buyer = shop_->buyer({1, 4, 32, 64});
    const auto first = delivered(shop_->ask(buyer.request));
    const Buyer other = shop_->buyer({1, 4, 32, 64});
    Ask other_proofs = buyer.request;
    other_proofs.headers[1].second = other.token;
    const Reply reply = shop_->ask(other_proofs);
    EXPECT_EQ(reply.status, 401);
    EXPECT_EQ(reply.reason(), "expired-auth");
    EXPECT_EQ(shop_->spent_of(other), 0U);
    Ask other_key = buyer.request;
    other_key.body = other.request.body;
    EXPECT_EQ(shop_->ask(other_key).status, 401);
    EXPECT_EQ(shop_->ask(other_key).reason(), "expired-auth");
    Ask no_body = buyer.request;
    no_body.body = "{";
    EXPECT_EQ(shop_->ask(no_body).status, 401);
    Ask no_token = buyer.request;
    no_token.headers.erase(no_token.headers.begin() + 1);
    EXPECT_EQ(shop_->ask(no_token).status, 401);
    EXPECT_EQ(delivered(shop_->ask(buyer.request)), first);
    EXPECT_EQ(shop_->ask(other.request).status, 200) << "and the other token is as good as before";
}

TEST_F(PurchaseTest, AProofOfAnotherPurchaseSpoilsTheWholeToken)
{
    const Buyer buyer = shop_->buyer({1, 4, 32, 64});
    delivered(shop_->ask(buyer.request));
    auto proofs = shop_->make_proofs({1, 4, 32}, shop_->locked());
    proofs.push_back(buyer.proofs.back());
    const Buyer mixed = shop_->buyer_with(proofs);
    const Reply reply = shop_->ask(mixed.request);
    EXPECT_EQ(reply.status, 402);
    EXPECT_EQ(reply.reason(), "double-spent");
    EXPECT_EQ(shop_->spent_of(mixed), 64U) << "only what was spent before";
    // The whole token of another, for another tunnel.
    const Reply stolen = shop_->ask(shop_->buyer_with(buyer.proofs).request);
    EXPECT_EQ(stolen.status, 402);
    EXPECT_EQ(stolen.reason(), "double-spent");
    // A part of it.
    const Reply part = shop_->ask(shop_->buyer_with({buyer.proofs[0], buyer.proofs[1]}).request);
    EXPECT_EQ(part.reason(), "double-spent");
}

TEST_F(PurchaseTest, ATokenSpentElsewhereIsDoubleSpent)
{
    const Buyer buyer = shop_->buyer({1, 4, 32, 64});
    ASSERT_EQ(spend(buyer.token, shop_->sales_key), 200);
    const Reply reply = shop_->ask(buyer.request);
    EXPECT_EQ(reply.status, 402) << reply.body;
    EXPECT_EQ(reply.reason(), "double-spent");
}

TEST_F(PurchaseTest, TwoHundredProofsPassAndLeaveChange)
{
    const std::uint64_t wallet = shop_->wallet();
    const Buyer buyer = shop_->buyer(std::vector<std::uint64_t>(200, 1));
    const auto answer = delivered(shop_->ask(buyer.request));
    EXPECT_EQ(answer.quantity, 1U);
    EXPECT_EQ(shop_->wallet(), wallet + 100);
    ASSERT_TRUE(answer.change);
    EXPECT_EQ(shop_->worth(*answer.change), 80U) << "200, a fee of 20, a price of 100";
}

TEST_F(PurchaseTest, ChangeBelongsToTheRefundKeyElseToTheAuthKey)
{
    for (const bool with_refund_key : {true, false}) {
        Buyer buyer = shop_->buyer({1, 4, 16, 32, 64});
        if (!with_refund_key)
            buyer.request.body = protocol::encode_purchase_body({"wireguard", buyer.client_key, std::nullopt});
        const auto answer = delivered(shop_->ask(buyer.request));
        ASSERT_TRUE(answer.change);
        EXPECT_EQ(shop_->worth(*answer.change), 16U);
        const protocol::SecretKey& owner = with_refund_key ? buyer.refund_key : buyer.key;
        for (const auto& proof : must(cashu::parse_token(*answer.change)).proofs) {
            const auto secret = must(cashu::parse_secret(proof.secret));
            ASSERT_TRUE(secret);
            const auto lock = must(cashu::parse_p2pk_lock(*secret));
            EXPECT_EQ(lock.keys, std::vector{cashu::even_point(owner.public_key())});
            EXPECT_EQ(lock.refund_keys, std::vector{cashu::even_point(shop_->sales_key.public_key())});
            ASSERT_TRUE(lock.locktime);
            EXPECT_NEAR(static_cast<double>((*lock.locktime - system_clock().now()).count()), 90 * 86400.0, 60.0);
            EXPECT_TRUE(proof.dleq) << "its receiver can check it";
        }
        EXPECT_NE(spend(*answer.change, shop_->sales_key), 200) << "not ours before its time";
        EXPECT_EQ(spend(*answer.change, owner), 200);
    }
}

TEST_F(PurchaseTest, MoreThanMaxPurchaseComesBack)
{
    const Buyer buyer = shop_->buyer({1, 4, 64, 128, 512}); // 709: seven hours and a little
    const auto answer = delivered(shop_->ask(buyer.request));
    EXPECT_EQ(answer.quantity, 5U);
    ASSERT_TRUE(answer.change);
    EXPECT_EQ(shop_->worth(*answer.change), 208U);
}

TEST_F(PurchaseTest, TheSameKeyAgainAddsTimeAtTheSameAddress)
{
    const Buyer buyer = shop_->buyer({1, 4, 32, 64});
    const auto first = delivered(shop_->ask(buyer.request));
    Buyer more = shop_->buyer({1, 8, 64, 128}); // two hours
    more.client_key = buyer.client_key;
    more.key = buyer.key.duplicate();
    const auto second = delivered(shop_->ask(shop_->request(more)));
    EXPECT_EQ(second.quantity, 2U);
    EXPECT_EQ(second.expires_at, first.expires_at + Seconds(2 * 3600));
    EXPECT_EQ(second.session_id, first.session_id);
    const auto before = must(protocol::parse_config(first.config));
    const auto after = must(protocol::parse_config(second.config));
    EXPECT_EQ(after.addresses, before.addresses);
    EXPECT_EQ(encode_hex(after.preshared_key->expose()), encode_hex(before.preshared_key->expose()));
    // A friend renews: the time is the session's, its secrets are not the friend's.
    Buyer friendly = shop_->buyer({1, 4, 32, 64});
    friendly.client_key = buyer.client_key;
    const auto gift = delivered(shop_->ask(shop_->request(friendly)));
    EXPECT_FALSE(gift.session_id);
    EXPECT_EQ(gift.config.find("PresharedKey"), std::string::npos);
    EXPECT_EQ(gift.expires_at, second.expires_at + Seconds(3600));
    EXPECT_EQ(session(first)["expires_at"], gift.expires_at.count());
}

TEST_F(PurchaseTest, DataAfterTimeWaitsItsTurn)
{
    const Buyer buyer = shop_->buyer({1, 4, 32, 64});
    const auto hour = delivered(shop_->ask(buyer.request));
    Buyer more = shop_->buyer({1, 1024}); // two GiB
    more.client_key = buyer.client_key;
    more.key = buyer.key.duplicate();
    const auto data = delivered(shop_->ask(shop_->request(more, 1)));
    EXPECT_EQ(data.quantity, 2U);
    EXPECT_EQ(shop_->worth(*data.change), 24U);
    EXPECT_EQ(data.expires_at, hour.expires_at + Seconds(30 * 86400)) << "it lapses 30 days after its turn has come";
    const auto view = session(hour);
    EXPECT_EQ(view["data_quota_bytes"], 2ULL << 30);
    EXPECT_EQ(view["data_used_bytes"], 0);
}

TEST_F(PurchaseTest, AMintThatGoesSilentIsFollowedUpInTheBackground)
{
    for (const devnet::FaultMoment moment : {devnet::FaultMoment::before, devnet::FaultMoment::after}) {
        const std::uint64_t wallet = shop_->wallet();
        const Buyer buyer = shop_->buyer({1, 4, 32, 64});
        devnet::Fault silent;
        silent.endpoint = "mint.swap";
        silent.act = devnet::FaultAct::cut; // after a clean close curl itself would send the same bytes again
        silent.moment = moment;
        silent.times = 1;
        shop_->world->faults().add(silent);
        const Reply reply = shop_->ask(buyer.request);
        EXPECT_EQ(reply.status, 503) << reply.body;
        EXPECT_EQ(reply.reason(), "mint-unreachable");
        EXPECT_TRUE(reply.header("Retry-After"));
        // The buyer does nothing; the money is redeemed all the same, and the buyer's next word brings the tunnel.
        EXPECT_TRUE(fakes::eventually(Milliseconds(20'000), [&] { return shop_->wallet() == wallet + 100; }));
        const auto answer = delivered(shop_->ask(buyer.request));
        EXPECT_EQ(session(answer)["status"], "active");
        EXPECT_EQ(shop_->wallet(), wallet + 100);
    }
}

TEST_F(PurchaseTest, ASilentMintTakesNothingFromBuyersOfTheListing)
{
    const Reply info = shop_->get("/info");
    devnet::Fault hang;
    hang.endpoint = "mint.*";
    hang.act = devnet::FaultAct::hang;
    const auto number = shop_->world->faults().add(hang);
    const Buyer buyer = shop_->buyer({1, 4, 32, 64});
    auto waiting = std::async(std::launch::async, [&] { return shop_->ask(buyer.request); });
    const SteadyTime before = system_clock().steady();
    EXPECT_EQ(shop_->get("/info").body, info.body);
    EXPECT_EQ(shop_->get("/health?live").status, 200);
    EXPECT_LT((system_clock().steady() - before).count(), SteadyTime::duration(Seconds(5)).count());
    EXPECT_EQ(waiting.get().reason(), "mint-unreachable");
    shop_->world->faults().remove(number);
    EXPECT_EQ(shop_->insist(buyer.request).status, 200);
}

} // namespace
} // namespace adit::e2e
