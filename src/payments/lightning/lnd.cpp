#include "payments/lightning/lnd.h"

#include "base/clock.h"
#include "base/hash.h"

namespace adit::payments::lightning {
namespace {

constexpr const char* kJson = "application/json";
constexpr Seconds kInfoKept{5}; // blocks come every ten minutes, look-ups may come in crowds

} // namespace

SecretText lnd_header(std::string_view macaroon)
{
    std::string hex = encode_hex(as_bytes(macaroon));
    SecretText header("Grpc-Metadata-macaroon: " + hex);
    SecretText::wipe(hex);
    return header;
}

LndBackend::LndBackend(NodeAccess access, Settling settling, EventTiming timing)
    : http_(std::move(access)), settling_(settling), streams_(http_.access(), timing)
{
}

/// Of a yes; a no becomes its Error.
Result<std::string> LndBackend::body_of(Result<HttpReply> reply, std::string_view act) const
{
    if (!reply) return std::move(reply).error();
    if (reply->status == 200) return std::move(reply->body);
    const LndFailure failure = read_lnd_failure(reply->body);
    if (says_bad_macaroon(failure) || reply->status == 401 || reply->status == 403)
        return http_.refused(std::string(act) +
                             ": the macaroon is wrong, or lacks a right: it needs invoices:read, "
                             "invoices:write and info:read (" +
                             fit_for_log(failure.message) + ")");
    const std::string what =
        std::string(act) + ": status " + std::to_string(reply->status) + ": " + fit_for_log(failure.message);
    if (reply->status == 404) return http_.refused(what + ": is base_url right, and invoicesrpc built in?");
    // LND's code 2 is for everything, with a 500, after the act as well as before it.
    if (reply->status >= 500 || reply->status == 429) return http_.unreachable(what);
    return http_.refused(what);
}

Result<LndInfo> LndBackend::info(SteadyTime deadline)
{
    {
        const std::lock_guard lock(mutex_);
        if (info_from_ && system_clock().steady() - *info_from_ < kInfoKept) return info_;
    }
    const std::string body = TRY(body_of(http_.get("/v1/getinfo", deadline), "getinfo"));
    const LndInfo fresh = TRY(parse_lnd_info(body));
    const std::lock_guard lock(mutex_);
    info_ = fresh;
    info_from_ = system_clock().steady();
    return fresh;
}

Result<Network> LndBackend::network()
{
    const LndInfo known = TRY(info(http_.deadline()));
    return known.network;
}

Result<MadeInvoice> LndBackend::make(const InvoiceRequest& request)
{
    const bool held = holds();
    std::string body =
        TRY(body_of(http_.post(held ? "/v2/invoices/hodl" : "/v1/invoices", kJson,
                               held ? encode_lnd_hold_invoice(request) : encode_lnd_invoice(request), http_.deadline()),
                    "a new invoice"));
    LndMade made = TRY(parse_lnd_made(body));
    const PaymentHash hash = sha256(request.preimage.expose());
    if (!held && !made.payment_hash) return http_.refused("a new invoice without a payment hash");
    if (made.payment_hash && *made.payment_hash != hash)
        return http_.refused("a new invoice with another payment hash than asked for");
    return MadeInvoice{std::move(made.payment_request), hash, request.preimage.duplicate()};
}

Result<LndInvoice> LndBackend::invoice(const PaymentHash& hash, SteadyTime deadline)
{
    auto reply = http_.get("/v1/invoice/" + encode_hex(hash), deadline);
    if (reply && reply->status != 200 && says_unknown_invoice(read_lnd_failure(reply->body)))
        return Error{Reason::not_found, "lnd: it knows no such invoice"};
    const std::string body = TRY(body_of(std::move(reply), "look-up"));
    const LndInvoice found = TRY(parse_lnd_invoice(body));
    if (found.payment_hash != hash) return http_.refused("it shows another invoice than asked for");
    return found;
}

Result<InvoiceStatus> LndBackend::look_up(const PaymentHash& hash)
{
    const SteadyTime deadline = http_.deadline();
    const LndInvoice found = TRY(invoice(hash, deadline));
    InvoiceStatus status{found.state};
    if (found.state != InvoiceState::accepted || !found.earliest_expiry_height) return status;
    // That it is accepted is worth telling even where the height is not to be had.
    if (const auto known = info(deadline)) {
        const std::uint32_t end = *found.earliest_expiry_height;
        status.blocks_left = end > known->block_height ? end - known->block_height : 0;
    }
    return status;
}

/// Where LND refuses what may have been done before, its books say whether it was: not its words, which change.
Result<void> LndBackend::finish(const PaymentHash& hash, Result<HttpReply> reply, std::string_view act,
                                InvoiceState wanted, SteadyTime deadline)
{
    const bool answered = reply.has_value();
    const auto done = body_of(std::move(reply), act);
    if (done) return {};
    if (!answered) return done.error();
    const LndInvoice found = TRY(invoice(hash, deadline));
    if (found.state == wanted) return {};
    if (found.state == InvoiceState::settled || found.state == InvoiceState::ended)
        return http_.refused(std::string(act) + ": the invoice is " +
                             (found.state == InvoiceState::settled ? "settled" : "cancelled") + " already");
    return done.error();
}

Result<void> LndBackend::settle(const Preimage& preimage)
{
    if (!holds()) return Error{Reason::policy, "lnd: settles by itself without hold invoices"};
    const SteadyTime deadline = http_.deadline();
    auto reply = http_.post("/v2/invoices/settle", kJson, encode_lnd_settle(preimage), deadline);
    return finish(sha256(preimage.expose()), std::move(reply), "settle", InvoiceState::settled, deadline);
}

Result<void> LndBackend::cancel(const PaymentHash& hash)
{
    const SteadyTime deadline = http_.deadline();
    auto reply = http_.post("/v2/invoices/cancel", kJson, encode_lnd_cancel(hash), deadline);
    return finish(hash, std::move(reply), "cancel", InvoiceState::ended, deadline);
}

void LndBackend::start(Listener& listener, std::uint64_t settle_index) { streams_.start(listener, settle_index); }

void LndBackend::follow(const PaymentHash& hash)
{
    if (holds()) streams_.follow(hash); // what settles by itself is told by the stream of all invoices
}

void LndBackend::stop() { streams_.stop(); }

} // namespace adit::payments::lightning
