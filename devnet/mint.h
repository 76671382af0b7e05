// devnet/mint.h - a Cashu mint in memory, without its socket. NUT-00 to 09, 11, 12, 14, 19, 20.
#pragma once

#include "base/clock.h"
#include "devnet/mint_judged.h"
#include "devnet/mint_keyset.h"

#include <functional>
#include <mutex>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace adit::devnet {

enum class Caching { off, on };                 // NUT-19
enum class QuotePayment { automatic, by_hand }; // whether mint quotes pay themselves
enum class Minting { enabled, disabled };
enum class QuoteSignatures { both, amended_only, legacy_only }; // the forms of NUT-20 that are accepted

struct MintSettings {
    std::uint64_t fee_ppk = 0; // of the first keyset
    KeysetVersion version = KeysetVersion::v1;
    Caching caching = Caching::on;
    QuotePayment quote_payment = QuotePayment::automatic;
    Minting minting = Minting::enabled;
    QuoteSignatures quote_signatures = QuoteSignatures::both;
    Seconds quote_expiry{3600};
    std::set<int> hidden_nuts = {}; // left out of /v1/info, though they work
};

inline constexpr Sat kMaxQuote{2'100'000'000'000'000};
inline constexpr std::size_t kMaxMintInputs = 1000;

struct MintAnswer {
    int status;
    std::string body; // JSON
};

/// One transaction that moved ecash.
struct MintTransaction {
    enum class Kind { mint, swap, melt };
    Kind kind;
    UnixSeconds at;
    std::vector<std::string> ys;      // of the inputs, hex
    std::vector<std::string> outputs; // the B_ that were signed, hex
    Sat in;
    Sat out;
    Sat fee; // kept by the mint: input fees and what could not be given back
};

/// issued - spent == minted - melted - fees, at every moment. Sats; keysets of other units are not counted.
struct Accounting {
    Sat issued; // of all promises
    Sat spent;  // of all inputs
    Sat minted; // paid in over Lightning
    Sat melted; // paid out over Lightning, routing fees included
    Sat fees;   // kept by the mint
    Sat outstanding() const { return Sat(issued.count() - spent.count()); }
};

/// Thread-safe; never blocks for longer than its curve arithmetic takes (200 proofs: tens of milliseconds).
class Mint {
public:
    Mint(const Clock& clock, Rng& rng, MintSettings settings = {});

    /// `path` begins with /v1/ and has no query. Refusals are status 400 with `detail` and `code`. NUT-00
    MintAnswer handle(std::string_view method, std::string_view path, std::string_view body);

    payments::cashu::KeysetId add_keyset(const KeysetPlan& plan);
    /// A new active keyset; the active ones of its unit become inactive.
    payments::cashu::KeysetId rotate(const KeysetPlan& plan);
    /// False: no such keyset.
    bool set_active(const payments::cashu::KeysetId& id, bool active);
    std::vector<payments::cashu::Keyset> keysets() const;

    MintSettings settings() const;
    void set_settings(const MintSettings& settings);

    /// Pays a mint quote by hand. False: no such quote.
    bool pay_quote(const std::string& quote);
    /// Makes proofs PENDING or frees them again, by their Y in hex.
    void set_pending(std::span<const std::string> ys, bool pending);
    /// Pays the invoices of others, with the mint's lock held: a preimage; none where the payment fails. Without one
    /// every payment goes out, and its preimage is invented.
    using Payer = std::function<std::optional<ByteArray<32>>(const std::string& bolt11)>;
    void set_payer(Payer payer);
    /// Melts begun from now on stay PENDING until settle_melt().
    void hold_melts(bool hold);
    std::vector<std::string> pending_melts() const;
    enum class MeltEnd { paid, failed };
    /// False: that quote is not pending.
    bool settle_melt(const std::string& quote, MeltEnd end);

    Accounting accounting() const;
    std::vector<MintTransaction> transactions() const;
    payments::cashu::ProofState state_of(const std::string& y_hex) const;
    bool has_signed(const std::string& b_hex) const;
    /// How many answers came from the cache of NUT-19.
    std::uint64_t replayed() const;

private:
    using Proofs = std::vector<payments::cashu::Proof>;
    using Outputs = std::vector<payments::cashu::BlindedMessage>;
    using Signatures = std::vector<payments::cashu::BlindSignature>;
    enum class Amounts { stated, blank }; // blank: NUT-08, the amounts are not looked at

    struct Inputs {
        std::string unit;
        Sat total;
        Sat fee;
        std::vector<std::string> ys;
    };
    struct Quote {
        Sat amount;
        std::string request;
        UnixSeconds expiry;
        std::optional<payments::cashu::Point> pubkey;
        ByteArray<32> preimage;
        bool paid = false;
        bool issued = false;
    };
    struct MeltQuote {
        Sat amount;
        Sat fee_reserve;
        std::string request;
        UnixSeconds expiry;
        std::string payment_hash; // hex
        enum class State { unpaid, pending, paid } state = State::unpaid;
        std::string preimage; // hex; for invoices of others it is invented
        Inputs inputs;
        Proofs proofs;
        Outputs blanks;
        Signatures change;
    };
    struct Spent {
        std::optional<std::string> witness;
    };

    Judged<std::string> route(std::string_view method, std::string_view path, std::string_view body);
    Judged<std::string> keys_of(std::string_view id) const;
    Judged<std::string> swap(std::string_view body);
    Judged<std::string> check_state(std::string_view body) const;
    Judged<std::string> restore(std::string_view body) const;
    Judged<std::string> new_mint_quote(std::string_view body);
    Judged<std::string> mint_quote(std::string_view id) const;
    Judged<std::string> mint(std::string_view body);
    Judged<std::string> new_melt_quote(std::string_view body);
    Judged<std::string> melt_quote(std::string_view id) const;
    Judged<std::string> melt(std::string_view body);
    std::string info() const;
    Judged<std::string> melt_with(const std::string& id, MeltQuote& quote, Proofs proofs, Outputs blanks);
    Quote* quote_with(std::string_view request);
    /// False: the payment has failed, and nothing was taken.
    bool finish_melt(MeltQuote& quote);
    static void give_up_melt(MeltQuote& quote, std::unordered_set<std::string>& ys,
                             std::unordered_set<std::string>& outputs);
    std::string encode_quote(const std::string& id, const Quote& quote, std::string_view state) const;
    std::string encode_melt(const std::string& id, const MeltQuote& quote) const;

    Judged<Inputs> judge_inputs(std::span<const payments::cashu::Proof> inputs) const;
    /// Their unit ("" where there are none) and their sum (zero for blank ones).
    Judged<std::pair<std::string, Sat>> judge_outputs(std::span<const payments::cashu::BlindedMessage> outputs,
                                                      Amounts amounts) const;
    Signatures sign(std::span<const payments::cashu::BlindedMessage> outputs);
    void spend(const Inputs& inputs, std::span<const payments::cashu::Proof> proofs);
    struct Lightning {
        Sat received;
        Sat sent;
    };
    /// `inputs.unit` is the transaction's, even where there are none. What is neither promised nor sent is the fee.
    void book(MintTransaction::Kind kind, const Inputs& inputs,
              std::span<const payments::cashu::BlindedMessage> outputs, const Signatures& promises,
              Lightning lightning);
    const MintKeyset* find_keyset(std::string_view id) const;
    payments::cashu::KeysetId insert_keyset(const KeysetPlan& plan);

    const Clock& clock_;
    Rng& rng_;
    mutable std::mutex mutex_;
    MintSettings settings_;
    SecretBytes<32> node_key_;
    std::vector<MintKeyset> keysets_;
    std::unordered_map<std::string, Spent> spent_;                                // by Y, hex
    std::unordered_set<std::string> pending_;                                     // Y, hex
    std::unordered_set<std::string> pending_outputs_;                             // B_, hex
    std::unordered_map<std::string, payments::cashu::BlindSignature> signatures_; // by B_, hex
    std::unordered_map<std::string, Quote> mint_quotes_;
    std::unordered_map<std::string, MeltQuote> melt_quotes_;
    std::unordered_set<std::string> melted_hashes_; // payment hashes, hex
    std::unordered_map<std::string, std::string> cache_;
    std::vector<MintTransaction> transactions_;
    Accounting accounting_;
    std::uint64_t replayed_ = 0;
    bool hold_melts_ = false;
    Payer payer_;
};

} // namespace adit::devnet
