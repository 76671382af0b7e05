#include "operate/listing_look.h"

#include "base/ascii.h"
#include "cli/printable.h"
#include "payments/cashu/mint_url.h"
#include "payments/cashu/proof.h"
#include "protocol/constants.h"
#include "protocol/decimal.h"
#include "protocol/deletion.h"
#include "protocol/kinds.h"
#include "protocol/lnurl.h"

#include <algorithm>
#include <arpa/inet.h>
#include <map>

namespace adit::operate {

using cli::printable;
using protocol::Event;
using protocol::Tag;

namespace {

constexpr Seconds kNotRefreshed{26 * 3600}; // the reference refreshes daily, aditd hourly
constexpr Seconds kListingAhead{600};
constexpr std::size_t kMostTags = 16; // of each kind that are looked at
constexpr std::size_t kMostNamed = 5; // in one sentence

std::string element(const Tag& tag, std::size_t index) { return index < tag.size() ? tag[index] : std::string(); }

std::string shown(std::string_view text) { return "\"" + printable(text, 120) + "\""; }

void name_another(std::string& list, std::size_t& count, const std::string& name)
{
    if (++count <= kMostNamed) list += (list.empty() ? "" : ", ") + name;
    if (count == kMostNamed + 1) list += ", …";
}

bool has_marketplace_tag(const Event& event, std::string_view word)
{
    return std::ranges::any_of(event.all("t"), [&](const Tag* tag) { return element(*tag, 1) == word; });
}

bool is_of_the_market(const Event& event)
{
    return has_marketplace_tag(event, protocol::kMarketplaceTag) ||
           has_marketplace_tag(event, protocol::kLegacyMarketplaceTag);
}

std::string age_words(Seconds age)
{
    const std::int64_t s = age.count();
    if (s < 120) return std::to_string(s) + " s";
    if (s < 7200) return std::to_string(s / 60) + " min";
    if (s < 172'800) return std::to_string(s / 3600) + " h";
    return std::to_string(s / 86'400) + " days";
}

// ---- hosts ---------------------------------------------------------------------------------------------------------

std::string without_port(const std::string& host)
{
    if (host.starts_with("[")) return host.substr(1, host.find(']') - 1);
    return host.substr(0, host.find(':'));
}

bool is_loopback_host(const std::string& host)
{
    in_addr v4{};
    if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
    return host == "localhost" || host == "::1" || host.ends_with(".localhost");
}

/// What only neighbours can reach.
bool is_private_host(const std::string& host)
{
    if (is_loopback_host(host) || host.ends_with(".local") || host.ends_with(".internal")) return true;
    in_addr v4{};
    if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) {
        const std::uint32_t address = ntohl(v4.s_addr);
        return address >> 24 == 10 || address >> 20 == 0xac1 || address >> 16 == 0xc0a8 || address >> 16 == 0xa9fe ||
               address >> 22 == 0x191 /* 100.64.0.0/10 */ || address >> 24 == 0;
    }
    in6_addr v6{};
    if (::inet_pton(AF_INET6, host.c_str(), &v6) == 1)
        return (v6.s6_addr[0] & 0xfe) == 0xfc || (v6.s6_addr[0] == 0xfe && (v6.s6_addr[1] & 0xc0) == 0x80);
    return false;
}

/// Why buyers could not use that address, or "".
std::string trouble_with_url(const std::string& url, Place place)
{
    const auto authority = cli::host_of_url(url);
    if (!authority) return "is no http or https address";
    const std::string host = without_port(*authority);
    if (url.find('#') != std::string::npos) return "has a fragment (#)";
    if (place == Place::own_world && is_private_host(host)) return {};
    if (is_private_host(host)) return "is on this machine or in a private network: no buyer can reach it";
    if (host.find('.') == std::string::npos && host.find(':') == std::string::npos)
        return "has a host without a dot: no buyer can resolve it";
    if (url.starts_with("http://") && !host.ends_with(".onion"))
        return "is without TLS: web pages may not call it, and whoever is on the way reads along";
    return {};
}

// ---- the listing on the relays -------------------------------------------------------------------------------------

Finding judge_relays(std::span<const RelaySight> relays)
{
    std::size_t answered = 0;
    std::size_t others_named = 0;
    std::string others;
    for (const RelaySight& relay : relays) {
        if (relay.coverage == nostr::Coverage::complete || relay.coverage == nostr::Coverage::partial) {
            ++answered;
            continue;
        }
        std::string name = relay.url + " " + std::string(cli::coverage_word(relay.coverage));
        if (!relay.message.empty()) name += " (" + printable(relay.message, 100) + ")";
        name_another(others, others_named, name);
    }
    const std::string count = std::to_string(answered) + " of " + std::to_string(relays.size()) + " answered";
    if (answered == relays.size() && answered > 0) return {"relays", Level::ok, count};
    return {"relays", answered > 0 ? Level::warn : Level::fail, count + "; " + others,
            answered > 0 ? "buyers who ask only those do not see the listing; drop them from [nostr].relays if it lasts"
                         : "nothing can be said of the listing: try other relays with --relay, or the network here"};
}

/// The newest version of each listing, by coordinate.
std::map<protocol::Coordinate, const Event*> newest_of(std::span<const RelaySight> relays, const cli::Target& target)
{
    std::map<protocol::Coordinate, const Event*> newest;
    for (const RelaySight& relay : relays)
        for (const Event& event : relay.events) {
            if (event.kind != protocol::kKindListing || event.pubkey != target.author) continue;
            const auto coordinate = protocol::coordinate(event);
            if (!coordinate) continue;
            const Event*& held = newest[*coordinate];
            if (!held || protocol::supersedes(event, *held)) held = &event;
        }
    return newest;
}

bool is_deleted(std::span<const RelaySight> relays, const Event& event)
{
    return std::ranges::any_of(relays, [&](const RelaySight& relay) {
        return std::ranges::any_of(relay.events, [&](const Event& other) {
            return other.kind == protocol::kKindDeletion && protocol::deletes(other, event);
        });
    });
}

Finding absent(std::string what, std::string hint)
{
    return {"listing-present", Level::fail, std::move(what), std::move(hint)};
}

Finding judge_copies(std::span<const RelaySight> relays, const Event& newest)
{
    std::size_t have = 0;
    std::size_t asked = 0;
    std::size_t lacking = 0;
    std::string lack;
    for (const RelaySight& relay : relays) {
        if (relay.coverage != nostr::Coverage::complete) continue;
        ++asked;
        if (std::ranges::any_of(relay.events, [&](const Event& event) { return event.id == newest.id; }))
            ++have;
        else
            name_another(lack, lacking, relay.url);
    }
    const std::string what = shown(newest.first("d").value_or("")) + " is on " + std::to_string(have) + " of " +
                             std::to_string(asked) + " relays that answered wholly";
    if (lacking == 0 || have == 0) return {"listing-present", Level::ok, what};
    return {"listing-present", Level::warn, what + ", not, or not the newest version, on " + lack,
            "those relays may want AUTH or payment for kind 30402: `adit check` tells; name relays that take it in "
            "[nostr].relays"};
}

Finding judge_age(const Event& event, UnixSeconds now)
{
    const Seconds age = now - event.created_at;
    if (age < -kListingAhead)
        return {"listing-fresh", Level::warn, "published " + age_words(-age) + " in the future",
                "set the operator's clock right (an NTP client): relays refuse such events, and buyers' times are off"};
    const std::string what = "published " + age_words(std::max(Seconds(0), age)) + " ago";
    if (age > protocol::kListingStale)
        return {"listing-fresh", Level::fail, what + ": sites take the operator for gone after 30 days",
                "the daemon does not run, or its relays refuse it: see its log, and `adit listing status`"};
    if (age > kNotRefreshed)
        return {"listing-fresh", Level::warn, what + ": daemons publish anew hourly, or daily at least",
                "see whether the daemon runs, and `adit listing status` for what its relays say"};
    return {"listing-fresh", Level::ok, what};
}

// ---- the tags ------------------------------------------------------------------------------------------------------

std::vector<const Tag*> payment_tags(const Event& event, std::string_view method)
{
    auto tags = event.all("payment");
    std::erase_if(tags, [&](const Tag* tag) { return element(*tag, 1) != method; });
    if (tags.size() > kMostTags) tags.resize(kMostTags);
    return tags;
}

Finding judge_shape(const Event& event)
{
    const auto parsed = protocol::parse_listing(event);
    if (parsed) return {"listing-shape", Level::ok, shown(parsed->listing.title) + ", as the marketplace has it"};
    return {"listing-shape", Level::fail, parsed.error().detail + ": sites and buyers' software leave it out",
            "the tags t, d, title, price and payment must be there, and a protocol that is known: correct [listing] in "
            "the config"};
}

Finding judge_marketplace_tag(const Event& event)
{
    if (has_marketplace_tag(event, protocol::kMarketplaceTag))
        return {"listing-tag", Level::ok, "t is " + std::string(protocol::kMarketplaceTag)};
    if (has_marketplace_tag(event, protocol::kLegacyMarketplaceTag))
        return {"listing-tag", Level::warn, "t is only the old " + std::string(protocol::kLegacyMarketplaceTag),
                "it is still found by most; add t " + std::string(protocol::kMarketplaceTag) +
                    " (newer daemons write it by themselves) before sites stop asking for the old one"};
    return {"listing-tag", Level::fail, "no t tag of the marketplace",
            "nobody who looks for tunnels sees it: add t " + std::string(protocol::kMarketplaceTag)};
}

Finding judge_status(const Event& event)
{
    if (event.first("status") == "sold")
        return {"listing-status", Level::warn, "marked as sold: buyers are not shown it",
                "it is paused: `adit listing resume` takes it up again"};
    return {"listing-status", Level::ok, "for sale"};
}

Finding judge_prices(const Event& event)
{
    std::size_t good = 0;
    std::size_t count = 0;
    std::size_t named = 0;
    std::string bad;
    for (const Tag* tag : event.all("price")) {
        if (++count > kMostTags) break;
        const auto price = protocol::parse_price_tag(*tag);
        const std::string words = printable(element(*tag, 1) + " " + element(*tag, 2) + "/" + element(*tag, 3), 60);
        if (price && !protocol::sellable_tiers(std::vector{*price}).empty())
            ++good;
        else if (price && to_lower(price->currency) != "sat")
            name_another(bad, named, words + " is not in sat");
        else if (price && !protocol::parse_unit(price->unit))
            name_another(bad, named, words + " has a unit that is not known");
        else
            name_another(bad, named, words + " is no whole amount of at least 1");
    }
    if (count == 0) return {"listing-prices", Level::fail, "no price tag", "add [[listing.prices]]"};
    if (named == 0) return {"listing-prices", Level::ok, std::to_string(good) + (good == 1 ? " tier" : " tiers")};
    return {
        "listing-prices", good > 0 ? Level::warn : Level::fail, bad,
        "nobody can buy that: [[listing.prices]] want currency sat, a whole amount, and hour, day, week, month, GiB "
        "or TiB"};
}

std::string key_trouble(const std::string& key)
{
    if (key.size() == 64 && std::ranges::all_of(key, [](unsigned char c) { return std::isxdigit(c) != 0; }))
        return "has 64 hex digits: the 02 in front is missing";
    if (key.starts_with("nsec")) return "is an nsec, the operator's SECRET key, for everybody to read";
    if (key.starts_with("npub")) return "is an npub";
    if (key.size() != 66) return "has " + std::to_string(key.size()) + " characters, not 66 hex digits";
    return "is no compressed public key (66 hex digits, 02 or 03 in front, on the curve)";
}

void judge_cashu(const Event& event, Place place, std::vector<Finding>& findings)
{
    const auto tags = payment_tags(event, "cashu");
    if (tags.empty()) {
        const bool other_way = !payment_tags(event, "lightning").empty();
        findings.push_back({"cashu-method", other_way ? Level::warn : Level::fail, "no payment tag for cashu",
                            "add [[listing.payment_methods]] with type cashu, mint, p2pk and endpoint: most buyers' "
                            "software pays this way"});
        return;
    }
    std::vector<Finding> method;
    std::vector<Finding> keys;
    std::vector<Finding> endpoints;
    for (const Tag* tag : tags) {
        const CashuTag cashu{element(*tag, 2), element(*tag, 3), element(*tag, 4)};
        if (!payments::cashu::normalise_mint_url(cashu.mint))
            method.push_back({"cashu-method", Level::fail, "the mint " + shown(cashu.mint) + " is no mint's URL",
                              "correct mint in [[listing.payment_methods]]"});
        if (cashu.key.empty())
            method.push_back({"cashu-method", Level::fail, "no key in the payment tag of " + shown(cashu.mint),
                              "buyers lock tokens to it: set p2pk in [[listing.payment_methods]] to the key that "
                              "`aditd --check` names"});
        else if (!payments::cashu::Point::parse_hex(cashu.key))
            keys.push_back({"p2pk-format", Level::fail,
                            "the key of " + shown(cashu.mint) + " " + key_trouble(cashu.key),
                            "set p2pk to the 66 hex digits that `aditd --check` names" +
                                std::string(cashu.key.starts_with("nsec") ? ", and change that nsec: it is no secret "
                                                                            "any more"
                                                                          : "")});
        if (cashu.endpoint.empty())
            method.push_back({"cashu-method", Level::fail,
                              "no purchase endpoint in the payment tag of " + shown(cashu.mint),
                              "set endpoint in [[listing.payment_methods]], as https://<public_host>/purchase"});
        else if (auto trouble = trouble_with_url(cashu.endpoint, place); !trouble.empty())
            endpoints.push_back({"endpoint-url", Level::fail, shown(cashu.endpoint) + " " + trouble,
                                 "endpoint must be https://<public_host>/purchase, as buyers reach it"});
        else if (!cashu.endpoint.ends_with("/purchase"))
            endpoints.push_back({"endpoint-url", Level::warn, shown(cashu.endpoint) + " does not end in /purchase",
                                 "that is where aditd and europa-node answer: see whether the proxy maps it"});
    }
    if (method.empty())
        method.push_back(
            {"cashu-method", Level::ok,
             std::to_string(tags.size()) + (tags.size() == 1 ? " mint" : " mints") + ", with key and endpoint"});
    const bool any_key = std::ranges::any_of(tags, [](const Tag* tag) { return !element(*tag, 3).empty(); });
    const bool any_endpoint = std::ranges::any_of(tags, [](const Tag* tag) { return !element(*tag, 4).empty(); });
    if (keys.empty() && any_key) keys.push_back({"p2pk-format", Level::ok, "66 hex digits, on the curve"});
    if (endpoints.empty() && any_endpoint)
        endpoints.push_back({"endpoint-url", Level::ok, printable(element(*tags.front(), 4), 200)});
    for (auto* list : {&method, &keys, &endpoints}) std::ranges::move(*list, std::back_inserter(findings));
}

void judge_lightning(const Event& event, Place place, std::vector<Finding>& findings)
{
    for (const Tag* tag : payment_tags(event, "lightning")) {
        const std::string target = element(*tag, 2);
        const std::string mechanism = element(*tag, 3);
        if (mechanism != protocol::kLnurlPay) {
            findings.push_back({"lightning-method", Level::warn, "the mechanism " + shown(mechanism) + " is rare",
                                "buyers' software pays lnurl-pay: set mechanism = \"lnurl-pay\""});
            continue;
        }
        const auto url = protocol::parse_lnurl(target);
        if (auto trouble = url ? trouble_with_url(*url, place) : "is no https address and no lnurl1…"; !trouble.empty())
            findings.push_back({"lightning-method", Level::fail, shown(target) + " " + trouble,
                                "the endpoint of the lightning method must be https://<public_host>/lnurlp"});
        else
            findings.push_back({"lightning-method", Level::ok, printable(*url, 200)});
    }
}

} // namespace

Place place_of(std::span<const RelaySight> relays)
{
    const bool all_here = !relays.empty() && std::ranges::all_of(relays, [](const RelaySight& relay) {
        const auto url = nostr::parse_relay_url(relay.url);
        return url && is_private_host(url->host);
    });
    return all_here ? Place::own_world : Place::internet;
}

Sighting judge_presence(std::span<const RelaySight> relays, const cli::Target& target, UnixSeconds now)
{
    Sighting sighting;
    auto& findings = sighting.findings;
    findings.push_back(judge_relays(relays));
    if (findings.front().level == Level::fail) {
        findings.push_back(absent("not known: no relay answered", "try again, or other relays with --relay"));
        return sighting;
    }
    const auto newest = newest_of(relays, target);
    std::vector<const Event*> fits;
    std::string others;
    std::size_t named = 0;
    for (const auto& [coordinate, event] : newest) {
        const bool fit = target.d_tag ? coordinate.d_tag == *target.d_tag : is_of_the_market(*event);
        if (fit)
            fits.push_back(event);
        else if (is_of_the_market(*event))
            name_another(others, named, shown(coordinate.d_tag));
    }
    // What is deleted or over counts only where it was asked for by name.
    if (!target.d_tag)
        std::erase_if(
            fits, [&](const Event* event) { return is_deleted(relays, *event) || protocol::is_expired(*event, now); });
    if (fits.empty()) {
        const std::string what = target.d_tag ? shown(*target.d_tag) + " is not on these relays"
                                              : "this operator has no listing on these relays";
        findings.push_back(absent(
            what + (others.empty() ? "" : "; this operator has " + others),
            others.empty() ? "it may be on others: name them with --relay. As its operator, see `adit listing status` "
                             "and [nostr].relays: relays may refuse kind 30402, or want AUTH or payment"
                           : "name one of those by its d tag"));
        return sighting;
    }
    if (fits.size() > 1) {
        std::string names;
        std::size_t count = 0;
        for (const Event* event : fits) name_another(names, count, shown(event->first("d").value_or("")));
        findings.push_back(absent("this operator has " + std::to_string(fits.size()) + " listings: " + names,
                                  "name one by its naddr, or its d tag after the npub"));
        return sighting;
    }
    const Event& event = *fits.front();
    if (is_deleted(relays, event) || protocol::is_expired(event, now)) {
        findings.push_back(absent(shown(event.first("d").value_or("")) +
                                      (is_deleted(relays, event) ? " was deleted by its operator" : " has expired"),
                                  "start the daemon again to publish it anew"));
        return sighting;
    }
    findings.push_back(judge_copies(relays, event));
    findings.push_back(judge_age(event, now));
    sighting.event = event;
    return sighting;
}

std::vector<Finding> judge_listing(const Event& event, Place place)
{
    std::vector<Finding> findings{judge_shape(event), judge_marketplace_tag(event), judge_status(event),
                                  judge_prices(event)};
    judge_cashu(event, place, findings);
    judge_lightning(event, place, findings);
    return findings;
}

Listed read_listed(const Event& event)
{
    Listed listed{event.pubkey,
                  std::string(event.first("d").value_or("")),
                  std::string(event.first("title").value_or("")),
                  {},
                  {},
                  {},
                  {}};
    for (const Tag* tag : event.all("t"))
        for (const auto known : {protocol::kProtocolWireguard, protocol::kProtocolOpenvpn})
            if (element(*tag, 1) == known && listed.protocols.size() < kMostTags) listed.protocols.emplace_back(known);
    for (const Tag* tag : event.all("price"))
        if (auto price = protocol::parse_price_tag(*tag); price && listed.prices.size() < kMostTags)
            listed.prices.push_back(std::move(*price));
    for (const Tag* tag : payment_tags(event, "cashu"))
        listed.cashu.push_back({element(*tag, 2), element(*tag, 3), element(*tag, 4)});
    for (const Tag* tag : payment_tags(event, "lightning"))
        if (element(*tag, 3) == protocol::kLnurlPay) listed.lnurl_pay.push_back(element(*tag, 2));
    return listed;
}

Result<std::string> origin_of_url(std::string_view url)
{
    const std::string host = TRY(cli::host_of_url(url));
    return (url.starts_with("https://") ? "https://" : "http://") + host;
}

} // namespace adit::operate
