#include "payments/till.h"

#include "base/log.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/dleq.h"
#include "payments/cashu/p2pk.h"
#include "payments/selection.h"
#include "protocol/constants.h"

#include <algorithm>

namespace adit::payments {

using cashu::Keyset;
using cashu::MintPage;
using cashu::Proof;

namespace {

constexpr std::string_view kUnit = "sat";

Error unknown(std::string detail) { return {Reason::mint_unreachable, std::move(detail)}; }

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

std::vector<protocol::PublicKey> public_keys_of(std::span<const protocol::SecretKey> keys)
{
    std::vector<protocol::PublicKey> all;
    all.reserve(keys.size());
    for (const protocol::SecretKey& key : keys) all.push_back(key.public_key());
    return all;
}

bool knows_every_keyset(const cashu::Token& token, const MintPage& page)
{
    return std::ranges::all_of(
        token.proofs, [&](const Proof& proof) { return cashu::complete_id(proof.keyset, page.keysets).has_value(); });
}

} // namespace

Till::Till(const Mints& mints, std::vector<protocol::SecretKey> sales_keys, WalletOutputs& wallet, Journal& journal,
           const Clock& clock, Rng& rng)
    : mints_(mints), sales_keys_(std::move(sales_keys)), public_keys_(public_keys_of(sales_keys_)), wallet_(wallet),
      journal_(journal), clock_(clock), rng_(rng), swapper_(wallet, clock)
{
    CHECK(!sales_keys_.empty());
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
    TRY(cashu::all_spendable_alone(tender.proofs, public_keys_, now));

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
    return {buyer, public_key(), clock_.now() + protocol::kChangeLocktime};
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

    SwapIntent intent{SwapPurpose::redeem, mint.url(), {}, points_of(inputs), {}};
    intent.outputs = TRY(wallet_.make(keyset->id, kept));
    if (gives_change) {
        auto outputs = TRY(buyer_outputs(keyset->id, change, lock_for(terms.buyer), rng_));
        std::ranges::move(outputs, std::back_inserter(intent.outputs));
    }
    sort_outputs(intent.outputs);
    const auto blinded = messages(intent.outputs);
    TRY(cashu::sign_inputs(inputs, blinded, sales_keys_, rng_));
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

    SwapIntent intent{SwapPurpose::refund, mint.url(), {}, points_of(inputs), {}};
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

SwapJob Till::redeem_job(PurchaseId purchase, const Terms& terms) const
{
    const auto release = [this, purchase](Reason why, std::string detail) -> Error {
        if (const auto done = journal_.mark_released(purchase, why); !done) return done.error();
        return {why, std::move(detail)};
    };
    return SwapJob{
        [this, purchase] { return swaps_for(purchase, SwapPurpose::redeem); },
        [this, terms](Mint& mint, std::vector<Proof> inputs) { return redeem_intent(mint, std::move(inputs), terms); },
        [this, purchase](const SwapIntent& intent) { return journal_.begin_swap(purchase, intent); },
        [release](const cashu::Refusal& refusal) {
            // The code only: the detail is a stranger's text, and some mints quote the proof in it.
            return release(Reason::invalid_token, "the mint refused with code " + std::to_string(refusal.code));
        },
        [release](std::span<const cashu::Point>) {
            return release(Reason::double_spent, "the proofs were spent by someone else");
        },
    };
}

SwapJob Till::refund_job(PurchaseId purchase, const protocol::PublicKey& buyer, std::optional<Sat> amount) const
{
    return SwapJob{
        [this, purchase] { return swaps_for(purchase, SwapPurpose::refund); },
        [this, buyer, amount](Mint& mint, const std::vector<Proof>& inputs) {
            return refund_intent(mint, inputs, buyer, amount);
        },
        [this, purchase](const SwapIntent& intent) { return journal_.begin_refund(purchase, intent); },
        [](const cashu::Refusal& refusal) {
            return unknown("the mint refused the refund with code " + std::to_string(refusal.code));
        },
        [purchase](std::span<const cashu::Point>) {
            log_error("refund_proofs_spent_elsewhere", {{"purchase", static_cast<std::int64_t>(purchase)}});
            return Error{Reason::policy, "the proofs to refund were spent by another client of the operator"};
        },
    };
}

Result<Receipt> Till::redeem(PurchaseId purchase, const Tender& tender, const Terms& terms)
{
    Mint& mint = *tender.mint;
    const SwapJob job = redeem_job(purchase, terms);
    const SignedSwap done = TRY(swapper_.first_try(mint, TRY(redeem_intent(mint, tender.proofs, terms)), job));
    return book_receipt(mint, purchase, done);
}

Result<Receipt> Till::resume(PurchaseId purchase, const Terms& terms)
{
    Mint* mint = TRY(mint_of(TRY(journal_.swaps(purchase))));
    const SignedSwap done = TRY(swapper_.settle(*mint, std::nullopt, redeem_job(purchase, terms)));
    return book_receipt(*mint, purchase, done);
}

Result<std::string> Till::refund(PurchaseId purchase, const protocol::PublicKey& buyer)
{
    Mint* mint = TRY(mint_of(TRY(journal_.swaps(purchase))));
    const std::vector<Proof> proofs = TRY(journal_.proofs_of(purchase));
    if (proofs.empty()) return Error{Reason::policy, "the proofs to refund are not in the wallet any more"};
    const SwapJob job = refund_job(purchase, buyer, std::nullopt);
    const SignedSwap done = TRY(swapper_.first_try(*mint, TRY(refund_intent(*mint, proofs, buyer, std::nullopt)), job));
    return book_refund(*mint, purchase, done);
}

Result<std::string> Till::pay_back(PurchaseId purchase, Sat amount, const protocol::PublicKey& buyer)
{
    const std::vector<HeldProof> held = TRY(journal_.unspent());
    for (const auto& mint : mints_.all()) {
        std::vector<Proof> there;
        for (const HeldProof& each : held)
            if (mints_.find(each.mint) == mint.get()) there.push_back(each.proof);
        const std::vector<Proof> inputs = enough_for(amount, std::move(there), *mint->book().page(), clock_.now());
        if (inputs.empty()) continue;
        const SwapJob job = refund_job(purchase, buyer, amount);
        const SignedSwap done = TRY(swapper_.first_try(*mint, TRY(refund_intent(*mint, inputs, buyer, amount)), job));
        return book_refund(*mint, purchase, done);
    }
    return Error{Reason::policy, "the wallet has not enough at any one mint to pay this back"};
}

Result<std::string> Till::resume_refund(PurchaseId purchase, const protocol::PublicKey& buyer,
                                        std::optional<Sat> amount)
{
    Mint* mint = TRY(mint_of(TRY(journal_.swaps(purchase))));
    const SignedSwap done = TRY(swapper_.settle(*mint, std::nullopt, refund_job(purchase, buyer, amount)));
    return book_refund(*mint, purchase, done);
}

Result<std::vector<StoredSwap>> Till::swaps_for(PurchaseId purchase, SwapPurpose purpose) const
{
    auto swaps = TRY(journal_.swaps(purchase));
    std::erase_if(swaps, [&](const StoredSwap& swap) { return swap.intent.purpose != purpose; });
    return swaps;
}

Result<Mint*> Till::mint_of(const std::vector<StoredSwap>& swaps) const
{
    if (swaps.empty()) return Error{Reason::internal, "a purchase without an intention to swap"};
    Mint* mint = mints_.find(swaps.back().intent.mint);
    if (!mint) return unknown("the mint is not in the config any more: name it again until this purchase is settled");
    return mint;
}

Result<Receipt> Till::book_receipt(Mint& mint, PurchaseId purchase, const SignedSwap& done)
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

Result<std::string> Till::book_refund(Mint& mint, PurchaseId purchase, const SignedSwap& done)
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
