#include "protocol/filter.h"

#include "nostr_testing.h"

namespace adit::protocol {
namespace {

using nlohmann::json;

Event listing()
{
    return make_event({.created_at = UnixSeconds(1000),
                       .kind = 30402,
                       .tags = {{"d", "one"}, {"t", "vpn", "second"}, {"t", "tunnel"}, {"x"}, {}, {"long", "name"}},
                       .content = ""});
}

TEST(Filter, AnEmptyFilterMatchesEverything) { EXPECT_TRUE(matches(Filter{}, listing())); }

TEST(Filter, EachConditionDecidesAlone)
{
    const Event event = listing();
    EXPECT_TRUE(matches({.ids = {{EventId{}, event.id}}}, event));
    EXPECT_FALSE(matches({.ids = {{EventId{}}}}, event));
    EXPECT_TRUE(matches({.authors = {{event.pubkey}}}, event));
    EXPECT_FALSE(matches({.authors = {{secret_key(2).public_key()}}}, event));
    EXPECT_TRUE(matches({.kinds = {{1, 30402}}}, event));
    EXPECT_FALSE(matches({.kinds = {{1, 2}}}, event));
    EXPECT_TRUE(matches({.since = UnixSeconds(1000)}, event));
    EXPECT_FALSE(matches({.since = UnixSeconds(1001)}, event));
    EXPECT_TRUE(matches({.until = UnixSeconds(1000)}, event));
    EXPECT_FALSE(matches({.until = UnixSeconds(999)}, event));
    EXPECT_TRUE(matches({.tags = {{'t', {"x", "tunnel"}}}}, event));
    EXPECT_FALSE(matches({.tags = {{'t', {"second"}}}}, event)) << "only the first value is indexed";
    EXPECT_FALSE(matches({.tags = {{'T', {"vpn"}}}}, event));
    EXPECT_FALSE(matches({.tags = {{'x', {""}}}}, event)) << "a tag without a value has none";
    EXPECT_FALSE(matches({.tags = {{'l', {"name"}}}}, event));
}

TEST(Filter, AllConditionsMustHoldAndOneFilterOfSeveral)
{
    const Event event = listing();
    Filter filter{.kinds = {{30402}}, .tags = {{'t', {"vpn"}}, {'d', {"one"}}}, .limit = 0};
    EXPECT_TRUE(matches(filter, event)) << "the limit is about stored events";
    filter.tags['d'] = {"two"};
    EXPECT_FALSE(matches(filter, event));
    const std::vector<Filter> filters{filter, Filter{.kinds = {{30402}}}};
    EXPECT_TRUE(matches_any(filters, event));
    EXPECT_FALSE(matches_any(std::span(filters).first(1), event));
    EXPECT_FALSE(matches_any({}, event));
}

TEST(Filter, AListThatIsThereAndEmptyMatchesNothing)
{
    for (const char* const text : {R"({"ids":[]})", R"({"authors":[]})", R"({"kinds":[]})", R"({"#t":[]})"}) {
        const auto filter = parse_filter(json::parse(text));
        ASSERT_TRUE(filter);
        EXPECT_FALSE(matches(*filter, listing())) << text;
        EXPECT_EQ(encode_filter(*filter), text);
    }
}

TEST(Filter, WhatIsWrittenIsReadBackTheSame)
{
    const Filter filter{.ids = {{EventId{1}, EventId{2}}},
                        .authors = {{secret_key(1).public_key()}},
                        .kinds = {{0, 65535}},
                        .tags = {{'a', {"1:2:\"3\""}}, {'Z', {"", "\n"}}},
                        .since = UnixSeconds(0),
                        .until = UnixSeconds(INT64_MAX),
                        .limit = 500};
    const std::string text = encode_filter(filter);
    const auto again = parse_filter(json::parse(text));
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(encode_filter(*again), text);
    EXPECT_EQ(again->ids, filter.ids);
    EXPECT_EQ(again->tags, filter.tags);
    EXPECT_EQ(again->until, filter.until);
    EXPECT_EQ(again->limit, 500U);
    EXPECT_EQ(encode_filter({}), "{}");
    EXPECT_EQ(encode_filter({.kinds = {{1}}, .tags = {{'t', {"x"}}}, .limit = 1}),
              R"({"kinds":[1],"#t":["x"],"limit":1})");
}

TEST(Filter, UnknownKeysAreIgnoredAndAnAuthorOffTheCurveMatchesNobody)
{
    const auto filter = parse_filter(json::parse(R"({"search":"x","#tt":["x"],"#1":[5],"&t":5})"));
    ASSERT_TRUE(filter);
    EXPECT_TRUE(matches(*filter, listing()));
    const auto nobody = parse_filter(json{{"authors", {std::string(64, '0')}}});
    ASSERT_TRUE(nobody);
    EXPECT_FALSE(matches(*nobody, listing()));
}

TEST(Filter, AHugeLimitIsCutAndMalformedConditionsAreRefused)
{
    EXPECT_EQ(parse_filter(json::parse(R"({"limit":18446744073709551615})"))->limit, UINT32_MAX);
    for (const char* const text : {"[]",
                                   "null",
                                   "5",
                                   "\"x\"",
                                   R"({"ids":["00"]})",
                                   R"({"ids":"x"})",
                                   R"({"ids":[5]})",
                                   R"({"ids":null})",
                                   R"({"authors":["abcd"]})",
                                   R"({"authors":[null]})",
                                   R"({"kinds":[-1]})",
                                   R"({"kinds":[65536]})",
                                   R"({"kinds":["1"]})",
                                   R"({"kinds":1})",
                                   R"({"kinds":[1.0]})",
                                   R"({"since":-1})",
                                   R"({"since":"5"})",
                                   R"({"until":1.5})",
                                   R"({"until":9223372036854775808})",
                                   R"({"limit":-1})",
                                   R"({"limit":"x"})",
                                   R"({"#t":"x"})",
                                   R"({"#t":[5]})",
                                   R"({"#t":{}})"})
        expect_reason(parse_filter(json::parse(text)), Reason::bad_encoding);
    const std::string hex = secret_key(1).public_key().hex();
    std::string upper = hex;
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    ASSERT_NE(upper, hex);
    expect_reason(parse_filter(json{{"ids", {upper}}}), Reason::bad_encoding);
}

} // namespace
} // namespace adit::protocol
