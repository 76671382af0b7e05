#include "app/config_reader.h"

#include "base/bytes.h"
#include "base/check.h"
#include "protocol/decimal.h"

#include <algorithm>
#include <charconv>

namespace adit::app {

namespace {

constexpr std::size_t kMaxShown = 60; // bytes of a wrong value in a complaint

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

Place place_of_region(const toml::source_region& region)
{
    return Place{region.begin.line == 0 ? 1 : region.begin.line, region.begin.column == 0 ? 1 : region.begin.column};
}

std::optional<std::uint64_t> parse_count(std::string_view text)
{
    std::uint64_t value = 0;
    const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
    return value;
}

/// "listing.prices[]" of "listing.prices[2]". Only for paths of ours, in which brackets hold nothing but digits.
std::string schema_path(std::string_view path)
{
    std::string out;
    for (const char c : path)
        if (out.empty() || out.back() != '[' || c == ']') out += c;
    return out;
}

/// What stands between the separators; nothing for "".
std::vector<std::string_view> parts(std::string_view text, std::string_view separator)
{
    std::vector<std::string_view> out;
    while (!text.empty()) {
        const std::size_t end = text.find(separator);
        out.push_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + separator.size());
    }
    return out;
}

/// The shortest text that reads back as the same number, without an exponent.
std::string float_text(double value)
{
    char buffer[400];
    const auto [end, failure] = std::to_chars(std::begin(buffer), std::end(buffer), value, std::chars_format::fixed);
    return failure == std::errc{} ? std::string(std::begin(buffer), end) : std::string();
}

} // namespace

std::string shown(std::string_view text)
{
    std::string out(text.substr(0, kMaxShown));
    std::replace_if(out.begin(), out.end(), is_control, '?');
    while (!is_utf8(out)) out.pop_back(); // cut within a character
    return "\"" + out + (text.size() > kMaxShown ? "…\"" : "\"");
}

void Complaints::add(std::vector<Entry>& list, Place place, const std::string& key, const std::string& what) const
{
    list.push_back({place, file_ + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) + ": " +
                               (key.empty() ? "" : key + ": ") + what});
}

std::vector<std::string> Complaints::sorted(std::vector<Entry> list)
{
    std::stable_sort(list.begin(), list.end(), [](const Entry& a, const Entry& b) {
        return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
    });
    std::vector<std::string> out;
    out.reserve(list.size());
    for (Entry& entry : list) out.push_back(std::move(entry.text));
    return out;
}

std::string Section::path(std::string_view key) const
{
    return path_ + (path_.empty() || key.empty() ? "" : ".") + std::string(key);
}

const ConfigKey* Section::known(std::string_view key) const
{
    return find_config_key(schema_path(path_) + (path_.empty() ? "" : ".") + std::string(key));
}

const ConfigKey& Section::ask(std::string_view key, std::initializer_list<KeyType> types)
{
    const ConfigKey* row = known(key);
    CHECK(row != nullptr);
    CHECK(std::find(types.begin(), types.end(), row->type) != types.end());
    asked_.emplace(key);
    return *row;
}

const toml::node* Section::find(std::string_view key) const { return table_ == nullptr ? nullptr : table_->get(key); }

Place Section::place_of(std::string_view key) const
{
    const toml::node* node = find(key);
    return node == nullptr ? place_ : place_of_region(node->source());
}

