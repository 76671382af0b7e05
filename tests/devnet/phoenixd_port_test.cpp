// The look-alike of phoenixd as its clients meet it: over sockets, with faults.
#include "devnet/sockets.h"
#include "devnet/world.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace adit::devnet {
namespace {

using nlohmann::json;

class PhoenixdPort : public testing::Test {
protected:
    std::string authorization() const
    {
        return "Basic " + encode_base64(as_bytes("any:" + world_->phoenixd_limited_password()));
    }
    RawReply ask(const std::string& method, const std::string& path, const std::string& form = "",
                 Milliseconds patience = Milliseconds(5000))
    {
        return http(world_->phoenixd_url(), method, path, form,
                    "Authorization: " + authorization() + "\r\nContent-Type: application/x-www-form-urlencoded\r\n",
                    patience);
    }
    json create(const std::string& external_id = "")
    {
        return json::parse(
            ask("POST", "/createinvoice", "amountSat=21&description=hour&externalId=" + external_id).body());
    }
    json incoming(const json& created)
    {
        return json::parse(ask("GET", "/payments/incoming/" + std::string(created["paymentHash"])).body());
    }
    json control(const std::string& method, const std::string& path, const json& body = json::object())
    {
        return json::parse(http(world_->control_url(), method, path, method == "GET" ? "" : body.dump()).body());
    }
    void fault(const json& object) { EXPECT_TRUE(control("POST", "/faults", object).contains("number")); }
    std::unique_ptr<WebsocketClient> listen()
    {
        const std::string url = "ws" + world_->phoenixd_url().substr(4);
        auto client = std::make_unique<WebsocketClient>(url, "/websocket", authorization());
        EXPECT_TRUE(client->connected());
        return client;
    }
    void pay(const json& created) { EXPECT_FALSE(world_->pay(std::string(created["serialized"])).refusal); }
    static std::string hash_in(const std::optional<std::string>& event)
    {
        return event ? std::string(json::parse(*event)["paymentHash"]) : "nothing";
    }

    std::unique_ptr<World> world_ = World::start({}).value();
};

TEST_F(PhoenixdPort, AnInvoiceIsMadePaidAndAnnounced)
{
    const auto websocket = listen();
    const json created = create("order-1");
    EXPECT_EQ(incoming(created)["isPaid"], false);
    const json paid = control("POST", "/lightning/pay", {{"invoice", created["serialized"]}});
    EXPECT_EQ(paid["status"], "paid");
    EXPECT_EQ(paid["preimage"], incoming(created)["preimage"]);
    EXPECT_EQ(incoming(created)["isPaid"], true);
    const auto event = websocket->next();
    ASSERT_TRUE(event);
    EXPECT_EQ(json::parse(*event)["externalId"], "order-1");
    EXPECT_EQ(hash_in(event), created["paymentHash"]);
    const std::string hash = created["paymentHash"];
    EXPECT_EQ(control("GET", "/lightning/payments/" + hash)["status"], "settled");
    EXPECT_EQ(control("GET", "/lightning/invoices/" + hash)["node"], "phoenixd");
    EXPECT_EQ(world_->lightning_requests()["phoenixd.createinvoice"], 1U);
}

TEST_F(PhoenixdPort, APaymentThatIsRefusedSaysWhy)
{
    const auto pay_again = [&](const json& body) {
        return http(world_->control_url(), "POST", "/lightning/pay", body.dump());
    };
    const json created = create();
    pay(created);
    const RawReply again = pay_again({{"invoice", created["serialized"]}});
    EXPECT_EQ(again.status(), 409);
    EXPECT_EQ(json::parse(again.body())["reason"], "already-paid");
    EXPECT_EQ(json::parse(pay_again({{"invoice", "junk"}}).body())["reason"], "not-an-invoice");
    EXPECT_EQ(pay_again({{"invoice", 7}}).status(), 400);
    EXPECT_EQ(pay_again({{"invoice", create()["serialized"]}, {"amount_msat", "many"}}).status(), 400);
    EXPECT_EQ(http(world_->control_url(), "GET", "/lightning/payments/" + std::string(64, '0')).status(), 404);
    EXPECT_EQ(http(world_->control_url(), "GET", "/lightning/payments/x").status(), 404);
}

TEST_F(PhoenixdPort, AWebsocketWithoutThePasswordIsRefused)
{
    const std::string url = "ws" + world_->phoenixd_url().substr(4);
    WebsocketClient stranger(url, "/websocket", "Basic " + encode_base64(as_bytes(":wrong")));
    EXPECT_TRUE(stranger.ended());
    EXPECT_FALSE(stranger.connected(Milliseconds(1)));
}

TEST_F(PhoenixdPort, AnAnswerLostAfterTheActLeavesTheInvoiceBehind)
{
    fault({{"endpoint", "phoenixd.createinvoice"}, {"act", "drop"}, {"moment", "after"}, {"times", 1}});
    EXPECT_EQ(ask("POST", "/createinvoice", "amountSat=21&description=x&externalId=lost").end, RawReply::End::closed);
    const json found = json::parse(ask("GET", "/payments/incoming?all=true&externalId=lost").body());
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0]["isPaid"], false);

    fault({{"endpoint", "phoenixd.createinvoice"}, {"act", "drop"}, {"times", 1}});
    ask("POST", "/createinvoice", "amountSat=21&description=x&externalId=never");
    EXPECT_EQ(json::parse(ask("GET", "/payments/incoming?all=true&externalId=never").body()).size(), 0U);
}

