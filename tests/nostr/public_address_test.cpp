#include "nostr/public_address.h"

#include <gtest/gtest.h>

namespace adit::nostr {
namespace {

TEST(PublicAddress, TheInternetIsPublic)
{
    for (const char* address : {"1.1.1.1",        "9.255.255.255",        "11.0.0.0",        "100.63.255.255",
                                "100.128.0.0",    "126.255.255.255",      "128.0.0.1",       "169.253.0.1",
                                "172.15.255.255", "172.32.0.0",           "192.0.1.1",       "192.167.0.1",
                                "198.17.0.1",     "198.20.0.1",           "223.255.255.255", "2606:4700::1111",
                                "2a01:4f8::1",    "2001:4860:4860::8888", "::ffff:1.1.1.1",  "64:ff9b::101:101"})
        EXPECT_TRUE(is_public_address(address)) << address;
}

TEST(PublicAddress, ThisMachineItsNetworksAndReservedOnesAreNot)
{
    for (const char* address : {"0.0.0.0",
                                "10.1.2.3",
                                "100.64.0.1",
                                "100.127.255.255",
                                "127.0.0.1",
                                "127.255.0.1",
                                "169.254.169.254",
                                "172.16.0.1",
                                "172.31.255.255",
                                "192.0.0.8",
                                "192.0.2.1",
                                "192.168.1.1",
                                "198.18.0.1",
                                "198.19.255.255",
                                "198.51.100.7",
                                "203.0.113.9",
                                "224.0.0.1",
                                "239.1.1.1",
                                "240.0.0.1",
                                "255.255.255.255",
                                "::",
                                "::1",
                                "fe80::1",
                                "fc00::1",
                                "fd12:3456::1",
                                "ff02::1",
                                "2001:db8::1",
                                "2001::1",
                                "2002:7f00:1::",
                                "3fff::1",
                                "::ffff:10.0.0.1",
                                "::ffff:127.0.0.1",
                                "64:ff9b::7f00:1",
                                "::7f00:1",
                                "fec0::1",
                                "100::1"})
        EXPECT_FALSE(is_public_address(address)) << address;
}

TEST(PublicAddress, WhatIsNoAddressIsNotPublic)
{
    using namespace std::string_view_literals;
    for (const std::string_view text : {""sv, "relay.example"sv, "1.1.1"sv, "1.1.1.1 "sv, "01.1.1.1x"sv, "1.1.1.1\0"sv,
                                        "[2606:4700::1111]"sv, "2606:4700::1111%eth0"sv, "0x01010101"sv, "16843009"sv})
        EXPECT_FALSE(is_public_address(text)) << text;
}

} // namespace
} // namespace adit::nostr
