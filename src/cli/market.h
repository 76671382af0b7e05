// cli/market.h - offers out of what relays hold. spec: Listing, NIP-01, NIP-09, NIP-40
#pragma once

#include "cli/record.h"
#include "protocol/filter.h"

namespace adit::cli {

/// The listings of the marketplace, under either tag, or one operator's.
std::vector<protocol::Filter> listing_filters(const std::optional<protocol::PublicKey>& author);
/// What the authors of these events have deleted; none for no events.
std::vector<protocol::Filter> deletion_filters(std::span<const protocol::Event> events);

/// Of verified events in any order, repeated or not: the newest listing of each coordinate, deleted and expired ones
/// left out, and those that can not be bought from. Newest first.
std::vector<protocol::PublishedListing> listings_of(std::span<const protocol::Event> events, UnixSeconds now);

enum class PayWith { ecash, lightning };

/// What a user asks for. `tier`: an index from 0 as `adit browse` shows it, or a unit word.
struct Wish {
    std::optional<std::string> tier; // none: the first that can be bought
    std::uint64_t quantity = 1;
    std::optional<std::string> mint; // none: the token's, else the listing's first
    PayWith with = PayWith::ecash;
};

/// Errors: bad_request (the tier, the quantity or the mint can not be had: the detail says what can).
Result<Offer> make_offer(const protocol::PublishedListing& published, const Wish& wish);

/// The payments of a listing that adit can make with ecash: with endpoint and a proper key.
std::vector<protocol::CashuPayment> ecash_payments(const protocol::Listing& listing);
/// And those over Lightning: the URLs of its LNURL-pay services.
std::vector<std::string> lightning_payments(const protocol::Listing& listing);
/// "host" or "host:port" of an http or https URL. Errors: bad_encoding.
Result<std::string> host_of_url(std::string_view url);

} // namespace adit::cli
