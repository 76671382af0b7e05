#include "cashu_testing.h"
#include "payments/cashu/bip39.h"
#include "payments/cashu/bip39_words.h"
#include "payments/cashu/nut13.h"

#include <algorithm>
#include <set>

namespace adit::payments::cashu {
namespace {

struct Bip39Row {
    const char* entropy;
    const char* mnemonic;
    const char* seed; // with the passphrase TREZOR
};

// From the reference vectors that BIP-39 links to.
constexpr Bip39Row kBip39Rows[]{
    {"00000000000000000000000000000000",
     "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
     "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2"
     "f001"
     "698e7463b04"},
    {"7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f", "legal winner thank year wave sausage worth useful legal winner thank yellow",
     "2e8905819b8723fe2c1d161860e5ee1830318dbf49a83bd451cfb8440c28bd6fa457fe1296106559a3c80937a1c1069be3a3a5bd381ee6260"
     "e8d9"
     "739fce1f607"},
    {"80808080808080808080808080808080",
     "letter advice cage absurd amount doctor acoustic avoid letter advice cage above",
     "d71de856f81a8acc65e6fc851a38d4d7ec216fd0796d0a6827a3ad6ed5511a30fa280f12eb2e47ed2ac03b5c462a0358d18d69fe4f985ec81"
     "778c"
     "1b370b652a8"},
    {"ffffffffffffffffffffffffffffffff", "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong",
     "ac27495480225222079d7be181583751e86f571027b0497b5b5d11218e0a8a13332572917f0f8e5a589620c6f15b11c61dee327651a14c34e"
     "1823"
     "1052e48c069"},
    {"0000000000000000000000000000000000000000000000000000000000000000",
     "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
     "abandon abandon abandon abandon abandon abandon abandon abandon abandon art",
     "bda85446c68413707090a52022edd26a1c9462295029f2e60cd7c4f2bbd3097170af7a4d73245cafa9c3cca8d561a7c3de6f5d4a10be8ed2a"
     "5e60"
     "8d68f92fcc8"},
};

TEST(Bip39, TheWordListIsSortedAndEachWordIsKnownByFourLetters)
{
    EXPECT_TRUE(std::is_sorted(kBip39English.begin(), kBip39English.end()));
    std::set<std::string_view> starts;
    for (const std::string_view word : kBip39English) starts.insert(word.substr(0, 4));
    EXPECT_EQ(starts.size(), 2048U);
}

TEST(Bip39, TheKnownVectorsHold)
{
    for (const Bip39Row& row : kBip39Rows) {
        EXPECT_EQ(mnemonic_from_entropy(parse_hex(row.entropy).value()).value(), row.mnemonic);
        EXPECT_EQ(parse_mnemonic(row.mnemonic).value(), row.mnemonic);
        EXPECT_EQ(encode_hex(mnemonic_seed(row.mnemonic, "TREZOR").expose()), row.seed);
    }
}

TEST(Bip39, BlanksAndCaseDoNotMatterAndWordsDo)
{
    const std::string good = kBip39Rows[1].mnemonic;
    EXPECT_EQ(
        parse_mnemonic("  Legal\twinner thank YEAR wave sausage\nworth useful legal winner thank yellow \n").value(),
        good);
    EXPECT_FALSE(parse_mnemonic(""));
    EXPECT_FALSE(parse_mnemonic("legal winner thank year wave sausage worth useful legal winner thank"));
    EXPECT_FALSE(parse_mnemonic("legal winner thank year wave sausage worth useful legal winner thank thank"));
    EXPECT_FALSE(parse_mnemonic("winner legal thank year wave sausage worth useful legal winner thank yellow"));
    EXPECT_FALSE(parse_mnemonic(good + " " + good + " " + good));
    EXPECT_FALSE(parse_mnemonic(std::string(100'000, 'a')));
    const auto unknown = parse_mnemonic("legal winner thank year wave sausagex worth useful legal winner thank yellow");
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().detail.find("sausage"), std::string::npos);
    EXPECT_NE(unknown.error().detail.find("word 6"), std::string::npos);
}

TEST(Bip39, EntropyOfOtherLengthsIsRefused)
{
    for (const std::size_t length : {0U, 4U, 15U, 17U, 31U, 33U, 36U})
        EXPECT_FALSE(mnemonic_from_entropy(Bytes(length))) << length;
}

TEST(Bip39, FreshWordsAreTwelveValidAndNew)
{
    fakes::SeededRng rng;
    const std::string one = generate_mnemonic(rng), two = generate_mnemonic(rng);
    EXPECT_NE(one, two);
    EXPECT_EQ(std::count(one.begin(), one.end(), ' '), 11);
    EXPECT_EQ(parse_mnemonic(one).value(), one);
}

TEST(Nut13, BothDerivationsGiveTheSecretsOfTheVectors)
{
    const json file = vectors("nut13.json");
    const Seed seed = mnemonic_seed(str(file["mnemonic"]));
    for (const char* version : {"v1", "v2"}) {
        const json& row = file[version];
        for (std::uint64_t counter = 0; counter < 5; ++counter) {
            const auto output = derive_output(seed, str(row["keyset_id"]), counter);
            ASSERT_TRUE(output);
            EXPECT_EQ(output->secret, str(row["secrets"][counter])) << version << ' ' << counter;
            EXPECT_EQ(encode_hex(output->r.expose()), str(row["r"][counter])) << version << ' ' << counter;
        }
    }
}

TEST(Nut13, CountersAndIdsOutsideTheirRangesAreRefused)
{
    const Seed seed;
    EXPECT_TRUE(derive_output(seed, "009a1f293253e41e", 0x7fff'ffff));
    EXPECT_FALSE(derive_output(seed, "009a1f293253e41e", 0x8000'0000));
    EXPECT_TRUE(derive_output(seed, "01" + std::string(64, 'a'), ~std::uint64_t{0}));
    EXPECT_FALSE(derive_output(seed, "01aaaaaaaaaaaaaa", 0)); // short
    EXPECT_FALSE(derive_output(seed, "", 0));
    EXPECT_FALSE(derive_output(seed, "yjzQhxghPdrr", 0));
}

} // namespace
} // namespace adit::payments::cashu
