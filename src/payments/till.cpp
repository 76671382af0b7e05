#include "payments/till.h"

#include "base/log.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/dleq.h"
#include "payments/cashu/p2pk.h"
#include "protocol/constants.h"

#include <algorithm>

namespace adit::payments {

using cashu::Keyset;
using cashu::MintPage;
using cashu::Proof;

namespace {

constexpr std::string_view kUnit = "sat";
/// A mint that rotates its keyset again and again while we try is left for later.
constexpr int kMostIntentions = 4;
constexpr std::size_t kOutputsPerQuestion = 100; // NUT-13
constexpr int kMostQuestions = 50;               // in one go, to a mint that claims to have signed everything

// NUT error codes. Numbers moved between editions, so they are hints: what decides is restore and checkstate.
constexpr std::int64_t kCodeNotBalanced = 11005;
constexpr std::int64_t kCodeNotBalancedBefore = 11002;

Error unknown(std::string detail) { return {Reason::mint_unreachable, std::move(detail)}; }

/// None where a keyset is not on the page.
std::optional<Sat> fee_for(std::span<const Proof> inputs, const MintPage& page)
{
    std::vector<std::uint64_t> ppk;
    for (const Proof& proof : inputs) {
        const Keyset* keyset = page.find(proof.keyset);
        if (!keyset) return std::nullopt;
        ppk.push_back(keyset->input_fee_ppk);
    }
    return cashu::input_fee(ppk);
}

/// What the inputs are worth once they are swapped. Errors: internal.
Result<Sat> net_of(std::span<const Proof> inputs, const MintPage& page)
{
    const auto face = cashu::total(inputs);
    const auto fee = fee_for(inputs, page);
    if (!face || !fee) return Error{Reason::internal, "inputs of a keyset that is not known any more"};
    return difference(*face, *fee).value_or(Sat{});
}

std::vector<cashu::Point> ys_of(std::span<const Proof> proofs)
{
    std::vector<cashu::Point> ys;
    ys.reserve(proofs.size());
    for (const Proof& proof : proofs) ys.push_back(cashu::proof_y(proof.secret));
    return ys;
}

/// Whether `amount` in outputs of this keyset is worth more to its holder than the fee for spending it. NUT-02
bool worth_giving(std::span<const Sat> amounts, Sat amount, const Keyset& keyset)
{
    const std::vector<std::uint64_t> ppk(amounts.size(), keyset.input_fee_ppk);
    const auto fee = cashu::input_fee(ppk);
    return fee && amount > *fee;
}

Result<void> check_against_keysets(Proof& proof, const MintPage& page, UnixSeconds now)
{
    const auto bad = [](const char* what) { return Error{Reason::invalid_token, what}; };
    proof.keyset = TRY(cashu::complete_id(proof.keyset, page.keysets));
    const Keyset* keyset = page.find(proof.keyset);
    if (!keyset || keyset->unit != kUnit) return bad("a proof of a keyset that is not in sat");
    if (keyset->expired(now)) return bad("a proof of a keyset that has expired");
    const auto key = keyset->keys.find(proof.amount);
    if (key == keyset->keys.end()) return bad("an amount that its keyset does not have");
    if (proof.dleq && !cashu::verify_proof_dleq(key->second, proof)) return bad("a proof whose DLEQ does not verify");
    return {};
}

bool knows_every_keyset(const cashu::Token& token, const MintPage& page)
{
    return std::ranges::all_of(
        token.proofs, [&](const Proof& proof) { return cashu::complete_id(proof.keyset, page.keysets).has_value(); });
}

} // namespace

struct Till::Signed {
    StoredSwap swap;
    std::vector<cashu::BlindSignature> signatures;
};

struct Till::Job {
    SwapPurpose purpose;
    std::function<Result<SwapIntent>(Mint&, std::vector<Proof>)> make;
    std::function<Result<SwapId>(const SwapIntent&)> store;
    /// What to do when the mint says no and has taken nothing, and when someone else has spent the inputs.
    std::function<Error(const cashu::Refusal&)> refused;
    std::function<Error()> taken_elsewhere;
};

Till::Till(const Mints& mints, protocol::SecretKey sales_key, WalletOutputs& wallet, Journal& journal,
           const Clock& clock, Rng& rng)
    : mints_(mints), sales_key_(std::move(sales_key)), wallet_(wallet), journal_(journal), clock_(clock), rng_(rng)
{
}

Result<Tender> Till::judge(const cashu::Token& token) const
{
    if (token.unit != kUnit) return Error{Reason::invalid_token, "a token in another unit than sat"};
    if (token.proofs.size() > protocol::kMaxProofs) return Error{Reason::invalid_token, "more than 200 proofs"};
    Mint* mint = mints_.find(token.mint);
    if (!mint) return Error{Reason::wrong_mint, "a token of a mint that the listing does not name"};

    if (!knows_every_keyset(token, *mint->book().page())) mint->refresh_for_stranger();
    const auto page = mint->book().page();
    TRY(mint->for_wallet_outputs(*page)); // nothing is reserved where nothing could be redeemed

    const UnixSeconds now = clock_.now();
    Tender tender{mint, token.proofs, {}, {}, {}, true};
    for (Proof& proof : tender.proofs) {
        TRY(check_against_keysets(proof, *page, now));
        proof.witness.reset(); // ours will stand there
        tender.every_proof_has_dleq = tender.every_proof_has_dleq && proof.dleq.has_value();
    }
    TRY(cashu::all_spendable_alone(tender.proofs, sales_key_.public_key(), now));

    const auto face = cashu::total(tender.proofs);
    const auto fee = fee_for(tender.proofs, *page);
    if (!face || !fee) return Error{Reason::invalid_token, "amounts that do not add up in 64 bits"};
    tender.face = *face;
    tender.fee = *fee;
    tender.net = difference(*face, *fee).value_or(Sat{});
    return tender;
}

BuyerLock Till::lock_for(const protocol::PublicKey& buyer) const
{
    return {buyer, sales_key_.public_key(), clock_.now() + protocol::kChangeLocktime};
}

Result<SwapIntent> Till::redeem_intent(const Mint& mint, std::vector<Proof> inputs, const Terms& terms) const
{
    const auto page = mint.book().page();
    const Keyset* keyset = TRY(mint.for_wallet_outputs(*page));
    const Sat net = TRY(net_of(inputs, *page));
    const auto left_over = difference(net, terms.price);
    if (!left_over) return Error{Reason::amount_mismatch, "the mint's fee has risen above what the token leaves"};

    const std::vector<Sat> change = TRY(cashu::split(*left_over, *keyset));
    const bool gives_change = worth_giving(change, *left_over, *keyset);
    const std::vector<Sat> kept = TRY(cashu::split(gives_change ? terms.price : net, *keyset));

    SwapIntent intent{SwapPurpose::redeem, mint.url(), {}, ys_of(inputs), {}};
    intent.outputs = TRY(wallet_.make(keyset->id, kept));
    if (gives_change) {
        auto outputs = TRY(buyer_outputs(keyset->id, change, lock_for(terms.buyer), rng_));
        std::ranges::move(outputs, std::back_inserter(intent.outputs));
    }
    sort_outputs(intent.outputs);
    const auto blinded = messages(intent.outputs);
    TRY(cashu::sign_inputs(inputs, blinded, sales_key_, rng_));
    intent.body = cashu::encode_swap(inputs, blinded);
    return intent;
}

Result<SwapIntent> Till::refund_intent(const Mint& mint, const std::vector<Proof>& inputs,
                                       const protocol::PublicKey& buyer, std::optional<Sat> amount) const
{
    const auto page = mint.book().page();
    const Keyset* keyset = page->for_outputs(clock_.now());
    if (!keyset) return unknown("the mint has no active keyset in sat");
    const Sat net = TRY(net_of(inputs, *page));
    if (net == Sat{}) return Error{Reason::policy, "the refund is worth no more than the mint's fee for it"};
    const auto change = difference(net, amount.value_or(net));
    if (!change) return Error{Reason::policy, "the proofs to refund with are worth less than the refund"};

    SwapIntent intent{SwapPurpose::refund, mint.url(), {}, ys_of(inputs), {}};
    const std::vector<Sat> paid_back = TRY(cashu::split(amount.value_or(net), *keyset));
    intent.outputs = TRY(buyer_outputs(keyset->id, paid_back, lock_for(buyer), rng_));
    if (*change > Sat{}) {
        const Keyset* own = TRY(mint.for_wallet_outputs(*page));
        auto ours = TRY(wallet_.make(own->id, TRY(cashu::split(*change, *own))));
        std::ranges::move(ours, std::back_inserter(intent.outputs));
    }
    sort_outputs(intent.outputs);
    intent.body = cashu::encode_swap(inputs, messages(intent.outputs));
    return intent;
}

Till::Job Till::redeem_job(PurchaseId purchase, const Terms& terms) const
{
    const auto release = [this, purchase](Reason why, std::string detail) -> Error {
        if (const auto done = journal_.mark_released(purchase, why); !done) return done.error();
        return {why, std::move(detail)};
    };
    return Job{
        SwapPurpose::redeem,
        [this, terms](Mint& mint, std::vector<Proof> inputs) { return redeem_intent(mint, std::move(inputs), terms); },
        [this, purchase](const SwapIntent& intent) { return journal_.begin_swap(purchase, intent); },
        [release](const cashu::Refusal& refusal) {
            // The code only: the detail is a stranger's text, and some mints quote the proof in it.
            return release(Reason::invalid_token, "the mint refused with code " + std::to_string(refusal.code));
        },
        [release] { return release(Reason::double_spent, "the proofs were spent by someone else"); },
    };
}

Till::Job Till::refund_job(PurchaseId purchase, const protocol::PublicKey& buyer, std::optional<Sat> amount) const
{
    return Job{
        SwapPurpose::refund,
        [this, buyer, amount](Mint& mint, const std::vector<Proof>& inputs) {
            return refund_intent(mint, inputs, buyer, amount);
        },
        [this, purchase](const SwapIntent& intent) { return journal_.begin_refund(purchase, intent); },
        [](const cashu::Refusal& refusal) {
            return unknown("the mint refused the refund with code " + std::to_string(refusal.code));
        },
        [purchase] {
            log_error("refund_proofs_spent_elsewhere", {{"purchase", static_cast<std::int64_t>(purchase)}});
            return Error{Reason::policy, "the proofs to refund were spent by another client of the operator"};
        },
    };
}

Result<Receipt> Till::redeem(PurchaseId purchase, const Tender& tender, const Terms& terms)
{
    Mint& mint = *tender.mint;
    const Job job = redeem_job(purchase, terms);
    const Signed done = TRY(first_try(mint, purchase, TRY(redeem_intent(mint, tender.proofs, terms)), job));
    return book_receipt(mint, purchase, done);
}

Result<Receipt> Till::resume(PurchaseId purchase, const Terms& terms)
{
    Mint* mint = TRY(mint_of(TRY(journal_.swaps(purchase))));
    const Signed done = TRY(settle(*mint, purchase, std::nullopt, redeem_job(purchase, terms)));
    return book_receipt(*mint, purchase, done);
}

Result<std::string> Till::refund(PurchaseId purchase, const protocol::PublicKey& buyer)
{
    Mint* mint = TRY(mint_of(TRY(journal_.swaps(purchase))));
    const std::vector<Proof> proofs = TRY(journal_.proofs_of(purchase));
    if (proofs.empty()) return Error{Reason::policy, "the proofs to refund are not in the wallet any more"};
    const Job job = refund_job(purchase, buyer, std::nullopt);
    const Signed done = TRY(first_try(*mint, purchase, TRY(refund_intent(*mint, proofs, buyer, std::nullopt)), job));
    return book_refund(*mint, purchase, done);
}

namespace {

/// The fewest of these that are worth `amount` after their fees; none where all of them are not.
std::vector<Proof> enough_for(Sat amount, std::vector<Proof> proofs, const MintPage& page)
{
    std::ranges::sort(proofs, std::ranges::greater{}, &Proof::amount);
    std::vector<Proof> chosen;
    for (Proof& proof : proofs) {
        if (!page.find(proof.keyset)) continue;
        chosen.push_back(std::move(proof));
        const auto net = net_of(chosen, page);
        if (net && *net >= amount) return chosen;
    }
    return {};
}

} // namespace

Result<std::string> Till::pay_back(PurchaseId purchase, Sat amount, const protocol::PublicKey& buyer)
{
    const std::vector<HeldProof> held = TRY(journal_.unspent());
    for (const auto& mint : mints_.all()) {
        std::vector<Proof> there;
        for (const HeldProof& each : held)
            if (mints_.find(each.mint) == mint.get()) there.push_back(each.proof);
        const std::vector<Proof> inputs = enough_for(amount, std::move(there), *mint->book().page());
        if (inputs.empty()) continue;
        const Job job = refund_job(purchase, buyer, amount);
        const Signed done = TRY(first_try(*mint, purchase, TRY(refund_intent(*mint, inputs, buyer, amount)), job));
        return book_refund(*mint, purchase, done);
    }
    return Error{Reason::policy, "the wallet has not enough at any one mint to pay this back"};
}

Result<std::string> Till::resume_refund(PurchaseId purchase, const protocol::PublicKey& buyer,
                                        std::optional<Sat> amount)
{
    Mint* mint = TRY(mint_of(TRY(journal_.swaps(purchase))));
    const Signed done = TRY(settle(*mint, purchase, std::nullopt, refund_job(purchase, buyer, amount)));
    return book_refund(*mint, purchase, done);
}

Result<Mint*> Till::mint_of(const std::vector<StoredSwap>& swaps) const
{
    if (swaps.empty()) return Error{Reason::internal, "a purchase without an intention to swap"};
    Mint* mint = mints_.find(swaps.back().intent.mint);
    if (!mint) return unknown("the mint is not in the config any more: name it again until this purchase is settled");
    return mint;
}

/// The one request of an ordinary purchase. The intention is on disk before it is sent.
Result<Till::Signed> Till::first_try(Mint& mint, PurchaseId purchase, SwapIntent intent, const Job& job)
{
    const SwapId id = TRY(job.store(intent));
    auto answer = mint.client().swap(intent.body);
    mint.heard(!std::holds_alternative<cashu::Unknown>(answer));
    if (auto* signatures = std::get_if<std::vector<cashu::BlindSignature>>(&answer))
        return Signed{StoredSwap{id, purchase, std::move(intent)}, std::move(*signatures)};
    if (const auto* silence = std::get_if<cashu::Unknown>(&answer)) return silence->error;
    return settle(mint, purchase, std::get<cashu::Refusal>(answer), job);
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
    if (std::holds_alternative<cashu::Refusal>(answer)) return unknown("the mint refuses to say what it signed");
    AskedRestore best;
    for (std::size_t i = 0; i < swaps.size() && best.was != WasSigned::wholly; ++i) {
        AskedRestore one{WasSigned::not_at_all, i, {}};
        one.was = remembered(swaps[i], std::get<cashu::Restored>(answer), one.signatures);
        if (one.was != WasSigned::not_at_all) best = std::move(one);
    }
    return best;
}

/// NUT-07 for the inputs, all in one word. Errors: mint_unreachable.
Result<cashu::ProofState> ask_inputs(Mint& mint, const SwapIntent& intent)
{
    const auto answer = mint.client().check_state(intent.inputs);
    const auto* states = std::get_if<std::vector<cashu::ProofState>>(&answer);
    if (!states) return unknown("the mint does not say whether the proofs are spent");
    bool all_unspent = true;
    for (const cashu::ProofState state : *states) {
        if (state == cashu::ProofState::spent) return state;
        all_unspent = all_unspent && state == cashu::ProofState::unspent;
    }
    return all_unspent ? cashu::ProofState::unspent : cashu::ProofState::pending;
}

} // namespace

