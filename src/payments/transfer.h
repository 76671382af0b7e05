// payments/transfer.h - a movement of the wallet's own money: what it is, the states that it goes through, and what
// must be on disk before anything is asked of a mint. spec: Transfers
#pragma once

#include "payments/journal.h"
#include "payments/lightning/bolt11.h"

#include <span>
#include <string_view>

namespace adit::payments {

/// A row of the transfers.
enum class TransferId : std::int64_t {};
constexpr std::int64_t number_of(TransferId id) { return static_cast<std::int64_t>(id); }

enum class TransferKind {
    send,        // a token for whoever has it, or for one key
    refund,      // a token for a buyer's key
    withdraw,    // an invoice is paid by the mint. NUT-05
    consolidate, // to the wallet itself: fewer proofs, or proofs of a newer keyset
    nutzap,      // to the wallet, from proofs that a stranger has locked to its key. NIP-61
};

enum class TransferState {
    swapping,  // the swap's exact bytes are on disk, and the mint may have them
    splitting, // the same, of a swap that cuts the proofs for a payment
    paying,    // the payment's exact bytes are on disk, and the mint may have them
    done,
    failed, // by a definite no: what was chosen for it is the wallet's again, or was spent by another client
};

/// What happened to a transfer.
enum class TransferFact {
    mint_signed,     // every output signed and verified
    mint_paid,       // the invoice, by the mint's word; the change is verified
    mint_refused,    // a definite no, and nothing was taken; silence is not one
    taken_elsewhere, // the proofs were spent by another client
};

struct TransferStep {
    TransferState from;
    TransferFact on;
    TransferState to;
};
std::span<const TransferStep> transfer_steps();
/// Errors: bad_step (that fact does not happen in that state).
Result<TransferState> step(TransferState from, TransferFact on);
/// No step leaves it.
bool is_final(TransferState state);

std::string_view kind_word(TransferKind kind);
std::string_view state_word(TransferState state);
std::string_view fact_word(TransferFact fact);
std::optional<TransferKind> parse_transfer_kind(std::string_view word);
std::optional<TransferState> parse_transfer_state(std::string_view word);

inline constexpr TransferKind kAllTransferKinds[]{TransferKind::send, TransferKind::refund, TransferKind::withdraw,
                                                  TransferKind::consolidate, TransferKind::nutzap};
inline constexpr TransferState kAllTransferStates[]{TransferState::swapping, TransferState::splitting,
                                                    TransferState::paying, TransferState::done, TransferState::failed};
inline constexpr TransferFact kAllTransferFacts[]{TransferFact::mint_signed, TransferFact::mint_paid,
                                                  TransferFact::mint_refused, TransferFact::taken_elsewhere};

/// What a transfer is for. It never changes.
struct NewTransfer {
    TransferKind kind = TransferKind::send;
    std::string mint;
    Sat amount = {};                                 // what the other side gets; of a nutzap: what came; else 0
    std::optional<Sat> max_fee = {};                 // withdraw
    std::optional<protocol::PublicKey> lock = {};    // of the token
    std::optional<std::string> address = {};         // withdraw: the Lightning address that gave the invoice
    std::optional<std::string> invoice = {};         // withdraw
    std::optional<lightning::PaymentHash> hash = {}; // withdraw
    std::optional<std::string> quote = {};           // withdraw: the mint's name for it
    Sat fee_reserve = {};                            // withdraw: what the mint may keep for routing
    std::optional<protocol::PublicKey> sender = {};  // nutzap
    std::optional<PurchaseId> purchase = {};         // that a refund is for
    std::optional<std::string> reference = {};       // the caller's name for it: while it has not failed, the only one
};

struct Transfer {
    TransferId id{};
    TransferState state{};
    NewTransfer what;
    UnixSeconds created_at = {};
    UnixSeconds state_since = {};
    std::optional<Sat> fee = {};              // that was paid so far
    std::optional<std::string> token = {};    // done: send, refund
    std::optional<std::string> preimage = {}; // done: withdraw. Hex; none where the mint gave no proof
    std::optional<std::string> failed_because = {};
};

/// As payments::Journal, of transfers. Errors of every call: store_unavailable; of those that change something:
/// bad_step.
class TransferJournal {
public:
    virtual ~TransferJournal() = default;

    struct Begun {
        TransferId transfer{};
        SwapId swap{};
    };
    /// The row, in the state that its kind and the intent's purpose begin with. The wallet's proofs named by the inputs
    /// leave the balance in the same transaction (a nutzap's were never in it), and counters move past the outputs.
    /// Errors: bad_step (a proof is not there to be spent; the reference or the invoice is another transfer's).
    virtual Result<Begun> begin_transfer(const NewTransfer& transfer, const SwapIntent& intent) = 0;
    /// Outputs made anew for the same inputs, in swapping or splitting.
    virtual Result<SwapId> intend_again(TransferId transfer, const SwapIntent& intent) = 0;
    /// splitting → paying: `parts` are kept for the payment, `change` is the wallet's. `fee`: of the split.
    struct Split {
        std::vector<cashu::Proof> parts;
        std::vector<cashu::Proof> change;
        Sat fee;
    };
    virtual Result<SwapId> begin_payment(TransferId transfer, SwapId split, const Split& made,
                                         const SwapIntent& melt) = 0;
    /// swapping or paying → done: the inputs are spent, and what is kept is the wallet's.
    struct MovedMoney {
        std::optional<std::string> token = {};
        std::optional<std::string> preimage = {};
        std::vector<cashu::Proof> kept = {};
        Sat fee = {}; // in all
    };
    virtual Result<void> mark_moved(TransferId transfer, SwapId swap, const MovedMoney& moved) = 0;
    /// swapping, splitting or paying → failed: the proofs are the wallet's again, but for those that someone else
    /// spent.
    virtual Result<void> mark_not_moved(TransferId transfer, std::string_view why,
                                        std::span<const cashu::Point> spent_elsewhere) = 0;

    /// Oldest first.
    virtual Result<std::vector<StoredSwap>> swaps_of(TransferId transfer) = 0;
    virtual Result<Transfer> transfer(TransferId id) = 0; // Errors: not_found
    /// The one that has not failed.
    virtual Result<std::optional<Transfer>> transfer_named(std::string_view reference) = 0;
    virtual Result<std::optional<Transfer>> transfer_paying(const lightning::PaymentHash& hash) = 0;
    /// Oldest first.
    virtual Result<std::vector<Transfer>> open_transfers() = 0;
};

} // namespace adit::payments
