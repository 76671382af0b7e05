// app/refunds.h - grants that end before their time, and the money for what was unused of them. What ends, how much is
// owed and to which key is one transaction, with the peer gone before it; then the wallet pays, as often as it takes.
// spec: Closing
#pragma once

#include "app/tunnels.h"
#include "base/clock.h"
#include "payments/transfers.h"

#include <map>
#include <mutex>
#include <set>

namespace adit::app {

struct CloseTerms {
    /// Of the active grants of the session; none chosen is refused.
    std::function<bool(const store::SessionGrant&)> which;
    std::uint64_t percent = 100;    // of what is unused
    std::optional<Sat> amount = {}; // instead of that; of one grant only, its price at most
    store::ClosedBy by{};
    std::string note = {};
};

/// Blocking: from workers. Thread-safe; step() is for one background thread.
class Refunds {
public:
    /// Pays once however often it is asked by that name, and gives the token. Errors: mint_unreachable (not known yet),
    /// policy (not enough), and whatever else leaves it owed.
    using Pay = std::function<Result<std::string>(const store::Refund& refund, const std::string& name)>;
    struct Parts {
        store::Store& store;
        Tunnels& tunnels;
        Pay pay;
        const Clock& clock;
    };
    /// What is referred to must outlive it.
    explicit Refunds(Parts parts) : parts_(std::move(parts)) {}

    /// Called when one has become owed, so that the background thread looks when the next try is.
    void on_new(std::function<void()> wake) { wake_ = std::move(wake); }
    /// Called after one was paid: the wallet has other proofs than before.
    void on_settled(std::function<void()> settled) { settled_ = std::move(settled); }
    /// At start: those that are owed. Errors: store_unavailable.
    Result<void> load();

    /// Ends grants of a live session, and books what is owed for what was unused of them. The session goes on with what
    /// is left of it. Errors: not_found (no such session, or nothing of it is chosen), session_ended, bad_request (in
    /// words: a grant without a key to pay to, an amount above its price), bad_step (renewed at this moment),
    /// device_unavailable, store_unavailable. Nothing has happened then.
    Result<std::vector<store::RefundId>> close(std::int64_t session, const CloseTerms& terms);
    /// Its row, paid now if it was not. Errors: refund_pending (it is tried again in the background), not_found,
    /// store_unavailable.
    Result<store::Refund> settle(store::RefundId refund);
    /// Tries what is due, and says how long until the next.
    Milliseconds step();

private:
    struct Pending {
        SteadyTime next;
        Milliseconds pause{2'000};
    };
    Result<store::Closing> decide(std::int64_t session, const CloseTerms& terms,
                                  std::span<const session::Segment> segments, UnixSeconds now);
    bool begin(store::RefundId refund);
    void add(store::RefundId refund, Milliseconds first_try);

    const Parts parts_;
    std::function<void()> wake_ = [] {};
    std::function<void()> settled_ = [] {};
    std::mutex mutex_;
    std::map<store::RefundId, Pending> pending_;
    std::set<store::RefundId> paying_; // at this moment, by some thread
};

/// From the wallet: at the mint that the purchases were paid at, else where there is enough. `transfers` must outlive
/// it.
Refunds::Pay pay_by(payments::Transfers& transfers);

} // namespace adit::app
