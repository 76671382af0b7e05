#include "session/grant.h"

#include "protocol/constants.h"

#include <gtest/gtest.h>
#include <random>

namespace adit::session {
namespace {

using Queue = std::vector<Segment>;

constexpr UnixSeconds kNow(1800000000);
constexpr std::uint64_t kHour = 3600;
constexpr std::uint64_t kDay = 86400;
constexpr std::uint64_t kGib = 1ULL << 30;
constexpr Seconds kLapse(30 * 86400);

Queue time_first(std::uint64_t seconds, UnixSeconds at = kNow)
{
    return add_grant({}, {GrantClass::time, seconds}, at).value();
}
Queue data_first(std::uint64_t bytes, UnixSeconds at = kNow)
{
    return add_grant({}, {GrantClass::data, bytes}, at).value();
}
Queue plus(const Queue& queue, GrantClass cls, std::uint64_t amount, UnixSeconds at)
{
    return add_grant(queue, {cls, amount}, at).value();
}

TEST(Grants, AFirstOneStartsNow)
{
    EXPECT_EQ(time_first(kHour), (Queue{{GrantClass::time, kHour, kNow, kNow + Seconds(3600), 0}}));
    EXPECT_EQ(data_first(kGib), (Queue{{GrantClass::data, kGib, kNow, kNow + kLapse, 0}}));
}

TEST(Grants, TimeAddsToTimeThatRuns)
{
    const Queue queue = plus(time_first(kHour), GrantClass::time, kDay, kNow + Seconds(1800));
    EXPECT_EQ(queue, (Queue{{GrantClass::time, kHour + kDay, kNow, kNow + Seconds(3600 + 86400), 0}}));
}

TEST(Grants, DataAddsToDataThatRunsAndMovesItsLapse)
{
    Queue queue = advance(data_first(kGib), kNow + Seconds(100), 77).segments;
    queue = plus(queue, GrantClass::data, 2 * kGib, kNow + Seconds(86400));
    EXPECT_EQ(queue, (Queue{{GrantClass::data, 3 * kGib, kNow, kNow + Seconds(86400) + kLapse, 77}}));
}

TEST(Grants, TheOtherClassWaitsItsTurnAndGrowsThere)
{
    Queue queue = plus(time_first(kDay), GrantClass::data, kGib, kNow + Seconds(5));
    ASSERT_EQ(queue.size(), 2U);
    EXPECT_EQ(queue[1], (Segment{GrantClass::data, kGib, std::nullopt, std::nullopt, 0}));
    queue = plus(queue, GrantClass::data, kGib, kNow + Seconds(6));
    ASSERT_EQ(queue.size(), 2U);
    EXPECT_EQ(queue[1], (Segment{GrantClass::data, 2 * kGib, std::nullopt, std::nullopt, 0}));
    queue = plus(queue, GrantClass::time, kHour, kNow + Seconds(7));
    EXPECT_EQ(queue.size(), 3U);
    EXPECT_EQ(expires_at(queue), kNow + Seconds(86400) + kLapse + Seconds(3600));
    EXPECT_EQ(next_deadline(queue), kNow + Seconds(86400));
}

TEST(Grants, AnotherSpeedWaitsItsTurnAndTheGrantInForceDecides)
{
    const auto slow = add_grant({}, {GrantClass::time, kHour, 10}, kNow).value();
    EXPECT_EQ(max_mbps(slow), 10U);
    const auto both = add_grant(slow, {GrantClass::time, kHour, 50}, kNow).value();
    ASSERT_EQ(both.size(), 2U);
    EXPECT_EQ(max_mbps(both), 10U);
    EXPECT_EQ(expires_at(both), kNow + Seconds(7200));
    EXPECT_EQ(add_grant(both, {GrantClass::time, kHour, 50}, kNow).value().size(), 2U);
    const auto later = advance(both, kNow + Seconds(3600), 0).segments;
    EXPECT_EQ(max_mbps(later), 50U);
    EXPECT_EQ(max_mbps({}), 0U);
    EXPECT_EQ(take_back(both, {GrantClass::time, kHour, 50}, kNow), slow);
    EXPECT_EQ(max_mbps(take_back(both, {GrantClass::time, kHour, 10}, kNow)), 50U);
}

TEST(Grants, DataOfAnotherSpeedHasALapseOfItsOwnThatMustFit)
{
    const auto almost_five_years = static_cast<std::uint64_t>((protocol::kMaxSession - Seconds(86400)).count());
    const Queue held = add_grant({}, {GrantClass::time, almost_five_years}, kNow).value();
    EXPECT_EQ(room_for(held, GrantClass::data, kNow, 10), 0U);
    const Queue data = add_grant({}, {GrantClass::data, kGib, 10}, kNow).value();
    EXPECT_EQ(room_for(data, GrantClass::data, kNow, 10), room_for(data, GrantClass::data, kNow, 20));
    EXPECT_EQ(add_grant(data, {GrantClass::data, kGib, 10}, kNow).value().size(), 1U);
    EXPECT_EQ(quota_bytes(add_grant(data, {GrantClass::data, kGib, 20}, kNow).value()), 2 * kGib);
}

TEST(Grants, OneThatCameAfterTheEndStartsAnew)
{
    const UnixSeconds later = kNow + Seconds(7200);
    EXPECT_EQ(plus(time_first(kHour), GrantClass::time, kHour, later), time_first(kHour, later));
    Queue used = data_first(kGib);
    used.front().used_bytes = kGib;
    EXPECT_EQ(plus(used, GrantClass::data, kGib, later), data_first(kGib, later));
}

TEST(Grants, NothingIsNoGrant) { EXPECT_FALSE(add_grant({}, {GrantClass::time, 0}, kNow)); }

TEST(Grants, TheCapsAreFiveYearsAndTwoToTheSixty)
{
    const auto five_years = static_cast<std::uint64_t>(protocol::kMaxSession.count());
    EXPECT_EQ(room_for({}, GrantClass::time, kNow), five_years);
    EXPECT_EQ(room_for({}, GrantClass::data, kNow), 1ULL << 60);
    EXPECT_TRUE(add_grant({}, {GrantClass::time, five_years}, kNow));
    EXPECT_EQ(add_grant({}, {GrantClass::time, five_years + 1}, kNow).error().reason, Reason::above_max_purchase);
    EXPECT_EQ(add_grant({}, {GrantClass::time, UINT64_MAX}, kNow).error().reason, Reason::above_max_purchase);
    EXPECT_EQ(add_grant({}, {GrantClass::data, (1ULL << 60) + 1}, kNow).error().reason, Reason::above_max_purchase);
    const Queue full = time_first(five_years);
    EXPECT_EQ(room_for(full, GrantClass::time, kNow), 0U);
    EXPECT_EQ(room_for(full, GrantClass::data, kNow), 0U) << "its lapse would be beyond five years";
    EXPECT_EQ(room_for(full, GrantClass::time, kNow + Seconds(100)), 100U);
    const Queue data = data_first(1ULL << 60);
    EXPECT_EQ(room_for(data, GrantClass::data, kNow), 0U);
    EXPECT_EQ(room_for(data, GrantClass::time, kNow), five_years - static_cast<std::uint64_t>(kLapse.count()));
}

TEST(Grants, ARenewedSessionMayRunForLongerThanFiveYearsInTheEnd)
{
    UnixSeconds now = kNow;
    Queue queue = time_first(30 * kDay, now);
    for (int month = 0; month < 200; ++month) {
        now = now + Seconds(29 * 86400);
        queue = plus(advance(queue, now, 1000).segments, GrantClass::time, 30 * kDay, now);
    }
    EXPECT_EQ(expires_at(queue), kNow + Seconds(201 * 30 * 86400));
    EXPECT_EQ(advance(queue, *expires_at(queue) - Seconds(1), 0).running, Running::yes);
}

TEST(Advancing, TimeEndsExactlyAtItsEnd)
{
    const Queue queue = time_first(kHour);
    EXPECT_EQ(advance(queue, kNow + Seconds(3599), 0).running, Running::yes);
    EXPECT_EQ(advance(queue, kNow + Seconds(3600), 0).running, Running::over);
    EXPECT_TRUE(advance(queue, kNow + Seconds(3600), 0).segments.empty());
}

TEST(Advancing, NoAmountOfDataEndsTime)
{
    const Advanced advanced = advance(time_first(kHour), kNow, UINT64_MAX);
    EXPECT_EQ(advanced.running, Running::yes);
    EXPECT_EQ(used_bytes(advanced.segments), UINT64_MAX);
    EXPECT_EQ(used_bytes(advance(advanced.segments, kNow, 5).segments), UINT64_MAX);
}

TEST(Advancing, DataEndsWithItsQuotaOrItsLapse)
{
    const Queue queue = data_first(kGib);
    EXPECT_EQ(advance(queue, kNow, kGib - 1).running, Running::yes);
    EXPECT_EQ(bytes_left(advance(queue, kNow, kGib - 1).segments), 1U);
    EXPECT_EQ(advance(queue, kNow, kGib).running, Running::over);
    EXPECT_EQ(advance(queue, kNow + kLapse - Seconds(1), 0).running, Running::yes);
    EXPECT_EQ(advance(queue, kNow + kLapse, 0).running, Running::over);
}

TEST(Advancing, TheNextStartsWhereTheLastEndedByTime)
{
    const Queue queue = plus(time_first(kHour), GrantClass::data, kGib, kNow);
    const UnixSeconds late = kNow + Seconds(50000); // the daemon slept over the change
    const Queue now = advance(queue, late, 10).segments;
    ASSERT_EQ(now.size(), 1U);
    EXPECT_EQ(now[0], (Segment{GrantClass::data, kGib, kNow + Seconds(3600), kNow + Seconds(3600) + kLapse, 0}));
}

TEST(Advancing, TheNextStartsNowWhereTheLastUsedUpItsData)
{
    const Queue queue = plus(data_first(kGib), GrantClass::time, kHour, kNow);
    const UnixSeconds later = kNow + Seconds(500);
    const Advanced advanced = advance(queue, later, 5 * kGib);
    ASSERT_EQ(advanced.segments.size(), 1U);
    EXPECT_EQ(advanced.segments[0], (Segment{GrantClass::time, kHour, later, later + Seconds(3600), 0}))
        << "what was too much is not carried over";
}

TEST(Advancing, AVeryLongSleepEndsTheWholeQueue)
{
    Queue queue = plus(time_first(kHour), GrantClass::data, kGib, kNow);
    queue = plus(queue, GrantClass::time, kHour, kNow);
    const UnixSeconds end = *expires_at(queue);
    EXPECT_EQ(advance(queue, end - Seconds(1), 0).segments.size(), 1U);
    EXPECT_EQ(advance(queue, end, 0).running, Running::over);
}

TEST(Advancing, AClockThatStandsBeforeTheStartEndsNothing)
{
    const Queue queue = time_first(kHour);
    EXPECT_EQ(advance(queue, kNow - Seconds(1000000), 0).segments, queue);
}

TEST(Advancing, AnEmptyQueueIsOverAndSaysNothing)
{
    EXPECT_EQ(advance({}, kNow, 5).running, Running::over);
    EXPECT_EQ(expires_at({}), std::nullopt);
    EXPECT_EQ(next_deadline({}), std::nullopt);
    EXPECT_EQ(quota_bytes({}), std::nullopt);
    EXPECT_EQ(bytes_left({}), std::nullopt);
    EXPECT_EQ(used_bytes({}), 0U);
}

TEST(Advancing, TheQuotaIsThatOfAllDataInTheQueue)
{
    Queue queue = plus(data_first(kGib), GrantClass::time, kHour, kNow);
    queue = plus(queue, GrantClass::data, 2 * kGib, kNow);
    queue = advance(queue, kNow, 500).segments;
    EXPECT_EQ(quota_bytes(queue), 3 * kGib);
    EXPECT_EQ(used_bytes(queue), 500U);
    EXPECT_EQ(bytes_left(queue), kGib - 500);
}

/// Whatever happens in whatever order, these hold.
void expect_sound(const Queue& queue, UnixSeconds now)
{
    for (std::size_t i = 0; i < queue.size(); ++i) {
        EXPECT_EQ(queue[i].started_at.has_value(), i == 0);
        EXPECT_EQ(queue[i].ends_at.has_value(), i == 0);
        if (i > 0) {
            EXPECT_NE(queue[i].cls, queue[i - 1].cls);
            EXPECT_EQ(queue[i].used_bytes, 0U);
        }
        EXPECT_GT(queue[i].amount, 0U);
    }
    if (queue.empty()) return;
    EXPECT_GT(*next_deadline(queue), now);
    EXPECT_GE(*expires_at(queue), *next_deadline(queue));
    EXPECT_LE(*expires_at(queue), now + protocol::kMaxSession);
    if (const auto left = bytes_left(queue)) {
        EXPECT_GT(*left, 0U);
    }
    EXPECT_LE(quota_bytes(queue).value_or(0), 1ULL << 60);
}

TEST(GrantProperties, RandomLivesStaySound)
{
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937_64 dice(seed);
        Queue queue;
        UnixSeconds now = kNow;
        for (int i = 0; i < 60; ++i) {
            now = now + Seconds(static_cast<std::int64_t>(dice() >> (40 + dice() % 20)));
            const std::uint64_t amount = dice() >> (dice() % 64);
            const auto cls = dice() % 2 == 0 ? GrantClass::time : GrantClass::data;
            if (dice() % 2 == 0) {
                queue = advance(queue, now, dice() >> (dice() % 64)).segments;
            } else if (const auto grown = add_grant(queue, {cls, amount}, now)) {
                EXPECT_LE(amount, room_for(queue, cls, now));
                EXPECT_GE(*expires_at(*grown), expires_at(advance(queue, now, 0).segments).value_or(now));
                queue = *grown;
            } else {
                EXPECT_TRUE(amount == 0 || amount > room_for(queue, cls, now));
                queue = advance(queue, now, 0).segments;
            }
            expect_sound(queue, now);
            if (testing::Test::HasFailure()) return;
        }
    }
}

TEST(GrantProperties, LookingMoreOftenChangesNothing)
{
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        std::mt19937_64 dice(seed);
        Queue queue;
        for (int i = 0; i < 6; ++i) {
            const auto cls = dice() % 2 == 0 ? GrantClass::time : GrantClass::data;
            if (auto grown = add_grant(queue, {cls, 1 + dice() % (40 * kDay)}, kNow)) queue = *grown;
        }
        Queue often = queue;
        UnixSeconds now = kNow;
        for (int i = 0; i < 50; ++i) {
            now = now + Seconds(static_cast<std::int64_t>(dice() % (3 * kDay)));
            often = advance(often, now, 0).segments;
        }
        EXPECT_EQ(often, advance(queue, now, 0).segments) << seed;
    }
}

