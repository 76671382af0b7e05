#include "operate/trial_purchase.h"

#include "cli/printable.h"
#include "protocol/units.h"

namespace adit::operate {

namespace {

constexpr std::uint64_t kMostTrialUnits = 1'000'000;

/// How many units reach the least purchase; 1 where that is in another dimension.
std::uint64_t least_quantity(const protocol::Tier& tier, const std::optional<protocol::Bound>& least)
{
    if (!least || protocol::dimension(least->unit) != protocol::dimension(tier.unit)) return 1;
    const auto size = protocol::bound_size(*least);
    const std::uint64_t unit = protocol::unit_size(tier.unit);
    if (!size || *size == 0) return 1;
    return (*size - 1) / unit + 1;
}

std::string seconds_words(Milliseconds length)
{
    const std::int64_t tenths = length.count() / 100;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

} // namespace

Result<cli::Offer> cheapest_offer(const protocol::PublishedListing& published, cli::PayWith with,
                                  const std::optional<std::string>& mint)
{
    std::optional<cli::Offer> cheapest;
    std::optional<Sat> least;
    Error why{Reason::bad_request, "the listing has no price in whole sat"};
    for (const protocol::Tier& tier : protocol::sellable_tiers(published.listing.prices)) {
        const std::uint64_t quantity = least_quantity(tier, published.listing.min_purchase);
        if (quantity > kMostTrialUnits) continue;
        auto offer = cli::make_offer(published, {std::to_string(tier.index), quantity, mint, with});
        const auto cost = offer ? cli::cost_of(*offer) : Result<Sat>(offer.error());
        if (!cost) {
            why = cost.error();
        } else if (!least || *cost < *least) {
            least = *cost;
            cheapest = std::move(*offer);
        }
    }
    if (!cheapest) return why;
    return std::move(*cheapest);
}

Finding judge_purchase(const cli::Record& record, const cli::Buyer::Outcome& outcome, const std::filesystem::path& file,
                       Milliseconds took)
{
    const std::string why = cli::printable(outcome.why, 300);
    const auto fail = [](std::string what, std::string hint) {
        return Finding{"purchase", Level::fail, std::move(what), std::move(hint)};
    };
    switch (outcome.end) {
    case cli::End::delivered: {
        const auto cost = cli::cost_of(record.offer);
        std::string what = std::to_string(record.offer.quantity) + " " + cli::printable(record.offer.price.unit, 16) +
                           " for " + cli::sats(cost ? *cost : Sat{}) + ", delivered after " + seconds_words(took);
        if (record.tunnel && record.tunnel->expires_at) what += ", up until " + to_iso8601(*record.tunnel->expires_at);
        return {"purchase", Level::ok, what + "; config, change and keys are in " + file.string()};
    }
    case cli::End::refunded:
        return fail(
            "paid, not delivered, and paid back: " + why,
            "the daemon could not put the peer on its WireGuard interface: see its log. The money: adit redeem " +
                file.string());
    case cli::End::refused:
        return fail("refused, nothing was paid: " + why,
                    "see the daemon's log for the time of this purchase; where it is the token, give another");
    case cli::End::handed:
        return fail("left to a wallet", "an invoice can be waited for, an LNURL can not: leave --lnurl away");
    case cli::End::open:
        return fail("not settled: " + why,
                    "what was paid is in " + file.string() + "; go on with: adit buy --resume " + file.string());
    }
    return fail("not known", "");
}

} // namespace adit::operate
