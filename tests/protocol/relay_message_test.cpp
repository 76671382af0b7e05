#include "protocol/relay_message.h"

#include "nostr_testing.h"
#include "protocol/constants.h"

namespace adit::protocol {
namespace {

constexpr UnixSeconds kMessageNow{1700000000};

Event note(std::string content = "hello")
{
    return make_event({.created_at = kMessageNow, .kind = 1, .tags = {{"t", "x"}}, .content = std::move(content)});
}

template<typename T, typename Variant>
T message_as(Result<Variant> message)
{
    EXPECT_TRUE(message.has_value()) << (message ? "" : message.error().detail);
    T* const found = message ? std::get_if<T>(&message.value()) : nullptr;
    EXPECT_NE(found, nullptr);
    CHECK(found != nullptr);
    return std::move(*found);
}

TEST(RelayMessage, WhatAClientSaysIsReadBackTheSame)
{
    const Filter filter{.kinds = {{30402}}, .limit = 5};
    EXPECT_EQ(message_as<to_relay::Publish>(parse_to_relay(encode(to_relay::Publish{note()}))).event.id, note().id);
    EXPECT_EQ(message_as<to_relay::Auth>(parse_to_relay(encode(to_relay::Auth{note()}))).event.id, note().id);
    EXPECT_EQ(message_as<to_relay::Close>(parse_to_relay(encode(to_relay::Close{"s\"1"}))).subscription, "s\"1");
    EXPECT_EQ(encode(to_relay::Close{"s"}), R"(["CLOSE","s"])");
    EXPECT_EQ(encode(to_relay::Request{"s", {filter, {}}}), R"(["REQ","s",{"kinds":[30402],"limit":5},{}])");
    const auto request = message_as<to_relay::Request>(parse_to_relay(encode(to_relay::Request{"s", {filter, {}}})));
    EXPECT_EQ(request.subscription, "s");
    ASSERT_EQ(request.filters.size(), 2U);
    EXPECT_EQ(request.filters[0].kinds, filter.kinds);
    EXPECT_FALSE(request.filters[1].kinds);
    EXPECT_EQ(message_as<to_relay::Count>(parse_to_relay(encode(to_relay::Count{"c", {filter}}))).subscription, "c");
}

TEST(RelayMessage, WhatARelaySaysIsReadBackTheSame)
{
    const auto match = message_as<from_relay::Match>(parse_from_relay(encode(from_relay::Match{"s", note()})));
    EXPECT_EQ(match.subscription, "s");
    EXPECT_TRUE(verify(match.event));
    EXPECT_EQ(message_as<from_relay::EndOfStored>(parse_from_relay(R"(["EOSE","s"])")).subscription, "s");
    const auto ok =
        message_as<from_relay::Ok>(parse_from_relay(encode(from_relay::Ok{EventId{1}, false, "blocked: \"no\""})));
    EXPECT_EQ(ok.id, EventId{1});
    EXPECT_FALSE(ok.accepted);
    EXPECT_EQ(ok.message, "blocked: \"no\"");
    const auto closed = message_as<from_relay::Closed>(parse_from_relay(encode(from_relay::Closed{"s", "error: x"})));
    EXPECT_EQ(closed.message, "error: x");
    EXPECT_EQ(message_as<from_relay::Notice>(parse_from_relay(encode(from_relay::Notice{"n\n"}))).text, "n\n");
    EXPECT_EQ(message_as<from_relay::Auth>(parse_from_relay(encode(from_relay::Auth{"c"}))).challenge, "c");
    EXPECT_EQ(message_as<from_relay::Count>(parse_from_relay(encode(from_relay::Count{"s", 7}))).count, 7U);
    EXPECT_EQ(encode(from_relay::EndOfStored{"s"}), R"(["EOSE","s"])");
    EXPECT_EQ(encode(from_relay::Ok{EventId{}, true, ""}), R"(["OK",")" + std::string(64, '0') + R"(",true,""])");
}

TEST(RelayMessage, WhatCarelessRelaysLeaveOutOrAddIsTolerated)
{
    EXPECT_EQ(message_as<from_relay::Ok>(parse_from_relay("[\"OK\",\"" + std::string(64, '0') + "\",true]")).message,
              "");
    EXPECT_EQ(message_as<from_relay::Closed>(parse_from_relay(R"(["CLOSED","s"])")).message, "");
    EXPECT_EQ(message_as<from_relay::EndOfStored>(parse_from_relay(R"([ "EOSE" , "s", "more" ])")).subscription, "s");
}

TEST(RelayMessage, MalformedMessagesAreRefusedByBothReaders)
{
    const std::string id(64, '0');
    for (const std::string& text : std::vector<std::string>{"",
                                                            "x",
                                                            "{}",
                                                            "[]",
                                                            "[1]",
                                                            "[null,\"s\"]",
                                                            "\"EVENT\"",
                                                            R"(["event",{}])",
                                                            R"(["NOPE"])",
                                                            R"(["EVENT"])",
                                                            R"(["EVENT",{}])",
                                                            R"(["EVENT","s"])",
                                                            R"(["EVENT","s",{}])",
                                                            R"(["REQ"])",
                                                            R"(["REQ","s"])",
                                                            R"(["REQ","",{}])",
                                                            R"(["REQ",5,{}])",
                                                            R"(["REQ","s",[]])",
                                                            R"(["REQ","s",{"kinds":["x"]}])",
                                                            "[\"REQ\",\"" + std::string(65, 's') + "\",{}]",
                                                            R"(["CLOSE"])",
                                                            R"(["CLOSE",""])",
                                                            R"(["CLOSE",null])",
                                                            R"(["AUTH"])",
                                                            R"(["AUTH",5])",
                                                            R"(["EOSE"])",
                                                            R"(["EOSE",1])",
                                                            R"(["OK"])",
                                                            R"(["OK","00",true,""])",
                                                            "[\"OK\",\"" + id + "\"]",
                                                            "[\"OK\",\"" + id + "\",\"true\",\"\"]",
                                                            "[\"OK\",\"" + id + "\",true,5]",
                                                            R"(["CLOSED"])",
                                                            R"(["CLOSED","s",5])",
                                                            R"(["NOTICE"])",
                                                            R"(["NOTICE",{}])",
                                                            R"(["COUNT","s"])",
                                                            R"(["COUNT","s",{"count":-1}])",
                                                            R"(["COUNT","s",{"count":"1"}])",
                                                            R"(["COUNT","s",5])"}) {
        expect_reason(parse_from_relay(text), Reason::bad_encoding);
        if (text != R"(["COUNT","s",{"count":-1}])" && text != R"(["COUNT","s",{"count":"1"}])")
            expect_reason(parse_to_relay(text), Reason::bad_encoding);
    }
}

TEST(RelayMessage, OversizedAndDeepMessagesAreRefused)
{
    const std::string big = encode(to_relay::Publish{note(std::string(kMaxRelayMessage, 'a'))});
    expect_reason(parse_to_relay(big), Reason::bad_encoding);
    EXPECT_TRUE(parse_to_relay(encode(to_relay::Publish{note(std::string(kMaxRelayMessage / 2, 'a'))})));
    expect_reason(parse_to_relay("[\"REQ\",\"s\"," + std::string(500000, '[')), Reason::bad_encoding);
    std::string many = R"(["REQ","s")";
    for (std::size_t i = 0; i <= kMaxFilters; ++i) many += ",{}";
    expect_reason(parse_to_relay(many + "]"), Reason::bad_encoding);
    EXPECT_TRUE(parse_to_relay(many.substr(0, many.size() - 3) + "]"));
}

TEST(RelayMessage, AMessageCutShortOrChangedNeverBecomesAnotherEvent)
{
    fakes::SeededRng rng(5);
    const std::string good = encode(from_relay::Match{"s", note()});
    for (std::size_t i = 0; i < good.size(); ++i)
        expect_reason(parse_from_relay(good.substr(0, i)), Reason::bad_encoding);
    for (int i = 0; i < 500; ++i) {
        std::string changed = good;
        changed[rng.below(changed.size())] = static_cast<char>(rng.below(256));
        const auto message = parse_from_relay(changed);
        const auto* const match = message ? std::get_if<from_relay::Match>(&*message) : nullptr;
        if (match != nullptr && verify(match->event)) {
            EXPECT_EQ(match->event.id, note().id);
        }
    }
}

TEST(RelayMessage, PrefixesAreTheWordsOfNip01And42)
{
    EXPECT_EQ(relay_prefix("duplicate: already have this event"), RelayPrefix::duplicate);
    EXPECT_EQ(relay_prefix("rate-limited: slow down"), RelayPrefix::rate_limited);
    EXPECT_EQ(relay_prefix("auth-required:"), RelayPrefix::auth_required);
    EXPECT_EQ(relay_prefix("restricted: x"), RelayPrefix::restricted);
    EXPECT_EQ(relay_prefix("replaced: have newer event"), RelayPrefix::replaced);
    EXPECT_EQ(relay_prefix("shadow: x"), RelayPrefix::unknown);
    EXPECT_EQ(relay_prefix(""), RelayPrefix::none);
    EXPECT_EQ(relay_prefix("duplicate"), RelayPrefix::none);
    EXPECT_EQ(relay_prefix("we say: no"), RelayPrefix::none);
    EXPECT_EQ(relay_prefix(": x"), RelayPrefix::none);
}

TEST(RelayMessage, TheAnswerToAChallengeIsTakenByTheRelayThatGaveIt)
{
    const Event event = make_event(auth_draft("wss://Relay.Example:443/", "challenge", kMessageNow));
    EXPECT_TRUE(check_auth(event, "challenge", "relay.example", kMessageNow));
    EXPECT_TRUE(check_auth(event, "challenge", "relay.example", kMessageNow + Seconds(600)));
    expect_reason(check_auth(event, "challenge", "relay.example", kMessageNow + Seconds(601)), Reason::expired_auth);
    expect_reason(check_auth(event, "challenge", "relay.example", kMessageNow - Seconds(601)), Reason::expired_auth);
    expect_reason(check_auth(event, "other", "relay.example", kMessageNow), Reason::bad_request);
    expect_reason(check_auth(event, "challenge", "relay.example.net", kMessageNow), Reason::wrong_server);
    Event changed = event;
    changed.content = "x";
    expect_reason(check_auth(changed, "challenge", "relay.example", kMessageNow), Reason::bad_signature);
    EventDraft draft = auth_draft("ws://127.0.0.1:7777", "challenge", kMessageNow);
    EXPECT_TRUE(check_auth(make_event(draft), "challenge", "127.0.0.1", kMessageNow));
    draft.kind = 1;
    expect_reason(check_auth(make_event(draft), "challenge", "127.0.0.1", kMessageNow), Reason::wrong_kind);
    draft = auth_draft("ws://[::1]:7777/x", "challenge", kMessageNow);
    EXPECT_TRUE(check_auth(make_event(draft), "challenge", "[::1]", kMessageNow));
    draft.tags = {};
    expect_reason(check_auth(make_event(draft), "", "x", kMessageNow), Reason::bad_request);
    draft.tags = {{"challenge", "c"}};
    expect_reason(check_auth(make_event(draft), "c", "", kMessageNow), Reason::wrong_server);
}

} // namespace
} // namespace adit::protocol
