// protocol/units.h - what a tier is sold by. spec: Listing, Units
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace adit::protocol {

enum class Unit { hour, day, week, month, gib, tib };

/// Amounts of different dimensions are never compared.
enum class Dimension { time, data };

/// "hour", "day", "week", "month", "GiB", "TiB": exactly so, since buyers compare units as text.
std::optional<Unit> parse_unit(std::string_view word);
std::string_view unit_word(Unit unit);

Dimension dimension(Unit unit);
/// Seconds (a month is 30 days) or bytes, by dimension.
std::uint64_t unit_size(Unit unit);

/// Of the store and of JSON: "time" or "data".
std::string_view dimension_word(Dimension value);
std::optional<Dimension> parse_dimension(std::string_view word);

} // namespace adit::protocol
