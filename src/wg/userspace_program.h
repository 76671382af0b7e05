// wg/userspace_program.h - WireGuard without the kernel's help: the program that makes an interface and serves it.
#pragma once

#include "wg/program.h"

#include <memory>
#include <mutex>
#include <optional>

namespace adit::wg {

class UserspaceProgram {
public:
    virtual ~UserspaceProgram() = default;
    /// Returns once the interface is there and its socket answers. It goes on after us, so that tunnels outlive a
    /// restart; one that has ended is started anew. Errors: bad_config (no such program), device_unavailable.
    virtual Result<void> start(const std::string& interface) = 0;
};

/// Whether this process may open the tun device, and may make a socket in that folder or make the folder. Errors:
/// device_unavailable, with what to do.
Result<void> check_userspace_places(const std::string& tun, const std::string& socket_folder);

/// wireguard-go, from /usr/bin, /usr/local/bin or /usr/sbin.
class WireguardGoProgram final : public UserspaceProgram {
public:
    Result<void> start(const std::string& interface) override;

private:
    std::optional<LastingProgram> running_;
};

} // namespace adit::wg
