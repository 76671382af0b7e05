#include "operate/check_clock.h"

#include <algorithm>
#include <cstdlib>

namespace adit::operate {

namespace {

// Buyers' events may be a minute ahead of us, and no more (spec: Purchase with Cashu); Date is in whole seconds, and an
// answer takes its time.
constexpr Seconds kTooMuch{60};
constexpr Seconds kMuch{10};
constexpr const char* kClockHint =
    "set the clock and keep it: systemctl enable --now systemd-timesyncd (or chrony). With a "
    "wrong one buyers' requests "
    "are refused as expired, and tunnels end at the wrong time";

} // namespace

void ClockSamples::add(std::string who, UnixSeconds there, UnixSeconds here)
{
    const std::lock_guard lock(mutex_);
    samples_.push_back({std::move(who), here - there});
}

std::vector<ClockSample> ClockSamples::all() const
{
    const std::lock_guard lock(mutex_);
    return samples_;
}

Finding judge_clock(std::vector<ClockSample> samples)
{
    if (samples.empty())
        return {"clock", Level::warn, "not looked at, because no relay and no mint told its time",
                "see that the clock is kept by NTP: timedatectl"};
    std::ranges::sort(samples, {}, [](const ClockSample& sample) { return std::abs(sample.ahead.count()); });
    const ClockSample& middle = samples[samples.size() / 2];
    const std::int64_t off = std::abs(middle.ahead.count());
    const std::string what = "the clock here is " + std::to_string(off) + " s " +
                             (middle.ahead < Seconds(0) ? "behind" : "ahead of") + " that of " + middle.who;
    if (off > kTooMuch.count()) return {"clock", Level::fail, what, kClockHint};
    if (off > kMuch.count()) return {"clock", Level::warn, what, kClockHint};
    return {"clock", Level::ok, what};
}

} // namespace adit::operate
