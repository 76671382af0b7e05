#include "operate/shop_look.h"

#include "base/ascii.h"
#include "cli/printable.h"
#include "payments/cashu/mint_url.h"
#include "payments/cashu/nut18.h"
#include "payments/cashu/proof.h"
#include "protocol/constants.h"
#include "protocol/purchase_auth.h"
#include "protocol/purchase_body.h"

#include <algorithm>

namespace adit::operate {

using cli::printable;
using protocol::Info;

namespace {

constexpr std::size_t kMostInfo = 1 << 20; // where web_look stops reading
constexpr std::size_t kMostDifferences = 12;
constexpr Seconds kClockMayDiffer{30};

std::string quoted_words(std::string_view text) { return "\"" + printable(text, 120) + "\""; }

std::string price_words(const protocol::Price& price)
{
    return printable(price.amount + " " + price.currency + "/" + price.unit, 60);
}

std::string failure_hint(WebStep step)
{
    switch (step) {
    case WebStep::address:
        return "the host's name does not resolve from here: set its A and AAAA records, and public_host to that name";
    case WebStep::connection:
        return "nobody listens there, or a firewall drops it: start the proxy, open its port (443), see that it "
               "forwards to [server].host and port";
    case WebStep::certificate:
        return "browsers and buyers refuse that certificate: get one for this very name (Caddy does it by itself once "
               "ports 80 and 443 are open and the name resolves)";
    case WebStep::answer:
        return "what listens there does not answer in time, or not in HTTP: see whether the daemon runs behind the "
               "proxy";
    }
    return {};
}

std::string status_hint(int status)
{
    if (status == 404 || status == 405)
        return "the proxy does not pass that path to the daemon, or it is no daemon of the marketplace: pass all paths "
               "on";
    if (status >= 300 && status < 400)
        return "a redirect: buyers do not follow it with money in hand. Name the final address in the listing";
    if (status == 502 || status == 503 || status == 504)
        return "the proxy answers for a daemon that is down or not where it looks: start it, compare [server].port "
               "with "
               "the proxy's config";
    if (status == 401 || status == 403)
        return "the proxy wants a password or keeps strangers out: buyers are strangers";
    if (status == 429) return "a limit of requests: wait a minute, or raise [limits]";
    return "see the daemon's log, and the proxy's";
}

void add_difference(std::vector<Finding>& findings, Level level, std::string what, std::string hint)
{
    if (findings.size() < kMostDifferences)
        findings.push_back({"info-matches-listing", level, std::move(what), std::move(hint)});
}

bool holds(const std::vector<std::string>& list, const std::string& wanted,
           bool (*same)(std::string_view, std::string_view))
{
    return std::ranges::any_of(list, [&](const std::string& each) { return same(each, wanted); });
}

bool same_text(std::string_view a, std::string_view b) { return a == b; }

constexpr const char* kStale = "the listing on relays is older than the config, or the proxy leads to another daemon: "
                               "restart the daemon to publish anew";

/// What the listing promises and /info does not know; and the other way round.
void compare_lists(std::vector<Finding>& findings, const std::string& thing, const std::vector<std::string>& listed,
                   const std::vector<std::string>& said, bool (*same)(std::string_view, std::string_view))
{
    if (said.empty() && !listed.empty())
        return add_difference(findings, Level::warn, "/info names no " + thing,
                              "sites compare it: update the software");
    for (const std::string& each : listed)
        if (!holds(said, each, same))
            add_difference(findings, Level::fail,
                           "the listing has the " + thing + " " + quoted_words(each) + ", /info does not", kStale);
    for (const std::string& each : said)
        if (!holds(listed, each, same))
            add_difference(findings, Level::warn,
                           "/info has the " + thing + " " + quoted_words(each) + ", the listing does not", kStale);
}

void compare_prices(std::vector<Finding>& findings, const Listed& listed, const Info& info)
{
    const auto has = [](const std::vector<protocol::Price>& prices, const protocol::Price& wanted) {
        return std::ranges::any_of(prices, [&](const auto& each) { return protocol::same_price(each, wanted); });
    };
    for (const auto& price : listed.prices)
        if (!has(info.prices, price))
            add_difference(findings, Level::fail,
                           "the listing sells at " + price_words(price) + ", /info does not: buyers would be refused",
                           kStale);
    for (const auto& price : info.prices)
        if (!has(listed.prices, price))
            add_difference(findings, Level::warn,
                           "/info has the price " + price_words(price) + ", the listing does not", kStale);
}

/// Of the listing's endpoints, those on this very origin: each daemon's /info speaks for itself.
std::vector<std::string> endpoints_on(const Listed& listed, const std::string& origin)
{
    std::vector<std::string> here;
    for (const CashuTag& tag : listed.cashu)
        if (const auto its = origin_of_url(tag.endpoint); its && *its == origin) here.push_back(tag.endpoint);
    return here;
}

void compare_hosts(std::vector<Finding>& findings, const Listed& listed, const Info& info, const std::string& origin)
{
    const auto host = cli::host_of_url(origin);
    if (info.endpoint.empty())
        return add_difference(findings, Level::warn, "/info does not say its endpoint",
                              "sites compare it with the listing: update the software");
    if (host && !protocol::same_host(*host, info.endpoint))
        return add_difference(findings, Level::fail,
                              "the payment endpoint is on " + printable(*host, 120) + ", and /info says " +
                                  quoted_words(info.endpoint),
                              "buyers sign the endpoint's host, and the daemon refuses another than its own "
                              "(wrong-server): make [server].public_host and the endpoints in "
                              "[[listing.payment_methods]] the same host");
    compare_lists(findings, "purchase endpoint", endpoints_on(listed, origin), info.cashu_purchase_endpoints,
                  same_text);
}

struct RefusalHint {
    Reason reason;
    const char* hint;
};
constexpr RefusalHint kRefusalHints[]{
    {Reason::cashu_not_configured,
     "the listing advertises Cashu and the daemon has it off: set [cashu].enabled, or take the payment method out"},
    {Reason::wrong_server, "the endpoint's host is not [server].public_host: make them the same"},
    {Reason::unknown_listing,
     "the daemon sells another listing: compare [listing].d_tag and the key in nsec_file with the listing"},
    {Reason::price_mismatch,
     "the listing on relays has a price that the daemon does not sell: restart it to publish anew"},
    {Reason::expired_auth, "the clocks differ by minutes: run an NTP client on the server"},
    {Reason::no_ip_available, "the pool is full: a larger [wireguard].subnet_cidr"},
    {Reason::policy, "it is paused, its WireGuard device can not be used, or its mint lacks a NUT: `adit listing "
                     "status` and /health tell"},
    {Reason::unsupported_protocol,
     "the listing advertises wireguard and the daemon does not sell it: compare [listing].protocols"},
    {Reason::too_many_requests, "try again in a minute; if that lasts, see [limits]"},
    {Reason::busy, "try again in a minute; if that lasts, see [limits]"},
};

std::string refusal_hint(Reason reason)
{
    for (const RefusalHint& each : kRefusalHints)
        if (each.reason == reason) return each.hint;
    return "see the daemon's log";
}

/// Words after which a payment would have been taken.
bool wants_payment(Reason reason)
{
    using enum Reason;
    return reason == payment_required || reason == invalid_token || reason == wrong_mint || reason == amount_mismatch;
}

std::vector<Finding> judge_payment_request(const UnpaidPurchase& asked, const std::string& text)
{
    const auto request = payments::cashu::parse_payment_request(text);
    if (!request)
        return {{"purchase-answer", Level::warn, "asks for payment in words that can not be read (X-Cashu)",
                 "wallets that pay by NUT-24 can not: see whether the proxy changes or cuts headers"}};
    std::vector<Finding> findings{{"purchase-answer", Level::ok,
                                   "asks for payment" + (request->amount ? ": " + cli::sats(*request->amount) : "")}};
    if (!request->lock || request->lock->kind != "P2PK") return findings;
    const bool same = to_lower(request->lock->data) == to_lower(asked.tag.key);
    if (same)
        findings.push_back({"p2pk-matches", Level::ok, "the daemon wants to be paid to the listing's key"});
    else
        findings.push_back(
            {"p2pk-matches", Level::fail,
             "the listing says " + quoted_words(asked.tag.key) + ", and the daemon wants " +
                 quoted_words(request->lock->data),
             "tokens locked to a key that the daemon does not have are refused (wrong-p2pk), or lost: set "
             "p2pk to the key that `aditd --check` names"});
    return findings;
}

} // namespace

std::optional<WebTrouble> trouble_of(const WebSight& sight)
{
    if (const auto* failure = std::get_if<WebFailure>(&sight))
        return WebTrouble{printable(failure->words, 200), failure_hint(failure->step)};
    const auto& answer = std::get<WebAnswer>(sight);
    if (answer.status == 200) return std::nullopt;
    return WebTrouble{"answers with status " + std::to_string(answer.status), status_hint(answer.status)};
}

InfoSeen judge_info(const std::string& url, const WebSight& sight)
{
    const auto fail = [&](const std::string& what, std::string hint) {
        return InfoSeen{{"info-reachable", Level::fail, url + ": " + what, std::move(hint)}, std::nullopt};
    };
    if (auto trouble = trouble_of(sight)) return fail(trouble->what, std::move(trouble->hint));
    const auto& answer = std::get<WebAnswer>(sight);
    if (answer.body.size() >= kMostInfo)
        return fail("an answer of a MiB or more", "that is no /info: see what else answers at this host");
    auto info = protocol::parse_info(answer.body);
    if (!info)
        return fail("no JSON object (" + printable(info.error().detail, 100) + ")",
                    "something else answers: the proxy's own page, most often. Pass all paths on to the daemon");
    std::string what = url;
    if (!info->software.empty()) what += ": " + printable(info->software + " " + info->version, 80);
    return {{"info-reachable", Level::ok, what}, std::move(*info)};
}

std::vector<Finding> judge_info_against(const Listed& listed, const Info& info, const std::string& origin)
{
    std::vector<Finding> findings;
    if (to_lower(info.pubkey) != listed.author.hex())
        add_difference(findings, Level::fail,
                       info.pubkey.empty() ? "/info does not say whose it is"
                                           : "/info is of another operator: " + quoted_words(info.pubkey),
                       "the endpoints in the listing lead to another daemon: correct them, or the key in nsec_file");
    compare_hosts(findings, listed, info, origin);
    compare_prices(findings, listed, info);
    compare_lists(findings, "protocol", listed.protocols, info.protocols, same_text);
    std::vector<std::string> mints;
    for (const CashuTag& tag : listed.cashu)
        if (!tag.mint.empty()) mints.push_back(tag.mint);
    compare_lists(findings, "mint", mints, info.mints, payments::cashu::same_mint);
    compare_lists(findings, "Lightning endpoint", listed.lnurl_pay, info.lightning_endpoints, same_text);
    if (!info.title.empty() && info.title != listed.title)
        add_difference(
            findings, Level::warn,
            "the listing is called " + quoted_words(listed.title) + ", /info says " + quoted_words(info.title), kStale);
    if (findings.empty())
        findings.push_back({"info-matches-listing", Level::ok, "key, host, prices, mints and endpoints agree"});
    return findings;
}

std::optional<Finding> judge_clock(const WebAnswer& answer, UnixSeconds now)
{
    if (!answer.date) return std::nullopt;
    const Seconds ahead = *answer.date - now;
    const Seconds apart = ahead < Seconds(0) ? -ahead : ahead;
    if (apart <= kClockMayDiffer) return Finding{"clock", Level::ok, "the server's agrees with the one here"};
    return Finding{"clock", Level::warn,
                   "the server's is " + std::to_string(apart.count()) + " s " +
                       (ahead < Seconds(0) ? "behind" : "ahead of") + " the one here",
                   "one of the two is off: purchases are refused (expired-auth) from 60 s on. Run an NTP client"};
}

std::optional<Finding> judge_health(const WebSight& sight, const protocol::PublicKey& author)
{
    const auto* answer = std::get_if<WebAnswer>(&sight);
    if (!answer || (answer->status != 200 && answer->status != 503)) return std::nullopt;
    const auto health = protocol::parse_health(answer->body);
    if (!health) return std::nullopt;
    if (!health->pubkey.empty() && !author.hex().starts_with(to_lower(health->pubkey)))
        return Finding{"health", Level::fail, "/health is of another operator: " + quoted_words(health->pubkey),
                       "the endpoints in the listing lead to another daemon: correct them, or the key in nsec_file"};
    if (health->ok) return Finding{"health", Level::ok, "the daemon says that it can sell"};
    std::string failing;
    const auto name = [&](const char* part, protocol::CheckState state) {
        if (state == protocol::CheckState::failing) failing += (failing.empty() ? "" : ", ") + std::string(part);
    };
    name("store", health->store);
    name("wireguard", health->wireguard);
    name("relays", health->relays);
    name("mints", health->mints);
    name("lightning", health->lightning);
    return Finding{"health", Level::fail,
                   "the daemon says that it can not sell now" + (failing.empty() ? "" : "; failing: " + failing),
                   failing.empty() ? "the listing is paused: `adit listing resume`"
                                   : "`adit check` on the server tells what is wrong with each"};
}

Result<UnpaidPurchase> make_unpaid_purchase(const Listed& listed, const CashuTag& tag, const Clock& clock, Rng& rng)
{
    const auto tiers = protocol::sellable_tiers(listed.prices);
    if (tiers.empty()) return Error{Reason::bad_request, "no tier is priced in whole sat"};
    const std::string server = TRY(cli::host_of_url(tag.endpoint));
    const protocol::Price& price = tiers.front().price_tag;
    // Keys that nothing is ever bought with: the answer is the same for any.
    const auto event = protocol::sign_event(
        protocol::purchase_auth_draft(
            {clock.now(), server, {protocol::kKindListing, listed.author, listed.d_tag}, price, std::nullopt}),
        protocol::SecretKey::generate(rng), rng);
    WebAsk ask;
    ask.method = "POST";
    ask.url = tag.endpoint;
    ask.headers = {{"Authorization", protocol::encode_auth_header(event)}};
    ask.body = protocol::encode_purchase_body({std::string(protocol::kProtocolWireguard),
                                               protocol::wireguard_public_key(protocol::generate_wireguard_secret(rng)),
                                               std::nullopt});
    return UnpaidPurchase{std::move(ask), price, tag};
}

std::vector<Finding> judge_unpaid(const UnpaidPurchase& asked, const WebSight& sight)
{
    const std::string name = printable(asked.ask.url, 200);
    const auto fail = [&](const std::string& what, std::string hint) {
        return std::vector<Finding>{{"purchase-answer", Level::fail, name + " " + what, std::move(hint)}};
    };
    if (const auto* failure = std::get_if<WebFailure>(&sight))
        return fail("is not answered: " + printable(failure->words, 200), failure_hint(failure->step));
    const auto& answer = std::get<WebAnswer>(sight);
    if (const auto request = answer.all("x-cashu"); answer.status == 402 && !request.empty())
        return judge_payment_request(asked, request.front());
    const auto parsed = protocol::parse_purchase_answer(answer.status, answer.body);
    const auto* refused = parsed ? std::get_if<protocol::Refused>(&*parsed) : nullptr;
    if (!refused)
        return fail("answers with status " + std::to_string(answer.status) + " to a request without payment",
                    answer.status == 200 ? "it gives for nothing, or something else answers: see the daemon's log"
                                         : status_hint(answer.status));
    const auto reason = protocol::parse_reason(refused->word);
    if (answer.status == 402 || (reason && wants_payment(*reason)))
        return {{"purchase-answer", Level::ok, "asks for payment"}};
    if (!reason) {
        if (refused->word.empty())
            return fail("answers with status " + std::to_string(answer.status), status_hint(answer.status));
        return {{"purchase-answer", Level::warn,
                 name + " refuses with " + quoted_words(refused->word) + ", a word that is not known",
                 "see the daemon's log for what it means"}};
    }
    // Software that reads the token before it looks at anything else can not say more than this to an empty hand.
    if (*reason == Reason::bad_request || *reason == Reason::bad_auth)
        return {{"purchase-answer", Level::ok, "answers, and refuses what has no payment"}};
    return fail("refuses (" + std::string(protocol::reason_info(*reason).word) +
                    "): " + printable(refused->message, 200),
                refusal_hint(*reason));
}

} // namespace adit::operate
