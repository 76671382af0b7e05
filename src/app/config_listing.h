// app/config_listing.h - the [listing] part of the config: what is published, and what of it can be sold.
#pragma once

#include "app/config.h"
#include "app/config_reader.h"

namespace adit::app {

/// A cashu payment method, for the checks that need other sections too.
struct CashuMethod {
    std::string mint;
    std::string p2pk;
    std::string endpoint;
    Place mint_place;
    Place p2pk_place;
    Place endpoint_place;
};
struct LightningMethod {
    std::string endpoint;
    std::string mechanism;
    Place place;
    Place endpoint_place;
};

struct ListingPart {
    protocol::Listing listing; // its cashu methods included; the lightning ones join once they are known to be sold
    protocol::LegacyTag legacy_tag = protocol::LegacyTag::with;
    std::vector<CashuMethod> cashu;
    std::vector<LightningMethod> lightning;
    Place payments_place;
    std::vector<std::uint32_t> max_mbps; // of each price; 0: none said
    std::optional<Place> max_mbps_place; // of the first that is said
};

ListingPart read_listing(Section listing);

} // namespace adit::app