Read<std::optional<std::string>> Section::text(std::string_view key)
{
    const ConfigKey& row =
        ask(key, {KeyType::text, KeyType::lines, KeyType::secret, KeyType::path, KeyType::network, KeyType::choice});
    const toml::node* node = find(key);
    Read<std::optional<std::string>> read{std::nullopt, place_of(key), node != nullptr};
    if (!row.otherwise.empty()) read.value = std::string(row.otherwise);
    if (node == nullptr) return read;
    const auto wrong = [&](const std::string& what) {
        error(read.place, key, what);
        read.wrong = true;
        return read;
    };
    const auto* value = node->as_string();
    if (value == nullptr) return wrong("is not text, expected a string in quotes");
    const std::string& content = value->get();
    const bool many = row.type == KeyType::lines;
    const auto stray = [&](char c) { return is_control(c) && (!many || (c != '\n' && c != '\t' && c != '\r')); };
    if (!is_utf8(content) || std::any_of(content.begin(), content.end(), stray))
        return wrong("has control characters, expected plain text");
    if (row.type == KeyType::text && row.most != 0 && content.size() > row.most)
        return wrong("is too long, expected up to " + std::to_string(row.most) + " bytes");
    if (content.empty() && !many)
        read.given = false; // an empty value is one left out
    else
        read.value = content;
    return read;
}

Read<std::optional<std::string>> Section::needed(std::string_view key)
{
    const ConfigKey& row = ask(key, {KeyType::text, KeyType::choice});
    CHECK(row.need != Need::never && !row.expected.empty());
    auto read = row.type == KeyType::choice ? choice(key) : text(key);
    if (!read.given) error(read.place, key, "is missing, expected " + std::string(row.expected));
    return read;
}

Read<std::optional<std::string>> Section::secret(std::string_view key)
{
    ask(key, {KeyType::secret});
    auto read = text(key);
    if (!read.value) return read;
    const auto from = read.value->find_first_not_of(' ');
    const auto to = read.value->find_last_not_of(' ');
    read.value = from == std::string::npos ? std::string() : read.value->substr(from, to - from + 1);
    return read;
}

Read<std::optional<std::string>> Section::choice(std::string_view key)
{
    const ConfigKey& row = ask(key, {KeyType::choice});
    auto read = text(key);
    if (!read.given || read.wrong) return read;
    const auto choices = parts(row.choices, "|");
    if (std::find(choices.begin(), choices.end(), *read.value) != choices.end()) return read;
    std::string expected;
    for (std::size_t i = 0; i < choices.size(); ++i)
        expected += (i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ") + ("\"" + std::string(choices[i]) + "\"");
    error(read.place, key, shown(*read.value) + " is not known, expected " + expected);
    read.wrong = true;
    read.value = row.otherwise.empty() ? std::nullopt : std::optional<std::string>(row.otherwise);
    return read;
}

Read<std::uint64_t> Section::number(std::string_view key)
{
    const ConfigKey& row = ask(key, {KeyType::number});
    const toml::node* node = find(key);
    Read<std::uint64_t> read{parse_count(row.otherwise).value_or(0), place_of(key), node != nullptr};
    if (node == nullptr) return read;
    std::optional<std::uint64_t> value;
    if (const auto* integer = node->as_integer(); integer != nullptr && integer->get() >= 0)
        value = static_cast<std::uint64_t>(integer->get());
    else if (const auto* digits = node->as_string())
        value = parse_count(digits->get()); // the reference takes ports in quotes
    read.wrong = !value || *value < row.least || *value > row.most;
    if (read.wrong)
        error(read.place, key,
              "is out of range, expected a whole number from " + std::to_string(row.least) + " to " +
                  std::to_string(row.most));
    else
        read.value = *value;
    return read;
}

Read<std::vector<std::uint64_t>> Section::numbers(std::string_view key)
{
    const ConfigKey& row = ask(key, {KeyType::numbers});
    const toml::node* node = find(key);
    Read<std::vector<std::uint64_t>> read{{}, place_of(key), node != nullptr};
    if (node == nullptr) return read;
    const auto* array = node->as_array();
    if (array == nullptr) {
        error(read.place, key, "is not a list, expected whole numbers in brackets");
        return read;
    }
    for (const toml::node& element : *array) {
        const auto* integer = element.as_integer();
        const auto value = integer != nullptr && integer->get() >= 0 ? static_cast<std::uint64_t>(integer->get()) : 0;
        if (integer == nullptr || integer->get() < 0 || value < row.least || value > row.most)
            error(place_of_region(element.source()), key,
                  "has an element that is out of range, expected whole numbers from " + std::to_string(row.least) +
                      " to " + std::to_string(row.most));
        else
            read.value.push_back(value);
    }
    return read;
}

