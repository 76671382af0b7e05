// wg/host_routes.h - the host's own addresses and routes, over rtnetlink: what the tunnels' subnet must stay clear of.
#pragma once

#include "wg/device.h"

namespace adit::wg {

struct HostRoute {
    AllowedIp destination;
    std::string interface; // empty: several next hops, or none (unreachable, blackhole)
};
struct InterfaceAddress {
    std::string interface;
    HostAddress address;
    std::uint8_t prefix = 0;
};
struct HostNetwork {
    std::vector<HostRoute> routes; // of all tables but "local", default routes included
    std::vector<InterfaceAddress> addresses;

    std::vector<HostAddress> addresses_of(std::string_view interface) const;
};

/// Of the network namespace of the calling thread. Blocks for at most 2 s. Needs no privilege. Errors: io.
Result<HostNetwork> read_host_network();

/// The first route that shares an address with `subnet`, those of `own_interface` aside. Default routes, whole (/0) or
/// in halves (/1), lead everywhere and do not count.
std::optional<HostRoute> overlapping_route(const HostNetwork& network, const AllowedIp& subnet,
                                           std::string_view own_interface);

namespace netlink {

/// What rtnetlink answers, with the numbers of interfaces not yet made names. Pure.
struct NumberedRoute {
    AllowedIp destination;
    std::uint32_t interface = 0; // 0: none
};
struct NumberedAddress {
    std::uint32_t interface = 0;
    HostAddress address;
    std::uint8_t prefix = 0;
};
/// The payload of one RTM_NEWROUTE / RTM_NEWADDR; none if it is no route or address of ours to look at (another
/// family, the table of local addresses, cached routes). Errors: io (malformed).
Result<std::optional<NumberedRoute>> parse_route(ByteView payload);
Result<std::optional<NumberedAddress>> parse_address(ByteView payload);

} // namespace netlink

/// The addresses alone. As read_host_network.
Result<std::vector<netlink::NumberedAddress>> read_addresses();

} // namespace adit::wg
