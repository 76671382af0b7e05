#include "operate/host_address.h"

#include "cli/market.h"
#include "cli/printable.h"

#include <arpa/inet.h>
#include <future>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <system_error>
#include <thread>
#include <vector>

namespace adit::operate {

namespace {

constexpr std::size_t kMostAddresses = 8;

std::vector<std::string> ask_system(const std::string& host)
{
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_DGRAM;
    wanted.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    std::vector<std::string> addresses;
    if (::getaddrinfo(host.c_str(), nullptr, &wanted, &found) != 0) return addresses;
    for (const addrinfo* each = found; each != nullptr && addresses.size() < kMostAddresses; each = each->ai_next) {
        char text[INET6_ADDRSTRLEN] = "";
        const void* const address =
            each->ai_family == AF_INET
                ? static_cast<const void*>(&reinterpret_cast<sockaddr_in*>(each->ai_addr)->sin_addr)
                : &reinterpret_cast<sockaddr_in6*>(each->ai_addr)->sin6_addr;
        if (::inet_ntop(each->ai_family, address, text, sizeof text) != nullptr) addresses.emplace_back(text);
    }
    ::freeaddrinfo(found);
    return addresses;
}

/// The system's resolver knows no deadline of ours: it is left behind where it hangs.
Result<std::vector<std::string>> addresses_of(const std::string& host, Milliseconds limit)
{
    const auto asked = std::make_shared<std::promise<std::vector<std::string>>>(); // with a thread that may outlive us
    auto answer = asked->get_future();
    try {
        std::thread([asked, host] { asked->set_value(ask_system(host)); }).detach();
    } catch (const std::system_error&) {
        return Error{Reason::not_found, "no thread can be started to resolve names"};
    }
    const Error unresolved{Reason::not_found, cli::printable(host, 100) + " does not resolve"};
    if (answer.wait_for(limit) != std::future_status::ready) return unresolved;
    auto addresses = answer.get();
    if (addresses.empty()) return unresolved;
    return addresses;
}

struct HostPort {
    std::string host; // without brackets
    std::string port;
};

Result<HostPort> split_host(const std::string& text, const std::string& usual_port)
{
    const std::size_t bracket = text.find(']');
    const std::size_t colon = text.find(':', bracket == std::string::npos ? 0 : bracket);
    std::string host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    std::string port = colon == std::string::npos ? usual_port : text.substr(colon + 1);
    if (host.empty() || port.empty()) return Error{Reason::bad_encoding, "no host and port"};
    return HostPort{std::move(host), std::move(port)};
}

std::string bracketed(const std::string& address)
{
    return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

} // namespace

bool is_address_literal(const std::string& text)
{
    in6_addr room{};
    return ::inet_pton(AF_INET, text.c_str(), &room) == 1 || ::inet_pton(AF_INET6, text.c_str(), &room) == 1;
}

Result<std::string> resolve_endpoint(const std::string& endpoint, Milliseconds limit)
{
    const HostPort parts = TRY(split_host(endpoint, ""));
    if (is_address_literal(parts.host)) return endpoint;
    const auto addresses = TRY(addresses_of(parts.host, limit));
    return bracketed(addresses.front()) + ":" + parts.port;
}

Result<std::string> resolve_for_curl(const std::string& url, Milliseconds limit)
{
    const std::string authority = TRY(cli::host_of_url(url));
    const HostPort parts = TRY(split_host(authority, url.starts_with("https") ? "443" : "80"));
    if (is_address_literal(parts.host)) return std::string();
    std::string out = parts.host + ":" + parts.port + ":";
    const auto addresses = TRY(addresses_of(parts.host, limit));
    for (const std::string& address : addresses)
        out += (&address == &addresses.front() ? "" : ",") + bracketed(address);
    return out;
}

} // namespace adit::operate
