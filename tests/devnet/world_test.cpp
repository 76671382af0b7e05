#include "devnet/world.h"

#include "devnet/sockets.h"
#include "devnet/wallet.h"
#include "payments/cashu/p2pk.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace adit::devnet {
namespace {

using nlohmann::json;
using protocol::Event;

class WorldTest : public testing::Test {
protected:
    void fault(const json& object)
    {
        const RawReply reply = http(world_->control_url(), "POST", "/faults", object.dump());
        EXPECT_EQ(reply.status(), 200) << reply.text;
    }
    RawReply mint(const std::string& path, const std::string& body = "", Milliseconds patience = Milliseconds(5000))
    {
        return http(world_->mint_url(), body.empty() ? "GET" : "POST", path, body, "", patience);
    }
    json control(const std::string& method, const std::string& path, const json& body = json::object())
    {
        return json::parse(http(world_->control_url(), method, path, method == "GET" ? "" : body.dump()).body());
    }
    Event event(std::uint32_t kind, std::vector<protocol::Tag> tags = {}, std::string content = "")
    {
        return protocol::sign_event({system_clock().now(), kind, std::move(tags), std::move(content)}, key_,
                                    system_rng());
    }
    static json next(WebsocketClient& client)
    {
        const auto message = client.next();
        return message ? json::parse(*message) : json();
    }
    static void publish(WebsocketClient& client, const Event& e)
    {
        client.send(R"(["EVENT",)" + protocol::encode_event(e) + "]");
    }

