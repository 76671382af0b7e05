#include "app/books.h"

#include "payments/cashu/curve.h"
#include "payments/cashu/token.h"

#include <algorithm>
#include <map>

namespace adit::app {

using payments::SwapPurpose;
using payments::TransferKind;
using payments::TransferState;
using session::Method;
using session::State;
using store::BookedPurchase;
using store::BookedSwap;
using store::BookedTransfer;
using store::BookRows;
using store::ProofState;

namespace {

constexpr std::size_t kYsAsked = 100; // in one question
constexpr std::size_t kMostTold = 100;

class Sums {
public:
    explicit Sums(Audit& audit) : audit_(audit) {}
    MintBooks& at(const std::string& mint)
    {
        MintBooks& books = by_mint_[mint];
        books.mint = mint;
        return books;
    }
    void fault(std::string what)
    {
        if (audit_.faults.size() < kMostTold) audit_.faults.push_back(std::move(what));
    }
    void finish()
    {
        for (auto& [mint, books] : by_mint_) audit_.mints.push_back(std::move(books));
    }

private:
    Audit& audit_;
    std::map<std::string, MintBooks> by_mint_;
};

std::string sats(std::uint64_t amount) { return std::to_string(amount) + " sat"; }

/// The intention that explains what came of a purchase; nullptr: none does.
const BookedSwap* explaining(const std::multimap<std::int64_t, const BookedSwap*>& swaps,
                             const BookedPurchase& purchase, SwapPurpose purpose, std::uint64_t ours,
                             std::uint64_t buyers)
{
    const auto [first, last] = swaps.equal_range(number_of(purchase.id));
    for (auto each = first; each != last; ++each)
        if (each->second->purpose == purpose && each->second->ours.count() == ours &&
            each->second->buyers.count() == buyers)
            return each->second;
    return nullptr;
}

void book_sale(Sums& sums, const BookedPurchase& purchase, const std::multimap<std::int64_t, const BookedSwap*>& swaps)
{
    if (purchase.method != Method::cashu || !purchase.mint) return;
    const std::string name = "purchase " + std::to_string(number_of(purchase.id));
    MintBooks& books = sums.at(*purchase.mint);
    const std::uint64_t paid = purchase.paid.count();
    const std::uint64_t kept = purchase.brought.count();
    const std::uint64_t change = purchase.change.count();
    books.sales += paid;
    books.change += change;
    const BookedSwap* swap = explaining(swaps, purchase, SwapPurpose::redeem, kept, change);
    if (!swap)
        return sums.fault(name + ": was paid with " + sats(paid) + ", brought " + sats(kept) + " and gave " +
                          sats(change) + " of change, and no swap of it was made for that");
    if (kept + change > paid)
        return sums.fault(name + ": brought more than the " + sats(paid) + " that it was paid with");
    books.fees += paid - kept - change;
}

void book_refund(Sums& sums, const BookedPurchase& purchase,
                 const std::multimap<std::int64_t, const BookedSwap*>& swaps)
{
    if (purchase.state != State::refunded) return;
    const std::string name = "the refund of purchase " + std::to_string(number_of(purchase.id));
    const std::uint64_t kept = purchase.method == Method::cashu ? 0 : purchase.brought.count();
    const std::uint64_t refund = purchase.refund.count();
    const BookedSwap* swap = explaining(swaps, purchase, SwapPurpose::refund, kept, refund);
    if (!swap)
        return sums.fault(name + ": gave " + sats(refund) + " and left " + sats(kept) +
                          ", and no swap of it was made for that");
    MintBooks& books = sums.at(swap->mint);
    books.refunds += refund;
    if (kept + refund > purchase.spent.count())
        return sums.fault(name + ": gave more than the " + sats(purchase.spent.count()) + " that it has spent");
    books.fees += purchase.spent.count() - kept - refund;
}

void book_transfer(Sums& sums, const BookedTransfer& booked)
{
    const payments::Transfer& transfer = booked.transfer;
    MintBooks& books = sums.at(transfer.what.mint);
    const std::uint64_t amount = transfer.state == TransferState::done ? transfer.what.amount.count() : 0;
    const std::uint64_t fee = transfer.fee.value_or(Sat{}).count();
    std::uint64_t in = booked.spent.count();
    std::uint64_t out = booked.brought.count() + fee;
    books.fees += fee;
    switch (transfer.what.kind) {
    case TransferKind::send:
    case TransferKind::withdraw:
        books.paid_out += amount;
        out += amount;
        break;
    case TransferKind::refund:
        books.refunds += amount;
        out += amount;
        break;
    case TransferKind::nutzap:
        books.nutzaps += amount;
        in += amount;
        break;
    case TransferKind::consolidate:
        break;
    }
    if (in != out)
        sums.fault("transfer " + std::to_string(number_of(transfer.id)) + " (" +
                   std::string(kind_word(transfer.what.kind)) + ", " + std::string(state_word(transfer.state)) +
                   "): has spent " + sats(in) + ", and " + sats(out) + " came of it");
}

} // namespace

bool Audit::balanced() const
{
    return faults.empty() && std::ranges::all_of(mints, [](const MintBooks& books) { return books.balanced(); });
}

std::optional<Sat> worth_of_token(std::string_view token)
{
    const auto parsed = payments::cashu::parse_token(token, {.bytes = 1 << 20, .proofs = 1000});
    if (!parsed) return std::nullopt;
    return payments::cashu::total(parsed->proofs);
}

Audit audit(const BookRows& rows)
{
    Audit all;
    Sums sums(all);
    std::multimap<std::int64_t, const BookedSwap*> swaps;
    for (const BookedSwap& swap : rows.swaps) swaps.emplace(number_of(swap.purchase), &swap);
    for (const BookedPurchase& purchase : rows.purchases) {
        if (purchase.unreadable)
            sums.fault("purchase " + std::to_string(number_of(purchase.id)) + ": a token of it can not be read");
        book_sale(sums, purchase, swaps);
        book_refund(sums, purchase, swaps);
    }
    for (const BookedTransfer& transfer : rows.transfers) book_transfer(sums, transfer);
    for (const store::BookedProofs& proofs : rows.proofs) {
        MintBooks& books = sums.at(proofs.mint);
        const std::uint64_t amount = proofs.sum.count();
        if (proofs.found) books.found += amount;
        switch (proofs.state) {
        case ProofState::unspent:
            (proofs.owed ? books.owed : books.wallet) += amount;
            break;
        case ProofState::refunding:
        case ProofState::moving:
            books.pending += amount;
            break;
        case ProofState::spent: // is in what it was spent for
            break;
        case ProofState::spent_elsewhere:
            books.spent_elsewhere += amount;
            break;
        }
    }
    for (const std::string& stray : rows.strays) sums.fault(stray);
    sums.finish();
    return all;
}

Result<OnlineAudit> audit_online(store::Store& store, const payments::Mints& mints)
{
    OnlineAudit online;
    const auto fault = [&](std::string what) {
        if (online.faults.size() < kMostTold) online.faults.push_back(std::move(what));
    };
    for (const ProofState state : {ProofState::unspent, ProofState::spent, ProofState::spent_elsewhere}) {
        std::map<std::string, std::vector<payments::cashu::Proof>> by_mint;
        for (store::WalletProof& each : TRY(store.wallet_proofs(state)))
            by_mint[each.mint].push_back(std::move(each.proof));
        for (const auto& [url, proofs] : by_mint) {
            payments::Mint* mint = mints.find(url);
            const auto silent = [&online, &url = url](const char* why) {
                const std::string words = url + ": " + why;
                if (std::ranges::find(online.unreachable, words) == online.unreachable.end())
                    online.unreachable.push_back(words);
            };
            if (!mint) {
                silent("not in the config, so it is not asked");
                continue;
            }
            for (std::size_t first = 0; first < proofs.size(); first += kYsAsked) {
                const auto some = std::span(proofs).subspan(first, std::min(kYsAsked, proofs.size() - first));
                std::vector<payments::cashu::Point> ys;
                for (const auto& proof : some) ys.push_back(payments::cashu::proof_y(proof.secret));
                const auto answer = mint->client().check_state(ys);
                const auto* states = std::get_if<std::vector<payments::cashu::ProofState>>(&answer);
                if (!states) {
                    silent("does not answer");
                    break;
                }
                for (std::size_t i = 0; i < some.size(); ++i) {
                    ++online.asked;
                    const bool spent = (*states)[i] == payments::cashu::ProofState::spent;
                    if (spent == (state != ProofState::unspent)) continue;
                    fault("a proof of " + sats(some[i].amount.count()) + " at " + url +
                          (spent ? " is in the wallet, and its mint calls it spent"
                                 : " was spent, and its mint does not call it spent"));
                }
            }
        }
    }
    return online;
}

} // namespace adit::app
