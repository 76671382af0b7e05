// operate/listing_look.h - a listing as relays have it, judged as directory sites and buyers' software judge it. Pure.
// spec: Listing
#pragma once

#include "cli/find_listing.h"
#include "operate/finding.h"

namespace adit::operate {

/// What one relay had of an operator.
struct RelaySight {
    std::string url;
    nostr::Coverage coverage = nostr::Coverage::silent;
    std::string message = {};                 // the relay's or the network's words, printable
    std::vector<protocol::Event> events = {}; // verified: the operator's listings and deletions
};

struct Sighting {
    std::optional<protocol::Event> event; // the newest version; none: there is nothing more to look at
    std::vector<Finding> findings;        // "relays", "listing-present", "listing-fresh"
};
/// The one listing that `target` names, or the only one of its operator.
Sighting judge_presence(std::span<const RelaySight> relays, const cli::Target& target, UnixSeconds now);

/// Whether addresses of this machine or of a private network may be meant: where the relays are on this machine too.
enum class Place { internet, own_world };
Place place_of(std::span<const RelaySight> relays);

/// "listing-shape", "listing-tag", "listing-status", "listing-prices", "cashu-method", "p2pk-format", "endpoint-url",
/// "lightning-method". Each looks at the tags by itself, so that one fault hides no other.
std::vector<Finding> judge_listing(const protocol::Event& event, Place place);

/// A payment tag as it stands there.
struct CashuTag {
    std::string mint;
    std::string key;
    std::string endpoint;
};

/// What the listing says that the rest of the world can be compared with. Nothing in it has passed a check.
struct Listed {
    protocol::PublicKey author;
    std::string d_tag;
    std::string title;
    std::vector<std::string> protocols;
    std::vector<protocol::Price> prices;
    std::vector<CashuTag> cashu;
    std::vector<std::string> lnurl_pay; // targets of lightning methods of that mechanism
};
Listed read_listed(const protocol::Event& event);

/// "https://vpn.example.com" of "https://vpn.example.com/purchase". Errors: bad_encoding.
Result<std::string> origin_of_url(std::string_view url);

} // namespace adit::operate
