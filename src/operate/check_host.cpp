#include "operate/check_host.h"

#include "base/ascii.h"
#include "wg/cidr.h"
#include "wg/open_device.h"

#include <algorithm>
#include <cstring>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace adit::operate {

namespace {

constexpr Seconds kLately{24 * 3600};
constexpr const char* kManaged = "; aditd makes it when it starts ([wireguard] manage = true)";

bool needs_rights(const Error& error)
{
    return error.detail.find("CAP_NET_ADMIN") != std::string::npos ||
           error.detail.find("ermission denied") != std::string::npos ||
           error.detail.find("not permitted") != std::string::npos;
}

wg::Backend backend_of(app::WireguardBackend backend)
{
    switch (backend) {
    case app::WireguardBackend::automatic:
        return wg::Backend::automatic;
    case app::WireguardBackend::kernel:
        return wg::Backend::kernel;
    case app::WireguardBackend::userspace:
        return wg::Backend::userspace;
    case app::WireguardBackend::memory:
        return wg::Backend::memory;
    }
    return wg::Backend::automatic;
}

Finding no_device(const app::WireguardConfig& wireguard)
{
    const std::string what = "there is no WireGuard interface " + wireguard.interface;
    if (wireguard.manage) return {"wireguard-device", Level::ok, what + " yet" + kManaged};
    return {"wireguard-device", Level::fail, what,
            "make it (wg-quick up " + wireguard.interface +
                "), or name the right one in [wireguard] interface, or set manage = true"};
}

/// What the interface is to be called in its own subnet: "10.66.42.1/24".
std::string gateway_of(const app::Network& subnet)
{
    wg::HostAddress address = wg::first_address(subnet);
    address.bytes[wg::bits_of(address.family) / 8 - 1] |= 1U;
    return address.text() + "/" + std::to_string(subnet.prefix);
}

/// What is seen of UDP from the outside is seen in handshakes.
Finding judge_handshakes(const app::WireguardConfig& wireguard, const wg::DeviceStatus& status, UnixSeconds now)
{
    std::optional<UnixSeconds> latest;
    for (const wg::PeerStatus& peer : status.peers)
        if (peer.last_handshake) latest = std::max(latest.value_or(*peer.last_handshake), *peer.last_handshake);
    if (latest && now - *latest < kLately)
        return {"udp-from-outside", Level::ok,
                "a peer shook hands " + std::to_string((now - *latest).count()) + " s ago, so that packets get here"};
    return {"udp-from-outside", Level::warn,
            "not looked at, because a host can not see its own firewall from outside, and no peer has shaken hands in "
            "the last day",
            "open UDP port " + std::to_string(wireguard.endpoint_port) +
                " in the host's firewall and in the provider's, and buy a tunnel from another network"};
}

} // namespace

Findings judge_device(const app::WireguardConfig& wireguard, const Result<wg::DeviceStatus>& status, UnixSeconds now)
{
    if (wireguard.backend == app::WireguardBackend::memory)
        return {{"wireguard-device", Level::warn, "[wireguard] backend is \"memory\": what is sold does not exist",
                 "set backend = \"auto\", unless this is a demonstration"}};
    if (!status && status.error().reason == Reason::device_absent) return {no_device(wireguard)};
    if (!status && needs_rights(status.error()))
        return {{"wireguard-device", Level::warn,
                 "not looked at, because this user may not ask the device: " + status.error().detail,
                 "run adit check as root, or with CAP_NET_ADMIN"}};
    if (!status)
        return {{"wireguard-device", Level::fail, status.error().detail,
                 "see whether `wg show " + wireguard.interface + "` works; aditd asks for the same"}};

    Findings found;
    const std::string shown = "wg show " + wireguard.interface;
    if (!status->public_key)
        found.push_back(
            wireguard.manage
                ? Finding{"wireguard-device", Level::ok, wireguard.interface + " has no key yet; aditd sets it"}
                : Finding{"wireguard-device", Level::fail, wireguard.interface + " has no private key",
                          "give it one: wg set " + wireguard.interface + " private-key FILE"});
    else if (wireguard.server_key && *status->public_key != *wireguard.server_key)
        found.push_back({"wireguard-key", Level::fail,
                         wireguard.interface + " has the public key " + status->public_key->base64() +
                             ", and buyers would be given " + wireguard.server_key->base64(),
                         "write the first one into [wireguard] server_pubkey (" + shown +
                             " public-key), or give the device the key that belongs to the second"});
    else
        found.push_back({"wireguard-device", Level::ok,
                         wireguard.interface + " is there, with the public key " + status->public_key->base64()});

    // A managed interface may listen on another port than clients dial, where something in front maps one to the other.
    if (status->listen_port == (wireguard.manage ? wireguard.listen_port : wireguard.endpoint_port))
        found.push_back({"udp-port", Level::ok,
                         wireguard.interface + " listens on UDP port " + std::to_string(status->listen_port)});
    else if (wireguard.manage)
        found.push_back(
            {"udp-port", Level::ok,
             wireguard.interface + " listens on another port than the config says; aditd sets it when it starts"});
    else
        found.push_back({"udp-port", Level::fail,
                         wireguard.interface + " listens on UDP port " + std::to_string(status->listen_port) +
                             ", and buyers would be told " + std::to_string(wireguard.endpoint_port),
                         "set ListenPort of the device (wg set " + wireguard.interface + " listen-port " +
                             std::to_string(wireguard.endpoint_port) +
                             "), or [wireguard] endpoint_port to what it is. Where a router in front maps one to the "
                             "other on purpose, this is to be ignored"});
    found.push_back(judge_handshakes(wireguard, *status, now));
    return found;
}

