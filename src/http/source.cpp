#include "http/source.h"

#include "base/ascii.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>

namespace adit::http {

namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr unsigned kMappedBits = 96;
constexpr unsigned kCustomerBits = 56;

Address from_v4(const in_addr& v4)
{
    Address address;
    std::copy(kMapped.begin(), kMapped.end(), address.bytes.begin());
    std::memcpy(address.bytes.data() + kMapped.size(), &v4, sizeof v4);
    return address;
}

Address from_v6(const in6_addr& v6)
{
    Address address;
    std::memcpy(address.bytes.data(), &v6, sizeof v6);
    return address;
}

bool in_network(const Address& address, const Address& network, unsigned bits)
{
    const unsigned whole = bits / 8;
    if (!std::equal(address.bytes.begin(), address.bytes.begin() + whole, network.bytes.begin())) return false;
    const unsigned rest = bits % 8;
    if (rest == 0) return true;
    const auto mask = static_cast<std::uint8_t>(0xFFU << (8 - rest));
    return (address.bytes[whole] & mask) == (network.bytes[whole] & mask);
}

std::optional<Address> parse_bare(std::string_view text)
{
    char buffer[INET6_ADDRSTRLEN];
    if (text.empty() || text.size() >= sizeof buffer) return std::nullopt;
    std::memcpy(buffer, text.data(), text.size());
    buffer[text.size()] = '\0';
    if (std::memchr(buffer, 0, text.size())) return std::nullopt;
    in_addr v4{};
    if (::inet_pton(AF_INET, buffer, &v4) == 1) return from_v4(v4);
    in6_addr v6{};
    if (::inet_pton(AF_INET6, buffer, &v6) == 1) return from_v6(v6);
    return std::nullopt;
}

bool is_port(std::string_view text)
{
    return !text.empty() && text.size() <= 5 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

constexpr std::string_view kForwardedFor = "x-forwarded-for";

} // namespace

bool Address::is_v4() const { return std::equal(kMapped.begin(), kMapped.end(), bytes.begin()); }

std::optional<Address> parse_address(std::string_view text)
{
    if (const auto bare = parse_bare(text)) return bare;
    if (!text.empty() && text.front() == '[') {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        const std::string_view rest = text.substr(end + 1);
        if (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1)))) return std::nullopt;
        const auto address = parse_bare(text.substr(1, end - 1));
        return address && text.substr(1, end - 1).find(':') != std::string_view::npos ? address : std::nullopt;
    }
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || !is_port(text.substr(colon + 1))) return std::nullopt;
    return parse_bare(text.substr(0, colon));
}

std::optional<Address> address_of(const sockaddr& peer)
{
    if (peer.sa_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &peer, sizeof v4);
        return from_v4(v4.sin_addr);
    }
    if (peer.sa_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &peer, sizeof v6);
        return from_v6(v6.sin6_addr);
    }
    return std::nullopt;
}

bool is_private(const Address& address)
{
    static const Networks kPrivate =
        *Networks::parse({"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
                          "169.254.0.0/16", "::1", "fc00::/7", "fe80::/10"});
    return kPrivate.contains(address);
}

Result<Networks> Networks::parse(const std::vector<std::string>& texts)
{
    Networks networks;
    for (const std::string& text : texts) {
        const std::string_view whole = text;
        const std::size_t slash = whole.find('/');
        const auto address = parse_bare(whole.substr(0, slash));
        if (!address) return Error{Reason::bad_config, "not an address or network: " + text};
        const unsigned offset = address->is_v4() ? kMappedBits : 0;
        const unsigned width = 128 - offset;
        unsigned bits = width;
        if (slash != std::string_view::npos) {
            const std::string_view length = whole.substr(slash + 1);
            const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bits);
            if (error != std::errc{} || end != length.data() + length.size() || bits > width)
                return Error{Reason::bad_config, "bad prefix length: " + text};
        }
        networks.networks_.push_back({*address, bits + offset});
    }
    return networks;
}

bool Networks::contains(const Address& address) const
{
    return std::any_of(networks_.begin(), networks_.end(),
                       [&](const Network& network) { return in_network(address, network.address, network.bits); });
}

std::string source_text(const Address& address)
{
    char buffer[INET6_ADDRSTRLEN]{};
    if (address.is_v4()) {
        ::inet_ntop(AF_INET, address.bytes.data() + kMapped.size(), buffer, sizeof buffer);
        return buffer;
    }
    std::array<std::uint8_t, 16> cut = address.bytes;
    std::fill(cut.begin() + kCustomerBits / 8, cut.end(), std::uint8_t{0});
    ::inet_ntop(AF_INET6, cut.data(), buffer, sizeof buffer);
    return std::string(buffer) + "/" + std::to_string(kCustomerBits);
}

Source source_of(const Request& request, const Address& peer, const Networks& trusted)
{
    const bool forwarded = request.header(kForwardedFor).has_value();
    if (!trusted.contains(peer)) {
        if (forwarded && is_private(peer)) return {"", Source::Warning::untrusted_private_proxy};
        return {source_text(peer)};
    }
    if (!forwarded) return {source_text(peer)};

    // Each proxy appends the peer it saw, so only what stands right of the first stranger was written by proxies of
    // ours.
    Address last = peer;
    // NOLINTNEXTLINE(modernize-loop-convert): the reversed view is beyond clang 14 with this library
    for (auto header = request.headers.rbegin(); header != request.headers.rend(); ++header) {
        if (header->first != kForwardedFor) continue;
        std::string_view rest = header->second;
        for (;;) {
            const std::size_t comma = rest.rfind(',');
            const std::string_view item = trimmed(comma == std::string_view::npos ? rest : rest.substr(comma + 1));
            const auto address = parse_address(item);
            if (!address) return {""}; // "unknown", or a stranger's invention
            if (!trusted.contains(*address)) return {source_text(*address)};
            last = *address;
            if (comma == std::string_view::npos) break;
            rest = rest.substr(0, comma);
        }
    }
    return {source_text(last)};
}

} // namespace adit::http
