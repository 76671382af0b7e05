#include "app/invoice_limits.h"

#include "protocol/constants.h"

#include <algorithm>

namespace adit::app {

InvoiceLimits::InvoiceLimits(const LimitsConfig& config, std::uint64_t pool_size)
    : most_(std::max<std::uint64_t>(1, pool_size / 2)), most_calls_(std::max<std::uint64_t>(1, config.workers / 4))
{
}

Result<InvoiceLimits::Turn> InvoiceLimits::start(const std::string& source)
{
    const std::lock_guard lock(mutex_);
    if (calls_ >= most_calls_) return Error{Reason::busy, "the Lightning node has its share of the workers"};
    if (held_.size() + calls_ >= most_) return Error{Reason::no_ip_available, "unpaid invoices hold half of the pool"};
    if (!source.empty()) {
        std::uint64_t& count = of_source_[source];
        if (count >= protocol::kAddressesPerSource)
            return Error{Reason::no_ip_available, "unpaid invoices of this source hold three addresses"};
        ++count;
    }
    ++calls_;
    return Turn(*this, source);
}

void InvoiceLimits::forget_source(const std::string& source)
{
    const auto place = of_source_.find(source);
    if (place != of_source_.end() && --place->second == 0) of_source_.erase(place);
}

InvoiceLimits::Turn::~Turn()
{
    if (!limits_) return;
    const std::lock_guard lock(limits_->mutex_);
    --limits_->calls_;
    limits_->forget_source(source_);
}

void InvoiceLimits::Turn::keep(payments::PurchaseId purchase)
{
    CHECK(limits_ != nullptr);
    const std::lock_guard lock(limits_->mutex_);
    --limits_->calls_;
    limits_->held_[purchase] = std::move(source_);
    limits_ = nullptr;
}

void InvoiceLimits::holds(payments::PurchaseId purchase)
{
    const std::lock_guard lock(mutex_);
    held_[purchase];
}

void InvoiceLimits::ended(payments::PurchaseId purchase)
{
    const std::lock_guard lock(mutex_);
    const auto place = held_.find(purchase);
    if (place == held_.end()) return;
    forget_source(place->second);
    held_.erase(place);
}

} // namespace adit::app
