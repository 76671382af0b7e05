#include "app/steady_wall_clock.h"

#include "base/log.h"
#include "protocol/constants.h"

#include <gtest/gtest.h>

namespace adit::app {
namespace {

class TwoClocks final : public Clock {
public:
    UnixSeconds now() const override { return UnixSeconds(wall_); }
    SteadyTime steady() const override { return SteadyTime(std::chrono::seconds(steady_)); }
    void pass(std::int64_t seconds)
    {
        wall_ += seconds;
        steady_ += seconds;
    }
    void step(std::int64_t seconds) { wall_ += seconds; }

private:
    std::int64_t wall_ = 1'800'000'000;
    std::int64_t steady_ = 5'000;
};

class SteadyWallClockTest : public testing::Test {
protected:
    SteadyWallClockTest()
    {
        log_to([](std::string_view) {});
    }
    ~SteadyWallClockTest() override { log_to(nullptr); }
    std::int64_t now() const { return clock_.now().count(); }

    TwoClocks system_;
    const std::int64_t start_ = system_.now().count();
    SteadyWallClock clock_{system_};
};

TEST_F(SteadyWallClockTest, FollowsAClockThatRuns)
{
    EXPECT_EQ(now(), start_);
    system_.pass(100'000);
    EXPECT_EQ(now(), start_ + 100'000);
}

TEST_F(SteadyWallClockTest, FollowsSmallCorrectionsAtOnce)
{
    for (int i = 0; i < 100; ++i) { // an hour and a half in all, as a slewed clock would go
        system_.pass(60);
        system_.step(50);
        EXPECT_EQ(now(), system_.now().count());
    }
    system_.step(-60);
    EXPECT_EQ(now(), system_.now().count());
}

TEST_F(SteadyWallClockTest, GoesOnAsIfAStepHadNotHappened)
{
    for (const std::int64_t step : {86'400, -86'400}) {
        system_.step(step);
        EXPECT_EQ(now(), start_);
        system_.pass(299);
        EXPECT_EQ(now(), start_ + 299);
        system_.step(-step); // it was a mistake
        EXPECT_EQ(now(), start_ + 299);
        system_.pass(-299);
    }
}

TEST_F(SteadyWallClockTest, BelievesAStepThatHasHeldForFiveMinutes)
{
    system_.step(86'400);
    EXPECT_EQ(now(), start_);
    system_.pass(299);
    EXPECT_EQ(now(), start_ + 299);
    system_.pass(1);
    EXPECT_EQ(now(), start_ + 300 + 86'400);
    system_.pass(10);
    EXPECT_EQ(now(), start_ + 310 + 86'400);
}

TEST_F(SteadyWallClockTest, AnotherStepBeginsTheFiveMinutesAnew)
{
    system_.step(86'400);
    EXPECT_EQ(now(), start_);
    system_.pass(200);
    EXPECT_EQ(now(), start_ + 200);
    system_.step(3'600);
    EXPECT_EQ(now(), start_ + 200);
    system_.pass(200);
    EXPECT_EQ(now(), start_ + 400) << "it has held for 200 s only";
    system_.pass(100);
    EXPECT_EQ(now(), system_.now().count());
}

} // namespace
} // namespace adit::app
