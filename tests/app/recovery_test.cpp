// What becomes of a purchase whose mint has not answered, while buyer and operator do nothing.
#include "app/shop_world.h"

#include "payments/cashu/curve.h"

namespace adit::app {
namespace {

using devnet::Fault;
using devnet::FaultAct;
using devnet::FaultMoment;
using protocol::Delivered;
using session::State;

Fault mint_fault(const char* endpoint, FaultAct act, FaultMoment moment, std::optional<std::uint64_t> times = 1)
{
    Fault fault;
    fault.endpoint = endpoint;
    fault.act = act;
    fault.moment = moment;
    fault.times = times;
    return fault;
}

store::Purchase purchase_in_flight(ShopWorld& world)
{
    const auto open = world.process->store->open_purchases().value();
    EXPECT_EQ(open.size(), 1U);
    return open.at(0);
}

void let_pass(ShopWorld& world, Seconds length)
{
    world.clock.pass(length);
    world.process->recovery->step();
    world.process->tunnels->step();
}

void expect_sold(ShopWorld& world, const Buyer& buyer)
{
    const Answered answered = world.ask(buyer);
    EXPECT_EQ(answered.status, 200) << answered.response.body;
    EXPECT_TRUE(world.has_tunnel(buyer));
    EXPECT_EQ(world.wallet(), 100U);
    EXPECT_EQ(world.spent_of(buyer), 100U);
}

TEST(Recovery, AnUnknownSwapKeepsItsClaimButItsAddressForThirtySecondsOnly)
{
    ShopWorld world({.subnet = "10.66.42.0/30"}); // two addresses
    world.faults.add(mint_fault("mint.*", FaultAct::drop, FaultMoment::before, std::nullopt));
    const Buyer buyer = world.buyer({4, 32, 64});
    EXPECT_EQ(world.ask(buyer).status, 503);
    EXPECT_TRUE(purchase_in_flight(world).holds_lease);
    let_pass(world, Seconds(29));
    EXPECT_TRUE(purchase_in_flight(world).holds_lease);
    let_pass(world, Seconds(1));
    EXPECT_FALSE(purchase_in_flight(world).holds_lease);
    EXPECT_EQ(purchase_in_flight(world).state, State::swapping);
    world.faults.clear();
    let_pass(world, Seconds(300));
    EXPECT_EQ(purchase_in_flight(world).state, State::redeemed) << "by itself";
    EXPECT_FALSE(world.has_tunnel(buyer)) << "its time starts when it is claimed";
    let_pass(world, Seconds(86'400));
    expect_sold(world, buyer);
}

TEST(Recovery, WithEveryAddressGoneARedeemedPurchaseWaitsForOne)
{
    ShopWorld world({.subnet = "10.66.42.0/30"});
    world.faults.add(mint_fault("mint.swap", FaultAct::drop, FaultMoment::after));
    const Buyer unlucky = world.buyer({4, 32, 64});
    EXPECT_EQ(world.ask(unlucky).status, 503);
    let_pass(world, Seconds(31));
    let_pass(world, Seconds(310)); // the address it had has rested
    ASSERT_EQ(purchase_in_flight(world).state, State::redeemed);
    int sold = 0;
    while (sold < 5 && world.ask(world.buyer({4, 32, 64})).status == 200) ++sold;
    ASSERT_EQ(sold, 2);
    const Answered waiting = world.ask(unlucky);
    EXPECT_EQ(waiting.status, 503) << waiting.response.body;
    EXPECT_EQ(purchase_in_flight(world).state, State::redeemed) << "paid, and not forgotten";
}

TEST(Recovery, WhatWasPaidForInTheBackgroundHoldsNoAddressUntilItsBuyerComes)
{
    ShopWorld world;
    world.faults.add(mint_fault("mint.swap", FaultAct::drop, FaultMoment::after));
    const Buyer buyer = world.buyer({4, 32, 64});
    EXPECT_EQ(world.ask(buyer).status, 503);
    let_pass(world, Seconds(10));
    ASSERT_EQ(purchase_in_flight(world).state, State::redeemed);
    EXPECT_FALSE(purchase_in_flight(world).holds_lease)
        << "or strangers who pay a little could empty the pool for a month";
    const auto resting = world.process->store->taken_addresses().value();
    ASSERT_EQ(resting.size(), 1U);
    EXPECT_EQ(resting[0].rests_until, world.clock.now() + Seconds(300));
    const Answered answered = world.ask(buyer);
    ASSERT_EQ(answered.status, 200) << answered.response.body;
    EXPECT_NE(std::get<Delivered>(answered.answer).config.find(resting[0].address), std::string::npos);
}

TEST(Recovery, OutputsAreMadeAnewWhereTheKeysetWasRotated)
{
    ShopWorld world;
    const Buyer buyer = world.buyer({4, 32, 64});
    world.faults.add(mint_fault("mint.swap", FaultAct::drop, FaultMoment::before));
    EXPECT_EQ(world.ask(buyer).status, 503);
    const auto keyset = world.mint.rotate({});
    let_pass(world, Seconds(10));
    EXPECT_EQ(purchase_in_flight(world).state, State::redeemed);
    const auto proofs = world.process->store->wallet_proofs(store::ProofState::unspent).value();
    EXPECT_FALSE(proofs.empty());
    for (const auto& each : proofs) EXPECT_EQ(each.proof.keyset, keyset);
    EXPECT_EQ(world.process->store->swaps(purchase_in_flight(world).id).value().size(), 2U) << "both sets are kept";
    expect_sold(world, buyer);
}

TEST(Recovery, WhatWasSignedBeforeTheKeysetWasRotatedIsRestored)
{
    ShopWorld world;
    const Buyer buyer = world.buyer({4, 32, 64});
    const auto before = world.mint.keysets().front().id;
    world.faults.add(mint_fault("mint.swap", FaultAct::drop, FaultMoment::after));
    EXPECT_EQ(world.ask(buyer).status, 503);
    world.mint.rotate({});
    let_pass(world, Seconds(10));
    EXPECT_EQ(purchase_in_flight(world).state, State::redeemed);
    const auto proofs = world.process->store->wallet_proofs(store::ProofState::unspent).value();
    EXPECT_FALSE(proofs.empty());
    for (const auto& each : proofs) EXPECT_EQ(each.proof.keyset, before);
    expect_sold(world, buyer);
}

TEST(Recovery, AnOldSetThatTheMintSignedLateIsFoundToo)
{
    // The first body goes astray, outputs are made anew, that answer is lost as well; then the mint turns out to have
    // signed one of the two, whichever.
    ShopWorld world;
    const Buyer buyer = world.buyer({4, 32, 64});
    world.faults.add(mint_fault("mint.swap", FaultAct::drop, FaultMoment::before));
    EXPECT_EQ(world.ask(buyer).status, 503);
    world.mint.rotate({});
    Fault late = mint_fault("mint.swap", FaultAct::drop, FaultMoment::after);
    late.skip = 1; // the old bytes are refused, the new ones are taken and the answer is lost
    world.faults.add(late);
    let_pass(world, Seconds(10));
    let_pass(world, Seconds(60));
    EXPECT_EQ(purchase_in_flight(world).state, State::redeemed);
    expect_sold(world, buyer);
}

TEST(Recovery, SignaturesThatDoNotVerifyAreNoAnswer)
{
    ShopWorld world;
    const Buyer buyer = world.buyer({4, 32, 64});
    world.faults.add(mint_fault("mint.swap", FaultAct::lie_bad_signature, FaultMoment::before));
    EXPECT_EQ(world.ask(buyer).status, 503);
    EXPECT_EQ(purchase_in_flight(world).state, State::swapping);
    EXPECT_EQ(world.wallet(), 0U) << "nothing is booked that is not money";
    world.faults.clear();
    let_pass(world, Seconds(10));
    expect_sold(world, buyer);
}

TEST(Recovery, ALyingRestoreIsNoAnswerEither)
{
    ShopWorld world;
    const Buyer buyer = world.buyer({4, 32, 64});
    world.faults.add(mint_fault("mint.swap", FaultAct::drop, FaultMoment::after));
    EXPECT_EQ(world.ask(buyer).status, 503);
    world.faults.add(mint_fault("mint.restore", FaultAct::lie_bad_signature, FaultMoment::before));
    let_pass(world, Seconds(10));
    EXPECT_EQ(purchase_in_flight(world).state, State::swapping);
    EXPECT_EQ(world.wallet(), 0U);
    let_pass(world, Seconds(60));
    expect_sold(world, buyer);
}

TEST(Recovery, ProofsThatArePendingAreNeitherYesNorNo)
{
    ShopWorld world;
    const Buyer buyer = world.buyer({4, 32, 64});
    std::vector<std::string> ys;
    for (const auto& proof : buyer.proofs) ys.push_back(payments::cashu::proof_y(proof.secret).hex());
    world.mint.set_pending(ys, true);
    EXPECT_EQ(world.ask(buyer).status, 503);
    EXPECT_EQ(purchase_in_flight(world).state, State::swapping);
    let_pass(world, Seconds(100));
    EXPECT_EQ(purchase_in_flight(world).state, State::swapping);
    world.mint.set_pending(ys, false);
    let_pass(world, Seconds(400));
    expect_sold(world, buyer);
}

TEST(Recovery, AfterAnHourItIsOwedAndAfterTheAnswerNoMore)
{
    ShopWorld world;
    const auto number = world.faults.add(mint_fault("mint.*", FaultAct::drop, FaultMoment::before, std::nullopt));
    const Buyer buyer = world.buyer({4, 32, 64});
    EXPECT_EQ(world.ask(buyer).status, 503);
    let_pass(world, Seconds(3599));
    EXPECT_EQ(world.process->recovery->owed().size(), 0U);
    let_pass(world, Seconds(1));
    EXPECT_EQ(world.process->recovery->owed().size(), 1U);
    world.faults.remove(number);
    let_pass(world, Seconds(600));
    EXPECT_EQ(world.process->recovery->owed().size(), 0U);
    expect_sold(world, buyer);
}

TEST(Recovery, WhatIsOwedIsOwedAfterARestartToo)
{
    ShopWorld world;
    world.faults.add(mint_fault("mint.swap", FaultAct::drop, FaultMoment::before, std::nullopt));
    const Buyer buyer = world.buyer({4, 32, 64});
    EXPECT_EQ(world.ask(buyer).status, 503);
    world.clock.pass(Seconds(7200));
    world.restart();
    EXPECT_EQ(world.process->recovery->owed().size(), 1U) << "it has been unknown for two hours";
}

TEST(Recovery, AClaimedPurchaseLapsesAfterThirtyDays)
{
    ShopWorld world;
    world.faults.add(mint_fault("mint.swap", FaultAct::drop, FaultMoment::after));
    const Buyer buyer = world.buyer({4, 32, 64});
    EXPECT_EQ(world.ask(buyer).status, 503);
    let_pass(world, Seconds(10));
    ASSERT_EQ(purchase_in_flight(world).state, State::redeemed);
    let_pass(world, Seconds(29 * 86'400));
    ASSERT_EQ(purchase_in_flight(world).state, State::redeemed);
    let_pass(world, Seconds(86'401));
    EXPECT_TRUE(world.process->store->open_purchases().value().empty());
    EXPECT_EQ(world.ask(buyer).status, 410);
}

TEST(Recovery, OneSilentMintIsAskedOnceInEachRound)
{
    ShopWorld world;
    world.faults.add(mint_fault("mint.*", FaultAct::drop, FaultMoment::before, std::nullopt));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(world.ask(world.buyer({4, 32, 64})).status, 503);
    const int before = world.wire.swaps();
    let_pass(world, Seconds(10));
    EXPECT_EQ(world.wire.swaps(), before + 1) << "nobody waits for three timeouts";
}

} // namespace
} // namespace adit::app
