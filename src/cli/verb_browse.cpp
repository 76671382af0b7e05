#include "cli/find_listing.h"
#include "cli/printable.h"
#include "cli/verbs.h"
#include "protocol/nip19.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace adit::cli {

namespace {

constexpr std::string_view kBrowseHelp =
    "adit browse [--relay URL]... [--all] [--json]\n"
    "\n"
    "Lists the tunnels for sale on the relays: the newest listing of each operator, its signature verified, what was\n"
    "deleted or has expired left out.\n"
    "\n"
    "  --relay URL   ask this relay, repeatable (default: a few well-known ones)\n"
    "  --all         also what is sold out, has not been renewed for 30 days, or can not be paid by adit\n"
    "  --json        one JSON array instead of the table\n"
    "\n"
    "  adit browse --relay wss://relay.example.com\n"
    "  adit browse --json | jq '.[] | select(.country == \"CH\") | .naddr'\n";

constexpr Option kBrowseOptions[]{
    {"--relay", Option::Takes::values}, {"--all", Option::Takes::nothing}, {"--json", Option::Takes::nothing}};

enum class State { for_sale, sold, stale, other_payment };

State state_of(const protocol::PublishedListing& published, UnixSeconds now)
{
    if (published.listing.status == protocol::ListingStatus::sold) return State::sold;
    if (protocol::is_stale(published, now)) return State::stale;
    const bool payable = !ecash_payments(published.listing).empty() || !lightning_payments(published.listing).empty();
    if (!payable || protocol::sellable_tiers(published.listing.prices).empty()) return State::other_payment;
    return State::for_sale;
}

std::string_view word(State state)
{
    switch (state) {
    case State::for_sale:
        return "active";
    case State::sold:
        return "sold";
    case State::stale:
        return "stale";
    case State::other_payment:
        return "other-payment";
    }
    return "";
}

std::string tiers_text(const protocol::Listing& listing)
{
    std::string text;
    for (const protocol::Tier& tier : protocol::sellable_tiers(listing.prices))
        text += (text.empty() ? "" : ", ") + std::to_string(tier.price.count()) + "/" +
                std::string(protocol::unit_word(tier.unit));
    return text;
}

std::string age_text(Seconds age)
{
    const std::int64_t s = std::max<std::int64_t>(0, age.count());
    if (s < 120) return std::to_string(s) + " s";
    if (s < 7200) return std::to_string(s / 60) + " min";
    if (s < 172800) return std::to_string(s / 3600) + " h";
    return std::to_string(s / 86400) + " d";
}

std::string without_scheme(std::string url)
{
    if (const auto scheme = url.find("://"); scheme != std::string::npos) url.erase(0, scheme + 3);
    return url;
}

std::string payments_text(const protocol::Listing& listing)
{
    std::string text;
    for (const auto& payment : ecash_payments(listing))
        text += (text.empty() ? "" : ", ") + without_scheme(payment.mint);
    if (!lightning_payments(listing).empty()) text += text.empty() ? "Lightning" : ", Lightning";
    return text;
}

std::string region_text(const protocol::Listing& listing)
{
    return listing.subdivision.empty() ? listing.country : listing.country + " " + listing.subdivision;
}

nlohmann::json as_json(const protocol::PublishedListing& published, UnixSeconds now,
                       const std::vector<std::string>& relays)
{
    const protocol::Listing& listing = published.listing;
    nlohmann::json tiers = nlohmann::json::array();
    for (const protocol::Tier& tier : protocol::sellable_tiers(listing.prices))
        tiers.push_back({{"tier", tier.index}, {"sat", tier.price.count()}, {"unit", protocol::unit_word(tier.unit)}});
    nlohmann::json payments = nlohmann::json::array();
    for (const auto& payment : ecash_payments(listing))
        payments.push_back({{"mint", payment.mint}, {"p2pk", payment.p2pk}, {"endpoint", *payment.endpoint}});
    const auto naddr = naddr_of(published, relays);
    return {{"naddr", naddr},
            {"npub", protocol::encode_npub(published.author)},
            {"pubkey", published.author.hex()},
            {"d", listing.d_tag},
            {"title", listing.title},
            {"summary", listing.summary},
            {"country", listing.country},
            {"subdivision", listing.subdivision},
            {"protocols", listing.protocols},
            {"policies", listing.policies},
            {"tiers", std::move(tiers)},
            {"ecash", std::move(payments)},
            {"lightning", lightning_payments(listing)},
            {"state", word(state_of(published, now))},
            {"created_at", published.created_at.count()}};
}

void print_table(Terminal& terminal, const std::vector<const protocol::PublishedListing*>& shown, UnixSeconds now,
                 const std::vector<std::string>& relays)
{
    std::string text = fitted("TITLE", 30) + "  " + fitted("REGION", 14) + "  " + fitted("SAT PER UNIT", 26) + "  " +
                       fitted("PAID AT", 24) + "  " + fitted("OPERATOR", 14) + "  " + fitted("AGE", 7) + "  STATE\n";
    for (const auto* published : shown) {
        const protocol::Listing& listing = published->listing;
        const State state = state_of(*published, now);
        text += fitted(listing.title, 30) + "  " + fitted(region_text(listing), 14) + "  " +
                fitted(tiers_text(listing), 26) + "  " + fitted(payments_text(listing), 24) + "  " +
                fitted(protocol::encode_npub(published->author).substr(0, 13) + "…", 14) + "  " +
                fitted(age_text(now - published->created_at), 7) + "  " + std::string(word(state)) + "\n    " +
                naddr_of(*published, relays) + "\n";
    }
    terminal.out(text);
}

int browse(const Arguments& arguments, Terminal& terminal)
{
    if (!arguments.rest().empty()) return usage_error(terminal, "browse", "takes no further words");
    auto urls = arguments.values("--relay");
    if (urls.empty()) urls = default_relays();
    const auto found = find_listings(urls, std::nullopt, system_clock(), terminal);
    if (!found) {
        if (found.error().reason == Reason::bad_encoding) return usage_error(terminal, "browse", found.error().detail);
        return failure(terminal, found.error().detail);
    }
    const UnixSeconds now = system_clock().now();
    std::vector<const protocol::PublishedListing*> shown;
    for (const auto& published : found->listings)
        if (arguments.has("--all") || state_of(published, now) == State::for_sale) shown.push_back(&published);
    terminal.quiet();
    if (arguments.has("--json")) {
        nlohmann::json all = nlohmann::json::array();
        for (const auto* published : shown) all.push_back(as_json(*published, now, urls));
        terminal.out(all.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    } else if (!shown.empty()) {
        print_table(terminal, shown, now, urls);
    }
    const std::size_t hidden = found->listings.size() - shown.size();
    terminal.say(std::to_string(shown.size()) + (shown.size() == 1 ? " listing; " : " listings; ") + found->coverage +
                 (hidden == 0 ? "" : "; " + std::to_string(hidden) + " more with --all"));
    return kDone;
}

} // namespace

const Verb kBrowse{"browse", "lists the tunnels for sale", kBrowseHelp, kBrowseOptions, &browse};

} // namespace adit::cli
