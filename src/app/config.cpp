#include "app/config.h"

#include "app/config_lightning.h"
#include "app/config_listing.h"
#include "app/config_manage.h"
#include "app/config_secrets.h"
#include "app/config_values.h"
#include "base/ascii.h"
#include "payments/cashu/mint_url.h"
#include "payments/lightning/pay_address.h"
#include "protocol/constants.h"
#include "protocol/nip19.h"
#include "protocol/purchase_auth.h"
#include "wg/cidr.h"
#include "wg/interface_name.h"

#include <algorithm>

namespace adit::app {

namespace {

constexpr std::size_t kMaxText = 1 << 20;
constexpr std::size_t kMaxKeyParts = 64;

ServerConfig read_server(Section section)
{
    ServerConfig server;
    const auto host = section.text("host");
    if (host.value && !is_host(*host.value))
        section.error(host.place, "host", shown(*host.value) + " is no address, expected e.g. \"127.0.0.1\"");
    server.host = host.value.value_or("");
    server.port = section.number16("port");
    const auto public_host = section.needed("public_host");
    if (public_host.value && is_host(*public_host.value))
        server.public_host = to_lower(*public_host.value);
    else if (public_host.value)
        section.error(public_host.place, "public_host",
                      shown(*public_host.value) + " is no host, expected a name without scheme and path");
    for (const auto& [text, place] : section.list("trusted_proxies").value) {
        const auto network = wg::parse_cidr(text);
        if (network)
            server.trusted_proxies.push_back(without_host_bits(*network));
        else
            section.error(place, "trusted_proxies",
                          shown(text) + " is no address or network, expected e.g. 10.0.0.0/8");
    }
    section.unknown();
    return server;
}

DatabaseConfig read_database(Section section, const Reading& reading)
{
    DatabaseConfig database;
    database.configured = reading.path(section.text("path").value.value_or(""));
    database.ours = our_database(database.configured);
    section.unknown();
    return database;
}

AdminConfig read_admin(Section section, const Reading& reading, const DatabaseConfig& database)
{
    const auto socket = section.text("socket");
    AdminConfig admin{socket.value ? reading.path(*socket.value) : database.ours.parent_path() / "admin.sock"};
    if (const auto most = section.known("socket")->most; admin.socket.native().size() > most)
        section.error(socket.place, "socket",
                      "is too long for a unix socket, expected up to " + std::to_string(most) + " bytes");
    section.unknown();
    return admin;
}

std::optional<Network> read_subnet(Section& section, std::string_view key, wg::HostAddress::Family family,
                                   std::string_view example)
{
    const auto read = section.text(key);
    if (!read.value) return std::nullopt;
    const auto [least, most] = std::pair(section.known(key)->least, section.known(key)->most);
    const auto network = wg::parse_cidr(*read.value);
    if (!network || network->address.family != family || network->prefix < least || network->prefix > most) {
        section.error(read.place, key,
                      shown(*read.value) + " is no such network, expected e.g. " + std::string(example) +
                          " with a prefix of " + std::to_string(least) + " to " + std::to_string(most));
        return std::nullopt;
    }
    const Network whole = without_host_bits(*network);
    if (whole != *network) section.warn(read.place, key, "is taken as " + wg::cidr_text(whole));
    return whole;
}

WireguardBackend read_backend(Section& section)
{
    const auto read = section.choice("backend");
    if (read.value == "kernel") return WireguardBackend::kernel;
    if (read.value == "userspace") return WireguardBackend::userspace;
    if (read.value != "memory") return WireguardBackend::automatic;
    section.warn(read.place, "backend", "memory sells tunnels that do not exist, which is for demos only");
    return WireguardBackend::memory;
}

void read_server_key(Section& section, Reading& reading, WireguardConfig& wireguard)
{
    const auto key = section.text("server_pubkey");
    if (key.value) {
        const auto parsed = protocol::WireguardKey::parse_base64(*key.value);
        if (parsed)
            wireguard.server_key = *parsed;
        else
            section.error(key.place, "server_pubkey", "is no WireGuard public key, expected 44 characters of base64");
    }
    const auto file = section.text("private_key_file");
    if (!file.value) {
        if (!key.given && wireguard.backend != WireguardBackend::memory)
            section.warn(section.place(), "server_pubkey",
                         "is not there, so that the device's own key is sold unchecked");
        return;
    }
    wireguard.private_key_file = reading.path(*file.value);
    const auto text = read_secret_file(reading, section, "private_key_file", wireguard.private_key_file, file.place);
    if (!text) return;
    auto bytes = parse_base64(*text);
    if (!bytes || bytes->size() != 32) {
        section.error(file.place, "private_key_file", "holds no WireGuard key, expected what `wg genkey` writes");
        return;
    }
    const protocol::WireguardSecret secret{std::span<const std::uint8_t, 32>(bytes->data(), 32)};
    sodium_memzero(bytes->data(), bytes->size());
    if (wireguard.manage) wireguard.private_key = secret.duplicate();
    const auto derived = protocol::wireguard_public_key(secret);
    if (wireguard.server_key && *wireguard.server_key != derived)
        section.error(key.place, "server_pubkey", "is not the key of private_key_file, expected " + derived.base64());
    wireguard.server_key = derived;
}

WireguardConfig read_wireguard(Section section, Reading& reading)
{
    WireguardConfig wireguard;
    if (!section.given()) section.error(section.place(), "", "is missing, expected a [wireguard] table");
    const auto interface = section.text("interface");
    wireguard.interface = interface.value.value_or("");
    if (!wg::is_interface_name(wireguard.interface))
        section.error(interface.place, "interface",
                      shown(wireguard.interface) + " is no interface, expected e.g. \"wg0\"");
    const auto host = section.needed("endpoint_host");
    wireguard.endpoint_host = host.value.value_or("");
    if (host.value &&
        (!is_host(*host.value) || (host.value->find(':') != std::string::npos && !wg::parse_cidr(*host.value))))
        section.error(host.place, "endpoint_host",
                      shown(*host.value) + " is no host, expected a name or address without port");
    wireguard.endpoint_port = section.number16("endpoint_port");
    using Family = wg::HostAddress::Family;
    if (const auto subnet = read_subnet(section, "subnet_cidr", Family::v4, "10.66.42.0/24"))
        wireguard.subnet = *subnet;
    wireguard.subnet6 = read_subnet(section, "subnet_cidr6", Family::v6, "fd00:6642::/112");
    const auto dns = section.list("dns");
    for (const auto& [text, place] : dns.value) {
        if (is_host(text) && text.find_first_of("[]") == std::string::npos)
            wireguard.dns.push_back(text);
        else
            section.error(place, "dns", shown(text) + " is no address or domain, expected e.g. \"9.9.9.9\"");
    }
    wireguard.backend = read_backend(section);
    const auto manage = section.flag("manage");
    wireguard.manage = manage.value;
    read_server_key(section, reading, wireguard);
    read_manage(section, manage.place, dns.place, wireguard);
    if (const auto mtu = section.number("mtu"); mtu.given) wireguard.mtu = static_cast<std::uint16_t>(mtu.value);
    wireguard.preshared_keys = section.flag("preshared_keys").value;
    section.unknown();
    return wireguard;
}

std::optional<protocol::SecretKey> read_sales_key(Section& section, Reading& reading, const Read<bool>& enabled)
{
    auto hex = section.secret("p2pk_privkey_hex");
    const auto file = section.text("p2pk_privkey_file");
    std::string_view key = "p2pk_privkey_hex";
    if (hex.value) reading.inline_secrets = true;
    if (hex.value && file.value) {
        section.error(file.place, "p2pk_privkey_file", "stands beside p2pk_privkey_hex, expected one of them");
    } else if (file.value) {
        key = "p2pk_privkey_file";
        hex.place = file.place;
        hex.value = read_secret_file(reading, section, key, reading.path(*file.value), file.place);
    }
    if (enabled.value && !hex.given && !file.given)
        section.error(enabled.place, "p2pk_privkey_file", "is missing, expected the key that the listing's p2pk names");
    if (!hex.value) return std::nullopt;
    auto parsed = protocol::SecretKey::parse_hex(*hex.value);
    if (!parsed) section.error(hex.place, key, "is no private key, expected 64 hex digits");
    sodium_memzero(hex.value->data(), hex.value->size());
    if (!parsed) return std::nullopt;
    return std::move(parsed).value();
}

/// Tokens that buyers have locked to them before the listing named another are taken and redeemed still.
std::vector<protocol::SecretKey> read_former_sales_keys(Section& section, Reading& reading,
                                                        const std::optional<protocol::SecretKey>& sales_key)
{
    constexpr std::string_view kKey = "former_p2pk_privkey_files";
    std::vector<protocol::SecretKey> former;
    const auto listed = section.list(kKey);
    for (const auto& [text, place] : listed.value) {
        auto hex = read_secret_file(reading, section, kKey, reading.path(text), place);
        if (!hex) continue;
        auto key = protocol::SecretKey::parse_hex(*hex);
        sodium_memzero(hex->data(), hex->size());
        const auto is_there = [&](const protocol::SecretKey& other) { return other.public_key() == key->public_key(); };
        if (!key)
            section.error(place, kKey, text + " holds no private key, expected 64 hex digits");
        else if (sales_key && is_there(*sales_key))
            section.error(place, kKey, text + " holds the sales key itself, expected one that was it before");
        else if (std::ranges::any_of(former, is_there))
            section.error(place, kKey, text + " holds a key that is there already, expected each once");
        else
            former.push_back(std::move(*key));
    }
    return former;
}

void accept_mint(std::vector<std::string>& mints, Section& section, Place place, std::string_view key,
                 const std::string& text)
{
    const auto mint = payments::cashu::normalise_mint_url(text);
    if (!mint)
        section.error(place, key, shown(text) + " is no mint's URL, expected https://…");
    else if (std::find(mints.begin(), mints.end(), *mint) == mints.end())
        mints.push_back(*mint);
}

/// Needs the listing: mints are accepted that it names, and its p2pk must be the key we hold.
CashuConfig read_cashu(Section section, Section listing, Reading& reading, const ListingPart& part,
                       const ServerConfig& server, const DatabaseConfig& database)
{
    CashuConfig cashu;
    const auto enabled = section.flag("enabled");
    cashu.enabled = enabled.value;
    cashu.sales_key = read_sales_key(section, reading, enabled);
    cashu.former_sales_keys = read_former_sales_keys(section, reading, cashu.sales_key);
    const auto seed = section.text("seed_file");
    cashu.seed_file = seed.value ? reading.path(*seed.value) : database.ours.parent_path() / "wallet.seed";
    for (const auto& method : part.cashu) {
        accept_mint(cashu.mints, listing, method.mint_place, "payment_methods.mint", method.mint);
        const auto url = parse_url(method.endpoint);
        if (!url || !is_web(*url))
            listing.error(method.endpoint_place, "payment_methods.endpoint",
                          "is no URL, expected https://<public_host>/purchase");
        else if (!server.public_host.empty() && !protocol::same_host(url->host, server.public_host))
            listing.error(method.endpoint_place, "payment_methods.endpoint",
                          "is not on server.public_host, expected https://" + server.public_host + "/purchase");
        const std::string p2pk = to_lower(method.p2pk);
        const bool well_formed = p2pk.size() == 66 && (p2pk.starts_with("02") || p2pk.starts_with("03")) &&
                                 protocol::PublicKey::parse_hex(std::string_view(p2pk).substr(2)).has_value();
        const std::string ours = cashu.sales_key ? cashu.sales_key->public_key().hex() : "";
        if (!well_formed)
            listing.error(method.p2pk_place, "payment_methods.p2pk",
                          "is no public key, expected 66 hex digits" + (ours.empty() ? "" : ": 02" + ours));
        else if (!ours.empty() && p2pk.substr(2) != ours)
            listing.error(method.p2pk_place, "payment_methods.p2pk", "is not the key that we hold, expected 02" + ours);
    }
    if (const auto mint_url = section.text("mint_url"); mint_url.value)
        accept_mint(cashu.mints, section, mint_url.place, "mint_url", *mint_url.value);
    if (cashu.enabled && part.cashu.empty())
        section.warn(enabled.place, "enabled",
                     "but the listing has no cashu payment method, so that nobody can find it");
    if (!cashu.enabled && !enabled.wrong && !part.cashu.empty())
        listing.error(part.cashu.front().mint_place, "payment_methods",
                      "cashu is listed but [cashu] is not enabled, expected enabled = true or no such method");
    section.unknown();
    return cashu;
}

std::optional<NostrConfig> read_nostr(Section section, Reading& reading)
{
    if (!section.given()) section.error(section.place(), "", "is missing, expected a [nostr] table");
    std::vector<std::string> relays;
    const auto listed = section.list("relays");
    for (const auto& [text, place] : listed.value) {
        const auto url = parse_url(text);
        if (!url || !is_relay(*url))
            section.error(place, "relays", shown(text) + " is no relay, expected wss://…");
        else if (std::find(relays.begin(), relays.end(), text) == relays.end())
            relays.push_back(text);
    }
    if (listed.value.empty()) section.error(listed.place, "relays", "is empty, expected at least one wss://… URL");

    auto nsec = section.secret("nsec");
    const auto file = section.text("nsec_file");
    std::string_view key = "nsec";
    if (nsec.value) {
        reading.inline_secrets = true;
        if (file.value) section.warn(file.place, "nsec_file", "is not read, since nsec is there");
    } else if (file.value) {
        key = "nsec_file";
        nsec.place = file.place;
        nsec.value = read_secret_file(reading, section, key, reading.path(*file.value), file.place);
    } else if (!nsec.given) {
        section.error(section.place(), "nsec_file", "is missing, expected a file with the operator's nsec");
    }
    section.unknown();
    if (!nsec.value) return std::nullopt;
    auto parsed = protocol::parse_secret_key(*nsec.value);
    sodium_memzero(nsec.value->data(), nsec.value->size());
    if (!parsed) {
        section.error(nsec.place, key, "is no secret key, expected nsec1… or 64 hex digits");
        return std::nullopt;
    }
    return NostrConfig{std::move(relays), std::move(parsed).value()};
}

NotificationsConfig read_notifications(Section section)
{
    NotificationsConfig notifications;
    const auto enabled = section.flag("enabled");
    notifications.enabled = enabled.value;
    const auto pubkey = section.text("pubkey");
    if (pubkey.value) {
        const auto parsed = protocol::parse_public_key(*pubkey.value);
        if (parsed)
            notifications.recipient = *parsed;
        else
            section.error(pubkey.place, "pubkey", "is no public key, expected npub1… or 64 hex digits");
    } else if (enabled.value && !pubkey.given) {
        section.error(enabled.place, "pubkey", "is missing, expected the npub that messages go to");
    }
    notifications.heartbeat_hours = section.number("heartbeat_hours").value;
    section.unknown();
    return notifications;
}

LogConfig read_log(Section section)
{
    LogConfig log;
    if (section.choice("format").value == "json") log.format = LogFormat::json;
    log.level = parse_log_level(section.choice("level").value.value_or("")).value_or(log.level);
    section.unknown();
    return log;
}

MetricsConfig read_metrics(Section section, const ServerConfig& server)
{
    MetricsConfig metrics;
    metrics.enabled = section.given();
    const auto host = section.text("host");
    if (host.value && !is_host(*host.value))
        section.error(host.place, "host", shown(*host.value) + " is no address, expected e.g. \"127.0.0.1\"");
    metrics.host = host.value.value_or("");
    const auto port = section.number("port");
    metrics.port = static_cast<std::uint16_t>(port.value);
    if (metrics.enabled && metrics.port == server.port)
        section.error(port.place, "port", "is the port of the API, expected another one");
    if (metrics.enabled && (metrics.host == "0.0.0.0" || metrics.host == "::"))
        section.warn(host.place, "host", "listens on every address: whoever reaches it reads your sales");
    section.unknown();
    return metrics;
}

SessionsConfig read_sessions(Section section)
{
    SessionsConfig sessions;
    sessions.retention = Seconds(3600 * static_cast<std::int64_t>(section.number("retention_hours").value));
    sessions.activation_deadline = Seconds(static_cast<std::int64_t>(section.number("activation_deadline").value));
    sessions.refunds = section.flag("refunds").value;
    sessions.refund_fee_percent = section.number("refund_fee_percent").value;
    section.unknown();
    return sessions;
}

WalletConfig read_wallet(Section section)
{
    WalletConfig wallet;
    const auto to = section.text("sweep_to");
    wallet.sweep_to = to.value.value_or("");
    if (to.value && !payments::lightning::pay_address_url(*to.value))
        section.error(to.place, "sweep_to", shown(*to.value) + " is no Lightning address, expected name@example.com");
    wallet.sweep_above = Sat(section.number("sweep_above").value);
    wallet.sweep_fee_percent = section.number("sweep_fee_percent").value;
    section.unknown();
    return wallet;
}

LimitsConfig read_limits(Section section)
{
    LimitsConfig limits;
    limits.connections = section.number("connections").value;
    limits.connections_per_source = section.number("connections_per_source").value;
    limits.header_bytes = section.number("header_bytes").value;
    limits.requests_per_minute_per_source = section.number("requests_per_minute_per_source").value;
    limits.workers = section.number("workers").value;
    limits.undleqed_swaps_per_hour = section.number("undleqed_swaps_per_hour").value;
    limits.undleqed_swaps_per_hour_per_source = section.number("undleqed_swaps_per_hour_per_source").value;
    section.unknown();
    return limits;
}

/// The library takes keys of any length and then recurses over their parts. Text in quotes may have many dots; a key
/// with as many is nobody's.
std::optional<std::uint64_t> line_with_a_key_too_deep(std::string_view text)
{
    for (std::uint64_t line_number = 1; !text.empty(); ++line_number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const std::size_t start = std::min(line.find_first_not_of(" \t"), line.size());
        const bool header = line.substr(start).starts_with('[');
        const bool inside = line.find('{') != std::string_view::npos;
        const std::size_t equals = line.find('=');
        if (!header && !inside && equals == std::string_view::npos) continue;
        const std::string_view key = header || inside ? line : line.substr(0, equals);
        if (static_cast<std::size_t>(std::count(key.begin(), key.end(), '.')) > kMaxKeyParts) return line_number;
    }
    return std::nullopt;
}

LoadedConfig failed(const Complaints& complaints) { return {std::nullopt, complaints.errors(), complaints.warnings()}; }

LoadedConfig read_all(const toml::table& root, const ConfigSource& source, Complaints& complaints)
{
    Reading reading{source, complaints};
    Section file(&root, "", Place{}, complaints);
    auto server = read_server(file.table("server"));
    if (!root.contains("server")) complaints.error({}, "server", "is missing, expected a [server] table");
    auto database = read_database(file.table("db"), reading);
    auto admin = read_admin(file.table("admin"), reading, database);
    auto wireguard = read_wireguard(file.table("wireguard"), reading);
    auto lightning = read_lightning(file.table("lightning"), reading);
    auto nostr = read_nostr(file.table("nostr"), reading);
    auto part = read_listing(file.table("listing"));
    check_lightning(file.table("listing"), part, lightning, server);
    check_speeds(file.table("listing"), part, wireguard);
    auto cashu = read_cashu(file.table("cashu"), file.table("listing"), reading, part, server, database);
    auto notifications = read_notifications(file.table("notifications"));
    const auto log = read_log(file.table("log"));
    auto metrics = read_metrics(file.table("metrics"), server);
    auto sessions = read_sessions(file.table("sessions"));
    auto wallet = read_wallet(file.table("wallet"));
    auto limits = read_limits(file.table("limits"));
    file.unknown();
    if (reading.inline_secrets && source.openness == FileOpenness::open)
        complaints.warn({}, "", "holds secrets and may be read or written by others, expected mode 0600");
    if (complaints.any_error() || !nostr) return failed(complaints);
    Config config{std::move(server),
                  std::move(admin),
                  std::move(database),
                  std::move(wireguard),
                  std::move(lightning),
                  std::move(cashu),
                  std::move(*nostr),
                  notifications,
                  std::move(metrics),
                  sessions,
                  limits,
                  std::move(part.listing),
                  part.legacy_tag,
                  std::move(part.max_mbps),
                  log,
                  std::move(wallet)};
    return {std::move(config), {}, complaints.warnings()};
}

} // namespace

LoadedConfig parse_config(const ConfigSource& source)
{
    Complaints complaints(source.name);
    if (source.text.size() > kMaxText) {
        complaints.error({}, "", "is over 1 MiB, expected a config");
        return failed(complaints);
    }
    if (const auto line = line_with_a_key_too_deep(source.text)) {
        complaints.error({*line, 1}, "", "has a key of too many parts, expected at most 64");
        return failed(complaints);
    }
    try {
        const toml::table root = toml::parse(source.text);
        return read_all(root, source, complaints);
    } catch (const toml::parse_error& error) {
        complaints.error({error.source().begin.line, error.source().begin.column}, "",
                         "is no TOML: " + std::string(error.description()));
        return failed(complaints);
    }
}

LoadedConfig load_config(const std::filesystem::path& path)
{
    const auto text = read_file(path);
    const auto mode = openness(path);
    if (!text || !mode) {
        const Error& error = text ? mode.error() : text.error();
        return {std::nullopt, {path.string() + ":1:1: " + error.detail + ", expected a readable config file"}, {}};
    }
    const auto read_secret = [](const std::filesystem::path& file) -> Result<SecretFile> {
        const FileOpenness how_open = TRY(openness(file));
        // One that is open to others is refused unread.
        if (how_open == FileOpenness::open) return SecretFile{"", how_open};
        return SecretFile{TRY(read_file(file, 64 * 1024)), how_open};
    };
    return parse_config({*text, path.string(), path.parent_path(), *mode, read_secret});
}

std::filesystem::path config_path(std::optional<std::filesystem::path> given,
                                  const std::function<std::optional<std::string>(const char*)>& env,
                                  const std::function<bool(const std::filesystem::path&)>& exists)
{
    if (given) return *given;
    for (const auto* variable : {"ADIT_CONFIG", "EUROPA_NODE_CONFIG"})
        if (const auto value = env(variable); value && !value->empty()) return *value;
    const std::filesystem::path ours = "/etc/adit/config.toml";
    const std::filesystem::path reference = "/etc/europa-node/config.toml";
    return !exists(ours) && exists(reference) ? reference : ours;
}

std::vector<protocol::SecretKey> all_sales_keys(const CashuConfig& cashu)
{
    std::vector<protocol::SecretKey> keys;
    if (!cashu.sales_key) return keys;
    keys.push_back(cashu.sales_key->duplicate());
    for (const protocol::SecretKey& former : cashu.former_sales_keys) keys.push_back(former.duplicate());
    return keys;
}

std::filesystem::path our_database(const std::filesystem::path& configured)
{
    return configured.parent_path() / "adit.db";
}

} // namespace adit::app
