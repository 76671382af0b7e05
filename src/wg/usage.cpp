#include "wg/usage.h"

namespace adit::wg {

Traffic added_traffic(const Traffic& before, const Traffic& now)
{
    const bool made_anew = now.received < before.received || now.sent < before.sent;
    if (made_anew) return now;
    return {now.received - before.received, now.sent - before.sent};
}

void UsageMeter::remember(const protocol::WireguardKey& key, const Traffic& counters)
{
    last_.insert_or_assign(key, counters);
}

void UsageMeter::forget(const protocol::WireguardKey& key) { last_.erase(key); }

std::vector<UsageMeter::Step> UsageMeter::read(std::span<const PeerStatus> peers)
{
    std::vector<Step> out;
    std::map<protocol::WireguardKey, Traffic> seen;
    for (const PeerStatus& peer : peers) {
        const Traffic now{peer.received_bytes, peer.sent_bytes};
        // Nodes move from the old map to the new one: no allocation for a peer that is known.
        auto node = last_.extract(peer.key);
        const Traffic before = node ? node.mapped() : Traffic{};
        if (const Traffic added = added_traffic(before, now); added != Traffic{} || before != now)
            out.push_back({peer.key, added, now});
        if (node) {
            node.mapped() = now;
            seen.insert(std::move(node));
        } else {
            seen.emplace(peer.key, now);
        }
    }
    last_ = std::move(seen);
    return out;
}

} // namespace adit::wg
