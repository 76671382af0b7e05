// wg/link_message.h - the rtnetlink messages that make an interface and set what it is. Pure: bytes in, bytes out.
#pragma once

#include "wg/device.h"
#include "wg/wiped_bytes.h"

namespace adit::wg::netlink {

/// An interface as RTM_GETLINK shows it.
struct NumberedLink {
    std::uint32_t number = 0;
    std::string kind; // "wireguard", "tun", "veth", ...; empty for hardware
    std::uint32_t mtu = 0;
    bool up = false;
};

WipedBytes encode_get_link(std::string_view interface, std::uint32_t sequence);
/// Of a RTM_NEWLINK payload. Errors: device_unavailable (malformed).
Result<NumberedLink> parse_link(ByteView payload);

/// Refused by the kernel if the interface is there already. All of these are to be acknowledged.
WipedBytes encode_create_wireguard(std::string_view interface, std::uint32_t sequence);
/// Sets the MTU and brings it up.
WipedBytes encode_set_link(std::uint32_t number, std::uint32_t mtu, std::uint32_t sequence);
/// `address`: the interface's own, with the prefix of its network.
WipedBytes encode_add_address(std::uint32_t number, const AllowedIp& address, std::uint32_t sequence);
WipedBytes encode_remove_address(std::uint32_t number, const AllowedIp& address, std::uint32_t sequence);

} // namespace adit::wg::netlink
