// base/bytes.h - byte strings and their two text forms.
#pragma once

#include "base/result.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace adit {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
template<std::size_t N>
using ByteArray = std::array<std::uint8_t, N>;

inline ByteView as_bytes(std::string_view text)
{
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// Lowercase.
std::string encode_hex(ByteView bytes);
/// Lowercase or uppercase digits, an even number of them. Errors: bad_encoding.
Result<Bytes> parse_hex(std::string_view text);
/// As parse_hex, but only lowercase (NIP-01) and exactly N bytes. Errors: bad_encoding.
template<std::size_t N>
Result<ByteArray<N>> parse_hex_exactly(std::string_view text);

/// RFC 4648 section 4, padded.
std::string encode_base64(ByteView bytes);
/// RFC 4648 section 5, without padding.
std::string encode_base64url(ByteView bytes);
/// Section 4, padded and canonical: what WireGuard and NIP-44 write. Errors: bad_encoding.
Result<Bytes> parse_base64(std::string_view text);
/// Either alphabet (not mixed), padded or not: what buyers' software sends. Errors: bad_encoding.
Result<Bytes> parse_base64_any(std::string_view text);

/// Bounds are checked by the caller through `in.size()`; big-endian as in every protocol here but hash_to_curve.
void append_u32_be(Bytes& out, std::uint32_t value);
void append_u64_be(Bytes& out, std::uint64_t value);
void append(Bytes& out, ByteView bytes);

/// True for well-formed UTF-8 without overlong forms or surrogates.
bool is_utf8(std::string_view text);

namespace detail {
Result<void> parse_hex_into(std::string_view text, std::span<std::uint8_t> out);
}

template<std::size_t N>
Result<ByteArray<N>> parse_hex_exactly(std::string_view text)
{
    ByteArray<N> out{};
    TRY(detail::parse_hex_into(text, out));
    return out;
}

} // namespace adit
