// `adit diagnose --buy`: a tunnel bought from the real daemon and tried with real packets, in a namespace of its own.
#include "operate/tunnel_trial.h"

#include "cli/verbs.h"
#include "fakes/netns.h"
#include "operate/diagnosed_shop.h"
#include "operate/dns_question.h"
#include "operate/host_address.h"
#include "operate/trial_purchase.h"

#include <arpa/inet.h>
#include <atomic>
#include <gmock/gmock.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace adit::operate {
namespace {

using fakes::Netns;
using fakes::WireguardGo;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::uint16_t kWebPort = 8088;

/// At the server's end of the tunnel: a resolver that answers everything with nothing, and a web server of one page.
/// To be made in the namespace.
class FarEnd {
public:
    FarEnd() : dns_(bound(SOCK_DGRAM, 53)), web_(bound(SOCK_STREAM, kWebPort))
    {
        EXPECT_EQ(::listen(web_, 8), 0);
        thread_ = std::thread([this] { serve(); });
    }
    ~FarEnd()
    {
        over_ = true;
        thread_.join();
        ::close(dns_);
        ::close(web_);
    }
    FarEnd(const FarEnd&) = delete;
    FarEnd& operator=(const FarEnd&) = delete;

private:
    static int bound(int type, std::uint16_t port)
    {
        const int fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        ::inet_pton(AF_INET, "10.66.0.1", &address.sin_addr);
        EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        return fd;
    }
    void serve()
    {
        while (!over_) {
            pollfd waiting[]{{dns_, POLLIN, 0}, {web_, POLLIN, 0}};
            ::poll(waiting, 2, 50);
            if (waiting[0].revents & POLLIN) answer_name();
            if (waiting[1].revents & POLLIN) answer_page();
        }
    }
    void answer_name() const
    {
        std::uint8_t packet[512];
        sockaddr_storage from{};
        socklen_t length = sizeof from;
        const ssize_t got = ::recvfrom(dns_, packet, sizeof packet, 0, reinterpret_cast<sockaddr*>(&from), &length);
        if (got < 12) return;
        packet[2] |= 0x80;
        ::sendto(dns_, packet, static_cast<std::size_t>(got), 0, reinterpret_cast<const sockaddr*>(&from), length);
    }
    void answer_page() const
    {
        const int client = ::accept4(web_, nullptr, nullptr, SOCK_CLOEXEC);
        char request[4096];
        if (::recv(client, request, sizeof request, 0) > 0) {
            const std::string page =
                "HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\nConnection: close\r\n\r\n" + std::string(2'000'000, 'x');
            for (std::size_t sent = 0; sent < page.size();) {
                const ssize_t now = ::send(client, page.data() + sent, page.size() - sent, MSG_NOSIGNAL);
                if (now <= 0) break;
                sent += static_cast<std::size_t>(now);
            }
        }
        ::close(client);
    }

    int dns_;
    int web_;
    std::atomic<bool> over_ = false;
    std::thread thread_;
};

class TunnelTrial : public testing::Test {
protected:
    void SetUp() override
    {
        ADIT_NEEDS_NETNS();
        space_.emplace(std::move(Netns::create()).value());
        server_.emplace(std::move(WireguardGo::start(*space_)).value());
        for (const auto& command : std::vector<fakes::Command>{
                 {"wg", "set", server_->interface(), "listen-port", "51820", "private-key", "/dev/stdin"},
                 {"ip", "address", "add", "10.66.0.1/16", "dev", server_->interface()}}) {
            const auto ran = space_->run(command, encode_base64(secret_.expose()) + "\n");
            ASSERT_TRUE(ran) << ran.error().detail;
        }
    }
    ShopDevice device() const
    {
        return {server_->interface(), "auto", protocol::wireguard_public_key(secret_), "127.0.0.1", 51820};
    }
    /// None but the server's.
    void expect_no_trace()
    {
        const auto links = space_->run({"ip", "-o", "link", "show"});
        ASSERT_TRUE(links);
        std::size_t count = 0;
        for (std::size_t at = links->find(": adit"); at != std::string::npos; at = links->find(": adit", at + 1))
            ++count;
        EXPECT_EQ(count, 1U) << *links;
    }

