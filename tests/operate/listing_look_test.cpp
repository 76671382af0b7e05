#include "operate/listing_look.h"

#include "operate/look_testing.h"
#include "protocol/constants.h"
#include "protocol/deletion.h"

#include <gmock/gmock.h>

namespace adit::operate {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// As an operator's listing should be; a test changes what it is about.
struct Offered {
    protocol::SecretKey key = protocol::SecretKey::generate(system_rng());
    UnixSeconds created_at = kLookedAt - Seconds(60);
    std::vector<protocol::Tag> tags{
        {"d", "exit-1"},
        {"title", "Exit One"},
        {"t", "europa-protocol"},
        {"t", "wireguard"},
        {"price", "21", "sat", "hour"},
        {"price", "210", "sat", "day"},
        {"payment", "cashu", "https://mint.example", kListedKey, "https://vpn.example/purchase"},
        {"payment", "lightning", "https://vpn.example/lnurlp", "lnurl-pay"},
    };

    protocol::Event event() const
    {
        return protocol::sign_event({created_at, protocol::kKindListing, tags, ""}, key, system_rng());
    }
    std::vector<Finding> judged(Place place = Place::internet) const { return judge_listing(event(), place); }
    protocol::Tag& tag(std::size_t index) { return tags[index]; }
    void drop(std::string_view name, std::string_view value)
    {
        std::erase_if(tags, [&](const auto& each) { return each[0] == name && each[1] == value; });
    }
};

constexpr std::size_t kFirstPrice = 4;
constexpr std::size_t kCashu = 6;
constexpr std::size_t kLightning = 7;

TEST(ListingLook, AGoodListingIsAllOk)
{
    for (const Finding& finding : Offered().judged()) EXPECT_EQ(finding.level, Level::ok) << finding.what;
    EXPECT_EQ(Offered().judged().size(), 8U);
}

TEST(ListingLook, OneWithTheOldTagAloneIsTakenWithAWarning)
{
    Offered offered;
    offered.drop("t", "europa-protocol");
    offered.tags.push_back({"t", "vpn-marketplace"});
    const auto findings = offered.judged();
    EXPECT_EQ(worst_of(findings, "listing-shape").level, Level::ok);
    EXPECT_EQ(worst_of(findings, "listing-tag").level, Level::warn);
    offered.drop("t", "vpn-marketplace");
    EXPECT_EQ(worst_of(offered.judged(), "listing-tag").level, Level::fail);
    EXPECT_EQ(worst_of(offered.judged(), "listing-shape").level, Level::fail);
}

TEST(ListingLook, WhatIsMissingIsNamedAndHidesNothingElse)
{
    Offered offered;
    offered.drop("title", "Exit One");
    const auto findings = offered.judged();
    EXPECT_EQ(worst_of(findings, "listing-shape").level, Level::fail);
    EXPECT_THAT(worst_of(findings, "listing-shape").what, HasSubstr("no title"));
    EXPECT_EQ(worst_of(findings, "cashu-method").level, Level::ok);
    EXPECT_EQ(worst_of(findings, "p2pk-format").level, Level::ok);
}

TEST(ListingLook, ACashuMethodNeedsAKeyAMintAndAnEndpoint)
{
    Offered offered;
    offered.tag(kCashu)[3] = "";
    EXPECT_EQ(worst_of(offered.judged(), "cashu-method").level, Level::fail);
    EXPECT_THAT(worst_of(offered.judged(), "cashu-method").what, HasSubstr("no key"));
    EXPECT_THAT(worst_of(offered.judged(), "cashu-method").hint, HasSubstr("aditd --check"));
    offered.tag(kCashu) = {"payment", "cashu", "https://mint.example"};
    EXPECT_THAT(worst_of(offered.judged(), "cashu-method").what, HasSubstr("no key"));
    offered.tag(kCashu) = {"payment", "cashu", "https://mint.example", kListedKey};
    EXPECT_THAT(worst_of(offered.judged(), "cashu-method").what, HasSubstr("no purchase endpoint"));
    offered.tag(kCashu) = {"payment", "cashu", "mint.example", kListedKey, "https://vpn.example/purchase"};
    EXPECT_THAT(worst_of(offered.judged(), "cashu-method").what, HasSubstr("no mint's URL"));
    offered.drop("payment", "cashu");
    EXPECT_EQ(worst_of(offered.judged(), "cashu-method").level, Level::warn) << "there is another way to pay";
    offered.drop("payment", "lightning");
    EXPECT_EQ(worst_of(offered.judged(), "cashu-method").level, Level::fail);
}

TEST(ListingLook, EachMalformedKeyIsCalledWhatItIs)
{
    Offered offered;
    const auto with = [&](const std::string& key) {
        offered.tag(kCashu)[3] = key;
        const Finding finding = worst_of(offered.judged(), "p2pk-format");
        EXPECT_EQ(finding.level, Level::fail) << key;
        return finding;
    };
    EXPECT_THAT(with(kListedKey.substr(2)).what, HasSubstr("02 in front is missing"));
    EXPECT_THAT(with("npub1xyz").what, HasSubstr("npub"));
    EXPECT_THAT(with("05" + kListedKey.substr(2)).what, HasSubstr("compressed"));
    EXPECT_THAT(with(kListedKey + "00").what, HasSubstr("68 characters"));
    EXPECT_THAT(with("02" + std::string(64, 'f')).what, HasSubstr("on the curve"));
    const Finding secret = with("nsec1secretsecret");
    EXPECT_THAT(secret.what + secret.hint, Not(HasSubstr("secretsecret"))) << "nobody needs to read it twice";
    EXPECT_THAT(secret.hint, HasSubstr("change that nsec"));
}

TEST(ListingLook, AnEndpointIsWhatBuyersCanReach)
{
    Offered offered;
    const auto level = [&](const std::string& url, Place place = Place::internet) {
        offered.tag(kCashu)[4] = url;
        return worst_of(offered.judged(place), "endpoint-url").level;
    };
    EXPECT_EQ(level("https://vpn.example:8443/purchase"), Level::ok);
    EXPECT_EQ(level("http://shop.onion/purchase"), Level::ok);
    EXPECT_EQ(level("https://vpn.example/shop"), Level::warn);
    for (const char* bad :
         {"http://vpn.example/purchase", "https://10.1.2.3/purchase", "https://192.168.0.7/purchase",
          "https://172.20.0.1/purchase", "https://100.100.0.1/purchase", "https://localhost/purchase",
          "https://[::1]:443/purchase", "https://[fd00::1]/purchase", "https://vpn/purchase", "ftp://vpn.example/",
          "vpn.example/purchase", "https:///purchase", "https://a@vpn.example/purchase",
          "https://vpn.example/purchase#x", "https://vpn exam.ple/purchase"})
        EXPECT_EQ(level(bad), Level::fail) << bad;
    EXPECT_EQ(level("http://127.0.0.1:8080/purchase", Place::own_world), Level::ok);
    EXPECT_EQ(level("http://vpn.example/purchase", Place::own_world), Level::fail);
}

TEST(ListingLook, APlaceIsOursWhereEveryRelayIs)
{
    EXPECT_EQ(place_of({}), Place::internet);
    EXPECT_EQ(place_of(std::vector{RelaySight{.url = "ws://127.0.0.1:4000"}}), Place::own_world);
    EXPECT_EQ(place_of(std::vector{RelaySight{.url = "ws://127.0.0.1:4000"}, RelaySight{.url = "wss://relay.example"}}),
              Place::internet);
}

TEST(ListingLook, ATierInDollarsIsWarnedOfAndAloneItIsAFailure)
{
    Offered offered;
    offered.tag(kFirstPrice) = {"price", "5", "usd", "hour"};
    const Finding warned = worst_of(offered.judged(), "listing-prices");
    EXPECT_EQ(warned.level, Level::warn);
    EXPECT_THAT(warned.what, HasSubstr("5 usd/hour is not in sat"));
    EXPECT_THAT(warned.hint, HasSubstr("currency sat"));
    offered.drop("price", "210");
    EXPECT_EQ(worst_of(offered.judged(), "listing-prices").level, Level::fail);
    offered.tag(kFirstPrice) = {"price", "2.5", "sat", "hour"};
    EXPECT_THAT(worst_of(offered.judged(), "listing-prices").what, HasSubstr("whole amount"));
    offered.tag(kFirstPrice) = {"price", "2", "sat", "fortnight"};
    EXPECT_THAT(worst_of(offered.judged(), "listing-prices").what, HasSubstr("unit"));
}

TEST(ListingLook, ALightningMethodMustBeOneThatWalletsPay)
{
    Offered offered;
    offered.tag(kLightning)[2] = "http://vpn.example/lnurlp";
    EXPECT_EQ(worst_of(offered.judged(), "lightning-method").level, Level::fail);
    offered.tag(kLightning)[2] = "someone@vpn.example";
    EXPECT_EQ(worst_of(offered.judged(), "lightning-method").level, Level::fail);
    offered.tag(kLightning) = {"payment", "lightning", "02aa", "keysend"};
    EXPECT_EQ(worst_of(offered.judged(), "lightning-method").level, Level::warn);
}

TEST(ListingLook, WordsOfAStrangerStayShort)
{
    Offered offered;
    offered.tag(1)[1] = std::string(5000, 'x');
    offered.tag(kCashu)[2] = std::string(60'000, 'm');
    for (int i = 0; i < 500; ++i) offered.tags.push_back({"price", "1", "usd", "hour"});
    for (int i = 0; i < 500; ++i) offered.tags.push_back({"payment", "cashu", "x"});
    const auto findings = offered.judged();
    EXPECT_LT(findings.size(), 100U);
    for (const Finding& finding : findings) EXPECT_LT(finding.what.size(), 500U) << finding.check;
}

// ---- presence ------------------------------------------------------------------------------------------------------

struct Relay {
    RelaySight sight{.url = "wss://relay.example", .coverage = nostr::Coverage::complete};
    std::vector<RelaySight> operator()() const { return {sight}; }
};

cli::Target target_of(const Offered& offered, std::optional<std::string> d = "exit-1")
{
    return {offered.key.public_key(), std::move(d), {}};
}

TEST(ListingPresence, TheNewestVersionIsFoundAndCountedByRelay)
{
    Offered offered;
    const auto old = offered.event();
    offered.created_at = kLookedAt;
    const auto now = offered.event();
    std::vector<RelaySight> relays{
        {.url = "wss://a.example", .coverage = nostr::Coverage::complete, .events = {old, now}},
        {.url = "wss://b.example", .coverage = nostr::Coverage::complete, .events = {old}},
    };
    auto sighting = judge_presence(relays, target_of(offered), kLookedAt);
    ASSERT_TRUE(sighting.event);
    EXPECT_EQ(sighting.event->id, now.id);
    EXPECT_EQ(worst_of(sighting.findings, "relays").level, Level::ok);
    EXPECT_EQ(worst_of(sighting.findings, "listing-present").level, Level::warn);
    EXPECT_THAT(worst_of(sighting.findings, "listing-present").what, HasSubstr("on wss://b.example"));
    relays.pop_back();
    EXPECT_EQ(worst_of(judge_presence(relays, target_of(offered), kLookedAt).findings, "listing-present").level,
              Level::ok);
}

TEST(ListingPresence, AbsentDeletedExpiredAndUnknownAreDifferent)
{
    Offered offered;
    Relay relay;
    const auto present = [&] {
        const auto sighting = judge_presence(relay(), target_of(offered), kLookedAt);
        EXPECT_FALSE(sighting.event);
        EXPECT_EQ(worst_of(sighting.findings, "listing-present").level, Level::fail);
        return worst_of(sighting.findings, "listing-present");
    };
    EXPECT_THAT(present().what, HasSubstr("is not on these relays"));
    EXPECT_THAT(present().hint, HasSubstr("--relay"));
    const auto event = offered.event();
    relay.sight.events = {
        event,
        protocol::sign_event(
            protocol::deletion_draft(
                {}, std::vector{protocol::Coordinate{protocol::kKindListing, event.pubkey, "exit-1"}}, kLookedAt),
            offered.key, system_rng())};
    EXPECT_THAT(present().what, HasSubstr("deleted"));
    offered.tags.push_back({"expiration", std::to_string(kLookedAt.count() - 1)});
    relay.sight.events = {offered.event()};
    EXPECT_THAT(present().what, HasSubstr("expired"));
    relay.sight = {.url = "wss://relay.example", .coverage = nostr::Coverage::silent, .message = "hangs"};
    EXPECT_THAT(present().what, HasSubstr("not known"));
}

TEST(ListingPresence, AnotherDTagOfTheSameOperatorIsNamed)
{
    Offered offered;
    Relay relay;
    relay.sight.events = {offered.event()};
    const auto sighting = judge_presence(relay(), target_of(offered, "exit-2"), kLookedAt);
    EXPECT_THAT(worst_of(sighting.findings, "listing-present").what, HasSubstr("\"exit-1\""));
    EXPECT_TRUE(judge_presence(relay(), target_of(offered, std::nullopt), kLookedAt).event);
    offered.tag(0)[1] = "exit-2";
    relay.sight.events.push_back(offered.event());
    const auto two = judge_presence(relay(), target_of(offered, std::nullopt), kLookedAt);
    EXPECT_FALSE(two.event);
    EXPECT_THAT(worst_of(two.findings, "listing-present").what, HasSubstr("2 listings"));
}

TEST(ListingPresence, WhatIsOfAnotherAuthorDoesNotCount)
{
    Offered offered;
    Relay relay;
    relay.sight.events = {Offered().event()};
    EXPECT_FALSE(judge_presence(relay(), target_of(offered), kLookedAt).event);
}

TEST(ListingPresence, AgeIsWarnedOfAfterADayAndFailsAfterAMonth)
{
    Offered offered;
    const auto level = [&](Seconds age) {
        offered.created_at = kLookedAt - age;
        Relay relay;
        relay.sight.events = {offered.event()};
        return worst_of(judge_presence(relay(), target_of(offered), kLookedAt).findings, "listing-fresh").level;
    };
    EXPECT_EQ(level(Seconds(3600)), Level::ok);
    EXPECT_EQ(level(Seconds(2 * 86'400)), Level::warn);
    EXPECT_EQ(level(Seconds(31 * 86'400)), Level::fail);
    EXPECT_EQ(level(Seconds(-3600)), Level::warn) << "a clock that is ahead";
}

TEST(ListingPresence, ARelayThatRefusesIsAWarningNextToOneThatAnswers)
{
    Offered offered;
    const std::vector<RelaySight> relays{
        {.url = "wss://a.example", .coverage = nostr::Coverage::complete, .events = {offered.event()}},
        {.url = "wss://b.example", .coverage = nostr::Coverage::refused, .message = "auth-required"},
    };
    const auto sighting = judge_presence(relays, target_of(offered), kLookedAt);
    EXPECT_EQ(worst_of(sighting.findings, "relays").level, Level::warn);
    EXPECT_THAT(worst_of(sighting.findings, "relays").what, HasSubstr("wss://b.example refused (auth-required)"));
    EXPECT_EQ(worst_of(sighting.findings, "listing-present").level, Level::ok);
}

} // namespace
} // namespace adit::operate
