// app/swap_limits.h - what strangers may make us hold or ask of a mint. All in memory: sources are never stored.
// spec: Journal
#pragma once

#include "app/config.h"
#include "http/limits.h"
#include "payments/journal.h"
#include "payments/tender.h"

#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace adit::app {

/// Thread-safe.
class SwapLimits {
public:
    SwapLimits(const LimitsConfig& config, std::uint64_t pool_size);

    /// One call of a mint that is under way; it is over when this dies. Must not outlive the limits.
    class Turn {
    public:
        Turn(SwapLimits& limits, const payments::Mint& mint) : limits_(&limits), mint_(&mint) {}
        Turn(Turn&& other) noexcept : limits_(std::exchange(other.limits_, nullptr)), mint_(other.mint_) {}
        Turn& operator=(Turn&&) = delete;
        ~Turn()
        {
            if (limits_) limits_->finished(*mint_);
        }

    private:
        SwapLimits* limits_;
        const payments::Mint* mint_;
    };

    /// Whether this tender may be swapped for this source now. A yes takes from the budget of tokens without DLEQ.
    /// Errors: busy (the mint is silent and has its share of
    /// the workers), no_ip_available (unknown swaps hold their share of the addresses), too_many_requests (the budget).
    Result<Turn> start(const payments::Tender& tender, const std::string& source, SteadyTime now);
    /// Whether this mint may be asked about a swap that it owes an answer to: for a buyer who repeats, since the
    /// background asks anyway. Errors: busy, as start.
    Result<Turn> ask_again(const payments::Mint& mint);
    /// A swap whose outcome is unknown holds an address for this source, until it is settled or the address is dropped.
    /// False: unknown swaps have their share already, so it must be dropped at once.
    [[nodiscard]] bool hold_address(payments::PurchaseId purchase, const std::string& source);
    void holds_none(payments::PurchaseId purchase);

private:
    void finished(const payments::Mint& mint);
    // With mutex_ held:
    Result<void> room_at(const payments::Mint& mint) const;
    Result<void> room_for(const std::string& source) const;
    Turn begin(const payments::Mint& mint);

    const std::uint64_t most_held_;
    const std::uint64_t most_calls_of_silent_;
    http::SourceLimiter without_dleq_of_source_;
    http::SourceLimiter without_dleq_;

    std::mutex mutex_;
    std::map<const payments::Mint*, std::uint64_t> calls_;
    std::map<payments::PurchaseId, std::string> holding_;
};

} // namespace adit::app
