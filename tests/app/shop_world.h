// tests/app/shop_world.h - a whole shop in one process, without a socket: a real store on a real disk, a mint that is
// one, a device in memory, a clock that stands still. It can be killed at any write and at any call of the mint.
#pragma once

#include "app/closings.h"
#include "app/lightning_sale.h"
#include "app/purchase.h"
#include "app/recovery.h"
#include "app/seed_scan.h"
#include "app/session_commands.h"
#include "app/settlements.h"
#include "app/transfer_keeper.h"
#include "devnet/faulty_mint.h"
#include "fakes/fake_lightning.h"
#include "fakes/seeded_rng.h"
#include "protocol/wg_config.h"
#include "store/sqlite_store.h"
#include "wg/memory_device.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace adit::app {

class StoppedClock final : public Clock {
public:
    UnixSeconds now() const override { return UnixSeconds(wall_); }
    SteadyTime steady() const override { return SteadyTime(std::chrono::seconds(steady_)); }
    void pass(Seconds length)
    {
        wall_ += length.count();
        steady_ += length.count();
    }

private:
    std::atomic<std::int64_t> wall_{1'800'000'000};
    std::atomic<std::int64_t> steady_{1'000'000};
};

/// When the process ends: at the n-th of all moments (from 1) just before and just after every commit, and every
/// request to the mint or the Lightning node. 0: never.
class Death {
public:
    explicit Death(int at) : at_(at) {}
    /// True from the n-th moment on.
    bool here(std::string_view what)
    {
        if (dead_) return true;
        ++passed_;
        if (passed_ == at_) {
            dead_ = true;
            where_ = what;
        }
        return dead_;
    }
    bool dead() const { return dead_; }
    int passed() const { return passed_; }
    const std::string& where() const { return where_; }

private:
    const int at_;
    std::atomic<int> passed_{0};
    std::atomic<bool> dead_{false};
    std::string where_;
};

/// The mint as libcurl would show it, without a network.
class MintWire final : public payments::HttpClient {
public:
    explicit MintWire(devnet::FaultyMint& mint) : mint_(mint) {}
    Result<payments::HttpReply> call(const payments::HttpCall& call) override;
    void set_death(Death* death) { death_ = death; }
    /// From now on the mint refuses what it is asked at paths that end so; nothing is refused for an empty one.
    void withhold(std::string end_of_path) { withheld_ = std::move(end_of_path); }
    int swaps() const { return swaps_; }

private:
    devnet::FaultyMint& mint_;
    Death* death_ = nullptr;
    std::string withheld_;
    std::atomic<int> swaps_{0};
};

/// Somebody with keys and a token, who sends one request, and sends it again until there is an answer.
struct Buyer {
    protocol::SecretKey key;
    protocol::SecretKey refund_key;
    protocol::WireguardKey client_key;
    std::string token;
    std::vector<payments::cashu::Proof> proofs;
    http::Request request;
};

/// Somebody with a wallet that follows the LUDs, and the invoice that it got.
struct Payer {
    protocol::WireguardKey client_key;
    std::optional<protocol::PublicKey> refund_key = {};
    protocol::PayAnswer answer = {};
    payments::lightning::PaymentHash hash{};
};

struct Answered {
    int status = 0;
    protocol::PurchaseAnswer answer;
    std::optional<std::string> header(std::string_view name) const;
    http::Response response;
};

class ShopWorld {
public:
    struct Options {
        std::uint64_t fee_ppk = 0;
        bool preshared_keys = true;
        std::string price = "100";
        std::string unit = "hour";
        std::optional<protocol::Bound> max_purchase = {};
        std::string subnet = "10.66.42.0/24";
        std::optional<fakes::FakeLightning::Way> lightning = {};
    };
    explicit ShopWorld(Options options);
    ShopWorld() : ShopWorld(Options{}) {}
    ~ShopWorld();

    /// Ends the process, if there is one, as a power cut would, and begins another that dies as told.
    void restart(Death* death = nullptr);

