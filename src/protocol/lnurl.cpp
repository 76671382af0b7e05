#include "protocol/lnurl.h"

#include "base/ascii.h"
#include "protocol/bech32.h"
#include "protocol/constants.h"
#include "protocol/decimal.h"
#include "protocol/json.h"
#include "protocol/json_fields.h"

#include <algorithm>
#include <limits>

namespace adit::protocol {

namespace {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

constexpr std::string_view kPrefix = "lnurl";
constexpr std::size_t kMaxLnurl = 5000;       // characters
constexpr std::size_t kMaxAnswer = 1 << 20;   // bytes
constexpr std::size_t kMaxMetadata = 1 << 18; // bytes; an image may have 136536 of them

Error malformed_lnurl(std::string_view what) { return Error{Reason::bad_encoding, "lnurl: " + std::string(what)}; }

/// Takes `prefix` (lowercase) off the front, whatever its case there.
bool take_prefix(std::string_view& text, std::string_view prefix)
{
    if (text.size() < prefix.size() || to_lower(text.substr(0, prefix.size())) != prefix) return false;
    text.remove_prefix(prefix.size());
    return true;
}

/// Without port and brackets, lowercase. `rest` is what follows "://".
std::string host_in(std::string_view rest)
{
    std::string_view host = rest.substr(0, rest.find_first_of("/?#"));
    if (host.starts_with('[')) return to_lower(host.substr(1, host.find(']') - 1));
    return to_lower(host.substr(0, host.find(':')));
}

bool is_onion(std::string_view host) { return host.ends_with(".onion"); }

bool is_loopback(std::string_view host)
{
    if (host == "localhost" || host == "::1") return true;
    return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

/// https to anywhere, or http to where nobody is on the way.
bool is_safe_url(std::string_view url)
{
    const bool plain = std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 0x7f; });
    if (!plain || url.size() > kMaxLnurl) return false;
    const bool https = url.starts_with("https://");
    if (!https && !url.starts_with("http://")) return false;
    const std::string_view rest = url.substr(https ? 8 : 7);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    if (authority.find('@') != std::string_view::npos) return false;
    const std::string host = host_in(rest);
    return !host.empty() && (https || is_onion(host) || is_loopback(host));
}

Result<std::string> safe_url(std::string url)
{
    if (!is_safe_url(url)) return malformed_lnurl("not an https URL");
    return url;
}

Result<std::string> parse_bech32_url(std::string_view text)
{
    const Bech32 decoded = TRY(parse_bech32(text, kMaxLnurl));
    if (decoded.form != Bech32Form::bech32 || decoded.prefix != kPrefix) return malformed_lnurl("not an lnurl");
    const Bytes url = TRY(from_words(decoded.words));
    return safe_url(std::string(as_text(url)));
}

/// The value of `lightning` in a URL's query, or "".
std::string_view fallback_of(std::string_view url)
{
    constexpr std::string_view kName = "lightning=";
    std::string_view query = url.substr(0, url.find('#'));
    query.remove_prefix(std::min(query.size(), query.find('?')));
    while (!query.empty()) {
        query.remove_prefix(1); // '?' or '&'
        const std::string_view pair = query.substr(0, query.find('&'));
        if (pair.starts_with(kName)) return pair.substr(kName.size());
        query.remove_prefix(pair.size());
    }
    return {};
}

Result<Json> parse_answer(std::string_view text)
{
    if (text.size() > kMaxAnswer) return malformed_lnurl("over 1 MiB");
    Json object = TRY(parse_json(text));
    if (!object.is_object()) return malformed_lnurl("no JSON object");
    return object;
}

/// {"status":"ERROR",…}; operators of the marketplace have written it in lowercase.
std::optional<LnurlError> error_in(const Json& object)
{
    const std::string* const status = text_member(object, "status");
    if (status == nullptr || to_lower(*status) != "error") return std::nullopt;
    const std::string* const reason = text_member(object, "reason");
    const std::string* const message = text_member(object, "message");
    return LnurlError{reason == nullptr ? "" : *reason, message == nullptr ? "" : *message};
}

/// An array of arrays that begin with a type, exactly one of them the text/plain. LUD-06
bool is_metadata(std::string_view text)
{
    if (text.size() > kMaxMetadata) return false;
    const auto entries = parse_json(text);
    if (!entries || !entries->is_array()) return false;
    std::size_t plain = 0;
    for (const Json& entry : *entries) {
        if (!entry.is_array() || entry.empty() || !entry[0].is_string()) return false;
        if (*text_of(entry[0]) != "text/plain") continue;
        if (entry.size() < 2 || !entry[1].is_string()) return false;
        ++plain;
    }
    return plain == 1;
}

/// Characters of UTF-8, which the JSON parser has seen to.
std::size_t characters(std::string_view text)
{
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// None for an action that carries nothing for us. Errors: bad_encoding (also a tag that LUD-09 says not to pay for).
Result<std::optional<AesAction>> parse_action(const Json& value)
{
    const std::string* const tag = text_member(value, "tag");
    if (tag != nullptr && (*tag == "message" || *tag == "url")) return std::optional<AesAction>();
    if (tag == nullptr || *tag != "aes") return malformed_lnurl("a success action of an unknown kind");
    const std::string* const description = text_member(value, "description");
    const std::string* const ciphertext = text_member(value, "ciphertext");
    const std::string* const iv = text_member(value, "iv");
    if (ciphertext == nullptr || iv == nullptr || iv->size() != 24) return malformed_lnurl("a broken aes action");
    AesAction action{description == nullptr ? "" : *description, *ciphertext, *iv};
    if (characters(action.description) > kMaxActionDescription) return malformed_lnurl("a description too long");
    return std::optional(std::move(action));
}

} // namespace

// ---- addressing ----------------------------------------------------------------------------------------------------

std::string encode_lnurl(std::string_view url)
{
    return encode_bech32(Bech32Form::bech32, kPrefix, to_words(as_bytes(url)));
}

Result<std::string> parse_lnurl(std::string_view text)
{
    if (text.size() > kMaxLnurl) return malformed_lnurl("too long");
    take_prefix(text, "lightning:");
    if (take_prefix(text, "lnurlp://")) // LUD-17
        return safe_url((is_onion(host_in(text)) ? "http://" : "https://") + std::string(text));
    if (to_lower(text.substr(0, kPrefix.size() + 1)) == "lnurl1") return parse_bech32_url(text);
    if (const std::string_view fallback = fallback_of(text); !fallback.empty()) return parse_bech32_url(fallback);
    return safe_url(std::string(text));
}

// ---- what the service says -----------------------------------------------------------------------------------------

std::string pay_metadata(const Price& price, std::uint64_t quantity, const PublicKey& operator_key,
                         std::string_view d_tag)
{
    std::string label = "VPN access: ";
    if (quantity != 1) label += std::to_string(quantity) + " x ";
    label += canonical_decimal(price.amount) + " " + price.currency + "/" + price.unit;
    std::string out = R"([["text/plain",)";
    append_json_string(out, label);
    out += R"(],["text/identifier",)";
    append_json_string(out, operator_key.hex() + ":" + std::string(d_tag));
    out += "]]";
    return out;
}

std::string encode_pay_request(const PayRequest& request)
{
    OrderedJson object{{"tag", "payRequest"},
                       {"callback", request.callback},
                       {"minSendable", request.min_sendable.count()},
                       {"maxSendable", request.max_sendable.count()},
                       {"metadata", request.metadata}};
    if (request.comment_allowed > 0) object["commentAllowed"] = request.comment_allowed;
    return dump(object);
}

std::string encode_pay_answer(const PayAnswer& answer)
{
    OrderedJson object{{"pr", answer.pr}, {"routes", OrderedJson::array()}, {"disposable", false}};
    if (answer.action)
        object["successAction"] = {{"tag", "aes"},
                                   {"description", answer.action->description},
                                   {"ciphertext", answer.action->ciphertext},
                                   {"iv", answer.action->iv}};
    if (answer.verify) object["verify"] = *answer.verify;
    return dump(object);
}

std::string encode_verify_answer(const VerifyAnswer& answer)
{
    OrderedJson object{{"status", "OK"}, {"settled", answer.settled}};
    // Whatever the caller has at hand: before the payment is settled the preimage is worth its money.
    if (answer.settled && answer.preimage)
        object["preimage"] = encode_hex(answer.preimage->expose());
    else
        object["preimage"] = nullptr;
    object["pr"] = answer.pr;
    if (answer.refund) object["refund"] = *answer.refund;
    return dump(object);
}

std::string encode_lnurl_error(Reason reason, std::string_view message)
{
    const ReasonInfo info = reason_info(reason);
    return dump({{"status", "ERROR"}, {"reason", info.word}, {"message", message.empty() ? info.message : message}});
}

// ---- what the wallet reads -----------------------------------------------------------------------------------------

Result<std::variant<PayRequest, LnurlError>> parse_pay_request(std::string_view json)
{
    using Answer = std::variant<PayRequest, LnurlError>;
    const Json object = TRY(parse_answer(json));
    if (auto error = error_in(object)) return Answer(std::move(*error));
    const std::string* const tag = text_member(object, "tag");
    if (tag == nullptr || *tag != "payRequest") return malformed_lnurl("no offer to be paid");
    const std::string* const callback = text_member(object, "callback");
    if (callback == nullptr || !is_safe_url(*callback)) return malformed_lnurl("no callback over https");
    const auto least = count_member(object, "minSendable");
    const auto most = count_member(object, "maxSendable");
    if (!least || !most || *least == 0 || *least > *most) return malformed_lnurl("amounts that make no sense");
    const std::string* const metadata = text_member(object, "metadata");
    if (metadata == nullptr || !is_metadata(*metadata)) return malformed_lnurl("metadata that is none");
    std::uint64_t comment_allowed = 0;
    if (given_member(object, "commentAllowed") != nullptr)
        comment_allowed = count_member(object, "commentAllowed").value_or(0);
    return Answer(PayRequest{*callback, Msat(*least), Msat(*most), *metadata, comment_allowed});
}

Result<std::variant<PayAnswer, LnurlError>> parse_pay_answer(std::string_view json)
{
    using Answer = std::variant<PayAnswer, LnurlError>;
    const Json object = TRY(parse_answer(json));
    if (auto error = error_in(object)) return Answer(std::move(*error));
    const std::string* const pr = text_member(object, "pr");
    if (pr == nullptr || pr->empty() || pr->size() > kMaxInvoiceLength) return malformed_lnurl("no invoice");
    PayAnswer answer{*pr, std::nullopt, std::nullopt};
    if (const Json* const action = given_member(object, "successAction")) answer.action = TRY(parse_action(*action));
    if (const Json* const verify = given_member(object, "verify")) {
        const std::string* const url = text_of(*verify);
        if (url == nullptr || !is_safe_url(*url)) return malformed_lnurl("a verify that is no https URL");
        answer.verify = *url;
    }
    return Answer(std::move(answer));
}

Result<std::variant<VerifyAnswer, LnurlError>> parse_verify_answer(std::string_view json)
{
    using Answer = std::variant<VerifyAnswer, LnurlError>;
    const Json object = TRY(parse_answer(json));
    if (auto error = error_in(object)) return Answer(std::move(*error));
    const Json* const settled = member(object, "settled");
    if (settled == nullptr || !settled->is_boolean())
        return malformed_lnurl("verify does not say whether it is settled");
    VerifyAnswer answer;
    answer.settled = settled->get<bool>();
    if (const Json* const preimage = given_member(object, "preimage"); preimage != nullptr && answer.settled) {
        const std::string* const text = text_of(*preimage);
        if (text == nullptr) return malformed_lnurl("a preimage that is no text");
        answer.preimage = TRY(parse_secret_hex<32>(*text));
    }
    if (const std::string* const pr = text_member(object, "pr")) answer.pr = *pr;
    if (const std::string* const refund = text_member(object, "refund")) answer.refund = *refund;
    return Answer(std::move(answer));
}

} // namespace adit::protocol
