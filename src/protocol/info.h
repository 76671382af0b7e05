// protocol/info.h - the bodies of /info, /health and /session/{id}, written by the daemon and read by the CLI.
// spec: HTTP API
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "protocol/keys.h"
#include "protocol/listing.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace adit::protocol {

/// Members as in the JSON. Lists have no repeats.
struct Info {
    std::string software;
    std::string version;
    std::string spec_version;
    std::string pubkey;   // hex; as sent
    std::string endpoint; // public host
    std::string title;
    std::string summary;
    std::string content;
    std::vector<std::string> protocols;
    std::string country;
    std::string subdivision;
    std::string geohash; // as configured
    std::vector<Price> prices;
    std::vector<std::string> policies;
    std::string policy_url; // "" for none
    std::vector<std::string> payment_methods;
    std::vector<std::string> mints;
    std::vector<std::string> cashu_purchase_endpoints;
    std::vector<std::string> lightning_endpoints;
    bool operator==(const Info&) const = default;
};

/// The listing's own facts; software, version and spec_version are ours.
Info info_of(const Listing& listing, const PublicKey& operator_key, std::string_view public_host);
/// Amounts are JSON numbers, written from their decimal text.
std::string encode_info(const Info& info);
/// Missing members are empty; at most 1 MiB. Errors: bad_encoding (not a JSON object).
Result<Info> parse_info(std::string_view json);

enum class CheckState { ok, failing, off };

struct Health {
    bool ok = false;
    std::string service;
    std::string version;
    std::string pubkey;  // first 12 hex digits
    std::string listing; // d tag
    CheckState store = CheckState::off;
    CheckState wireguard = CheckState::off;
    CheckState relays = CheckState::off;
    CheckState mints = CheckState::off;
    CheckState lightning = CheckState::off;
    bool operator==(const Health&) const = default;
};
std::string encode_health(const Health& health);
/// The reference's short form is read too; its checks are `off`. Errors: bad_encoding.
Result<Health> parse_health(std::string_view json);

struct SessionView {
    std::string status; // "waiting", "active", "ended"
    UnixSeconds expires_at;
    std::optional<std::uint64_t> data_quota_bytes; // none: sold by time
    std::uint64_t data_used_bytes = 0;
    std::optional<Seconds> last_handshake_age;         // none: never
    std::optional<std::uint64_t> data_left_bytes = {}; // of the quota; none: sold by time
    Seconds time_left{0};                              // until expires_at; 0 once it is over
    bool operator==(const SessionView&) const = default;
};
std::string encode_session(const SessionView& session);
/// Errors: bad_encoding.
Result<SessionView> parse_session(std::string_view json);

} // namespace adit::protocol
