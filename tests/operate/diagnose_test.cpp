// `adit diagnose`, typed at a real shop: first as it should be, then with each fault that an operator may make.
#include "operate/diagnosed_shop.h"
#include "operate/diagnosis.h"

#include "cli/verbs.h"
#include "payments/cashu/curve.h"
#include "protocol/nip19.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace adit::operate {
namespace {

using protocol::Tag;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Milliseconds kPromised{30'000}; // by the help

/// Takes connections and says nothing.
class DeafServer {
public:
    DeafServer() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(fd_, 64), 0);
        socklen_t length = sizeof address;
        EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length), 0);
        port_ = std::to_string(ntohs(address.sin_port));
    }
    ~DeafServer() { ::close(fd_); }
    DeafServer(const DeafServer&) = delete;
    DeafServer& operator=(const DeafServer&) = delete;
    std::string url(const std::string& scheme) const { return scheme + "://127.0.0.1:" + port_; }

private:
    int fd_;
    std::string port_;
};

void expect_fault(const Diagnosed& ended, std::string_view check, Level level, const std::string& what,
                  const std::string& hint)
{
    if (level == Level::fail) {
        EXPECT_EQ(ended.status, cli::kFailed);
    }
    const Finding finding = worst_of(ended.findings, check);
    EXPECT_EQ(finding.level, level) << finding.what;
    EXPECT_THAT(finding.what, HasSubstr(what));
    EXPECT_THAT(finding.hint, HasSubstr(hint));
}

Tag& cashu_tag(std::vector<Tag>& tags) { return tag_of(tags, "payment", "cashu"); }

std::string without_cors(const std::string& answer)
{
    std::string out;
    for (std::size_t at = 0; at < answer.size();) {
        const std::size_t end = std::min(answer.find('\n', at), answer.size() - 1) + 1;
        if (answer.compare(at, 14, "Access-Control") != 0) out += answer.substr(at, end - at);
        at = end;
    }
    return out;
}

std::string page(const std::string& body)
{
    return "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\nConnection: close\r\n\r\n" + body;
}

TestProxy::Spoil at(const std::string& path, const std::function<void(std::string&)>& change)
{
    return [=](const std::string& asked, std::string& answer) {
        if (asked.starts_with(path)) change(answer);
        return TestProxy::Act::send;
    };
}

TEST(Diagnose, AGoodShopIsAllOk)
{
    const DiagnosedShop shop(SellsFor::ecash_and_lightning);
    const Diagnosed ended = shop.diagnose();
    EXPECT_EQ(ended.status, cli::kDone);
    std::set<std::string> checks;
    for (const Finding& finding : ended.findings) {
        EXPECT_EQ(finding.level, Level::ok) << finding.check << ": " << finding.what;
        EXPECT_THAT(finding.hint, IsEmpty());
        checks.insert(finding.check);
    }
    for (const char* check :
         {"relays",           "listing-present",  "listing-fresh",        "listing-shape",  "listing-tag",
          "listing-status",   "listing-prices",   "cashu-method",         "p2pk-format",    "endpoint-url",
          "lightning-method", "info-reachable",   "info-matches-listing", "cors",           "health",
          "purchase-answer",  "p2pk-matches",     "mint-reachable",       "mint-nuts",      "mint-keyset",
          "mint-fees",        "lnurlp-reachable", "lnurlp-shape",         "lnurlp-callback"})
        EXPECT_TRUE(checks.contains(check)) << check;
    EXPECT_LT(ended.took, kPromised);
    EXPECT_TRUE(shop.world->mint().keysets().size() > 0 && shop.world->mint_requests()["mint.swap"] == 0);
    EXPECT_EQ(shop.world->lightning_requests()["phoenixd.createinvoice"], 0U) << "nothing is made by looking";
}

