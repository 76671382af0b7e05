// A buyer who ends a tunnel early: what comes back is in the purchase file, whatever the operator or a crash does.
#include "cli/market_world.h"
#include "protocol/purchase_body.h"

#include <gmock/gmock.h>

namespace adit::cli {
namespace {

using ::testing::HasSubstr;

/// An operator who answers in turn, and then says nothing more.
class ToldOperator final : public payments::HttpClient {
public:
    explicit ToldOperator(std::vector<payments::HttpReply> replies) : replies_(std::move(replies)) {}
    Result<payments::HttpReply> call(const payments::HttpCall& call) override
    {
        urls.push_back(call.url);
        if (urls.size() > replies_.size()) return Error{Reason::mint_unreachable, "silence"};
        return replies_[urls.size() - 1];
    }
    std::vector<std::string> urls;

private:
    std::vector<payments::HttpReply> replies_;
};

class BuyerCloses : public ::testing::Test {
protected:
    Buyer buyer(payments::HttpClient& http, Seconds patience = Seconds(20), Death* death = nullptr)
    {
        const auto dies = [death](const char* what) { return death && death->here(what); };
        return Buyer({http,
                      world.clock,
                      system_rng(),
                      world.reporter,
                      [this, dies](const Record& record) -> Result<void> {
                          if (dies("before the file")) return Error{Reason::io, "dead"};
                          TRY(save_record(world.file, record));
                          if (dies("after the file")) return Error{Reason::io, "dead"};
                          return {};
                      },
                      {.silence = patience}});
    }
    Record delivered()
    {
        Record record = world.begin();
        EXPECT_EQ(world.go_on(record, nullptr, Seconds(20)).end, End::delivered);
        return record;
    }
    static std::vector<Coin> refunds(const Record& record)
    {
        std::vector<Coin> found;
        for (const Coin& coin : record.coins)
            if (coin.kind == Coin::Kind::refund) found.push_back(coin);
        return found;
    }
    MarketWorld world;
};

TEST_F(BuyerCloses, WhatComesBackIsInTheFileAndCanBeRedeemed)
{
    Record record = delivered();
    const auto refunded = buyer(world.network).close(record);
    ASSERT_TRUE(refunded.has_value()) << refunded.error().detail;
    EXPECT_GE(refunded->count(), 35U); // two hours at 21 sat, less some seconds and 10 %
    EXPECT_LE(refunded->count(), 37U);
    record = world.reload();
    ASSERT_EQ(refunds(record).size(), 1U);
    EXPECT_EQ(refunds(record)[0].value, *refunded);
    EXPECT_EQ(world.unspent(refunds(record)[0].token), *refunded);
    EXPECT_EQ(must(world.network.call({"GET", record.tunnel->session_url})).status, 200) << "it says that it is over";

    const auto again = buyer(world.network).close(record);
    EXPECT_EQ(must(again), *refunded);
    EXPECT_EQ(refunds(world.reload()).size(), 1U) << "the same again, once in the file";
    EXPECT_TRUE(must(world.redeem(record, nullptr, Seconds(20))));
}

TEST_F(BuyerCloses, ADeathAtAnyMomentLosesNothing)
{
    int points = 0;
    for (int n = 1; !HasFailure(); ++n) {
        Record record = delivered();
        Death death(n);
        world.network.set_death(&death);
        const auto first = buyer(world.network, Seconds(0), &death).close(record);
        world.network.set_death(nullptr);
        record = world.reload();
        const auto refunded = buyer(world.network).close(record);
        ASSERT_TRUE(refunded.has_value()) << refunded.error().detail;
        record = world.reload();
        ASSERT_EQ(refunds(record).size(), 1U);
        EXPECT_EQ(world.unspent(refunds(record)[0].token), *refunded);
        if (first) break;
        ++points;
    }
    EXPECT_GE(points, 4);
}

TEST_F(BuyerCloses, AnOperatorWhoRefusesIsQuotedAndNothingChanges)
{
    Record record = delivered();
    const std::string before = encode_record(record);
    ToldOperator refuses({{403, protocol::encode_refused(Reason::no_refunds)}});
    const auto refused = buyer(refuses).close(record);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().reason, Reason::policy);
    EXPECT_THAT(refused.error().detail, HasSubstr("no-refunds"));
    EXPECT_EQ(encode_record(record), before);
    EXPECT_THAT(refuses.urls.at(0), HasSubstr("/session/"));
    EXPECT_TRUE(refuses.urls[0].ends_with("/close"));
}

TEST_F(BuyerCloses, NonsenseAndSilenceAreAskedAgain)
{
    Record record = delivered();
    const std::string token = world.token(8);
    ToldOperator slow({{503, protocol::encode_refused(Reason::refund_pending)},
                       {200, "<html>"},
                       {200, R"({"status":"closed"})"},
                       {200, R"({"status":"closed","refunded_sat":1,"refunds":[7]})"},
                       {429, ""},
                       {200, protocol::encode_closed({Sat(8), {token, token}})}});
    EXPECT_EQ(must(buyer(slow).close(record)), Sat(8));
    EXPECT_EQ(refunds(record).size(), 1U);
    ToldOperator silent({});
    const auto unknown = buyer(silent, Seconds(0)).close(record);
    ASSERT_FALSE(unknown.has_value());
    EXPECT_EQ(unknown.error().reason, Reason::mint_unreachable);
}

TEST_F(BuyerCloses, WhatCanNotBeClosedIsNotAskedFor)
{
    ToldOperator nobody({});
    Record record = world.begin();
    EXPECT_EQ(buyer(nobody).close(record).error().reason, Reason::bad_request);
    record = delivered();
    record.tunnel->session_url.clear();
    EXPECT_EQ(buyer(nobody).close(record).error().reason, Reason::bad_request);
    EXPECT_TRUE(nobody.urls.empty());
}

} // namespace
} // namespace adit::cli
