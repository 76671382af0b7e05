// The real daemon on its real database dies before and after every commit and every call of the mint, whatever the mint
// does; it starts again, the buyer repeats its request; then buyer, wallet and mint agree to the sat.
#include "e2e/shop.h"
#include "e2e/trap.h"

#include "base/clock.h"

#include <cstdio>
#include <fstream>
#include <future>
#include <map>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <set>

namespace adit::e2e {
namespace {

using devnet::Fault;
using devnet::FaultAct;
using devnet::FaultMoment;
using fakes::eventually;

struct Mood {
    const char* name;
    std::vector<Fault> faults;
    std::vector<const char*> steps; // of the journal, which it leads through: a sweep must have died around each
    std::vector<const char*> calls; // of the mint, the same
};

/// As the name of a test, which may have no blanks.
std::string mood_name(const testing::TestParamInfo<Mood>& info)
{
    std::string name = info.param.name;
    std::ranges::replace(name, ' ', '_');
    return name;
}

Fault at_mint(const char* endpoint, FaultAct act, FaultMoment moment, std::uint64_t times = 1)
{
    Fault fault;
    fault.endpoint = endpoint;
    fault.act = act;
    fault.moment = moment;
    fault.times = times;
    if (act == FaultAct::reject) {
        fault.code = 10001;
        fault.message = "no";
    }
    return fault;
}

/// The same to every question about a purchase, until each was asked once: a new try begins with the swap.
std::vector<Fault> always(FaultAct act, FaultMoment moment)
{
    return {at_mint("mint.swap", act, moment, 3), at_mint("mint.restore", act, moment),
            at_mint("mint.checkstate", act, moment)};
}

std::vector<Mood> moods()
{
    Fault lies_no = at_mint("mint.swap", FaultAct::reject, FaultMoment::after);
    lies_no.code = 11001;
    lies_no.message = "already spent";
    const std::vector<const char*> sold{"reserve", "begin_swap", "mark_redeemed", "mark_active"};
    const std::vector<const char*> refused{"reserve", "begin_swap", "mark_released"};
    const std::vector<const char*> swap{"swap"};
    const std::vector<const char*> asked{"swap", "restore"};
    const std::vector<const char*> asked_twice{"swap", "restore", "checkstate"};
    // A cut answer is silence; after a drop on a kept connection curl itself sends the same bytes again.
    return {{"says yes", {}, sold, swap},
            {"says no", {at_mint("mint.swap", FaultAct::reject, FaultMoment::before)}, refused, asked_twice},
            {"says no after acting", {lies_no}, sold, asked},
            {"is silent before acting", {at_mint("mint.swap", FaultAct::cut, FaultMoment::before)}, sold, swap},
            {"is silent after acting", {at_mint("mint.swap", FaultAct::cut, FaultMoment::after)}, sold, asked},
            {"hangs up after acting", {at_mint("mint.swap", FaultAct::drop, FaultMoment::after)}, sold, swap},
            {"answers 500 after acting", {at_mint("mint.swap", FaultAct::status, FaultMoment::after)}, sold, asked},
            {"says no to every question", always(FaultAct::reject, FaultMoment::before), refused, asked_twice},
            {"says no after acting to every question", always(FaultAct::reject, FaultMoment::after), sold, asked},
            {"is silent before acting on any question", always(FaultAct::cut, FaultMoment::before), sold, asked},
            {"is silent after acting on any question", always(FaultAct::cut, FaultMoment::after), sold, asked}};
}

/// A buyer who repeats at once: what the background would do after a pause is done now.
void ask_impatiently(const Shop& shop, const Ask& what)
{
    for (int i = 0; i < 5; ++i) {
        const Reply reply = shop.ask(what);
        if (reply.status == 0 || reply.status < 500) return;
    }
}

devnet::WorldOptions harsh_mint()
{
    devnet::WorldOptions options;
    options.mint.fee_ppk = 100;
    options.mint.caching = devnet::Caching::off;
    return options;
}

/// The buyer's request is answered in the end, and every sat is where it belongs. 116 sat: a fee of 1, a price of 100,
/// and 15 of change.
void expect_settled(Shop& shop, const Buyer& buyer, std::uint64_t wallet_before, devnet::Accounting before)
{
    Reply reply = shop.insist(buyer.request);
    if (reply.status != 200) {
        // A definite no: whatever the mint said, the token is the buyer's as before, and buys the next time.
        EXPECT_EQ(reply.status, 402) << reply.body;
        EXPECT_EQ(shop.spent_of(buyer), 0U) << reply.body;
        EXPECT_EQ(shop.wallet(), wallet_before);
        shop.world->faults().clear(); // it has changed its mind
        reply = shop.insist(buyer.request);
    }
    const auto answer = delivered(reply);
    const auto after = shop.world->mint().accounting();
    EXPECT_EQ(shop.spent_of(buyer), 116U);
    EXPECT_EQ(shop.wallet(), wallet_before + 100);
    ASSERT_TRUE(answer.change);
    EXPECT_EQ(shop.worth(*answer.change), 15U);
    EXPECT_EQ(after.fees.count() - before.fees.count(), 1U);
    EXPECT_EQ(after.outstanding().count() + after.fees.count(), after.minted.count());
    EXPECT_EQ(shop.get("/session/" + answer.session_id.value_or("")).status, 200);
    EXPECT_EQ(shop.ask(buyer.request).body, reply.body) << "the same again, and nothing more is taken";
    EXPECT_EQ(shop.wallet(), wallet_before + 100);
}

/// A test for each mood: a shop that has sold a lot has a lot to load at every start.
class SaleCrash : public testing::TestWithParam<Mood> {};
INSTANTIATE_TEST_SUITE_P(TheMint, SaleCrash, testing::ValuesIn(moods()), mood_name);

TEST_P(SaleCrash, ASaleSurvivesAnyDeathWhateverTheMintDoes)
{
    ADIT_NEEDS_CRASH_POINTS();
    const Mood& mood = GetParam();
    Shop shop({}, harsh_mint());
    Deaths deaths;
    // One sale that dies at this point, if it is passed. Gives the points that were passed.
    const auto sell = [&](const std::string& at) {
        const Trap trap(shop.folder);
        shop.world->faults().clear();
        shop.start(trap.environment(at));
        EXPECT_TRUE(trap.until_quiet(*shop.daemon));
        const std::uint64_t wallet = shop.wallet();
        const Buyer buyer = shop.buyer({4, 16, 32, 64});
        const auto before = shop.world->mint().accounting();
        for (const Fault& fault : mood.faults) shop.world->faults().add(fault);
        trap.arm();
        ask_impatiently(shop, buyer.request);
        const bool lived = trap.until_quiet(*shop.daemon);
        auto passed = trap.passed();
        SCOPED_TRACE(std::string("the mint ") + mood.name + (lived ? "; lived through " : "; died at ") + at);
        if (!lived) {
            deaths.note(passed.back());
            EXPECT_EQ(shop.daemon->ended_within(Milliseconds(5'000)), kDied);
        }
        shop.start();
        expect_settled(shop, buyer, wallet, before);
        return passed;
    };
    at_every_point(sell);
    if (HasFailure()) return;
    deaths.print("a sale");
    deaths.expect_steps(mood.steps);
    deaths.expect_calls(mood.calls);
}

std::vector<Mood> moods_of_a_money_back()
{
    const auto twice = [](FaultAct act, FaultMoment moment) {
        return std::vector<Fault>{at_mint("mint.swap", act, moment, 2)};
    };
    const std::vector<const char*> paid_back{"mark_redeemed", "begin_refund", "mark_refunded"};
    const std::vector<const char*> calls{"swap", "restore", "checkstate"};
    return {{"says yes", {}, paid_back, calls},
            {"says no", twice(FaultAct::reject, FaultMoment::before), paid_back, calls},
            {"is silent before acting", twice(FaultAct::cut, FaultMoment::before), paid_back, calls},
            {"is silent after acting", twice(FaultAct::cut, FaultMoment::after), paid_back, calls}};
}

class MoneyBackCrash : public testing::TestWithParam<Mood> {};
INSTANTIATE_TEST_SUITE_P(TheMint, MoneyBackCrash, testing::ValuesIn(moods_of_a_money_back()), mood_name);

/// A purchase that nothing can be delivered for: while the mint was silent, the same key has bought all the time that a
/// session may have. So the next repeat takes the money in and gives it back, in one go.
TEST_P(MoneyBackCrash, SurvivesAnyDeathWhateverTheMintDoes)
{
    ADIT_NEEDS_CRASH_POINTS();
    const Mood& mood = GetParam();
    Settings settings;
    settings.prices = {{"100", "sat", "month"}};
    Shop shop(settings, harsh_mint());
    Deaths deaths;
    const auto pay_back = [&](const std::string& at) {
        const Trap trap(shop.folder);
        shop.world->faults().clear();
        shop.start(trap.environment(at));
        EXPECT_TRUE(trap.until_quiet(*shop.daemon));
        const std::uint64_t wallet = shop.wallet();
        const Buyer late = shop.buyer({4, 16, 32, 64});
        Buyer greedy = shop.buyer({1, 16, 32, 64, 256, 512, 1024, 4096}); // five years, and a sat of fee
        greedy.client_key = late.client_key;
        greedy.request = shop.request(greedy);
        const auto before = shop.world->mint().accounting();
        shop.world->faults().add(at_mint("mint.swap", FaultAct::cut, FaultMoment::after));
        EXPECT_EQ(shop.ask(late.request).status, 503);
        const Reply sold = shop.ask(greedy.request);
        EXPECT_EQ(delivered(sold).quantity, 60U);
        for (const Fault& fault : mood.faults) shop.world->faults().add(fault);
        trap.arm();
        ask_impatiently(shop, late.request);
        const bool lived = trap.until_quiet(*shop.daemon);
        auto passed = trap.passed();
        SCOPED_TRACE(std::string("the mint ") + mood.name + (lived ? "; lived through " : "; died at ") + at);
        if (!lived) {
            deaths.note(passed.back());
            EXPECT_EQ(shop.daemon->ended_within(Milliseconds(5'000)), kDied);
        }
        shop.start();
        const Reply reply = shop.insist(late.request);
        EXPECT_EQ(reply.status, 409) << reply.body;
        const auto answer = must(protocol::parse_purchase_answer(reply.status, reply.body));
        const auto* refunded = std::get_if<protocol::Refunded>(&answer);
        if (!refunded) return passed;
        EXPECT_EQ(shop.spent_of(late), 116U);
        EXPECT_EQ(shop.worth(refunded->refund), 99U) << "the price, but for the mint's fee";
        EXPECT_EQ(shop.worth(refunded->change.value_or("")), 15U);
        EXPECT_EQ(shop.wallet(), wallet + 6000) << "what the five years cost";
        const auto after = shop.world->mint().accounting();
        EXPECT_EQ(after.fees.count() - before.fees.count(), 3U);
        EXPECT_EQ(after.outstanding().count() + after.fees.count(), after.minted.count());
        EXPECT_EQ(shop.ask(late.request).body, reply.body) << "once, and the same for ever";
        EXPECT_EQ(shop.ask(greedy.request).body, sold.body) << "the other purchase of this key stands";
        return passed;
    };
    at_every_point(pay_back);
    if (HasFailure()) return;
    deaths.print("a sale that is paid back");
    deaths.expect_steps(mood.steps);
    deaths.expect_calls(mood.calls);
}

TEST(CrashSweep, AStartWithUnfinishedBusinessSurvivesAnyDeath)
{
    ADIT_NEEDS_CRASH_POINTS();
    Shop shop({}, harsh_mint());
    shop.start();
    const Trap trap(shop.folder);
    int points = 0;
    for (int n = 1, lives = 0; lives < 2 && !testing::Test::HasFailure(); ++n) {
        SCOPED_TRACE("died at point " + std::to_string(n));
        // The mint has acted, nobody knows of it, and the daemon is killed.
        shop.world->faults().clear();
        shop.start();
        const std::uint64_t wallet = shop.wallet();
        const Buyer buyer = shop.buyer({4, 16, 32, 64});
        const auto before = shop.world->mint().accounting();
        shop.world->faults().add(at_mint("mint.swap", FaultAct::cut, FaultMoment::after));
        EXPECT_EQ(shop.ask(buyer.request).status, 503);
        shop.daemon->kill();

        const auto environment = trap.environment(n);
        trap.arm();
        shop.launch(environment);
        // The background finds out by itself, unless it dies first.
        const bool found_out = eventually(Milliseconds(30'000), [&] {
            return !shop.daemon->running() || shop.sql("SELECT 1 FROM purchases WHERE state = 'swapping'").empty();
        });
        EXPECT_TRUE(found_out);
        if (trap.until_quiet(*shop.daemon)) {
            ++lives;
        } else {
            lives = 0;
            ++points;
            EXPECT_EQ(shop.daemon->ended_within(Milliseconds(5'000)), kDied);
        }
        shop.start();
        expect_settled(shop, buyer, wallet, before);
    }
    std::printf("died at %d points of a start\n", points);
    EXPECT_GT(points, 10);
}

TEST(CrashSweep, AFirstStartSurvivesAnyDeathWithOneWallet)
{
    ADIT_NEEDS_CRASH_POINTS();
    int points = 0;
    for (int n = 1, lives = 0; lives < 2 && !testing::Test::HasFailure(); ++n) {
        SCOPED_TRACE("died at point " + std::to_string(n));
        Shop shop({}, harsh_mint());
        const Trap trap(shop.folder);
        const auto environment = trap.environment(n);
        trap.arm();
        shop.launch(environment);
        eventually(Milliseconds(30'000), [&] { return !shop.daemon->running() || shop.get("/health").status == 200; });
        if (trap.until_quiet(*shop.daemon)) {
            ++lives;
        } else {
            lives = 0;
            ++points;
            EXPECT_EQ(shop.daemon->ended_within(Milliseconds(5'000)), kDied);
        }
        shop.start();
        protocol::Filter all;
        all.authors = {shop.operator_key.public_key()};
        const auto count = [&](std::uint32_t kind) {
            const auto events = shop.world->relay_events(all);
            return std::ranges::count_if(events, [&](const auto& event) { return event.kind == kind; });
        };
        for (const std::uint32_t kind : {17375U, 10019U, 10002U, 30402U})
            EXPECT_TRUE(eventually(Milliseconds(20'000), [&] { return count(kind) == 1; })) << "no kind " << kind;
        const Buyer buyer = shop.buyer({4, 16, 32, 64});
        expect_settled(shop, buyer, 0, shop.world->mint().accounting());
    }
    std::printf("died at %d points of a first start\n", points);
    EXPECT_GT(points, 10);
}

TEST(CrashSweep, KilledAtRandomMomentsWithManyBuyersNoSatIsLost)
{
    constexpr int kRounds = 12;
    constexpr std::size_t kBuyers = 6;
    Shop shop({}, harsh_mint());
    shop.start();
    std::uint64_t expected = 0;
    for (int round = 0; round < kRounds && !HasFailure(); ++round) {
        std::vector<Buyer> buyers;
        for (std::size_t i = 0; i < kBuyers; ++i) buyers.push_back(shop.buyer({4, 16, 32, 64}));
        const auto before = shop.world->mint().accounting();
        std::vector<std::future<Reply>> asked;
        for (const Buyer& buyer : buyers)
            asked.push_back(std::async(std::launch::async, [&] { return shop.ask(buyer.request); }));
        const std::uint8_t dice = shop.rng.bytes<1>()[0];
        ::poll(nullptr, 0, dice); // up to a quarter of a second: the longest that this sale takes here
        SCOPED_TRACE("killed after " + std::to_string(dice) + " ms");
        shop.daemon->kill();
        for (auto& each : asked) each.wait();
        shop.start();
        for (const Buyer& buyer : buyers) {
            const auto answer = delivered(shop.insist(buyer.request));
            EXPECT_EQ(shop.spent_of(buyer), 116U);
            EXPECT_EQ(shop.worth(answer.change.value_or("")), 15U);
        }
        expected += kBuyers * 100;
        EXPECT_EQ(shop.wallet(), expected);
        EXPECT_EQ(shop.world->mint().accounting().fees.count() - before.fees.count(), kBuyers);
    }
    EXPECT_EQ(nlohmann::json::parse(shop.admin("status"))["sessions"], kRounds * kBuyers);
}

} // namespace
} // namespace adit::e2e
