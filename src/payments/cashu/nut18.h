// payments/cashu/nut18.h - payment requests, creqA, as the 402 answer carries them. NUT-18, NUT-24.
#pragma once

#include "base/money.h"
#include "payments/cashu/secret.h"

#include <optional>
#include <string>
#include <vector>

namespace adit::payments::cashu {

struct PaymentTransport {
    std::string type; // "nostr", "post"
    std::string target;
    std::vector<SecretTag> tags;
};

/// The lock that the payer must put on the proofs.
struct RequestedLock {
    std::string kind; // "P2PK"
    std::string data; // 66 hex digits for P2PK
    std::vector<SecretTag> tags;
};

struct PaymentRequest {
    std::optional<std::string> id;
    std::optional<Sat> amount;
    std::optional<std::string> unit; // there wherever amount is
    std::optional<bool> single_use;
    std::vector<std::string> mints;
    std::optional<std::string> description;
    std::vector<PaymentTransport> transports; // none: in-band
    std::optional<RequestedLock> lock;
};

/// Base64 in either alphabet, at most 16 KiB. Errors: bad_encoding.
Result<PaymentRequest> parse_payment_request(std::string_view text);
/// "creqA…" in base64url without padding.
std::string encode_payment_request(const PaymentRequest& request);

} // namespace adit::payments::cashu
