// protocol/lnurl.h - what an LNURL-pay service and a wallet say to each other, both ways. spec: Purchase with Lightning
// LUD-01, LUD-06, LUD-09, LUD-11, LUD-12, LUD-17, LUD-21
// What rides in it has headers of its own, which whoever speaks LNURL needs as well, so they come along.
#pragma once

#include "base/money.h"
#include "protocol/config_link.h"
#include "protocol/lnurl_aes.h"
#include "protocol/purchase_comment.h"
#include "protocol/reasons.h"

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace adit::protocol {

inline constexpr std::string_view kLnurlPay = "lnurl-pay"; // as the mechanism of a listing's lightning payment

/// "lnurl1…" of a URL, lowercase (uppercase for QR codes is the caller's). LUD-01
std::string encode_lnurl(std::string_view url);
/// The URL in "lnurl1…", "lightning:lnurl1…", "lnurlp://…", or "https://…?lightning=lnurl1…"; a plain URL is itself. It
/// must be https, or http to loopback or an onion. At most 5000 characters. Errors: bad_encoding.
Result<std::string> parse_lnurl(std::string_view text);

// ---- step 1: the offer ---------------------------------------------------------------------------------------------

/// `[["text/plain","VPN access: 2 x 1000 sat/day"],["text/identifier","<pubkey>:<d>"]]`: a function of its arguments
/// alone, byte for byte, since the invoice commits to it. A quantity of 1 is not written. spec: Metadata
std::string pay_metadata(const Price& price, std::uint64_t quantity, const PublicKey& operator_key,
                         std::string_view d_tag);

struct PayRequest {
    std::string callback;
    Msat min_sendable;
    Msat max_sendable;
    std::string metadata;              // the exact bytes that description hashes commit to
    std::uint64_t comment_allowed = 0; // characters; 0: no comment wanted
};
std::string encode_pay_request(const PayRequest& request);

// ---- step 2: the invoice, and what the payer gets for it -----------------------------------------------------------

struct PayAnswer {
    std::string pr; // BOLT-11
    std::optional<AesAction> action;
    std::optional<std::string> verify; // URL. LUD-21
};
/// With `"routes":[]` and `"disposable":false`.
std::string encode_pay_answer(const PayAnswer& answer);

struct VerifyAnswer {
    bool settled = false;
    std::optional<SecretBytes<32>> preimage; // once settled
    std::string pr;
    /// Ours: a Cashu token for refund_pubkey, where the tunnel could not be delivered.
    std::optional<std::string> refund;
};
std::string encode_verify_answer(const VerifyAnswer& answer);

/// {"status":"ERROR","reason":"<word>","message":"<what to do>"}, to be sent with HTTP 200: wallets stop at other
/// codes.
std::string encode_lnurl_error(Reason reason, std::string_view message = {});

/// What the other side said instead of what was asked for.
struct LnurlError {
    std::string reason; // as sent: a word of ours, or a sentence of another service
    std::string message;
};
/// At most 1 MiB. Errors: bad_encoding (neither the answer nor an error).
Result<std::variant<PayRequest, LnurlError>> parse_pay_request(std::string_view json);
Result<std::variant<PayAnswer, LnurlError>> parse_pay_answer(std::string_view json);
Result<std::variant<VerifyAnswer, LnurlError>> parse_verify_answer(std::string_view json);

} // namespace adit::protocol