    /// A token of these proofs, locked to the sales key, paid for at the mint.
    Buyer buyer(std::vector<std::uint64_t> amounts);
    /// Makes the request of this buyer anew: by another event, or key.
    void sign_request(Buyer& buyer, const protocol::SecretKey& key);
    Answered ask(const Buyer& buyer);
    /// Asks until it is answered for good, with time passing and the background at work. Fails the test if it never is.
    Answered insist(const Buyer& buyer);

    /// All that the shop has on disk is gone but for the wallet's words, and it begins anew with these.
    void restart_from_words(Death* death = nullptr);
    /// As the daemon does it, for each mint that awaits it. False: some mint still awaits it.
    bool scan();

    Payer payer(bool with_refund_key = true);
    /// Offer, then invoice, as a wallet asks for them. Errors: what the shop says instead, as a reason.
    Result<void> ask_invoice(Payer& payer, std::uint64_t quantity = 1);
    /// The config that the payer's preimage opens.
    protocol::ClientConfig open_config(const Payer& payer);
    /// The background looks at every invoice once, as far as each goes.
    void attend();
    /// As time passes, until nothing waits any more or `most` has passed.
    void attend_for(Seconds most);
    protocol::VerifyAnswer verify(const Payer& payer);
    session::State state_of(const Payer& payer);
    /// Whether a peer has exactly the addresses that this config names.
    bool has_tunnel_of(const protocol::WireguardKey& key, const protocol::ClientConfig& config);

    std::vector<payments::cashu::Proof> make_proofs(std::vector<std::uint64_t> amounts,
                                                    const std::function<std::string()>& secret);
    std::uint64_t spent_of(const Buyer& buyer) const; // sats of the buyer's token that the mint calls spent
    std::uint64_t wallet();                           // sats of the store's unspent proofs; each is unspent at the mint
    std::uint64_t worth(const std::string& token);    // of a token for the buyer; each proof is unspent at the mint
    /// Those that nutzaps are locked to: one.
    Result<std::vector<protocol::SecretKey>> wallet_keys() const;
    bool has_tunnel(const Buyer& buyer) const { return device.has(buyer.client_key); }

    StoppedClock clock;
    fakes::SeededRng rng{7};
    devnet::Mint mint;
    devnet::Faults faults;
    devnet::FaultyMint faulty_mint{mint, faults};
    MintWire wire{faulty_mint};
    wg::MemoryDevice device;
    wg::Keeper* keeper = nullptr; // of a managed interface, from the next process on
    std::optional<fakes::FakeLightning> lightning;
    std::filesystem::path folder;
    Config config;
    bool seed_from_elsewhere = false;

    /// The answer of an admin command, or its refusal.
    Result<nlohmann::json> command(std::string_view name, const nlohmann::json& request = nlohmann::json::object());

    struct Process; // what a crash takes away
    std::unique_ptr<Process> process;
};

struct ShopWorld::Process {
    Process(ShopWorld& world, Death* death);
    Shop shop;
    Metrics metrics{{}, {}};
    std::unique_ptr<store::SqliteStore> store;
    std::unique_ptr<wg::AddressPool> pool;
    std::optional<Tunnels> tunnels;
    std::optional<Gifts> gifts;
    payments::Mints mints;
    std::optional<payments::WalletOutputs> wallet_outputs;
    std::optional<SeedScan> seed_scan; // of a seed from elsewhere
    std::vector<payments::Mint*> to_scan;
    std::optional<payments::Till> till;
    std::optional<payments::Transfers> transfers;
    std::optional<TransferKeeper> transfer_keeper;
    std::optional<Refunds> refunds;
    std::optional<Closings> closings;
    InFlight in_flight;
    std::optional<SwapLimits> limits;
    std::optional<Recovery> recovery;
    std::optional<Purchases> purchases;
    Workers workers{{.threads = 2}};
    std::optional<LightningNode> lightning_node;
    std::optional<InvoiceLimits> invoice_limits;
    std::optional<Settlements> settlements;
    std::optional<LightningSale> lightning_sale; // none where the process died while it started
};

} // namespace adit::app