    const protocol::WireguardSecret secret_ = protocol::generate_wireguard_secret(system_rng());
    std::optional<Netns> space_;
    std::optional<WireguardGo> server_;
};

TEST_F(TunnelTrial, ATunnelIsBoughtShakesHandsResolvesAndCarriesADownload)
{
    space_->inside([this] {
        const FarEnd far_end;
        const DiagnosedShop shop(SellsFor::ecash, device());
        const auto file = shop.folder / "purchase.json";
        const Diagnosed ended =
            shop.diagnose({shop.npub(), "--relay", shop.relay(), "--buy", "--yes", "--file", file.string(), "--fetch",
                           "http://10.66.0.1:" + std::to_string(kWebPort) + "/2MB"});
        EXPECT_EQ(ended.status, cli::kDone) << ended.said;
        for (const char* check : {"purchase", "handshake", "tunnel-dns", "throughput"}) {
            const Finding finding = worst_of(ended.findings, check);
            EXPECT_EQ(finding.level, Level::ok) << finding.what << "; " << finding.hint;
        }
        EXPECT_THAT(worst_of(ended.findings, "purchase").what, HasSubstr("1 hour for 21 sat"));
        EXPECT_THAT(worst_of(ended.findings, "throughput").what, HasSubstr("Mbit/s: 1953 KiB"));
        EXPECT_TRUE(cli::load_record(file)->tunnel.has_value()) << "what was bought can be used";
        for (const Finding& finding : ended.findings)
            EXPECT_EQ(finding.what.find(encode_base64(cli::load_record(file)->keys.wireguard.expose())),
                      std::string::npos);
    });
    expect_no_trace();
}

TEST_F(TunnelTrial, OverLightningANodeOfOnesOwnPaysTheOperator)
{
    space_->inside([this] {
        const FarEnd far_end;
        const DiagnosedShop shop(SellsFor::ecash_and_lightning, device());
        const auto file = shop.folder / "purchase.json";
        const Diagnosed ended = shop.diagnose({shop.npub(), "--relay", shop.relay(), "--buy", "--yes", "--file",
                                               file.string(), "--pay-with", "lnd", "--pay-url", shop.world->lnd_url(),
                                               "--pay-macaroon-file", shop.world->lnd_admin_macaroon_file().string(),
                                               "--pay-cert-file", shop.world->lnd_tls_cert_file().string()});
        EXPECT_EQ(ended.status, cli::kDone) << ended.said;
        for (const char* check : {"purchase", "handshake", "tunnel-dns"}) {
            const Finding finding = worst_of(ended.findings, check);
            EXPECT_EQ(finding.level, Level::ok) << finding.what << "; " << finding.hint;
        }
    });
    expect_no_trace();
}

TEST_F(TunnelTrial, WithoutAPeerThereIsNoHandshakeAndThePortIsNamed)
{
    space_->inside([this] {
        protocol::ClientConfig config{.private_key = protocol::generate_wireguard_secret(system_rng()),
                                      .addresses = {"10.66.0.9/32", "fd00::9/128"},
                                      .dns = {},
                                      .mtu = {},
                                      .server_key = protocol::wireguard_public_key(secret_),
                                      .preshared_key = {},
                                      .endpoint = "127.0.0.1:51820"};
        const auto findings = try_tunnel(config, {}, {.handshake = Milliseconds(2'000)});
        ASSERT_EQ(findings.size(), 1U);
        EXPECT_EQ(findings[0].check, "handshake");
        EXPECT_EQ(findings[0].level, Level::fail) << findings[0].what;
        EXPECT_THAT(findings[0].hint, HasSubstr("UDP port"));
    });
    expect_no_trace();
}

TEST_F(TunnelTrial, AResolverThatDoesNotAnswerIsAFailure)
{
    space_->inside([this] {
        const auto client = protocol::generate_wireguard_secret(system_rng());
        const auto added =
            space_->run({"wg", "set", server_->interface(), "peer", protocol::wireguard_public_key(client).base64(),
                         "allowed-ips", "10.66.0.9/32"});
        EXPECT_TRUE(added);
        protocol::ClientConfig config{.private_key = protocol::WireguardSecret(client.expose()),
                                      .addresses = {"10.66.0.9/32"},
                                      .dns = {"some.domain", "10.66.0.1"},
                                      .mtu = 1380,
                                      .server_key = protocol::wireguard_public_key(secret_),
                                      .preshared_key = {},
                                      .endpoint = "127.0.0.1:51820"};
        const auto findings = try_tunnel(config, "http://10.66.0.1:1/", {.name = Milliseconds(1'500)});
        EXPECT_EQ(worst_of(findings, "handshake").level, Level::ok) << findings[0].what;
        EXPECT_EQ(worst_of(findings, "tunnel-dns").level, Level::fail);
        EXPECT_THAT(worst_of(findings, "tunnel-dns").hint, HasSubstr("[wireguard].dns"));
        EXPECT_EQ(worst_of(findings, "throughput").level, Level::fail);
    });
    expect_no_trace();
}

// ---- without namespaces --------------------------------------------------------------------------------------------

TEST(TrialPurchase, TheCheapestWithinTheBoundsIsTaken)
{
    protocol::PublishedListing published{protocol::SecretKey::generate(system_rng()).public_key(), {}, kLookedAt, {}};
    protocol::Listing& listing = published.listing;
    listing.d_tag = "x";
    listing.title = "X";
    listing.protocols = {"wireguard"};
    listing.prices = {{"1", "usd", "hour"}, {"210", "sat", "day"}, {"21", "sat", "hour"}, {"50", "sat", "GiB"}};
    listing.payments = {protocol::CashuPayment{"https://mint.example", kListedKey, "https://vpn.example/purchase"}};
    const auto cheapest = [&] { return cheapest_offer(published, cli::PayWith::ecash, {}).value(); };
    EXPECT_EQ(cheapest().tier, 2U);
    EXPECT_EQ(cheapest().quantity, 1U);
    listing.min_purchase = protocol::Bound{2, protocol::Unit::hour};
    EXPECT_EQ(cheapest().tier, 2U);
    EXPECT_EQ(cheapest().quantity, 2U);
    listing.min_purchase = protocol::Bound{5, protocol::Unit::hour};
    EXPECT_EQ(cheapest().tier, 3U) << "50 for data, 105 for five hours, 210 for a day";
    EXPECT_FALSE(cheapest_offer(published, cli::PayWith::lightning, {}));
    EXPECT_FALSE(cheapest_offer(published, cli::PayWith::ecash, "https://other.example"));
    listing.prices = {{"1", "usd", "hour"}};
    EXPECT_FALSE(cheapest_offer(published, cli::PayWith::ecash, {}));
}

/// Of this thread and those that it starts.
void give_up_capabilities()
{
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
    ASSERT_EQ(::syscall(SYS_capset, &header, sets), 0);
}

TEST(TrialPurchase, WhereNoNamespaceCanBeMadeTheSaleIsShownAllTheSame)
{
    const DiagnosedShop shop;
    const auto file = shop.folder / "purchase.json";
    Diagnosed ended;
    std::thread([&] {
        give_up_capabilities();
        ended = shop.diagnose({shop.npub(), "--relay", shop.relay(), "--buy", "--yes", "--file", file.string()});
    }).join();
    EXPECT_EQ(ended.status, cli::kDone) << ended.said;
    EXPECT_EQ(worst_of(ended.findings, "purchase").level, Level::ok);
    const Finding handshake = worst_of(ended.findings, "handshake");
    EXPECT_EQ(handshake.level, Level::warn);
    EXPECT_THAT(handshake.what, HasSubstr("not tried"));
    EXPECT_THAT(handshake.hint, HasSubstr("root"));
}

TEST(TrialPurchase, WhatFailedIsNotPaidFor)
{
    DiagnosedShop shop;
    shop.front.set_spoil([](const std::string& path, std::string& answer) {
        if (path == "/info") answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        return TestProxy::Act::send;
    });
    const Diagnosed ended = shop.diagnose({shop.npub(), "--relay", shop.relay(), "--buy", "--yes"});
    EXPECT_EQ(ended.status, cli::kFailed);
    EXPECT_EQ(worst_of(ended.findings, "purchase").level, Level::warn);
    EXPECT_THAT(worst_of(ended.findings, "purchase").what, HasSubstr("not tried"));
    EXPECT_EQ(shop.world->mint_requests()["mint.quote"], 0U);
}

TEST(TrialPurchase, ARefusalOfTheOperatorIsToldAndNothingIsPaid)
{
    DiagnosedShop shop;
    // An operator whose word changes between the look and the purchase.
    int asked = 0;
    shop.front.set_spoil([&](const std::string& path, std::string& answer) {
        if (path == "/purchase" && answer.find("402") != std::string::npos && ++asked > 1) {
            const std::string body = R"({"status":"error","reason":"no-ip-available","message":"full"})";
            answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: " + std::to_string(body.size()) +
                     "\r\nConnection: close\r\n\r\n" + body;
        }
        return TestProxy::Act::send;
    });
    const auto file = shop.folder / "purchase.json";
    const Diagnosed ended =
        shop.diagnose({shop.npub(), "--relay", shop.relay(), "--buy", "--yes", "--file", file.string()});
    EXPECT_EQ(ended.status, cli::kFailed);
    EXPECT_EQ(worst_of(ended.findings, "purchase").level, Level::fail);
    EXPECT_THAT(worst_of(ended.findings, "purchase").what, HasSubstr("no-ip-available"));
    EXPECT_EQ(shop.world->mint_requests()["mint.quote"], 0U);
}

TEST(TrialPurchase, WordsForBuyingNeedBuyAndSomebodyToAsk)
{
    const DiagnosedShop shop;
    for (const auto& words :
         std::vector<std::vector<std::string>>{{"--token", "cashuB"},
                                               {"--yes"},
                                               {"--fetch", "http://a"},
                                               {"--buy"},
                                               {"--buy", "--yes", "--token", "x"},
                                               {"--buy", "--yes", "--fetch", "nonsense"},
                                               {"--buy", "--yes", "--lightning", "--mint", "https://a"},
                                               {"--buy", "--yes", "--pay-with", "lnd"}}) {
        auto all = words;
        all.insert(all.begin(), {shop.npub(), "--relay", shop.relay()});
        EXPECT_EQ(shop.diagnose(all).status, cli::kUsage) << words[0];
    }
}

TEST(DnsQuestion, AnAnswerHasOurNumberAndAYes)
{
    const Bytes question = encode_dns_question(0x1234);
    ASSERT_EQ(question.size(), 12U + 13U + 4U);
    EXPECT_FALSE(is_dns_answer(question, 0x1234)) << "the question itself, sent back";
    Bytes answer = question;
    answer[2] |= 0x80;
    EXPECT_TRUE(is_dns_answer(answer, 0x1234));
    EXPECT_FALSE(is_dns_answer(answer, 0x1235));
    for (const int code : {1, 2, 5}) {
        answer[3] = static_cast<std::uint8_t>(code);
        EXPECT_FALSE(is_dns_answer(answer, 0x1234)) << code;
    }
    answer[3] = 3;
    EXPECT_TRUE(is_dns_answer(answer, 0x1234)) << "no such name is an answer";
    for (std::size_t size = 0; size < 12; ++size)
        EXPECT_FALSE(is_dns_answer(std::span(answer).first(size), 0x1234)) << size;
}

TEST(HostAddress, WhatIsAnAddressNeedsNoNameServer)
{
    constexpr Milliseconds kAWhile{5'000};
    EXPECT_EQ(resolve_endpoint("192.0.2.7:51820", kAWhile).value(), "192.0.2.7:51820");
    EXPECT_EQ(resolve_endpoint("[2001:db8::7]:51820", kAWhile).value(), "[2001:db8::7]:51820");
    EXPECT_FALSE(resolve_endpoint("192.0.2.7", kAWhile));
    EXPECT_EQ(resolve_for_curl("http://192.0.2.7/x", kAWhile).value(), "");
    EXPECT_EQ(resolve_for_curl("https://[2001:db8::7]:8443/x", kAWhile).value(), "");
    EXPECT_THAT(resolve_for_curl("https://localhost/x", kAWhile).value(), HasSubstr("localhost:443:"));
    EXPECT_THAT(resolve_endpoint("localhost:51820", kAWhile).value(), Not(HasSubstr("localhost")));
    EXPECT_FALSE(resolve_for_curl("nonsense", kAWhile));
}

} // namespace
} // namespace adit::operate
