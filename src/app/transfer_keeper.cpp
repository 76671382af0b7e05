#include "app/transfer_keeper.h"

#include "base/log.h"

#include <algorithm>
#include <set>

namespace adit::app {

using payments::Transfer;
using payments::TransferId;

namespace {

constexpr Milliseconds kLongestTransferPause{300'000};
constexpr Milliseconds kNothingMoves{60'000};

} // namespace

TransferKeeper::TransferKeeper(payments::TransferJournal& journal, payments::Transfers& transfers, const Clock& clock)
    : journal_(journal), transfers_(transfers), clock_(clock)
{
    transfers_.on_unknown([this](TransferId transfer) { add(transfer); });
}

Result<void> TransferKeeper::load()
{
    for (const Transfer& transfer : TRY(journal_.open_transfers())) add(transfer.id);
    return {};
}

void TransferKeeper::add(TransferId transfer)
{
    {
        const std::lock_guard lock(mutex_);
        Pending pending;
        pending.next = clock_.steady() + pending.pause;
        pending_.try_emplace(transfer, pending);
    }
    wake_();
}

Milliseconds TransferKeeper::step()
{
    std::vector<TransferId> due;
    {
        const std::lock_guard lock(mutex_);
        const SteadyTime now = clock_.steady();
        for (const auto& [id, pending] : pending_)
            if (pending.next <= now) due.push_back(id);
    }
    // One silent mint must not make the transfers of another wait for its timeouts: it gets one try in each round.
    std::set<std::string> silent;
    for (const TransferId id : due) {
        const auto before = journal_.transfer(id);
        const bool skipped = before && silent.contains(before->what.mint);
        bool over = false;
        bool tried = false;
        if (before && !skipped) {
            const auto outcome = transfers_.resume(id);
            tried = true;
            const auto after = journal_.transfer(id);
            over = after && is_final(after->state);
            if (!outcome && outcome.error().reason == Reason::mint_unreachable) silent.insert(before->what.mint);
            if (over)
                log_info("transfer_recovered", {{"transfer", number_of(id)},
                                                {"was", state_word(before->state)},
                                                {"is", state_word(after->state)}});
            else
                log_debug("transfer_still_unknown",
                          {{"transfer", number_of(id)}, {"detail", outcome ? "" : outcome.error().detail}});
        }
        if (over) settled_();
        const std::lock_guard lock(mutex_);
        const auto place = pending_.find(id);
        if (place == pending_.end()) continue;
        if (over) {
            pending_.erase(place);
            continue;
        }
        if (tried) place->second.pause = std::min(place->second.pause * 2, kLongestTransferPause);
        place->second.next = clock_.steady() + place->second.pause;
    }

    const std::lock_guard lock(mutex_);
    Milliseconds pause = kNothingMoves;
    for (const auto& [id, pending] : pending_)
        pause = std::min(pause, std::chrono::ceil<Milliseconds>(pending.next - clock_.steady()));
    return std::max(pause, Milliseconds(100));
}

} // namespace adit::app
