// What must hold wherever the process dies in a sale by Lightning: a payer who was charged has the tunnel that the
// config names, or the money back; a payer who was not has no tunnel; and no payment is settled twice.
#include "app/shop_world.h"

#include <cstdio>

namespace adit::app {
namespace {

using fakes::FakeLightning;
using NodeMood = FakeLightning::Mood;
using session::State;

struct Case {
    const char* name;
    FakeLightning::Way way;
    bool cancels_plain; // LND can, phoenixd can not
    const char* call;   // that misbehaves while the process lives
    NodeMood mood;
};

constexpr Case kCases[]{
    {"phoenixd answers", FakeLightning::Way::plain, false, "", NodeMood::answers},
    {"phoenixd is silent before it makes an invoice", FakeLightning::Way::plain, false, "make",
     NodeMood::silent_before},
    {"phoenixd is silent after it made an invoice", FakeLightning::Way::plain, false, "make", NodeMood::silent_after},
    {"phoenixd is silent when asked about it", FakeLightning::Way::plain, false, "look_up", NodeMood::silent_before},
    {"lnd answers", FakeLightning::Way::plain, true, "", NodeMood::answers},
    {"lnd holds", FakeLightning::Way::hold, true, "", NodeMood::answers},
    {"lnd is silent before it settles", FakeLightning::Way::hold, true, "settle", NodeMood::silent_before},
    {"lnd is silent after it settled", FakeLightning::Way::hold, true, "settle", NodeMood::silent_after},
    {"lnd is silent when asked about it", FakeLightning::Way::hold, true, "look_up", NodeMood::silent_after},
};

/// Every grant of this key together; none without a session.
std::uint64_t seconds_sold(ShopWorld& world, const protocol::WireguardKey& key)
{
    std::uint64_t seconds = 0;
    for (const auto& segment : world.process->tunnels->segments_of(key)) seconds += segment.amount;
    return seconds;
}

/// One hour is asked for, paid, and delivered; the process dies at the n-th moment; the payer pays if there is
/// something to pay. True: the process lived to the end.
bool settlement_dies_at(int n, const Case& c)
{
    ShopWorld world({.lightning = c.way});
    world.lightning->set_cancels_plain(c.cancels_plain);
    Payer payer = world.payer();
    Death death(n);
    world.restart(&death);
    world.lightning->set_mood(c.call, c.mood);
    bool asked = false;
    if (world.process->lightning_sale) {
        asked = world.ask_invoice(payer).has_value();
        if (asked) {
            EXPECT_TRUE(world.lightning->pay(payer.hash));
            for (int i = 0; i < 3; ++i) world.process->settlements->attend(payments::PurchaseId{1});
        }
    }
    const bool lived = !death.dead();
    SCOPED_TRACE(std::string(c.name) + ", died " + (lived ? "never" : death.where()));

    world.lightning->clear_moods();
    world.restart();
    if (!asked) {
        // No invoice was seen, so nothing can be paid, and the next one is sold as though nothing had been.
        EXPECT_TRUE(world.ask_invoice(payer).has_value());
        EXPECT_TRUE(world.lightning->pay(payer.hash));
    }
    world.attend_for(Seconds(1200));
    EXPECT_TRUE(world.lightning->charged(payer.hash));
    EXPECT_EQ(world.state_of(payer), State::active);
    EXPECT_TRUE(world.has_tunnel_of(payer.client_key, world.open_config(payer)));
    EXPECT_EQ(seconds_sold(world, payer.client_key), 3600U);
    const auto said = world.verify(payer);
    EXPECT_TRUE(said.settled);
    EXPECT_TRUE(said.preimage && std::ranges::equal(said.preimage->expose(), world.lightning->preimage(payer.hash)));
    // Nothing more happens to it, whatever is asked again.
    world.restart();
    world.attend();
    EXPECT_EQ(seconds_sold(world, payer.client_key), 3600U);
    return lived;
}

TEST(LightningCrash, AtAnyWriteAndAnyCallOfTheNodeWhoIsChargedHasTheTunnelOnce)
{
    int points = 0;
    for (const Case& c : kCases) {
        for (int n = 1;; ++n) {
            ++points;
            if (settlement_dies_at(n, c) || HasFatalFailure()) break;
        }
        if (HasFailure()) return;
    }
    std::printf("died at %d points of a sale by Lightning\n", points);
    EXPECT_GT(points, 100);
}

/// Held, and the node cancels it by itself at some moment: before the peer is put, between, and while it is settled.
bool cancelled_sale_dies_at(int n, int attends_before)
{
    ShopWorld world({.lightning = FakeLightning::Way::hold});
    Payer payer = world.payer();
    Death death(n);
    world.restart(&death);
    if (!world.process->lightning_sale || !world.ask_invoice(payer)) return false;
    EXPECT_TRUE(world.lightning->pay(payer.hash));
    world.lightning->set_mood("settle", NodeMood::silent_before);
    for (int i = 0; i < attends_before; ++i) world.process->settlements->attend(payments::PurchaseId{1});
    world.lightning->cancel_by_itself(payer.hash);
    for (int i = 0; i < 3; ++i) world.process->settlements->attend(payments::PurchaseId{1});
    const bool lived = !death.dead();
    SCOPED_TRACE(std::to_string(attends_before) + " looks before, died " + (lived ? "never" : death.where()));

    world.lightning->clear_moods();
    world.restart();
    world.attend_for(Seconds(1200));
    EXPECT_FALSE(world.lightning->charged(payer.hash));
    EXPECT_EQ(world.state_of(payer), State::released);
    EXPECT_FALSE(world.device.has(payer.client_key)) << "a tunnel that nobody paid for";
    EXPECT_EQ(seconds_sold(world, payer.client_key), 0U);
    EXPECT_FALSE(world.verify(payer).settled);
    return lived;
}

TEST(LightningCrash, AtAnyMomentOfAPaymentThatIsCancelledNoTunnelIsLeft)
{
    int points = 0;
    for (const int attends : {0, 1, 2}) {
        for (int n = 1; n < 200; ++n) {
            ++points;
            if (cancelled_sale_dies_at(n, attends) || HasFatalFailure()) break;
        }
        if (HasFailure()) return;
    }
    std::printf("died at %d points of a cancelled payment\n", points);
    EXPECT_GT(points, 20);
}

/// Paid, and the device refuses for longer than the deadline: the buyer gets ecash of the wallet's instead.
bool cancellation_dies_at(int n)
{
    ShopWorld world({.fee_ppk = 100, .lightning = FakeLightning::Way::plain});
    const Buyer first = world.buyer({4, 16, 32, 64}); // whose money pays the refund
    EXPECT_EQ(world.insist(first).status, 200);
    // More than the refund, so that there is change to come back to the wallet.
    EXPECT_EQ(world.insist(world.buyer({1, 8, 64, 256})).status, 200);
    const std::uint64_t before = world.wallet() + world.mint.accounting().fees.count();
    Payer payer = world.payer();
    EXPECT_TRUE(world.ask_invoice(payer, 1).has_value());
    EXPECT_TRUE(world.lightning->pay(payer.hash));
    world.device.set_mood(wg::MemoryDevice::Mood::refuses);
    world.attend();
    EXPECT_EQ(world.state_of(payer), State::redeemed);
    world.clock.pass(world.config.sessions.activation_deadline + Seconds(1));
    world.device.set_mood(wg::MemoryDevice::Mood::absent);

    Death death(n);
    world.restart(&death);
    if (world.process->settlements)
        for (int i = 0; i < 3; ++i) world.process->settlements->attend(payments::PurchaseId{3});
    const bool lived = !death.dead();
    SCOPED_TRACE("died " + (lived ? std::string("never") : death.where()));
    world.restart();
    world.attend_for(Seconds(1200));
    EXPECT_EQ(world.state_of(payer), State::refunded);
    const auto said = world.verify(payer);
    EXPECT_TRUE(said.refund.has_value());
    if (!said.refund) return true;
    EXPECT_EQ(world.worth(*said.refund), 100U);
    EXPECT_EQ(world.wallet() + 100 + world.mint.accounting().fees.count(), before);
    world.device.set_mood(wg::MemoryDevice::Mood::works);
    world.process->tunnels->reconcile();
    EXPECT_FALSE(world.device.has(payer.client_key)) << "a refunded payment has a tunnel";
    return lived;
}

TEST(LightningCrash, AtAnyMomentOfARefundInEcashThePayerGetsItOnce)
{
    int points = 0;
    for (int n = 1; n < 200; ++n) {
        ++points;
        if (cancellation_dies_at(n) || HasFatalFailure()) break;
    }
    std::printf("died at %d points of a refund\n", points);
    EXPECT_GT(points, 5);
}

} // namespace
} // namespace adit::app
