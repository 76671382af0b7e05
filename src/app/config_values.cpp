#include "app/config_values.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>

namespace adit::app {

namespace {

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

unsigned width(const Network& network) { return network.address.family == wg::HostAddress::Family::v4 ? 32 : 128; }

bool bit(const Network& network, unsigned index)
{
    return (network.address.bytes[index / 8] >> (7 - index % 8) & 1) != 0;
}

bool is_port(std::string_view text)
{
    std::uint16_t value = 0;
    const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    return failure == std::errc{} && stop == text.data() + text.size() && value != 0;
}

bool is_name(std::string_view text)
{
    return !text.empty() && text.size() <= 253 && is_alphanumeric(text.front()) &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return is_alphanumeric(c) || c == '.' || c == '-' || c == '_'; });
}

} // namespace

std::optional<Url> parse_url(std::string_view text)
{
    const std::size_t colon = text.find("://");
    if (colon == std::string_view::npos || colon == 0 || text.size() > 1024) return std::nullopt;
    if (std::any_of(text.begin(), text.end(),
                    [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; }))
        return std::nullopt;
    Url url{std::string(text.substr(0, colon)), ""};
    std::transform(url.scheme.begin(), url.scheme.end(), url.scheme.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    const std::string_view rest = text.substr(colon + 3);
    url.host = rest.substr(0, std::min(rest.find_first_of("/?#"), rest.size()));
    if (!is_host(url.host)) return std::nullopt;
    return url;
}

bool is_host(std::string_view text)
{
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) return false;
        const auto address = parse_network(text.substr(1, end - 1));
        const std::string_view rest = text.substr(end + 1);
        return address && text.substr(1, end - 1).find('/') == std::string_view::npos &&
               address->address.family == wg::HostAddress::Family::v6 &&
               (rest.empty() || (rest.front() == ':' && is_port(rest.substr(1))));
    }
    if (const auto bare = parse_network(text); bare && text.find('/') == std::string_view::npos) return true;
    const std::size_t colon = std::min(text.find(':'), text.size());
    return is_name(text.substr(0, colon)) && (colon == text.size() || is_port(text.substr(colon + 1)));
}

bool is_interface_name(std::string_view text)
{
    return !text.empty() && text.size() <= 15 && text != "." && text != ".." &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return is_alphanumeric(c) || std::string_view("_=+.-").find(c) != std::string_view::npos;
           });
}

bool has_host_bits(const Network& network) { return without_host_bits(network) != network; }

Network without_host_bits(Network network)
{
    for (unsigned i = network.prefix; i < width(network); ++i)
        network.address.bytes[i / 8] = static_cast<std::uint8_t>(network.address.bytes[i / 8] & ~(0x80U >> (i % 8)));
    return network;
}

std::string network_text(const Network& network)
{
    char buffer[INET6_ADDRSTRLEN] = "";
    const int family = network.address.family == wg::HostAddress::Family::v4 ? AF_INET : AF_INET6;
    inet_ntop(family, network.address.bytes.data(), buffer, sizeof buffer);
    return std::string(buffer) + "/" + std::to_string(network.prefix);
}

Result<Network> parse_network(std::string_view text)
{
    const Error malformed{Reason::bad_encoding, "no network"};
    const std::size_t slash = std::min(text.find('/'), text.size());
    const std::string address(text.substr(0, slash)); // inet_pton wants a terminator
    if (address.size() >= INET6_ADDRSTRLEN || address.find('\0') != std::string::npos) return malformed;
    Network network;
    if (inet_pton(AF_INET, address.c_str(), network.address.bytes.data()) == 1) {
        network.address.family = wg::HostAddress::Family::v4;
    } else {
        network.address.bytes = {};
        network.address.family = wg::HostAddress::Family::v6;
        if (inet_pton(AF_INET6, address.c_str(), network.address.bytes.data()) != 1) return malformed;
    }
    network.prefix = static_cast<std::uint8_t>(width(network));
    if (slash == text.size()) return network;
    const std::string_view digits = text.substr(slash + 1);
    const auto [stop, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), network.prefix);
    if (failure != std::errc{} || stop != digits.data() + digits.size() || network.prefix > width(network))
        return malformed;
    return network;
}

bool overlap(const Network& a, const Network& b)
{
    if (a.address.family != b.address.family) return false;
    for (unsigned i = 0; i < std::min(a.prefix, b.prefix); ++i)
        if (bit(a, i) != bit(b, i)) return false;
    return true;
}

std::vector<Complaint> check_routes(const WireguardConfig& wireguard, std::span<const Route> routes)
{
    std::vector<Complaint> complaints;
    const auto check = [&](const Network& subnet, std::string_view key) {
        for (const Route& route : routes) {
            if (route.destination.prefix == 0 || route.interface == wireguard.interface) continue;
            if (!overlap(subnet, route.destination)) continue;
            complaints.push_back("wireguard." + std::string(key) + ": " + network_text(subnet) +
                                 " overlaps the route to " + network_text(route.destination) + " on " +
                                 route.interface + ", expected a network that this host does not use");
        }
    };
    check(wireguard.subnet, "subnet_cidr");
    if (wireguard.subnet6) check(*wireguard.subnet6, "subnet_cidr6");
    return complaints;
}

} // namespace adit::app
