#include "app/config_manage.h"

#include "wg/cidr.h"
#include "wg/firewall_text.h"

#include <algorithm>

namespace adit::app {

namespace {

/// Buyers ask these over the tunnel, where private networks are closed to them.
void check_resolvers(Section& section, Place place, const WireguardConfig& wireguard)
{
    std::vector<wg::HostAddress> own;
    for (const auto* subnet : {&wireguard.subnet, wireguard.subnet6 ? &*wireguard.subnet6 : nullptr}) {
        if (subnet == nullptr) continue;
        if (const auto network = wg::tunnel_network(*subnet)) own.push_back(network->own);
    }
    for (const std::string& text : wireguard.dns) {
        const auto resolver = wg::HostAddress::parse(text);
        if (!resolver || !wg::is_closed_to_peers(*resolver)) continue;
        if (std::ranges::find(own, *resolver) != own.end()) continue;
        section.error(place, "dns",
                      shown(text) + " is in a range that manage closes to buyers, expected a public resolver, or " +
                          (own.empty() ? "the tunnel's own address" : own.front().text()) +
                          " if this host answers there");
    }
}

} // namespace

void read_manage(Section& section, Place manage, Place dns, WireguardConfig& wireguard)
{
    const auto port = section.number("listen_port");
    wireguard.listen_port =
        port.given && !port.wrong ? static_cast<std::uint16_t>(port.value) : wireguard.endpoint_port;
    const auto blocked = section.numbers("blocked_ports");
    for (const std::uint64_t number : blocked.value)
        wireguard.blocked_ports.push_back(static_cast<std::uint16_t>(number));
    if (!wireguard.manage) {
        if (port.given)
            section.warn(port.place, "listen_port", "has no effect without manage = true: the port is the interface's");
        if (blocked.given)
            section.warn(blocked.place, "blocked_ports",
                         "has no effect without manage = true: close them in your own firewall");
        return;
    }
    if (wireguard.private_key_file.empty())
        section.error(manage, "private_key_file",
                      "is missing, expected a file of what `wg genkey` writes: manage = true sets it on the interface");
    if (wireguard.backend == WireguardBackend::memory)
        section.error(manage, "manage",
                      "does not go with backend = \"memory\", expected \"auto\", \"kernel\" or \"userspace\"");
    check_resolvers(section, dns, wireguard);
}

void check_speeds(Section listing, const ListingPart& part, const WireguardConfig& wireguard)
{
    if (wireguard.manage || !part.max_mbps_place) return;
    listing.error(*part.max_mbps_place, "prices.max_mbps",
                  "can not be enforced on an interface that adit does not manage, expected wireguard.manage = true, or "
                  "no limit");
}

} // namespace adit::app
