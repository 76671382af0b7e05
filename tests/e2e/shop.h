// tests/e2e/shop.h - a whole marketplace for one test: relay and mint in this process, aditd as a child, and buyers who
// speak to it over HTTP.
#pragma once

#include "devnet/world.h"
#include "e2e/daemon.h"
#include "payments/cashu/p2pk.h"
#include "payments/cashu/token.h"
#include "protocol/purchase_auth.h"
#include "protocol/purchase_body.h"

#include <gtest/gtest.h>

namespace adit::e2e {

namespace cashu = payments::cashu;

template<typename T>
T must(Result<T> result)
{
    EXPECT_TRUE(result.has_value()) << (result.has_value() ? "" : result.error().detail);
    return std::move(result).value();
}

/// Which backend takes payments by Lightning.
enum class Pays { phoenixd, lnd, lnd_held };

/// What a test wants to be different in the operator's config.
struct Settings {
    std::string public_url = "https://shop.example";
    std::string server = ""; // further lines of [server], and so on
    std::vector<protocol::Price> prices{{"100", "sat", "hour"}};
    std::vector<std::uint32_t> max_mbps = {}; // of each price; 0, or none there: no limit
    std::string listing = "";
    std::string listing_tables = ""; // further tables under it, such as [listing.max_purchase]
    std::string cashu = "enabled = true";
    bool lists_cashu = true; // as a payment method
    std::optional<Pays> lightning = {};
    std::string lightning_lines = ""; // further lines of [lightning]
    std::string subnet = "10.66.0.0/16";
    std::string wireguard = "interface = \"adit-e2e\"\nbackend = \"memory\"\npreshared_keys = true\n";
    std::optional<std::vector<std::string>> relays = {}; // none: the world's
    std::string limits = "requests_per_minute_per_source = 1000000\nconnections_per_source = 1000\n";
    std::string more = ""; // whole tables
};

/// Somebody with keys and a token, and the request that is made of them.
struct Buyer {
    protocol::SecretKey key;
    protocol::SecretKey refund_key;
    protocol::WireguardSecret tunnel_secret;
    protocol::WireguardKey client_key;
    std::vector<cashu::Proof> proofs;
    std::string token;
    Ask request;
};

struct WalletRow {
    std::string y;
    std::uint64_t amount = 0;
};

class Shop {
public:
    explicit Shop(Settings settings = {}, devnet::WorldOptions world_options = {}, const fakes::Netns* where = nullptr);
    ~Shop();

    // ---- the daemon
    void write_config() const;
    DaemonOptions options() const;
    /// Without waiting for it.
    void launch(const std::vector<std::string>& environment = {}, const std::string& log_level = "info");
    /// And waits until it sells.
    void start(const std::vector<std::string>& environment = {}, const std::string& log_level = "info");
    /// Ends it by SIGTERM, expecting exit status 0, and starts it again.
    void restart();
    Reply ask(const Ask& what) const { return daemon->ask(what); }
    Reply get(const std::string& path) const { return daemon->ask({"GET", path}); }
    /// The admin socket's answer, as JSON text.
    std::string admin(std::string_view command) const;
    /// To any line, however bad; "" where it is not answered.
    std::string admin_line(std::string line) const;

    // ---- buyers
    std::vector<cashu::Proof> make_proofs(const std::vector<std::uint64_t>& amounts,
                                          const std::function<std::string()>& make_secret) const;
    /// Locked to the sales key alone.
    std::function<std::string()> locked() const;
    std::string token_of(const std::vector<cashu::Proof>& proofs) const;
    Buyer buyer(const std::vector<std::uint64_t>& amounts) const;
    Buyer buyer_with(std::vector<cashu::Proof> proofs) const;
    /// What an honest buyer's event says.
    protocol::EventDraft draft(std::size_t tier = 0) const;
    Ask request(const Buyer& buyer, const protocol::EventDraft& draft, const protocol::SecretKey& key) const;
    Ask request(const Buyer& buyer, std::size_t tier = 0) const { return request(buyer, draft(tier), buyer.key); }
    /// Sends it again and again, as a patient buyer does, until the answer is not "later". Status 0 after a minute.
    Reply insist(const Ask& what) const;

    // ---- where the money is
    std::uint64_t spent_of(const Buyer& buyer) const;    // sats of the buyer's token that the mint calls spent
    std::uint64_t worth(const std::string& token) const; // of a token; each proof is unspent at the mint
    /// Of the store's unspent proofs, each of which is unspent at the mint. While the daemon runs or not.
    std::uint64_t wallet() const;
    std::vector<WalletRow> wallet_rows() const;
    /// One SQL statement on the stopped daemon's database, or a question to a running one: rows of texts.
    std::vector<std::vector<std::string>> sql(const std::string& statement) const;

    Settings settings;
    Rng& rng = system_rng();
    std::filesystem::path folder;
    std::filesystem::path database;
    std::uint16_t port;
    protocol::SecretKey operator_key;
    protocol::SecretKey sales_key;
    protocol::WireguardKey server_key;
    std::string endpoint_host = "vpn.example";
    const fakes::Netns* where;
    std::unique_ptr<devnet::World> world;
    std::unique_ptr<Daemon> daemon;

private:
    std::string public_host() const;
    std::string lightning_text() const;
};

/// The answer as the buyer's own code reads it. Fails the test where it is of another kind.
protocol::Delivered delivered(const Reply& reply);
protocol::Refused refused(const Reply& reply);

} // namespace adit::e2e
