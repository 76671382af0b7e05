// bench/market.h - a relay, a mint and an operator: adit-devnet and aditd as children, on loopback and free ports.
#pragma once

#include "base/time.h"
#include "bench/process.h"
#include "payments/lightning/open_backend.h"
#include "protocol/keys.h"
#include "protocol/wireguard_key.h"

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>

namespace adit::bench {

inline constexpr std::string_view kShopHost = "bench.example";
inline constexpr std::string_view kShopListing = "exit-1";
inline constexpr std::uint64_t kShopPrice = 100; // sat for an hour

/// What takes the operator's Lightning payments.
enum class LightningNode { phoenixd, lnd, lnd_held };

class Market {
public:
    /// Everything that it writes is in a fresh folder under `where`, removed in the end.
    explicit Market(const std::filesystem::path& where);
    ~Market();

    void start_operator();
    /// Without waiting for it.
    void launch_operator();
    void stop_operator() { daemon.reset(); }
    /// From now on the config names relays that are dead: one refuses, one accepts and never says a word.
    void kill_relays();
    /// From the next start on somebody is told of the sales.
    void notify() { notifies_ = true; }

    /// From the next start on, these two.
    void serve_metrics();
    void sell_for_lightning(LightningNode node) { lightning_ = node; }
    /// Our own door to that node, with the operator's credentials.
    payments::lightning::BackendOptions lightning_access() const;
    /// Pays as a buyer's node would; what the control port says of the payment.
    nlohmann::json pay(const std::string& invoice) const;
    /// Of a payment: "accepted", "settled", "canceled"; "" where there is none.
    std::string payment_state(const payments::lightning::PaymentHash& hash) const;

    /// Every swap takes so much longer.
    void set_mint_latency(Milliseconds latency) const;
    std::uint64_t swaps() const;

    std::filesystem::path folder;
    std::filesystem::path database;
    std::uint16_t port;
    std::optional<std::uint16_t> metrics_port;
    protocol::SecretKey operator_key;
    protocol::SecretKey sales_key;
    protocol::WireguardKey server_key;
    std::string mint_url;
    std::uint16_t mint_port = 0;
    std::unique_ptr<Program> world;
    std::unique_ptr<Program> daemon;

private:
    void write_config() const;
    std::vector<std::string> relays_;
    std::string lightning_text() const;
    std::optional<LightningNode> lightning_;
    bool notifies_ = false;
    std::string phoenixd_url_, lnd_url_;
    std::filesystem::path phoenixd_password_file_, lnd_macaroon_file_, lnd_tls_cert_file_;
    std::uint16_t control_port_ = 0;
    int silent_relay_ = -1;
};

} // namespace adit::bench
