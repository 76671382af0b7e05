#include "http/source.h"

#include <gtest/gtest.h>

namespace adit::http {
namespace {

Address address(std::string_view text)
{
    const auto parsed = parse_address(text);
    EXPECT_TRUE(parsed) << text;
    return parsed.value_or(Address{});
}

TEST(Address, BothFamiliesAndPortsAreRead)
{
    EXPECT_EQ(address("192.0.2.7"), address("192.0.2.7:8080"));
    EXPECT_EQ(address("192.0.2.7"), address("::ffff:192.0.2.7"));
    EXPECT_EQ(address("2001:db8::1"), address("[2001:db8::1]:443"));
    EXPECT_EQ(address("2001:db8::1"), address("[2001:db8::1]"));
    using namespace std::string_view_literals;
    for (const std::string_view bad : std::initializer_list<std::string_view>{
             "", "unknown", "1.2.3", "1.2.3.4.5", "1.2.3.4:", "1.2.3.4:123456", "[1.2.3.4]", "[::1", "[::1]x", "::g",
             "1.2.3.4 ", "fe80::1%eth0", "1.2.3.4\0"sv})
        EXPECT_FALSE(parse_address(bad)) << bad;
}

TEST(Address, PrivateRangesEndWhereTheyEnd)
{
    for (const auto text : {"127.0.0.1", "127.255.255.255", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
                            "100.64.0.1", "169.254.1.1", "::1", "fc00::1", "fdff::1", "fe80::1"})
        EXPECT_TRUE(is_private(address(text))) << text;
    for (const auto text : {"128.0.0.1", "11.0.0.1", "172.32.0.1", "172.15.255.255", "192.169.0.1", "100.128.0.1",
                            "8.8.8.8", "::2", "fe00::1", "2001:db8::1"})
        EXPECT_FALSE(is_private(address(text))) << text;
}

TEST(Networks, MistakesAreRefusedByName)
{
    for (const auto bad :
         {"", "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::1/129", "10.0.0.0/8x", "/8"}) {
        const auto parsed = Networks::parse({"127.0.0.1", bad});
        ASSERT_FALSE(parsed) << bad;
        EXPECT_EQ(parsed.error().reason, Reason::bad_config);
    }
}

TEST(Networks, PrefixesAreCutAtTheBit)
{
    const Networks networks = *Networks::parse({"10.128.0.0/9", "2001:db8::/33", "0.0.0.0/32"});
    EXPECT_TRUE(networks.contains(address("10.255.0.1")));
    EXPECT_FALSE(networks.contains(address("10.127.0.1")));
    EXPECT_TRUE(networks.contains(address("2001:db8:7fff::")));
    EXPECT_FALSE(networks.contains(address("2001:db8:8000::")));
    EXPECT_TRUE(networks.contains(address("0.0.0.0")));
    EXPECT_FALSE(Networks::parse({"0.0.0.0/0"})->contains(address("2001:db8::1")));
}

TEST(Source, IPv6IsCutToTheCustomersPrefix)
{
    EXPECT_EQ(source_text(address("2001:db8:1:2ff:3:4:5:6")), "2001:db8:1:200::/56");
    EXPECT_EQ(source_text(address("198.51.100.7")), "198.51.100.7");
    EXPECT_EQ(source_text(address("::ffff:198.51.100.7")), "198.51.100.7");
}

Source source(std::string_view peer, std::initializer_list<std::string_view> forwarded,
              const std::vector<std::string>& trusted = {"127.0.0.0/8", "::1"})
{
    Request request;
    for (const auto value : forwarded) request.headers.emplace_back("x-forwarded-for", value);
    return source_of(request, address(peer), *Networks::parse(trusted));
}

TEST(Source, ATrustedProxyIsBelievedAboutItsOwnPeerOnly)
{
    EXPECT_EQ(source("127.0.0.1", {"203.0.113.9"}).text, "203.0.113.9");
    EXPECT_EQ(source("127.0.0.1", {"1.1.1.1, 203.0.113.9"}).text, "203.0.113.9")
        << "the left part is the client's own claim";
    EXPECT_EQ(source("127.0.0.1", {"1.1.1.1", "203.0.113.9"}).text, "203.0.113.9") << "two headers are one list";
    EXPECT_EQ(source("127.0.0.1", {"203.0.113.9, 127.0.0.2"}).text, "203.0.113.9") << "a chain of our own proxies";
    EXPECT_EQ(source("::1", {"2001:db8:1:2ff::9"}).text, "2001:db8:1:200::/56");
    EXPECT_EQ(source("127.0.0.1", {"203.0.113.9:4711"}).text, "203.0.113.9");
}

TEST(Source, AStrangersHeaderIsIgnored)
{
    const Source stranger = source("198.51.100.1", {"203.0.113.9"});
    EXPECT_EQ(stranger.text, "198.51.100.1");
    EXPECT_EQ(stranger.warning, Source::Warning::none);
}

TEST(Source, APrivatePeerThatForwardsUntrustedHasNoSourceAndIsWarnedAbout)
{
    const Source unknown = source("10.0.0.5", {"203.0.113.9"});
    EXPECT_EQ(unknown.text, "");
    EXPECT_EQ(unknown.warning, Source::Warning::untrusted_private_proxy);
    EXPECT_EQ(source("10.0.0.5", {}).text, "10.0.0.5");
    EXPECT_EQ(source("10.0.0.5", {"203.0.113.9"}, {"10.0.0.0/8"}).text, "203.0.113.9");
}

TEST(Source, WithoutAHeaderATrustedPeerIsItself)
{
    EXPECT_EQ(source("127.0.0.1", {}).text, "127.0.0.1");
    EXPECT_EQ(source("127.0.0.1", {"127.0.0.3, 127.0.0.2"}).text, "127.0.0.3");
}

TEST(Source, WhatCannotBeReadIsNobody)
{
    EXPECT_EQ(source("127.0.0.1", {"unknown"}).text, "");
    EXPECT_EQ(source("127.0.0.1", {""}).text, "");
    EXPECT_EQ(source("127.0.0.1", {"203.0.113.9,"}).text, "");
    EXPECT_EQ(source("127.0.0.1", {"203.0.113.9, <script>"}).text, "");
}

} // namespace
} // namespace adit::http
