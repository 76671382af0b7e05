// Real packets: a client, an operator whose device is under test, and a host on the internet, each in a namespace. Both
// ends are wireguard-go's, or the kernel's where tests/kernel/run has one with WireGuard.
//   client 172.31.1.2 -- 172.31.1.1 operator 203.0.113.1 -- 203.0.113.2 internet
// The internet has no route back to the tunnels' subnet, so an answer proves the operator's NAT.
#include "base/clock.h"
#include "fakes/wireguard_interface.h"
#include "wg/inside_device.h"
#include "wg/peers.h"
#include "wg/usage.h"

#include <gtest/gtest.h>

namespace adit::wg {

namespace {

using fakes::Child;
using fakes::eventually;
using fakes::Netns;
using fakes::WireguardInterface;

constexpr Milliseconds kPatience{10'000};
constexpr Milliseconds kOneSecond{1'000};
// A packet of `ping -s 1000`: 1028 bytes of IPv4, padded to 1040, and 32 of WireGuard around them.
constexpr std::uint64_t kBigPing = 1072;

void must(const Result<std::string>& ran) { ASSERT_TRUE(ran) << ran.error().detail; }

class TunnelTest : public testing::Test {
protected:
    void SetUp() override
    {
        ADIT_NEEDS_NETNS();
        for (auto* space : {&client_, &operator_, &internet_}) space->emplace(std::move(Netns::create()).value());
        ASSERT_TRUE(fakes::join(*client_, "uplink", "172.31.1.2/24", *operator_, "public", "172.31.1.1/24"));
        ASSERT_TRUE(fakes::join(*operator_, "transit", "203.0.113.1/24", *internet_, "eth0", "203.0.113.2/24"));
        ASSERT_TRUE(fakes::forward_with_nat(*operator_, "10.8.0.0/24", "transit"));

        server_.emplace(std::move(WireguardInterface::start(*operator_)).value());
        configure_server();
        device_ = open_inside(*operator_, server_->interface());

        tunnel_.emplace(std::move(WireguardInterface::start(*client_)).value());
        must(client_->run({"wg", "set", tunnel_->interface(), "private-key", "/dev/stdin"}, base64(client_secret_)));
        must(client_->run({"ip", "address", "add", "10.8.0.2/32", "dev", tunnel_->interface()}));
        must(client_->run({"ip", "route", "add", "203.0.113.0/24", "dev", tunnel_->interface()}));
        connect_client();
    }

    static std::string base64(const protocol::WireguardSecret& secret) { return encode_base64(secret.expose()) + "\n"; }

    void configure_server()
    {
        must(operator_->run({"wg", "set", server_->interface(), "listen-port", "51820", "private-key", "/dev/stdin"},
                            base64(server_secret_)));
        must(operator_->run({"ip", "address", "add", "10.8.0.1/24", "dev", server_->interface()}));
    }
    /// The client forgets what it shared with the server, so that its next packet begins a handshake at once.
    void connect_client()
    {
        const std::string server = protocol::wireguard_public_key(server_secret_).base64();
        must(client_->run({"wg", "set", tunnel_->interface(), "peer", server, "remove"}));
        must(client_->run({"wg", "set", tunnel_->interface(), "peer", server, "endpoint", "172.31.1.1:51820",
                           "allowed-ips", "0.0.0.0/0"}));
    }
    protocol::WireguardKey client_key() const { return protocol::wireguard_public_key(client_secret_); }
    void sell() { ASSERT_TRUE(device_->apply(batch(put(client_key(), {address("10.8.0.2")})))); }
    void end() { ASSERT_TRUE(device_->apply(batch(PeerRemove{client_key()}))); }

    bool ping_once() const { return client_->run({"ping", "-c1", "-W1", "203.0.113.2"}).has_value(); }
    bool flows() const
    {
        return eventually(kPatience, [this] { return ping_once(); });
    }
    PeerStatus peer() const
    {
        const auto status = std::move(device_->status()).value();
        const PeerStatus* found = find(status, client_key());
        EXPECT_NE(found, nullptr);
        return found != nullptr ? *found : PeerStatus{client_key(), {}, 0, 0, std::nullopt};
    }
    /// Bytes the client's own device says it has received and sent.
    Traffic client_traffic() const
    {
        const auto client_device = open_inside(*client_, tunnel_->interface());
        const auto status = std::move(client_device->status()).value();
        return {status.peers.at(0).received_bytes, status.peers.at(0).sent_bytes};
    }

    const protocol::WireguardSecret server_secret_ = protocol::generate_wireguard_secret(system_rng());
    const protocol::WireguardSecret client_secret_ = protocol::generate_wireguard_secret(system_rng());
    std::optional<Netns> client_;
    std::optional<Netns> operator_;
    std::optional<Netns> internet_;
    std::optional<WireguardInterface> server_;
    std::optional<WireguardInterface> tunnel_;
    std::unique_ptr<Device> device_;
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
    bool answers_grow_within(Milliseconds length)
    {
        const std::size_t before = answers();
        return eventually(length, [&] { return answers() > before; });
    }

private:
    Child child_;
};

} // namespace

TEST_F(TunnelTest, WithoutAPeerNothingFlowsAndWithItEverythingDoes)
{
    EXPECT_FALSE(ping_once());
    sell();
    connect_client();
    ASSERT_TRUE(flows());
    const PeerStatus now = peer();
    ASSERT_TRUE(now.last_handshake);
    EXPECT_LE(system_clock().now() - *now.last_handshake, Seconds(30));
    EXPECT_GT(now.received_bytes, 0u);
    EXPECT_GT(now.sent_bytes, 0u);
    EXPECT_FALSE(internet_->run({"ping", "-c1", "-W1", "10.8.0.2"})) << "only NAT leads back";
}

TEST_F(TunnelTest, TrafficStopsWithinASecondOfTheRemoval)
{
    sell();
    ASSERT_TRUE(flows());
    SteadyPing ping(*client_);
    ASSERT_TRUE(ping.answers_grow_within(kPatience));
    end();
    const SteadyTime removed = system_clock().steady();
    std::size_t last = ping.answers();
    SteadyTime last_answer = removed;
    // Two seconds without an answer, at twenty requests a second, is silence.
    eventually(Milliseconds(2'000), [&] {
        const std::size_t now = ping.answers();
        if (now > last) last_answer = system_clock().steady();
        last = now;
        return false;
    });
    EXPECT_LT(last_answer - removed, kOneSecond);
    sell();
    connect_client();
    EXPECT_TRUE(ping.answers_grow_within(kPatience)) << "and a renewal brings it back";
}

TEST_F(TunnelTest, CountersAddUpWithThoseOfTheClient)
{
    sell();
    ASSERT_TRUE(flows());
    UsageMeter meter;
    (void)meter.read(std::vector{peer()});
    const PeerStatus before = peer();
    must(client_->run({"ping", "-c", "40", "-i", "0.01", "-s", "1000", "203.0.113.2"}));
    ASSERT_TRUE(eventually(kPatience, [&] {
        const PeerStatus now = peer();
        return Traffic{now.sent_bytes, now.received_bytes} == client_traffic();
    })) << "both ends count the same";
    const auto steps = meter.read(std::vector{peer()});
    ASSERT_EQ(steps.size(), 1u);
    EXPECT_GE(steps[0].added.received, 40 * kBigPing);
    EXPECT_GE(steps[0].added.sent, 40 * kBigPing);
    EXPECT_LE(steps[0].added.received, 40 * kBigPing + 500) << "beside the pings, at most a handshake and keepalives";
    EXPECT_EQ(steps[0].added.received, peer().received_bytes - before.received_bytes);

    // Removed and put again, the device counts from zero; the meter's sum goes on.
    end();
    sell();
    EXPECT_EQ(peer().received_bytes, 0u);
    connect_client();
    must(client_->run({"ping", "-c", "5", "-i", "0.01", "-s", "1000", "203.0.113.2"}));
    const PeerStatus after = peer();
    const auto more = meter.read(std::vector{after});
    ASSERT_EQ(more.size(), 1u);
    EXPECT_EQ(more[0].added, (Traffic{after.received_bytes, after.sent_bytes}));
    EXPECT_GE(more[0].added.received, 5 * kBigPing);
}

TEST_F(TunnelTest, AWipedInterfaceReportsNoPeersAndRefills)
{
    sell();
    ASSERT_TRUE(flows());
    const std::string interface = server_->interface();
    server_->stop();
    EXPECT_EQ(device_->status().error().reason, Reason::device_absent);
    server_.emplace(std::move(WireguardInterface::start(*operator_, interface)).value());
    configure_server();
    EXPECT_TRUE(device_->status().value().peers.empty());
    EXPECT_FALSE(ping_once());
    sell();
    connect_client();
    EXPECT_TRUE(flows());
}

TEST_F(TunnelTest, AForeignPeerKeepsItsTunnelWhileOursComeAndGo)
{
    must(operator_->run(
        {"wg", "set", server_->interface(), "peer", client_key().base64(), "allowed-ips", "10.8.0.2/32"}));
    connect_client();
    ASSERT_TRUE(flows());
    const PeerStatus before = peer();
    ASSERT_TRUE(device_->apply(puts(1)));
    ASSERT_TRUE(device_->apply(batch(put(key_number(900), {address("10.8.0.90")}))));
    ASSERT_TRUE(device_->apply(removals(1)));
    EXPECT_TRUE(ping_once());
    const PeerStatus after = peer();
    EXPECT_EQ(after.allowed_ips, before.allowed_ips);
    EXPECT_EQ(after.last_handshake, before.last_handshake);
    EXPECT_GT(after.received_bytes, before.received_bytes);
}

TEST_F(TunnelTest, WhoeverGetsAnAddressLastHasIt)
{
    sell();
    ASSERT_TRUE(flows());
    ASSERT_TRUE(device_->apply(batch(put(key_number(1), {address("10.8.0.2")}))));
    EXPECT_FALSE(ping_once()) << "the peer is there, but its address is another's";
    EXPECT_TRUE(peer().allowed_ips.empty());
    sell();
    EXPECT_TRUE(flows()) << "the session of the keys was never lost";
}

TEST_F(TunnelTest, APresharedKeyMustBeSharedByBoth)
{
    PeerPut with_secret = put(client_key(), {address("10.8.0.2")});
    with_secret.preshared_key = secret_of(7);
    ASSERT_TRUE(device_->apply(batch(std::move(with_secret))));
    EXPECT_FALSE(ping_once());
    must(client_->run({"wg", "set", tunnel_->interface(), "peer",
                       protocol::wireguard_public_key(server_secret_).base64(), "preshared-key", "/dev/stdin"},
                      base64(secret_of(7))));
    EXPECT_TRUE(flows());
}

} // namespace adit::wg
