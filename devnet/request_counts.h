// devnet/request_counts.h - how many requests came in, by the endpoint's name for faults.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace adit::devnet {

/// Any thread.
class RequestCounts {
public:
    void count(std::string_view endpoint)
    {
        const std::lock_guard lock(mutex_);
        ++counts_[std::string(endpoint)];
    }
    std::map<std::string, std::uint64_t> all() const
    {
        const std::lock_guard lock(mutex_);
        return counts_;
    }

private:
    mutable std::mutex mutex_;
    std::map<std::string, std::uint64_t> counts_;
};

} // namespace adit::devnet
