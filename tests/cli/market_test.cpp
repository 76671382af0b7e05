#include "cli/market.h"

#include "cli/find_listing.h"
#include "fakes/seeded_rng.h"
#include "payments/cashu/curve.h"
#include "protocol/deletion.h"
#include "protocol/lnurl.h"
#include "protocol/nip19.h"

#include <gmock/gmock.h>

namespace adit::cli {
namespace {

using ::testing::HasSubstr;

class Market : public ::testing::Test {
protected:
    protocol::Listing listing(const std::string& title = "Exit")
    {
        protocol::Listing made;
        made.d_tag = "exit-1";
        made.title = title;
        made.protocols = {"wireguard"};
        made.prices = {{"5", "USD", "month"}, {"21", "sat", "hour"}, {"210", "sat", "day"}};
        made.payments = {
            protocol::LightningPayment{"x@y", "lnurl-pay"},
            protocol::CashuPayment{"https://Mint.example/", lock.hex(), "https://VPN.example:8443/purchase"},
            protocol::CashuPayment{"https://other.example", lock.hex(), "https://vpn.example/purchase"}};
        return made;
    }
    protocol::Event event(const protocol::Listing& of, std::int64_t at,
                          protocol::LegacyTag tag = protocol::LegacyTag::with)
    {
        return protocol::sign_event(protocol::listing_draft(of, UnixSeconds(at), tag), key, rng);
    }
    std::vector<protocol::PublishedListing> seen(const std::vector<protocol::Event>& events, std::int64_t now = 2000)
    {
        return listings_of(events, UnixSeconds(now));
    }

