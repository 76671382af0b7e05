#include "base/bytes.h"

#include <algorithm>
#include <sodium.h>

namespace adit {

namespace {

int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string encode_with(ByteView bytes, int variant)
{
    std::string out(sodium_base64_encoded_len(bytes.size(), variant), '\0');
    sodium_bin2base64(out.data(), out.size(), bytes.data(), bytes.size(), variant);
    out.resize(out.size() - 1); // the terminating NUL
    return out;
}

Result<Bytes> parse_with(std::string_view text, int variant)
{
    Bytes out(text.size() / 4 * 3 + 3);
    std::size_t length = 0;
    const char* end = nullptr;
    if (sodium_base642bin(out.data(), out.size(), text.data(), text.size(), nullptr, &length, &end, variant) != 0 ||
        end != text.data() + text.size())
        return Error{Reason::bad_encoding, "not base64"};
    out.resize(length);
    return out;
}

} // namespace

std::string encode_hex(ByteView bytes)
{
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const std::uint8_t byte : bytes) {
        out.push_back(kDigits[byte >> 4]);
        out.push_back(kDigits[byte & 15]);
    }
    return out;
}

Result<Bytes> parse_hex(std::string_view text)
{
    if (text.size() % 2 != 0) return Error{Reason::bad_encoding, "hex with an odd number of digits"};
    Bytes out(text.size() / 2);
    for (std::size_t i = 0; i < out.size(); ++i) {
        const int high = hex_digit(text[2 * i]);
        const int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return Error{Reason::bad_encoding, "not hex"};
        out[i] = static_cast<std::uint8_t>(high << 4 | low);
    }
    return out;
}

Result<void> detail::parse_hex_into(std::string_view text, std::span<std::uint8_t> out)
{
    if (text.size() != out.size() * 2)
        return Error{Reason::bad_encoding, "expected " + std::to_string(out.size() * 2) + " hex digits"};
    if (std::any_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'F'; }))
        return Error{Reason::bad_encoding, "hex must be lowercase"};
    const Bytes bytes = TRY(parse_hex(text));
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return {};
}

std::string encode_base64(ByteView bytes) { return encode_with(bytes, sodium_base64_VARIANT_ORIGINAL); }

std::string encode_base64url(ByteView bytes) { return encode_with(bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING); }

Result<Bytes> parse_base64(std::string_view text) { return parse_with(text, sodium_base64_VARIANT_ORIGINAL); }

Result<Bytes> parse_base64_any(std::string_view text)
{
    const std::size_t padding = text.size() - std::min(text.size(), text.find_last_not_of('=') + 1);
    if (padding > 2 || (padding > 0 && text.size() % 4 != 0)) return Error{Reason::bad_encoding, "bad base64 padding"};
    text.remove_suffix(padding);
    const bool url_safe = text.find_first_of("-_") != std::string_view::npos;
    return parse_with(text,
                      url_safe ? sodium_base64_VARIANT_URLSAFE_NO_PADDING : sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
}

void append_u32_be(Bytes& out, std::uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

void append_u64_be(Bytes& out, std::uint64_t value)
{
    for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

void append(Bytes& out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

bool is_utf8(std::string_view text)
{
    std::size_t i = 0;
    while (i < text.size()) {
        const auto lead = static_cast<unsigned char>(text[i]);
        std::size_t more = 0;
        std::uint32_t point = 0;
        if (lead < 0x80) {
            ++i;
            continue;
        }
        if (lead >= 0xC2 && lead <= 0xDF) {
            more = 1;
            point = lead & 0x1FU;
        } else if (lead >= 0xE0 && lead <= 0xEF) {
            more = 2;
            point = lead & 0x0FU;
        } else if (lead >= 0xF0 && lead <= 0xF4) {
            more = 3;
            point = lead & 0x07U;
        } else {
            return false;
        }
        if (text.size() - i <= more) return false;
        for (std::size_t k = 1; k <= more; ++k) {
            const auto next = static_cast<unsigned char>(text[i + k]);
            if ((next & 0xC0U) != 0x80U) return false;
            point = point << 6 | (next & 0x3FU);
        }
        if ((more == 2 && point < 0x800) || (more == 3 && (point < 0x10000 || point > 0x10FFFF)) ||
            (point >= 0xD800 && point <= 0xDFFF))
            return false;
        i += more + 1;
    }
    return true;
}

} // namespace adit
