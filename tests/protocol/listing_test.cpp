#include "protocol/listing.h"

#include "protocol/constants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

namespace adit::protocol {
namespace {

using testing::ElementsAre;

const std::string kP2pk = "02" + std::string(64, 'a');

SecretKey operator_key() { return SecretKey::parse_hex(std::string(63, '0') + "1").value(); }

Listing full_listing()
{
    Listing listing;
    listing.d_tag = "vpn-1";
    listing.title = "A tunnel";
    listing.protocols = {"wireguard"};
    listing.topics = {"privacy"};
    listing.prices = {{"100", "sat", "hour"}, {"0.002", "btc", "month"}, {"500", "sat", "GiB"}};
    listing.payments = {LightningPayment{"https://vpn.example/lnurlp", "lnurl-pay"},
                        CashuPayment{"https://mint.example", kP2pk, "https://vpn.example/purchase"}};
    listing.country = "DE";
    listing.subdivision = "Berlin";
    listing.geohash = "u33d";
    listing.summary = "Fast";
    listing.min_purchase = Bound{1, Unit::hour};
    listing.max_purchase = Bound{30, Unit::day};
    listing.published_at = UnixSeconds(1700000000);
    listing.image = "https://vpn.example/i.png";
    listing.capacity = Price{"1000", "", "Mbps"};
    listing.policies = {"no-logs", "no-torrents"};
    listing.policy_url = "https://vpn.example/policy";
    listing.protocol_config_url = "https://vpn.example/setup";
    listing.content = "# Terms\nNone.";
    return listing;
}

Event signed_listing(const EventDraft& draft) { return sign_event(draft, operator_key(), system_rng()); }

Event without(const std::string& name, const std::string& value = "")
{
    EventDraft draft = listing_draft(full_listing(), UnixSeconds(1700000100), LegacyTag::with);
    std::erase_if(draft.tags, [&](const Tag& tag) { return tag[0] == name && (value.empty() || tag[1] == value); });
    return signed_listing(draft);
}

Event with_tags(const std::vector<Tag>& more)
{
    EventDraft draft = listing_draft(full_listing(), UnixSeconds(1700000100), LegacyTag::without);
    draft.tags.insert(draft.tags.end(), more.begin(), more.end());
    return signed_listing(draft);
}

TEST(ListingDraft, HasItsTagsInTheOrderOfTheReference)
{
    const EventDraft draft = listing_draft(full_listing(), UnixSeconds(1700000100), LegacyTag::without);
    EXPECT_EQ(draft.kind, 30402U);
    EXPECT_EQ(draft.created_at, UnixSeconds(1700000100));
    EXPECT_EQ(draft.content, "# Terms\nNone.");
    EXPECT_THAT(draft.tags,
                ElementsAre(Tag{"d", "vpn-1"}, Tag{"title", "A tunnel"}, Tag{"t", "europa-protocol"},
                            Tag{"t", "wireguard"}, Tag{"t", "privacy"}, Tag{"price", "100", "sat", "hour"},
                            Tag{"price", "0.002", "btc", "month"}, Tag{"price", "500", "sat", "GiB"},
                            Tag{"payment", "lightning", "https://vpn.example/lnurlp", "lnurl-pay"},
                            Tag{"payment", "cashu", "https://mint.example", kP2pk, "https://vpn.example/purchase"},
                            Tag{"location", "DE", "Berlin"}, Tag{"g", "u"}, Tag{"g", "u3"}, Tag{"g", "u33"},
                            Tag{"g", "u33d"}, Tag{"summary", "Fast"}, Tag{"min-purchase", "1", "hour"},
                            Tag{"max-purchase", "30", "day"}, Tag{"published_at", "1700000000"},
                            Tag{"image", "https://vpn.example/i.png"}, Tag{"capacity", "1000", "Mbps"},
                            Tag{"policy", "no-logs", "no-torrents"}, Tag{"policy-url", "https://vpn.example/policy"},
                            Tag{"protocol-config", "https://vpn.example/setup"}));
}

TEST(ListingDraft, CarriesTheOldMarketplaceTagOnlyWhenAskedAndStatusOnlyWhenSold)
{
    Listing listing = full_listing();
    EXPECT_EQ(listing_draft(listing, UnixSeconds(1), LegacyTag::with).tags[3], (Tag{"t", "vpn-marketplace"}));
    listing.status = ListingStatus::sold;
    const auto tags = listing_draft(listing, UnixSeconds(1), LegacyTag::without).tags;
    EXPECT_NE(std::find(tags.begin(), tags.end(), Tag{"status", "sold"}), tags.end());
}

TEST(ListingDraft, LeavesOutWhatIsNotSaid)
{
    Listing listing;
    listing.d_tag = "d";
    listing.title = "t";
    listing.protocols = {"wireguard"};
    listing.prices = {{"1", "sat", "day"}};
    listing.payments = {CashuPayment{"https://m", kP2pk, std::nullopt}};
    EXPECT_THAT(listing_draft(listing, UnixSeconds(1), LegacyTag::without).tags,
                ElementsAre(Tag{"d", "d"}, Tag{"title", "t"}, Tag{"t", "europa-protocol"}, Tag{"t", "wireguard"},
                            Tag{"price", "1", "sat", "day"}, Tag{"payment", "cashu", "https://m", kP2pk}));
}

TEST(ParseListing, GivesBackWhatWasBuilt)
{
    for (const auto legacy : {LegacyTag::with, LegacyTag::without}) {
        const Event event = signed_listing(listing_draft(full_listing(), UnixSeconds(1700000100), legacy));
        const auto parsed = parse_listing(event);
        ASSERT_TRUE(parsed);
        EXPECT_EQ(parsed->listing, full_listing());
        EXPECT_EQ(parsed->author, operator_key().public_key());
        EXPECT_EQ(parsed->event_id, event.id);
        EXPECT_EQ(parsed->created_at, UnixSeconds(1700000100));
    }
}

TEST(ParseListing, EitherMarketplaceTagIsEnoughAndNoneIsNot)
{
    EXPECT_TRUE(parse_listing(without("t", "europa-protocol")));
    EXPECT_TRUE(parse_listing(without("t", "vpn-marketplace")));
    EventDraft draft = listing_draft(full_listing(), UnixSeconds(1), LegacyTag::without);
    std::erase(draft.tags, Tag{"t", "europa-protocol"});
    EXPECT_FALSE(parse_listing(signed_listing(draft)));
}

TEST(ParseListing, DropsAnEventThatCanNotBeBoughtFrom)
{
    EXPECT_FALSE(parse_listing(without("t", "wireguard")));
    EXPECT_FALSE(parse_listing(without("d")));
    EXPECT_FALSE(parse_listing(without("title")));
    EXPECT_FALSE(parse_listing(without("price")));
    EXPECT_FALSE(parse_listing(without("payment")));
    EventDraft other = listing_draft(full_listing(), UnixSeconds(1), LegacyTag::without);
    other.kind = 30403;
    EXPECT_FALSE(parse_listing(signed_listing(other)));
}

TEST(ParseListing, UnusablePricesAndPaymentsAreLeftOutAndUnknownPaymentsKept)
{
    const Tag unknown{"payment", "monero", "4AdUndXHHZ", "x"};
    const auto parsed = parse_listing(with_tags({{"price"},
                                                 {"price", "ten", "sat", "day"},
                                                 {"price", "10", "", "day"},
                                                 {"price", "10", "sat"},
                                                 {"price", "-1", "sat", "day"},
                                                 {"price", "7", "sat", "fortnight"},
                                                 {"payment"},
                                                 {"payment", ""},
                                                 {"payment", "cashu", "https://mint.example"},
                                                 {"payment", "lightning", "x"},
                                                 unknown}));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->listing.prices.size(), 4U); // the unknown unit is shown, though nobody can buy it
    EXPECT_EQ(parsed->listing.prices[3].unit, "fortnight");
    ASSERT_EQ(parsed->listing.payments.size(), 3U);
    EXPECT_EQ(std::get<UnknownPayment>(parsed->listing.payments[2]).tag, unknown);
}

TEST(ParseListing, OddOptionalTagsDoNotSpoilTheRest)
{
    EventDraft draft = listing_draft(full_listing(), UnixSeconds(5), LegacyTag::without);
    for (Tag& tag : draft.tags) {
        if (tag[0] == "min-purchase") tag = {"min-purchase", "one", "hour"};
        if (tag[0] == "max-purchase") tag = {"max-purchase", "1", "fortnight"};
        if (tag[0] == "published_at") tag = {"published_at", "99999999999999999999"};
        if (tag[0] == "capacity") tag = {"capacity"};
        if (tag[0] == "location") tag = {"location", "DE"};
        if (tag[0] == "g") tag = {"g", "aaaa"}; // 'a' is no geohash digit
        if (tag[0] == "status") tag = {"status", "weird"};
    }
    draft.tags.push_back({});
    const auto parsed = parse_listing(signed_listing(draft));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->listing.min_purchase, std::nullopt);
    EXPECT_EQ(parsed->listing.max_purchase, std::nullopt);
    EXPECT_EQ(parsed->listing.published_at, std::nullopt);
    EXPECT_EQ(parsed->listing.capacity, std::nullopt);
    EXPECT_EQ(parsed->listing.country, "DE");
    EXPECT_EQ(parsed->listing.subdivision, "");
    EXPECT_EQ(parsed->listing.geohash, "");
    EXPECT_EQ(parsed->listing.status, ListingStatus::active);
}