TEST(Diagnose, AnAddressIsAsGoodAsAKeyAndATag)
{
    const DiagnosedShop shop;
    const auto naddr = [&](const std::vector<std::string>& hints) {
        return protocol::encode_naddr({"exit-1", hints, shop.operator_key.public_key(), 30402}).value();
    };
    EXPECT_EQ(shop.diagnose({naddr({shop.relay()})}).status, cli::kDone);
    EXPECT_EQ(shop.diagnose({"nostr:" + naddr({"nonsense", shop.relay()})}).status, cli::kDone);
    EXPECT_EQ(shop.diagnose({naddr({}), "--relay", shop.relay()}).status, cli::kDone);
    EXPECT_EQ(shop.diagnose({shop.npub(), "exit-1", "--relay", shop.relay()}).status, cli::kDone);
}

TEST(Diagnose, WithoutHintsTheWellKnownRelaysAreAsked)
{
    const auto texts = [](const Result<std::vector<nostr::RelayUrl>>& relays) {
        std::vector<std::string> out;
        for (const auto& relay : relays.value()) out.push_back(relay.text);
        return out;
    };
    const auto well_known = texts(nostr::parse_relay_urls(cli::default_relays()));
    EXPECT_EQ(texts(relays_to_ask({}, {})), well_known);
    EXPECT_EQ(texts(relays_to_ask({}, {"nonsense"})), well_known);
    EXPECT_EQ(texts(relays_to_ask({}, {"nonsense", "wss://a.example"})),
              texts(nostr::parse_relay_urls({"wss://a.example"})));
    EXPECT_EQ(texts(relays_to_ask({"wss://b.example"}, {"wss://a.example"})),
              texts(nostr::parse_relay_urls({"wss://b.example"})));
    EXPECT_FALSE(relays_to_ask({"nonsense"}, {}));
    EXPECT_FALSE(relays_to_ask(std::vector<std::string>(17, "wss://a.example"), {}));
}

TEST(Diagnose, WordsThatAreNotUnderstoodEndWithTwo)
{
    const DiagnosedShop shop;
    for (const auto& words : std::vector<std::vector<std::string>>{{"--relay", shop.relay()},
                                                                   {"naddr1qqqq"},
                                                                   {"npub1"},
                                                                   {shop.npub(), "a", "b"},
                                                                   {shop.npub(), "--relay", "nonsense"},
                                                                   {shop.npub(), "--nope"}}) {
        const Diagnosed ended = shop.diagnose(words);
        EXPECT_EQ(ended.status, cli::kUsage);
        EXPECT_THAT(ended.findings, IsEmpty());
        EXPECT_THAT(ended.said, HasSubstr("--help"));
    }
    const std::string secret = protocol::encode_nsec(shop.operator_key);
    const Diagnosed ended = shop.diagnose({secret});
    EXPECT_EQ(ended.status, cli::kUsage);
    EXPECT_EQ(ended.said.find(secret.substr(0, 20)), std::string::npos) << "a secret is not repeated";
}

// ---- the listing ---------------------------------------------------------------------------------------------------

TEST(Diagnose, AListingThatIsNotThereIsAFailureWithWhereToLook)
{
    const DiagnosedShop shop;
    const Diagnosed ended = shop.diagnose({shop.npub(), "exit-9", "--relay", shop.relay()});
    expect_fault(ended, "listing-present", Level::fail, "this operator has \"exit-1\"", "by its d tag");
    EXPECT_EQ(ended.findings.size(), 2U) << "there is nothing more to look at";
}

