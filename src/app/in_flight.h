// app/in_flight.h - one run at a time for one set of proofs; repeats of it wait here, not in a worker.
#pragma once

#include "base/hash.h"
#include "payments/cashu/proof.h"

#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <vector>

namespace adit::app {

/// Names a set of proofs whatever their order.
using ProofSet = Sha256;
ProofSet proof_set(std::span<const payments::cashu::Point> ys);

/// Thread-safe. Purely an order among the workers of this process: across a crash, and for sets that overlap without
/// being equal, the store is the judge.
class InFlight {
public:
    using Again = std::function<void()>;
    enum class Entry { runs, waits, too_many };

    /// `runs`: the set is the caller's until leave(). `waits`: `again` is called, once, after the set was left.
    Entry enter(const ProofSet& set, Again again);
    /// As enter, for those who would rather come back later than wait.
    bool try_enter(const ProofSet& set);
    void leave(const ProofSet& set);

private:
    static constexpr std::size_t kMostWaiting = 16; // repeats of one request
    std::mutex mutex_;
    std::map<ProofSet, std::vector<Again>> running_;
};

} // namespace adit::app
