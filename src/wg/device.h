// wg/device.h - one WireGuard interface, seen as a set of peers.
// Three implementations: netlink_device.h (kernel), uapi_device.h (userspace), memory_device.h (tests and demos).
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "protocol/wireguard_key.h"

#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace adit::wg {

/// One host route, IPv4 or IPv6, in network order.
struct HostAddress {
    enum class Family { v4, v6 };
    Family family = Family::v4;
    ByteArray<16> bytes{}; // v4 uses the first four
    auto operator<=>(const HostAddress&) const = default;

    std::string text() const;                                // "10.8.0.2"
    static Result<HostAddress> parse(std::string_view text); // Errors: bad_encoding
};

struct AllowedIp {
    HostAddress address;
    std::uint8_t prefix = 32; // bits
    auto operator<=>(const AllowedIp&) const = default;
};

struct PeerPut {
    protocol::WireguardKey key;
    std::vector<HostAddress> addresses; // becomes exactly its allowed IPs, as host routes: 1 or 2 of them
    std::optional<protocol::WireguardSecret> preshared_key;
};
struct PeerRemove {
    protocol::WireguardKey key;
};
using PeerChange = std::variant<PeerPut, PeerRemove>;

struct PeerStatus {
    protocol::WireguardKey key;
    std::vector<AllowedIp> allowed_ips;
    std::uint64_t received_bytes = 0; // by the device from the peer, since the peer was put
    std::uint64_t sent_bytes = 0;
    std::optional<UnixSeconds> last_handshake; // none: never
};

struct DeviceStatus {
    std::optional<protocol::WireguardKey> public_key; // none: no private key set
    std::uint16_t listen_port = 0;
    std::vector<PeerStatus> peers;
};

/// What an interface has of its own, beside its peers.
struct DeviceSettings {
    protocol::WireguardSecret private_key;
    std::uint16_t listen_port = 0;
};

/// Calls block for at most 2 s: from workers only, never from the loop. Any worker may call at any time.
class Device {
public:
    virtual ~Device() = default;
    /// Puts and removes peers in one batch, in order. Repeating it changes nothing; peers not named stay as they are,
    /// but an allowed IP leaves the peer that had it before. Removing an absent peer is no error.
    /// Errors: device_absent (no such interface, so none of its peers exists), device_unavailable (any part may have
    /// happened; repeat the batch).
    virtual Result<void> apply(std::span<const PeerChange> changes) = 0;
    /// The device's own key and port, and all peers, in one dump. Errors: as apply.
    virtual Result<DeviceStatus> status() = 0;
    /// Sets key and port; peers stay as they are. Only for an interface that is ours to manage. Errors: as apply.
    virtual Result<void> configure(const DeviceSettings& settings) = 0;
};

} // namespace adit::wg
