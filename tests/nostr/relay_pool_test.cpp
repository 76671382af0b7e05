// The pool over real sockets, with relays that hang, lie, break off and send too much. Bounds are measured.
#include "pool_world.h"
#include "scripted_relay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace adit::nostr {
namespace {

using testing::UnorderedElementsAre;
using Handshake = ScriptedRelay::Handshake;
using Session = ScriptedRelay::Session;

/// A port of loopback that nothing listens on.
std::string dead_url()
{
    const ScriptedRelay gone({});
    return gone.url();
}

TEST(RelayPool, PublishIsAnsweredByEveryRelay)
{
    PoolWorld world;
    ScriptedRelay yes({.on_text = honest()});
    ScriptedRelay no({.on_text = [](Session& session, const std::string& text) {
        const auto message = nlohmann::json::parse(text);
        session.send(nlohmann::json{"OK", message.at(1).at("id"), false, "blocked: not here"}.dump());
    }});
    ScriptedRelay mute({});
    const auto pool = world.pool({yes.url(), no.url(), mute.url(), yes.url() + "/"});
    Mailbox<Told> told;
    pool->publish(world.event("x"), 1500ms, [&](const std::string& relay, PublishOutcome outcome) {
        told.put({relay, std::move(outcome)});
    });
    const auto answers = told.wait_for(3);
    ASSERT_EQ(answers.size(), 3U);
    std::map<std::string, PublishOutcome> by_relay;
    for (const auto& answer : answers) by_relay.emplace(answer.relay, answer.outcome);
    EXPECT_EQ(by_relay.at(yes.url()).answer, Answer::accepted);
    EXPECT_EQ(by_relay.at(no.url()).answer, Answer::rejected);
    EXPECT_EQ(by_relay.at(no.url()).message, "blocked: not here");
    EXPECT_EQ(by_relay.at(mute.url()).answer, Answer::no_answer);
    const auto status = pool->status();
    ASSERT_EQ(status.size(), 3U);
    EXPECT_TRUE(status[0].connected);
    EXPECT_TRUE(status[0].last_ok);
    EXPECT_FALSE(status[1].last_ok);
    EXPECT_EQ(status[1].last_error, "blocked: not here");
}

TEST(RelayPool, FetchJoinsTheAnswersOfAllRelays)
{
    PoolWorld world;
    const auto a = world.event("a");
    const auto both = world.event("both");
    const auto b = world.event("b");
    ScriptedRelay first({.on_text = honest({protocol::encode_event(a), protocol::encode_event(both)})});
    ScriptedRelay second({.on_text = honest({protocol::encode_event(both), protocol::encode_event(b)})});
    const auto pool = world.pool({first.url(), second.url()});
    FetchResult result;
    EXPECT_LT(took([&] { result = pool->fetch(PoolWorld::notes(), 10s); }), 5s);
    EXPECT_TRUE(result.complete());
    std::vector<std::string> contents;
    for (const auto& event : result.events) contents.push_back(event.content);
    EXPECT_THAT(contents, UnorderedElementsAre("a", "both", "b"));
}

TEST(RelayPool, FetchEndsAtItsDeadlineWhateverTheRelaysDo)
{
    PoolWorld world;
    const auto event = protocol::encode_event(world.event("x"));
    ScriptedRelay good({.on_text = honest({event})});
    ScriptedRelay never({.handshake = Handshake::never});
    ScriptedRelay mute({});
    ScriptedRelay half({.on_text = [&](Session& session, const std::string& text) {
        const auto message = nlohmann::json::parse(text);
        if (message.at(0) == "REQ") session.send("[\"EVENT\"," + message.at(1).dump() + "," + event + "]");
    }});
    ScriptedRelay refusing({.on_text = [](Session& session, const std::string& text) {
        const auto message = nlohmann::json::parse(text);
        if (message.at(0) == "REQ") session.send(nlohmann::json{"CLOSED", message.at(1), "restricted: members"}.dump());
    }});
    const auto pool = world.pool({good.url(), never.url(), mute.url(), half.url(), refusing.url(), dead_url()});
    FetchResult result;
    const auto time = took([&] { result = pool->fetch(PoolWorld::notes(), 1000ms); });
    EXPECT_GE(time, 990ms);
    EXPECT_LT(time, 1800ms);
    EXPECT_EQ(result.events.size(), 1U);
    ASSERT_EQ(result.relays.size(), 6U);
    EXPECT_EQ(result.relays[0].coverage, Coverage::complete);
    EXPECT_EQ(result.relays[1].coverage, Coverage::silent);
    EXPECT_EQ(result.relays[2].coverage, Coverage::silent);
    EXPECT_EQ(result.relays[3].coverage, Coverage::partial);
    EXPECT_EQ(result.relays[4].coverage, Coverage::refused);
    EXPECT_EQ(result.relays[4].message, "restricted: members");
    EXPECT_EQ(result.relays[5].coverage, Coverage::silent);
    EXPECT_FALSE(result.complete());
}

TEST(RelayPool, ImpatientFetchDoesNotWaitForADeadRelay)
{
    PoolWorld world;
    ScriptedRelay good({.on_text = honest()});
    ScriptedRelay closing({.handshake = Handshake::close});
    const auto pool = world.pool({good.url(), dead_url(), closing.url()});
    FetchResult result;
    EXPECT_LT(took([&] { result = pool->fetch(PoolWorld::notes(), 30s, Patience::while_it_lasts); }), 5s);
    EXPECT_EQ(result.relays[0].coverage, Coverage::complete);
    EXPECT_EQ(result.relays[1].coverage, Coverage::silent);
    EXPECT_FALSE(result.relays[1].message.empty());
    EXPECT_EQ(result.relays[2].coverage, Coverage::silent);
}

TEST(RelayPool, PatientFetchIsAnsweredByARelayThatComesBack)
{
    PoolWorld world;
    const auto event = protocol::encode_event(world.event("x"));
    const auto answer = honest({event});
    ScriptedRelay flaky({.on_open =
                             [](Session& session) {
                                 if (session.number() < 3) session.close();
                             },
                         .on_text = answer});
    const auto pool = world.pool({flaky.url()}, {.limits = PoolWorld::quick()});
    const auto result = pool->fetch(PoolWorld::notes(), 10s);
    EXPECT_TRUE(result.complete());
    EXPECT_EQ(result.events.size(), 1U);
    EXPECT_EQ(flaky.connections(), 3);
}

TEST(RelayPool, RelaysOfAllBadKindsDelayNeitherTheLoopNorAGoodOne)
{
    PoolWorld world;
    ScriptedRelay good({.on_text = honest()});
    ScriptedRelay never({.handshake = Handshake::never});
    ScriptedRelay garbage({.handshake = Handshake::garbage});
    ScriptedRelay closing({.handshake = Handshake::close});
    ScriptedRelay wrong({.handshake = Handshake::wrong_accept});
    ScriptedRelay broken({.handshake = Handshake::http_error});
    ScriptedRelay away({.handshake = Handshake::redirect, .redirect_to = "http://unresolvable.invalid/"});
    ScriptedRelay babbling({.on_open = [](Session& session) {
        for (int i = 0; i < 1000; ++i) session.send("[\"NOISE\"," + std::string(200, '9') + "]");
    }});
    ScriptedRelay flooding(
        {.on_open = [](Session& session) { session.send_frame(0x81, 10U << 20U, std::string(10U << 20U, 'x')); }});
    ScriptedRelay fragmenting({.on_open = [](Session& session) {
        session.send_frame(0x01, 1000, std::string(1000, 'x'));
        for (int i = 0; i < 2000; ++i) session.send_frame(0x00, 1000, std::string(1000, 'x'));
    }});
    ScriptedRelay malformed({.on_open = [](Session& session) { session.send_raw(std::string(500, '\xff')); }});
    const auto pool = world.pool({never.url(), garbage.url(), closing.url(), wrong.url(), broken.url(), away.url(),
                                  babbling.url(), flooding.url(), fragmenting.url(), malformed.url(), dead_url(),
                                  "ws://unresolvable.invalid", good.url()},
                                 {.limits = PoolWorld::quick()});
    Milliseconds slowest{0};
    Milliseconds longest_delay{0};
    for (int i = 0; i < 8; ++i) {
        Mailbox<Told> told;
        slowest = std::max(slowest, took([&] {
                               std::promise<void> accepted;
                               pool->publish(world.event(std::to_string(i)), 500ms,
                                             [&](const std::string& relay, PublishOutcome outcome) {
                                                 if (relay == good.url() && outcome.answer == Answer::accepted)
                                                     accepted.set_value();
                                                 told.put({relay, std::move(outcome)});
                                             });
                               ASSERT_EQ(accepted.get_future().wait_for(10s), std::future_status::ready);
                           }));
        longest_delay = std::max(longest_delay, world.loop.delay());
        ASSERT_EQ(told.wait_for(13).size(), 13U);
    }
    RecordProperty("slowest_publish_ms", static_cast<int>(slowest.count()));
    RecordProperty("longest_loop_delay_ms", static_cast<int>(longest_delay.count()));
    EXPECT_LT(slowest, 1500ms); // milliseconds on an idle machine
    EXPECT_LT(longest_delay, 1000ms);
    const auto status = pool->status();
    for (std::size_t i = 0; i + 1 < status.size(); ++i) EXPECT_FALSE(status[i].last_error.empty()) << i;
    EXPECT_TRUE(status.back().connected);
    EXPECT_GT(closing.connections(), 3);
}

TEST(RelayPool, NameLookupThatHangsBlocksNothingNotEvenTheEnd)
{
    PoolWorld world;
    ScriptedRelay good({.on_text = honest()});
    auto hang = std::make_shared<std::promise<void>>(); // shared with the lookup's thread, which ends after the test
    const std::shared_future<void> released = hang->get_future().share();
    std::atomic<int> lookups{0};
    auto ended = std::make_shared<std::promise<void>>();
    {
        const auto pool =
            world.pool({"ws://slow.example", good.url()},
                       {.limits = PoolWorld::quick(), .resolve = [&, released, ended](const std::string&) {
                            ++lookups;
                            released.wait();
                            ended->set_value();
                            return Result<std::vector<std::string>>(std::vector<std::string>{"127.0.0.1"});
                        }});
        FetchResult result;
        for (int i = 0; i < 3; ++i) result = pool->fetch(PoolWorld::notes(), 700ms);
        EXPECT_EQ(result.relays[0].coverage, Coverage::silent);
        EXPECT_EQ(result.relays[1].coverage, Coverage::complete);
        EXPECT_LT(world.loop.delay(), 500ms);
        EXPECT_EQ(lookups, 1); // tries that were given up do not pile up threads
        EXPECT_LT(took([&] { pool->stop(); }), 500ms);
    }
    hang->set_value();
    ended->get_future().wait();
}

TEST(RelayPool, AuthIsGivenWhereItIsRequired)
{
    PoolWorld world;
    const auto key = protocol::SecretKey::generate(system_rng());
    std::atomic<bool> known{false};
    ScriptedRelay members(
        {.on_open = [](Session& session) { session.send(R"(["AUTH","challenge"])"); },
         .on_text =
             [&](Session& session, const std::string& text) {
                 const auto message = nlohmann::json::parse(text);
                 if (message.at(0) == "AUTH") {
                     const auto event = protocol::parse_event(message.at(1).dump()).value();
                     known = protocol::check_auth(event, "challenge", "127.0.0.1", system_clock().now()).has_value();
                     session.send(nlohmann::json{"OK", message.at(1).at("id"), bool(known), ""}.dump());
                 } else if (!known && message.at(0) == "REQ") {
                     session.send(nlohmann::json{"CLOSED", message.at(1), "auth-required: x"}.dump());
                 } else {
                     honest()(session, text);
                 }
             }});
    const auto pool = world.pool({members.url()}, {.auth_key = key.duplicate()});
    EXPECT_TRUE(pool->fetch(PoolWorld::notes(), 10s).complete());
    EXPECT_TRUE(known);
}

TEST(RelayPool, LiveSubscriptionSurvivesAReconnectAndBringsEachEventOnce)
{
    PoolWorld world;
    const auto first = protocol::encode_event(world.event("first"));
    const auto second = protocol::encode_event(world.event("second"));
    const auto on_text = [&](Session& session, const std::string& text) {
        const auto message = nlohmann::json::parse(text);
        if (message.at(0) != "REQ") return;
        const std::string id = message.at(1);
        session.send("[\"EVENT\",\"" + id + "\"," + first + "]");
        session.send(nlohmann::json{"EOSE", id}.dump());
        if (session.number() == 1)
            session.close();
        else
            session.send("[\"EVENT\",\"" + id + "\"," + second + "]");
    };
    ScriptedRelay relay({.on_text = on_text});
    ScriptedRelay other({.on_text = on_text});
    const auto pool = world.pool({relay.url(), other.url()}, {.limits = PoolWorld::quick()});
    Mailbox<std::string> got;
    const auto id = pool->subscribe(PoolWorld::notes(), [&](const protocol::Event& event) { got.put(event.content); });
    EXPECT_THAT(got.wait_for(2), UnorderedElementsAre("first", "second"));
    pool->fetch(PoolWorld::notes(), 300ms); // time for what would be too much
    EXPECT_EQ(got.size(), 2U);
    pool->unsubscribe(id);
}

TEST(RelayPool, NothingCallsBackAfterStop)
{
    PoolWorld world;
    ScriptedRelay mute({});
    ScriptedRelay chatty({.on_text = honest({protocol::encode_event(world.event("x"))})});
    auto pool = world.pool({mute.url(), chatty.url()});
    std::atomic<int> calls{0};
    std::atomic<bool> stopped{false};
    std::atomic<int> late{0};
    const auto called = [&] {
        ++calls;
        if (stopped) ++late;
    };
    pool->subscribe(PoolWorld::notes(), [&](const protocol::Event&) { called(); });
    for (int i = 0; i < 50; ++i)
        pool->publish(world.event(std::to_string(i)), Milliseconds(i),
                      [&](const std::string&, const PublishOutcome&) { called(); });
    auto waiting = std::async(std::launch::async, [&] { return pool->fetch(PoolWorld::notes(), 60s); });
    while (calls < 10) std::this_thread::yield();
    pool->stop();
    stopped = true;
    ASSERT_EQ(waiting.wait_for(5s), std::future_status::ready);
    EXPECT_EQ(waiting.get().relays.size(), 2U);
    pool->publish(world.event("late"), 10ms, [&](const std::string&, const PublishOutcome&) { called(); });
    EXPECT_LT(took([&] { EXPECT_FALSE(pool->fetch(PoolWorld::notes(), 60s).complete()); }), 1s);
    for (int i = 0; i < 20; ++i) world.loop.delay();
    EXPECT_EQ(late, 0);
    EXPECT_FALSE(pool->status()[0].connected);
}

TEST(RelayPool, MayBeStoppedFromItsOwnCallbackAndAfterTheLoop)
{
    PoolWorld world;
    ScriptedRelay relay({.on_text = honest()});
    auto pool = world.pool({relay.url()});
    std::promise<void> done;
    pool->fetch_async(PoolWorld::notes(), 10s, [&](const FetchResult& result) {
        EXPECT_TRUE(result.complete());
        pool->stop();
        done.set_value();
    });
    ASSERT_EQ(done.get_future().wait_for(10s), std::future_status::ready);

    auto other = world.pool({relay.url(), dead_url()});
    EXPECT_EQ(other->fetch(PoolWorld::notes(), 300ms).relays[0].coverage, Coverage::complete);
    world.loop.end();
    pool.reset();
    other.reset();
}

TEST(RelayPool, WithoutRelaysNothingIsCompleteAndNothingHangs)
{
    PoolWorld world;
    const auto pool = world.pool({});
    EXPECT_LT(took([&] { EXPECT_FALSE(pool->fetch(PoolWorld::notes(), 60s).complete()); }), 1s);
    EXPECT_TRUE(pool->status().empty());
}

TEST(RelayPool, BigEventsGoOutWholeAndComeInWhole)
{
    PoolWorld world;
    const auto big = world.event(std::string(400'000, 'b'));
    const auto encoded = protocol::encode_event(big);
    std::promise<std::string> received;
    ScriptedRelay relay({.on_text = [&](Session& session, const std::string& text) {
        if (text.starts_with("[\"EVENT\"")) received.set_value(text);
        honest({encoded})(session, text);
    }});
    const auto pool = world.pool({relay.url()});
    const auto result = pool->fetch(PoolWorld::notes(), 10s);
    ASSERT_EQ(result.events.size(), 1U);
    EXPECT_EQ(result.events[0].content, big.content);
    Mailbox<Told> told;
    pool->publish(big, 10s, [&](const std::string& url, PublishOutcome outcome) { told.put({url, outcome}); });
    ASSERT_EQ(told.wait_for(1).size(), 1U);
    EXPECT_EQ(told.wait_for(1)[0].outcome.answer, Answer::accepted);
    EXPECT_EQ(received.get_future().get(), "[\"EVENT\"," + encoded + "]");
}

// --- TLS: the address comes from the lookup, the names from the URL.

ResolveHost loopback()
{
    return [](const std::string&) { return Result<std::vector<std::string>>(std::vector<std::string>{"127.0.0.1"}); };
}

TEST(RelayPool, TlsChecksTheNameOfTheUrlAndNotTheAddress)
{
    PoolWorld world;
    const TestCertificate certificate("relay.example");
    ScriptedRelay relay({.on_text = honest(), .certificate = &certificate});
    const std::string port = std::to_string(relay.port());
    const auto pool =
        world.pool({"wss://relay.example:" + port}, {.ca_file = certificate.certificate_file(), .resolve = loopback()});
    const auto result = pool->fetch(PoolWorld::notes(), 10s);
    EXPECT_TRUE(result.complete()) << result.relays[0].message;
    EXPECT_EQ(relay.last_host(), "relay.example:" + port);
    EXPECT_EQ(relay.last_sni(), "relay.example");
}

TEST(RelayPool, TlsRefusesACertificateOfAnotherNameOrIssuer)
{
    PoolWorld world;
    const TestCertificate certificate("relay.example");
    ScriptedRelay relay({.on_text = honest(), .certificate = &certificate});
    const std::string port = std::to_string(relay.port());
    const auto other =
        world.pool({"wss://other.example:" + port}, {.ca_file = certificate.certificate_file(), .resolve = loopback()});
    auto result = other->fetch(PoolWorld::notes(), 10s, Patience::while_it_lasts);
    EXPECT_EQ(result.relays[0].coverage, Coverage::silent);
    EXPECT_FALSE(result.relays[0].message.empty());

    const auto strangers = world.pool({"wss://relay.example:" + port}, {.resolve = loopback()});
    result = strangers->fetch(PoolWorld::notes(), 10s, Patience::while_it_lasts);
    EXPECT_EQ(result.relays[0].coverage, Coverage::silent);
}

TEST(RelayPool, SecondAddressOfANameIsTriedWhenTheFirstIsDead)
{
    PoolWorld world;
    ScriptedRelay relay({.on_text = honest()});
    const auto pool =
        world.pool({"ws://two.example:" + std::to_string(relay.port())}, {.resolve = [](const std::string&) {
                       return Result<std::vector<std::string>>(std::vector<std::string>{"127.0.0.2", "127.0.0.1"});
                   }});
    EXPECT_TRUE(pool->fetch(PoolWorld::notes(), 10s, Patience::while_it_lasts).complete());
}

} // namespace
} // namespace adit::nostr
