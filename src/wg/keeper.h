// wg/keeper.h - what stands around a device that the daemon manages: the interface itself, the packet filter, the speed
// of each peer. Implemented by managed_host.h.
#pragma once

#include "wg/device.h"

namespace adit::wg {

/// How fast a peer's tunnel may be, each way.
struct PeerSpeed {
    std::vector<HostAddress> addresses;
    std::uint32_t max_mbps = 0; // 10^6 bits per second; 0: no limit
};

/// Calls block, as long as a program of others takes (some ms; after a boot some s): from workers only. Thread-safe.
class Keeper {
public:
    virtual ~Keeper() = default;
    /// Makes what is not there and mends what differs; nothing is done where all is as it should be. What was put on
    /// an interface that had to be made anew is gone. Errors: bad_config (the operator must act: the detail says how),
    /// device_unavailable (try again).
    virtual Result<void> keep() = 0;
    /// The speed of those peers from now on, and through every later keep(). Before a peer is put: no packet of it is
    /// to pass unlimited. Errors: device_unavailable (there is no packet filter to limit it).
    virtual Result<void> set_speeds(std::span<const PeerSpeed> speeds) = 0;
};

} // namespace adit::wg
