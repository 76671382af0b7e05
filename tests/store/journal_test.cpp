#include "shelf.h"

namespace adit::store {
namespace {

using Journal = StoreTest;
using session::State;

TEST_F(Journal, KeepsEveryIntentionWhole)
{
    const auto id = reserved(order(1, {"a", "b"}));
    const auto first = redeem({"a", "b"}, 5);
    const auto second = redeem({"a", "b"}, 9);
    const auto swap1 = good(store().begin_swap(id, first));
    const auto swap2 = good(store().begin_swap(id, second));
    open();
    const auto swaps = good(store().swaps(id));
    ASSERT_EQ(swaps.size(), 2U);
    EXPECT_EQ(swaps[0].id, swap1);
    EXPECT_EQ(swaps[1].id, swap2);
    EXPECT_EQ(swaps[0].purchase, id);
    EXPECT_EQ(swaps[0].intent.purpose, SwapPurpose::redeem);
    EXPECT_EQ(swaps[0].intent.mint, first.mint);
    EXPECT_EQ(swaps[0].intent.body, first.body);
    EXPECT_EQ(swaps[0].intent.inputs, first.inputs);
    ASSERT_EQ(swaps[0].intent.outputs.size(), 2U);
    for (std::size_t i = 0; i < 2; ++i) {
        const auto& stored = swaps[0].intent.outputs[i];
        const auto& meant = first.outputs[i];
        EXPECT_EQ(stored.owner, meant.owner);
        EXPECT_EQ(stored.message.keyset, meant.message.keyset);
        EXPECT_EQ(stored.message.amount, meant.message.amount);
        EXPECT_EQ(stored.message.b, meant.message.b);
        EXPECT_EQ(stored.secret, meant.secret);
        EXPECT_TRUE(stored.r == meant.r);
        EXPECT_EQ(stored.counter, meant.counter);
    }
}

TEST_F(Journal, GivesTheIntentionsOfAReleasedPurchaseOfTheSameProofsToo)
{
    const auto given_up = reserved(order(1, {"a", "b"}));
    const auto old_swap = good(store().begin_swap(given_up, redeem({"a", "b"}, 0)));
    good(store().mark_released(given_up, Reason::invalid_token));
    const auto id = reserved(order(2, {"a", "b"}));
    const auto own = good(store().begin_swap(id, redeem({"a", "b"}, 5)));
    const auto swaps = good(store().swaps(id));
    ASSERT_EQ(swaps.size(), 2U);
    EXPECT_EQ(swaps[0].id, old_swap);
    EXPECT_EQ(swaps[0].purchase, given_up);
    EXPECT_EQ(swaps[1].id, own);
    // The mint carried the old one out late: its receipt belongs to the purchase that runs.
    good(store().mark_redeemed(id, old_swap, {}));
    EXPECT_EQ(good(store().purchase(id)).state, State::redeemed);
}

TEST_F(Journal, KeepsBodiesWithEveryByte)
{
    const auto id = reserved(order(1, {"a"}));
    auto intent = redeem({"a"}, 0);
    intent.body = std::string("{\"x\":\"\\u0000\xc3\xa9'\"}\n", 19) + std::string(200'000, 'p');
    good(store().begin_swap(id, intent));
    EXPECT_EQ(good(store().swaps(id)).front().intent.body, intent.body);
}

TEST_F(Journal, MovesCountersPastTheHighestUsedWhateverTheOrder)
{
    const auto a = reserved(order(1, {"a"}));
    const auto b = reserved(order(2, {"b"}));
    auto high = redeem({"a"}, 10);
    high.outputs.push_back(output("other", 3, "00bb"));
    good(store().begin_swap(a, high));
    good(store().begin_swap(b, redeem({"b"}, 4)));
    const auto counters = good(store().counters());
    ASSERT_EQ(counters.size(), 2U);
    EXPECT_EQ(counters[0].keyset, "00aa");
    EXPECT_EQ(counters[0].next, 11U);
    EXPECT_EQ(counters[1].keyset, "00bb");
    EXPECT_EQ(counters[1].next, 4U);
}

TEST_F(Journal, RefusesACounterThatAnotherSwapUsed)
{
    const auto a = reserved(order(1, {"a"}));
    const auto b = reserved(order(2, {"b"}));
    good(store().begin_swap(a, redeem({"a"}, 4)));
    EXPECT_EQ(reason(store().begin_swap(b, redeem({"b"}, 4))), Reason::bad_step);
    EXPECT_EQ(state_of(b), State::reserved);
    EXPECT_TRUE(good(store().swaps(b)).empty());
}

TEST_F(Journal, CountsTheTimeOfAnUnknownSwapFromItsFirstIntention)
{
    const auto id = reserved(order(1, {"a"}));
    clock_.advance(5s);
    good(store().begin_swap(id, redeem({"a"}, 0)));
    const auto since = clock_.now();
    clock_.advance(5s);
    good(store().begin_swap(id, redeem({"a"}, 1)));
    EXPECT_EQ(good(store().purchase(id)).state_since, since);
}

TEST_F(Journal, PutsTheReceiptIntoTheWallet)
{
    const auto id = reserved(order(1, {"a"}));
    const auto swap = good(store().begin_swap(id, redeem({"a"}, 0)));
    auto full = proof("p1", 16);
    full.witness = R"({"signatures":[]})";
    full.dleq = payments::cashu::Dleq{.e = event_id(1), .s = event_id(2), .r = event_id(3)};
    clock_.advance(2s);
    good(store().mark_redeemed(id, swap, {{full, proof("p2", 4)}, "cashuBchange"}));
    const auto row = good(store().purchase(id));
    EXPECT_EQ(row.state, State::redeemed);
    EXPECT_EQ(row.change, "cashuBchange");
    EXPECT_EQ(row.state_since, clock_.now());

    const auto proofs = good(store().proofs_of(id));
    ASSERT_EQ(proofs.size(), 2U);
    EXPECT_EQ(proofs[0].secret, "p1");
    EXPECT_EQ(proofs[0].amount, Sat(16));
    EXPECT_EQ(proofs[0].keyset, "00aa");
    EXPECT_EQ(proofs[0].c, full.c);
    EXPECT_EQ(proofs[0].witness, full.witness);
    ASSERT_TRUE(proofs[0].dleq);
    EXPECT_EQ(proofs[0].dleq->e, full.dleq->e);
    EXPECT_EQ(proofs[0].dleq->s, full.dleq->s);
    EXPECT_EQ(proofs[0].dleq->r, full.dleq->r);
    EXPECT_FALSE(proofs[1].witness || proofs[1].dleq);
    EXPECT_EQ(good(store().wallet_proofs(ProofState::unspent)).front().mint, "https://mint.example");
}

TEST_F(Journal, BooksAProofThatTheWalletHadFoundBefore)
{
    const auto id = reserved(order(1, {"a"}));
    const auto swap = good(store().begin_swap(id, redeem({"a"}, 0)));
    const WalletProof found{.mint = "https://mint.example", .proof = proof("p1")};
    EXPECT_EQ(good(store().add_wallet_proofs(std::span(&found, 1))), 1U);
    good(store().mark_redeemed(id, swap, {{proof("p1")}, std::nullopt}));
    EXPECT_EQ(good(store().proofs_of(id)).size(), 1U);
    EXPECT_EQ(good(store().wallet_proofs(ProofState::unspent)).size(), 1U);
}

TEST_F(Journal, NeverBooksOneProofForTwoPurchases)
{
    redeemed(order(1, {"a"}), 0); // brings "proof0"
    const auto id = reserved(order(2, {"b"}));
    const auto swap = good(store().begin_swap(id, redeem({"b"}, 1)));
    EXPECT_EQ(reason(store().mark_redeemed(id, swap, {{proof("new"), proof("proof0")}, "change"})), Reason::bad_step);
    EXPECT_EQ(state_of(id), State::swapping);
    EXPECT_FALSE(good(store().purchase(id)).change);
    EXPECT_EQ(good(store().wallet_proofs(ProofState::unspent)).size(), 1U);
}

TEST_F(Journal, TakesOnlyASwapOfThatPurchaseAndPurpose)
{
    const auto a = reserved(order(1, {"a"}));
    const auto b = reserved(order(2, {"b"}));
    const auto swap_a = good(store().begin_swap(a, redeem({"a"}, 0)));
    good(store().begin_swap(b, redeem({"b"}, 1)));
    EXPECT_EQ(reason(store().mark_redeemed(b, swap_a, {})), Reason::bad_step);
    good(store().mark_redeemed(a, swap_a, {{proof("p")}, std::nullopt}));
    good(store().begin_refund(a, refund({"p"})));
    EXPECT_EQ(reason(store().mark_refunded(a, swap_a, "token", {})), Reason::bad_step);
    EXPECT_EQ(state_of(a), State::refunding);
}

TEST_F(Journal, GivesMoneyBackFromTheWallet)
{
    const auto id = redeemed(order(1, {"a"}), 0);
    const auto swap = good(store().begin_refund(id, refund({"proof0"})));
    EXPECT_EQ(state_of(id), State::refunding);
    EXPECT_TRUE(good(store().proofs_of(id)).empty());
    EXPECT_EQ(good(store().wallet_proofs(ProofState::refunding)).size(), 1U);
    good(store().mark_refunded(id, swap, "cashuBback", {}));
    EXPECT_EQ(good(store().purchase(id)).refund, "cashuBback");
    EXPECT_EQ(state_of(id), State::refunded);
    EXPECT_EQ(good(store().wallet_proofs(ProofState::spent)).size(), 1U);
    EXPECT_EQ(good(store().find(event_id(1), ys({"a"}), client(1))).by_proofs->state, State::refunded);
}

TEST_F(Journal, RefundsOnlyWhatIsThereToBeSpent)
{
    const auto a = redeemed(order(1, {"a"}), 0);
    const auto b = redeemed(order(2, {"b"}), 1);
    EXPECT_EQ(reason(store().begin_refund(a, refund({"proof0", "stranger"}))), Reason::bad_step);
    EXPECT_EQ(state_of(a), State::redeemed);
    EXPECT_EQ(good(store().proofs_of(a)).size(), 1U);
    good(store().begin_refund(a, refund({"proof0"})));
    EXPECT_EQ(reason(store().begin_refund(b, refund({"proof1", "proof0"}))), Reason::bad_step);
    EXPECT_EQ(state_of(b), State::redeemed);
    good(store().mark_spent_elsewhere(ys({"proof1"})));
    EXPECT_EQ(reason(store().begin_refund(b, refund({"proof1"}))), Reason::bad_step);
}

TEST_F(Journal, GivesProofsOfAnAbandonedRefundBackToTheWallet)
{
    const auto id = redeemed(order(1, {"a"}), 0);
    redeemed(order(2, {"b"}), 1);
    good(store().begin_refund(id, refund({"proof0"})));
    const auto second = good(store().begin_refund(id, refund({"proof1"})));
    EXPECT_EQ(good(store().wallet_proofs(ProofState::refunding)).size(), 2U);
    good(store().mark_refunded(id, second, "token", {}));
    EXPECT_EQ(good(store().wallet_proofs(ProofState::spent)).front().proof.secret, "proof1");
    EXPECT_EQ(good(store().wallet_proofs(ProofState::unspent)).front().proof.secret, "proof0");
    EXPECT_TRUE(good(store().wallet_proofs(ProofState::refunding)).empty());
}

/// Every step against every state: only the arrows of the design pass, and a refused one changes nothing.
TEST_F(Journal, PassesOnlyTheArrowsOfItsStates)
{
    using Arrow = std::function<std::optional<Reason>(PurchaseId, payments::SwapId, std::uint64_t)>;
    struct Row {
        const char* name;
        Arrow step;
        std::vector<State> from;
        State to;
    };
    const std::vector<Row> rows{
        {"begin_swap",
         [&](auto id, auto, auto n) { return reason(store().begin_swap(id, redeem({"z"}, 1000 + n))); },
         {State::reserved, State::swapping},
         State::swapping},
        {"mark_redeemed",
         [&](auto id, auto swap, auto) { return reason(store().mark_redeemed(id, swap, {})); },
         {State::swapping},
         State::redeemed},
        {"mark_released",
         [&](auto id, auto, auto) { return reason(store().mark_released(id, Reason::policy)); },
         {State::reserved, State::swapping},
         State::released},
        {"begin_refund",
         [&](auto id, auto, auto) { return reason(store().begin_refund(id, refund({}))); },
         {State::redeemed, State::refunding},
         State::refunding},
        {"mark_active",
         [&](auto id, auto, auto n) {
             return reason(store().mark_active(id, {"s" + std::to_string(n), clock_.now()}));
         },
         {State::redeemed},
         State::active},
    };
    std::uint8_t n = 0;
    for (const Row& row : rows)
        for (const State from : {State::reserved, State::swapping, State::redeemed, State::active, State::ended,
                                 State::refunding, State::refunded, State::released}) {
            SCOPED_TRACE(std::string(row.name) + " from " + std::string(session::state_word(from)));
            ++n;
            const std::string secret = "s" + std::to_string(n);
            auto wanted = order(n, {secret.c_str()}, n);
            const auto id = reserved(wanted, "10.9.0." + std::to_string(n));
            payments::SwapId swap{};
            payments::SwapId back{};
            if (from != State::reserved) swap = good(store().begin_swap(id, redeem({"z"}, n)));
            if (from == State::released) good(store().mark_released(id, Reason::policy));
            if (from != State::reserved && from != State::swapping && from != State::released)
                good(store().mark_redeemed(id, swap, {{proof("p" + secret)}, std::nullopt}));
            if (from == State::active || from == State::ended) {
                const auto live = activated(id, "live" + secret);
                const SessionAt at{live.session.row, live.session.revision};
                if (from == State::ended) good(store().end_sessions(std::span(&at, 1), clock_.now()));
            }
            if (from == State::refunding || from == State::refunded) {
                back = good(store().begin_refund(id, refund({("p" + secret).c_str()})));
                if (from == State::refunded) good(store().mark_refunded(id, back, "token", {}));
            }
            ASSERT_EQ(state_of(id), from);
            const bool allowed = std::find(row.from.begin(), row.from.end(), from) != row.from.end();
            EXPECT_EQ(row.step(id, swap, n), allowed ? std::nullopt : std::optional(Reason::bad_step));
            EXPECT_EQ(state_of(id), allowed ? row.to : from);
        }
}

} // namespace
} // namespace adit::store
