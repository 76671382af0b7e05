#include "wg/firewall.h"

#include "base/clock.h"
#include "fakes/netns.h"
#include "wg/peers.h"

#include <gtest/gtest.h>

namespace adit::wg {

namespace {

FirewallPlan plan(bool v6 = true)
{
    FirewallPlan out;
    out.interface = "wg0";
    out.v4 = tunnel_network(range("10.8.0.0/24")).value();
    if (v6) out.v6 = tunnel_network(range("fd00:8::/112")).value();
    return out;
}

bool has_line(const std::string& text, const std::string& line)
{
    return text.find("    " + line + "\n") != std::string::npos;
}

/// As the kernel does it, in small: a text is loaded whole, or refused; a table can be changed by others.
class FakeNft final : public Nft {
public:
    Result<void> load(std::string_view text) override
    {
        loads.emplace_back(text);
        if (refuses > 0) {
            --refuses;
            return Error{Reason::device_unavailable, "nft refused"};
        }
        if (text.starts_with("add table")) table = "rules of load " + std::to_string(loads.size());
        return {};
    }
    Result<std::optional<std::string>> show(const std::string&) override { return table; }

    std::vector<std::string> loads;
    std::optional<std::string> table;
    int refuses = 0;
};

std::vector<PeerSpeed> speed(std::string_view at, std::uint32_t mbps) { return {{{address(at)}, mbps}}; }

} // namespace

TEST(FirewallText, OurAddressIsTheFirstOfTheSubnet)
{
    const auto v4 = tunnel_network(range("10.8.0.77/24")).value();
    EXPECT_EQ(v4.own.text(), "10.8.0.1");
    EXPECT_EQ(cidr_text(v4.subnet), "10.8.0.0/24");
    EXPECT_EQ(tunnel_network(range("fd00:8::/48")).value().own.text(), "fd00:8::1");
    EXPECT_EQ(tunnel_network(range("10.8.0.4/30")).value().own.text(), "10.8.0.5");
    EXPECT_FALSE(tunnel_network(range("10.8.0.4/31")));
}

TEST(FirewallText, TouchesNoTableButItsOwn)
{
    const std::string text = firewall_text(plan(), {50}, {{address("10.8.0.2"), 50}});
    std::size_t tables = 0;
    for (auto at = text.find("table "); at != std::string::npos; at = text.find("table ", at + 1)) {
        EXPECT_TRUE(text.substr(at).starts_with("table inet adit_wg0")) << text.substr(at, 40);
        ++tables;
    }
    EXPECT_EQ(tables, 3u) << "added so that it is there, deleted, and defined anew, in one transaction";
    EXPECT_EQ(text.find("flush"), std::string::npos);
    EXPECT_EQ(firewall_table("wg+0=a.b-c"), "adit_wg/2b0/3da.b-c");
}

TEST(FirewallText, SaysWhatPeersMayAndMayNot)
{
    FirewallPlan asked = plan();
    asked.resolvers = {address("10.8.0.1")};
    asked.blocked_ports = {6881, 25};
    const std::string text = firewall_text(asked, {}, {});
    EXPECT_TRUE(has_line(text, "ip saddr 10.8.0.0/24 oifname != \"wg0\" masquerade"));
    EXPECT_TRUE(has_line(text, "ip6 saddr fd00:8::/112 oifname != \"wg0\" masquerade"));
    EXPECT_TRUE(has_line(text, "iifname \"wg0\" oifname \"wg0\" drop"));
    EXPECT_TRUE(has_line(text, "iifname \"wg0\" ip6 daddr != 2000::/3 drop"));
    EXPECT_TRUE(has_line(text, "iifname \"wg0\" meta l4proto { tcp, udp } th dport { 25, 6881 } drop"));
    EXPECT_TRUE(has_line(text, "iifname \"wg0\" ip daddr 10.8.0.1 meta l4proto { tcp, udp } th dport 53 accept"));
    EXPECT_TRUE(has_line(text, "iifname \"wg0\" drop"));
    EXPECT_TRUE(has_line(text, "iifname \"wg0\" ip saddr != 10.8.0.0/24 drop"));
    EXPECT_EQ(firewall_text(plan(), {}, {}).find("dport 53"), std::string::npos);
    const std::string v4_only = firewall_text(plan(false), {50}, {});
    EXPECT_TRUE(has_line(v4_only, "iifname \"wg0\" meta nfproto ipv6 drop"));
    EXPECT_EQ(v4_only.find("ip6"), std::string::npos);
}

TEST(FirewallText, ClosedToPeersIsWhatIsNotTheInternet)
{
    for (const char* closed : {"10.1.2.3",
                               "172.16.0.1",
                               "172.31.255.255",
                               "192.168.1.1",
                               "100.64.0.1",
                               "127.0.0.1",
                               "169.254.169.254",
                               "168.63.129.16",
                               "100.100.100.200",
                               "192.0.0.192",
                               "224.0.0.251",
                               "255.255.255.255",
                               "0.0.0.0",
                               "::1",
                               "::",
                               "::ffff:10.0.0.1",
                               "64:ff9b::a00:1",
                               "fe80::1",
                               "fd00:ec2::254",
                               "fc00::1",
                               "ff02::1",
                               "2002:a00:1::1",
                               "2001:0:a00:1::"})
        EXPECT_TRUE(is_closed_to_peers(address(closed))) << closed;
    for (const char* open : {"1.1.1.1", "9.9.9.9", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00::1"})
        EXPECT_FALSE(is_closed_to_peers(address(open))) << open;
}

TEST(FirewallText, OnlyWhatChangesIsToldToTheKernel)
{
    const SpeedTable from{{address("10.8.0.2"), 50}, {address("10.8.0.3"), 50}, {address("fd00:8::3"), 50}};
    EXPECT_EQ(speed_changes_text(plan(), from, from), "");
    const SpeedTable to{{address("10.8.0.3"), 50}, {address("fd00:8::3"), 100}, {address("10.8.0.4"), 100}};
    EXPECT_EQ(speed_changes_text(plan(), from, to), "delete element inet adit_wg0 up4_50 { 10.8.0.2 }\n"
                                                    "delete element inet adit_wg0 down4_50 { 10.8.0.2 }\n"
                                                    "delete element inet adit_wg0 up6_50 { fd00:8::3 }\n"
                                                    "delete element inet adit_wg0 down6_50 { fd00:8::3 }\n"
                                                    "add element inet adit_wg0 up4_100 { 10.8.0.4 }\n"
                                                    "add element inet adit_wg0 down4_100 { 10.8.0.4 }\n"
                                                    "add element inet adit_wg0 up6_100 { fd00:8::3 }\n"
                                                    "add element inet adit_wg0 down6_100 { fd00:8::3 }\n");
}

TEST(Firewall, LoadsOnceAndAgainWhenItIsGoneOrChanged)
{
    FakeNft nft;
    Firewall firewall(plan(), {50}, nft);
    ASSERT_TRUE(firewall.keep());
    ASSERT_TRUE(firewall.keep());
    EXPECT_EQ(nft.loads.size(), 1u);
    nft.table.reset();
    ASSERT_TRUE(firewall.keep());
    EXPECT_EQ(nft.loads.size(), 2u);
    nft.table = "flushed by somebody";
    ASSERT_TRUE(firewall.keep());
    EXPECT_EQ(nft.loads.size(), 3u);
}

TEST(Firewall, SpeedsOutliveEveryReload)
{
    FakeNft nft;
    Firewall firewall(plan(), {}, nft);
    ASSERT_TRUE(firewall.set_speeds(speed("10.8.0.2", 50)));
    EXPECT_TRUE(nft.loads.empty()) << "what is told before the start waits for it";
    ASSERT_TRUE(firewall.keep());
    EXPECT_NE(nft.loads.back().find("10.8.0.2,"), std::string::npos);
    EXPECT_NE(nft.loads.back().find("limit rate over 6250000 bytes/second"), std::string::npos);
    ASSERT_TRUE(firewall.set_speeds(speed("10.8.0.2", 50)));
    EXPECT_EQ(nft.loads.size(), 1u) << "nothing changes, nothing is run";
    ASSERT_TRUE(firewall.set_speeds(speed("10.8.0.3", 50)));
    EXPECT_EQ(nft.loads.back(), "add element inet adit_wg0 up4_50 { 10.8.0.3 }\n"
                                "add element inet adit_wg0 down4_50 { 10.8.0.3 }\n");
    ASSERT_TRUE(firewall.set_speeds(speed("10.8.0.3", 7)));
    EXPECT_TRUE(nft.loads.back().starts_with("add table")) << "a speed that is new to it needs sets and rules";
    ASSERT_TRUE(firewall.set_speeds(speed("10.8.0.2", 0)));
    EXPECT_EQ(nft.loads.back(), "delete element inet adit_wg0 up4_50 { 10.8.0.2 }\n"
                                "delete element inet adit_wg0 down4_50 { 10.8.0.2 }\n");
    nft.table.reset();
    ASSERT_TRUE(firewall.keep());
    EXPECT_EQ(nft.loads.back().find("10.8.0.2,"), std::string::npos);
    EXPECT_NE(nft.loads.back().find("10.8.0.3,"), std::string::npos);
}

TEST(Firewall, ARefusedChangeIsMendedByAWholeLoadAndAFailedOneIsSaid)
{
    FakeNft nft;
    Firewall firewall(plan(), {50}, nft);
    ASSERT_TRUE(firewall.keep());
    nft.refuses = 1; // an element that somebody took away
    ASSERT_TRUE(firewall.set_speeds(speed("10.8.0.2", 50)));
    EXPECT_TRUE(nft.loads.back().starts_with("add table"));
    EXPECT_NE(nft.loads.back().find("10.8.0.2,"), std::string::npos);
    nft.refuses = 2;
    EXPECT_FALSE(firewall.set_speeds(speed("10.8.0.3", 50)));
    EXPECT_FALSE(firewall.set_speeds(speed("10.8.0.4", 50))) << "and until it is loaded, nobody is let in unlimited";
    ASSERT_TRUE(firewall.keep());
    ASSERT_TRUE(firewall.set_speeds(speed("10.8.0.4", 50)));
}

TEST(Firewall, TheRealNftTakesItWithTenThousandPeers)
{
    ADIT_NEEDS_NETNS();
    const auto space = std::move(fakes::Netns::create()).value();
    FirewallPlan asked = plan();
    asked.interface = "wg+0=a.b-c";
    asked.v4 = tunnel_network(range("10.8.0.0/16")).value();
    asked.resolvers = {address("10.8.0.1"), address("fd00:8::1")};
    asked.blocked_ports = {6881};
    std::vector<PeerSpeed> peers;
    for (std::uint32_t i = 2; i < 10'002; ++i) peers.push_back({{address_number(i)}, i % 2 == 0 ? 50U : 100'000U});
    NftProgram nft;
    Firewall firewall(asked, {1}, nft);
    ASSERT_TRUE(firewall.set_speeds(peers));
    ASSERT_TRUE(space.run({"nft", "-c", "-f", "-"}, firewall_text(asked, {1, 100'000}, {{address("fd00:8::2"), 1}})));
    space.inside([&] {
        const auto kept = firewall.keep();
        ASSERT_TRUE(kept) << kept.error().detail;
    });
    const std::string listed = space.run({"nft", "list", "ruleset"}).value();
    EXPECT_NE(listed.find("10.8.39.17 limit rate over"), std::string::npos);
    space.inside([&] {
        const SteadyTime begun = system_clock().steady();
        ASSERT_TRUE(firewall.set_speeds(speed("10.8.200.1", 50)));
        ASSERT_TRUE(firewall.set_speeds(speed("10.8.0.2", 0)));
        EXPECT_LT(system_clock().steady() - begun, Milliseconds(2'000)) << "cheap, however many there are";
        ASSERT_TRUE(firewall.keep());
    });
    EXPECT_NE(space.run({"nft", "get", "element", "inet", firewall_table(asked.interface), "up4_50", "{ 10.8.200.1 }"})
                  .value()
                  .find("10.8.200.1"),
              std::string::npos);
    EXPECT_FALSE(
        space.run({"nft", "get", "element", "inet", firewall_table(asked.interface), "up4_50", "{ 10.8.0.2 }"}));
}

} // namespace adit::wg
