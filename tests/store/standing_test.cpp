#include "shelf.h"

namespace adit::store {
namespace {

using session::State;

class StandingTest : public StoreTest {
protected:
    static const Store::Standing::InState* in(const Store::Standing& standing, State state)
    {
        for (const auto& each : standing.open)
            if (each.state == state) return &each;
        return nullptr;
    }
};

TEST_F(StandingTest, AnEmptyStoreHasNothingOnItsWay)
{
    const auto standing = good(store().standing());
    EXPECT_TRUE(standing.open.empty());
    EXPECT_EQ(standing.outbox, 0U);
    EXPECT_FALSE(standing.outbox_oldest);
    EXPECT_TRUE(standing.wallet.empty());
    EXPECT_TRUE(good(store().sold_since(UnixSeconds(0))).empty());
}

TEST_F(StandingTest, CountsWhatIsOnItsWayByStateAndKnowsTheOldest)
{
    const UnixSeconds first = clock_.now();
    const auto a = reserved(order(1, {"a"}, 1), "10.8.0.2");
    good(store().begin_swap(a, redeem({"a"}, 1)));
    clock_.advance(10s);
    const auto b = reserved(order(2, {"b"}, 2), "10.8.0.3");
    good(store().begin_swap(b, redeem({"b"}, 2)));
    clock_.advance(10s);
    reserved(order(3, {"c"}, 3), "10.8.0.4");
    auto standing = good(store().standing());
    ASSERT_EQ(standing.open.size(), 2U);
    ASSERT_NE(in(standing, State::swapping), nullptr);
    EXPECT_EQ(in(standing, State::swapping)->purchases, 2U);
    EXPECT_EQ(in(standing, State::swapping)->oldest, first);
    ASSERT_NE(in(standing, State::reserved), nullptr);
    EXPECT_EQ(in(standing, State::reserved)->oldest, clock_.now());

    good(store().mark_released(a, Reason::double_spent));
    standing = good(store().standing());
    EXPECT_EQ(in(standing, State::swapping)->purchases, 1U) << "what is over is not on its way";
    EXPECT_EQ(in(standing, State::swapping)->oldest, first + Seconds(10));
}

TEST_F(StandingTest, AddsUpTheUnspentProofsOfEachMint)
{
    redeemed(order(1, {"a"}, 1), 1, "10.8.0.2");
    redeemed(order(2, {"b"}, 2), 2, "10.8.0.3");
    std::vector<WalletProof> others;
    for (int i = 0; i < 2500; ++i) // more than are read at once
        others.push_back({"https://other.example", proof("other" + std::to_string(i), 2), ProofState::unspent, {}});
    good(store().add_wallet_proofs(others));
    const auto standing = good(store().standing());
    ASSERT_EQ(standing.wallet.size(), 2U);
    EXPECT_EQ(standing.wallet[0].mint, "https://mint.example");
    EXPECT_EQ(standing.wallet[0].unspent, Sat(16));
    EXPECT_EQ(standing.wallet[1].unspent, Sat(5000));
}

TEST_F(StandingTest, TheOutboxIsCountedWithItsOldest)
{
    fakes::SeededRng rng(3);
    const auto key = protocol::SecretKey::generate(rng);
    std::vector<protocol::Event> events;
    for (const std::int64_t at : {1'600'000'100, 1'600'000'200, 1'600'000'300})
        events.push_back(protocol::sign_event({UnixSeconds(at), 1, {}, "x"}, key, rng));
    good(store().put_outbox(events));
    const auto standing = good(store().standing());
    EXPECT_EQ(standing.outbox, 3U);
    EXPECT_EQ(standing.outbox_oldest, UnixSeconds(1'600'000'100));
}

TEST_F(StandingTest, SalesAreThoseDeliveredSinceThen)
{
    activated(redeemed(order(1, {"a"}, 1), 1, "10.8.0.2"), "1");
    clock_.advance(100s);
    const UnixSeconds since = clock_.now();
    activated(redeemed(order(2, {"b"}, 2), 2, "10.8.0.3"), "2");
    activated(redeemed(order(3, {"c"}, 3), 3, "10.8.0.4"), "3");
    redeemed(order(4, {"d"}, 4), 4, "10.8.0.5"); // paid, not delivered
    auto other = order(5, {"e"}, 5);
    other.tier_amount = "500";
    other.tier_unit = "GiB";
    other.mint = "https://other.example";
    activated(redeemed(other, 5, "10.8.0.6"), "5");

    const auto sold = good(store().sold_since(since));
    ASSERT_EQ(sold.size(), 2U);
    EXPECT_EQ(sold[0].tier_unit, "GiB");
    EXPECT_EQ(sold[0].mint, "https://other.example");
    EXPECT_EQ(sold[0].sales, 1U);
    EXPECT_EQ(sold[1].tier_amount, "10");
    EXPECT_EQ(sold[1].sales, 2U);
    EXPECT_EQ(sold[1].price, Sat(40));
    EXPECT_EQ(sold[1].method, session::Method::cashu);
    EXPECT_EQ(good(store().sold_since(UnixSeconds(0)))[1].sales, 3U);
    EXPECT_TRUE(good(store().sold_since(clock_.now() + Seconds(1))).empty());
}

} // namespace
} // namespace adit::store
