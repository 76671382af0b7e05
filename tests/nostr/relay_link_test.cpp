// Publishing, subscriptions, reconnects and limits of one relay, without sockets.
#include "link_world.h"

#include <gtest/gtest.h>

namespace adit::nostr {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

TEST(RelayLink, PublishedEventIsSentAndItsOkIsToldOnce)
{
    LinkWorld world;
    world.connect();
    const auto event = world.publish("hello");
    const auto sent = world.transport.next();
    EXPECT_EQ(sent.at(0), "EVENT");
    EXPECT_EQ(sent.at(1).at("id"), encode_hex(event.id));
    EXPECT_TRUE(world.outcomes.empty());
    world.hear({"OK", encode_hex(event.id), true, ""});
    world.hear({"OK", encode_hex(event.id), false, "error: changed my mind"});
    ASSERT_EQ(world.outcomes.size(), 1U);
    EXPECT_EQ(world.outcomes[0].answer, Answer::accepted);
    EXPECT_EQ(world.link.status().last_ok, world.clock.now());
}

TEST(RelayLink, DuplicateWithOkTrueIsAccepted)
{
    LinkWorld world;
    world.connect();
    const auto event = world.publish("again");
    world.hear({"OK", encode_hex(event.id), true, "duplicate: have it"});
    ASSERT_EQ(world.outcomes.size(), 1U);
    EXPECT_EQ(world.outcomes[0].answer, Answer::accepted);
}

TEST(RelayLink, OkFalseIsRejectedWithTheRelaysWords)
{
    LinkWorld world;
    world.connect();
    const auto event = world.publish("older");
    world.hear({"OK", encode_hex(event.id), false, "replaced: have a newer\nevent\x1b[2J"});
    ASSERT_EQ(world.outcomes.size(), 1U);
    EXPECT_EQ(world.outcomes[0].answer, Answer::rejected);
    EXPECT_EQ(world.outcomes[0].message, "replaced: have a newer event [2J");
    EXPECT_EQ(world.link.status().last_error, "replaced: have a newer event [2J");
    EXPECT_FALSE(world.link.status().last_ok);
}

TEST(RelayLink, OkForAnEventThatWasNotSentOnThisConnectionIsIgnored)
{
    LinkLimits limits;
    limits.in_flight = 1;
    LinkWorld world(limits);
    world.connect();
    world.publish("first");
    const auto second = world.publish("second");
    world.hear({"OK", encode_hex(second.id), true, ""});
    EXPECT_TRUE(world.outcomes.empty());
}

TEST(RelayLink, EventWaitsForTheConnectionAndGoesOutAgainAfterOneIsLost)
{
    LinkWorld world;
    world.link.start();
    const auto event = world.publish("patient");
    EXPECT_TRUE(world.transport.sent.empty());
    world.link.transport_opened();
    EXPECT_EQ(world.transport.next().at(0), "EVENT");
    world.link.transport_closed("gone");
    world.reconnect();
    EXPECT_EQ(world.transport.next().at(1).at("id"), encode_hex(event.id));
    world.hear({"OK", encode_hex(event.id), true, ""});
    ASSERT_EQ(world.outcomes.size(), 1U);
    EXPECT_EQ(world.outcomes[0].answer, Answer::accepted);
}

TEST(RelayLink, NoAnswerIsToldAtTheDeadlineConnectedOrNot)
{
    LinkWorld world;
    world.link.start();
    world.publish("never sent", 5s);
    world.pass(4'999ms);
    EXPECT_TRUE(world.outcomes.empty());
    world.pass(1ms);
    ASSERT_EQ(world.outcomes.size(), 1U);
    EXPECT_EQ(world.outcomes[0].answer, Answer::no_answer);

    world.link.transport_opened();
    const auto event = world.publish("never answered", 5s);
    EXPECT_LE(*world.link.wakes_at(), world.clock.steady() + 5s);
    world.pass(5s);
    ASSERT_EQ(world.outcomes.size(), 2U);
    EXPECT_EQ(world.outcomes[1].answer, Answer::no_answer);
    world.hear({"OK", encode_hex(event.id), true, ""});
    EXPECT_EQ(world.outcomes.size(), 2U);
}

TEST(RelayLink, SameEventPublishedTwiceIsSentOnceAndAnsweredTwice)
{
    LinkWorld world;
    world.connect();
    const auto event = world.publish("x", 5s);
    const auto text = std::make_shared<const std::string>("unused");
    int again = 0;
    world.link.publish(event.id, text, world.clock.steady() + 10s, [&](const PublishOutcome&) { ++again; });
    EXPECT_EQ(world.transport.sent.size(), 1U);
    world.pass(6s);
    EXPECT_EQ(again, 0);
    world.hear({"OK", encode_hex(event.id), true, ""});
    EXPECT_EQ(again, 1);
    EXPECT_EQ(world.outcomes.size(), 1U);
}

TEST(RelayLink, AtMostTheWindowIsInFlightAndTheRestFollowsInOrder)
{
    LinkLimits limits;
    limits.in_flight = 2;
    LinkWorld world(limits);
    world.connect();
    const auto a = world.publish("a");
    const auto b = world.publish("b");
    const auto c = world.publish("c");
    EXPECT_EQ(world.transport.sent.size(), 2U);
    world.hear({"OK", encode_hex(b.id), true, ""});
    ASSERT_EQ(world.transport.sent.size(), 3U);
    EXPECT_EQ(json::parse(world.transport.sent.back()).at(1).at("content"), "c");
    world.hear({"OK", encode_hex(a.id), true, ""});
    world.hear({"OK", encode_hex(c.id), true, ""});
    EXPECT_EQ(world.outcomes.size(), 3U);
}

TEST(RelayLink, FullQueueIsToldAtOnce)
{
    LinkLimits limits;
    limits.pending_events = 2;
    LinkWorld world(limits);
    world.link.start();
    world.publish("1");
    world.publish("2");
    world.publish("3");
    ASSERT_EQ(world.outcomes.size(), 1U);
    EXPECT_EQ(world.outcomes[0].answer, Answer::no_answer);

    LinkLimits small;
    small.pending_bytes = 1000;
    LinkWorld bytes(small);
    bytes.link.start();
    bytes.publish(std::string(2000, 'x'));
    EXPECT_EQ(bytes.outcomes.size(), 1U);
}

TEST(RelayLink, StoredSubscriptionEndsWithEose)
{
    LinkWorld world;
    world.connect();
    world.link.subscribe(LinkWorld::notes(), Lifetime::stored, world.recorder());
    const std::string id = world.requested();
    world.hear_event(id, world.event("one"));
    world.hear_event(id, world.event("two"));
    world.hear({"EOSE", id});
    EXPECT_EQ(world.contents, (std::vector<std::string>{"one", "two"}));
    EXPECT_EQ(world.completes, 1);
    EXPECT_EQ(world.transport.next(), (json{"CLOSE", id}));
    world.hear_event(id, world.event("late"));
    world.hear({"EOSE", id});
    EXPECT_EQ(world.contents.size(), 2U);
    EXPECT_EQ(world.completes, 1);
}

TEST(RelayLink, LyingRelayIsNotBelieved)
{
    LinkWorld world;
    world.connect();
    world.link.subscribe(LinkWorld::notes(), Lifetime::live, world.recorder());
    const std::string id = world.requested();
    auto forged = world.event("forged");
    forged.content = "changed";
    world.hear_event(id, forged);
    auto unsigned_event = world.event("unsigned");
    unsigned_event.sig[10] ^= 1U;
    world.hear_event(id, unsigned_event);
    world.hear_event(id, world.event("of a kind nobody asked for", 2));
    world.hear_event("adit999", world.event("for nobody"));
    world.hear_event("", world.event("for nobody"));
    world.link.transport_message("[\"EVENT\",\"" + id + "\",{}]");
    world.link.transport_message(std::string(5000, '['));
    world.link.transport_message("");
    EXPECT_TRUE(world.contents.empty());
    world.hear_event(id, world.event("true"));
    EXPECT_EQ(world.contents, std::vector<std::string>{"true"});
    EXPECT_TRUE(world.link.status().connected);
}

TEST(RelayLink, RelayThatOnlyLiesIsHungUpOnAndTriedLessAndLess)
{
    LinkLimits limits;
    limits.lies = 10;
    LinkWorld world(limits);
    world.connect();
    for (int i = 0; i < 9; ++i) world.link.transport_message("garbage");
    EXPECT_TRUE(world.link.status().connected);
    world.link.transport_message("garbage");
    EXPECT_FALSE(world.link.status().connected);
    EXPECT_FALSE(world.transport.is_open);
    EXPECT_FALSE(world.link.status().last_error.empty());
    EXPECT_TRUE(world.link.wakes_at().has_value());
}

TEST(RelayLink, KnownEventIsNotBroughtAgain)
{
    LinkWorld world;
    world.connect();
    const auto known = world.event("known");
    auto subscriber = world.recorder();
    subscriber.knows = [&](const protocol::EventId& id) { return id == known.id; };
    world.link.subscribe(LinkWorld::notes(), Lifetime::live, subscriber);
    const std::string id = world.requested();
    world.hear_event(id, known);
    world.hear_event(id, world.event("new"));
    EXPECT_EQ(world.contents, std::vector<std::string>{"new"});
}

TEST(RelayLink, EndlessAnswerIsCutOff)
{
    LinkLimits limits;
    limits.stored_events = 5;
    LinkWorld world(limits);
    world.connect();
    world.link.subscribe(LinkWorld::notes(), Lifetime::stored, world.recorder());
    const std::string id = world.requested();
    for (int i = 0; i < 20; ++i) world.hear_event(id, world.event("event " + std::to_string(i)));
    EXPECT_EQ(world.contents.size(), 5U);
    ASSERT_EQ(world.refusals.size(), 1U);
    EXPECT_EQ(world.transport.next(), (json{"CLOSE", id}));
}

TEST(RelayLink, ClosedSubscriptionIsRefusedWithTheRelaysWords)
{
    LinkWorld world;
    world.connect();
    world.link.subscribe(LinkWorld::notes(), Lifetime::stored, world.recorder());
    world.hear({"CLOSED", world.requested(), "unsupported: too many kinds"});
    EXPECT_EQ(world.refusals, std::vector<std::string>{"unsupported: too many kinds"});
    EXPECT_EQ(world.completes, 0);
}

TEST(RelayLink, LiveSubscriptionAsksAgainAfterClosedButNotAtOnce)
{
    LinkWorld world;
    world.connect();
    world.link.subscribe(LinkWorld::notes(), Lifetime::live, world.recorder());
    for (int round = 0; round < 3; ++round) {
        const std::string id = world.requested();
        world.hear({"CLOSED", id, "rate-limited: slow down"});
        EXPECT_EQ(world.transport.next(), nullptr);
        const auto before = world.clock.steady();
        while (world.transport.sent.empty()) {
            world.pass(100ms);
            world.link.transport_pong();
            ASSERT_LT(world.clock.steady() - before, 200s);
        }
    }
    EXPECT_EQ(world.refusals.size(), 3U);
}

TEST(RelayLink, LiveSubscriptionComesBackAskingForWhatItMissed)
{
    LinkWorld world;
    world.connect();
    world.link.subscribe(LinkWorld::notes(), Lifetime::live, world.recorder(), 60s);
    auto request = world.transport.next();
    EXPECT_FALSE(request.at(2).contains("since"));
    const std::string first = request.at(1);
    world.hear({"EOSE", first});
    world.pass(30s);
    world.hear_event(first, world.event("live"));
    const auto heard = world.clock.now();
    world.pass(10s);
    world.link.transport_closed("gone");
    EXPECT_EQ(world.losses, std::vector<std::string>{"gone"});
    world.reconnect();
    request = world.transport.next();
    EXPECT_EQ(request.at(0), "REQ");
    EXPECT_NE(request.at(1), first);
    EXPECT_EQ(request.at(2).at("since"), (heard - 60s).count());
    world.hear_event(first, world.event("under the old name"));
    EXPECT_EQ(world.contents, std::vector<std::string>{"live"});
}

TEST(RelayLink, LiveSubscriptionWithoutEoseComesBackAskingForEverything)
{
    LinkWorld world;
    world.connect();
    world.link.subscribe(LinkWorld::notes(), Lifetime::live, world.recorder());
    world.requested();
    world.link.transport_closed("gone");
    world.reconnect();
    EXPECT_FALSE(world.transport.next().at(2).contains("since"));
}

TEST(RelayLink, UnsubscribingInsideACallbackIsAllowed)
{
    LinkWorld world;
    world.connect();
    RelayLink::SubscriptionId id = 0;
    auto subscriber = world.recorder();
    subscriber.on_event = [&](const protocol::Event& event) {
        world.contents.push_back(event.content);
        world.link.unsubscribe(id);
    };
    id = world.link.subscribe(LinkWorld::notes(), Lifetime::live, subscriber);
    const std::string wire = world.requested();
    world.hear_event(wire, world.event("one"));
    world.hear_event(wire, world.event("two"));
    EXPECT_EQ(world.contents, std::vector<std::string>{"one"});
    EXPECT_EQ(world.transport.next(), (json{"CLOSE", wire}));
}

TEST(RelayLink, WaitsBetweenTriesGrowToFiveMinutesAndAreJittered)
{
    LinkWorld world;
    world.link.start();
    Milliseconds longest{0};
    std::set<Milliseconds> waits;
    for (int i = 0; i < 40; ++i) {
        world.link.transport_closed("refused");
        const auto wait = std::chrono::ceil<Milliseconds>(*world.link.wakes_at() - world.clock.steady());
        const std::int64_t ceiling = i < 9 ? 1000LL << i : 300'000;
        EXPECT_GE(wait.count(), 1);
        EXPECT_LE(wait.count(), ceiling);
        longest = std::max(longest, wait);
        waits.insert(wait);
        const int opens = world.transport.opens;
        world.pass(wait - 1ms);
        EXPECT_EQ(world.transport.opens, opens);
        world.pass(1ms);
        EXPECT_EQ(world.transport.opens, opens + 1);
    }
    EXPECT_GT(longest, 100s);
    EXPECT_GT(waits.size(), 30U);
}

TEST(RelayLink, RelayThatAcceptsAndClosesAtOnceIsBackedOffFrom)
{
    LinkWorld world;
    world.link.start();
    Seconds total{0};
    for (int i = 0; i < 30; ++i) {
        world.link.transport_opened();
        world.link.transport_closed("closed at once");
        const auto wait = std::chrono::ceil<Milliseconds>(*world.link.wakes_at() - world.clock.steady());
        total += std::chrono::ceil<Seconds>(wait);
        world.pass(wait);
    }
    EXPECT_GT(total, 1000s);
}

TEST(RelayLink, ConnectionThatHeldResetsTheWait)
{
    LinkWorld world;
    world.link.start();
    for (int i = 0; i < 12; ++i) {
        world.link.transport_closed("refused");
        world.pass(std::chrono::ceil<Milliseconds>(*world.link.wakes_at() - world.clock.steady()));
    }
    world.link.transport_opened();
    for (int i = 0; i < 7; ++i) {
        world.pass(10s);
        world.link.transport_pong();
    }
    world.link.transport_closed("restart");
    EXPECT_LE(*world.link.wakes_at() - world.clock.steady(), 1s);
}

TEST(RelayLink, NewWorkCutsALongWaitShortButNeverHammers)
{
    LinkWorld world;
    world.link.start();
    while (*world.link.wakes_at() - world.clock.steady() < 60s || world.transport.is_open) {
        world.link.transport_closed("refused");
        if (*world.link.wakes_at() - world.clock.steady() >= 60s) break;
        world.pass(std::chrono::ceil<Milliseconds>(*world.link.wakes_at() - world.clock.steady()));
    }
    world.publish("urgent");
    const auto wait = *world.link.wakes_at() - world.clock.steady();
    EXPECT_LE(wait, 10s);
    const int opens = world.transport.opens;
    world.publish("urgent too");
    world.link.on_time();
    EXPECT_EQ(world.transport.opens, opens);
}

TEST(RelayLink, ConnectThatHangsIsGivenUp)
{
    LinkWorld world;
    world.link.start();
    world.pass(19'999ms);
    EXPECT_TRUE(world.transport.is_open);
    world.pass(1ms);
    EXPECT_FALSE(world.transport.is_open);
    EXPECT_FALSE(world.link.status().connected);
    world.link.transport_opened();
    EXPECT_FALSE(world.link.status().connected);
}

TEST(RelayLink, SilentRelayIsPingedAndDroppedWithoutAPong)
{
    LinkWorld world;
    world.connect();
    world.pass(45s);
    EXPECT_EQ(world.transport.pings, 1);
    world.link.transport_pong();
    world.pass(44s);
    EXPECT_EQ(world.transport.pings, 1);
    world.pass(1s);
    EXPECT_EQ(world.transport.pings, 2);
    world.pass(19s);
    EXPECT_TRUE(world.link.status().connected);
    world.pass(1s);
    EXPECT_FALSE(world.link.status().connected);
    EXPECT_EQ(world.link.status().last_error, "no answer to a ping");
}

TEST(RelayLink, RelayThatDoesNotReadIsDropped)
{
    LinkWorld world;
    world.connect();
    world.transport.jammed = true;
    world.publish("stuck");
    EXPECT_FALSE(world.link.status().connected);
    EXPECT_TRUE(world.outcomes.empty());
}

TEST(RelayLink, LosingTheConnectionWhileAskingIsSurvived)
{
    LinkWorld world;
    world.link.start();
    std::vector<RelayLink::SubscriptionId> ids;
    auto subscriber = world.recorder();
    subscriber.on_lost = [&](const std::string& why) {
        world.losses.push_back(why);
        for (const auto id : ids) world.link.unsubscribe(id);
    };
    for (int i = 0; i < 5; ++i) ids.push_back(world.link.subscribe(LinkWorld::notes(), Lifetime::live, subscriber));
    world.transport.jammed = true;
    world.link.transport_opened();
    EXPECT_FALSE(world.link.status().connected);
    EXPECT_EQ(world.losses.size(), 5U);
}

TEST(RelayLink, StopCallsNobody)
{
    LinkWorld world;
    world.connect();
    world.publish("x");
    world.link.subscribe(LinkWorld::notes(), Lifetime::live, world.recorder());
    world.link.stop();
    world.link.transport_closed("late");
    world.hear({"NOTICE", "late"});
    world.pass(1h);
    EXPECT_TRUE(world.outcomes.empty());
    EXPECT_TRUE(world.losses.empty());
    EXPECT_FALSE(world.transport.is_open);
    EXPECT_FALSE(world.link.wakes_at());
}

TEST(RelayLink, RandomMessagesNeitherCrashNorPassForEvents)
{
    LinkLimits limits;
    limits.lies = 1'000'000;
    LinkWorld world(limits);
    world.connect();
    world.link.subscribe(LinkWorld::notes(), Lifetime::live, world.recorder());
    const std::string id = world.requested();
    const auto event = world.event("true");
    const std::string whole = "[\"EVENT\",\"" + id + "\"," + protocol::encode_event(event) + "]";
    SeededRng dice(42);
    for (int i = 0; i < 3000; ++i) {
        std::string text = whole;
        const auto changes = 1 + dice.below(4);
        for (std::uint64_t k = 0; k < changes; ++k) text[dice.below(text.size())] = static_cast<char>(dice.below(256));
        if (dice.below(3) == 0) text.resize(dice.below(text.size()));
        if (text != whole) world.link.transport_message(text);
    }
    for (const auto& content : world.contents) EXPECT_EQ(content, "true"); // a change outside the event is harmless
    EXPECT_TRUE(world.link.status().connected);
}

} // namespace
} // namespace adit::nostr
