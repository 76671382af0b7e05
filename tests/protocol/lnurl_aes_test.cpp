#include "protocol/lnurl_aes.h"

#include "base/hash.h"
#include "protocol/nostr_testing.h"

#include <cstdio>
#include <filesystem>
#include <random>

namespace adit::protocol {
namespace {

SecretBytes<32> preimage(std::string_view hex) { return parse_secret_hex<32>(hex).value(); }
const std::string kPreimage(64, '7');

std::string config_of(std::size_t length)
{
    std::string text;
    while (text.size() < length) text += "Address = 10.66.42.7/32 é\n";
    text.resize(length);
    while (!is_utf8(text)) text.back() = '.';
    return text;
}

TEST(AesAction, TheVectorsOpenAndSealedOnesOpenAgain)
{
    fakes::SeededRng rng(3);
    const auto file = vectors("lnurl.json");
    for (const auto& row : file["lud10_computed"]) {
        const auto key = preimage(str(row["preimage_hex"]));
        EXPECT_EQ(encode_hex(sha256(key.expose())), str(row["payment_hash"]));
        EXPECT_EQ(open_aes(key, {"", str(row["ciphertext"]), str(row["iv"])}).value(), str(row["plaintext"]));
        const auto sealed = seal_aes(key, str(row["plaintext"]), "d", rng);
        ASSERT_TRUE(sealed.has_value());
        EXPECT_EQ(sealed->iv.size(), 24U);
        EXPECT_NE(sealed->ciphertext, str(row["ciphertext"])) << "the iv is fresh";
        EXPECT_EQ(open_aes(key, *sealed).value(), str(row["plaintext"]));
    }
}

TEST(AesAction, EveryLengthUpToTheLimitFitsWhatWalletsTake)
{
    fakes::SeededRng rng(4);
    for (const std::size_t length : {0U, 1U, 15U, 16U, 17U, 3070U, 3071U}) {
        const std::string text = config_of(length);
        const auto sealed = seal_aes(preimage(kPreimage), text, "d", rng);
        ASSERT_TRUE(sealed.has_value()) << length;
        EXPECT_LE(sealed->ciphertext.size(), 4096U);
        EXPECT_EQ(open_aes(preimage(kPreimage), *sealed).value(), text);
    }
    expect_reason(seal_aes(preimage(kPreimage), config_of(3072), "d", rng), Reason::bad_request);
    expect_reason(seal_aes(preimage(kPreimage), "x", std::string(145, 'd'), rng), Reason::bad_request);
}

// What any wallet does, by a program that knows nothing of us.
TEST(AesAction, OpenSslOpensIt)
{
    if (std::system("openssl version >/dev/null 2>&1") != 0) GTEST_SKIP() << "package openssl is not installed";
    fakes::SeededRng rng(5);
    const std::string text = config_of(401);
    const auto sealed = seal_aes(preimage(kPreimage), text, "Your VPN configuration", rng);
    ASSERT_TRUE(sealed.has_value());
    const std::string iv = encode_hex(parse_base64(sealed->iv).value());
    const std::string command = "printf %s '" + sealed->ciphertext + "' | openssl enc -d -aes-256-cbc -base64 -A -K " +
                                kPreimage + " -iv " + iv;
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), &::pclose);
    ASSERT_NE(pipe, nullptr);
    std::string opened;
    char buffer[512];
    for (std::size_t got = 0; (got = std::fread(buffer, 1, sizeof buffer, pipe.get())) > 0;) opened.append(buffer, got);
    EXPECT_EQ(opened, text);
}

TEST(AesAction, AnotherPreimageOpensNothing)
{
    fakes::SeededRng rng(6);
    const std::string text = config_of(300);
    const auto sealed = seal_aes(preimage(kPreimage), text, "d", rng).value();
    int opened = 0;
    for (int i = 0; i < 300; ++i)
        if (const auto other = open_aes(rng.secret<32>(), sealed)) ++opened;
    EXPECT_EQ(opened, 0) << "a padding that fits by chance would still be no UTF-8";
}

TEST(AesAction, WhatIsAlteredOrNoActionIsRefused)
{
    fakes::SeededRng rng(7);
    const auto sealed = seal_aes(preimage(kPreimage), "x", "d", rng).value();
    const auto refused = [&](std::string ciphertext, std::string iv) {
        expect_reason(open_aes(preimage(kPreimage), {"d", std::move(ciphertext), std::move(iv)}), Reason::bad_encoding);
    };
    refused("", sealed.iv);
    refused("AAAA", sealed.iv);
    refused("not base64!", sealed.iv);
    refused(sealed.ciphertext, "");
    refused(sealed.ciphertext, std::string(24, '='));
    refused(sealed.ciphertext, encode_base64(ByteArray<17>{}));
    refused(sealed.ciphertext.substr(4), sealed.iv);
    refused(encode_base64(Bytes(4112)), sealed.iv);
    refused(std::string(1 << 20, 'A'), sealed.iv);
    std::mt19937 dice(8);
    for (int i = 0; i < 2000; ++i) {
        auto altered = sealed;
        std::string& part = dice() % 2 == 0 ? altered.ciphertext : altered.iv;
        part[dice() % part.size()] = static_cast<char>(dice());
        static_cast<void>(open_aes(preimage(kPreimage), altered).has_value());
    }
}

} // namespace
} // namespace adit::protocol
