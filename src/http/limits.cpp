#include "http/limits.h"

#include <algorithm>

namespace adit::http {

namespace {

constexpr std::int64_t elapsed_ms(SteadyTime from, SteadyTime to)
{
    return std::max<std::int64_t>(std::chrono::duration_cast<Milliseconds>(to - from).count(), 0);
}

} // namespace

std::int64_t SourceLimiter::level(const Bucket& bucket, SteadyTime now) const
{
    const std::int64_t full = rate_.refill.count() * rate_.burst;
    return std::min(full, bucket.level_ms + std::min(full, elapsed_ms(bucket.at, now)));
}

bool SourceLimiter::take(std::string_view source, SteadyTime now, std::uint32_t cost)
{
    if (source.empty()) return true;
    const std::int64_t price = rate_.refill.count() * cost;
    const std::lock_guard lock(mutex_);
    const auto found = by_source_.find(source);
    if (found == by_source_.end()) {
        if (cost > rate_.burst || rate_.sources == 0) return false;
        if (buckets_.size() >= rate_.sources) {
            by_source_.erase(buckets_.back().source);
            buckets_.pop_back();
        }
        buckets_.push_front({std::string(source), rate_.refill.count() * rate_.burst - price, now});
        by_source_.emplace(buckets_.front().source, buckets_.begin());
        return true;
    }
    buckets_.splice(buckets_.begin(), buckets_, found->second);
    Bucket& bucket = buckets_.front();
    const std::int64_t there = level(bucket, now);
    if (there < price) return false; // its level and time stay, so asking in vain costs nothing
    bucket.level_ms = there - price;
    bucket.at = std::max(bucket.at, now);
    return true;
}

Milliseconds SourceLimiter::wait(std::string_view source, SteadyTime now, std::uint32_t cost) const
{
    const std::lock_guard lock(mutex_);
    const auto found = by_source_.find(source);
    if (found == by_source_.end()) return Milliseconds(0);
    return Milliseconds(std::max<std::int64_t>(rate_.refill.count() * cost - level(*found->second, now), 0));
}

std::size_t SourceLimiter::remembered() const
{
    const std::lock_guard lock(mutex_);
    return buckets_.size();
}

} // namespace adit::http
