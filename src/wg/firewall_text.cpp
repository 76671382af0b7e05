#include "wg/firewall_text.h"

#include "wg/cidr.h"

#include <algorithm>
#include <array>

namespace adit::wg {

namespace {

using Family = HostAddress::Family;

// Private, shared (CGNAT), loopback, link-local (with the clouds' metadata), reserved, multicast, broadcast; and the
// one public address that a cloud has its metadata on. Documentation ranges lead nowhere and may stay.
constexpr std::array<std::string_view, 13> kClosedV4{
    "0.0.0.0/8",      "10.0.0.0/8",    "100.64.0.0/10", "127.0.0.0/8",    "168.63.129.16/32",
    "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",  "192.168.0.0/16", "198.18.0.0/15",
    "224.0.0.0/4",    "240.0.0.0/4",   "192.88.99.0/24"};
// Only 2000::/3 is given out to hosts of the internet: all private, link-local, mapped and multicast ranges are beyond
// it. Within it, those that carry an IPv4 address to be delivered to.
constexpr std::string_view kOpenV6 = "2000::/3";
constexpr std::array<std::string_view, 2> kClosedV6{"2001::/32", "2002::/16"};

constexpr std::uint16_t kSmtp = 25;
// The bucket holds what a second lets through and this much more.
constexpr std::uint64_t kLeastBurstBytes = 20'000;

std::string_view family_digit(Family family) { return family == Family::v4 ? "4" : "6"; }
std::string_view family_word(Family family) { return family == Family::v4 ? "ip" : "ip6"; }

std::string set_name(std::string_view direction, Family family, std::uint32_t mbps)
{
    return std::string(direction) + std::string(family_digit(family)) + "_" + std::to_string(mbps);
}

std::string limit_text(std::uint32_t mbps)
{
    const std::uint64_t bytes = std::uint64_t{mbps} * 125'000;
    const std::uint64_t burst = std::max(kLeastBurstBytes, bytes / 10);
    return "limit rate over " + std::to_string(bytes) + " bytes/second burst " + std::to_string(burst) + " bytes";
}

std::vector<Family> families_of(const FirewallPlan& plan)
{
    if (plan.v6) return {Family::v4, Family::v6};
    return {Family::v4};
}

template<typename Texts>
std::string joined(const Texts& texts)
{
    std::string out;
    for (const auto& text : texts) {
        if (!out.empty()) out += ", ";
        out += text;
    }
    return out;
}

/// One line for each element: nft repeats the line of what it does not like.
std::string elements_of(const SpeedTable& speeds, Family family, std::uint32_t mbps)
{
    std::string out;
    for (const auto& [address, speed] : speeds)
        if (address.family == family && speed == mbps) out += "\n      " + address.text() + ",";
    return out;
}

std::string speed_sets(const FirewallPlan& plan, const std::set<std::uint32_t>& classes, const SpeedTable& speeds)
{
    std::string out;
    for (const std::uint32_t mbps : classes)
        for (const Family family : families_of(plan)) {
            const std::string elements = elements_of(speeds, family, mbps);
            for (const std::string_view direction : {"up", "down"}) {
                out += "  set " + set_name(direction, family, mbps) + " {\n";
                out += family == Family::v4 ? "    type ipv4_addr\n" : "    type ipv6_addr\n";
                out += "    " + limit_text(mbps) + "\n"; // of every element: each peer has a limit of its own
                if (!elements.empty()) out += "    elements = {" + elements + "\n    }\n";
                out += "  }\n";
            }
        }
    return out;
}

std::string speed_rules(const FirewallPlan& plan, const std::set<std::uint32_t>& classes, std::string_view direction)
{
    const bool up = direction == "up";
    std::string out;
    for (const std::uint32_t mbps : classes)
        for (const Family family : families_of(plan))
            out += "    " + std::string(family_word(family)) + (up ? " saddr @" : " daddr @") +
                   set_name(direction, family, mbps) + " drop\n";
    return out;
}

std::string input_chain(const FirewallPlan& plan, const std::string& from)
{
    std::string out = "  chain to_host {\n    type filter hook input priority filter; policy accept;\n";
    out += "    " + from + "jump from_peer_speed\n";
    out += "    " + from + "ct state established,related accept\n"; // answers to what the host itself began
    for (const HostAddress& resolver : plan.resolvers)
        out += "    " + from + std::string(family_word(resolver.family)) + " daddr " + resolver.text() +
               " meta l4proto { tcp, udp } th dport 53 accept\n";
    out += "    " + from + "ip daddr " + plan.v4.own.text() + " icmp type echo-request accept\n";
    if (plan.v6) out += "    " + from + "ip6 daddr " + plan.v6->own.text() + " icmpv6 type echo-request accept\n";
    return out + "    " + from + "drop\n  }\n";
}

std::string forward_chain(const FirewallPlan& plan, const std::string& from, const std::string& to)
{
    std::set<std::uint16_t> ports(plan.blocked_ports.begin(), plan.blocked_ports.end());
    ports.insert(kSmtp);
    std::vector<std::string> port_texts;
    port_texts.reserve(ports.size());
    for (const std::uint16_t port : ports) port_texts.push_back(std::to_string(port));

    std::string out = "  chain through_host {\n    type filter hook forward priority filter; policy accept;\n";
    out += "    " + from + to + "drop\n"; // from peer to peer
    out += "    " + from + "jump from_peer_speed\n";
    out += "    " + to + "jump to_peer_speed\n";
    out += "    " + from + "ct state invalid drop\n"; // would leave without NAT
    out += "    " + from + "ip daddr { " + joined(kClosedV4) + " } drop\n";
    if (plan.v6) {
        out += "    " + from + "ip6 daddr != " + std::string(kOpenV6) + " drop\n";
        out += "    " + from + "ip6 daddr { " + joined(kClosedV6) + " } drop\n";
    } else {
        out += "    " + from + "meta nfproto ipv6 drop\n";
    }
    out += "    " + from + "meta l4proto { tcp, udp } th dport { " + joined(port_texts) + " } drop\n";
    out += "    " + from + "tcp flags syn / syn,rst tcp option maxseg size set rt mtu\n";
    out += "    " + to + "tcp flags syn / syn,rst tcp option maxseg size set rt mtu\n";
    out += "    " + to + "ct state established,related accept\n";
    return out + "    " + to + "drop\n  }\n"; // nobody begins anything with a peer
}

} // namespace

Result<TunnelNetwork> tunnel_network(const AllowedIp& subnet)
{
    TunnelNetwork out{{first_address(subnet), subnet.prefix}, first_address(subnet)};
    if (subnet.prefix + 2U > bits_of(subnet.address.family))
        return Error{Reason::bad_config, cidr_text(subnet) + " has no room for the interface and a peer"};
    out.own.bytes[bits_of(subnet.address.family) / 8 - 1] |= 1; // at least two host bits, and they are clear
    return out;
}

bool is_closed_to_peers(const HostAddress& address)
{
    const auto in = [&](std::string_view range) { return contains(parse_cidr(range).value(), address); };
    if (address.family == Family::v4) return std::ranges::any_of(kClosedV4, in);
    return !in(kOpenV6) || std::ranges::any_of(kClosedV6, in);
}

std::string firewall_table(std::string_view interface)
{
    // nft's own words are of letters, digits and "/-_."; what an interface may be called beside those is written as
    // hex.
    std::string out = "adit_";
    for (const char c : interface) {
        if (c == '+' || c == '=')
            out += "/" + encode_hex(as_bytes(std::string_view(&c, 1)));
        else
            out += c;
    }
    return out;
}

std::string firewall_text(const FirewallPlan& plan, const std::set<std::uint32_t>& classes, const SpeedTable& speeds)
{
    const std::string table = "table inet " + firewall_table(plan.interface);
    const std::string from = "iifname \"" + plan.interface + "\" ";
    const std::string to = "oifname \"" + plan.interface + "\" ";
    const std::string out_of = "oifname != \"" + plan.interface + "\" ";

    // Added first, so that there is one to delete.
    std::string out = "add " + table + "\ndelete " + table + "\n" + table + " {\n";
    out += speed_sets(plan, classes, speeds);
    out += "  chain from_peer_speed {\n" + speed_rules(plan, classes, "up") + "  }\n";
    out += "  chain to_peer_speed {\n" + speed_rules(plan, classes, "down") + "  }\n";

    out += "  chain sources {\n    type filter hook prerouting priority raw; policy accept;\n";
    out += "    " + from + "ip saddr != " + cidr_text(plan.v4.subnet) + " drop\n";
    if (plan.v6)
        out += "    " + from + "ip6 saddr != " + cidr_text(plan.v6->subnet) + " drop\n";
    else
        out += "    " + from + "meta nfproto ipv6 drop\n";
    out += "  }\n";

    out += input_chain(plan, from);
    out += forward_chain(plan, from, to);

    out += "  chain way_out {\n    type nat hook postrouting priority srcnat; policy accept;\n";
    out += "    ip saddr " + cidr_text(plan.v4.subnet) + " " + out_of + "masquerade\n";
    if (plan.v6) out += "    ip6 saddr " + cidr_text(plan.v6->subnet) + " " + out_of + "masquerade\n";
    return out + "  }\n}\n";
}

std::string speed_changes_text(const FirewallPlan& plan, const SpeedTable& from, const SpeedTable& to)
{
    const std::string table = " inet " + firewall_table(plan.interface) + " ";
    std::string out;
    const auto change = [&](std::string_view verb, const HostAddress& address, std::uint32_t mbps) {
        for (const std::string_view direction : {"up", "down"})
            out += std::string(verb) + " element" + table + set_name(direction, address.family, mbps) + " { " +
                   address.text() + " }\n";
    };
    for (const auto& [address, mbps] : from) {
        const auto after = to.find(address);
        if (after == to.end() || after->second != mbps) change("delete", address, mbps);
    }
    for (const auto& [address, mbps] : to) {
        const auto before = from.find(address);
        if (before == from.end() || before->second != mbps) change("add", address, mbps);
    }
    return out;
}

} // namespace adit::wg
