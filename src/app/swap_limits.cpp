#include "app/swap_limits.h"

#include "payments/mints.h"
#include "protocol/constants.h"

#include <algorithm>

namespace adit::app {

namespace {

http::Rate hourly(std::uint64_t count)
{
    const auto burst = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(count, 1, 1'000'000));
    return {burst, std::max(Milliseconds(1), Milliseconds(3'600'000 / static_cast<std::int64_t>(burst)))};
}

constexpr std::string_view kAll = "all";

} // namespace

SwapLimits::SwapLimits(const LimitsConfig& config, std::uint64_t pool_size)
    : most_held_(std::max<std::uint64_t>(1, pool_size / 2)),
      most_calls_of_silent_(std::max<std::uint64_t>(1, config.workers / 4)),
      without_dleq_of_source_(hourly(config.undleqed_swaps_per_hour_per_source)),
      without_dleq_(hourly(config.undleqed_swaps_per_hour))
{
}

Result<SwapLimits::Turn> SwapLimits::start(const payments::Tender& tender, const std::string& source, SteadyTime now)
{
    const std::lock_guard lock(mutex_);
    TRY(room_for(source));
    TRY(room_at(*tender.mint));
    if (!tender.every_proof_has_dleq && (!without_dleq_of_source_.take(source, now) || !without_dleq_.take(kAll, now)))
        return Error{Reason::too_many_requests, "too many tokens without DLEQ"};
    return begin(*tender.mint);
}

Result<SwapLimits::Turn> SwapLimits::ask_again(const payments::Mint& mint)
{
    const std::lock_guard lock(mutex_);
    TRY(room_at(mint));
    return begin(mint);
}

SwapLimits::Turn SwapLimits::begin(const payments::Mint& mint)
{
    ++calls_[&mint];
    return Turn(*this, mint);
}

Result<void> SwapLimits::room_at(const payments::Mint& mint) const
{
    const auto calls = calls_.find(&mint);
    if (mint.silent() && calls != calls_.end() && calls->second >= most_calls_of_silent_)
        return Error{Reason::busy, "the mint does not answer and holds its share of the workers"};
    return {};
}

void SwapLimits::finished(const payments::Mint& mint)
{
    const std::lock_guard lock(mutex_);
    --calls_[&mint];
}

Result<void> SwapLimits::room_for(const std::string& source) const
{
    if (holding_.size() >= most_held_) return Error{Reason::no_ip_available, "unknown swaps hold half of the pool"};
    const auto of_source =
        std::ranges::count_if(holding_, [&](const auto& entry) { return !source.empty() && entry.second == source; });
    if (static_cast<std::uint64_t>(of_source) >= protocol::kAddressesPerSource)
        return Error{Reason::no_ip_available, "unknown swaps of this source hold three addresses"};
    return {};
}

bool SwapLimits::hold_address(payments::PurchaseId purchase, const std::string& source)
{
    const std::lock_guard lock(mutex_);
    if (holding_.contains(purchase)) return true;
    if (!room_for(source)) return false;
    holding_.emplace(purchase, source);
    return true;
}

void SwapLimits::holds_none(payments::PurchaseId purchase)
{
    const std::lock_guard lock(mutex_);
    holding_.erase(purchase);
}

} // namespace adit::app
