#include "protocol/decimal.h"

#include <gtest/gtest.h>
#include <random>

namespace adit::protocol {
namespace {

constexpr auto kEqual = std::strong_ordering::equal;
constexpr auto kLess = std::strong_ordering::less;
constexpr auto kGreater = std::strong_ordering::greater;

TEST(Decimals, CompareByValueWhateverTheirSpelling)
{
    EXPECT_EQ(compare_decimals("1000", "1000.0"), kEqual);
    EXPECT_EQ(compare_decimals("01000", "1000."), kEqual);
    EXPECT_EQ(compare_decimals(".5", "0.50"), kEqual);
    EXPECT_EQ(compare_decimals("0", "00.000"), kEqual);
    EXPECT_EQ(compare_decimals("9", "10"), kLess);
    EXPECT_EQ(compare_decimals("0.1", "0.09"), kGreater);
    EXPECT_EQ(compare_decimals("1.5", "1.49999"), kGreater);
    EXPECT_EQ(compare_decimals("1", "1.0000000000000000000000001"), kLess);
    EXPECT_EQ(compare_decimals("123456789012345678901234567890", "123456789012345678901234567891"), kLess);
}

TEST(Decimals, WhatIsNoDecimalComparesWithNothing)
{
    for (const std::string text :
         {"", ".", "-1", "+1", "1e3", "1E3", " 1", "1 ", "1,5", "1.2.3", "0x10", "NaN", "inf"}) {
        EXPECT_FALSE(is_decimal(text)) << text;
        EXPECT_EQ(compare_decimals(text, "1"), std::nullopt) << text;
        EXPECT_EQ(compare_decimals("1", text), std::nullopt) << text;
        EXPECT_EQ(whole_number(text), std::nullopt) << text;
    }
    EXPECT_FALSE(is_decimal(std::string("1\0", 2)));
    EXPECT_TRUE(is_decimal(std::string(64, '9')));
    EXPECT_FALSE(is_decimal(std::string(65, '9')));
}

TEST(Decimals, OnlyWholeOnesThatFitBecomeIntegers)
{
    EXPECT_EQ(whole_number("21"), 21U);
    EXPECT_EQ(whole_number("0021.000"), 21U);
    EXPECT_EQ(whole_number("0"), 0U);
    EXPECT_EQ(whole_number("18446744073709551615"), UINT64_MAX);
    EXPECT_EQ(whole_number("18446744073709551616"), std::nullopt);
    EXPECT_EQ(whole_number("21.5"), std::nullopt);
}

TEST(Decimals, TheCanonicalSpellingIsAJsonNumberOfTheSameValue)
{
    EXPECT_EQ(canonical_decimal("007.50"), "7.5");
    EXPECT_EQ(canonical_decimal(".25"), "0.25");
    EXPECT_EQ(canonical_decimal("3."), "3");
    EXPECT_EQ(canonical_decimal("000"), "0");
}

TEST(Decimals, RandomPairsAgreeWithIntegerArithmetic)
{
    std::mt19937_64 dice(1);
    for (int i = 0; i < 5000; ++i) {
        const std::uint64_t a = dice() % 2000;
        const std::uint64_t b = dice() % 2000;
        const auto spell = [&](std::uint64_t thousandths) {
            const std::string fraction = std::to_string(1000 + thousandths % 1000).substr(1);
            return std::string(dice() % 3, '0') + std::to_string(thousandths / 1000) + "." + fraction +
                   std::string(dice() % 3, '0');
        };
        EXPECT_EQ(compare_decimals(spell(a), spell(b)), a <=> b) << a << " " << b;
    }
}

} // namespace
} // namespace adit::protocol
