// operate/check_clock.h - whether this host's clock is right, by the Date of servers that are not ours.
#pragma once

#include "operate/side_by_side.h"

namespace adit::operate {

struct ClockSample {
    std::string who;
    Seconds ahead; // of us: how much later it is here than there
};

/// Thread-safe.
class ClockSamples {
public:
    void add(std::string who, UnixSeconds there, UnixSeconds here);
    std::vector<ClockSample> all() const;

private:
    mutable std::mutex mutex_;
    std::vector<ClockSample> samples_;
};

/// Pure. The middle one counts, so that a single server with a wrong clock accuses nobody.
Finding judge_clock(std::vector<ClockSample> samples);

} // namespace adit::operate