TEST(ParseListing, AHostileListingIsCutAndDoesNoHarm)
{
    std::vector<Tag> many;
    for (int i = 0; i < 5000; ++i) {
        many.push_back({"price", std::to_string(i + 1), "sat", "hour"});
        many.push_back({"payment", "m" + std::to_string(i)});
        many.push_back({"t", "topic" + std::to_string(i)});
        many.push_back({"policy", "p", std::string(1, static_cast<char>(i % 128))});
    }
    const auto parsed = parse_listing(with_tags(many));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->listing.prices.size(), 64U);
    EXPECT_EQ(parsed->listing.payments.size(), 64U);
    EXPECT_EQ(parsed->listing.topics.size(), 64U);
    EXPECT_EQ(parsed->listing.policies.size(), 64U);
}

TEST(ParseListing, RandomTagsNeverCrash)
{
    std::mt19937 dice(7);
    const std::vector<std::string> words{"t",
                                         "d",
                                         "price",
                                         "payment",
                                         "wireguard",
                                         "europa-protocol",
                                         "sat",
                                         "cashu",
                                         "g",
                                         "",
                                         "1",
                                         "hour",
                                         "location",
                                         "min-purchase",
                                         "x",
                                         "policy",
                                         "title",
                                         "capacity",
                                         "published_at",
                                         "status",
                                         "sold",
                                         "18446744073709551615"};
    Event event = without("image");
    for (int i = 0; i < 20000; ++i) {
        event.tags.clear();
        for (std::size_t t = 0; t < dice() % 20; ++t) {
            Tag tag;
            for (std::size_t e = 0; e < dice() % 6; ++e) tag.push_back(words[dice() % words.size()]);
            event.tags.push_back(tag);
        }
        if (const auto parsed = parse_listing(event)) {
            EXPECT_FALSE(parsed->listing.d_tag.empty());
            EXPECT_FALSE(parsed->listing.prices.empty());
        }
    }
}

