#include "payments/transfer.h"

namespace adit::payments {

namespace {

constexpr TransferStep kTransferSteps[]{
    {TransferState::swapping, TransferFact::mint_signed, TransferState::done},
    {TransferState::swapping, TransferFact::mint_refused, TransferState::failed},
    {TransferState::swapping, TransferFact::taken_elsewhere, TransferState::failed},
    {TransferState::splitting, TransferFact::mint_signed, TransferState::paying}, // with the payment's bytes
    {TransferState::splitting, TransferFact::mint_refused, TransferState::failed},
    {TransferState::splitting, TransferFact::taken_elsewhere, TransferState::failed},
    {TransferState::paying, TransferFact::mint_paid, TransferState::done},
    {TransferState::paying, TransferFact::mint_refused, TransferState::failed},
    {TransferState::paying, TransferFact::taken_elsewhere, TransferState::failed},
};

} // namespace

std::span<const TransferStep> transfer_steps() { return kTransferSteps; }

Result<TransferState> step(TransferState from, TransferFact on)
{
    for (const TransferStep& s : kTransferSteps)
        if (s.from == from && s.on == on) return s.to;
    return Error{Reason::bad_step, std::string(fact_word(on)) + " does not happen to a transfer that is " +
                                       std::string(state_word(from))};
}

bool is_final(TransferState state)
{
    for (const TransferStep& s : kTransferSteps)
        if (s.from == state) return false;
    return true;
}

std::string_view kind_word(TransferKind kind)
{
    switch (kind) {
    case TransferKind::send:
        return "send";
    case TransferKind::refund:
        return "refund";
    case TransferKind::withdraw:
        return "withdraw";
    case TransferKind::consolidate:
        return "consolidate";
    case TransferKind::nutzap:
        return "nutzap";
    }
    return "";
}

std::string_view state_word(TransferState state)
{
    switch (state) {
    case TransferState::swapping:
        return "swapping";
    case TransferState::splitting:
        return "splitting";
    case TransferState::paying:
        return "paying";
    case TransferState::done:
        return "done";
    case TransferState::failed:
        return "failed";
    }
    return "";
}

std::string_view fact_word(TransferFact fact)
{
    switch (fact) {
    case TransferFact::mint_signed:
        return "mint_signed";
    case TransferFact::mint_paid:
        return "mint_paid";
    case TransferFact::mint_refused:
        return "mint_refused";
    case TransferFact::taken_elsewhere:
        return "taken_elsewhere";
    }
    return "";
}

std::optional<TransferKind> parse_transfer_kind(std::string_view word)
{
    for (const TransferKind kind : kAllTransferKinds)
        if (kind_word(kind) == word) return kind;
    return std::nullopt;
}

std::optional<TransferState> parse_transfer_state(std::string_view word)
{
    for (const TransferState state : kAllTransferStates)
        if (state_word(state) == word) return state;
    return std::nullopt;
}

} // namespace adit::payments