TEST(Diagnose, FaultsOfTheListingAreToldWithWhatToDo)
{
    DiagnosedShop shop;
    const auto good = shop.listing().tags;
    const auto with = [&](const std::function<void(std::vector<Tag>&)>& change) {
        shop.publish_with([&](std::vector<Tag>& tags) {
            tags = good;
            change(tags);
        });
        return shop.diagnose();
    };
    expect_fault(with([](auto& tags) { cashu_tag(tags)[3].erase(0, 2); }), "p2pk-format", Level::fail,
                 "02 in front is missing", "aditd --check");
    const auto other = payments::cashu::even_point(protocol::SecretKey::generate(system_rng()).public_key()).hex();
    expect_fault(with([&](auto& tags) { cashu_tag(tags)[3] = other; }), "p2pk-matches", Level::fail, other,
                 "aditd --check");
    expect_fault(with([](auto& tags) { cashu_tag(tags)[3] = ""; }), "cashu-method", Level::fail, "no key", "set p2pk");
    expect_fault(with([](auto& tags) {
                     tag_of(tags, "price", "210") = {"price", "2", "usd", "day"};
                 }),
                 "listing-prices", Level::warn, "2 usd/day is not in sat", "currency sat");
    const std::string here = std::to_string(shop.front.port());
    expect_fault(with([&](auto& tags) { cashu_tag(tags)[4] = "http://localhost:" + here + "/purchase"; }),
                 "info-matches-listing", Level::fail, "the payment endpoint is on localhost:" + here, "public_host");
    expect_fault(with([&](auto& tags) { cashu_tag(tags)[4] = "http://localhost:" + here + "/purchase"; }),
                 "purchase-answer", Level::fail, "wrong-server", "public_host");
    expect_fault(with([](auto& tags) { cashu_tag(tags)[4] = "http://127.0.0.1:1/purchase"; }), "info-reachable",
                 Level::fail, "http://127.0.0.1:1/info", "443");
    expect_fault(with([](auto& tags) { cashu_tag(tags)[2] = "http://127.0.0.1:1"; }), "mint-reachable", Level::fail,
                 "http://127.0.0.1:1", "name another mint");
    expect_fault(with([](auto& tags) {
                     std::erase(tags, Tag{"t", "wireguard"});
                 }),
                 "listing-shape", Level::fail, "no known protocol", "[listing]");
    expect_fault(with([](auto& tags) {
                     tags.push_back({"status", "sold"});
                 }),
                 "listing-status", Level::warn, "sold", "adit listing resume");
}

TEST(Diagnose, AListingOfTheReferenceWithTheOldTagAloneIsTaken)
{
    DiagnosedShop shop;
    shop.publish_with([](std::vector<Tag>& tags) {
        std::erase(tags, Tag{"t", "europa-protocol"});
        std::erase(tags, Tag{"t", "vpn-marketplace"});
        tags.push_back({"t", "vpn-marketplace"});
    });
    const Diagnosed ended = shop.diagnose();
    EXPECT_EQ(ended.status, cli::kDone);
    EXPECT_EQ(worst_of(ended.findings, "listing-shape").level, Level::ok);
    EXPECT_EQ(worst_of(ended.findings, "listing-tag").level, Level::warn);
}

// ---- Lightning -----------------------------------------------------------------------------------------------------

TEST(Diagnose, LightningThatIsAdvertisedAndOffIsAFailure)
{
    DiagnosedShop shop;
    const std::string target = shop.base_url() + "/lnurlp";
    shop.publish_with([&](std::vector<Tag>& tags) { tags.push_back({"payment", "lightning", target, "lnurl-pay"}); });
    expect_fault(shop.diagnose(), "lnurlp-reachable", Level::fail, "lightning-not-configured", "[lightning].enabled");
    shop.front.set_spoil(at("/lnurlp", [](std::string& answer) {
        answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    }));
    expect_fault(shop.diagnose(), "lnurlp-reachable", Level::fail, "404", "take the lightning method out");
}

TEST(Diagnose, ACallbackThatSaysOffIsHeard)
{
    DiagnosedShop shop(SellsFor::ecash_and_lightning);
    shop.front.set_spoil(at("/lnurlp/callback", [](std::string& answer) {
        answer = page(R"({"status":"ERROR","reason":"lightning-not-configured"})");
    }));
    expect_fault(shop.diagnose(), "lnurlp-callback", Level::fail, "advertised", "[lightning].enabled");
}

// ---- the API -------------------------------------------------------------------------------------------------------

TEST(Diagnose, AnInfoOfAnotherOperatorIsAFailure)
{
    DiagnosedShop shop;
    const std::string ours = shop.operator_key.public_key().hex();
    shop.front.set_spoil(
        at("/info", [&](std::string& answer) { answer.replace(answer.find(ours), 64, std::string(64, 'a')); }));
    expect_fault(shop.diagnose(), "info-matches-listing", Level::fail, "another operator", "nsec_file");
}

