// protocol/json_fields.h - looking into parsed JSON without exceptions. Internal to the .cpp files that parse.
#pragma once

#include "base/bytes.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

namespace adit::protocol {

/// nullptr where the value is no object or has no such member.
inline const nlohmann::json* member(const nlohmann::json& object, const char* name)
{
    if (!object.is_object()) return nullptr;
    const auto found = object.find(name);
    return found == object.end() ? nullptr : &*found;
}

inline const std::string* text_of(const nlohmann::json& value)
{
    return value.is_string() ? &value.get_ref<const std::string&>() : nullptr;
}

inline const std::string* text_member(const nlohmann::json& object, const char* name)
{
    const nlohmann::json* const value = member(object, name);
    return value == nullptr ? nullptr : text_of(*value);
}

/// A member that is there and not null: what wallets and services send often means the same by both.
inline const nlohmann::json* given_member(const nlohmann::json& object, const char* name)
{
    const nlohmann::json* const value = member(object, name);
    return value == nullptr || value->is_null() ? nullptr : value;
}

/// A whole number written as one (not 1e3, 1.0 or "1"), from 0 to max.
inline std::optional<std::uint64_t> whole_number(const nlohmann::json& value, std::uint64_t max)
{
    if (!value.is_number_integer()) return std::nullopt;
    if (!value.is_number_unsigned() && value.get<std::int64_t>() < 0) return std::nullopt;
    const auto number = value.get<std::uint64_t>();
    if (number > max) return std::nullopt;
    return number;
}

/// None where it is absent or no whole number.
inline std::optional<std::uint64_t> count_member(const nlohmann::json& object, const char* name)
{
    const nlohmann::json* const value = member(object, name);
    return value == nullptr ? std::nullopt : whole_number(*value, std::numeric_limits<std::uint64_t>::max());
}

} // namespace adit::protocol
