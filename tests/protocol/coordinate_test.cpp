#include "protocol/coordinate.h"

#include "nostr_testing.h"

namespace adit::protocol {
namespace {

TEST(Coordinate, IsSplitOnTheFirstTwoColonsOnly)
{
    const PublicKey author = secret_key(1).public_key();
    const std::string text = "30402:" + author.hex() + ":a:b::c";
    const auto coordinate = parse_coordinate(text);
    ASSERT_TRUE(coordinate);
    EXPECT_EQ(*coordinate, (Coordinate{.kind = 30402, .author = author, .d_tag = "a:b::c"}));
    EXPECT_EQ(encode_coordinate(*coordinate), text);
    EXPECT_EQ(parse_coordinate("10002:" + author.hex() + ":")->d_tag, "");
}

TEST(Coordinate, WithoutKindKeyOrSecondColonIsRefused)
{
    const std::string hex = secret_key(1).public_key().hex();
    for (const std::string& text :
         std::vector<std::string>{"", ":", "::", "30402", "30402:" + hex, ":" + hex + ":d", "x:" + hex + ":d",
                                  "-1:" + hex + ":d", "65536:" + hex + ":d", " 1:" + hex + ":d", "1 :" + hex + ":d",
                                  "99999999999999999999:" + hex + ":d", "1:" + hex.substr(1) + ":d", "1::d"})
        expect_reason(parse_coordinate(text), Reason::bad_encoding);
}

} // namespace
} // namespace adit::protocol
