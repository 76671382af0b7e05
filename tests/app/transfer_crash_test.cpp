// What must hold wherever the process dies while the wallet's own money moves: the money is in one place, the mint, the
// wallet and the receiver agree about it sat by sat, and the books say which place it is.
#include "app/crash_moods.h"
#include "app/money_world.h"
#include "app/wallet_upkeep.h"

namespace adit::app {
namespace {

/// The background of a process that may die in it, too.
void go_on_until_death(ShopWorld& world, const Death& death, Ends in_flight = Ends::paid)
{
    for (int i = 0; i < 6 && !death.dead(); ++i) {
        if (i == 3)
            for (const std::string& melt : world.mint.pending_melts())
                world.mint.settle_melt(melt, in_flight == Ends::paid ? devnet::Mint::MeltEnd::paid
                                                                     : devnet::Mint::MeltEnd::failed);
        world.clock.pass(Seconds(20));
        world.process->transfer_keeper->step();
    }
}

// ---- tokens --------------------------------------------------------------------------------------------------------

/// 300 sat as a token, asked for by name, again and again until there is an answer.
bool token_dies_at(int n, const Mood& mood, std::uint64_t fee_ppk, bool locked)
{
    ShopWorld world({.fee_ppk = fee_ppk});
    fund_wallet(world);
    const auto buyer = protocol::SecretKey::generate(world.rng).public_key();
    const auto ask = [&] {
        return locked ? world.process->transfers->send({.amount = Sat(300),
                                                        .lock = buyer,
                                                        .kind = payments::TransferKind::refund,
                                                        .reference = "refund of session 7"})
                      : world.process->transfers->send({.amount = Sat(300), .reference = "the only one"});
    };
    Death death(n);
    world.restart(&death);
    for (const Fault& fault : mood.faults) world.faults.add(fault);
    if (world.process->transfers) {
        (void)ask();
        go_on_until_death(world, death);
    }
    const bool lived = !death.dead();
    SCOPED_TRACE(std::string("mint ") + mood.name + ", died " + (lived ? "never" : death.where()));

    world.restart();
    settle_transfers(world);
    world.faults.clear();
    const auto outcome = ask(); // what was begun, or anew where it had failed or never began
    EXPECT_TRUE(outcome.has_value()) << outcome.error().detail;
    if (!outcome) return true;
    settle_transfers(world);
    const auto again = ask();
    EXPECT_TRUE(again.has_value());
    if (!again) return true;
    EXPECT_EQ(again->state, TransferState::done);
    EXPECT_TRUE(again->token.has_value());
    if (!again->token) return true;
    EXPECT_EQ(world.worth(*again->token), 300U);
    int done = 0;
    for (const Transfer& transfer : transfers_of(world))
        if (transfer.state == TransferState::done) ++done;
    EXPECT_EQ(done, 1) << "one name, one token";
    expect_everything_is_somewhere(world, 300, 0);
    return lived;
}

TEST(TransferCrash, AtAnyMomentOfASendTheMoneyIsInTheWalletOrInOneToken)
{
    const auto with = [](std::uint64_t fee_ppk) {
        return [fee_ppk](int n, const Mood& mood) { return token_dies_at(n, mood, fee_ppk, false); };
    };
    const int points = die_everywhere(moods(), with(0)) + die_everywhere(moods(), with(600)) +
                       die_everywhere(stubborn_moods(), with(600));
    std::printf("died at %d points of a send\n", points);
    EXPECT_GT(points, 100);
}

TEST(TransferCrash, AtAnyMomentOfAPayBackTheBuyerGetsItOnce)
{
    const auto locked = [](int n, const Mood& mood) { return token_dies_at(n, mood, 600, true); };
    const int points = die_everywhere(moods(), locked) + die_everywhere(stubborn_moods(), locked);
    std::printf("died at %d points of a pay-back\n", points);
    EXPECT_GT(points, 80);
}

// ---- payments ------------------------------------------------------------------------------------------------------

struct MeltMood {
    Mood mint;
    Ends in_flight = Ends::paid;
    bool receiver_takes = true;
};

std::vector<MeltMood> melt_moods()
{
    const auto melt = [](FaultAct act, FaultMoment moment, std::uint64_t times = 1) {
        return at_mint("mint.melt", act, moment, times);
    };
    Fault lies_no = melt(FaultAct::reject, FaultMoment::after);
    lies_no.code = 20006;
    Fault state_unheard = at_mint("mint.melt_quote", FaultAct::drop, FaultMoment::before, 3);
    state_unheard.skip = 1; // the quote itself
    return {
        {{"pays", {}}},
        {{"says no", {melt(FaultAct::reject, FaultMoment::before)}}},
        {{"says no after paying", {lies_no}}},
        {{"is silent before paying", {melt(FaultAct::drop, FaultMoment::before)}}},
        {{"is silent after paying", {melt(FaultAct::drop, FaultMoment::after)}}},
        {{"answers 500 after paying", {melt(FaultAct::status, FaultMoment::after)}}},
        {{"answers with a page after paying", {melt(FaultAct::not_json, FaultMoment::after)}}},
        {{"pays later", {melt(FaultAct::pending, FaultMoment::before)}}, Ends::paid},
        {{"fails later", {melt(FaultAct::pending, FaultMoment::before)}}, Ends::failed},
        {{"is silent, and pays later", {melt(FaultAct::pending, FaultMoment::before), state_unheard}}, Ends::paid},
        {{"is silent, and fails later", {melt(FaultAct::pending, FaultMoment::before), state_unheard}}, Ends::failed},
        {{"can not pay", {}}, Ends::paid, false},
        {{"tells no change", {melt(FaultAct::lose_change, FaultMoment::after)}}},
        {{"tells no change, and forgets it",
          {melt(FaultAct::lose_change, FaultMoment::after),
           at_mint("mint.restore", FaultAct::drop, FaultMoment::before, 3)}}},
        {{"gives wrong change", {melt(FaultAct::lie_bad_signature, FaultMoment::after)}}},
        {{"is silent after paying, and then about all",
          {melt(FaultAct::drop, FaultMoment::after, 2), state_unheard,
           at_mint("mint.checkstate", FaultAct::drop, FaultMoment::before, 2),
           at_mint("mint.restore", FaultAct::drop, FaultMoment::before, 2)}}},
    };
}

enum class Change { comes_back, does_not }; // NUT-08

/// 300 sat are paid for an invoice; the process dies at the n-th moment.
bool withdraw_dies_at(int n, const MeltMood& mood, std::uint64_t fee_ppk, Change change)
{
    ShopWorld world({.fee_ppk = fee_ppk});
    if (change == Change::does_not) {
        auto settings = world.mint.settings();
        settings.hidden_nuts = {8};
        world.mint.set_settings(settings);
        world.restart();
    }
    fund_wallet(world);
    Receiver receiver(world);
    receiver.takes = mood.receiver_takes;
    const std::string invoice = receiver.invoice(300);
    Death death(n);
    world.restart(&death);
    for (const Fault& fault : mood.mint.faults) world.faults.add(fault);
    if (world.process->transfers) {
        (void)world.process->transfers->withdraw({.invoice = invoice, .max_fee = Sat(20)});
        go_on_until_death(world, death, mood.in_flight);
    }
    const bool lived = !death.dead();
    SCOPED_TRACE(std::string("mint ") + mood.mint.name + ", died " + (lived ? "never" : death.where()));

    world.restart();
    settle_transfers(world, mood.in_flight);
    const auto rows = transfers_of(world);
    EXPECT_LE(rows.size(), 1U);
    const bool done = !rows.empty() && rows.front().state == TransferState::done;
    EXPECT_EQ(receiver.paid(invoice), done ? 1 : 0) << "paid once where it is done, and never else";
    if (done) {
        EXPECT_TRUE(rows.front().preimage.has_value());
        EXPECT_LE(rows.front().fee.value_or(Sat(0)).count(), 20U);
    }
    // Routing is what the mint has sent beyond the amount.
    const auto at_mint = world.mint.accounting();
    EXPECT_EQ(at_mint.melted.count() >= 300, done);
    expect_everything_is_somewhere(world, 0, done ? 300 : 0);

    // The same invoice once more: refused where it is paid, paid where it is not.
    world.faults.clear();
    receiver.takes = true;
    const auto second = world.process->transfers->withdraw({.invoice = invoice, .max_fee = Sat(20)});
    EXPECT_NE(second.has_value(), done) << (second ? "paid twice" : second.error().detail);
    settle_transfers(world);
    EXPECT_EQ(receiver.paid(invoice), 1);
    expect_everything_is_somewhere(world, 0, 300);
    return lived;
}

int withdraw_everywhere(std::uint64_t fee_ppk, Change change)
{
    int points = 0;
    for (const MeltMood& mood : melt_moods())
        points +=
            die_everywhere({mood.mint}, [&](int n, const Mood&) { return withdraw_dies_at(n, mood, fee_ppk, change); });
    return points;
}

TEST(TransferCrash, AtAnyMomentOfAWithdrawTheMoneyIsInTheWalletOrPaidOnce)
{
    const int points = withdraw_everywhere(0, Change::comes_back) + withdraw_everywhere(600, Change::comes_back);
    std::printf("died at %d points of a withdraw\n", points);
    EXPECT_GT(points, 200);
}

TEST(TransferCrash, AtAnyMomentOfAWithdrawInTwoStepsTheMoneyIsInTheWalletOrPaidOnce)
{
    const int points = withdraw_everywhere(0, Change::does_not) + withdraw_everywhere(600, Change::does_not);
    std::printf("died at %d points of a withdraw that splits first\n", points);
    EXPECT_GT(points, 250);
}

TEST(TransferCrash, AtAnyMomentOfTheSplitBeforeAWithdrawNothingIsLost)
{
    int points = 0;
    for (const auto& list : {moods(), stubborn_moods()})
        points += die_everywhere(
            list, [&](int n, const Mood& mood) { return withdraw_dies_at(n, {mood}, 600, Change::does_not); });
    std::printf("died at %d points of a split\n", points);
    EXPECT_GT(points, 100);
}

// ---- by itself -----------------------------------------------------------------------------------------------------

/// What is above 500 sat is paid to an address; the process dies at the n-th moment of that.
bool sweep_dies_at(int n, const MeltMood& mood)
{
    ShopWorld world({.fee_ppk = 100});
    world.config.wallet.sweep_to = "ann@127.0.0.1:8";
    world.config.wallet.sweep_above = Sat(500);
    world.config.wallet.sweep_fee_percent = 2;
    fund_wallet(world);
    Receiver receiver(world);
    receiver.takes = mood.receiver_takes;
    const auto look = [&] {
        auto& process = *world.process;
        WalletUpkeep upkeep({world.config.wallet, process.mints, *process.store, *process.store, *process.transfers,
                             receiver, world.clock});
        upkeep.step();
    };
    Death death(n);
    world.restart(&death);
    receiver.death = &death;
    for (const Fault& fault : mood.mint.faults) world.faults.add(fault);
    if (world.process->transfers) {
        look();
        go_on_until_death(world, death, mood.in_flight);
    }
    const bool lived = !death.dead();
    SCOPED_TRACE(std::string("mint ") + mood.mint.name + ", died " + (lived ? "never" : death.where()));
    receiver.death = nullptr;
    world.restart();
    settle_transfers(world, mood.in_flight);
    expect_everything_is_somewhere(world, 0, receiver.paid_sat());
    // As time passes it is swept, once.
    world.faults.clear();
    receiver.takes = true;
    for (int i = 0; i < 3; ++i) {
        look();
        settle_transfers(world);
    }
    EXPECT_EQ(receiver.payments(), 1);
    EXPECT_LT(world.wallet(), 500U);
    EXPECT_GE(receiver.paid_sat(), 900U);
    expect_everything_is_somewhere(world, 0, receiver.paid_sat());
    return lived;
}

TEST(TransferCrash, AtAnyMomentOfASweepItIsPaidOnce)
{
    int points = 0;
    for (const MeltMood& mood : melt_moods())
        points += die_everywhere({mood.mint}, [&](int n, const Mood&) { return sweep_dies_at(n, mood); });
    std::printf("died at %d points of a sweep\n", points);
    EXPECT_GT(points, 100);
}

// ---- within the wallet ---------------------------------------------------------------------------------------------

bool consolidation_dies_at(int n, const Mood& mood)
{
    ShopWorld world({.fee_ppk = 100});
    fund_wallet(world);
    Death death(n);
    world.restart(&death);
    for (const Fault& fault : mood.faults) world.faults.add(fault);
    if (world.process->transfers) {
        std::vector<payments::cashu::Proof> all;
        if (const auto held = world.process->store->unspent())
            for (const auto& each : *held) all.push_back(each.proof);
        if (!all.empty()) (void)world.process->transfers->consolidate(*world.process->mints.all().front(), all);
        go_on_until_death(world, death);
    }
    const bool lived = !death.dead();
    SCOPED_TRACE(std::string("mint ") + mood.name + ", died " + (lived ? "never" : death.where()));
    world.restart();
    settle_transfers(world);
    expect_everything_is_somewhere(world, 0, 0);
    return lived;
}

TEST(TransferCrash, AtAnyMomentOfAConsolidationOnlyTheFeeIsGone)
{
    const int points =
        die_everywhere(moods(), consolidation_dies_at) + die_everywhere(stubborn_moods(), consolidation_dies_at);
    std::printf("died at %d points of a consolidation\n", points);
    EXPECT_GT(points, 60);
}

} // namespace
} // namespace adit::app