TEST(TakenBackGrants, LeaveTheQueueAsItWasBefore)
{
    const UnixSeconds now(1'800'000'000);
    const GrantSize hour{GrantClass::time, 3600};
    const GrantSize gib{GrantClass::data, 1ULL << 30};
    const auto one = add_grant({}, hour, now);
    ASSERT_TRUE(one);
    EXPECT_TRUE(take_back(*one, hour, now).empty());
    const auto two = add_grant(*one, hour, now);
    ASSERT_TRUE(two);
    EXPECT_EQ(take_back(*two, hour, now), *one);
    const auto mixed = add_grant(*two, gib, now);
    ASSERT_TRUE(mixed);
    EXPECT_EQ(take_back(*mixed, gib, now), *two);
}

TEST(TakenBackGrants, OfASegmentThatRunsEndItWhereNothingIsLeftAndTheNextBegins)
{
    const UnixSeconds now(1'800'000'000);
    const GrantSize hour{GrantClass::time, 3600};
    const GrantSize gib{GrantClass::data, 1ULL << 30};
    const auto first = add_grant({}, hour, now);
    ASSERT_TRUE(first);
    const auto both = add_grant(*first, gib, now);
    ASSERT_TRUE(both);
    const auto left = take_back(*both, hour, now + Seconds(60));
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left.front().cls, GrantClass::data);
    EXPECT_EQ(left.front().started_at, now + Seconds(60));
    EXPECT_EQ(left.front().amount, gib.amount);
}

TEST(TakenBackGrants, ThatWereUsedUpMeanwhileTakeNothingFromOtherClasses)
{
    const UnixSeconds now(1'800'000'000);
    const GrantSize gib{GrantClass::data, 1ULL << 30};
    const auto data = add_grant({}, gib, now);
    ASSERT_TRUE(data);
    EXPECT_EQ(take_back(*data, {GrantClass::time, 3600}, now), *data);
    EXPECT_TRUE(take_back({}, gib, now).empty());
}

} // namespace
} // namespace adit::session
