// What becomes of invoices when payments come late, twice, for tunnels that can not be put, or not at all.
#include "app/shop_world.h"

#include "protocol/constants.h"

namespace adit::app {
namespace {

using fakes::FakeLightning;
using session::State;

class SettlementsTest : public testing::Test {
protected:
    void open(FakeLightning::Way way, const std::string& subnet = "10.66.42.0/24")
    {
        world_.emplace(ShopWorld::Options{.subnet = subnet, .lightning = way});
    }
    Payer invoiced(bool with_refund_key = true)
    {
        Payer payer = world_->payer(with_refund_key);
        EXPECT_TRUE(world_->ask_invoice(payer));
        return payer;
    }
    std::size_t owed() const { return world_->process->settlements->owed()->size(); }

    std::optional<ShopWorld> world_;
};

TEST_F(SettlementsTest, AnUnpaidInvoiceKeepsItsAddressUntilTheNodeCallsItOver)
{
    open(FakeLightning::Way::plain);
    const Payer payer = invoiced();
    const std::uint64_t size = world_->process->pool->size();
    world_->clock.pass(Seconds(590));
    world_->attend();
    EXPECT_EQ(world_->state_of(payer), State::open);
    world_->clock.pass(Seconds(20));
    world_->lightning->set_mood("look_up", FakeLightning::Mood::silent_before);
    world_->attend_for(Seconds(3600));
    EXPECT_EQ(world_->state_of(payer), State::open) << "silence frees nothing";
    world_->lightning->clear_moods();
    world_->attend();
    EXPECT_EQ(world_->state_of(payer), State::released);
    world_->clock.pass(Seconds(11));
    world_->process->tunnels->step();
    EXPECT_EQ(world_->process->pool->free(), size);
}

TEST_F(SettlementsTest, ALatePaymentEndsInTheVeryTunnelThatItsConfigNames)
{
    open(FakeLightning::Way::plain);
    const Payer payer = invoiced();
    world_->clock.pass(Seconds(700));
    world_->attend();
    ASSERT_EQ(world_->state_of(payer), State::released);
    world_->process->tunnels->step();
    world_->lightning->settle_late(payer.hash);
    world_->process->settlements->invoice_changed(payer.hash);
    world_->process->settlements->step();
    world_->process->workers.stop();
    EXPECT_EQ(world_->state_of(payer), State::active);
    EXPECT_TRUE(world_->has_tunnel_of(payer.client_key, world_->open_config(payer)));
}

TEST_F(SettlementsTest, ALatePaymentWhoseAddressIsAnothersIsPaidBackOrWaitsAndIsOwed)
{
    for (const bool with_refund_key : {true, false}) {
        open(FakeLightning::Way::plain, "10.66.42.0/29");
        const Buyer rich = world_->buyer({8, 64, 128});
        ASSERT_EQ(world_->ask(rich).status, 200);
        const Payer payer = invoiced(with_refund_key);
        const auto config = world_->open_config(payer);
        world_->clock.pass(Seconds(700));
        world_->attend();
        world_->process->tunnels->step();
        // Everybody else buys, until nothing is free.
        while (world_->ask(world_->buyer({4, 32, 64})).status == 200) {
        }
        world_->lightning->settle_late(payer.hash);
        const auto row = world_->process->store->invoice(payer.hash);
        const auto id = (*row)->purchase.id;
        world_->process->settlements->attend(id);
        ASSERT_EQ(world_->state_of(payer), State::redeemed);
        EXPECT_EQ(owed(), 0U);
        world_->clock.pass(world_->config.sessions.activation_deadline + Seconds(1));
        world_->process->settlements->attend(id);
        if (with_refund_key) {
            EXPECT_EQ(world_->state_of(payer), State::refunded);
            EXPECT_EQ(world_->worth(world_->verify(payer).refund.value_or("")), 100U);
            EXPECT_EQ(owed(), 0U);
        } else {
            EXPECT_EQ(world_->state_of(payer), State::redeemed);
            EXPECT_EQ(owed(), 1U);
            // An hour later the others' time is over: the buyer gets what was paid for, after all.
            world_->clock.pass(Seconds(3700));
            world_->process->tunnels->step();
            world_->clock.pass(Seconds(400));
            world_->process->tunnels->step();
            world_->attend();
            EXPECT_EQ(world_->state_of(payer), State::active);
            EXPECT_TRUE(world_->has_tunnel_of(payer.client_key, config));
            EXPECT_EQ(owed(), 0U);
        }
    }
}

TEST_F(SettlementsTest, APaymentThatCanNotBePaidBackIsOwedUntilTheOperatorSaysThatItIsSettled)
{
    open(FakeLightning::Way::plain);
    const Payer payer = invoiced(false);
    ASSERT_TRUE(world_->lightning->pay(payer.hash));
    world_->device.set_mood(wg::MemoryDevice::Mood::refuses);
    world_->attend();
    world_->clock.pass(world_->config.sessions.activation_deadline + Seconds(1));
    world_->attend();
    ASSERT_EQ(owed(), 1U);
    const auto id = world_->process->settlements->owed()->front().id;
    EXPECT_TRUE(world_->verify(payer).settled);
    ASSERT_TRUE(world_->process->store->mark_settled_by_hand(id));
    EXPECT_EQ(owed(), 0U);
    world_->device.set_mood(wg::MemoryDevice::Mood::works);
    world_->attend();
    EXPECT_FALSE(world_->device.has(payer.client_key));
}

TEST_F(SettlementsTest, AHeldPaymentIsSettledOnlyAfterThePeerIsOnTheDevice)
{
    open(FakeLightning::Way::hold);
    const Payer payer = invoiced();
    ASSERT_TRUE(world_->lightning->pay(payer.hash));
    bool peer_was_there = false;
    world_->lightning->on_call = [&](const std::string& what) {
        if (what == "before settle") {
            peer_was_there = world_->device.has(payer.client_key);
            EXPECT_EQ(world_->state_of(payer), State::settling) << "the intention is on disk first";
        }
        return true;
    };
    EXPECT_FALSE(world_->verify(payer).settled);
    world_->attend();
    EXPECT_TRUE(peer_was_there);
    EXPECT_EQ(world_->state_of(payer), State::active);
    EXPECT_TRUE(world_->lightning->charged(payer.hash));
    EXPECT_TRUE(world_->verify(payer).settled);
}

TEST_F(SettlementsTest, AHeldPaymentThatCanNotBeDeliveredIsCancelledAndTheBuyerNeverPaid)
{
    open(FakeLightning::Way::hold);
    const Payer payer = invoiced();
    ASSERT_TRUE(world_->lightning->pay(payer.hash));
    world_->device.set_mood(wg::MemoryDevice::Mood::refuses);
    world_->attend();
    EXPECT_EQ(world_->state_of(payer), State::accepted);
    world_->clock.pass(world_->config.sessions.activation_deadline + Seconds(1));
    world_->attend();
    EXPECT_EQ(world_->lightning->state_of(payer.hash), payments::lightning::InvoiceState::ended);
    world_->attend();
    EXPECT_EQ(world_->state_of(payer), State::accepted) << "a device that does not answer may have the peer";
    world_->device.set_mood(wg::MemoryDevice::Mood::works);
    world_->attend();
    EXPECT_EQ(world_->state_of(payer), State::released);
    EXPECT_FALSE(world_->lightning->charged(payer.hash));
    EXPECT_FALSE(world_->device.has(payer.client_key));
    EXPECT_EQ(owed(), 0U);
}

TEST_F(SettlementsTest, AHeldPaymentNearItsTimeoutIsCancelledAndOneThatIsLiveIsSettled)
{
    open(FakeLightning::Way::hold);
    const Payer late = invoiced();
    ASSERT_TRUE(world_->lightning->pay(late.hash));
    world_->lightning->set_blocks_left(protocol::kHoldBlocksLeast - 1);
    world_->restart(); // as after days of being down
    world_->attend();
    world_->attend();
    EXPECT_EQ(world_->state_of(late), State::released);
    EXPECT_FALSE(world_->lightning->charged(late.hash));

    world_->lightning->set_blocks_left(100);
    const Payer live = invoiced();
    ASSERT_TRUE(world_->lightning->pay(live.hash));
    world_->lightning->set_mood("settle", FakeLightning::Mood::silent_before);
    world_->attend();
    ASSERT_EQ(world_->state_of(live), State::settling);
    world_->lightning->clear_moods();
    world_->lightning->set_blocks_left(1);
    world_->restart();
    world_->attend();
    EXPECT_EQ(world_->state_of(live), State::active);
    EXPECT_TRUE(world_->lightning->charged(live.hash));
}

TEST_F(SettlementsTest, ACancelledRenewalTakesItsHourAndLeavesTheTunnelThatWasPaidFor)
{
    open(FakeLightning::Way::hold);
    const Buyer buyer = world_->buyer({4, 32, 64});
    ASSERT_EQ(world_->ask(buyer).status, 200);
    Payer payer{.client_key = buyer.client_key};
    ASSERT_TRUE(world_->ask_invoice(payer));
    ASSERT_TRUE(world_->lightning->pay(payer.hash));
    world_->lightning->set_mood("settle", FakeLightning::Mood::silent_before);
    world_->attend();
    ASSERT_EQ(world_->process->tunnels->segments_of(buyer.client_key).front().amount, 7200U);
    world_->lightning->cancel_by_itself(payer.hash);
    world_->attend();
    EXPECT_EQ(world_->state_of(payer), State::released);
    EXPECT_EQ(world_->process->tunnels->segments_of(buyer.client_key).front().amount, 3600U);
    EXPECT_TRUE(world_->has_tunnel(buyer));
    // Its own time still ends on time.
    world_->clock.pass(Seconds(3601));
    world_->process->tunnels->expire_due();
    EXPECT_FALSE(world_->has_tunnel(buyer));
}

TEST_F(SettlementsTest, APaymentIsNoticedWhileWeWereDown)
{
    for (const auto way : {FakeLightning::Way::plain, FakeLightning::Way::hold}) {
        open(way);
        const Payer payer = invoiced();
        world_->process.reset();
        ASSERT_TRUE(world_->lightning->pay(payer.hash));
        world_->clock.pass(Seconds(3600));
        world_->restart();
        world_->attend();
        EXPECT_EQ(world_->state_of(payer), State::active);
        EXPECT_TRUE(world_->has_tunnel_of(payer.client_key, world_->open_config(payer)));
    }
}

TEST_F(SettlementsTest, TwoInvoicesOfOneKeyThatAreBothPaidAreTwoGrantsOfOneSession)
{
    open(FakeLightning::Way::plain);
    Payer first = invoiced();
    Payer second{.client_key = first.client_key};
    ASSERT_TRUE(world_->ask_invoice(second));
    // Out of order.
    ASSERT_TRUE(world_->lightning->pay(second.hash));
    world_->attend();
    ASSERT_TRUE(world_->lightning->pay(first.hash));
    world_->attend();
    EXPECT_EQ(world_->process->tunnels->segments_of(first.client_key).front().amount, 7200U);
    EXPECT_TRUE(world_->has_tunnel_of(first.client_key, world_->open_config(first)));
    EXPECT_TRUE(world_->has_tunnel_of(second.client_key, world_->open_config(second)));
}

} // namespace
} // namespace adit::app
