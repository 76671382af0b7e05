// What must hold wherever the process dies: paid means tunnel or money back, and no sat is lost or taken twice.
#include "app/shop_world.h"

#include <cstdio>

namespace adit::app {
namespace {

struct Mood {
    const char* name;
    std::optional<devnet::Fault> fault;
};

std::vector<Mood> moods()
{
    using devnet::Fault;
    using devnet::FaultAct;
    using devnet::FaultMoment;
    const auto swap = [](FaultAct act, FaultMoment moment) {
        Fault fault;
        fault.endpoint = "mint.swap";
        fault.act = act;
        fault.moment = moment;
        fault.times = 1;
        return fault;
    };
    Fault no = swap(FaultAct::reject, FaultMoment::before);
    no.code = 10001;
    no.message = "no";
    Fault lies_no = swap(FaultAct::reject, FaultMoment::after);
    lies_no.code = 11001;
    lies_no.message = "already spent";
    return {{"says yes", std::nullopt},
            {"says no", no},
            {"says no after acting", lies_no},
            {"is silent before acting", swap(FaultAct::drop, FaultMoment::before)},
            {"is silent after acting", swap(FaultAct::drop, FaultMoment::after)},
            {"answers 500 after acting", swap(FaultAct::status, FaultMoment::after)},
            {"answers with a page after acting", swap(FaultAct::not_json, FaultMoment::after)}};
}

/// One purchase of 1 hour at 100 with 116 sat, which leaves change; the process dies at the n-th moment; the buyer asks
/// again until there is an answer. True: the process lived to the end.
bool sale_dies_at(int n, const Mood& mood, std::uint64_t fee_ppk)
{
    ShopWorld world({.fee_ppk = fee_ppk});
    const Buyer buyer = world.buyer({4, 16, 32, 64});
    Death death(n);
    world.restart(&death);
    if (mood.fault) world.faults.add(*mood.fault);
    if (world.process->purchases) world.ask(buyer);
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
    int points = 0;
    for (const std::uint64_t fee_ppk : {std::uint64_t{0}, std::uint64_t{600}}) {
        for (const Mood& mood : moods()) {
            for (int n = 1;; ++n) {
                ++points;
                if (sale_dies_at(n, mood, fee_ppk) || HasFatalFailure()) break;
            }
            if (HasFailure()) return;
        }
    }
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
    if (mood.fault) world.faults.add(*mood.fault);
    if (world.process->purchases) {
        world.ask(buyer); // begins to count
        world.clock.pass(world.config.sessions.activation_deadline + Seconds(1));
        world.ask(buyer);
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
    int points = 0;
    for (const Mood& mood : moods()) {
        for (int n = 1;; ++n) {
            ++points;
            if (refund_dies_at(n, mood) || HasFatalFailure()) break;
        }
        if (HasFailure()) return;
    }
    std::printf("died at %d points of a refund\n", points);
    EXPECT_GT(points, 50);
}

} // namespace
} // namespace adit::app
