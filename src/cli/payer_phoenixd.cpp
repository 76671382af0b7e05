#include "cli/payer_phoenixd.h"

#include "cli/printable.h"
#include "payments/percent.h"
#include "protocol/json.h"
#include "protocol/json_fields.h"

namespace adit::cli {

using nlohmann::json;
using payments::HttpCall;
using payments::HttpReply;
using State = PaymentStatus::State;

namespace {

constexpr Milliseconds kLookTimeout{15'000};

Error phoenixd_unreachable(std::string_view what)
{
    return Error{Reason::lightning_unreachable, "phoenixd: " + std::string(what)};
}

Error phoenixd_refused(std::string_view what)
{
    return Error{Reason::lightning_refused, "phoenixd: " + std::string(what)};
}

Result<json> parse_object(std::string_view body)
{
    if (body.size() > kMostNodeAnswer) return Error{Reason::bad_encoding, "over 1 MiB"};
    json object = TRY(protocol::parse_json(body));
    if (!object.is_object()) return Error{Reason::bad_encoding, "no JSON object"};
    return object;
}

/// Of anything but 200. Its errors are plain text.
Error no_of(const HttpReply& reply)
{
    if (reply.status == 401 || reply.status == 403)
        return phoenixd_refused("the password is wrong, or the one with limited access; paying needs http-password");
    const std::string what = "status " + std::to_string(reply.status) + ": " + printable(reply.body, 200);
    // What throws in there is a 500, after the act as well as before it.
    return reply.status == 400 ? phoenixd_refused(what) : phoenixd_unreachable(what);
}

} // namespace

Result<PaymentStatus> parse_phoenixd_paid(std::string_view body)
{
    const json object = TRY(parse_object(body));
    if (const std::string* const preimage = protocol::text_member(object, "paymentPreimage")) {
        PaymentStatus paid{.state = State::paid};
        paid.preimage = TRY(parse_secret_hex<32>(*preimage));
        return paid;
    }
    const std::string* const reason = protocol::text_member(object, "reason");
    if (reason == nullptr) return Error{Reason::bad_encoding, "neither a preimage nor a reason"};
    return PaymentStatus{.state = State::failed, .why = printable(*reason, 200)};
}

Result<PaymentStatus> parse_phoenixd_outgoing(std::string_view body)
{
    const json object = TRY(parse_object(body));
    const json* const is_paid = protocol::member(object, "isPaid");
    if (is_paid == nullptr || !is_paid->is_boolean()) return Error{Reason::bad_encoding, "no isPaid"};
    if (is_paid->get<bool>()) {
        PaymentStatus paid{.state = State::paid};
        if (const std::string* const preimage = protocol::text_member(object, "preimage"))
            paid.preimage = TRY(parse_secret_hex<32>(*preimage));
        return paid;
    }
    // Unpaid and over is a failure; nulls are left out.
    const json* const completed_at = protocol::member(object, "completedAt");
    if (completed_at == nullptr || completed_at->is_null()) return PaymentStatus{.state = State::pending};
    return PaymentStatus{.state = State::failed, .why = "the payment has failed"};
}

SecretText PhoenixdPayer::header(std::string&& password)
{
    std::string pair = ":" + password;
    SecretText::wipe(password);
    std::string encoded = encode_base64(as_bytes(pair));
    SecretText::wipe(pair);
    SecretText line("Authorization: Basic " + encoded);
    SecretText::wipe(encoded);
    return line;
}

Result<HttpReply> PhoenixdPayer::call(HttpCall call)
{
    call.secret_header = &access_.header;
    call.ca_file = access_.ca_file;
    auto reply = http_.call(call);
    if (!reply) return phoenixd_unreachable("no answer (" + reply.error().detail + ")");
    return reply;
}

Result<PaymentStatus> PhoenixdPayer::pay(const std::string& bolt11, const payments::lightning::PaymentHash& hash)
{
    const auto reply = TRY(call({.method = "POST",
                                 .url = access_.url + "/payinvoice",
                                 .body = "invoice=" + payments::percent_encoded(bolt11),
                                 .timeout = kPayTimeout,
                                 .content_type = "application/x-www-form-urlencoded"}));
    if (reply.status != 200) return no_of(reply);
    auto status = parse_phoenixd_paid(reply.body);
    if (!status) return phoenixd_unreachable("an answer that can not be understood");
    if (status->state != State::failed) return status;
    // Its reason may be that the invoice is paid already, or on its way: the payment itself tells.
    auto now = TRY(look_up(hash));
    if (now.state == State::paid || now.state == State::pending) return now;
    return status;
}

Result<PaymentStatus> PhoenixdPayer::look_up(const payments::lightning::PaymentHash& hash)
{
    const auto reply = TRY(call({.method = "GET",
                                 .url = access_.url + "/payments/outgoingbyhash/" + encode_hex(hash),
                                 .timeout = kLookTimeout}));
    if (reply.status == 404) return PaymentStatus{.state = State::absent};
    if (reply.status != 200) return no_of(reply);
    auto status = parse_phoenixd_outgoing(reply.body);
    if (!status) return phoenixd_unreachable("an answer that can not be understood");
    return status;
}

} // namespace adit::cli
