// Result, money, time and secrets: what the compiler holds, and what it can not.
#include "base/ascii.h"
#include "base/clock.h"
#include "base/money.h"
#include "base/result.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/secret_text.h"

#include <gtest/gtest.h>
#include <memory>
#include <set>
#include <sstream>

namespace adit {
namespace {

Result<int> half(int number)
{
    if (number % 2 != 0) return Error{Reason::bad_request, "odd"};
    return number / 2;
}
Result<void> must_be_even(int number)
{
    TRY(half(number));
    return {};
}
Result<int> quarter(int number)
{
    const int once = TRY(half(number));
    TRY(must_be_even(once));
    return TRY(half(once));
}
Result<std::unique_ptr<int>> boxed(int number) { return std::make_unique<int>(TRY(half(number))); }

TEST(ResultType, TryGivesTheValueOrPassesTheErrorUp)
{
    EXPECT_EQ(*quarter(12), 3);
    EXPECT_EQ(quarter(3).error().detail, "odd");
    EXPECT_EQ(quarter(6).error().reason, Reason::bad_request);
}

TEST(ResultType, CarriesWhatOnlyMoves)
{
    auto box = boxed(8);
    ASSERT_TRUE(box);
    EXPECT_EQ(**box, 4);
    const std::unique_ptr<int> inner = *std::move(box);
    EXPECT_EQ(*inner, 4);
}

TEST(ResultType, ValueOrGivesTheOtherOnError)
{
    EXPECT_EQ(half(4).value_or(-1), 2);
    EXPECT_EQ(half(5).value_or(-1), -1);
}

using ResultDeath = testing::Test;
TEST(ResultDeath, ReadingTheSideThatIsNotThereEndsTheProcess)
{
    const Result<int> bad = half(3);
    const Result<int> good = half(4);
    const Result<void> nothing = must_be_even(3);
    EXPECT_DEATH((void)bad.value(), "check failed");
    EXPECT_DEATH((void)good.error(), "check failed");
    EXPECT_DEATH(nothing.value(), "check failed");
}

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

static_assert(!std::is_convertible_v<std::uint64_t, Sat> && !std::is_convertible_v<Sat, std::uint64_t>);
static_assert(!std::is_convertible_v<Sat, Msat> && !std::is_convertible_v<Msat, Sat>);
template<typename A, typename B>
concept Comparable = requires(A a, B b)
{
    a < b;
};
static_assert(Comparable<Sat, Sat> && !Comparable<Sat, Msat> && !Comparable<Sat, int>);

TEST(Money, SumsAndProductsSayWhenTheyDoNotFit)
{
    EXPECT_EQ(sum(Sat(kMost - 1), Sat(1)), Sat(kMost));
    EXPECT_EQ(sum(Sat(kMost), Sat(1)), std::nullopt);
    EXPECT_EQ(times(Sat(kMost / 3), 3), Sat(kMost / 3 * 3));
    EXPECT_EQ(times(Sat(kMost / 3 + 1), 3), std::nullopt);
    EXPECT_EQ(times(Sat(kMost), 0), Sat(0));
    EXPECT_EQ(times(Sat(0), kMost), Sat(0));
}

TEST(Money, ADifferenceBelowNothingIsNone)
{
    EXPECT_EQ(difference(Sat(5), Sat(5)), Sat(0));
    EXPECT_EQ(difference(Sat(4), Sat(5)), std::nullopt);
}

TEST(Money, SatoshisBecomeMillisatoshisWhereTheyFit)
{
    EXPECT_EQ(to_msat(Sat(21)), Msat(21'000));
    EXPECT_EQ(to_msat(Sat(kMost / 1000)), Msat(kMost / 1000 * 1000));
    EXPECT_EQ(to_msat(Sat(kMost / 1000 + 1)), std::nullopt);
}

TEST(Time, IsWrittenAsIso8601InUtc)
{
    EXPECT_EQ(to_iso8601(UnixSeconds(1'763'664'900)), "2025-11-20T18:55:00Z");
    EXPECT_EQ(to_iso8601(UnixSeconds(0)), "1970-01-01T00:00:00Z");
    EXPECT_EQ(UnixSeconds(10) + Seconds(5) - UnixSeconds(12), Seconds(3));
}

using Key = SecretBytes<32>;
template<typename T>
concept Streamable = requires(std::ostream& out, const T& value)
{
    out << value;
};
static_assert(!std::is_copy_constructible_v<Key> && !std::is_copy_assignable_v<Key>);
static_assert(std::is_nothrow_move_constructible_v<Key> && std::is_nothrow_move_assignable_v<Key>);
static_assert(!Streamable<Key> && Streamable<int>);
static_assert(!std::is_convertible_v<Key, std::string> && !std::is_convertible_v<Key, ByteView>);

TEST(Secret, MovingLeavesNothingBehind)
{
    ByteArray<4> bytes{1, 2, 3, 4};
    SecretBytes<4> first{std::span<const std::uint8_t, 4>(bytes)};
    const SecretBytes<4> second = std::move(first);
    EXPECT_EQ(encode_hex(second.expose()), "01020304");
    EXPECT_EQ(encode_hex(first.expose()), "00000000"); // NOLINT(bugprone-use-after-move): that is the point
}

TEST(Secret, IsWipedWhenItDies)
{
    alignas(SecretBytes<8>) std::array<std::uint8_t, sizeof(SecretBytes<8>)> memory{};
    auto* const secret = new (memory.data()) SecretBytes<8>;
    secret->writable()[3] = 0x5A;
    EXPECT_EQ(memory[3], 0x5A);
    secret->~SecretBytes();
    const volatile std::uint8_t* const after = memory.data();
    for (std::size_t i = 0; i < memory.size(); ++i) EXPECT_EQ(after[i], 0);
}

TEST(SecretText, WhatItWasMadeOfAndMovedFromIsWiped)
{
    for (const std::size_t length : {5U, 500U}) { // inside the string itself, and on the heap
        std::string source(length, 'p');
        const volatile char* const bytes = source.data();
        SecretText first(std::move(source));
        EXPECT_TRUE(source.empty()); // NOLINT(bugprone-use-after-move): that is the point
        for (std::size_t i = 0; i < length; ++i) EXPECT_EQ(bytes[i], 0);
        SecretText second(std::move(first));
        EXPECT_TRUE(first.empty()); // NOLINT(bugprone-use-after-move)
        EXPECT_EQ(second.expose(), std::string(length, 'p'));
        second = SecretText("other");
        EXPECT_EQ(second.expose(), "other");
    }
    static_assert(!Streamable<SecretText> && !std::is_copy_constructible_v<SecretText>);
}

TEST(Secret, ComparesByContentAndDuplicatesByName)
{
    Key a;
    a.writable()[31] = 1;
    const Key same = a.duplicate();
    EXPECT_TRUE(a == same);
    a.writable()[31] = 2;
    EXPECT_FALSE(a == same);
}

TEST(Secret, HexOfAnotherLengthIsRefusedWithoutRepeatingIt)
{
    EXPECT_TRUE(parse_secret_hex<4>("deadBEEF"));
    for (const std::string_view bad : {"deadbee", "deadbeef00", "deadbeeg", "", "de:ad:be"}) {
        const auto parsed = parse_secret_hex<4>(bad);
        ASSERT_FALSE(parsed) << bad;
        if (!bad.empty()) {
            EXPECT_EQ(parsed.error().detail.find(bad), std::string::npos);
        }
    }
}

TEST(Dice, BelowStaysBelowAndReachesEveryValue)
{
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 400; ++i) {
        const std::uint64_t value = system_rng().below(5);
        EXPECT_LT(value, 5U);
        seen.insert(value);
    }
    EXPECT_EQ(seen.size(), 5U);
    EXPECT_EQ(system_rng().below(1), 0U);
}

TEST(Dice, TwoSecretsDiffer) { EXPECT_FALSE(system_rng().secret<32>() == system_rng().secret<32>()); }

TEST(Ascii, SmallLettersAreMadeOfTheLatinAlphabetAlone)
{
    EXPECT_EQ(to_lower("AZ az @[ 09"), "az az @[ 09");
    const std::string umlaut = "\xc3\x84"; // a capital letter elsewhere: its bytes stand
    EXPECT_EQ(to_lower(umlaut), umlaut);
}

TEST(Ascii, TrimmedTakesTheBlanksAtTheEndsOnly)
{
    EXPECT_EQ(trimmed(" \t a b\t"), "a b");
    EXPECT_EQ(trimmed("a"), "a");
    EXPECT_EQ(trimmed(""), "");
    EXPECT_EQ(trimmed(" \t "), "");
    EXPECT_EQ(trimmed("a\n"), "a\n");
    EXPECT_EQ(trimmed("a\r\n", " \r\n"), "a");
}

} // namespace
} // namespace adit
