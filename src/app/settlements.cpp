#include "app/settlements.h"

#include "base/log.h"
#include "protocol/constants.h"
#include "protocol/reasons.h"

#include <algorithm>
#include <charconv>

namespace adit::app {

namespace lightning = payments::lightning;
using lightning::InvoiceState;
using lightning::PaymentHash;
using payments::PurchaseId;
using session::State;
using store::InvoicedPurchase;

namespace {

constexpr std::size_t kMostAttended = 8;    // workers that look after invoices at once
constexpr std::size_t kMostStrangers = 256; // hints at invoices that are none of ours, or long over
constexpr std::size_t kLooksPerSecond = 20; // of the slow poll
constexpr Milliseconds kNothingToSettle{60'000};
constexpr Milliseconds kFirstPause{500};
constexpr Milliseconds kLongestSettlementPause{30'000};
constexpr Milliseconds kPollYoung{15'000}; // an invoice that was just shown is most likely paid now
constexpr Milliseconds kPollOld{60'000};
constexpr Seconds kYoung{120};
constexpr Milliseconds kAskedFor{2'000}; // between looks that strangers cause
constexpr Milliseconds kDeliverAgain{5'000};
constexpr Milliseconds kSoon{100};
constexpr Milliseconds kProbeAgain{5'000};
constexpr Seconds kForgottenAfter{3600}; // over expiry: a node that does not know the invoice will not be paid by it
constexpr std::string_view kFactSettleIndex = "lightning.settle_index";

} // namespace

Settlements::Settlements(Parts parts) : parts_(parts) {}

// ---- who waits -----------------------------------------------------------------------------------------------------

Result<void> Settlements::load()
{
    for (const auto& open : TRY(parts_.store.open_invoices())) {
        if (open.state == State::reserved) {
            TRY(parts_.store.mark_released(open.purchase, Reason::internal));
            continue;
        }
        if (open.state == State::open || open.state == State::accepted) parts_.limits.holds(open.purchase);
        wait_for(open.purchase, open.payment_hash);
    }
    return {};
}

void Settlements::wait_for(PurchaseId purchase, std::optional<PaymentHash> hash)
{
    const std::lock_guard lock(mutex_);
    Waiting waiting;
    waiting.hash = hash;
    waiting.next = parts_.clock.steady();
    waiting.looked_at = waiting.next - kPollOld;
    waiting_.try_emplace(purchase, waiting);
    if (hash) by_hash_.try_emplace(*hash, purchase);
}

void Settlements::add(PurchaseId purchase, const store::Invoice& invoice)
{
    wait_for(purchase, invoice.payment_hash);
    {
        const std::lock_guard lock(mutex_);
        waiting_.at(purchase).next = parts_.clock.steady() + kPollYoung;
    }
    parts_.node.backend().follow(invoice.payment_hash);
    wake_();
}

void Settlements::ask_for(PurchaseId purchase)
{
    {
        const std::lock_guard lock(mutex_);
        const auto place = waiting_.find(purchase);
        if (place == waiting_.end()) return;
        const SteadyTime soon = std::max(parts_.clock.steady(), place->second.looked_at + kAskedFor);
        if (place->second.next <= soon) return;
        place->second.next = soon;
    }
    wake_();
}

void Settlements::invoice_changed(const PaymentHash& hash)
{
    {
        const std::lock_guard lock(mutex_);
        if (const auto known = by_hash_.find(hash); known != by_hash_.end()) {
            Waiting& waiting = waiting_.at(known->second);
            waiting.next = parts_.clock.steady();
            waiting.again = waiting.attended;
        } else if (strangers_.size() < kMostStrangers) {
            strangers_.insert(hash);
        }
    }
    wake_();
}

void Settlements::events_may_be_missing()
{
    {
        const std::lock_guard lock(mutex_);
        for (auto& [purchase, waiting] : waiting_) {
            waiting.next = parts_.clock.steady();
            waiting.again = waiting.attended;
        }
    }
    wake_();
}

void Settlements::told_up_to(std::uint64_t settle_index)
{
    const auto kept = parts_.store.set_fact(kFactSettleIndex, std::to_string(settle_index));
    if (!kept) log_warn("settle_index_not_kept", {{"detail", kept.error().detail}}); // it is told again then
}

std::uint64_t Settlements::settle_index() const
{
    const auto kept = parts_.store.fact(kFactSettleIndex);
    std::uint64_t index = 0;
    if (kept && *kept) std::from_chars((*kept)->data(), (*kept)->data() + (*kept)->size(), index);
    return index;
}

// ---- in the background ---------------------------------------------------------------------------------------------

Milliseconds Settlements::step()
{
    std::set<PaymentHash> strangers;
    {
        const std::lock_guard lock(mutex_);
        strangers.swap(strangers_);
    }
    for (const PaymentHash& hash : strangers) {
        const auto found = parts_.store.invoice(hash);
        if (found && *found && (*found)->purchase.state == State::released) wait_for((*found)->purchase.id, hash);
    }

    std::vector<PurchaseId> due;
    Milliseconds pause = probe();
    {
        const std::lock_guard lock(mutex_);
        const SteadyTime now = parts_.clock.steady();
        for (auto& [purchase, waiting] : waiting_) {
            if (waiting.attended) continue;
            if (waiting.next > now) {
                pause = std::min(pause, std::chrono::ceil<Milliseconds>(waiting.next - now));
            } else if (attending_ < kMostAttended) {
                waiting.attended = true;
                ++attending_;
                due.push_back(purchase);
            } // else: the first of those who attend now to end wakes us
        }
    }
    for (const PurchaseId purchase : due) {
        const bool taken = parts_.workers.submit([this, purchase] { attend(purchase); });
        if (taken) continue;
        const std::lock_guard lock(mutex_);
        --attending_;
        waiting_.at(purchase).attended = false;
        waiting_.at(purchase).next = parts_.clock.steady() + kSoon;
        pause = std::min(pause, kSoon);
    }
    return std::max(pause, Milliseconds(1));
}

/// A node that did not answer is asked again without waiting for a buyer to find out.
Milliseconds Settlements::probe()
{
    if (parts_.node.usable()) return kNothingToSettle;
    const SteadyTime now = parts_.clock.steady();
    if (now < next_probe_) return std::chrono::ceil<Milliseconds>(next_probe_ - now);
    next_probe_ = now + kProbeAgain;
    const bool taken = parts_.workers.submit([this] { parts_.node.probe(); });
    return taken ? kProbeAgain : kSoon;
}

void Settlements::attend(PurchaseId purchase)
{
    const Round round = go_on(purchase);
    {
        const std::lock_guard lock(mutex_);
        if (attending_ > 0) --attending_;
        const auto place = waiting_.find(purchase);
        if (place != waiting_.end()) {
            Waiting& waiting = place->second;
            waiting.attended = false;
            const SteadyTime now = parts_.clock.steady();
            waiting.looked_at = now;
            if (round.over) {
                if (waiting.hash) by_hash_.erase(*waiting.hash);
                waiting_.erase(place);
            } else if (std::exchange(waiting.again, false)) {
                waiting.next = now;
            } else if (round.next > Milliseconds(0)) {
                waiting.pause = Milliseconds(0);
                waiting.next = now + round.next;
            } else {
                waiting.pause = std::clamp(waiting.pause * 2, kFirstPause, kLongestSettlementPause);
                waiting.next = now + waiting.pause;
            }
        }
    }
    wake_();
}

// ---- one purchase, from wherever it stands
// ---------------------------------------------------------------------------

/// Each turn of the loop is one durable step further.
Settlements::Round Settlements::go_on(PurchaseId purchase)
{
    for (;;) {
        const auto invoiced = parts_.store.invoice_of(purchase);
        if (!invoiced) return Round{invoiced.error().reason == Reason::not_found, Milliseconds(0)};
        const State before = invoiced->purchase.state;
        const auto round = [&]() -> Result<Round> {
            switch (before) {
            case State::open:
            case State::accepted:
            case State::released: // hinted at: the backend may have changed its mind
                return look(*invoiced);
            case State::live:
                TRY(parts_.store.mark_settling(purchase));
                return Round{};
            case State::settling:
                return settle(*invoiced);
            case State::redeemed:
                return deliver(*invoiced);
            case State::refunding:
                if (!parts_.till) return Error{Reason::policy, "refunding, and Cashu is off: switch it on"};
                TRY(parts_.till->resume_refund(purchase, *invoiced->purchase.refund_key, invoiced->purchase.price));
                return Round{};
            case State::active:
            case State::ended:
            case State::refunded:
            case State::received:
            case State::reserved:
            case State::swapping:
                break;
            }
            return Round{true, {}};
        }();
        if (!round) {
            log_debug("invoice_waits", {{"purchase", number_of(purchase)},
                                        {"state", session::state_word(before)},
                                        {"reason", protocol::reason_info(round.error().reason).word},
                                        {"detail", round.error().detail}});
            return Round{};
        }
        if (round->over || round->next > Milliseconds(0)) {
            if (round->over) parts_.limits.ended(purchase);
            return *round;
        }
        const auto after = parts_.store.purchase(purchase);
        if (!after || after->state == before) return Round{}; // no further now
        log_info("invoice_went_on", {{"purchase", number_of(purchase)},
                                     {"was", session::state_word(before)},
                                     {"is", session::state_word(after->state)}});
        count(before, *after);
        if (after->state == State::active) delivered_(*after);
        if (after->state == State::redeemed || after->state == State::active || after->state == State::refunded) {
            parts_.limits.ended(purchase);
            settled_();
        }
    }
}

void Settlements::count(State was, const store::Purchase& is)
{
    const bool held = was == State::live || was == State::settling; // paid and delivered in one, then
    if (is.state == State::live || (is.state == State::active && !held))
        parts_.metrics.invoice_took(parts_.clock.now() - is.created_at);
    if (is.state == State::redeemed || (is.state == State::active && held))
        parts_.metrics.received(is.method, is.mint, is.price);
    if (is.state == State::active) parts_.metrics.sold(is);
    if (is.state == State::refunded) parts_.metrics.refunded(is.method, is.price);
}

Result<lightning::InvoiceStatus> Settlements::ask(const InvoicedPurchase& invoiced)
{
    auto status = parts_.node.heard(parts_.node.backend().look_up(invoiced.invoice.payment_hash));
    const bool forgotten = !status && status.error().reason == Reason::not_found &&
                           parts_.clock.now() - invoiced.invoice.expires_at >= kForgottenAfter;
    if (forgotten) return lightning::InvoiceStatus{InvoiceState::ended, std::nullopt};
    return status;
}

Result<Settlements::Round> Settlements::look(const InvoicedPurchase& invoiced)
{
    const PurchaseId purchase = invoiced.purchase.id;
    const lightning::InvoiceStatus status = TRY(ask(invoiced));
    switch (status.state) {
    case InvoiceState::settled:
        TRY(parts_.store.mark_settled(purchase));
        return Round{};
    case InvoiceState::ended:
        if (invoiced.purchase.state == State::released) return Round{true, {}};
        // A peer may have been put that no row tells of: it is known as ours only as long as the row is not released.
        if (invoiced.purchase.state == State::accepted) TRY(parts_.tunnels.confirm_gone(*invoiced.purchase.client_key));
        TRY(parts_.store.mark_unpaid(purchase));
        return Round{true, {}};
    case InvoiceState::accepted:
        if (invoiced.purchase.state == State::open) {
            TRY(parts_.store.mark_accepted(purchase));
            return Round{};
        }
        return hold(invoiced, status);
    case InvoiceState::open:
        break;
    }
    if (invoiced.purchase.state == State::released) return Round{true, {}};
    if (parts_.clock.now() >= invoiced.invoice.expires_at) {
        // Over by the clock; by the backend's word it must be over too, before the address is anybody else's.
        const auto cancelled = parts_.node.backend().cancel(invoiced.invoice.payment_hash);
        if (!cancelled && cancelled.error().reason != Reason::policy) return cancelled.error();
        return Round{false, cancelled ? kSoon : kPollYoung};
    }
    return Round{false, poll_pause(invoiced.invoice)};
}

/// The payment is locked in: the peer first, then the money. If the peer can not go live the buyer keeps the money.
Result<Settlements::Round> Settlements::hold(const InvoicedPurchase& invoiced, const lightning::InvoiceStatus& status)
{
    const PaymentHash& hash = invoiced.invoice.payment_hash;
    const bool late = status.blocks_left && *status.blocks_left < protocol::kHoldBlocksLeast;
    if (!late) {
        const auto activated = activate(invoiced);
        if (activated) return Round{};
        const Error& why = activated.error();
        log_error("held_payment_not_delivered",
                  {{"purchase", number_of(invoiced.purchase.id)}, {"detail", why.detail}});
        const Seconds waited = parts_.clock.now() - invoiced.purchase.state_since;
        if (why.reason != Reason::above_max_purchase && waited < parts_.shop.config.sessions.activation_deadline)
            return Round{false, kDeliverAgain};
    }
    TRY(parts_.node.heard(parts_.node.backend().cancel(hash)));
    return Round{false, kSoon}; // the next look says what the backend made of it
}

Result<Settlements::Round> Settlements::settle(const InvoicedPurchase& invoiced)
{
    CHECK(invoiced.invoice.preimage.has_value()); // wiped only after the end
    const auto settled = parts_.node.heard(parts_.node.backend().settle(*invoiced.invoice.preimage));
    if (!settled)
        log_warn("settle_not_answered",
                 {{"purchase", number_of(invoiced.purchase.id)}, {"detail", settled.error().detail}});
    switch (TRY(ask(invoiced)).state) {
    case InvoiceState::settled:
        TRY(parts_.store.mark_settled(invoiced.purchase.id));
        return Round{};
    case InvoiceState::ended:
        log_error("held_payment_cancelled_by_the_backend", {{"purchase", number_of(invoiced.purchase.id)}});
        TRY(parts_.tunnels.take_back(invoiced.purchase.id, *invoiced.purchase.client_key));
        return Round{};
    case InvoiceState::accepted:
    case InvoiceState::open:
        break;
    }
    return Error{Reason::lightning_unreachable, "the backend has not settled yet"};
}

// ---- paid ----------------------------------------------------------------------------------------------------------

/// The money is ours, so the buyer gets the tunnel that the config names; or, when that has been impossible for too
/// long, the money back.
Result<Settlements::Round> Settlements::deliver(const InvoicedPurchase& invoiced)
{
    const auto activated = activate(invoiced);
    if (activated) return Round{};
    const Error& why = activated.error();
    if (why.reason == Reason::store_unavailable || why.reason == Reason::bad_step) return why;
    log_error("payment_not_delivered", {{"purchase", number_of(invoiced.purchase.id)}, {"detail", why.detail}});
    const Seconds waited = parts_.clock.now() - invoiced.purchase.state_since;
    if (why.reason != Reason::above_max_purchase && waited < parts_.shop.config.sessions.activation_deadline)
        return Round{false, kDeliverAgain};
    return pay_back(invoiced, why);
}

Result<Settlements::Round> Settlements::pay_back(const InvoicedPurchase& invoiced, const Error& why)
{
    // Nobody to pay back, or nothing to pay with: owed, and tried again, since a tunnel later is better than none.
    if (!invoiced.purchase.refund_key || !parts_.till) return why;
    // No peer may be left for what is paid back.
    TRY(parts_.tunnels.confirm_gone(*invoiced.purchase.client_key));
    TRY(parts_.till->pay_back(invoiced.purchase.id, invoiced.purchase.price, *invoiced.purchase.refund_key));
    return Round{};
}

Result<void> Settlements::activate(const InvoicedPurchase& invoiced)
{
    const store::Purchase& purchase = invoiced.purchase;
    const auto promised = purchase.holds_lease ? Result<store::Lease>(Error{Reason::no_ip_available})
                                               : parts_.tunnels.candidate_at(invoiced.invoice.promised);
    const auto held = parts_.store.take_lease(purchase.id, promised ? &*promised : nullptr);
    if (promised && !(held && held->used_candidate)) parts_.tunnels.let_rest(*promised);
    if (!held) return held.error();
    if (held->lease.address != invoiced.invoice.promised.address)
        log_warn("lightning_address_is_another",
                 {{"purchase", number_of(purchase.id)}}); // its key has bought again since
    const SteadyTime began = parts_.clock.steady();
    TRY(parts_.tunnels.activate(purchase.id, *purchase.client_key, held->lease,
                                {.session_id = invoiced.invoice.session_id}));
    log_info("session_active",
             {{"purchase", number_of(purchase.id)},
              {"quantity", purchase.quantity},
              {"took_ms", std::chrono::duration_cast<Milliseconds>(parts_.clock.steady() - began).count()}});
    return {};
}

Result<std::vector<store::Purchase>> Settlements::owed() const
{
    std::vector<store::Purchase> owed;
    const UnixSeconds now = parts_.clock.now();
    for (const auto& open : TRY(parts_.store.open_invoices())) {
        const Seconds waited = now - open.state_since;
        const bool undelivered =
            open.state == State::redeemed && waited >= parts_.shop.config.sessions.activation_deadline;
        const bool unsettled =
            (open.state == State::refunding || open.state == State::settling) && waited >= protocol::kOwedAfter;
        if (undelivered || unsettled) owed.push_back(TRY(parts_.store.purchase(open.purchase)));
    }
    return owed;
}

Milliseconds Settlements::poll_pause(const store::Invoice& invoice) const
{
    const std::size_t waiting = [&] {
        const std::lock_guard lock(mutex_);
        return waiting_.size();
    }();
    const Seconds age = protocol::kInvoiceExpiry - (invoice.expires_at - parts_.clock.now());
    const Milliseconds wanted = age < kYoung ? kPollYoung : kPollOld;
    const Milliseconds fair{static_cast<std::int64_t>(waiting * 1000 / kLooksPerSecond)};
    const Milliseconds left = invoice.expires_at - parts_.clock.now() + Seconds(1);
    return std::min(std::max(wanted, fair), std::max(left, kSoon));
}

} // namespace adit::app
