// wg/deadline.h - how long a call to a device may still take.
#pragma once

#include "base/clock.h"

#include <algorithm>
#include <chrono>

namespace adit::wg {

/// What device.h promises its callers.
inline constexpr Milliseconds kDeviceTimeout{2000};

/// Always the system's steady clock: a stopped clock of a test must not make a real socket wait for ever.
class Deadline {
public:
    explicit Deadline(Milliseconds length) : end_(system_clock().steady() + length) {}
    SteadyTime end() const { return end_; }
    bool passed() const { return system_clock().steady() >= end_; }
    /// For poll(2): never negative, rounded up.
    int left_ms() const
    {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - system_clock().steady());
        return static_cast<int>(std::max<std::int64_t>(0, left.count()));
    }

private:
    SteadyTime end_;
};

} // namespace adit::wg
