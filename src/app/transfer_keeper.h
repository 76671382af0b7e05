// app/transfer_keeper.h - transfers that a silent mint or a crash left in the middle: brought to an end in the
// background. spec: Transfers
#pragma once

#include "base/clock.h"
#include "payments/transfers.h"

#include <map>
#include <mutex>

namespace adit::app {

/// Thread-safe; step() is for one background thread.
class TransferKeeper {
public:
    /// All references must outlive it. It is told of every transfer whose outcome is not known.
    TransferKeeper(payments::TransferJournal& journal, payments::Transfers& transfers, const Clock& clock);

    /// Called after one came, so that the background thread looks when the next try is.
    void on_new(std::function<void()> wake) { wake_ = std::move(wake); }
    /// Called after a transfer came to its end: the wallet has other proofs than before, to be told to relays.
    void on_settled(std::function<void()> settled) { settled_ = std::move(settled); }
    /// At start. Errors: store_unavailable.
    Result<void> load();
    /// Tries what is due, and says how long until the next.
    Milliseconds step();

private:
    struct Pending {
        SteadyTime next;
        Milliseconds pause{2'000};
    };
    void add(payments::TransferId transfer);

    payments::TransferJournal& journal_;
    payments::Transfers& transfers_;
    const Clock& clock_;
    std::function<void()> wake_ = [] {};
    std::function<void()> settled_ = [] {};
    std::mutex mutex_;
    std::map<payments::TransferId, Pending> pending_;
};

} // namespace adit::app
