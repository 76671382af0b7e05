// store/transfer_rows.h - transfers as rows. Internal to the store.
#pragma once

#include "store/rows.h"

namespace adit::store {

#define ADIT_TRANSFER_COLUMNS                                                                                          \
    "id, kind, state, mint, amount_sat, max_fee_sat, lock_key, address, invoice, payment_hash, quote, "                \
    "fee_reserve_sat, purchase, reference, sender, created_at_s, state_since_s, fee_sat, token, preimage, "            \
    "failed_because"

Result<payments::Transfer> read_transfer(Row& row);

} // namespace adit::store
