#include "cli/market.h"

#include "cli/printable.h"
#include "payments/cashu/mint_url.h"
#include "protocol/constants.h"
#include "protocol/deletion.h"
#include "protocol/kinds.h"
#include "protocol/lnurl.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

namespace adit::cli {

using protocol::CashuPayment;
using protocol::Event;
using protocol::PublishedListing;

namespace {
constexpr std::uint32_t kMostListings = 2000; // asked of one relay
}

std::vector<protocol::Filter> listing_filters(const std::optional<protocol::PublicKey>& author)
{
    protocol::Filter listings;
    listings.kinds = {protocol::kKindListing};
    listings.tags['t'] = {std::string(protocol::kMarketplaceTag), std::string(protocol::kLegacyMarketplaceTag)};
    if (author) listings.authors = {*author};
    listings.limit = kMostListings;
    return {listings};
}

std::vector<protocol::Filter> deletion_filters(std::span<const Event> events)
{
    std::set<protocol::PublicKey> authors;
    for (const Event& event : events) authors.insert(event.pubkey);
    if (authors.empty()) return {};
    protocol::Filter deletions;
    deletions.kinds = {protocol::kKindDeletion};
    deletions.authors = {authors.begin(), authors.end()};
    deletions.limit = kMostListings;
    return {deletions};
}

std::vector<PublishedListing> listings_of(std::span<const Event> events, UnixSeconds now)
{
    std::map<protocol::Coordinate, const Event*> newest;
    for (const Event& event : events) {
        if (event.kind != protocol::kKindListing) continue;
        const auto coordinate = protocol::coordinate(event);
        if (!coordinate) continue;
        const Event*& held = newest[*coordinate];
        if (!held || protocol::supersedes(event, *held)) held = &event;
    }
    std::multimap<protocol::PublicKey, const Event*> deletions;
    for (const Event& event : events)
        if (event.kind == protocol::kKindDeletion) deletions.emplace(event.pubkey, &event);
    std::vector<PublishedListing> listings;
    for (const auto& [coordinate, event] : newest) {
        const auto [first, last] = deletions.equal_range(event->pubkey);
        const bool deleted = std::any_of(
            first, last, [subject = event](const auto& entry) { return protocol::deletes(*entry.second, *subject); });
        // Also where only an older version is good: the newest one says what is so now.
        if (deleted || protocol::is_expired(*event, now)) continue;
        if (auto listing = protocol::parse_listing(*event)) listings.push_back(std::move(*listing));
    }
    std::ranges::sort(listings, [](const PublishedListing& a, const PublishedListing& b) {
        return a.created_at != b.created_at ? a.created_at > b.created_at : a.event_id < b.event_id;
    });
    return listings;
}

std::vector<CashuPayment> ecash_payments(const protocol::Listing& listing)
{
    std::vector<CashuPayment> usable;
    for (const auto& payment : listing.payments) {
        const auto* cashu = std::get_if<CashuPayment>(&payment);
        if (!cashu || !cashu->endpoint || !payments::cashu::Point::parse_hex(cashu->p2pk)) continue;
        if (!payments::cashu::normalise_mint_url(cashu->mint) || !host_of_url(*cashu->endpoint)) continue;
        usable.push_back(*cashu);
    }
    return usable;
}

std::vector<std::string> lightning_payments(const protocol::Listing& listing)
{
    std::vector<std::string> usable;
    for (const auto& payment : listing.payments) {
        const auto* lightning = std::get_if<protocol::LightningPayment>(&payment);
        if (!lightning || lightning->mechanism != protocol::kLnurlPay) continue;
        auto url = protocol::parse_lnurl(lightning->target);
        if (url && host_of_url(*url)) usable.push_back(std::move(*url));
    }
    return usable;
}

Result<std::string> host_of_url(std::string_view url)
{
    const auto wrong = [] { return Error{Reason::bad_encoding, "not an http or https URL"}; };
    std::string_view rest = url;
    if (rest.starts_with("https://"))
        rest.remove_prefix(8);
    else if (rest.starts_with("http://"))
        rest.remove_prefix(7);
    else
        return wrong();
    const std::string_view host = rest.substr(0, rest.find_first_of("/?#"));
    const bool plain = std::ranges::all_of(url, [](char c) { return c > ' ' && c < 0x7f; });
    if (host.empty() || !plain || host.find('@') != std::string_view::npos || url.size() > 2048) return wrong();
    std::string lower(host);
    std::ranges::transform(lower, lower.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return lower;
}

namespace {

std::string describe(const protocol::Tier& tier)
{
    return std::to_string(tier.index) + " (" + std::to_string(tier.price.count()) + " sat per " +
           std::string(protocol::unit_word(tier.unit)) + ")";
}

Result<protocol::Tier> choose_tier(const protocol::Listing& listing, const std::optional<std::string>& wanted)
{
    const auto tiers = protocol::sellable_tiers(listing.prices);
    if (tiers.empty()) return Error{Reason::bad_request, "the listing has no price in whole sat"};
    if (!wanted) return tiers.front();
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(wanted->data(), wanted->data() + wanted->size(), index);
    const bool number = error == std::errc() && end == wanted->data() + wanted->size();
    std::string there;
    for (const protocol::Tier& tier : tiers) {
        if (number ? tier.index == index : protocol::unit_word(tier.unit) == *wanted) return tier;
        there += (there.empty() ? "" : ", ") + describe(tier);
    }
    return Error{Reason::bad_request, "there is no tier " + printable(*wanted, 40) + "; there are: " + there};
}

Result<CashuPayment> choose_mint(const protocol::Listing& listing, const std::optional<std::string>& wanted)
{
    const auto payments = ecash_payments(listing);
    if (payments.empty())
        return Error{Reason::bad_request, "the listing names no mint, key and endpoint that ecash could be paid with"};
    if (!wanted) return payments.front();
    std::string there;
    for (const CashuPayment& payment : payments) {
        if (payments::cashu::same_mint(payment.mint, *wanted)) return payment;
        there += (there.empty() ? "" : ", ") + printable(payment.mint, 200);
    }
    return Error{Reason::bad_request,
                 "the operator does not take ecash of " + printable(*wanted, 200) + "; it takes that of: " + there};
}

} // namespace

Result<Offer> make_offer(const PublishedListing& published, const Wish& wish)
{
    const protocol::Listing& listing = published.listing;
    if (std::ranges::find(listing.protocols, protocol::kProtocolWireguard) == listing.protocols.end())
        return Error{Reason::bad_request, "the listing does not sell WireGuard"};
    const protocol::Tier tier = TRY(choose_tier(listing, wish.tier));
    const auto size = times(Sat(protocol::unit_size(tier.unit)), wish.quantity);
    if (wish.quantity == 0 || !size || !times(tier.price, wish.quantity))
        return Error{Reason::bad_request, "that quantity can not be bought"};
    const auto against = [&](const std::optional<protocol::Bound>& bound) {
        return bound ? protocol::compare_with_bound(protocol::dimension(tier.unit), size->count(), *bound)
                     : std::nullopt;
    };
    const auto words = [](const protocol::Bound& bound) {
        return std::to_string(bound.count) + " " + std::string(protocol::unit_word(bound.unit));
    };
    if (const auto order = against(listing.min_purchase); order && *order < 0)
        return Error{Reason::bad_request, "the least purchase is " + words(*listing.min_purchase)};
    if (const auto order = against(listing.max_purchase); order && *order > 0)
        return Error{Reason::bad_request, "the largest purchase is " + words(*listing.max_purchase)};
    Offer offer{{protocol::kKindListing, published.author, listing.d_tag},
                listing.title,
                tier.price_tag,
                tier.price,
                wish.quantity,
                {},
                {},
                {},
                {},
                tier.index};
    switch (wish.with) {
    case PayWith::ecash: {
        const CashuPayment payment = TRY(choose_mint(listing, wish.mint));
        offer.mint = TRY(payments::cashu::normalise_mint_url(payment.mint));
        offer.lock = TRY(payments::cashu::Point::parse_hex(payment.p2pk));
        offer.endpoint = *payment.endpoint;
        break;
    }
    case PayWith::lightning: {
        auto services = lightning_payments(listing);
        if (services.empty())
            return Error{Reason::bad_request, "the listing names no LNURL-pay service that could be paid"};
        offer.endpoint = std::move(services.front());
        break;
    }
    }
    offer.server = TRY(host_of_url(offer.endpoint));
    return offer;
}

} // namespace adit::cli
