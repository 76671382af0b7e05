#include "operate/toml_template.h"

#include <gtest/gtest.h>

namespace adit::operate {
namespace {

constexpr std::string_view kText = R"(# Copy me,
# and change what is marked CHANGE.

[one]
host = "a"        # CHANGE: who it is
list = ["a # b", "c"]  # CHANGE
# off = false     # true: on
# twice = "first"
# twice = "second"
tag = "t"  # CHANGE, and never again: it names things
long = """
many
lines
"""
next = 1

[one.two]
key = 2
# a comment of the next table

# One for each.
[[row]]
a = 1
# c = 5  # could be

[[row]]
a = 2

# [[other]]      # with something
# b = 1
[last]
z = 9
)";

std::string changed(const std::function<void(TomlTemplate&)>& change)
{
    TomlTemplate text(kText);
    change(text);
    return text.text();
}

TEST(TomlTemplate, LeavesAsItIsWhatItIsNotAskedFor)
{
    EXPECT_EQ(changed([](TomlTemplate&) {}), kText);
}

TEST(TomlTemplate, SetsAValueAndKeepsItsCommentInItsColumn)
{
    const std::string text = changed([](TomlTemplate& t) { t.set("one", "host", "\"bb\""); });
    EXPECT_NE(text.find("host = \"bb\"       # CHANGE: who it is\n"), std::string::npos) << text;
    const std::string wide = changed([](TomlTemplate& t) { t.set("one", "host", "\"bbbbbbbbbbbbbbbbbbbb\""); });
    EXPECT_NE(wide.find("host = \"bbbbbbbbbbbbbbbbbbbb\"  # CHANGE: who it is\n"), std::string::npos) << wide;
    const std::string list = changed([](TomlTemplate& t) { t.set("one", "list", "[]"); });
    EXPECT_NE(list.find("list = []              # CHANGE\n"), std::string::npos) << list;
}

TEST(TomlTemplate, TurnsKeysOnAndOff)
{
    const std::string on = changed([](TomlTemplate& t) { t.set("one", "off", "true"); });
    EXPECT_NE(on.find("\noff = true        # true: on\n"), std::string::npos) << on;
    const std::string second = changed([](TomlTemplate& t) { t.set("one", "twice", "\"x\"", 2); });
    EXPECT_NE(second.find("# twice = \"first\"\ntwice = \"x\"\n"), std::string::npos) << second;
    const std::string off = changed([](TomlTemplate& t) { t.unset("one", "next"); });
    EXPECT_NE(off.find("\n# next = 1\n"), std::string::npos) << off;
}

TEST(TomlTemplate, ReplacesTextOfManyLines)
{
    const std::string text = changed([](TomlTemplate& t) { t.set("one", "long", "\"\""); });
    EXPECT_NE(text.find("long = \"\"\nnext = 1\n"), std::string::npos) << text;
}

TEST(TomlTemplate, DropsATableButNotTheCommentsBehindIt)
{
    const std::string text = changed([](TomlTemplate& t) { t.drop("one.two"); });
    EXPECT_NE(text.find("# [one.two]\n# key = 2\n# a comment of the next table\n"), std::string::npos) << text;
}

TEST(TomlTemplate, PutsRowsInPlaceOfThoseThatAreThere)
{
    const std::string text = changed([](TomlTemplate& t) {
        t.set_rows("row", {{{"a", "7"}, {"b", "8"}}, {{"a", "9"}}});
    });
    EXPECT_NE(text.find("# One for each.\n[[row]]\na = 7\nb = 8\n# c = 5  # could be\n\n[[row]]\na = 9\n\n# [[other]]"),
              std::string::npos)
        << text;
    EXPECT_EQ(text.find("a = 1"), std::string::npos);
    EXPECT_EQ(text.find("a = 2"), std::string::npos);
    const std::string other = changed([](TomlTemplate& t) { t.set_rows("other", {{{"b", "3"}}}); });
    EXPECT_NE(other.find("[[other]]\nb = 3\n\n[last]"), std::string::npos) << other;
}

TEST(TomlTemplate, EndsItsMarksAndItsOpening)
{
    const std::string text = changed([](TomlTemplate& t) {
        t.set_opening("# Made.\n");
        t.end_marks();
    });
    EXPECT_TRUE(text.starts_with("# Made.\n\n[one]\n")) << text;
    EXPECT_EQ(text.find("CHANGE"), std::string::npos) << text;
    EXPECT_NE(text.find("# who it is\n"), std::string::npos);
    EXPECT_NE(text.find("# never change it: it names things\n"), std::string::npos);
    EXPECT_NE(text.find("list = [\"a # b\", \"c\"]\n"), std::string::npos) << text;
}

TEST(TomlTemplate, ReadsAValue)
{
    EXPECT_EQ(TomlTemplate(kText).value("one", "list"), "[\"a # b\", \"c\"]");
    EXPECT_EQ(TomlTemplate(kText).value("last", "z"), "9");
}

TEST(TomlTemplate, WritesTextThatStaysText)
{
    EXPECT_EQ(toml_text("a\"b\\c\n\x7f"), "\"a\\\"b\\\\c\\u000a\\u007f\"");
    EXPECT_EQ(toml_texts({}), "[]");
    EXPECT_EQ(toml_texts({"a", "b\"]"}), "[\"a\", \"b\\\"]\"]");
}

} // namespace
} // namespace adit::operate
