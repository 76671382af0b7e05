#include "payments/swapper.h"

#include "base/log.h"

#include <algorithm>

namespace adit::payments {

using cashu::Keyset;
using cashu::Proof;

namespace {

/// A mint that rotates its keyset again and again while we try is left for later.
constexpr int kMostIntentions = 4;
constexpr std::size_t kOutputsPerQuestion = 100; // NUT-13
constexpr int kMostQuestions = 50;               // in one go, to a mint that claims to have signed everything

// NUT error codes. Numbers moved between editions, so they are hints: what decides is restore and checkstate.
constexpr std::int64_t kCodeNotBalanced = 11005;
constexpr std::int64_t kCodeNotBalancedBefore = 11002;

Error not_known(std::string detail) { return {Reason::mint_unreachable, std::move(detail)}; }

} // namespace

Swapper::Swapper(WalletOutputs& wallet, const Clock& clock) : wallet_(wallet), clock_(clock) {}

Result<SignedSwap> Swapper::first_try(Mint& mint, SwapIntent intent, const SwapJob& job) const
{
    const SwapId id = TRY(job.store(intent));
    return send_stored(mint, StoredSwap{id, std::nullopt, std::move(intent)}, job);
}

/// The one request of an ordinary movement.
Result<SignedSwap> Swapper::send_stored(Mint& mint, StoredSwap swap, const SwapJob& job) const
{
    auto answer = mint.client().swap(swap.intent.body);
    mint.heard(!std::holds_alternative<cashu::Unknown>(answer));
    if (auto* signatures = std::get_if<std::vector<cashu::BlindSignature>>(&answer))
        return SignedSwap{std::move(swap), std::move(*signatures)};
    if (const auto* silence = std::get_if<cashu::Unknown>(&answer)) return silence->error;
    return settle(mint, std::get<cashu::Refusal>(answer), job);
}

namespace {

std::vector<cashu::BlindedMessage> all_messages(std::span<const StoredSwap> swaps)
{
    std::vector<cashu::BlindedMessage> all;
    for (const StoredSwap& swap : swaps)
        for (const Output& output : swap.intent.outputs) all.push_back(output.message);
    return all;
}

enum class WasSigned { wholly, partly, not_at_all };

/// What the mint remembers of one intention. The signatures are in the order of its outputs.
WasSigned remembered(const StoredSwap& swap, const cashu::Restored& restored,
                     std::vector<cashu::BlindSignature>& signatures)
{
    signatures.clear();
    for (const Output& output : swap.intent.outputs)
        if (const cashu::BlindSignature* found = restored.find(output.message.b)) signatures.push_back(*found);
    if (signatures.empty()) return WasSigned::not_at_all;
    return signatures.size() == swap.intent.outputs.size() ? WasSigned::wholly : WasSigned::partly;
}

struct AskedRestore {
    WasSigned was = WasSigned::not_at_all;
    std::size_t swap = 0; // index of the one that was signed, wholly or partly
    std::vector<cashu::BlindSignature> signatures;
};

/// NUT-09 for every intention. Errors: mint_unreachable.
Result<AskedRestore> ask_restore(Mint& mint, std::span<const StoredSwap> swaps)
{
    const auto answer = mint.client().restore(all_messages(swaps));
    if (const auto* silence = std::get_if<cashu::Unknown>(&answer)) return silence->error;
    if (std::holds_alternative<cashu::Refusal>(answer)) return not_known("the mint refuses to say what it signed");
    AskedRestore best;
    for (std::size_t i = 0; i < swaps.size() && best.was != WasSigned::wholly; ++i) {
        AskedRestore one{WasSigned::not_at_all, i, {}};
        one.was = remembered(swaps[i], std::get<cashu::Restored>(answer), one.signatures);
        if (one.was != WasSigned::not_at_all) best = std::move(one);
    }
    return best;
}

} // namespace

Result<InputStates> ask_inputs(Mint& mint, std::span<const cashu::Point> inputs)
{
    const auto answer = mint.client().check_state(inputs);
    const auto* states = std::get_if<std::vector<cashu::ProofState>>(&answer);
    if (!states) return not_known("the mint does not say whether the proofs are spent");
    InputStates all;
    bool all_unspent = true;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if ((*states)[i] == cashu::ProofState::spent) all.spent.push_back(inputs[i]);
        all_unspent = all_unspent && (*states)[i] == cashu::ProofState::unspent;
    }
    all.together = !all.spent.empty() ? cashu::ProofState::spent
                   : all_unspent      ? cashu::ProofState::unspent
                                      : cashu::ProofState::pending;
    return all;
}

