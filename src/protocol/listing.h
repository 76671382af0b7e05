// protocol/listing.h - the offer of an operator: Nostr kind 30402. spec: Listing, NIP-99
#pragma once

#include "base/money.h"
#include "protocol/coordinate.h" // Coordinate, encode_coordinate, parse_coordinate
#include "protocol/event.h"
#include "protocol/units.h"

#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace adit::protocol {

/// A `price` tag as it stands on the wire. Compare with same_price: amounts are equal as numbers, the rest as text.
struct Price {
    std::string amount; // decimal, kept exactly as written
    std::string currency;
    std::string unit; // may be one we do not know
    bool operator==(const Price&) const = default;
};

struct LightningPayment {
    std::string target;
    std::string mechanism; // "lnurl-pay", "bolt11", "keysend"
    bool operator==(const LightningPayment&) const = default;
};
struct CashuPayment {
    std::string mint;                    // URL
    std::string p2pk;                    // 66 hex digits where the operator did it right; kept as written
    std::optional<std::string> endpoint; // URL of the purchase; none in old listings, which can not be bought from
    bool operator==(const CashuPayment&) const = default;
};
struct UnknownPayment {
    Tag tag; // whole, for showing
    bool operator==(const UnknownPayment&) const = default;
};
using PaymentMethod = std::variant<LightningPayment, CashuPayment, UnknownPayment>;

struct Bound {
    std::uint64_t count = 0;
    Unit unit = Unit::hour;
    bool operator==(const Bound&) const = default;
};

enum class ListingStatus { active, sold };

struct Listing {
    std::string d_tag;
    std::string title;
    std::vector<std::string> protocols; // of those we know: "wireguard", "openvpn"
    std::vector<std::string> topics;    // further `t` tags
    std::vector<Price> prices;
    std::vector<PaymentMethod> payments;
    ListingStatus status = ListingStatus::active;
    std::string country; // "" where the location is not said
    std::string subdivision;
    std::string geohash; // the longest prefix, lowercase; "" for none
    std::string summary;
    std::optional<Bound> min_purchase;
    std::optional<Bound> max_purchase;
    std::optional<UnixSeconds> published_at; // of the first publication
    std::string image;                       // URL or ""
    std::optional<Price> capacity;           // amount and unit as text; its currency is unused and empty
    std::vector<std::string> policies;
    std::string policy_url;
    std::string protocol_config_url;
    std::string content; // Markdown
    bool operator==(const Listing&) const = default;
};

/// A listing as a relay gave it. Whether the signature is good is for the caller: verify(event).
struct PublishedListing {
    PublicKey author;
    EventId event_id;
    UnixSeconds created_at;
    Listing listing;
};

enum class LegacyTag { with, without };

/// Tags in the order that the reference writes them.
EventDraft listing_draft(const Listing& listing, UnixSeconds created_at, LegacyTag legacy);

/// Refuses what can not be bought from: neither marketplace tag, no known protocol, no `d`, no `title`, no usable price
/// or payment. Lists are cut at 64 entries. Errors: bad_encoding (the detail says which part is missing).
Result<PublishedListing> parse_listing(const Event& event);

/// Not sold, and older than 30 days: its operator has most likely gone.
bool is_stale(const PublishedListing& published, UnixSeconds now);

/// A price that can be sold for ecash: currency sat (any case), a whole amount of at least 1, a unit we know.
struct Tier {
    std::size_t index = 0; // into Listing::prices, 0-based; also the `p` of /lnurlp
    Price price_tag;
    Sat price; // of one unit
    Unit unit = Unit::hour;
    bool operator==(const Tier&) const = default;
};
std::vector<Tier> sellable_tiers(std::span<const Price> prices);

/// Amounts as numbers, currency and unit as text.
bool same_price(const Price& a, const Price& b);
/// The first tier with that price, or nullptr.
const Tier* find_tier(std::span<const Tier> tiers, const Price& price);

Tag price_tag(const Price& price);
/// None where an element is missing or the amount is no decimal.
std::optional<Price> parse_price_tag(const Tag& tag);

/// Seconds or bytes; none where it does not fit 64 bits.
std::optional<std::uint64_t> bound_size(const Bound& bound);
/// Below, at or above the bound; none where the dimensions differ, so that there is nothing to compare.
/// A bound beyond 64 bits is above everything.
std::optional<std::strong_ordering> compare_with_bound(Dimension dimension, std::uint64_t size, const Bound& bound);

/// Every prefix, lowercase, shortest first.
std::vector<std::string> geohash_ladder(std::string_view geohash);
/// 1 to 12 characters of the geohash alphabet, either case.
bool is_geohash(std::string_view text);

} // namespace adit::protocol
