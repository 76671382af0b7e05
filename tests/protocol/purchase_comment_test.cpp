#include "protocol/purchase_comment.h"

#include "protocol/nostr_testing.h"

#include <gmock/gmock.h>
#include <random>

namespace adit::protocol {
namespace {

const std::vector<std::string> kCommentSold{"wireguard"};
// Chosen for its signs: both of those that base64url writes otherwise.
const std::string kCommentClient = "+j/BA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
const std::string kCommentRefund = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

WireguardKey client_key() { return WireguardKey::parse_base64(kCommentClient).value(); }

PurchaseComment comment()
{
    return {"30402:" + kCommentRefund + ":vpn-1", {"1000", "sat", "day"}, "wireguard", client_key(), std::nullopt};
}

std::optional<Reason> comment_refusal(std::string_view json)
{
    const auto parsed = parse_purchase_comment(json, kCommentSold);
    return parsed ? std::nullopt : std::optional(parsed.error().reason);
}

std::string replaced(std::string text, const std::string& from, const std::string& to)
{
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

TEST(PurchaseComments, GoThroughJsonAndBack)
{
    PurchaseComment sent = comment();
    for (int i = 0; i < 2; ++i) {
        const auto back = parse_purchase_comment(encode_purchase_comment(sent), kCommentSold);
        ASSERT_TRUE(back.has_value()) << back.error().detail;
        EXPECT_EQ(back->listing, sent.listing);
        EXPECT_EQ(back->price, sent.price);
        EXPECT_EQ(back->protocol, "wireguard");
        EXPECT_EQ(back->client_key, sent.client_key);
        EXPECT_EQ(back->refund_key, sent.refund_key);
        sent.refund_key = PublicKey::parse_hex(kCommentRefund).value();
    }
    EXPECT_THAT(encode_purchase_comment(comment()),
                ::testing::StartsWith(R"({"version":"vpn-marketplace/1","listing":)"));
    EXPECT_LE(encode_purchase_comment(sent).size(), 1024U) << "what our own operators allow";
}

TEST(PurchaseComments, APlusThatBecameASpaceIsAPlus)
{
    const std::string text = encode_purchase_comment(comment());
    std::string spaced = kCommentClient;
    std::replace(spaced.begin(), spaced.end(), '+', ' ');
    const auto back = parse_purchase_comment(replaced(text, kCommentClient, spaced), kCommentSold);
    ASSERT_TRUE(back.has_value()) << back.error().detail;
    EXPECT_EQ(back->client_key, client_key());
}

TEST(PurchaseComments, EveryKnownSpellingOfTheVersionIsRead)
{
    const std::string text = encode_purchase_comment(comment());
    const std::string ours = R"("version":"vpn-marketplace/1")";
    for (const char* good : {R"("version":"1")", R"("version":1)"})
        EXPECT_EQ(comment_refusal(replaced(text, ours, good)), std::nullopt) << good;
    for (const char* bad : {R"("version":"2")", R"("version":2)", R"("version":0)", R"("version":1.0)",
                            R"("version":null)", R"("version":[1])", R"("v":1)"})
        EXPECT_EQ(comment_refusal(replaced(text, ours, bad)), Reason::version_mismatch) << bad;
}

TEST(PurchaseComments, EachMistakeHasItsReason)
{
    const std::string text = encode_purchase_comment(comment());
    for (const char* junk : {"", "hello", "null", "[]", "7", "{", "\"x\""})
        EXPECT_EQ(comment_refusal(junk), Reason::not_an_object);
    EXPECT_EQ(comment_refusal(std::string(4096, '[')), Reason::not_an_object);
    EXPECT_EQ(comment_refusal(std::string(4097, ' ')), Reason::bad_request);
    EXPECT_EQ(comment_refusal("{}"), Reason::version_mismatch);
    EXPECT_EQ(comment_refusal(replaced(text, "\"listing\"", "\"l\"")), Reason::no_listing);
    const std::string price = R"(["price","1000","sat","day"])";
    for (const char* bad :
         {"null", "7", "[]", R"(["price","1000","sat"])", R"(["cost","1000","sat","day"])",
          R"(["price",1000,"sat","day"])", R"(["price","-1","sat","day"])", R"(["price","1e3","sat","day"])"})
        EXPECT_EQ(comment_refusal(replaced(text, price, bad)), Reason::bad_price) << bad;
    EXPECT_EQ(comment_refusal(replaced(text, R"("protocol":"wireguard")", R"("protocol":7)")), Reason::no_protocol);
    EXPECT_EQ(comment_refusal(replaced(text, R"("protocol":"wireguard",)", "")), Reason::no_protocol);
    EXPECT_EQ(comment_refusal(replaced(text, R"("protocol":"wireguard")", R"("protocol":"openvpn")")),
              Reason::unsupported_protocol);
    EXPECT_EQ(comment_refusal(replaced(text, "\"client_pubkey\"", "\"c\"")), Reason::no_client_pubkey);
    EXPECT_EQ(comment_refusal(replaced(text, "\"" + kCommentClient + "\"", "null")), Reason::no_client_pubkey);
    EXPECT_EQ(comment_refusal(replaced(text, "\"" + kCommentClient + "\"", "7")), Reason::bad_request);
    EXPECT_EQ(comment_refusal(replaced(text, kCommentClient, "")), Reason::bad_request);
    EXPECT_EQ(comment_refusal(replaced(text, kCommentClient, std::string(43, 'A') + "=")), Reason::bad_request)
        << "all zero";
    const std::string end = kCommentClient + "\"";
    EXPECT_EQ(comment_refusal(replaced(text, end, end + R"(,"refund_pubkey":"zz")")), Reason::bad_request);
    EXPECT_EQ(comment_refusal(replaced(text, end, end + R"(,"refund_pubkey":null)")), std::nullopt);
}

TEST(PurchaseComments, HostileOnesAreRefusedQuietly)
{
    const std::string text = encode_purchase_comment(comment());
    for (std::size_t cut = 0; cut < text.size(); ++cut) EXPECT_TRUE(comment_refusal(text.substr(0, cut))) << cut;
    std::mt19937 dice(5);
    for (int i = 0; i < 2000; ++i) {
        std::string changed = text;
        changed[dice() % changed.size()] = static_cast<char>(dice());
        if (const auto parsed = parse_purchase_comment(changed, kCommentSold)) {
            EXPECT_EQ(parsed->protocol, "wireguard");
        }
    }
}

TEST(KeyParameter, EverySpellingThatFitsAUrlIsTheSameKey)
{
    std::string spaced = kCommentClient;
    std::replace(spaced.begin(), spaced.end(), '+', ' ');
    std::string upper = client_key().hex();
    std::transform(upper.begin(), upper.end(), upper.begin(), ::toupper);
    const std::string url_safe = encode_base64url(client_key().bytes());
    EXPECT_EQ(url_safe.size(), 43U);
    for (const std::string& text : {kCommentClient, spaced, url_safe, url_safe + "=", client_key().hex(), upper})
        EXPECT_EQ(parse_key_parameter(text).value(), client_key()) << text;
}

TEST(KeyParameter, WhatIsNoKeyIsRefused)
{
    const std::string url_safe = encode_base64url(client_key().bytes());
    std::string slack = url_safe;
    slack[42] = static_cast<char>(slack[42] + 1);
    for (const std::string& text :
         {std::string(), std::string("="), url_safe.substr(1), url_safe + "==", slack, std::string(64, 'g'),
          std::string(64, '0'), std::string(43, 'A'), client_key().hex() + "00", std::string(1 << 16, 'A')})
        expect_reason(parse_key_parameter(text), Reason::bad_request);
}

} // namespace
} // namespace adit::protocol
