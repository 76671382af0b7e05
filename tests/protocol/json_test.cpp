#include "protocol/json.h"

#include "nostr_testing.h"

namespace adit::protocol {
namespace {

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(Json, NestingIsTakenUpToTheLimitAndRefusedBeyond)
{
    EXPECT_TRUE(parse_json(nested(8)));
    expect_reason(parse_json(nested(9)), Reason::bad_encoding);
    EXPECT_TRUE(parse_json(nested(3), 3));
    expect_reason(parse_json(nested(4), 3), Reason::bad_encoding);
    EXPECT_TRUE(parse_json(R"([{"a":[]},{"a":[]},{"a":[]}])", 3)) << "siblings are not nesting";
}

TEST(Json, AMillionBracketsAreRefusedWithoutBeingBuilt)
{
    expect_reason(parse_json(std::string(1000000, '[')), Reason::bad_encoding);
    std::string objects;
    for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
    expect_reason(parse_json(objects), Reason::bad_encoding);
}

TEST(Json, BracketsInsideStringsAreNotNesting)
{
    EXPECT_TRUE(parse_json("\"" + std::string(100, '[') + "\""));
    EXPECT_TRUE(parse_json(R"("\"[[[[[[[[[[[[[")"));
    EXPECT_TRUE(parse_json(R"(["\\",[[[[[[["]]]]"]]]]]]]])"));
    expect_reason(parse_json(R"(["\\",[[[[[[[["]]]]"]]]]]]]]])"), Reason::bad_encoding);
}

TEST(Json, WhatIsNotJsonIsRefusedWithoutRepeatingIt)
{
    for (const std::string text :
         {"", "nsec1marked", "{", "[1,]", "{\"a\"}", "\"\\", "\"", "]", "1e999", "\"\xff\xfe\"", "\"\xed\xa0\x80\"",
          "\"\\ud800\"", "[1] [2]", "nul", "'a'", "\"a\nb\""}) {
        const auto parsed = parse_json(text);
        expect_reason(parsed, Reason::bad_encoding);
        EXPECT_EQ(parsed.error().detail.find("marked"), std::string::npos);
    }
}

TEST(Json, StringsAreWrittenWithTheEscapesOfNip01AndNoOthers)
{
    std::string out;
    append_json_string(out, "\b\t\n\f\r\"\\/\x7f\xc3\xa9\xe2\x80\xa8");
    EXPECT_EQ(out, "\"\\b\\t\\n\\f\\r\\\"\\\\/\x7f\xc3\xa9\xe2\x80\xa8\"");
    out.clear();
    append_json_string(out, std::string_view("\0\x0b\x1f", 3));
    EXPECT_EQ(out, "\"\\u0000\\u000b\\u001f\"");
    out.clear();
    append_json_string(out, std::string_view("\x01", 1), Controls::verbatim);
    EXPECT_EQ(out, "\"\x01\"");
}

TEST(Json, EveryByteThatIsWrittenEscapedIsReadBackAsItWas)
{
    std::string text;
    for (int c = 0; c < 128; ++c) text.push_back(static_cast<char>(c));
    std::string out;
    append_json_string(out, text);
    EXPECT_EQ(parse_json(out)->get<std::string>(), text);
}

} // namespace
} // namespace adit::protocol
