#include "app/wallet_upkeep.h"

#include "base/log.h"
#include "payments/cashu/token.h"
#include "payments/lightning/pay_address.h"
#include "payments/selection.h"

#include <algorithm>

namespace adit::app {

using payments::Mint;
using payments::cashu::Keyset;
using payments::cashu::lasts;
using payments::cashu::Proof;

namespace {

constexpr Milliseconds kUpkeepEvery{300'000};
constexpr Milliseconds kSweepRestFirst{600'000};
constexpr Milliseconds kSweepRestMost{21'600'000};
constexpr std::size_t kMostGathered = 100;  // proofs of one consolidation
constexpr std::size_t kFewProofs = 200;     // with these at one mint, nothing is done about their number
constexpr std::size_t kTooManyProofs = 500; // no payment takes more at once
constexpr std::uint64_t kGatherFeePercent = 1;

/// The smallest first, at most kMostGathered.
std::vector<Proof> smallest_of(std::vector<Proof> proofs)
{
    std::ranges::stable_sort(proofs, std::ranges::less{}, &Proof::amount);
    if (proofs.size() > kMostGathered) proofs.erase(proofs.begin() + kMostGathered, proofs.end());
    return proofs;
}

} // namespace

bool WalletUpkeep::is_moving(const Mint& mint) const
{
    const auto open = parts_.open_ones.open_transfers();
    return !open || std::ranges::any_of(*open, [&](const payments::Transfer& each) {
        return parts_.mints.find(each.what.mint) == &mint;
    });
}

void WalletUpkeep::run(const Held& held, const std::vector<Proof>& proofs, const char* why)
{
    const std::size_t count = proofs.size();
    const auto done = parts_.transfers.consolidate(*held.mint, proofs);
    if (!done)
        log_warn("wallet_not_consolidated",
                 {{"mint", held.mint->url()}, {"why", why}, {"detail", done.error().detail}});
    else
        log_info("wallet_consolidated", {{"mint", held.mint->url()}, {"why", why}, {"proofs", count}});
    parts_.moved();
}

/// Proofs of keysets that are signed with no more, or end soon, while there is one that lasts.
bool WalletUpkeep::save_from_old_keysets(const Held& held)
{
    const auto page = held.mint->book().page();
    const UnixSeconds now = parts_.clock.now();
    const auto target = held.mint->for_wallet_outputs(*page);
    if (!target || !lasts(**target, now)) return false;
    std::vector<Proof> old;
    for (const Proof& proof : held.proofs) {
        const Keyset* keyset = page->find(proof.keyset);
        if (keyset && !keyset->expired(now) && !lasts(*keyset, now)) old.push_back(proof);
    }
    // The largest first: what is worth less than its fee waits for company.
    std::ranges::stable_sort(old, std::ranges::greater{}, &Proof::amount);
    if (old.size() > kMostGathered) old.erase(old.begin() + kMostGathered, old.end());
    const auto net = payments::net_of(old, *page);
    if (old.empty() || !net || *net == Sat{}) return false;
    run(held, old, "keyset");
    return true;
}

/// Each input pays its fee once, so fewer proofs cost nothing less in sum: they are gathered where it is free, or where
/// a payment of all that is there would not fit into one transaction any more.
bool WalletUpkeep::gather_small(const Held& held)
{
    const auto page = held.mint->book().page();
    const auto target = held.mint->for_wallet_outputs(*page);
    if (!target || held.proofs.size() <= kFewProofs) return false;
    std::vector<Proof> small = smallest_of(held.proofs);
    const auto face = payments::cashu::total(small);
    const auto fee = payments::fee_for(small, *page);
    if (!face || !fee || *fee >= *face) return false;
    const auto pieces = payments::cashu::split(Sat(face->count() - fee->count()), **target);
    if (!pieces || pieces->size() * 2 > small.size()) return false;
    const bool cheap = fee->count() * 100 <= face->count() * kGatherFeePercent;
    if (*fee != Sat{} && !(held.proofs.size() > kTooManyProofs && cheap)) return false;
    run(held, small, "number");
    return true;
}

bool WalletUpkeep::sweep(const Held& held)
{
    const WalletConfig& config = parts_.config;
    if (config.sweep_to.empty()) return false;
    const auto page = held.mint->book().page();
    const std::uint64_t payable = payments::most_of(held.proofs, *page, parts_.clock.now()).count();
    if (payable < config.sweep_above.count()) return false;
    Rest& rest = resting_[held.mint->url()];
    if (parts_.clock.steady() < rest.until) return false;
    const Sat amount(payable / (100 + config.sweep_fee_percent) * 100);
    const Sat limit(payable - amount.count());
    const auto done = [&]() -> Result<payments::Transfer> {
        payments::WithdrawOrder order;
        order.mint = held.mint->url();
        order.max_fee = limit;
        order.invoice =
            TRY(payments::lightning::ask_pay_address(parts_.http, config.sweep_to, amount, parts_.clock.now()));
        order.address = config.sweep_to;
        return parts_.transfers.withdraw(order);
    }();
    parts_.moved();
    if (!done) {
        rest.length = std::clamp(rest.length * 2, kSweepRestFirst, kSweepRestMost);
        rest.until = parts_.clock.steady() + rest.length;
        log_warn("wallet_not_swept",
                 {{"mint", held.mint->url()}, {"sat", amount.count()}, {"detail", done.error().detail}});
        return true;
    }
    rest = {};
    log_info("wallet_swept", {{"mint", held.mint->url()},
                              {"sat", amount.count()},
                              {"transfer", number_of(done->id)},
                              {"state", state_word(done->state)}});
    return true;
}

Milliseconds WalletUpkeep::step()
{
    for (const auto& mint : parts_.mints.all()) {
        // One movement at a time: what it leaves is looked at afterwards.
        if (!mint->for_wallet_outputs(*mint->book().page()) || mint->silent() || is_moving(*mint)) continue;
        const auto unspent = parts_.journal.unspent();
        if (!unspent) return kUpkeepEvery;
        Held held{mint.get(), {}};
        for (const payments::HeldProof& each : *unspent)
            if (parts_.mints.find(each.mint) == mint.get()) held.proofs.push_back(each.proof);
        if (held.proofs.empty()) continue;
        if (save_from_old_keysets(held) || sweep(held)) continue;
        gather_small(held);
    }
    return kUpkeepEvery;
}

} // namespace adit::app
