#include "nostr/relay_url.h"

#include "protocol/relay_list.h"

#include <algorithm>
#include <charconv>

namespace adit::nostr {

namespace {

// libwebsockets cuts longer host names silently when it checks a certificate.
constexpr std::size_t kMaxHostLength = 127;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lowercase(std::string_view text)
{
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), lower);
    return out;
}

bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

bool is_ipv6_character(char c) { return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9') || c == ':' || c == '.'; }

Error wrong(std::string_view what) { return Error{Reason::bad_encoding, "relay URL: " + std::string(what)}; }

std::uint16_t default_port(Security security) { return security == Security::tls ? 443 : 80; }

Result<std::uint16_t> parse_port(std::string_view text)
{
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0 || port > 65535)
        return wrong("the port is not a number from 1 to 65535");
    return static_cast<std::uint16_t>(port);
}

struct HostPort {
    std::string host;
    std::string_view port; // empty: none given
};

Result<HostPort> split_authority(std::string_view authority)
{
    HostPort out;
    std::string_view rest;
    if (authority.starts_with('[')) {
        const auto end = authority.find(']');
        if (end == std::string_view::npos) return wrong("an IPv6 address lacks its ']'");
        out.host = lowercase(authority.substr(1, end - 1));
        if (out.host.find(':') == std::string::npos ||
            !std::all_of(out.host.begin(), out.host.end(), is_ipv6_character))
            return wrong("not an IPv6 address");
        rest = authority.substr(end + 1);
    } else {
        const auto colon = authority.find(':');
        out.host = lowercase(authority.substr(0, colon));
        if (out.host.empty()) return wrong("no host");
        if (!std::all_of(out.host.begin(), out.host.end(), is_name_character))
            return wrong("the host has characters that no host name has");
        rest = colon == std::string_view::npos ? std::string_view() : authority.substr(colon);
    }
    if (out.host.size() > kMaxHostLength) return wrong("the host name is longer than 127 characters");
    if (rest.empty()) return out;
    if (rest.front() != ':' || rest.size() == 1) return wrong("what follows the host is not a port");
    out.port = rest.substr(1);
    return out;
}

} // namespace

std::string RelayUrl::authority() const
{
    const bool ipv6 = host.find(':') != std::string::npos;
    std::string out = ipv6 ? "[" + host + "]" : host;
    if (port != default_port(security)) out += ":" + std::to_string(port);
    return out;
}

Result<RelayUrl> parse_relay_url(std::string_view text)
{
    RelayUrl url{};
    url.text = TRY(protocol::normalize_relay_url(text));
    if (!std::all_of(url.text.begin(), url.text.end(), [](char c) { return c > 0x20 && c < 0x7f; }))
        return wrong("has a character that is not printable ASCII");
    std::string_view rest = url.text;
    if (rest.starts_with("wss://")) {
        url.security = Security::tls;
        rest.remove_prefix(6);
    } else if (rest.starts_with("ws://")) {
        url.security = Security::plain;
        rest.remove_prefix(5);
    } else {
        return wrong("does not begin with wss:// or ws://");
    }
    if (rest.find('#') != std::string_view::npos) return wrong("has a fragment");

    const auto end = rest.find_first_of("/?");
    const std::string_view authority = rest.substr(0, end);
    if (authority.find('@') != std::string_view::npos) return wrong("has a user name");
    const HostPort place = TRY(split_authority(authority));
    url.host = place.host;
    url.port = place.port.empty() ? default_port(url.security) : TRY(parse_port(place.port));

    const std::string_view path = end == std::string_view::npos ? std::string_view() : rest.substr(end);
    url.path = path.starts_with('/') ? std::string(path) : "/" + std::string(path);
    return url;
}

Result<std::vector<RelayUrl>> parse_relay_urls(const std::vector<std::string>& texts)
{
    std::vector<RelayUrl> urls;
    for (const auto& text : texts) {
        RelayUrl url = TRY(parse_relay_url(text));
        const bool known =
            std::any_of(urls.begin(), urls.end(), [&](const RelayUrl& other) { return other.text == url.text; });
        if (!known) urls.push_back(std::move(url));
    }
    return urls;
}

} // namespace adit::nostr