    std::unique_ptr<World> world_ = World::start({}).value();
    protocol::SecretKey key_ = protocol::SecretKey::generate(system_rng());
    Wallet wallet_{[this](const std::string& method, const std::string& path, const std::string& body) {
                       const RawReply reply = http(world_->mint_url(), method, path, body);
                       return Reply{reply.status(), reply.body()};
                   },
                   system_rng()};
};

TEST_F(WorldTest, EcashIsMintedAndSwappedOverHttp)
{
    const auto proofs = wallet_.mint({1, 2, 4});
    const auto outputs = wallet_.prepare(wallet_.keyset(), {1, 2, 4}).outputs;
    EXPECT_EQ(wallet_.post("/v1/swap", cashu::encode_swap(proofs, outputs)).status, 200);
    const json books = control("GET", "/accounting");
    EXPECT_EQ(books["minted"], 7);
    EXPECT_EQ(books["issued"], 14);
    EXPECT_EQ(books["spent"], 7);
    EXPECT_EQ(books["outstanding"], 7);
    EXPECT_EQ(control("GET", "/proofs/" + cashu::proof_y(proofs[0].secret).hex())["state"], "SPENT");
    EXPECT_EQ(control("GET", "/outputs/" + outputs[0].b.hex())["signed"], true);
    EXPECT_EQ(control("GET", "/transactions").size(), 2U);
    EXPECT_EQ(world_->mint_requests()["mint.swap"], 1U);
}

TEST_F(WorldTest, ASwapOfTwoHundredLockedProofsPasses)
{
    std::vector<cashu::Proof> proofs = wallet_.mint(std::vector<std::uint64_t>(200, 1), [&] {
        cashu::P2pkLock lock;
        lock.keys = {cashu::even_point(key_.public_key())};
        return cashu::make_p2pk_secret(lock, system_rng());
    });
    const auto outputs = wallet_.prepare(wallet_.keyset(), {128, 64, 8}).outputs;
    ASSERT_TRUE(cashu::sign_inputs(proofs, outputs, key_, system_rng()));
    EXPECT_EQ(wallet_.post("/v1/swap", cashu::encode_swap(proofs, outputs)).status, 200);
}

TEST_F(WorldTest, FaultsOfTheMintAreSeenOnTheWire)
{
    fault({{"endpoint", "mint.info"}, {"act", "drop"}, {"times", 1}});
    RawReply reply = mint("/v1/info");
    EXPECT_EQ(reply.end, RawReply::End::closed);
    EXPECT_EQ(reply.text, "");

    fault({{"endpoint", "mint.info"}, {"act", "cut"}, {"moment", "after"}, {"times", 1}});
    reply = mint("/v1/info");
    EXPECT_EQ(reply.end, RawReply::End::closed);
    EXPECT_EQ(reply.status(), 200);
    EXPECT_FALSE(json::accept(reply.body()));

    fault({{"endpoint", "mint.info"}, {"act", "status"}, {"status", 503}, {"body", "{}"}, {"times", 1}});
    EXPECT_EQ(mint("/v1/info").status(), 503);

    fault({{"endpoint", "mint.info"}, {"act", "hang"}, {"times", 1}});
    EXPECT_EQ(mint("/v1/info", "", Milliseconds(100)).end, RawReply::End::silent);

    EXPECT_EQ(mint("/v1/info").status(), 200) << "all used up";
    EXPECT_EQ(control("GET", "/faults").size(), 4U);
    control("DELETE", "/faults");
    EXPECT_EQ(control("GET", "/faults").size(), 0U);
}

TEST_F(WorldTest, ASwapDroppedAfterTheActIsAnsweredToItsRepeat)
{
    const auto proofs = wallet_.mint({4});
    const std::string body = cashu::encode_swap(proofs, wallet_.prepare(wallet_.keyset(), {4}).outputs);
    fault({{"endpoint", "mint.swap"}, {"act", "drop"}, {"moment", "after"}, {"times", 1}});
    EXPECT_EQ(mint("/v1/swap", body).end, RawReply::End::closed);
    EXPECT_EQ(control("GET", "/accounting")["spent"], 4);
    EXPECT_EQ(mint("/v1/swap", body).status(), 200);
    EXPECT_EQ(control("GET", "/accounting")["spent"], 4);
    EXPECT_EQ(control("GET", "/state")["replayed"], 1);
}

TEST_F(WorldTest, LatencyDelaysOneRequestAndNotTheOthers)
{
    fault({{"endpoint", "mint.keys"}, {"act", "delay"}, {"latency_ms", 300}, {"times", 2}});
    fault({{"endpoint", "mint.keys"}, {"act", "delay"}, {"latency_ms", 300}, {"moment", "after"}, {"times", 1}});
    const SteadyTime start = system_clock().steady();
    std::thread slow([&] {
        EXPECT_EQ(mint("/v1/keys").status(), 200);
        EXPECT_GE(system_clock().steady() - start, Milliseconds(300));
    });
    EXPECT_EQ(mint("/v1/info").status(), 200);
    slow.join();
    EXPECT_EQ(mint("/v1/keys", "", Milliseconds(50)).end, RawReply::End::silent);
    const SteadyTime again = system_clock().steady();
    EXPECT_EQ(mint("/v1/keys").status(), 200);
    EXPECT_GE(system_clock().steady() - again, Milliseconds(300));
}

TEST_F(WorldTest, TheMintsPortWithstandsWhatIsNotHttp)
{
    EXPECT_EQ(http(world_->mint_url(), "\x01\x02", "/").status(), 400);
    EXPECT_GE(http(world_->mint_url(), "GET", "/" + std::string(100'000, 'x')).status(), 400);
    EXPECT_EQ(http(world_->mint_url(), "GET", "/v1/nothing").status(), 404);
    EXPECT_EQ(http(world_->mint_url(), "OPTIONS", "/v1/swap").status(), 204);
    EXPECT_EQ(mint("/v1/info").status(), 200);
}

TEST_F(WorldTest, TwentyThousandRequestsSentAtOnceDoNotExhaustTheStack)
{
    std::string ahead;
    for (int i = 0; i < 20'000; ++i) ahead += "/v1/x HTTP/1.1\r\nHost: a\r\n\r\nGET ";
    EXPECT_EQ(http(world_->mint_url(), "GET", ahead + "/v1/x").status(), 404);
    EXPECT_EQ(mint("/v1/info").status(), 200);
    EXPECT_GT(world_->mint_requests()["mint.unknown"], 1U);
}

TEST_F(WorldTest, KeysetsRotateOverTheControlPort)
{
    const auto before = wallet_.keyset();
    const auto proofs = wallet_.mint({4});
    const std::string id = control("POST", "/keysets/rotate", {{"version", "00"}, {"input_fee_ppk", 1000}})["id"];
    EXPECT_EQ(id.size(), 16U);
    EXPECT_EQ(wallet_.keyset().id, id);
    const std::string body = cashu::encode_swap(proofs, wallet_.prepare(before, {4}).outputs);
    EXPECT_EQ(wallet_.post("/v1/swap", body).code(), 12002);
    EXPECT_EQ(control("POST", "/keysets/" + before.id + "/active", {{"active", true}})["ok"], true);
    EXPECT_EQ(wallet_.post("/v1/swap", body).status, 200);
    EXPECT_EQ(control("POST", "/mint", {{"caching", "off"}})["caching"], "off");
    EXPECT_EQ(wallet_.post("/v1/swap", body).code(), 11001);
}

TEST_F(WorldTest, TheControlPortRefusesWhatItDoesNotKnow)
{
    const std::string url = world_->control_url();
    EXPECT_EQ(http(url, "POST", "/faults", "{").status(), 400);
    EXPECT_EQ(http(url, "POST", "/faults", "[]").status(), 400);
    EXPECT_EQ(http(url, "POST", "/faults", R"({"endpoint":"x","act":"?"})").status(), 400);
    EXPECT_EQ(http(url, "POST", "/mint", R"({"caching":"maybe"})").status(), 400);
    EXPECT_EQ(http(url, "POST", "/keysets/00/active", "{}").status(), 404);
    EXPECT_EQ(http(url, "DELETE", "/faults/x").status(), 404);
    EXPECT_EQ(http(url, "POST", "/relay/events", "{}").status(), 400);
    EXPECT_EQ(http(url, "GET", "/nothing").status(), 404);
}

TEST_F(WorldTest, EventsArePublishedSubscribedToAndDeletedOverAWebsocket)
{
    WebsocketClient client(world_->relay_url());
    WebsocketClient reader(world_->relay_url());
    reader.send(R"(["REQ","live",{"kinds":[30402]}])");
    EXPECT_EQ(next(reader), json::array({"EOSE", "live"}));
    const Event listing = event(30402, {{"d", "x"}}, std::string(50'000, 'x'));
    publish(client, listing);
    EXPECT_EQ(next(client), json::array({"OK", encode_hex(listing.id), true, ""}));
    EXPECT_EQ(next(reader)[2], json::parse(protocol::encode_event(listing)));

    const Event deletion = event(5, {{"a", "30402:" + key_.public_key().hex() + ":x"}, {"k", "30402"}});
    publish(client, deletion);
    EXPECT_EQ(next(client)[2], true);
    client.send(R"(["REQ","s",{"kinds":[30402]}])");
    EXPECT_EQ(next(client), json::array({"EOSE", "s"}));

    publish(client, event(1, {{"expiration", "1000"}}));
    EXPECT_EQ(next(client)[2], false);
    client.send("nonsense");
    EXPECT_EQ(next(client)[0], "NOTICE");
    EXPECT_EQ(world_->relay_events().size(), 1U) << "the deletion";
}

TEST_F(WorldTest, AuthenticationOpensARelayThatAsksForIt)
{
    EXPECT_EQ(control("POST", "/relay/rules", {{"write", "required"}})["write"], "required");
    WebsocketClient client(world_->relay_url());
    const json greeting = next(client);
    ASSERT_EQ(greeting[0], "AUTH");
    const Event note = event(1);
    publish(client, note);
    EXPECT_EQ(next(client)[0], "AUTH");
    EXPECT_EQ(next(client)[3].get<std::string>().rfind("auth-required:", 0), 0U);
    const Event proof = protocol::sign_event(
        protocol::auth_draft(world_->relay_url(), greeting[1].get<std::string>(), system_clock().now()), key_,
        system_rng());
    client.send(R"(["AUTH",)" + protocol::encode_event(proof) + "]");
    EXPECT_EQ(next(client), json::array({"OK", encode_hex(proof.id), true, ""}));
    publish(client, note);
    EXPECT_EQ(next(client)[2], true);
}

TEST_F(WorldTest, TheRelayDescribesItselfOnItsOwnPort)
{
    const RawReply document = http(world_->relay_url(), "GET", "/", "", "Accept: application/nostr+json\r\n");
    EXPECT_EQ(document.status(), 200);
    EXPECT_NE(document.text.find("application/nostr+json"), std::string::npos);
    EXPECT_NE(document.text.find("access-control-allow-origin"), std::string::npos);
    EXPECT_EQ(json::parse(document.body())["name"], "adit-devnet");
    EXPECT_FALSE(json::accept(http(world_->relay_url(), "GET", "/").body()));
    fault({{"endpoint", "relay.nip11"}, {"act", "drop"}, {"times", 1}});
    EXPECT_EQ(http(world_->relay_url(), "GET", "/").end, RawReply::End::closed);
}

TEST_F(WorldTest, ARelayToldToHangOrCloseDoesSo)
{
    fault({{"endpoint", "relay.connect"}, {"act", "hang"}, {"times", 1}});
    WebsocketClient deaf(world_->relay_url());
    deaf.send(R"(["REQ","s",{"kinds":[1]}])");
    EXPECT_FALSE(deaf.next(Milliseconds(100)));
    EXPECT_FALSE(deaf.ended(Milliseconds(1)));

    fault({{"endpoint", "relay.event"}, {"act", "drop"}, {"moment", "after"}, {"times", 1}});
    WebsocketClient dropped(world_->relay_url());
    publish(dropped, event(1));
    EXPECT_TRUE(dropped.ended());
    EXPECT_EQ(world_->relay_events().size(), 1U);

    world_->drop_relay_connections();
    EXPECT_TRUE(deaf.ended());
}

TEST_F(WorldTest, EventsCanBePlantedAndQueriedOverTheControlPort)
{
    Event forged = event(1, {}, "forged");
    forged.sig[5] ^= 1;
    EXPECT_EQ(control("POST", "/relay/events", json::parse(protocol::encode_event(forged)))["ok"], true);
    EXPECT_EQ(control("POST", "/relay/query", {{"kinds", {1}}})["events"].size(), 1U);
    world_->publish(event(7));
    EXPECT_EQ(control("GET", "/state")["relay"]["stored"], 2);
    control("DELETE", "/relay/events");
    EXPECT_EQ(world_->relay_events().size(), 0U);
}

TEST_F(WorldTest, TwoWorldsLiveSideBySideAndAPortThatIsTakenIsAnError)
{
    const auto second = World::start({});
    ASSERT_TRUE(second);
    EXPECT_NE((*second)->mint_url(), world_->mint_url());
    WorldOptions taken;
    const std::string url = world_->mint_url();
    taken.mint_port = static_cast<std::uint16_t>(std::stoul(url.substr(url.rfind(':') + 1)));
    const auto third = World::start(taken);
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error().reason, Reason::io);
    WorldOptions nowhere;
    nowhere.host = "not an address";
    EXPECT_FALSE(World::start(nowhere));
}

} // namespace
} // namespace adit::devnet
