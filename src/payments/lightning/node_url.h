// payments/lightning/node_url.h - where a Lightning node's HTTP API is.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace adit::payments::lightning {

enum class NodeSecurity { plain, tls };

struct NodeUrl {
    NodeSecurity security = NodeSecurity::plain;
    std::string host; // an IPv6 address without its brackets
    std::uint16_t port = 0;
    std::string path; // empty, or "/…" without a slash at the end

    /// "host:port", as the Host header has it.
    std::string authority() const;
    /// "http://host:port/path": what calls append their path to.
    std::string text() const;
};

/// http or https, a host, and maybe a port and a path. User names, queries, fragments, blanks and control characters
/// are refused: passwords have a place of their own. Errors: bad_encoding (the text is not repeated).
Result<NodeUrl> parse_node_url(std::string_view text);

} // namespace adit::payments::lightning
