// payments/selection.h - what proofs are worth once they are spent, and which of them to spend. NUT-02
#pragma once

#include "payments/cashu/keyset_book.h"

#include <optional>
#include <span>
#include <vector>

namespace adit::payments {

/// For spending these in one transaction; none where a keyset is not on the page.
std::optional<Sat> fee_for(std::span<const cashu::Proof> inputs, const cashu::MintPage& page);
/// What the inputs are worth once they are spent. Errors: internal (a keyset that is not on the page).
Result<Sat> net_of(std::span<const cashu::Proof> inputs, const cashu::MintPage& page);
/// NUT-07
std::vector<cashu::Point> points_of(std::span<const cashu::Proof> proofs);
/// Whether `amount` in outputs of this keyset is worth more to its holder than the fee for spending it.
bool worth_giving(std::span<const Sat> amounts, Sat amount, const cashu::Keyset& keyset);

/// Few of these proofs that are worth `amount` after their fees, and little more: those of keysets that the mint signs
/// with no more go first. Proofs of unknown or expired keysets are left out. None where all of them are not enough.
std::vector<cashu::Proof> enough_for(Sat amount, std::vector<cashu::Proof> proofs, const cashu::MintPage& page,
                                     UnixSeconds now);
/// What all of them together can pay: their worth after their fees. Zero where that is nothing.
Sat most_of(std::vector<cashu::Proof> proofs, const cashu::MintPage& page, UnixSeconds now);

} // namespace adit::payments
