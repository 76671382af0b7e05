#include "protocol/purchase_body.h"

#include "protocol/constants.h"
#include "protocol/json.h"
#include "protocol/json_fields.h"
#include "protocol/purchase_keys.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace adit::protocol {

namespace {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

constexpr std::size_t kMaxRefunds = 100; // of one close
constexpr std::size_t kMaxAnswerBytes = 1 << 20;

std::optional<std::string> text_at(const Json& object, const char* key)
{
    const auto found = object.find(key);
    if (found == object.end() || !found->is_string()) return std::nullopt;
    return found->get_ref<const std::string&>();
}

bool is_good(int http_status) { return http_status >= 200 && http_status < 300; }

Result<PurchaseAnswer> parse_delivered(const Json& object)
{
    const auto config = text_at(object, "config");
    const auto expires_at = count_member(object, "expires_at");
    if (!config || !expires_at || *expires_at > INT64_MAX)
        return Error{Reason::bad_encoding, "the answer has no config or no expires_at"};
    Delivered answer{*config, UnixSeconds(static_cast<std::int64_t>(*expires_at)), text_at(object, "session_id"),
                     count_member(object, "quantity").value_or(1), text_at(object, "change")};
    return PurchaseAnswer(std::move(answer));
}

} // namespace

Result<PurchaseBody> parse_purchase_body(std::string_view json, std::span<const std::string> sold)
{
    if (json.size() > kMaxBodyBytes) return Error{Reason::bad_request, "body over 16 KiB"};
    const auto parsed = parse_json(json);
    if (!parsed || !parsed->is_object()) return Error{Reason::bad_request, "body is no JSON object"};

    const auto protocol = text_at(*parsed, "protocol");
    if (!protocol || std::find(sold.begin(), sold.end(), *protocol) == sold.end())
        return Error{Reason::unsupported_protocol, "protocol is not sold"};

    const WireguardKey client_key = TRY(client_key_of(*parsed, KeySpelling::base64));
    const std::optional<PublicKey> refund_key = TRY(refund_key_of(*parsed));
    return PurchaseBody{*protocol, client_key, refund_key};
}

std::string encode_purchase_body(const PurchaseBody& body)
{
    OrderedJson object{{"protocol", body.protocol}, {"client_pubkey", body.client_key.base64()}};
    if (body.refund_key) object["refund_pubkey"] = body.refund_key->hex();
    return dump(object);
}

std::string encode_delivered(const Delivered& answer)
{
    OrderedJson object{{"status", "ok"}, {"config", answer.config}, {"expires_at", answer.expires_at.count()}};
    if (answer.session_id) object["session_id"] = *answer.session_id;
    object["quantity"] = answer.quantity;
    if (answer.change) object["change"] = *answer.change;
    return dump(object);
}

std::string encode_refunded(const Refunded& answer)
{
    const ReasonInfo info = reason_info(Reason::refunded);
    OrderedJson object{{"status", "error"},
                       {"reason", info.word},
                       {"refund", answer.refund},
                       {"message", answer.message.empty() ? std::string(info.message) : answer.message}};
    if (answer.change) object["change"] = *answer.change;
    return dump(object);
}

std::string encode_closed(const Closed& answer)
{
    return dump(
        OrderedJson{{"status", "closed"}, {"refunded_sat", answer.refunded.count()}, {"refunds", answer.refunds}});
}

std::string encode_refused(Reason reason, std::string_view message, std::optional<Sat> needed,
                           const std::optional<std::string>& change)
{
    const ReasonInfo info = reason_info(reason);
    OrderedJson object{
        {"status", "error"}, {"reason", info.word}, {"message", message.empty() ? info.message : message}};
    if (needed) object["needed"] = needed->count();
    if (change) object["change"] = *change;
    return dump(object);
}

Result<PurchaseAnswer> parse_purchase_answer(int http_status, std::string_view body)
{
    if (body.size() > kMaxAnswerBytes) return Error{Reason::bad_encoding, "the answer is over 1 MiB"};
    const auto parsed = parse_json(body);
    if (!parsed || !parsed->is_object()) {
        if (is_good(http_status)) return Error{Reason::bad_encoding, "the answer is no JSON object"};
        return PurchaseAnswer(Refused{http_status, "", "", std::nullopt});
    }
    const std::string word = text_at(*parsed, "reason").value_or("");
    const std::string message = text_at(*parsed, "message").value_or("");
    if (auto refund = text_at(*parsed, "refund"))
        return PurchaseAnswer(Refunded{std::move(*refund), message, text_at(*parsed, "change")});
    if (is_good(http_status) && text_at(*parsed, "status").value_or("ok") == "ok") return parse_delivered(*parsed);
    const auto needed = count_member(*parsed, "needed");
    return PurchaseAnswer(Refused{http_status, word, message, needed ? std::optional(Sat(*needed)) : std::nullopt,
                                  text_at(*parsed, "change")});
}

Result<CloseAnswer> parse_close_answer(int http_status, std::string_view body)
{
    const auto bad = [](const char* what) { return Error{Reason::bad_encoding, what}; };
    if (body.size() > kMaxAnswerBytes) return bad("the answer is over 1 MiB");
    const auto parsed = parse_json(body);
    if (!parsed || !parsed->is_object()) {
        if (is_good(http_status)) return bad("the answer is no JSON object");
        return CloseAnswer(Refused{http_status, "", "", std::nullopt});
    }
    if (!is_good(http_status))
        return CloseAnswer(Refused{http_status, text_at(*parsed, "reason").value_or(""),
                                   text_at(*parsed, "message").value_or(""), std::nullopt});
    const auto refunded = count_member(*parsed, "refunded_sat");
    const Json* tokens = member(*parsed, "refunds");
    if (!refunded || !tokens || !tokens->is_array() || tokens->size() > kMaxRefunds)
        return bad("a close without refunded_sat and refunds");
    Closed closed{Sat(*refunded), {}};
    for (const Json& token : *tokens) {
        const std::string* text = text_of(token);
        if (!text || text->empty()) return bad("a refund that is no text");
        closed.refunds.push_back(*text);
    }
    return CloseAnswer(std::move(closed));
}

} // namespace adit::protocol
