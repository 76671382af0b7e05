#include "protocol/units.h"

namespace adit::protocol {

namespace {

constexpr Unit kAllUnits[]{Unit::hour, Unit::day, Unit::week, Unit::month, Unit::gib, Unit::tib};

} // namespace

std::optional<Unit> parse_unit(std::string_view word)
{
    for (const Unit unit : kAllUnits)
        if (unit_word(unit) == word) return unit;
    return std::nullopt;
}

std::string_view unit_word(Unit unit)
{
    switch (unit) {
    case Unit::hour:
        return "hour";
    case Unit::day:
        return "day";
    case Unit::week:
        return "week";
    case Unit::month:
        return "month";
    case Unit::gib:
        return "GiB";
    case Unit::tib:
        return "TiB";
    }
    return "";
}

Dimension dimension(Unit unit)
{
    switch (unit) {
    case Unit::hour:
    case Unit::day:
    case Unit::week:
    case Unit::month:
        return Dimension::time;
    case Unit::gib:
    case Unit::tib:
        return Dimension::data;
    }
    return Dimension::time;
}

std::uint64_t unit_size(Unit unit)
{
    switch (unit) {
    case Unit::hour:
        return 3600;
    case Unit::day:
        return 86400;
    case Unit::week:
        return 7 * 86400;
    case Unit::month:
        return 30 * 86400;
    case Unit::gib:
        return 1ULL << 30;
    case Unit::tib:
        return 1ULL << 40;
    }
    return 1;
}

std::string_view dimension_word(Dimension value)
{
    switch (value) {
    case Dimension::time:
        return "time";
    case Dimension::data:
        return "data";
    }
    return "";
}

std::optional<Dimension> parse_dimension(std::string_view word)
{
    for (const Dimension value : {Dimension::time, Dimension::data})
        if (dimension_word(value) == word) return value;
    return std::nullopt;
}

} // namespace adit::protocol
