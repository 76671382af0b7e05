#include "app/config_values.h"

#include "wg/cidr.h"

#include <algorithm>
#include <charconv>

namespace adit::app {

namespace {

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

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
        const auto address = wg::parse_cidr(text.substr(1, end - 1));
        const std::string_view rest = text.substr(end + 1);
        return address && text.substr(1, end - 1).find('/') == std::string_view::npos &&
               address->address.family == wg::HostAddress::Family::v6 &&
               (rest.empty() || (rest.front() == ':' && is_port(rest.substr(1))));
    }
    if (const auto bare = wg::parse_cidr(text); bare && text.find('/') == std::string_view::npos) return true;
    const std::size_t colon = std::min(text.find(':'), text.size());
    return is_name(text.substr(0, colon)) && (colon == text.size() || is_port(text.substr(colon + 1)));
}

Network without_host_bits(const Network& network) { return {wg::first_address(network), network.prefix}; }

std::vector<Complaint> check_routes(const WireguardConfig& wireguard, const wg::HostNetwork& host)
{
    std::vector<Complaint> complaints;
    const auto check = [&](const Network& subnet, std::string_view key) {
        const auto route = wg::overlapping_route(host, subnet, wireguard.interface);
        if (!route) return;
        complaints.push_back("wireguard." + std::string(key) + ": " + wg::cidr_text(subnet) +
                             " overlaps the route to " + wg::cidr_text(route->destination) +
                             (route->interface.empty() ? "" : " on " + route->interface) +
                             ", expected a network that this host does not use");
    };
    check(wireguard.subnet, "subnet_cidr");
    if (wireguard.subnet6) check(*wireguard.subnet6, "subnet_cidr6");
    return complaints;
}

} // namespace adit::app
