// Real packets, sold by the real daemon: a client, an operator, and a host on the internet, each in a namespace. The
// devices are wireguard-go's, or the kernel's where tests/kernel/run has one with WireGuard.
//   client 172.31.1.2 -- 172.31.1.1 operator 203.0.113.1 -- 203.0.113.2 internet
// The internet has no route back to the tunnels' subnet, so an answer proves the operator's NAT.
#include "e2e/shop.h"

#include "base/clock.h"
#include "base/file.h"
#include "fakes/wireguard_interface.h"
#include "protocol/wg_config.h"
#include "wg/inside_device.h"

#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

namespace adit::e2e {
namespace {

using fakes::Child;
using fakes::eventually;
using fakes::Netns;
using fakes::WireguardInterface;

constexpr Milliseconds kPatience{10'000};
constexpr std::string_view kSubnet = "10.8.0.0/24";

std::string base64_line(const protocol::WireguardSecret& secret) { return encode_base64(secret.expose()) + "\n"; }

void must_run(const Netns& where, const fakes::Command& command, const std::string& input = {})
{
    const auto ran = where.run(command, input);
    EXPECT_TRUE(ran) << (ran ? "" : ran.error().detail);
}

/// What a buyer does with a config: wg-quick in small, since that knows no namespaces of ours.
class Client {
public:
    Client(const Netns& where, const protocol::WireguardSecret& secret, const protocol::ClientConfig& config)
        : where_(where), tunnel_(std::move(WireguardInterface::start(where)).value()),
          server_(config.server_key.base64()), endpoint_(config.endpoint)
    {
        if (config.preshared_key) preshared_key_ = base64_line(*config.preshared_key);
        must_run(where_, {"wg", "set", tunnel_.interface(), "private-key", "/dev/stdin"}, base64_line(secret));
        for (const std::string& address : config.addresses)
            must_run(where_, {"ip", "address", "add", address, "dev", tunnel_.interface()});
        must_run(where_, {"ip", "route", "add", "203.0.113.0/24", "dev", tunnel_.interface()});
        connect();
    }
    /// Forgets what it shared with the server, so that its next packet begins a handshake at once.
    void connect()
    {
        must_run(where_, {"wg", "set", tunnel_.interface(), "peer", server_, "remove"});
        must_run(where_, {"wg", "set", tunnel_.interface(), "peer", server_, "endpoint", endpoint_, "allowed-ips",
                          "0.0.0.0/0"});
        if (!preshared_key_.empty())
            must_run(where_, {"wg", "set", tunnel_.interface(), "peer", server_, "preshared-key", "/dev/stdin"},
                     preshared_key_);
    }
    bool ping_once() const { return where_.run({"ping", "-c1", "-W1", "203.0.113.2"}).has_value(); }
    bool flows() const
    {
        return eventually(kPatience, [this] { return ping_once(); });
    }
    void send_pings(int count) const
    {
        must_run(where_, {"ping", "-c", std::to_string(count), "-i", "0.002", "-s", "1300", "203.0.113.2"});
    }
    /// Received and sent, as its own device counts.
    std::pair<std::uint64_t, std::uint64_t> traffic() const
    {
        const auto device = wg::open_inside(where_, tunnel_.interface());
        const auto status = std::move(device->status()).value();
        return {status.peers.at(0).received_bytes, status.peers.at(0).sent_bytes};
    }

private:
    const Netns& where_;
    WireguardInterface tunnel_;
    std::string server_;
    std::string endpoint_;
    std::string preshared_key_;
};

/// Pings twenty times a second until it is ended, and knows how many answers came.
class SteadyPing {
public:
    explicit SteadyPing(const Netns& from)
        : child_(std::move(from.start({"ping", "-n", "-i", "0.05", "-W", "1", "203.0.113.2"})).value())
    {
    }
    std::size_t answers()
    {
        std::size_t count = 0;
        const std::string& output = child_.output();
        for (auto at = output.find("bytes from"); at != std::string::npos; at = output.find("bytes from", at + 1))
            ++count;
        return count;
    }

private:
    Child child_;
};

class TunnelSaleTest : public testing::Test {
protected:
    void SetUp() override
    {
        ADIT_NEEDS_NETNS();
        for (auto* space : {&client_, &operator_, &internet_}) space->emplace(std::move(Netns::create()).value());
        ASSERT_TRUE(fakes::join(*client_, "uplink", "172.31.1.2/24", *operator_, "public", "172.31.1.1/24"));
        ASSERT_TRUE(fakes::join(*operator_, "transit", "203.0.113.1/24", *internet_, "eth0", "203.0.113.2/24"));
        ASSERT_TRUE(fakes::forward_with_nat(*operator_, std::string(kSubnet), "transit"));
        start_device(fakes::unique_interface_name());

        Settings settings;
        settings.prices = {{"100", "sat", "hour"}, {"500", "sat", "GiB"}};
        settings.subnet = kSubnet;
        settings.wireguard =
            "interface = \"" + server_->interface() + "\"\nbackend = \"auto\"\npreshared_keys = true\n";
        settings.more = "[sessions]\nactivation_deadline = 10\n";
        shop_ = std::make_unique<Shop>(settings, devnet::WorldOptions{}, &*operator_);
        shop_->server_key = protocol::wireguard_public_key(server_secret_);
        shop_->endpoint_host = "172.31.1.1";
        shop_->start();
    }
    void TearDown() override { shop_.reset(); }

    void start_device(const std::string& interface)
    {
        server_.emplace(std::move(WireguardInterface::start(*operator_, interface)).value());
        must_run(*operator_, {"wg", "set", interface, "listen-port", "51820", "private-key", "/dev/stdin"},
                 base64_line(server_secret_));
        must_run(*operator_, {"ip", "address", "add", "10.8.0.1/24", "dev", interface});
    }
    protocol::Delivered buy(const Buyer& buyer, std::size_t tier = 0)
    {
        return delivered(shop_->ask(shop_->request(buyer, tier)));
    }
    nlohmann::json session(const protocol::Delivered& sold)
    {
        return nlohmann::json::parse(shop_->get("/session/" + sold.session_id.value_or("")).body, nullptr, false);
    }
    /// The only segment of the only session, as the stopped daemon left it: class, amount, start, end, used bytes.
    std::vector<std::string> segment()
    {
        std::istringstream text(shop_->sql("SELECT segments FROM sessions").at(0).at(0));
        std::vector<std::string> words{std::istream_iterator<std::string>(text), {}};
        EXPECT_EQ(words.size(), 5U);
        words.resize(5);
        return words;
    }
    /// While nobody runs the store.
    void set_segment(const std::vector<std::string>& words)
    {
        std::string text;
        for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
        shop_->sql("UPDATE sessions SET segments = '" + text + "'");
    }
    void end_at(UnixSeconds end)
    {
        auto words = segment();
        words[3] = std::to_string(end.count());
        set_segment(words);
    }
    bool has_peer(const protocol::WireguardKey& key)
    {
        const auto shown = operator_->run({"wg", "show", server_->interface(), "peers"});
        return shown && shown->find(key.base64()) != std::string::npos;
    }

    const protocol::WireguardSecret server_secret_ = protocol::generate_wireguard_secret(system_rng());
    std::optional<Netns> client_;
    std::optional<Netns> operator_;
    std::optional<Netns> internet_;
    std::optional<WireguardInterface> server_;
    std::unique_ptr<Shop> shop_;
};

TEST_F(TunnelSaleTest, ABoughtConfigCarriesPacketsAndIsCounted)
{
    const Buyer buyer = shop_->buyer({4, 32, 64});
    const auto sold = buy(buyer);
    const auto config = must(protocol::parse_config(sold.config));
    EXPECT_EQ(config.endpoint, "172.31.1.1:51820");
    Client client(*client_, buyer.tunnel_secret, config);
    ASSERT_TRUE(client.flows());
    EXPECT_FALSE(
        internet_->run({"ping", "-c1", "-W1", config.addresses.front().substr(0, config.addresses.front().find('/'))}))
        << "only NAT leads back";
    client.send_pings(50);
    // The end of the process books what was counted; the next one goes on from there.
    EXPECT_EQ(shop_->daemon->stop(), 0);
    shop_->start();
    EXPECT_TRUE(client.ping_once()) << "a restart interrupts no tunnel";
    const auto [received, sent] = client.traffic();
    ASSERT_TRUE(eventually(Milliseconds(20'000), [&] { return !session(sold)["last_handshake_age_s"].is_null(); }));
    const auto view = session(sold);
    EXPECT_EQ(view["status"], "active");
    EXPECT_LT(view["last_handshake_age_s"].get<int>(), 120);
    EXPECT_GE(view["data_used_bytes"].get<std::uint64_t>(), 50U * 2 * 1300);
    EXPECT_LE(view["data_used_bytes"].get<std::uint64_t>(), received + sent + 2000);
}

TEST_F(TunnelSaleTest, WhatTheBuyersOwnProgramWritesCarriesPackets)
{
    shop_->settings.public_url = "http://127.0.0.1:" + std::to_string(shop_->port); // no proxy in front
    shop_->restart();
    const auto adit = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.end(), {"--relay", shop_->world->relay_url()});
        Child child = start_program("adit", arguments, {"HOME=" + shop_->folder.string()}, &*operator_);
        const auto status = child.wait(Milliseconds(60'000));
        return std::pair(status ? *status : -1, child.output());
    };
    std::string naddr;
    ASSERT_TRUE(eventually(Milliseconds(30'000), [&] {
        const std::string said = adit({"browse", "--json"}).second; // and around the JSON what is for people
        const auto begin = said.find('[');
        const auto end = said.rfind(']');
        if (begin == std::string::npos || end < begin) return false;
        const auto found = nlohmann::json::parse(said.substr(begin, end - begin + 1), nullptr, false);
        if (!found.is_array() || found.empty() || found.dump().find(shop_->settings.public_url) == std::string::npos)
            return false; // the relay has the listing of before the restart, or none yet
        naddr = found.at(0).value("naddr", "");
        return !naddr.empty();
    }));
    const std::filesystem::path file = shop_->folder / "tunnel.conf";
    const auto [status, said] = adit({"buy", naddr, "--tier", "hour", "--yes", "--file",
                                      (shop_->folder / "purchase.json").string(), "--out", file.string()});
    ASSERT_EQ(status, 0) << said;
    const auto config = must(protocol::parse_config(must(read_file(file))));
    ASSERT_TRUE(config.private_key) << "it is filled in, as wg-quick wants it";
    EXPECT_TRUE(has_peer(protocol::wireguard_public_key(*config.private_key)));
    Client client(*client_, *config.private_key, config);
    EXPECT_TRUE(client.flows());
}

TEST_F(TunnelSaleTest, TrafficStopsWithinASecondOfTheEnd)
{
    const Buyer buyer = shop_->buyer({4, 32, 64});
    const auto sold = buy(buyer);
    std::optional<Client> client;
    client.emplace(*client_, buyer.tunnel_secret, must(protocol::parse_config(sold.config)));
    ASSERT_TRUE(client->flows());
    EXPECT_EQ(shop_->daemon->stop(), 0);
    const UnixSeconds end = system_clock().now() + Seconds(8);
    end_at(end);
    shop_->start();
    SteadyPing ping(*client_);
    ASSERT_TRUE(eventually(kPatience, [&] { return ping.answers() > 3; })) << "it flows until then";
    ASSERT_LT(system_clock().now(), end) << "the start took too long for this test";
    std::size_t last = ping.answers();
    UnixSeconds last_answer = system_clock().now();
    eventually(Milliseconds(11'000), [&] {
        const std::size_t now = ping.answers();
        if (now > last) last_answer = system_clock().now();
        last = now;
        return false;
    });
    EXPECT_GE(last_answer, end - Seconds(1)) << "not a second too early";
    EXPECT_LE(last_answer, end + Seconds(1));
    EXPECT_FALSE(has_peer(buyer.client_key));
    EXPECT_EQ(session(sold)["status"], "ended");
    EXPECT_EQ(shop_->ask(shop_->request(buyer)).status, 410);
    EXPECT_EQ(shop_->ask(shop_->request(buyer)).reason(), "session-ended");
    // And is back with the next purchase, which is a new session.
    Buyer again = shop_->buyer({4, 32, 64});
    again.client_key = buyer.client_key;
    const auto renewed = buy(again);
    EXPECT_NE(renewed.session_id, sold.session_id);
    client.reset();
    client.emplace(*client_, buyer.tunnel_secret, must(protocol::parse_config(renewed.config)));
    EXPECT_TRUE(client->flows());
}

TEST_F(TunnelSaleTest, AQuotaEndsTheSessionAndTheCountersAddUp)
{
    const Buyer buyer = shop_->buyer({4, 16, 32, 64, 128, 256});
    const auto sold = buy(buyer, 1);
    Client client(*client_, buyer.tunnel_secret, must(protocol::parse_config(sold.config)));
    ASSERT_TRUE(client.flows());
    client.send_pings(100);
    // Both ends count the same, within what is on its way.
    ASSERT_TRUE(eventually(Milliseconds(20'000), [&] {
        const auto [received, sent] = client.traffic();
        return session(sold)["data_used_bytes"] == received + sent;
    }));
    EXPECT_EQ(session(sold)["data_quota_bytes"], 1ULL << 30);
    EXPECT_EQ(shop_->daemon->stop(), 0);
    auto words = segment();
    words[1] = std::to_string(std::stoull(words[4]) + 100'000); // as if that were the last of the GiB
    set_segment(words);
    shop_->start();
    EXPECT_TRUE(client.ping_once());
    client.send_pings(100);
    EXPECT_TRUE(eventually(Milliseconds(15'000), [&] { return !has_peer(buyer.client_key); }));
    EXPECT_FALSE(client.ping_once());
    const auto view = session(sold);
    EXPECT_EQ(view["status"], "ended");
    EXPECT_GE(view["data_used_bytes"].get<std::uint64_t>(), view["data_quota_bytes"].get<std::uint64_t>())
        << "what was used is told after the end too";
}

TEST_F(TunnelSaleTest, AWipedInterfaceIsRefilled)
{
    const Buyer buyer = shop_->buyer({4, 32, 64});
    const auto sold = buy(buyer);
    Client client(*client_, buyer.tunnel_secret, must(protocol::parse_config(sold.config)));
    ASSERT_TRUE(client.flows());
    const std::string interface = server_->interface();
    server_->stop();
    start_device(interface);
    EXPECT_FALSE(has_peer(buyer.client_key));
    EXPECT_TRUE(eventually(Milliseconds(45'000), [&] { return has_peer(buyer.client_key); })) << "within 30 s";
    client.connect();
    EXPECT_TRUE(client.flows());
}

TEST_F(TunnelSaleTest, PeersOfOthersAreLeftAloneAndCanNotBeBoughtFor)
{
    const auto foreign_secret = protocol::generate_wireguard_secret(system_rng());
    const auto foreign = protocol::wireguard_public_key(foreign_secret);
    must_run(*operator_, {"wg", "set", server_->interface(), "peer", foreign.base64(), "allowed-ips", "10.8.0.2/31"});
    shop_->restart(); // it looks at the start
    EXPECT_TRUE(has_peer(foreign));
    Buyer thief = shop_->buyer({4, 32, 64});
    thief.client_key = foreign;
    const Reply reply = shop_->ask(shop_->request(thief));
    EXPECT_EQ(reply.status, 400) << reply.body;
    EXPECT_EQ(reply.reason(), "bad-request");
    EXPECT_EQ(shop_->spent_of(thief), 0U);
    const Buyer buyer = shop_->buyer({4, 32, 64});
    const auto addresses = must(protocol::parse_config(buy(buyer).config)).addresses;
    EXPECT_NE(addresses.front(), "10.8.0.2/32");
    EXPECT_NE(addresses.front(), "10.8.0.3/32");
    EXPECT_NE(addresses.front(), "10.8.0.1/32") << "the interface's own";
    const auto allowed = must(operator_->run({"wg", "show", server_->interface(), "allowed-ips"}));
    EXPECT_NE(allowed.find(foreign.base64() + "\t10.8.0.2/31"), std::string::npos) << allowed;
}

TEST_F(TunnelSaleTest, WhatEndsWhileTheDaemonIsDownIsGoneAtTheStart)
{
    const Buyer buyer = shop_->buyer({4, 32, 64});
    const auto sold = buy(buyer);
    ASSERT_TRUE(has_peer(buyer.client_key));
    shop_->daemon->kill();
    end_at(system_clock().now() - Seconds(100));
    shop_->start();
    EXPECT_TRUE(eventually(kPatience, [&] { return !has_peer(buyer.client_key); }));
    EXPECT_EQ(session(sold)["status"], "ended");
}

TEST_F(TunnelSaleTest, WithoutTheDeviceNothingIsSoldUntilItIsBack)
{
    const std::string interface = server_->interface();
    server_->stop();
    const Buyer buyer = shop_->buyer({4, 32, 64});
    EXPECT_TRUE(eventually(Milliseconds(90'000), [&] { return shop_->get("/health").status == 503; }));
    const Reply reply = shop_->ask(buyer.request);
    EXPECT_EQ(reply.status, 503) << reply.body;
    EXPECT_EQ(reply.reason(), "policy");
    EXPECT_EQ(shop_->spent_of(buyer), 0U);
    start_device(interface);
    EXPECT_EQ(shop_->insist(buyer.request).status, 200);
    EXPECT_TRUE(has_peer(buyer.client_key));
}

TEST_F(TunnelSaleTest, ASaleWhoseDeviceVanishesIsDeliveredWhenItIsBack)
{
    const std::string interface = server_->interface();
    const Buyer buyer = shop_->buyer({4, 32, 64});
    server_->stop(); // the daemon has not noticed yet
    const Reply reply = shop_->ask(buyer.request);
    EXPECT_EQ(reply.status, 503) << reply.body;
    EXPECT_EQ(reply.reason(), "not-delivered");
    EXPECT_EQ(shop_->spent_of(buyer), 100U);
    start_device(interface);
    const Reply later = shop_->insist(buyer.request);
    const auto sold = delivered(later);
    EXPECT_TRUE(has_peer(buyer.client_key));
    Client client(*client_, buyer.tunnel_secret, must(protocol::parse_config(sold.config)));
    EXPECT_TRUE(client.flows());
}

TEST_F(TunnelSaleTest, ADeviceThatStaysAwayMeansTheMoneyBack)
{
    const std::string interface = server_->interface();
    const Buyer buyer = shop_->buyer({4, 16, 32, 64});
    server_->stop(); // the daemon has not noticed yet
    EXPECT_EQ(shop_->ask(buyer.request).reason(), "not-delivered");
    const Reply reply = shop_->insist(buyer.request);
    EXPECT_EQ(reply.status, 409) << reply.body;
    EXPECT_EQ(reply.reason(), "refunded");
    const auto answer = must(protocol::parse_purchase_answer(reply.status, reply.body));
    const auto* refunded = std::get_if<protocol::Refunded>(&answer);
    ASSERT_NE(refunded, nullptr);
    EXPECT_EQ(shop_->worth(refunded->refund), 100U);
    EXPECT_EQ(shop_->worth(refunded->change.value_or("")), 16U) << "what was left over is there too";
    EXPECT_EQ(shop_->wallet(), 0U);
    // For good: also when the device is back, and after a restart.
    start_device(interface);
    EXPECT_EQ(shop_->ask(buyer.request).body, reply.body);
    shop_->restart();
    EXPECT_EQ(shop_->ask(buyer.request).body, reply.body);
    EXPECT_FALSE(has_peer(buyer.client_key));
}

} // namespace
} // namespace adit::e2e
