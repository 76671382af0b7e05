// payments/journal.h - what the till must have on disk before it acts. The store implements it.
// Every call is one durable transaction. Each names the state that it expects, so that of two callers one is first and
// the other gets bad_step.
#pragma once

#include "payments/cashu/proof.h"
#include "protocol/keys.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace adit::payments {

/// A row of the journal.
enum class PurchaseId : std::int64_t {};
/// As logs and the admin socket show it.
constexpr std::int64_t number_of(PurchaseId id) { return static_cast<std::int64_t>(id); }
/// One intention to swap; a purchase has several only where outputs had to be made anew (a keyset was rotated).
enum class SwapId : std::int64_t {};

enum class OutputOwner {
    wallet,   // the operator's: deterministic (NUT-13), unless it pays a refund
    buyer,    // of whoever gets a token: random, locked where it is change or a refund, kept only in the journal
    transfer, // the operator's, deterministic, cut for the payment that a transfer makes with it
};

/// A blinded message of ours with what unblinds the mint's answer.
struct Output {
    OutputOwner owner = OutputOwner::wallet;
    cashu::BlindedMessage message;
    std::string secret;
    cashu::Scalar r;
    std::optional<std::uint64_t> counter; // NUT-13, of the wallet's outputs
};

enum class SwapPurpose {
    redeem,
    refund,
    transfer, // of the wallet's own money. transfer.h
    melt,     // pays an invoice; the outputs are blank. NUT-05, NUT-08
};

/// The exact bytes that will be sent and all that is needed to use the answer, or to ask for it again. NUT-03, NUT-09
struct SwapIntent {
    SwapPurpose purpose = SwapPurpose::redeem;
    std::string mint;
    std::string body;
    std::vector<cashu::Point> inputs; // the Ys of what is spent. NUT-07
    std::vector<Output> outputs;      // in the order of the body
};

struct StoredSwap {
    SwapId id;
    std::optional<PurchaseId> purchase; // none: of a transfer
    SwapIntent intent;
};

/// What a redeemed swap leaves: proofs for the wallet, and the buyer's change as a token.
struct Receipt {
    std::vector<cashu::Proof> wallet_proofs;
    std::optional<std::string> change; // "cashuB…"
};

/// A proof of the wallet's, and where it can be spent.
struct HeldProof {
    std::string mint;
    cashu::Proof proof;
};

class Journal {
public:
    virtual ~Journal() = default;

    /// reserved → swapping, or swapping → swapping with outputs made anew. Also moves the wallet's counters past those
    /// used. Errors: bad_step, store_unavailable.
    virtual Result<SwapId> begin_swap(PurchaseId purchase, const SwapIntent& intent) = 0;
    /// swapping → redeemed: the receipt's proofs are in the wallet in the same transaction. Errors: as above.
    virtual Result<void> mark_redeemed(PurchaseId purchase, SwapId swap, const Receipt& receipt) = 0;
    /// reserved or swapping → released: frees event id, Ys and address. Errors: as above.
    virtual Result<void> mark_released(PurchaseId purchase, Reason why) = 0;
    /// redeemed → refunding, or refunding → refunding with outputs made anew: the wallet's proofs named by the intent's
    /// inputs leave the balance in the same transaction. Errors: as above.
    virtual Result<SwapId> begin_refund(PurchaseId purchase, const SwapIntent& intent) = 0;
    /// refunding → refunded. `token` is what every repeat of the request gets; `change` is the wallet's again in the
    /// same transaction. Errors: as above.
    virtual Result<void> mark_refunded(PurchaseId purchase, SwapId swap, const std::string& token,
                                       std::span<const cashu::Proof> change) = 0;

    /// Every intention that spends inputs of this purchase, oldest first, its own last: those of released purchases are
    /// among them, since a request that was given up may still have reached the mint late. Errors: store_unavailable.
    virtual Result<std::vector<StoredSwap>> swaps(PurchaseId purchase) = 0;
    /// The wallet's unspent proofs that this purchase brought. Errors: store_unavailable.
    virtual Result<std::vector<cashu::Proof>> proofs_of(PurchaseId purchase) = 0;
    /// The wallet's unspent proofs, but for those of purchases that are not delivered yet: they may be paid back.
    /// Errors: store_unavailable.
    virtual Result<std::vector<HeldProof>> unspent() = 0;
};

} // namespace adit::payments
