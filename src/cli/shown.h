// cli/shown.h - members of a daemon's answer as a person reads them, and amounts as one writes them.
#pragma once

#include "cli/arguments.h"

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace adit::cli {

// "?" for what is not there or is something else.
std::string shown_number(const nlohmann::json& row, const char* name);
std::string shown_text(const nlohmann::json& row, const char* name);   // printable
std::string shown_time(const nlohmann::json& row, const char* name);   // ISO 8601
std::string shown_length(const nlohmann::json& row, const char* name); // of seconds

/// "17"; none for anything that is not a whole number from 1 on.
std::optional<std::uint64_t> parse_count(std::string_view text);
/// Adds `quantity` and `unit` of "3day" or "10GiB", and `max_mbps` where --mbps is there. Errors: bad_request.
Result<void> add_amount(nlohmann::json& request, std::string_view amount, const Arguments& arguments);

} // namespace adit::cli
