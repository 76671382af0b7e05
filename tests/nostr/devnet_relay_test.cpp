// The pool against a whole relay: what is published can be read back, and a relay's restart, AUTH and lies are borne.
#include "devnet/world.h"
#include "pool_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace adit::nostr {
namespace {

using testing::UnorderedElementsAre;

struct DevnetWorld : PoolWorld {
    std::unique_ptr<devnet::World> devnet = devnet::World::start({}).value();

    std::vector<std::string> contents(const FetchResult& result)
    {
        std::vector<std::string> out;
        for (const auto& event : result.events) out.push_back(event.content);
        return out;
    }
    /// The answer of the first relay that tells one.
    PublishOutcome publish(RelayPool& pool, const protocol::Event& event, Milliseconds deadline = 10s)
    {
        auto outcome = std::make_shared<std::promise<PublishOutcome>>(); // shared with the callback
        pool.publish(event, deadline, [outcome](const std::string&, PublishOutcome told) { outcome->set_value(told); });
        return outcome->get_future().get();
    }
    protocol::Event listing(std::string content, UnixSeconds at)
    {
        return protocol::sign_event({at, 30402, {{"d", "one"}}, std::move(content)}, author, system_rng());
    }
};

TEST(DevnetRelay, KeepsWhatIsPublishedAndGivesItBack)
{
    DevnetWorld world;
    const auto pool = world.pool({world.devnet->relay_url()});
    EXPECT_EQ(world.publish(*pool, world.event("a")).answer, Answer::accepted);
    const auto twice = world.event("b");
    EXPECT_EQ(world.publish(*pool, twice).answer, Answer::accepted);
    EXPECT_EQ(world.publish(*pool, twice).answer, Answer::accepted); // duplicate
    const auto result = pool->fetch(PoolWorld::notes(), 10s);
    EXPECT_TRUE(result.complete());
    EXPECT_THAT(world.contents(result), UnorderedElementsAre("a", "b"));
}

TEST(DevnetRelay, OlderVersionOfAListingIsToldApart)
{
    DevnetWorld world;
    const auto pool = world.pool({world.devnet->relay_url()});
    const UnixSeconds now = system_clock().now();
    EXPECT_EQ(world.publish(*pool, world.listing("new", now)).answer, Answer::accepted);
    const auto older = world.publish(*pool, world.listing("old", now - 60s));
    EXPECT_EQ(older.answer, Answer::rejected);
    EXPECT_FALSE(older.message.empty());
    protocol::Filter filter;
    filter.kinds = std::vector<std::uint32_t>{30402};
    EXPECT_THAT(world.contents(pool->fetch({filter}, 10s)), UnorderedElementsAre("new"));
}

TEST(DevnetRelay, LiveSubscriptionGoesOnAfterTheRelayDroppedEverybody)
{
    DevnetWorld world;
    const auto pool = world.pool({world.devnet->relay_url()}, {.limits = PoolWorld::quick()});
    Mailbox<std::string> got;
    pool->subscribe(PoolWorld::notes(), [&](const protocol::Event& event) { got.put(event.content); });
    world.publish(*pool, world.event("before"));
    EXPECT_THAT(got.wait_for(1), UnorderedElementsAre("before"));
    world.devnet->drop_relay_connections();
    world.devnet->publish(world.event("meanwhile"));
    EXPECT_THAT(got.wait_for(2), UnorderedElementsAre("before", "meanwhile"));
    EXPECT_EQ(world.publish(*pool, world.event("after")).answer, Answer::accepted);
    EXPECT_THAT(got.wait_for(3), UnorderedElementsAre("before", "meanwhile", "after"));
}

TEST(DevnetRelay, MembersOnlyRelayIsEnteredWithAKeyAndClosedWithoutOne)
{
    DevnetWorld world;
    world.devnet->set_relay_rules({devnet::AuthRule::required, devnet::AuthRule::required});
    const auto stranger = world.pool({world.devnet->relay_url()});
    EXPECT_EQ(world.publish(*stranger, world.event("x")).answer, Answer::rejected);
    EXPECT_EQ(stranger->fetch(PoolWorld::notes(), 10s).relays[0].coverage, Coverage::refused);

    const auto member = world.pool({world.devnet->relay_url()}, {.auth_key = world.author.duplicate()});
    EXPECT_EQ(world.publish(*member, world.event("y")).answer, Answer::accepted);
    const auto result = member->fetch(PoolWorld::notes(), 10s);
    EXPECT_TRUE(result.complete()) << result.relays[0].message;
    EXPECT_THAT(world.contents(result), UnorderedElementsAre("y"));
}

TEST(DevnetRelay, FaultyRelayBesideAGoodOneCostsNothingButItsOwnAnswer)
{
    DevnetWorld world;
    const auto good = devnet::World::start({}).value();
    world.devnet->publish([&] {
        auto forged = world.event("forged");
        forged.sig[3] ^= 1U;
        return forged;
    }());
    const auto pool = world.pool({world.devnet->relay_url(), good->relay_url()}, {.limits = PoolWorld::quick()});
    EXPECT_TRUE(pool->fetch(PoolWorld::notes(), 10s).events.empty());
    for (const auto act : {devnet::FaultAct::lie_bad_signature, devnet::FaultAct::lie_other_event,
                           devnet::FaultAct::hang, devnet::FaultAct::drop, devnet::FaultAct::cut}) {
        world.devnet->faults().clear();
        devnet::Fault fault;
        fault.endpoint = "relay.*";
        fault.act = act;
        world.devnet->faults().add(fault);
        Mailbox<std::string> accepted;
        const auto event = world.event(std::to_string(static_cast<int>(act)));
        EXPECT_LT(took([&] {
                      pool->publish(event, 500ms, [&](const std::string& relay, const PublishOutcome& outcome) {
                          if (outcome.answer == Answer::accepted)
                              accepted.put(relay);
                          else
                              accepted.put("not " + relay);
                      });
                      while (!testing::Value(accepted.wait_for(1), testing::Contains(good->relay_url())) &&
                             accepted.size() < 2)
                          std::this_thread::yield();
                  }),
                  1500ms);
        EXPECT_THAT(accepted.wait_for(2), testing::Contains(good->relay_url()));
        protocol::Filter filter;
        filter.ids = std::vector<protocol::EventId>{event.id};
        const auto result = pool->fetch({filter}, 500ms);
        EXPECT_EQ(result.relays[1].coverage, Coverage::complete);
        ASSERT_EQ(result.events.size(), 1U);
        EXPECT_EQ(result.events[0].content, event.content);
        EXPECT_LT(world.loop.delay(), 500ms);
    }
}

} // namespace
} // namespace adit::nostr
