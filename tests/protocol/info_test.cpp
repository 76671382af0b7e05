#include "protocol/info.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace adit::protocol {
namespace {

using testing::ElementsAre;

PublicKey info_key() { return SecretKey::parse_hex(std::string(63, '0') + "1").value().public_key(); }

Listing info_listing()
{
    Listing l;
    l.d_tag = "vpn-1";
    l.title = "T \"quoted\"";
    l.summary = "S";
    l.content = "C\n";
    l.protocols = {"wireguard"};
    l.country = "DE";
    l.geohash = "u33d";
    l.prices = {{"0100", "sat", "hour"}, {".5", "usd", "da\"y"}};
    l.policies = {"no-logs"};
    const std::string p2pk = "02" + std::string(64, 'a');
    l.payments = {
        LightningPayment{"https://v/lnurlp", "lnurl-pay"}, CashuPayment{"https://m1", p2pk, "https://v/purchase"},
        CashuPayment{"https://m2", p2pk, "https://v/purchase"}, CashuPayment{"https://m1", p2pk, std::nullopt}};
    return l;
}

TEST(InfoBody, SaysWhatTheListingSaysWithoutRepeats)
{
    const Info info = info_of(info_listing(), info_key(), "vpn.example");
    EXPECT_EQ(info.pubkey, info_key().hex());
    EXPECT_EQ(info.spec_version, "vpn-marketplace/1");
    EXPECT_THAT(info.payment_methods, ElementsAre("lightning", "cashu"));
    EXPECT_THAT(info.mints, ElementsAre("https://m1", "https://m2"));
    EXPECT_THAT(info.cashu_purchase_endpoints, ElementsAre("https://v/purchase"));
    EXPECT_THAT(info.lightning_endpoints, ElementsAre("https://v/lnurlp"));
}

TEST(InfoBody, IsJsonWithAmountsAsNumbers)
{
    const std::string text = encode_info(info_of(info_listing(), info_key(), "vpn.example"));
    const auto body = nlohmann::json::parse(text, nullptr, false);
    ASSERT_TRUE(body.is_object()) << text;
    EXPECT_EQ(body["prices"][0]["amount"].dump(), "100");
    EXPECT_EQ(body["prices"][1]["amount"].dump(), "0.5");
    EXPECT_EQ(body["prices"][1]["unit"], "da\"y");
    EXPECT_EQ(body["region"], nlohmann::json({{"country", "DE"}, {"geohash", "u33d"}}));
    EXPECT_EQ(body["title"], "T \"quoted\"");
    EXPECT_FALSE(body.contains("policy_url"));
    for (const auto* member :
         {"software", "version", "spec_version", "pubkey", "endpoint", "summary", "content", "protocols", "policies",
          "payment_methods", "mints", "cashu_purchase_endpoints", "lightning_endpoints"})
        EXPECT_TRUE(body.contains(member)) << member;
}

TEST(InfoBody, GoesThroughJsonAndBack)
{
    Info info = info_of(info_listing(), info_key(), "vpn.example");
    info.policy_url = "https://v/policy";
    info.prices = {{"100", "sat", "hour"}, {"0.5", "usd", "day"}};
    const auto parsed = parse_info(encode_info(info));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, info);
}

TEST(InfoBody, StrangersBodiesAreReadAsFarAsTheyGo)
{
    EXPECT_FALSE(parse_info(""));
    EXPECT_FALSE(parse_info("[]"));
    EXPECT_FALSE(parse_info(std::string(100000, '[')));
    EXPECT_FALSE(parse_info(std::string((1 << 20) + 1, ' ')));
    const auto odd = parse_info(R"({"pubkey":5,"prices":[{"amount":1},7,{}],"mints":["a",5,"b"],"region":[]})");
    ASSERT_TRUE(odd);
    EXPECT_EQ(odd->pubkey, "");
    ASSERT_EQ(odd->prices.size(), 1U);
    EXPECT_THAT(odd->mints, ElementsAre("a", "b"));
}

TEST(HealthBody, GoesThroughJsonAndBackAndTheShortFormIsRead)
{
    const Health health{
        true,           "adit",         "0.1.0",        "79be667ef9dc", "vpn-1", CheckState::ok, CheckState::failing,
        CheckState::ok, CheckState::ok, CheckState::off};
    EXPECT_EQ(parse_health(encode_health(health)).value(), health);
    const auto reference =
        parse_health(R"({"ok":true,"service":"europa-node","pubkey":"79be667ef9dc","info_listing":"d"})");
    ASSERT_TRUE(reference);
    EXPECT_TRUE(reference->ok);
    EXPECT_EQ(reference->store, CheckState::off);
    EXPECT_FALSE(parse_health("{}"));
    EXPECT_FALSE(parse_health(R"({"ok":1})"));
}

TEST(SessionBody, SaysNeverAndUnlimitedAsNull)
{
    SessionView session{"active", UnixSeconds(1800000000), std::nullopt, 0, std::nullopt};
    EXPECT_EQ(encode_session(session),
              R"({"status":"active","expires_at":1800000000,"data_quota_bytes":null,)"
              R"("data_used_bytes":0,"last_handshake_age_s":null,"data_left_bytes":null,"time_left_s":0})");
    EXPECT_EQ(parse_session(encode_session(session)).value(), session);
    session.data_quota_bytes = 1ULL << 60;
    session.data_used_bytes = 5;
    session.last_handshake_age = Seconds(12);
    session.data_left_bytes = (1ULL << 60) - 5;
    session.time_left = Seconds(3600);
    EXPECT_EQ(parse_session(encode_session(session)).value(), session);
    EXPECT_FALSE(parse_session("{}"));
    EXPECT_FALSE(parse_session(R"({"status":"active","expires_at":-1})"));
}

} // namespace
} // namespace adit::protocol
