#include "app/in_flight.h"

#include <algorithm>

namespace adit::app {

ProofSet proof_set(std::span<const payments::cashu::Point> ys)
{
    std::vector<ByteArray<33>> sorted;
    sorted.reserve(ys.size());
    for (const auto& y : ys) sorted.push_back(y.bytes());
    std::ranges::sort(sorted);
    Bytes all;
    all.reserve(sorted.size() * 33);
    for (const auto& y : sorted) append(all, y);
    return sha256(all);
}

InFlight::Entry InFlight::enter(const ProofSet& set, Again again)
{
    const std::lock_guard lock(mutex_);
    const auto [place, first] = running_.try_emplace(set);
    if (first) return Entry::runs;
    if (place->second.size() >= kMostWaiting) return Entry::too_many;
    place->second.push_back(std::move(again));
    return Entry::waits;
}

bool InFlight::try_enter(const ProofSet& set)
{
    const std::lock_guard lock(mutex_);
    return running_.try_emplace(set).second;
}

void InFlight::leave(const ProofSet& set)
{
    std::vector<Again> waiting;
    {
        const std::lock_guard lock(mutex_);
        const auto place = running_.find(set);
        CHECK(place != running_.end());
        waiting = std::move(place->second);
        running_.erase(place);
    }
    for (const Again& again : waiting) again();
}

} // namespace adit::app