TEST(StaleListings, AreThoseUnsoldForThirtyDays)
{
    auto published = parse_listing(without("image")).value();
    const UnixSeconds made = published.created_at;
    EXPECT_FALSE(is_stale(published, made));
    EXPECT_FALSE(is_stale(published, made + Seconds(30 * 86400)));
    EXPECT_TRUE(is_stale(published, made + Seconds(30 * 86400 + 1)));
    published.listing.status = ListingStatus::sold;
    EXPECT_FALSE(is_stale(published, made + Seconds(90 * 86400)));
}

TEST(SellableTiers, AreWholeSatPricesOfKnownUnits)
{
    const std::vector<Price> prices{{"100", "sat", "hour"},
                                    {"1.5", "sat", "hour"},
                                    {"0", "sat", "day"},
                                    {"7.0", "SAT", "week"},
                                    {"5", "btc", "day"},
                                    {"5", "sats", "day"},
                                    {"5", "sat", "fortnight"},
                                    {"18446744073709551615", "Sat", "GiB"},
                                    {"18446744073709551616", "sat", "GiB"}};
    const auto tiers = sellable_tiers(prices);
    ASSERT_EQ(tiers.size(), 3U);
    EXPECT_EQ(tiers[0], (Tier{0, prices[0], Sat(100), Unit::hour}));
    EXPECT_EQ(tiers[1], (Tier{3, prices[3], Sat(7), Unit::week}));
    EXPECT_EQ(tiers[2], (Tier{7, prices[7], Sat(UINT64_MAX), Unit::gib}));
}

