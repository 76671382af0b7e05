#include "session/state.h"

#include <gtest/gtest.h>
#include <map>
#include <set>

namespace adit::session {
namespace {

// The drawing in the documentation, row by row.
const std::map<std::pair<State, Fact>, State> kDrawing{
    {{State::received, Fact::address_held}, State::reserved},
    {{State::received, Fact::refused}, State::released},
    {{State::reserved, Fact::intent_stored}, State::swapping},
    {{State::reserved, Fact::refused}, State::released},
    {{State::swapping, Fact::mint_signed}, State::redeemed},
    {{State::swapping, Fact::mint_refused}, State::released},
    {{State::reserved, Fact::invoice_stored}, State::open},
    {{State::open, Fact::payment_ended}, State::released},
    {{State::open, Fact::payment_settled}, State::redeemed},
    {{State::open, Fact::payment_held}, State::accepted},
    {{State::released, Fact::payment_settled}, State::redeemed},
    {{State::accepted, Fact::payment_ended}, State::released},
    {{State::accepted, Fact::payment_settled}, State::redeemed},
    {{State::accepted, Fact::peer_put}, State::live},
    {{State::live, Fact::settle_intended}, State::settling},
    {{State::live, Fact::payment_ended}, State::released},
    {{State::live, Fact::payment_settled}, State::active},
    {{State::settling, Fact::payment_ended}, State::released},
    {{State::settling, Fact::payment_settled}, State::active},
    {{State::redeemed, Fact::settled_by_hand}, State::ended},
    {{State::redeemed, Fact::peer_put}, State::active},
    {{State::redeemed, Fact::undeliverable}, State::refunding},
    {{State::redeemed, Fact::claim_lapsed}, State::ended},
    {{State::active, Fact::ran_out}, State::ended},
    {{State::active, Fact::closed_early}, State::ended},
    {{State::refunding, Fact::mint_signed}, State::refunded},
};

TEST(PurchaseStates, EveryStateAndFactDoWhatTheDrawingSays)
{
    for (const State from : kAllStates) {
        for (const Fact on : kAllFacts) {
            SCOPED_TRACE(std::string(state_word(from)) + " + " + std::string(fact_word(on)));
            const auto to = step(from, on);
            const auto drawn = kDrawing.find({from, on});
            if (drawn == kDrawing.end()) {
                ASSERT_FALSE(to);
                EXPECT_EQ(to.error().reason, Reason::bad_step);
            } else {
                ASSERT_TRUE(to);
                EXPECT_EQ(*to, drawn->second);
            }
        }
    }
    EXPECT_EQ(steps().size(), kDrawing.size());
}

TEST(PurchaseStates, AfterTheIntentIsStoredOnlyTheMintsOwnWordLeadsAway)
{
    for (const Fact on : kAllFacts)
        EXPECT_EQ(step(State::swapping, on).has_value(), on == Fact::mint_signed || on == Fact::mint_refused);
    for (const Fact on : kAllFacts) EXPECT_EQ(step(State::refunding, on).has_value(), on == Fact::mint_signed);
}

TEST(PurchaseStates, OnceTheBackendMayHaveThePreimageOnlyItsOwnWordLeadsAway)
{
    for (const Fact on : kAllFacts)
        EXPECT_EQ(step(State::settling, on).has_value(), on == Fact::payment_settled || on == Fact::payment_ended);
}

TEST(PurchaseStates, APurchaseNeverComesBackToAStateItLeft)
{
    for (const State start : kAllStates) {
        std::set<State> reached;
        std::vector<State> todo{start};
        while (!todo.empty()) {
            const State from = todo.back();
            todo.pop_back();
            for (const Step& s : steps())
                if (s.from == from && reached.insert(s.to).second) todo.push_back(s.to);
        }
        EXPECT_FALSE(reached.contains(start)) << state_word(start);
    }
}

TEST(PurchaseStates, MoneyOnceTakenIsNeverReleased)
{
    for (const State taken : {State::redeemed, State::active, State::refunding})
        for (const Fact on : kAllFacts)
            if (const auto to = step(taken, on)) {
                EXPECT_NE(*to, State::released);
            }
}

TEST(PurchaseStates, FinalOnesAreEndedAndRefundedAndReleasedUnlessAPaymentArrivesLate)
{
    for (const State state : kAllStates) EXPECT_EQ(is_final(state), state == State::ended || state == State::refunded);
    for (const Fact on : kAllFacts) EXPECT_EQ(step(State::released, on).has_value(), on == Fact::payment_settled);
}

TEST(PurchaseStates, GoThroughTheirWordsAndBack)
{
    std::set<std::string_view> words;
    for (const State state : kAllStates) {
        EXPECT_EQ(parse_state(state_word(state)), state);
        words.insert(state_word(state));
    }
    EXPECT_EQ(words.size(), std::size(kAllStates));
    for (const auto* word : {"", "Active", "active ", "deleted"}) EXPECT_EQ(parse_state(word), std::nullopt);
}

} // namespace
} // namespace adit::session
