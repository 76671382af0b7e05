#include "wg/cidr.h"

#include "wg/interface_name.h"
#include "wg/peers.h"

#include <gtest/gtest.h>

namespace adit::wg {

TEST(HostAddress, WritesWhatItReads)
{
    for (const char* text : {"10.8.0.2", "0.0.0.0", "255.255.255.255", "fd00::2", "::", "2001:db8::ff00:42:8329"})
        EXPECT_EQ(HostAddress::parse(text).value().text(), text);
    EXPECT_EQ(address("10.8.0.2").family, HostAddress::Family::v4);
    EXPECT_EQ(address("FD00:0::2").text(), "fd00::2");
}

TEST(HostAddress, RefusesWhatIsNoAddress)
{
    const std::string long_one(10'000, '1');
    for (const std::string_view text :
         {std::string_view(""), std::string_view("10.8.0"), std::string_view("10.8.0.256"),
          std::string_view("10.8.0.2 "), std::string_view("10.8.0.2\0", 9), std::string_view("10.8.0.2/32"),
          std::string_view("fd00::g"), std::string_view("fe80::1%eth0"), std::string_view("1.2.3.4.5"),
          std::string_view(long_one)}) {
        const auto refused = HostAddress::parse(text);
        ASSERT_FALSE(refused) << text;
        EXPECT_EQ(refused.error().reason, Reason::bad_encoding);
    }
}

TEST(Cidr, ReadsPrefixesAndTakesABareAddressForAHostRoute)
{
    EXPECT_EQ(cidr_text(range("10.8.0.0/24")), "10.8.0.0/24");
    EXPECT_EQ(cidr_text(range("10.8.0.7")), "10.8.0.7/32");
    EXPECT_EQ(cidr_text(range("fd00::7")), "fd00::7/128");
    EXPECT_EQ(cidr_text(range("::/0")), "::/0");
}

TEST(Cidr, RefusesPrefixesThatAreNone)
{
    for (const char* text : {"10.8.0.0/33", "fd00::/129", "10.8.0.0/", "10.8.0.0/-1", "10.8.0.0/+8", "10.8.0.0/08",
                             "10.8.0.0/8/8", "10.8.0.0/256", "/8", "10.8.0.0/ 8"})
        EXPECT_FALSE(parse_cidr(text)) << text;
}

TEST(Cidr, KnowsFirstAndLastAddress)
{
    EXPECT_EQ(first_address(range("10.8.3.77/22")).text(), "10.8.0.0");
    EXPECT_EQ(last_address(range("10.8.3.77/22")).text(), "10.8.3.255");
    EXPECT_EQ(last_address(range("0.0.0.0/0")).text(), "255.255.255.255");
    EXPECT_EQ(first_address(range("10.8.3.77/32")).text(), "10.8.3.77");
    EXPECT_EQ(first_address(range("fd00::1234/116")).text(), "fd00::1000");
    EXPECT_EQ(last_address(range("fd00::1234/116")).text(), "fd00::1fff");
}

TEST(Cidr, RangesOverlapOnlyWhereTheyShareAnAddress)
{
    EXPECT_TRUE(overlap(range("10.8.0.0/16"), range("10.8.7.0/24")));
    EXPECT_TRUE(overlap(range("10.8.7.0/24"), range("10.8.0.0/16")));
    EXPECT_TRUE(overlap(range("10.8.7.9/24"), range("10.8.7.1/24")));
    EXPECT_FALSE(overlap(range("10.8.7.0/24"), range("10.8.8.0/24")));
    EXPECT_FALSE(overlap(range("0.0.0.0/0"), range("::/0")));
    EXPECT_TRUE(overlap(range("::/0"), range("fd00::/64")));
    EXPECT_TRUE(contains(range("10.8.0.0/24"), address("10.8.0.255")));
    EXPECT_FALSE(contains(range("10.8.0.0/24"), address("10.8.1.0")));
}

TEST(InterfaceName, MustBeSafeInAPath)
{
    EXPECT_TRUE(is_interface_name("wg0"));
    EXPECT_TRUE(is_interface_name("wg-eu_1.a=b+c"));
    for (const char* name : {"", ".", "..", "a/b", "../x", "wg 0", "sixteen-letters!", "sixteen-letters0"})
        EXPECT_FALSE(is_interface_name(name)) << name;
}

} // namespace adit::wg
