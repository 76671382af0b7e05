#include "app/seed_scan.h"

#include "base/log.h"
#include "payments/cashu/curve.h"

#include <algorithm>
#include <iterator>
#include <sstream>

namespace adit::app {

using payments::Mint;
using payments::Output;
using payments::cashu::Keyset;
using payments::cashu::KeysetId;
using payments::cashu::Proof;
using store::WalletProof;

namespace {

constexpr std::size_t kOutputsPerQuestion = 100; // NUT-13
constexpr int kEmptyAnswers = 3;                 // in a row: nothing was signed beyond. NUT-13
constexpr std::string_view kUnit = "sat";

/// Facts of the seed in use: the store forgets them when there is another.
std::string unscanned_fact(const Mint& mint) { return "seed.unscanned " + mint.url(); }

std::string words_of(const std::set<KeysetId>& keysets)
{
    std::string text;
    for (const KeysetId& id : keysets) text += (text.empty() ? "" : " ") + id;
    return text;
}

std::set<KeysetId> split(const std::string& text)
{
    std::istringstream words(text);
    return {std::istream_iterator<std::string>(words), {}};
}

Error unknown(const char* what) { return Error{Reason::mint_unreachable, what}; }

} // namespace

/// One batch of outputs, as the mint remembers them.
struct SeedScan::Found {
    std::vector<Proof> proofs;
    std::optional<std::uint64_t> last; // counter of the last one that is signed; none: it signed none of them
};

SeedScan::SeedScan(Parts parts) : parts_(std::move(parts)) {}

Result<std::vector<Mint*>> SeedScan::load()
{
    std::vector<Mint*> waiting;
    if (TRY(parts_.store.fact(store::kFactSeedIsNew))) return waiting;
    for (const auto& mint : parts_.mints.all()) {
        const auto left = TRY(parts_.store.fact(unscanned_fact(*mint)));
        if (left && left->empty()) continue;
        mint->set_unscanned({.any = !left, .keysets = left ? split(*left) : std::set<KeysetId>()});
        waiting.push_back(mint.get());
    }
    return waiting;
}

Result<void> SeedScan::scan(Mint& mint)
{
    if (mint.unscanned().any) TRY(keep_unscanned(mint, TRY(keysets_of(mint))));
    std::optional<Error> failure;
    // What was learned before a failure counts: the keys of one keyset may be refused for good.
    if (const auto changed = mint.refresh(); !changed) failure = changed.error();
    const auto page = mint.book().page();
    for (const bool active : {true, false}) { // what is sold for first
        for (const Keyset& keyset : page->keysets) {
            if (keyset.active != active || !mint.unscanned().keysets.contains(keyset.id)) continue;
            if (const auto done = scan_keyset(mint, keyset); !done) failure = done.error();
        }
    }
    const std::set<KeysetId> left = mint.unscanned().keysets;
    if (left.empty()) {
        log_info("wallet_scan_done", {{"mint", mint.url()}});
        return {};
    }
    Error why = failure.value_or(unknown("the mint does not give the keys"));
    why.detail += "; keysets not looked at yet: " + words_of(left);
    return why;
}

/// All that it has in sat, with or without their keys, and all that it had as far as we know: one that comes later was
/// never signed with before. Errors: mint_unreachable, mint_refused.
Result<std::set<KeysetId>> SeedScan::keysets_of(Mint& mint)
{
    const auto answer = mint.client().keysets();
    mint.heard(!std::holds_alternative<payments::cashu::Unknown>(answer));
    if (const auto* silence = std::get_if<payments::cashu::Unknown>(&answer)) return silence->error;
    const auto* listed = std::get_if<std::vector<Keyset>>(&answer);
    if (!listed) return Error{Reason::mint_refused, "the mint refuses to say which keysets it has"};
    std::set<KeysetId> ids;
    for (const auto* keysets : {listed, &mint.book().page()->keysets})
        for (const Keyset& keyset : *keysets)
            if (keyset.unit == kUnit) ids.insert(keyset.id);
    return ids;
}

/// On disk first.
Result<void> SeedScan::keep_unscanned(Mint& mint, std::set<KeysetId> keysets)
{
    TRY(parts_.store.set_fact(unscanned_fact(mint), words_of(keysets)));
    mint.set_unscanned({.any = false, .keysets = std::move(keysets)});
    return {};
}

/// Begins where the counter stands: what is before it is in the journal of this store, or was restored with it.
Result<void> SeedScan::scan_keyset(Mint& mint, const Keyset& keyset)
{
    std::uint64_t first = parts_.outputs.next(keyset.id);
    std::uint64_t restored_sat = 0;
    for (int empty = 0; empty < kEmptyAnswers; first += kOutputsPerQuestion) {
        if (parts_.asked_to_stop()) return Error{Reason::internal, "stopped while the wallet was restored"};
        Found found = TRY(ask(mint, keyset, first));
        if (!found.last) {
            ++empty;
            continue;
        }
        empty = 0;
        const auto unspent = TRY(unspent_of(mint, std::move(found.proofs)));
        const std::size_t added = TRY(parts_.store.add_restored_proofs(unspent, {keyset.id, *found.last + 1}));
        parts_.outputs.pass(keyset.id, *found.last + 1);
        for (const WalletProof& each : unspent) restored_sat += each.proof.amount.count();
        log_info("wallet_scan", {{"mint", mint.url()},
                                 {"keyset", keyset.id},
                                 {"signed_up_to", *found.last},
                                 {"unspent", unspent.size()},
                                 {"new", added},
                                 {"sat", restored_sat}});
        if (added > 0) restored_();
    }
    std::set<KeysetId> left = mint.unscanned().keysets;
    left.erase(keyset.id);
    return keep_unscanned(mint, std::move(left));
}

/// NUT-09
Result<SeedScan::Found> SeedScan::ask(Mint& mint, const Keyset& keyset, std::uint64_t first) const
{
    std::vector<Output> outputs = TRY(parts_.outputs.at(keyset.id, first, kOutputsPerQuestion));
    const auto answer = mint.client().restore(payments::messages(outputs));
    mint.heard(!std::holds_alternative<payments::cashu::Unknown>(answer));
    if (const auto* silence = std::get_if<payments::cashu::Unknown>(&answer)) return silence->error;
    const auto* restored = std::get_if<payments::cashu::Restored>(&answer);
    if (!restored) return unknown("the mint refuses to say what it signed");
    Found found;
    for (Output& output : outputs) {
        const auto* signature = restored->find(output.message.b);
        if (!signature) continue;
        found.last = *output.counter;
        output.message.amount = signature->amount; // ours was a guess: the mint knows
        auto proof = payments::unblind_all(std::span(&output, 1), std::span(signature, 1), *mint.book().page());
        if (proof) {
            found.proofs.push_back(std::move(proof->wallet.front()));
        } else {
            // Signed it is, whatever it is worth: nothing better comes of asking again.
            log_warn("restored_signature_is_wrong", {{"mint", mint.url()},
                                                     {"keyset", keyset.id},
                                                     {"counter", *output.counter},
                                                     {"detail", proof.error().detail}});
        }
    }
    return found;
}

/// NUT-07. One in a transaction that is not settled yet is still ours until it is: it is looked at again later, as all
/// the wallet's proofs are.
Result<std::vector<WalletProof>> SeedScan::unspent_of(Mint& mint, std::vector<Proof> proofs) const
{
    std::vector<WalletProof> unspent;
    if (proofs.empty()) return unspent;
    std::vector<payments::cashu::Point> ys;
    ys.reserve(proofs.size());
    for (const Proof& proof : proofs) ys.push_back(payments::cashu::proof_y(proof.secret));
    const auto answer = mint.client().check_state(ys);
    mint.heard(!std::holds_alternative<payments::cashu::Unknown>(answer));
    const auto* states = std::get_if<std::vector<payments::cashu::ProofState>>(&answer);
    if (!states) return unknown("the mint does not say which of the restored proofs are spent");
    for (std::size_t i = 0; i < proofs.size(); ++i)
        if ((*states)[i] != payments::cashu::ProofState::spent)
            unspent.push_back({.mint = mint.url(), .proof = std::move(proofs[i])});
    return unspent;
}

} // namespace adit::app
