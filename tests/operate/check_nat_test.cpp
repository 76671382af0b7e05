#include "operate/check_nat.h"

#include "operate/look_testing.h"
#include "wg/cidr.h"

#include <gmock/gmock.h>

namespace adit::operate {
namespace {

using Family = wg::HostAddress::Family;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TunnelNet net() { return {"wg0", *wg::parse_cidr("10.66.42.0/24"), *wg::parse_cidr("fd00:66::/64")}; }

/// A table with a chain for what leaves, and these statements as its one rule.
std::string ruleset(const std::string& family, const std::string& statements)
{
    return R"({"nftables":[{"metainfo":{"version":"1.0.6"}},{"table":{"family":")" + family + R"(","name":"adit"}},
        {"chain":{"family":")" +
           family + R"(","table":"adit","name":"nat","type":"nat","hook":"postrouting","prio":100,"policy":"accept"}},
        {"rule":{"family":")" +
           family + R"(","table":"adit","chain":"nat","handle":2,"expr":[)" + statements + "]}}]}";
}

std::string source(const std::string& op, const std::string& address, int bits, const std::string& protocol = "ip")
{
    return R"({"match":{"op":")" + op + R"(","left":{"payload":{"protocol":")" + protocol +
           R"(","field":"saddr"}},"right":{"prefix":{"addr":")" + address + R"(","len":)" + std::to_string(bits) +
           "}}}},";
}

std::string interface(const std::string& op, const std::string& key, const std::string& name)
{
    return R"({"match":{"op":")" + op + R"(","left":{"meta":{"key":")" + key + R"("}},"right":")" + name + "\"}},";
}

FilterSeen seen(const std::string& json)
{
    const auto read = read_nft(json, net());
    EXPECT_TRUE(read) << json;
    return read ? *read : FilterSeen{};
}

TEST(CheckNat, MasqueradingIsSeenWhereItMeetsTheSubnet)
{
    const std::string masquerade = R"({"masquerade":null})";
    EXPECT_TRUE(seen(ruleset("ip", masquerade)).masquerades4);
    EXPECT_TRUE(seen(ruleset("ip", source("==", "10.66.42.0", 24) + interface("!=", "oifname", "wg0") + masquerade))
                    .masquerades4);
    EXPECT_TRUE(seen(ruleset("ip", source("==", "10.0.0.0", 8) + interface("==", "oifname", "eth0") + masquerade))
                    .masquerades4);
    EXPECT_TRUE(seen(ruleset("inet", masquerade)).masquerades6);
    EXPECT_TRUE(
        seen(ruleset("ip6", source("==", "fd00:66::", 64, "ip6") + R"({"snat":{"addr":"2001:db8::1"}})")).masquerades6);

    EXPECT_FALSE(seen(ruleset("ip", source("==", "10.66.43.0", 24) + masquerade)).masquerades4);
    EXPECT_FALSE(seen(ruleset("ip", source("==", "10.66.42.0", 25) + masquerade)).masquerades4); // half of it
    EXPECT_FALSE(seen(ruleset("ip", source("!=", "10.66.42.0", 24) + masquerade)).masquerades4);
    EXPECT_FALSE(seen(ruleset("ip", interface("==", "oifname", "wg0") + masquerade)).masquerades4); // to other buyers
    EXPECT_FALSE(seen(ruleset("ip", interface("==", "iifname", "eth0") + masquerade)).masquerades4);
    EXPECT_FALSE(seen(ruleset("ip", R"({"accept":null})")).masquerades4);
    EXPECT_FALSE(seen(ruleset("ip6", masquerade)).masquerades4);
    EXPECT_FALSE(seen(ruleset("inet", source("==", "10.66.42.0", 24) + masquerade)).masquerades6);
    EXPECT_FALSE(seen(R"({"nftables":[]})").masquerades4);
}

TEST(CheckNat, AForwardChainThatDropsIsSeenUnlessItLetsTunnelsBy)
{
    const auto chain = [](const std::string& rule) {
        return R"({"nftables":[{"chain":{"family":"ip","table":"filter","name":"FORWARD","type":"filter","hook":"forward",
            "prio":0,"policy":"drop"}})" +
               (rule.empty()
                    ? ""
                    : R"(,{"rule":{"family":"ip","table":"filter","chain":"FORWARD","expr":[)" + rule + "]}}") +
               "]}";
    };
    EXPECT_THAT(seen(chain("")).closed_chains, ElementsAre("ip filter FORWARD"));
    EXPECT_THAT(seen(chain(interface("==", "iifname", "docker0") + R"({"accept":null})")).closed_chains,
                ElementsAre("ip filter FORWARD"));
    EXPECT_THAT(seen(chain(interface("==", "iifname", "wg*") + R"({"accept":null})")).closed_chains, IsEmpty());
}

