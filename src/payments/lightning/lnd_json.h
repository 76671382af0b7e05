// payments/lightning/lnd_json.h - what LND says and is told over REST, read with distrust. Pure.
// 64-bit numbers are strings, bytes are base64; bytes in a path are base64url, and only `r_hash_str` is hex.
#pragma once

#include "payments/lightning/backend.h"

#include <functional>

namespace adit::payments::lightning {

/// POST /v1/invoices: our preimage, settled by LND itself. Route hints are asked for (`private`): a node whose channels
/// are all unannounced can not be paid without them, and one that has none to hint at adds none.
std::string encode_lnd_invoice(const InvoiceRequest& request);
/// POST /v2/invoices/hodl: only the hash; LND learns the preimage when it is told to settle.
std::string encode_lnd_hold_invoice(const InvoiceRequest& request);
/// POST /v2/invoices/settle
std::string encode_lnd_settle(const Preimage& preimage);
/// POST /v2/invoices/cancel
std::string encode_lnd_cancel(const PaymentHash& hash);

struct LndMade {
    std::string payment_request;                  // BOLT-11
    std::optional<PaymentHash> payment_hash = {}; // a hold invoice's answer has none
};

struct LndInvoice {
    PaymentHash payment_hash{};
    InvoiceState state = InvoiceState::open;
    std::uint64_t settle_index = 0;                           // 0: not settled
    std::optional<std::uint32_t> earliest_expiry_height = {}; // of the HTLCs that are locked in
};

struct LndInfo {
    Network network = Network::bitcoin;
    std::uint32_t block_height = 0;
};

/// Unknown members are ignored everywhere. Errors: lightning_refused.
Result<LndMade> parse_lnd_made(std::string_view text);
Result<LndInvoice> parse_lnd_invoice(std::string_view text);
/// Errors: lightning_refused (also another chain than Bitcoin's).
Result<LndInfo> parse_lnd_info(std::string_view text);
/// One line of a stream, {"result":{…}}. Errors: lightning_refused (also what {"error":{…}} says).
Result<LndInvoice> parse_lnd_stream_line(std::string_view line);

struct LndFailure {
    std::uint64_t code = 0; // of gRPC; 0 where the body is none of LND's
    std::string message = {};
};
/// Of an answer that is not 200; that of a stream has it one level down. Cannot fail.
LndFailure read_lnd_failure(std::string_view text);
/// LND's words for an invoice that it has not. Versions before 0.15 say them with code 2, as they say everything; the
/// "Not Found" of a path that is not served is something else.
bool says_unknown_invoice(const LndFailure& failure);
/// A macaroon that is wrong, or may not do this. LND says so with code 2 too.
bool says_bad_macaroon(const LndFailure& failure);

/// Puts the lines of a stream together. Bounded.
class LndLines {
public:
    static constexpr std::size_t kMaxLine = 1 << 18; // an invoice paid in many parts lists each

    /// Gives every whole line, blank ones left out, to `on_line`, until it gives false. False too where a line is over
    /// the limit; what is left is thrown away.
    bool feed(std::string_view bytes, const std::function<bool(std::string_view)>& on_line);
    /// Something of a line is there, but not its end.
    bool torn() const { return !begun_.empty(); }
    void clear() { begun_ = {}; }

private:
    std::string begun_;
};

} // namespace adit::payments::lightning
