// app/invoice_limits.h - what strangers may make us hold or ask of a Lightning node, who pay nothing for an invoice.
// All in memory: sources are never stored. spec: Purchase with Lightning
#pragma once

#include "app/config.h"
#include "payments/journal.h"

#include <map>
#include <mutex>
#include <string>

namespace adit::app {

/// Thread-safe. An invoice counts from before it is asked for until it is paid or has ended.
class InvoiceLimits {
public:
    InvoiceLimits(const LimitsConfig& config, std::uint64_t pool_size);

    /// One invoice that is being made; it is given up when this dies unkept. Must not outlive the limits.
    class Turn {
    public:
        Turn(InvoiceLimits& limits, std::string source) : limits_(&limits), source_(std::move(source)) {}
        Turn(Turn&& other) noexcept : limits_(std::exchange(other.limits_, nullptr)), source_(std::move(other.source_))
        {
        }
        Turn& operator=(Turn&&) = delete;
        ~Turn();
        /// The invoice exists and counts on, until ended().
        void keep(payments::PurchaseId purchase);

    private:
        InvoiceLimits* limits_;
        std::string source_;
    };

    /// Errors: no_ip_available (unpaid invoices hold half of the pool, or three addresses of this source), busy (the
    /// backend has its share of the workers).
    Result<Turn> start(const std::string& source);
    /// Of an invoice from before a restart, whose source is not remembered.
    void holds(payments::PurchaseId purchase);
    /// Paid, or not payable any more.
    void ended(payments::PurchaseId purchase);

private:
    void forget_source(const std::string& source); // with mutex_ held

    const std::uint64_t most_;
    const std::uint64_t most_calls_;

    std::mutex mutex_;
    std::uint64_t calls_ = 0;
    std::map<std::string, std::uint64_t> of_source_;
    std::map<payments::PurchaseId, std::string> held_;
};

} // namespace adit::app
