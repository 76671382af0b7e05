#include "operate/lnurl_look.h"

#include "cli/printable.h"
#include "operate/shop_look.h"
#include "payments/lightning/bolt11.h"
#include "protocol/lnurl.h"

namespace adit::operate {

using cli::printable;
using protocol::LnurlError;

namespace {

constexpr std::uint64_t kCommentNeeded = 400; // characters of a purchase with a refund key

std::string with_parameter(const std::string& url, const std::string& parameter)
{
    return url + (url.find('?') == std::string::npos ? "?" : "&") + parameter;
}

std::string msat_words(Msat amount)
{
    const std::uint64_t msat = amount.count();
    return msat % 1000 == 0 ? std::to_string(msat / 1000) + " sat" : std::to_string(msat) + " msat";
}

Finding refusal_finding(const std::string& check, const LnurlError& error)
{
    std::string words = printable(error.reason, 100);
    if (!error.message.empty()) words += ": " + printable(error.message, 200);
    const auto reason = protocol::parse_reason(error.reason);
    if (reason == Reason::lightning_not_configured)
        return {check, Level::fail, "Lightning is advertised, and the daemon has it off (" + words + ")",
                "set [lightning].enabled and a backend, or take the lightning method out of "
                "[[listing.payment_methods]]"};
    if (reason == Reason::lightning_unreachable)
        return {check, Level::fail, "the daemon can not reach its Lightning node (" + words + ")",
                "see [lightning].base_url and its secret: `adit check` on the server tells more"};
    return {check, Level::fail, "the service refuses (" + words + ")",
            reason == Reason::policy ? "it is paused, or can not sell now: `adit listing status` and /health tell"
                                     : "see the daemon's log"};
}

/// Why there is no answer to be judged, if so. LNURL puts no meaning into status codes, but 404 is nobody's word.
std::optional<WebTrouble> trouble_with_lnurl(const WebSight& sight)
{
    const auto* answer = std::get_if<WebAnswer>(&sight);
    if (answer && answer->status != 200 && protocol::parse_pay_request(answer->body)) return std::nullopt;
    auto trouble = trouble_of(sight);
    if (answer && answer->status == 404)
        trouble = WebTrouble{"status 404: Lightning is advertised, and nothing is there",
                             "Lightning is off in that software, or the proxy does not pass /lnurlp on: turn it on, or "
                             "take the lightning method out of [[listing.payment_methods]]"};
    return trouble;
}

} // namespace

Result<LnurlAsk> lnurl_ask(const Listed& listed, const std::string& target)
{
    std::string url = TRY(protocol::parse_lnurl(target));
    TRY(cli::host_of_url(url));
    LnurlAsk ask;
    const auto tiers = protocol::sellable_tiers(listed.prices);
    if (!tiers.empty()) {
        url = with_parameter(url, "p=" + std::to_string(tiers.front().index));
        ask.price = to_msat(tiers.front().price);
    }
    ask.url = std::move(url);
    return ask;
}

LnurlSeen judge_lnurl_offer(const LnurlAsk& asked, const WebSight& sight)
{
    const std::string name = printable(asked.url, 200);
    if (auto trouble = trouble_with_lnurl(sight))
        return {{{"lnurlp-reachable", Level::fail, name + ": " + trouble->what, std::move(trouble->hint)}}, {}};
    const auto parsed = protocol::parse_pay_request(std::get<WebAnswer>(sight).body);
    if (!parsed)
        return {{{"lnurlp-reachable", Level::ok, name},
                 {"lnurlp-shape", Level::fail, printable(parsed.error().detail, 120),
                  "wallets can not pay that: something else answers, or the service is not LUD-06"}},
                {}};
    if (const auto* error = std::get_if<LnurlError>(&*parsed))
        return {{refusal_finding("lnurlp-reachable", *error)}, {}};

    const auto& offer = std::get<protocol::PayRequest>(*parsed);
    LnurlSeen seen{{{"lnurlp-reachable", Level::ok, name}}, {}};
    const auto ours = cli::host_of_url(asked.url);
    const auto theirs = cli::host_of_url(offer.callback);
    if (!theirs || !ours || *theirs != *ours) {
        seen.findings.push_back({"lnurlp-shape", Level::fail,
                                 "the callback is on another host: " + printable(offer.callback, 200),
                                 "wallets are shown one host and pay another: make [server].public_host and the "
                                 "endpoint of the lightning method the same host"});
        return seen;
    }
    seen.callback = with_parameter(offer.callback, "amount=" + std::to_string(offer.min_sendable.count()));
    if (asked.price && (offer.min_sendable != *asked.price || offer.max_sendable != *asked.price))
        seen.findings.push_back({"lnurlp-shape", Level::fail,
                                 "asks for " + msat_words(offer.min_sendable) + " to " +
                                     msat_words(offer.max_sendable) + " where the listing says " +
                                     msat_words(*asked.price),
                                 "the listing on relays is older than the config: restart the daemon to publish anew"});
    else if (offer.comment_allowed < kCommentNeeded)
        seen.findings.push_back({"lnurlp-shape", Level::warn,
                                 "allows comments of " + std::to_string(offer.comment_allowed) + " characters",
                                 "a purchase needs some " + std::to_string(kCommentNeeded) +
                                     " where the keys are not in the address: commentAllowed of 1024 is usual"});
    else
        seen.findings.push_back({"lnurlp-shape", Level::ok,
                                 "an offer over " + msat_words(offer.min_sendable) + ", with room for the purchase"});
    return seen;
}

Finding judge_lnurl_callback(const std::string& url, const WebSight& sight)
{
    const std::string check = "lnurlp-callback";
    const auto* answer = std::get_if<WebAnswer>(&sight);
    const auto parsed = answer ? protocol::parse_pay_answer(answer->body)
                               : Result<std::variant<protocol::PayAnswer, LnurlError>>(Error{Reason::bad_encoding, ""});
    if (!parsed) {
        if (auto trouble = trouble_of(sight))
            return {check, Level::fail, printable(url, 200) + ": " + trouble->what, std::move(trouble->hint)};
        return {check, Level::fail, "answers neither with an invoice nor with LNURL's error",
                "wallets can not pay that: something else answers"};
    }
    const auto* error = std::get_if<LnurlError>(&*parsed);
    if (!error) return {check, Level::ok, "makes invoices"};
    const auto reason = protocol::parse_reason(error->reason);
    using enum Reason;
    if (reason == lightning_not_configured || reason == lightning_unreachable || reason == policy ||
        reason == no_ip_available || reason == no_sat_tier)
        return refusal_finding(check, *error);
    return {check, Level::ok, "answers, and asks for the buyer's key"};
}

} // namespace adit::operate
