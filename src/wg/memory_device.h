// wg/memory_device.h - an interface that exists in memory only, for tests and demos. It carries no packets.
#pragma once

#include "wg/device.h"

#include <map>
#include <mutex>

namespace adit::wg {

/// Behaves as the real ones do: allowed IPs move to the peer that gets them last, a peer that is removed and put again
/// starts counting at zero, the device's own key is passed over in silence. Thread-safe.
class MemoryDevice final : public Device {
public:
    explicit MemoryDevice(std::optional<protocol::WireguardKey> own_key = std::nullopt, std::uint16_t port = 51820)
        : own_key_(own_key), port_(port)
    {
    }

    Result<void> apply(std::span<const PeerChange> changes) override;
    Result<DeviceStatus> status() override;
    Result<void> configure(const DeviceSettings& settings) override;

    // From here on: what tests do to it.
    enum class Mood {
        works,
        refuses,               // device_unavailable, nothing is done
        refuses_after_half,    // device_unavailable, but the first half of the batch is done
        silent_after_applying, // device_unavailable, but all of it is done
        absent,                // device_absent, and all peers are gone
    };
    void set_mood(Mood mood);
    /// As a reboot does: no peers.
    void wipe();
    /// As another program would: a peer with ranges of its own, counters unchanged if it is there already.
    void put_foreign(const protocol::WireguardKey& key, const std::vector<AllowedIp>& allowed_ips);
    /// Nothing happens to a peer that is not there.
    void add_traffic(const protocol::WireguardKey& key, std::uint64_t received_bytes, std::uint64_t sent_bytes);
    void set_handshake(const protocol::WireguardKey& key, UnixSeconds time);
    bool has(const protocol::WireguardKey& key) const;
    /// Of a peer that is there and has one.
    std::optional<ByteArray<32>> preshared_key(const protocol::WireguardKey& key) const;

private:
    struct Peer {
        std::vector<AllowedIp> allowed_ips;
        std::optional<protocol::WireguardSecret> preshared_key;
        std::uint64_t received_bytes = 0;
        std::uint64_t sent_bytes = 0;
        std::optional<UnixSeconds> last_handshake;
    };
    void apply_one(const PeerChange& change);
    Peer& put(const protocol::WireguardKey& key, const std::vector<AllowedIp>& allowed_ips);
    void remove(const protocol::WireguardKey& key);

    mutable std::mutex one_call_;
    std::optional<protocol::WireguardKey> own_key_;
    std::uint16_t port_;
    Mood mood_ = Mood::works;
    std::map<protocol::WireguardKey, Peer> peers_;
    std::map<AllowedIp, protocol::WireguardKey> owners_; // of each allowed IP
};

} // namespace adit::wg
