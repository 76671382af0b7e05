#include "wg/link_message.h"

#include "wg/netlink_message.h"
#include "wg/peers.h"

#include <gtest/gtest.h>
#include <random>

namespace adit::wg {

namespace {

// As a little-endian machine has them. Spaces are for the reader.
std::string bare(std::string_view text)
{
    std::string digits;
    for (const char c : text)
        if (c != ' ') digits += c;
    return digits;
}

// ifinfomsg of number 9, up; IFLA_IFNAME; IFLA_MTU; IFLA_LINKINFO with the kind.
Bytes link_bytes()
{
    return parse_hex(bare("00 00 fe ff 09000000 51000000 00000000 0800 0300 77673000 0800 0400 8c050000 "
                          "1400 1200 0e00 0100 77697265677561726400 0000"))
        .value();
}

} // namespace

TEST(LinkMessage, MakingAndSettingAnInterfaceIsTheseBytes)
{
    EXPECT_EQ(encode_hex(netlink::encode_get_link("wg0", 3)),
              bare("28000000 1200 0100 03000000 00000000 00000000 00000000 00000000 00000000 0800 0300 77673000"));
    EXPECT_EQ(encode_hex(netlink::encode_create_wireguard("wg0", 1)),
              bare("3c000000 1000 0506 01000000 00000000 00000000 00000000 00000000 00000000 0800 0300 77673000 "
                   "1400 1280 0e00 0100 77697265677561726400 0000"))
        << "exclusive: an interface that is there already is never changed by it";
    EXPECT_EQ(encode_hex(netlink::encode_set_link(7, 1420, 2)),
              bare("28000000 1000 0500 02000000 00000000 00000000 07000000 01000000 01000000 0800 0400 8c050000"));
}

TEST(LinkMessage, AddressesComeAndGoWithTheseBytes)
{
    EXPECT_EQ(encode_hex(netlink::encode_add_address(7, range("10.66.42.1/24"), 1)),
              bare("28000000 1400 0506 01000000 00000000 02 18 00 00 07000000 0800 0200 0a422a01 0800 0100 0a422a01"));
    EXPECT_EQ(encode_hex(netlink::encode_remove_address(7, range("fd00::1/112"), 1)),
              bare("40000000 1500 0500 01000000 00000000 0a 70 00 00 07000000 "
                   "1400 0200 fd000000000000000000000000000001 1400 0100 fd000000000000000000000000000001"));
}

TEST(LinkMessage, KeyAndPortAreTheseBytes)
{
    std::string key;
    for (int i = 0; i < 32; ++i) key += "5f";
    EXPECT_EQ(encode_hex(netlink::encode_configure(0x1c, "wg0", {secret_of(0x5f), 51820}, 2)),
              bare("48000000 1c00 0500 02000000 00000000 01 01 0000 0800 0200 77673000 2400 0300 " + key +
                   " 0600 0600 6cca 0000"))
        << "no flag that replaces peers";
}

TEST(LinkMessage, ReadsALink)
{
    const auto link = netlink::parse_link(link_bytes()).value();
    EXPECT_EQ(link.number, 9u);
    EXPECT_EQ(link.kind, "wireguard");
    EXPECT_EQ(link.mtu, 1420u);
    EXPECT_TRUE(link.up);
    Bytes down = link_bytes();
    down[8] = 0x50;
    EXPECT_FALSE(netlink::parse_link(down).value().up);
    const auto bare_link = netlink::parse_link(ByteView(link_bytes()).first(16)).value();
    EXPECT_EQ(bare_link.kind, "");
}

TEST(LinkMessage, DamagedLinksAreRefusedAndNothingIsReadBeyondTheirEnd)
{
    const Bytes whole = link_bytes();
    for (std::size_t length = 0; length < whole.size(); ++length) {
        const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
        const auto link = netlink::parse_link(cut);
        if (link) EXPECT_TRUE(length == 16 || length == 24 || length == 32) << length;
    }
    Bytes nobody = whole;
    nobody[4] = 0;
    EXPECT_FALSE(netlink::parse_link(nobody)) << "no interface has the number 0";
    Bytes short_mtu = whole;
    short_mtu[24] = 6;
    EXPECT_FALSE(netlink::parse_link(short_mtu));
    std::mt19937 dice(7);
    for (int i = 0; i < 20'000; ++i) {
        Bytes noise = whole;
        for (int flips = 0; flips < 4; ++flips) noise[dice() % noise.size()] = static_cast<std::uint8_t>(dice());
        (void)netlink::parse_link(noise).has_value();
    }
}

} // namespace adit::wg
