// tests/payments/lightning/listener_testing.h - what a backend told, to be waited for.
#pragma once

#include "payments/lightning/backend.h"
#include "scripted_node.h"

#include <algorithm>

namespace adit::payments::lightning {

class RecordingListener final : public Listener {
public:
    void invoice_changed(const PaymentHash& hash) override
    {
        record([&] { changed_.push_back(hash); });
    }
    void events_may_be_missing() override
    {
        record([&] { ++missing_; });
    }
    void told_up_to(std::uint64_t settle_index) override
    {
        record([&] { told_.push_back(settle_index); });
    }

    bool wait_for_change(const PaymentHash& hash, std::ptrdiff_t times = 1)
    {
        return wait([&] { return std::count(changed_.begin(), changed_.end(), hash) >= times; });
    }
    bool wait_for_missing(int times)
    {
        return wait([&] { return missing_ >= times; });
    }
    bool wait_for_told(std::uint64_t settle_index)
    {
        return wait([&] { return std::find(told_.begin(), told_.end(), settle_index) != told_.end(); });
    }
    std::vector<PaymentHash> changed()
    {
        const std::lock_guard lock(mutex_);
        return changed_;
    }
    std::vector<std::uint64_t> told()
    {
        const std::lock_guard lock(mutex_);
        return told_;
    }
    int missing()
    {
        const std::lock_guard lock(mutex_);
        return missing_;
    }

private:
    template<typename Change>
    void record(Change change)
    {
        const std::lock_guard lock(mutex_);
        change();
        came_.notify_all();
    }
    template<typename Condition>
    bool wait(Condition condition)
    {
        std::unique_lock lock(mutex_);
        return came_.wait_for(lock, std::chrono::seconds(20), condition);
    }

    std::mutex mutex_;
    std::condition_variable came_;
    std::vector<PaymentHash> changed_;
    std::vector<std::uint64_t> told_;
    int missing_ = 0;
};

} // namespace adit::payments::lightning
