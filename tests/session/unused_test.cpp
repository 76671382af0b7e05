#include "session/unused.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>
#include <random>

namespace adit::session {
namespace {

constexpr UnixSeconds kBegan{1'800'000'000};
constexpr std::uint64_t kAnHour = 3600;
constexpr std::uint64_t kOneGiB = 1ULL << 30;

GrantSize of_time(std::uint64_t seconds, std::uint32_t mbps = 0) { return {GrantClass::time, seconds, mbps}; }
GrantSize of_data(std::uint64_t bytes, std::uint32_t mbps = 0) { return {GrantClass::data, bytes, mbps}; }

std::vector<Segment> queued(const std::vector<GrantSize>& grants, UnixSeconds at = kBegan)
{
    std::vector<Segment> queue;
    for (const GrantSize& grant : grants) {
        auto added = add_grant(queue, grant, at);
        EXPECT_TRUE(added.has_value());
        queue = *added;
    }
    return queue;
}

std::vector<Stays> all_but(std::size_t count, std::vector<std::size_t> gone)
{
    std::vector<Stays> stays(count, Stays::yes);
    for (const std::size_t each : gone) stays[each] = Stays::no;
    return stays;
}

TEST(Unused, WhatRunsIsUsedUpByItsOldestGrantFirst)
{
    const std::vector grants{of_time(kAnHour), of_time(2 * kAnHour), of_time(kAnHour)};
    const auto queue = queued(grants);
    EXPECT_EQ(unused(queue, grants, kBegan), (std::vector<std::uint64_t>{kAnHour, 2 * kAnHour, kAnHour}));
    EXPECT_EQ(unused(queue, grants, kBegan + Seconds(600)), (std::vector<std::uint64_t>{3000, 2 * kAnHour, kAnHour}));
    EXPECT_EQ(unused(queue, grants, kBegan + Seconds(5400)), (std::vector<std::uint64_t>{0, 5400, kAnHour}));
    EXPECT_EQ(unused(queue, grants, kBegan + Seconds(4 * 3600 - 1)), (std::vector<std::uint64_t>{0, 0, 1}));
    EXPECT_EQ(unused(queue, grants, kBegan + Seconds(4 * 3600)), (std::vector<std::uint64_t>{0, 0, 0}));
}

TEST(Unused, DataIsUsedByBytesAndNotByTime)
{
    const std::vector grants{of_data(kOneGiB), of_data(kOneGiB)};
    auto queue = queued(grants);
    queue = advance(queue, kBegan + Seconds(86'400), kOneGiB + 5).segments;
    EXPECT_EQ(unused(queue, grants, kBegan + Seconds(86'400)), (std::vector<std::uint64_t>{0, kOneGiB - 5}));
}

TEST(Unused, OfDataThatHasLapsedNothingIsLeft)
{
    const std::vector grants{of_data(kOneGiB)};
    EXPECT_EQ(unused(queued(grants), grants, kBegan + Seconds(30 * 86'400)), std::vector<std::uint64_t>{0});
}

TEST(Unused, WhatWaitsIsWholeAndWhatIsOverIsNothing)
{
    const std::vector grants{of_time(kAnHour), of_data(kOneGiB), of_time(kAnHour, 50)};
    const auto queue = queued(grants);
    EXPECT_EQ(unused(queue, grants, kBegan + Seconds(60)), (std::vector<std::uint64_t>{3540, kOneGiB, kAnHour}));
    EXPECT_EQ(unused(queue, grants, kBegan + Seconds(3600)), (std::vector<std::uint64_t>{0, kOneGiB, kAnHour}));
}

TEST(Unused, AGrantOfASegmentThatIsOverDoesNotTakeFromALaterOne)
{
    // An hour that is over, then data, then another hour.
    const std::vector grants{of_time(kAnHour), of_data(kOneGiB), of_time(kAnHour)};
    auto queue = advance(queued(grants), kBegan + Seconds(3600), 0).segments;
    EXPECT_EQ(unused(queue, grants, kBegan + Seconds(3600)), (std::vector<std::uint64_t>{0, kOneGiB, kAnHour}));
}

TEST(Unused, AClockThatStandsBeforeTheStartHasUsedNothing)
{
    const std::vector grants{of_time(kAnHour)};
    EXPECT_EQ(unused(queued(grants), grants, kBegan - Seconds(500)), std::vector<std::uint64_t>{kAnHour});
    EXPECT_TRUE(without(queued(grants), grants, all_but(1, {0}), kBegan - Seconds(500)).empty());
}

TEST(Without, TheGrantsThatStayKeepWhatTheyHad)
{
    const std::vector grants{of_time(kAnHour), of_time(kAnHour)};
    const auto now = kBegan + Seconds(1800);
    const auto first_gone = without(queued(grants), grants, all_but(2, {0}), now);
    EXPECT_EQ(expires_at(first_gone), now + Seconds(3600));
    const auto second_gone = without(queued(grants), grants, all_but(2, {1}), now);
    EXPECT_EQ(expires_at(second_gone), now + Seconds(1800));
    EXPECT_TRUE(without(queued(grants), grants, all_but(2, {0, 1}), now).empty());
}

TEST(Without, WhatWaitedBeginsWhenWhatRanIsGone)
{
    const std::vector grants{of_time(kAnHour), of_data(kOneGiB)};
    const auto now = kBegan + Seconds(1800);
    const auto left = without(queued(grants), grants, all_but(2, {0}), now);
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left[0].cls, GrantClass::data);
    EXPECT_EQ(left[0].started_at, now);
    EXPECT_EQ(bytes_left(left), kOneGiB);
}

TEST(Without, ADataSegmentThatLosesAGrantLapsesWhenItWouldHave)
{
    const std::vector grants{of_data(kOneGiB), of_data(kOneGiB)};
    auto queue = advance(queued(grants), kBegan + Seconds(100), 300).segments;
    const auto left = without(queue, grants, all_but(2, {1}), kBegan + Seconds(100));
    EXPECT_EQ(next_deadline(left), next_deadline(queue));
    EXPECT_EQ(bytes_left(left), kOneGiB - 300);
}

TEST(WorthOf, IsInProportionAndRoundedDown)
{
    EXPECT_EQ(worth_of(Sat(100), of_time(3600), 3600, 100), Sat(100));
    EXPECT_EQ(worth_of(Sat(100), of_time(3600), 1800, 100), Sat(50));
    EXPECT_EQ(worth_of(Sat(100), of_time(3600), 3599, 100), Sat(99));
    EXPECT_EQ(worth_of(Sat(100), of_time(3600), 35, 100), Sat(0));
    EXPECT_EQ(worth_of(Sat(100), of_time(3600), 36, 100), Sat(1));
    EXPECT_EQ(worth_of(Sat(101), of_time(3600), 1800, 90), Sat(45)); // 50.5 x 0.9 = 45.45
    EXPECT_EQ(worth_of(Sat(1), of_time(3600), 3600, 99), Sat(0));
    EXPECT_EQ(worth_of(Sat(1000), of_data(kOneGiB), kOneGiB, 0), Sat(0));
    EXPECT_EQ(worth_of(Sat(1000), of_data(0), 5, 100), Sat(0));
    EXPECT_EQ(worth_of(Sat(7), of_time(10), 99, 250), Sat(7)) << "no more than was paid";
}

TEST(WorthOf, HoldsForTheLargestNumbers)
{
    const Sat most(0x7fff'ffff'ffff'ffffULL);
    const std::uint64_t quota = 1ULL << 60;
    EXPECT_EQ(worth_of(most, of_data(quota), quota, 100), most);
    EXPECT_EQ(worth_of(most, of_data(quota), quota / 2, 100), Sat(most.count() / 2));
    EXPECT_EQ(worth_of(most, of_data(quota), quota, 50), Sat(most.count() / 2));
}

// ---- whatever is bought, used and closed ---------------------------------------------------------------------------

class AnySession : public testing::TestWithParam<std::uint32_t> {
protected:
    std::mt19937 random{GetParam()};
    std::uint64_t up_to(std::uint64_t most) { return std::uniform_int_distribution<std::uint64_t>(0, most)(random); }
    GrantSize any_grant()
    {
        const std::uint32_t mbps = up_to(1) == 0 ? 0U : 50U;
        return up_to(1) == 0 ? of_time(1 + up_to(3 * kAnHour), mbps) : of_data(1 + up_to(kOneGiB), mbps);
    }
};

TEST_P(AnySession, NothingIsGivenBackTwiceAndNobodyLosesWhatIsAnothers)
{
    std::vector<Segment> queue;
    std::vector<GrantSize> grants;
    UnixSeconds now = kBegan;
    for (int turn = 0; turn < 40; ++turn) {
        switch (up_to(2)) {
        case 0: {
            const GrantSize grant = any_grant();
            const auto added = add_grant(queue, grant, now);
            ASSERT_TRUE(added.has_value());
            if (queue.empty()) grants.clear(); // a session that is over is another one
            queue = *added;
            grants.push_back(grant);
            break;
        }
        case 1: {
            now = now + Seconds(static_cast<std::int64_t>(up_to(kAnHour)));
            queue = advance(queue, now, up_to(kOneGiB / 2)).segments;
            break;
        }
        case 2: {
            if (grants.empty()) break;
            const auto before = unused(queue, grants, now);
            const std::size_t gone = up_to(grants.size() - 1);
            queue = without(queue, grants, all_but(grants.size(), {gone}), now);
            auto expected = before;
            expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(gone));
            grants.erase(grants.begin() + static_cast<std::ptrdiff_t>(gone));
            EXPECT_EQ(unused(queue, grants, now), expected) << "turn " << turn;
            break;
        }
        default:
            break;
        }
        const auto left = unused(queue, grants, now);
        std::uint64_t held_s = 0;
        std::uint64_t held_bytes = 0;
        for (std::size_t i = 0; i < grants.size(); ++i) {
            EXPECT_LE(left[i], grants[i].amount);
            const Sat price(up_to(1'000'000));
            EXPECT_LE(worth_of(price, grants[i], left[i], up_to(100)), price);
            (grants[i].cls == GrantClass::time ? held_s : held_bytes) += left[i];
        }
        // All that is in the queue is somebody's, and no more than that.
        std::uint64_t queue_s = 0;
        std::uint64_t queue_bytes = 0;
        for (const Segment& segment : queue) {
            if (segment.cls == GrantClass::data)
                queue_bytes += segment.amount - std::min(segment.amount, segment.used_bytes);
            else if (!segment.ends_at)
                queue_s += segment.amount;
            else
                queue_s += static_cast<std::uint64_t>(std::max(Seconds(0), *segment.ends_at - now).count());
        }
        EXPECT_EQ(held_s, queue_s) << "turn " << turn;
        EXPECT_EQ(held_bytes, queue_bytes) << "turn " << turn;
        EXPECT_EQ(queue.empty(), held_s + held_bytes == 0);
    }
}

TEST_P(AnySession, ClosingAllLeavesNothing)
{
    std::vector<GrantSize> grants;
    for (std::uint64_t i = 0; i <= up_to(6); ++i) grants.push_back(any_grant());
    const UnixSeconds now = kBegan + Seconds(static_cast<std::int64_t>(up_to(2 * kAnHour)));
    const auto queue = advance(queued(grants), now, up_to(kOneGiB)).segments;
    EXPECT_TRUE(without(queue, grants, std::vector(grants.size(), Stays::no), now).empty());
}

INSTANTIATE_TEST_SUITE_P(Random, AnySession, testing::Range(1U, 200U));

} // namespace
} // namespace adit::session
