#include "protocol/lnurl.h"

#include "base/hash.h"
#include "protocol/nostr_testing.h"

#include <gmock/gmock.h>
#include <random>

namespace adit::protocol {
namespace {

using ::testing::HasSubstr;

PublicKey lnurl_operator() { return secret_key(1).public_key(); }
const Price kDay{"1000", "sat", "day"};

PayRequest offer()
{
    return {"https://vpn.example/lnurlp/callback?p=0", Msat(1'000'000), Msat(1'000'000),
            pay_metadata(kDay, 1, lnurl_operator(), "vpn-1"), 1024};
}

PayAnswer answer()
{
    return {"lnbc10u1p", AesAction{"Your VPN configuration", "AAAA", "AAECAwQFBgcICQoLDA0ODw=="},
            "https://vpn.example/lnurlp/verify/00ff"};
}

template<typename T>
const T& as(const Result<std::variant<T, LnurlError>>& parsed)
{
    EXPECT_TRUE(parsed.has_value()) << parsed.error().detail;
    return std::get<T>(*parsed);
}

// ---- addressing ----------------------------------------------------------------------------------------------------

TEST(Lnurl, TheVectorsAreReadAndWritten)
{
    const auto file = vectors("lnurl.json");
    for (const auto& row : file["lud01"]) {
        const std::string url = str(row["url"]);
        const std::string lnurl = str(row["lnurl"]);
        std::string lower = lnurl;
        std::transform(lower.begin(), lower.end(), lower.begin(), ::tolower);
        EXPECT_EQ(encode_lnurl(url), lower);
        for (const std::string& text : {lnurl, lower, "lightning:" + lnurl, "LIGHTNING:" + lnurl, url,
                                        "https://service.com/giftcard/redeem?id=123&lightning=" + lnurl,
                                        "https://service.com/?lightning=" + lower + "&x=1#y"})
            EXPECT_EQ(parse_lnurl(text).value(), url) << text;
    }
}

TEST(Lnurl, TheSchemeOfPayingIsReadAsHttpsAndAsHttpOnlyForOnions)
{
    EXPECT_EQ(parse_lnurl("lnurlp://vpn.example/lnurlp?p=1").value(), "https://vpn.example/lnurlp?p=1");
    EXPECT_EQ(parse_lnurl("LNURLP://vpn.example/x").value(), "https://vpn.example/x");
    EXPECT_EQ(parse_lnurl("lnurlp://abcdef.onion/x").value(), "http://abcdef.onion/x");
    EXPECT_EQ(parse_lnurl("http://abcdef.onion:81/x").value(), "http://abcdef.onion:81/x");
    EXPECT_EQ(parse_lnurl("http://127.0.0.1:8000/lnurlp").value(), "http://127.0.0.1:8000/lnurlp");
    EXPECT_EQ(parse_lnurl("http://[::1]:8000/lnurlp").value(), "http://[::1]:8000/lnurlp");
}

TEST(Lnurl, WhatIsNoSafeAddressIsRefused)
{
    const std::string plain = encode_lnurl("http://vpn.example/lnurlp");
    const std::string files = encode_lnurl("file:///etc/passwd");
    const std::string breaks = encode_lnurl("https://vpn.example/\r\nX: y");
    for (const std::string& text : {std::string(),
                                    std::string("http://vpn.example/lnurlp"),
                                    std::string("http://127.0.0.1.evil.example/"),
                                    std::string("http://127.evil/"),
                                    std::string("https://"),
                                    std::string("https:///x"),
                                    std::string("https://a@b/"),
                                    std::string("https://a b/"),
                                    std::string("ftp://a/"),
                                    std::string("lnurlp://"),
                                    std::string("lnurl1"),
                                    std::string("lnurl1qqqqqq"),
                                    plain,
                                    files,
                                    breaks,
                                    std::string("lightning:lnbc1"),
                                    std::string("http://x/?lightning=lnurl1zzz"),
                                    std::string(5001, 'a'),
                                    "https://a/" + std::string(5000, 'a'),
                                    std::string("https://a/\0b", 12)}) {
        const auto parsed = parse_lnurl(text);
        ASSERT_FALSE(parsed.has_value()) << text;
        EXPECT_EQ(parsed.error().reason, Reason::bad_encoding);
    }
    std::string altered = encode_lnurl("https://vpn.example/lnurlp");
    altered[10] = altered[10] == 'q' ? 'p' : 'q';
    EXPECT_FALSE(parse_lnurl(altered).has_value()) << "the checksum";
}

// ---- metadata ------------------------------------------------------------------------------------------------------

TEST(LnurlMetadata, TheHashOfTheVectorsIsThatOfTheExactBytes)
{
    const auto file = vectors("lnurl.json");
    for (const auto& row : file["lud06"])
        EXPECT_EQ(encode_hex(sha256(as_bytes(str(row["metadata"])))), str(row["description_hash"]));
    for (const auto& row : file["lud18"])
        EXPECT_EQ(encode_hex(sha256(as_bytes(str(row["hashed_text"])))), str(row["description_hash"]));
}

TEST(LnurlMetadata, IsTheSameBytesForTheSameOfferAndNamesAQuantity)
{
    const std::string key = lnurl_operator().hex();
    EXPECT_EQ(pay_metadata(kDay, 1, lnurl_operator(), "vpn-1"),
              R"([["text/plain","VPN access: 1000 sat/day"],["text/identifier",")" + key + R"(:vpn-1"]])");
    EXPECT_EQ(pay_metadata({"0021.0", "sat", "hour"}, 3, lnurl_operator(), "a\"b/é\n"),
              R"([["text/plain","VPN access: 3 x 21 sat/hour"],["text/identifier",")" + key + R"(:a\"b/é\n"]])");
}

