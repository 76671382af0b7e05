// nostr/relay_url.h - where a relay is, in the one spelling by which two URLs are compared. NIP-65.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace adit::nostr {

enum class Security { plain, tls };

struct RelayUrl {
    Security security;
    std::string host; // lowercase name or address, an IPv6 one without brackets; at most 127 characters
    std::uint16_t port;
    std::string path; // begins with '/', query included
    std::string text; // as protocol::normalize_relay_url writes it
    /// What stands in the Host header: IPv6 in brackets, the port unless it is the scheme's own.
    std::string authority() const;
};

/// What protocol::normalize_relay_url takes, and of that what can be connected to: printable ASCII, a host name or an
/// address, no user, no fragment. Errors: bad_encoding (says what is wrong).
Result<RelayUrl> parse_relay_url(std::string_view text);
/// In the given order, each relay once. Errors: as parse_relay_url, for the first URL that is wrong.
Result<std::vector<RelayUrl>> parse_relay_urls(const std::vector<std::string>& texts);

} // namespace adit::nostr
