#include "operate/diagnosis.h"

#include "cli/printable.h"
#include "operate/cors.h"
#include "operate/lnurl_look.h"
#include "operate/mint_look.h"
#include "operate/shop_look.h"
#include "payments/cashu/mint_url.h"
#include "protocol/constants.h"

#include <algorithm>
#include <set>

namespace adit::operate {

namespace {

constexpr std::uint32_t kMostEvents = 500; // of each filter
constexpr std::size_t kMostOfAKind = 4;    // origins, mints, services: a listing may name sixty

std::vector<protocol::Filter> filters_of(const protocol::PublicKey& author)
{
    // Not by the marketplace's tag: that it is missing is one of the things to be found out.
    std::vector<protocol::Filter> filters(2);
    filters[0].kinds = {protocol::kKindListing};
    filters[1].kinds = {protocol::kKindDeletion};
    for (protocol::Filter& filter : filters) {
        filter.authors = {author};
        filter.limit = kMostEvents;
    }
    return filters;
}

RelaySight look_at_relay(const nostr::RelayUrl& relay, const protocol::PublicKey& author, const Clock& clock)
{
    RelaySight sight{.url = relay.text};
    const auto opened = cli::Relays::open({relay.text}, clock, system_rng());
    if (!opened) {
        sight.message = opened.error().detail;
        return sight;
    }
    auto result = (*opened)->fetch(filters_of(author), kRelaysAnswer);
    if (!result.relays.empty()) {
        sight.coverage = result.relays.front().coverage;
        sight.message = std::move(result.relays.front().message);
    }
    sight.events = std::move(result.events);
    return sight;
}

WebSight ask_web(WebAsk ask)
{
    ask.timeout = kExchange;
    return look_at(ask);
}

/// Where browsers would have to ask first.
Finding look_at_cors(const Listed& listed, const std::string& origin, const WebAnswer& info)
{
    WebAsk ask = preflight_of(origin);
    for (const CashuTag& tag : listed.cashu)
        if (const auto its = origin_of_url(tag.endpoint); its && *its == origin) ask.url = tag.endpoint;
    const WebSight sight = ask_web(std::move(ask));
    if (const auto* preflight = std::get_if<WebAnswer>(&sight)) return judge_cors(*preflight, info);
    return {"cors", Level::fail, "OPTIONS is not answered: " + cli::printable(std::get<WebFailure>(sight).words, 200),
            "browsers ask that before they buy: let the proxy pass OPTIONS on to the daemon"};
}

Findings look_at_api(const Listed& listed, const std::string& origin, const Clock& clock)
{
    const std::string url = origin + "/info";
    const WebSight sight = ask_web({.url = url, .headers = {{"Origin", kAskingOrigin}}});
    InfoSeen seen = judge_info(url, sight);
    Findings findings{seen.finding};
    const auto* answer = std::get_if<WebAnswer>(&sight);
    if (seen.info) {
        for (Finding& finding : judge_info_against(listed, *seen.info, origin)) findings.push_back(std::move(finding));
        if (auto clocks = judge_clock(*answer, clock.now())) findings.push_back(std::move(*clocks));
    }
    // A daemon without /info may still sell, and browsers may still ask.
    if (answer) {
        findings.push_back(look_at_cors(listed, origin, *answer));
        if (auto health = judge_health(ask_web({.url = origin + "/health"}), listed.author))
            findings.push_back(std::move(*health));
    }
    return findings;
}

Findings look_at_lnurl(const LnurlAsk& ask)
{
    LnurlSeen seen = judge_lnurl_offer(ask, ask_web({.url = ask.url}));
    if (seen.callback) seen.findings.push_back(judge_lnurl_callback(*seen.callback, ask_web({.url = *seen.callback})));
    return std::move(seen.findings);
}

std::vector<std::string> origins_of(const Listed& listed)
{
    std::vector<std::string> origins;
    const auto add = [&](const Result<std::string>& origin) {
        if (origin && origins.size() < kMostOfAKind && std::ranges::find(origins, *origin) == origins.end())
            origins.push_back(*origin);
    };
    for (const CashuTag& tag : listed.cashu) add(origin_of_url(tag.endpoint));
    for (const std::string& target : listed.lnurl_pay)
        if (const auto ask = lnurl_ask(listed, target)) add(origin_of_url(ask->url));
    return origins;
}

} // namespace

Result<std::vector<nostr::RelayUrl>> relays_to_ask(const std::vector<std::string>& named,
                                                   const std::vector<std::string>& hints)
{
    if (named.size() > kMostRelays)
        return Error{Reason::bad_encoding, "at most " + std::to_string(kMostRelays) + " relays"};
    if (!named.empty()) return nostr::parse_relay_urls(named);
    std::vector<std::string> good;
    for (const std::string& hint : hints)
        if (good.size() < kMostRelays && nostr::parse_relay_url(hint)) good.push_back(hint);
    return nostr::parse_relay_urls(good.empty() ? cli::default_relays() : good);
}

std::vector<RelaySight> look_at_relays(const std::vector<nostr::RelayUrl>& relays, const protocol::PublicKey& author,
                                       const Clock& clock)
{
    std::vector<RelaySight> sights(relays.size());
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < relays.size(); ++i)
        threads.emplace_back([&, i] { sights[i] = look_at_relay(relays[i], author, clock); });
    for (std::thread& thread : threads) thread.join();
    return sights;
}

void look_at_shop(SideBySide& looks, const Listed& listed, const Clock& clock)
{
    for (const std::string& origin : origins_of(listed))
        looks.begin("info-reachable", [listed, origin, &clock] { return look_at_api(listed, origin, clock); });

    std::set<std::pair<std::string, std::string>> asked; // a daemon has one key, and every tag should say that one
    for (const CashuTag& tag : listed.cashu) {
        if (asked.size() >= kMostOfAKind || !asked.emplace(tag.endpoint, tag.key).second) continue;
        auto purchase = make_unpaid_purchase(listed, tag, clock, system_rng());
        if (!purchase) continue; // listing-prices or endpoint-url says why
        looks.begin("purchase-answer",
                    [purchase = std::move(*purchase)] { return judge_unpaid(purchase, ask_web(purchase.ask)); });
    }

    std::set<std::string> mints;
    for (const CashuTag& tag : listed.cashu) {
        const auto mint = payments::cashu::normalise_mint_url(tag.mint);
        if (!mint || mints.size() >= kMostOfAKind || !mints.insert(*mint).second) continue;
        looks.begin("mint-reachable", [mint = *mint, &clock] {
            payments::CurlHttpClient http;
            return judge_mint(look_at_mint(http, mint, kExchange), clock.now());
        });
    }

    for (std::size_t i = 0; i < std::min(listed.lnurl_pay.size(), kMostOfAKind); ++i)
        if (auto ask = lnurl_ask(listed, listed.lnurl_pay[i])) // lightning-method says why not
            looks.begin("lnurlp-reachable", [ask = std::move(*ask)] { return look_at_lnurl(ask); });
}

} // namespace adit::operate
