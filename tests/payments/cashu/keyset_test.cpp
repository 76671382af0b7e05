#include "payments/cashu/keyset.h"

#include "cashu_testing.h"

namespace adit::payments::cashu {
namespace {

std::string keys_answer(const json& keys)
{
    return json{{"keysets", {{{"id", "00456a94ab4e1c46"}, {"unit", "sat"}, {"keys", keys}}}}}.dump();
}

TEST(Keyset, EveryValidKeyMapOfNut01IsRead)
{
    for (const json& row : rows("nut01.json", "valid")) {
        const auto keysets = parse_keys(keys_answer(row["keys"]));
        ASSERT_TRUE(keysets) << row;
        ASSERT_EQ(keysets->size(), 1U);
        EXPECT_EQ(keysets->front().keys.size(), row["keys"].size());
        for (const auto& [amount, key] : row["keys"].items())
            EXPECT_EQ(keysets->front().keys.at(Sat(std::stoull(amount))).hex(), str(key));
    }
}

TEST(Keyset, TheAmountTwoToTheSixtyThirdIsRead)
{
    const auto keysets = parse_keys(keys_answer(vectors("nut01.json")["valid"][1]["keys"]));
    ASSERT_TRUE(keysets);
    EXPECT_TRUE(keysets->front().keys.contains(Sat(9223372036854775808U)));
}

TEST(Keyset, EveryInvalidKeyMapOfNut01IsRefused)
{
    for (const json& row : rows("nut01.json", "invalid"))
        EXPECT_FALSE(parse_keys(keys_answer(row["keys"]))) << row["reason"];
}

Keyset keyset_of(const json& row)
{
    Keyset keyset;
    keyset.id = str(row["id"]);
    keyset.unit = row.value("unit", "sat");
    keyset.input_fee_ppk = row.value("input_fee_ppk", 0U);
    if (row.contains("final_expiry") && !row["final_expiry"].is_null())
        keyset.final_expiry = UnixSeconds(row["final_expiry"].get<std::int64_t>());
    for (const auto& [amount, key] : row["keys"].items()) keyset.keys.emplace(Sat(std::stoull(amount)), point(key));
    return keyset;
}

TEST(Keyset, EveryIdOfNut02IsDerived)
{
    const json file = vectors("nut02.json");
    for (const json& row : file["v1"]) {
        EXPECT_EQ(derive_id_v0(keyset_of(row).keys), str(row["id"]));
        EXPECT_TRUE(id_matches(keyset_of(row)));
    }
    for (const json& row : file["v2"]) {
        EXPECT_EQ(derive_id_v1(keyset_of(row)), str(row["id"]));
        EXPECT_TRUE(id_matches(keyset_of(row)));
    }
    EXPECT_EQ(file["v1"].size() + file["v2"].size(), 5U);
}

TEST(Keyset, AVersionOneIdCoversUnitFeeExpiryAndKeys)
{
    Keyset keyset = make_keyset(100);
    ASSERT_TRUE(id_matches(keyset));
    Keyset other = keyset;
    other.unit = "usd";
    EXPECT_FALSE(id_matches(other));
    other = keyset;
    other.input_fee_ppk = 99;
    EXPECT_FALSE(id_matches(other));
    other = keyset;
    other.final_expiry = UnixSeconds(1);
    EXPECT_FALSE(id_matches(other));
    other = keyset;
    other.keys.erase(Sat(1));
    EXPECT_FALSE(id_matches(other));
    other.keys.clear();
    EXPECT_FALSE(id_matches(other));
}

TEST(Keyset, AShortIdIsCompletedOnlyWhereExactlyOneFits)
{
    Keyset one = make_keyset(), two = make_keyset(100), old = make_keyset(0, false);
    two.id = one.id.substr(0, 20) + two.id.substr(20);
    const std::vector<Keyset> both{one, two, old};
    EXPECT_EQ(complete_id(one.id, both).value(), one.id);
    EXPECT_EQ(complete_id(old.id, both).value(), old.id);
    EXPECT_FALSE(complete_id(one.id.substr(0, 16), both));
    EXPECT_EQ(complete_id(one.id.substr(0, 16), std::span(both).first(1)).value(), one.id);
    EXPECT_FALSE(complete_id(one.id.substr(0, 17), std::span(both).first(1)));
    EXPECT_FALSE(complete_id("01ffffffffffffff", both));
    EXPECT_FALSE(complete_id("", both));
    EXPECT_FALSE(complete_id("01", both));
}

TEST(Keyset, IdsOfOtherShapesAreNone)
{
    EXPECT_TRUE(is_complete_id("00456a94ab4e1c46"));
    EXPECT_FALSE(is_complete_id("00456A94AB4E1C46"));
    EXPECT_FALSE(is_complete_id("0156a94ab4e1c46f"));
    EXPECT_TRUE(is_token_id("0156a94ab4e1c46f"));
    EXPECT_FALSE(is_token_id("0256a94ab4e1c46f"));
    EXPECT_FALSE(is_token_id("yjzQhxghPdrr"));
    EXPECT_FALSE(is_token_id(""));
}

TEST(Fee, IsRoundedUpOnceOverAllInputs)
{
    const auto fee = [](std::vector<std::uint64_t> ppk) { return input_fee(ppk); };
    EXPECT_EQ(fee({}), Sat(0));
    EXPECT_EQ(fee({0, 0}), Sat(0));
    EXPECT_EQ(fee({1}), Sat(1));
    EXPECT_EQ(fee({100, 100, 100}), Sat(1));
    EXPECT_EQ(fee({500, 500}), Sat(1));
    EXPECT_EQ(fee({500, 501}), Sat(2));
    EXPECT_EQ(fee(std::vector<std::uint64_t>(11, 100)), Sat(2));
    EXPECT_EQ(fee({~std::uint64_t{0}}), std::nullopt);
    EXPECT_EQ(fee({~std::uint64_t{0}, 1}), std::nullopt);
}

TEST(Split, GivesPowersOfTwoAscendingThatAddUp)
{
    const Keyset keyset = make_keyset();
    EXPECT_EQ(split(Sat(13), keyset).value(), (std::vector<Sat>{Sat(1), Sat(4), Sat(8)}));
    EXPECT_TRUE(split(Sat(0), keyset).value().empty());
    EXPECT_EQ(split(Sat(300), keyset).value(), (std::vector<Sat>{Sat(4), Sat(8), Sat(32), Sat(128), Sat(128)}));
}

TEST(Split, RefusesWhatTheKeysCanNotPay)
{
    Keyset keyset = make_keyset();
    EXPECT_FALSE(split(Sat(~std::uint64_t{0}), keyset));
    keyset.keys.erase(Sat(1));
    EXPECT_FALSE(split(Sat(3), keyset));
    keyset.keys.clear();
    EXPECT_FALSE(split(Sat(1), keyset));
    EXPECT_TRUE(split(Sat(0), keyset).value().empty());
}

TEST(KeysetJson, WhatIsEncodedIsReadBack)
{
    Keyset keyset = make_keyset(100);
    keyset.final_expiry = UnixSeconds(2059210353);
    const auto back = parse_keys(encode_keys(std::span(&keyset, 1)));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->front().id, keyset.id);
    EXPECT_EQ(back->front().keys, keyset.keys);
    EXPECT_EQ(back->front().final_expiry, keyset.final_expiry);
    EXPECT_EQ(back->front().input_fee_ppk, 100U);
    EXPECT_TRUE(back->front().active);
    const auto ids = parse_keysets(encode_keysets(std::span(&keyset, 1)));
    ASSERT_TRUE(ids);
    EXPECT_TRUE(ids->front().keys.empty());
}

TEST(KeysetJson, AbsentFeeIsZeroAndLegacyIdsAreLeftOut)
{
    const auto keysets = parse_keysets(R"({"keysets":[
        {"id":"yjzQhxghPdrr","unit":"sat","active":false},
        {"id":"00456a94ab4e1c46","unit":"sat","active":true,"input_fee_ppk":null,"final_expiry":null}]})");
    ASSERT_TRUE(keysets);
    ASSERT_EQ(keysets->size(), 1U);
    EXPECT_EQ(keysets->front().input_fee_ppk, 0U);
    EXPECT_FALSE(keysets->front().final_expiry);
}

