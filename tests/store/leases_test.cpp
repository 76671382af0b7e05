#include "shelf.h"

namespace adit::store {
namespace {

using Leases = StoreTest;

TEST_F(Leases, BelongToTheKeyAndKeepTheirPresharedKey)
{
    Lease candidate{"10.8.0.2", "fd00::2", rng_.secret<32>()};
    const auto first = good(store().reserve(order(1, {"a"}), &candidate));
    EXPECT_TRUE(first.used_candidate);
    Lease other{"10.8.0.3", "fd00::3", rng_.secret<32>()};
    const auto second = good(store().reserve(order(2, {"b"}), &other));
    EXPECT_FALSE(second.used_candidate);
    EXPECT_EQ(second.lease.address, "10.8.0.2");
    EXPECT_EQ(second.lease.address6, "fd00::2");
    EXPECT_EQ(second.lease.preshared_key, candidate.preshared_key);
    EXPECT_EQ(first.lease.preshared_key, candidate.preshared_key);
    EXPECT_EQ(good(store().taken_addresses()).size(), 2U); // v4 and v6 of one key
}

TEST_F(Leases, RestOnlyWhenTheLastHolderGoes)
{
    const auto a = redeemed(order(1, {"a"}), 0);
    const auto b = reserved(order(2, {"b"}));
    good(store().drop_lease(a));
    EXPECT_EQ(rest_of("10.8.0.2"), std::nullopt);
    good(store().mark_released(b, Reason::policy));
    EXPECT_EQ(rest_of("10.8.0.2"), clock_.now() + 300s);
}

TEST_F(Leases, ThatNoPeerCanHaveHadNeedNoRest)
{
    good(store().mark_released(reserved(order(1, {"a"})), Reason::policy));
    EXPECT_EQ(rest_of("10.8.0.2"), clock_.now());
    EXPECT_EQ(good(store().end_rests(clock_.now())), std::vector<std::string>{"10.8.0.2"});
}

TEST_F(Leases, AreHeldByALiveSessionWhenItsPurchaseLetsGo)
{
    activated(redeemed(order(1, {"a"}), 0), "s");
    const auto renewal = reserved(order(2, {"b"}));
    good(store().drop_lease(renewal));
    EXPECT_EQ(rest_of("10.8.0.2"), std::nullopt);
}

TEST_F(Leases, ThatRestAreNobodyElsesUntilTheRestIsOver)
{
    good(store().drop_lease(redeemed(order(1, {"a"}), 0)));
    const auto same = address("10.8.0.2");
    EXPECT_EQ(reason(store().reserve(order(2, {"b"}, 2), &same)), Reason::busy);
    clock_.advance(299s);
    EXPECT_TRUE(good(store().end_rests(clock_.now())).empty());
    clock_.advance(1s);
    EXPECT_EQ(good(store().end_rests(clock_.now())), std::vector<std::string>{"10.8.0.2"});
    EXPECT_TRUE(store().reserve(order(2, {"b"}, 2), &same).has_value());
}

TEST_F(Leases, ThatRestAreRevivedWhenTheirKeyComesBack)
{
    good(store().mark_released(reserved(order(1, {"a"})), Reason::policy));
    EXPECT_EQ(good(store().reserve(order(1, {"a"}), nullptr)).lease.address, "10.8.0.2");
    EXPECT_EQ(rest_of("10.8.0.2"), std::nullopt);
    clock_.advance(1h);
    EXPECT_TRUE(good(store().end_rests(clock_.now())).empty());
}

TEST_F(Leases, CanBeGivenBackAndTakenAgainWhileTheMintIsSilent)
{
    const auto id = reserved(order(1, {"a"}));
    good(store().begin_swap(id, redeem({"a"}, 0)));
    good(store().drop_lease(id));
    EXPECT_EQ(reason(store().drop_lease(id)), Reason::bad_step);
    EXPECT_FALSE(good(store().purchase(id)).holds_lease);
    EXPECT_EQ(good(store().find(event_id(1), ys({"a"}), client(1))).proofs, ProofMatch::exact);
    EXPECT_EQ(good(store().end_rests(clock_.now())).size(), 1U) << "no peer can have had it, so it needs no rest";

    EXPECT_EQ(reason(store().take_lease(id, nullptr)), Reason::no_ip_available);
    EXPECT_FALSE(good(store().purchase(id)).holds_lease); // the refusal left nothing behind
    const auto fresh = address("10.8.0.9");
    const auto taken = good(store().take_lease(id, &fresh));
    EXPECT_TRUE(taken.used_candidate);
    EXPECT_EQ(taken.lease.address, "10.8.0.9");
    EXPECT_TRUE(good(store().purchase(id)).holds_lease);
    EXPECT_FALSE(good(store().take_lease(id, nullptr)).used_candidate); // again: nothing changes
}

TEST_F(Leases, GivenBackRestWhereAPeerMayHaveHadThem)
{
    const auto paid = redeemed(order(1, {"a"}), 0); // its peer may have been put just before we died
    good(store().drop_lease(paid));
    EXPECT_EQ(rest_of("10.8.0.2"), clock_.now() + 300s);
    // The same key pays once more, and this mint is silent: the peer of the first may still be there.
    const auto unknown = reserved(order(2, {"b"}), "10.8.0.9");
    good(store().begin_swap(unknown, redeem({"b"}, 2)));
    EXPECT_EQ(rest_of("10.8.0.2"), std::nullopt);
    good(store().drop_lease(unknown));
    EXPECT_EQ(rest_of("10.8.0.2"), clock_.now() + 300s);
}

TEST_F(Leases, ThatAreHeldAreTakenAgainWithoutACommit)
{
    std::atomic<int> commits{0};
    open({.before_commit =
              [&](auto) {
                  ++commits;
                  return Fate::lives;
              },
          .after_commit = {}});
    const auto id = reserved(order(1, {"a"}));
    EXPECT_EQ(commits, 1);
    EXPECT_EQ(good(store().take_lease(id, nullptr)).lease.address, "10.8.0.2");
    EXPECT_EQ(commits, 1);
}

TEST_F(Leases, AreNotForPurchasesThatAreOver)
{
    const auto id = reserved(order(1, {"a"}));
    good(store().mark_released(id, Reason::policy));
    const auto fresh = address("10.8.0.9");
    EXPECT_EQ(reason(store().take_lease(id, &fresh)), Reason::bad_step);
    EXPECT_EQ(reason(store().drop_lease(id)), Reason::bad_step);
}

TEST_F(Leases, OfARefundRestOnceItIsDone)
{
    const auto id = redeemed(order(1, {"a"}), 0);
    const auto swap = good(store().begin_refund(id, refund({"proof0"})));
    EXPECT_EQ(rest_of("10.8.0.2"), std::nullopt);
    clock_.advance(5s);
    good(store().mark_refunded(id, swap, "cashuB", {}));
    EXPECT_EQ(rest_of("10.8.0.2"), clock_.now() + 300s);
}

} // namespace
} // namespace adit::store
