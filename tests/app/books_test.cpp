// The books: what is right adds up, and what is wrong is named by its row.
#include "app/books.h"

#include <gtest/gtest.h>

namespace adit::app {
namespace {

using payments::PurchaseId;
using payments::SwapPurpose;
using payments::TransferId;
using payments::TransferKind;
using payments::TransferState;
using session::Method;
using session::State;
using store::BookRows;
using store::ProofState;

const std::string kMint = "https://mint.example";

/// Sales of 116 and 100, of which one gave change and one was paid back; a token of 30 sent; 7 found; the rest there.
BookRows good_rows()
{
    BookRows rows;
    rows.purchases = {{.id = PurchaseId{1},
                       .state = State::active,
                       .mint = kMint,
                       .paid = Sat(116),
                       .change = Sat(15),
                       .brought = Sat(100)},
                      {.id = PurchaseId{2},
                       .state = State::refunded,
                       .mint = kMint,
                       .paid = Sat(100),
                       .refund = Sat(98),
                       .brought = Sat(99),
                       .spent = Sat(99)}};
    rows.swaps = {{PurchaseId{1}, SwapPurpose::redeem, kMint, Sat(90), Sat(25)}, // made anew: the next was carried out
                  {PurchaseId{1}, SwapPurpose::redeem, kMint, Sat(100), Sat(15)},
                  {PurchaseId{2}, SwapPurpose::redeem, kMint, Sat(99), Sat(0)},
                  {PurchaseId{2}, SwapPurpose::refund, kMint, Sat(0), Sat(98)}};
    store::BookedTransfer sent;
    sent.transfer.id = TransferId{5};
    sent.transfer.state = TransferState::done;
    sent.transfer.what = {.kind = TransferKind::send, .mint = kMint, .amount = Sat(30)};
    sent.transfer.fee = Sat(1);
    sent.spent = Sat(64);
    sent.brought = Sat(33);
    rows.transfers = {sent};
    rows.proofs = {{kMint, ProofState::unspent, false, false, Sat(69), 3},
                   {kMint, ProofState::unspent, false, true, Sat(7), 1},
                   {kMint, ProofState::spent, false, false, Sat(163), 5}};
    return rows;
}

TEST(Books, WhatIsRightAddsUp)
{
    const Audit all = audit(good_rows());
    EXPECT_TRUE(all.faults.empty()) << all.faults.front();
    ASSERT_EQ(all.mints.size(), 1U);
    const MintBooks& books = all.mints.front();
    EXPECT_EQ(books.sales, 216U);
    EXPECT_EQ(books.found, 7U);
    EXPECT_EQ(books.wallet, 76U);
    EXPECT_EQ(books.paid_out, 30U);
    EXPECT_EQ(books.change, 15U);
    EXPECT_EQ(books.refunds, 98U);
    EXPECT_EQ(books.fees, 4U);
    EXPECT_EQ(books.received(), books.accounted());
    EXPECT_TRUE(all.balanced());
}

void expect_fault(const BookRows& rows, const std::string& named)
{
    const Audit all = audit(rows);
    EXPECT_FALSE(all.balanced());
    ASSERT_FALSE(all.faults.empty());
    EXPECT_NE(all.faults.front().find(named), std::string::npos) << all.faults.front();
}

TEST(Books, AProofThatASaleShouldHaveBroughtIsMissedByName)
{
    BookRows rows = good_rows();
    rows.purchases[0].brought = Sat(92);
    expect_fault(rows, "purchase 1:");
}

TEST(Books, ATokenThatIsWorthLessThanItWasMadeForIsNamed)
{
    BookRows rows = good_rows();
    rows.purchases[1].refund = Sat(97);
    expect_fault(rows, "the refund of purchase 2:");
    rows = good_rows();
    rows.purchases[0].unreadable = true;
    expect_fault(rows, "purchase 1: a token");
}

TEST(Books, ATransferWhoseSumIsWrongIsNamed)
{
    BookRows rows = good_rows();
    rows.transfers[0].brought = Sat(32);
    expect_fault(rows, "transfer 5 (send, done)");
    rows = good_rows();
    rows.transfers[0].transfer.state = TransferState::failed; // and its proofs are spent
    expect_fault(rows, "transfer 5 (send, failed)");
}

TEST(Books, AProofThatIsGoneShowsInTheDifference)
{
    BookRows rows = good_rows();
    rows.proofs[0].sum = Sat(61);
    const Audit all = audit(rows);
    EXPECT_FALSE(all.balanced());
    EXPECT_EQ(all.mints.front().received() - all.mints.front().accounted(), 8U);
}

TEST(Books, StraysAreTold)
{
    BookRows rows = good_rows();
    rows.strays = {"proof 9 of 8 sat is spent, and no row says why"};
    expect_fault(rows, "proof 9");
}

} // namespace
} // namespace adit::app