Read<bool> Section::flag(std::string_view key)
{
    const ConfigKey& row = ask(key, {KeyType::flag});
    const toml::node* node = find(key);
    Read<bool> read{row.otherwise == "true", place_of(key), node != nullptr};
    if (node == nullptr) return read;
    const auto* value = node->as_boolean();
    read.wrong = value == nullptr;
    if (read.wrong)
        error(read.place, key, "is neither true nor false, expected one of them without quotes");
    else
        read.value = value->get();
    return read;
}

Read<std::optional<std::string>> Section::amount(std::string_view key)
{
    ask(key, {KeyType::amount});
    const toml::node* node = find(key);
    Read<std::optional<std::string>> read{std::nullopt, place_of(key), node != nullptr};
    std::string content;
    if (node != nullptr) {
        if (const auto* integer = node->as_integer())
            content = std::to_string(integer->get());
        else if (const auto* real = node->as_floating_point())
            content = protocol::canonical_decimal(float_text(real->get()));
        else if (const auto* value = node->as_string())
            content = value->get();
    }
    read.wrong = !protocol::is_decimal(content) || protocol::whole_number(content) == 0U;
    if (read.wrong)
        error(read.place, key,
              (node == nullptr ? "is missing" : "is no positive number") + std::string(", expected e.g. 100"));
    else
        read.value = content;
    return read;
}

Read<std::vector<Section::Item>> Section::list(std::string_view key)
{
    const ConfigKey& row = ask(key, {KeyType::list});
    const toml::node* node = find(key);
    Read<std::vector<Item>> read{{}, place_of(key), node != nullptr};
    if (node == nullptr) {
        for (const std::string_view part : parts(row.otherwise, ", "))
            read.value.push_back({std::string(part), place_});
        return read;
    }
    const auto* array = node->as_array();
    if (array == nullptr) {
        error(read.place, key, "is not a list, expected strings in brackets");
        return read;
    }
    for (const toml::node& element : *array) {
        const auto* value = element.as_string();
        const Place at = place_of_region(element.source());
        if (value == nullptr || value->get().empty() || !is_utf8(value->get()) ||
            std::any_of(value->get().begin(), value->get().end(), is_control))
            error(at, key, "has an element that is no plain text, expected strings in brackets");
        else
            read.value.push_back({value->get(), at});
    }
    return read;
}

Section Section::table(std::string_view key)
{
    ask(key, {KeyType::table});
    const toml::node* node = find(key);
    const toml::table* found = node == nullptr ? nullptr : node->as_table();
    if (node != nullptr && found == nullptr) error(place_of(key), key, "is not a table, expected [" + path(key) + "]");
    return {found, path(key), place_of(key), complaints_};
}

std::vector<Section> Section::tables(std::string_view key)
{
    ask(key, {KeyType::tables});
    const toml::node* node = find(key);
    std::vector<Section> out;
    if (node == nullptr) return out;
    const auto* array = node->as_array();
    if (array == nullptr) {
        error(place_of(key), key, "is not a list of tables, expected [[" + path(key) + "]]");
        return out;
    }
    for (std::size_t i = 0; i < array->size(); ++i) {
        const toml::node& element = *array->get(i);
        const Place at = place_of_region(element.source());
        if (const auto* found = element.as_table())
            out.emplace_back(found, path(key) + "[" + std::to_string(i) + "]", at, complaints_);
        else
            error(at, key, "has an element that is no table, expected [[" + path(key) + "]]");
    }
    return out;
}

void Section::unknown()
{
    if (table_ == nullptr) return;
    for (const auto& [key, node] : *table_) {
        (void)node;
        if (asked_.contains(key.str())) continue;
        const std::string name = shown(key.str());
        warn(place_of_region(key.source()), std::string_view(name).substr(1, name.size() - 2),
             known(key.str()) == nullptr ? "is not known and has no effect" : "has no effect here");
    }
}

} // namespace adit::app
