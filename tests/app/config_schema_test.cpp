#include "app/config_schema.h"

#include "app/config.h"
#include "app/config_reference.h"
#include "base/file.h"

#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <regex>
#include <set>

namespace adit::app {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

bool is_table(const ConfigKey& key) { return key.type == KeyType::table || key.type == KeyType::tables; }

std::string table_of(std::string_view path)
{
    const std::size_t dot = path.rfind('.');
    return std::string(path.substr(0, dot == std::string_view::npos ? 0 : dot));
}

std::string last_part(std::string_view path) { return std::string(path.substr(path.rfind('.') + 1)); }

/// A line that gives the key a value of its type.
std::string line_for(const ConfigKey& key)
{
    std::string value = "\"some text\"";
    if (key.type == KeyType::number) value = std::to_string(key.least);
    if (key.type == KeyType::numbers) value = "[" + std::to_string(key.least) + "]";
    if (key.type == KeyType::amount) value = "1";
    if (key.type == KeyType::flag) value = "false";
    if (key.type == KeyType::list) value = "[\"wireguard\"]";
    if (key.type == KeyType::choice) value = "\"" + std::string(key.choices.substr(0, key.choices.find('|'))) + "\"";
    return last_part(key.path) + " = " + value + "\n";
}

/// A file with this key alone, and the way to pay that it may belong to.
std::string file_with(const ConfigKey& key, const std::string& type)
{
    std::string table = is_table(key) ? std::string(key.path) : table_of(key.path);
    const bool listed = key.type == KeyType::tables || table.ends_with("[]");
    if (table.ends_with("[]")) table.resize(table.size() - 2);
    std::string text = listed ? "[[" + table + "]]\n" : "[" + table + "]\n";
    if (table == "listing.payment_methods" && key.path != "listing.payment_methods[].type")
        text += "type = \"" + type + "\"\n";
    return text + (is_table(key) ? "" : line_for(key));
}

std::vector<std::string> complaints_about(const std::string& text, const std::string& what)
{
    const auto absent = [](const std::filesystem::path&) -> Result<SecretFile> {
        return Error{Reason::io, "no such file"};
    };
    const LoadedConfig loaded = parse_config({text, "c.toml", "/etc/adit", FileOpenness::closed, absent});
    std::vector<std::string> found;
    for (const auto* list : {&loaded.errors, &loaded.warnings})
        for (const auto& complaint : *list)
            if (complaint.find(what) != std::string::npos) found.push_back(complaint);
    return found;
}

TEST(ConfigSchema, EveryKeyIsAskedForByTheReader)
{
    for (const ConfigKey& key : config_schema()) {
        SCOPED_TRACE(key.path);
        const auto ignored = [&](const char* type) {
            const std::string file = file_with(key, type);
            return complaints_about(file, "is not known and has no effect").size() +
                   complaints_about(file, "has no effect here").size();
        };
        EXPECT_TRUE(ignored("cashu") == 0 || ignored("lightning") == 0);
    }
}

TEST(ConfigSchema, EveryKeyIsReadAsTheTypeThatItSays)
{
    for (const ConfigKey& key : config_schema()) {
        if (is_table(key)) continue;
        SCOPED_TRACE(key.path);
        const std::string type = key.path.ends_with("mechanism") ? "lightning" : "cashu";
        std::string file = file_with(key, type);
        for (const auto* complaint : {": is not text", "is neither true nor false", "is not a list", "is out of range",
                                      "is no positive number", "is not known, expected \""})
            EXPECT_THAT(complaints_about(file, complaint), IsEmpty()) << file;
        const std::string line = line_for(key);
        file.replace(file.find(line), line.size(), last_part(key.path) + " = [[1]]\n");
        const std::string name = last_part(key.path) + ": ";
        const bool listed = key.type == KeyType::list || key.type == KeyType::numbers;
        EXPECT_THAT(complaints_about(file, name + (listed ? "has an element" : "is ")), testing::Not(IsEmpty()))
            << "a value of no key's type: " << file;
    }
}

TEST(ConfigSchema, AKeyIsThereOnceAndBelowItsTable)
{
    std::set<std::string_view> seen;
    std::string table;
    for (const ConfigKey& key : config_schema()) {
        SCOPED_TRACE(key.path);
        EXPECT_TRUE(seen.insert(key.path).second);
        EXPECT_FALSE(key.means.empty());
        EXPECT_EQ(key.means.find('|'), std::string_view::npos) << "would end the cell of a Markdown table";
        if (is_table(key))
            table = std::string(key.path) + (key.type == KeyType::tables ? "[]" : "");
        else
            EXPECT_EQ(table_of(key.path), table);
        EXPECT_EQ(find_config_key(key.path), &key);
    }
    EXPECT_EQ(find_config_key("server.prot"), nullptr);
}

TEST(ConfigSchema, DefaultsAreOfTheirTypeAndRange)
{
    for (const ConfigKey& key : config_schema()) {
        SCOPED_TRACE(key.path);
        if (key.type == KeyType::number) {
            EXPECT_LT(key.least, key.most);
            if (!key.computed.empty()) continue;
            const std::uint64_t value = std::stoull(std::string(key.otherwise));
            EXPECT_TRUE(value >= key.least && value <= key.most);
        }
        if (key.type == KeyType::flag) {
            EXPECT_TRUE(key.otherwise == "true" || key.otherwise == "false");
        }
        if (key.type == KeyType::choice && !key.otherwise.empty()) {
            EXPECT_THAT("|" + std::string(key.choices) + "|", HasSubstr("|" + std::string(key.otherwise) + "|"));
        }
        EXPECT_TRUE(key.need != Need::always || key.otherwise.empty()) << "what is needed has no default";
    }
}

TEST(ConfigSchema, AKeyOfTheOtherWayToPayHasNoEffectAndIsWarnedAbout)
{
    const auto* key = find_config_key("listing.payment_methods[].mechanism");
    ASSERT_NE(key, nullptr);
    EXPECT_THAT(complaints_about(file_with(*key, "cashu"), "mechanism"),
                testing::ElementsAre("c.toml:3:1: listing.payment_methods[0].mechanism: has no effect here"));
}

TEST(ConfigSchema, LimitsOfAWorldMadeByHandAreThoseOfTheSchema)
{
    const LimitsConfig limits;
    const SessionsConfig sessions;
    const struct {
        const char* path;
        std::uint64_t value;
    } rows[]{
        {"limits.connections", limits.connections},
        {"limits.connections_per_source", limits.connections_per_source},
        {"limits.header_bytes", limits.header_bytes},
        {"limits.requests_per_minute_per_source", limits.requests_per_minute_per_source},
        {"limits.workers", limits.workers},
        {"limits.undleqed_swaps_per_hour", limits.undleqed_swaps_per_hour},
        {"limits.undleqed_swaps_per_hour_per_source", limits.undleqed_swaps_per_hour_per_source},
        {"sessions.retention_hours", static_cast<std::uint64_t>(sessions.retention.count()) / 3600},
        {"sessions.activation_deadline", static_cast<std::uint64_t>(sessions.activation_deadline.count())},
    };
    for (const auto& row : rows) {
        ASSERT_NE(find_config_key(row.path), nullptr) << row.path;
        EXPECT_EQ(find_config_key(row.path)->otherwise, std::to_string(row.value)) << row.path;
    }
}

TEST(ConfigReference, IsThePageInTheDocs)
{
    const auto page = read_file(std::filesystem::path(ADIT_SOURCE) / "docs/config.md");
    ASSERT_TRUE(page) << page.error().detail;
    EXPECT_EQ(*page, config_reference()) << "aditd --print-config-reference > docs/config.md";
}

TEST(ConfigReference, NamesEveryKeyWithItsDefault)
{
    const std::string page = config_reference();
    for (const ConfigKey& key : config_schema()) {
        EXPECT_THAT(page,
                    HasSubstr(is_table(key) ? "[" + std::string(key.path) + "]" : "| `" + last_part(key.path) + "`"));
        EXPECT_THAT(page, HasSubstr(std::string(key.means)));
    }
    EXPECT_THAT(page, HasSubstr("| `port` | 1 to 65535 | `8080` |"));
    EXPECT_THAT(page, HasSubstr("| `dns` | list of texts | `[\"1.1.1.1\", \"9.9.9.9\"]` |"));
    EXPECT_THAT(page, HasSubstr("### `[[listing.prices]]`"));
}

/// What an operator copies: also keys that are commented out, which stand behind "# ".
std::set<std::string> paths_of_the_example()
{
    const auto text = read_file(std::filesystem::path(ADIT_SOURCE) / "config.example.toml");
    EXPECT_TRUE(text);
    const std::regex header(R"(^(?:# )?(\[\[?)([a-z.0-9_]+)\]\]?.*)");
    const std::regex assignment(R"(^(?:# )?([a-z0-9_]+) = (\{.*)?.*)");
    const std::regex inner(R"(([a-z0-9_]+) = )");
    std::set<std::string> paths;
    std::string table;
    for (std::size_t from = 0, end = 0; text && from < text->size(); from = end + 1) {
        end = std::min(text->find('\n', from), text->size());
        const std::string line = text->substr(from, end - from);
        std::smatch match;
        if (std::regex_match(line, match, header)) {
            paths.insert(match[2]);
            table = match[2].str() + (match[1].length() == 2 ? "[]" : "");
        } else if (std::regex_match(line, match, assignment)) {
            const std::string path = table + "." + match[1].str();
            paths.insert(path);
            const std::string rest = match[2];
            for (std::sregex_iterator at(rest.begin(), rest.end(), inner), none; at != none; ++at)
                paths.insert(path + "." + (*at)[1].str());
        }
    }
    return paths;
}

TEST(ConfigExample, NamesEveryKeyAndNoOther)
{
    const std::set<std::string> paths = paths_of_the_example();
    for (const ConfigKey& key : config_schema())
        EXPECT_TRUE(paths.contains(std::string(key.path))) << key.path << " is not in config.example.toml";
    for (const std::string& path : paths) EXPECT_NE(find_config_key(path), nullptr) << path << " is not in the schema";
}

} // namespace
} // namespace adit::app
