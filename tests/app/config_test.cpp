#include "app/config.h"

#include "protocol/lnurl.h"
#include "protocol/nip19.h"
#include "wg/cidr.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <sys/stat.h>

namespace adit::app {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr auto kSalesSecret = "0000000000000000000000000000000000000000000000000000000000000001";
constexpr auto kSalesX = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
constexpr auto kNodeSecret = "0000000000000000000000000000000000000000000000000000000000000002";
constexpr auto kServerKey = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";

/// As an operator of the reference would have written it.
std::string reference_config()
{
    return std::string(R"([server]
host = "0.0.0.0"
port = 8080
public_host = "vpn.example.com"

[db]
path = "/var/lib/europa-node/sessions.db"

[wireguard]
interface = "wg0"
endpoint_host = "vpn.example.com"
endpoint_port = 51820
server_pubkey = ")") +
           kServerKey + R"("
subnet_cidr = "10.66.42.0/24"
dns = ["1.1.1.1", "9.9.9.9"]

[lightning]
enabled = false
backend = "stub"

[cashu]
enabled = true
p2pk_privkey_hex = ")" +
           kSalesSecret + R"("
mint_url = "https://mint.example.com/"

[nostr]
relays = ["wss://relay.one", "wss://relay.two"]
nsec = ")" +
           kNodeSecret + R"("

[notifications]
enabled = false
heartbeat_hours = 24

[listing]
d_tag = "vpn-east-1"
title = "Fast VPN"
summary = "1 Gbps shared"
protocols = ["wireguard"]
policies = ["no-logs", "no-torrents"]
capacity = { amount = 1000, unit = "Mbps" }
content = """
WireGuard only.
Since 2026.
"""

[listing.region]
country = "US"
sub = "US-East"
geohash = "dr5regw"

[[listing.prices]]
amount = 100
currency = "sat"
unit = "hour"

[[listing.prices]]
amount = 1000
currency = "sat"
unit = "day"

[listing.min_purchase]
amount = 1
unit = "hour"

[listing.max_purchase]
amount = 30
unit = "day"

[[listing.payment_methods]]
type = "cashu"
mint = "https://mint.example.com"
p2pk = "02)" +
           kSalesX + R"("
endpoint = "https://vpn.example.com/purchase"
)";
}

class ConfigTest : public testing::Test {
protected:
    LoadedConfig parse(const std::string& text, FileOpenness own = FileOpenness::closed)
    {
        return parse_config({text, "c.toml", "/etc/adit", own, [this](const std::filesystem::path& path) {
                                 read_.push_back(path);
                                 const auto found = files_.find(path.string());
                                 if (found == files_.end())
                                     return Result<SecretFile>(Error{Reason::io, "no such file"});
                                 return Result<SecretFile>(found->second);
                             }});
    }
    /// The reference's config with `from` replaced by `to` once.
    static std::string changed(const std::string& from, const std::string& to)
    {
        std::string text = reference_config();
        const std::size_t at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        return at == std::string::npos ? text : text.replace(at, from.size(), to);
    }
    /// The one error that this change leads to.
    std::string error_of(const std::string& from, const std::string& to)
    {
        const LoadedConfig loaded = parse(changed(from, to));
        EXPECT_FALSE(loaded.config);
        EXPECT_EQ(loaded.errors.size(), 1U) << testing::PrintToString(loaded.errors);
        return loaded.errors.empty() ? "" : loaded.errors.front();
    }
    /// The one warning that this change leads to.
    std::string warning_of(const std::string& from, const std::string& to)
    {
        const LoadedConfig loaded = parse(changed(from, to));
        EXPECT_TRUE(loaded.config) << testing::PrintToString(loaded.errors);
        EXPECT_EQ(loaded.warnings.size(), 1U) << testing::PrintToString(loaded.warnings);
        return loaded.warnings.empty() ? "" : loaded.warnings.front();
    }

    std::map<std::string, SecretFile> files_;
    std::vector<std::filesystem::path> read_;
};

TEST_F(ConfigTest, AConfigOfTheReferenceIsTakenUnchanged)
{
    const LoadedConfig loaded = parse(reference_config());
    ASSERT_TRUE(loaded.config) << testing::PrintToString(loaded.errors);
    EXPECT_THAT(loaded.warnings, IsEmpty());
    const Config& config = *loaded.config;
    EXPECT_EQ(config.server.host, "0.0.0.0");
    EXPECT_EQ(config.server.port, 8080);
    EXPECT_EQ(config.server.public_host, "vpn.example.com");
    EXPECT_EQ(config.server.trusted_proxies.size(), 2U);
    EXPECT_EQ(config.database.configured, "/var/lib/europa-node/sessions.db");
    EXPECT_EQ(config.database.ours, "/var/lib/europa-node/adit.db");
    EXPECT_EQ(config.admin.socket, "/var/lib/europa-node/admin.sock");
    EXPECT_EQ(config.wireguard.interface, "wg0");
    EXPECT_EQ(config.wireguard.server_key->base64(), kServerKey);
    EXPECT_EQ(wg::cidr_text(config.wireguard.subnet), "10.66.42.0/24");
    EXPECT_THAT(config.wireguard.dns, ElementsAre("1.1.1.1", "9.9.9.9"));
    EXPECT_EQ(config.wireguard.backend, WireguardBackend::automatic);
    EXPECT_TRUE(config.cashu.enabled);
    EXPECT_EQ(config.cashu.sales_key->public_key().hex(), kSalesX);
    EXPECT_THAT(config.cashu.mints, ElementsAre("https://mint.example.com")) << "mint_url names the same mint";
    EXPECT_EQ(config.cashu.seed_file, "/var/lib/europa-node/wallet.seed");
    EXPECT_THAT(config.nostr.relays, ElementsAre("wss://relay.one", "wss://relay.two"));
    EXPECT_EQ(encode_hex(config.nostr.key.expose()), kNodeSecret);
    EXPECT_EQ(config.listing.d_tag, "vpn-east-1");
    EXPECT_EQ(config.listing.content, "WireGuard only.\nSince 2026.\n");
    EXPECT_EQ(config.listing.geohash, "dr5regw");
    EXPECT_THAT(config.listing.prices,
                ElementsAre(protocol::Price{"100", "sat", "hour"}, protocol::Price{"1000", "sat", "day"}));
    EXPECT_EQ(config.listing.min_purchase, (protocol::Bound{1, protocol::Unit::hour}));
    EXPECT_EQ(config.listing.max_purchase, (protocol::Bound{30, protocol::Unit::day}));
    EXPECT_EQ(config.listing.capacity, (protocol::Price{"1000", "", "Mbps"}));
    ASSERT_EQ(config.listing.payments.size(), 1U);
    EXPECT_EQ(config.legacy_tag, protocol::LegacyTag::with);
    EXPECT_EQ(config.sessions.activation_deadline, Seconds(600));
}

