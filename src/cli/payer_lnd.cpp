#include "cli/payer_lnd.h"

#include "cli/printable.h"
#include "protocol/json.h"
#include "protocol/json_fields.h"

#include <limits>

namespace adit::cli {

using nlohmann::json;
using payments::HttpCall;
using payments::HttpReply;
using State = PaymentStatus::State;

namespace {

constexpr std::size_t kMaxDepth = 16;         // a payment carries its routes
constexpr Milliseconds kTrackTimeout{15'000}; // it answers when the payment has come to its end
constexpr int kRouterTimeout_s = 60;

// Codes of gRPC.
constexpr std::int64_t kInvalidArgument = 3;
constexpr std::int64_t kNotFound = 5;
constexpr std::int64_t kAlreadyExists = 6;
constexpr std::int64_t kPermissionDenied = 7;
constexpr std::int64_t kUnauthenticated = 16;

std::string text_at(const json& object, const char* name)
{
    const std::string* const text = protocol::text_member(object, name);
    return text == nullptr ? std::string() : *text;
}

/// None for a status that is not known.
std::optional<PaymentStatus> status_of(const json& payment)
{
    const std::string word = text_at(payment, "status");
    if (word == "IN_FLIGHT" || word == "INITIATED") return PaymentStatus{.state = State::pending};
    if (word == "FAILED")
        return PaymentStatus{.state = State::failed, .why = printable(text_at(payment, "failure_reason"), 100)};
    if (word != "SUCCEEDED") return std::nullopt;
    PaymentStatus paid{.state = State::paid};
    if (auto preimage = parse_secret_hex<32>(text_at(payment, "payment_preimage")))
        paid.preimage = std::move(*preimage);
    return paid;
}

bool read_error(const json& error, LndAnswer& answer)
{
    for (const char* name : {"code", "grpc_code"})
        if (const json* const code = protocol::member(error, name))
            answer.code = static_cast<std::int64_t>(
                protocol::whole_number(*code, std::numeric_limits<std::int32_t>::max()).value_or(0));
    answer.message = printable(text_at(error, "message"), 200);
    return answer.code != 0;
}

Error lnd_unreachable(std::string_view what)
{
    return Error{Reason::lightning_unreachable, "lnd: " + std::string(what)};
}

Error lnd_refused(std::string_view what) { return Error{Reason::lightning_refused, "lnd: " + std::string(what)}; }

/// Of an answer without a status. Errors as of a Payer's calls.
Result<PaymentStatus> judge(int http_status, const LndAnswer& answer)
{
    if (answer.code == kNotFound) return PaymentStatus{.state = State::absent};
    // Paid, or on its way: looking it up tells which.
    if (answer.code == kAlreadyExists) return PaymentStatus{.state = State::pending};
    const bool forbidden =
        http_status == 401 || http_status == 403 || answer.code == kPermissionDenied || answer.code == kUnauthenticated;
    if (forbidden) return lnd_refused("the macaroon does not allow this; paying needs admin.macaroon or one like it");
    if (answer.code == kInvalidArgument) return lnd_refused(answer.message);
    return lnd_unreachable("status " + std::to_string(http_status) + ": " + answer.message);
}

} // namespace

Result<LndAnswer> parse_lnd_answer(std::string_view body)
{
    if (body.size() > kMostNodeAnswer) return Error{Reason::bad_encoding, "over 1 MiB"};
    LndAnswer answer;
    bool understood = false;
    while (!body.empty()) {
        const std::string_view line = body.substr(0, body.find('\n'));
        body.remove_prefix(std::min(body.size(), line.size() + 1));
        const auto object = protocol::parse_json(line, kMaxDepth);
        if (!object) continue; // the end of a torn stream
        if (const json* const result = protocol::member(*object, "result")) {
            if (auto status = status_of(*result)) {
                answer.status = std::move(*status);
                understood = true;
            }
        } else {
            const json* const error = protocol::member(*object, "error");
            understood = read_error(error != nullptr && error->is_object() ? *error : *object, answer) || understood;
        }
    }
    if (!understood) return Error{Reason::bad_encoding, "not an answer of the router"};
    return answer;
}

SecretText LndPayer::header(std::string&& macaroon)
{
    std::string hex = encode_hex(as_bytes(macaroon));
    SecretText::wipe(macaroon);
    SecretText line("Grpc-Metadata-macaroon: " + hex);
    SecretText::wipe(hex);
    return line;
}

Result<HttpReply> LndPayer::call(HttpCall call)
{
    call.secret_header = &access_.header;
    call.ca_file = access_.ca_file;
    auto reply = http_.call(call);
    if (!reply) return lnd_unreachable("no answer (" + reply.error().detail + ")");
    return reply;
}

Result<PaymentStatus> LndPayer::pay(const std::string& bolt11, const payments::lightning::PaymentHash&)
{
    const json body = {{"payment_request", bolt11},
                       {"timeout_seconds", kRouterTimeout_s},
                       {"fee_limit_sat", std::to_string(max_fee_.count())}, // unset, only free routes are taken
                       {"no_inflight_updates", true}};
    const auto reply = TRY(call({.method = "POST",
                                 .url = access_.url + "/v2/router/send",
                                 .body = body.dump(-1, ' ', false, json::error_handler_t::replace),
                                 .timeout = kPayTimeout}));
    auto answer = parse_lnd_answer(reply.body);
    if (!answer) return lnd_unreachable("status " + std::to_string(reply.status) + ", and no answer of its router");
    if (answer->status) return std::move(*answer->status);
    return judge(reply.status, *answer);
}

Result<PaymentStatus> LndPayer::look_up(const payments::lightning::PaymentHash& hash)
{
    const std::string segment = encode_base64url(hash) + "%3D";
    const auto reply = TRY(call({.method = "GET",
                                 .url = access_.url + "/v2/router/track/" + segment + "?no_inflight_updates=true",
                                 .timeout = kTrackTimeout}));
    auto answer = parse_lnd_answer(reply.body);
    if (!answer) return lnd_unreachable("status " + std::to_string(reply.status) + ", and no answer of its router");
    if (answer->status) return std::move(*answer->status);
    return judge(reply.status, *answer);
}

} // namespace adit::cli
