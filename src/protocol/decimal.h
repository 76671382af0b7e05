// protocol/decimal.h - decimal numbers as text, compared without ever being a floating point number.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace adit::protocol {

/// Digits with at most one point between, before or after them; no sign, no exponent, at most 64 characters.
bool is_decimal(std::string_view text);

/// By value: "1.50" equals "01.5". None where either is no decimal.
std::optional<std::strong_ordering> compare_decimals(std::string_view a, std::string_view b);

/// The value of a decimal without a fraction ("21", "021", "21.0"); none where it has one or does not fit.
std::optional<std::uint64_t> whole_number(std::string_view text);

/// The shortest spelling, which is also a JSON number: "007.50" gives "7.5". Of a decimal only.
std::string canonical_decimal(std::string_view text);

} // namespace adit::protocol
