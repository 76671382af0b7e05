// operate/check_host.h - what the tunnels need of this machine: the device, its port and address, forwarding, routes.
#pragma once

#include "operate/side_by_side.h"

#include "app/config.h"
#include "base/clock.h"
#include "wg/device.h"

namespace adit::operate {

/// Pure. `status`: of the device that the config names.
Findings judge_device(const app::WireguardConfig& wireguard, const Result<wg::DeviceStatus>& status, UnixSeconds now);
/// Pure. Whether the host sends the subnet's packets into the interface, and nowhere else.
enum class Interface { there, absent };
Findings judge_routes(const app::WireguardConfig& wireguard, const wg::HostNetwork& host, Interface interface);
/// Pure. `setting`: what the kernel's file holds, or why it can not be read.
Finding judge_forwarding(const app::WireguardConfig& wireguard, const std::string& file,
                         const Result<std::string>& setting);

/// All of it, as this host is now. Changes nothing; 2 s for each.
Findings look_at_device(const app::WireguardConfig& wireguard, const Clock& clock);
Findings look_at_routes(const app::WireguardConfig& wireguard);
Findings look_at_forwarding(const app::WireguardConfig& wireguard);

} // namespace adit::operate
