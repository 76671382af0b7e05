#include "wg/host_routes.h"

#include "fakes/netns.h"
#include "wg/peers.h"

#include <gtest/gtest.h>
#include <random>

namespace adit::wg {

namespace {

Bytes hex(std::string_view text)
{
    std::string digits;
    for (const char c : text)
        if (c != ' ') digits += c;
    return parse_hex(digits).value();
}

// As a little-endian machine has them: rtmsg, RTA_TABLE, RTA_DST, RTA_OIF.
Bytes route_bytes()
{
    return hex("02 10 00 00 fe 02 fd 01 00000000 0800 0f00 fe000000 0800 0100 0a080000 0800 0400 03000000");
}
// ifaddrmsg, IFA_ADDRESS, IFA_LOCAL.
Bytes address_bytes() { return hex("02 18 80 00 05000000 0800 0100 0a080001 0800 0200 0a080063"); }

HostNetwork network(std::initializer_list<HostRoute> routes) { return {routes, {}}; }

} // namespace

TEST(HostRoutes, ReadsOneRoute)
{
    const auto route = netlink::parse_route(route_bytes()).value();
    ASSERT_TRUE(route);
    EXPECT_EQ(cidr_text(route->destination), "10.8.0.0/16");
    EXPECT_EQ(route->interface, 3u);
}

TEST(HostRoutes, LocalCachedAndOtherFamiliesRoutesAreNone)
{
    Bytes local = route_bytes();
    local[16] = 255; // RTA_TABLE
    EXPECT_EQ(netlink::parse_route(local).value().has_value(), false);
    Bytes cached = route_bytes();
    cached[9] = 2; // RTM_F_CLONED
    EXPECT_EQ(netlink::parse_route(cached).value().has_value(), false);
    Bytes bridge = route_bytes();
    bridge[0] = 7;
    EXPECT_EQ(netlink::parse_route(bridge).value().has_value(), false);
}

TEST(HostRoutes, TheLocalEndOfAPointToPointLinkIsOurs)
{
    const auto entry = netlink::parse_address(address_bytes()).value();
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->address.text(), "10.8.0.99");
    EXPECT_EQ(entry->prefix, 24);
    EXPECT_EQ(entry->interface, 5u);
    const auto only_address = netlink::parse_address(ByteView(address_bytes()).first(16)).value();
    EXPECT_EQ(only_address->address.text(), "10.8.0.1");
}

TEST(HostRoutes, RefusesWhatIsMalformed)
{
    Bytes prefix = route_bytes();
    prefix[1] = 33;
    EXPECT_FALSE(netlink::parse_route(prefix));
    Bytes length = route_bytes();
    length[12] = 200;
    EXPECT_FALSE(netlink::parse_route(length));
    EXPECT_FALSE(netlink::parse_route(ByteView(route_bytes()).first(11)));
    EXPECT_FALSE(netlink::parse_address(ByteView(address_bytes()).first(8))) << "an address without one";
    EXPECT_FALSE(netlink::parse_address(ByteView(address_bytes()).first(13)));
}

TEST(HostRoutes, ASubnetMustStayClearOfRoutesButNotOfDefaultsAndItsOwn)
{
    const AllowedIp subnet = range("10.8.0.0/24");
    EXPECT_FALSE(overlapping_route(
        network({{range("0.0.0.0/0"), "eth0"}, {range("0.0.0.0/1"), "tun0"}, {range("192.168.0.0/16"), "eth0"}}),
        subnet, "wg0"));
    EXPECT_FALSE(overlapping_route(network({{range("10.8.0.0/24"), "wg0"}}), subnet, "wg0"));
    const auto found = overlapping_route(network({{range("10.8.0.0/24"), "wg1"}}), subnet, "wg0");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->interface, "wg1");
    EXPECT_TRUE(overlapping_route(network({{range("10.0.0.0/8"), "eth0"}}), subnet, "wg0"));
    EXPECT_TRUE(overlapping_route(network({{range("10.8.0.77/32"), "eth0"}}), subnet, "wg0"));
    EXPECT_TRUE(overlapping_route(network({{range("fd00::/48"), "eth0"}}), range("fd00::/64"), "wg0"));
}

TEST(HostRoutes, ReadsThoseOfThisHost)
{
    const auto network = read_host_network();
    ASSERT_TRUE(network) << network.error().detail;
    const auto loopback = network->addresses_of("lo");
    EXPECT_NE(std::ranges::find(loopback, address("127.0.0.1")), loopback.end());
}

TEST(HostRoutes, ReadsExactlyThoseOfANamespace)
{
    ADIT_NEEDS_NETNS();
    const auto a = std::move(fakes::Netns::create()).value();
    const auto b = std::move(fakes::Netns::create()).value();
    ASSERT_TRUE(fakes::join(a, "left", "192.0.2.1/24", b, "right", "192.0.2.2/24"));
    ASSERT_TRUE(a.run({"ip", "route", "add", "default", "via", "192.0.2.2"}));
    ASSERT_TRUE(a.run({"ip", "route", "add", "blackhole", "10.99.0.0/16"}));
    ASSERT_TRUE(a.run({"ip", "route", "add", "10.77.0.0/16", "via", "192.0.2.2", "table", "1000"}));
    ASSERT_TRUE(a.run({"ip", "address", "add", "fd77::1/64", "dev", "left"}));
    a.inside([] {
        const HostNetwork network = std::move(read_host_network()).value();
        const auto has = [&](const char* cidr, const char* interface) {
            return std::ranges::any_of(network.routes, [&](const HostRoute& route) {
                return route.destination == range(cidr) && route.interface == interface;
            });
        };
        EXPECT_TRUE(has("192.0.2.0/24", "left"));
        EXPECT_TRUE(has("0.0.0.0/0", "left"));
        EXPECT_TRUE(has("10.99.0.0/16", ""));
        EXPECT_TRUE(has("10.77.0.0/16", "left"));
        EXPECT_TRUE(has("fd77::/64", "left"));
        const auto own = network.addresses_of("left");
        EXPECT_NE(std::ranges::find(own, address("192.0.2.1")), own.end());
        EXPECT_NE(std::ranges::find(own, address("fd77::1")), own.end());
        EXPECT_TRUE(network.addresses_of("eth0").empty());
    });
}

} // namespace adit::wg
