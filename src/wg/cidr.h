// wg/cidr.h - ranges of addresses in CIDR notation.
#pragma once

#include "wg/device.h"

namespace adit::wg {

/// Bits of an address of that family: 32 or 128.
inline constexpr unsigned bits_of(HostAddress::Family family) { return family == HostAddress::Family::v4 ? 32 : 128; }

/// "10.8.0.0/24", "fd00::/64", or a bare address (a host route). Bits behind the prefix are kept as they are.
/// Errors: bad_encoding.
Result<AllowedIp> parse_cidr(std::string_view text);
std::string cidr_text(const AllowedIp& range);

/// The same range with the bits behind the prefix cleared / set.
HostAddress first_address(const AllowedIp& range);
HostAddress last_address(const AllowedIp& range);

bool contains(const AllowedIp& range, const HostAddress& address);
/// Ranges of different families never overlap.
bool overlap(const AllowedIp& a, const AllowedIp& b);

} // namespace adit::wg
