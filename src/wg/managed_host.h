// wg/managed_host.h - [wireguard].manage: interface, packet filter and forwarding, kept together.
#pragma once

#include "wg/firewall.h"
#include "wg/managed_interface.h"

#include <memory>

namespace adit::wg {

struct ManagedHostOptions {
    InterfaceOptions interface; // its addresses are set from the subnets
    AllowedIp subnet;
    std::optional<AllowedIp> subnet6;
    std::vector<HostAddress> dns; // what peers are told to ask; those that are our own are let through
    std::vector<std::uint16_t> blocked_ports;
    std::set<std::uint32_t> speeds; // Mbps that are sold
};

/// The packet filter is there before the interface is up, and nothing is put on an interface without it.
class ManagedHost final : public Keeper {
public:
    /// `device`: of that interface; must outlive it. Nothing is done before the first keep(). Errors: bad_config.
    static Result<std::unique_ptr<ManagedHost>> open(ManagedHostOptions options, Device& device);

    /// The interface's own, with the prefix of their networks.
    const std::vector<AllowedIp>& addresses() const { return addresses_; }
    Result<void> keep() override;
    Result<void> set_speeds(std::span<const PeerSpeed> speeds) override;

private:
    ManagedHost(InterfaceOptions interface, FirewallPlan plan, std::set<std::uint32_t> speeds, Device& device);
    void keep_forwarding();

    const bool v6_;
    const std::vector<AllowedIp> addresses_;
    KernelLinks links_;
    WireguardGoProgram wireguard_go_;
    NftProgram nft_;
    ManagedInterface interface_;
    Firewall firewall_;
    std::mutex one_call_;
    bool told_4_ = false; // what the operator must know of forwarding is said once, until it changes
    bool told_6_ = false;
};

} // namespace adit::wg
