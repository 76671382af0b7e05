// Sessions by the operator's hand and by their buyers', through the real socket and over HTTP: the books balance after
// each.
#include "e2e/shop.h"

#include "base/clock.h"
#include "protocol/constants.h"

#include <nlohmann/json.hpp>
#include <thread>

namespace adit::e2e {
namespace {

using nlohmann::json;

class SessionsByHand : public testing::Test {
protected:
    static void SetUpTestSuite()
    {
        Settings settings;
        settings.prices = {{"100", "sat", "hour"}};
        settings.more = "[sessions]\nrefunds = true\nrefund_fee_percent = 10\n";
        shop_ = std::make_unique<Shop>(settings);
        shop_->start();
    }
    static void TearDownTestSuite() { shop_.reset(); }

    static json ask(const json& request) { return json::parse(shop_->admin_line(request.dump()), nullptr, false); }
    static bool books_balance() { return ask({{"command", "wallet-audit"}})["balanced"] == true; }
    static Ask close_request(const Buyer& buyer, const std::string& id)
    {
        const auto draft = protocol::close_auth_draft(
            system_clock().now(), "shop.example", {protocol::kKindListing, shop_->operator_key.public_key(), "exit-1"});
        Ask ask{"POST", "/session/" + id + "/close", {}, "{}"};
        ask.headers = {
            {"Authorization", protocol::encode_auth_header(protocol::sign_event(draft, buyer.key, shop_->rng))}};
        return ask;
    }
    static std::int64_t session_named(const std::string& id)
    {
        const json all = ask({{"command", "list-sessions"}, {"ended_too", true}});
        for (const json& row : all["sessions"])
            if (ask({{"command", "show-session"}, {"session", row["session"]}, {"with_id", true}})["id"] == id)
                return row["session"].get<std::int64_t>();
        return 0;
    }
    static std::unique_ptr<Shop> shop_;
};
std::unique_ptr<Shop> SessionsByHand::shop_;

TEST_F(SessionsByHand, ABuyerClosesAndTheDaemonSaysTheSameAfterARestart)
{
    const Buyer buyer = shop_->buyer({4, 32, 64});
    const auto sold = delivered(shop_->ask(buyer.request));
    const json before = json::parse(shop_->get("/session/" + *sold.session_id).body);
    EXPECT_GT(before["time_left_s"], 3500);
    EXPECT_TRUE(before["data_left_bytes"].is_null());
    const Ask request = close_request(buyer, *sold.session_id);
    const Reply reply = shop_->insist(request);
    ASSERT_EQ(reply.status, 200) << reply.body;
    const auto closed = std::get<protocol::Closed>(must(protocol::parse_close_answer(reply.status, reply.body)));
    EXPECT_GE(closed.refunded, Sat(88));
    EXPECT_LE(closed.refunded, Sat(90));
    ASSERT_EQ(closed.refunds.size(), 1U);
    EXPECT_EQ(shop_->worth(closed.refunds[0]), closed.refunded.count());
    const json after = json::parse(shop_->get("/session/" + *sold.session_id).body);
    EXPECT_EQ(after["status"], "ended");
    EXPECT_EQ(after["time_left_s"], 0);
    EXPECT_EQ(shop_->ask(buyer.request).status, 410);
    EXPECT_TRUE(books_balance());
    shop_->restart();
    EXPECT_EQ(shop_->insist(request).body, reply.body);
    EXPECT_EQ(shop_->insist(close_request(buyer, *sold.session_id)).body, reply.body);
    EXPECT_TRUE(books_balance());
}

TEST_F(SessionsByHand, WhatTheOperatorDoesIsInTheBooks)
{
    const auto key = protocol::wireguard_public_key(protocol::generate_wireguard_secret(shop_->rng));
    const json given = ask({{"command", "grant"}, {"client_pubkey", key.base64()}, {"quantity", 1}, {"unit", "day"}});
    EXPECT_EQ(given["ok"], true) << given;
    EXPECT_TRUE(books_balance());
    const json longer =
        ask({{"command", "extend-session"}, {"session", given["session"]}, {"quantity", 1}, {"unit", "day"}});
    EXPECT_GT(longer["time_left_s"], 2 * 86'400 - 100);
    EXPECT_TRUE(books_balance());
    EXPECT_EQ(ask({{"command", "revoke-session"}, {"session", given["session"]}})["live"], false);
    EXPECT_EQ(ask({{"command", "revoke-session"}, {"session", given["session"]}})["reason"], "bad-request");
    EXPECT_TRUE(books_balance());

    const Buyer buyer = shop_->buyer({4, 32, 64});
    const auto sold = delivered(shop_->ask(buyer.request));
    const auto session = session_named(*sold.session_id);
    const json refunded =
        ask({{"command", "refund-session"}, {"session", session}, {"percent", 50}, {"note", "sorry"}});
    ASSERT_EQ(refunded["ok"], true) << refunded;
    ASSERT_EQ(refunded["refunds"].size(), 1U);
    EXPECT_EQ(shop_->worth(refunded["refunds"][0]["token"].get<std::string>()),
              refunded["refunds"][0]["amount_sat"].get<std::uint64_t>());
    EXPECT_EQ(refunded["acts"][0]["act"], "refunded");
    EXPECT_EQ(refunded["acts"][0]["note"], "sorry");
    EXPECT_EQ(ask({{"command", "refund-session"}, {"session", session}})["reason"], "bad-request");
    EXPECT_TRUE(books_balance());
}

TEST_F(SessionsByHand, AStrangersRequestsAreRefusedAndNothingIsClosed)
{
    const Buyer buyer = shop_->buyer({4, 32, 64});
    const auto sold = delivered(shop_->ask(buyer.request));
    const Ask good = close_request(buyer, *sold.session_id);
    EXPECT_EQ(shop_->ask({"GET", good.path}).status, 405);
    EXPECT_EQ(shop_->ask({"POST", good.path}).status, 401);
    EXPECT_EQ(shop_->ask({"POST", "/session/" + std::string(32, '0') + "/close", good.headers}).status, 404);
    EXPECT_EQ(shop_->ask({"POST", "/session//close", good.headers}).status, 404);
    EXPECT_EQ(shop_->ask({"POST", good.path + "/", good.headers}).status, 404);
    EXPECT_EQ(shop_->ask({"POST", good.path, good.headers, std::string(17'000, 'x')}).status, 413);
    EXPECT_EQ(shop_->ask({"POST", good.path, {{"Authorization", "Nostr " + std::string(40'000, 'A')}}}).status, 401);
    const Buyer stranger = shop_->buyer({4, 32, 64});
    EXPECT_EQ(refused(shop_->ask(close_request(stranger, *sold.session_id))).word, "not-yours");
    EXPECT_EQ(json::parse(shop_->get("/session/" + *sold.session_id).body)["status"], "active");
    EXPECT_EQ(shop_->ask({"OPTIONS", good.path}).status, 204);
}

TEST(SessionsByHandLimits, ClosingSharesTheBudgetOfTheSource)
{
    Settings settings;
    settings.limits = "requests_per_minute_per_source = 40\n";
    Shop shop(settings);
    shop.start();
    int refused_at = 0;
    for (int i = 1; i <= 200 && refused_at == 0; ++i)
        if (shop.ask({"POST", "/session/" + std::string(32, '0') + "/close"}).status == 429) refused_at = i;
    EXPECT_GT(refused_at, 0);
    EXPECT_EQ(shop.ask({"POST", "/session/" + std::string(32, '0') + "/close"}).header("Retry-After"), "5");
}

} // namespace
} // namespace adit::e2e
