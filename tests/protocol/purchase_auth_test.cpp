#include "protocol/purchase_auth.h"

#include "base/hash.h"
#include "protocol/constants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

namespace adit::protocol {
namespace {

constexpr UnixSeconds kNow(1800000000);
const std::vector<Price> kPrices{{"100", "sat", "hour"}, {"1000", "sat", "day"}, {"0.5", "sat", "week"}};

SecretKey key(char digit) { return SecretKey::parse_hex(std::string(63, '0') + digit).value(); }

class PurchaseAuthTest : public testing::Test {
protected:
    EventDraft draft()
    {
        return purchase_auth_draft(
            {kNow, "vpn.example", {kKindListing, operator_.public_key(), "vpn:1"}, kPrices[1], {}});
    }
    /// The draft with every tag of that name gone and `replacement` in the place of the first.
    EventDraft replaced(const std::string& name, const std::vector<Tag>& replacement)
    {
        EventDraft changed = draft();
        const auto at =
            std::find_if(changed.tags.begin(), changed.tags.end(), [&](const Tag& t) { return t[0] == name; });
        const auto position = changed.tags.erase(at);
        changed.tags.insert(position, replacement.begin(), replacement.end());
        return changed;
    }
    Event signed_event(const EventDraft& d) { return sign_event(d, buyer_, system_rng()); }
    Result<PurchaseAuth> check(const EventDraft& d)
    {
        const auto tiers = sellable_tiers(kPrices);
        return check_purchase_auth(signed_event(d), {kNow, "vpn.example:8443", operator_.public_key(), "vpn:1", tiers});
    }
    std::optional<Reason> refusal(const EventDraft& d)
    {
        const auto result = check(d);
        return result ? std::nullopt : std::optional(result.error().reason);
    }
    std::optional<Reason> with(const std::string& name, const std::vector<Tag>& replacement)
    {
        return refusal(replaced(name, replacement));
    }

