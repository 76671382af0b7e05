// The buyer's process dies at every moment, whatever the mint does; a new one goes on from the file. Then buyer, shop
// and mint are compared sat by sat.
#include "cli/market_world.h"
#include "payments/cashu/curve.h"

#include <cstdio>

namespace adit::cli {
namespace {

using devnet::Fault;
using devnet::FaultAct;
using devnet::FaultMoment;

constexpr Sat kCost{42}; // two hours at 21 sat
constexpr int kMostMoments = 200;

Fault fault(const char* endpoint, FaultAct act, FaultMoment moment, int code = 0)
{
    Fault made;
    made.endpoint = endpoint;
    made.act = act;
    made.moment = moment;
    made.code = code;
    made.message = "no";
    made.times = 1;
    return made;
}

struct Mood {
    const char* name;
    std::vector<Fault> faults;
};

std::vector<Mood> moods(const char* endpoint)
{
    return {{"the mint says yes", {}},
            {"the mint says no once", {fault(endpoint, FaultAct::reject, FaultMoment::before, 10001)}},
            {"the mint says no after acting", {fault(endpoint, FaultAct::reject, FaultMoment::after, 11001)}},
            {"the mint is silent before acting", {fault(endpoint, FaultAct::cut, FaultMoment::before)}},
            {"the mint is silent after acting", {fault(endpoint, FaultAct::cut, FaultMoment::after)}},
            {"the mint forgets how to restore at first",
             {fault(endpoint, FaultAct::cut, FaultMoment::after),
              fault("mint.restore", FaultAct::status, FaultMoment::before)}}};
}

/// Goes on as a user would, who was told to.
Buyer::Outcome insist(MarketWorld& world, Record& record)
{
    Buyer::Outcome outcome{End::open};
    for (int tries = 0; tries < 6 && outcome.end != End::delivered; ++tries) {
        record = world.reload();
        outcome = world.go_on(record, nullptr, Seconds(20));
    }
    return outcome;
}

/// `paid_in` is the worth of the token that the buyer brings, none for an invoice.
int die_everywhere(MarketWorld& world, const char* endpoint, std::optional<std::uint64_t> paid_in)
{
    int moments = 0;
    for (const Mood& mood : moods(endpoint)) {
        for (int at = 1; at < kMostMoments; ++at) {
            SCOPED_TRACE(std::string(mood.name) + ", moment " + std::to_string(at));
            const Sat before = world.outstanding();
            const auto fees_before = world.world->mint().accounting().fees;
            Record record = world.begin(paid_in ? std::optional(world.token(*paid_in)) : std::nullopt);
            for (const Fault& one : mood.faults) world.world->faults().add(one);
            Death death(at);
            const auto first = world.go_on(record, &death, Seconds(0));
            SCOPED_TRACE("died " + death.where() + "; " + first.why);
            const auto last = insist(world, record);
            world.world->faults().clear();
            EXPECT_EQ(last.end, End::delivered) << last.why;

            // All the money that is out is the shop's price, or in the file; the mint's fees are the difference.
            const Sat held = world.in_file(record);
            const auto shops = difference(world.outstanding(), sum(before, held).value());
            EXPECT_EQ(shops, kCost);
            if (paid_in) {
                const Sat fees = difference(world.world->mint().accounting().fees, fees_before).value();
                EXPECT_EQ(Sat(*paid_in), sum(sum(kCost, held).value(), fees));
            }
            if (::testing::Test::HasFailure()) return moments;
            if (!death.dead()) break; // every moment has had its turn
            ++moments;
        }
    }
    return moments;
}

TEST(BuyerCrash, NothingIsLostOrPaidTwiceWhenAnInvoiceWasPaid)
{
    MarketWorld world;
    const int moments = die_everywhere(world, "mint.mint", std::nullopt);
    EXPECT_GT(moments, 60);
    std::printf("died at %d moments\n", moments);
}

TEST(BuyerCrash, NothingIsLostOrPaidTwiceWhenATokenWasBrought)
{
    MarketWorld world;
    const int moments = die_everywhere(world, "mint.swap", 100);
    EXPECT_GT(moments, 60);
    std::printf("died at %d moments\n", moments);
}

TEST(BuyerCrash, ARefundIsRedeemedOnceWheneverItDies)
{
    MarketWorld world;
    int moments = 0;
    for (const Mood& mood : moods("mint.swap")) {
        for (int at = 1; at < kMostMoments; ++at) {
            SCOPED_TRACE(std::string(mood.name) + ", moment " + std::to_string(at));
            Record record = world.begin();
            record.payment = world.token(42);
            record.stage = Stage::refunded;
            cashu::P2pkLock lock;
            lock.keys = {cashu::even_point(record.keys.refund.public_key())};
            record.coins.push_back({Coin::Kind::refund, world.token(42, lock), Sat(42), false});
            ASSERT_TRUE(save_record(world.file, record).has_value());
            record.payment = "";

            for (const Fault& one : mood.faults) world.world->faults().add(one);
            Death death(at);
            const auto first = world.redeem(record, &death, Seconds(0));
            SCOPED_TRACE("died " + death.where());
            for (int tries = 0; tries < 3; ++tries) {
                record = world.reload();
                const auto again = world.redeem(record, nullptr, Seconds(20));
                if (again && !*again) break;
            }
            world.world->faults().clear();
            Sat redeemed;
            int coins = 0;
            for (const Coin& coin : record.coins) {
                if (coin.kind != Coin::Kind::redeemed) {
                    EXPECT_TRUE(coin.spent);
                    continue;
                }
                ++coins;
                redeemed = sum(redeemed, world.unspent(coin.token)).value();
            }
            EXPECT_EQ(coins, 1);
            EXPECT_EQ(redeemed, Sat(41)); // 42 in three proofs, one sat of fee
            if (::testing::Test::HasFailure()) return;
            if (!death.dead()) break;
            ++moments;
        }
    }
    EXPECT_GT(moments, 20);
    std::printf("died at %d moments\n", moments);
}

} // namespace
} // namespace adit::cli
