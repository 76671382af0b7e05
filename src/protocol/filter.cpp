#include "protocol/filter.h"

#include "protocol/json.h"
#include "protocol/json_fields.h"

#include <algorithm>

namespace adit::protocol {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

template<typename T>
bool allows(const std::optional<std::vector<T>>& list, const T& value)
{
    return !list || std::find(list->begin(), list->end(), value) != list->end();
}

bool has_tag(const Event& event, char letter, const std::vector<std::string>& values)
{
    return std::any_of(event.tags.begin(), event.tags.end(), [&](const Tag& tag) {
        return tag.size() >= 2 && tag[0].size() == 1 && tag[0][0] == letter &&
               std::find(values.begin(), values.end(), tag[1]) != values.end();
    });
}

Error malformed_filter(std::string_view what) { return Error{Reason::bad_encoding, "filter: " + std::string(what)}; }

Result<std::vector<std::string>> parse_texts(const nlohmann::json& value)
{
    if (!value.is_array()) return malformed_filter("a condition is not a list");
    std::vector<std::string> out;
    out.reserve(value.size());
    for (const nlohmann::json& element : value) {
        const std::string* const text = text_of(element);
        if (text == nullptr) return malformed_filter("a list holds something that is not a string");
        out.push_back(*text);
    }
    return out;
}

Result<std::vector<EventId>> parse_ids(const nlohmann::json& value)
{
    std::vector<EventId> out;
    for (const std::string& text : TRY(parse_texts(value))) out.push_back(TRY(parse_hex_exactly<32>(text)));
    return out;
}

Result<std::vector<PublicKey>> parse_authors(const nlohmann::json& value)
{
    std::vector<PublicKey> out;
    for (const EventId& bytes : TRY(parse_ids(value)))
        if (auto key = PublicKey::from_bytes(bytes)) out.push_back(*key);
    return out;
}

Result<std::vector<std::uint32_t>> parse_kinds(const nlohmann::json& value)
{
    if (!value.is_array()) return malformed_filter("kinds is not a list");
    std::vector<std::uint32_t> out;
    out.reserve(value.size());
    for (const nlohmann::json& element : value) {
        const auto kind = whole_number(element, 65535);
        if (!kind) return malformed_filter("a kind that is not 0 to 65535");
        out.push_back(static_cast<std::uint32_t>(*kind));
    }
    return out;
}

Result<UnixSeconds> parse_time(const nlohmann::json& value)
{
    const auto seconds = whole_number(value, INT64_MAX);
    if (!seconds) return malformed_filter("a time that is not a whole number of seconds");
    return UnixSeconds(static_cast<std::int64_t>(*seconds));
}

/// Writes the members of an object one after the other.
class Members {
public:
    explicit Members(std::string& out) : out_(out) { out_.push_back('{'); }
    void name(std::string_view name)
    {
        out_ += empty_ ? "\"" : ",\"";
        out_ += name;
        out_ += "\":";
        empty_ = false;
    }
    template<typename List, typename Write>
    void list(std::string_view key, const List& values, Write write)
    {
        name(key);
        out_.push_back('[');
        bool first = true;
        for (const auto& value : values) {
            if (!first) out_.push_back(',');
            first = false;
            write(value);
        }
        out_.push_back(']');
    }

private:
    std::string& out_;
    bool empty_ = true;
};

} // namespace

bool matches(const Filter& filter, const Event& event)
{
    return allows(filter.ids, event.id) && allows(filter.authors, event.pubkey) && allows(filter.kinds, event.kind) &&
           (!filter.since || event.created_at >= *filter.since) &&
           (!filter.until || event.created_at <= *filter.until) &&
           std::all_of(filter.tags.begin(), filter.tags.end(),
                       [&](const auto& condition) { return has_tag(event, condition.first, condition.second); });
}

bool matches_any(std::span<const Filter> filters, const Event& event)
{
    return std::any_of(filters.begin(), filters.end(), [&](const Filter& filter) { return matches(filter, event); });
}

std::string encode_filter(const Filter& filter)
{
    std::string out;
    Members members(out);
    const auto write_hex = [&](ByteView bytes) { out += '"' + encode_hex(bytes) + '"'; };
    if (filter.ids) members.list("ids", *filter.ids, write_hex);
    if (filter.authors) members.list("authors", *filter.authors, [&](const PublicKey& key) { write_hex(key.bytes()); });
    if (filter.kinds) members.list("kinds", *filter.kinds, [&](std::uint32_t kind) { out += std::to_string(kind); });
    for (const auto& [letter, values] : filter.tags) {
        CHECK(is_letter(letter));
        members.list(std::string{'#', letter}, values,
                     [&](const std::string& value) { append_json_string(out, value); });
    }
    const auto write_number = [&](std::string_view name, auto number) {
        members.name(name);
        out += std::to_string(number);
    };
    if (filter.since) write_number("since", filter.since->count());
    if (filter.until) write_number("until", filter.until->count());
    if (filter.limit) write_number("limit", *filter.limit);
    out.push_back('}');
    return out;
}

Result<Filter> parse_filter(const nlohmann::json& object)
{
    if (!object.is_object()) return malformed_filter("not an object");
    Filter filter;
    for (const auto& [key, value] : object.items()) {
        if (key == "ids") {
            filter.ids = TRY(parse_ids(value));
        } else if (key == "authors") {
            filter.authors = TRY(parse_authors(value));
        } else if (key == "kinds") {
            filter.kinds = TRY(parse_kinds(value));
        } else if (key == "since") {
            filter.since = TRY(parse_time(value));
        } else if (key == "until") {
            filter.until = TRY(parse_time(value));
        } else if (key == "limit") {
            const auto limit = whole_number(value, UINT64_MAX);
            if (!limit) return malformed_filter("a limit that is not a whole number");
            filter.limit = static_cast<std::uint32_t>(std::min<std::uint64_t>(*limit, UINT32_MAX));
        } else if (key.size() == 2 && key[0] == '#' && is_letter(key[1])) {
            filter.tags[key[1]] = TRY(parse_texts(value));
        }
    }
    return filter;
}

} // namespace adit::protocol