TEST(KeysetJson, NumbersThatAreNotWholeAreRefused)
{
    for (const char* fee : {"1.5", "-1", "\"1\"", "1e3", "18446744073709551616", "true", "[]"})
        EXPECT_FALSE(parse_keysets(
            std::string(R"({"keysets":[{"id":"00456a94ab4e1c46","unit":"sat","input_fee_ppk":)") + fee + "}]}"))
            << fee;
    for (const char* amount : {"", "0", "-1", "1.0", " 1", "0x1", "18446744073709551616"})
        EXPECT_FALSE(parse_keys(keys_answer({{amount, hash_to_curve({}).hex()}}))) << amount;
    EXPECT_FALSE(parse_keys(keys_answer({{"1", hash_to_curve({}).hex()}, {"01", hash_to_curve({}).hex()}})));
}

TEST(KeysetJson, HostileAnswersAreRefused)
{
    for (const std::string& text :
         {std::string(), std::string("null"), std::string("[]"), std::string("{}"), std::string(R"({"keysets":{}})"),
          std::string(R"({"keysets":[1]})"), std::string(R"({"keysets":[{}]})"), std::string(1'000'000, '['),
          std::string("{\"keysets\":") + std::string(100'000, '['), std::string("\xff\xfe")}) {
        EXPECT_FALSE(parse_keys(text));
        EXPECT_FALSE(parse_keysets(text));
    }
    const Keyset keyset = make_keyset();
    maul(encode_keysets(std::span(&keyset, 1)), [](std::string_view text) { (void)parse_keysets(text); });
}

} // namespace
} // namespace adit::payments::cashu
