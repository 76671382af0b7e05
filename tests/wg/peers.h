// tests/wg/peers.h - keys, addresses and batches for the tests of devices.
#pragma once

#include "wg/cidr.h"
#include "wg/device.h"

#include <algorithm>

namespace adit::wg {

/// A key that nobody has the secret of; different for every number.
inline protocol::WireguardKey key_number(std::uint32_t number)
{
    ByteArray<32> bytes{};
    for (unsigned i = 0; i < 4; ++i) bytes[i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
    bytes[31] = 0x40;
    bytes[16] = 0x77;
    return protocol::WireguardKey(bytes);
}

inline HostAddress address(std::string_view text) { return HostAddress::parse(text).value(); }
inline AllowedIp range(std::string_view text) { return parse_cidr(text).value(); }

/// 10.8.x.y for the number.
inline HostAddress address_number(std::uint32_t number)
{
    HostAddress out;
    out.bytes = {10, 8, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
    return out;
}

inline protocol::WireguardSecret secret_of(std::uint8_t fill)
{
    protocol::WireguardSecret out;
    std::ranges::fill(out.writable(), fill);
    return out;
}

inline PeerPut put(const protocol::WireguardKey& key, std::vector<HostAddress> addresses)
{
    return PeerPut{key, std::move(addresses), std::nullopt};
}

template<typename... Changes>
std::vector<PeerChange> batch(Changes... changes)
{
    std::vector<PeerChange> out;
    (out.emplace_back(std::move(changes)), ...);
    return out;
}

inline std::vector<PeerChange> puts(std::uint32_t count)
{
    std::vector<PeerChange> out;
    out.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) out.emplace_back(put(key_number(i + 1), {address_number(i + 1)}));
    return out;
}
inline std::vector<PeerChange> removals(std::uint32_t count)
{
    std::vector<PeerChange> out;
    for (std::uint32_t i = 0; i < count; ++i) out.emplace_back(PeerRemove{key_number(i + 1)});
    return out;
}

inline const PeerStatus* find(const DeviceStatus& status, const protocol::WireguardKey& key)
{
    const auto found = std::ranges::find(status.peers, key, &PeerStatus::key);
    return found == status.peers.end() ? nullptr : &*found;
}

} // namespace adit::wg
