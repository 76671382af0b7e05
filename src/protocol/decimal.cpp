#include "protocol/decimal.h"

#include <algorithm>
#include <charconv>

namespace adit::protocol {

namespace {

constexpr std::size_t kMaxDigits = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

struct Parts {
    std::string_view whole;    // without leading zeros
    std::string_view fraction; // without trailing zeros
};

std::optional<Parts> split(std::string_view text)
{
    if (text.size() > kMaxDigits || std::none_of(text.begin(), text.end(), is_digit)) return std::nullopt;
    const std::size_t point = std::min(text.find('.'), text.size());
    Parts parts{text.substr(0, point), text.substr(std::min(point + 1, text.size()))};
    if (!std::all_of(parts.whole.begin(), parts.whole.end(), is_digit) ||
        !std::all_of(parts.fraction.begin(), parts.fraction.end(), is_digit))
        return std::nullopt;
    parts.whole.remove_prefix(std::min(parts.whole.find_first_not_of('0'), parts.whole.size()));
    parts.fraction = parts.fraction.substr(0, parts.fraction.find_last_not_of('0') + 1);
    return parts;
}

} // namespace

bool is_decimal(std::string_view text) { return split(text).has_value(); }

std::optional<std::strong_ordering> compare_decimals(std::string_view a, std::string_view b)
{
    const auto left = split(a);
    const auto right = split(b);
    if (!left || !right) return std::nullopt;
    if (const auto by_length = left->whole.size() <=> right->whole.size(); by_length != 0) return by_length;
    if (const auto by_whole = left->whole <=> right->whole; by_whole != 0) return by_whole;
    return left->fraction <=> right->fraction; // of two without trailing zeros, the longer of a common start is more
}

std::optional<std::uint64_t> whole_number(std::string_view text)
{
    const auto parts = split(text);
    if (!parts || !parts->fraction.empty()) return std::nullopt;
    if (parts->whole.empty()) return 0;
    std::uint64_t value = 0;
    const char* const end = parts->whole.data() + parts->whole.size();
    const auto [stop, error] = std::from_chars(parts->whole.data(), end, value);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return value;
}

std::string canonical_decimal(std::string_view text)
{
    const auto parts = split(text);
    if (!parts) return "0";
    std::string out(parts->whole.empty() ? "0" : parts->whole);
    if (!parts->fraction.empty()) out.append(".").append(parts->fraction);
    return out;
}

} // namespace adit::protocol
