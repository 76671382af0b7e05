#include "cli/mint_work.h"

#include "payments/cashu/curve.h"
#include "payments/cashu/dleq.h"
#include "payments/cashu/p2pk.h"

#include <algorithm>

namespace adit::cli {

namespace cashu = payments::cashu;
using cashu::BlindSignature;
using cashu::Keyset;
using cashu::MintPage;
using cashu::Proof;
using payments::Output;
using payments::OutputOwner;

namespace {

/// A mint that rotates its keyset again and again while we try is left for later.
constexpr int kMostRemakes = 3;

// NUT error codes: hints only, since numbers moved between editions.
constexpr std::int64_t kCodeNotBalanced = 11005;
constexpr std::int64_t kCodeNotBalancedBefore = 11002;
constexpr std::int64_t kCodeQuoteSignature = 20008;

Error unknown(std::string detail) { return {Reason::mint_unreachable, std::move(detail)}; }

Result<void> add_outputs(std::vector<Output>& out, OutputOwner owner, const Keyset& keyset, Sat amount, Rng& rng,
                         const std::function<std::string()>& make_secret)
{
    for (const Sat part : TRY(cashu::split(amount, keyset))) {
        std::string secret = make_secret();
        cashu::Scalar r = cashu::random_scalar(rng);
        const cashu::Point b = TRY(cashu::blind(secret, r));
        out.push_back(Output{owner, {keyset.id, part, b}, std::move(secret), std::move(r), std::nullopt});
    }
    return {};
}

/// One work that the mint has signed wholly, and its signatures in the order of the outputs.
struct Signed {
    std::size_t work;
    std::vector<BlindSignature> signatures;
};

/// NUT-09 for every work. Errors: mint_unreachable (no answer, or one that fits no atomic mint).
Result<std::optional<Signed>> ask_restore(const WorkShop& shop)
{
    std::vector<cashu::BlindedMessage> all;
    for (const MintWork& work : shop.works)
        for (const Output& output : work.outputs) all.push_back(output.message);
    const auto answer = shop.mint.client().restore(all);
    if (const auto* silence = std::get_if<cashu::Unknown>(&answer)) return silence->error;
    if (std::holds_alternative<cashu::Refusal>(answer)) return unknown("the mint refuses to say what it signed");
    const auto& restored = std::get<cashu::Restored>(answer);
    for (std::size_t i = 0; i < shop.works.size(); ++i) {
        Signed found{i, {}};
        for (const Output& output : shop.works[i].outputs)
            if (const BlindSignature* one = restored.find(output.message.b)) found.signatures.push_back(*one);
        if (found.signatures.empty()) continue;
        if (found.signatures.size() != shop.works[i].outputs.size())
            return unknown("the mint signed only a part of what was asked");
        return std::optional<Signed>(std::move(found));
    }
    return std::optional<Signed>();
}

enum class Source { free, busy, used };

/// Whether what pays for the work (the inputs, or the quote) is still there. Errors: mint_unreachable.
Result<Source> ask_source(const WorkShop& shop)
{
    if (shop.works.back().kind == MintWork::Kind::mint) {
        const auto answer = shop.mint.client().mint_quote_state(shop.quote.value_or(""));
        const auto* quote = std::get_if<cashu::MintQuote>(&answer);
        if (!quote) return unknown("the mint does not say what became of the invoice");
        switch (quote->state) {
        case cashu::QuoteState::unpaid:
        case cashu::QuoteState::paid:
            return Source::free;
        case cashu::QuoteState::issued:
            return Source::used;
        }
    }
    const auto answer = shop.mint.client().check_state(shop.works.back().inputs);
    const auto* states = std::get_if<std::vector<cashu::ProofState>>(&answer);
    if (!states) return unknown("the mint does not say whether the proofs are spent");
    if (std::ranges::find(*states, cashu::ProofState::spent) != states->end()) return Source::used;
    if (std::ranges::find(*states, cashu::ProofState::pending) != states->end()) return Source::busy;
    return Source::free;
}

Result<payments::OwnedProofs> finish(const WorkShop& shop, const Signed& done)
{
    const auto& outputs = shop.works[done.work].outputs;
    const auto page = shop.mint.book().page();
    const bool known = std::ranges::all_of(
        outputs, [&](const Output& output) { return page->find(output.message.keyset) != nullptr; });
    if (!known) TRY(shop.mint.refresh());
    return payments::unblind_all(outputs, done.signatures, *shop.mint.book().page());
}

cashu::Answer<std::vector<BlindSignature>> send(const WorkShop& shop)
{
    const MintWork& work = shop.works.back();
    return work.kind == MintWork::Kind::mint ? shop.mint.client().mint(work.body) : shop.mint.client().swap(work.body);
}

} // namespace

Result<std::vector<Output>> make_outputs(const Keyset& keyset, Sat payment, const PaymentLock& lock, Sat ours, Rng& rng)
{
    cashu::P2pkLock conditions;
    conditions.keys = {lock.operator_key};
    conditions.locktime = lock.locktime;
    conditions.refund_keys = {cashu::even_point(lock.refund)};
    std::vector<Output> outputs;
    TRY(add_outputs(outputs, OutputOwner::buyer, keyset, payment, rng,
                    [&] { return cashu::make_p2pk_secret(conditions, rng); }));
    TRY(add_outputs(outputs, OutputOwner::wallet, keyset, ours, rng, [&] { return cashu::make_plain_secret(rng); }));
    payments::sort_outputs(outputs);
    return outputs;
}

Result<std::vector<Output>> make_plain_outputs(const Keyset& keyset, Sat ours, Rng& rng)
{
    std::vector<Output> outputs;
    TRY(add_outputs(outputs, OutputOwner::wallet, keyset, ours, rng, [&] { return cashu::make_plain_secret(rng); }));
    payments::sort_outputs(outputs);
    return outputs;
}

Result<Sat> amount_for(Sat net, const Keyset& keyset)
{
    // The fee depends on the number of proofs, and that on the amount. It only ever rises, and soon settles.
    Sat amount = net;
    for (int step = 0; step < 64; ++step) {
        const auto parts = TRY(cashu::split(amount, keyset));
        const std::vector<std::uint64_t> ppk(parts.size(), keyset.input_fee_ppk);
        const auto fee = cashu::input_fee(ppk);
        const auto needed = fee ? sum(net, *fee) : std::nullopt;
        if (!needed) break;
        if (amount >= *needed) return amount;
        amount = *needed;
    }
    return Error{Reason::internal, "no amount in this mint's ecash covers the price and its own fee"};
}

std::optional<Sat> fee_of(std::span<const Proof> proofs, const MintPage& page)
{
    std::vector<std::uint64_t> ppk;
    for (const Proof& proof : proofs) {
        const Keyset* keyset = page.find(proof.keyset);
        if (!keyset) return std::nullopt;
        ppk.push_back(keyset->input_fee_ppk);
    }
    return cashu::input_fee(ppk);
}

Result<void> check_proofs(std::span<Proof> proofs, const MintPage& page)
{
    for (Proof& proof : proofs) {
        proof.keyset = TRY(cashu::complete_id(proof.keyset, page.keysets));
        const Keyset* keyset = page.find(proof.keyset);
        const bool ours = keyset && keyset->keys.contains(proof.amount);
        if (!ours) return Error{Reason::invalid_token, "a proof of a keyset or an amount that its mint does not have"};
        if (proof.dleq && !cashu::verify_proof_dleq(keyset->keys.at(proof.amount), proof))
            return Error{Reason::invalid_token, "a proof that its mint has not signed"};
    }
    return {};
}

std::vector<cashu::Point> ys_of(std::span<const Proof> proofs)
{
    std::vector<cashu::Point> ys;
    for (const Proof& proof : proofs) ys.push_back(cashu::proof_y(proof.secret));
    return ys;
}

Result<payments::OwnedProofs> carry_out(const WorkShop& shop)
{
    for (int remakes = 0;; ++remakes) {
        CHECK(!shop.works.empty());
        auto answer = send(shop);
        if (auto* signatures = std::get_if<std::vector<BlindSignature>>(&answer))
            return finish(shop, {shop.works.size() - 1, std::move(*signatures)});
        const auto* refusal = std::get_if<cashu::Refusal>(&answer);

        // Neither silence nor a no proves that nothing was signed, by this request or by one before it.
        auto restored = TRY(ask_restore(shop));
        if (restored) return finish(shop, *restored);
        switch (TRY(ask_source(shop))) {
        case Source::busy:
            return unknown("the mint has the proofs in another transaction");
        case Source::used:
            // Ours may have been carried out between the two questions.
            restored = TRY(ask_restore(shop));
            if (restored) return finish(shop, *restored);
            return Error{Reason::double_spent, "what was to pay for it has been used by somebody else"};
        case Source::free:
            break;
        }
        if (!refusal) return std::get<cashu::Unknown>(answer).error;

        const std::string code = "the mint refuses with code " + std::to_string(refusal->code);
        TRY(shop.mint.refresh());
        const auto page = shop.mint.book().page();
        const Keyset* keyset = page->find(shop.works.back().outputs.front().message.keyset);
        const bool rotated = !keyset || !keyset->active;
        const bool unbalanced = shop.works.back().kind == MintWork::Kind::swap &&
                                (refusal->code == kCodeNotBalanced || refusal->code == kCodeNotBalancedBefore);
        const bool signature = shop.works.back().kind == MintWork::Kind::mint && refusal->code == kCodeQuoteSignature;
        if ((!rotated && !unbalanced && !signature) || remakes >= kMostRemakes)
            return Error{Reason::mint_refused, code};
        auto again = shop.remake(signature ? cashu::QuoteMessage::legacy : cashu::QuoteMessage::amended);
        if (!again) return Error{Reason::mint_refused, code + "; " + again.error().detail};
        shop.works.push_back(std::move(*again));
        TRY(shop.save());
    }
}

} // namespace adit::cli