TEST_F(ConfigTest, WhatIsLeftOutHasTheDefaultsOfTheReference)
{
    std::string text = reference_config();
    for (const std::string line :
         {"host = \"0.0.0.0\"\n", "port = 8080\n", "[db]\npath = \"/var/lib/europa-node/sessions.db\"\n",
          "interface = \"wg0\"\n", "endpoint_port = 51820\n", "subnet_cidr = \"10.66.42.0/24\"\n",
          "dns = [\"1.1.1.1\", \"9.9.9.9\"]\n", "[notifications]\nenabled = false\nheartbeat_hours = 24\n",
          "[lightning]\nenabled = false\nbackend = \"stub\"\n", "mint_url = \"https://mint.example.com/\"\n"})
        text.erase(text.find(line), line.size());
    const LoadedConfig loaded = parse(text);
    ASSERT_TRUE(loaded.config) << testing::PrintToString(loaded.errors);
    EXPECT_EQ(loaded.config->server.port, 8080);
    EXPECT_EQ(loaded.config->database.ours, "/var/lib/europa-node/adit.db");
    EXPECT_EQ(loaded.config->wireguard.interface, "wg0");
    EXPECT_EQ(wg::cidr_text(loaded.config->wireguard.subnet), "10.66.42.0/24");
    EXPECT_THAT(loaded.config->wireguard.dns, ElementsAre("1.1.1.1", "9.9.9.9"));
}

TEST_F(ConfigTest, OurOwnKeysAreRead)
{
    std::string text = changed("[nostr]", R"([admin]
socket = "run/a.sock"
[metrics]
port = 9999
[log]
format = "json"
level = "warn"
[limits]
workers = 8
connections = 100
[sessions]
retention_hours = 48
activation_deadline = 60
[nostr])");
    text.replace(text.find("interface = "), 0,
                 "backend = \"userspace\"\nsubnet_cidr6 = \"fd00::/112\"\nmtu = 1400\npreshared_keys = true\n");
    text.replace(text.find("public_host"), 0, "trusted_proxies = [\"10.1.2.3/8\", \"::1\"]\n");
    text.replace(text.find("title ="), 0, "legacy_tag = false\nimage = \"https://vpn.example.com/i.png\"\n");
    const LoadedConfig loaded = parse(text);
    ASSERT_TRUE(loaded.config) << testing::PrintToString(loaded.errors);
    const Config& config = *loaded.config;
    EXPECT_EQ(config.admin.socket, "/etc/adit/run/a.sock");
    EXPECT_TRUE(config.metrics.enabled);
    EXPECT_EQ(config.metrics.host, "127.0.0.1");
    EXPECT_EQ(config.metrics.port, 9999);
    EXPECT_EQ(config.log.format, LogFormat::json);
    EXPECT_EQ(config.log.level, LogLevel::warn);
    EXPECT_EQ(config.limits.workers, 8U);
    EXPECT_EQ(config.limits.connections, 100U);
    EXPECT_EQ(config.sessions.retention, Seconds(48 * 3600));
    EXPECT_EQ(config.sessions.activation_deadline, Seconds(60));
    EXPECT_EQ(config.wireguard.backend, WireguardBackend::userspace);
    EXPECT_EQ(wg::cidr_text(*config.wireguard.subnet6), "fd00::/112");
    EXPECT_EQ(config.wireguard.mtu, 1400);
    EXPECT_TRUE(config.wireguard.preshared_keys);
    EXPECT_EQ(wg::cidr_text(config.server.trusted_proxies[0]), "10.0.0.0/8");
    EXPECT_EQ(config.legacy_tag, protocol::LegacyTag::without);
    EXPECT_EQ(config.listing.image, "https://vpn.example.com/i.png");
}

TEST_F(ConfigTest, AManagedInterfaceHasItsKeyPortAndSpeeds)
{
    const protocol::WireguardSecret secret = protocol::generate_wireguard_secret(system_rng());
    files_["/etc/adit/wg.key"] = {encode_base64(secret.expose()) + "\n", FileOpenness::closed};
    std::string text = changed("server_pubkey = \"" + std::string(kServerKey) + "\"\n",
                               "manage = true\nprivate_key_file = \"wg.key\"\nlisten_port = 443\n"
                               "blocked_ports = [6881, 445]\n");
    text.replace(text.find("dns = "), 6, "dns = [\"10.66.42.1\"] #");
    text.replace(text.find("unit = \"day\"\n"), 0, "max_mbps = 50\n");
    const LoadedConfig loaded = parse(text);
    ASSERT_TRUE(loaded.config) << testing::PrintToString(loaded.errors);
    EXPECT_THAT(loaded.warnings, IsEmpty());
    const WireguardConfig& wireguard = loaded.config->wireguard;
    EXPECT_TRUE(wireguard.manage);
    ASSERT_TRUE(wireguard.private_key);
    EXPECT_EQ(*wireguard.private_key, secret);
    EXPECT_EQ(wireguard.server_key, protocol::wireguard_public_key(secret));
    EXPECT_EQ(wireguard.listen_port, 443);
    EXPECT_EQ(wireguard.endpoint_port, 51820);
    EXPECT_THAT(wireguard.blocked_ports, ElementsAre(6881, 445));
    EXPECT_THAT(loaded.config->max_mbps, ElementsAre(0U, 50U));
    EXPECT_THAT(loaded.config->listing.prices,
                ElementsAre(protocol::Price{"100", "sat", "hour"}, protocol::Price{"1000", "sat", "day"}))
        << "what is published stays as it was";
}

