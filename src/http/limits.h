// http/limits.h - how often a source may ask: one token bucket for each, in memory only.
#pragma once

#include "base/time.h"

#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace adit::http {

struct Rate {
    std::uint32_t burst = 20;         // tokens in a full bucket
    Milliseconds refill = Seconds(1); // one token comes back in this time
    std::size_t sources = 10'000;     // beyond it the source that asked longest ago is forgotten
};

/// Any thread. About 200 bytes for each source remembered.
class SourceLimiter {
public:
    explicit SourceLimiter(Rate rate) : rate_(rate) {}
    /// True, and takes `cost` tokens, if the source has them. An empty source is unknown and always may.
    [[nodiscard]] bool take(std::string_view source, SteadyTime now, std::uint32_t cost = 1);
    /// How long until `cost` tokens are there (for Retry-After); 0 when they are. Takes nothing.
    Milliseconds wait(std::string_view source, SteadyTime now, std::uint32_t cost = 1) const;
    std::size_t remembered() const;

private:
    struct Bucket {
        std::string source;
        std::int64_t level_ms; // in refill time: a full bucket holds burst * refill
        SteadyTime at;
    };
    using Buckets = std::list<Bucket>; // the latest to ask in front
    std::int64_t level(const Bucket& bucket, SteadyTime now) const;

    const Rate rate_;
    mutable std::mutex mutex_;
    Buckets buckets_;
    std::unordered_map<std::string_view, Buckets::iterator> by_source_; // keys are the buckets' own strings
};

} // namespace adit::http
