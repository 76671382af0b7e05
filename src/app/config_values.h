// app/config_values.h - small checks of single values in the config.
#pragma once

#include "app/config.h"

#include <optional>
#include <string>
#include <string_view>

namespace adit::app {

struct Url {
    std::string scheme; // lowercase
    std::string host;   // with the port, if it has one
};
/// An absolute URL with a host and without blanks; none for anything else.
std::optional<Url> parse_url(std::string_view text);
inline bool is_web(const Url& url) { return url.scheme == "http" || url.scheme == "https"; }
inline bool is_relay(const Url& url) { return url.scheme == "ws" || url.scheme == "wss"; }

/// A host name or address with or without a port; IPv6 with a port is in brackets.
bool is_host(std::string_view text);
/// With the bits behind the prefix cleared.
Network without_host_bits(const Network& network);

} // namespace adit::app
