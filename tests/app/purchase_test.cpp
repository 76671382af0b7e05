// What a purchase is answered when something beside it is not as it should be: the line of repeats, the operator's
// wallet, the store itself.
#include "app/shop_world.h"

#include "payments/cashu/curve.h"

namespace adit::app {
namespace {

using devnet::Fault;
using devnet::FaultAct;
using devnet::FaultMoment;
using session::State;

ProofSet set_of(const Buyer& buyer)
{
    std::vector<payments::cashu::Point> ys;
    for (const auto& proof : buyer.proofs) ys.push_back(payments::cashu::proof_y(proof.secret));
    return proof_set(ys);
}

store::Purchase open_purchase(ShopWorld& world)
{
    const auto open = world.process->store->open_purchases().value();
    EXPECT_EQ(open.size(), 1U);
    return open.at(0);
}

/// Paid, and the device has refused it for longer than the deadline: the next request gets the money back.
Buyer buyer_without_tunnel(ShopWorld& world)
{
    Buyer buyer = world.buyer({4, 16, 32, 64});
    world.device.set_mood(wg::MemoryDevice::Mood::refuses);
    EXPECT_EQ(world.ask(buyer).status, 503);
    world.clock.pass(world.config.sessions.activation_deadline + Seconds(1));
    return buyer;
}

TEST(Purchase, ARepeatTooManyIsToldWhenToComeAgain)
{
    ShopWorld world;
    const Buyer buyer = world.buyer({4, 32, 64});
    ASSERT_TRUE(world.process->in_flight.try_enter(set_of(buyer))); // somebody is working on it
    std::optional<http::Response> answer;
    int waiting = 0;
    while (!(answer = world.process->purchases->serve(buyer.request, [] {}))) ASSERT_LT(++waiting, 1000);
    EXPECT_EQ(answer->status, 503);
    EXPECT_NE(answer->body.find("\"busy\""), std::string::npos);
    EXPECT_EQ((Answered{answer->status, {}, *answer}.header("Retry-After")), "5");
}

TEST(Purchase, RepeatsAtASilentMintHoldAQuarterOfTheWorkersAtMost)
{
    ShopWorld world;
    Fault silent;
    silent.endpoint = "mint.*";
    silent.act = FaultAct::drop;
    const auto number = world.faults.add(silent);
    const Buyer buyer = world.buyer({4, 32, 64});
    EXPECT_EQ(world.ask(buyer).status, 503);
    const int swaps = world.wire.swaps();
    const payments::Mint& mint = *world.process->mints.all().front();
    std::vector<SwapLimits::Turn> others; // who repeat too, and wait for the timeouts
    while (auto turn = world.process->limits->ask_again(mint)) others.push_back(std::move(*turn));
    EXPECT_EQ(others.size(), world.config.limits.workers / 4);
    const Answered answered = world.ask(buyer);
    EXPECT_EQ(answered.status, 503);
    EXPECT_EQ(std::get<protocol::Refused>(answered.answer).word, "mint-unreachable") << "its token is kept safe";
    EXPECT_EQ(world.wire.swaps(), swaps) << "the background asks";
    others.pop_back();
    world.faults.remove(number);
    EXPECT_EQ(world.ask(buyer).status, 200);
}

TEST(Purchase, APartOfThePriceIsNotTheMoneyBack)
{
    // Another client of the operator has spent some of what this purchase brought.
    ShopWorld world;
    const Buyer buyer = buyer_without_tunnel(world);
    const auto proofs = world.process->store->proofs_of(open_purchase(world).id).value();
    ASSERT_GT(proofs.size(), 1U);
    const std::vector spent{payments::cashu::proof_y(proofs.front().secret)};
    ASSERT_EQ(world.process->store->mark_spent_elsewhere(spent).value(), 1U);
    const Answered answered = world.ask(buyer);
    EXPECT_EQ(answered.status, 503) << answered.response.body;
    EXPECT_EQ(std::get<protocol::Refused>(answered.answer).word, "not-delivered");
    EXPECT_EQ(open_purchase(world).state, State::redeemed) << "owed in whole";
    world.device.set_mood(wg::MemoryDevice::Mood::works);
    EXPECT_EQ(world.ask(buyer).status, 200);
    EXPECT_TRUE(world.has_tunnel(buyer));
}

class YoungStore : public testing::Test {
protected:
    /// The seed and the mint are as they were; the database is another.
    static void lose_the_store(ShopWorld& world)
    {
        world.process.reset();
        std::filesystem::remove_all(world.folder / "state");
        world.restart();
    }
};

TEST_F(YoungStore, SellsThoughTheMintRemembersMoreOfTheSeed)
{
    for (const bool same_amounts : {true, false}) { // then the old signatures would even fit
        SCOPED_TRACE(same_amounts);
        ShopWorld world({.price = "1"});
        std::uint64_t before = 0;
        for (int i = 0; i < 130; ++i) { // more than one question's worth of outputs
            EXPECT_EQ(world.ask(world.buyer({1, 2})).status, 200);
            before += 3;
        }
        EXPECT_EQ(world.wallet(), before);
        lose_the_store(world);
        EXPECT_EQ(world.wallet(), 0U);
        const Buyer buyer = same_amounts ? world.buyer({1, 2}) : world.buyer({4, 8, 16});
        const std::uint64_t paid = same_amounts ? 3 : 28;
        const Answered answered = world.insist(buyer);
        EXPECT_EQ(answered.status, 200) << answered.response.body;
        EXPECT_EQ(world.spent_of(buyer), paid) << "a tunnel is not had for old signatures";
        EXPECT_EQ(world.wallet(), paid) << "of money that is unspent, and new";
        // And from then on at the first try.
        const int swaps = world.wire.swaps();
        EXPECT_EQ(world.ask(world.buyer({1, 2})).status, 200);
        EXPECT_EQ(world.wire.swaps(), swaps + 1);
    }
}

TEST_F(YoungStore, TakesNothingWhileTheMintDoesNotSayWhatItHasSigned)
{
    ShopWorld world;
    EXPECT_EQ(world.ask(world.buyer({4, 32, 64})).status, 200);
    lose_the_store(world);
    Fault silent;
    silent.endpoint = "mint.restore";
    silent.act = FaultAct::drop;
    silent.moment = FaultMoment::before;
    silent.times = 2;
    world.faults.add(silent);
    const Buyer buyer = world.buyer({4, 32, 64});
    EXPECT_EQ(world.ask(buyer).status, 503);
    EXPECT_EQ(open_purchase(world).state, State::swapping);
    EXPECT_EQ(world.spent_of(buyer), 0U);
    EXPECT_EQ(world.insist(buyer).status, 200);
    EXPECT_EQ(world.spent_of(buyer), 100U);
    EXPECT_EQ(world.wallet(), 100U);
}

} // namespace
} // namespace adit::app
