#include "protocol/purchase_body.h"

#include <gtest/gtest.h>
#include <random>

namespace adit::protocol {
namespace {

const std::vector<std::string> kSold{"wireguard"};
const std::string kClient = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
const std::string kRefund = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

std::string body(const std::string& members) { return "{" + members + "}"; }
std::optional<Reason> refusal(std::string_view json)
{
    const auto parsed = parse_purchase_body(json, kSold);
    return parsed ? std::nullopt : std::optional(parsed.error().reason);
}

TEST(PurchaseBodies, GoThroughJsonAndBack)
{
    PurchaseBody sent{"wireguard", *WireguardKey::parse_base64(kClient), std::nullopt};
    auto received = parse_purchase_body(encode_purchase_body(sent), kSold);
    ASSERT_TRUE(received);
    EXPECT_EQ(received->client_key, sent.client_key);
    EXPECT_FALSE(received->refund_key);
    sent.refund_key = *PublicKey::parse_hex(kRefund);
    received = parse_purchase_body(encode_purchase_body(sent), kSold);
    ASSERT_TRUE(received);
    EXPECT_EQ(received->refund_key, sent.refund_key);
}

TEST(PurchaseBodies, AMinimalBodyOfTodaysClientsIsAccepted)
{
    EXPECT_EQ(refusal(R"({"protocol":"wireguard","client_pubkey":")" + kClient + R"("})"), std::nullopt);
    EXPECT_EQ(refusal(R"({ "client_pubkey":")" + kClient + R"(", "protocol":"wireguard", "more":[1,{"x":null}]})"),
              std::nullopt);
    EXPECT_EQ(refusal(R"({"protocol":"wireguard","refund_pubkey":null,"client_pubkey":")" + kClient + R"("})"),
              std::nullopt);
}

TEST(PurchaseBodies, EachMistakeHasItsReason)
{
    const std::string wg = R"("protocol":"wireguard")";
    const auto client = [](const std::string& value) { return R"(,"client_pubkey":)" + value; };
    const std::string good = client("\"" + kClient + "\"");
    for (const auto* text : {"", "null", "[]", "\"x\"", "12", "{", "{}x", "{'a':1}"})
        EXPECT_EQ(refusal(text), Reason::bad_request) << text;
    EXPECT_EQ(refusal("{}"), Reason::unsupported_protocol);
    EXPECT_EQ(refusal(body(R"("protocol":"openvpn")" + good)), Reason::unsupported_protocol);
    EXPECT_EQ(refusal(body(R"("protocol":7)" + good)), Reason::unsupported_protocol);
    EXPECT_EQ(refusal(body(wg)), Reason::no_client_pubkey);
    EXPECT_EQ(refusal(body(wg + client("null"))), Reason::no_client_pubkey);
    EXPECT_EQ(refusal(body(wg + client("7"))), Reason::bad_request);
    EXPECT_EQ(refusal(body(wg + client("\"\""))), Reason::bad_request);
    EXPECT_EQ(refusal(body(wg + client("\"" + std::string(43, 'A') + "=\""))), Reason::bad_request) << "all zero";
    EXPECT_EQ(refusal(body(wg + client("\"" + kClient.substr(0, 43) + "\""))), Reason::bad_request);
    std::string slack = kClient;
    slack[42] = static_cast<char>(slack[42] + 1);
    EXPECT_EQ(refusal(body(wg + client("\"" + slack + "\""))), Reason::bad_request) << "not canonical";
    EXPECT_EQ(refusal(body(wg + good + R"(,"refund_pubkey":"zz")")), Reason::bad_request);
    EXPECT_EQ(refusal(body(wg + good + R"(,"refund_pubkey":5)")), Reason::bad_request);
    EXPECT_EQ(refusal(body(wg + good + R"(,"refund_pubkey":"02)" + kRefund + "\"")), Reason::bad_request);
    EXPECT_EQ(refusal(body(wg + good + R"(,"refund_pubkey":")" + std::string(64, 'f') + "\"")), Reason::bad_request)
        << "not on the curve";
}

TEST(PurchaseBodies, HostileBodiesAreRefusedQuietly)
{
    EXPECT_EQ(refusal(std::string(16 * 1024 + 1, ' ')), Reason::bad_request);
    EXPECT_EQ(refusal(std::string(16 * 1024, '[')), Reason::bad_request);
    EXPECT_EQ(refusal("{\"protocol\":\"\xff\xfe\"}"), Reason::bad_request);
    const std::string whole = R"({"protocol":"wireguard","client_pubkey":")" + kClient + R"("})";
    for (std::size_t cut = 0; cut < whole.size(); ++cut) EXPECT_TRUE(refusal(whole.substr(0, cut))) << cut;
    std::mt19937 dice(5);
    for (int i = 0; i < 2000; ++i) {
        std::string changed = whole;
        changed[dice() % changed.size()] = static_cast<char>(dice());
        if (const auto parsed = parse_purchase_body(changed, kSold)) {
            EXPECT_EQ(parsed->protocol, "wireguard");
        }
    }
}

TEST(PurchaseAnswers, ADeliveryGoesThroughJsonAndBack)
{
    for (const Delivered& sent :
         {Delivered{"[Interface]\n\"quoted\"\n", UnixSeconds(1800000000), "00ff", 3, "cashuBxyz"},
          Delivered{"config", UnixSeconds(1), std::nullopt, 1, std::nullopt}}) {
        const auto answer = parse_purchase_answer(200, encode_delivered(sent));
        ASSERT_TRUE(answer);
        EXPECT_EQ(std::get<Delivered>(*answer), sent);
    }
    const std::string text = encode_delivered({"c", UnixSeconds(7), std::nullopt, 2, std::nullopt});
    EXPECT_EQ(text, R"({"status":"ok","config":"c","expires_at":7,"quantity":2})");
}

