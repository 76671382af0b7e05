#include "devnet/relay.h"

#include "devnet/test_clock.h"
#include "fakes/seeded_rng.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace adit::devnet {
namespace {

using nlohmann::json;
using protocol::Event;

class RelayTest : public testing::Test {
protected:
    static constexpr ConnectionId kMe = 1;
    static constexpr ConnectionId kOther = 2;

    RelayTest()
    {
        relay_.opened(kMe);
        relay_.opened(kOther);
    }
    Event event(std::string content = "hello", std::uint32_t kind = 1)
    {
        return protocol::sign_event({clock_.now(), kind, {}, std::move(content)}, key_, rng_);
    }
    static std::string as_message(std::string_view verb, const Event& e)
    {
        return R"([")" + std::string(verb) + R"(",)" + protocol::encode_event(e) + "]";
    }
    /// What `to` is sent, as JSON; "closed" for a close.
    static json sent(const RelayActs& acts, ConnectionId to = kMe)
    {
        json all = json::array();
        for (const RelayAct& act : acts) {
            if (act.to != to) continue;
            all.push_back(act.kind == RelayAct::Kind::close ? json("closed") : json::parse(act.text, nullptr, false));
        }
        return all;
    }
    json say(const std::string& message, ConnectionId from = kMe) { return sent(relay_.received(from, message), from); }
    json publish(const Event& e) { return say(as_message("EVENT", e)); }
    json subscribe() { return say(R"(["REQ","s",{"kinds":[1]}])"); }
    void fault(const std::string& endpoint, FaultAct act, FaultMoment moment = FaultMoment::before,
               std::string message = "")
    {
        Fault f;
        f.endpoint = endpoint;
        f.act = act;
        f.moment = moment;
        f.message = std::move(message);
        f.times = 1;
        faults_.add(f);
    }
    Event auth_event(const std::string& challenge, std::string_view url = "ws://127.0.0.1:7000")
    {
        return protocol::sign_event(protocol::auth_draft(url, challenge, clock_.now()), key_, rng_);
    }

