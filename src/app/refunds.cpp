#include "app/refunds.h"

#include "base/log.h"
#include "session/unused.h"

#include <algorithm>

namespace adit::app {

using store::Refund;
using store::RefundId;
using store::SessionGrant;

namespace {

constexpr Milliseconds kCloserFirst{2'000}; // whoever closes pays first: two at once would be in each other's way
constexpr Milliseconds kPauseMost{300'000};
constexpr Milliseconds kNothingToDo{3'600'000};
constexpr std::size_t kPayingAtOnce = 4; // a silent mint holds no more workers than that

bool is_in_queue(const SessionGrant& grant)
{
    return grant.state == session::State::active || grant.state == session::State::live ||
           grant.state == session::State::settling;
}

std::string words_for(const SessionGrant& grant) { return "purchase " + std::to_string(number_of(grant.purchase)); }

/// Where in `refunds` what is owed to that key at that mint stands.
std::size_t place_of(std::vector<store::Closing::Owed>& refunds, const protocol::PublicKey& lock,
                     const std::optional<std::string>& mint)
{
    const auto same = [&](const store::Closing::Owed& owed) { return owed.lock == lock && owed.mint == mint; };
    const auto found = std::ranges::find_if(refunds, same);
    if (found != refunds.end()) return static_cast<std::size_t>(found - refunds.begin());
    refunds.push_back({lock, mint, Sat{}});
    return refunds.size() - 1;
}

} // namespace

Result<void> Refunds::load()
{
    for (const Refund& refund : TRY(parts_.store.owed_refunds())) add(refund.id, Milliseconds(0));
    return {};
}

void Refunds::add(RefundId refund, Milliseconds first_try)
{
    {
        const std::lock_guard lock(mutex_);
        pending_.try_emplace(refund, Pending{parts_.clock.steady() + first_try});
    }
    wake_();
}

Result<std::vector<RefundId>> Refunds::close(std::int64_t session, const CloseTerms& terms)
{
    auto refunds = TRY(parts_.tunnels.close(session, [&](std::span<const session::Segment> segments, UnixSeconds now) {
        return decide(session, terms, segments, now);
    }));
    log_info("grants_closed", {{"session", session}, {"refunds", refunds.size()}});
    for (const RefundId refund : refunds) add(refund, kCloserFirst);
    return refunds;
}

Result<store::Closing> Refunds::decide(std::int64_t session, const CloseTerms& terms,
                                       std::span<const session::Segment> segments, UnixSeconds now)
{
    std::vector<SessionGrant> held = TRY(parts_.store.grants_of(session));
    std::erase_if(held, [](const SessionGrant& grant) { return !is_in_queue(grant); });
    std::vector<session::GrantSize> sizes;
    sizes.reserve(held.size());
    for (const SessionGrant& grant : held) sizes.push_back(grant.grant);
    const auto unused = session::unused(segments, sizes, now);

    store::Closing closing;
    closing.by = terms.by;
    closing.note = terms.note;
    std::vector<session::Stays> stays(held.size(), session::Stays::yes);
    for (std::size_t i = 0; i < held.size(); ++i) {
        const SessionGrant& grant = held[i];
        if (grant.state != session::State::active || !terms.which(grant)) continue;
        const auto& lock = grant.refund_key ? grant.refund_key : grant.auth_key;
        if (!lock) return Error{Reason::bad_request, words_for(grant) + " names no key to pay back to"};
        if (terms.amount && *terms.amount > grant.price)
            return Error{Reason::bad_request, words_for(grant) + " did not cost that much"};
        const Sat worth = terms.amount.value_or(session::worth_of(grant.price, grant.grant, unused[i], terms.percent));
        const std::size_t place = place_of(closing.refunds, *lock, grant.mint);
        const auto all = sum(closing.refunds[place].amount, worth);
        CHECK(all.has_value()); // prices of purchases that were paid
        closing.refunds[place].amount = *all;
        closing.grants.push_back({grant.purchase, unused[i], worth, place});
        stays[i] = session::Stays::no;
    }
    if (closing.grants.empty()) return Error{Reason::not_found, "nothing of it is there to be closed"};
    if (terms.amount && closing.grants.size() != 1)
        return Error{Reason::bad_request, "an amount is for one purchase: say which"};
    closing.left = session::without(segments, sizes, stays, now);
    return closing;
}

/// False where another thread is at it, or too many are at others.
bool Refunds::begin(RefundId refund)
{
    const std::lock_guard lock(mutex_);
    if (paying_.size() >= kPayingAtOnce) return false;
    return paying_.insert(refund).second;
}

Result<Refund> Refunds::settle(RefundId id)
{
    const Refund refund = TRY(parts_.store.refund(id));
    if (refund.settled_at) {
        const std::lock_guard lock(mutex_);
        pending_.erase(id);
        return refund;
    }
    if (!begin(id)) return Error{Reason::refund_pending, "it is being paid at this moment"};
    const auto token = parts_.pay(refund, "refund." + std::to_string(number_of(id)));
    Result<void> booked =
        token ? parts_.store.settle_refund(id, *token, parts_.clock.now()) : Result<void>(token.error());
    {
        const std::lock_guard lock(mutex_);
        paying_.erase(id);
        if (booked) pending_.erase(id);
    }
    if (!booked) {
        log_warn("refund_not_paid", {{"refund", number_of(id)}, {"detail", booked.error().detail}});
        add(id, kCloserFirst);
        return Error{Reason::refund_pending, booked.error().detail};
    }
    log_info("refund_paid", {{"refund", number_of(id)}, {"sat", refund.amount.count()}});
    settled_();
    return parts_.store.refund(id);
}

Milliseconds Refunds::step()
{
    std::vector<RefundId> due;
    {
        const std::lock_guard lock(mutex_);
        for (auto& [id, pending] : pending_) {
            if (pending.next > parts_.clock.steady()) continue;
            pending.next = parts_.clock.steady() + pending.pause;
            pending.pause = std::min(pending.pause * 2, kPauseMost);
            due.push_back(id);
        }
    }
    for (const RefundId id : due) {
        // What fails stays where it is, to be tried again.
        [[maybe_unused]] const auto settled = settle(id);
    }
    const std::lock_guard lock(mutex_);
    Milliseconds next = kNothingToDo;
    for (const auto& [id, pending] : pending_)
        next = std::min(next, std::chrono::ceil<Milliseconds>(pending.next - parts_.clock.steady()));
    return std::max(next, Milliseconds(0));
}

Refunds::Pay pay_by(payments::Transfers& transfers)
{
    return [&transfers](const Refund& refund, const std::string& name) -> Result<std::string> {
        payments::SendOrder order{.mint = refund.mint,
                                  .amount = refund.amount,
                                  .lock = refund.lock,
                                  .kind = payments::TransferKind::refund,
                                  .reference = name};
        auto transfer = transfers.send(order);
        const bool elsewhere =
            !transfer && order.mint &&
            (transfer.error().reason == Reason::policy || transfer.error().reason == Reason::wrong_mint);
        if (elsewhere) {
            order.mint.reset();
            transfer = transfers.send(order);
        }
        if (!transfer) return transfer.error();
        if (!transfer->token) return Error{Reason::mint_unreachable, "the mint has not signed it yet"};
        return std::move(*transfer->token);
    };
}

} // namespace adit::app
