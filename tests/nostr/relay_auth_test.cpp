// NIP-42 as the link does it: only when asked, once per challenge, never in circles.
#include "link_world.h"

#include <gtest/gtest.h>

namespace adit::nostr {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

protocol::Event sent_auth(LinkWorld& world)
{
    const auto message = world.transport.next();
    CHECK(message.is_array() && message.at(0) == "AUTH");
    return protocol::parse_event(message.at(1).dump()).value();
}

TEST(RelayAuth, ChallengeAloneIsNotAnswered)
{
    LinkWorld world;
    world.connect();
    world.hear({"AUTH", "challenge"});
    EXPECT_EQ(world.transport.next(), nullptr);
}

TEST(RelayAuth, EventIsRepeatedAfterTheOkToAuth)
{
    LinkWorld world;
    world.connect();
    world.hear({"AUTH", "old"});
    world.hear({"AUTH", "last"});
    const auto event = world.publish("members only");
    world.transport.next();
    world.hear({"OK", encode_hex(event.id), false, "auth-required: who are you"});
    const auto auth = sent_auth(world);
    EXPECT_TRUE(protocol::verify(auth));
    EXPECT_EQ(auth.pubkey, world.key.public_key());
    EXPECT_TRUE(protocol::check_auth(auth, "last", "relay.example", world.clock.now()));
    EXPECT_EQ(world.transport.next(), nullptr);
    world.hear({"OK", encode_hex(auth.id), true, ""});
    EXPECT_EQ(world.transport.next().at(1).at("id"), encode_hex(event.id));
    world.hear({"OK", encode_hex(event.id), true, ""});
    ASSERT_EQ(world.outcomes.size(), 1U);
    EXPECT_EQ(world.outcomes[0].answer, Answer::accepted);
}

TEST(RelayAuth, RequestIsRepeatedAfterTheOkToAuth)
{
    LinkWorld world;
    world.connect();
    world.hear({"AUTH", "c"});
    world.link.subscribe(LinkWorld::notes(), Lifetime::stored, world.recorder());
    world.hear({"CLOSED", world.requested(), "auth-required: members"});
    const auto auth = sent_auth(world);
    EXPECT_TRUE(world.refusals.empty());
    world.hear({"OK", encode_hex(auth.id), true, ""});
    const std::string id = world.requested();
    world.hear({"EOSE", id});
    EXPECT_EQ(world.completes, 1);
}

TEST(RelayAuth, ChallengeThatComesAfterTheRefusalIsStillAnswered)
{
    LinkWorld world;
    world.connect();
    const auto event = world.publish("early");
    world.transport.next();
    world.hear({"OK", encode_hex(event.id), false, "auth-required: wait for it"});
    EXPECT_EQ(world.transport.next(), nullptr);
    world.hear({"AUTH", "c"});
    const auto auth = sent_auth(world);
    world.hear({"OK", encode_hex(auth.id), true, ""});
    EXPECT_EQ(world.transport.next().at(0), "EVENT");
}

TEST(RelayAuth, OneAuthServesAllThatWait)
{
    LinkWorld world;
    world.connect();
    world.hear({"AUTH", "c"});
    const auto a = world.publish("a");
    const auto b = world.publish("b");
    world.transport.sent.clear();
    world.hear({"OK", encode_hex(a.id), false, "auth-required: x"});
    const auto auth = sent_auth(world);
    world.hear({"OK", encode_hex(b.id), false, "auth-required: x"});
    EXPECT_EQ(world.transport.next(), nullptr);
    world.hear({"OK", encode_hex(auth.id), true, ""});
    EXPECT_EQ(world.transport.next().at(1).at("content"), "a");
    EXPECT_EQ(world.transport.next().at(1).at("content"), "b");
}

TEST(RelayAuth, RestrictedIsARefusalAndNotAnInvitation)
{
    LinkWorld world;
    world.connect();
    world.hear({"AUTH", "c"});
    const auto event = world.publish("x");
    world.transport.next();
    world.hear({"OK", encode_hex(event.id), false, "auth-required: x"});
    const auto auth = sent_auth(world);
    world.hear({"OK", encode_hex(auth.id), true, ""});
    world.transport.next();
    world.hear({"OK", encode_hex(event.id), false, "restricted: not you"});
    ASSERT_EQ(world.outcomes.size(), 1U);
    EXPECT_EQ(world.outcomes[0].answer, Answer::rejected);
    EXPECT_EQ(world.outcomes[0].message, "restricted: not you");
    EXPECT_EQ(world.transport.next(), nullptr);
}

TEST(RelayAuth, AuthRequiredAfterAuthIsNotAskedAgain)
{
    LinkWorld world;
    world.connect();
    world.hear({"AUTH", "c"});
    const auto event = world.publish("x");
    world.transport.next();
    world.hear({"OK", encode_hex(event.id), false, "auth-required: x"});
    world.hear({"OK", encode_hex(sent_auth(world).id), true, ""});
    EXPECT_EQ(world.transport.next().at(0), "EVENT");
    world.hear({"OK", encode_hex(event.id), false, "auth-required: still"});
    ASSERT_EQ(world.outcomes.size(), 1U);
    EXPECT_EQ(world.outcomes[0].answer, Answer::rejected);
    EXPECT_EQ(world.transport.next(), nullptr);
}

TEST(RelayAuth, RefusedAuthRejectsWhatWaits)
{
    LinkWorld world;
    world.connect();
    world.hear({"AUTH", "c"});
    const auto event = world.publish("x");
    world.link.subscribe(LinkWorld::notes(), Lifetime::stored, world.recorder());
    world.transport.next();
    const std::string id = world.requested();
    world.hear({"CLOSED", id, "auth-required: x"});
    world.hear({"OK", encode_hex(event.id), false, "auth-required: x"});
    world.hear({"OK", encode_hex(sent_auth(world).id), false, "restricted: go away"});
    ASSERT_EQ(world.outcomes.size(), 1U);
    EXPECT_EQ(world.outcomes[0].answer, Answer::rejected);
    EXPECT_EQ(world.refusals, std::vector<std::string>{"restricted: go away"});
    const auto again = world.publish("y");
    world.transport.next();
    world.hear({"OK", encode_hex(again.id), false, "auth-required: x"});
    EXPECT_EQ(world.outcomes.size(), 2U);
    EXPECT_EQ(world.transport.next(), nullptr);
}

TEST(RelayAuth, UnansweredAuthIsGivenUp)
{
    LinkWorld world;
    world.connect();
    world.hear({"AUTH", "c"});
    const auto event = world.publish("x", 60s);
    world.transport.next();
    world.hear({"OK", encode_hex(event.id), false, "auth-required: x"});
    sent_auth(world);
    world.pass(15s);
    ASSERT_EQ(world.outcomes.size(), 1U);
    EXPECT_EQ(world.outcomes[0].answer, Answer::rejected);
}

TEST(RelayAuth, WithoutAKeyAuthRequiredIsARejection)
{
    LinkWorld world({}, false);
    world.connect();
    world.hear({"AUTH", "c"});
    const auto event = world.publish("x");
    world.transport.next();
    world.hear({"OK", encode_hex(event.id), false, "auth-required: x"});
    ASSERT_EQ(world.outcomes.size(), 1U);
    EXPECT_EQ(world.outcomes[0].answer, Answer::rejected);
    EXPECT_EQ(world.transport.next(), nullptr);
}

TEST(RelayAuth, RelayThatChangesItsChallengeForEverIsGivenUpOn)
{
    LinkWorld world;
    world.connect();
    world.publish("x", 1h);
    int auths = 0;
    for (int i = 0; i < 100 && world.outcomes.empty(); ++i) {
        world.hear({"AUTH", "challenge " + std::to_string(i)});
        while (!world.transport.sent.empty()) {
            const auto message = world.transport.next();
            const std::string id = message.at(1).at("id");
            const bool is_auth = message.at(0) == "AUTH";
            auths += is_auth ? 1 : 0;
            if (!is_auth) world.hear({"OK", id, false, "auth-required: x"});
        }
    }
    EXPECT_EQ(auths, 8);
    ASSERT_EQ(world.outcomes.size(), 1U);
    EXPECT_EQ(world.outcomes[0].answer, Answer::rejected);
}

TEST(RelayAuth, NewConnectionStartsWithoutTheOldChallenge)
{
    LinkWorld world;
    world.connect();
    world.hear({"AUTH", "old"});
    world.link.transport_closed("gone");
    world.reconnect();
    const auto event = world.publish("x");
    world.transport.next();
    world.hear({"OK", encode_hex(event.id), false, "auth-required: x"});
    EXPECT_EQ(world.transport.next(), nullptr);
    world.hear({"AUTH", "new"});
    EXPECT_TRUE(protocol::check_auth(sent_auth(world), "new", "relay.example", world.clock.now()));
}

TEST(RelayAuth, UselessChallengesAreIgnored)
{
    LinkWorld world;
    world.connect();
    world.hear({"AUTH", ""});
    world.hear({"AUTH", std::string(2000, 'c')});
    const auto event = world.publish("x");
    world.transport.next();
    world.hear({"OK", encode_hex(event.id), false, "auth-required: x"});
    EXPECT_EQ(world.transport.next(), nullptr);
}

} // namespace
} // namespace adit::nostr
