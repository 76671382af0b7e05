#include "protocol/wg_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

namespace adit::protocol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string kServer = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
const std::string kSecret = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";

ClientConfig config()
{
    return ClientConfig{{}, {"10.66.42.7/32"},  {"1.1.1.1", "9.9.9.9"}, {}, *WireguardKey::parse_base64(kServer),
                        {}, "vpn.example:51820"};
}

WireguardSecret secret()
{
    const Bytes bytes = *parse_base64(kSecret);
    return WireguardSecret(std::span<const std::uint8_t, 32>(bytes.data(), 32));
}

std::string good(const std::string& interface_more = "", const std::string& peer_more = "")
{
    return "[Interface]\nPrivateKey = <KEY>\nAddress = 10.66.42.7/32\n" + interface_more +
           "[Peer]\nPublicKey = " + kServer + "\nEndpoint = vpn.example:51820\nAllowedIPs = 0.0.0.0/0, ::/0\n" +
           peer_more;
}

TEST(DeliveredConfig, IsTheTextThatClientsKnow)
{
    EXPECT_EQ(render_config(config(), {}), "[Interface]\n"
                                           "PrivateKey = <PASTE YOUR OWN PRIVATE KEY HERE>\n"
                                           "Address = 10.66.42.7/32\n"
                                           "DNS = 1.1.1.1, 9.9.9.9\n"
                                           "\n"
                                           "[Peer]\n"
                                           "PublicKey = " +
                                               kServer +
                                               "\n"
                                               "Endpoint = vpn.example:51820\n"
                                               "AllowedIPs = 0.0.0.0/0, ::/0\n"
                                               "PersistentKeepalive = 25\n");
}

TEST(DeliveredConfig, StartsWithACommentForPeople)
{
    ConfigComments comments{"A tunnel",
                            "30402:ab:d",
                            "1000 sat/day x 2",
                            UnixSeconds(1800000000),
                            "",
                            1024,
                            "https://vpn.example/session/00"};
    const std::string text = render_config(config(), comments);
    EXPECT_TRUE(text.starts_with("# Operator: A tunnel\n# Listing: 30402:ab:d\n# Tier: 1000 sat/day x 2\n"
                                 "# Expires: 2027-01-15T08:00:00Z\n# Quota: 1024 bytes\n"
                                 "# Session: https://vpn.example/session/00\n[Interface]\n"))
        << text;
}

TEST(DeliveredConfig, ACommentCanNotBecomeALine)
{
    ConfigComments comments;
    comments.operator_name = "evil\n[Interface]\nPostUp = rm -rf /\r\x7f";
    const std::string text = render_config(config(), comments);
    EXPECT_THAT(text, HasSubstr("# Operator: evil [Interface] PostUp = rm -rf /  \n"));
    EXPECT_TRUE(parse_config(text));
}

TEST(DeliveredConfig, ACommentIsNoMarkup)
{
    ConfigComments comments;
    comments.operator_name = "Tom <3 <img src=x onerror=alert(1)>";
    EXPECT_THAT(render_config(config(), comments), HasSubstr("# Operator: Tom  3  img src=x onerror=alert(1) \n"));
}

TEST(DeliveredConfig, GoesThroughTextAndBackWithEverythingInIt)
{
    ClientConfig sent = config();
    sent.private_key = secret();
    sent.preshared_key = secret();
    sent.addresses.push_back("fd00::7/128");
    sent.mtu = 1420;
    sent.endpoint = join_endpoint("2001:db8::1", 51820);
    const auto received = parse_config(render_config(sent, {}));
    ASSERT_TRUE(received) << received.error().detail;
    EXPECT_TRUE(*received->private_key == secret());
    EXPECT_TRUE(*received->preshared_key == secret());
    EXPECT_THAT(received->addresses, ElementsAre("10.66.42.7/32", "fd00::7/128"));
    EXPECT_THAT(received->dns, ElementsAre("1.1.1.1", "9.9.9.9"));
    EXPECT_EQ(received->mtu, 1420);
    EXPECT_EQ(received->server_key, sent.server_key);
    EXPECT_EQ(received->endpoint, "[2001:db8::1]:51820");
    EXPECT_THAT(received->allowed_ips, ElementsAre("0.0.0.0/0", "::/0"));
    EXPECT_EQ(received->persistent_keepalive_s, 25);
}

TEST(BuyersSide, FillsItsPrivateKeyIntoWhatAnOperatorSent)
{
    auto received = parse_config(good("DNS = 10.8.0.1, corp.example\n", "PersistentKeepalive = off\n"));
    ASSERT_TRUE(received) << received.error().detail;
    EXPECT_FALSE(received->private_key);
    EXPECT_EQ(received->persistent_keepalive_s, 0);
    received->private_key = secret();
    EXPECT_THAT(render_config(*received, {}), HasSubstr("PrivateKey = " + kSecret + "\n"));
}

