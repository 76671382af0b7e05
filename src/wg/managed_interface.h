// wg/managed_interface.h - the WireGuard interface that the daemon makes, and keeps as the config has it.
#pragma once

#include "wg/device.h"
#include "wg/links.h"
#include "wg/open_device.h"
#include "wg/userspace_program.h"

#include <mutex>

namespace adit::wg {

struct InterfaceOptions {
    std::string interface;
    Backend backend = Backend::automatic; // not memory
    protocol::WireguardSecret private_key;
    std::uint16_t listen_port = 0;
    std::vector<AllowedIp> addresses; // its own, with the prefix of the network
    std::uint32_t mtu = 1420;
};

/// An interface of the right kind and name that has our private key, or none, is taken over and mended, never deleted
/// and made anew: a restart must not drop a tunnel. It stays when the daemon ends. One with another key is somebody
/// else's and left as it is.
class ManagedInterface {
public:
    /// All references must outlive it.
    ManagedInterface(InterfaceOptions options, Links& links, Device& device, UserspaceProgram& userspace);

    /// Errors: bad_config (an interface of that name is not ours to take; the detail says what to do),
    /// device_absent (no WireGuard to be had), device_unavailable.
    Result<void> keep();

private:
    Result<Link> make();
    Result<void> check_kind(const Link& link) const;
    Result<void> keep_key_and_port();
    Result<void> keep_addresses(const Link& link);

    const InterfaceOptions options_;
    const protocol::WireguardKey public_key_;
    Links& links_;
    Device& device_;
    UserspaceProgram& userspace_;
    std::mutex one_call_;
    bool ours_ = false; // configured by this process: whatever differs now, we put right
};

} // namespace adit::wg
