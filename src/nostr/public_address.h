// nostr/public_address.h - which addresses belong to the internet at large, and which to this machine or its networks.
#pragma once

#include <string_view>

namespace adit::nostr {

/// Where a connection may lead.
enum class Reach {
    anywhere,    // what the operator named himself
    public_only, // what somebody else named: never to this machine or its networks
};

/// Of a numeric address. False for loopback, private, shared, link-local, documentation, multicast and reserved ones,
/// for IPv6 addresses that stand for such an IPv4 one, and for all that is no address.
bool is_public_address(std::string_view numeric);

} // namespace adit::nostr
