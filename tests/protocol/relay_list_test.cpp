#include "protocol/relay_list.h"

#include "nostr_testing.h"
#include "protocol/constants.h"

namespace adit::protocol {
namespace {

TEST(RelayList, UrlsOfOneRelayAreNormalizedToOne)
{
    for (const auto& [given, wanted] :
         std::vector<std::pair<std::string, std::string>>{{"wss://Relay.Example/", "wss://relay.example"},
                                                          {"WSS://relay.example:443", "wss://relay.example"},
                                                          {"ws://relay.example:80/", "ws://relay.example"},
                                                          {"ws://relay.example:443", "ws://relay.example:443"},
                                                          {"wss://relay.example/Path/", "wss://relay.example/Path/"},
                                                          {"wss://relay.example?x=Y", "wss://relay.example?x=Y"},
                                                          {"ws://127.0.0.1:7777", "ws://127.0.0.1:7777"},
                                                          {"ws://[2001:DB8::1]:7777/", "ws://[2001:db8::1]:7777"},
                                                          {"ws://[::1]", "ws://[::1]"}}) {
        const auto url = normalize_relay_url(given);
        ASSERT_TRUE(url) << given;
        EXPECT_EQ(*url, wanted);
        EXPECT_EQ(normalize_relay_url(*url).value(), wanted) << "a second time changes nothing";
    }
}

TEST(RelayList, WhatIsNoRelayUrlIsRefused)
{
    for (const std::string& url : std::vector<std::string>{"",
                                                           "relay.example",
                                                           "https://relay.example",
                                                           "wss:/relay.example",
                                                           "wss://",
                                                           "wss:///path",
                                                           "wss://:443",
                                                           "wss://a b",
                                                           "wss://a\n",
                                                           "wss://a:0",
                                                           "wss://a:65536",
                                                           "wss://a:x",
                                                           "wss://a:",
                                                           "wss://user@a",
                                                           "wss://[::1",
                                                           "wss://[]",
                                                           "wss://[::1]x",
                                                           "wss://::1",
                                                           "wss://caf\xc3\xa9.example",
                                                           "wss://" + std::string(255, 'a')})
        expect_reason(normalize_relay_url(url), Reason::bad_encoding);
}

TEST(RelayList, TheDraftHoldsEachUsableRelayOnceAndIsReadBack)
{
    const std::vector<RelayEntry> relays{{"wss://a.example/", RelayUse::read_and_write},
                                         {"wss://A.example", RelayUse::read},
                                         {"nonsense", RelayUse::write},
                                         {"wss://b.example", RelayUse::write},
                                         {"wss://c.example", RelayUse::read}};
    const EventDraft draft = relay_list_draft(relays, UnixSeconds(5));
    EXPECT_EQ(draft.kind, 10002U);
    EXPECT_EQ(draft.tags,
              (std::vector<Tag>{
                  {"r", "wss://a.example"}, {"r", "wss://b.example", "write"}, {"r", "wss://c.example", "read"}}));
    const auto entries = parse_relay_list(make_event(draft));
    ASSERT_TRUE(entries);
    ASSERT_EQ(entries->size(), 3U);
    EXPECT_EQ((*entries)[0].use, RelayUse::read_and_write);
    EXPECT_EQ((*entries)[1].use, RelayUse::write);
    EXPECT_EQ((*entries)[2].url, "wss://c.example");
}

TEST(RelayList, AStrangersListIsCutAndItsNonsenseSkipped)
{
    EventDraft draft{.created_at = UnixSeconds(5),
                     .kind = kKindRelayList,
                     .tags = {{"r"}, {}, {"r", "x"}, {"R", "wss://a"}},
                     .content = ""};
    for (int i = 0; i < 1000; ++i) draft.tags.push_back({"r", "wss://r" + std::to_string(i)});
    EXPECT_EQ(parse_relay_list(make_event(draft))->size(), 16U);
    EXPECT_EQ(parse_relay_list(make_event(draft), 3)->size(), 3U);
    draft.kind = 10003;
    expect_reason(parse_relay_list(make_event(draft)), Reason::wrong_kind);
}

TEST(RelayList, MessageRelaysAreReadInOrderEachOnceAndNotTooMany)
{
    EventDraft draft{.created_at = UnixSeconds(5),
                     .kind = kKindDmRelays,
                     .tags = {{"relay", "wss://One.Example/"},
                              {"relay"},
                              {"r", "wss://other.example"},
                              {"relay", "https://no.example"},
                              {"relay", ""},
                              {"relay", "wss://one.example:443"},
                              {"relay", "ws://two.example"},
                              {"relay", "wss://a b"}},
                     .content = ""};
    const auto urls = parse_message_relays(make_event(draft));
    ASSERT_TRUE(urls);
    EXPECT_EQ(*urls, (std::vector<std::string>{"wss://one.example", "ws://two.example"}));
    for (int i = 0; i < 100; ++i) draft.tags.push_back({"relay", "wss://r" + std::to_string(i) + ".example"});
    EXPECT_EQ(parse_message_relays(make_event(draft)).value().size(), 5U);
    draft.kind = kKindRelayList;
    EXPECT_FALSE(parse_message_relays(make_event(draft)));
}

} // namespace
} // namespace adit::protocol