TEST_F(ConfigTest, WhatAManagedInterfaceLacksIsSaid)
{
    EXPECT_THAT(error_of("interface = \"wg0\"", "manage = true"),
                HasSubstr("wireguard.private_key_file: is missing, expected a file of what `wg genkey` writes"));
    EXPECT_THAT(parse(changed("interface = \"wg0\"", "manage = true\nbackend = \"memory\"")).errors,
                Contains(HasSubstr("wireguard.manage: does not go with backend = \"memory\"")));
    files_["/etc/adit/wg.key"] = {std::string(kServerKey), FileOpenness::closed};
    const std::string managed = "manage = true\nprivate_key_file = \"wg.key\"\n";
    const auto with = [&](const std::string& more) {
        return parse(changed("server_pubkey = \"" + std::string(kServerKey) + "\"\n", managed + more));
    };
    EXPECT_THAT(with("").errors, IsEmpty());
    EXPECT_FALSE(parse(changed("interface = \"wg0\"", "interface = \"wg0\"")).config->wireguard.private_key)
        << "without manage nobody needs it in memory";
    for (const char* ports : {"5", "[0]", "[65536]", "[\"25\"]", "[-1]", "[1.5]"})
        EXPECT_THAT(with("blocked_ports = " + std::string(ports) + "\n").errors,
                    ElementsAre(HasSubstr("wireguard.blocked_ports: ")))
            << ports;
    EXPECT_THAT(with("listen_port = 0\n").errors, ElementsAre(HasSubstr("wireguard.listen_port: is out of range")));
    std::string private_resolver = changed("server_pubkey = \"" + std::string(kServerKey) + "\"\n", managed);
    private_resolver.replace(private_resolver.find("dns = "), 6, "dns = [\"192.168.1.1\", \"9.9.9.9\"] #");
    EXPECT_THAT(parse(private_resolver).errors,
                ElementsAre(HasSubstr("wireguard.dns: \"192.168.1.1\" is in a range that manage closes to buyers, "
                                      "expected a public resolver, or 10.66.42.1")));
}

TEST_F(ConfigTest, WhatOnlyAManagedInterfaceCanDoNeedsOne)
{
    EXPECT_THAT(error_of("unit = \"day\"\n", "unit = \"day\"\nmax_mbps = 50\n"),
                HasSubstr("listing.prices.max_mbps: can not be enforced on an interface that adit does not manage, "
                          "expected wireguard.manage = true, or no limit"));
    for (const char* speed : {"0", "100001", "-5", "1.5", "\"fast\""})
        EXPECT_THAT(
            parse(changed("unit = \"day\"\n", "unit = \"day\"\nmax_mbps = " + std::string(speed) + "\n")).errors,
            Contains(HasSubstr("max_mbps: is out of range, expected a whole number from 1 to 100000")))
            << speed;
    EXPECT_THAT(warning_of("interface = \"wg0\"", "listen_port = 443"), HasSubstr("has no effect without manage"));
    EXPECT_THAT(warning_of("interface = \"wg0\"", "blocked_ports = [445]"), HasSubstr("your own firewall"));
}

TEST_F(ConfigTest, AMistakeIsNamedWithItsPlaceAndWhatIsExpected)
{
    EXPECT_EQ(error_of("port = 8080", "port = 99999"),
              "c.toml:3:8: server.port: is out of range, expected a whole number from 1 to 65535");
    EXPECT_EQ(
        error_of("public_host = \"vpn.example.com\"\n", "\n"),
        "c.toml:1:1: server.public_host: is missing, expected the host that buyers use, e.g. \"vpn.example.com\"");
}

