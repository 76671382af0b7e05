// wg/links.h - the host's network interfaces, as far as making one of our own takes.
#pragma once

#include "wg/device.h"

namespace adit::wg {

struct Link {
    std::uint32_t number = 0;
    std::string kind; // "wireguard"; "tun": of a userspace WireGuard, or of something else
    std::uint32_t mtu = 0;
    bool up = false;
    std::vector<AllowedIp> addresses; // its own, link-local ones aside; the prefix is that of the network
};

/// Calls block for at most 2 s. Errors of all: device_unavailable (the detail has the kernel's words).
class Links {
public:
    virtual ~Links() = default;
    virtual Result<std::optional<Link>> find(const std::string& interface) = 0;
    /// Errors: device_absent: this kernel has no WireGuard.
    virtual Result<void> create_wireguard(const std::string& interface) = 0;
    /// Sets the MTU, and brings it up.
    virtual Result<void> set(const Link& link, std::uint32_t mtu) = 0;
    virtual Result<void> add_address(const Link& link, const AllowedIp& address) = 0;
    virtual Result<void> remove_address(const Link& link, const AllowedIp& address) = 0;
};

/// Over rtnetlink, in the network namespace of the calling thread. Changes need CAP_NET_ADMIN.
class KernelLinks final : public Links {
public:
    Result<std::optional<Link>> find(const std::string& interface) override;
    Result<void> create_wireguard(const std::string& interface) override;
    Result<void> set(const Link& link, std::uint32_t mtu) override;
    Result<void> add_address(const Link& link, const AllowedIp& address) override;
    Result<void> remove_address(const Link& link, const AllowedIp& address) override;
};

} // namespace adit::wg
