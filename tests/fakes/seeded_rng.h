// tests/fakes/seeded_rng.h - dice that fall the same way for the same seed.
#pragma once

#include "base/rng.h"

namespace adit::fakes {

/// SplitMix64: good enough to spread, and the same everywhere. Not thread-safe.
class SeededRng : public Rng {
public:
    explicit SeededRng(std::uint64_t seed = 1) : state_(seed) {}

    void fill(std::span<std::uint8_t> out) override
    {
        for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(next() >> 56U);
    }

private:
    std::uint64_t next()
    {
        state_ += 0x9e3779b97f4a7c15U;
        std::uint64_t z = state_;
        z = (z ^ z >> 30U) * 0xbf58476d1ce4e5b9U;
        z = (z ^ z >> 27U) * 0x94d049bb133111ebU;
        return z ^ z >> 31U;
    }
    std::uint64_t state_;
};

} // namespace adit::fakes
