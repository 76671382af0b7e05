// A shop of europa-node moves in under real packets: the peer that it put is kept, and ends when it was promised.
//   client 172.31.1.2 -- 172.31.1.1 operator 203.0.113.1 -- 203.0.113.2 internet
#include "e2e/shop.h"

#include "base/clock.h"
#include "fakes/europa.h"
#include "wg/uapi_device.h"

#include <nlohmann/json.hpp>
#include <set>

namespace adit::e2e {
namespace {

using fakes::Child;
using fakes::eventually;
using fakes::Netns;
using fakes::WireguardGo;

constexpr std::string_view kSessionId = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed";

std::string secret_line(const protocol::WireguardSecret& secret) { return encode_base64(secret.expose()) + "\n"; }

class MovingInTest : public testing::Test {
protected:
    void SetUp() override
    {
        ADIT_NEEDS_NETNS();
        for (auto* space : {&client_, &operator_, &internet_}) space->emplace(std::move(Netns::create()).value());
        ASSERT_TRUE(fakes::join(*client_, "uplink", "172.31.1.2/24", *operator_, "public", "172.31.1.1/24"));
        ASSERT_TRUE(fakes::join(*operator_, "transit", "203.0.113.1/24", *internet_, "eth0", "203.0.113.2/24"));
        ASSERT_TRUE(fakes::forward_with_nat(*operator_, "10.66.42.0/24", "transit"));

        // What wg-quick had made, and europa-node sold on it.
        server_.emplace(std::move(WireguardGo::start(*operator_)).value());
        run(*operator_, {"wg", "set", server_->interface(), "listen-port", "51820", "private-key", "/dev/stdin"},
            secret_line(server_secret_));
        run(*operator_, {"ip", "address", "add", "10.66.42.1/24", "dev", server_->interface()});
        run(*operator_,
            {"wg", "set", server_->interface(), "peer", client_key_.base64(), "allowed-ips", "10.66.42.7/32"});

        tunnel_.emplace(std::move(WireguardGo::start(*client_)).value());
        const std::string& there = tunnel_->interface();
        run(*client_, {"wg", "set", there, "private-key", "/dev/stdin"}, secret_line(client_secret_));
        run(*client_, {"wg", "set", there, "peer", protocol::wireguard_public_key(server_secret_).base64(), "endpoint",
                       "172.31.1.1:51820", "allowed-ips", "0.0.0.0/0"});
        run(*client_, {"ip", "address", "add", "10.66.42.7/32", "dev", there});
        run(*client_, {"ip", "route", "add", "203.0.113.0/24", "dev", there});

        Settings settings;
        settings.subnet = "10.66.42.0/24";
        settings.wireguard = "interface = \"" + server_->interface() + "\"\npreshared_keys = true\n";
        shop_ = std::make_unique<Shop>(settings, devnet::WorldOptions{}, &*operator_);
        shop_->server_key = protocol::wireguard_public_key(server_secret_);
        shop_->endpoint_host = "172.31.1.1";
        // As europa-node has it; ours will be beside it.
        shop_->database = shop_->folder / "state" / "sessions.db";
    }
    void TearDown() override { shop_.reset(); }

