// app/steady_wall_clock.h - a wall clock that a step of the system's clock does not move at once.
// spec: Sessions, time and data
#pragma once

#include "base/clock.h"

#include <mutex>
#include <optional>

namespace adit::app {

/// Follows the wall clock while that moves with the steady one. A step of more than 60 s is believed only after it has
/// held for 5 minutes: until then now() goes on as if it had not happened, and so nobody expires by it. Thread-safe.
class SteadyWallClock final : public Clock {
public:
    /// `system` must outlive it.
    explicit SteadyWallClock(const Clock& system);
    UnixSeconds now() const override;
    SteadyTime steady() const override { return system_.steady(); }

private:
    const Clock& system_;
    mutable std::mutex mutex_;
    mutable Seconds offset_;                          // of the wall over the steady clock, as believed
    mutable Seconds other_offset_{};                  // what the wall clock says since it stepped
    mutable std::optional<SteadyTime> stepped_since_; // none while the two agree
};

} // namespace adit::app
