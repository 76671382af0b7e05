#include "payments/lightning/phoenixd_json.h"

#include "payments/lightning/node_http.h"
#include "protocol/constants.h"
#include "protocol/json.h"
#include "protocol/json_fields.h"

namespace adit::payments::lightning {
namespace {

using nlohmann::json;
using protocol::member;
using protocol::text_member;

constexpr std::size_t kPhoenixdMaxDepth = 16; // /getinfo lists channels

Error phoenixd_refused(std::string what) { return Error{Reason::lightning_refused, "phoenixd: " + std::move(what)}; }

Result<json> parse_phoenixd(std::string_view text)
{
    auto parsed = protocol::parse_json(text, kPhoenixdMaxDepth);
    if (!parsed || !parsed->is_object())
        return phoenixd_refused("an answer that is no JSON object: is base_url right?");
    if (const std::string* const reason = text_member(*parsed, "reason"))
        return phoenixd_refused("it says: " + fit_for_log(*reason));
    return parsed;
}

Result<PaymentHash> payment_hash(const json& object)
{
    const std::string* const text = text_member(object, "paymentHash");
    const auto hash = text ? parse_hex(*text) : Result<Bytes>(Bytes{});
    if (!hash || hash->size() != 32) return phoenixd_refused("an answer without a payment hash");
    PaymentHash out{};
    std::copy(hash->begin(), hash->end(), out.begin());
    return out;
}

/// A flag that is not there is one that is not set: null members are left out.
Result<bool> flag(const json& object, const char* name)
{
    const json* const value = member(object, name);
    if (value == nullptr || value->is_null()) return false;
    if (!value->is_boolean())
        return phoenixd_refused(std::string("an answer whose ") + name + " is neither true nor false");
    return value->get<bool>();
}

} // namespace

Result<PhoenixdInvoice> parse_phoenixd_invoice(std::string_view text)
{
    const json object = TRY(parse_phoenixd(text));
    PhoenixdInvoice invoice;
    invoice.payment_hash = TRY(payment_hash(object));
    const std::string* const serialized = text_member(object, "serialized");
    if (!serialized || serialized->empty() || serialized->size() > protocol::kMaxInvoiceLength)
        return phoenixd_refused("an answer without an invoice");
    invoice.serialized = *serialized;
    return invoice;
}

Result<PhoenixdPayment> parse_phoenixd_payment(std::string_view text)
{
    const json object = TRY(parse_phoenixd(text));
    PhoenixdPayment payment;
    payment.payment_hash = TRY(payment_hash(object));
    if (!member(object, "isPaid")) return phoenixd_refused("an answer that does not say whether it is paid");
    payment.is_paid = TRY(flag(object, "isPaid"));
    payment.is_expired = TRY(flag(object, "isExpired"));
    if (const std::string* const preimage = text_member(object, "preimage")) {
        auto parsed = parse_secret_hex<32>(*preimage);
        if (!parsed) return phoenixd_refused("an answer with a preimage that is none");
        payment.preimage = std::move(*parsed);
    }
    return payment;
}

Result<Network> parse_phoenixd_network(std::string_view text)
{
    const json object = TRY(parse_phoenixd(text));
    const std::string* const chain = text_member(object, "chain");
    if (!chain) return phoenixd_refused("an answer that does not name a chain");
    if (*chain == "mainnet") return Network::bitcoin;
    if (*chain == "testnet" || *chain == "testnet3" || *chain == "testnet4") return Network::testnet;
    if (*chain == "signet") return Network::signet;
    if (*chain == "regtest") return Network::regtest;
    return phoenixd_refused("it is on a chain that adit does not know: " + fit_for_log(*chain));
}

std::optional<PaymentHash> parse_phoenixd_event(std::string_view text)
{
    const auto parsed = protocol::parse_json(text, kPhoenixdMaxDepth);
    if (!parsed) return std::nullopt;
    const std::string* const type = text_member(*parsed, "type");
    if (!type || *type != "payment_received") return std::nullopt;
    const auto hash = payment_hash(*parsed);
    return hash ? std::optional(*hash) : std::nullopt;
}

} // namespace adit::payments::lightning
