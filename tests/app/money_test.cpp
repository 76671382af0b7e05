// The wallet's own money, without crashes: what is refused and in which words, and what the wallet does by itself.
#include "app/money_commands.h"
#include "app/money_world.h"
#include "app/wallet_upkeep.h"
#include "payments/cashu/token.h"

namespace adit::app {
namespace {

class MoneyTest : public testing::Test {
protected:
    MoneyTest() { fund_wallet(world_); }

    nlohmann::json ask(nlohmann::json request)
    {
        auto& process = *world_.process;
        const auto commands =
            money_commands({*process.store, &*process.transfers, process.mints, receiver_, world_.clock, [] {}});
        const auto answer = commands.at(request["command"].get<std::string>())(request);
        refused_ = answer ? "" : answer.error().detail;
        return answer ? nlohmann::json::parse(*answer) : nlohmann::json::object();
    }
    void expect_refused(const nlohmann::json& request, const std::string& words)
    {
        ask(request);
        EXPECT_NE(refused_.find(words), std::string::npos) << "said: " << refused_;
        expect_everything_is_somewhere(world_, 0, 0);
    }
    void look()
    {
        auto& process = *world_.process;
        WalletUpkeep upkeep({world_.config.wallet, process.mints, *process.store, *process.store, *process.transfers,
                             receiver_, world_.clock});
        upkeep.step();
    }

