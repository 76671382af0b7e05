// Taking money back: change, refunds, and a payment that the operator never took.
#include "cli/buyer.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/mint_url.h"
#include "payments/cashu/p2pk.h"
#include "payments/cashu/token.h"

#include <algorithm>

namespace adit::cli {

namespace cashu = payments::cashu;
using cashu::Keyset;
using cashu::Proof;

namespace {

/// The proofs that can be redeemed now, of one mint. Errors: policy (none yet: says when).
Result<std::vector<Proof>> redeemable(const Record& record, UnixSeconds now)
{
    std::vector<Proof> proofs;
    const auto add = [&](const std::string& text) {
        auto token = cashu::parse_token(text);
        if (token && cashu::same_mint(token->mint, record.offer.mint))
            std::ranges::move(token->proofs, std::back_inserter(proofs));
    };
    for (const Coin& coin : record.coins) {
        const bool locked = coin.kind == Coin::Kind::change || coin.kind == Coin::Kind::refund;
        if (locked && !coin.spent) add(coin.token);
    }
    const bool never_taken =
        record.stage == Stage::ready || record.stage == Stage::asked || record.stage == Stage::refused;
    if (never_taken && record.locktime && record.payment) {
        if (*record.locktime + Seconds(60) <= now)
            add(*record.payment);
        else if (proofs.empty())
            return Error{Reason::policy, "the payment is locked to the operator until " + to_iso8601(*record.locktime) +
                                             "; from then on it can be taken back"};
    }
    return proofs;
}

/// One proof that is spent would spoil the swap of all: a payment that the operator has taken after all stands in the
/// file beside its change. Errors: mint_unreachable; policy (all are spent).
Result<void> leave_out_spent(payments::Mint& mint, std::vector<Proof>& proofs)
{
    const auto answer = mint.client().check_state(ys_of(proofs));
    const auto* states = std::get_if<std::vector<cashu::ProofState>>(&answer);
    if (!states) return Error{Reason::mint_unreachable, "the mint does not say which proofs are spent"};
    std::vector<Proof> left;
    for (std::size_t i = 0; i < proofs.size(); ++i)
        if ((*states)[i] != cashu::ProofState::spent) left.push_back(std::move(proofs[i]));
    if (left.empty()) return Error{Reason::policy, "everything that could be redeemed is spent already"};
    proofs = std::move(left);
    return {};
}

} // namespace

Result<MintWork> Buyer::redeem_work(const Record& record)
{
    payments::Mint& mint = *TRY(mint_of(record));
    auto proofs = TRY(redeemable(record, parts_.clock.now()));
    TRY(leave_out_spent(mint, proofs));
    const auto page = mint.book().page();
    TRY(check_proofs(proofs, *page));
    const Keyset* keyset = page->for_outputs(parts_.clock.now());
    if (!keyset) return Error{Reason::mint_refused, "the mint has no active keyset in sat"};
    const auto face = cashu::total(proofs);
    const auto fee = fee_of(proofs, *page);
    const auto net = face && fee ? difference(*face, *fee) : std::nullopt;
    if (!net || *net == Sat{}) return Error{Reason::policy, "the coins are worth no more than the mint's fee for them"};
    MintWork work;
    work.kind = MintWork::Kind::swap;
    work.inputs = ys_of(proofs);
    work.outputs = TRY(make_plain_outputs(*keyset, *net, parts_.rng));
    const auto messages = payments::messages(work.outputs);
    for (Proof& proof : proofs) proof.witness.reset();
    TRY(cashu::sign_inputs(proofs, messages, record.keys.refund, parts_.rng));
    work.body = cashu::encode_swap(proofs, messages);
    return work;
}

/// Marks coins whose proofs the mint calls spent. Errors: mint_unreachable.
Result<void> Buyer::mark_spent_coins(Record& record)
{
    payments::Mint& mint = *TRY(mint_of(record));
    for (Coin& coin : record.coins) {
        const auto token = cashu::parse_token(coin.token);
        if (!token || coin.spent) continue;
        const auto answer = mint.client().check_state(ys_of(token->proofs));
        const auto* states = std::get_if<std::vector<cashu::ProofState>>(&answer);
        if (!states) return Error{Reason::mint_unreachable, "the mint does not say which coins are spent"};
        coin.spent = std::ranges::find(*states, cashu::ProofState::spent) != states->end();
    }
    return save(record);
}

Result<bool> Buyer::redeem(Record& record)
{
    bool fresh = record.redeeming.empty();
    if (fresh) {
        if (TRY(redeemable(record, parts_.clock.now())).empty()) return false;
        record.redeeming.push_back(TRY(redeem_work(record)));
        TRY(save(record));
    }
    payments::Mint& mint = *TRY(mint_of(record));
    const WorkShop shop{mint, record.redeeming, [&] { return save(record); },
                        [&](cashu::QuoteMessage) { return redeem_work(record); }, std::nullopt};
    for (;;) {
        parts_.reporter.progress("the mint swaps the coins");
        auto owned = carry_out_patiently(shop);
        if (owned) return TRY(book_redeemed(record, std::move(owned->wallet)));
        const Reason reason = owned.error().reason;
        if (reason == Reason::double_spent) TRY(mark_spent_coins(record));
        const bool definite = reason == Reason::double_spent || reason == Reason::mint_refused;
        if (!definite || fresh) return owned.error();
        // The work was made by an earlier run, and will never be carried out: things may have changed since.
        fresh = true;
        record.redeeming.push_back(TRY(redeem_work(record)));
        TRY(save(record));
    }
}

Result<bool> Buyer::book_redeemed(Record& record, std::vector<Proof> proofs)
{
    std::vector<cashu::Point> inputs;
    for (const MintWork& work : record.redeeming) std::ranges::copy(work.inputs, std::back_inserter(inputs));
    const auto used = [&](const std::string& text) {
        const auto token = cashu::parse_token(text);
        if (!token) return false;
        const auto ys = ys_of(token->proofs);
        return std::ranges::any_of(ys, [&](const auto& y) { return std::ranges::find(inputs, y) != inputs.end(); });
    };
    for (Coin& coin : record.coins) coin.spent = coin.spent || used(coin.token);
    if (record.payment && record.stage != Stage::delivered && used(*record.payment)) {
        record.stage = Stage::refunded;
        record.refusal = Refusal{0, "taken-back", "The payment was never taken, and is redeemed."};
    }
    add_coin(record, Coin::Kind::redeemed,
             cashu::encode_token({record.offer.mint, std::string(kUnit), std::nullopt, std::move(proofs)}));
    record.redeeming.clear();
    TRY(save(record));
    return true;
}

} // namespace adit::cli
