#include "protocol/json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace adit::protocol {

namespace {

/// Exact for JSON; what it says of other text does not matter, since the parser refuses that.
bool nests_deeper_than(std::string_view text, std::size_t max_depth)
{
    std::size_t depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') ++i; // whatever is escaped, it does not end the string
            if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > max_depth) return true;
        } else if ((c == ']' || c == '}') && depth > 0) {
            --depth;
        }
    }
    return false;
}

} // namespace

Result<nlohmann::json> parse_json(std::string_view text, std::size_t max_depth)
{
    if (nests_deeper_than(text, max_depth)) return Error{Reason::bad_encoding, "JSON nested too deep"};
    nlohmann::json parsed = nlohmann::json::parse(text, nullptr, false);
    if (parsed.is_discarded()) return Error{Reason::bad_encoding, "not JSON"};
    return parsed;
}

std::string dump(const nlohmann::ordered_json& value)
{
    return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void append_json_string(std::string& out, std::string_view text, Controls controls)
{
    static constexpr char kDigits[] = "0123456789abcdef";
    out.push_back('"');
    for (const char c : text) {
        switch (c) {
        case '\b':
            out += "\\b";
            break;
        case '\t':
            out += "\\t";
            break;
        case '\n':
            out += "\\n";
            break;
        case '\f':
            out += "\\f";
            break;
        case '\r':
            out += "\\r";
            break;
        case '"':
            out += "\\\"";
            break;
        case '\\':
            out += "\\\\";
            break;
        default: {
            const auto byte = static_cast<unsigned char>(c);
            if (byte < 0x20 && controls == Controls::escaped) {
                out += "\\u00";
                out.push_back(kDigits[byte >> 4]);
                out.push_back(kDigits[byte & 15]);
            } else {
                out.push_back(c);
            }
        }
        }
    }
    out.push_back('"');
}

} // namespace adit::protocol
