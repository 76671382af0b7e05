// cli/mint_work.h - requests to a mint that make ecash, and what became of them. The work is on disk before it is sent.
// NUT-03, 04, 07, 09, 11, 20
#pragma once

#include "cli/record.h"
#include "payments/cashu/nut20.h"
#include "payments/mints.h"
#include "payments/outputs.h"

namespace adit::cli {

/// Whom the payment is locked to: the operator alone, and from `locktime` on the buyer's refund key as well, so that
/// money never taken comes back. The margin is wide: an operator works on a purchase for as long as its mint is silent.
struct PaymentLock {
    payments::cashu::Point operator_key;
    protocol::PublicKey refund;
    UnixSeconds locktime;
};
inline constexpr Seconds kPaymentLocktime{14 * 86400};

/// Outputs of the payment, locked, and of what stays ours, with plain secrets; ascending by amount. NUT-03
/// Errors: internal (an amount that the keyset can not make).
Result<std::vector<payments::Output>> make_outputs(const payments::cashu::Keyset& keyset, Sat payment,
                                                   const PaymentLock& lock, Sat ours, Rng& rng);
Result<std::vector<payments::Output>> make_plain_outputs(const payments::cashu::Keyset& keyset, Sat ours, Rng& rng);

/// The least amount in proofs of `keyset` that is worth `net` once its receiver has swapped it. NUT-02
/// Errors: internal (no such amount).
Result<Sat> amount_for(Sat net, const payments::cashu::Keyset& keyset);
/// The fee for swapping these proofs. None where a keyset is not known.
std::optional<Sat> fee_of(std::span<const payments::cashu::Proof> proofs, const payments::cashu::MintPage& page);
/// Completes short keyset ids, checks that each amount has a key, and the DLEQ where there is one.
/// Errors: invalid_token.
Result<void> check_proofs(std::span<payments::cashu::Proof> proofs, const payments::cashu::MintPage& page);
std::vector<payments::cashu::Point> ys_of(std::span<const payments::cashu::Proof> proofs);

struct WorkShop {
    payments::Mint& mint;
    std::vector<MintWork>& works;       // of one purpose, oldest first; the last one counts
    std::function<Result<void>()> save; // makes `works` durable
    /// The same work with outputs (or a signature) made anew, as the mint is now. `form` is for NUT-20.
    std::function<Result<MintWork>(payments::cashu::QuoteMessage form)> remake;
    std::optional<std::string> quote; // of a mint's work
};

/// Sends the last work, the same bytes however often this is called, and finds out what became of all of them.
/// Errors: mint_unreachable (unknown: call again later); mint_refused (a definite no, nothing was taken: call again, or
/// give up); double_spent (somebody else has spent the inputs or used the quote); io (nothing was sent that is not
/// saved).
Result<payments::OwnedProofs> carry_out(const WorkShop& shop);

} // namespace adit::cli
