// What must hold wherever the process dies: paid means tunnel or money back, and no sat is lost or taken twice.
#include "app/crash_moods.h"

#include <cstdio>

namespace adit::app {
namespace {

using devnet::FaultAct;

/// A buyer who repeats at once, as long as there is somebody to ask.
void ask_impatiently(ShopWorld& world, const Buyer& buyer, const Death& death)
{
    for (int i = 0; i < 5 && world.process->purchases && !death.dead(); ++i)
        if (world.ask(buyer).status < 500) return;
}

/// One purchase of 1 hour at 100 with 116 sat, which leaves change; the process dies at the n-th moment; the buyer asks
/// again until there is an answer. True: the process lived to the end.
bool sale_dies_at(int n, const Mood& mood, std::uint64_t fee_ppk)
{
    ShopWorld world({.fee_ppk = fee_ppk});
    const Buyer buyer = world.buyer({4, 16, 32, 64});
    Death death(n);
    world.restart(&death);
    for (const Fault& fault : mood.faults) world.faults.add(fault);
    ask_impatiently(world, buyer, death);
    const bool lived = !death.dead();
    SCOPED_TRACE(std::string("mint ") + mood.name + ", died " + (lived ? "never" : death.where()));

    world.restart();
    const Answered answered = world.insist(buyer);
    const auto after = world.mint.accounting();
    const std::uint64_t spent = world.spent_of(buyer);
    const std::uint64_t wallet = world.wallet();
    if (const auto* delivered = std::get_if<protocol::Delivered>(&answered.answer)) {
        EXPECT_TRUE(world.has_tunnel(buyer));
        EXPECT_EQ(spent, 116U);
        const std::uint64_t change = delivered->change ? world.worth(*delivered->change) : 0;
        EXPECT_EQ(wallet, 100U);
        EXPECT_EQ(wallet + change + after.fees.count(), 116U);
        // The same again, word for word, and nothing more is taken.
        EXPECT_EQ(world.ask(buyer).response.body, answered.response.body);
        EXPECT_EQ(world.wallet(), wallet);
    } else {
        // A definite no: whatever the mint said, the token is the buyer's as before.
        const auto& refused = std::get<protocol::Refused>(answered.answer);
        EXPECT_EQ(spent, 0U) << refused.word;
        EXPECT_EQ(wallet, 0U);
        EXPECT_FALSE(world.has_tunnel(buyer));
        // And buys, when the mint has changed its mind.
        const Answered again = world.insist(buyer);
        EXPECT_EQ(again.status, 200) << refused.word;
        EXPECT_EQ(world.wallet(), 100U);
    }
    EXPECT_EQ(after.outstanding().count() + after.fees.count(), after.minted.count());
    return lived;
}

TEST(PurchaseCrash, AtAnyWriteAndAnyCallOfTheMintNoPaymentIsLostOrTakenTwice)
{
    const auto with_fee = [](std::uint64_t fee_ppk) {
        return [fee_ppk](int n, const Mood& mood) { return sale_dies_at(n, mood, fee_ppk); };
    };
    const int points = die_everywhere(moods(), with_fee(0)) + die_everywhere(moods(), with_fee(600)) +
                       die_everywhere(stubborn_moods(), with_fee(600));
    std::printf("died at %d points of a sale\n", points);
    EXPECT_GT(points, 100);
}

/// The device refuses for longer than the deadline: the next retry gets the money back. The process dies at every
/// moment of that; the buyer never pays without a tunnel or a refund.
bool refund_dies_at(int n, const Mood& mood)
{
    ShopWorld world;
    const Buyer buyer = world.buyer({4, 16, 32, 64}); // 16 sat more than the price
    world.device.set_mood(wg::MemoryDevice::Mood::works);
    world.restart();
    // Usable while it is sold, and refusing when the peer is put.
    world.process->tunnels->reconcile();
    world.device.set_mood(wg::MemoryDevice::Mood::refuses);
    EXPECT_EQ(world.ask(buyer).status, 503);
    EXPECT_EQ(world.wallet(), 100U);
    world.clock.pass(world.config.sessions.activation_deadline + Seconds(1));
    world.device.set_mood(wg::MemoryDevice::Mood::absent);

    Death death(n);
    world.wire.set_death(&death);
    world.restart(&death);
    for (const Fault& fault : mood.faults) world.faults.add(fault);
    if (world.process->purchases) {
        world.ask(buyer); // begins to count
        world.clock.pass(world.config.sessions.activation_deadline + Seconds(1));
        ask_impatiently(world, buyer, death);
    }
    const bool lived = !death.dead();
    SCOPED_TRACE(std::string("mint ") + mood.name + ", died " + (lived ? "never" : death.where()));
    world.restart();
    const Answered answered = world.insist(buyer);
    const auto* refunded = std::get_if<protocol::Refunded>(&answered.answer);
    EXPECT_NE(refunded, nullptr) << answered.response.body;
    if (!refunded) return true;
    EXPECT_EQ(world.worth(refunded->refund), 100U);
    EXPECT_EQ(refunded->change ? world.worth(*refunded->change) : 0, 16U);
    EXPECT_EQ(world.wallet(), 0U);
    EXPECT_FALSE(world.has_tunnel(buyer));
    world.device.set_mood(wg::MemoryDevice::Mood::works);
    world.process->tunnels->reconcile();
    EXPECT_FALSE(world.has_tunnel(buyer)) << "a refunded purchase has a peer";
    EXPECT_EQ(world.ask(buyer).response.body, answered.response.body);
    return lived;
}

TEST(PurchaseCrash, AtAnyMomentOfARefundTheBuyerGetsItOnce)
{
    const int points = die_everywhere(moods(), refund_dies_at) + die_everywhere(stubborn_moods(), refund_dies_at);
    std::printf("died at %d points of a refund\n", points);
    EXPECT_GT(points, 50);
}

/// A second hour for a key that has one, bought in the middle of it.
bool renewal_dies_at(int n, const Mood& mood)
{
    ShopWorld world;
    const Buyer first = world.buyer({4, 32, 64});
    const Answered before = world.ask(first);
    EXPECT_EQ(before.status, 200);
    Buyer second = world.buyer({4, 32, 64});
    second.client_key = first.client_key;
    world.clock.pass(Seconds(600));
    world.sign_request(second, second.key);

    Death death(n);
    world.restart(&death);
    for (const Fault& fault : mood.faults) world.faults.add(fault);
    ask_impatiently(world, second, death);
    const bool lived = !death.dead();
    SCOPED_TRACE(std::string("mint ") + mood.name + ", died " + (lived ? "never" : death.where()));
    world.restart();
    EXPECT_EQ(world.ask(first).response.body, before.response.body) << "the first hour is as it was sold";
    Answered answered = world.insist(second);
    if (answered.status == 402) {
        EXPECT_EQ(world.spent_of(second), 0U);
        answered = world.insist(second);
    }
    EXPECT_EQ(answered.status, 200) << answered.response.body;
    const auto* delivered = std::get_if<protocol::Delivered>(&answered.answer);
    const auto* sold = std::get_if<protocol::Delivered>(&before.answer);
    if (!delivered || !sold) return true;
    EXPECT_EQ(delivered->expires_at, sold->expires_at + Seconds(3600)) << "both hours, each once";
    EXPECT_EQ(world.wallet(), 200U);
    world.clock.pass(delivered->expires_at - world.clock.now() - Seconds(1));
    world.process->tunnels->step();
    EXPECT_TRUE(world.has_tunnel(first));
    world.clock.pass(Seconds(1));
    world.process->tunnels->step();
    EXPECT_FALSE(world.has_tunnel(first));
    EXPECT_EQ(world.ask(first).status, 410);
    EXPECT_EQ(world.ask(second).status, 410);
    return lived;
}

TEST(PurchaseCrash, AtAnyMomentOfARenewalBothPaymentsCountOnce)
{
    // What the mint does is the same as for a sale: its yes, and the two kinds of silence.
    std::vector<Mood> few = moods();
    std::erase_if(few,
                  [](const Mood& mood) { return !mood.faults.empty() && mood.faults.front().act != FaultAct::drop; });
    const int points = die_everywhere(few, renewal_dies_at);
    std::printf("died at %d points of a renewal\n", points);
    EXPECT_GT(points, 20);
}

/// The end of a session by time, and the wiping of what it leaves; or, with `unclaimed`, of a purchase that nobody came
/// for.
bool end_dies_at(int n, bool unclaimed)
{
    ShopWorld world;
    const Buyer buyer = world.buyer({4, 32, 64});
    if (unclaimed) world.device.set_mood(wg::MemoryDevice::Mood::refuses);
    EXPECT_EQ(world.ask(buyer).status, unclaimed ? 503 : 200);
    world.device.set_mood(wg::MemoryDevice::Mood::works);
    world.clock.pass(unclaimed ? Seconds(30 * 86'400 + 1) : Seconds(3600));

    Death death(n);
    world.restart(&death);
    for (const Seconds later : {Seconds(0), Seconds(301), Seconds(86'400)}) {
        world.clock.pass(later);
        if (world.process->tunnels) world.process->tunnels->step();
    }
    const bool lived = !death.dead();
    SCOPED_TRACE(lived ? "died never" : "died " + death.where());
    world.restart();
    for (const Seconds later : {Seconds(0), Seconds(301)}) {
        world.clock.pass(later);
        world.process->tunnels->step();
    }
    EXPECT_FALSE(world.has_tunnel(buyer));
    EXPECT_TRUE(world.process->store->taken_addresses().value().empty()) << "its address is free again";
    EXPECT_EQ(world.wallet(), 100U);
    EXPECT_EQ(world.ask(buyer).status, 410);
    return lived;
}

TEST(PurchaseCrash, AtAnyMomentOfAnEndNothingIsLeftBehind)
{
    const std::vector<Mood> any{{"is not asked", {}}};
    int points = 0;
    for (const bool unclaimed : {false, true})
        points += die_everywhere(any, [&](int n, const Mood&) { return end_dies_at(n, unclaimed); });
    std::printf("died at %d points of an end\n", points);
    EXPECT_GT(points, 8);
}

} // namespace
} // namespace adit::app
