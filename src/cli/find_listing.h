// cli/find_listing.h - from what a user calls a listing to the listing.
#pragma once

#include "cli/buyer.h"
#include "cli/market.h"
#include "cli/relays.h"

namespace adit::cli {

struct Found {
    std::vector<protocol::PublishedListing> listings; // newest first
    std::string coverage;                             // what the relays did, in words
};

/// Blocking. Errors: bad_encoding (a relay's URL); relay_unavailable (none answered).
Result<Found> find_listings(const std::vector<std::string>& relays, const std::optional<protocol::PublicKey>& author,
                            const Clock& clock, Reporter& reporter);

/// An operator, perhaps one of its listings, perhaps where to look.
struct Target {
    protocol::PublicKey author;
    std::optional<std::string> d_tag;
    std::vector<std::string> relays;
};
/// naddr, npub, nprofile or 64 hex digits, also behind "nostr:". Errors: bad_encoding.
Result<Target> parse_target(std::string_view text);

/// With up to two of the relays as hints; "" for an identifier that can not be encoded.
std::string naddr_of(const protocol::PublishedListing& published, const std::vector<std::string>& relays);

} // namespace adit::cli
