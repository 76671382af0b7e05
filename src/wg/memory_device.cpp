#include "wg/memory_device.h"

#include "wg/cidr.h"

#include <algorithm>

namespace adit::wg {

Result<void> MemoryDevice::apply(std::span<const PeerChange> changes)
{
    if (changes.empty()) return {};
    const std::lock_guard lock(one_call_);
    std::size_t done = changes.size();
    switch (mood_) {
    case Mood::absent:
        return Error{Reason::device_absent, "the memory device was told so"};
    case Mood::refuses:
        done = 0;
        break;
    case Mood::refuses_after_half:
        done /= 2;
        break;
    case Mood::works:
    case Mood::silent_after_applying:
        break;
    }
    for (const PeerChange& change : changes.first(done)) apply_one(change);
    if (mood_ != Mood::works) return Error{Reason::device_unavailable, "the memory device was told so"};
    return {};
}

Result<DeviceStatus> MemoryDevice::status()
{
    const std::lock_guard lock(one_call_);
    if (mood_ == Mood::absent) return Error{Reason::device_absent, "the memory device was told so"};
    if (mood_ != Mood::works) return Error{Reason::device_unavailable, "the memory device was told so"};
    DeviceStatus out{own_key_, port_, {}};
    out.peers.reserve(peers_.size());
    for (const auto& [key, peer] : peers_)
        out.peers.push_back({key, peer.allowed_ips, peer.received_bytes, peer.sent_bytes, peer.last_handshake});
    return out;
}

Result<void> MemoryDevice::configure(const DeviceSettings& settings)
{
    const std::lock_guard lock(one_call_);
    if (mood_ == Mood::absent) return Error{Reason::device_absent, "the memory device was told so"};
    if (mood_ != Mood::works) return Error{Reason::device_unavailable, "the memory device was told so"};
    own_key_ = protocol::wireguard_public_key(settings.private_key);
    port_ = settings.listen_port;
    return {};
}

void MemoryDevice::apply_one(const PeerChange& change)
{
    const auto* wanted = std::get_if<PeerPut>(&change);
    if (wanted == nullptr) {
        remove(std::get<PeerRemove>(change).key);
        return;
    }
    if (wanted->key == own_key_) return;
    std::vector<AllowedIp> allowed_ips;
    for (const HostAddress& address : wanted->addresses)
        allowed_ips.push_back({address, static_cast<std::uint8_t>(bits_of(address.family))});
    Peer& peer = put(wanted->key, allowed_ips);
    peer.preshared_key.reset();
    if (wanted->preshared_key) peer.preshared_key = wanted->preshared_key->duplicate();
}

MemoryDevice::Peer& MemoryDevice::put(const protocol::WireguardKey& key, const std::vector<AllowedIp>& allowed_ips)
{
    Peer& peer = peers_[key];
    for (const AllowedIp& mine : peer.allowed_ips) owners_.erase(mine);
    peer.allowed_ips.clear();
    for (const AllowedIp& range : allowed_ips) {
        const AllowedIp wanted{first_address(range), range.prefix};
        const auto [owner, is_new] = owners_.emplace(wanted, key);
        if (!is_new) {
            std::erase(peers_.at(owner->second).allowed_ips, wanted);
            owner->second = key;
        }
        peer.allowed_ips.push_back(wanted);
    }
    return peer;
}

void MemoryDevice::remove(const protocol::WireguardKey& key)
{
    const auto found = peers_.find(key);
    if (found == peers_.end()) return;
    for (const AllowedIp& mine : found->second.allowed_ips) owners_.erase(mine);
    peers_.erase(found);
}

void MemoryDevice::set_mood(Mood mood)
{
    const std::lock_guard lock(one_call_);
    mood_ = mood;
    if (mood != Mood::absent) return;
    peers_.clear();
    owners_.clear();
}

void MemoryDevice::wipe()
{
    const std::lock_guard lock(one_call_);
    peers_.clear();
    owners_.clear();
}

void MemoryDevice::put_foreign(const protocol::WireguardKey& key, const std::vector<AllowedIp>& allowed_ips)
{
    const std::lock_guard lock(one_call_);
    put(key, allowed_ips);
}

void MemoryDevice::add_traffic(const protocol::WireguardKey& key, std::uint64_t received_bytes,
                               std::uint64_t sent_bytes)
{
    const std::lock_guard lock(one_call_);
    const auto found = peers_.find(key);
    if (found == peers_.end()) return;
    found->second.received_bytes += received_bytes;
    found->second.sent_bytes += sent_bytes;
}

void MemoryDevice::set_handshake(const protocol::WireguardKey& key, UnixSeconds time)
{
    const std::lock_guard lock(one_call_);
    const auto found = peers_.find(key);
    if (found != peers_.end()) found->second.last_handshake = time;
}

bool MemoryDevice::has(const protocol::WireguardKey& key) const
{
    const std::lock_guard lock(one_call_);
    return peers_.contains(key);
}

std::optional<ByteArray<32>> MemoryDevice::preshared_key(const protocol::WireguardKey& key) const
{
    const std::lock_guard lock(one_call_);
    const auto found = peers_.find(key);
    if (found == peers_.end() || !found->second.preshared_key) return std::nullopt;
    ByteArray<32> out;
    std::ranges::copy(found->second.preshared_key->expose(), out.begin());
    return out;
}

} // namespace adit::wg