Findings judge_routes(const app::WireguardConfig& wireguard, const wg::HostNetwork& host, Interface interface)
{
    Findings found;
    for (const app::Complaint& complaint : app::check_routes(wireguard, host)) {
        const std::size_t expected = complaint.rfind(", expected ");
        found.push_back({"subnet", Level::fail, complaint.substr(0, expected),
                         "choose another private network for it, such as 10.66.0.0/16 or 10.213.0.0/16, and give its "
                         "first address to " +
                             wireguard.interface});
    }
    if (!found.empty()) return found;
    const auto look = [&](const app::Network& subnet) {
        const std::string range = wg::cidr_text(subnet);
        const bool routed = std::ranges::any_of(host.routes, [&](const wg::HostRoute& route) {
            return route.interface == wireguard.interface && route.destination.prefix <= subnet.prefix &&
                   wg::contains(route.destination, subnet.address);
        });
        if (routed)
            found.push_back({"subnet", Level::ok, range + " leads to " + wireguard.interface + " and to nothing else"});
        else if (wireguard.manage || interface == Interface::absent)
            found.push_back({"subnet", Level::ok, range + " is free on this host"});
        else
            found.push_back({"subnet", Level::fail, range + " does not lead to " + wireguard.interface,
                             "ip address add " + gateway_of(subnet) + " dev " + wireguard.interface +
                                 ", and ip link set " + wireguard.interface + " up"});
    };
    look(wireguard.subnet);
    if (wireguard.subnet6) look(*wireguard.subnet6);
    return found;
}

Finding judge_forwarding(const app::WireguardConfig& wireguard, const std::string& file,
                         const Result<std::string>& setting)
{
    if (!setting)
        return {"forwarding", Level::warn, "not looked at, because " + setting.error().detail,
                "see whether " + file + " is 1"};
    if (trimmed(*setting, " \t\r\n") != "0") return {"forwarding", Level::ok, file + " is on"};
    if (wireguard.manage)
        return {"forwarding", Level::ok,
                file + " is off" +
                    std::string("; aditd switches it on where it may, and says "
                                "so at its start where it may not")};
    std::string key = file.substr(std::strlen("/proc/sys/"));
    std::ranges::replace(key, '/', '.');
    return {"forwarding", Level::fail, file + " is 0: no packet of a buyer leaves this host",
            "sysctl -w " + key + "=1, and a line \"" + key + " = 1\" in /etc/sysctl.d/99-adit.conf"};
}

Findings look_at_device(const app::WireguardConfig& wireguard, const Clock& clock)
{
    const auto device = wg::open_device({.backend = backend_of(wireguard.backend),
                                         .interface = wireguard.interface,
                                         .memory_public_key = wireguard.server_key});
    if (!device) return judge_device(wireguard, device.error(), clock.now());
    Findings found = judge_device(wireguard, (*device)->status(), clock.now());

    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return found;
    ifreq request{};
    wireguard.interface.copy(request.ifr_name, sizeof request.ifr_name - 1);
    if (::ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) == 0 && !wireguard.manage)
        found.push_back({"wireguard-device", Level::fail, wireguard.interface + " is down",
                         "ip link set " + wireguard.interface + " up"});
    ::close(fd);
    return found;
}

Findings look_at_routes(const app::WireguardConfig& wireguard)
{
    const auto host = wg::read_host_network();
    if (!host)
        return {{"subnet", Level::warn, "not looked at, because " + host.error().detail,
                 "see that `ip route` has nothing of " + wg::cidr_text(wireguard.subnet)}};
    const bool there = ::if_nametoindex(wireguard.interface.c_str()) != 0;
    return judge_routes(wireguard, *host, there ? Interface::there : Interface::absent);
}

Findings look_at_forwarding(const app::WireguardConfig& wireguard)
{
    if (wireguard.backend == app::WireguardBackend::memory) return {};
    Findings found;
    const auto look = [&](const char* file) {
        found.push_back(judge_forwarding(wireguard, file, read_file(file, 64)));
    };
    look("/proc/sys/net/ipv4/ip_forward");
    if (wireguard.subnet6) look("/proc/sys/net/ipv6/conf/all/forwarding");
    return found;
}

} // namespace adit::operate
