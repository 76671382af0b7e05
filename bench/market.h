// bench/market.h - a relay, a mint and an operator: adit-devnet and aditd as children, on loopback and free ports.
#pragma once

#include "base/time.h"
#include "bench/process.h"
#include "protocol/keys.h"
#include "protocol/wireguard_key.h"

#include <filesystem>
#include <map>
#include <memory>
#include <optional>

namespace adit::bench {

inline constexpr std::string_view kShopHost = "bench.example";
inline constexpr std::string_view kShopListing = "exit-1";
inline constexpr std::uint64_t kShopPrice = 100; // sat for an hour

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

    /// Every swap takes so much longer.
    void set_mint_latency(Milliseconds latency) const;
    std::uint64_t swaps() const;

    std::filesystem::path folder;
    std::filesystem::path database;
    std::uint16_t port;
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
    std::uint16_t control_port_ = 0;
    int silent_relay_ = -1;
};

} // namespace adit::bench
