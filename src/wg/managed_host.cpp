#include "wg/managed_host.h"

#include "base/log.h"
#include "wg/cidr.h"
#include "wg/forwarding.h"

#include <algorithm>

namespace adit::wg {

namespace {

void tell_of_forwarding(Forwarding state, std::string_view name, bool& told)
{
    const bool was_told = std::exchange(told, state == Forwarding::off || state == Forwarding::can_not_tell);
    switch (state) {
    case Forwarding::on:
        break;
    case Forwarding::turned_on:
        log_info("forwarding_turned_on", {{"sysctl", name}});
        break;
    case Forwarding::off:
        if (!was_told)
            log_warn("forwarding_is_off", {{"sysctl", name},
                                           {"detail", "tunnels lead nowhere, and this process may not turn it on: run "
                                                      "`sysctl -w " +
                                                          std::string(name) +
                                                          "=1` on the host, or set it in the unit, compose file or "
                                                          "manifest"}});
        break;
    case Forwarding::can_not_tell:
        if (!was_told) log_warn("forwarding_not_known", {{"sysctl", name}, {"detail", "/proc/sys can not be read"}});
        break;
    }
}

} // namespace

Result<std::unique_ptr<ManagedHost>> ManagedHost::open(ManagedHostOptions options, Device& device)
{
    FirewallPlan plan;
    plan.interface = options.interface.interface;
    plan.v4 = TRY(tunnel_network(options.subnet));
    if (options.subnet6) plan.v6 = TRY(tunnel_network(*options.subnet6));
    options.interface.addresses = {{plan.v4.own, plan.v4.subnet.prefix}};
    if (plan.v6) options.interface.addresses.push_back({plan.v6->own, plan.v6->subnet.prefix});
    for (const HostAddress& resolver : options.dns)
        if (resolver == plan.v4.own || (plan.v6 && resolver == plan.v6->own)) plan.resolvers.push_back(resolver);
    plan.blocked_ports = std::move(options.blocked_ports);
    return std::unique_ptr<ManagedHost>(
        new ManagedHost(std::move(options.interface), std::move(plan), std::move(options.speeds), device));
}

ManagedHost::ManagedHost(InterfaceOptions interface, FirewallPlan plan, std::set<std::uint32_t> speeds, Device& device)
    : v6_(plan.v6.has_value()), addresses_(interface.addresses),
      interface_(std::move(interface), links_, device, wireguard_go_),
      firewall_(std::move(plan), std::move(speeds), nft_)
{
}

Result<void> ManagedHost::keep()
{
    const std::lock_guard lock(one_call_);
    TRY(firewall_.keep());
    TRY(interface_.keep());
    keep_forwarding();
    return {};
}

void ManagedHost::keep_forwarding()
{
    tell_of_forwarding(ensure_forwarding4(), kForwarding4, told_4_);
    if (v6_) tell_of_forwarding(ensure_forwarding6(), kForwarding6, told_6_);
}

Result<void> ManagedHost::set_speeds(std::span<const PeerSpeed> speeds) { return firewall_.set_speeds(speeds); }

} // namespace adit::wg