    fakes::SeededRng rng{3};
    protocol::SecretKey key = protocol::SecretKey::generate(rng);
    payments::cashu::Point lock = payments::cashu::even_point(key.public_key());
};

TEST_F(Market, TheNewestOfEachCoordinateIsShownInWhateverOrderTheyCome)
{
    const auto old = event(listing("old"), 1000);
    const auto fresh = event(listing("fresh"), 1001);
    for (const auto& events : {std::vector{old, fresh, old}, std::vector{fresh, old}}) {
        ASSERT_EQ(seen(events).size(), 1U);
        EXPECT_EQ(seen(events)[0].listing.title, "fresh");
    }
}

TEST_F(Market, BothTagsOfTheMarketplaceAreAskedForAndRead)
{
    const auto filters = listing_filters(std::nullopt);
    const auto now_only = event(listing(), 1000, protocol::LegacyTag::without);
    EXPECT_TRUE(protocol::matches_any(filters, now_only));
    auto before = now_only;
    for (auto& tag : before.tags)
        if (tag[0] == "t" && tag[1] == "europa-protocol") tag[1] = "vpn-marketplace";
    EXPECT_TRUE(protocol::matches_any(filters, before));
    EXPECT_EQ(seen({before}).size(), 1U);
}

TEST_F(Market, WhatItsAuthorDeletedIsGoneAndWhatAnotherDeletedIsNot)
{
    const auto published = event(listing(), 1000);
    const protocol::Coordinate where{30402, key.public_key(), "exit-1"};
    const auto deletion = protocol::deletion_draft({}, std::span(&where, 1), UnixSeconds(1500));
    EXPECT_TRUE(seen({published, protocol::sign_event(deletion, key, rng)}).empty());
    const auto stranger = protocol::SecretKey::generate(rng);
    EXPECT_EQ(seen({published, protocol::sign_event(deletion, stranger, rng)}).size(), 1U);
    const auto later = event(listing(), 1600);
    EXPECT_EQ(seen({published, protocol::sign_event(deletion, key, rng), later}).size(), 1U);
    const auto filters = deletion_filters(std::vector{published});
    ASSERT_EQ(filters.size(), 1U);
    EXPECT_TRUE(protocol::matches_any(filters, protocol::sign_event(deletion, key, rng)));
    EXPECT_TRUE(deletion_filters({}).empty());
}

TEST_F(Market, AnExpiredListingIsGone)
{
    auto draft = protocol::listing_draft(listing(), UnixSeconds(1000), protocol::LegacyTag::with);
    draft.tags.push_back({"expiration", "1900"});
    const auto expiring = protocol::sign_event(draft, key, rng);
    EXPECT_EQ(seen({expiring}, 1899).size(), 1U);
    EXPECT_TRUE(seen({expiring}, 1900).empty());
}

TEST_F(Market, AnOfferIsMadeOfTheTierAndMintAskedFor)
{
    const auto published = seen({event(listing(), 1000)}).at(0);
    const auto first = make_offer(published, {});
    ASSERT_TRUE(first.has_value()) << first.error().detail;
    EXPECT_EQ(first->unit_price, Sat(21));
    EXPECT_EQ(first->mint, "https://mint.example");
    EXPECT_EQ(first->server, "vpn.example:8443");
    EXPECT_EQ(make_offer(published, {"day", 3, {}})->unit_price, Sat(210));
    EXPECT_EQ(make_offer(published, {"2", 1, "https://other.example/"})->mint, "https://other.example");
    EXPECT_THAT(make_offer(published, {"0", 1, {}}).error().detail, HasSubstr("1 (21 sat per hour)"));
    EXPECT_THAT(make_offer(published, {"week", 1, {}}).error().detail, HasSubstr("there is no tier week"));
    EXPECT_THAT(make_offer(published, {{}, 1, "https://evil.example"}).error().detail,
                HasSubstr("https://other.example"));
    EXPECT_FALSE(make_offer(published, {{}, 0, {}}).has_value());
    EXPECT_FALSE(make_offer(published, {{}, ~0ULL, {}}).has_value());
}

TEST_F(Market, AnOfferOverLightningNamesTheServiceAndTheTiersPlaceInTheListing)
{
    auto sold = listing();
    EXPECT_TRUE(lightning_payments(sold).empty()) << "x@y is no address of a service";
    const auto without = seen({event(sold, 1000)}).at(0);
    EXPECT_THAT(make_offer(without, {"day", 1, {}, PayWith::lightning}).error().detail, HasSubstr("LNURL-pay"));
    sold.payments = {protocol::LightningPayment{"https://vpn.example/lnurlp", "bolt11"},
                     protocol::LightningPayment{"http://vpn.example/lnurlp", "lnurl-pay"},
                     protocol::LightningPayment{protocol::encode_lnurl("https://VPN.example:8443/lnurlp"), "lnurl-pay"},
                     protocol::LightningPayment{"https://other.example/lnurlp", "lnurl-pay"}};
    EXPECT_EQ(lightning_payments(sold).size(), 2U);
    const auto offer = make_offer(seen({event(sold, 1001)}).at(0), {"day", 3, {}, PayWith::lightning});
    ASSERT_TRUE(offer.has_value()) << offer.error().detail;
    EXPECT_EQ(offer->endpoint, "https://VPN.example:8443/lnurlp");
    EXPECT_EQ(offer->server, "vpn.example:8443");
    EXPECT_EQ(offer->tier, 2U) << "prices that are not in sat count too";
    EXPECT_EQ(offer->unit_price, Sat(210));
    EXPECT_FALSE(offer->lock.has_value());
    EXPECT_EQ(offer->mint, "");
}

TEST_F(Market, TheListingsBoundsHold)
{
    auto bounded = listing();
    bounded.min_purchase = protocol::Bound{2, protocol::Unit::hour};
    bounded.max_purchase = protocol::Bound{1, protocol::Unit::day};
    const auto published = seen({event(bounded, 1000)}).at(0);
    EXPECT_THAT(make_offer(published, {"hour", 1, {}}).error().detail, HasSubstr("2 hour"));
    EXPECT_TRUE(make_offer(published, {"hour", 24, {}}).has_value());
    EXPECT_THAT(make_offer(published, {"hour", 25, {}}).error().detail, HasSubstr("1 day"));
}

TEST_F(Market, WhatCanNotBePaidIsNoOffer)
{
    auto unpayable = listing();
    unpayable.payments = {protocol::CashuPayment{"https://mint.example", lock.hex(), std::nullopt},
                          protocol::CashuPayment{"https://mint.example", "02ff", "https://vpn.example/purchase"},
                          protocol::CashuPayment{"ftp://mint.example", lock.hex(), "https://vpn.example/purchase"},
                          protocol::CashuPayment{"https://mint.example", lock.hex(), "https://me@vpn.example/"}};
    EXPECT_TRUE(ecash_payments(unpayable).empty());
}

TEST_F(Market, HostsOfUrlsAreLowercaseAndKeepTheirPort)
{
    EXPECT_EQ(host_of_url("https://A.example:80/x?y").value(), "a.example:80");
    EXPECT_EQ(host_of_url("http://[::1]:8080").value(), "[::1]:8080");
    for (const char* wrong : {"", "ftp://a", "https://", "https:///x", "https://u@h/", "https://a b/", "//a"})
        EXPECT_FALSE(host_of_url(wrong).has_value()) << wrong;
}

TEST_F(Market, AListingIsFoundUnderEveryNameItHas)
{
    const auto published = seen({event(listing(), 1000)}).at(0);
    const std::string naddr = naddr_of(published, {"wss://one.example", "wss://two.example", "wss://three.example"});
    const auto target = parse_target("nostr:" + naddr);
    ASSERT_TRUE(target.has_value());
    EXPECT_EQ(target->author, key.public_key());
    EXPECT_EQ(target->d_tag, "exit-1");
    EXPECT_EQ(target->relays.size(), 2U);
    EXPECT_EQ(parse_target(protocol::encode_npub(key.public_key()))->author, key.public_key());
    EXPECT_EQ(parse_target(protocol::encode_nprofile({key.public_key(), {"wss://one.example"}}))->relays.size(), 1U);
    EXPECT_EQ(parse_target(key.public_key().hex())->author, key.public_key());
    EXPECT_FALSE(parse_target(protocol::encode_nsec(key)).has_value());
    EXPECT_FALSE(parse_target("").has_value());
    const auto other_kind = protocol::encode_naddr({"x", {}, key.public_key(), 30023});
    EXPECT_FALSE(parse_target(*other_kind).has_value());
}

} // namespace
} // namespace adit::cli
