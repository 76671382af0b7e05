// protocol/wg_config.h - the wg-quick text a buyer gets, written by us and read with distrust. spec: Delivered config
#pragma once

#include "base/time.h"
#include "protocol/constants.h"
#include "protocol/wireguard_key.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace adit::protocol {

struct ClientConfig {
    std::optional<WireguardSecret> private_key; // none: a placeholder stands there
    std::vector<std::string> addresses;         // "10.66.42.7/32", "fd00::7/128"
    std::vector<std::string> dns;               // addresses or search domains; may be empty
    std::optional<std::uint16_t> mtu;           // 576..65535
    WireguardKey server_key;
    std::optional<WireguardSecret> preshared_key;
    std::string endpoint; // "host:port" or "[v6]:port"
    std::vector<std::string> allowed_ips{"0.0.0.0/0", "::/0"};
    std::optional<std::uint16_t> persistent_keepalive_s = kKeepalive_s;
};

/// The header of comments. Line breaks, control characters, < and > in any of them become spaces.
struct ConfigComments {
    std::string operator_name; // title of the listing, or the key
    std::string listing;       // a-coordinate; "" for none
    std::string tier;          // "1000 sat/day x 2"
    std::optional<UnixSeconds> expires_at;
    std::string duration; // where the time has not started: "2 x day from activation"; "" for none
    std::optional<std::uint64_t> quota_bytes;
    std::string session_url; // "" for none
};

std::string render_config(const ClientConfig& config, const ConfigComments& comments);

/// Up to 64 KiB from a stranger who wants to run commands as root: one [Interface] and one [Peer], only the keys above,
/// each at most once, every value checked; comments are dropped. What comes back can be rendered and used.
/// Errors: bad_encoding (the line's number, never its text).
Result<ClientConfig> parse_config(std::string_view text);

/// "host:51820" or "[2001:db8::1]:51820".
std::string join_endpoint(std::string_view host, std::uint16_t port);

} // namespace adit::protocol
