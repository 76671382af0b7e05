// bench/seed.h - a store as a busy operator has it, made through the store's own steps.
#pragma once

#include "bench/market.h"
#include "payments/cashu/proof.h"
#include "store/store.h"

#include <functional>

namespace adit::bench {

struct SeedPlan {
    std::size_t sessions = 10'000;
    payments::cashu::KeysetId keyset;
    std::string mint;
    std::function<UnixSeconds(std::size_t)> activated_at; // of each; it then lasts for thirty days
};

/// Each session has its purchase, its swap with three outputs, and three proofs in the wallet that a token event holds
/// already. Addresses from 10.64.0.2 on.
void fill(store::Store& store, const SeedPlan& plan);
/// The stopped operator's, with 10,000 sessions, one sold in each of the last seconds.
void fill_with_sessions(const Market& market, const payments::cashu::KeysetId& keyset);

} // namespace adit::bench
