#include "payments/transfers.h"

#include "base/ascii.h"
#include "base/hash.h"
#include "base/log.h"
#include "payments/cashu/p2pk.h"
#include "payments/cashu/token.h"
#include "payments/selection.h"
#include "protocol/constants.h"

#include <algorithm>
#include <bit>

namespace adit::payments {

using cashu::Keyset;
using cashu::MeltQuote;
using cashu::MeltState;
using cashu::Proof;

namespace {

constexpr std::string_view kTransferUnit = "sat";
constexpr int kNutChange = 8;
constexpr int kMostChoices = 4; // of proofs that another transfer takes in the same moment
/// A mint that calls a payment done may still be signing its change.
constexpr Seconds kChangeMayCome{60};

Error waits(std::string detail) { return {Reason::mint_unreachable, std::move(detail)}; }

std::string sats(Sat amount) { return std::to_string(amount.count()) + " sat"; }

/// Cuts that pay `needed` and their own fee: outputs for it, and what they are in all.
struct ExactParts {
    std::vector<Sat> parts;
    Sat sum;
};
Result<ExactParts> exact_parts(Sat needed, const Keyset& keyset)
{
    Sat fee;
    for (;;) {
        const auto all = sum(needed, fee);
        if (!all) return Error{Reason::bad_request, "an amount that does not fit 64 bits"};
        std::vector<Sat> parts = TRY(cashu::split(*all, keyset));
        const auto own = cashu::input_fee(std::vector<std::uint64_t>(parts.size(), keyset.input_fee_ppk));
        if (!own) return Error{Reason::bad_request, "fees that do not fit 64 bits"};
        if (*own <= fee) return ExactParts{std::move(parts), *all};
        fee = *own;
    }
}

Result<std::vector<Proof>> inputs_of_melt(const StoredSwap& melt)
{
    auto body = cashu::parse_melt(melt.intent.body);
    if (!body) return Error{Reason::internal, "a payment's bytes are damaged"};
    return std::move(body->inputs);
}

/// Of what was swapped: inputs less outputs.
Result<Sat> fee_of_swap(const StoredSwap& swap)
{
    const auto body = cashu::parse_swap(swap.intent.body);
    if (!body) return Error{Reason::internal, "a swap's bytes are damaged"};
    const auto in = cashu::total(body->inputs);
    const auto out = cashu::total(body->outputs);
    const auto fee = in && out ? difference(*in, *out) : std::nullopt;
    if (!fee) return Error{Reason::internal, "a swap that gives more than it takes"};
    return *fee;
}

bool proves_payment(const std::optional<std::string>& preimage, const lightning::PaymentHash& hash)
{
    if (!preimage) return false;
    const auto bytes = parse_hex_exactly<32>(*preimage);
    return bytes && sha256(*bytes) == hash;
}

} // namespace

Transfers::Transfers(Parts parts) : parts_(std::move(parts)), swapper_(parts_.wallet, parts_.clock) {}

// ---- what there is -------------------------------------------------------------------------------------------------

Result<std::vector<Mint*>> Transfers::candidates(const std::optional<std::string>& mint) const
{
    std::vector<Mint*> found;
    if (mint) {
        found.push_back(parts_.mints.find(*mint));
        if (!found.front()) return Error{Reason::wrong_mint, "the config names no such mint"};
        return found;
    }
    for (const auto& each : parts_.mints.all()) found.push_back(each.get());
    return found;
}

Result<std::vector<Proof>> Transfers::held_at(const Mint& mint) const
{
    std::vector<Proof> there;
    for (HeldProof& each : TRY(parts_.journal.unspent()))
        if (parts_.mints.find(each.mint) == &mint) there.push_back(std::move(each.proof));
    return there;
}

Result<std::vector<MintFunds>> Transfers::funds() const
{
    std::vector<MintFunds> all;
    for (const auto& mint : parts_.mints.all()) {
        auto there = TRY(held_at(*mint));
        const Sat face = cashu::total(there).value_or(Sat{});
        all.push_back({mint->url(), face, most_of(std::move(there), *mint->book().page(), parts_.clock.now())});
    }
    return all;
}

/// Says how the money is spread.
Error Transfers::not_enough(Sat amount, const std::vector<Mint*>& asked) const
{
    std::string split;
    const auto all = funds();
    if (!all) return all.error();
    for (const MintFunds& each : *all) {
        if (std::ranges::none_of(asked, [&](const Mint* mint) { return mint->url() == each.mint; })) continue;
        if (!split.empty()) split += ", ";
        split += each.mint + " can pay " + sats(each.payable);
    }
    return Error{Reason::policy, (asked.size() > 1 ? "no one mint has enough for " : "not enough for ") + sats(amount) +
                                     " and its fees: " + (split.empty() ? "there is no mint" : split)};
}

Result<Transfers::Choice> Transfers::choose(const std::vector<Mint*>& mints, Sat amount) const
{
    for (Mint* mint : mints) {
        auto inputs = enough_for(amount, TRY(held_at(*mint)), *mint->book().page(), parts_.clock.now());
        if (!inputs.empty()) return Choice{mint, std::move(inputs)};
    }
    return not_enough(amount, mints);
}

// ---- intentions ----------------------------------------------------------------------------------------------------

Result<SwapIntent> Transfers::swap_intent(const Mint& mint, std::span<const Proof> inputs, Outputs outputs) const
{
    SwapIntent intent{SwapPurpose::transfer, mint.url(), {}, points_of(inputs), std::move(outputs)};
    sort_outputs(intent.outputs);
    intent.body = cashu::encode_swap(inputs, messages(intent.outputs));
    return intent;
}

Result<SwapIntent> Transfers::token_intent(const Mint& mint, const std::vector<Proof>& inputs,
                                           const NewTransfer& transfer) const
{
    const auto page = mint.book().page();
    const Keyset* keyset = TRY(mint.for_wallet_outputs(*page));
    const auto change = difference(TRY(net_of(inputs, *page)), transfer.amount);
    if (!change) return Error{Reason::policy, "the mint's fee has risen above what the proofs leave"};
    const std::vector<Sat> amounts = TRY(cashu::split(transfer.amount, *keyset));
    Outputs outputs =
        transfer.lock
            ? TRY(buyer_outputs(keyset->id, amounts,
                                {*transfer.lock, parts_.sales_key, parts_.clock.now() + protocol::kChangeLocktime},
                                parts_.rng))
            : TRY(bearer_outputs(keyset->id, amounts, parts_.rng));
    std::ranges::move(TRY(parts_.wallet.make(keyset->id, TRY(cashu::split(*change, *keyset)))),
                      std::back_inserter(outputs));
    return swap_intent(mint, inputs, std::move(outputs));
}

Result<SwapIntent> Transfers::split_intent(const Mint& mint, const std::vector<Proof>& inputs, Sat needed) const
{
    const auto page = mint.book().page();
    const Keyset* keyset = TRY(mint.for_wallet_outputs(*page));
    const ExactParts exact = TRY(exact_parts(needed, *keyset));
    const auto change = difference(TRY(net_of(inputs, *page)), exact.sum);
    if (!change) return Error{Reason::policy, "the mint's fee has risen above what the proofs leave"};
    Outputs outputs = TRY(parts_.wallet.make(keyset->id, exact.parts));
    for (Output& output : outputs) output.owner = OutputOwner::transfer;
    std::ranges::move(TRY(parts_.wallet.make(keyset->id, TRY(cashu::split(*change, *keyset)))),
                      std::back_inserter(outputs));
    return swap_intent(mint, inputs, std::move(outputs));
}

Result<SwapIntent> Transfers::gather_intent(const Mint& mint, const std::vector<Proof>& inputs) const
{
    const auto page = mint.book().page();
    const Keyset* keyset = TRY(mint.for_wallet_outputs(*page));
    const Sat net = TRY(net_of(inputs, *page));
    if (net == Sat{}) return Error{Reason::policy, "the proofs are worth no more than the mint's fee for them"};
    return swap_intent(mint, inputs, TRY(parts_.wallet.make(keyset->id, TRY(cashu::split(net, *keyset)))));
}

Result<SwapIntent> Transfers::nutzap_intent(const Mint& mint, std::vector<Proof> inputs) const
{
    SwapIntent intent = TRY(gather_intent(mint, inputs));
    for (const protocol::SecretKey& key : TRY(parts_.wallet_keys())) {
        if (!cashu::all_spendable_alone(inputs, key.public_key(), parts_.clock.now())) continue;
        const auto blinded = messages(intent.outputs);
        TRY(cashu::sign_inputs(inputs, blinded, key, parts_.rng));
        intent.body = cashu::encode_swap(inputs, blinded);
        return intent;
    }
    return Error{Reason::wrong_p2pk, "a nutzap that is locked to none of the wallet's keys"};
}

/// With as many blank outputs as what is paid too much can need. Whether it is enough is the mint's to say: by now the
/// proofs may have been cut for it. NUT-08
Result<SwapIntent> Transfers::melt_intent(const Mint& mint, const std::vector<Proof>& inputs,
                                          const NewTransfer& transfer) const
{
    const auto page = mint.book().page();
    const Sat over = difference(TRY(net_of(inputs, *page)), transfer.amount).value_or(Sat{});
    SwapIntent intent{SwapPurpose::melt, mint.url(), {}, points_of(inputs), {}};
    if (over > Sat{} && page->info && page->info->supports(kNutChange)) {
        const Keyset* keyset = TRY(mint.for_wallet_outputs(*page));
        const std::vector<Sat> blank(static_cast<std::size_t>(std::bit_width(over.count())), Sat(1));
        intent.outputs = TRY(parts_.wallet.make(keyset->id, blank));
    }
    intent.body = cashu::encode_melt(*transfer.quote, inputs, messages(intent.outputs));
    return intent;
}

// ---- swaps ---------------------------------------------------------------------------------------------------------

Error Transfers::fail(TransferId id, Reason reason, const std::string& why, std::span<const cashu::Point> spent) const
{
    if (const auto marked = parts_.transfers.mark_not_moved(id, why, spent); !marked) return marked.error();
    log_warn("transfer_failed", {{"transfer", number_of(id)}, {"detail", why}});
    return {reason, why};
}

SwapJob Transfers::job_for(const Transfer& transfer) const
{
    const TransferId id = transfer.id;
    return SwapJob{
        [this, id]() -> Result<std::vector<StoredSwap>> {
            auto swaps = TRY(parts_.transfers.swaps_of(id));
            std::erase_if(swaps, [](const StoredSwap& swap) { return swap.intent.purpose != SwapPurpose::transfer; });
            return swaps;
        },
        [this, what = transfer.what](Mint& mint, const std::vector<Proof>& inputs) -> Result<SwapIntent> {
            switch (what.kind) {
            case TransferKind::send:
            case TransferKind::refund:
                return token_intent(mint, inputs, what);
            case TransferKind::withdraw:
                return split_intent(mint, inputs, Sat(what.amount.count() + what.fee_reserve.count()));
            case TransferKind::consolidate:
                return gather_intent(mint, inputs);
            case TransferKind::nutzap:
                return nutzap_intent(mint, inputs);
            }
            return Error{Reason::internal};
        },
        [this, id](const SwapIntent& intent) { return parts_.transfers.intend_again(id, intent); },
        [this, id](const cashu::Refusal& refusal) {
            // The code only: the detail is a stranger's text, and some mints quote the proof in it.
            return fail(id, Reason::mint_refused, "the mint refused with code " + std::to_string(refusal.code));
        },
        [this, id](std::span<const cashu::Point> spent) {
            return fail(id, Reason::double_spent, "the proofs were spent by another client of this wallet", spent);
        },
    };
}

/// What is not known yet is not an error: the row says so, and somebody comes back to it.
Result<Transfer> Transfers::as_known(TransferId id, Result<Transfer> outcome)
{
    if (outcome) {
        if (!is_final(outcome->state)) unknown_(id);
        return outcome;
    }
    auto row = parts_.transfers.transfer(id);
    if (!row) {
        unknown_(id);
        return outcome;
    }
    if (is_final(row->state)) return outcome;
    unknown_(id);
    log_info("transfer_waits", {{"transfer", number_of(id)},
                                {"kind", kind_word(row->what.kind)},
                                {"state", state_word(row->state)},
                                {"detail", outcome.error().detail}});
    return row;
}

Result<Transfer> Transfers::run(Mint& mint, const Transfer& transfer, StoredSwap swap)
{
    const SignedSwap done = TRY(swapper_.send_stored(mint, std::move(swap), job_for(transfer)));
    return book(mint, transfer, done);
}

Result<Transfer> Transfers::book(Mint& mint, const Transfer& transfer, const SignedSwap& done)
{
    auto owned = unblind_all(done.swap.intent.outputs, done.signatures, *mint.book().page());
    if (!owned) {
        log_error("transfer_answer_wrong", {{"transfer", number_of(transfer.id)}, {"detail", owned.error().detail}});
        return owned.error();
    }
    const Sat fee = TRY(fee_of_swap(done.swap));
    if (transfer.what.kind == TransferKind::withdraw) {
        const SwapIntent melt = TRY(melt_intent(mint, owned->transfer, transfer.what));
        TRY(parts_.transfers.begin_payment(transfer.id, done.swap.id,
                                           {std::move(owned->transfer), std::move(owned->wallet), fee}, melt));
        return pay(mint, transfer.id);
    }
    TransferJournal::MovedMoney moved{.kept = std::move(owned->wallet), .fee = fee};
    if (!owned->buyer.empty())
        moved.token =
            cashu::encode_token({mint.url(), std::string(kTransferUnit), std::nullopt, std::move(owned->buyer)});
    TRY(parts_.transfers.mark_moved(transfer.id, done.swap.id, moved));
    log_info("transfer_done", {{"transfer", number_of(transfer.id)},
                               {"kind", kind_word(transfer.what.kind)},
                               {"sat", transfer.what.amount.count()},
                               {"fee_sat", fee.count()}});
    return parts_.transfers.transfer(transfer.id);
}

Result<Transfer> Transfers::send(const SendOrder& order)
{
    if (order.amount == Sat{}) return Error{Reason::bad_request, "an amount of 0 sat"};
    if (order.reference)
        if (auto known = TRY(parts_.transfers.transfer_named(*order.reference))) return std::move(*known);
    const auto mints = TRY(candidates(order.mint));
    for (int i = 0;; ++i) {
        const Choice choice = TRY(choose(mints, order.amount));
        NewTransfer what{.kind = order.kind, .mint = choice.mint->url(), .amount = order.amount};
        what.lock = order.lock;
        what.purchase = order.purchase;
        what.reference = order.reference;
        SwapIntent intent = TRY(token_intent(*choice.mint, choice.inputs, what));
        const auto begun = parts_.transfers.begin_transfer(what, intent);
        if (!begun && begun.error().reason == Reason::bad_step && i + 1 < kMostChoices) {
            // Someone else took a proof, or the name: the one is chosen anew, the other is answered.
            if (order.reference)
                if (auto known = TRY(parts_.transfers.transfer_named(*order.reference))) return std::move(*known);
            continue;
        }
        if (!begun) return begun.error();
        const Transfer row = TRY(parts_.transfers.transfer(begun->transfer));
        return as_known(row.id, run(*choice.mint, row, {begun->swap, std::nullopt, std::move(intent)}));
    }
}

Result<Transfer> Transfers::consolidate(Mint& mint, const std::vector<Proof>& proofs)
{
    const NewTransfer what{.kind = TransferKind::consolidate, .mint = mint.url()};
    SwapIntent intent = TRY(gather_intent(mint, proofs));
    const auto begun = TRY(parts_.transfers.begin_transfer(what, intent));
    const Transfer row = TRY(parts_.transfers.transfer(begun.transfer));
    return as_known(row.id, run(mint, row, {begun.swap, std::nullopt, std::move(intent)}));
}

Result<Transfer> Transfers::take_nutzap(Mint& mint, std::vector<Proof> proofs, std::string name,
                                        const protocol::PublicKey& sender)
{
    if (auto known = TRY(parts_.transfers.transfer_named(name))) return std::move(*known);
    const auto face = cashu::total(proofs);
    if (!face) return Error{Reason::bad_request, "amounts that do not fit 64 bits"};
    NewTransfer what{.kind = TransferKind::nutzap, .mint = mint.url(), .amount = *face};
    what.sender = sender;
    what.reference = std::move(name);
    SwapIntent intent = TRY(nutzap_intent(mint, std::move(proofs)));
    const auto begun = TRY(parts_.transfers.begin_transfer(what, intent));
    const Transfer row = TRY(parts_.transfers.transfer(begun.transfer));
    return as_known(row.id, run(mint, row, {begun.swap, std::nullopt, std::move(intent)}));
}

// ---- payments ------------------------------------------------------------------------------------------------------

struct Transfers::Payment {
    NewTransfer what;
    SwapIntent intent; // of purpose melt, or the split that comes first
};

/// Moves nothing: asks for a quote, and looks whether it can be paid within the limit.
Result<Transfers::Payment> Transfers::plan_payment(Mint& mint, const WithdrawOrder& order,
                                                   const lightning::Bolt11& invoice, Sat amount) const
{
    const auto page = mint.book().page();
    TRY(mint.for_wallet_outputs(*page));
    auto there = TRY(held_at(mint));
    if (most_of(there, *page, parts_.clock.now()) < amount) return not_enough(amount, {&mint});

    const auto answer = mint.client().melt_quote(order.invoice, kTransferUnit);
    mint.heard(!std::holds_alternative<cashu::Unknown>(answer));
    if (const auto* silence = std::get_if<cashu::Unknown>(&answer)) return silence->error;
    if (const auto* no = std::get_if<cashu::Refusal>(&answer))
        return Error{Reason::mint_refused,
                     mint.url() + " does not pay this invoice: it refused with code " + std::to_string(no->code)};
    const auto& quote = std::get<MeltQuote>(answer);
    const UnixSeconds now = parts_.clock.now();
    if (quote.amount != amount || (quote.unit && *quote.unit != kTransferUnit) ||
        (quote.request && to_lower(*quote.request) != order.invoice))
        return Error{Reason::amount_mismatch, mint.url() + " quotes another payment than the one that was asked for"};
    if (quote.state != MeltState::unpaid)
        return Error{Reason::policy, mint.url() + " says that this invoice is paid already, or being paid"};
    if (quote.expiry && *quote.expiry <= now) return waits("the mint's quote is past its end: look at the clocks");
    const auto needed = sum(amount, quote.fee_reserve);
    if (!needed) return Error{Reason::amount_mismatch, "a quote that does not fit 64 bits"};

    NewTransfer what{.kind = TransferKind::withdraw, .mint = mint.url(), .amount = amount, .max_fee = order.max_fee};
    what.address = order.address;
    what.invoice = order.invoice;
    what.hash = invoice.payment_hash;
    what.quote = quote.id;
    what.fee_reserve = quote.fee_reserve;
    what.reference = order.reference;

    std::vector<Proof> inputs = enough_for(*needed, there, *page, now);
    const bool change_comes_back = page->info && page->info->supports(kNutChange);
    const bool fits = !inputs.empty() && TRY(net_of(inputs, *page)) == *needed;
    Sat own_parts_fee;
    if (!change_comes_back && !fits) {
        const ExactParts exact = TRY(exact_parts(*needed, *TRY(mint.for_wallet_outputs(*page))));
        own_parts_fee = difference(exact.sum, *needed).value_or(Sat{});
        inputs = enough_for(exact.sum, std::move(there), *page, now);
    }
    if (inputs.empty()) return not_enough(*needed, {&mint});
    const Sat own_fee = fee_for(inputs, *page).value_or(Sat{});
    const Sat most(quote.fee_reserve.count() + own_fee.count() + own_parts_fee.count());
    if (most > order.max_fee)
        return Error{Reason::policy, mint.url() + " may take " + sats(most) + " for this payment (" +
                                         sats(quote.fee_reserve) + " for routing), and the limit is " +
                                         sats(order.max_fee) + ": nothing was paid"};
    SwapIntent intent =
        change_comes_back || fits ? TRY(melt_intent(mint, inputs, what)) : TRY(split_intent(mint, inputs, *needed));
    return Payment{std::move(what), std::move(intent)};
}

Result<Transfer> Transfers::withdraw(const WithdrawOrder& given)
{
    WithdrawOrder order = given;
    order.invoice = to_lower(given.invoice);
    constexpr std::string_view kScheme = "lightning:";
    if (order.invoice.starts_with(kScheme)) order.invoice.erase(0, kScheme.size());
    const auto invoice = lightning::parse_bolt11(order.invoice);
    if (!invoice) return Error{Reason::bad_request, "not an invoice that can be paid: " + invoice.error().detail};
    if (!invoice->amount)
        return Error{Reason::bad_request, "an invoice that names no amount: ask for one over the sum to be paid"};
    if (invoice->expires_at() <= parts_.clock.now()) return Error{Reason::policy, "the invoice has expired"};
    const std::uint64_t msat = invoice->amount->count();
    const Sat amount(msat / 1000 + (msat % 1000 != 0 ? 1 : 0));
    if (amount == Sat{}) return Error{Reason::bad_request, "an invoice over nothing"};
    if (order.reference)
        if (auto known = TRY(parts_.transfers.transfer_named(*order.reference))) return std::move(*known);
    const auto refuse_second = [&]() -> Result<void> {
        const auto known = TRY(parts_.transfers.transfer_paying(invoice->payment_hash));
        if (!known) return {};
        return Error{Reason::policy, "transfer " + std::to_string(number_of(known->id)) +
                                         " has this invoice already: " + std::string(state_word(known->state))};
    };
    TRY(refuse_second());

    std::optional<Error> why;
    for (Mint* mint : TRY(candidates(order.mint))) {
        for (int i = 0; i < kMostChoices; ++i) {
            auto plan = plan_payment(*mint, order, *invoice, amount);
            if (!plan) {
                why = plan.error();
                break;
            }
            const auto begun = parts_.transfers.begin_transfer(plan->what, plan->intent);
            if (!begun && begun.error().reason == Reason::bad_step) {
                TRY(refuse_second());
                why = begun.error();
                continue; // another transfer has taken a proof in this moment
            }
            if (!begun) return begun.error();
            const Transfer row = TRY(parts_.transfers.transfer(begun->transfer));
            if (row.state == TransferState::paying) return as_known(row.id, pay(*mint, row.id));
            return as_known(row.id, run(*mint, row, {begun->swap, std::nullopt, std::move(plan->intent)}));
        }
    }
    return why.value_or(Error{Reason::policy, "there is no mint to pay from"});
}

namespace {

Result<StoredSwap> melt_of(TransferJournal& journal, TransferId id)
{
    auto swaps = TRY(journal.swaps_of(id));
    if (swaps.empty() || swaps.back().intent.purpose != SwapPurpose::melt)
        return Error{Reason::internal, "a transfer that pays without a payment"};
    return std::move(swaps.back());
}

/// Which of the blank outputs are signed, with what the mint gave for each. NUT-09
struct SignedBlanks {
    std::vector<Output> outputs;
    std::vector<cashu::BlindSignature> signatures;
};

/// Each output with the amount that its signature is for.
SignedBlanks paired(const std::vector<Output>& blanks,
                    const std::function<const cashu::BlindSignature*(std::size_t)>& at)
{
    SignedBlanks pairs;
    for (std::size_t i = 0; i < blanks.size(); ++i) {
        const cashu::BlindSignature* signature = at(i);
        if (!signature) continue;
        Output output{blanks[i].owner, blanks[i].message, blanks[i].secret, blanks[i].r.duplicate(), blanks[i].counter};
        output.message.amount = signature->amount; // ours was blank: the mint says
        pairs.outputs.push_back(std::move(output));
        pairs.signatures.push_back(*signature);
    }
    return pairs;
}

Result<SignedBlanks> restored_blanks(Mint& mint, const StoredSwap& melt)
{
    if (melt.intent.outputs.empty()) return SignedBlanks{};
    const auto answer = mint.client().restore(messages(melt.intent.outputs));
    const auto* restored = std::get_if<cashu::Restored>(&answer);
    if (!restored) return waits("the mint does not say which change it signed");
    return paired(melt.intent.outputs, [&](std::size_t i) { return restored->find(melt.intent.outputs[i].message.b); });
}

} // namespace

/// The first request of a payment whose bytes have just been stored.
Result<Transfer> Transfers::pay(Mint& mint, TransferId id)
{
    const Transfer transfer = TRY(parts_.transfers.transfer(id));
    const StoredSwap melt = TRY(melt_of(parts_.transfers, id));
    const auto answer = mint.client().melt(melt.intent.body);
    mint.heard(!std::holds_alternative<cashu::Unknown>(answer));
    if (const auto* silence = std::get_if<cashu::Unknown>(&answer)) return silence->error;
    if (const auto* no = std::get_if<cashu::Refusal>(&answer))
        return judge_no(mint, transfer, melt, "the mint refused to pay with code " + std::to_string(no->code));
    const auto& quote = std::get<MeltQuote>(answer);
    switch (quote.state) {
    case MeltState::paid:
        return book_payment(mint, transfer, melt, quote);
    case MeltState::pending:
        return waits("the payment is on its way");
    case MeltState::unpaid:
        break;
    }
    return judge_no(mint, transfer, melt, "the mint could not pay the invoice");
}

/// After silence or a crash: what the quote says, and only where it is unpaid the same bytes again.
Result<Transfer> Transfers::follow(Mint& mint, TransferId id)
{
    const Transfer transfer = TRY(parts_.transfers.transfer(id));
    const StoredSwap melt = TRY(melt_of(parts_.transfers, id));
    const auto asked = mint.client().melt_quote_state(*transfer.what.quote);
    mint.heard(!std::holds_alternative<cashu::Unknown>(asked));
    if (const auto* silence = std::get_if<cashu::Unknown>(&asked)) return silence->error;
    if (const auto* quote = std::get_if<MeltQuote>(&asked)) {
        if (quote->state == MeltState::paid) return book_payment(mint, transfer, melt, *quote);
        if (quote->state == MeltState::pending) return waits("the payment is on its way");
    }
    return pay(mint, id);
}

/// A no was heard. It is definite once the quote is unpaid and the proofs are unspent.
Result<Transfer> Transfers::judge_no(Mint& mint, const Transfer& transfer, const StoredSwap& melt,
                                     const std::string& why)
{
    bool quote_known = false;
    for (int look = 0;; ++look) {
        const auto asked = mint.client().melt_quote_state(*transfer.what.quote);
        if (const auto* silence = std::get_if<cashu::Unknown>(&asked)) return silence->error;
        if (const auto* quote = std::get_if<MeltQuote>(&asked)) {
            quote_known = true;
            if (quote->state == MeltState::paid) return book_payment(mint, transfer, melt, *quote);
            if (quote->state == MeltState::pending) return waits("the payment is on its way");
        }
        const InputStates inputs = TRY(ask_inputs(mint, melt.intent.inputs));
        const SignedBlanks blanks = TRY(restored_blanks(mint, melt));
        switch (inputs.together) {
        case cashu::ProofState::pending:
            return waits("the mint has the proofs in another transaction");
        case cashu::ProofState::unspent:
            // Signatures that nothing of this payment was spent for are another store's, of the same seed.
            if (!blanks.signatures.empty()) TRY(swapper_.pass_signed_outputs(mint));
            return fail(transfer.id, Reason::mint_refused, why);
        case cashu::ProofState::spent:
            break;
        }
        if (look == 0) continue; // it may have been carried out between the questions
        if (!blanks.signatures.empty() || !quote_known)
            return waits("the proofs are spent, and the mint does not call the payment made");
        return fail(transfer.id, Reason::double_spent, "the proofs were spent by another client of this wallet",
                    inputs.spent);
    }
}

/// What was paid too much. NUT-08
Result<std::vector<Proof>> Transfers::change_of(Mint& mint, const Transfer& transfer, const StoredSwap& melt,
                                                const MeltQuote& quote) const
{
    const std::vector<Output>& blanks = melt.intent.outputs;
    if (blanks.empty()) return std::vector<Proof>{};
    const auto page = mint.book().page();
    if (quote.change && quote.change->size() <= blanks.size()) {
        const auto pairs =
            paired(blanks, [&](std::size_t i) { return i < quote.change->size() ? &(*quote.change)[i] : nullptr; });
        if (auto owned = unblind_all(pairs.outputs, pairs.signatures, *page)) return std::move(owned->wallet);
    }
    const SignedBlanks pairs = TRY(restored_blanks(mint, melt));
    auto owned = unblind_all(pairs.outputs, pairs.signatures, *page);
    if (owned) return std::move(owned->wallet);
    log_error("transfer_answer_wrong", {{"transfer", number_of(transfer.id)}, {"detail", owned.error().detail}});
    return owned.error();
}

Result<Transfer> Transfers::book_payment(Mint& mint, const Transfer& transfer, const StoredSwap& melt,
                                         const MeltQuote& quote)
{
    const bool proven = proves_payment(quote.preimage, *transfer.what.hash);
    if (!proven) {
        // Its word alone: then at least it must have taken the proofs.
        if (TRY(ask_inputs(mint, melt.intent.inputs)).together != cashu::ProofState::spent)
            return waits("the mint calls the payment made, proves nothing, and has not taken the proofs");
    }
    std::vector<Proof> kept = TRY(change_of(mint, transfer, melt, quote));
    const std::vector<Proof> inputs = TRY(inputs_of_melt(melt));
    const Sat paid_in = cashu::total(inputs).value_or(Sat{});
    const Sat change = cashu::total(kept).value_or(Sat{});
    const auto taken = difference(paid_in, change);
    const auto fee = taken ? difference(*taken, transfer.what.amount) : std::nullopt;
    if (!fee) return waits("the mint gives more change than was paid too much");
    const Sat own_fee = fee_for(inputs, *mint.book().page()).value_or(Sat{});
    const bool kept_too_much =
        fee->count() > own_fee.count() + transfer.what.fee_reserve.count() && !melt.intent.outputs.empty();
    const bool silent_on_change = !quote.change && kept.empty() && !melt.intent.outputs.empty();
    const Seconds waited = parts_.clock.now() - transfer.state_since;
    if ((kept_too_much && waited < protocol::kOwedAfter) || (silent_on_change && waited < kChangeMayCome))
        return waits("the payment is made, and its change has not come yet");
    if (kept_too_much)
        log_error("mint_kept_more_than_its_reserve",
                  {{"transfer", number_of(transfer.id)}, {"mint", mint.url()}, {"fee_sat", fee->count()}});
    if (!proven) log_warn("payment_without_proof", {{"transfer", number_of(transfer.id)}, {"mint", mint.url()}});

    TransferJournal::MovedMoney moved{.kept = std::move(kept),
                                      .fee = Sat(fee->count() + transfer.fee.value_or(Sat{}).count())};
    if (proven) moved.preimage = quote.preimage;
    TRY(parts_.transfers.mark_moved(transfer.id, melt.id, moved));
    log_info("transfer_done", {{"transfer", number_of(transfer.id)},
                               {"kind", kind_word(transfer.what.kind)},
                               {"sat", transfer.what.amount.count()},
                               {"fee_sat", moved.fee.count()}});
    return parts_.transfers.transfer(transfer.id);
}

Result<Transfer> Transfers::resume(TransferId id)
{
    const Transfer transfer = TRY(parts_.transfers.transfer(id));
    if (is_final(transfer.state)) return transfer;
    Mint* mint = parts_.mints.find(transfer.what.mint);
    if (!mint) return waits("the mint is not in the config any more: name it again until this transfer is settled");
    if (transfer.state == TransferState::paying) return follow(*mint, id);
    const SignedSwap done = TRY(swapper_.settle(*mint, std::nullopt, job_for(transfer)));
    return book(*mint, transfer, done);
}

} // namespace adit::payments
