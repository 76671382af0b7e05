// cli/lightning_record.h - what the purchase file keeps of a purchase over Lightning. spec: Purchase with Lightning
#pragma once

#include "base/money.h"
#include "base/secret.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace adit::cli {

/// Who asks the operator for the invoice.
enum class LightningMode {
    invoice, // adit does, and waits until it is paid
    lnurl,   // a wallet that is shown an LNURL; what it is given in the end comes back through `adit open`
};

/// The buyer's own node. Secrets stay in their files.
struct PayerChoice {
    enum class Kind { lnd, phoenixd } kind = Kind::lnd;
    std::string url;
    std::string secret_file;         // the macaroon, or the password
    std::string cert_file;           // the only certificates trusted, PEM; "": the system's
    std::optional<Sat> max_fee = {}; // of lnd; phoenixd's fee is fixed
    bool operator==(const PayerChoice&) const = default;
};

/// Of paying with the buyer's own node.
enum class Attempt {
    none,
    begun,  // the node is, or was, told to pay: only it knows what became of that
    failed, // it said that it did not pay, and will not by itself
};

struct LightningPurchase {
    LightningMode mode = LightningMode::invoice;
    std::string lnurl = {};    // the URL that a wallet is given
    std::string metadata = {}; // of the offer: the exact bytes that the invoice commits to
    std::string answer = {};   // of the callback, whole: invoice, aes action, verify
    std::optional<PayerChoice> payer = {};
    Attempt attempt = Attempt::none;
    std::optional<SecretBytes<32>> preimage = {}; // fits the invoice: the proof that it is paid
};

nlohmann::json encode_lightning(const LightningPurchase& purchase);
/// Errors: bad_encoding (which part).
Result<LightningPurchase> parse_lightning(const nlohmann::json& object);

} // namespace adit::cli
