// app/config.h - the operator's TOML file, checked whole, as plain types. spec: Config
#pragma once

#include "base/file.h"
#include "base/log.h"
#include "base/money.h"
#include "base/result.h"
#include "base/secret_text.h"
#include "base/time.h"
#include "protocol/keys.h"
#include "protocol/listing.h"
#include "protocol/wireguard_key.h"
#include "wg/host_routes.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace adit::app {

/// An IPv4 or IPv6 network. From a config, the address has no bits beyond the prefix.
using Network = wg::AllowedIp;

struct ServerConfig {
    std::string host;
    std::uint16_t port = 0;
    std::string public_host;              // lowercase, with or without port
    std::vector<Network> trusted_proxies; // default: loopback
};

struct AdminConfig {
    std::filesystem::path socket;
};

struct DatabaseConfig {
    std::filesystem::path configured; // [db].path, which may be the reference's own database
    std::filesystem::path ours;       // see our_database
};

enum class WireguardBackend { automatic, kernel, userspace, memory };

struct WireguardConfig {
    std::string interface;
    std::string endpoint_host;
    std::uint16_t endpoint_port = 0;
    std::optional<protocol::WireguardKey> server_key; // none: the device's own, read at start
    Network subnet;
    std::optional<Network> subnet6;
    std::vector<std::string> dns; // addresses or search domains
    WireguardBackend backend = WireguardBackend::automatic;
    bool manage = false; // the interface, its packet filter and forwarding are the daemon's to make and keep
    std::filesystem::path private_key_file;               // "" for none
    std::optional<protocol::WireguardSecret> private_key; // of that file; only with manage
    std::uint16_t listen_port = 51820;                    // manage; endpoint_port where it is not said
    std::vector<std::uint16_t> blocked_ports;             // manage; beside 25
    std::optional<std::uint16_t> mtu;
    bool preshared_keys = false;
};

enum class LightningBackend { stub, phoenixd, lnd }; // stub: refuses every invoice
enum class SuccessAction { link, text };

struct LightningConfig {
    bool enabled = false;
    LightningBackend backend = LightningBackend::stub;
    std::string base_url;
    SecretText api_token; // phoenixd's password
    bool hold = false;    // lnd: the buyer is charged only once the tunnel is up
    SuccessAction success_action = SuccessAction::link;
    std::filesystem::path macaroon_file; // lnd
    std::filesystem::path tls_cert_file; // lnd: the only certificate trusted

    bool sells() const { return enabled && backend != LightningBackend::stub; }
};

struct CashuConfig {
    bool enabled = false;
    std::optional<protocol::SecretKey> sales_key;            // buyers lock tokens to 02 || x of it; there while enabled
    std::vector<protocol::SecretKey> former_sales_keys = {}; // tokens may be locked to them still
    std::filesystem::path seed_file;                         // BIP-39 words, made at first start
    std::vector<std::string> mints; // accepted, normalised: of the listing's methods, then mint_url; no repeats
};

/// What the daemon does with the wallet's money by itself.
struct WalletConfig {
    std::string sweep_to;              // a Lightning address or LNURL; empty: nothing is swept
    Sat sweep_above;                   // at one mint
    std::uint64_t sweep_fee_percent{}; // at most so much of what is swept
};

struct NostrConfig {
    std::vector<std::string> relays;
    protocol::SecretKey key;
};

struct NotificationsConfig {
    bool enabled = false;
    std::optional<protocol::PublicKey> recipient;
    std::uint64_t heartbeat_hours = 0; // 0: never
};

struct MetricsConfig {
    bool enabled = false; // the table is there
    std::string host;
    std::uint16_t port = 0;
};

struct LogConfig {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::text;
};

struct SessionsConfig {
    Seconds retention{24 * 3600}; // of the WireGuard key of an ended session
    Seconds activation_deadline{600};
    bool refunds = false;                 // whether a buyer gets back what is unused
    std::uint64_t refund_fee_percent = 0; // of that, kept
};

/// Every number is per process; sources are /32 or /56.
struct LimitsConfig {
    std::uint64_t connections = 2048;
    std::uint64_t connections_per_source = 32;
    std::uint64_t header_bytes = 64ULL << 20; // of all connections together
    std::uint64_t requests_per_minute_per_source = 240;
    std::uint64_t workers = 64;                  // purchases in flight
    std::uint64_t undleqed_swaps_per_hour = 600; // of tokens whose DLEQ proofs are missing
    std::uint64_t undleqed_swaps_per_hour_per_source = 20;
};

/// The file, whole and consistent. Moves but does not copy: it holds keys.
struct Config {
    ServerConfig server;
    AdminConfig admin;
    DatabaseConfig database;
    WireguardConfig wireguard;
    LightningConfig lightning;
    CashuConfig cashu;
    NostrConfig nostr;
    NotificationsConfig notifications;
    MetricsConfig metrics;
    SessionsConfig sessions;
    LimitsConfig limits;
    protocol::Listing listing; // as it will be published; published_at and status are the publisher's
    protocol::LegacyTag legacy_tag = protocol::LegacyTag::with;
    std::vector<std::uint32_t> max_mbps = {}; // of each price of the listing; 0: as fast as it goes
    LogConfig log = {};
    WalletConfig wallet = {};
};

/// "file:line:column: key: what is wrong, what is expected"; no secret is repeated.
using Complaint = std::string;

struct LoadedConfig {
    std::optional<Config> config; // none: errors is not empty
    std::vector<Complaint> errors;
    std::vector<Complaint> warnings;
};

/// Reads the file and those it names. Finds every mistake; of TOML syntax errors the first. Blocks on the disk.
LoadedConfig load_config(const std::filesystem::path& path);

struct SecretFile {
    std::string text;
    FileOpenness openness = FileOpenness::closed;
};
struct ConfigSource {
    std::string_view text;                        // over 1 MiB, or keys of over 64 parts, are refused
    std::string name;                             // stands in complaints
    std::filesystem::path folder;                 // where relative paths start
    FileOpenness openness = FileOpenness::closed; // of the file itself
    std::function<Result<SecretFile>(const std::filesystem::path&)> read_secret;
};
/// load_config on text at hand.
LoadedConfig parse_config(const ConfigSource& source);

/// The first of: `given` (--config), $ADIT_CONFIG, $EUROPA_NODE_CONFIG, /etc/adit/config.toml,
/// /etc/europa-node/config.toml; the last two if they exist, else /etc/adit/config.toml. `env` gives a variable or
/// none; an empty variable is none.
std::filesystem::path config_path(std::optional<std::filesystem::path> given,
                                  const std::function<std::optional<std::string>(const char*)>& env,
                                  const std::function<bool(const std::filesystem::path&)>& exists);

/// The sales key of the listing first, then the former ones; empty where there is none.
std::vector<protocol::SecretKey> all_sales_keys(const CashuConfig& cashu);

/// "adit.db" beside `configured`, which is left alone, unless that itself is called adit.db.
std::filesystem::path our_database(const std::filesystem::path& configured);

/// One complaint for each subnet that overlaps a route of the host, our own interface's and default routes aside.
std::vector<Complaint> check_routes(const WireguardConfig& wireguard, const wg::HostNetwork& host);

} // namespace adit::app
