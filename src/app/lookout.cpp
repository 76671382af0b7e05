#include "app/lookout.h"

#include "base/log.h"
#include "protocol/constants.h"

#include <algorithm>
#include <filesystem>

namespace adit::app {

namespace {

constexpr Seconds kHoldingsEvery{600};
constexpr Seconds kOwedEvery{60};
constexpr Seconds kListingEvery{300};
constexpr Milliseconds kListingPatience{20'000};
constexpr std::size_t kMostOwed = 50;
constexpr Seconds kKeysetNotice{14 * 86400}; // before its final_expiry
constexpr std::uint64_t kMiB = 1U << 20U;
constexpr std::uint64_t kDiskLeast = 256 * kMiB;
constexpr std::uint64_t kDiskEnough = 4096 * kMiB; // however small a part of a large disk that is

std::string length_in_days(Seconds length)
{
    return std::to_string(std::max<std::int64_t>(0, length.count()) / 86400) + " days";
}

} // namespace

Lookout::Lookout(Parts parts) : parts_(std::move(parts)) {}

std::vector<Symptom> Lookout::symptoms()
{
    std::vector<Symptom> found;
    look_at_mints(found);
    look_at_lightning(found);
    look_at_pool(found);
    look_at_disk(found);
    look_at_keysets(found);
    look_at_owed(found);
    look_at_listing(found);
    return found;
}

ShopNow Lookout::shop_now()
{
    refresh_holdings();
    ShopNow now;
    for (const auto& mint : parts_.mints.all()) now.wallet.push_back({mint->url(), Sat()});
    for (const store::Store::Holding& holding : holdings_) {
        auto place = std::ranges::find(now.wallet, holding.mint, &ShopNow::Balance::mint);
        if (place == now.wallet.end()) place = now.wallet.insert(now.wallet.end(), {holding.mint, Sat()});
        place->worth = sum(place->worth, holding.worth).value_or(place->worth);
    }
    if (parts_.lightning) {
        now.lightning = parts_.lightning->usable() ? "answers" : "does not answer";
        if (const auto taken = parts_.store.taken_by(session::Method::lightning)) now.taken_by_lightning = *taken;
    }
    now.sessions = parts_.tunnels.live();
    now.paused = parts_.shop.paused;
    return now;
}

void Lookout::look_at_mints(std::vector<Symptom>& found)
{
    if (!parts_.shop.config.cashu.enabled) return;
    bool silent = false;
    for (const auto& mint : parts_.mints.all()) {
        if (!mint->silent()) continue;
        silent = true;
        found.push_back({Trouble::mint_silent, mint->url(),
                         "The mint " + mint->url() + " does not answer. Sales for its ecash wait or are refused."});
    }
    if (silent && !mint_was_silent_) parts_.ask_mints();
    mint_was_silent_ = silent;
}

void Lookout::look_at_lightning(std::vector<Symptom>& found) const
{
    if (!parts_.lightning || parts_.lightning->usable()) return;
    found.push_back(
        {Trouble::lightning_down, "",
         "The Lightning node does not answer or refuses. No invoices until it does; the log has its words."});
}

void Lookout::look_at_pool(std::vector<Symptom>& found) const
{
    const std::uint64_t size = parts_.pool.size();
    const std::uint64_t free = parts_.pool.free();
    if (size == 0 || free > size / 10) return;
    found.push_back({Trouble::pool_nearly_full, "",
                     std::to_string(free) + " of " + std::to_string(size) +
                         " tunnel addresses are free. A larger subnet_cidr, or a pause of sales."});
}

void Lookout::look_at_disk(std::vector<Symptom>& found) const
{
    std::error_code error;
    const auto space = std::filesystem::space(parts_.shop.config.database.ours.parent_path(), error);
    if (error || space.capacity == 0) return;
    const bool enough =
        space.available >= kDiskEnough || (space.available >= kDiskLeast && space.available >= space.capacity / 20);
    if (enough) return;
    found.push_back({Trouble::disk_filling, "",
                     "The disk of the database has " + std::to_string(space.available / kMiB) +
                         " MiB left. When it is full nothing is sold."});
}

/// Of what the wallet holds, and of what it takes.
void Lookout::look_at_keysets(std::vector<Symptom>& found)
{
    if (parts_.clock.steady() >= next_holdings_) refresh_holdings();
    const UnixSeconds now = parts_.clock.now();
    for (const auto& mint : parts_.mints.all()) {
        const auto page = mint->book().page();
        for (const auto& keyset : page->keysets) {
            if (!keyset.final_expiry || *keyset.final_expiry - now > kKeysetNotice) continue;
            Sat held;
            for (const store::Store::Holding& holding : holdings_)
                if (holding.keyset == keyset.id) held = sum(held, holding.worth).value_or(held);
            if (held == Sat()) continue;
            found.push_back({Trouble::keyset_expiring, keyset.id,
                             "The keyset " + keyset.id + " of " + mint->url() + " ends in " +
                                 length_in_days(*keyset.final_expiry - now) + ", and the wallet has " +
                                 std::to_string(held.count()) + " sat in it. Spend them or swap them before."});
        }
    }
}

Result<std::vector<store::Purchase>> Lookout::owed() const
{
    std::vector<store::Purchase> all;
    if (parts_.settlements) all = TRY(parts_.settlements->owed());
    if (parts_.recovery)
        for (const payments::PurchaseId id : parts_.recovery->owed()) all.push_back(TRY(parts_.store.purchase(id)));
    return all;
}

void Lookout::look_at_owed(std::vector<Symptom>& found)
{
    const SteadyTime at = parts_.clock.steady();
    if (at >= next_owed_) {
        next_owed_ = at + kOwedEvery;
        if (auto rows = owed()) {
            const UnixSeconds now = parts_.clock.now();
            std::erase_if(*rows,
                          [&](const store::Purchase& row) { return now - row.state_since < protocol::kOwedAfter; });
            std::ranges::sort(*rows, {}, &store::Purchase::state_since); // so that those shown stay those shown
            owed_.clear();
            for (const store::Purchase& row : std::span(*rows).first(std::min(rows->size(), kMostOwed)))
                owed_.push_back({Trouble::purchase_owed, std::to_string(number_of(row.id)),
                                 "Purchase " + std::to_string(number_of(row.id)) + " (" +
                                     std::to_string(row.price.count()) + " sat) is owed for over an hour, " +
                                     std::string(session::state_word(row.state)) + ". See adit sessions."});
        }
    }
    found.insert(found.end(), owed_.begin(), owed_.end());
}

/// Asks in the background, and tells what the last answer was.
void Lookout::look_at_listing(std::vector<Symptom>& found)
{
    const SteadyTime at = parts_.clock.steady();
    if (at >= next_listing_) {
        next_listing_ = at + kListingEvery;
        protocol::Filter filter;
        filter.authors = {parts_.shop.operator_key};
        filter.kinds = {protocol::kKindListing};
        filter.tags['d'] = {parts_.shop.config.listing.d_tag};
        parts_.relays.fetch_async(
            {filter}, kListingPatience,
            [this](const nostr::FetchResult& answer) {
                std::vector<Symptom> missing;
                for (const nostr::RelayCoverage& relay : answer.relays) {
                    if (relay.any) continue;
                    const bool answered = relay.coverage == nostr::Coverage::complete;
                    const std::string why = answered ? " does not have the listing: buyers do not find you there."
                                                     : " can not be asked for the listing" +
                                                           (relay.message.empty() ? "." : " (" + relay.message + ").");
                    missing.push_back({Trouble::listing_missing, relay.relay, "The relay " + relay.relay + why});
                }
                const std::lock_guard lock(mutex_);
                listing_ = std::move(missing);
            },
            nostr::Patience::while_it_lasts);
    }
    const std::lock_guard lock(mutex_);
    found.insert(found.end(), listing_.begin(), listing_.end());
}

void Lookout::refresh_holdings()
{
    next_holdings_ = parts_.clock.steady() + kHoldingsEvery;
    auto holdings = parts_.store.holdings();
    if (holdings)
        holdings_ = std::move(*holdings);
    else
        log_debug("holdings_not_read", {{"detail", holdings.error().detail}});
}

} // namespace adit::app
