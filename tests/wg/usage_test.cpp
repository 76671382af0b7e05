#include "wg/usage.h"

#include "wg/memory_device.h"
#include "wg/peers.h"

#include <gtest/gtest.h>

namespace adit::wg {

namespace {

PeerStatus reading(std::uint32_t key, std::uint64_t received, std::uint64_t sent)
{
    return {key_number(key), {}, received, sent, std::nullopt};
}
std::vector<UsageMeter::Step> read(UsageMeter& meter, std::vector<PeerStatus> peers) { return meter.read(peers); }

} // namespace

TEST(Usage, WhatWasAddedIsTheDifferenceUnlessACounterWentDown)
{
    EXPECT_EQ(added_traffic({10, 20}, {15, 20}), (Traffic{5, 0}));
    EXPECT_EQ(added_traffic({10, 20}, {9, 20}), (Traffic{9, 20}));
    EXPECT_EQ(added_traffic({10, 20}, {10, 3}), (Traffic{10, 3}));
    EXPECT_EQ(added_traffic({10, 20}, {0, 0}), (Traffic{0, 0}));
    EXPECT_EQ(added_traffic({0, 0}, {UINT64_MAX, UINT64_MAX}), (Traffic{UINT64_MAX, UINT64_MAX}));
}

TEST(Usage, OnlyPeersThatMovedAreReported)
{
    UsageMeter meter;
    EXPECT_EQ(read(meter, {reading(1, 0, 0), reading(2, 7, 1)}).size(), 1u);
    const auto steps = read(meter, {reading(1, 5, 5), reading(2, 7, 1)});
    ASSERT_EQ(steps.size(), 1u);
    EXPECT_EQ(steps[0].key, key_number(1));
    EXPECT_EQ(steps[0].added, (Traffic{5, 5}));
    EXPECT_EQ(steps[0].counters, (Traffic{5, 5}));
}

TEST(Usage, AResetToZeroIsReportedSoThatTheStoreKnowsTheNewReading)
{
    UsageMeter meter;
    (void)read(meter, {reading(1, 100, 100)});
    const auto steps = read(meter, {reading(1, 0, 0)});
    ASSERT_EQ(steps.size(), 1u);
    EXPECT_EQ(steps[0].added, Traffic{});
    EXPECT_EQ(steps[0].counters, Traffic{});
}

TEST(Usage, ARestartGoesOnFromTheStoredReading)
{
    UsageMeter meter;
    meter.remember(key_number(1), {100, 200});
    const auto steps = read(meter, {reading(1, 110, 200)});
    ASSERT_EQ(steps.size(), 1u);
    EXPECT_EQ(steps[0].added, (Traffic{10, 0}));
}

TEST(Usage, APeerThatWasGoneInBetweenCountsFromZero)
{
    UsageMeter meter;
    (void)read(meter, {reading(1, 100, 100)});
    EXPECT_TRUE(read(meter, {}).empty());
    EXPECT_EQ(read(meter, {reading(1, 150, 150)}).at(0).added, (Traffic{150, 150}));
}

TEST(Usage, AForgottenPeerCountsFromZeroEvenIfItOvertakesItsOldCount)
{
    UsageMeter meter;
    (void)read(meter, {reading(1, 100, 100)});
    meter.forget(key_number(1));
    EXPECT_EQ(read(meter, {reading(1, 150, 150)}).at(0).added, (Traffic{150, 150}));
}

TEST(Usage, TheSumOverWipesOfADeviceIsAllThatFlowed)
{
    MemoryDevice device;
    UsageMeter meter;
    const auto changes = puts(100);
    std::uint64_t flowed = 0;
    std::uint64_t counted = 0;
    for (std::uint32_t round = 0; round < 20; ++round) {
        if (round % 5 == 0) device.wipe();
        ASSERT_TRUE(device.apply(changes));
        for (std::uint32_t i = 1; i <= 100; ++i) {
            device.add_traffic(key_number(i), i * (20 - round), round);
            flowed += i * (20 - round) + round;
        }
        for (const auto& step : meter.read(device.status().value().peers))
            counted += step.added.received + step.added.sent;
        if (round % 5 == 4) (void)meter.read({}); // the dump of the wiped device
    }
    EXPECT_EQ(counted, flowed);
}

} // namespace adit::wg
