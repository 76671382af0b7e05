// app/settlements.h - invoices that wait, and what becomes of them: paid, live, settled; or not paid, and gone.
// The backend's hints only say when to look: what is true is asked each time, and each step is on disk before the act
// that it announces. spec: Journal of an invoice
#pragma once

#include "app/invoice_limits.h"
#include "app/lightning_node.h"
#include "app/metrics.h"
#include "app/shop.h"
#include "app/tunnels.h"
#include "base/workers.h"
#include "payments/till.h"

#include <map>
#include <mutex>
#include <set>

namespace adit::app {

/// Thread-safe; step() is for one background thread. The looking itself is done by workers, some at a time.
class Settlements final : public payments::lightning::Listener {
public:
    struct Parts {
        const Shop& shop;
        store::Store& store;
        LightningNode& node;
        Tunnels& tunnels;
        InvoiceLimits& limits;
        payments::Till* till; // pays back what can not be delivered; nullptr: that is left to the operator
        Workers& workers;
        const Clock& clock;
        Metrics& metrics;
    };
    /// What is referred to must outlive it.
    explicit Settlements(Parts parts);

    /// Called when something became due before the time that step() gave.
    void on_work(std::function<void()> wake) { wake_ = std::move(wake); }
    /// Called after a payment was settled or paid back.
    void on_settled(std::function<void()> settled) { settled_ = std::move(settled); }
    /// Called for each purchase that is up and paid for: must not block.
    void on_delivered(std::function<void(const store::Purchase&)> delivered) { delivered_ = std::move(delivered); }
    /// At start: frees what was only reserved (nobody has seen its invoice), and takes up the rest.
    /// Errors: store_unavailable.
    Result<void> load();
    /// An invoice that may be paid from now on.
    void add(payments::PurchaseId purchase, const store::Invoice& invoice);
    /// Somebody asks: look soon, if that was not done just now.
    void ask_for(payments::PurchaseId purchase);

    /// Paid and neither delivered nor paid back for longer than the activation deadline; refunds and settlements whose
    /// outcome is unknown for longer than an hour. Errors: store_unavailable.
    Result<std::vector<store::Purchase>> owed() const;

    /// Begins what is due, and says how long until the next.
    Milliseconds step();
    /// One purchase, as far as it goes now; for tests too. Blocking.
    void attend(payments::PurchaseId purchase);

    // Listener: from a thread of the backend.
    void invoice_changed(const payments::lightning::PaymentHash& hash) override;
    void events_may_be_missing() override;
    void told_up_to(std::uint64_t settle_index) override;
    std::uint64_t settle_index() const; // of the store

private:
    struct Waiting {
        std::optional<payments::lightning::PaymentHash> hash;
        SteadyTime next;
        SteadyTime looked_at;
        Milliseconds pause{0}; // after silence: doubles
        bool attended = false; // by a worker, at this moment
        bool again = false;    // a hint came meanwhile
    };
    /// How a round ended: with nothing left to do, or to be taken up again then.
    struct Round {
        bool over = false;
        Milliseconds next{0}; // 0: as after silence, each time later
    };

    Round go_on(payments::PurchaseId purchase);
    void count(session::State was, const store::Purchase& is);
    Result<Round> look(const store::InvoicedPurchase& invoiced);
    Result<Round> hold(const store::InvoicedPurchase& invoiced, const payments::lightning::InvoiceStatus& status);
    Result<Round> settle(const store::InvoicedPurchase& invoiced);
    Result<Round> deliver(const store::InvoicedPurchase& invoiced);
    Result<Round> pay_back(const store::InvoicedPurchase& invoiced, const Error& why);
    Result<void> activate(const store::InvoicedPurchase& invoiced);
    Result<payments::lightning::InvoiceStatus> ask(const store::InvoicedPurchase& invoiced);
    Milliseconds poll_pause(const store::Invoice& invoice) const;
    Milliseconds probe();
    void wait_for(payments::PurchaseId purchase, std::optional<payments::lightning::PaymentHash> hash);

    const Parts parts_;
    std::function<void()> wake_ = [] {};
    std::function<void()> settled_ = [] {};
    std::function<void(const store::Purchase&)> delivered_ = [](const store::Purchase&) {};
    mutable std::mutex mutex_;
    std::map<payments::PurchaseId, Waiting> waiting_;
    std::map<payments::lightning::PaymentHash, payments::PurchaseId> by_hash_;
    /// Hinted at, and not waited for: an invoice that ended may have been paid after all.
    std::set<payments::lightning::PaymentHash> strangers_;
    std::size_t attending_ = 0;
    SteadyTime next_probe_;
};

} // namespace adit::app
