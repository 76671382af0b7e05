#include "bench/market.h"

#include "bench/load.h"
#include "bench/report.h"
#include "payments/cashu/curve.h"

#include <arpa/inet.h>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace adit::bench {

namespace {

std::filesystem::path new_folder(const std::filesystem::path& where)
{
    std::string name = (where / "adit-bench-XXXXXX").string();
    if (!::mkdtemp(name.data())) give_up("cannot make a folder in " + where.string());
    return name;
}

/// A socket bound to a free port of 127.0.0.1, and the port.
std::pair<int, std::uint16_t> bound_socket()
{
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0)
        give_up("no free port");
    return {fd, ntohs(address.sin_port)};
}

std::uint16_t free_port()
{
    const auto [fd, port] = bound_socket();
    ::close(fd);
    return port;
}

std::uint16_t port_of(const std::string& url)
{
    std::uint16_t port = 0;
    const std::size_t colon = url.rfind(':');
    std::from_chars(url.data() + colon + 1, url.data() + url.size(), port);
    return port;
}

void write_secret(const std::filesystem::path& path, const protocol::SecretKey& key)
{
    std::ofstream(path) << encode_hex(key.expose()) << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

} // namespace

Market::Market(const std::filesystem::path& where)
    : folder(new_folder(where)), database(folder / "state" / "adit.db"), port(free_port()),
      operator_key(protocol::SecretKey::generate(system_rng())), sales_key(protocol::SecretKey::generate(system_rng())),
      server_key(protocol::wireguard_public_key(protocol::generate_wireguard_secret(system_rng())))
{
    std::filesystem::create_directory(folder / "state");
    std::filesystem::permissions(folder / "state", std::filesystem::perms::owner_all);
    write_secret(folder / "nsec", operator_key);
    write_secret(folder / "p2pk", sales_key);
    world = std::make_unique<Program>("adit-devnet", std::vector<std::string>{}, folder / "devnet.log");
    const auto urls = nlohmann::json::parse(world->first_line(), nullptr, false);
    if (!urls.is_object()) give_up("adit-devnet does not start");
    mint_url = urls.value("mint", "");
    mint_port = port_of(mint_url);
    control_port_ = port_of(urls.value("control", ""));
    relays_ = {urls.value("relay", "")};
    phoenixd_url_ = urls.value("phoenixd", "");
    phoenixd_password_file_ = urls.value("phoenixd_limited_password_file", "");
    lnd_url_ = urls.value("lnd", "");
    lnd_macaroon_file_ = urls.value("lnd_admin_macaroon_file", "");
    lnd_tls_cert_file_ = urls.value("lnd_tls_cert_file", "");
}

Market::~Market()
{
    daemon.reset();
    world.reset();
    if (silent_relay_ >= 0) ::close(silent_relay_);
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
}

void Market::write_config() const
{
    std::string relays;
    for (const std::string& relay : relays_) relays += (relays.empty() ? "\"" : ", \"") + relay + "\"";
    std::ofstream(folder / "config.toml", std::ios::trunc)
        << "[server]\nhost = \"127.0.0.1\"\nport = " << port << "\npublic_host = \"" << kShopHost
        << "\"\n[db]\npath = \"" << database.string() << "\"\n[wireguard]\ninterface = \"adit-bench\"\n"
        << "endpoint_host = \"" << kShopHost << "\"\nbackend = \"memory\"\nserver_pubkey = \"" << server_key.base64()
        << "\"\nsubnet_cidr = \"10.64.0.0/16\"\n[cashu]\nenabled = true\np2pk_privkey_file = \""
        << (folder / "p2pk").string() << "\"\n[nostr]\nnsec_file = \"" << (folder / "nsec").string() << "\"\nrelays = ["
        << relays << "]\n[limits]\nrequests_per_minute_per_source = 1000000\n"
        << "connections_per_source = 1000\n[listing]\nd_tag = \"" << kShopListing
        << "\"\ntitle = \"Bench\"\nprotocols = [\"wireguard\"]\n[[listing.prices]]\namount = " << kShopPrice
        << "\ncurrency = \"sat\"\nunit = \"hour\"\n[[listing.payment_methods]]\ntype = \"cashu\"\nmint = \"" << mint_url
        << "\"\np2pk = \"" << payments::cashu::even_point(sales_key.public_key()).hex() << "\"\nendpoint = \"https://"
        << kShopHost << "/purchase\"\n"
        << lightning_text()
        << (metrics_port ? "[metrics]\nport = " + std::to_string(*metrics_port) + "\n" : std::string())
        << (notifies_ ? "[notifications]\nenabled = true\npubkey = \"" + sales_key.public_key().hex() + "\"\n"
                      : std::string());
}

