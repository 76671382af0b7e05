#include "app/in_flight.h"

#include "payments/cashu/curve.h"

#include <atomic>
#include <gtest/gtest.h>
#include <thread>

namespace adit::app {
namespace {

using payments::cashu::Point;
using payments::cashu::proof_y;

TEST(InFlight, ASetOfProofsIsTheSameInAnyOrder)
{
    const Point a = proof_y("a");
    const Point b = proof_y("b");
    EXPECT_EQ(proof_set(std::vector{a, b}), proof_set(std::vector{b, a}));
    EXPECT_NE(proof_set(std::vector{a, b}), proof_set(std::vector{a}));
    EXPECT_NE(proof_set(std::vector{a}), proof_set(std::vector{b}));
}

TEST(InFlight, ARepeatWaitsUntilTheFirstHasLeftAndIsCalledOnce)
{
    InFlight in_flight;
    const ProofSet set = proof_set(std::vector{proof_y("a")});
    const ProofSet other = proof_set(std::vector{proof_y("b")});
    int called = 0;
    EXPECT_EQ(in_flight.enter(set, [] { FAIL() << "the first one never waits"; }), InFlight::Entry::runs);
    EXPECT_EQ(in_flight.enter(set, [&] { ++called; }), InFlight::Entry::waits);
    EXPECT_EQ(in_flight.enter(set, [&] { ++called; }), InFlight::Entry::waits);
    EXPECT_FALSE(in_flight.try_enter(set));
    EXPECT_TRUE(in_flight.try_enter(other)) << "other proofs wait for nobody";
    EXPECT_EQ(called, 0);
    in_flight.leave(set);
    EXPECT_EQ(called, 2);
    EXPECT_TRUE(in_flight.try_enter(set)) << "it is free again";
    in_flight.leave(set);
    EXPECT_EQ(called, 2);
}

TEST(InFlight, ARepeatMayEnterFromWithinItsCall)
{
    InFlight in_flight;
    const ProofSet set = proof_set(std::vector{proof_y("a")});
    bool ran = false;
    ASSERT_TRUE(in_flight.try_enter(set));
    EXPECT_EQ(in_flight.enter(set,
                              [&] {
                                  ASSERT_TRUE(in_flight.try_enter(set));
                                  ran = true;
                                  in_flight.leave(set);
                              }),
              InFlight::Entry::waits);
    in_flight.leave(set);
    EXPECT_TRUE(ran);
}

TEST(InFlight, TooManyRepeatsAreToldSo)
{
    InFlight in_flight;
    const ProofSet set = proof_set(std::vector{proof_y("a")});
    int called = 0;
    ASSERT_TRUE(in_flight.try_enter(set));
    int waiting = 0;
    while (in_flight.enter(set, [&] { ++called; }) == InFlight::Entry::waits) ASSERT_LT(++waiting, 1000);
    EXPECT_EQ(in_flight.enter(set, [&] { ++called; }), InFlight::Entry::too_many);
    in_flight.leave(set);
    EXPECT_EQ(called, waiting);
}

TEST(InFlight, OfManyThreadsOneIsInside)
{
    InFlight in_flight;
    const ProofSet set = proof_set(std::vector{proof_y("a")});
    std::atomic<int> inside{0};
    std::atomic<int> done{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&] {
            for (int n = 0; n < 200;) {
                if (!in_flight.try_enter(set)) {
                    std::this_thread::yield();
                    continue;
                }
                EXPECT_EQ(++inside, 1);
                --inside;
                in_flight.leave(set);
                ++done;
                ++n;
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(done, 8 * 200);
}

} // namespace
} // namespace adit::app
