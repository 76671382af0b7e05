#include "cli/lnurl_pay.h"

#include "base/hash.h"
#include "cli/buyer.h"
#include "cli/printable.h"
#include "payments/percent.h"
#include "protocol/constants.h"

namespace adit::cli {

using payments::percent_encoded;
using protocol::LnurlError;

namespace {

constexpr Milliseconds kLnurlTimeout{30'000};
constexpr Milliseconds kVerifyTimeout{10'000};

std::string with_query(std::string url, const std::string& query)
{
    url.erase(std::min(url.size(), url.find('#')));
    return url + (url.find('?') == std::string::npos ? "?" : "&") + query;
}

protocol::WireguardKey client_key(const Record& record)
{
    return protocol::wireguard_public_key(record.keys.wireguard);
}

Result<Msat> price_of(const Record& record)
{
    const auto price = to_msat(TRY(cost_of(record.offer)));
    if (!price) return Error{Reason::bad_request, "a price that does not fit 64 bits"};
    return *price;
}

std::string comment_of(const Record& record)
{
    return protocol::encode_purchase_comment({protocol::encode_coordinate(record.offer.listing), record.offer.price,
                                              std::string(protocol::kProtocolWireguard), client_key(record),
                                              record.keys.refund.public_key()});
}

/// In whatever spelling the operator has chosen for it.
bool carries_key(std::string_view callback, const protocol::WireguardKey& key)
{
    for (const std::string& spelling :
         {encode_base64url(key.bytes()), percent_encoded(key.base64()), key.base64(), key.hex()})
        if (callback.find(spelling) != std::string_view::npos) return true;
    return false;
}

Error refusal(const LnurlError& error)
{
    std::string words = printable(error.reason, 200);
    if (!error.message.empty()) words += ": " + printable(error.message, 300);
    return Error{Reason::policy, "the operator refuses (" + words + ")"};
}

std::string sats_text(Msat amount)
{
    const std::string whole = std::to_string(amount.count() / 1000);
    return amount.count() % 1000 == 0 ? whole + " sat" : std::to_string(amount.count()) + " msat";
}

/// A body of any status: in LNURL, status codes carry no meaning.
Result<std::string> get(payments::HttpClient& http, const std::string& url, Milliseconds timeout)
{
    auto reply = http.call({.method = "GET", .url = url, .timeout = timeout});
    if (!reply) return Error{Reason::mint_unreachable, "the operator does not answer (" + reply.error().detail + ")"};
    return std::move(reply->body);
}

} // namespace

std::string purchase_url(const Record& record)
{
    return with_query(record.offer.endpoint, "p=" + std::to_string(record.offer.tier) +
                                                 "&q=" + std::to_string(record.offer.quantity) +
                                                 "&client_pubkey=" + encode_base64url(client_key(record).bytes()) +
                                                 "&refund_pubkey=" + record.keys.refund.public_key().hex());
}

Result<PayOffer> ask_offer(payments::HttpClient& http, const Record& record)
{
    const Msat price = TRY(price_of(record));
    const std::string body = TRY(get(http, purchase_url(record), kLnurlTimeout));
    auto parsed = TRY(protocol::parse_pay_request(body));
    if (const auto* error = std::get_if<LnurlError>(&parsed)) return refusal(*error);
    auto& request = std::get<protocol::PayRequest>(parsed);
    if (request.min_sendable != price || request.max_sendable != price)
        return Error{Reason::amount_mismatch, "the operator asks for " + sats_text(request.min_sendable) + " where " +
                                                  std::to_string(record.offer.quantity) + " " +
                                                  printable(record.offer.price.unit, 16) + " cost " + sats_text(price) +
                                                  (record.offer.quantity > 1 ? "; it may sell single units only" : "")};
    PayOffer offer{std::move(request.callback), std::move(request.metadata), KeysTravel::in_callback};
    if (carries_key(offer.callback, client_key(record))) return offer;
    if (comment_of(record).size() > request.comment_allowed)
        return Error{Reason::bad_encoding, "the operator's service takes the purchase neither in its address nor in a "
                                           "comment of " +
                                               std::to_string(comment_of(record).size()) + " characters"};
    offer.keys = KeysTravel::in_comment;
    return offer;
}

Result<std::string> ask_invoice(payments::HttpClient& http, const Record& record, const PayOffer& offer)
{
    std::string query = "amount=" + std::to_string(TRY(price_of(record)).count());
    if (offer.keys == KeysTravel::in_comment) query += "&comment=" + percent_encoded(comment_of(record));
    return get(http, with_query(offer.callback, query), kLnurlTimeout);
}

Result<MadeInvoice> read_answer(const Record& record, std::string_view body, std::string_view metadata)
{
    auto parsed = TRY(protocol::parse_pay_answer(body));
    if (const auto* error = std::get_if<LnurlError>(&parsed)) return refusal(*error);
    auto& answer = std::get<protocol::PayAnswer>(parsed);
    if (!answer.action)
        return Error{Reason::bad_encoding, "the operator's invoice comes with no config to be opened by paying it"};
    auto invoice = payments::lightning::parse_bolt11(answer.pr);
    if (!invoice)
        return Error{Reason::bad_encoding, "the operator's invoice can not be read: " + invoice.error().detail};
    const Msat price = TRY(price_of(record));
    if (invoice->amount != price)
        return Error{Reason::amount_mismatch, "the operator's invoice is over " +
                                                  (invoice->amount ? sats_text(*invoice->amount) : "any amount") +
                                                  ", and the price is " + sats_text(price)};
    if (invoice->description_hash != sha256(as_bytes(metadata)))
        return Error{Reason::bad_encoding, "the operator's invoice does not commit to what it offered"};
    return MadeInvoice{std::move(answer), std::move(*invoice)};
}

Result<protocol::VerifyAnswer> ask_verify(payments::HttpClient& http, const std::string& url)
{
    const std::string body = TRY(get(http, url, kVerifyTimeout));
    auto parsed = protocol::parse_verify_answer(body);
    if (!parsed) return Error{Reason::mint_unreachable, "the operator's answer can not be understood"};
    if (const auto* error = std::get_if<LnurlError>(&*parsed)) return refusal(*error);
    return std::move(std::get<protocol::VerifyAnswer>(*parsed));
}

} // namespace adit::cli
