// tests/cli/lightning_world.h - an operator with an LNURL-pay service, and a Lightning node of the buyer's, both as
// HTTP speaks with them, in a network that can be told to die; and a clock that moves while the buyer waits.
#pragma once

#include "cli/lightning_buyer.h"
#include "cli/payer_lnd.h"
#include "cli/payer_phoenixd.h"
#include "devnet/test_clock.h"
#include "fakes/seeded_rng.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <map>

namespace adit::cli {

/// One invoice that the operator has made.
struct SoldInvoice {
    SecretBytes<32> preimage;
    ByteArray<32> hash{};
    std::string bolt11;
    UnixSeconds expires_at;
    std::string client_key; // as asked for, base64
    int paid = 0;           // times
};

/// The buyer's process ends at the n-th of all moments (from 1) before and after each request and each write of the
/// file. 0: never.
struct DeathAt {
    int at = 0;
    int passed = 0;
    bool dead = false;
    std::string where = {};
    bool here(const std::string& what)
    {
        if (!dead && ++passed == at) {
            dead = true;
            where = what;
        }
        return dead;
    }
};

class LightningWorld final : public payments::HttpClient, public Reporter {
public:
    LightningWorld();
    ~LightningWorld() override;

    // ---- the operator, and what a test may ask of it
    bool understands_parameters = true;
    std::uint64_t comment_allowed = 1024;
    bool link_action = true;
    bool has_action = true;
    bool has_verify = true;
    bool verify_silent = false;
    bool names_session = true;
    std::string session_status = "active";
    std::optional<std::string> refund;     // verify gives it for what is paid
    std::optional<std::string> words;      // answers every request with this
    std::optional<std::string> bad_config; // delivered instead of a good one
    std::uint64_t invoice_sat = 0;         // another amount than the one asked for
    bool hash_of_other_metadata = false;
    std::vector<SoldInvoice> invoices;
    std::vector<std::string> comments; // that came
    Seconds invoice_lives{600};
    payments::HttpClient* elsewhere = nullptr; // for all other addresses, such as a mint's

    /// A wallet of somebody pays.
    void pay(const std::string& bolt11);

    // ---- the buyer's node
    enum class NodeMood {
        pays,
        fails,          // and says so
        hangs,          // the payment is under way until release()
        silent_after,   // pays, and loses the answer
        silent_before,  // loses the request, once
        wrong_password, // does nothing for anybody
    } mood = NodeMood::pays;
    int told = 0; // times that the node was told to pay
    void release();

    // ---- the buyer
    Record begin(LightningMode mode = LightningMode::invoice, std::optional<PayerChoice::Kind> payer = {},
                 std::uint64_t quantity = 2);
    Record reload();
    Buyer::Outcome go_on(Record& record, Seconds patience = Seconds(30), DeathAt* death = nullptr);
    Result<Buyer::Outcome> open(Record& record, std::string_view shown);
    /// What the wallet shows that has paid.
    std::string shown_for(const SoldInvoice& invoice);
    Offer offer(std::uint64_t quantity = 2);

    Result<payments::HttpReply> call(const payments::HttpCall& call) override;
    void say(const std::string& line) override { said += line + "\n"; }
    void progress(const std::string&) override {}
    void show_invoice(const std::string& bolt11, Sat amount, std::optional<UnixSeconds> expiry) override;
    void pause(Milliseconds length) override;

    std::string said;
    std::vector<std::string> shown;                            // invoices
    std::function<void(const std::string& bolt11)> on_invoice; // what the user does with one
    std::function<void()> on_pause;
    devnet::TestClock clock;
    fakes::SeededRng rng{1};
    std::filesystem::path folder;
    std::filesystem::path file;

private:
    enum class Outgoing { pending, failed, paid };
    payments::HttpReply answer(const payments::HttpCall& call);
    std::string offer_of(const std::map<std::string, std::string>& query);
    std::string invoice_of(const std::map<std::string, std::string>& query);
    std::string verify_of(const std::string& hash);
    payments::HttpReply phoenixd(const payments::HttpCall& call, const std::string& path);
    payments::HttpReply lnd(const payments::HttpCall& call, const std::string& path);
    Outgoing* node_pays(const std::string& bolt11);
    std::string config();
    SoldInvoice* find(const std::string& hash);

    std::map<std::string, Outgoing> outgoing_; // by the hash, hex
    DeathAt* death_ = nullptr;
    int files_ = 0;
    std::string server_key_;
    protocol::PublicKey operator_key_;
};

} // namespace adit::cli
