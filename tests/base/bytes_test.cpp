#include "base/bytes.h"

#include <gtest/gtest.h>
#include <random>

namespace adit {
namespace {

TEST(Hex, EncodesInLowercaseAndParsesEitherCase)
{
    EXPECT_EQ(encode_hex(Bytes{0x00, 0xAB, 0xFF}), "00abff");
    EXPECT_EQ(*parse_hex("00aBFf"), (Bytes{0x00, 0xAB, 0xFF}));
    EXPECT_TRUE(parse_hex("")->empty());
}

TEST(Hex, RefusesOddLengthsAndOtherCharacters)
{
    for (const std::string_view bad : {"0", "0g", "g0", " 00", "0x00", "00 ", "\x80\x80"}) {
        const auto parsed = parse_hex(bad);
        ASSERT_FALSE(parsed) << bad;
        EXPECT_EQ(parsed.error().reason, Reason::bad_encoding);
    }
}

TEST(Hex, ExactParsingWantsLowercaseAndTheWholeLength)
{
    EXPECT_EQ(*parse_hex_exactly<2>("00ff"), (ByteArray<2>{0x00, 0xFF}));
    for (const std::string_view bad : {"00FF", "00f", "00ff00", "", "00fg"})
        EXPECT_FALSE(parse_hex_exactly<2>(bad)) << bad;
}

TEST(Base64, EncodesRfc4648Examples)
{
    // RFC 4648 section 10.
    const std::pair<std::string_view, std::string_view> cases[]{{"", ""},
                                                                {"f", "Zg=="},
                                                                {"fo", "Zm8="},
                                                                {"foo", "Zm9v"},
                                                                {"foob", "Zm9vYg=="},
                                                                {"fooba", "Zm9vYmE="},
                                                                {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, encoded] : cases) {
        EXPECT_EQ(encode_base64(as_bytes(plain)), encoded);
        EXPECT_EQ(as_text(*parse_base64(encoded)), plain);
        EXPECT_EQ(as_text(*parse_base64_any(encoded)), plain);
    }
}

TEST(Base64, TheUrlAlphabetIsWrittenWithoutPadding)
{
    EXPECT_EQ(encode_base64url(Bytes{0xFB, 0xFF, 0xFE, 0x00}), "-__-AA");
    EXPECT_EQ(*parse_base64_any("-__-AA"), (Bytes{0xFB, 0xFF, 0xFE, 0x00}));
    EXPECT_EQ(*parse_base64_any("-__-AA=="), (Bytes{0xFB, 0xFF, 0xFE, 0x00}));
    EXPECT_EQ(*parse_base64_any("+//+AA"), (Bytes{0xFB, 0xFF, 0xFE, 0x00}));
}

TEST(Base64, TheCanonicalParserTakesOneSpellingOnly)
{
    for (const std::string_view bad :
         {"Zg", "Zg=", "Zg===", "Zh==", "Z", "Zg==\n", " Zg==", "-__-AA==", "Zg==Zg==", "===="})
        EXPECT_FALSE(parse_base64(bad)) << bad;
}

TEST(Base64, TheForgivingParserRefusesMixedAlphabetsAndStrayPadding)
{
    for (const std::string_view bad : {"-_+/", "Zg=", "Zg===", "Z=g=", "=", "====", "Zm9v=", "Zm 9", "Z", "Zh"})
        EXPECT_FALSE(parse_base64_any(bad)) << bad;
}

TEST(Base64, RandomBytesSurviveEveryEncoding)
{
    std::mt19937 dice(7);
    for (std::size_t length = 0; length < 70; ++length) {
        Bytes bytes(length);
        for (auto& byte : bytes) byte = static_cast<std::uint8_t>(dice());
        EXPECT_EQ(*parse_base64(encode_base64(bytes)), bytes);
        EXPECT_EQ(*parse_base64_any(encode_base64url(bytes)), bytes);
        EXPECT_EQ(*parse_hex(encode_hex(bytes)), bytes);
    }
}

TEST(Utf8, WellFormedTextIsTaken)
{
    for (const std::string_view good : {"", "plain", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF",
                                        "\xED\x9F\xBF", "\xEE\x80\x80"})
        EXPECT_TRUE(is_utf8(good)) << good;
}

TEST(Utf8, OverlongSurrogateTruncatedAndTooLargeAreRefused)
{
    for (const std::string_view bad :
         {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xE0\x9F\xBF", "\xE2\x82", "\xED\xA0\x80", "\xED\xBF\xBF",
          "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xF0\x9F\x98", "a\xC3(", "\xE2(\xA1"})
        EXPECT_FALSE(is_utf8(bad)) << encode_hex(as_bytes(bad));
}

TEST(Bytes, IntegersAreAppendedBigEndian)
{
    Bytes out;
    append_u32_be(out, 0x01020304);
    append_u64_be(out, 0x1112131415161718);
    append(out, Bytes{9});
    EXPECT_EQ(encode_hex(out), "01020304111213141516171809");
}

} // namespace
} // namespace adit
