// app/config_reader.h - TOML as checked values, by the schema. Every mistake is collected with its place; reading goes
// on after it. Only the config's own sources include this: toml++ is heavy.
#pragma once

#include "app/config_schema.h"
#include "protocol/listing.h"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <toml++/toml.h>
#include <vector>

namespace adit::app {

struct Place {
    std::uint64_t line = 1;
    std::uint64_t column = 1;
};

/// Errors and warnings, kept in the order of the file.
class Complaints {
public:
    explicit Complaints(std::string file) : file_(std::move(file)) {}
    void error(Place place, const std::string& key, const std::string& what) { add(errors_, place, key, what); }
    void warn(Place place, const std::string& key, const std::string& what) { add(warnings_, place, key, what); }
    bool any_error() const { return !errors_.empty(); }
    std::vector<std::string> errors() const { return sorted(errors_); }
    std::vector<std::string> warnings() const { return sorted(warnings_); }

private:
    struct Entry {
        Place place;
        std::string text;
    };
    void add(std::vector<Entry>& list, Place place, const std::string& key, const std::string& what) const;
    static std::vector<std::string> sorted(std::vector<Entry> list);

    std::string file_;
    std::vector<Entry> errors_;
    std::vector<Entry> warnings_;
};

/// A value of the file, or the schema's default, with the place to complain about.
template<typename T>
struct Read {
    T value;
    Place place;
    bool given = false;
    bool wrong = false; // complained about already; the value is the default
};

/// One table. A wrong value is complained about and reads as absent. What may be asked, as which type, and what an
/// absent key reads as, stands in the schema: to ask otherwise is our mistake. unknown() must be the last call.
class Section {
public:
    /// `table` may be nullptr (absent): everything reads as absent, at `place`.
    Section(const toml::table* table, std::string path, Place place, Complaints& complaints)
        : table_(table), path_(std::move(path)), place_(place), complaints_(complaints)
    {
    }

    bool given() const { return table_ != nullptr; }
    Place place() const { return place_; }
    /// "server.port"; the table's own name for "".
    std::string path(std::string_view key) const;
    /// What the schema says of a key of this table; nullptr where it has none.
    const ConfigKey* known(std::string_view key) const;

    /// A text, path or network, without control characters; of `lines`, with line breaks. Never empty if given.
    Read<std::optional<std::string>> text(std::string_view key);
    /// As text or choice, but its absence is an error.
    Read<std::optional<std::string>> needed(std::string_view key);
    /// A secret: what is wrong with it is said without repeating it.
    Read<std::optional<std::string>> secret(std::string_view key);
    /// One of the schema's choices.
    Read<std::optional<std::string>> choice(std::string_view key);
    Read<std::uint64_t> number(std::string_view key);
    /// A list of them.
    Read<std::vector<std::uint64_t>> numbers(std::string_view key);
    std::uint16_t number16(std::string_view key) { return static_cast<std::uint16_t>(number(key).value); }
    Read<bool> flag(std::string_view key);
    /// A positive number, or text holding one, as decimal text. Its absence is an error.
    Read<std::optional<std::string>> amount(std::string_view key);
    struct Item {
        std::string text;
        Place place;
    };
    Read<std::vector<Item>> list(std::string_view key);
    Section table(std::string_view key);
    std::vector<Section> tables(std::string_view key);

    void error(Place place, std::string_view key, const std::string& what)
    {
        complaints_.error(place, path(key), what);
    }
    void warn(Place place, std::string_view key, const std::string& what) { complaints_.warn(place, path(key), what); }
    Complaints& complaints() { return complaints_; }
    /// Warns about every key that the schema has not, or that nobody asked for here.
    void unknown();

private:
    /// The row of a key that is about to be read as one of `types`.
    const ConfigKey& ask(std::string_view key, std::initializer_list<KeyType> types);
    const toml::node* find(std::string_view key) const;
    Place place_of(std::string_view key) const;

    const toml::table* table_;
    std::string path_;
    Place place_;
    Complaints& complaints_;
    std::set<std::string, std::less<>> asked_;
};

/// Quoted for a complaint: shortened, control characters replaced.
std::string shown(std::string_view text);

} // namespace adit::app
