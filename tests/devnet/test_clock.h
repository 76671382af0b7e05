// tests/devnet/test_clock.h - a clock that moves when it is told to.
#pragma once

#include "base/clock.h"

#include <atomic>

namespace adit::devnet {

class TestClock final : public Clock {
public:
    UnixSeconds now() const override { return UnixSeconds(now_); }
    SteadyTime steady() const override { return SteadyTime(std::chrono::seconds(now_)); }
    void advance(Seconds length) { now_ += length.count(); }

private:
    std::atomic<std::int64_t> now_{1'795'000'000};
};

} // namespace adit::devnet
