// wg/forwarding.h - whether this host passes packets on from one interface to another.
#pragma once

#include "base/result.h"

#include <filesystem>
#include <string_view>

namespace adit::wg {

enum class Forwarding {
    on,           // and was
    turned_on,    // by us
    off,          // and may not be turned on by us
    can_not_tell, // /proc is not there
};

inline constexpr std::string_view kForwarding4 = "net.ipv4.ip_forward";
inline constexpr std::string_view kForwarding6 = "net.ipv6.conf.all.forwarding";

/// Of the network namespace of the calling thread; `sysctls` is /proc/sys but in tests. Where IPv6 is turned on,
/// interfaces that learn their routes from router advertisements go on doing so (accept_ra = 2): a forwarding host
/// would stop to listen, and lose its own way out.
Forwarding ensure_forwarding4(const std::filesystem::path& sysctls = "/proc/sys");
Forwarding ensure_forwarding6(const std::filesystem::path& sysctls = "/proc/sys");

} // namespace adit::wg
