// base/clock.h - the only door to the system's clocks. Everything else takes a Clock.
#pragma once

#include "base/time.h"

namespace adit {

/// Thread-safe.
class Clock {
public:
    virtual ~Clock() = default;
    virtual UnixSeconds now() const = 0;
    /// Never goes back; unaffected by a step of the wall clock.
    virtual SteadyTime steady() const = 0;
};

Clock& system_clock();

} // namespace adit
