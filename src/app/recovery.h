// app/recovery.h - purchases that a silent mint or a crash left in the middle: brought to an end in the background.
// spec: Journal
#pragma once

#include "app/in_flight.h"
#include "app/metrics.h"
#include "app/swap_limits.h"
#include "app/tunnels.h"
#include "payments/till.h"

#include <map>
#include <mutex>

namespace adit::app {

/// Thread-safe; step() is for one background thread.
class Recovery {
public:
    /// All references must outlive it.
    Recovery(store::Store& store, payments::Till& till, InFlight& in_flight, SwapLimits& limits, const Clock& clock,
             Metrics& metrics);

    /// Called after add(), so that the background thread looks when the next try is.
    void on_new(std::function<void()> wake) { wake_ = std::move(wake); }
    /// Called after a purchase came to its end: the wallet has other proofs than before, to be told to relays.
    void on_settled(std::function<void()> settled) { settled_ = std::move(settled); }
    /// At start: frees what was only reserved (the mint never heard of it), and takes up the rest.
    /// Errors: store_unavailable.
    Result<void> load();
    void add(payments::PurchaseId purchase);

    /// Tries what is due, and says how long until the next.
    Milliseconds step();
    /// Purchases whose outcome is unknown for longer than an hour: owed, and shown.
    std::vector<payments::PurchaseId> owed() const;

private:
    struct Pending {
        SteadyTime next;
        Milliseconds pause{2'000};
        UnixSeconds since; // its outcome is unknown
        bool holds_address = true;
    };
    void add(payments::PurchaseId purchase, UnixSeconds since);
    enum class Outcome { settled, unknown, busy };
    Outcome try_again(const store::Purchase& purchase);
    bool let_go_of_lease(const store::Purchase& purchase);
    void drop_address(const store::Purchase& purchase);

    store::Store& store_;
    payments::Till& till_;
    InFlight& in_flight_;
    SwapLimits& limits_;
    const Clock& clock_;
    Metrics& metrics_;
    std::function<void()> wake_ = [] {};
    std::function<void()> settled_ = [] {};
    mutable std::mutex mutex_;
    std::map<payments::PurchaseId, Pending> pending_;
};

} // namespace adit::app
