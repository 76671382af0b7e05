// base/secret.h - bytes that must not spread: keys, seeds, preimages.
#pragma once

#include "base/bytes.h"

#include <iosfwd>
#include <sodium.h>

namespace adit {

/// Moves but never copies, is wiped when it dies, compares in constant time, cannot be streamed or formatted.
template<std::size_t N>
class SecretBytes {
public:
    SecretBytes() = default;
    explicit SecretBytes(std::span<const std::uint8_t, N> bytes)
    {
        std::copy(bytes.begin(), bytes.end(), bytes_.begin());
    }
    SecretBytes(SecretBytes&& other) noexcept : bytes_(other.bytes_) { other.wipe(); }
    SecretBytes& operator=(SecretBytes&& other) noexcept
    {
        if (this != &other) {
            bytes_ = other.bytes_;
            other.wipe();
        }
        return *this;
    }
    SecretBytes(const SecretBytes&) = delete;
    SecretBytes& operator=(const SecretBytes&) = delete;
    ~SecretBytes() { wipe(); }

    bool operator==(const SecretBytes& other) const
    {
        return sodium_memcmp(bytes_.data(), other.bytes_.data(), N) == 0;
    }

    /// The one word to search for in a review.
    std::span<const std::uint8_t, N> expose() const { return std::span<const std::uint8_t, N>(bytes_); }
    /// For what fills it: the dice, a key derivation.
    std::span<std::uint8_t, N> writable() { return std::span<std::uint8_t, N>(bytes_); }
    /// A second copy must be asked for by name.
    SecretBytes duplicate() const { return SecretBytes(expose()); }

private:
    void wipe() { sodium_memzero(bytes_.data(), N); }
    ByteArray<N> bytes_{};
};

template<std::size_t N>
std::ostream& operator<<(std::ostream&, const SecretBytes<N>&) = delete;

/// 64 lowercase or uppercase hex digits, exactly N bytes. Errors: bad_encoding (the text is not repeated).
template<std::size_t N>
Result<SecretBytes<N>> parse_secret_hex(std::string_view text)
{
    SecretBytes<N> out;
    if (text.size() != 2 * N) return Error{Reason::bad_encoding, "expected " + std::to_string(2 * N) + " hex digits"};
    std::size_t length = 0;
    const char* end = nullptr;
    if (sodium_hex2bin(out.writable().data(), N, text.data(), text.size(), nullptr, &length, &end) != 0 || length != N)
        return Error{Reason::bad_encoding, "not hex"};
    return out;
}

} // namespace adit
