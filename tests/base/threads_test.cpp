// The bounded queue and the workers. Run under TSan too.
#include "base/bounded_queue.h"
#include "base/clock.h"
#include "base/workers.h"

#include <array>
#include <atomic>
#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <thread>

namespace adit {
namespace {

TEST(BoundedQueue, AFullOneRefusesAndLeavesTheItemUntouched)
{
    BoundedQueue<std::unique_ptr<int>> queue(1);
    EXPECT_TRUE(queue.try_push(std::make_unique<int>(1)));
    auto second = std::make_unique<int>(2);
    EXPECT_FALSE(queue.try_push(std::move(second)));
    ASSERT_NE(second, nullptr); // NOLINT(bugprone-use-after-move): a refused item is not moved from
    EXPECT_EQ(**queue.pop(), 1);
    EXPECT_TRUE(queue.try_push(std::move(second)));
}

TEST(BoundedQueue, AClosedOneDrainsAndThenGivesNothing)
{
    BoundedQueue<int> queue(4);
    EXPECT_TRUE(queue.try_push(1));
    EXPECT_TRUE(queue.try_push(2));
    queue.close();
    EXPECT_FALSE(queue.try_push(3));
    EXPECT_EQ(queue.pop(), 1);
    EXPECT_EQ(queue.pop(), 2);
    EXPECT_EQ(queue.pop(), std::nullopt);
    EXPECT_EQ(queue.try_pop(), std::nullopt);
}

TEST(BoundedQueue, ClosingWakesThoseWhoWait)
{
    BoundedQueue<int> queue(1);
    std::thread waiter([&] { EXPECT_EQ(queue.pop(), std::nullopt); });
    queue.close();
    waiter.join();
}

TEST(BoundedQueue, EveryItemReachesExactlyOneOfManyThreads)
{
    BoundedQueue<int> queue(8);
    constexpr int kItems = 2000;
    std::array<std::atomic<int>, kItems> seen{};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
        threads.emplace_back([&] {
            while (const auto item = queue.pop()) ++seen[static_cast<std::size_t>(*item)];
        });
    for (int t = 0; t < 2; ++t)
        threads.emplace_back([&, t] {
            for (int i = t; i < kItems; i += 2)
                while (!queue.try_push(int{i})) std::this_thread::yield();
        });
    threads[3].join();
    threads[4].join();
    queue.close();
    for (std::size_t t = 0; t < 3; ++t) threads[t].join();
    for (const auto& count : seen) EXPECT_EQ(count, 1);
}

/// Holds workers until opened.
class Gate {
public:
    Gate() : opened_(promise_.get_future().share()) {}
    void open() { promise_.set_value(); }
    Workers::Task waiting(std::atomic<int>& inside) const
    {
        return [&inside, opened = opened_] {
            ++inside;
            opened.wait();
        };
    }

private:
    std::promise<void> promise_;
    std::shared_future<void> opened_;
};

TEST(Workers, OneTaskNeedsOneThread)
{
    Workers workers({});
    EXPECT_EQ(workers.threads(), 0U);
    std::promise<std::thread::id> ran;
    ASSERT_TRUE(workers.submit([&] { ran.set_value(std::this_thread::get_id()); }));
    EXPECT_NE(ran.get_future().get(), std::this_thread::get_id());
    EXPECT_EQ(workers.threads(), 1U);
}

TEST(Workers, WhenAllAreBusyAndTheQueueIsFullItSaysSo)
{
    Workers workers({.threads = 3, .queue = 2});
    Gate gate;
    std::atomic<int> inside{0};
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(workers.submit(gate.waiting(inside))) << i;
    EXPECT_FALSE(workers.submit(gate.waiting(inside)));
    EXPECT_EQ(workers.threads(), 3U);
    gate.open();
    workers.stop();
    EXPECT_EQ(inside, 5);
}

TEST(Workers, StoppingRunsWhatWasTakenAndRefusesWhatComesLater)
{
    std::atomic<int> done{0};
    Workers workers({.threads = 2, .queue = 100});
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(workers.submit([&] { ++done; }));
    workers.stop();
    EXPECT_EQ(done, 50);
    EXPECT_EQ(workers.threads(), 0U);
    EXPECT_FALSE(workers.submit([&] { ++done; }));
    workers.stop();
    EXPECT_EQ(done, 50);
}

TEST(Workers, AnIdleThreadEndsAndAnotherIsMadeWhenNeeded)
{
    Workers workers({.threads = 4, .queue = 4, .idle = Milliseconds(5)});
    std::atomic<int> done{0};
    ASSERT_TRUE(workers.submit([&] { ++done; }));
    const SteadyTime limit = system_clock().steady() + Seconds(10);
    while (workers.threads() != 0 && system_clock().steady() < limit) std::this_thread::yield();
    EXPECT_EQ(workers.threads(), 0U);
    std::promise<void> again;
    ASSERT_TRUE(workers.submit([&] { again.set_value(); }));
    again.get_future().wait();
    EXPECT_EQ(done, 1);
}

TEST(Workers, AFreeThreadIsUsedBeforeANewOneIsMade)
{
    Workers workers({.threads = 8, .queue = 8});
    for (int i = 0; i < 20; ++i) {
        std::promise<void> done;
        ASSERT_TRUE(workers.submit([&] { done.set_value(); }));
        done.get_future().wait();
    }
    // The thread may not have come back to wait when the next task came, so a few are possible; eight are not.
    EXPECT_LT(workers.threads(), 8U);
}

TEST(Workers, ManySubmittersLoseNoTask)
{
    std::atomic<int> taken{0};
    std::atomic<int> run{0};
    {
        Workers workers({.threads = 8, .queue = 16, .idle = Milliseconds(1)});
        std::vector<std::thread> submitters;
        for (int t = 0; t < 4; ++t)
            submitters.emplace_back([&] {
                for (int i = 0; i < 500; ++i)
                    if (workers.submit([&] { ++run; })) ++taken;
            });
        for (std::thread& submitter : submitters) submitter.join();
    }
    EXPECT_EQ(run, taken);
    EXPECT_GT(taken, 0);
}

} // namespace
} // namespace adit
