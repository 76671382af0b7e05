#include "protocol/wireguard_key.h"

#include <gtest/gtest.h>

namespace adit::protocol {
namespace {

TEST(WireguardKeys, ThePublicKeyIsThatOfRfc7748)
{
    // Section 5.2, the first iteration: the scalar 9 times the base point.
    const WireguardSecret nine{std::span<const std::uint8_t, 32>(ByteArray<32>{9})};
    EXPECT_EQ(wireguard_public_key(nine).hex(), "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
}

TEST(WireguardKeys, GoThroughBase64AndBack)
{
    for (int i = 0; i < 20; ++i) {
        const WireguardKey key = wireguard_public_key(generate_wireguard_secret(system_rng()));
        const auto parsed = WireguardKey::parse_base64(key.base64());
        ASSERT_TRUE(parsed);
        EXPECT_EQ(*parsed, key);
        EXPECT_EQ(key.base64().size(), 44U);
        EXPECT_EQ(key.hex().size(), 64U);
    }
}

TEST(WireguardKeys, GeneratedSecretsAreClampedAndDiffer)
{
    const WireguardSecret a = generate_wireguard_secret(system_rng());
    const WireguardSecret b = generate_wireguard_secret(system_rng());
    EXPECT_FALSE(a == b);
    EXPECT_EQ(a.expose()[0] & 7, 0);
    EXPECT_EQ(a.expose()[31] & 0xc0, 0x40);
}

TEST(WireguardKeys, OnlyCanonicalBase64OfExactly32BytesIsAccepted)
{
    const std::string good = wireguard_public_key(generate_wireguard_secret(system_rng())).base64();
    ASSERT_TRUE(WireguardKey::parse_base64(good));
    EXPECT_FALSE(WireguardKey::parse_base64(""));
    EXPECT_FALSE(WireguardKey::parse_base64(good.substr(0, 43)));
    EXPECT_FALSE(WireguardKey::parse_base64(good + "="));
    EXPECT_FALSE(WireguardKey::parse_base64(" " + good.substr(1)));
    EXPECT_FALSE(WireguardKey::parse_base64(std::string(44, 'A')));
    EXPECT_FALSE(WireguardKey::parse_base64(std::string(43, '!') + "="));
    EXPECT_FALSE(WireguardKey::parse_base64(encode_base64(Bytes(31, 7))));
    EXPECT_FALSE(WireguardKey::parse_base64(encode_base64(Bytes(33, 7))));
    std::string slack = encode_base64(Bytes(32, 0xff)); // ends in "8=": its two unused bits are zero
    ASSERT_EQ(slack[42], '8');
    slack[42] = '9';
    EXPECT_FALSE(WireguardKey::parse_base64(slack));
}

TEST(WireguardKeys, PointsOfSmallOrderAreRefusedWhateverTheTopBit)
{
    const char* const points[]{
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    const WireguardSecret secret = generate_wireguard_secret(system_rng());
    for (const auto* hex : points) {
        Bytes bytes = *parse_hex(hex);
        ByteArray<32> shared{};
        EXPECT_NE(crypto_scalarmult(shared.data(), secret.expose().data(), bytes.data()), 0)
            << "libsodium agrees: " << hex;
        EXPECT_FALSE(WireguardKey::parse_base64(encode_base64(bytes))) << hex;
        bytes[31] |= 0x80;
        EXPECT_FALSE(WireguardKey::parse_base64(encode_base64(bytes))) << hex;
    }
}

} // namespace
} // namespace adit::protocol
