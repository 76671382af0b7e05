#include "shelf.h"

#include <thread>

namespace adit::store {
namespace {

using Purchases = StoreTest;
using session::State;

TEST_F(Purchases, AreReadBackAsTheyWereReserved)
{
    auto wanted = order(1, {"a", "b"});
    wanted.refund_key = auth_key(9);
    const auto id = reserved(wanted);
    const auto row = good(store().purchase(id));
    EXPECT_EQ(row.id, id);
    EXPECT_EQ(row.state, State::reserved);
    EXPECT_EQ(row.event_id, wanted.event_id);
    EXPECT_EQ(row.auth_key, wanted.auth_key);
    EXPECT_EQ(row.refund_key, wanted.refund_key);
    EXPECT_EQ(row.client_key, wanted.client_key);
    EXPECT_EQ(row.listing, "vpn");
    EXPECT_EQ(row.tier_amount, "10");
    EXPECT_EQ(row.tier_unit, "hour");
    EXPECT_EQ(row.grant.max_mbps, 0U);
    EXPECT_EQ(row.quantity, 2U);
    EXPECT_EQ(row.grant, wanted.grant);
    EXPECT_EQ(row.price, Sat(20));
    EXPECT_EQ(row.paid, Sat(24));
    EXPECT_EQ(row.mint, wanted.mint);
    EXPECT_TRUE(row.holds_lease);
    EXPECT_EQ(row.created_at, clock_.now());
    EXPECT_EQ(row.state_since, clock_.now());
    EXPECT_FALSE(row.change || row.refund || row.activated_at || row.expires_at || row.session);
}

TEST_F(Purchases, ThatDoNotExistAreNotFound)
{
    EXPECT_EQ(reason(store().purchase(PurchaseId{77})), Reason::not_found);
    const auto lookup = good(store().find(event_id(1), ys({"a"}), client(1)));
    EXPECT_FALSE(lookup.by_event || lookup.by_proofs);
    EXPECT_EQ(lookup.proofs, ProofMatch::none);
}

TEST_F(Purchases, AreRefusedForAnEventThatIsKnown)
{
    reserved(order(1, {"a"}));
    const auto lease = address("10.8.0.3");
    EXPECT_EQ(reason(store().reserve(order(1, {"b"}, 2), &lease)), Reason::bad_step);
    EXPECT_EQ(good(store().find(event_id(2), ys({"b"}), client(1))).proofs, ProofMatch::none);
}

TEST_F(Purchases, AreRefusedWholeForOneProofThatIsAnothers)
{
    reserved(order(1, {"a"}));
    const auto lease = address("10.8.0.3");
    EXPECT_EQ(reason(store().reserve(order(2, {"b", "a", "c"}, 2), &lease)), Reason::double_spent);
    EXPECT_EQ(good(store().find(event_id(2), ys({"b", "c"}), client(2))).proofs, ProofMatch::none);
    EXPECT_EQ(good(store().taken_addresses()).size(), 1U);
    EXPECT_EQ(good(store().open_purchases()).size(), 1U);
}

TEST_F(Purchases, AreRefusedWithoutAnAddress)
{
    EXPECT_EQ(reason(store().reserve(order(1, {"a"}), nullptr)), Reason::no_ip_available);
    EXPECT_EQ(good(store().find(event_id(1), ys({"a"}), client(1))).proofs, ProofMatch::none);
    reserved(order(1, {"a"}));
    EXPECT_TRUE(store().reserve(order(2, {"b"}), nullptr).has_value()); // the same key needs none
}

TEST_F(Purchases, AreRefusedAnAddressOfAnotherKeyInEitherFamily)
{
    const Lease first{"10.8.0.2", "fd00::2", std::nullopt};
    good(store().reserve(order(1, {"a"}), &first));
    const Lease same4{"10.8.0.2", "fd00::3", std::nullopt};
    const Lease same6{"10.8.0.3", "fd00::2", std::nullopt};
    EXPECT_EQ(reason(store().reserve(order(2, {"b"}, 2), &same4)), Reason::busy);
    EXPECT_EQ(reason(store().reserve(order(2, {"b"}, 2), &same6)), Reason::busy);
    EXPECT_EQ(good(store().open_purchases()).size(), 1U);
}

TEST_F(Purchases, OfAmountsThatNoRowHoldsAreRefused)
{
    auto huge = order(1, {"a"});
    huge.paid = Sat(~0ULL);
    const auto lease = address("10.8.0.2");
    EXPECT_EQ(reason(store().reserve(huge, &lease)), Reason::bad_request);
    EXPECT_TRUE(good(store().open_purchases()).empty());
}

TEST_F(Purchases, RacingForTheSameProofsHaveOneWinner)
{
    for (std::uint8_t round = 0; round < 10; ++round) {
        const std::string secret = "race" + std::to_string(round);
        std::atomic<int> won{0};
        std::atomic<int> double_spent{0};
        std::vector<std::thread> buyers;
        for (std::uint8_t i = 0; i < 8; ++i)
            buyers.emplace_back([&, i] {
                auto mine = order(static_cast<std::uint8_t>(round * 8 + i), {}, 100U + round * 8U + i);
                mine.ys = {y_of(secret), y_of(secret + std::to_string(i))};
                const auto lease = address("10.8." + std::to_string(round) + "." + std::to_string(i));
                const auto answer = store().reserve(mine, &lease);
                if (answer)
                    ++won;
                else if (answer.error().reason == Reason::double_spent)
                    ++double_spent;
            });
        for (auto& buyer : buyers) buyer.join();
        EXPECT_EQ(won, 1);
        EXPECT_EQ(double_spent, 7);
    }
    EXPECT_EQ(good(store().open_purchases()).size(), 10U);
}

TEST_F(Purchases, RacingWithTheSameRequestHaveOneWinner)
{
    std::atomic<int> won{0};
    std::vector<std::thread> repeats;
    for (int i = 0; i < 8; ++i)
        repeats.emplace_back([&] {
            const auto lease = address("10.8.0.2");
            const auto answer = store().reserve(order(1, {"a"}), &lease);
            if (answer)
                ++won;
            else
                EXPECT_EQ(answer.error().reason, Reason::bad_step);
        });
    for (auto& repeat : repeats) repeat.join();
    EXPECT_EQ(won, 1);
}

TEST_F(Purchases, AreFoundByEventAndByExactlyTheirProofs)
{
    const auto id = reserved(order(1, {"a", "b"}));
    const auto same = good(store().find(event_id(1), ys({"b", "a"}), client(1)));
    ASSERT_TRUE(same.by_event && same.by_proofs);
    EXPECT_EQ(same.by_event->id, id);
    EXPECT_EQ(same.by_proofs->id, id);
    EXPECT_EQ(same.proofs, ProofMatch::exact);
    EXPECT_TRUE(same.event_has_these_proofs && same.event_has_this_client_key && same.proofs_have_this_client_key);

    const auto new_event = good(store().find(event_id(2), ys({"a", "b"}), client(1)));
    EXPECT_FALSE(new_event.by_event);
    EXPECT_EQ(new_event.proofs, ProofMatch::exact);
    EXPECT_TRUE(new_event.proofs_have_this_client_key);

    const auto other_key = good(store().find(event_id(1), ys({"a", "b"}), client(2)));
    EXPECT_TRUE(other_key.event_has_these_proofs);
    EXPECT_FALSE(other_key.event_has_this_client_key || other_key.proofs_have_this_client_key);
}

TEST_F(Purchases, MatchInPartForSubsetsSupersetsAndMixtures)
{
    reserved(order(1, {"a", "b"}));
    reserved(order(2, {"c"}, 2), "10.8.0.3");
    for (const auto& asked : {ys({"a"}), ys({"a", "b", "x"}), ys({"a", "b", "c"}), ys({"c", "x"}), ys({"b", "c"})}) {
        const auto lookup = good(store().find(event_id(1), asked, client(1)));
        EXPECT_EQ(lookup.proofs, ProofMatch::partial);
        EXPECT_FALSE(lookup.by_proofs);
        EXPECT_TRUE(lookup.by_event);
        EXPECT_FALSE(lookup.event_has_these_proofs);
    }
    EXPECT_EQ(good(store().find(event_id(1), ys({"x"}), client(1))).proofs, ProofMatch::none);
}

TEST_F(Purchases, OfOneEventAndProofsOfAnotherAreToldApart)
{
    reserved(order(1, {"a"}));
    const auto second = reserved(order(2, {"b"}), "10.8.0.3");
    const auto lookup = good(store().find(event_id(1), ys({"b"}), client(1)));
    EXPECT_EQ(lookup.proofs, ProofMatch::exact);
    EXPECT_EQ(lookup.by_proofs->id, second);
    EXPECT_FALSE(lookup.event_has_these_proofs);
}

TEST_F(Purchases, ThatWereReleasedAreNotFoundAndMayBeginAnew)
{
    const auto first = reserved(order(1, {"a", "b"}));
    good(store().mark_released(first, Reason::double_spent));
    const auto lookup = good(store().find(event_id(1), ys({"a", "b"}), client(1)));
    EXPECT_FALSE(lookup.by_event || lookup.by_proofs);
    EXPECT_EQ(lookup.proofs, ProofMatch::none);
    const auto second = reserved(order(1, {"a", "b"}));
    EXPECT_NE(first, second);
    EXPECT_EQ(state_of(first), State::released);
    EXPECT_EQ(state_of(second), State::reserved);
}

TEST_F(Purchases, AreOpenUntilTheyAreActiveOrOver)
{
    const auto a = reserved(order(1, {"a"}));
    const auto b = redeemed(order(2, {"b"}), 1);
    const auto c = redeemed(order(3, {"c"}), 2);
    const auto d = redeemed(order(4, {"d"}), 3);
    const auto e = reserved(order(5, {"e"}));
    activated(c, "c");
    good(store().begin_refund(d, refund({"proof3"})));
    good(store().mark_released(e, Reason::policy));
    std::vector<PurchaseId> open;
    for (const auto& purchase : good(store().open_purchases())) open.push_back(purchase.id);
    EXPECT_EQ(open, (std::vector{a, b, d}));
}

TEST_F(Purchases, UnclaimedForTooLongEndAndLetTheirAddressRest)
{
    const auto id = redeemed(order(1, {"a"}), 0);
    EXPECT_EQ(good(store().lapse_unclaimed(clock_.now())), 0U);
    clock_.advance(10s);
    EXPECT_EQ(good(store().lapse_unclaimed(clock_.now())), 1U);
    EXPECT_EQ(state_of(id), State::ended);
    EXPECT_EQ(rest_of("10.8.0.2"), clock_.now() + 300s);
    EXPECT_TRUE(good(store().find(event_id(1), ys({"a"}), client(1))).by_event);
    EXPECT_EQ(good(store().wallet_proofs(ProofState::unspent)).size(), 1U);
    EXPECT_EQ(reason(store().mark_active(id, {"s", clock_.now()})), Reason::bad_step);
}

} // namespace
} // namespace adit::store
