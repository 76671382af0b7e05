#include "cli/shown.h"

#include "cli/printable.h"
#include "protocol/json_fields.h"
#include "protocol/units.h"

#include <charconv>
#include <nlohmann/json.hpp>

namespace adit::cli {

namespace {

std::optional<std::int64_t> seconds_of(const nlohmann::json& row, const char* name)
{
    const nlohmann::json* value = protocol::member(row, name);
    const auto number = value ? protocol::whole_number(*value, INT64_MAX / 2) : std::nullopt;
    if (!number) return std::nullopt;
    return static_cast<std::int64_t>(*number);
}

} // namespace

std::string shown_number(const nlohmann::json& row, const char* name)
{
    const auto number = protocol::count_member(row, name);
    return number ? std::to_string(*number) : "?";
}

std::string shown_text(const nlohmann::json& row, const char* name)
{
    const std::string* text = protocol::text_member(row, name);
    return text ? printable(*text, 200) : "?";
}

std::string shown_time(const nlohmann::json& row, const char* name)
{
    const auto seconds = seconds_of(row, name);
    return seconds ? to_iso8601(UnixSeconds(*seconds)) : "?";
}

std::string shown_length(const nlohmann::json& row, const char* name)
{
    const auto seconds = seconds_of(row, name);
    return seconds ? length_text(Seconds(*seconds)) : "?";
}

std::optional<std::uint64_t> parse_count(std::string_view text)
{
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number == 0) return std::nullopt;
    return number;
}

Result<void> add_amount(nlohmann::json& request, std::string_view amount, const Arguments& arguments)
{
    const auto digits = std::min(amount.find_first_not_of("0123456789"), amount.size());
    const auto quantity = parse_count(amount.substr(0, digits));
    const std::string_view unit = amount.substr(digits);
    if (!quantity || !protocol::parse_unit(unit))
        return Error{Reason::bad_request,
                     "an amount is a number and a unit (hour, day, week, month, GiB, TiB), as 3day or 10GiB"};
    request["quantity"] = *quantity;
    request["unit"] = unit;
    if (arguments.has("--mbps")) request["max_mbps"] = TRY(arguments.number("--mbps", 0, 100'000));
    return {};
}

} // namespace adit::cli
