// The operator's money through the built adit and the real socket of a real daemon: what is there, what has happened,
// and every sat found again after each command.
#include "e2e/shop.h"

#include <nlohmann/json.hpp>

namespace adit::e2e {
namespace {

struct Said {
    int status = -1;
    std::string text;
};

class WalletTest : public testing::Test {
protected:
    static void SetUpTestSuite()
    {
        devnet::WorldOptions options;
        options.mint.fee_ppk = 100;
        shop_ = std::make_unique<Shop>(Settings{}, options);
        shop_->start();
        for (int i = 0; i < 5; ++i) ASSERT_EQ(shop_->insist(shop_->buyer({64, 32, 8, 2}).request).status, 200);
    }
    static void TearDownTestSuite() { shop_.reset(); }

    static Said adit(std::vector<std::string> words)
    {
        words.insert(words.begin(), "wallet");
        words.insert(words.end(), {"--socket", (shop_->database.parent_path() / "admin.sock").string()});
        auto child = start_program("adit", words);
        const int status = must(child.wait(Milliseconds(60'000)));
        return {status, child.output()};
    }
    static nlohmann::json adit_json(std::vector<std::string> words)
    {
        words.emplace_back("--json");
        const Said said = adit(std::move(words));
        EXPECT_EQ(said.status, 0) << said.text;
        return nlohmann::json::parse(said.text, nullptr, false);
    }
    static void expect_balanced()
    {
        const Said said = adit({"audit", "--online"});
        EXPECT_EQ(said.status, 0) << said.text;
        EXPECT_NE(said.text.find("The books balance."), std::string::npos) << said.text;
        const auto balance = adit_json({"balance"});
        EXPECT_EQ(balance["balance_sat"], shop_->wallet()) << "each of which is unspent at the mint";
    }
    static std::string address()
    {
        const std::string url = shop_->world->control_url();
        return "ann@" + url.substr(url.find("//") + 2);
    }

    static std::unique_ptr<Shop> shop_;
};
std::unique_ptr<Shop> WalletTest::shop_;

TEST_F(WalletTest, BalanceHistoryAndAuditAgree)
{
    expect_balanced();
    const auto history = adit_json({"history", "--limit", "2"});
    ASSERT_EQ(history["lines"].size(), 2U);
    const auto& next = history["next"];
    const Said more =
        adit({"history", "--before",
              std::to_string(next["at"].get<std::int64_t>()) + (next["sale"] == true ? ".sale." : ".transfer.") +
                  std::to_string(next["row"].get<std::int64_t>())});
    EXPECT_EQ(more.status, 0) << more.text;
    EXPECT_NE(more.text.find("sale 1"), std::string::npos) << more.text;
}

TEST_F(WalletTest, ATokenIsSentAndItsLineSaysNothingOfIt)
{
    const Said said = adit({"send", "150"});
    ASSERT_EQ(said.status, 0) << said.text;
    const auto at = said.text.find("cashuB");
    ASSERT_NE(at, std::string::npos) << said.text;
    EXPECT_EQ(shop_->worth(said.text.substr(at, said.text.find('\n', at) - at)), 150U);
    EXPECT_EQ(adit({"history"}).text.find("cashuB"), std::string::npos);
    EXPECT_EQ(shop_->daemon->output().find("cashuB"), std::string::npos) << "nor the log";
    expect_balanced();
}

TEST_F(WalletTest, AnAddressIsPaid)
{
    const auto paid = adit_json({"withdraw", "100", address()});
    EXPECT_EQ(paid["state"], "done") << paid;
    const auto hash = parse_hex_exactly<32>(paid["payment_hash"].get<std::string>());
    ASSERT_TRUE(hash.has_value());
    const auto received = shop_->world->with_lightning([&](devnet::Lightning& lightning) {
        const auto* invoice = lightning.find(*hash);
        return invoice ? invoice->received() : Msat{};
    });
    EXPECT_EQ(received, Msat(100'000));
    expect_balanced();
    const Said again = adit({"withdraw", paid["invoice"].get<std::string>()});
    EXPECT_EQ(again.status, 1);
    EXPECT_NE(again.text.find("has this invoice already: done"), std::string::npos) << again.text;
    expect_balanced();
}

TEST_F(WalletTest, WhatCannotBePaidIsSaidAndNothingMoves)
{
    const std::uint64_t before = shop_->wallet();
    const auto refuse = [&](std::vector<std::string> words, int status, const std::string& because) {
        const Said said = adit(std::move(words));
        EXPECT_EQ(said.status, status) << said.text;
        EXPECT_NE(said.text.find(because), std::string::npos) << said.text;
        EXPECT_EQ(shop_->wallet(), before);
    };
    const std::string host = address().substr(4);
    refuse({"withdraw", "50", "nobody@" + host}, 1, "the receiver refuses (no such user)");
    refuse({"withdraw", "50", "wrong@" + host}, 1, "over another amount");
    refuse({"withdraw", "50", "ann@127.0.0.1:1"}, 1, "does not answer: nothing was paid");
    refuse({"withdraw", "50", address(), "--max-fee", "1"}, 1, "the limit is 1 sat: nothing was paid");
    refuse({"withdraw", "900000", address()}, 1, "not enough");
    refuse({"withdraw"}, 2, "withdraw wants");
    refuse({"send", "0"}, 2, "send wants");
    refuse({"send", "900000"}, 1, shop_->world->mint_url() + " can pay");
    refuse({"send", "5", "--mint", "https://other.example"}, 1, "no such mint");
    refuse({"transfer", "4711"}, 1, "there is no transfer 4711");
    refuse({"spend"}, 2, "it can do");
    expect_balanced();
}

TEST_F(WalletTest, APaymentThatTheMintIsSilentAboutIsFollowedThroughAKill)
{
    devnet::Fault silent;
    silent.endpoint = "mint.melt";
    silent.act = devnet::FaultAct::drop;
    silent.moment = devnet::FaultMoment::after;
    silent.times = 2; // curl sends once more what a kept connection swallowed
    shop_->world->faults().add(silent);
    const auto paid = adit_json({"withdraw", "60", address()});
    EXPECT_EQ(paid["state"], "paying") << paid;
    shop_->daemon->kill();
    const Said down = adit({"balance"});
    EXPECT_EQ(down.status, 1);
    EXPECT_NE(down.text.find("is aditd running"), std::string::npos) << down.text;
    shop_->start();
    const std::string number = std::to_string(paid["transfer"].get<std::int64_t>());
    ASSERT_TRUE(fakes::eventually(Milliseconds(30'000), [&] {
        return adit_json({"transfer", number})["state"] == "done";
    }));
    expect_balanced();
}

TEST_F(WalletTest, AnAuditNamesTheRowThatIsWrong)
{
    ASSERT_EQ(adit({"audit"}).status, 0);
    ASSERT_EQ(shop_->daemon->stop(), 0);
    const auto row =
        shop_->sql("SELECT y, purchase FROM wallet_proofs WHERE state = 'unspent' AND purchase IS NOT NULL LIMIT 1");
    ASSERT_EQ(row.size(), 1U);
    const std::string& y = row.front().at(0);
    shop_->sql("UPDATE wallet_proofs SET amount_sat = amount_sat + 1 WHERE y = '" + y + "'");
    shop_->start();
    const Said said = adit({"audit"});
    EXPECT_EQ(said.status, 1);
    EXPECT_NE(said.text.find("wrong: purchase " + row.front().at(1) + ": was paid with 106 sat"), std::string::npos)
        << said.text;
    ASSERT_EQ(shop_->daemon->stop(), 0);
    shop_->sql("UPDATE wallet_proofs SET amount_sat = amount_sat - 1 WHERE y = '" + y + "'");
    shop_->start();
    expect_balanced();
}

} // namespace
} // namespace adit::e2e
