// store/swap_rows.h - intentions as rows, of purchases and of transfers alike. Internal to the store.
#pragma once

#include "store/rows.h"

namespace adit::store {

/// One of the two.
struct SwapOwner {
    std::optional<PurchaseId> purchase;
    std::optional<payments::TransferId> transfer;
};

/// With its outputs; the wallet's counters move past those used. Errors: bad_step (an output is another intention's).
Result<payments::SwapId> insert_swap(Database& db, const SwapOwner& of, const payments::SwapIntent& intent,
                                     UnixSeconds now);

#define ADIT_SWAP_COLUMNS "s.id, s.purchase, s.purpose, s.mint, s.body, s.inputs"
/// Without its outputs.
Result<payments::StoredSwap> read_swap(Row& row);
Result<std::vector<payments::Output>> read_outputs(Database& db, payments::SwapId swap);

} // namespace adit::store