TEST(CheckNat, IptablesIsReadToo)
{
    const auto read = [](const std::string& text) { return read_iptables(text, net(), Family::v4); };
    EXPECT_TRUE(read("*nat\n-A POSTROUTING -s 10.66.42.0/24 -o eth0 -j MASQUERADE\nCOMMIT\n").masquerades4);
    EXPECT_TRUE(read("*nat\n-A POSTROUTING -s 10.66.42.0/24 ! -o wg0 -j MASQUERADE\n").masquerades4);
    EXPECT_TRUE(read("*nat\n-A ADIT -j SNAT --to-source 192.0.2.1\n").masquerades4);
    EXPECT_FALSE(read("*nat\n-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\n").masquerades4);
    EXPECT_FALSE(read("*nat\n-A POSTROUTING ! -s 10.0.0.0/8 -j MASQUERADE\n").masquerades4);
    EXPECT_FALSE(read("*nat\n-A POSTROUTING -o wg0 -j MASQUERADE\n").masquerades4);
    EXPECT_FALSE(read("*filter\n-A POSTROUTING -j MASQUERADE\n").masquerades4);
    EXPECT_THAT(read("*filter\n:FORWARD DROP [0:0]\n-A INPUT -j ACCEPT\n").closed_chains,
                ElementsAre("iptables FORWARD"));
    EXPECT_THAT(read("*filter\n:FORWARD DROP [0:0]\n-A FORWARD -i wg0 -j ACCEPT\n").closed_chains, IsEmpty());
    EXPECT_THAT(read("*filter\n:FORWARD ACCEPT [0:0]\n").closed_chains, IsEmpty());
    EXPECT_TRUE(read_iptables("*nat\n-A POSTROUTING -s fd00::/16 -j MASQUERADE\n", net(), Family::v6).masquerades6);
}

TEST(CheckNat, NonsenseIsReadAsNothing)
{
    for (const std::string& text :
         {std::string(), std::string("null"), std::string("[]"), std::string("{\"nftables\":7}"),
          std::string(100'000, '['), std::string("{\"nftables\":[")})
        EXPECT_FALSE(read_nft(text, net()).has_value()) << text.substr(0, 20);
    for (const std::string& thing :
         {R"({"chain":7})", R"({"rule":{"expr":{}}})",
          R"({"rule":{"expr":[7,null,{"match":7},{"match":{"left":{}}}]}})",
          R"({"chain":{"hook":[],"type":{},"policy":1,"name":null}})",
          R"({"rule":{"family":1,"table":[],"expr":[{"match":{"left":{"payload":{"protocol":"ip","field":"saddr"}},
              "right":{"prefix":{"addr":"999.1.1.1","len":99999}}}},{"masquerade":null}]}})"})
        EXPECT_FALSE(seen(R"({"nftables":[)" + thing + "]}").masquerades4);
    for (const std::string& text : {std::string("-A"), std::string("-A \n*nat\n-A\n-A -j\n-A x -s\n"),
                                    std::string("*nat\n-A P -s nonsense -j MASQUERADE\n"), std::string(1000, '*')})
        EXPECT_FALSE(read_iptables(text, net(), Family::v4).masquerades4);
}

TEST(CheckNat, WhatWasNotSeenIsNotClaimed)
{
    const Findings unseen = judge_nat({}, net(), "nft refuses: Operation not permitted");
    EXPECT_EQ(worst_of(unseen, "nat").level, Level::warn);
    EXPECT_THAT(worst_of(unseen, "nat").what, HasSubstr("not looked at, because nft refuses"));
    const Findings bare = judge_nat({}, net(), "");
    ASSERT_EQ(bare.size(), 2U);
    EXPECT_EQ(bare[0].level, Level::fail);
    EXPECT_THAT(bare[0].hint, HasSubstr("saddr 10.66.42.0/24"));
    EXPECT_THAT(bare[1].hint, HasSubstr("ip6 saddr fd00:66::/64"));
}

} // namespace
} // namespace adit::operate
