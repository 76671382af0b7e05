// operate/host_address.h - names of here made addresses, for use where those names do not resolve.
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <string>

namespace adit::operate {

/// IPv4 or IPv6, without port and brackets.
bool is_address_literal(const std::string& text);

/// "vpn.example:51820" → "203.0.113.7:51820", "[2001:db8::1]:51820". Blocking, for `limit` at most. Errors: not_found
/// (the name does not resolve in that time), bad_encoding.
Result<std::string> resolve_endpoint(const std::string& endpoint, Milliseconds limit);

/// What libcurl is to take for the URL's host: "host:port:address,address"; "" where that is an address already.
/// Errors: as resolve_endpoint.
Result<std::string> resolve_for_curl(const std::string& url, Milliseconds limit);

} // namespace adit::operate
