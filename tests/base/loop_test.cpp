#include "base/loop.h"

#include "base/clock.h"

#include <array>
#include <ctime>
#include <gtest/gtest.h>
#include <libwebsockets.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace adit {
namespace {

std::unique_ptr<Loop> make_loop()
{
    auto loop = Loop::create(nullptr);
    EXPECT_NE(loop, nullptr);
    return loop;
}

TEST(Loop, TasksPostedBeforeAStopRunInTheirOrder)
{
    const auto loop = make_loop();
    std::vector<int> seen;
    for (int i = 0; i < 3; ++i) loop->post([&seen, i] { seen.push_back(i); });
    loop->stop();
    loop->run();
    EXPECT_EQ(seen, (std::vector{0, 1, 2}));
}

TEST(Loop, ATaskPostedFromATaskRunsInTheNextRound)
{
    const auto loop = make_loop();
    loop->post([&] { loop->post([&] { loop->stop(); }); });
    loop->run();
}

TEST(Loop, TasksOfEachThreadRunInItsOrderOnTheLoopThread)
{
    const auto loop = make_loop();
    constexpr int kThreads = 4;
    constexpr int kTasks = 500;
    std::array<std::vector<int>, kThreads> seen;
    int count = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < kTasks; ++i)
                loop->post([&, t, i] {
                    seen[static_cast<std::size_t>(t)].push_back(i);
                    if (++count == kThreads * kTasks) loop->stop();
                });
        });
    loop->run();
    for (std::thread& thread : threads) thread.join();
    for (const auto& of_one : seen) {
        ASSERT_EQ(of_one.size(), std::size_t{kTasks});
        EXPECT_TRUE(std::is_sorted(of_one.begin(), of_one.end()));
    }
}

TEST(Loop, TimersFireInOrderOfTheirTimeAndNotBefore)
{
    const auto loop = make_loop();
    std::vector<int> seen;
    const SteadyTime start = system_clock().steady();
    loop->after(Milliseconds(40), [&] {
        seen.push_back(40);
        loop->stop();
    });
    loop->after(Milliseconds(10), [&] { seen.push_back(10); });
    const Loop::TimerId cancelled = loop->after(Milliseconds(20), [&] { seen.push_back(20); });
    loop->cancel(cancelled);
    loop->run();
    EXPECT_EQ(seen, (std::vector{10, 40}));
    EXPECT_GE(system_clock().steady() - start, Milliseconds(40));
    loop->cancel(cancelled);
}

TEST(Loop, ATimerSetFromATimerOfLibwebsocketsFiresToo)
{
    const auto loop = make_loop();
    struct Alarm { // the list entry first: libwebsockets gives that back
        lws_sorted_usec_list_t entry{};
        Loop* loop = nullptr;
    } alarm;
    alarm.loop = loop.get();
    loop->after(Milliseconds(10'000), [&] { loop->stop(); });
    lws_sul_schedule(
        loop->context(), 0, &alarm.entry,
        [](lws_sorted_usec_list_t* entry) {
            Loop* const of = reinterpret_cast<Alarm*>(entry)->loop; // as when a connection times out
            of->after(Milliseconds(1), [of] { of->stop(); });
        },
        1000);
    const SteadyTime before = system_clock().steady();
    loop->run();
    EXPECT_LT(system_clock().steady() - before, std::chrono::seconds(5));
}

TEST(Loop, ATimerMayCancelAnotherThatIsDueToo)
{
    const auto loop = make_loop();
    bool fired = false;
    Loop::TimerId second = 0;
    loop->after(Milliseconds(0), [&] { loop->cancel(second); });
    second = loop->after(Milliseconds(0), [&] { fired = true; });
    loop->after(Milliseconds(5), [&] { loop->stop(); });
    loop->run();
    EXPECT_FALSE(fired);
}

TEST(Loop, WaitingBurnsNoProcessorTime)
{
    const auto loop = make_loop();
    loop->after(Milliseconds(300), [&] { loop->stop(); });
    const std::clock_t before = std::clock();
    loop->run();
    EXPECT_LT(std::clock() - before, CLOCKS_PER_SEC / 10);
}

class Pair {
public:
    Pair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_.data()), 0); }
    ~Pair()
    {
        ::close(ends_[0]);
        close_far();
    }
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;
    int near() const { return ends_[0]; }
    int far() const { return ends_[1]; }
    void close_far()
    {
        if (ends_[1] >= 0) ::close(ends_[1]);
        ends_[1] = -1;
    }

private:
    std::array<int, 2> ends_{};
};

TEST(Loop, AWatcherIsCalledWhileItsSocketIsReadable)
{
    const auto loop = make_loop();
    const Pair pair;
    std::string got;
    loop->watch(pair.near(), Loop::Interest::read, [&](Loop::Ready ready) {
        EXPECT_TRUE(ready.readable);
        EXPECT_FALSE(ready.writable);
        char byte = 0;
        ASSERT_EQ(::read(pair.near(), &byte, 1), 1);
        got += byte;
        if (got.size() == 3) loop->stop();
    });
    ASSERT_EQ(::write(pair.far(), "abc", 3), 3);
    loop->run();
    EXPECT_EQ(got, "abc");
    loop->unwatch(pair.near());
}

TEST(Loop, NoInterestMeansNoCallUntilThePeerIsGone)
{
    const auto loop = make_loop();
    Pair pair;
    int calls = 0;
    loop->watch(pair.near(), Loop::Interest::none, [&](Loop::Ready ready) {
        ++calls;
        EXPECT_TRUE(ready.hung_up);
        loop->unwatch(pair.near());
        loop->stop();
    });
    ASSERT_EQ(::write(pair.far(), "abc", 3), 3);
    loop->after(Milliseconds(20), [&] {
        EXPECT_EQ(calls, 0);
        pair.close_far();
    });
    loop->run();
    EXPECT_EQ(calls, 1);
}

TEST(Loop, AReusedDescriptorDoesNotGetItsPredecessorsEvents)
{
    const auto loop = make_loop();
    const Pair a;
    const Pair b;
    int calls = 0;
    int calls_of_the_new = 0;
    // Both are ready in the same round; whoever comes first replaces the other's watch.
    const auto replace = [&](int other) {
        ++calls;
        loop->unwatch(other);
        loop->watch(other, Loop::Interest::none, [&](Loop::Ready) { ++calls_of_the_new; });
        loop->after(Milliseconds(10), [&] { loop->stop(); });
        loop->change_interest(other == a.near() ? b.near() : a.near(), Loop::Interest::none);
    };
    loop->watch(a.near(), Loop::Interest::read, [&](Loop::Ready) { replace(b.near()); });
    loop->watch(b.near(), Loop::Interest::read, [&](Loop::Ready) { replace(a.near()); });
    ASSERT_EQ(::write(a.far(), "x", 1), 1);
    ASSERT_EQ(::write(b.far(), "x", 1), 1);
    loop->run();
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(calls_of_the_new, 0);
}

} // namespace
} // namespace adit
