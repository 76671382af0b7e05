#include "app/config_reference.h"

#include "app/config_schema.h"
#include "base/check.h"

namespace adit::app {

namespace {

constexpr const char* kIntroduction =
    "<!-- Printed by `aditd --print-config-reference` from the table that the reader goes by; a test compares. -->\n"
    "\n"
    "# The config\n"
    "\n"
    "One TOML file: what `--config` names, else `$ADIT_CONFIG`, else `$EUROPA_NODE_CONFIG`, else\n"
    "`/etc/adit/config.toml`, else `/etc/europa-node/config.toml`. `aditd --check --config FILE` reads it, names "
    "every\n"
    "mistake as `file:line:column: key: what is wrong, what is expected`, and ends. A key that is not here is warned\n"
    "about and has no effect. Files that it names may be relative to its folder.\n"
    "\n"
    "Keys with \\* are adit's own; the others have the name and meaning that they have in a `config.toml` of\n"
    "europa-node, which works unchanged. `config.example.toml` has every key at work.\n";

std::string code(std::string_view text) { return "`" + std::string(text) + "`"; }
std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

/// Each part of a list as `each` makes it, with ", " between.
template<typename Each>
std::string joined(std::string_view text, std::string_view separator, Each each)
{
    std::string out;
    while (!text.empty()) {
        const std::size_t end = text.find(separator);
        out += (out.empty() ? "" : ", ") + each(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + separator.size());
    }
    return out;
}

std::string value_of(const ConfigKey& key)
{
    const std::string least = std::to_string(key.least);
    const std::string most = std::to_string(key.most);
    const std::string bytes = key.most == 0 ? "" : ", up to " + most + " bytes";
    switch (key.type) {
    case KeyType::text:
        return "text" + bytes;
    case KeyType::lines:
        return "text of many lines";
    case KeyType::secret:
        return "text, secret";
    case KeyType::path:
        return "file" + bytes;
    case KeyType::network:
        return "network, /" + least + " to /" + most;
    case KeyType::choice:
        return joined(key.choices, "|", [](std::string_view choice) { return code(quoted(choice)); });
    case KeyType::number:
        return least + " to " + most;
    case KeyType::numbers:
        return "list of " + least + " to " + most;
    case KeyType::flag:
        return "`true`, `false`";
    case KeyType::amount:
        return "positive number";
    case KeyType::list:
        return "list of texts";
    case KeyType::table:
    case KeyType::tables:
        break;
    }
    CHECK(false); // a table has no row
}

std::string default_of(const ConfigKey& key)
{
    if (key.need == Need::always) return "**needed**";
    if (!key.computed.empty()) return std::string(key.computed);
    if (key.otherwise.empty()) return key.type == KeyType::list || key.type == KeyType::numbers ? "`[]`" : "none";
    switch (key.type) {
    case KeyType::number:
    case KeyType::flag:
        return code(key.otherwise);
    case KeyType::list:
        return code("[" + joined(key.otherwise, ", ", quoted) + "]");
    default:
        return code(quoted(key.otherwise));
    }
}

std::string heading(const ConfigKey& table)
{
    const std::string path(table.path);
    const std::string name = table.type == KeyType::tables ? "[[" + path + "]]" : "[" + path + "]";
    const std::string level = path.find('.') == std::string::npos ? "## " : "### ";
    return "\n" + level + code(name) + (table.origin == Origin::ours ? " \\*" : "") + "\n\n" +
           std::string(table.means) + (table.need == Need::always ? " Needed." : "") +
           "\n\n| key | value | default | |\n|---|---|---|---|\n";
}

std::string line(const ConfigKey& key)
{
    const std::size_t dot = key.path.rfind('.');
    return "| " + code(key.path.substr(dot + 1)) + (key.origin == Origin::ours ? " \\*" : "") + " | " + value_of(key) +
           " | " + default_of(key) + " | " + std::string(key.means) + " |\n";
}

} // namespace

std::string config_reference()
{
    std::string out = kIntroduction;
    for (const ConfigKey& key : config_schema())
        out += key.type == KeyType::table || key.type == KeyType::tables ? heading(key) : line(key);
    return out;
}

} // namespace adit::app
