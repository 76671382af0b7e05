// wg/firewall_text.h - the nftables table of a managed interface, as text for `nft -f -`. Pure. spec: The packet filter
#pragma once

#include "wg/device.h"

#include <map>
#include <set>

namespace adit::wg {

/// An interface's own address and the network it stands for: what the daemon takes in each of its subnets.
struct TunnelNetwork {
    AllowedIp subnet;
    HostAddress own; // the first host address
};
/// Errors: bad_config (a subnet without a host address).
Result<TunnelNetwork> tunnel_network(const AllowedIp& subnet);

struct FirewallPlan {
    std::string interface;
    TunnelNetwork v4;
    std::optional<TunnelNetwork> v6;
    std::vector<HostAddress> resolvers;       // of our own addresses: where peers may ask for names
    std::vector<std::uint16_t> blocked_ports; // beside 25, TCP and UDP
};

/// What peers are kept from reaching, whatever the host routes to.
bool is_closed_to_peers(const HostAddress& address);

/// Mbps of each limited peer's addresses.
using SpeedTable = std::map<HostAddress, std::uint32_t>;

/// "adit_wg0": the only table that is ever touched. Spelled so that nft takes it, whatever the interface is called.
std::string firewall_table(std::string_view interface);
/// The whole table, in place of the one that is there. `classes`: every speed that it can limit to, those of `speeds`
/// included.
std::string firewall_text(const FirewallPlan& plan, const std::set<std::uint32_t>& classes, const SpeedTable& speeds);
/// The elements that go and come when `from` becomes `to`; empty for none.
std::string speed_changes_text(const FirewallPlan& plan, const SpeedTable& from, const SpeedTable& to);

} // namespace adit::wg
