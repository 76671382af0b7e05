#include "nostr/relay_url.h"

#include <gtest/gtest.h>

namespace adit::nostr {
namespace {

TEST(RelayUrl, IsWrittenInOneWay)
{
    EXPECT_EQ(parse_relay_url("WSS://Relay.Example:443/").value().text, "wss://relay.example");
    EXPECT_EQ(parse_relay_url("ws://relay.example:80").value().text, "ws://relay.example");
    EXPECT_EQ(parse_relay_url("wss://relay.example/Path/").value().path, "/Path/");
}

TEST(RelayUrl, HasHostPortAndPathForTheSocket)
{
    const auto url = parse_relay_url("ws://127.0.0.1:7447/nostr?x=1").value();
    EXPECT_EQ(url.security, Security::plain);
    EXPECT_EQ(url.host, "127.0.0.1");
    EXPECT_EQ(url.port, 7447);
    EXPECT_EQ(url.path, "/nostr?x=1");
    EXPECT_EQ(url.authority(), "127.0.0.1:7447");
    EXPECT_EQ(parse_relay_url("wss://relay.example").value().port, 443);
    EXPECT_EQ(parse_relay_url("wss://relay.example").value().authority(), "relay.example");
}

TEST(RelayUrl, TakesIpv6InBrackets)
{
    const auto url = parse_relay_url("ws://[::1]:7000").value();
    EXPECT_EQ(url.host, "::1");
    EXPECT_EQ(url.port, 7000);
    EXPECT_EQ(url.authority(), "[::1]:7000");
}

TEST(RelayUrl, RefusesWhatCanNotBeConnectedTo)
{
    for (const std::string& text : {std::string(""),
                                    std::string("relay.example"),
                                    std::string("https://relay.example"),
                                    std::string("wss://"),
                                    std::string("wss:///path"),
                                    std::string("wss://user@relay.example"),
                                    std::string("wss://relay.example:0"),
                                    std::string("wss://relay.example:65536"),
                                    std::string("wss://relay.example:"),
                                    std::string("wss://relay.example:7x"),
                                    std::string("wss://relay example"),
                                    std::string("wss://relay.example/\r\nHost: other"),
                                    std::string("wss://relay.ex\xc3\xa4mple"),
                                    std::string("wss://[::1"),
                                    std::string("wss://[relay]"),
                                    std::string("wss://[::1]x"),
                                    "wss://" + std::string(128, 'a'),
                                    "wss://relay.example/" + std::string(600, 'a'),
                                    std::string("wss://relay.example/#fragment"),
                                    std::string("wss://relay.ex\0ample", 20)})
        EXPECT_FALSE(parse_relay_url(text)) << text;
}

TEST(RelayUrl, SameRelayIsTakenOnce)
{
    const auto urls =
        parse_relay_urls({"wss://a.example/", "WSS://A.example:443", "wss://b.example", "ws://a.example"}).value();
    ASSERT_EQ(urls.size(), 3U);
    EXPECT_EQ(urls[0].text, "wss://a.example");
    EXPECT_EQ(urls[1].text, "wss://b.example");
    EXPECT_EQ(urls[2].text, "ws://a.example");
    EXPECT_FALSE(parse_relay_urls({"wss://a.example", "nonsense"}));
}

} // namespace
} // namespace adit::nostr
