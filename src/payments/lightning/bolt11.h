// payments/lightning/bolt11.h - Lightning invoices, read with distrust. BOLT-11
#pragma once

#include "base/bytes.h"
#include "base/money.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

#include <optional>
#include <string>
#include <string_view>

namespace adit::payments::lightning {

using PaymentHash = ByteArray<32>;
using Preimage = SecretBytes<32>; // what pays for it: PaymentHash is its SHA-256

enum class Network { bitcoin, testnet, signet, regtest, simnet };

/// "bitcoin", "testnet", …, for logs and complaints.
std::string_view network_word(Network network);

struct Bolt11 {
    Network network = Network::bitcoin;
    std::optional<Msat> amount = {}; // none: the payer chooses
    UnixSeconds timestamp;
    Seconds expiry{3600};
    PaymentHash payment_hash{};
    ByteArray<32> payment_secret{};
    std::optional<std::string> description = {}; // exactly one of these two is there
    std::optional<ByteArray<32>> description_hash = {};
    std::uint64_t min_final_cltv_expiry_delta = 18; // blocks
    ByteArray<33> payee{};                          // named by `n` and verified, or recovered from the signature

    UnixSeconds expires_at() const { return timestamp + expiry; }
};

/// Upper or lower case, with or without "lightning:" in front; at most protocol::kMaxInvoiceLength. The
/// signature is verified. Unknown fields are skipped, fields of a wrong length refuse the invoice, unknown even feature
/// bits too. Errors: bad_encoding (the text is not repeated).
Result<Bolt11> parse_bolt11(std::string_view text);

} // namespace adit::payments::lightning