void Market::serve_metrics() { metrics_port = free_port(); }

std::string Market::lightning_text() const
{
    if (!lightning_) return "";
    std::string text = "[[listing.payment_methods]]\ntype = \"lightning\"\nendpoint = \"https://" +
                       std::string(kShopHost) + "/lnurlp\"\nmechanism = \"lnurl-pay\"\n[lightning]\nenabled = true\n";
    if (*lightning_ == LightningNode::phoenixd)
        return text + "backend = \"phoenixd\"\nbase_url = \"" + phoenixd_url_ + "\"\napi_token_file = \"" +
               phoenixd_password_file_.string() + "\"\n";
    return text + "backend = \"lnd\"\nbase_url = \"" + lnd_url_ + "\"\nmacaroon_file = \"" +
           lnd_macaroon_file_.string() + "\"\ntls_cert_file = \"" + lnd_tls_cert_file_.string() +
           "\"\nhold = " + (*lightning_ == LightningNode::lnd_held ? "true" : "false") + "\n";
}

payments::lightning::BackendOptions Market::lightning_access() const
{
    payments::lightning::BackendOptions access;
    if (lightning_ == LightningNode::phoenixd) {
        access.base_url = phoenixd_url_;
        std::string password;
        std::ifstream(phoenixd_password_file_) >> password;
        access.password = SecretText(std::move(password));
    } else {
        access.kind = payments::lightning::BackendKind::lnd;
        access.base_url = lnd_url_;
        access.macaroon_file = lnd_macaroon_file_;
        access.tls_cert_file = lnd_tls_cert_file_;
        access.hold = lightning_ == LightningNode::lnd_held;
    }
    return access;
}

nlohmann::json Market::pay(const std::string& invoice) const
{
    const HttpAnswer paid = ask(control_port_, post("/lightning/pay", nlohmann::json{{"invoice", invoice}}.dump()));
    if (paid.status != 200) give_up("the invoice is not paid: " + paid.body);
    return nlohmann::json::parse(paid.body, nullptr, false);
}

std::string Market::payment_state(const payments::lightning::PaymentHash& hash) const
{
    const auto payment =
        nlohmann::json::parse(ask(control_port_, get("/lightning/payments/" + encode_hex(hash))).body, nullptr, false);
    return payment.is_object() ? payment.value("status", "") : "";
}

void Market::launch_operator()
{
    daemon.reset();
    write_config();
    daemon = std::make_unique<Program>("aditd", std::vector<std::string>{"--config", (folder / "config.toml").string()},
                                       folder / "aditd.log");
}

void Market::start_operator()
{
    launch_operator();
    while (ask(port, get("/health")).status != 200) {
        if (!daemon->running()) {
            std::ifstream log(folder / "aditd.log");
            give_up("aditd has ended:\n" + std::string(std::istreambuf_iterator<char>(log), {}));
        }
        ::poll(nullptr, 0, 20);
    }
}

void Market::kill_relays()
{
    const auto [fd, silent_port] = bound_socket();
    if (::listen(fd, 16) != 0) give_up("cannot listen");
    silent_relay_ = fd;
    relays_ = {"ws://127.0.0.1:" + std::to_string(free_port()), "ws://127.0.0.1:" + std::to_string(silent_port)};
}

void Market::set_mint_latency(Milliseconds latency) const
{
    if (ask(control_port_, "DELETE /faults HTTP/1.1\r\nHost: bench\r\n\r\n").status != 200)
        give_up("the world's control port does not answer");
    if (latency.count() == 0) return;
    const nlohmann::json fault = {{"endpoint", "mint.swap"}, {"act", "delay"}, {"latency_ms", latency.count()}};
    if (ask(control_port_, post("/faults", fault.dump())).status != 200) give_up("the mint takes no latency");
}

std::uint64_t Market::swaps() const
{
    const auto state = nlohmann::json::parse(ask(control_port_, get("/state")).body, nullptr, false);
    if (!state.is_object() || !state.contains("requests")) give_up("the world does not count its requests");
    return state["requests"].value("mint.swap", std::uint64_t{0});
}

} // namespace adit::bench
