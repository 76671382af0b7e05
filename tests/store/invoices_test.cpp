#include "protocol/constants.h"
#include "store/shelf.h"

namespace adit::store {
namespace {

using payments::lightning::PaymentHash;
using payments::lightning::Preimage;
using session::State;

PaymentHash hash_of(std::uint8_t n)
{
    PaymentHash hash{};
    hash.fill(n);
    return hash;
}

class InvoicesTest : public StoreTest {
protected:
    NewPurchase wish(std::uint32_t key = 1) const
    {
        NewPurchase purchase = order(1, {}, key);
        purchase.method = session::Method::lightning;
        purchase.event_id.reset();
        purchase.auth_key.reset();
        purchase.mint.reset();
        purchase.paid = purchase.price;
        return purchase;
    }
    Invoice invoice(std::uint8_t n, const std::string& at = "10.8.0.2") const
    {
        Invoice made;
        made.payment_hash = hash_of(n);
        made.preimage = Preimage(ByteArray<32>{n});
        made.bolt11 = "lnbcrt" + std::to_string(n);
        made.expires_at = clock_.now() + Seconds(600);
        made.promised = {at, "fd00::2", protocol::WireguardSecret(ByteArray<32>{7, n})};
        made.session_id = "capability" + std::to_string(n);
        return made;
    }
    PurchaseId opened(std::uint8_t n = 1, std::uint32_t key = 1, const std::string& at = "10.8.0.2")
    {
        const auto id = reserved(wish(key), at);
        good(store().mark_open(id, invoice(n, at)));
        return id;
    }
    PurchaseId accepted(std::uint8_t n = 1, std::uint32_t key = 1, const std::string& at = "10.8.0.2")
    {
        const auto id = opened(n, key, at);
        good(store().mark_accepted(id));
        return id;
    }
};

TEST_F(InvoicesTest, AnInvoiceIsKeptWithAllThatItsConfigPromisedAndFoundByItsHash)
{
    const auto id = opened(3);
    const auto found = good(store().invoice(hash_of(3)));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->purchase.id, id);
    EXPECT_EQ(found->purchase.state, State::open);
    EXPECT_EQ(found->purchase.method, session::Method::lightning);
    EXPECT_FALSE(found->purchase.auth_key);
    EXPECT_FALSE(found->purchase.event_id);
    EXPECT_EQ(found->invoice.bolt11, "lnbcrt3");
    EXPECT_EQ(found->invoice.promised.address, "10.8.0.2");
    EXPECT_EQ(found->invoice.promised.address6, "fd00::2");
    ASSERT_TRUE(found->invoice.promised.preshared_key);
    EXPECT_EQ(*found->invoice.promised.preshared_key, protocol::WireguardSecret(ByteArray<32>{7, 3}));
    ASSERT_TRUE(found->invoice.preimage);
    EXPECT_EQ(*found->invoice.preimage, Preimage(ByteArray<32>{3}));
    EXPECT_EQ(found->invoice.session_id, "capability3");
    EXPECT_TRUE(good(store().promises_session("capability3")));
    EXPECT_FALSE(good(store().promises_session("capability4")));
    EXPECT_FALSE(good(store().invoice(hash_of(4))));
}

TEST_F(InvoicesTest, WhatWasTakenByLightningIsWhatWasPaidAndDelivered)
{
    EXPECT_EQ(good(store().taken_by(session::Method::lightning)), Sat());
    opened(1, 1);
    const auto sold = opened(2, 2, "10.8.0.3");
    good(store().mark_settled(sold));
    EXPECT_EQ(good(store().taken_by(session::Method::lightning)), Sat()) << "it is owed";
    activated(sold, "capability2");
    EXPECT_EQ(good(store().taken_by(session::Method::lightning)), wish().price);
    EXPECT_EQ(good(store().taken_by(session::Method::cashu)), Sat());
}

TEST_F(InvoicesTest, TheSameInvoiceTwiceIsRefusedAndTheSecondPurchaseStaysReserved)
{
    opened(1, 1);
    const auto second = reserved(wish(2), "10.8.0.3");
    EXPECT_EQ(reason(store().mark_open(second, invoice(1, "10.8.0.3"))), Reason::double_spent);
    EXPECT_EQ(state_of(second), State::reserved);
}

TEST_F(InvoicesTest, APlainPaymentIsRedeemedAndActivatedUnderThePromisedSession)
{
    const auto id = opened();
    good(store().mark_settled(id));
    EXPECT_EQ(state_of(id), State::redeemed);
    const auto live = activated(id, "capability1");
    EXPECT_EQ(state_of(id), State::active);
    EXPECT_EQ(live.session.id, "capability1");
    EXPECT_FALSE(live.first_buyer_is_this_key); // nobody signed for it
    EXPECT_FALSE(good(store().first_buyer_is(live.session.row, auth_key(1))));
}

TEST_F(InvoicesTest, AHeldPaymentIsLiveBeforeItIsSettled)
{
    const auto id = accepted();
    activated(id, "capability1");
    EXPECT_EQ(state_of(id), State::live);
    good(store().mark_settling(id));
    EXPECT_EQ(state_of(id), State::settling);
    good(store().mark_settled(id));
    EXPECT_EQ(state_of(id), State::active);
}

TEST_F(InvoicesTest, AHeldPaymentThatIsNotSettledLeavesNoSession)
{
    const auto id = accepted();
    const auto live = activated(id, "capability1");
    good(store().mark_settling(id));
    const auto left = good(store().take_back(id, clock_.now()));
    ASSERT_TRUE(left);
    EXPECT_TRUE(left->segments.empty());
    EXPECT_EQ(left->session, live.session.row);
    EXPECT_EQ(state_of(id), State::released);
    EXPECT_FALSE(good(store().live_session(client(1))));
    EXPECT_EQ(rest_of("10.8.0.2"), clock_.now() + protocol::kAddressRest);
}

TEST_F(InvoicesTest, AnUnpaidRenewalIsTakenFromASessionThatGoesOn)
{
    const auto cashu = redeemed(order(9, {"in"}), 1);
    activated(cashu, "first");
    const auto before = good(store().live_session(client(1)))->session.segments;
    const auto id = accepted();
    activated(id, "unused");
    const auto left = good(store().take_back(id, clock_.now()));
    ASSERT_TRUE(left);
    EXPECT_EQ(left->segments, before);
    const auto session = good(store().live_session(client(1)));
    ASSERT_TRUE(session);
    EXPECT_EQ(session->session.segments, before);
    EXPECT_EQ(session->session.revision, left->revision);
    EXPECT_EQ(state_of(cashu), State::active);
    EXPECT_EQ(rest_of("10.8.0.2"), std::nullopt);
}

TEST_F(InvoicesTest, ASettlementAfterTheSessionRanOutIsAnEndedPurchase)
{
    const auto id = accepted();
    const auto live = activated(id, "capability1");
    good(store().mark_settling(id));
    const SessionAt at{live.session.row, live.session.revision};
    good(store().end_sessions(std::span(&at, 1), clock_.now()));
    EXPECT_EQ(state_of(id), State::settling);
    good(store().mark_settled(id));
    EXPECT_EQ(state_of(id), State::ended);
    // And one that was cancelled instead is nobody's.
    const auto other = accepted(2, 2, "10.8.0.3");
    const auto second = activated(other, "capability2");
    const SessionAt gone{second.session.row, second.session.revision};
    good(store().end_sessions(std::span(&gone, 1), clock_.now()));
    EXPECT_FALSE(good(store().take_back(other, clock_.now())));
    EXPECT_EQ(state_of(other), State::released);
}

TEST_F(InvoicesTest, AnUnpaidInvoiceGivesItsAddressBackAtOnceSinceNobodyHadIt)
{
    const auto id = opened();
    EXPECT_EQ(rest_of("10.8.0.2"), std::nullopt);
    good(store().mark_unpaid(id));
    EXPECT_EQ(state_of(id), State::released);
    EXPECT_EQ(rest_of("10.8.0.2"), clock_.now());
    // One that was accepted may have had a peer that no row tells of.
    const auto held = accepted(2, 2, "10.8.0.3");
    good(store().mark_unpaid(held));
    EXPECT_EQ(rest_of("10.8.0.3"), clock_.now() + protocol::kAddressRest);
}

TEST_F(InvoicesTest, ALatePaymentOfAReleasedInvoiceIsRedeemedAndCanTakeItsAddressAgain)
{
    const auto id = opened();
    good(store().mark_unpaid(id));
    good(store().end_rests(clock_.now()));
    good(store().mark_settled(id));
    EXPECT_EQ(state_of(id), State::redeemed);
    const Lease promised = address("10.8.0.2");
    EXPECT_EQ(good(store().take_lease(id, &promised)).lease.address, "10.8.0.2");
    activated(id, "capability1");
    EXPECT_EQ(state_of(id), State::active);
}

TEST_F(InvoicesTest, EveryStepNamesTheStatesThatItExpects)
{
    const auto open = opened();
    EXPECT_EQ(reason(store().mark_settling(open)), Reason::bad_step);
    EXPECT_EQ(reason(store().take_back(open, clock_.now())), Reason::bad_step);
    EXPECT_EQ(reason(store().mark_settled_by_hand(open)), Reason::bad_step);
    EXPECT_EQ(reason(store().mark_open(open, invoice(9))), Reason::bad_step);
    good(store().mark_settled(open));
    EXPECT_EQ(reason(store().mark_settled(open)), Reason::bad_step);
    EXPECT_EQ(reason(store().mark_unpaid(open)), Reason::bad_step);
    EXPECT_EQ(reason(store().mark_accepted(open)), Reason::bad_step);
    good(store().mark_settled_by_hand(open));
    EXPECT_EQ(state_of(open), State::ended);
    // Those of Cashu are none of these steps' business.
    const auto cashu = redeemed(order(9, {"in"}, 4), 1, "10.8.0.9");
    EXPECT_EQ(reason(store().mark_settled_by_hand(cashu)), Reason::bad_step);
    EXPECT_EQ(reason(store().mark_settled(cashu)), Reason::bad_step);
}

TEST_F(InvoicesTest, OpenOnesAreListedAndThoseOfCashuAreNot)
{
    redeemed(order(9, {"in"}, 7), 1, "10.8.0.9");
    const auto reserved_only = reserved(wish(1), "10.8.0.2");
    const auto open = opened(2, 2, "10.8.0.3");
    const auto gone = opened(3, 3, "10.8.0.4");
    good(store().mark_unpaid(gone));
    const auto listed = good(store().open_invoices());
    ASSERT_EQ(listed.size(), 2U);
    EXPECT_EQ(listed[0].purchase, reserved_only);
    EXPECT_FALSE(listed[0].payment_hash);
    EXPECT_EQ(listed[1].purchase, open);
    EXPECT_EQ(listed[1].payment_hash, hash_of(2));
    EXPECT_EQ(good(store().open_purchases()).size(), 1U);
}

TEST_F(InvoicesTest, WhatIsPaidBackComesFromNoPurchaseThatMayBePaidBackItself)
{
    const auto id = redeemed(order(9, {"in"}), 1);
    EXPECT_TRUE(good(store().unspent()).empty());
    activated(id, "delivered");
    EXPECT_EQ(good(store().unspent()).size(), 1U);
}

TEST_F(InvoicesTest, AStrangersInvoiceMakesNobodysPeerOurs)
{
    opened();
    EXPECT_TRUE(good(store().ours(std::vector{client(1)})).empty());
}

TEST_F(InvoicesTest, AfterRetentionPreimageAndSecretsAreGoneAndUnpaidOnesAltogether)
{
    const auto paid = opened(1, 1);
    good(store().mark_settled(paid));
    const auto live = activated(paid, "capability1");
    const auto unpaid = opened(2, 2, "10.8.0.3");
    good(store().mark_unpaid(unpaid));
    const SessionAt at{live.session.row, live.session.revision};
    good(store().end_sessions(std::span(&at, 1), clock_.now()));
    clock_.advance(Seconds(10));
    good(store().wipe_ended(clock_.now()));
    EXPECT_FALSE(good(store().invoice(hash_of(2))));
    const auto kept = good(store().invoice_of(paid));
    EXPECT_FALSE(kept.invoice.preimage);
    EXPECT_FALSE(kept.invoice.promised.preshared_key);
    EXPECT_FALSE(kept.purchase.client_key);
    EXPECT_EQ(kept.purchase.state, State::ended);
}

} // namespace
} // namespace adit::store
