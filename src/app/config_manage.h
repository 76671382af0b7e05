// app/config_manage.h - what [wireguard].manage adds to the config, and what needs it.
#pragma once

#include "app/config_listing.h"

namespace adit::app {

/// The keys of a managed interface, and whether the rest of [wireguard] goes with them. After all other keys that it
/// looks at: interface, subnets, dns, backend, the private key.
void read_manage(Section& section, Place manage, Place dns, WireguardConfig& wireguard);

/// A speed limit is enforced by the packet filter of a managed interface, and by nothing else.
void check_speeds(Section listing, const ListingPart& part, const WireguardConfig& wireguard);

} // namespace adit::app
