// bench/stopwatch.h - the steady clock, in milliseconds.
#pragma once

#include "base/clock.h"

namespace adit::bench {

class Stopwatch {
public:
    double ms() const { return std::chrono::duration<double, std::milli>(system_clock().steady() - began_).count(); }

private:
    const SteadyTime began_ = system_clock().steady();
};

} // namespace adit::bench