    TestClock clock_;
    fakes::SeededRng rng_;
    Faults faults_;
    protocol::SecretKey key_ = protocol::SecretKey::generate(rng_);
    Relay relay_{clock_, rng_, faults_};
};

TEST_F(RelayTest, APublishedEventIsAcceptedAndServed)
{
    const Event e = event();
    EXPECT_EQ(publish(e), json::array({{"OK", encode_hex(e.id), true, ""}}));
    const json answer = subscribe();
    ASSERT_EQ(answer.size(), 2U);
    EXPECT_EQ(answer[0][0], "EVENT");
    EXPECT_EQ(answer[0][1], "s");
    EXPECT_EQ(answer[0][2], json::parse(protocol::encode_event(e)));
    EXPECT_EQ(answer[1], json::array({"EOSE", "s"}));
    EXPECT_EQ(publish(e)[0][2], true) << "a duplicate is success";
    EXPECT_EQ(publish(e)[0][3].get<std::string>().rfind("duplicate:", 0), 0U);
}

TEST_F(RelayTest, SubscribersHearOfNewEventsUntilTheyClose)
{
    say(R"(["REQ","live",{"kinds":[1],"limit":0}])", kOther);
    const Event first = event("first");
    EXPECT_EQ(sent(relay_.received(kMe, as_message("EVENT", first)), kOther)[0][2]["content"], "first");
    const Event ephemeral = protocol::sign_event({clock_.now(), 20001, {}, ""}, key_, rng_);
    say(R"(["REQ","eph",{"kinds":[20001]}])", kOther);
    EXPECT_EQ(sent(relay_.received(kMe, as_message("EVENT", ephemeral)), kOther).size(), 1U);
    say(R"(["CLOSE","live"])", kOther);
    EXPECT_TRUE(sent(relay_.received(kMe, as_message("EVENT", event("second"))), kOther).empty());
}

TEST_F(RelayTest, ANewRequestOfTheSameNameReplacesTheOld)
{
    say(R"(["REQ","s",{"kinds":[7]}])", kOther);
    say(R"(["REQ","s",{"kinds":[1]}])", kOther);
    EXPECT_EQ(sent(relay_.received(kMe, as_message("EVENT", event())), kOther).size(), 1U);
    EXPECT_TRUE(sent(relay_.received(kMe, as_message("EVENT", event("", 7))), kOther).empty());
}

TEST_F(RelayTest, ABrokenSignatureIsInvalidAndNotStored)
{
    Event e = event();
    e.sig[0] ^= 1;
    const json answer = publish(e);
    EXPECT_EQ(answer[0][2], false);
    EXPECT_EQ(answer[0][3].get<std::string>().rfind("invalid:", 0), 0U);
    EXPECT_EQ(relay_.store().size(), 0U);
}

TEST_F(RelayTest, AnOlderVersionIsToldToBeReplaced)
{
    const Event old = protocol::sign_event({clock_.now(), 10002, {}, "old"}, key_, rng_);
    clock_.advance(Seconds(1));
    publish(protocol::sign_event({clock_.now(), 10002, {}, "new"}, key_, rng_));
    const json answer = publish(old);
    EXPECT_EQ(answer[0][2], false);
    EXPECT_EQ(answer[0][3].get<std::string>().rfind("replaced:", 0), 0U);
}

TEST_F(RelayTest, WhatIsNoMessageGetsANotice)
{
    for (const std::string text : {"", "[]", "{}", R"(["EVENT"])", R"(["EVENT",{}])", R"(["REQ","s"])", R"(["HELLO"])",
                                   "\xff\xfe", R"(["REQ","",{}])"})
        EXPECT_EQ(say(text)[0][0], "NOTICE") << text;
    EXPECT_EQ(say(std::string(100'000, '['))[0][0], "NOTICE");
}

TEST_F(RelayTest, TooManySubscriptionsAreClosed)
{
    for (std::size_t i = 0; i < kMaxSubscriptions; ++i)
        EXPECT_EQ(say(R"(["REQ","n)" + std::to_string(i) + R"(",{"kinds":[1]}])")[0][0], "EOSE");
    EXPECT_EQ(say(R"(["REQ","one more",{"kinds":[1]}])")[0][0], "CLOSED");
    EXPECT_EQ(say(R"(["REQ","n0",{"kinds":[1]}])")[0][0], "EOSE");
}

TEST_F(RelayTest, WithAuthRequiredNothingHappensBeforeAuthentication)
{
    relay_.set_rules({AuthRule::required, AuthRule::required});
    const json greeting = sent(relay_.opened(3), 3);
    ASSERT_EQ(greeting[0][0], "AUTH");
    const std::string challenge = greeting[0][1];
    const Event e = event();
    json refused = say(as_message("EVENT", e), 3);
    EXPECT_EQ(refused[1][2], false);
    EXPECT_EQ(refused[1][3].get<std::string>().rfind("auth-required:", 0), 0U);
    refused = say(R"(["REQ","s",{}])", 3);
    EXPECT_EQ(refused[1][0], "CLOSED");
    EXPECT_EQ(say(R"(["COUNT","s",{}])", 3)[0][0], "CLOSED");

    EXPECT_EQ(say(as_message("AUTH", auth_event("wrong")), 3)[0][2], false);
    EXPECT_EQ(say(as_message("AUTH", auth_event(challenge, "wss://elsewhere.example")), 3)[0][2], false);
    const Event proof = auth_event(challenge);
    EXPECT_EQ(say(as_message("AUTH", proof), 3), json::array({{"OK", encode_hex(proof.id), true, ""}}));
    EXPECT_EQ(say(as_message("EVENT", e), 3)[0][2], true);
    EXPECT_EQ(say(R"(["REQ","s",{}])", 3).size(), 2U);
    EXPECT_EQ(say(R"(["COUNT","s",{}])", 3)[0][2]["count"], 1);
}

TEST_F(RelayTest, ReadingMayBeOpenWhileWritingIsNot)
{
    relay_.set_rules({AuthRule::open, AuthRule::required});
    EXPECT_EQ(subscribe()[0][0], "EOSE");
    EXPECT_EQ(publish(event())[1][2], false);
}

TEST_F(RelayTest, TheInformationDocumentIsHonest)
{
    const json document = json::parse(relay_.information());
    EXPECT_EQ(document["supported_nips"], json::parse("[1,9,11,40,42,45]"));
    EXPECT_EQ(document["limitation"]["auth_required"], false);
    relay_.set_rules({AuthRule::open, AuthRule::required});
    EXPECT_EQ(json::parse(relay_.information())["limitation"]["auth_required"], true);
}

TEST_F(RelayTest, ADroppedPublishIsStoredOnlyWhenDroppedAfter)
{
    fault("relay.event", FaultAct::drop, FaultMoment::before);
    EXPECT_EQ(publish(event("a")), json::array({"closed"}));
    EXPECT_EQ(relay_.store().size(), 0U);
    fault("relay.event", FaultAct::drop, FaultMoment::after);
    EXPECT_EQ(publish(event("b")), json::array({"closed"}));
    EXPECT_EQ(relay_.store().size(), 1U);
    EXPECT_EQ(publish(event("c"))[0][2], true) << "the faults are used up";
}

TEST_F(RelayTest, AHangingRelayAnswersNothing)
{
    fault("relay.event", FaultAct::hang);
    EXPECT_TRUE(publish(event()).empty());
    fault("relay.req", FaultAct::hang);
    EXPECT_TRUE(subscribe().empty());
    fault("relay.connect", FaultAct::hang);
    EXPECT_TRUE(relay_.opened(9).empty());
    EXPECT_TRUE(say(R"(["REQ","s",{}])", 9).empty());
    EXPECT_TRUE(say("not json", 9).empty());
}

TEST_F(RelayTest, ALyingRelaySendsWhatDoesNotVerifyOrWasNotAskedFor)
{
    publish(event());
    fault("relay.req", FaultAct::lie_bad_signature);
    const json forged = subscribe();
    ASSERT_EQ(forged[0][0], "EVENT");
    EXPECT_FALSE(protocol::verify(protocol::parse_event(forged[0][2]).value()));

    fault("relay.req", FaultAct::lie_other_event);
    const json other = say(R"(["REQ","s",{"kinds":[30402]}])");
    ASSERT_EQ(other[0][0], "EVENT");
    const Event invented = protocol::parse_event(other[0][2]).value();
    EXPECT_TRUE(protocol::verify(invented));
    EXPECT_NE(invented.kind, 30402U);

    const Event e = event("x");
    fault("relay.event", FaultAct::lie_other_event);
    EXPECT_NE(publish(e)[0][1], encode_hex(e.id));
}

TEST_F(RelayTest, ARefusalSaysWhatItWasToldTo)
{
    const Event e = event();
    fault("relay.event", FaultAct::reject, FaultMoment::before, "blocked: not you");
    EXPECT_EQ(publish(e), json::array({{"OK", encode_hex(e.id), false, "blocked: not you"}}));
    fault("relay.req", FaultAct::reject, FaultMoment::before, "error: no");
    EXPECT_EQ(subscribe(), json::array({{"CLOSED", "s", "error: no"}}));
    fault("relay.event", FaultAct::require_auth);
    EXPECT_EQ(publish(e)[1][3].get<std::string>().rfind("auth-required:", 0), 0U);
}

TEST_F(RelayTest, GarbageAndHalfAnswersAreNotJson)
{
    fault("relay.req", FaultAct::not_json);
    EXPECT_TRUE(subscribe()[0].is_discarded());
    fault("relay.req", FaultAct::cut);
    const json cut = subscribe();
    EXPECT_TRUE(cut[0].is_discarded());
    EXPECT_EQ(cut[1], "closed");
}

TEST_F(RelayTest, LatencyIsAskedOfTheSocket)
{
    Fault slow;
    slow.endpoint = "relay.*";
    slow.latency = Milliseconds(250);
    faults_.add(slow);
    const RelayActs acts = relay_.received(kMe, as_message("EVENT", event()));
    ASSERT_EQ(acts.size(), 1U);
    EXPECT_EQ(acts[0].latency, Milliseconds(250));
}

} // namespace
} // namespace adit::devnet
