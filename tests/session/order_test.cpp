#include "session/order.h"

#include "protocol/constants.h"
#include "session/tier.h"

#include <gtest/gtest.h>
#include <random>

namespace adit::session {
namespace {

using protocol::Bound;
using protocol::Unit;

constexpr UnixSeconds kOrderNow(1800000000);
constexpr std::uint64_t kYear = 365 * 86400;

protocol::Tier tier(std::uint64_t price, Unit unit)
{
    return {0, {std::to_string(price), "sat", std::string(protocol::unit_word(unit))}, Sat(price), unit};
}

Result<Order> order(const protocol::Tier& t, std::uint64_t net, const OrderTerms& terms = {},
                    const std::vector<Segment>& held = {})
{
    return make_order(t, Sat(net), terms, held, kOrderNow);
}

TEST(Orders, TheExactPriceBuysOneUnitWithoutChange)
{
    const auto made = order(tier(100, Unit::hour), 100);
    ASSERT_TRUE(made);
    EXPECT_EQ(made->quantity, 1U);
    EXPECT_EQ(made->price, Sat(100));
    EXPECT_EQ(made->left_over, Sat(0));
    EXPECT_EQ(made->grant, (GrantSize{GrantClass::time, 3600}));
}

TEST(Orders, MoreThanThePriceBuysMoreAndTheRestIsLeftOver)
{
    const auto made = order(tier(100, Unit::gib), 399);
    ASSERT_TRUE(made);
    EXPECT_EQ(made->quantity, 3U);
    EXPECT_EQ(made->price, Sat(300));
    EXPECT_EQ(made->left_over, Sat(99));
    EXPECT_EQ(made->grant, (GrantSize{GrantClass::data, 3ULL << 30}));
}

TEST(Orders, TheSpeedIsThatOfThePrice)
{
    const OrderTerms terms{std::nullopt, std::nullopt, {0, 50}};
    protocol::Tier second = tier(100, Unit::hour);
    EXPECT_EQ(order(second, 100, terms)->grant.max_mbps, 0U);
    second.index = 1;
    EXPECT_EQ(order(second, 100, terms)->grant.max_mbps, 50U);
    second.index = 2;
    EXPECT_EQ(order(second, 100, terms)->grant.max_mbps, 0U);
}

TEST(Orders, LessThanOneUnitIsAnAmountMismatch)
{
    EXPECT_EQ(order(tier(100, Unit::hour), 99).error().reason, Reason::amount_mismatch);
    EXPECT_EQ(order(tier(100, Unit::hour), 0).error().reason, Reason::amount_mismatch);
}

TEST(Orders, MaxPurchaseLimitsTheQuantityAndLeavesTheRestOver)
{
    const auto made = order(tier(100, Unit::hour), 5000, {std::nullopt, Bound{1, Unit::day}});
    ASSERT_TRUE(made);
    EXPECT_EQ(made->quantity, 24U);
    EXPECT_EQ(made->left_over, Sat(2600));
}

TEST(Orders, OneUnitAboveMaxPurchaseIsRefused)
{
    EXPECT_EQ(order(tier(100, Unit::week), 100, {std::nullopt, Bound{6, Unit::day}}).error().reason,
              Reason::above_max_purchase);
    EXPECT_TRUE(order(tier(100, Unit::week), 100, {std::nullopt, Bound{7, Unit::day}}));
}

TEST(Orders, LessThanMinPurchaseIsRefused)
{
    const OrderTerms terms{Bound{2, Unit::hour}, std::nullopt};
    EXPECT_EQ(order(tier(100, Unit::hour), 199, terms).error().reason, Reason::below_min_purchase);
    EXPECT_EQ(order(tier(100, Unit::hour), 200, terms)->quantity, 2U);
}

TEST(Orders, BoundsOfTheOtherDimensionAreNotCompared)
{
    const OrderTerms time_terms{Bound{2, Unit::day}, Bound{3, Unit::day}};
    EXPECT_EQ(order(tier(10, Unit::gib), 10, time_terms)->quantity, 1U);
    EXPECT_EQ(order(tier(10, Unit::gib), 10000, time_terms)->quantity, 1000U);
    const OrderTerms data_terms{Bound{2, Unit::tib}, Bound{3, Unit::tib}};
    EXPECT_EQ(order(tier(10, Unit::hour), 10, data_terms)->quantity, 1U);
}

TEST(Orders, ASessionNeverReachesBeyondFiveYears)
{
    const auto made = order(tier(1, Unit::day), 100000);
    ASSERT_TRUE(made);
    EXPECT_EQ(made->quantity, 5U * 365);
    EXPECT_EQ(made->left_over, Sat(100000 - 5 * 365));
    const auto held = add_grant({}, {GrantClass::time, 5 * kYear - 86400 - 1}, kOrderNow).value();
    EXPECT_EQ(order(tier(1, Unit::day), 10, {}, held)->quantity, 1U);
    const auto full = add_grant({}, {GrantClass::time, 5 * kYear}, kOrderNow).value();
    EXPECT_EQ(order(tier(1, Unit::hour), 10, {}, full).error().reason, Reason::above_max_purchase);
}

TEST(Orders, AQuotaNeverExceedsTwoToTheSixty)
{
    const auto made = order(tier(1, Unit::tib), UINT64_MAX);
    ASSERT_TRUE(made);
    EXPECT_EQ(made->quantity, 1ULL << 20);
    EXPECT_EQ(made->grant.amount, 1ULL << 60);
    const auto held = add_grant({}, {GrantClass::data, (1ULL << 60) - (1ULL << 30)}, kOrderNow).value();
    EXPECT_EQ(order(tier(1, Unit::tib), 10, {}, held).error().reason, Reason::above_max_purchase);
    EXPECT_EQ(order(tier(1, Unit::gib), 10, {}, held)->quantity, 1U);
}

TEST(Orders, WhatFitsTheSessionButNotMinPurchaseIsAboveAndNotBelow)
{
    const auto held = add_grant({}, {GrantClass::time, 5 * kYear - 3600}, kOrderNow).value();
    EXPECT_EQ(order(tier(1, Unit::hour), 10, {Bound{2, Unit::hour}, std::nullopt}, held).error().reason,
              Reason::above_max_purchase);
}

TEST(Orders, HugeBoundsDoNotOverflow)
{
    EXPECT_EQ(order(tier(1, Unit::hour), 5, {std::nullopt, Bound{UINT64_MAX, Unit::month}})->quantity, 5U);
    EXPECT_EQ(order(tier(1, Unit::hour), 5, {Bound{UINT64_MAX, Unit::month}, std::nullopt}).error().reason,
              Reason::below_min_purchase);
}

TEST(Orders, RandomPaymentsAlwaysAddUp)
{
    std::mt19937_64 dice(42);
    constexpr Unit kUnits[]{Unit::hour, Unit::day, Unit::week, Unit::month, Unit::gib, Unit::tib};
    for (int i = 0; i < 20000; ++i) {
        const std::uint64_t price = 1 + (dice() >> (dice() % 64));
        const std::uint64_t net = dice() >> (dice() % 64);
        if (price == 0) continue;
        OrderTerms terms;
        if (dice() % 2 == 0) terms.min_purchase = Bound{dice() >> (dice() % 64), kUnits[dice() % 6]};
        if (dice() % 2 == 0) terms.max_purchase = Bound{dice() >> (dice() % 64), kUnits[dice() % 6]};
        const auto made = order(tier(price, kUnits[dice() % 6]), net, terms);
        if (!made) continue;
        EXPECT_GE(made->quantity, 1U);
        EXPECT_EQ(made->price.count() + made->left_over.count(), net);
        EXPECT_EQ(made->price.count() / made->quantity, price);
        const auto session = add_grant({}, made->grant, kOrderNow);
        ASSERT_TRUE(session) << "what was ordered can be granted";
        EXPECT_LE(*expires_at(*session), kOrderNow + protocol::kMaxSession);
        if (!terms.max_purchase) continue;
        EXPECT_NE(protocol::compare_with_bound(made->grant.cls, made->grant.amount, *terms.max_purchase),
                  std::strong_ordering::greater);
    }
}

TEST(Tiers, AreDescribedForPeopleAndFoundAgainFromTheStore)
{
    EXPECT_EQ(describe(tier(1000, Unit::day), 1), "1000 sat/day");
    EXPECT_EQ(describe(tier(5, Unit::gib), 3), "5 sat/GiB x 3");
    const auto again = tier_of({"1000.0", "sat", "day"}, 4);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->index, 4U);
    EXPECT_EQ(again->price, Sat(1000));
    EXPECT_EQ(tier_of({"1", "usd", "day"}, 0).error().reason, Reason::price_mismatch);
}

TEST(Tiers, AGrantThatDoesNotFitIsNone)
{
    EXPECT_EQ(grant_of(Unit::week, 2), (GrantSize{GrantClass::time, 1209600}));
    EXPECT_EQ(grant_of(Unit::tib, 1ULL << 24), std::nullopt);
    EXPECT_EQ(grant_of(Unit::hour, UINT64_MAX), std::nullopt);
}

} // namespace
} // namespace adit::session