TEST(PurchaseAnswers, ARefundGoesThroughJsonAndBackWithAMessage)
{
    const auto answer = parse_purchase_answer(409, encode_refunded({"cashuBabc", ""}));
    ASSERT_TRUE(answer);
    EXPECT_EQ(std::get<Refunded>(*answer).refund, "cashuBabc");
    EXPECT_FALSE(std::get<Refunded>(*answer).message.empty());
    EXPECT_NE(encode_refunded({"t", "m"}).find(R"("reason":"refunded")"), std::string::npos);
    const auto with_change = parse_purchase_answer(409, encode_refunded({"t", "m", "cashuBchange"}));
    EXPECT_EQ(std::get<Refunded>(*with_change).change, "cashuBchange");
    const auto ended = parse_purchase_answer(410, encode_refused(Reason::session_ended, "", {}, "cashuBchange"));
    EXPECT_EQ(std::get<Refused>(*ended).change, "cashuBchange");
}

TEST(PurchaseAnswers, ARefusalCarriesReasonMessageAndWhatIsNeeded)
{
    const auto answer = parse_purchase_answer(402, encode_refused(Reason::amount_mismatch, "", Sat(1003)));
    ASSERT_TRUE(answer);
    const auto& refused = std::get<Refused>(*answer);
    EXPECT_EQ(refused.http_status, 402);
    EXPECT_EQ(refused.word, "amount-mismatch");
    EXPECT_EQ(refused.message, reason_info(Reason::amount_mismatch).message);
    EXPECT_EQ(refused.needed, Sat(1003));
    EXPECT_EQ(encode_refused(Reason::wrong_mint, "no"), R"({"status":"error","reason":"wrong-mint","message":"no"})");
    EXPECT_EQ(encode_refused(Reason::wrong_mint, "\xff").find('\xff'), std::string::npos) << "always UTF-8";
}

TEST(CloseAnswers, GoThroughJsonAndBack)
{
    const Closed closed{Sat(45), {"cashuBa", "cashuBb"}};
    EXPECT_EQ(encode_closed(closed), R"({"status":"closed","refunded_sat":45,"refunds":["cashuBa","cashuBb"]})");
    EXPECT_EQ(std::get<Closed>(parse_close_answer(200, encode_closed(closed)).value()), closed);
    EXPECT_EQ(std::get<Closed>(parse_close_answer(200, encode_closed({})).value()), Closed{});
    const auto refused = parse_close_answer(403, encode_refused(Reason::no_refunds)).value();
    EXPECT_EQ(std::get<Refused>(refused).word, "no-refunds");
    EXPECT_EQ(std::get<Refused>(refused).http_status, 403);
}

TEST(CloseAnswers, WhatAStrangerAnswersIsNeverTakenForAClose)
{
    std::string many = R"({"status":"closed","refunded_sat":1,"refunds":["a")";
    for (int i = 0; i < 100; ++i) many += R"(,"a")";
    many += "]}";
    for (const std::string& text :
         {std::string(), std::string("<html>"), std::string("[]"), std::string("{}"), std::string(R"({"refunds":[]})"),
          std::string(R"({"refunded_sat":1})"), std::string(R"({"refunded_sat":-1,"refunds":[]})"),
          std::string(R"({"refunded_sat":"1","refunds":[]})"), std::string(R"({"refunded_sat":1,"refunds":{}})"),
          std::string(R"({"refunded_sat":1,"refunds":[7]})"), std::string(R"({"refunded_sat":1,"refunds":[""]})"),
          std::string((1 << 20) + 1, ' '), std::string(100'000, '['), many})
        EXPECT_FALSE(parse_close_answer(200, text)) << text.substr(0, 60);
    EXPECT_TRUE(std::holds_alternative<Refused>(*parse_close_answer(502, "<html>Bad gateway</html>")));
}

TEST(PurchaseAnswers, WhatAStrangerAnswersIsNeverTakenForADelivery)
{
    for (const auto* text :
         {"", "oops", "[]", "{}", R"({"status":"ok"})", R"({"status":"ok","config":"x"})",
          R"({"status":"ok","config":5,"expires_at":1})", R"({"status":"ok","config":"x","expires_at":-1})",
          R"({"status":"ok","config":"x","expires_at":"1"})"})
        EXPECT_FALSE(parse_purchase_answer(200, text)) << text;
    const auto html = parse_purchase_answer(502, "<html>Bad gateway</html>");
    ASSERT_TRUE(html);
    EXPECT_EQ(std::get<Refused>(*html), (Refused{502, "", "", std::nullopt}));
    const auto odd = parse_purchase_answer(200, R"({"status":"error","reason":"policy"})");
    ASSERT_TRUE(odd);
    EXPECT_EQ(std::get<Refused>(*odd).word, "policy");
    EXPECT_FALSE(parse_purchase_answer(200, std::string((1 << 20) + 1, ' ')));
    EXPECT_TRUE(std::holds_alternative<Refused>(*parse_purchase_answer(500, std::string(100000, '['))));
}

} // namespace
} // namespace adit::protocol