TEST(BuyersSide, ReadsCaseSpacesCommentsAndCarriageReturnsAsWgQuickDoes)
{
    EXPECT_TRUE(parse_config(
        "\r\n# hello \xc3\xa4\r\n  [interface]\r\nADDRESS=10.0.0.2/32 # mine\r\n\t[PEER]\r\npublickey=" + kServer +
        "\r\nendpoint=h:1\r\nAllowedips=::/0\r\n"));
}

TEST(BuyersSide, RefusesEverythingThatCouldRunOrMisroute)
{
    for (const std::string line : {"PostUp = touch /tmp/x",
                                   "PreUp = x",
                                   "PreDown = x",
                                   "PostDown = x",
                                   "Table = off",
                                   "SaveConfig = true",
                                   "FwMark = 1",
                                   "ListenPort = 1",
                                   "Unknown = 1",
                                   "no equals sign",
                                   "MTU = 70000",
                                   "MTU = 12",
                                   "MTU = 1420x",
                                   "MTU = ",
                                   "DNS = $(id)",
                                   "DNS = a b",
                                   "DNS = -x",
                                   "DNS = 1.1.1.1,,2.2.2.2",
                                   "Address = 10.0.0.1/32",
                                   "[Interface]",
                                   "PrivateKey = x",
                                   "PublicKey = x",
                                   "[Other]",
                                   "MTU = 1420\x01",
                                   "DNS = 1.1.1.1\x7f"}) {
        EXPECT_FALSE(parse_config(good(line + "\n"))) << line;
    }
    for (const std::string line :
         {"PersistentKeepalive = -1", "PersistentKeepalive = 65536", "PresharedKey = AAAA", "[Peer]", "[Interface]",
          "AllowedIPs = 10.0.0.0/8", "PostUp = x", "Address = 10.0.0.1/32"})
        EXPECT_FALSE(parse_config(good("", line + "\n"))) << line;
    EXPECT_FALSE(parse_config(std::string("Address = 10.0.0.1/32\n") + good())) << "a key before any section";
    EXPECT_FALSE(parse_config(good() + std::string(1, '\0')));
}

TEST(BuyersSide, RefusesAddressesAndEndpointsThatAreNone)
{
    for (const std::string address :
         {"", "10.0.0.1/33", "10.0.0/24", "10.0.0.1/", "fd00::/129", "host/32", "1.2.3.4/-1"})
        EXPECT_FALSE(parse_config("[Interface]\nAddress = " + address + "\n[Peer]\nPublicKey = " + kServer +
                                  "\nEndpoint = h:1\nAllowedIPs = ::/0\n"))
            << address;
    for (const std::string endpoint :
         {"", "h", "h:", "h:0", "h:65536", ":1", "h h:1", "[::1:1", "[h]:1", "-h:1", "h;id:1"})
        EXPECT_FALSE(parse_config("[Interface]\nAddress = 10.0.0.2/32\n[Peer]\nPublicKey = " + kServer +
                                  "\nEndpoint = " + endpoint + "\nAllowedIPs = ::/0\n"))
            << endpoint;
}

TEST(BuyersSide, EveryNeededKeyIsNeeded)
{
    const std::string whole = good();
    for (const std::string key : {"Address", "PublicKey", "Endpoint", "AllowedIPs"}) {
        const std::size_t from = whole.find(key);
        const std::size_t to = whole.find('\n', from);
        EXPECT_FALSE(parse_config(whole.substr(0, from) + whole.substr(to + 1))) << key;
    }
    EXPECT_FALSE(parse_config(""));
}

TEST(BuyersSide, HostileTextsAreRefusedAndWhatIsAcceptedIsSafeToRenderAgain)
{
    EXPECT_FALSE(parse_config(std::string(64 * 1024 + 1, '\n')));
    EXPECT_FALSE(parse_config(std::string(60000, '\n')));
    std::string many = "Address = 10.0.0.1/32";
    for (int i = 0; i < 1000; ++i) many += ",10.0.0.1/32";
    EXPECT_FALSE(parse_config("[Interface]\n" + many + "\n"));
    std::mt19937 dice(11);
    const std::string whole = good("MTU = 1420\nDNS = 1.1.1.1\n", "PersistentKeepalive = 25\n");
    for (int i = 0; i < 20000; ++i) {
        std::string changed = whole;
        for (unsigned k = 0; k <= dice() % 3; ++k) changed[dice() % changed.size()] = static_cast<char>(dice());
        if (auto parsed = parse_config(changed)) {
            const std::string again = render_config(*parsed, {});
            EXPECT_TRUE(parse_config(again));
            EXPECT_THAT(again, Not(HasSubstr("Post")));
        }
    }
}

TEST(Endpoints, PutOnlyIpv6InBrackets)
{
    EXPECT_EQ(join_endpoint("vpn.example", 1), "vpn.example:1");
    EXPECT_EQ(join_endpoint("192.0.2.1", 51820), "192.0.2.1:51820");
    EXPECT_EQ(join_endpoint("fd00::1", 51820), "[fd00::1]:51820");
    EXPECT_EQ(join_endpoint("[fd00::1]", 51820), "[fd00::1]:51820");
}

} // namespace
} // namespace adit::protocol
