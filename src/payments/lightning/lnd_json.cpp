#include "payments/lightning/lnd_json.h"

#include "base/hash.h"
#include "payments/lightning/node_http.h"
#include "protocol/constants.h"
#include "protocol/decimal.h"
#include "protocol/json.h"
#include "protocol/json_fields.h"

#include <algorithm>
#include <limits>

namespace adit::payments::lightning {
namespace {

using nlohmann::json;
using protocol::member;
using protocol::text_member;

constexpr std::size_t kLndMaxDepth = 16; // route hints and custom records

Error lnd_refused(std::string what) { return Error{Reason::lightning_refused, "lnd: " + std::move(what)}; }

Result<json> parse_lnd(std::string_view text)
{
    auto parsed = protocol::parse_json(text, kLndMaxDepth);
    if (!parsed || !parsed->is_object()) return lnd_refused("an answer that is no JSON object: is base_url right?");
    return parsed;
}

/// Written as a number or as a string of one.
std::optional<std::uint64_t> number_member(const json& object, const char* name, std::uint64_t max)
{
    const json* const value = member(object, name);
    if (value == nullptr) return std::nullopt;
    if (const std::string* const text = protocol::text_of(*value)) {
        const auto number = protocol::whole_number(*text);
        return number && *number <= max ? number : std::nullopt;
    }
    return protocol::whole_number(*value, max);
}

std::optional<PaymentHash> hash_member(const json& object, const char* name)
{
    const std::string* const text = text_member(object, name);
    if (text == nullptr) return std::nullopt;
    const auto bytes = parse_base64_any(*text);
    if (!bytes || bytes->size() != 32) return std::nullopt;
    PaymentHash hash{};
    std::copy(bytes->begin(), bytes->end(), hash.begin());
    return hash;
}

std::optional<InvoiceState> state_of(std::string_view word)
{
    if (word == "OPEN") return InvoiceState::open;
    if (word == "ACCEPTED") return InvoiceState::accepted;
    if (word == "SETTLED") return InvoiceState::settled;
    if (word == "CANCELED") return InvoiceState::ended;
    return std::nullopt;
}

/// The one that times out first decides how long there is to settle.
std::optional<std::uint32_t> earliest_expiry(const json& invoice)
{
    std::optional<std::uint32_t> earliest;
    const json* const htlcs = member(invoice, "htlcs");
    if (htlcs == nullptr || !htlcs->is_array()) return earliest;
    for (const json& htlc : *htlcs) {
        const std::string* const state = text_member(htlc, "state");
        const auto height = number_member(htlc, "expiry_height", std::numeric_limits<std::uint32_t>::max());
        if (!state || *state != "ACCEPTED" || !height) continue;
        earliest =
            std::min(earliest.value_or(std::numeric_limits<std::uint32_t>::max()), static_cast<std::uint32_t>(*height));
    }
    return earliest;
}

Result<LndInvoice> read_invoice(const json& object)
{
    LndInvoice invoice;
    const auto hash = hash_member(object, "r_hash");
    if (!hash) return lnd_refused("an invoice without a payment hash");
    invoice.payment_hash = *hash;
    const std::string* const word = text_member(object, "state");
    const auto state = word ? state_of(*word) : std::nullopt;
    if (!state) return lnd_refused("an invoice in a state that adit does not know");
    invoice.state = *state;
    invoice.settle_index = number_member(object, "settle_index", std::numeric_limits<std::uint64_t>::max()).value_or(0);
    invoice.earliest_expiry_height = earliest_expiry(object);
    return invoice;
}

/// What both kinds of invoices are asked for with. No member but these: LND refuses what it does not know.
std::string encode_request(const InvoiceRequest& request, const char* secret_name, ByteView secret)
{
    std::string out = std::string("{\"") + secret_name + "\":\"" + encode_base64(secret) + "\",\"memo\":";
    protocol::append_json_string(out, request.external_id); // with a description hash it stays in LND's own books
    out += ",\"value\":\"" + std::to_string(request.amount.count()) + "\",\"description_hash\":\"" +
           encode_base64(request.description_hash) + "\",\"expiry\":\"" + std::to_string(request.expiry.count()) +
           "\",\"private\":true}";
    return out;
}

} // namespace

std::string encode_lnd_invoice(const InvoiceRequest& request)
{
    return encode_request(request, "r_preimage", request.preimage.expose());
}

std::string encode_lnd_hold_invoice(const InvoiceRequest& request)
{
    return encode_request(request, "hash", sha256(request.preimage.expose()));
}

std::string encode_lnd_settle(const Preimage& preimage)
{
    return "{\"preimage\":\"" + encode_base64(preimage.expose()) + "\"}";
}

std::string encode_lnd_cancel(const PaymentHash& hash) { return "{\"payment_hash\":\"" + encode_base64(hash) + "\"}"; }

Result<LndMade> parse_lnd_made(std::string_view text)
{
    const json object = TRY(parse_lnd(text));
    LndMade made;
    const std::string* const request = text_member(object, "payment_request");
    if (!request || request->empty() || request->size() > protocol::kMaxInvoiceLength)
        return lnd_refused("an answer without an invoice");
    made.payment_request = *request;
    made.payment_hash = hash_member(object, "r_hash");
    if (member(object, "r_hash") && !made.payment_hash)
        return lnd_refused("an answer with a payment hash that is none");
    return made;
}

Result<LndInvoice> parse_lnd_invoice(std::string_view text)
{
    const json object = TRY(parse_lnd(text));
    return read_invoice(object);
}

Result<LndInfo> parse_lnd_info(std::string_view text)
{
    const json object = TRY(parse_lnd(text));
    const json* const chains = member(object, "chains");
    if (!chains || !chains->is_array() || chains->empty()) return lnd_refused("an answer that does not name a chain");
    const std::string* const chain = text_member(chains->front(), "chain"); // on its way out of LND
    const std::string* const network = text_member(chains->front(), "network");
    if (!network || (chain && *chain != "bitcoin" && !chain->empty()))
        return lnd_refused("it is not on Bitcoin's chain");
    LndInfo info;
    if (*network == "mainnet")
        info.network = Network::bitcoin;
    else if (*network == "testnet" || *network == "testnet4")
        info.network = Network::testnet;
    else if (*network == "signet")
        info.network = Network::signet;
    else if (*network == "regtest")
        info.network = Network::regtest;
    else if (*network == "simnet")
        info.network = Network::simnet;
    else
        return lnd_refused("it is on a network that adit does not know: " + fit_for_log(*network));
    const auto height = number_member(object, "block_height", std::numeric_limits<std::uint32_t>::max());
    if (!height) return lnd_refused("an answer without a block height");
    info.block_height = static_cast<std::uint32_t>(*height);
    return info;
}

Result<LndInvoice> parse_lnd_stream_line(std::string_view line)
{
    const json object = TRY(parse_lnd(line));
    if (const json* const result = member(object, "result")) return read_invoice(*result);
    const json* const error = member(object, "error");
    const std::string* const message = error ? text_member(*error, "message") : nullptr;
    return lnd_refused(message ? "the stream ended: " + fit_for_log(*message) : "a stream of something else");
}

LndFailure read_lnd_failure(std::string_view text)
{
    LndFailure failure;
    const auto parsed = protocol::parse_json(text, kLndMaxDepth);
    if (!parsed) return failure;
    const json* const nested = member(*parsed, "error");
    const json& said = nested && nested->is_object() ? *nested : *parsed;
    failure.code = number_member(said, "code", 1000).value_or(0);
    if (const std::string* const message = text_member(said, "message")) failure.message = *message;
    return failure;
}

bool says_unknown_invoice(const LndFailure& failure)
{
    if (failure.code == 5) return failure.message != "Not Found";
    return failure.code == 2 && (failure.message.find("unable to locate invoice") != std::string::npos ||
                                 failure.message.find("there are no existing invoices") != std::string::npos);
}

bool says_bad_macaroon(const LndFailure& failure)
{
    if (failure.code == 7 || failure.code == 16) return true; // permission denied, unauthenticated
    for (const char* words : {"macaroon", "permission denied", "verification failed"})
        if (failure.message.find(words) != std::string::npos) return true;
    return false;
}

bool LndLines::feed(std::string_view bytes, const std::function<bool(std::string_view)>& on_line)
{
    while (!bytes.empty()) {
        const std::size_t end = std::min(bytes.find('\n'), bytes.size());
        if (begun_.size() + end > kMaxLine) {
            clear();
            return false;
        }
        begun_.append(bytes.substr(0, end));
        if (end == bytes.size()) return true;
        bytes.remove_prefix(end + 1);
        std::string line;
        line.swap(begun_);
        if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
        if (!on_line(line)) return false;
    }
    return true;
}

} // namespace adit::payments::lightning
