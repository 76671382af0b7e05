#include "payments/lightning/node_url.h"

#include "protocol/decimal.h"

#include <algorithm>

namespace adit::payments::lightning {
namespace {

constexpr std::size_t kMaxUrlLength = 1024;

Error bad_node_url(std::string what) { return Error{Reason::bad_encoding, "node URL: " + std::move(what)}; }

} // namespace

std::string NodeUrl::authority() const
{
    const bool is_ipv6 = host.find(':') != std::string::npos;
    return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string NodeUrl::text() const
{
    return (security == NodeSecurity::tls ? "https://" : "http://") + authority() + path;
}

Result<NodeUrl> parse_node_url(std::string_view text)
{
    if (text.size() > kMaxUrlLength) return bad_node_url("too long");
    if (std::any_of(text.begin(), text.end(), [](char c) { return c < 33 || c > 126; }))
        return bad_node_url("a blank, or a character that is not ASCII");
    if (text.find_first_of("@?#\\\"") != std::string_view::npos)
        return bad_node_url("only scheme, host, port and path go here");
    NodeUrl url;
    if (text.starts_with("https://"))
        url.security = NodeSecurity::tls;
    else if (!text.starts_with("http://"))
        return bad_node_url("neither http:// nor https://");
    text.remove_prefix(url.security == NodeSecurity::tls ? 8 : 7);

    const std::size_t slash = std::min(text.find('/'), text.size());
    std::string_view path = text.substr(slash);
    while (path.ends_with('/')) path.remove_suffix(1);
    url.path = path;

    std::string_view authority = text.substr(0, slash);
    std::string_view port;
    if (authority.starts_with('[')) {
        const std::size_t end = authority.find(']');
        if (end == std::string_view::npos) return bad_node_url("a bracket without its other half");
        url.host = authority.substr(1, end - 1);
        if (url.host.find(':') == std::string::npos ||
            url.host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string::npos)
            return bad_node_url("no IPv6 address between the brackets");
        port = authority.substr(end + 1);
        if (!port.empty() && port.front() != ':') return bad_node_url("no port after the brackets");
    } else {
        const std::size_t colon = std::min(authority.find(':'), authority.size());
        url.host = authority.substr(0, colon);
        port = authority.substr(colon);
    }
    if (url.host.empty() || url.host.find_first_of("[]") != std::string::npos) return bad_node_url("no host");
    url.port = url.security == NodeSecurity::tls ? 443 : 80;
    if (!port.empty()) {
        port.remove_prefix(1);
        const bool digits = !port.empty() && port.size() <= 5 &&
                            std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
        const auto number = digits ? protocol::whole_number(port) : std::nullopt;
        if (!number || *number == 0 || *number > 65535) return bad_node_url("a port that is none");
        url.port = static_cast<std::uint16_t>(*number);
    }
    return url;
}

} // namespace adit::payments::lightning
