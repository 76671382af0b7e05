#include "devnet/lightning.h"

#include "base/hash.h"
#include "devnet/test_clock.h"
#include "fakes/seeded_rng.h"

#include <gtest/gtest.h>

namespace adit::devnet {
namespace {

class LightningTest : public testing::Test {
protected:
    LightningInvoice plain(LightningNode node = LightningNode::phoenixd)
    {
        return *lightning_.make(node, {Msat(21'000), "an hour", {}, Seconds(600)});
    }
    LightningInvoice hold() { return *lightning_.make(LightningNode::lnd, hold_plan()); }
    InvoicePlan hold_plan()
    {
        InvoicePlan plan{Msat(21'000), "an hour", {}, Seconds(600)};
        plan.hold = sha256(preimage_);
        return plan;
    }
    std::optional<PayRefusal> refusal_of(const std::string& bolt11) { return lightning_.pay(bolt11).refusal; }
    LightningState state_of(const LightningInvoice& invoice) { return lightning_.find(invoice.hash)->state; }

    TestClock clock_;
    fakes::SeededRng rng_;
    Lightning lightning_{clock_, rng_};
    PaymentPreimage preimage_ = rng_.bytes<32>();
};

TEST_F(LightningTest, InvoicesAreSignedByTheirNodesAndSayWhatWasPlanned)
{
    InvoicePlan plan{Msat(1'500), "kept to itself", sha256(as_bytes("metadata")), Seconds(90), 144};
    for (const LightningNode node : {LightningNode::phoenixd, LightningNode::lnd}) {
        const auto facts = parse_invoice(lightning_.make(node, plan)->bolt11);
        ASSERT_TRUE(facts);
        EXPECT_EQ(facts->payee, lightning_.id_of(node));
        EXPECT_EQ(facts->network, "bcrt");
        EXPECT_EQ(facts->amount, Msat(1'500));
        EXPECT_EQ(facts->description, "");
        EXPECT_EQ(facts->description_hash, sha256(as_bytes("metadata")));
        EXPECT_EQ(facts->expiry, Seconds(90));
        EXPECT_EQ(facts->timestamp, clock_.now());
        EXPECT_EQ(facts->min_final_cltv_expiry_delta, 144U);
    }
    EXPECT_NE(lightning_.id_of(LightningNode::phoenixd), lightning_.id_of(LightningNode::lnd));
}

TEST_F(LightningTest, APlainInvoiceIsSettledByItsPaymentAndTakesNoSecond)
{
    const LightningInvoice invoice = plain();
    EXPECT_EQ(sha256(*invoice.preimage), invoice.hash);
    const PayAnswer paid = lightning_.pay(invoice.bolt11);
    ASSERT_FALSE(paid.refusal);
    EXPECT_EQ(paid.invoice->state, LightningState::settled);
    EXPECT_EQ(paid.invoice->received(), Msat(21'000));
    EXPECT_EQ(refusal_of(invoice.bolt11), PayRefusal::already_paid);
    EXPECT_EQ(lightning_.find(invoice.hash)->received(), Msat(21'000));
}

TEST_F(LightningTest, AHoldInvoiceWaitsForItsPreimage)
{
    const LightningInvoice invoice = hold();
    EXPECT_EQ(invoice.preimage, std::nullopt);
    EXPECT_EQ(lightning_.settle(LightningNode::lnd, preimage_), Lightning::Settled::still_open);
    EXPECT_EQ(lightning_.pay(invoice.bolt11).invoice->state, LightningState::accepted);
    EXPECT_EQ(refusal_of(invoice.bolt11), PayRefusal::in_flight);
    EXPECT_EQ(lightning_.settle(LightningNode::phoenixd, preimage_), Lightning::Settled::unknown);
    EXPECT_EQ(lightning_.settle(LightningNode::lnd, preimage_), Lightning::Settled::now);
    EXPECT_EQ(lightning_.find(invoice.hash)->preimage, preimage_);
    EXPECT_EQ(lightning_.settle(LightningNode::lnd, preimage_), Lightning::Settled::before);
    EXPECT_EQ(lightning_.cancel(LightningNode::lnd, invoice.hash), Lightning::Canceled::settled);
}

TEST_F(LightningTest, ACancelledPaymentGoesBackAndCanNotBeSettledLater)
{
    const LightningInvoice invoice = hold();
    lightning_.pay(invoice.bolt11);
    EXPECT_EQ(lightning_.cancel(LightningNode::lnd, invoice.hash), Lightning::Canceled::now);
    EXPECT_EQ(lightning_.find(invoice.hash)->received(), Msat(0));
    EXPECT_EQ(lightning_.cancel(LightningNode::lnd, invoice.hash), Lightning::Canceled::before);
    EXPECT_EQ(lightning_.settle(LightningNode::lnd, preimage_), Lightning::Settled::canceled);
    EXPECT_EQ(refusal_of(invoice.bolt11), PayRefusal::canceled);
    EXPECT_EQ(lightning_.cancel(LightningNode::lnd, PaymentHash{}), Lightning::Canceled::unknown);
}

TEST_F(LightningTest, ASecondPaymentToAHoldInvoiceIsLockedInBesideTheFirstWhenAskedFor)
{
    const LightningInvoice invoice = hold();
    lightning_.pay(invoice.bolt11);
    lightning_.mine(10);
    ASSERT_FALSE(lightning_.pay(invoice.bolt11, {}, Lightning::Repeat::second_htlc).refusal);
    const LightningInvoice& both = *lightning_.find(invoice.hash);
    ASSERT_EQ(both.htlcs.size(), 2U);
    EXPECT_EQ(both.received(), Msat(42'000));
    EXPECT_EQ(both.htlcs[1].expiry_height, both.htlcs[0].expiry_height + 10);
    lightning_.settle(LightningNode::lnd, preimage_);
    EXPECT_EQ(both.htlcs[0].state, Htlc::State::settled);
    EXPECT_EQ(both.htlcs[1].state, Htlc::State::settled);
}

TEST_F(LightningTest, LndGivesUpAHeldPaymentTwelveBlocksBeforeItsTimeout)
{
    const LightningInvoice invoice = hold();
    lightning_.pay(invoice.bolt11);
    const std::uint32_t timeout = lightning_.find(invoice.hash)->htlcs[0].expiry_height;
    EXPECT_EQ(timeout, lightning_.height() + 80 + 3);
    lightning_.mine(timeout - 12 - 1 - lightning_.height());
    EXPECT_EQ(state_of(invoice), LightningState::accepted);
    lightning_.mine(1);
    EXPECT_EQ(state_of(invoice), LightningState::canceled);
}

TEST_F(LightningTest, TimeCancelsOpenInvoicesOfLndOnlyAndAcceptedOnesNever)
{
    const LightningInvoice of_phoenixd = plain();
    const LightningInvoice of_lnd = plain(LightningNode::lnd);
    const LightningInvoice held = hold();
    lightning_.pay(held.bolt11);
    clock_.advance(Seconds(599));
    lightning_.tick();
    EXPECT_EQ(state_of(of_lnd), LightningState::open);
    clock_.advance(Seconds(1));
    lightning_.tick();
    EXPECT_EQ(state_of(of_lnd), LightningState::canceled);
    EXPECT_EQ(state_of(of_phoenixd), LightningState::open);
    EXPECT_EQ(state_of(held), LightningState::accepted);
    EXPECT_EQ(refusal_of(of_lnd.bolt11), PayRefusal::expired);
    EXPECT_EQ(refusal_of(of_phoenixd.bolt11), PayRefusal::expired);
}

TEST_F(LightningTest, ANodeWhoseClockIsAheadRefusesWhatItsPayerThinksGood)
{
    const LightningInvoice invoice = plain();
    lightning_.set_clock_offset(LightningNode::phoenixd, Seconds(600));
    EXPECT_EQ(lightning_.now(LightningNode::phoenixd), clock_.now() + Seconds(600));
    EXPECT_EQ(refusal_of(invoice.bolt11), PayRefusal::expired);
    const LightningInvoice later = plain();
    EXPECT_EQ(later.created_at, clock_.now() + Seconds(600));
    EXPECT_EQ(refusal_of(later.bolt11), std::nullopt);
    lightning_.set_clock_offset(LightningNode::phoenixd, Seconds(-700));
    EXPECT_EQ(refusal_of(plain().bolt11), PayRefusal::expired) << "by the payer's clock";
}

TEST_F(LightningTest, WhatNoNodeMadeIsNotPaid)
{
    const LightningInvoice invoice = plain();
    Lightning elsewhere(clock_, rng_);
    EXPECT_EQ(elsewhere.pay(invoice.bolt11).refusal, PayRefusal::unknown);
    EXPECT_EQ(refusal_of("lnbcrt1"), PayRefusal::not_an_invoice);
    const std::string forged = encode_invoice(
        {Msat(1'000), clock_.now(), Seconds(600), invoice.hash, rng_.bytes<32>(), "cheaper"}, rng_.secret<32>());
    EXPECT_EQ(refusal_of(forged), PayRefusal::unknown) << "the payment secret is not the invoice's";
}

TEST_F(LightningTest, AnAmountlessInvoiceIsPaidWithWhatThePayerChooses)
{
    const LightningInvoice invoice = *lightning_.make(LightningNode::lnd, {});
    EXPECT_EQ(refusal_of(invoice.bolt11), PayRefusal::wrong_amount);
    EXPECT_EQ(lightning_.pay(invoice.bolt11, Msat(5)).invoice->received(), Msat(5));
    const LightningInvoice priced = plain();
    EXPECT_EQ(lightning_.pay(priced.bolt11, Msat(20'999)).refusal, PayRefusal::wrong_amount);
    EXPECT_EQ(lightning_.pay(priced.bolt11, Msat(22'000)).invoice->received(), Msat(22'000));
}

TEST_F(LightningTest, APaymentHashIsUsedOnce)
{
    ASSERT_TRUE(lightning_.make(LightningNode::lnd, hold_plan()));
    EXPECT_EQ(lightning_.make(LightningNode::lnd, hold_plan()), nullptr);
    InvoicePlan plan;
    plan.preimage = preimage_;
    EXPECT_EQ(lightning_.make(LightningNode::lnd, plan), nullptr);
}

TEST_F(LightningTest, ListenersHearOfEveryChange)
{
    struct Heard final : LightningListener {
        void invoice_changed(const LightningInvoice& invoice) override { states.push_back(invoice.state); }
        std::vector<LightningState> states;
    } heard;
    lightning_.listen(heard);
    const LightningInvoice held = hold();
    lightning_.pay(held.bolt11);
    lightning_.settle(LightningNode::lnd, preimage_);
    lightning_.pay(plain().bolt11);
    plain(LightningNode::lnd);
    clock_.advance(Seconds(600));
    lightning_.tick();
    EXPECT_EQ(heard.states, (std::vector{LightningState::accepted, LightningState::settled, LightningState::settled,
                                         LightningState::canceled}));
}

} // namespace
} // namespace adit::devnet
