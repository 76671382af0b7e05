#include "payments/lightning/pay_address.h"

#include "base/ascii.h"
#include "base/hash.h"
#include "protocol/lnurl.h"

#include <algorithm>

namespace adit::payments::lightning {

namespace {

constexpr Milliseconds kAddressTimeout{20'000};
constexpr std::size_t kMostWords = 200;

Error not_payable(const std::string& what) { return {Reason::policy, what}; }

/// A stranger's words, without what a terminal would act on.
std::string plain_words(std::string_view text)
{
    std::string words(text.substr(0, kMostWords));
    std::ranges::replace_if(
        words, [](char c) { return c < ' ' || c > '~'; }, '?');
    return words;
}

Result<std::string> get(HttpClient& http, const std::string& url)
{
    auto reply = http.call({.method = "GET", .url = url, .timeout = kAddressTimeout});
    if (!reply)
        return Error{Reason::lightning_unreachable,
                     "the receiver's Lightning address does not answer: nothing was paid (" + reply.error().detail +
                         ")"};
    return std::move(reply->body);
}

template<typename T>
Result<T> said(Result<std::variant<T, protocol::LnurlError>> parsed)
{
    if (!parsed) return not_payable("the receiver's answer can not be understood (" + parsed.error().detail + ")");
    if (const auto* error = std::get_if<protocol::LnurlError>(&*parsed)) {
        std::string words = plain_words(error->reason);
        if (!error->message.empty()) words += ": " + plain_words(error->message);
        return not_payable("the receiver refuses (" + words + ")");
    }
    return std::move(std::get<T>(*parsed));
}

bool is_user(std::string_view user)
{
    return !user.empty() && user.size() <= 64 && std::ranges::all_of(user, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '+';
    });
}

bool is_domain(std::string_view domain)
{
    return !domain.empty() && domain.size() <= 255 && std::ranges::all_of(domain, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':' || c == '[' ||
               c == ']';
    });
}

} // namespace

Result<std::string> pay_address_url(std::string_view address)
{
    const auto at = address.find('@');
    if (at == std::string_view::npos) {
        auto url = protocol::parse_lnurl(address);
        if (!url) return Error{Reason::bad_request, "expected an invoice, a Lightning address or an LNURL"};
        return url;
    }
    const std::string user = to_lower(address.substr(0, at));
    const std::string domain = to_lower(address.substr(at + 1));
    if (!is_user(user) || !is_domain(domain))
        return Error{Reason::bad_request, "not a Lightning address: expected name@example.com"};
    const std::string rest = domain + "/.well-known/lnurlp/" + user;
    if (auto plain = protocol::parse_lnurl("http://" + rest)) return plain; // loopback or onion
    auto url = protocol::parse_lnurl("https://" + rest);
    if (!url) return Error{Reason::bad_request, "not a Lightning address: expected name@example.com"};
    return url;
}

Result<std::string> ask_pay_address(HttpClient& http, std::string_view address, Sat amount, UnixSeconds now)
{
    const std::string url = TRY(pay_address_url(address));
    const auto msat = to_msat(amount);
    if (!msat || amount == Sat{}) return Error{Reason::bad_request, "expected an amount in sat"};
    const auto offer = TRY(said(protocol::parse_pay_request(TRY(get(http, url)))));
    if (*msat < offer.min_sendable || *msat > offer.max_sendable)
        return not_payable("the receiver takes " + std::to_string((offer.min_sendable.count() + 999) / 1000) + " to " +
                           std::to_string(offer.max_sendable.count() / 1000) + " sat at once");
    const bool far = url.starts_with("https://");
    if (far && !offer.callback.starts_with("https://")) return not_payable("the receiver's callback is not https");
    std::string callback = offer.callback.substr(0, offer.callback.find('#'));
    callback += (callback.find('?') == std::string::npos ? "?amount=" : "&amount=") + std::to_string(msat->count());
    const auto answer = TRY(said(protocol::parse_pay_answer(TRY(get(http, callback)))));
    const auto invoice = parse_bolt11(answer.pr);
    if (!invoice) return not_payable("the receiver's invoice can not be read (" + invoice.error().detail + ")");
    if (invoice->amount != *msat) return not_payable("the receiver's invoice is over another amount");
    if (invoice->description_hash != sha256(as_bytes(offer.metadata)))
        return not_payable("the receiver's invoice does not commit to what it offered");
    if (invoice->expires_at() <= now) return not_payable("the receiver's invoice has expired");
    if (far && invoice->network != Network::bitcoin)
        return not_payable("the receiver's invoice is of " + std::string(network_word(invoice->network)));
    return answer.pr;
}

} // namespace adit::payments::lightning