    ShopWorld world_{{.fee_ppk = 100}};
    Receiver receiver_{world_};
    std::string refused_;
};

TEST_F(MoneyTest, ATokenIsGivenAndCanBeReadAgain)
{
    const auto sent = ask({{"command", "wallet-send"}, {"amount_sat", 300}});
    EXPECT_EQ(sent["state"], "done") << refused_;
    EXPECT_EQ(world_.worth(sent["token"]), 300U);
    const auto again = ask({{"command", "wallet-transfer"}, {"transfer", sent["transfer"]}});
    EXPECT_EQ(again["token"], sent["token"]);
    EXPECT_EQ(ask({{"command", "wallet-history"}})["lines"][0].contains("token"), false) << "a list shows no money";
    expect_everything_is_somewhere(world_, 300, 0);
}

TEST_F(MoneyTest, ALockedTokenIsTheReceivers)
{
    const auto key = protocol::SecretKey::generate(world_.rng).public_key();
    const auto sent = ask({{"command", "wallet-send"}, {"amount_sat", 5}, {"lock", key.hex()}});
    const auto token = payments::cashu::parse_token(sent["token"].get<std::string>());
    ASSERT_TRUE(token.has_value());
    for (const auto& proof : token->proofs)
        EXPECT_TRUE(payments::cashu::spendable_alone(proof.secret, key, world_.clock.now()).has_value());
}

TEST_F(MoneyTest, AnInvoiceAndAnAddressArePaidAndProven)
{
    const auto paid = ask({{"command", "wallet-withdraw"}, {"to", receiver_.invoice(200)}});
    EXPECT_EQ(paid["state"], "done") << refused_;
    EXPECT_EQ(encode_hex(sha256(parse_hex(paid["preimage"].get<std::string>()).value())), paid["payment_hash"]);
    const auto swept = ask({{"command", "wallet-withdraw"}, {"to", "ann@127.0.0.1:8"}, {"amount_sat", 100}});
    EXPECT_EQ(swept["state"], "done") << refused_;
    EXPECT_EQ(swept["to"], "ann@127.0.0.1:8");
    EXPECT_EQ(receiver_.paid_sat(), 300U);
    expect_everything_is_somewhere(world_, 0, 300);
    const auto books = ask({{"command", "wallet-audit"}, {"online", true}});
    EXPECT_EQ(books["balanced"], true);
    EXPECT_TRUE(books["online"]["faults"].empty()) << books["online"]["faults"];
    EXPECT_GT(books["online"]["proofs"], 5);
}

TEST_F(MoneyTest, AFeeAboveTheLimitMovesNothing)
{
    expect_refused({{"command", "wallet-withdraw"}, {"to", receiver_.invoice(300)}, {"max_fee_sat", 2}},
                   "the limit is 2 sat: nothing was paid");
    EXPECT_EQ(receiver_.payments(), 0);
}

TEST_F(MoneyTest, TheSameInvoiceTwiceIsPaidOnce)
{
    const std::string invoice = receiver_.invoice(300);
    ask({{"command", "wallet-withdraw"}, {"to", invoice}});
    EXPECT_EQ(refused_, "");
    ask({{"command", "wallet-withdraw"}, {"to", invoice}});
    EXPECT_NE(refused_.find("transfer 1 has this invoice already: done"), std::string::npos) << refused_;
    EXPECT_EQ(receiver_.payments(), 1);
}

TEST_F(MoneyTest, WhileTheFirstIsOnItsWayTheSameInvoiceIsNotPaidAgain)
{
    const std::string invoice = receiver_.invoice(300);
    devnet::Fault later;
    later.endpoint = "mint.melt";
    later.act = devnet::FaultAct::pending;
    later.times = 1;
    world_.faults.add(later);
    EXPECT_EQ(ask({{"command", "wallet-withdraw"}, {"to", invoice}})["state"], "paying");
    EXPECT_GT(books_of(world_).pending, 300U);
    ask({{"command", "wallet-withdraw"}, {"to", invoice}});
    EXPECT_NE(refused_.find("paying"), std::string::npos) << refused_;
    settle_transfers(world_);
    EXPECT_EQ(receiver_.payments(), 1);
    expect_everything_is_somewhere(world_, 0, 300);
}

TEST_F(MoneyTest, ADeadAddressIsSaidAndNothingMoves)
{
    receiver_.answers = false;
    expect_refused({{"command", "wallet-withdraw"}, {"to", "ann@127.0.0.1:8"}, {"amount_sat", 100}},
                   "does not answer: nothing was paid");
}

TEST_F(MoneyTest, AReceiverThatCannotBePaidLeavesTheMoneyHere)
{
    receiver_.takes = false;
    expect_refused({{"command", "wallet-withdraw"}, {"to", receiver_.invoice(300)}}, "the mint refused to pay");
    const auto row = ask({{"command", "wallet-transfer"}, {"transfer", 1}});
    EXPECT_EQ(row["state"], "failed");
}

TEST_F(MoneyTest, WhatIsWrongIsSaid)
{
    const std::string expired = receiver_.invoice(10, Seconds(60));
    world_.clock.pass(Seconds(61));
    expect_refused({{"command", "wallet-withdraw"}, {"to", expired}}, "expired");
    expect_refused({{"command", "wallet-withdraw"}, {"to", receiver_.invoice(5000)}}, "not enough for 5000 sat");
    expect_refused({{"command", "wallet-withdraw"}, {"to", "not an address"}}, "expected an invoice");
    expect_refused({{"command", "wallet-withdraw"}, {"to", "ann@127.0.0.1:8"}}, "expected amount_sat");
    expect_refused({{"command", "wallet-withdraw"}, {"to", receiver_.invoice(10)}, {"amount_sat", 11}}, "no amount");
    expect_refused({{"command", "wallet-withdraw"}}, "expected to");
    expect_refused({{"command", "wallet-send"}, {"amount_sat", 5000}}, "https://mint.example can pay");
    for (const nlohmann::json& amount : {nlohmann::json(0), nlohmann::json(-1), nlohmann::json(1.5),
                                         nlohmann::json("9"), nlohmann::json(), nlohmann::json(1e30)})
        expect_refused({{"command", "wallet-send"}, {"amount_sat", amount}}, "expected amount_sat");
    expect_refused({{"command", "wallet-send"}, {"amount_sat", 5}, {"mint", "https://other.example"}}, "no such mint");
    expect_refused({{"command", "wallet-send"}, {"amount_sat", 5}, {"lock", "me"}}, "expected lock");
    expect_refused({{"command", "wallet-transfer"}, {"transfer", 99}}, "there is no transfer 99");
    expect_refused({{"command", "wallet-history"}, {"limit", 1000}}, "limit");
    expect_refused({{"command", "wallet-history"}, {"before", 3}}, "expected before");
}

TEST_F(MoneyTest, TheReserveOfSalesThatAreNotDeliveredIsNotSpent)
{
    world_.device.set_mood(wg::MemoryDevice::Mood::refuses);
    const Buyer buyer = world_.buyer({64, 32, 4, 1});
    EXPECT_EQ(world_.ask(buyer).status, 503);
    const auto balance = ask({{"command", "wallet-balance"}});
    EXPECT_EQ(balance["balance_sat"], 1000);
    EXPECT_EQ(balance["mints"][0]["owed_sat"], 100);
    ask({{"command", "wallet-send"}, {"amount_sat", 1050}});
    EXPECT_NE(refused_.find("not enough"), std::string::npos);
}

TEST_F(MoneyTest, MoneyMovesDuringASale)
{
    devnet::Fault silent;
    silent.endpoint = "mint.swap";
    silent.act = devnet::FaultAct::drop;
    silent.times = 1;
    world_.faults.add(silent);
    const Buyer buyer = world_.buyer({64, 32, 4, 1});
    EXPECT_EQ(world_.ask(buyer).status, 503) << "its swap is under way";
    EXPECT_EQ(ask({{"command", "wallet-send"}, {"amount_sat", 300}})["state"], "done") << refused_;
    EXPECT_EQ(ask({{"command", "wallet-withdraw"}, {"to", receiver_.invoice(200)}})["state"], "done") << refused_;
    EXPECT_EQ(books_of(world_).received(), kFunds) << "what is not settled has not come in";
    EXPECT_EQ(world_.insist(buyer).status, 200);
    EXPECT_EQ(books_of(world_).received(), kFunds + 101);
}

// ---- by itself -----------------------------------------------------------------------------------------------------

TEST_F(MoneyTest, NothingIsSweptUnlessAsked)
{
    look();
    EXPECT_EQ(receiver_.payments(), 0);
    EXPECT_TRUE(transfers_of(world_).empty());
}

TEST_F(MoneyTest, BelowTheThresholdNothingIsSweptAndAboveItAll)
{
    world_.config.wallet = {"ann@127.0.0.1:8", Sat(1000), 2};
    look();
    EXPECT_EQ(receiver_.payments(), 0) << "999 can be paid";
    world_.config.wallet.sweep_above = Sat(999);
    look();
    EXPECT_EQ(receiver_.payments(), 1);
    EXPECT_EQ(receiver_.paid_sat(), 900U);
    look();
    EXPECT_EQ(receiver_.payments(), 1);
    expect_everything_is_somewhere(world_, 0, 900);
}

TEST_F(MoneyTest, ProofsOfARetiredKeysetMoveToTheNewOne)
{
    world_.mint.rotate({});
    ASSERT_TRUE(world_.process->mints.all().front()->refresh().has_value());
    look();
    const auto page = world_.process->mints.all().front()->book().page();
    const auto unspent = world_.process->store->unspent();
    for (const auto& held : unspent.value()) EXPECT_TRUE(page->find(held.proof.keyset)->active);
    const auto rows = transfers_of(world_);
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows.front().what.kind, payments::TransferKind::consolidate);
    look();
    EXPECT_EQ(transfers_of(world_).size(), 1U) << "there is nothing more to do";
    expect_everything_is_somewhere(world_, 0, 0);
}

TEST_F(MoneyTest, AKeysetThatEndsSoonIsLeftInTime)
{
    auto plan = devnet::KeysetPlan{};
    plan.final_expiry = world_.clock.now() + Seconds(60 * 86'400);
    world_.mint.rotate(plan);
    ASSERT_TRUE(world_.process->mints.all().front()->refresh().has_value());
    look(); // from the retired one
    world_.mint.add_keyset({});
    world_.clock.pass(Seconds(29 * 86'400));
    ASSERT_TRUE(world_.process->mints.all().front()->refresh().has_value());
    look();
    EXPECT_EQ(transfers_of(world_).size(), 1U) << "31 days are enough";
    world_.clock.pass(Seconds(2 * 86'400));
    look();
    EXPECT_EQ(transfers_of(world_).size(), 2U);
    const auto page = world_.process->mints.all().front()->book().page();
    const auto unspent = world_.process->store->unspent();
    for (const auto& held : unspent.value()) EXPECT_FALSE(page->find(held.proof.keyset)->final_expiry);
    expect_everything_is_somewhere(world_, 0, 0);
}

TEST(Consolidation, ManySmallProofsBecomeFewWhereItIsFree)
{
    for (const std::uint64_t fee_ppk : {0U, 100U}) {
        ShopWorld world({.fee_ppk = fee_ppk});
        Receiver receiver(world);
        const auto proofs = world.make_proofs(std::vector<std::uint64_t>(250, 4),
                                              [&] { return payments::cashu::make_plain_secret(world.rng); });
        std::vector<store::WalletProof> held;
        for (const auto& proof : proofs) held.push_back({.mint = "https://mint.example", .proof = proof});
        ASSERT_TRUE(world.process->store->add_wallet_proofs(held).has_value());
        WalletUpkeep upkeep({world.config.wallet, world.process->mints, *world.process->store, *world.process->store,
                             *world.process->transfers, receiver, world.clock});
        upkeep.step();
        const std::size_t left = world.process->store->unspent().value().size();
        if (fee_ppk == 0)
            EXPECT_LE(left, 160U);
        else
            EXPECT_EQ(left, 250U) << "each input pays once: gathering them costs, and saves nothing";
        expect_everything_is_somewhere(world, 0, 0);
    }
}

} // namespace
} // namespace adit::app
