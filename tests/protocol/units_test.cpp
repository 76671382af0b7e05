#include "protocol/units.h"

#include <gtest/gtest.h>

namespace adit::protocol {
namespace {

TEST(Units, AreSpelledAndSizedAsTheMarketplaceSays)
{
    const struct {
        std::string_view word;
        Unit unit;
        std::uint64_t size;
        Dimension dim;
    } rows[]{
        {"hour", Unit::hour, 3600, Dimension::time},     {"day", Unit::day, 86400, Dimension::time},
        {"week", Unit::week, 604800, Dimension::time},   {"month", Unit::month, 2592000, Dimension::time},
        {"GiB", Unit::gib, 1073741824, Dimension::data}, {"TiB", Unit::tib, 1099511627776, Dimension::data},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(parse_unit(row.word), row.unit);
        EXPECT_EQ(unit_word(row.unit), row.word);
        EXPECT_EQ(unit_size(row.unit), row.size);
        EXPECT_EQ(dimension(row.unit), row.dim);
    }
}

TEST(Units, OtherSpellingsAreNone)
{
    for (const auto* word : {"", "Hour", "hours", "gib", "GB", "year", " day", "day "})
        EXPECT_EQ(parse_unit(word), std::nullopt) << word;
}

TEST(Dimensions, GoThroughTheirWordsAndBack)
{
    EXPECT_EQ(parse_dimension(dimension_word(Dimension::time)), Dimension::time);
    EXPECT_EQ(parse_dimension(dimension_word(Dimension::data)), Dimension::data);
    EXPECT_EQ(parse_dimension("bytes"), std::nullopt);
}

} // namespace
} // namespace adit::protocol
