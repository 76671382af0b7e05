// base/backoff.h - how long to wait before trying again: exponential, with full jitter.
#pragma once

#include "base/rng.h"
#include "base/time.h"

#include <algorithm>

namespace adit {

/// The n-th wait is uniform in [1 ms, min(cap, base * 2^n)], so that peers that fell together do not come back
/// together.
class Backoff {
public:
    Backoff(Milliseconds base, Milliseconds cap) : base_(base), cap_(cap), ceiling_(base) {}

    Milliseconds next(Rng& rng)
    {
        const auto ceiling = static_cast<std::uint64_t>(ceiling_.count());
        ceiling_ = std::min(cap_, ceiling_ * 2);
        return Milliseconds(1 + static_cast<std::int64_t>(rng.below(ceiling)));
    }
    void reset() { ceiling_ = base_; }
    /// The most that the next wait can be.
    Milliseconds ceiling() const { return ceiling_; }

private:
    Milliseconds base_;
    Milliseconds cap_;
    Milliseconds ceiling_;
};

} // namespace adit