    SecretKey operator_ = key('1');
    SecretKey buyer_ = key('2');
};

TEST_F(PurchaseAuthTest, WhatABuyerBuildsIsAccepted)
{
    const Event event = signed_event(draft());
    const auto tiers = sellable_tiers(kPrices);
    const auto auth = check_purchase_auth(event, {kNow, "vpn.example", operator_.public_key(), "vpn:1", tiers});
    ASSERT_TRUE(auth);
    EXPECT_EQ(auth->event_id, event.id);
    EXPECT_EQ(auth->buyer, buyer_.public_key());
    EXPECT_EQ(auth->tier.index, 1U);
    EXPECT_EQ(auth->tier.price, Sat(1000));
    EXPECT_EQ(auth->expires_at, kNow + Seconds(300));
}

TEST_F(PurchaseAuthTest, AnEventThatClosesBuysNothingAndOneThatBuysClosesNothing)
{
    const auto tiers = sellable_tiers(kPrices);
    const AuthExpectations expected{kNow, "vpn.example:8443", operator_.public_key(), "vpn:1", tiers};
    auto closing = close_auth_draft(kNow, "VPN.example", {kKindListing, operator_.public_key(), "vpn:1"});
    EXPECT_TRUE(check_close_auth(signed_event(closing), expected));
    EXPECT_EQ(refusal(closing), Reason::wrong_action);
    EXPECT_EQ(check_close_auth(signed_event(draft()), expected).error().reason, Reason::wrong_action);
    closing.tags.push_back(price_tag(kPrices[1])); // which says nothing here
    EXPECT_TRUE(check_close_auth(signed_event(closing), expected));
    closing.tags.insert(closing.tags.begin(), {"t", "vpn-purchase"});
    EXPECT_FALSE(check_close_auth(signed_event(closing), expected)) << "the first t counts";
}

TEST_F(PurchaseAuthTest, EachMissingOrWrongPartHasItsOwnReason)
{
    EXPECT_EQ(with("t", {}), Reason::wrong_action);
    EXPECT_EQ(with("t", {{"t", "upload"}}), Reason::wrong_action);
    EXPECT_EQ(with("t", {{"t"}}), Reason::wrong_action);
    EXPECT_EQ(with("expiration", {}), Reason::no_expiration);
    EXPECT_EQ(with("expiration", {{"expiration", "soon"}}), Reason::no_expiration);
    EXPECT_EQ(with("expiration", {{"expiration", "-5"}}), Reason::no_expiration);
    EXPECT_EQ(with("server", {}), Reason::wrong_server);
    EXPECT_EQ(with("server", {{"server", "other.example"}}), Reason::wrong_server);
    EXPECT_EQ(with("server", {{"server", "https://vpn.example"}}), Reason::wrong_server);
    EXPECT_EQ(with("server", {{"server", "vpn.example:9999"}}), Reason::wrong_server);
    EXPECT_EQ(with("a", {}), Reason::no_listing);
    EXPECT_EQ(with("a", {{"a"}}), Reason::unknown_listing);
    EXPECT_EQ(with("a", {{"a", "30402:" + key('3').public_key().hex() + ":vpn:1"}}), Reason::unknown_listing);
    EXPECT_EQ(with("a", {{"a", "30403:" + operator_.public_key().hex() + ":vpn:1"}}), Reason::unknown_listing);
    EXPECT_EQ(with("a", {{"a", "30402:" + operator_.public_key().hex() + ":vpn"}}), Reason::unknown_listing);
    EXPECT_EQ(with("price", {}), Reason::no_price);
    EXPECT_EQ(with("price", {{"price", "1"}}), Reason::price_mismatch);
    EXPECT_EQ(with("price", {{"price", "999", "sat", "day"}}), Reason::price_mismatch);
    EXPECT_EQ(with("price", {{"price", "1000", "sat", "hour"}}), Reason::price_mismatch);
    EXPECT_EQ(with("price", {{"price", "0.5", "sat", "week"}}), Reason::price_mismatch) << "listed, but not sellable";
    EventDraft kind = draft();
    kind.kind = 27235;
    EXPECT_EQ(refusal(kind), Reason::wrong_kind);
}

TEST_F(PurchaseAuthTest, TheFirstFailureInTheDocumentedOrderIsTheOneNamed)
{
    EventDraft empty{kNow + Seconds(3600), 1, {}, ""};
    EXPECT_EQ(refusal(empty), Reason::wrong_kind);
    empty.kind = kKindRequestAuth;
    EXPECT_EQ(refusal(empty), Reason::wrong_action);
    empty.tags.push_back({"t", "vpn-purchase"});
    EXPECT_EQ(refusal(empty), Reason::no_expiration);
    empty.tags.push_back({"expiration", std::to_string(kNow.count() + 60)});
    EXPECT_EQ(refusal(empty), Reason::expired_auth); // created_at is in the future
    empty.created_at = kNow;
    EXPECT_EQ(refusal(empty), Reason::wrong_server);
    empty.tags.push_back({"server", "vpn.example"});
    EXPECT_EQ(refusal(empty), Reason::no_listing);
    empty.tags.push_back({"a", "30402:x:y"});
    EXPECT_EQ(refusal(empty), Reason::unknown_listing);
    empty.tags.push_back({"a", "30402:" + operator_.public_key().hex() + ":vpn:1"});
    EXPECT_EQ(refusal(empty), Reason::no_price);
    empty.tags.push_back({"price", "5", "sat", "day"});
    EXPECT_EQ(refusal(empty), Reason::price_mismatch);
    empty.tags.push_back({"price", "100.0", "sat", "hour"});
    EXPECT_EQ(refusal(empty), std::nullopt);
}

TEST_F(PurchaseAuthTest, TheFirstTServerAndExpirationCountAndAnyAOrPrice)
{
    EXPECT_EQ(with("t", {{"t", "get"}, {"t", "vpn-purchase"}}), Reason::wrong_action);
    EXPECT_EQ(with("server", {{"server", "other"}, {"server", "vpn.example"}}), Reason::wrong_server);
    EXPECT_EQ(with("server", {{"server", "VPN.Example"}, {"server", "other"}}), std::nullopt);
    const std::string good = std::to_string(kNow.count() + 60);
    EXPECT_EQ(with("expiration", {{"expiration", "1"}, {"expiration", good}}), Reason::expired_auth);
    const std::string ours = "30402:" + operator_.public_key().hex() + ":vpn:1";
    EXPECT_EQ(with("a", {{"a", "junk"}, {"a", ours}}), std::nullopt);
    EXPECT_EQ(with("price", {{"price", "1", "usd", "day"}, {"price", "1000", "sat", "day"}}), std::nullopt);
}

TEST_F(PurchaseAuthTest, TheWindowIsNowToADayAheadAndClocksMayDifferByAMinute)
{
    const auto expiring = [&](std::int64_t ahead) {
        return with("expiration", {{"expiration", std::to_string(kNow.count() + ahead)}});
    };
    EXPECT_EQ(expiring(0), Reason::expired_auth);
    EXPECT_EQ(expiring(-1), Reason::expired_auth);
    EXPECT_EQ(expiring(1), std::nullopt);
    EXPECT_EQ(expiring(86400), std::nullopt);
    EXPECT_EQ(expiring(86401), Reason::expired_auth);
    EXPECT_EQ(with("expiration", {{"expiration", "18446744073709551615"}}), Reason::expired_auth);
    EventDraft ahead = draft();
    ahead.created_at = kNow + Seconds(60);
    EXPECT_EQ(refusal(ahead), std::nullopt);
    ahead.created_at = kNow + Seconds(61);
    EXPECT_EQ(refusal(ahead), Reason::expired_auth);
    ahead.created_at = UnixSeconds(0);
    EXPECT_EQ(refusal(ahead), std::nullopt) << "the past is bounded by expiration";
}

TEST_F(PurchaseAuthTest, AnXTagBindsTheEventToOnePayment)
{
    const std::string token = "cashuBo2F0";
    EventDraft bound =
        purchase_auth_draft({kNow, "vpn.example", {kKindListing, operator_.public_key(), "vpn:1"}, kPrices[1], token});
    EXPECT_EQ(bound.tags.back(), (Tag{"x", encode_hex(sha256(as_bytes(token)))}));
    EXPECT_TRUE(check_payment_hash(signed_event(bound), token));
    EXPECT_EQ(check_payment_hash(signed_event(bound), token + "x").error().reason, Reason::bad_auth);
    EXPECT_TRUE(check_payment_hash(signed_event(draft()), "anything"));
    EventDraft empty = draft();
    empty.tags.push_back({"x"});
    EXPECT_FALSE(check_payment_hash(signed_event(empty), token));
    empty.tags.push_back(bound.tags.back());
    EXPECT_TRUE(check_payment_hash(signed_event(empty), token));
}

TEST(SameHost, IgnoresCaseAndOnePortButNotTwo)
{
    EXPECT_TRUE(same_host("vpn.example", "VPN.example"));
    EXPECT_TRUE(same_host("vpn.example:443", "vpn.example"));
    EXPECT_TRUE(same_host("vpn.example", "vpn.example:8443"));
    EXPECT_FALSE(same_host("vpn.example:443", "vpn.example:8443"));
    EXPECT_FALSE(same_host("vpn.example.evil", "vpn.example"));
    EXPECT_FALSE(same_host("", ""));
    EXPECT_FALSE(same_host(":80", ":80"));
    EXPECT_TRUE(same_host("[2001:db8::1]:443", "[2001:DB8::1]"));
    EXPECT_TRUE(same_host("2001:db8::1", "[2001:db8::1]:443"));
    EXPECT_FALSE(same_host("[2001:db8::1]", "[2001:db8::2]"));
    EXPECT_TRUE(same_host("abcdefghij234567.onion", "abcdefghij234567.onion:80"));
    EXPECT_FALSE(same_host("[", "["
                                "]"));
}

TEST_F(PurchaseAuthTest, TheHeaderIsReadInEveryFormThatClientsSend)
{
    const Event event = signed_event(draft());
    const std::string text = encode_event(event);
    const std::string padded = encode_base64(as_bytes(text));
    const std::string url_safe = encode_base64url(as_bytes(text));
    const std::string unpadded = padded.substr(0, padded.find('='));
    for (const std::string& value : {"Nostr " + padded, "Nostr " + url_safe, "Nostr " + unpadded, "nostr " + padded,
                                     "NOSTR   " + padded, " Nostr\t" + padded + " "}) {
        const auto parsed = parse_auth_header(value);
        ASSERT_TRUE(parsed) << value.substr(0, 12);
        EXPECT_EQ(parsed->id, event.id);
        EXPECT_TRUE(verify(*parsed));
    }
    EXPECT_EQ(encode_auth_header(event), "Nostr " + padded);
}

TEST_F(PurchaseAuthTest, AMalformedHeaderIsBadAuthAndNothingElse)
{
    const std::string good = encode_auth_header(signed_event(draft()));
    std::vector<std::string> bad{"",
                                 "Nostr",
                                 "Nostr ",
                                 "Nostr !!!!",
                                 "Bearer " + good.substr(6),
                                 "Basic dXNlcjpwYXNz",
                                 "Nostr " + encode_base64(as_bytes("{}")),
                                 "Nostr " + encode_base64(as_bytes("[]")),
                                 "Nostr " + encode_base64(as_bytes("null")),
                                 "Nostr " + encode_base64(as_bytes(std::string(10000, '['))),
                                 "Nostr " + std::string(40000, 'A'),
                                 "Nostr " + good.substr(6) + " " + good.substr(6),
                                 std::string("Nostr \0abc", 10)};
    for (std::size_t cut = 7; cut < good.size(); cut += 13) bad.push_back(good.substr(0, cut));
    for (const std::string& value : bad) {
        const auto parsed = parse_auth_header(value);
        ASSERT_FALSE(parsed) << value.substr(0, 40);
        EXPECT_EQ(parsed.error().reason, Reason::bad_auth);
    }
}

TEST_F(PurchaseAuthTest, RandomBytesInTheHeaderAreNeverAnEvent)
{
    std::mt19937 dice(3);
    for (int i = 0; i < 2000; ++i) {
        Bytes noise(dice() % 200);
        for (auto& byte : noise) byte = static_cast<std::uint8_t>(dice());
        EXPECT_FALSE(parse_auth_header("Nostr " + encode_base64(noise)));
        EXPECT_FALSE(parse_auth_header(as_text(noise)));
    }
}

} // namespace
} // namespace adit::protocol
