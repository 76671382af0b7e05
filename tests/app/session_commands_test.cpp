// What the operator does to sessions by hand: whole or not at all, with a line in the books, whatever is asked.
#include "app/shop_world.h"

#include <cstdio>
#include <gmock/gmock.h>

namespace adit::app {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

const json kThreeHours{{"quantity", 3}, {"unit", "hour"}};

json about(std::int64_t session, json more = json::object())
{
    more["session"] = session;
    return more;
}

class SessionCommands : public testing::Test {
protected:
    static json good(Result<json> answer)
    {
        EXPECT_TRUE(answer.has_value()) << (answer ? "" : answer.error().detail);
        return answer ? std::move(*answer) : json::object();
    }
    static std::string refusal(const Result<json>& answer)
    {
        EXPECT_FALSE(answer.has_value());
        return answer ? "" : answer.error().detail;
    }
    std::int64_t session_of(const Buyer& buyer)
    {
        const auto live = world.process->store->live_session(buyer.client_key);
        return live && *live ? (*live)->session.row : 0;
    }
    json show(std::int64_t session) { return good(world.command("show-session", about(session))); }
    static protocol::WireguardKey friends_key(ShopWorld& in)
    {
        return protocol::wireguard_public_key(protocol::generate_wireguard_secret(in.rng));
    }
    static json gift_for(const protocol::WireguardKey& key, json gift = kThreeHours)
    {
        gift["client_pubkey"] = key.base64();
        return gift;
    }
    ShopWorld world;
};

TEST_F(SessionCommands, AGrantIsATunnelAtOnceThatNobodyPaysFor)
{
    const auto key = friends_key(world);
    const json given =
        good(world.command("grant", gift_for(key, {{"quantity", 3}, {"unit", "hour"}, {"note", "Ann"}})));
    EXPECT_EQ(given["began"], true);
    EXPECT_EQ(given["expires_at"], (world.clock.now() + Seconds(3 * 3600)).count());
    const auto config = protocol::parse_config(given["config"].get<std::string>());
    ASSERT_TRUE(config.has_value());
    EXPECT_TRUE(world.has_tunnel_of(key, *config)) << "address and preshared key are the friend's";
    EXPECT_THAT(given["config"].get<std::string>(), HasSubstr("# Tier: given, 3 x hour"));
    EXPECT_THAT(given["config"].get<std::string>(), HasSubstr("/session/"));
    EXPECT_EQ(world.wallet(), 0U);

    const json session = show(given["session"].get<std::int64_t>());
    EXPECT_EQ(session["live"], true);
    EXPECT_EQ(session["client_pubkey"], key.base64());
    ASSERT_EQ(session["purchases"].size(), 1U);
    EXPECT_EQ(session["purchases"][0]["method"], "given");
    EXPECT_EQ(session["purchases"][0]["price_sat"], 0);
    ASSERT_EQ(session["acts"].size(), 1U);
    EXPECT_EQ(session["acts"][0]["act"], "granted");
    EXPECT_EQ(session["acts"][0]["note"], "Ann");
    EXPECT_EQ(session["acts"][0]["at"], world.clock.now().count());
    EXPECT_EQ(session["acts"][0]["purchase"], session["purchases"][0]["purchase"]);

    world.clock.pass(Seconds(3 * 3600));
    world.process->tunnels->step();
    EXPECT_FALSE(world.device.has(key));
    EXPECT_EQ(show(given["session"].get<std::int64_t>())["live"], false);
}

TEST_F(SessionCommands, AGrantByDataHasItsQuotaAndSpeed)
{
    const auto key = friends_key(world);
    const json given =
        good(world.command("grant", gift_for(key, {{"quantity", 2}, {"unit", "GiB"}, {"max_mbps", 50}})));
    const json session = show(given["session"].get<std::int64_t>());
    EXPECT_EQ(session["data_quota_bytes"], 2ULL << 30);
    EXPECT_EQ(session["data_left_bytes"], 2ULL << 30);
    EXPECT_EQ(session["segments"][0]["max_mbps"], 50);
    EXPECT_THAT(given["config"].get<std::string>(), HasSubstr("# Quota: 2147483648 bytes"));
}

TEST_F(SessionCommands, AGrantToABuyersKeyLengthensItsSessionAndTellsNothingOfIt)
{
    const Buyer buyer = world.buyer({4, 32, 64});
    ASSERT_EQ(world.ask(buyer).status, 200);
    const json given = good(world.command("grant", gift_for(buyer.client_key)));
    EXPECT_EQ(given["began"], false);
    EXPECT_EQ(given["session"], session_of(buyer));
    EXPECT_EQ(given["expires_at"], (world.clock.now() + Seconds(4 * 3600)).count());
    const auto config = protocol::parse_config(given["config"].get<std::string>());
    ASSERT_TRUE(config.has_value());
    EXPECT_FALSE(config->preshared_key.has_value());
    EXPECT_EQ(given["config"].get<std::string>().find("/session/"), std::string::npos);
}

TEST_F(SessionCommands, WhatExtendsASessionIsOneMorePurchaseAtNothing)
{
    const Buyer buyer = world.buyer({4, 32, 64});
    ASSERT_EQ(world.ask(buyer).status, 200);
    const auto session = session_of(buyer);
    const json extended = good(world.command("extend-session", about(session, kThreeHours)));
    EXPECT_EQ(extended["expires_at"], (world.clock.now() + Seconds(4 * 3600)).count());
    EXPECT_EQ(extended["segments"].size(), 1U) << "as fast as what it extends";
    ASSERT_EQ(extended["purchases"].size(), 2U);
    EXPECT_EQ(extended["purchases"][0]["price_sat"], 100);
    EXPECT_EQ(extended["purchases"][1]["price_sat"], 0);
    EXPECT_EQ(extended["purchases"][1]["unused"], 3 * 3600);
    EXPECT_EQ(extended["acts"][0]["act"], "extended");
    EXPECT_EQ(world.wallet(), 100U);
    world.clock.pass(Seconds(4 * 3600 - 1));
    world.process->tunnels->step();
    EXPECT_TRUE(world.has_tunnel(buyer));
    world.clock.pass(Seconds(1));
    world.process->tunnels->step();
    EXPECT_FALSE(world.has_tunnel(buyer));
    EXPECT_THAT(refusal(world.command("extend-session", about(session, kThreeHours))), HasSubstr("is over"));
}

TEST_F(SessionCommands, ARevokedSessionIsOverAtOnceAndItsAddressRests)
{
    const Buyer buyer = world.buyer({4, 32, 64});
    ASSERT_EQ(world.ask(buyer).status, 200);
    const auto session = session_of(buyer);
    const std::string id = world.process->store->live_session(buyer.client_key).value()->session.id;
    world.clock.pass(Seconds(600));
    const json revoked = good(world.command("revoke-session", about(session, {{"note", "abuse"}})));
    EXPECT_EQ(revoked["live"], false);
    EXPECT_EQ(revoked["ended_at"], world.clock.now().count());
    EXPECT_EQ(revoked["expires_at"], world.clock.now().count());
    EXPECT_EQ(revoked["purchases"][0]["state"], "ended");
    EXPECT_EQ(revoked["acts"][0]["act"], "revoked");
    EXPECT_EQ(revoked["acts"][0]["note"], "abuse");
    EXPECT_FALSE(world.has_tunnel(buyer));
    EXPECT_EQ(world.ask(buyer).status, 410) << "the buyer is told that it is over";
    const auto view = world.process->tunnels->view(id).value();
    EXPECT_EQ(view.status, "ended");
    EXPECT_EQ(view.expires_at, world.clock.now());
    EXPECT_EQ(view.time_left, Seconds(0));
    const auto taken = world.process->store->taken_addresses().value();
    ASSERT_EQ(taken.size(), 1U);
    EXPECT_EQ(taken[0].rests_until, world.clock.now() + Seconds(300));
    world.process->tunnels->reconcile();
    EXPECT_FALSE(world.has_tunnel(buyer));

    EXPECT_THAT(refusal(world.command("revoke-session", about(session))), HasSubstr("is over since"));
    EXPECT_EQ(show(session)["acts"].size(), 1U) << "twice in a row is once";
}

TEST_F(SessionCommands, TheIdIsShownOnlyWhereAskedFor)
{
    const Buyer buyer = world.buyer({4, 32, 64});
    ASSERT_EQ(world.ask(buyer).status, 200);
    const auto session = session_of(buyer);
    const std::string id = world.process->store->live_session(buyer.client_key).value()->session.id;
    EXPECT_EQ(show(session).dump().find(id), std::string::npos);
    EXPECT_EQ(good(world.command("list-sessions")).dump().find(id), std::string::npos);
    EXPECT_EQ(good(world.command("show-session", about(session, {{"with_id", true}})))["id"], id);
}

TEST_F(SessionCommands, AListIsReadByPages)
{
    std::vector<std::int64_t> given;
    for (int i = 0; i < 5; ++i)
        given.push_back(good(world.command("grant", gift_for(friends_key(world))))["session"].get<std::int64_t>());
    good(world.command("revoke-session", about(given[1])));
    std::vector<std::int64_t> listed;
    json after = 0;
    int pages = 0;
    do {
        const json page = good(world.command("list-sessions", {{"after", after}, {"limit", 2}}));
        EXPECT_EQ(page["live_in_all"], 4);
        for (const json& row : page["sessions"]) {
            listed.push_back(row["session"].get<std::int64_t>());
            EXPECT_EQ(row["time_left_s"], 3 * 3600);
            EXPECT_TRUE(row["address"].is_string());
        }
        after = page["next"];
        ++pages;
    } while (!after.is_null());
    EXPECT_EQ(pages, 2);
    EXPECT_EQ(listed, (std::vector{given[0], given[2], given[3], given[4]}));
    const json all = good(world.command("list-sessions", {{"ended_too", true}}));
    EXPECT_EQ(all["sessions"].size(), 5U);
    EXPECT_EQ(all["sessions"][1]["live"], false);
    EXPECT_TRUE(all["sessions"][1]["address"].is_null());
    EXPECT_EQ(all["sessions"][1]["time_left_s"], 0);
}

TEST_F(SessionCommands, WhatIsNoSessionOrNoAmountIsRefusedAndChangesNothing)
{
    const Buyer buyer = world.buyer({4, 32, 64});
    ASSERT_EQ(world.ask(buyer).status, 200);
    const auto session = session_of(buyer);
    for (const char* name : {"show-session", "extend-session", "revoke-session"})
        for (const json& bad :
             {json(), json(0), json(-1), json("1"), json(1.0), json(99), json(~0ULL), json::array()}) {
            json request = kThreeHours;
            request["session"] = bad;
            const auto answer = world.command(name, request);
            ASSERT_FALSE(answer.has_value()) << name << bad;
            EXPECT_EQ(answer.error().reason, Reason::bad_request);
        }
    for (const json& bad : {json{{"quantity", 0}, {"unit", "hour"}}, json{{"quantity", 1}, {"unit", "year"}},
                            json{{"quantity", -1}, {"unit", "hour"}}, json{{"quantity", 1.5}, {"unit", "hour"}},
                            json{{"quantity", ~0ULL}, {"unit", "hour"}}, json{{"unit", "hour"}}, json{{"quantity", 1}},
                            json{{"quantity", 61}, {"unit", "month"}}, json{{"quantity", 1ULL << 31}, {"unit", "GiB"}},
                            json{{"quantity", 1}, {"unit", "hour"}, {"max_mbps", -1}},
                            json{{"quantity", 1}, {"unit", "hour"}, {"note", std::string(201, 'x')}},
                            json{{"quantity", 1}, {"unit", "hour"}, {"note", 5}}}) {
        EXPECT_FALSE(world.command("extend-session", about(session, bad)).has_value()) << bad;
        EXPECT_FALSE(world.command("grant", gift_for(friends_key(world), bad)).has_value()) << bad;
    }
    for (const json& bad : {json(), json(5), json(""), json("x"), json(std::string(44, 'A')),
                            json(protocol::WireguardKey(ByteArray<32>{9, 9, 9}).base64())}) {
        json request = kThreeHours;
        request["client_pubkey"] = bad;
        EXPECT_FALSE(world.command("grant", request).has_value()) << bad;
    }
    EXPECT_FALSE(world.command("list-sessions", {{"limit", 0}}).has_value());
    EXPECT_FALSE(world.command("list-sessions", {{"after", ~0ULL}}).has_value());
    const json after = show(session);
    EXPECT_EQ(after["purchases"].size(), 1U);
    EXPECT_TRUE(after["acts"].empty());
    EXPECT_EQ(after["time_left_s"], 3600);
    EXPECT_EQ(world.process->store->taken_addresses().value().size(), 1U) << "no address is held for what was refused";
}

TEST_F(SessionCommands, WhereTheDeviceRefusesNothingIsHalfDone)
{
    const Buyer buyer = world.buyer({4, 32, 64});
    ASSERT_EQ(world.ask(buyer).status, 200);
    const auto session = session_of(buyer);
    const auto key = friends_key(world);
    world.device.set_mood(wg::MemoryDevice::Mood::refuses);
    EXPECT_FALSE(world.command("grant", gift_for(key)).has_value());
    EXPECT_FALSE(world.command("extend-session", about(session, kThreeHours)).has_value());
    EXPECT_FALSE(world.command("revoke-session", about(session)).has_value());
    world.device.set_mood(wg::MemoryDevice::Mood::works);
    world.process->tunnels->reconcile();
    EXPECT_FALSE(world.device.has(key));
    EXPECT_TRUE(world.has_tunnel(buyer));
    const json after = show(session);
    EXPECT_EQ(after["live"], true);
    EXPECT_EQ(after["time_left_s"], 3600);
    EXPECT_TRUE(after["acts"].empty());
    // And when it works again, all three do.
    EXPECT_TRUE(world.command("grant", gift_for(key)).has_value());
    EXPECT_TRUE(world.command("extend-session", about(session, kThreeHours)).has_value());
    EXPECT_TRUE(world.command("revoke-session", about(session)).has_value());
}

TEST_F(SessionCommands, WithoutAFreeAddressAGrantSaysSo)
{
    ShopWorld small({.subnet = "10.66.42.0/30"}); // two hosts
    EXPECT_TRUE(small.command("grant", gift_for(friends_key(small))).has_value());
    Result<json> refused = small.command("grant", gift_for(friends_key(small)));
    if (refused) refused = small.command("grant", gift_for(friends_key(small)));
    EXPECT_THAT(refusal(refused), HasSubstr("every address is in use"));
}

TEST(SessionCommandsHeld, ASessionIsNotRevokedWhileAPaymentForItIsBeingSettled)
{
    ShopWorld world({.lightning = fakes::FakeLightning::Way::hold});
    Payer payer = world.payer();
    ASSERT_TRUE(world.ask_invoice(payer).has_value());
    world.lightning->pay(payer.hash);
    world.lightning->on_call = [](const std::string& what) { return what.find("settle") == std::string::npos; };
    world.attend();
    ASSERT_TRUE(world.state_of(payer) == session::State::live || world.state_of(payer) == session::State::settling);
    const auto session = world.process->store->live_session(payer.client_key).value()->session.row;
    const auto refused = world.command("revoke-session", about(session));
    ASSERT_FALSE(refused.has_value());
    EXPECT_THAT(refused.error().detail, HasSubstr("being settled"));
    EXPECT_TRUE(world.device.has(payer.client_key));
    world.lightning->on_call = [](const std::string&) { return true; };
    world.attend_for(Seconds(600));
    EXPECT_EQ(world.state_of(payer), session::State::active);
    EXPECT_TRUE(world.command("revoke-session", about(session)).has_value());
}

// ---- the process dies at any write ---------------------------------------------------------------------------------

enum class ByHand { grant, extend, revoke };

/// True: it lived to the end.
bool act_dies_at(int n, ByHand what)
{
    ShopWorld world;
    const Buyer buyer = world.buyer({4, 32, 64});
    EXPECT_EQ(world.ask(buyer).status, 200);
    const auto session = world.process->store->live_session(buyer.client_key).value()->session.row;
    const auto key = protocol::wireguard_public_key(protocol::generate_wireguard_secret(world.rng));
    Death death(n);
    world.restart(&death);
    bool done = false;
    if (world.process->recovery && !death.dead()) {
        json request = kThreeHours;
        request["client_pubkey"] = key.base64();
        request["session"] = session;
        const char* name = what == ByHand::grant    ? "grant"
                           : what == ByHand::extend ? "extend-session"
                                                    : "revoke-session";
        done = world.command(name, request).has_value();
    }
    const bool lived = !death.dead();
    SCOPED_TRACE("died " + (lived ? "never" : death.where()));
    world.restart();
    world.process->tunnels->reconcile();

    const auto acts = world.process->store->acts(std::nullopt, 100).value();
    const bool booked = !acts.empty();
    EXPECT_LE(acts.size(), 1U);
    if (done) EXPECT_TRUE(booked) << "what was told to be done is in the books";
    const auto segments = world.process->tunnels->segments_of(buyer.client_key);
    switch (what) {
    case ByHand::grant: {
        EXPECT_EQ(world.device.has(key), booked);
        EXPECT_EQ(world.process->tunnels->segments_of(key).empty(), !booked);
        world.clock.pass(Seconds(301));
        world.process->tunnels->step();
        EXPECT_EQ(world.process->store->taken_addresses().value().size(), booked ? 2U : 1U) << "no address is lost";
        EXPECT_TRUE(world.has_tunnel(buyer));
        break;
    }
    case ByHand::extend:
        EXPECT_TRUE(world.has_tunnel(buyer));
        EXPECT_EQ(session::expires_at(segments), world.clock.now() + Seconds(booked ? 4 * 3600 : 3600));
        break;
    case ByHand::revoke:
        EXPECT_EQ(world.has_tunnel(buyer), !booked);
        EXPECT_EQ(segments.empty(), booked);
        EXPECT_EQ(world.ask(buyer).status, booked ? 410 : 200);
        break;
    }
    EXPECT_EQ(world.wallet(), 100U);
    return lived;
}

TEST(SessionCommandsCrash, AtAnyMomentWhatTheOperatorDoesIsDoneInWholeOrNotAtAll)
{
    int points = 0;
    for (const ByHand what : {ByHand::grant, ByHand::extend, ByHand::revoke})
        for (int n = 1; !testing::Test::HasFailure(); ++n) {
            if (act_dies_at(n, what)) break;
            ++points;
        }
    std::printf("died at %d points of what an operator does by hand\n", points);
    EXPECT_GE(points, 8);
}

} // namespace
} // namespace adit::app
