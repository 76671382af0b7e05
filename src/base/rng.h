// base/rng.h - the only door to the system's randomness. Everything else takes an Rng.
#pragma once

#include "base/bytes.h"
#include "base/secret.h"

namespace adit {

/// Thread-safe. The system's one is cryptographically strong; tests seed theirs.
class Rng {
public:
    virtual ~Rng() = default;
    virtual void fill(std::span<std::uint8_t> out) = 0;

    template<std::size_t N>
    ByteArray<N> bytes()
    {
        ByteArray<N> out{};
        fill(out);
        return out;
    }
    template<std::size_t N>
    SecretBytes<N> secret()
    {
        SecretBytes<N> out;
        fill(out.writable());
        return out;
    }
    /// Uniform in [0, bound); bound must not be 0.
    std::uint64_t below(std::uint64_t bound);
};

Rng& system_rng();

} // namespace adit
