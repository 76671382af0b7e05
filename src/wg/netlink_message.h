// wg/netlink_message.h - the messages of the kernel's "wireguard" generic netlink family. Pure: bytes in, bytes out.
#pragma once

#include "wg/device.h"
#include "wg/wiped_bytes.h"

#include <optional>

namespace adit::wg::netlink {

/// Far below what the kernel's send buffer (208 KiB) and a nested attribute (64 KiB) can hold; small enough that a
/// deadline between two messages means something, since the kernel handles a message within the send call.
inline constexpr std::size_t kMessageLimit = std::size_t{32} * 1024;

/// Asks for the number that the family goes by on this kernel.
WipedBytes encode_get_family(std::uint32_t sequence);
/// Of the answer's payload. Errors: device_unavailable (malformed).
Result<std::uint16_t> parse_family(ByteView payload);

/// Asks for a dump of the device and its peers.
WipedBytes encode_get_device(std::uint16_t family, std::string_view interface, std::uint32_t sequence);

/// Sets the device's own private key and port, to be acknowledged.
WipedBytes encode_configure(std::uint16_t family, std::string_view interface, const DeviceSettings& settings,
                            std::uint32_t sequence);

/// Cuts a batch of any size into SET_DEVICE messages of at most `limit` bytes, in order, to be acknowledged one by
/// one. A peer that does not fit whole is continued in the next message; what replaces (its flags, its preshared key)
/// stands in its first fragment only. A put without preshared key writes zeros, which take an old one away.
class SetDeviceEncoder {
public:
    /// `changes` must outlive the encoder; limit >= 512.
    SetDeviceEncoder(std::uint16_t family, std::string_view interface, std::span<const PeerChange> changes,
                     std::uint32_t first_sequence, std::size_t limit = kMessageLimit);
    /// None when everything is encoded.
    std::optional<WipedBytes> next();
    /// Of the message that next() gave last.
    std::uint32_t sequence() const { return sequence_ - 1; }

private:
    std::uint16_t family_;
    std::string_view interface_;
    std::span<const PeerChange> changes_;
    std::uint32_t sequence_;
    std::size_t limit_;
    std::size_t change_ = 0;  // the next one to write
    std::size_t address_ = 0; // and the first of its addresses that is still to be written
};

/// Collects the answers to encode_get_device.
class DeviceDump {
public:
    enum class Progress { more, done, interrupted };

    explicit DeviceDump(std::uint32_t sequence) : sequence_(sequence) {}
    /// One datagram from the kernel; messages with another sequence are passed over. `interrupted`: the peers changed
    /// meanwhile, discard this dump and ask again. Errors: device_absent, device_unavailable.
    Result<Progress> feed(ByteView datagram);
    /// Once feed said done.
    DeviceStatus take() { return std::move(status_); }

private:
    Result<void> read_device(ByteView attributes);
    Result<void> read_peer(ByteView attributes);

    std::uint32_t sequence_;
    bool interrupted_ = false;
    DeviceStatus status_;
};

/// What a positive errno of the kernel, or of a socket call, says about the device. ENODEV, EOPNOTSUPP (an interface,
/// but not of WireGuard): device_absent. All else: device_unavailable.
Error error_of(int errno_value, std::string_view doing);

} // namespace adit::wg::netlink