TEST_F(ConfigTest, EveryWrongValueIsOneErrorAtItsKey)
{
    const struct {
        const char* from;
        const char* to;
        const char* key;
    } rows[]{
        {"public_host = \"vpn.example.com\"", "public_host = \"https://vpn.example.com\"", "server.public_host"},
        {"host = \"0.0.0.0\"", "host = \"not a host\"", "server.host"},
        {"host = \"0.0.0.0\"", "host = 5", "server.host"},
        {"port = 8080", "port = true", "server.port"},
        {"port = 8080", "port = -1", "server.port"},
        {"port = 8080", "port = 80.5", "server.port"},
        {"host = \"0.0.0.0\"", "trusted_proxies = [\"10.0.0.0/40\"]", "server.trusted_proxies"},
        {"host = \"0.0.0.0\"", "trusted_proxies = \"10.0.0.0/8\"", "server.trusted_proxies"},
        {"host = \"0.0.0.0\"", "trusted_proxies = [5]", "server.trusted_proxies"},
        {"interface = \"wg0\"", "interface = \"way-too-long-interface\"", "wireguard.interface"},
        {"interface = \"wg0\"", "interface = \"wg 0\"", "wireguard.interface"},
        {"endpoint_host = \"vpn.example.com\"", "endpoint_host = \"vpn.example.com:5\"", "wireguard.endpoint_host"},
        {"endpoint_host = \"vpn.example.com\"", "", "wireguard.endpoint_host"},
        {"server_pubkey = \"x", "server_pubkey = \"xx", "wireguard.server_pubkey"},
        {"10.66.42.0/24", "10.66.42.0", "wireguard.subnet_cidr"},
        {"10.66.42.0/24", "10.66.42.0/31", "wireguard.subnet_cidr"},
        {"10.66.42.0/24", "fd00::/64", "wireguard.subnet_cidr"},
        {"\"1.1.1.1\", ", "\"1.1.1.1\", \"a b\", ", "wireguard.dns"},
        {"interface = \"wg0\"", "backend = \"fast\"", "wireguard.backend"},
        {"interface = \"wg0\"", "mtu = 500", "wireguard.mtu"},
        {"interface = \"wg0\"", "preshared_keys = \"yes\"", "wireguard.preshared_keys"},
        {"interface = \"wg0\"", "subnet_cidr6 = \"10.0.0.0/24\"", "wireguard.subnet_cidr6"},
        {"backend = \"stub\"", "backend = \"cln\"", "lightning.backend"},
        {"backend = \"stub\"", "base_url = \"localhost\"", "lightning.base_url"},
        {"backend = \"stub\"", "success_action = \"qr\"", "lightning.success_action"},
        {"enabled = true\n", "enabled = \"true\"\n", "cashu.enabled"},
        {"enabled = true\n", "enabled = 1\n", "cashu.enabled"},
        {"mint_url = \"https://mint.example.com/\"", "mint_url = \"mint\"", "cashu.mint_url"},
        {"\"wss://relay.one\", \"wss://relay.two\"", "", "nostr.relays"},
        {"wss://relay.one", "https://relay.one", "nostr.relays"},
        {"heartbeat_hours = 24", "pubkey = \"npub1xyz\"", "notifications.pubkey"},
        {"heartbeat_hours = 24", "heartbeat_hours = -1", "notifications.heartbeat_hours"},
        {"d_tag = \"vpn-east-1\"\n", "d_tag = \"\"\n", "listing.d_tag"},
        {"title = \"Fast VPN\"\n", "", "listing.title"},
        {"title = \"Fast VPN\"", "title = \"a\\nb\"", "listing.title"},
        {"[\"wireguard\"]", "[\"ipsec\", \"wireguard\"]", "listing.protocols"},
        {"[\"wireguard\"]", "[\"openvpn\"]", "listing.protocols"},
        {"[\"no-logs\", \"no-torrents\"]", "[1, \"no-torrents\"]", "listing.policies"},
        {"title = ", "policy_url = \"x\"\ntitle = ", "listing.policy_url"},
        {"amount = 1000, unit", "amount = 0, unit", "listing.capacity.amount"},
        {"amount = 100\n", "amount = -100\n", "listing.prices[0].amount"},
        {"amount = 100\n", "amount = \"cheap\"\n", "listing.prices[0].amount"},
        {"amount = 100\n", "", "listing.prices[0].amount"},
        {"amount = 1000\ncurrency = \"sat\"\n", "amount = 1000\n", "listing.prices[1].currency"},
        {"amount = 1\nunit = \"hour\"", "amount = 1\nunit = \"hours\"", "listing.min_purchase.unit"},
        {"amount = 1\nunit = \"hour\"", "amount = 1.5\nunit = \"hour\"", "listing.min_purchase.amount"},
        {"amount = 1\nunit = \"hour\"", "amount = 31\nunit = \"day\"", "listing.max_purchase"},
        {"type = \"cashu\"", "type = \"monero\"", "listing.payment_methods[0].type"},
        {"mint = \"https://mint.example.com\"\n", "mint = \"ftp://x\"\n", "listing.payment_methods.mint"},
        {"https://vpn.example.com/purchase", "https://other.example/purchase", "listing.payment_methods.endpoint"},
        {"https://vpn.example.com/purchase", "vpn.example.com/purchase", "listing.payment_methods.endpoint"},
        {"p2pk = \"02", "p2pk = \"", "listing.payment_methods.p2pk"},
        {"p2pk = \"0279be", "p2pk = \"0279bf", "listing.payment_methods.p2pk"},
        {"enabled = true\n", "", "listing.payment_methods"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(std::string(row.from) + " -> " + row.to);
        const std::string error = error_of(row.from, row.to);
        EXPECT_THAT(error, HasSubstr(std::string(": ") + row.key + ": "));
        EXPECT_THAT(error, HasSubstr(", expected "));
    }
}

TEST_F(ConfigTest, AllMistakesAreSaidAtOnceInTheOrderOfTheFile)
{
    std::string text = changed("port = 8080", "port = 0");
    text.replace(text.find("10.66.42.0/24"), 13, "nonsense");
    text.replace(text.find("wss://relay.one"), 15, "relay");
    text.replace(text.find("unit = \"hour\""), 13, "unit = 7     ");
    const LoadedConfig loaded = parse(text);
    EXPECT_FALSE(loaded.config);
    EXPECT_THAT(loaded.errors, ElementsAre(HasSubstr("server.port"), HasSubstr("wireguard.subnet_cidr"),
                                           HasSubstr("nostr.relays"), HasSubstr("listing.prices[0].unit")));
}

TEST_F(ConfigTest, MissingTablesAreNamed)
{
    const LoadedConfig loaded = parse("");
    EXPECT_FALSE(loaded.config);
    for (const auto* key : {"server.public_host", "wireguard", "nostr", "listing.d_tag", "listing.prices"})
        EXPECT_THAT(loaded.errors, Contains(HasSubstr(std::string("c.toml:1:1: ") + key + ": "))) << key;
    for (const auto* wrong : {"server = 5", "listing = []", "nostr = \"x\"", "cashu = [1]"})
        EXPECT_FALSE(parse(wrong).config) << wrong;
}

TEST_F(ConfigTest, MetricsAreServedOnlyWhereTheyAreAskedForAndNeverOnTheApisPort)
{
    const LoadedConfig plain = parse(changed("[nostr]", "[nostr]"));
    ASSERT_TRUE(plain.config);
    EXPECT_FALSE(plain.config->metrics.enabled);
    EXPECT_EQ(plain.config->log.format, LogFormat::text);
    const LoadedConfig empty = parse(changed("[nostr]", "[metrics]\n[nostr]"));
    ASSERT_TRUE(empty.config);
    EXPECT_TRUE(empty.config->metrics.enabled);
    EXPECT_EQ(empty.config->metrics.port, 9464);
    EXPECT_THAT(parse(changed("[nostr]", "[metrics]\nport = 8080\n[nostr]")).errors,
                ElementsAre(HasSubstr("metrics.port: is the port of the API")));
    EXPECT_THAT(warning_of("[nostr]", "[metrics]\nhost = \"0.0.0.0\"\n[nostr]"), HasSubstr("reads your sales"));
}

TEST_F(ConfigTest, AnUnknownKeyIsAWarningAtItsPlace)
{
    EXPECT_EQ(warning_of("port = 8080", "prot = 8080"), "c.toml:3:1: server.prot: is not known and has no effect");
    EXPECT_THAT(warning_of("[db]", "[extra]\nx = 1\n[db]"), HasSubstr(": extra: is not known"));
    EXPECT_THAT(warning_of("unit = \"day\"\n", "unit = \"day\"\ncolour = \"red\"\n"),
                HasSubstr("listing.prices[1].colour: is not known"));
    EXPECT_THAT(warning_of("port = 8080", "\"p\\u001bx\" = 1"), Not(HasSubstr("\x1b")));
}

TEST_F(ConfigTest, NotificationsGoToWhomTheyNameEverySoManyHours)
{
    const std::string off = "[notifications]\nenabled = false\n";
    const LoadedConfig on =
        parse(changed(off, "[notifications]\nenabled = true\npubkey = \"" + std::string(kSalesX) + "\"\n"));
    ASSERT_TRUE(on.config);
    EXPECT_TRUE(on.warnings.empty()) << on.warnings.front();
    EXPECT_TRUE(on.config->notifications.enabled);
    ASSERT_TRUE(on.config->notifications.recipient);
    EXPECT_EQ(on.config->notifications.recipient->hex(), kSalesX);
    EXPECT_EQ(on.config->notifications.heartbeat_hours, 24U);
    EXPECT_FALSE(parse(changed(off, "[notifications]\nenabled = true\n")).config) << "nobody to tell";
}

TEST_F(ConfigTest, WhatWorksButIsOddIsAWarning)
{
    EXPECT_THAT(warning_of("10.66.42.0/24", "10.66.42.1/24"), HasSubstr("is taken as 10.66.42.0/24"));
    EXPECT_THAT(warning_of("interface = \"wg0\"", "backend = \"memory\""), HasSubstr("demos"));
    EXPECT_THAT(warning_of("amount = 100\ncurrency = \"sat\"", "amount = 0.5\ncurrency = \"usd\""),
                HasSubstr("can not be bought"));
    EXPECT_THAT(warning_of("[\"wireguard\"]", "[\"wireguard\", \"openvpn\"]"), HasSubstr("openvpn"));
    EXPECT_THAT(warning_of("geohash = \"dr5regw\"", "geohash = \"here!\""), HasSubstr("listing.region.geohash"));
    EXPECT_THAT(warning_of("amount = 1000\ncurrency = \"sat\"\nunit = \"day\"",
                           "amount = 100.0\ncurrency = \"sat\"\nunit = \"hour\""),
                HasSubstr("listed twice"));
    EXPECT_THAT(warning_of("amount = 30\nunit = \"day\"", "amount = 2\nunit = \"hour\""),
                HasSubstr("less than one day"));
    EXPECT_THAT(warning_of(std::string("server_pubkey = \"") + kServerKey + "\"\n", ""),
                HasSubstr("the device's own key"));
}

TEST_F(ConfigTest, FloatsAndTextAreAmountsToo)
{
    const LoadedConfig loaded =
        parse(changed("amount = 100\ncurrency = \"sat\"", "amount = 0.00000021\ncurrency = \"btc\""));
    ASSERT_TRUE(loaded.config) << testing::PrintToString(loaded.errors);
    EXPECT_EQ(loaded.config->listing.prices[0].amount, "0.00000021");
    const LoadedConfig text = parse(changed("amount = 100\n", "amount = \"100.50\"\n"));
    ASSERT_TRUE(text.config);
    EXPECT_EQ(text.config->listing.prices[0].amount, "100.50");
    EXPECT_TRUE(parse(changed("port = 8080", "port = \"8080\"")).config) << "the reference takes ports in quotes";
}

TEST_F(ConfigTest, TheOldPrefixOfTheKeyIsTakenSinceLocksAreToItsX)
{
    EXPECT_TRUE(parse(changed("p2pk = \"02", "p2pk = \"03")).config);
}

constexpr const char* kLightningMethod = "\n[[listing.payment_methods]]\ntype = \"lightning\"\nendpoint = "
                                         "\"https://vpn.example.com/lnurlp\"\nmechanism = \"lnurl-pay\"\n";

TEST_F(ConfigTest, LightningThatIsListedMustBeEnabledAndIsPublishedThen)
{
    const LoadedConfig off = parse(reference_config() + kLightningMethod);
    EXPECT_FALSE(off.config);
    EXPECT_THAT(off.errors, ElementsAre(HasSubstr("lightning is listed but [lightning] is not enabled, expected")));
    const std::string text =
        changed("enabled = false\nbackend = \"stub\"", "enabled = true\nbackend = \"phoenixd\"\n"
                                                       "base_url = \"http://localhost:9740\"\napi_token = \"s\"");
    const LoadedConfig on = parse(text + kLightningMethod);
    ASSERT_TRUE(on.config) << testing::PrintToString(on.errors);
    EXPECT_EQ(on.config->listing.payments.size(), 2U);
    EXPECT_EQ(on.config->lightning.api_token.expose(), "s");
    EXPECT_TRUE(on.config->lightning.sells());
    const LoadedConfig unlisted = parse(text);
    EXPECT_THAT(unlisted.errors, ElementsAre(HasSubstr("has no lightning method, expected one with endpoint")));
}

TEST_F(ConfigTest, AReferencesStubStartsAndListsNoLightning)
{
    const LoadedConfig stub =
        parse(changed("enabled = false\nbackend = \"stub\"", "enabled = true\nbackend = \"stub\"") + kLightningMethod);
    ASSERT_TRUE(stub.config) << testing::PrintToString(stub.errors);
    EXPECT_EQ(stub.config->listing.payments.size(), 1U);
    EXPECT_FALSE(stub.config->lightning.sells());
    EXPECT_THAT(stub.warnings, Contains(HasSubstr("stub makes no invoices")));
}

TEST_F(ConfigTest, EachBackendSaysWhatItNeeds)
{
    const auto with = [&](const std::string& lines, const std::string& method = kLightningMethod) {
        return parse(changed("enabled = false\nbackend = \"stub\"", "enabled = true\n" + lines) + method);
    };
    EXPECT_THAT(with("backend = \"phoenixd\"").errors,
                ElementsAre(HasSubstr("lightning.api_token_file: is missing, expected a file with phoenixd's "
                                      "http-password-limited-access")));
    EXPECT_THAT(with("backend = \"phoenixd\"\napi_token = \"s\"\nhold = true").errors,
                ElementsAre(HasSubstr("lightning.hold: is not to be had of phoenixd")));
    EXPECT_THAT(with("backend = \"lnd\"").errors,
                ElementsAre(HasSubstr("lightning.macaroon_file: is missing"), HasSubstr("lightning.tls_cert_file: is "
                                                                                        "missing")));
    files_["/etc/adit/mac"] = {"\x02\x01macaroon", FileOpenness::closed};
    const std::string lnd = "backend = \"lnd\"\nmacaroon_file = \"mac\"\ntls_cert_file = \"tls.cert\"\n";
    EXPECT_THAT(with(lnd + "base_url = \"http://127.0.0.1:8080\"").errors,
                ElementsAre(HasSubstr("lightning.base_url: is not https")));
    const LoadedConfig good = with(lnd + "hold = true");
    ASSERT_TRUE(good.config) << testing::PrintToString(good.errors);
    EXPECT_TRUE(good.config->lightning.hold);
    EXPECT_EQ(good.config->lightning.macaroon_file, "/etc/adit/mac");
    EXPECT_EQ(good.config->lightning.base_url, "https://127.0.0.1:8080");
    files_["/etc/adit/mac"].openness = FileOpenness::open;
    EXPECT_THAT(with(lnd).errors, ElementsAre(HasSubstr("may be read or written by others, expected mode 0600")));
    files_["/etc/adit/token"] = {"from a file\n", FileOpenness::closed};
    const LoadedConfig token = with("backend = \"phoenixd\"\napi_token_file = \"token\"");
    ASSERT_TRUE(token.config) << testing::PrintToString(token.errors);
    EXPECT_EQ(token.config->lightning.api_token.expose(), "from a file");
    EXPECT_THAT(with("backend = \"phoenixd\"\napi_token = \"a\"\napi_token_file = \"token\"").errors,
                ElementsAre(HasSubstr("stands beside api_token")));
}

TEST_F(ConfigTest, ALightningMethodIsOnOurHostAndPathAndOfAWayThatIsSold)
{
    const auto with = [&](const std::string& endpoint, const std::string& mechanism) {
        return parse(changed("enabled = false\nbackend = \"stub\"",
                             "enabled = true\nbackend = \"phoenixd\"\napi_token = \"s\"") +
                     "\n[[listing.payment_methods]]\ntype = \"lightning\"\nendpoint = \"" + endpoint +
                     "\"\nmechanism = \"" + mechanism + "\"\n");
    };
    EXPECT_THAT(with("https://elsewhere.example/lnurlp", "lnurl-pay").errors,
                ElementsAre(HasSubstr("is not on server.public_host, expected https://vpn.example.com/lnurlp")));
    EXPECT_THAT(with("https://vpn.example.com/pay", "lnurl-pay").errors, ElementsAre(HasSubstr("another path")));
    EXPECT_THAT(with("lightning@vpn.example.com", "lnurl-pay").errors,
                ElementsAre(HasSubstr("is no LNURL-pay address")));
    EXPECT_TRUE(with(protocol::encode_lnurl("https://vpn.example.com/lnurlp"), "lnurl-pay").config);
    EXPECT_THAT(with("https://vpn.example.com/lnurlp", "keysend").errors,
                ElementsAre(HasSubstr("no lightning method")));
    EXPECT_THAT(with("https://vpn.example.com/lnurlp", "pigeon").errors, Contains(HasSubstr("is not known")));
}

TEST_F(ConfigTest, SecretsComeFromFilesWithClosedModes)
{
    std::string text = changed("p2pk_privkey_hex = \"" + std::string(kSalesSecret), "p2pk_privkey_file = \"p2pk");
    text.replace(text.find("nsec = \"" + std::string(kNodeSecret)), 8 + 64, "nsec_file = \"/run/nsec");
    files_["/etc/adit/p2pk"] = {std::string(kSalesSecret) + "\n", FileOpenness::closed};
    files_["/run/nsec"] = {"\n nsec1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqpqxs0kkh \n",
                           FileOpenness::closed};
    LoadedConfig loaded = parse(text);
    EXPECT_THAT(loaded.errors, ElementsAre(HasSubstr("nostr.nsec_file: is no secret key"))) << "a mistyped nsec";
    files_["/run/nsec"].text = std::string(kNodeSecret) + "\n";
    loaded = parse(text);
    ASSERT_TRUE(loaded.config) << testing::PrintToString(loaded.errors);
    EXPECT_EQ(encode_hex(loaded.config->nostr.key.expose()), kNodeSecret);
    EXPECT_EQ(loaded.config->cashu.sales_key->public_key().hex(), kSalesX);
    files_["/run/nsec"].text = protocol::encode_nsec(loaded.config->nostr.key) + "\n";
    loaded = parse(text);
    ASSERT_TRUE(loaded.config) << testing::PrintToString(loaded.errors);
    EXPECT_EQ(encode_hex(loaded.config->nostr.key.expose()), kNodeSecret);

    files_["/run/nsec"].openness = FileOpenness::group_readable;
    loaded = parse(text);
    EXPECT_TRUE(loaded.config);
    EXPECT_THAT(loaded.warnings, ElementsAre(HasSubstr("nostr.nsec_file: /run/nsec may be read by its group")));
    files_["/run/nsec"].openness = FileOpenness::open;
    EXPECT_THAT(parse(text).errors, ElementsAre(HasSubstr("may be read or written by others, expected mode 0600")));
    files_["/run/nsec"] = {" \n", FileOpenness::closed};
    EXPECT_THAT(parse(text).errors, ElementsAre(HasSubstr("is empty")));
    files_.erase("/run/nsec");
    EXPECT_THAT(parse(text).errors, ElementsAre(HasSubstr("can not be read")));
}

TEST_F(ConfigTest, EachSecretIsThereOnce)
{
    EXPECT_THAT(error_of("p2pk_privkey_hex = ", "p2pk_privkey_file = \"x\"\np2pk_privkey_hex = "),
                HasSubstr("expected one of them"));
    EXPECT_THAT(warning_of("nsec = ", "nsec_file = \"x\"\nnsec = "), HasSubstr("is not read, since nsec is there"));
    EXPECT_THAT(read_, IsEmpty());
    EXPECT_THAT(error_of("p2pk_privkey_hex = \"" + std::string(kSalesSecret) + "\"", "p2pk_privkey_hex = \"\""),
                HasSubstr("cashu.p2pk_privkey_file: is missing"));
    EXPECT_THAT(error_of("nsec = \"" + std::string(kNodeSecret) + "\"", ""), HasSubstr("nostr.nsec_file: is missing"));
}

TEST_F(ConfigTest, FormerSalesKeysAreEachAKeyOfItsOwn)
{
    const auto with = [this](const std::string& list) {
        return parse(changed("p2pk_privkey_hex = ", "former_p2pk_privkey_files = " + list + "\np2pk_privkey_hex = "));
    };
    files_["/etc/adit/old"] = {std::string(kNodeSecret) + "\n", FileOpenness::closed};
    files_["/run/older"] = {std::string(63, '0') + "7\n", FileOpenness::closed};
    const LoadedConfig loaded = with(R"(["old", "/run/older"])");
    ASSERT_TRUE(loaded.config) << testing::PrintToString(loaded.errors);
    const auto keys = all_sales_keys(loaded.config->cashu);
    ASSERT_EQ(keys.size(), 3U);
    EXPECT_EQ(keys[0].public_key().hex(), kSalesX);
    EXPECT_EQ(encode_hex(keys[1].expose()), kNodeSecret);
    EXPECT_TRUE(with("[]").config);

    const auto error = [&](const std::string& list, const char* words) {
        EXPECT_THAT(with(list).errors, ElementsAre(HasSubstr(words))) << list;
    };
    error(R"(["old", "old"])", "former_p2pk_privkey_files: old holds a key that is there already");
    files_["/etc/adit/now"] = {std::string(kSalesSecret), FileOpenness::closed};
    error(R"(["now"])", "now holds the sales key itself");
    files_["/etc/adit/bad"] = {"nsec1something", FileOpenness::closed};
    error(R"(["bad"])", "bad holds no private key, expected 64 hex digits");
    error(R"(["none"])", "can not be read");
    files_["/etc/adit/old"].openness = FileOpenness::open;
    error(R"(["old"])", "may be read or written by others, expected mode 0600");
    // The listing names the one in use.
    files_["/etc/adit/old"] = {std::string(kSalesSecret), FileOpenness::closed};
    EXPECT_THAT(error_of("p2pk_privkey_hex = \"" + std::string(kSalesSecret),
                         "former_p2pk_privkey_files = [\"old\"]\np2pk_privkey_hex = \"" + std::string(63, '0') + "7"),
                HasSubstr("payment_methods.p2pk: is not the key that we hold, expected 02"));
}

TEST_F(ConfigTest, AServerKeyFollowsFromItsPrivateKey)
{
    files_["/etc/adit/wg.key"] = {"yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n", FileOpenness::closed};
    EXPECT_THAT(error_of("interface = \"wg0\"", "private_key_file = \"wg.key\""),
                HasSubstr("server_pubkey: is not the key of private_key_file"));
    std::string text = changed("interface = \"wg0\"", "private_key_file = \"wg.key\"");
    const std::string line = std::string("server_pubkey = \"") + kServerKey + "\"\n";
    text.erase(text.find(line), line.size());
    const LoadedConfig loaded = parse(text);
    ASSERT_TRUE(loaded.config) << testing::PrintToString(loaded.errors);
    EXPECT_NE(loaded.config->wireguard.server_key->base64(), kServerKey);
    files_["/etc/adit/wg.key"].text = "not a key";
    EXPECT_THAT(parse(text).errors, ElementsAre(HasSubstr("private_key_file: holds no WireGuard key")));
}

TEST_F(ConfigTest, NoSecretIsEverRepeated)
{
    const std::string marked = "5ec4e75ec4e75ec4e75ec4e75ec4e7";
    for (const std::string& text :
         {changed("nsec = \"" + std::string(kNodeSecret), "nsec = \"" + marked),
          changed("p2pk_privkey_hex = \"" + std::string(kSalesSecret), "p2pk_privkey_hex = \"" + marked),
          changed("backend = \"stub\"", "api_token = \"" + marked + "\"\nbackend = 7"),
          changed("nsec = \"" + std::string(kNodeSecret) + "\"", "nsec = \"" + marked)}) {
        const LoadedConfig loaded = parse(text);
        EXPECT_FALSE(loaded.config);
        EXPECT_FALSE(loaded.errors.empty());
        for (const auto* list : {&loaded.errors, &loaded.warnings})
            for (const auto& complaint : *list) EXPECT_THAT(complaint, Not(HasSubstr(marked)));
    }
}

TEST_F(ConfigTest, AnOpenFileWithSecretsInsideIsAWarning)
{
    LoadedConfig loaded = parse(reference_config(), FileOpenness::open);
    EXPECT_TRUE(loaded.config);
    EXPECT_THAT(loaded.warnings,
                ElementsAre("c.toml:1:1: holds secrets and may be read or written by others, expected mode 0600"));
}

TEST_F(ConfigTest, ASyntaxErrorIsOneComplaintWithItsPlace)
{
    const LoadedConfig loaded = parse("[server]\nport = = 5\n");
    EXPECT_FALSE(loaded.config);
    ASSERT_EQ(loaded.errors.size(), 1U);
    EXPECT_THAT(loaded.errors[0], testing::StartsWith("c.toml:2:"));
    EXPECT_THAT(loaded.errors[0], HasSubstr("is no TOML"));
}

TEST_F(ConfigTest, HostileTextsAreRefusedQuietly)
{
    EXPECT_FALSE(parse(std::string((1 << 20) + 1, '\n')).config);
    std::string dots = "a";
    for (int i = 0; i < 200000; ++i) dots += ".a";
    EXPECT_THAT(parse(dots + " = 1").errors, ElementsAre(HasSubstr("too many parts")));
    EXPECT_FALSE(parse("[" + dots + "]").config);
    EXPECT_FALSE(parse("x = {" + dots + " = 1}").config);
    EXPECT_FALSE(parse("x = " + std::string(100000, '[')).config);
    EXPECT_FALSE(parse("x = " + std::string(100000, '{')).config);
    const std::string whole = reference_config();
    for (std::size_t cut = 0; cut < whole.size() - 1; cut += 7) EXPECT_FALSE(parse(whole.substr(0, cut)).config) << cut;
    std::mt19937 dice(9);
    for (int i = 0; i < 300; ++i) {
        std::string text = whole;
        for (int k = 0; k < 4; ++k) text[dice() % text.size()] = static_cast<char>(dice());
        const LoadedConfig loaded = parse(text);
        EXPECT_EQ(loaded.config.has_value(), loaded.errors.empty());
    }
}

TEST_F(ConfigTest, TheExampleIsReadWithoutAnyComplaint)
{
    std::ifstream file(std::filesystem::path(ADIT_SOURCE) / "config.example.toml");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    ASSERT_FALSE(text.empty());
    files_["/etc/adit/secret/p2pk"] = {kSalesSecret, FileOpenness::closed};
    files_["/etc/adit/secret/nsec"] = {kNodeSecret, FileOpenness::closed};
    const LoadedConfig loaded = parse(text);
    EXPECT_THAT(loaded.errors, IsEmpty());
    EXPECT_THAT(loaded.warnings, IsEmpty());
    ASSERT_TRUE(loaded.config);
    const Config defaults = std::move(*parse(reference_config()).config);
    EXPECT_EQ(loaded.config->limits.connections, defaults.limits.connections);
    EXPECT_EQ(loaded.config->limits.header_bytes, defaults.limits.header_bytes);
    EXPECT_EQ(loaded.config->limits.undleqed_swaps_per_hour, defaults.limits.undleqed_swaps_per_hour);
    EXPECT_EQ(loaded.config->sessions.retention, defaults.sessions.retention);
}

TEST(LoadConfig, LooksAtTheModesOfRealFiles)
{
    std::string pattern = (std::filesystem::temp_directory_path() / "adit-config-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    const std::filesystem::path folder = pattern;
    const auto write = [&](const char* name, const std::string& text, mode_t mode) {
        std::ofstream(folder / name) << text;
        ASSERT_EQ(chmod((folder / name).c_str(), mode), 0);
    };
    std::string text = reference_config();
    text.replace(text.find("nsec = \"" + std::string(kNodeSecret)), 8 + 64, "nsec_file = \"nsec");
    write("config.toml", text, 0600);
    write("nsec", std::string(kNodeSecret) + "\n", 0600);
    EXPECT_TRUE(load_config(folder / "config.toml").config);
    EXPECT_THAT(load_config(folder / "config.toml").warnings, IsEmpty());
    for (const mode_t mode : {0604U, 0602U, 0620U, 0644U}) {
        write("nsec", kNodeSecret, mode);
        EXPECT_FALSE(load_config(folder / "config.toml").config) << std::oct << mode;
    }
    write("nsec", kNodeSecret, 0640);
    write("config.toml", text, 0644);
    const LoadedConfig loaded = load_config(folder / "config.toml");
    EXPECT_TRUE(loaded.config);
    EXPECT_THAT(loaded.warnings, testing::UnorderedElementsAre(HasSubstr("holds secrets"), HasSubstr("its group")));
    EXPECT_THAT(load_config(folder / "absent.toml").errors, ElementsAre(HasSubstr("absent.toml:1:1: ")));
    std::filesystem::remove_all(folder);
}

TEST(ConfigPath, IsTheFirstThatIsNamedOrExists)
{
    std::map<std::string, std::string> variables;
    std::vector<std::string> existing;
    const auto find = [&](std::optional<std::filesystem::path> given = std::nullopt) {
        return config_path(
                   std::move(given),
                   [&](const char* name) {
                       const auto found = variables.find(name);
                       return found == variables.end() ? std::nullopt : std::optional(found->second);
                   },
                   [&](const std::filesystem::path& path) {
                       return std::find(existing.begin(), existing.end(), path.string()) != existing.end();
                   })
            .string();
    };
    EXPECT_EQ(find(), "/etc/adit/config.toml");
    existing = {"/etc/europa-node/config.toml"};
    EXPECT_EQ(find(), "/etc/europa-node/config.toml");
    existing.emplace_back("/etc/adit/config.toml");
    EXPECT_EQ(find(), "/etc/adit/config.toml");
    variables["EUROPA_NODE_CONFIG"] = "/x";
    EXPECT_EQ(find(), "/x");
    variables["ADIT_CONFIG"] = "/y";
    EXPECT_EQ(find(), "/y");
    variables["ADIT_CONFIG"] = "";
    EXPECT_EQ(find(), "/x");
    EXPECT_EQ(find("/z"), "/z");
}

TEST(OurDatabase, StandsBesideTheReferencesOwn)
{
    EXPECT_EQ(our_database("/var/lib/europa-node/sessions.db"), "/var/lib/europa-node/adit.db");
    EXPECT_EQ(our_database("/data/adit.db"), "/data/adit.db");
    EXPECT_EQ(our_database("x.db"), "adit.db");
}

TEST(Routes, ThatOverlapASubnetAreComplainedAboutOurOwnAndDefaultsAside)
{
    const auto network = [](std::string_view text) { return wg::parse_cidr(text).value(); };
    WireguardConfig wireguard;
    wireguard.interface = "wg0";
    wireguard.subnet = network("10.66.42.0/24");
    wireguard.subnet6 = network("fd00:6642::/112");
    wg::HostNetwork host;
    host.routes = {{network("0.0.0.0/0"), "eth0"},     {network("::/0"), "eth0"},
                   {network("0.0.0.0/1"), "tun0"},     {network("10.66.42.0/24"), "wg0"},
                   {network("10.66.43.0/24"), "eth1"}, {network("fd00:6643::/64"), ""}};
    EXPECT_THAT(check_routes(wireguard, host), IsEmpty());
    host.routes.push_back({network("10.66.42.128/25"), "eth2"});
    host.routes.push_back({network("fd00::/16"), ""});
    EXPECT_THAT(check_routes(wireguard, host),
                ElementsAre(HasSubstr("subnet_cidr: 10.66.42.0/24 overlaps the route to 10.66.42.128/25 on eth2, "),
                            HasSubstr("subnet_cidr6: fd00:6642::/112 overlaps the route to fd00::/16, ")));
}

} // namespace
} // namespace adit::app
