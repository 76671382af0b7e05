// store/wallet_rows.h - putting proofs into the wallet, for the journal and for the wallet. Internal to the store.
#pragma once

#include "store/rows.h"

namespace adit::store {

/// Y of each proof, in order, as hex. NUT-07
std::vector<std::string> ys_of(std::span<const Proof> proofs);

/// A proof that a purchase brought. One that is in the wallet already, found in the operator's events or restored from
/// the seed, becomes the purchase's. Errors: bad_step (another purchase brought it); bad_request (its amount).
Result<void> insert_received(Database& db, std::string_view mint, const Proof& proof, std::string_view y,
                             PurchaseId purchase);
/// The same of a transfer. `taken`: it is kept for the transfer's own payment, and is not in the balance.
enum class Brought { kept, taken };
Result<void> insert_moved(Database& db, std::string_view mint, const Proof& proof, std::string_view y,
                          payments::TransferId transfer, Brought how);
/// False where it was there already. Errors: bad_request (its amount).
Result<bool> insert_found(Database& db, const WalletProof& proof, std::string_view y);

/// Raises the keyset's counter; one that is higher already stays.
Result<void> raise_counter(Database& db, std::string_view keyset, std::uint64_t next);

} // namespace adit::store