TEST_F(PhoenixdPort, FaultsAreSeenOnTheWire)
{
    const json created = create();
    const std::string path = "/payments/incoming/" + std::string(created["paymentHash"]);
    fault({{"endpoint", "phoenixd.incoming"}, {"act", "cut"}, {"moment", "after"}, {"times", 1}});
    RawReply reply = ask("GET", path);
    EXPECT_EQ(reply.end, RawReply::End::closed);
    EXPECT_FALSE(json::accept(reply.body()));
    fault({{"endpoint", "phoenixd.incoming"}, {"act", "hang"}, {"times", 1}});
    EXPECT_EQ(ask("GET", path, "", Milliseconds(100)).end, RawReply::End::silent);
    fault({{"endpoint", "phoenixd.incoming"}, {"act", "reject"}, {"status", 500}, {"message", "oops"}, {"times", 1}});
    reply = ask("GET", path);
    EXPECT_EQ(reply.status(), 500);
    EXPECT_EQ(reply.body(), "oops");
    fault({{"endpoint", "phoenixd.*"}, {"act", "not_json"}, {"times", 1}});
    EXPECT_FALSE(json::accept(ask("GET", path).body()));
    fault({{"endpoint", "phoenixd.incoming"}, {"act", "delay"}, {"latency_ms", 60}, {"times", 1}});
    EXPECT_EQ(ask("GET", path, "", Milliseconds(20)).end, RawReply::End::silent);
    EXPECT_EQ(ask("GET", path).status(), 200) << "all used up";
}

TEST_F(PhoenixdPort, AnEventCanBeLostAndNoneIsRepeated)
{
    auto websocket = listen();
    fault({{"endpoint", "phoenixd.event"}, {"act", "hang"}, {"times", 1}});
    const json lost = create();
    pay(lost);
    const json told = create();
    pay(told);
    EXPECT_EQ(hash_in(websocket->next()), told["paymentHash"]) << "the first was lost, and nothing shows it";

    fault({{"endpoint", "phoenixd.event"}, {"act", "drop"}, {"times", 1}});
    const json with_the_end = create();
    pay(with_the_end);
    EXPECT_TRUE(websocket->ended());
    EXPECT_FALSE(websocket->next(Milliseconds(1)));

    websocket = listen();
    const json later = create();
    pay(later);
    EXPECT_EQ(hash_in(websocket->next()), later["paymentHash"]) << "no replay";
}

TEST_F(PhoenixdPort, AWebsocketCanBeRefusedAtTheDoor)
{
    fault({{"endpoint", "phoenixd.websocket"}, {"act", "drop"}, {"times", 1}});
    const std::string url = "ws" + world_->phoenixd_url().substr(4);
    WebsocketClient dropped(url, "/websocket", authorization());
    EXPECT_TRUE(dropped.ended());
    fault({{"endpoint", "phoenixd.websocket"}, {"act", "status"}, {"status", 503}, {"times", 1}});
    WebsocketClient busy(url, "/websocket", authorization());
    EXPECT_TRUE(busy.ended());
    EXPECT_TRUE(listen());
}

TEST_F(PhoenixdPort, APaymentArrivesWhileThePortIsDown)
{
    const auto websocket = listen();
    const json created = create();
    EXPECT_EQ(control("POST", "/phoenixd/down")["ok"], true);
    EXPECT_TRUE(websocket->ended());
    EXPECT_EQ(ask("GET", "/getinfo").text, "");
    pay(created);
    EXPECT_EQ(control("POST", "/phoenixd/up")["ok"], true);
    EXPECT_EQ(incoming(created)["isPaid"], true) << "on the same port";
    world_->go_down(LightningNode::phoenixd);
    world_->go_down(LightningNode::phoenixd);
    EXPECT_EQ(ask("GET", "/getinfo").text, "");
    world_->come_up(LightningNode::phoenixd);
    world_->come_up(LightningNode::phoenixd);
    EXPECT_EQ(ask("GET", "/getinfo").status(), 200);
}

TEST_F(PhoenixdPort, ClocksAndLiquidityAreSetOverTheControlPort)
{
    control("POST", "/phoenixd", {{"liquidity_fee_sat", 20}});
    EXPECT_GE(control("POST", "/phoenixd/clock", {{"offset_s", 7200}})["now"], system_clock().now().count() + 7190);
    const json created = create();
    EXPECT_GE(incoming(created)["createdAt"], (system_clock().now().count() + 7190) * 1000);
    pay(created);
    EXPECT_EQ(incoming(created)["receivedSat"], 1);
    EXPECT_EQ(http(world_->control_url(), "POST", "/phoenixd/clock", R"({"offset_s":"soon"})").status(), 400);
}

TEST_F(PhoenixdPort, PasswordsAreLeftInPrivateFilesThatGoWithTheWorld)
{
    namespace fs = std::filesystem;
    const fs::path file = world_->phoenixd_password_file();
    std::ifstream in(file);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), world_->phoenixd_password());
    EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    world_.reset();
    EXPECT_FALSE(fs::exists(file.parent_path()));
}

TEST_F(PhoenixdPort, AFolderOfTheCallersStays)
{
    namespace fs = std::filesystem;
    const fs::path folder = world_->phoenixd_password_file().parent_path() / "mine";
    WorldOptions options;
    options.lightning_dir = folder;
    for (int i = 0; i < 2; ++i) {
        const auto other = World::start(options);
        ASSERT_TRUE(other) << other.error().detail;
        std::ifstream in((*other)->phoenixd_limited_password_file());
        EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), (*other)->phoenixd_limited_password());
    }
    EXPECT_TRUE(fs::exists(folder / "phoenixd-password"));
    options.lightning_dir = folder / "a" / "b";
    EXPECT_FALSE(World::start(options));
}

} // namespace
} // namespace adit::devnet