TEST(Diagnose, HeadersThatAProxyStripsAreMissed)
{
    DiagnosedShop shop;
    shop.front.set_spoil(at("/info", [](std::string& answer) { answer = without_cors(answer); }));
    expect_fault(shop.diagnose(), "cors", Level::fail, "Access-Control-Allow-Origin", "proxy");
    shop.front.set_spoil(at("/purchase", [](std::string& answer) { answer = without_cors(answer); }));
    expect_fault(shop.diagnose(), "cors", Level::fail, "OPTIONS", "proxy");
}

TEST(Diagnose, AHostileInfoIsALine)
{
    DiagnosedShop shop;
    for (const std::string& body :
         {std::string(3 << 20, 'x'), std::string(200'000, '['), std::string("<html>it works</html>"), std::string()}) {
        shop.front.set_spoil(at("/info", [&](std::string& answer) { answer = page(body); }));
        const Diagnosed ended = shop.diagnose();
        EXPECT_EQ(ended.status, cli::kFailed);
        EXPECT_EQ(worst_of(ended.findings, "info-reachable").level, Level::fail);
        EXPECT_EQ(worst_of(ended.findings, "mint-reachable").level, Level::ok) << "the rest is looked at all the same";
    }
    shop.front.set_spoil(at("/info", [&](std::string& answer) {
        answer = page(R"({"pubkey":[1],"endpoint":{},"prices":"none","mints":{"a":[]},"protocols":null})");
    }));
    expect_fault(shop.diagnose(), "info-matches-listing", Level::fail, "does not say whose", "nsec_file");
}

TEST(Diagnose, AProxyWithoutADaemonIsToldFromADaemonWithoutAnInfo)
{
    DiagnosedShop shop;
    shop.front.pass_to(1);
    expect_fault(shop.diagnose(), "info-reachable", Level::fail, "502", "[server].port");
}

// ---- mints ---------------------------------------------------------------------------------------------------------

TEST(Diagnose, AMintWithoutP2pkIsAFailure)
{
    DiagnosedShop shop;
    shop.world->faults().add({.endpoint = "mint.info",
                              .act = devnet::FaultAct::status,
                              .status = 200,
                              .body = R"({"name":"m","nuts":{"7":{"supported":true},"9":{"supported":true}}})"});
    expect_fault(shop.diagnose(), "mint-nuts", Level::fail, "lacks NUT-10, NUT-11", "choose a mint");
}

// ---- silence -------------------------------------------------------------------------------------------------------

TEST(Diagnose, WhatHangsDelaysNobodyBeyondWhatIsPromised)
{
    DiagnosedShop shop;
    const DeafServer deaf;
    // A relay beside a good one, the operator's API and the mint, all at once.
    shop.publish_with([&](std::vector<Tag>& tags) { cashu_tag(tags)[2] = deaf.url("http"); });
    shop.front.set_spoil([](const std::string&, std::string&) { return TestProxy::Act::hang; });
    const Diagnosed ended = shop.diagnose({shop.npub(), "--relay", shop.relay(), "--relay", deaf.url("ws")});
    EXPECT_LT(ended.took, kPromised);
    EXPECT_EQ(ended.status, cli::kFailed);
    EXPECT_EQ(worst_of(ended.findings, "relays").level, Level::warn);
    EXPECT_THAT(worst_of(ended.findings, "relays").what, HasSubstr("1 of 2 answered; " + deaf.url("ws")));
    EXPECT_EQ(worst_of(ended.findings, "listing-present").level, Level::ok);
    expect_fault(ended, "info-reachable", Level::fail, "/info", "in time");
    expect_fault(ended, "purchase-answer", Level::fail, "/purchase", "in time");
    expect_fault(ended, "mint-reachable", Level::fail, deaf.url("http"), "name another mint");
}

TEST(Diagnose, OneRelayThatHangsIsAFailureInTime)
{
    const DiagnosedShop shop;
    shop.world->faults().add({.endpoint = "relay.req", .act = devnet::FaultAct::hang});
    const Diagnosed ended = shop.diagnose();
    EXPECT_LT(ended.took, kPromised);
    expect_fault(ended, "relays", Level::fail, "0 of 1 answered", "--relay");
    EXPECT_THAT(worst_of(ended.findings, "listing-present").what, HasSubstr("not known"));
}

} // namespace
} // namespace adit::operate
