#include "wg/address_pool.h"

#include "wg/peers.h"

#include <gtest/gtest.h>
#include <map>
#include <random>
#include <set>
#include <thread>

namespace adit::wg {

namespace {

class HandClock final : public Clock {
public:
    UnixSeconds now() const override { return now_; }
    SteadyTime steady() const override { return {}; }
    void pass(Seconds length) { now_ = now_ + length; }

private:
    UnixSeconds now_{1'000'000};
};

class AddressPoolTest : public testing::Test {
protected:
    std::unique_ptr<AddressPool> pool(std::string_view subnet, std::vector<HostAddress> own = {},
                                      std::optional<AllowedIp> subnet6 = std::nullopt)
    {
        return std::move(AddressPool::open(range(subnet), subnet6, own, clock_)).value();
    }
    static std::string take(AddressPool& pool)
    {
        const auto taken = pool.take();
        return taken ? taken->v4.text() : "none";
    }
    UnixSeconds in(int seconds) const { return clock_.now() + Seconds(seconds); }
    HandClock clock_;
};

} // namespace

TEST_F(AddressPoolTest, LeavesOutNetworkBroadcastAndInterface)
{
    const auto small = pool("10.8.0.0/29", {address("10.8.0.1"), address("192.168.0.1")});
    EXPECT_EQ(small->size(), 5u);
    EXPECT_EQ(small->free(), 5u);
    std::vector<std::string> taken;
    for (int i = 0; i < 5; ++i) taken.push_back(take(*small));
    EXPECT_EQ(taken, (std::vector<std::string>{"10.8.0.2", "10.8.0.3", "10.8.0.4", "10.8.0.5", "10.8.0.6"}));
    EXPECT_EQ(small->free(), 0u);
    EXPECT_EQ(small->take().error().reason, Reason::no_ip_available);
}

TEST_F(AddressPoolTest, BitsBehindThePrefixDoNotMatter) { EXPECT_EQ(take(*pool("10.8.0.77/24")), "10.8.0.1"); }

TEST_F(AddressPoolTest, AnAddressRestsUntilItsTime)
{
    const auto small = pool("10.8.0.0/30");
    const TunnelAddress first = small->take().value();
    EXPECT_EQ(take(*small), "10.8.0.2");
    small->give_back(first, in(300));
    EXPECT_EQ(small->free(), 0u);
    clock_.pass(Seconds(299));
    EXPECT_EQ(take(*small), "none");
    clock_.pass(Seconds(1));
    EXPECT_EQ(small->free(), 1u);
    EXPECT_EQ(take(*small), "10.8.0.1");
}

TEST_F(AddressPoolTest, GivesTheOneThatRestedLongestBeforeAFreshOne)
{
    const auto some = pool("10.8.0.0/24");
    const TunnelAddress one = some->take().value();
    const TunnelAddress two = some->take().value();
    some->give_back(one, in(20));
    some->give_back(two, in(10));
    EXPECT_EQ(take(*some), "10.8.0.3") << "both rest";
    clock_.pass(Seconds(60));
    EXPECT_EQ(take(*some), "10.8.0.2");
    EXPECT_EQ(take(*some), "10.8.0.1");
    EXPECT_EQ(take(*some), "10.8.0.4");
}

TEST_F(AddressPoolTest, WhatIsGivenBackTwiceRestsOnce)
{
    const auto small = pool("10.8.0.0/30");
    const TunnelAddress one = small->take().value();
    small->give_back(one, in(0));
    small->give_back(one, in(5));
    EXPECT_EQ(small->free(), 2u);
    EXPECT_EQ(take(*small), "10.8.0.1");
    EXPECT_EQ(take(*small), "10.8.0.2");
    EXPECT_EQ(take(*small), "none");
    small->give_back({address("10.9.0.1"), std::nullopt}, in(0)); // not of this pool
    EXPECT_EQ(take(*small), "none");
}

TEST_F(AddressPoolTest, HoldsWhatTheStoreSaysIsInUse)
{
    const auto some = pool("10.8.0.0/29");
    EXPECT_EQ(some->hold(address("10.8.0.2")).value().v4, address("10.8.0.2"));
    EXPECT_EQ(some->hold(address("10.8.0.2")).error().reason, Reason::bad_step);
    EXPECT_EQ(some->hold(address("10.9.0.2")).error().reason, Reason::not_found);
    EXPECT_EQ(some->hold(address("fd00::2")).error().reason, Reason::not_found);
    EXPECT_EQ(some->free(), 5u);
    EXPECT_EQ(take(*some), "10.8.0.1");
    EXPECT_EQ(take(*some), "10.8.0.3");
}

TEST_F(AddressPoolTest, HoldingEndsARest)
{
    const auto small = pool("10.8.0.0/30");
    const TunnelAddress one = small->take().value();
    small->give_back(one, in(10));
    EXPECT_TRUE(small->hold(one.v4));
    clock_.pass(Seconds(60));
    EXPECT_EQ(small->free(), 1u);
    small->give_back(one, in(0));
    EXPECT_EQ(small->free(), 2u);
    EXPECT_TRUE(small->hold(one.v4)) << "also when the rest is over";
    EXPECT_EQ(take(*small), "10.8.0.2");
    EXPECT_EQ(take(*small), "none");
}

TEST_F(AddressPoolTest, TheSecondFamilySharesTheHostPart)
{
    const auto both = pool("10.8.4.0/22", {}, range("fd00:1:2:3::/64"));
    EXPECT_EQ(both->take().value().v6.value().text(), "fd00:1:2:3::1");
    const auto held = both->hold(address("10.8.7.254")).value();
    EXPECT_EQ(held.v6.value().text(), "fd00:1:2:3::3fe");
    EXPECT_EQ(held.all(), (std::vector{address("10.8.7.254"), address("fd00:1:2:3::3fe")}));
}

TEST_F(AddressPoolTest, AddressesOfTheInterfaceCountInEitherFamily)
{
    const auto both = pool("10.8.0.0/29", {address("10.8.0.1"), address("fd00::2")}, range("fd00::/64"));
    EXPECT_EQ(both->size(), 4u);
    EXPECT_EQ(take(*both), "10.8.0.3");
}

TEST_F(AddressPoolTest, AllowedIpsOfForeignPeersAreLeftOut)
{
    const auto some = pool("10.8.0.0/24", {}, range("fd00::/64"));
    const std::vector foreign{range("10.8.0.0/26"),  range("10.8.0.65"),      range("fd00::42"),
                              range("10.8.0.32/27"), range("192.168.0.0/16"), range("fd00:0:0:1::/64")};
    some->set_foreign(foreign);
    EXPECT_EQ(some->size(), 254u - 63 - 2);
    EXPECT_EQ(take(*some), "10.8.0.64");
    EXPECT_EQ(take(*some), "10.8.0.67");

    some->set_foreign(std::vector{range("0.0.0.0/0")});
    EXPECT_EQ(some->size(), 0u);
    EXPECT_EQ(take(*some), "none");

    some->set_foreign({});
    EXPECT_EQ(some->size(), 254u);
    EXPECT_EQ(some->free(), 252u);
    EXPECT_EQ(take(*some), "10.8.0.1");
}

TEST_F(AddressPoolTest, AForeignClaimOnARestingAddressOutlastsItsRest)
{
    const auto small = pool("10.8.0.0/30");
    const TunnelAddress one = small->take().value();
    const TunnelAddress two = small->take().value();
    small->give_back(one, in(10));
    small->give_back(two, in(0));
    EXPECT_EQ(small->free(), 1u);
    small->set_foreign(std::vector{range("10.8.0.0/30")});
    EXPECT_EQ(small->free(), 0u);
    clock_.pass(Seconds(60));
    EXPECT_EQ(take(*small), "none");
    small->set_foreign({});
    EXPECT_EQ(small->free(), 2u);
    EXPECT_NE(take(*small), "none");
    EXPECT_NE(take(*small), "none");
}

TEST_F(AddressPoolTest, RefusesSubnetsThatCanNotWork)
{
    const auto reason = [this](std::string_view v4, std::optional<AllowedIp> v6) {
        return AddressPool::open(range(v4), v6, {}, clock_).error().reason;
    };
    EXPECT_EQ(reason("10.8.0.0/31", std::nullopt), Reason::bad_config);
    EXPECT_EQ(reason("10.8.0.0/32", std::nullopt), Reason::bad_config);
    EXPECT_EQ(reason("0.0.0.0/0", std::nullopt), Reason::bad_config);
    EXPECT_EQ(reason("fd00::/64", std::nullopt), Reason::bad_config);
    EXPECT_EQ(reason("10.8.0.0/24", range("10.9.0.0/24")), Reason::bad_config);
    EXPECT_EQ(reason("10.8.0.0/24", range("fd00::/121")), Reason::bad_config);
    EXPECT_TRUE(AddressPool::open(range("10.8.0.0/24"), range("fd00::/120"), {}, clock_));
}

TEST_F(AddressPoolTest, ASubnetOfSixteenMillionIsReadyAtOnceAndBehaves)
{
    const auto huge = pool("10.0.0.0/8", {address("10.0.0.1")});
    EXPECT_EQ(huge->size(), (std::uint64_t{1} << 24) - 3);
    std::vector<TunnelAddress> taken;
    for (int i = 0; i < 20'000; ++i) taken.push_back(huge->take().value());
    EXPECT_EQ(std::set(taken.begin(), taken.end()).size(), 20'000u);
    EXPECT_EQ(huge->hold(address("10.255.255.254")).value().v4.text(), "10.255.255.254");
    EXPECT_EQ(huge->free(), huge->size() - 20'001);
    for (const TunnelAddress& one : taken) huge->give_back(one, in(300));
    EXPECT_EQ(take(*huge), "10.0.78.34");
    clock_.pass(Seconds(300));
    EXPECT_EQ(take(*huge), "10.0.0.2");
}

TEST_F(AddressPoolTest, AgreesWithASimpleModelOverRandomSteps)
{
    std::mt19937 dice(99); // NOLINT: the same steps every time
    const auto some = pool("10.8.0.0/27");
    std::set<std::string> out;
    std::map<std::string, UnixSeconds> rests;
    std::optional<AllowedIp> foreign;
    for (int step = 0; step < 20'000; ++step) {
        const auto act = dice() % 10;
        if (act < 4) {
            const auto taken = some->take();
            std::size_t free = 0;
            for (int host = 1; host < 31; ++host) {
                const std::string text = "10.8.0." + std::to_string(host);
                const bool claimed = foreign && contains(*foreign, address(text));
                const bool resting = rests.contains(text) && rests.at(text) > clock_.now();
                free += !claimed && !resting && !out.contains(text) ? 1 : 0;
            }
            ASSERT_EQ(taken.has_value(), free > 0) << step;
            if (!taken) continue;
            const std::string text = taken->v4.text();
            ASSERT_EQ(some->free(), free - 1) << step;
            ASSERT_TRUE(out.insert(text).second) << step;
            ASSERT_TRUE(!rests.contains(text) || rests.at(text) <= clock_.now()) << step;
            ASSERT_FALSE(foreign && contains(*foreign, taken->v4)) << step;
            rests.erase(text);
        } else if (act < 8 && !out.empty()) {
            const std::string text = *std::next(out.begin(), static_cast<long>(dice() % out.size()));
            const UnixSeconds until = in(static_cast<int>(dice() % 20));
            some->give_back({address(text), std::nullopt}, until);
            out.erase(text);
            rests.insert_or_assign(text, until);
        } else if (act == 8) {
            clock_.pass(Seconds(dice() % 5));
        } else {
            foreign.reset();
            if (dice() % 2 == 0)
                foreign = AllowedIp{address("10.8.0." + std::to_string(dice() % 32)),
                                    static_cast<std::uint8_t>(28 + dice() % 5)};
            some->set_foreign(foreign ? std::vector{*foreign} : std::vector<AllowedIp>{});
        }
    }
}

TEST_F(AddressPoolTest, NoAddressIsGivenToTwoThreads)
{
    const auto some = pool("10.8.0.0/22");
    std::vector<std::vector<TunnelAddress>> taken(4);
    {
        std::vector<std::jthread> threads;
        for (auto& mine : taken) {
            threads.emplace_back([&] {
                for (int i = 0; i < 2000; ++i) {
                    if (auto one = some->take()) mine.push_back(*one);
                    if (i % 3 == 0 && !mine.empty()) {
                        some->give_back(mine.back(), clock_.now());
                        mine.pop_back();
                    }
                }
            });
        }
    }
    std::set<TunnelAddress> all;
    std::size_t count = 0;
    for (const auto& mine : taken) {
        all.insert(mine.begin(), mine.end());
        count += mine.size();
    }
    EXPECT_EQ(all.size(), count);
    EXPECT_EQ(some->free(), some->size() - count);
}

} // namespace adit::wg
