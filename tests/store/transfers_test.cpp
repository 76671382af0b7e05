// Movements of the wallet's own money, as rows: what leaves the balance, what comes back, and that two never take the
// same proof.
#include "shelf.h"

#include "store/migrations.h"

#include <fstream>

namespace adit::store {
namespace {

using payments::NewTransfer;
using payments::TransferId;
using payments::TransferKind;
using payments::TransferState;

class TransferStore : public StoreTest {
protected:
    TransferStore()
    {
        std::vector<WalletProof> held;
        for (const char* secret : {"a", "b", "c"})
            held.push_back({.mint = "https://mint.example", .proof = proof(secret)});
        EXPECT_EQ(good(store().add_wallet_proofs(held)), 3U);
    }
    static NewTransfer what(TransferKind kind = TransferKind::send)
    {
        NewTransfer transfer{.kind = kind, .mint = "https://mint.example", .amount = Sat(6)};
        if (kind == TransferKind::withdraw) {
            transfer.hash = payments::lightning::PaymentHash{7};
            transfer.quote = "quote";
            transfer.fee_reserve = Sat(2);
        }
        return transfer;
    }
    static SwapIntent swap_of(std::initializer_list<const char*> inputs, std::uint64_t counter,
                              SwapPurpose purpose = SwapPurpose::transfer)
    {
        SwapIntent intent = redeem(inputs, counter);
        intent.purpose = purpose;
        return intent;
    }
    std::size_t count(ProofState state) { return good(store().wallet_proofs(state)).size(); }
};

TEST_F(TransferStore, WhatIsChosenLeavesTheBalanceInTheSameStep)
{
    const auto begun = good(store().begin_transfer(what(), swap_of({"a", "b"}, 4)));
    EXPECT_EQ(count(ProofState::moving), 2U);
    EXPECT_EQ(count(ProofState::unspent), 1U);
    EXPECT_EQ(good(store().unspent()).size(), 1U);
    const auto open = good(store().open_transfers());
    ASSERT_EQ(open.size(), 1U);
    EXPECT_EQ(open.front().id, begun.transfer);
    EXPECT_EQ(open.front().state, TransferState::swapping);
    EXPECT_EQ(good(store().counters()).front().next, 5U);
    const auto kept = good(store().swaps_of(begun.transfer));
    ASSERT_EQ(kept.size(), 1U);
    EXPECT_FALSE(kept.front().purchase);
    EXPECT_EQ(kept.front().intent.inputs, ys({"a", "b"}));
    EXPECT_EQ(kept.front().intent.outputs.size(), 2U);
}

TEST_F(TransferStore, TwoNeverTakeTheSameProof)
{
    good(store().begin_transfer(what(), swap_of({"a"}, 1)));
    EXPECT_EQ(reason(store().begin_transfer(what(), swap_of({"b", "a"}, 3))), Reason::bad_step);
    EXPECT_EQ(count(ProofState::moving), 1U) << "nothing of the second has happened";
    EXPECT_EQ(good(store().open_transfers()).size(), 1U);
    EXPECT_EQ(good(store().mark_spent_elsewhere(ys({"a"}))), 0U) << "a transfer has it";
}

TEST_F(TransferStore, ANameIsTakenUntilItsTransferHasFailed)
{
    NewTransfer named = what();
    named.reference = "close of session 3";
    const auto first = good(store().begin_transfer(named, swap_of({"a"}, 1)));
    EXPECT_EQ(reason(store().begin_transfer(named, swap_of({"b"}, 3))), Reason::bad_step);
    EXPECT_EQ(good(store().transfer_named("close of session 3"))->id, first.transfer);
    good(store().mark_not_moved(first.transfer, "no", {}));
    EXPECT_FALSE(good(store().transfer_named("close of session 3")));
    good(store().begin_transfer(named, swap_of({"b"}, 3)));
}

TEST_F(TransferStore, AnInvoiceIsPaidByOne)
{
    const auto melt = [](const char* input, std::uint64_t counter) {
        return swap_of({input}, counter, SwapPurpose::melt);
    };
    const auto first = good(store().begin_transfer(what(TransferKind::withdraw), melt("a", 1)));
    EXPECT_EQ(good(store().transfer(first.transfer)).state, TransferState::paying);
    EXPECT_EQ(reason(store().begin_transfer(what(TransferKind::withdraw), melt("b", 3))), Reason::bad_step);
    EXPECT_EQ(good(store().transfer_paying(payments::lightning::PaymentHash{7}))->id, first.transfer);
    EXPECT_FALSE(good(store().transfer_paying(payments::lightning::PaymentHash{8})));
}

TEST_F(TransferStore, TheEndIsOneStep)
{
    const auto begun = good(store().begin_transfer(what(), swap_of({"a", "b"}, 1)));
    good(store().mark_moved(begun.transfer, begun.swap, {.token = "cashuB", .kept = {proof("rest")}, .fee = Sat(2)}));
    const auto done = good(store().transfer(begun.transfer));
    EXPECT_EQ(done.state, TransferState::done);
    EXPECT_EQ(done.token, "cashuB");
    EXPECT_EQ(done.fee, Sat(2));
    EXPECT_EQ(count(ProofState::spent), 2U);
    EXPECT_EQ(count(ProofState::unspent), 2U);
    EXPECT_EQ(reason(store().mark_moved(begun.transfer, begun.swap, {})), Reason::bad_step);
    EXPECT_EQ(reason(store().mark_not_moved(begun.transfer, "no", {})), Reason::bad_step);
    EXPECT_TRUE(good(store().open_transfers()).empty());
}

TEST_F(TransferStore, AfterANoEverythingIsBackButWhatSomeoneElseHasSpent)
{
    const auto begun = good(store().begin_transfer(what(), swap_of({"a", "b", "c"}, 1)));
    good(store().mark_not_moved(begun.transfer, "spent", ys({"b"})));
    EXPECT_EQ(count(ProofState::unspent), 2U);
    EXPECT_EQ(count(ProofState::spent_elsewhere), 1U);
    const auto failed = good(store().transfer(begun.transfer));
    EXPECT_EQ(failed.state, TransferState::failed);
    EXPECT_EQ(failed.failed_because, "spent");
}

TEST_F(TransferStore, APaymentInTwoStepsKeepsItsPartsOutOfTheBalance)
{
    const auto begun = good(store().begin_transfer(what(TransferKind::withdraw), swap_of({"a", "b"}, 1)));
    EXPECT_EQ(good(store().transfer(begun.transfer)).state, TransferState::splitting);
    EXPECT_EQ(reason(store().mark_moved(begun.transfer, begun.swap, {})), Reason::bad_step) << "a split is not the end";
    good(store().begin_payment(begun.transfer, begun.swap, {{proof("part")}, {proof("rest", 7)}, Sat(1)},
                               swap_of({"part"}, 5, SwapPurpose::melt)));
    EXPECT_EQ(good(store().transfer(begun.transfer)).state, TransferState::paying);
    EXPECT_EQ(count(ProofState::moving), 1U);
    EXPECT_EQ(count(ProofState::spent), 2U);
    EXPECT_EQ(count(ProofState::unspent), 2U); // c, and the rest
    good(store().mark_not_moved(begun.transfer, "the receiver is dead", {}));
    EXPECT_EQ(count(ProofState::moving), 0U);
    EXPECT_EQ(count(ProofState::unspent), 3U) << "the part is the wallet's again";
}

TEST_F(TransferStore, AnIntentionMadeAnewIsForTheSameProofs)
{
    const auto begun = good(store().begin_transfer(what(), swap_of({"a"}, 1)));
    good(store().intend_again(begun.transfer, swap_of({"a"}, 3)));
    EXPECT_EQ(reason(store().intend_again(begun.transfer, swap_of({"b"}, 5))), Reason::bad_step);
    EXPECT_EQ(good(store().swaps_of(begun.transfer)).size(), 2U);
}

TEST_F(TransferStore, HistoryComesInPages)
{
    for (int i = 0; i < 3; ++i) {
        const char* const secrets[]{"a", "b", "c"};
        good(store().begin_transfer(what(), swap_of({secrets[i]}, static_cast<std::uint64_t>(10 * i))));
        clock_.advance(1s);
    }
    redeemed(order(1, {"in"}), 100);
    const auto first = good(store().history(std::nullopt, 2));
    ASSERT_EQ(first.size(), 2U);
    EXPECT_TRUE(first[0].sale.has_value());
    EXPECT_EQ(number_of(first[1].transfer->id), 3);
    const HistoryPlace place{first[1].at, false, number_of(first[1].transfer->id)};
    const auto second = good(store().history(place, 2));
    ASSERT_EQ(second.size(), 2U);
    EXPECT_EQ(number_of(second[0].transfer->id), 2);
    EXPECT_EQ(number_of(second[1].transfer->id), 1);
    EXPECT_TRUE(good(store().history(HistoryPlace{second[1].at, false, 1}, 2)).empty());
}

TEST(TransferMigration, WhatPurchasesMeantToSwapIsStillThere)
{
    const Folder folder;
    const auto path = folder.path() / "old.db";
    std::ofstream(path).flush();
    auto db = good(Database::open(path));
    good(db.execute("PRAGMA foreign_keys = ON"));
    const auto all = embedded_migrations();
    ASSERT_EQ(good(migrate(db, all.first(4), UnixSeconds(1))), 4U);
    good(
        db.execute("INSERT INTO purchases (id, state, method, client, listing, tier_amount, tier_unit, quantity, "
                   "grant_class, grant_amount, price_sat, paid_sat, holds_lease, created_at_s, state_since_s) VALUES "
                   "(1, 'swapping', 'cashu', 'c', 'vpn', '10', 'hour', 1, 'time', 3600, 10, 12, 0, 5, 5);"
                   "INSERT INTO swaps (id, purchase, purpose, mint, body, inputs, created_at_s) VALUES "
                   "(1, 1, 'redeem', 'm', 'body', 'y', 5);"
                   "INSERT INTO swap_outputs (swap, position, owner, keyset, amount_sat, b, secret, r, counter) VALUES "
                   "(1, 0, 'wallet', 'k', 8, 'b', 's', 'r', 3)"));
    EXPECT_GE(good(migrate(db, all, UnixSeconds(2))), 1U);
    EXPECT_EQ(good(db.number("SELECT purchase FROM swaps WHERE id = 1 AND body = 'body' AND transfer IS NULL")), 1);
    EXPECT_EQ(good(db.number("SELECT counter FROM swap_outputs WHERE swap = 1 AND secret = 's'")), 3);
    EXPECT_FALSE(db.run("INSERT INTO swap_outputs (swap, position, owner, keyset, amount_sat, b, secret, r, counter) "
                        "VALUES (1, 1, 'wallet', 'k', 8, 'b2', 's2', 'r2', 3)"))
        << "a counter is used once, as before";
    EXPECT_FALSE(db.run("INSERT INTO swap_outputs (swap, position, owner, keyset, amount_sat, b, secret, r) "
                        "VALUES (9, 0, 'buyer', 'k', 8, 'b3', 's3', 'r3')"))
        << "outputs belong to a swap, as before";
}

} // namespace
} // namespace adit::store