    static void run(const Netns& where, const fakes::Command& command, const std::string& input = {})
    {
        const auto ran = where.run(command, input);
        ASSERT_TRUE(ran) << ran.error().detail;
    }
    void sell_as_europa_node(UnixSeconds end, const wg::PeerStatus& counted)
    {
        fakes::EuropaBook book(shop_->database);
        book.add({{"session_id", "'" + std::string(kSessionId) + "'"},
                  {"client_identity", "'" + client_key_.base64() + "'"},
                  {"purchased_at", std::to_string((end - Seconds(3600)).count())},
                  {"expires_at", std::to_string(end.count())},
                  {"data_used_bytes", std::to_string(counted.received_bytes + counted.sent_bytes)},
                  {"last_rx_counter", std::to_string(counted.received_bytes)},
                  {"last_tx_counter", std::to_string(counted.sent_bytes)}});
    }
    nlohmann::json migrate()
    {
        shop_->write_config();
        Child child = start_program(
            "adit", {"migrate", "europa-node", "--config", (shop_->folder / "config.toml").string(), "--json"}, {},
            &*operator_);
        EXPECT_EQ(must(child.wait(Milliseconds(60'000))), 0) << child.output();
        return nlohmann::json::parse(child.output(), nullptr, false);
    }
    wg::PeerStatus peer()
    {
        const auto device = must(wg::UapiDevice::open(server_->interface()));
        const auto status = must(device->status());
        for (const wg::PeerStatus& each : status.peers)
            if (each.key == client_key_) return each;
        ADD_FAILURE() << "the peer is gone";
        return wg::PeerStatus{.key = client_key_, .allowed_ips = {}, .last_handshake = {}};
    }
    bool has_peer()
    {
        const auto shown = operator_->run({"wg", "show", server_->interface(), "peers"});
        return shown && shown->find(client_key_.base64()) != std::string::npos;
    }

    const protocol::WireguardSecret server_secret_ = protocol::generate_wireguard_secret(system_rng());
    const protocol::WireguardSecret client_secret_ = protocol::generate_wireguard_secret(system_rng());
    const protocol::WireguardKey client_key_ = protocol::wireguard_public_key(client_secret_);
    std::optional<Netns> client_;
    std::optional<Netns> operator_;
    std::optional<Netns> internet_;
    std::optional<WireguardGo> server_;
    std::optional<WireguardGo> tunnel_;
    std::unique_ptr<Shop> shop_;
};

/// The numbers of the pings that were answered.
std::set<int> answered(Child& ping)
{
    std::set<int> numbers;
    const std::string& output = ping.output();
    constexpr std::string_view kWord = "icmp_seq=";
    for (auto at = output.find(kWord); at != std::string::npos; at = output.find(kWord, at + 1)) {
        const auto line = output.substr(at, output.find('\n', at) - at);
        if (line.find("time=") != std::string::npos) numbers.insert(std::stoi(line.substr(kWord.size())));
    }
    return numbers;
}

TEST_F(MovingInTest, ThePingNeverStopsUntilTheEndThatWasPromised)
{
    Child ping = must(client_->start({"ping", "-n", "-i", "0.1", "-W", "1", "203.0.113.2"}));
    ASSERT_TRUE(eventually(Milliseconds(10'000), [&] { return answered(ping).size() > 5; }));
    const int first = *answered(ping).begin(); // before it the handshake was under way

    const UnixSeconds end = system_clock().now() + Seconds(25);
    const auto counted = peer();
    sell_as_europa_node(end, counted);
    const auto moved = migrate();
    EXPECT_EQ(moved["ok"], true) << moved;
    shop_->start();
    EXPECT_EQ(shop_->daemon->output().find("database_of_another_daemon"), std::string::npos) << "it has moved in";
    ASSERT_LT(system_clock().now(), end) << "the start took too long for this test";

    // Counted on from there, by the id that it had.
    const std::string page = "/session/" + std::string(kSessionId);
    const auto view = [&] { return nlohmann::json::parse(shop_->get(page).body, nullptr, false); };
    const std::uint64_t before = counted.received_bytes + counted.sent_bytes;
    ASSERT_TRUE(eventually(Milliseconds(15'000), [&] { return view()["data_used_bytes"] > before; }));
    const auto now = peer();
    EXPECT_LE(view()["data_used_bytes"], now.received_bytes + now.sent_bytes + 20'000) << "nothing twice";
    EXPECT_GE(now.received_bytes, counted.received_bytes) << "it was never put anew";
    EXPECT_EQ(view()["status"], "active");
    EXPECT_EQ(view()["expires_at"], end.count());
    ASSERT_EQ(now.allowed_ips.size(), 1U);
    EXPECT_EQ(now.allowed_ips[0].address.text(), "10.66.42.7");

    std::size_t count = answered(ping).size();
    UnixSeconds last_answer = system_clock().now();
    ASSERT_TRUE(eventually(Milliseconds(60'000), [&] {
        if (const std::size_t more = answered(ping).size(); more > count) {
            count = more;
            last_answer = system_clock().now();
        }
        return !has_peer();
    }));
    EXPECT_LE(system_clock().now(), end + Seconds(1));
    EXPECT_GE(last_answer, end - Seconds(1)) << "not a second too early";
    const auto all = answered(ping);
    EXPECT_EQ(all.size(), static_cast<std::size_t>(*all.rbegin() - first + 1)) << "every single one came back";
    EXPECT_EQ(view()["status"], "ended");
}

TEST_F(MovingInTest, AStartWithoutMovingInSaysSo)
{
    sell_as_europa_node(system_clock().now() + Seconds(3600), peer());
    shop_->start();
    EXPECT_NE(shop_->daemon->output().find("database_of_another_daemon"), std::string::npos);
    EXPECT_NE(shop_->daemon->output().find("adit migrate europa-node"), std::string::npos);
    EXPECT_TRUE(has_peer()) << "a peer of others is left alone";
    EXPECT_EQ(shop_->daemon->stop(), 0);
    EXPECT_EQ(migrate()["ok"], true) << "a store that is there already is no hindrance";
    shop_->start();
    EXPECT_TRUE(has_peer());
    EXPECT_EQ(nlohmann::json::parse(shop_->get("/session/" + std::string(kSessionId)).body)["status"], "active");
}

} // namespace
} // namespace adit::e2e
