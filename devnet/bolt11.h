// devnet/bolt11.h - Lightning invoices of a node that exists in this process only: real signatures, no channels.
// BOLT-11
#pragma once

#include "base/bytes.h"
#include "base/money.h"
#include "base/secret.h"
#include "base/time.h"

#include <cstdint>
#include <optional>
#include <string>

namespace adit::devnet {

/// What is written beside the constants of this node: network regtest, features var_onion (8) and payment_secret (14).
struct InvoiceDraft {
    std::optional<Msat> amount; // none: the payer chooses
    UnixSeconds timestamp;      // 0..2^35-1
    Seconds expiry;             // > 0
    ByteArray<32> payment_hash;
    ByteArray<32> payment_secret;
    std::string description;                                       // at most 639 bytes are written
    std::optional<ByteArray<32>> description_hash = {};            // written instead of the description
    std::optional<std::uint32_t> min_final_cltv_expiry_delta = {}; // none: not written
};

/// `lnbcrt...`, signed by the node key, which must be a scalar in [1, n-1].
std::string encode_invoice(const InvoiceDraft& draft, const SecretBytes<32>& node_key);

/// The public key of a node, as invoices name it. The key must be a scalar in [1, n-1].
ByteArray<33> node_id(const SecretBytes<32>& node_key);

/// What a pretended payment, or a wallet that decodes an invoice, needs to know.
struct InvoiceFacts {
    std::optional<Msat> amount; // none: amountless
    ByteArray<32> payment_hash;
    UnixSeconds timestamp;
    Seconds expiry;           // 3600 where the invoice says nothing
    std::string network = {}; // "bc", "tb", "tbs", "bcrt"
    ByteArray<32> payment_secret = {};
    std::string description = {};
    std::optional<ByteArray<32>> description_hash = {};
    std::uint64_t min_final_cltv_expiry_delta = 18; // blocks
    std::optional<ByteArray<33>> payee = {};        // none: the signature gives no key
};

/// Any network. Whose signature it is does not matter: nobody is paid here. Errors: bad_encoding.
Result<InvoiceFacts> parse_invoice(std::string_view text);

} // namespace adit::devnet
