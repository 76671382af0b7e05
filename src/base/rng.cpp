#include "base/rng.h"

#include <cstring>
#include <limits>
#include <sodium.h>

namespace adit {

namespace {

class SystemRng final : public Rng {
public:
    SystemRng() { CHECK(sodium_init() >= 0); }
    void fill(std::span<std::uint8_t> out) override
    {
        if (!out.empty()) randombytes_buf(out.data(), out.size()); // an empty span's null is not for it
    }
};

} // namespace

std::uint64_t Rng::below(std::uint64_t bound)
{
    CHECK(bound != 0);
    // Values past the last whole multiple of `bound` would favour the small numbers.
    const std::uint64_t limit = std::numeric_limits<std::uint64_t>::max() / bound * bound;
    for (;;) {
        const auto raw = bytes<8>();
        std::uint64_t value = 0;
        std::memcpy(&value, raw.data(), sizeof value);
        if (value < limit) return value % bound;
    }
}

Rng& system_rng()
{
    static SystemRng rng;
    return rng;
}

} // namespace adit