TEST(SellableTiers, AreFoundByAmountAsNumberAndTheRestAsText)
{
    const std::vector<Price> prices{{"100", "sat", "hour"}, {"1000", "sat", "day"}};
    const auto tiers = sellable_tiers(prices);
    const Tier* found = find_tier(tiers, {"1000.00", "sat", "day"});
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->index, 1U);
    EXPECT_EQ(find_tier(tiers, {"1000", "SAT", "day"}), nullptr);
    EXPECT_EQ(find_tier(tiers, {"1000", "sat", "Day"}), nullptr);
    EXPECT_EQ(find_tier(tiers, {"1000", "sat", "hour"}), nullptr);
    EXPECT_EQ(find_tier(tiers, {"1e3", "sat", "day"}), nullptr);
    EXPECT_EQ(find_tier({}, {"1000", "sat", "day"}), nullptr);
}

TEST(Bounds, AreComparedOnlyWithinTheirDimension)
{
    EXPECT_EQ(compare_with_bound(Dimension::time, 86400, {24, Unit::hour}), std::strong_ordering::equal);
    EXPECT_EQ(compare_with_bound(Dimension::time, 86399, {1, Unit::day}), std::strong_ordering::less);
    EXPECT_EQ(compare_with_bound(Dimension::data, 1ULL << 41, {1, Unit::tib}), std::strong_ordering::greater);
    EXPECT_EQ(compare_with_bound(Dimension::data, 1, {1, Unit::day}), std::nullopt);
    EXPECT_EQ(compare_with_bound(Dimension::data, UINT64_MAX, {UINT64_MAX, Unit::tib}), std::strong_ordering::less);
    EXPECT_EQ(bound_size({UINT64_MAX, Unit::tib}), std::nullopt);
    EXPECT_EQ(bound_size({(1ULL << 24) - 1, Unit::tib}), ((1ULL << 24) - 1) << 40);
}

TEST(Geohashes, AreLadderedLowercaseShortestFirst)
{
    EXPECT_THAT(geohash_ladder("U33"), ElementsAre("u", "u3", "u33"));
    EXPECT_TRUE(geohash_ladder("").empty());
    EXPECT_TRUE(is_geohash("dr5regw"));
    for (const auto* text : {"", "a", "u33i", "u 3", "0123456789bcd"}) EXPECT_FALSE(is_geohash(text)) << text;
}

} // namespace
} // namespace adit::protocol