TEST(LnurlMetadata, ComesOutOfTheOfferByteForByte)
{
    PayRequest sent = offer();
    for (const std::string& metadata :
         {sent.metadata, pay_metadata(kDay, 2, lnurl_operator(), "\"\\\t\x7f é 日本 \xf0\x9f\x90\x87"),
          std::string(R"([ [ "text/plain", "\u00e9\/" ] ,["x", 1.0, {"a":[null]}] ])")}) {
        sent.metadata = metadata;
        EXPECT_EQ(as<PayRequest>(parse_pay_request(encode_pay_request(sent))).metadata, metadata);
    }
}

// ---- the offer -----------------------------------------------------------------------------------------------------

TEST(PayRequests, GoThroughJsonAndBack)
{
    const auto parsed = parse_pay_request(encode_pay_request(offer()));
    const auto& back = as<PayRequest>(parsed);
    EXPECT_EQ(back.callback, offer().callback);
    EXPECT_EQ(back.min_sendable, Msat(1'000'000));
    EXPECT_EQ(back.max_sendable, Msat(1'000'000));
    EXPECT_EQ(back.metadata, offer().metadata);
    EXPECT_EQ(back.comment_allowed, 1024U);
    PayRequest silent = offer();
    silent.comment_allowed = 0;
    EXPECT_THAT(encode_pay_request(silent), ::testing::Not(HasSubstr("commentAllowed")));
}

