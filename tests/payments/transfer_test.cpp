// The states of a transfer, as one table.
#include "payments/transfer.h"

#include <gtest/gtest.h>
#include <set>

namespace adit::payments {
namespace {

TEST(TransferStates, EveryFactInEveryStateIsAStepOrRefused)
{
    for (const TransferState state : kAllTransferStates)
        for (const TransferFact fact : kAllTransferFacts) {
            int steps = 0;
            for (const TransferStep& each : transfer_steps())
                if (each.from == state && each.on == fact) ++steps;
            const auto next = step(state, fact);
            EXPECT_EQ(next.has_value(), steps == 1) << state_word(state) << " " << fact_word(fact);
            if (!next) EXPECT_EQ(next.error().reason, Reason::bad_step);
        }
}

TEST(TransferStates, NothingLeavesAnEndAndEveryOtherStateReachesBoth)
{
    for (const TransferState state : kAllTransferStates) {
        if (is_final(state)) {
            EXPECT_TRUE(state == TransferState::done || state == TransferState::failed);
            continue;
        }
        std::set<TransferState> reached{state};
        for (std::size_t before = 0; before != reached.size();) {
            before = reached.size();
            for (const TransferStep& each : transfer_steps())
                if (reached.contains(each.from)) reached.insert(each.to);
        }
        EXPECT_TRUE(reached.contains(TransferState::done)) << state_word(state);
        EXPECT_TRUE(reached.contains(TransferState::failed)) << state_word(state);
    }
}

TEST(TransferStates, WordsComeBack)
{
    for (const TransferState state : kAllTransferStates) EXPECT_EQ(parse_transfer_state(state_word(state)), state);
    for (const TransferKind kind : kAllTransferKinds) EXPECT_EQ(parse_transfer_kind(kind_word(kind)), kind);
    EXPECT_FALSE(parse_transfer_state("moved"));
    EXPECT_FALSE(parse_transfer_kind(""));
}

} // namespace
} // namespace adit::payments
