// Relays outside of the pool's set, over real sockets: told something, and left again.
#include "pool_world.h"
#include "scripted_relay.h"

#include <gtest/gtest.h>

namespace adit::nostr {
namespace {

using Session = ScriptedRelay::Session;

RelayUrl url_of(const std::string& text) { return parse_relay_url(text).value(); }

bool eventually(const std::function<bool()>& condition)
{
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

TEST(RelayVisit, AnEventIsDeliveredAndTheConnectionEnds)
{
    PoolWorld world;
    std::atomic<int> got{0};
    ScriptedRelay inbox({.on_text = [&](Session& session, const std::string& text) {
        ++got;
        honest()(session, text);
    }});
    const auto pool = world.pool({});
    Mailbox<Told> told;
    for (int round = 1; round <= 2; ++round) {
        pool->deliver(url_of(inbox.url()), Reach::anywhere, world.event("x" + std::to_string(round)), 10s,
                      [&](const std::string& relay, PublishOutcome outcome) {
                          told.put({relay, std::move(outcome)});
                      });
        const auto answers = told.wait_for(static_cast<std::size_t>(round));
        ASSERT_EQ(answers.size(), static_cast<std::size_t>(round));
        EXPECT_EQ(answers.back().relay, inbox.url());
        EXPECT_EQ(answers.back().outcome.answer, Answer::accepted) << answers.back().outcome.message;
        world.loop.delay();
    }
    EXPECT_EQ(got, 2);
    EXPECT_EQ(inbox.connections(), 2) << "the first connection was kept";
    EXPECT_TRUE(pool->status().empty()) << "a visited relay is none of the set";
}

TEST(RelayVisit, ADeadRelayIsGivenUpAtTheDeadlineAndHurtsNobody)
{
    PoolWorld world;
    const std::string dead = [] { return ScriptedRelay({}).url(); }();
    ScriptedRelay good({.on_text = honest()});
    const auto pool = world.pool({good.url()}, {.limits = PoolWorld::quick()});
    Mailbox<Told> told;
    const auto put = [&](const std::string& relay, PublishOutcome outcome) { told.put({relay, std::move(outcome)}); };
    const auto event = world.event("x");
    pool->deliver(url_of(dead), Reach::anywhere, event, 1s, put);
    pool->publish(event, 1s, put);
    const auto answers = told.wait_for(2);
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(answers[0].relay, good.url()) << "the good one waited";
    EXPECT_EQ(answers[0].outcome.answer, Answer::accepted);
    EXPECT_EQ(answers[1].outcome.answer, Answer::no_answer);
}

TEST(RelayVisit, APrivateAddressIsNotConnectedToWhereOnlyPublicOnesMayBe)
{
    PoolWorld world;
    ScriptedRelay inside({.on_text = honest()});
    PoolOptions options{.limits = PoolWorld::quick()};
    options.resolve = [](const std::string&) -> Result<std::vector<std::string>> {
        return std::vector<std::string>{"127.0.0.1", "::1"};
    };
    const auto pool = world.pool({}, std::move(options));
    Mailbox<Told> told;
    const auto put = [&](const std::string& relay, PublishOutcome outcome) { told.put({relay, std::move(outcome)}); };
    // Named by its number, and by a name that leads there.
    pool->deliver(url_of(inside.url()), Reach::public_only, world.event("x"), 500ms, put);
    pool->deliver(url_of("ws://relay.example:" + std::to_string(inside.port())), Reach::public_only, world.event("y"),
                  500ms, put);
    for (const Told& each : told.wait_for(2)) EXPECT_EQ(each.outcome.answer, Answer::no_answer) << each.relay;
    EXPECT_EQ(told.size(), 2U);
    EXPECT_EQ(inside.connections(), 0);
}

TEST(RelayVisit, ARelayOfTheSetIsNotConnectedToTwice)
{
    PoolWorld world;
    ScriptedRelay own({.on_text = honest()});
    const auto pool = world.pool({own.url()});
    Mailbox<Told> told;
    pool->deliver(url_of(own.url() + "/"), Reach::public_only, world.event("x"), 10s,
                  [&](const std::string& relay, PublishOutcome outcome) {
                      told.put({relay, std::move(outcome)});
                  });
    const auto answers = told.wait_for(1);
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].outcome.answer, Answer::accepted);
    EXPECT_EQ(own.connections(), 1);
}

TEST(RelayVisit, TooManyAtOnceAreRefusedAndThereIsRoomAgainAfterwards)
{
    PoolWorld world;
    std::vector<std::unique_ptr<ScriptedRelay>> mute;
    for (int i = 0; i < 17; ++i) mute.push_back(std::make_unique<ScriptedRelay>(ScriptedRelay::Script{}));
    ScriptedRelay good({.on_text = honest()});
    const auto pool = world.pool({});
    Mailbox<Told> told;
    const auto put = [&](const std::string& relay, PublishOutcome outcome) { told.put({relay, std::move(outcome)}); };
    for (const auto& relay : mute) pool->deliver(url_of(relay->url()), Reach::anywhere, world.event("x"), 1s, put);
    const auto first = told.wait_for(1);
    ASSERT_FALSE(first.empty());
    EXPECT_EQ(first[0].relay, mute.back()->url());
    EXPECT_NE(first[0].outcome.message.find("too many"), std::string::npos);
    ASSERT_EQ(told.wait_for(17).size(), 17U);
    Mailbox<Told> later;
    EXPECT_TRUE(eventually([&] {
        const std::size_t before = later.size();
        pool->deliver(url_of(good.url()), Reach::anywhere, world.event("y"), 10s,
                      [&](const std::string& relay, PublishOutcome outcome) {
                          later.put({relay, std::move(outcome)});
                      });
        return later.wait_for(before + 1).back().outcome.answer == Answer::accepted;
    }));
}

TEST(RelayVisit, TheEndOfThePoolEndsVisitsWithoutAWord)
{
    PoolWorld world;
    ScriptedRelay mute({});
    auto pool = world.pool({});
    std::atomic<int> called{0};
    pool->deliver(url_of(mute.url()), Reach::anywhere, world.event("x"), 200ms,
                  [&](const std::string&, const PublishOutcome&) { ++called; });
    ASSERT_TRUE(eventually([&] { return mute.connections() == 1; }));
    pool->stop();
    pool.reset();
    world.loop.delay();
    EXPECT_EQ(called, 0);
}

} // namespace
} // namespace adit::nostr
