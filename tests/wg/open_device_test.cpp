#include "wg/open_device.h"

#include "fakes/netns.h"
#include "wg/memory_device.h"
#include "wg/netlink_device.h"
#include "wg/peers.h"

#include <gtest/gtest.h>

namespace adit::wg {

namespace {

struct Pair {
    MemoryDevice* first;
    MemoryDevice* second;
    std::unique_ptr<Device> either;
};

Pair pair_of(MemoryDevice::Mood first_mood, MemoryDevice::Mood second_mood)
{
    auto first = std::make_unique<MemoryDevice>();
    auto second = std::make_unique<MemoryDevice>();
    first->set_mood(first_mood);
    second->set_mood(second_mood);
    Pair out{first.get(), second.get(), nullptr};
    out.either = either_device(std::move(first), std::move(second));
    return out;
}

using Mood = MemoryDevice::Mood;

} // namespace

TEST(OpenDevice, WithoutAnInterfaceAutomaticIsAbsentAndNeverMemory)
{
    const std::string name = fakes::unique_interface_name();
    const auto device = std::move(open_device({.interface = name})).value();
    EXPECT_EQ(dynamic_cast<MemoryDevice*>(device.get()), nullptr);
    const auto status = device->status();
    ASSERT_FALSE(status);
    // Unprivileged, the kernel does not say whether it has the interface, so nobody can claim that it is absent.
    const bool may_ask = ::geteuid() == 0 && fakes::netns_missing().empty();
    if (may_ask) {
        EXPECT_EQ(status.error().reason, Reason::device_absent) << status.error().detail;
    }
    EXPECT_FALSE(device->apply(puts(1)));
}

TEST(OpenDevice, TakesWhicheverHasTheInterface)
{
    const Pair pair = pair_of(Mood::absent, Mood::works);
    EXPECT_TRUE(pair.either->apply(puts(1)));
    EXPECT_TRUE(pair.second->has(key_number(1)));
    const Pair other = pair_of(Mood::works, Mood::absent);
    EXPECT_TRUE(other.either->apply(puts(1)));
    EXPECT_TRUE(other.first->has(key_number(1)));
}

TEST(OpenDevice, UsesAnInterfaceThatAppearsLaterAndFollowsItToTheOtherKind)
{
    const Pair pair = pair_of(Mood::absent, Mood::absent);
    EXPECT_EQ(pair.either->status().error().reason, Reason::device_absent);
    pair.second->set_mood(Mood::works);
    EXPECT_TRUE(pair.either->apply(puts(1)));
    pair.second->set_mood(Mood::absent);
    pair.first->set_mood(Mood::works);
    EXPECT_TRUE(pair.either->apply(puts(2)));
    EXPECT_EQ(pair.first->status().value().peers.size(), 2u);
}

TEST(OpenDevice, OneThatCanNotTellMakesTheAnswerUnavailable)
{
    const Pair pair = pair_of(Mood::refuses, Mood::absent);
    EXPECT_EQ(pair.either->status().error().reason, Reason::device_unavailable);
    const Pair other = pair_of(Mood::absent, Mood::refuses);
    EXPECT_EQ(other.either->apply(puts(1)).error().reason, Reason::device_unavailable);
}

TEST(OpenDevice, OneThatMayNotAskDoesNotHideTheOther)
{
    const Pair pair = pair_of(Mood::refuses, Mood::works);
    EXPECT_TRUE(pair.either->apply(puts(1)));
    EXPECT_FALSE(pair.first->has(key_number(1)));
}

TEST(OpenDevice, MemoryIsOnlyThereWhenAskedFor)
{
    const auto device =
        std::move(open_device({.backend = Backend::memory, .interface = "wg0", .memory_public_key = key_number(5)}))
            .value();
    EXPECT_EQ(device->status().value().public_key, key_number(5));
}

TEST(OpenDevice, RefusesWhatIsNoNameOfAnInterface)
{
    for (const Backend backend : {Backend::automatic, Backend::kernel, Backend::userspace})
        EXPECT_EQ(open_device({.backend = backend, .interface = "no/name"}).error().reason, Reason::bad_config);
}

TEST(NetlinkDevice, AnInterfaceOfNoneOrOfAnotherKindIsAbsent)
{
    ADIT_NEEDS_NETNS();
    const auto space = std::move(fakes::Netns::create()).value();
    const auto none = std::move(NetlinkDevice::open("wg9")).value();
    const auto loopback = std::move(NetlinkDevice::open("lo")).value();
    space.inside([&] {
        EXPECT_EQ(none->status().error().reason, Reason::device_absent);
        EXPECT_EQ(none->apply(puts(1)).error().reason, Reason::device_absent);
        EXPECT_EQ(loopback->status().error().reason, Reason::device_absent);
    });
}

} // namespace adit::wg
