// http/source.h - who is asking: the address that limits count by. Never logged, never stored.
#pragma once

#include "base/result.h"
#include "http/message.h"

#include <array>
#include <cstdint>

struct sockaddr;

namespace adit::http {

/// IPv4 is kept as its v4-mapped IPv6 form, so that both spellings are one address.
struct Address {
    std::array<std::uint8_t, 16> bytes{};
    bool is_v4() const;
    bool operator==(const Address&) const = default;
};

/// Nothing but an IPv4 or IPv6 address, or either with a port as proxies write it ("1.2.3.4:5", "[2001:db8::1]:5").
std::optional<Address> parse_address(std::string_view text);
std::optional<Address> address_of(const sockaddr& peer);
/// Loopback, RFC 1918, shared (100.64/10), link-local and unique local ones: a proxy's rather than a buyer's.
bool is_private(const Address& address);

class Networks {
public:
    /// Addresses, or networks as "10.0.0.0/8". Errors: bad_config.
    static Result<Networks> parse(const std::vector<std::string>& texts);
    bool contains(const Address& address) const;

private:
    struct Network {
        Address address;
        unsigned bits = 0;
    };
    std::vector<Network> networks_;
};

/// The address as limits count it: IPv4 whole, IPv6 cut to its /56, which is one customer's.
std::string source_text(const Address& address);

struct Source {
    std::string text; // empty: unknown, only global limits apply
    enum class Warning { none, untrusted_private_proxy } warning = Warning::none;
};
/// The right-most address of X-Forwarded-For that is not in `trusted`, if `peer` is; else `peer`. A private peer that
/// is not trusted and yet sends the header is a proxy nobody configured: all its buyers would share one source, so
/// none.
Source source_of(const Request& request, const Address& peer, const Networks& trusted);

} // namespace adit::http