TEST(PayRequests, WhatAWalletMustNotPayIsRefused)
{
    const std::string good = encode_pay_request(offer());
    const std::string meta = R"("metadata":"[[\"text/plain\",\"x\"]]")";
    const std::string head = R"({"tag":"payRequest","callback":"https://a/b",)";
    const std::string amounts = R"("minSendable":1,"maxSendable":2,)";
    EXPECT_TRUE(parse_pay_request(head + amounts + meta + "}").has_value());
    EXPECT_TRUE(parse_pay_request(head + amounts + meta + R"(,"commentAllowed":null})").has_value());
    const std::vector<std::string> bad{
        "",
        "null",
        "[]",
        "{}",
        "7",
        "{",
        "<html>",
        std::string(100'000, '['),
        std::string((1 << 20) + 1, ' '),
        R"({"tag":"withdrawRequest","callback":"https://a/b",)" + amounts + meta + "}",
        R"({"callback":"https://a/b",)" + amounts + meta + "}",
        R"({"tag":"payRequest","callback":"http://a/b",)" + amounts + meta + "}",
        R"({"tag":"payRequest","callback":7,)" + amounts + meta + "}",
        head + R"("minSendable":0,"maxSendable":2,)" + meta + "}",
        head + R"("minSendable":3,"maxSendable":2,)" + meta + "}",
        head + R"("minSendable":-1,"maxSendable":2,)" + meta + "}",
        head + R"("minSendable":"1","maxSendable":2,)" + meta + "}",
        head + R"("minSendable":1.5,"maxSendable":2,)" + meta + "}",
        head + R"("minSendable":1,"maxSendable":99999999999999999999999,)" + meta + "}",
        head + amounts + R"("metadata":[["text/plain","x"]]})",
        head + amounts + R"("metadata":"x"})",
        head + amounts + R"("metadata":"[]"})",
        head + amounts + R"("metadata":"[[\"text/plain\"]]"})",
        head + amounts + R"("metadata":"[[\"text/plain\",7]]"})",
        head + amounts + R"("metadata":"[[\"text/plain\",\"a\"],[]]"})",
        head + amounts + R"("metadata":"[[\"text/plain\",\"a\"],[7,\"a\"]]"})",
        head + amounts + R"("metadata":"[[\"text/plain\",\"a\"],[\"text/plain\",\"b\"]]"})",
    };
    for (const std::string& text : bad) expect_reason(parse_pay_request(text), Reason::bad_encoding);
    for (std::size_t cut = 0; cut < good.size(); ++cut)
        EXPECT_FALSE(parse_pay_request(good.substr(0, cut)).has_value()) << cut;
}

// ---- the answer ----------------------------------------------------------------------------------------------------

TEST(PayAnswers, GoThroughJsonAndBackForOldWalletsToo)
{
    const std::string text = encode_pay_answer(answer());
    EXPECT_THAT(text, HasSubstr(R"("routes":[])"));
    EXPECT_THAT(text, HasSubstr(R"("disposable":false)"));
    EXPECT_THAT(text, HasSubstr(R"("tag":"aes")"));
    const auto parsed = parse_pay_answer(text);
    const auto& back = as<PayAnswer>(parsed);
    EXPECT_EQ(back.pr, "lnbc10u1p");
    ASSERT_TRUE(back.action.has_value());
    EXPECT_EQ(back.action->description, "Your VPN configuration");
    EXPECT_EQ(back.action->ciphertext, "AAAA");
    EXPECT_EQ(back.action->iv, answer().action->iv);
    EXPECT_EQ(back.verify, answer().verify);
    const auto bare = parse_pay_answer(encode_pay_answer({"lnbc1", {}, {}}));
    EXPECT_FALSE(as<PayAnswer>(bare).action.has_value());
    EXPECT_FALSE(as<PayAnswer>(bare).verify.has_value());
}

TEST(PayAnswers, AnActionThatAWalletDoesNotKnowForbidsThePayment)
{
    const auto with = [](const std::string& action) { return R"({"pr":"lnbc1","successAction":)" + action + "}"; };
    EXPECT_FALSE(as<PayAnswer>(parse_pay_answer(with("null"))).action.has_value());
    EXPECT_FALSE(as<PayAnswer>(parse_pay_answer(with(R"({"tag":"message","message":"hi"})"))).action.has_value());
    EXPECT_FALSE(as<PayAnswer>(parse_pay_answer(with(R"({"tag":"url","url":"https://a"})"))).action.has_value());
    const std::string iv = R"("iv":"AAECAwQFBgcICQoLDA0ODw==")";
    EXPECT_TRUE(parse_pay_answer(with(R"({"tag":"aes","description":")" + std::string(144, 'x') +
                                      R"(","ciphertext":"AAAA",)" + iv + "}"))
                    .has_value());
    for (const std::string& action :
         {std::string("7"), std::string("{}"), std::string(R"({"tag":"nostr"})"), std::string(R"({"tag":"aes"})"),
          R"({"tag":"aes","ciphertext":7,)" + iv + "}", std::string(R"({"tag":"aes","ciphertext":"AAAA","iv":"AA=="})"),
          R"({"tag":"aes","description":")" + std::string(145, 'x') + R"(","ciphertext":"AAAA",)" + iv + "}"})
        expect_reason(parse_pay_answer(with(action)), Reason::bad_encoding);
}

TEST(PayAnswers, WhatIsNoInvoiceIsRefused)
{
    for (const std::string& text :
         {std::string(), std::string("[]"), std::string("{}"), std::string(R"({"pr":""})"), std::string(R"({"pr":7})"),
          R"({"pr":")" + std::string(7090, 'x') + "\"}", std::string(R"({"pr":"lnbc1","verify":"http://evil/"})"),
          std::string(R"({"pr":"lnbc1","verify":{}})"), std::string(100'000, '[')})
        expect_reason(parse_pay_answer(text), Reason::bad_encoding);
}

// ---- verify --------------------------------------------------------------------------------------------------------

TEST(VerifyAnswers, GiveThePreimageOnlyOnceSettled)
{
    VerifyAnswer sent;
    sent.preimage = SecretBytes<32>(std::span<const std::uint8_t, 32>(ByteArray<32>{1, 2, 3}));
    sent.pr = "lnbc1";
    EXPECT_EQ(encode_verify_answer(sent), R"({"status":"OK","settled":false,"preimage":null,"pr":"lnbc1"})");
    sent.settled = true;
    sent.refund = "cashuB1";
    const auto parsed = parse_verify_answer(encode_verify_answer(sent));
    const auto& back = as<VerifyAnswer>(parsed);
    EXPECT_TRUE(back.settled);
    ASSERT_TRUE(back.preimage.has_value());
    EXPECT_TRUE(*back.preimage == *sent.preimage);
    EXPECT_EQ(back.pr, "lnbc1");
    EXPECT_EQ(back.refund, "cashuB1");
}

TEST(VerifyAnswers, AnUnsettledPreimageIsNotBelievedAndABrokenOneRefused)
{
    const std::string hex(64, 'a');
    const auto early = parse_verify_answer(R"({"status":"OK","settled":false,"preimage":")" + hex + "\"}");
    EXPECT_FALSE(as<VerifyAnswer>(early).preimage.has_value());
    const auto bare = parse_verify_answer(R"({"settled":true})");
    EXPECT_TRUE(as<VerifyAnswer>(bare).settled);
    EXPECT_FALSE(as<VerifyAnswer>(bare).preimage.has_value());
    for (const std::string& text :
         {std::string(), std::string("{}"), std::string("[]"), std::string(R"({"settled":"true"})"),
          std::string(R"({"settled":1})"), R"({"settled":true,"preimage":")" + hex.substr(1) + "\"}",
          std::string(R"({"settled":true,"preimage":7})"), R"({"settled":true,"preimage":")" + hex + "zz\"}"})
        expect_reason(parse_verify_answer(text), Reason::bad_encoding);
}

// ---- errors --------------------------------------------------------------------------------------------------------

TEST(LnurlErrors, AreReadInEveryPlaceOfAnAnswer)
{
    const std::string text = encode_lnurl_error(Reason::no_ip_available);
    EXPECT_EQ(text,
              R"({"status":"ERROR","reason":"no-ip-available","message":"Every address is in use. Try again later."})");
    EXPECT_THAT(encode_lnurl_error(Reason::policy, "closed"), HasSubstr(R"("message":"closed")"));
    EXPECT_EQ(std::get<LnurlError>(*parse_pay_request(text)).reason, "no-ip-available");
    EXPECT_EQ(std::get<LnurlError>(*parse_pay_answer(text)).message, "Every address is in use. Try again later.");
    EXPECT_EQ(std::get<LnurlError>(*parse_verify_answer(text)).reason, "no-ip-available");
    const auto lowercase = parse_pay_answer(R"({"status":"error","reason":"price-mismatch"})");
    EXPECT_EQ(std::get<LnurlError>(*lowercase).reason, "price-mismatch") << "the marketplace's older operators";
    const auto wordless = parse_pay_answer(R"({"status":"ERROR","reason":7})");
    EXPECT_EQ(std::get<LnurlError>(*wordless).reason, "");
}

TEST(LnurlErrors, AlteredAnswersAreNeverTakenForWorse)
{
    std::mt19937 dice(11);
    const std::vector<std::string> texts{encode_pay_request(offer()), encode_pay_answer(answer()),
                                         encode_verify_answer({true, std::nullopt, "lnbc1", "cashuB"})};
    for (int i = 0; i < 1000; ++i) {
        std::string text = texts[dice() % texts.size()];
        text[dice() % text.size()] = static_cast<char>(dice());
        if (const auto request = parse_pay_request(text); request && std::holds_alternative<PayRequest>(*request)) {
            EXPECT_LE(std::get<PayRequest>(*request).min_sendable, std::get<PayRequest>(*request).max_sendable);
        }
        if (const auto paid = parse_pay_answer(text); paid && std::holds_alternative<PayAnswer>(*paid)) {
            EXPECT_FALSE(std::get<PayAnswer>(*paid).pr.empty());
        }
        static_cast<void>(parse_verify_answer(text).has_value());
    }
}

} // namespace
} // namespace adit::protocol
