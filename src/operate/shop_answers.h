// operate/shop_answers.h - what an operator says about the shop to be, and the config.toml that follows from it.
#pragma once

#include "app/config.h"
#include "operate/shop_keys.h"

#include <filesystem>
#include <string>
#include <vector>

namespace adit::operate {

enum class Lightning { none, phoenixd, lnd };
enum class Interface { of_daemon, of_operator }; // [wireguard] manage

struct ShopAnswers {
    std::string public_host;
    std::string title;
    std::string summary = "WireGuard, paid with sats. No account.";
    std::string d_tag = "vpn-1";
    std::string country;
    std::vector<protocol::Price> prices;
    std::vector<std::string> mints;
    std::vector<std::string> relays;
    std::string endpoint_host;
    std::uint16_t endpoint_port = 51820;
    std::string interface = "wg0";
    Interface interface_is = Interface::of_daemon;
    std::string subnet;
    std::string subnet6;                      // "": none
    std::vector<std::string> trusted_proxies; // beside loopback
    std::string listen_host = "127.0.0.1";
    std::uint16_t port = 8080;
    std::filesystem::path database = "/var/lib/adit/adit.db";

    Lightning lightning = Lightning::none;
    std::string lightning_url; // "": the backend's usual one
    std::filesystem::path phoenixd_password_file;
    std::filesystem::path macaroon_file;
    std::filesystem::path tls_cert_file;
    bool hold = false;
};

/// "a, b": without blanks around each, none of them empty.
std::vector<std::string> comma_separated(std::string_view text);
/// The relays of the example config.
std::vector<std::string> usual_relays();
/// "100/hour": whole sats for one unit. Errors: bad_request.
Result<protocol::Price> parse_price(std::string_view text);
/// A host name as people paste it: without https:// in front and / behind.
std::string bare_host(std::string_view text);

/// The example config with these answers in it. Secrets are named by their place beside it, in the folder "secret".
std::string shop_config(const ShopAnswers& answers, const ShopKeys& keys);

/// What load_config will say of that text in `folder`, before any of it is on disk.
app::LoadedConfig try_config(const std::string& text, const std::filesystem::path& folder, const ShopKeys& keys);

/// Complaints of one key, or of those below it, without file and line: "wireguard.subnet_cidr".
std::vector<std::string> complaints_about(std::string_view key, const std::vector<app::Complaint>& complaints);
/// All of them.
std::vector<std::string> without_places(const std::vector<app::Complaint>& complaints);

} // namespace adit::operate
