#include "app/steady_wall_clock.h"

#include "base/log.h"
#include "protocol/constants.h"

namespace adit::app {

namespace {

Seconds offset_of(UnixSeconds wall, SteadyTime steady)
{
    return Seconds(wall.count()) - std::chrono::floor<Seconds>(steady.time_since_epoch());
}

bool near(Seconds a, Seconds b)
{
    const Seconds apart = a > b ? a - b : b - a;
    return apart <= protocol::kClockStep;
}

} // namespace

SteadyWallClock::SteadyWallClock(const Clock& system)
    : system_(system), offset_(offset_of(system.now(), system.steady()))
{
}

UnixSeconds SteadyWallClock::now() const
{
    const UnixSeconds wall = system_.now();
    const SteadyTime steady = system_.steady();
    const Seconds offset = offset_of(wall, steady);
    const std::lock_guard lock(mutex_);
    if (near(offset, offset_)) {
        // Small differences are the wall clock being disciplined, which is right to follow.
        offset_ = offset;
        stepped_since_.reset();
        return wall;
    }
    if (!stepped_since_ || !near(offset, other_offset_)) {
        stepped_since_ = steady;
        other_offset_ = offset;
        log_warn("clock_stepped", {{"by_s", (offset - offset_).count()}});
    } else if (steady - *stepped_since_ >= protocol::kClockStepHolds) {
        log_warn("clock_step_believed", {{"by_s", (offset - offset_).count()}});
        offset_ = offset;
        stepped_since_.reset();
        return wall;
    }
    return UnixSeconds((std::chrono::floor<Seconds>(steady.time_since_epoch()) + offset_).count());
}

} // namespace adit::app
