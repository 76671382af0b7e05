#include "app/recovery.h"

#include "app/purchase.h"
#include "base/log.h"
#include "protocol/constants.h"
#include "protocol/reasons.h"

#include <algorithm>

namespace adit::app {

using payments::PurchaseId;
using session::State;
using store::Purchase;

namespace {

constexpr Milliseconds kLongestRecoveryPause{300'000};
constexpr Milliseconds kNothingToRecover{60'000};

} // namespace

Recovery::Recovery(store::Store& store, payments::Till& till, InFlight& in_flight, SwapLimits& limits,
                   const Clock& clock, Metrics& metrics)
    : store_(store), till_(till), in_flight_(in_flight), limits_(limits), clock_(clock), metrics_(metrics)
{
}

Result<void> Recovery::load()
{
    for (const Purchase& purchase : TRY(store_.open_purchases())) {
        switch (purchase.state) {
        case State::reserved:
            TRY(store_.mark_released(purchase.id, Reason::internal));
            break;
        case State::swapping:
        case State::refunding:
            // Of which source is not remembered.
            if (purchase.holds_lease && !limits_.hold_address(purchase.id, {})) TRY(store_.drop_lease(purchase.id));
            add(purchase.id, purchase.state_since);
            break;
        case State::redeemed: // waits for its buyer, who pays nothing anew and may need no address for days
            if (purchase.holds_lease) TRY(store_.drop_lease(purchase.id));
            break;
        case State::received:
        case State::open: // of Lightning, as the next three
        case State::accepted:
        case State::live:
        case State::settling:
        case State::active:
        case State::ended:
        case State::refunded:
        case State::released:
            break;
        }
    }
    return {};
}

void Recovery::add(PurchaseId purchase) { add(purchase, clock_.now()); }

void Recovery::add(PurchaseId purchase, UnixSeconds since)
{
    {
        const std::lock_guard lock(mutex_);
        Pending pending;
        pending.next = clock_.steady() + pending.pause;
        pending.since = since;
        pending_.try_emplace(purchase, pending);
    }
    wake_();
}

std::vector<PurchaseId> Recovery::owed() const
{
    const std::lock_guard lock(mutex_);
    const UnixSeconds now = clock_.now();
    std::vector<PurchaseId> owed;
    for (const auto& [id, pending] : pending_)
        if (now - pending.since >= protocol::kOwedAfter) owed.push_back(id);
    return owed;
}

Milliseconds Recovery::step()
{
    std::vector<PurchaseId> due;
    std::vector<PurchaseId> long_silent;
    {
        const std::lock_guard lock(mutex_);
        const SteadyTime now = clock_.steady();
        for (const auto& [id, pending] : pending_) {
            if (pending.next <= now) due.push_back(id);
            if (pending.holds_address && clock_.now() - pending.since >= protocol::kSwapAddressHold)
                long_silent.push_back(id);
        }
    }
    for (const PurchaseId id : long_silent)
        if (const auto purchase = store_.purchase(id)) drop_address(*purchase);

    // One silent mint must not make the purchases of another wait for its timeouts: it gets one try in each round.
    std::vector<std::string> silent;
    for (const PurchaseId id : due) {
        const auto purchase = store_.purchase(id);
        const bool skipped = purchase && std::ranges::find(silent, purchase->mint.value_or("")) != silent.end();
        const Outcome outcome = !purchase || skipped ? Outcome::busy : try_again(*purchase);
        const std::lock_guard lock(mutex_);
        const auto place = pending_.find(id);
        if (place == pending_.end()) continue;
        switch (outcome) {
        case Outcome::settled:
            limits_.holds_none(id);
            pending_.erase(place);
            break;
        case Outcome::unknown:
            silent.push_back(purchase->mint.value_or(""));
            place->second.pause = std::min(place->second.pause * 2, kLongestRecoveryPause);
            [[fallthrough]];
        case Outcome::busy:
            place->second.next = clock_.steady() + place->second.pause;
            break;
        }
    }

    const std::lock_guard lock(mutex_);
    Milliseconds pause = kNothingToRecover;
    for (const auto& [id, pending] : pending_) {
        pause = std::min(pause, std::chrono::ceil<Milliseconds>(pending.next - clock_.steady()));
        if (pending.holds_address)
            pause = std::min<Milliseconds>(pause, protocol::kSwapAddressHold - (clock_.now() - pending.since));
    }
    return std::max(pause, Milliseconds(100));
}

Recovery::Outcome Recovery::try_again(const Purchase& purchase)
{
    if (purchase.state != State::swapping && purchase.state != State::refunding) return Outcome::settled;
    const auto swaps = store_.swaps(purchase.id);
    if (!swaps) return Outcome::busy;
    const auto bought_with = std::ranges::find_if(*swaps, [&](const payments::StoredSwap& swap) {
        return swap.purchase == purchase.id && swap.intent.purpose == payments::SwapPurpose::redeem;
    });
    CHECK(bought_with != swaps->end()); // neither state is reached without an intention
    const ProofSet set = proof_set(bought_with->intent.inputs);
    if (!in_flight_.try_enter(set)) return Outcome::busy; // the buyer is asking at this moment
    const auto reason = [&]() -> std::optional<Reason> {
        if (purchase.state == State::swapping) {
            const auto receipt = till_.resume(purchase.id, {purchase.price, beneficiary(purchase)});
            return receipt ? std::nullopt : std::optional(receipt.error().reason);
        }
        const auto refund = till_.resume_refund(purchase.id, beneficiary(purchase));
        return refund ? std::nullopt : std::optional(refund.error().reason);
    }();
    // Nobody may come for what is paid for. The address rests, and is its key's again if that comes in the meantime.
    if (!reason && purchase.state == State::swapping) let_go_of_lease(purchase);
    in_flight_.leave(set);
    const auto id = number_of(purchase.id);
    if (!reason) {
        if (purchase.state == State::swapping)
            metrics_.received(purchase.method, purchase.mint, purchase.price);
        else
            metrics_.refunded(purchase.method, purchase.price);
        log_info("purchase_recovered", {{"purchase", id}, {"was", session::state_word(purchase.state)}});
        settled_();
        return Outcome::settled;
    }
    const auto now = store_.purchase(purchase.id);
    if (now && now->state != purchase.state) {
        log_info("purchase_recovered", {{"purchase", id},
                                        {"was", session::state_word(purchase.state)},
                                        {"is", session::state_word(now->state)},
                                        {"reason", protocol::reason_info(*reason).word}});
        return Outcome::settled;
    }
    log_debug("purchase_still_unknown", {{"purchase", id}});
    return Outcome::unknown;
}

/// False: the store could not be asked.
bool Recovery::let_go_of_lease(const Purchase& purchase)
{
    if (!purchase.holds_lease) return true;
    const auto dropped = store_.drop_lease(purchase.id);
    return dropped || dropped.error().reason == Reason::bad_step; // it held none any more
}

/// Its claim stays; an address is taken again when the mint has answered.
void Recovery::drop_address(const Purchase& purchase)
{
    if (!let_go_of_lease(purchase)) return;
    limits_.holds_none(purchase.id);
    const std::lock_guard lock(mutex_);
    if (const auto place = pending_.find(purchase.id); place != pending_.end()) place->second.holds_address = false;
}

} // namespace adit::app