/// Finds out what became of the intentions of this purchase, and makes outputs anew where the mint can not sign the old
/// ones any more. `refusal`: a well-formed no to the newest intention, just heard; without one its bytes are sent
/// again.
Result<Till::Signed> Till::settle(Mint& mint, PurchaseId purchase, std::optional<cashu::Refusal> refusal,
                                  const Job& job)
{
    for (;;) {
        auto swaps = TRY(journal_.swaps(purchase));
        std::erase_if(swaps, [&](const StoredSwap& swap) { return swap.intent.purpose != job.purpose; });
        if (swaps.empty()) return Error{Reason::internal, "a purchase without an intention to swap"};
        if (!refusal) {
            auto again = mint.client().swap(swaps.back().intent.body);
            mint.heard(!std::holds_alternative<cashu::Unknown>(again));
            if (auto* signatures = std::get_if<std::vector<cashu::BlindSignature>>(&again))
                return Signed{std::move(swaps.back()), std::move(*signatures)};
            if (auto* no = std::get_if<cashu::Refusal>(&again)) refusal = std::move(*no);
        }

        AskedRestore asked = TRY(ask_restore(mint, swaps));
        switch (TRY(ask_inputs(mint, swaps.back().intent))) {
        case cashu::ProofState::pending:
            return unknown("the mint has the proofs in another transaction");
        case cashu::ProofState::spent:
            // Ours may have been carried out between the two questions: what it signed is asked once more.
            if (asked.was != WasSigned::wholly) asked = TRY(ask_restore(mint, swaps));
            switch (asked.was) {
            case WasSigned::wholly:
                return Signed{std::move(swaps[asked.swap]), std::move(asked.signatures)};
            case WasSigned::partly:
                return unknown("the mint signed only a part of our outputs");
            case WasSigned::not_at_all:
                return job.taken_elsewhere();
            }
            break;
        case cashu::ProofState::unspent:
            break;
        }
        if (!refusal) return unknown("the mint has not carried out the swap, and does not say no to it either");

        // A definite no. Signatures that nothing of this purchase was spent for are another store's, of the same seed.
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
        std::vector<Proof> inputs = std::move(body->inputs);
        for (Proof& input : inputs) input.witness.reset();
        const auto intent = job.make(mint, std::move(inputs));
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
Result<void> Till::pass_signed_outputs(Mint& mint)
{
    const auto page = mint.book().page();
    const Keyset* keyset = TRY(mint.for_wallet_outputs(*page));
    log_warn("wallet_seed_was_used_elsewhere", {{"mint", mint.url()}, {"keyset", keyset->id}});
    for (int question = 0; question < kMostQuestions; ++question) {
        const auto next = TRY(wallet_.peek(keyset->id, kOutputsPerQuestion));
        const auto answer = mint.client().restore(messages(next));
        const auto* restored = std::get_if<cashu::Restored>(&answer);
        if (!restored) return unknown("the mint does not say which of our outputs it has signed");
        const auto last = std::find_if(next.rbegin(), next.rend(),
                                       [&](const Output& output) { return restored->find(output.message.b); });
        if (last == next.rend()) return {};
        wallet_.pass(keyset->id, last->counter.value_or(0) + 1);
    }
    return unknown("the mint has signed more of our outputs than can be passed at once");
}

Result<Receipt> Till::book_receipt(Mint& mint, PurchaseId purchase, const Signed& done)
{
    auto owned = unblind_all(done.swap.intent.outputs, done.signatures, *mint.book().page());
    if (!owned) {
        log_error("swap_answer_wrong",
                  {{"purchase", static_cast<std::int64_t>(purchase)}, {"detail", owned.error().detail}});
        return owned.error();
    }
    Receipt receipt{std::move(owned->wallet), std::nullopt};
    if (!owned->buyer.empty())
        receipt.change = cashu::encode_token({mint.url(), std::string(kUnit), std::nullopt, std::move(owned->buyer)});
    TRY(journal_.mark_redeemed(purchase, done.swap.id, receipt));
    return receipt;
}

Result<std::string> Till::book_refund(Mint& mint, PurchaseId purchase, const Signed& done)
{
    auto owned = unblind_all(done.swap.intent.outputs, done.signatures, *mint.book().page());
    if (!owned) {
        log_error("swap_answer_wrong",
                  {{"purchase", static_cast<std::int64_t>(purchase)}, {"detail", owned.error().detail}});
        return owned.error();
    }
    std::string token = cashu::encode_token({mint.url(), std::string(kUnit), std::nullopt, std::move(owned->buyer)});
    TRY(journal_.mark_refunded(purchase, done.swap.id, token, owned->wallet));
    return token;
}

} // namespace adit::payments
