#include "base/hash.h"

#include <gtest/gtest.h>

namespace adit {
namespace {

TEST(Hash, Sha256OfAbcIsFips180sExample)
{
    EXPECT_EQ(encode_hex(sha256(as_bytes("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(encode_hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Hash, HmacsAreRfc4231sSecondCase)
{
    const auto key = as_bytes("Jefe");
    const auto message = as_bytes("what do ya want for nothing?");
    EXPECT_EQ(encode_hex(hmac_sha256(key, message)),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(encode_hex(hmac_sha512(key, message)), "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549"
                                                     "758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b"
                                                     "636e070a38bce737");
}

TEST(Hash, Pbkdf2GivesTheSeedOfBip39sFirstVector)
{
    const auto seed = pbkdf2_hmac_sha512(
        "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
        "mnemonicTREZOR", 2048);
    EXPECT_EQ(encode_hex(seed.expose()), "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d"
                                         "18264c1e1c92f2cf141630c7a3c4ab7c81b"
                                         "2f001698e7463b04");
}

} // namespace
} // namespace adit
