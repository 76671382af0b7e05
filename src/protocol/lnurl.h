// protocol/lnurl.h - what an LNURL-pay service and a wallet say to each other, both ways. spec: Purchase with Lightning
// LUD-01, LUD-06, LUD-09, LUD-10, LUD-11, LUD-12, LUD-17, LUD-21
#pragma once

#include "base/money.h"
#include "base/rng.h"
#include "protocol/keys.h"
#include "protocol/listing.h"
#include "protocol/reasons.h"
#include "protocol/wireguard_key.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace adit::protocol {

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

// ---- the purchase that rides in the comment ------------------------------------------------------------------------

struct PurchaseComment {
    std::string listing; // a-coordinate, as sent
    Price price;
    std::string protocol;
    WireguardKey client_key;
    std::optional<PublicKey> refund_key;
};
/// At most 4096 bytes. A space in client_pubkey is the `+` that some wallets make one of. `sold`: the protocols of the
/// listing. Errors: not_an_object, version_mismatch (another than "1", 1 or "vpn-marketplace/1"), no_listing,
/// bad_price, no_protocol, unsupported_protocol, no_client_pubkey, bad_request.
Result<PurchaseComment> parse_purchase_comment(std::string_view json, std::span<const std::string> sold);
std::string encode_purchase_comment(const PurchaseComment& comment);

/// A WireGuard key in a URL: base64 (a space stands for `+`), base64url or hex. Errors: bad_request.
Result<WireguardKey> parse_key_parameter(std::string_view text);

// ---- step 2: the invoice, and what the payer gets for it -----------------------------------------------------------

/// AES-256-CBC with PKCS#7 under the invoice's preimage. LUD-10
struct AesAction {
    std::string description; // at most 144 characters
    std::string ciphertext;  // base64
    std::string iv;          // base64, 24 characters
};
inline constexpr std::size_t kMaxAesPlaintext = 3071; // bytes: 4096 characters of base64
/// Errors: bad_request (longer than that).
Result<AesAction> seal_aes(const SecretBytes<32>& preimage, std::string_view plaintext, std::string description,
                           Rng& rng);
/// Errors: bad_encoding (base64, length, padding, not UTF-8).
Result<std::string> open_aes(const SecretBytes<32>& preimage, const AesAction& action);

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

// ---- the page that opens a delivered config ------------------------------------------------------------------------

/// `https://<public_host>/config-viewer#<base64url of the config>`.
std::string config_viewer_link(std::string_view public_host, std::string_view config);
/// The config in such a link; what is no such link is given back as it is (the action may carry the text itself).
/// Errors: bad_encoding.
Result<std::string> config_of_plaintext(std::string_view plaintext);

} // namespace adit::protocol
