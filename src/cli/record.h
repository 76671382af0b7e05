// cli/record.h - the purchase file: all that a purchase hangs on, written before the step that could lose it.
// It holds keys and ecash: mode 0600, and never shown. spec: Journal (the buyer's side)
#pragma once

#include "base/money.h"
#include "base/time.h"
#include "cli/lightning_record.h"
#include "payments/journal.h"
#include "protocol/listing.h"
#include "protocol/wireguard_key.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace adit::cli {

inline constexpr std::string_view kUnit = "sat";           // of all that is paid and given back
inline constexpr std::size_t kMostTokenBytes = 256 * 1024; // of a token that a purchase begins with or gets back

/// One tier of one listing, to be paid at one mint or over Lightning: what the buyer said yes to.
struct Offer {
    protocol::Coordinate listing;
    std::string title;
    protocol::Price price; // of one unit, as the listing has it
    Sat unit_price;
    std::uint64_t quantity = 1;                 // units
    std::string mint;                           // normalised URL; over Lightning "", until a refund names one
    std::optional<payments::cashu::Point> lock; // the operator's key that a token must be locked to; Lightning: none
    std::string endpoint;                       // URL of the purchase; over Lightning that of the LNURL service
    std::string server;                         // its host, with the port if it has one
    std::uint64_t tier = 0;                     // index into the listing's prices
};

struct Keys {
    protocol::WireguardSecret wireguard;
    protocol::SecretKey auth;   // signs the purchase event; for this purchase only
    protocol::SecretKey refund; // change, refunds, and payments never taken come back to it
    protocol::SecretKey quote;  // NUT-20: nobody else can mint what we pay for
};

struct Quote {
    std::string id;
    std::string invoice; // BOLT-11
    Sat amount;
    std::optional<UnixSeconds> expiry;
    bool signed_minting = false; // the mint knows our key
};

/// One request to a mint that makes ecash: its exact bytes, and what unblinds the answer. Of `outputs`, the wallet's
/// are ours, and the buyer's are those that somebody else is given (here: the payment).
struct MintWork {
    enum class Kind { mint, swap } kind = Kind::swap;
    std::string body;
    std::vector<payments::cashu::Point> inputs; // Ys of what a swap spends
    std::vector<payments::Output> outputs;      // in the order of the body
};

/// Ecash that belongs to the buyer.
struct Coin {
    enum class Kind {
        kept,    // what the given token had over; whoever has it can spend it
        change,  // from the operator, locked to the refund key
        refund,  // the same, for a tunnel that could not be delivered
        redeemed // was one of the above, or a payment never taken; whoever has it can spend it
    } kind = Kind::kept;
    std::string token;  // "cashuB…"
    Sat value;          // face
    bool spent = false; // its worth is in a redeemed one now
};

/// The purchase request, sent again byte for byte.
struct Request {
    std::string authorization; // header
    std::string body;
    UnixSeconds expires_at;
};

struct Tunnel {
    std::string config;                    // wg-quick text, private key filled in
    std::optional<UnixSeconds> expires_at; // none where nobody has said it yet
    std::string session_url;               // "" where the operator gave none
    std::uint64_t quantity = 1;
};

struct Refusal {
    int http_status = 0;
    std::string word;
    std::string message; // printable
};

enum class Stage {
    begun,     // keys and offer are kept; nothing is paid
    quoted,    // there is an invoice, perhaps paid
    funding,   // the mint is asked for the locked token, or was
    ready,     // the token is kept; the operator knows nothing yet
    asked,     // the operator is asked, or was
    handed,    // Lightning: an LNURL is kept, for a wallet to pay
    invoiced,  // Lightning: there is the operator's invoice, perhaps paid
    settled,   // Lightning: it is paid, and opens the config; whether the tunnel is up remains to be seen
    delivered, // there is a tunnel
    refunded,  // the operator gave the money back
    refused,   // the operator said no
};

struct Record {
    Stage stage = Stage::begun;
    UnixSeconds created_at;
    Offer offer;
    Keys keys;
    std::optional<std::string> given = {}; // the token that the user brought
    std::optional<Quote> quote = {};
    std::vector<MintWork> funding = {}; // each made because the mint could not sign the one before; the last one counts
    std::optional<std::string> payment = {}; // the token that the operator is given
    std::optional<UnixSeconds> locktime =
        {}; // of the payment, where we made it: afterwards the refund key can spend it too
    std::optional<Request> request = {};
    std::optional<std::string> puzzle = {}; // an answer that was a yes but could not be understood; for people
    std::optional<Refusal> refusal = {};    // the last one
    std::optional<Tunnel> tunnel = {};
    std::vector<Coin> coins = {};
    std::vector<MintWork> redeeming = {}; // as funding
    std::optional<LightningPurchase> lightning = {};
};

std::string_view stage_word(Stage stage);
std::string_view coin_word(Coin::Kind kind);

std::string encode_record(const Record& record);
/// At most kMaxRecordBytes. Errors: bad_encoding (which part; never its content).
Result<Record> parse_record(std::string_view json);
inline constexpr std::size_t kMaxRecordBytes = 4 << 20;

/// The file itself. Errors: io, bad_encoding; bad_config where others may read it.
Result<Record> load_record(const std::filesystem::path& path);
/// Durable when it returns. Errors: io.
Result<void> save_record(const std::filesystem::path& path, const Record& record);
/// As save_record, but never over a file that is there.
Result<void> create_record(const std::filesystem::path& path, const Record& record);

} // namespace adit::cli
