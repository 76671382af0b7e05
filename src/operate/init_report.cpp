#include "operate/init_report.h"

#include "cli/printable.h"
#include "payments/cashu/curve.h"
#include "protocol/constants.h"
#include "protocol/nip19.h"
#include "wg/host_routes.h"

#include <algorithm>

namespace adit::operate {

namespace {

constexpr std::size_t kMostRelaysInAddress = 3;

bool is_public(const wg::HostAddress& address)
{
    const auto& b = address.bytes;
    if (address.family == wg::HostAddress::Family::v6) return (b[0] & 0xe0) == 0x20; // 2000::/3
    const bool own = b[0] == 0 || b[0] == 10 || b[0] == 127 || b[0] >= 224 || (b[0] == 172 && (b[1] & 0xf0) == 16) ||
                     (b[0] == 192 && b[1] == 168) || (b[0] == 169 && b[1] == 254) ||
                     (b[0] == 100 && (b[1] & 0xc0) == 64);
    return !own;
}

struct Name {
    std::string host;
    std::string port; // "": the scheme's own
};

Name split(const std::string& host)
{
    const std::size_t colon = host.rfind(':');
    const bool has_port = colon != std::string::npos && (host.find(':') == colon || host[colon - 1] == ']');
    if (!has_port) return {host, ""};
    return {host.substr(0, colon), host.substr(colon + 1)};
}

std::string dns_lines(const std::string& name, const std::vector<wg::HostAddress>& addresses)
{
    if (wg::HostAddress::parse(name) || name.starts_with("[")) return ""; // no name, but an address
    std::string lines;
    for (const auto family : {wg::HostAddress::Family::v4, wg::HostAddress::Family::v6}) {
        const bool v4 = family == wg::HostAddress::Family::v4;
        const auto found = std::ranges::find(addresses, family, &wg::HostAddress::family);
        if (found == addresses.end() && !v4) continue;
        lines += "  " + name + (v4 ? "  A     " : "  AAAA  ") +
                 (found == addresses.end() ? "the public IPv4 address of this machine" : found->text()) + "\n";
    }
    return lines;
}

std::vector<wg::HostAddress> public_addresses()
{
    std::vector<wg::HostAddress> out;
    if (const auto host = wg::read_host_network())
        for (const auto& each : host->addresses)
            if (is_public(each.address)) out.push_back(each.address);
    return out;
}

} // namespace

void InitReport::line(const std::string& verb, const std::filesystem::path& path, const std::string& what)
{
    lines += cli::fitted(verb, 6) + cli::fitted(path.string(), std::max<std::size_t>(44, path.string().size() + 2)) +
             what + "\n";
}

void InitReport::written(const std::filesystem::path& path, Written how)
{
    switch (how) {
    case Written::made:
        return made(path, "");
    case Written::kept_same:
        return kept(path, "as it would be written now");
    case Written::kept_other:
        return kept(path, "it says other things than this run would: compare, or move it away and run again");
    }
}

Result<std::string> what_now(const app::Config& config, const ShopPlaces& places)
{
    const auto operator_key = config.nostr.key.public_key();
    protocol::Naddr address{config.listing.d_tag, config.nostr.relays, operator_key, protocol::kKindListing};
    if (address.relays.size() > kMostRelaysInAddress) address.relays.resize(kMostRelaysInAddress);
    const std::string naddr = TRY(protocol::encode_naddr(address));
    const Name web = split(config.server.public_host);
    const std::string udp = std::to_string(config.wireguard.endpoint_port);
    const std::string config_path = places.config().string();

    std::string text =
        "\nThe operator     " + protocol::encode_npub(operator_key) + "\nThe listing      " + naddr + "\n";
    if (config.cashu.sales_key)
        text += "Tokens locked to " + payments::cashu::even_point(config.cashu.sales_key->public_key()).hex() + "\n";

    text += "\nOpen in the firewall\n  TCP " + (web.port.empty() ? "443" : web.port) +
            "    https, to the proxy in front\n  TCP 80     for its certificate\n  UDP " + udp +
            std::string(udp.size() < 5 ? 5 - udp.size() : 0, ' ') + "  WireGuard\n";

    const auto addresses = public_addresses();
    std::string dns = dns_lines(web.host, addresses);
    if (config.wireguard.endpoint_host != web.host) dns += dns_lines(config.wireguard.endpoint_host, addresses);
    if (!dns.empty()) text += "\nSet in DNS\n" + dns;

    text += "\nKeep a copy, away from this machine\n"
            "  the wallet's 12 words    `adit init --dir " +
            places.folder.string() + " --show-words` prints them: write them down\n  " + places.secrets().string() +
            "  who has it has the money and the name\n";

    text += "\nThen\n";
    switch (places.daemon_runs) {
    case Runs::on_host:
        text +=
            "  https    copy " + (places.deploy / "Caddyfile").string() +
            " to /etc/caddy/Caddyfile and restart caddy\n"
            "  daemon   `systemctl enable --now aditd` with the package; without it, copy aditd.service from there to "
            "/etc/systemd/system first\n";
        break;
    case Runs::in_container:
        text += "  start    `docker build -t adit .` in the repository, then `docker compose up -d` in " +
                places.deploy.string() + "\n";
        break;
    }
    if (!config.wireguard.manage)
        text += "  tunnels  make " + config.wireguard.interface + " with the private key in " +
                config.wireguard.private_key_file.string() + "\n";
    text += "  look     `adit check --config " + config_path +
            "` looks at all of it, `adit listing status` asks the daemon\n";
    return text;
}

} // namespace adit::operate