/// Finds out what became of the intentions of this movement, and makes outputs anew where the mint can not sign the old
/// ones any more. `refusal`: a well-formed no to the newest intention, just heard; without one its bytes are sent
/// again.
Result<SignedSwap> Swapper::settle(Mint& mint, std::optional<cashu::Refusal> refusal, const SwapJob& job) const
{
    for (;;) {
        auto swaps = TRY(job.stored());
        if (swaps.empty()) return Error{Reason::internal, "nothing was meant to be swapped"};
        if (!refusal) {
            auto again = mint.client().swap(swaps.back().intent.body);
            mint.heard(!std::holds_alternative<cashu::Unknown>(again));
            if (auto* signatures = std::get_if<std::vector<cashu::BlindSignature>>(&again))
                return SignedSwap{std::move(swaps.back()), std::move(*signatures)};
            if (auto* no = std::get_if<cashu::Refusal>(&again)) refusal = std::move(*no);
        }

        AskedRestore asked = TRY(ask_restore(mint, swaps));
        const InputStates inputs = TRY(ask_inputs(mint, swaps.back().intent.inputs));
        switch (inputs.together) {
        case cashu::ProofState::pending:
            return not_known("the mint has the proofs in another transaction");
        case cashu::ProofState::spent:
            // Ours may have been carried out between the two questions: what it signed is asked once more.
            if (asked.was != WasSigned::wholly) asked = TRY(ask_restore(mint, swaps));
            switch (asked.was) {
            case WasSigned::wholly:
                return SignedSwap{std::move(swaps[asked.swap]), std::move(asked.signatures)};
            case WasSigned::partly:
                return not_known("the mint signed only a part of our outputs");
            case WasSigned::not_at_all:
                return job.taken_elsewhere(inputs.spent);
            }
            break;
        case cashu::ProofState::unspent:
            break;
        }
        if (!refusal) return not_known("the mint has not carried out the swap, and does not say no to it either");

        // A definite no. Signatures that nothing of this movement was spent for are another store's, of the same seed.
        const bool used_before = asked.was != WasSigned::not_at_all;
        // These three are worth another intention: new outputs, cut after a fresh look at the keysets.
        TRY(mint.refresh());
        const auto page = mint.book().page();
        const bool rotated = std::ranges::any_of(swaps.back().intent.outputs, [&](const Output& output) {
            const Keyset* keyset = page->find(output.message.keyset);
            return !keyset || !keyset->active || keyset->expired(clock_.now());
        });
        const bool unbalanced = refusal->code == kCodeNotBalanced || refusal->code == kCodeNotBalancedBefore;
        if ((!rotated && !unbalanced && !used_before) || swaps.size() >= kMostIntentions) return job.refused(*refusal);
        if (used_before) TRY(pass_signed_outputs(mint));

        auto body = cashu::parse_swap(swaps.back().intent.body);
        CHECK(body.has_value()); // our own bytes, from our own disk
        std::vector<Proof> proofs = std::move(body->inputs);
        for (Proof& proof : proofs) proof.witness.reset();
        const auto intent = job.make(mint, std::move(proofs));
        if (!intent) {
            if (intent.error().reason == Reason::mint_unreachable) return intent.error();
            return job.refused(*refusal);
        }
        TRY(job.store(*intent));
        refusal.reset();
    }
}

/// The mint remembers more of our seed than the store does: the store is younger (a backup was put back, or the seed is
/// all that was left), or there are two of them. As a wallet that is restored does it, the outputs go on after the last
/// one that is signed. NUT-13
Result<void> Swapper::pass_signed_outputs(Mint& mint) const
{
    const auto page = mint.book().page();
    const Keyset* keyset = TRY(mint.for_wallet_outputs(*page));
    log_warn("wallet_seed_was_used_elsewhere", {{"mint", mint.url()}, {"keyset", keyset->id}});
    for (int question = 0; question < kMostQuestions; ++question) {
        const auto next = TRY(wallet_.peek(keyset->id, kOutputsPerQuestion));
        const auto answer = mint.client().restore(messages(next));
        const auto* restored = std::get_if<cashu::Restored>(&answer);
        if (!restored) return not_known("the mint does not say which of our outputs it has signed");
        const auto last = std::find_if(next.rbegin(), next.rend(),
                                       [&](const Output& output) { return restored->find(output.message.b); });
        if (last == next.rend()) return {};
        wallet_.pass(keyset->id, last->counter.value_or(0) + 1);
    }
    return not_known("the mint has signed more of our outputs than can be passed at once");
}

} // namespace adit::payments
