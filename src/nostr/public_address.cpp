#include "nostr/public_address.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace adit::nostr {

namespace {

using V4 = std::array<std::uint8_t, 4>;
using V6 = std::array<std::uint8_t, 16>;

template<std::size_t Size>
struct Range {
    std::array<std::uint8_t, Size> first;
    unsigned bits;
};

// The registries of special-purpose addresses (RFC 6890 and its updates), multicast included.
constexpr Range<4> kSpecial4[]{
    {{0, 0, 0, 0}, 8},      {{10, 0, 0, 0}, 8},     {{100, 64, 0, 0}, 10}, {{127, 0, 0, 0}, 8},
    {{169, 254, 0, 0}, 16}, {{172, 16, 0, 0}, 12},  {{192, 0, 0, 0}, 24},  {{192, 0, 2, 0}, 24},
    {{192, 88, 99, 0}, 24}, {{192, 168, 0, 0}, 16}, {{198, 18, 0, 0}, 15}, {{198, 51, 100, 0}, 24},
    {{203, 0, 113, 0}, 24}, {{224, 0, 0, 0}, 3},
};
constexpr Range<16> kGlobal6{{0x20}, 3};
constexpr Range<16> kSpecial6[]{
    {{0x20, 0x01, 0x00}, 23},       // protocols of their own, Teredo among them
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, // documentation
    {{0x20, 0x02}, 16},             // 6to4
    {{0x3f, 0xff, 0x00}, 20},       // documentation
};
constexpr Range<16> kMapped4{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96};
constexpr Range<16> kNat64{{0x00, 0x64, 0xff, 0x9b}, 96};

template<std::size_t Size>
bool is_in(const std::array<std::uint8_t, Size>& address, const Range<Size>& range)
{
    for (unsigned bit = 0; bit < range.bits; ++bit) {
        const auto mask = static_cast<std::uint8_t>(0x80U >> (bit % 8));
        if (((address[bit / 8] ^ range.first[bit / 8]) & mask) != 0) return false;
    }
    return true;
}

bool is_public(const V4& address)
{
    return std::ranges::none_of(kSpecial4, [&](const auto& range) { return is_in(address, range); });
}

bool is_public(const V6& address)
{
    if (is_in(address, kMapped4) || is_in(address, kNat64)) {
        V4 inner{};
        std::copy_n(address.begin() + 12, 4, inner.begin());
        return is_public(inner);
    }
    return is_in(address, kGlobal6) &&
           std::ranges::none_of(kSpecial6, [&](const auto& range) { return is_in(address, range); });
}

} // namespace

bool is_public_address(std::string_view numeric)
{
    if (numeric.find('\0') != std::string_view::npos) return false;
    const std::string text(numeric);
    V4 v4{};
    if (::inet_pton(AF_INET, text.c_str(), v4.data()) == 1) return is_public(v4);
    V6 v6{};
    return ::inet_pton(AF_INET6, text.c_str(), v6.data()) == 1 && is_public(v6);
}

} // namespace adit::nostr
