// wg/usage.h - bytes used, from counters that start at zero again whenever a peer or the interface is made anew.
#pragma once

#include "wg/device.h"

#include <map>

namespace adit::wg {

/// Bytes, from the device's point of view.
struct Traffic {
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
    auto operator<=>(const Traffic&) const = default;
};

/// What was added between two readings of one peer. If either counter went down the peer is a new one, and all that it
/// counted is new.
Traffic added_traffic(const Traffic& before, const Traffic& now);

/// The last reading of every peer. Pure: it is fed with dumps and asks nobody.
class UsageMeter {
public:
    struct Step {
        protocol::WireguardKey key;
        Traffic added;
        Traffic counters; // what to remember() after a restart
    };

    /// At start, the reading that the store has. Without it, a peer's whole count is new.
    void remember(const protocol::WireguardKey& key, const Traffic& counters);
    /// Of a peer that we removed: were it put again, its new count could overtake the old one unseen.
    void forget(const protocol::WireguardKey& key);
    /// Takes a dump of all peers and gives those whose counters changed. A peer that is not in it is forgotten.
    std::vector<Step> read(std::span<const PeerStatus> peers);

private:
    std::map<protocol::WireguardKey, Traffic> last_;
};

} // namespace adit::wg
