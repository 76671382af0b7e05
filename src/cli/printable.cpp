#include "cli/printable.h"

#include <cstdint>

namespace adit::cli {

namespace {

struct Character {
    std::uint32_t code = 0xfffd;
    std::size_t bytes = 1; // taken from the text
    bool good = false;
};

Character first_of(std::string_view text)
{
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t lead = byte(0);
    if (lead < 0x80) return {lead, 1, true};
    const std::size_t length = lead >= 0xf0 && lead < 0xf5 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
    if (length == 0 || lead >= 0xf5 || text.size() < length) return {};
    std::uint32_t code = lead & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0U) != 0x80) return {};
        code = code << 6U | (byte(i) & 0x3fU);
    }
    constexpr std::uint32_t kLeast[]{0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    if (code < kLeast[length] || code > 0x10ffff || surrogate) return {};
    return {code, length, true};
}

bool is_control(std::uint32_t code)
{
    const bool turns_direction = (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
                                 (code >= 0x2066 && code <= 0x2069) || code == 0xfeff || code == 0x061c;
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || turns_direction || (code >= 0xe0000 && code <= 0xe007f);
}

std::size_t width_of(std::uint32_t code)
{
    const bool combining = (code >= 0x300 && code <= 0x36f) || (code >= 0xfe00 && code <= 0xfe0f);
    if (combining) return 0;
    const bool wide = (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) ||
                      (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) ||
                      (code >= 0xfe30 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff60) ||
                      (code >= 0x1f300 && code <= 0x1faff) || (code >= 0x20000 && code <= 0x3fffd);
    return wide ? 2 : 1;
}

} // namespace

std::string printable(std::string_view text, std::size_t limit)
{
    std::string out;
    while (!text.empty()) {
        const Character character = first_of(text);
        std::string_view bytes = text.substr(0, character.bytes);
        text.remove_prefix(character.bytes);
        if (character.code == '\n' || character.code == '\r' || character.code == '\t')
            bytes = " ";
        else if (!character.good || is_control(character.code))
            bytes = "?";
        if (out.size() + bytes.size() > limit) break;
        out += bytes;
    }
    return out;
}

std::size_t columns(std::string_view text)
{
    std::size_t count = 0;
    while (!text.empty()) {
        const Character character = first_of(text);
        count += width_of(character.code);
        text.remove_prefix(character.bytes);
    }
    return count;
}

std::string fitted(std::string_view text, std::size_t width)
{
    const std::string clean = printable(text, text.size() + 1);
    std::string out;
    std::size_t used = 0;
    if (columns(clean) <= width) {
        out = clean;
        used = columns(clean);
    } else {
        std::string_view rest = clean;
        for (;;) {
            const Character character = first_of(rest);
            if (used + width_of(character.code) + 1 > width) break;
            out += rest.substr(0, character.bytes);
            used += width_of(character.code);
            rest.remove_prefix(character.bytes);
        }
        if (width > 0) {
            out += "…";
            ++used;
        }
    }
    out.append(width > used ? width - used : 0, ' ');
    return out;
}

std::string length_text(Seconds length)
{
    const std::int64_t s = length.count();
    if (s <= 0) return "none";
    const auto part = [](std::int64_t count, const char* unit) { return std::to_string(count) + " " + unit; };
    if (s < 120) return part(s, "s");
    if (s < 7200) return part(s / 60, "min") + " " + part(s % 60, "s");
    if (s < 172800) return part(s / 3600, "h") + " " + part(s % 3600 / 60, "min");
    return part(s / 86400, "d") + " " + part(s % 86400 / 3600, "h");
}

std::string bytes_text(std::uint64_t bytes)
{
    constexpr const char* kUnits[]{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    std::size_t unit = 0;
    std::uint64_t tenths = bytes > (1ULL << 60) ? (1ULL << 60) * 10 : bytes * 10;
    while (tenths >= 10240 && unit < 5) {
        tenths /= 1024;
        ++unit;
    }
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " " + kUnits[unit];
}

std::string sats(Sat amount) { return std::to_string(amount.count()) + " sat"; }

} // namespace adit::cli
