#include "operate/shop_look.h"

#include "operate/cors.h"
#include "operate/lnurl_look.h"
#include "operate/look_testing.h"
#include "payments/cashu/nut18.h"
#include "protocol/lnurl.h"
#include "protocol/purchase_body.h"

#include <gmock/gmock.h>

namespace adit::operate {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string kOrigin = "https://vpn.example";

WebSight answered(int status, std::string body) { return WebAnswer{.status = status, .body = std::move(body)}; }

Listed listed()
{
    Listed out{.author = protocol::SecretKey::generate(system_rng()).public_key(),
               .d_tag = "exit-1",
               .title = "Exit One",
               .protocols = {"wireguard"},
               .prices = {{"21", "sat", "hour"}, {"210", "sat", "day"}},
               .cashu = {{"https://mint.example", kListedKey, kOrigin + "/purchase"}},
               .lnurl_pay = {kOrigin + "/lnurlp"}};
    return out;
}

/// The /info that goes with it.
protocol::Info info_for(const Listed& its)
{
    protocol::Listing listing;
    listing.title = its.title;
    listing.protocols = its.protocols;
    listing.prices = its.prices;
    for (const auto& tag : its.cashu)
        listing.payments.push_back(protocol::CashuPayment{tag.mint, tag.key, tag.endpoint});
    for (const auto& target : its.lnurl_pay)
        listing.payments.push_back(protocol::LightningPayment{target, "lnurl-pay"});
    return protocol::info_of(listing, its.author, "vpn.example");
}

// ---- /info ---------------------------------------------------------------------------------------------------------

TEST(ShopLook, InfoIsReadOrItIsSaidWhatElseCame)
{
    const auto look = [](const WebSight& sight) { return judge_info("https://vpn.example/info", sight); };
    const auto good = look(answered(200, protocol::encode_info(info_for(listed()))));
    EXPECT_EQ(good.finding.level, Level::ok);
    ASSERT_TRUE(good.info);

    for (const auto& [step, hint] : std::vector<std::pair<WebStep, std::string>>{{WebStep::address, "resolve"},
                                                                                 {WebStep::connection, "443"},
                                                                                 {WebStep::certificate, "certificate"},
                                                                                 {WebStep::answer, "in time"}}) {
        const auto seen = look(WebFailure{step, "words"});
        EXPECT_EQ(seen.finding.level, Level::fail);
        EXPECT_THAT(seen.finding.hint, HasSubstr(hint));
        EXPECT_FALSE(seen.info);
    }
    EXPECT_THAT(look(answered(404, "")).finding.hint, HasSubstr("pass all paths"));
    EXPECT_THAT(look(answered(502, "")).finding.hint, HasSubstr("[server].port"));
    EXPECT_THAT(look(answered(301, "")).finding.hint, HasSubstr("redirect"));
    EXPECT_THAT(look(answered(401, "")).finding.hint, HasSubstr("strangers"));
}

TEST(ShopLook, AHostileInfoIsALineAndNoMore)
{
    const auto look = [](std::string body) {
        return judge_info("https://vpn.example/info", answered(200, std::move(body)));
    };
    std::string deep(100'000, '[');
    for (const std::string& body :
         {std::string("<html>hello</html>"), std::string(), std::string("[]"), std::string("7"),
          std::string("{\"pubkey\":"), std::string("\xff\xfe"), deep,
          "{\"a\":" + std::string(5'000, '[') + std::string(5'000, ']') + "}", std::string(1 << 20, ' ')}) {
        const auto seen = look(body);
        EXPECT_EQ(seen.finding.level, Level::fail);
        EXPECT_FALSE(seen.info);
        EXPECT_LT(seen.finding.what.size(), 300U);
        EXPECT_THAT(seen.finding.hint, Not(IsEmpty()));
    }
    // Wrong types are as good as absent: they are found out in comparing.
    const auto seen =
        look(R"({"pubkey":7,"endpoint":[],"prices":{"a":1},"mints":"x","protocols":[1,{}],"title":null})");
    ASSERT_TRUE(seen.info);
    EXPECT_EQ(worst_of(judge_info_against(listed(), *seen.info, kOrigin), "info-matches-listing").level, Level::fail);
}

TEST(ShopLook, AnInfoThatAgreesIsOneLine)
{
    const Listed its = listed();
    const auto findings = judge_info_against(its, info_for(its), kOrigin);
    ASSERT_EQ(findings.size(), 1U) << findings.front().what;
    EXPECT_EQ(findings[0].level, Level::ok);
}

TEST(ShopLook, EachDifferenceIsToldWithItsHint)
{
    const Listed its = listed();
    const auto with = [&](const std::function<void(protocol::Info&)>& change) {
        protocol::Info info = info_for(its);
        change(info);
        return worst_of(judge_info_against(its, info, kOrigin), "info-matches-listing");
    };
    const Finding other = with([](auto& info) { info.pubkey = std::string(64, 'a'); });
    EXPECT_EQ(other.level, Level::fail);
    EXPECT_THAT(other.what, HasSubstr("another operator"));
    EXPECT_THAT(other.hint, HasSubstr("nsec_file"));

    const Finding host = with([](auto& info) { info.endpoint = "other.example"; });
    EXPECT_EQ(host.level, Level::fail);
    EXPECT_THAT(host.what, HasSubstr("vpn.example"));
    EXPECT_THAT(host.what, HasSubstr("other.example"));
    EXPECT_THAT(host.hint, HasSubstr("public_host"));

    EXPECT_THAT(with([](auto& info) { info.prices.pop_back(); }).what, HasSubstr("210 sat/day"));
    EXPECT_EQ(with([](auto& info) { info.prices.push_back({"1", "sat", "GiB"}); }).level, Level::warn);
    EXPECT_EQ(with([](auto& info) { info.mints = {"https://mint.example/"}; }).level, Level::ok) << "the same mint";
    EXPECT_THAT(with([](auto& info) { info.mints = {"https://other.example"}; }).what, HasSubstr("mint"));
    EXPECT_EQ(with([](auto& info) { info.mints.clear(); }).level, Level::warn) << "it just does not say";
    EXPECT_EQ(with([](auto& info) { info.protocols = {"openvpn"}; }).level, Level::fail);
    EXPECT_EQ(with([](auto& info) { info.lightning_endpoints = {"https://vpn.example/other"}; }).level, Level::fail);
    EXPECT_EQ(with([](auto& info) { info.title = "Exit Two"; }).level, Level::warn);
    EXPECT_EQ(with([](auto& info) { info.pubkey.clear(); }).level, Level::fail);
}

TEST(ShopLook, AnInfoFullOfDifferencesIsCutShort)
{
    protocol::Info info;
    for (int i = 0; i < 250; ++i) info.mints.push_back("https://" + std::to_string(i) + ".example");
    EXPECT_LE(judge_info_against(listed(), info, kOrigin).size(), 12U);
}

TEST(ShopLook, AClockMinutesOffIsSeenInTheDate)
{
    WebAnswer answer;
    EXPECT_FALSE(judge_clock(answer, kLookedAt));
    answer.date = kLookedAt + Seconds(5);
    EXPECT_EQ(judge_clock(answer, kLookedAt)->level, Level::ok);
    answer.date = kLookedAt - Seconds(300);
    EXPECT_EQ(judge_clock(answer, kLookedAt)->level, Level::warn);
    EXPECT_THAT(judge_clock(answer, kLookedAt)->what, HasSubstr("300 s behind"));
    EXPECT_THAT(judge_clock(answer, kLookedAt)->hint, HasSubstr("NTP"));
}

TEST(ShopLook, TheDaemonsOwnWordOnItsHealthCounts)
{
    const Listed its = listed();
    protocol::Health health;
    health.ok = true;
    health.pubkey = its.author.hex().substr(0, 12);
    EXPECT_EQ(judge_health(answered(200, protocol::encode_health(health)), its.author)->level, Level::ok);
    health.ok = false;
    health.wireguard = protocol::CheckState::failing;
    const auto ill = judge_health(answered(503, protocol::encode_health(health)), its.author);
    EXPECT_EQ(ill->level, Level::fail);
    EXPECT_THAT(ill->what, HasSubstr("wireguard"));
    health.pubkey = "0123456789ab";
    EXPECT_THAT(judge_health(answered(200, protocol::encode_health(health)), its.author)->what, HasSubstr("another"));
    EXPECT_FALSE(judge_health(answered(404, ""), its.author)) << "other software need not have one";
    EXPECT_FALSE(judge_health(answered(503, "<html>"), its.author));
}

// ---- the purchase without payment ----------------------------------------------------------------------------------

UnpaidPurchase unpaid()
{
    const Listed its = listed();
    return make_unpaid_purchase(its, its.cashu.front(), system_clock(), system_rng()).value();
}

WebSight wants(const std::string& key)
{
    payments::cashu::PaymentRequest request;
    request.amount = Sat(21);
    request.unit = "sat";
    request.mints = {"https://mint.example"};
    request.lock = payments::cashu::RequestedLock{"P2PK", key, {}};
    return WebAnswer{.status = 402,
                     .headers = {{"x-cashu", payments::cashu::encode_payment_request(request)}},
                     .body = protocol::encode_refused(Reason::payment_required)};
}

TEST(UnpaidLook, TheKeyThatIsAskedForMustBeTheListings)
{
    const auto good = judge_unpaid(unpaid(), wants(kListedKey));
    EXPECT_EQ(worst_of(good, "purchase-answer").level, Level::ok);
    EXPECT_EQ(worst_of(good, "p2pk-matches").level, Level::ok);
    const auto bad = judge_unpaid(unpaid(), wants("03" + kListedKey.substr(2)));
    EXPECT_EQ(worst_of(bad, "p2pk-matches").level, Level::fail);
    EXPECT_THAT(worst_of(bad, "p2pk-matches").hint, HasSubstr("aditd --check"));
}

TEST(UnpaidLook, SoftwareThatOnlyAsksForATokenIsWell)
{
    for (const auto& sight :
         {answered(402, protocol::encode_refused(Reason::payment_required)), answered(402, R"({"error":"pay"})"),
          answered(402, ""), answered(401, protocol::encode_refused(Reason::bad_request)),
          answered(400, protocol::encode_refused(Reason::invalid_token))}) {
        const auto findings = judge_unpaid(unpaid(), sight);
        ASSERT_EQ(findings.size(), 1U);
        EXPECT_EQ(findings[0].level, Level::ok) << findings[0].what;
    }
}

TEST(UnpaidLook, WhatAPaymentWouldNotMendIsAFailureWithItsHint)
{
    for (const auto& [reason, hint] :
         std::vector<std::pair<Reason, std::string>>{{Reason::cashu_not_configured, "[cashu].enabled"},
                                                     {Reason::wrong_server, "public_host"},
                                                     {Reason::unknown_listing, "d_tag"},
                                                     {Reason::price_mismatch, "publish anew"},
                                                     {Reason::no_ip_available, "subnet_cidr"},
                                                     {Reason::expired_auth, "NTP"},
                                                     {Reason::policy, "paused"}}) {
        const auto findings = judge_unpaid(unpaid(), answered(400, protocol::encode_refused(reason)));
        EXPECT_EQ(findings[0].level, Level::fail);
        EXPECT_THAT(findings[0].hint, HasSubstr(hint));
    }
    EXPECT_EQ(judge_unpaid(unpaid(), answered(404, "<html>"))[0].level, Level::fail);
    EXPECT_EQ(judge_unpaid(unpaid(), answered(502, "<html>"))[0].level, Level::fail);
    EXPECT_EQ(judge_unpaid(unpaid(), answered(200, "{}"))[0].level, Level::fail);
    EXPECT_EQ(judge_unpaid(unpaid(), WebFailure{WebStep::connection, "refused"})[0].level, Level::fail);
    EXPECT_EQ(judge_unpaid(unpaid(), answered(418, R"({"status":"error","reason":"teapot"})"))[0].level, Level::warn);
}

TEST(UnpaidLook, AHostilePaymentRequestIsAWarning)
{
    for (const char* text : {"creqA!!!", "creqA", "", "x"}) {
        const auto findings = judge_unpaid(unpaid(), WebAnswer{.status = 402, .headers = {{"x-cashu", text}}});
        EXPECT_EQ(findings[0].level, Level::warn) << text;
    }
}

// ---- LNURL ---------------------------------------------------------------------------------------------------------

LnurlAsk asked() { return lnurl_ask(listed(), kOrigin + "/lnurlp").value(); }

protocol::PayRequest offer()
{
    return {.callback = kOrigin + "/lnurlp/callback?p=0",
            .min_sendable = Msat(21'000),
            .max_sendable = Msat(21'000),
            .metadata = R"([["text/plain","VPN"]])",
            .comment_allowed = 1024};
}

TEST(LnurlLook, TheFirstTierIsAskedForByItsIndex)
{
    EXPECT_EQ(asked().url, kOrigin + "/lnurlp?p=0");
    EXPECT_EQ(asked().price, Msat(21'000));
    Listed its = listed();
    its.prices.insert(its.prices.begin(), {"5", "usd", "hour"});
    EXPECT_EQ(lnurl_ask(its, kOrigin + "/lnurlp?x=1")->url, kOrigin + "/lnurlp?x=1&p=1");
    EXPECT_FALSE(lnurl_ask(its, "someone@vpn.example"));
}

TEST(LnurlLook, AGoodOfferIsOkAndItsCallbackIsAskedWithoutAKey)
{
    const auto seen = judge_lnurl_offer(asked(), answered(200, protocol::encode_pay_request(offer())));
    for (const Finding& finding : seen.findings) EXPECT_EQ(finding.level, Level::ok) << finding.what;
    EXPECT_EQ(seen.callback, kOrigin + "/lnurlp/callback?p=0&amount=21000");
    EXPECT_EQ(judge_lnurl_callback("u", answered(200, protocol::encode_lnurl_error(Reason::no_client_pubkey))).level,
              Level::ok);
}

TEST(LnurlLook, LightningThatIsAdvertisedAndOffIsToldWhicheverWayItSaysSo)
{
    const auto off = protocol::encode_lnurl_error(Reason::lightning_not_configured);
    for (const auto& sight : {answered(200, off), answered(503, off)}) {
        const auto seen = judge_lnurl_offer(asked(), sight);
        EXPECT_EQ(worst_of(seen.findings, "lnurlp-reachable").level, Level::fail);
        EXPECT_THAT(seen.findings[0].what, HasSubstr("advertised"));
        EXPECT_THAT(seen.findings[0].hint, HasSubstr("[lightning].enabled"));
        EXPECT_FALSE(seen.callback);
    }
    const auto gone = judge_lnurl_offer(asked(), answered(404, "not found"));
    EXPECT_THAT(gone.findings[0].what, HasSubstr("404"));
    EXPECT_THAT(gone.findings[0].hint, HasSubstr("take the lightning method out"));
    const Finding callback = judge_lnurl_callback("u", answered(200, off));
    EXPECT_EQ(callback.level, Level::fail);
    EXPECT_THAT(callback.hint, HasSubstr("[lightning].enabled"));
    EXPECT_THAT(
        judge_lnurl_callback("u", answered(200, protocol::encode_lnurl_error(Reason::lightning_unreachable))).hint,
        HasSubstr("base_url"));
}

TEST(LnurlLook, AnOfferThatIsNoneOrAnotherIsAFailure)
{
    const auto shape = [](const protocol::PayRequest& request) {
        return worst_of(judge_lnurl_offer(asked(), answered(200, protocol::encode_pay_request(request))).findings,
                        "lnurlp-shape");
    };
    auto changed = offer();
    changed.callback = "https://elsewhere.example/callback";
    EXPECT_EQ(shape(changed).level, Level::fail);
    EXPECT_THAT(shape(changed).what, HasSubstr("another host"));
    changed = offer();
    changed.min_sendable = Msat(1'000);
    EXPECT_THAT(shape(changed).what, HasSubstr("1 sat to 21 sat where the listing says 21 sat"));
    changed = offer();
    changed.comment_allowed = 20;
    EXPECT_EQ(shape(changed).level, Level::warn);
    for (const char* body : {"<html>", "[]", "{}", R"({"tag":"payRequest","callback":7})", "\xff"})
        EXPECT_EQ(worst_of(judge_lnurl_offer(asked(), answered(200, body)).findings, "lnurlp-shape").level,
                  Level::fail);
    EXPECT_EQ(judge_lnurl_callback("u", answered(200, "<html>")).level, Level::fail);
    EXPECT_EQ(judge_lnurl_callback("u", WebFailure{WebStep::answer, "timeout"}).level, Level::fail);
}

} // namespace
} // namespace adit::operate
