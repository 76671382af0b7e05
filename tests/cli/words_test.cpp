// Words in and words out: arguments, printable text, QR codes.
#include "cli/arguments.h"
#include "cli/printable.h"
#include "cli/qr.h"

#include <gmock/gmock.h>

namespace adit::cli {
namespace {

constexpr Option kWordOptions[]{{"--relay", Option::Takes::values}, {"--tier"}, {"--yes", Option::Takes::nothing}};

Result<Arguments> parse(const std::vector<std::string>& words) { return Arguments::parse(words, kWordOptions); }

TEST(Arguments, OptionsAndWordsMayBeMixed)
{
    const auto arguments = parse({"naddr1x", "--relay", "ws://a", "--relay=ws://b=c", "--yes", "--", "--tier"});
    ASSERT_TRUE(arguments.has_value());
    EXPECT_EQ(arguments->rest(), (std::vector<std::string>{"naddr1x", "--tier"}));
    EXPECT_EQ(arguments->values("--relay"), (std::vector<std::string>{"ws://a", "ws://b=c"}));
    EXPECT_TRUE(arguments->has("--yes"));
    EXPECT_FALSE(arguments->has("--tier"));
}

TEST(Arguments, ASingleDashIsAWord) { EXPECT_EQ(parse({"--tier", "-", "-"})->rest(), std::vector<std::string>{"-"}); }

TEST(Arguments, WhatIsNotUnderstoodIsNamedWithoutItsValue)
{
    for (const auto& words : std::vector<std::vector<std::string>>{
             {"--nope=SECRET"}, {"--tier"}, {"--yes=SECRET"}, {"--tier", "SECRET", "--tier", "SECRET"}, {"-xSECRET"}}) {
        const auto arguments = parse(words);
        ASSERT_FALSE(arguments.has_value());
        EXPECT_THAT(arguments.error().detail, ::testing::Not(::testing::HasSubstr("SECRET")));
    }
}

TEST(Arguments, NumbersAreWholeAndWithinBounds)
{
    EXPECT_EQ(parse({})->number("--tier", 5, 10).value(), 5U);
    EXPECT_EQ(parse({"--tier", "10"})->number("--tier", 5, 10).value(), 10U);
    for (const char* wrong : {"0", "11", "-1", "1.0", "1e1", "", " 1", "99999999999999999999"})
        EXPECT_FALSE(parse({"--tier", wrong})->number("--tier", 5, 10).has_value()) << wrong;
}

TEST(Printable, NothingReachesTheTerminalThatMovesIt)
{
    EXPECT_EQ(printable("a\x1b[2Jb\nc\td", 100), "a?[2Jb c d");
    EXPECT_EQ(printable("\xc2\x9b"
                        "31m",
                        100),
              "?31m")
        << "the other CSI";
    EXPECT_EQ(printable("x\xe2\x80\xae"
                        "y",
                        100),
              "x?y")
        << "right-to-left override";
    EXPECT_EQ(printable("\xff\xc0\xaf\xed\xa0\x80", 100), "??????");
    EXPECT_EQ(printable("Zürich 日本", 100), "Zürich 日本");
    EXPECT_EQ(printable("Zürich", 2), "Z") << "never half a character";
}

TEST(Printable, ColumnsFitWhateverIsInThem)
{
    EXPECT_EQ(fitted("abc", 5), "abc  ");
    EXPECT_EQ(fitted("abcdef", 5), "abcd…");
    EXPECT_EQ(fitted("日本語", 5), "日本…");
    EXPECT_EQ(fitted("日本語", 4), "日… ");
    for (const char* text : {"", "a", "日本語日本語", "e\xcc\x81\xcc\x81", "\x1b\x1b\x1b\x1b\x1b\x1b\x1b"})
        for (std::size_t width = 1; width < 9; ++width) EXPECT_EQ(columns(fitted(text, width)), width) << text;
}

TEST(QrCode, IsSquareWithAQuietZoneAndRefusesWhatDoesNotFit)
{
    const std::string code = qr_code("HELLO", Ink::plain).value(); // version 1: 21 modules, and 2 on each side
    std::vector<std::string> lines(1);
    for (const char c : code) {
        if (c == '\n')
            lines.emplace_back();
        else
            lines.back() += c;
    }
    ASSERT_EQ(lines.size(), 14U); // 13 of two modules each, and the end
    for (std::size_t i = 0; i < 13; ++i) EXPECT_EQ(columns(lines[i]), 25U);
    std::string light;
    for (int i = 0; i < 25; ++i) light += "█";
    EXPECT_EQ(lines[0], light);
    EXPECT_FALSE(qr_code(std::string(3000, 'x'), Ink::plain).has_value());
    EXPECT_FALSE(qr_code("", Ink::plain).has_value());
}

} // namespace
} // namespace adit::cli
