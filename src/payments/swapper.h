// payments/swapper.h - carries an intention out, and finds out what became of it where the mint did not say. Everything
// that is swapped goes this way: what buyers pay, what they get back, and the wallet's own money. spec: Journal
#pragma once

#include "payments/mints.h"
#include "payments/outputs.h"

#include <functional>

namespace adit::payments {

/// The intention that the mint carried out, and its signatures in the order of the outputs.
struct SignedSwap {
    StoredSwap swap;
    std::vector<cashu::BlindSignature> signatures;
};

/// How to make and to store an intention of one movement.
struct SwapJob {
    /// All of the movement's, oldest first: any of them may be the one that was carried out. Errors: store_unavailable.
    std::function<Result<std::vector<StoredSwap>>()> stored;
    std::function<Result<SwapIntent>(Mint&, std::vector<cashu::Proof>)> make;
    std::function<Result<SwapId>(const SwapIntent&)> store;
    /// What to do when the mint says no and has taken nothing, and when someone else has spent these inputs.
    std::function<Error(const cashu::Refusal&)> refused;
    std::function<Error(std::span<const cashu::Point> spent)> taken_elsewhere;
};

/// NUT-07 of several, all in one word.
struct InputStates {
    cashu::ProofState together = cashu::ProofState::unspent; // spent: some are
    std::vector<cashu::Point> spent;
};
/// Errors: mint_unreachable.
Result<InputStates> ask_inputs(Mint& mint, std::span<const cashu::Point> inputs);

/// Blocking: from workers. Thread-safe.
class Swapper {
public:
    /// Both must outlive it.
    Swapper(WalletOutputs& wallet, const Clock& clock);

    /// The intention is on disk before it is sent. Errors: mint_unreachable (unknown: settle later); those of the job.
    Result<SignedSwap> first_try(Mint& mint, SwapIntent intent, const SwapJob& job) const;
    /// As first_try, of one that is on disk already, and that nobody has sent yet.
    Result<SignedSwap> send_stored(Mint& mint, StoredSwap swap, const SwapJob& job) const;
    /// After silence or a crash. `refusal`: a well-formed no to the newest intention, just heard; without one its bytes
    /// are sent again. Errors: as first_try.
    Result<SignedSwap> settle(Mint& mint, std::optional<cashu::Refusal> refusal, const SwapJob& job) const;
    /// The wallet's next outputs of the mint's active keyset are ones that it has not signed. NUT-13.
    /// Errors: mint_unreachable.
    Result<void> pass_signed_outputs(Mint& mint) const;

private:
    WalletOutputs& wallet_;
    const Clock& clock_;
};

} // namespace adit::payments
