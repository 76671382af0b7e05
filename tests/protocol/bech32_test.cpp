#include "protocol/bech32.h"

#include "nostr_testing.h"

namespace adit::protocol {
namespace {

TEST(Bech32, TheGoodStringsOfBip173AndBip350AreReadAndWrittenBackTheSame)
{
    const std::string long_prefix = "an83characterlonghumanreadablepartthatcontainsthe";
    const std::pair<std::string, Bech32Form> rows[]{
        {"A12UEL5L", Bech32Form::bech32},
        {"a12uel5l", Bech32Form::bech32},
        {long_prefix + "number1andtheexcludedcharactersbio1tt5tgs", Bech32Form::bech32},
        {"abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", Bech32Form::bech32},
        {"11" + std::string(82, 'q') + "c8247j", Bech32Form::bech32},
        {"split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w", Bech32Form::bech32},
        {"?1ezyfcl", Bech32Form::bech32},
        {"A1LQFN3A", Bech32Form::bech32m},
        {"a1lqfn3a", Bech32Form::bech32m},
        {long_prefix + "theexcludedcharactersbioandnumber11sg7hg6", Bech32Form::bech32m},
        {"abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx", Bech32Form::bech32m},
        {"11" + std::string(82, 'l') + "ludsr8", Bech32Form::bech32m},
        {"split1checkupstagehandshakeupstreamerranterredcaperredlc445v", Bech32Form::bech32m},
        {"?1v759aa", Bech32Form::bech32m},
    };
    for (const auto& [text, form] : rows) {
        const auto parsed = parse_bech32(text);
        ASSERT_TRUE(parsed) << text;
        EXPECT_EQ(parsed->form, form) << text;
        std::string lower = text;
        for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        EXPECT_EQ(encode_bech32(parsed->form, parsed->prefix, parsed->words), lower);
    }
}

TEST(Bech32, TheBadStringsOfBip173AndBip350AreRefused)
{
    for (const std::string text :
         {"\x20"
          "1nwldj5",
          "\x7f"
          "1axkwrx",
          "\x80"
          "1eym55h",
          "pzry9x0s0muk",
          "1pzry9x0s0muk",
          "x1b4n0q5v",
          "li1dgmt3",
          "de1lg7wt\xff",
          "A1G7SGD8",
          "10a06t8",
          "1qzzfhee",
          "A12UeL5L",
          "an84characterslonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11d6pts4",
          "qyrz8wqd2c9m",
          "1qyrz8wqd2c9m",
          "y1b0jsk6g",
          "lt1igcx5c0",
          "in1muywd",
          "mm1crxm3i",
          "au1s5cgom",
          "M1VUXWEZ",
          "16plkw9",
          "1p2gdwpf",
          "",
          "1",
          "a1",
          "a12uel5"})
        expect_reason(parse_bech32(text), Reason::bad_encoding);
}

TEST(Bech32, AnyOneWrongCharacterIsNoticed)
{
    const std::string good = "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw";
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::string bad = good;
        bad[i] = bad[i] == 'q' ? 'p' : 'q';
        EXPECT_FALSE(parse_bech32(bad)) << i;
    }
}

TEST(Bech32, LengthIsLimitedByTheCallerNotTo90)
{
    const std::string text = encode_bech32(Bech32Form::bech32, "x", Bytes(4992, 7));
    EXPECT_EQ(text.size(), 5000U);
    EXPECT_TRUE(parse_bech32(text));
    expect_reason(parse_bech32(encode_bech32(Bech32Form::bech32, "x", Bytes(4993, 7))), Reason::bad_encoding);
    EXPECT_TRUE(parse_bech32(encode_bech32(Bech32Form::bech32, "x", Bytes(4993, 7)), 5001));
    expect_reason(parse_bech32(text, 90), Reason::bad_encoding);
}

TEST(Bech32, BytesOfEveryLengthSurviveTheTripToWords)
{
    fakes::SeededRng rng;
    for (std::size_t length = 0; length < 70; ++length) {
        Bytes bytes(length);
        rng.fill(bytes);
        EXPECT_EQ(from_words(to_words(bytes)).value(), bytes);
    }
}

TEST(Bech32, PaddingOfAWholeWordOrThatIsNotZeroIsRefused)
{
    EXPECT_EQ(to_words(Bytes{0xFF}), (Bytes{31, 28}));
    EXPECT_TRUE(from_words(Bytes{31, 28}));
    expect_reason(from_words(Bytes{31, 29}), Reason::bad_encoding);
    expect_reason(from_words(Bytes{31, 28, 0}), Reason::bad_encoding);
    expect_reason(from_words(Bytes{0}), Reason::bad_encoding);
    EXPECT_TRUE(from_words(Bytes{})->empty());
}

} // namespace
} // namespace adit::protocol
