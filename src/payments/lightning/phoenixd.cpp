#include "payments/lightning/phoenixd.h"

#include "base/log.h"
#include "payments/lightning/phoenixd_json.h"

namespace adit::payments::lightning {
namespace {

constexpr const char* kForm = "application/x-www-form-urlencoded";

Error no_hold()
{
    return Error{Reason::policy, "phoenixd: it has no hold invoices, and an invoice can not be taken back"};
}

} // namespace

SecretText phoenixd_header(const SecretText& password)
{
    std::string pair = ":" + password.expose();
    std::string encoded = encode_base64(as_bytes(pair));
    SecretText::wipe(pair);
    SecretText header("Authorization: Basic " + encoded);
    SecretText::wipe(encoded);
    return header;
}

PhoenixdBackend::PhoenixdBackend(NodeAccess access, EventTiming timing) : http_(std::move(access)), timing_(timing) {}

/// Of a yes; a no becomes its Error. Errors of phoenixd are plain text.
Result<std::string> PhoenixdBackend::body_of(Result<HttpReply> reply, std::string_view act) const
{
    if (!reply) return std::move(reply).error();
    if (reply->status == 200) return std::move(reply->body);
    if (reply->status == 401)
        return http_.refused("the password is wrong: it is http-password-limited-access in phoenix.conf");
    const std::string what =
        std::string(act) + ": status " + std::to_string(reply->status) + ": " + fit_for_log(reply->body);
    // What throws in there is a 500, after the act as well as before it.
    if (reply->status >= 500 || reply->status == 429) return http_.unreachable(what);
    return http_.refused(what);
}

Result<Network> PhoenixdBackend::network()
{
    return parse_phoenixd_network(TRY(body_of(http_.get("/getinfo", http_.deadline()), "getinfo")));
}

Result<MadeInvoice> PhoenixdBackend::make(const InvoiceRequest& request)
{
    const SteadyTime deadline = http_.deadline();
    const std::string form = "descriptionHash=" + encode_hex(request.description_hash) +
                             "&amountSat=" + std::to_string(request.amount.count()) +
                             "&expirySeconds=" + std::to_string(request.expiry.count()) +
                             "&externalId=" + request.external_id;
    const std::string created = TRY(body_of(http_.post("/createinvoice", kForm, form, deadline), "createinvoice"));
    PhoenixdInvoice invoice = TRY(parse_phoenixd_invoice(created));
    const std::string path = "/payments/incoming/" + encode_hex(invoice.payment_hash);
    const std::string found = TRY(body_of(http_.get(path, deadline), "the look-up of a new invoice"));
    PhoenixdPayment payment = TRY(parse_phoenixd_payment(found));
    if (payment.payment_hash != invoice.payment_hash) return http_.refused("it shows another invoice than the new one");
    if (!payment.preimage) return http_.refused("it does not show the preimage of a new invoice");
    return MadeInvoice{std::move(invoice.serialized), invoice.payment_hash, std::move(*payment.preimage)};
}

Result<InvoiceStatus> PhoenixdBackend::look_up(const PaymentHash& hash)
{
    auto reply = http_.get("/payments/incoming/" + encode_hex(hash), http_.deadline());
    if (reply && reply->status == 404) return Error{Reason::not_found, "phoenixd: it knows no such invoice"};
    const std::string found = TRY(body_of(std::move(reply), "look-up"));
    const PhoenixdPayment payment = TRY(parse_phoenixd_payment(found));
    if (payment.payment_hash != hash) return http_.refused("it shows another invoice than asked for");
    if (payment.is_paid) return InvoiceStatus{InvoiceState::settled};
    return InvoiceStatus{payment.is_expired ? InvoiceState::ended : InvoiceState::open};
}

Result<void> PhoenixdBackend::settle(const Preimage&) { return no_hold(); }

Result<void> PhoenixdBackend::cancel(const PaymentHash&) { return no_hold(); }

void PhoenixdBackend::start(Listener& listener, std::uint64_t)
{
    const std::lock_guard lock(mutex_);
    CHECK(!events_);
    EventSocket::Callbacks callbacks{
        .opened =
            [&listener] {
                log_info("lightning_events_connected", {{"backend", "phoenixd"}});
                listener.events_may_be_missing();
            },
        .received =
            [&listener](std::string_view text) {
                if (const auto hash = parse_phoenixd_event(text)) listener.invoice_changed(*hash);
            },
        .lost =
            [](const std::string& why) {
                log_warn("lightning_events_lost", {{"backend", "phoenixd"}, {"why", why}});
            },
    };
    events_ = std::make_unique<EventSocket>(http_.access(), "/websocket", std::move(callbacks), timing_);
}

void PhoenixdBackend::stop()
{
    const std::lock_guard lock(mutex_);
    events_.reset();
}

} // namespace adit::payments::lightning
