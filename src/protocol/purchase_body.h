// protocol/purchase_body.h - what goes through POST /purchase, both ways, for the daemon and the buyer.
// spec: Purchase with Cashu
#pragma once

#include "base/money.h"
#include "base/time.h"
#include "protocol/keys.h"
#include "protocol/reasons.h"
#include "protocol/wireguard_key.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace adit::protocol {

struct PurchaseBody {
    std::string protocol;
    WireguardKey client_key;
    std::optional<PublicKey> refund_key; // where change and refunds are locked to; none: the auth key
};

/// `sold`: the protocols of the listing. That the key is not the server's own is for the caller.
/// Errors: bad_request, unsupported_protocol, no_client_pubkey.
Result<PurchaseBody> parse_purchase_body(std::string_view json, std::span<const std::string> sold);
std::string encode_purchase_body(const PurchaseBody& body);

/// 200.
struct Delivered {
    std::string config;                    // wg-quick text
    UnixSeconds expires_at;                // of the whole session
    std::optional<std::string> session_id; // a capability; absent for a renewal by another buyer
    std::uint64_t quantity = 1;
    std::optional<std::string> change; // a Cashu token
    bool operator==(const Delivered&) const = default;
};

/// 409.
struct Refunded {
    std::string refund; // a Cashu token
    std::string message;
    std::optional<std::string> change = {}; // a Cashu token: what was left over when it was paid
    bool operator==(const Refunded&) const = default;
};

/// Everything else.
struct Refused {
    int http_status = 400;
    std::string word; // as sent; see parse_reason
    std::string message;
    std::optional<Sat> needed;              // with amount-mismatch: the price and the fee for these proofs
    std::optional<std::string> change = {}; // with session-ended: of a buyer who lost the answer that had it
    bool operator==(const Refused&) const = default;
};

/// 200 of POST /session/{id}/close. spec: Closing
struct Closed {
    Sat refunded;                     // in all
    std::vector<std::string> refunds; // Cashu tokens, one for each refund key and mint; none: nothing was left
    bool operator==(const Closed&) const = default;
};

std::string encode_delivered(const Delivered& answer);
std::string encode_refunded(const Refunded& answer);
/// {"status":"error","reason":…,"message":…,"needed":…,"change":…}; an empty message becomes the reason's own.
std::string encode_refused(Reason reason, std::string_view message = {}, std::optional<Sat> needed = std::nullopt,
                           const std::optional<std::string>& change = std::nullopt);

std::string encode_closed(const Closed& answer);
using CloseAnswer = std::variant<Closed, Refused>;
/// As parse_purchase_answer. At most 100 tokens. Errors: bad_encoding (a 2xx that can not be understood: the session
/// may be closed, repeat the request).
Result<CloseAnswer> parse_close_answer(int http_status, std::string_view body);

using PurchaseAnswer = std::variant<Delivered, Refunded, Refused>;
/// What an operator, ours or another's, answered; at most 1 MiB. A 4xx or 5xx that is not JSON is a Refused without a
/// word. Errors: bad_encoding (a 2xx that can not be understood: the money may be gone, repeat the request).
Result<PurchaseAnswer> parse_purchase_answer(int http_status, std::string_view body);

} // namespace adit::protocol
