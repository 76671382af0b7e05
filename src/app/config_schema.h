// app/config_schema.h - every key of the config in one table: type, default, range, meaning. The reader takes them from
// here, and docs/config.md is printed from it. spec: Config
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace adit::app {

enum class KeyType {
    text,    // one line
    lines,   // text of many lines
    secret,  // text that no complaint repeats
    path,    // of a file; a relative one starts at the config's folder
    network, // address/prefix, the prefix between `least` and `most`
    choice,  // one of `choices`
    number,  // whole, from `least` to `most`
    numbers, // a list of such
    flag,    // true or false
    amount,  // a positive decimal, as a number or in quotes
    list,    // of texts
    table,   // [path]
    tables,  // [[path]]
};

enum class Need { never, sometimes, always }; // sometimes: `means` says when
enum class Origin { reference, ours };        // whether a config.toml of europa-node has the key too

/// Texts are Markdown, for the reference; `expected` and `choices` stand in complaints too.
struct ConfigKey {
    std::string_view path; // "server.port"; "listing.prices[].unit" for a key of each table of a list
    KeyType type = KeyType::text;
    Need need = Need::never;
    Origin origin = Origin::reference;
    std::string_view otherwise = {}; // the default, as text; of a list's elements with ", " between them. None: ""
    std::string_view computed = {};  // in words: a default that depends on something else
    std::uint64_t least = 0;         // of a number, a network's prefix
    std::uint64_t most = 0;          // the same; of a text or path its bytes, 0 for any
    std::string_view choices = {};   // "auto|kernel|userspace|memory"
    std::string_view expected = {};  // what a complaint about the key's absence asks for
    std::string_view means = {};
};

/// In the order of the reference; each table stands before its keys.
std::span<const ConfigKey> config_schema();

/// nullptr: no such key.
const ConfigKey* find_config_key(std::string_view path);

} // namespace adit::app
