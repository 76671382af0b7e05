// [wireguard].manage with real packets: two buyers, an operator whose daemon makes the interface, and a host on the
// internet, each in a namespace.
//   client 172.31.1.2, 2001:db8:c::2 -- 172.31.1.1, 2001:db8:c::1 operator 203.0.113.1, 2001:db8:1::1 -- internet
// The internet (203.0.113.2, 2001:db8:1::2) has no route back to the tunnels' subnets, so an answer proves the NAT. It
// also holds what the operator's host routes to and buyers must not reach: private networks and metadata.
#include "e2e/shop.h"

#include "base/clock.h"
#include "fakes/wireguard_interface.h"
#include "protocol/wg_config.h"

#include <arpa/inet.h>
#include <array>
#include <fcntl.h>
#include <fstream>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace adit::e2e {
namespace {

using fakes::Child;
using fakes::eventually;
using fakes::Netns;
using fakes::WireguardInterface;

constexpr Milliseconds kManagedPatience{15'000};
constexpr Milliseconds kOneSecond{1'000};
const std::vector<std::string> kPrivate{"10.99.0.2",       "172.20.0.2",    "192.168.77.2", "100.64.0.9",
                                        "169.254.169.254", "168.63.129.16", "fd00:99::2",   "fd00:ec2::254"};

void run_in(const Netns& where, const fakes::Command& command, const std::string& input = {})
{
    const auto ran = where.run(command, input);
    EXPECT_TRUE(ran) << (ran ? "" : ran.error().detail);
}
void run_line(const Netns& where, const std::string& line) { run_in(where, {"sh", "-ec", line}); }

sockaddr_in6 address_of(const std::string& text, std::uint16_t port)
{
    sockaddr_in6 out{};
    out.sin6_family = AF_INET6;
    out.sin6_port = htons(port);
    const std::string mapped = text.find(':') == std::string::npos ? "::ffff:" + text : text;
    EXPECT_EQ(::inet_pton(AF_INET6, mapped.c_str(), &out.sin6_addr), 1) << text;
    return out;
}

/// A socket for both families, of the namespace that it was opened in.
class Socket {
public:
    Socket(const Netns& where, int type)
    {
        where.inside([&] { fd_ = ::socket(AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); });
        EXPECT_GE(fd_, 0);
        const int off = 0;
        EXPECT_EQ(::setsockopt(fd_, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off), 0);
        const int big = 4 << 20;
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &big, sizeof big);
    }
    Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Socket& operator=(Socket&&) = delete;
    ~Socket()
    {
        if (fd_ >= 0) ::close(fd_);
    }
    void bind(std::uint16_t port) const
    {
        const sockaddr_in6 any = address_of("::", port);
        EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&any), sizeof any), 0) << port;
    }
    int fd() const { return fd_; }

private:
    int fd_ = -1;
};

Socket listen_on(const Netns& where, std::uint16_t port)
{
    Socket out(where, SOCK_STREAM);
    out.bind(port);
    EXPECT_EQ(::listen(out.fd(), 64), 0);
    return out;
}

/// By TCP, within a second.
bool reaches(const Netns& from, const std::string& host, std::uint16_t port)
{
    const Socket socket(from, SOCK_STREAM);
    const sockaddr_in6 there = address_of(host, port);
    if (::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0) return true;
    if (errno != EINPROGRESS) return false;
    pollfd waiting{socket.fd(), POLLOUT, 0};
    if (::poll(&waiting, 1, static_cast<int>(kOneSecond.count())) != 1) return false;
    int code = 0;
    socklen_t size = sizeof code;
    ::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &code, &size);
    return code == 0;
}

bool pings(const Netns& from, const std::string& host)
{
    return from.run({"ping", "-n", "-c1", "-W1", host}).has_value();
}

/// What must pass does so within some tries: neighbours have to find each other first.
bool comes_to_reach(const Netns& from, const std::string& host, std::uint16_t port)
{
    return eventually(kManagedPatience, [&] { return reaches(from, host, port); });
}
bool comes_to_ping(const Netns& from, const std::string& host)
{
    return eventually(kManagedPatience, [&] { return pings(from, host); });
}

/// A buyer's machine, which has a way to the internet of its own: through it, everything leaks that can.
class BuyersMachine {
public:
    /// As `wg-quick up` does it: both default routes lead into the tunnel, whatever addresses it has.
    BuyersMachine(const Netns& where, const protocol::WireguardSecret& secret, const protocol::ClientConfig& config)
        : where_(where), tunnel_(std::move(WireguardInterface::start(where)).value()),
          server_(config.server_key.base64()), endpoint_(config.endpoint)
    {
        const std::string& name = tunnel_.interface();
        if (config.preshared_key) preshared_key_ = encode_base64(config.preshared_key->expose()) + "\n";
        run_in(where, {"wg", "set", name, "private-key", "/dev/stdin", "fwmark", "51820"},
               encode_base64(secret.expose()) + "\n");
        for (const std::string& address : config.addresses)
            run_line(where, "ip address add " + address + " dev " + name +
                                (address.find(':') == std::string::npos ? "" : " nodad"));
        run_in(where, {"ip", "link", "set", name, "mtu", std::to_string(config.mtu.value_or(1420)), "up"});
        connect();
        for (const char* family : {"-4", "-6"})
            run_line(where, std::string("ip ") + family + " route add default dev " + name + " table 51820; ip " +
                                family + " rule add not fwmark 51820 table 51820; ip " + family +
                                " rule add table main suppress_prefixlength 0");
    }
    ~BuyersMachine()
    {
        for (const char* family : {"-4", "-6"})
            run_line(where_, std::string("ip ") + family + " rule del not fwmark 51820 table 51820; ip " + family +
                                 " rule del table main suppress_prefixlength 0");
    }
    BuyersMachine(const BuyersMachine&) = delete;
    BuyersMachine& operator=(const BuyersMachine&) = delete;
    /// Forgets what it shared with the server, so that its next packet begins a handshake at once.
    void connect()
    {
        run_in(where_, {"wg", "set", tunnel_.interface(), "peer", server_, "remove"});
        run_in(where_, {"wg", "set", tunnel_.interface(), "peer", server_, "endpoint", endpoint_, "allowed-ips",
                        "0.0.0.0/0,::/0"});
        if (!preshared_key_.empty())
            run_in(where_, {"wg", "set", tunnel_.interface(), "peer", server_, "preshared-key", "/dev/stdin"},
                   preshared_key_);
    }
    bool flows() const
    {
        return eventually(kManagedPatience, [this] { return pings(where_, "203.0.113.2"); });
    }

private:
    const Netns& where_;
    WireguardInterface tunnel_;
    std::string server_;
    std::string endpoint_;
    std::string preshared_key_;
};

class ManagedHostTest : public testing::Test {
protected:
    void SetUp() override
    {
        ADIT_NEEDS_NETNS();
        for (auto* space : {&client_, &other_, &operator_, &internet_})
            space->emplace(std::move(Netns::create()).value());
        ASSERT_TRUE(fakes::join(*client_, "uplink", "172.31.1.2/24", *operator_, "public", "172.31.1.1/24"));
        ASSERT_TRUE(fakes::join(*other_, "uplink", "172.31.2.2/24", *operator_, "public2", "172.31.2.1/24"));
        ASSERT_TRUE(fakes::join(*operator_, "transit", "203.0.113.1/24", *internet_, "eth0", "203.0.113.2/24"));
        run_line(*client_, "ip -6 address add 2001:db8:c::2/64 dev uplink nodad; ip route add default via 172.31.1.1; "
                           "ip -6 route add default via 2001:db8:c::1");
        run_line(*other_, "ip route add default via 172.31.2.1");
        run_line(*operator_, "ip -6 address add 2001:db8:c::1/64 dev public nodad; "
                             "ip -6 address add 2001:db8:1::1/64 dev transit nodad");
        run_line(*internet_, "ip -6 address add 2001:db8:1::2/64 dev eth0 nodad; "
                             "ip address add 203.0.113.53/32 dev eth0; ip route add 172.31.0.0/16 via 203.0.113.1; "
                             "ip -6 route add 2001:db8:c::/64 via 2001:db8:1::1");
        for (const std::string& address : kPrivate) {
            run_line(*internet_, "ip address add " + address + " dev lo");
            const bool v4 = address.find(':') == std::string::npos;
            run_line(*operator_, std::string("ip ") + (v4 ? "-4" : "-6") + " route add " + address + " via " +
                                     (v4 ? "203.0.113.2" : "2001:db8:1::2"));
        }
    }
    void TearDown() override
    {
        shop_.reset();
        // It goes on after the daemon, until its socket goes.
        std::error_code ignored;
        std::filesystem::remove("/var/run/wireguard/" + interface_ + ".sock", ignored);
    }

    void open_shop(const std::string& more, const std::vector<std::uint32_t>& max_mbps = {})
    {
        Settings settings;
        settings.prices = {{"100", "sat", "hour"}, {"200", "sat", "day"}};
        settings.max_mbps = max_mbps;
        settings.subnet = "10.8.0.0/24";
        settings.wireguard = "interface = \"" + interface_ +
                             "\"\nmanage = true\nprivate_key_file = \"wg.key\"\npreshared_keys = true\n" + more;
        shop_ = std::make_unique<Shop>(settings, devnet::WorldOptions{}, &*operator_);
        const auto key = shop_->folder / "wg.key";
        std::ofstream(key) << encode_base64(secret_.expose()) << '\n';
        std::filesystem::permissions(key, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
        shop_->server_key = protocol::wireguard_public_key(secret_);
        shop_->endpoint_host = "172.31.1.1";
    }
    struct Sold {
        Buyer buyer;
        protocol::ClientConfig config;
    };
    Sold buy(std::size_t tier = 0)
    {
        Buyer buyer = tier == 0 ? shop_->buyer({4, 32, 64}) : shop_->buyer({8, 64, 128});
        const auto sold = delivered(shop_->ask(shop_->request(buyer, tier)));
        return {std::move(buyer), must(protocol::parse_config(sold.config))};
    }
    static std::string bare(const std::string& cidr) { return cidr.substr(0, cidr.find('/')); }
    std::string shown(const fakes::Command& command) { return operator_->run(command).value_or(""); }

    const std::string interface_ = fakes::unique_interface_name();
    const protocol::WireguardSecret secret_ = protocol::generate_wireguard_secret(system_rng());
    std::optional<Netns> client_;
    std::optional<Netns> other_;
    std::optional<Netns> operator_;
    std::optional<Netns> internet_;
    std::unique_ptr<Shop> shop_;
};

const std::string kV6 = "subnet_cidr6 = \"fd00:8::/112\"\n";

TEST_F(ManagedHostTest, WhatMustPassPassesAndWhatMustNotDoesNot)
{
    open_shop(kV6 + "dns = [\"10.8.0.1\", \"fd00:8::1\"]\nblocked_ports = [6881]\n");
    shop_->start();
    std::vector<Socket> services;
    for (const std::uint16_t port : std::array<std::uint16_t, 3>{80, 25, 6881})
        services.push_back(listen_on(*internet_, port));
    for (const std::uint16_t port : std::array<std::uint16_t, 2>{53, 22})
        services.push_back(listen_on(*operator_, port));
    const Sold first = buy();
    const Sold second = buy();
    const BuyersMachine client(*client_, first.buyer.tunnel_secret, first.config);
    const BuyersMachine other(*other_, second.buyer.tunnel_secret, second.config);
    ASSERT_TRUE(client.flows());
    ASSERT_TRUE(other.flows());

    for (const char* internet : {"203.0.113.2", "2001:db8:1::2"}) {
        EXPECT_TRUE(comes_to_ping(*client_, internet)) << internet;
        EXPECT_TRUE(comes_to_reach(*client_, internet, 80)) << internet;
        EXPECT_TRUE(comes_to_reach(*operator_, internet, 25)) << internet;
        EXPECT_FALSE(reaches(*client_, internet, 25)) << internet;
        EXPECT_TRUE(comes_to_reach(*operator_, internet, 6881)) << internet;
        EXPECT_FALSE(reaches(*client_, internet, 6881)) << internet;
    }
    for (const std::string& address : kPrivate) {
        EXPECT_TRUE(comes_to_reach(*operator_, address, 80)) << address << " is there";
        EXPECT_FALSE(reaches(*client_, address, 80)) << address;
        EXPECT_FALSE(pings(*client_, address)) << address;
    }
    for (const char* own : {"10.8.0.1", "fd00:8::1"}) {
        EXPECT_TRUE(comes_to_reach(*client_, own, 53)) << own << ", which dns names";
        EXPECT_TRUE(comes_to_ping(*client_, own)) << own;
        EXPECT_FALSE(reaches(*client_, own, 22)) << own;
    }
    for (const char* host : {"203.0.113.1", "2001:db8:1::1"}) {
        EXPECT_TRUE(comes_to_reach(*internet_, host, 22)) << host << " is there";
        EXPECT_FALSE(reaches(*client_, host, 22)) << host;
        EXPECT_FALSE(reaches(*client_, host, 53)) << host;
        EXPECT_FALSE(pings(*client_, host)) << host;
    }
    const Socket neighbour = listen_on(*other_, 80);
    ASSERT_EQ(second.config.addresses.size(), 2U);
    for (const std::string& peer : second.config.addresses) {
        EXPECT_TRUE(comes_to_reach(*operator_, bare(peer), 80)) << peer << " is there";
        EXPECT_FALSE(reaches(*client_, bare(peer), 80)) << peer;
        EXPECT_FALSE(pings(*client_, bare(peer))) << peer;
    }
    // Nobody begins anything with a buyer from outside either, though a neighbour may route there.
    run_line(*internet_, "ip route add 10.8.0.0/24 via 203.0.113.1");
    EXPECT_FALSE(reaches(*internet_, bare(second.config.addresses.front()), 80));
}

TEST_F(ManagedHostTest, WhatGoesComesBackAndTheOperatorsOwnTableStays)
{
    run_in(*operator_, {"nft", "-f", "-"},
           "table inet mine {\n chain forward {\n type filter hook forward priority filter; policy accept;\n"
           " udp dport 4444 counter\n }\n}\n");
    open_shop(kV6, {8});
    shop_->start();
    const std::string mine = shown({"nft", "list", "table", "inet", "mine"});
    EXPECT_NE(mine.find("4444"), std::string::npos);
    EXPECT_EQ(shown({"cat", "/proc/sys/net/ipv4/ip_forward"}), "1\n");
    EXPECT_EQ(shown({"cat", "/proc/sys/net/ipv6/conf/all/forwarding"}), "1\n");
    const Sold sold = buy();
    BuyersMachine client(*client_, sold.buyer.tunnel_secret, sold.config);
    ASSERT_TRUE(client.flows());
    const std::string limited = "up4_8";
    const auto address = bare(sold.config.addresses.front());
    const auto is_limited = [&] {
        return shown({"nft", "list", "set", "inet", "adit_" + interface_, limited}).find(address + " ") !=
               std::string::npos;
    };
    EXPECT_TRUE(is_limited());

    run_in(*operator_, {"ip", "link", "delete", interface_});
    run_in(*operator_, {"nft", "delete", "table", "inet", "adit_" + interface_});
    EXPECT_FALSE(pings(*client_, "203.0.113.2"));
    ASSERT_TRUE(eventually(Milliseconds(60'000), [&] {
        return shown({"wg", "show", interface_, "peers"}).find(sold.buyer.client_key.base64()) != std::string::npos;
    })) << "within 30 s";
    client.connect();
    EXPECT_TRUE(client.flows());
    EXPECT_TRUE(is_limited()) << "and as fast as it was, no faster";
    EXPECT_EQ(shown({"nft", "list", "table", "inet", "mine"}), mine);
}

TEST_F(ManagedHostTest, ARestartDropsNoTunnel)
{
    open_shop(kV6);
    shop_->start();
    const Sold sold = buy();
    const BuyersMachine client(*client_, sold.buyer.tunnel_secret, sold.config);
    ASSERT_TRUE(client.flows());
    ASSERT_TRUE(comes_to_ping(*client_, "2001:db8:1::2"));
    const std::string link = shown({"ip", "-o", "link", "show", interface_});
    EXPECT_EQ(shop_->daemon->stop(), 0);
    EXPECT_TRUE(pings(*client_, "203.0.113.2")) << "tunnels outlive the daemon";
    EXPECT_TRUE(pings(*client_, "2001:db8:1::2"));
    shop_->start();
    EXPECT_TRUE(pings(*client_, "203.0.113.2")) << "without a new handshake";
    EXPECT_EQ(shown({"ip", "-o", "link", "show", interface_}), link) << "it is the same interface";
    EXPECT_EQ(shop_->daemon->output().find("interface_made"), std::string::npos);
}

TEST_F(ManagedHostTest, AnInterfaceOfSomebodyElseStopsTheStartAndStays)
{
    auto foreign = std::move(WireguardInterface::start(*operator_, interface_)).value();
    run_in(*operator_, {"wg", "set", interface_, "private-key", "/dev/stdin"},
           encode_base64(protocol::generate_wireguard_secret(system_rng()).expose()) + "\n");
    const std::string before = shown({"wg", "show", interface_, "public-key"});
    open_shop(kV6);
    shop_->launch();
    EXPECT_EQ(shop_->daemon->ended_within(Milliseconds(60'000)), 2) << "as for any mistake in the config";
    EXPECT_NE(shop_->daemon->output().find("is there already with another private key"), std::string::npos)
        << shop_->daemon->output();
    EXPECT_EQ(shown({"wg", "show", interface_, "public-key"}), before);
}

TEST_F(ManagedHostTest, ForwardingThatNobodyTurnedOnIsSaidAtTheStart)
{
    open_shop(kV6);
    shop_->write_config();
    // As in a container or a hardened unit: /proc/sys can be read only.
    auto daemon = must(operator_->start(
        {"unshare", "-m", "sh", "-ec",
         "mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys; exec \"$0\" \"$@\"",
         std::string(ADIT_BINARIES) + "/aditd", "--config", (shop_->folder / "config.toml").string()}));
    ASSERT_TRUE(eventually(Milliseconds(60'000),
                           [&] { return daemon.output().find("serving") != std::string::npos || !daemon.running(); }));
    const std::string& output = daemon.output();
    EXPECT_NE(output.find("forwarding_is_off sysctl=net.ipv4.ip_forward"), std::string::npos) << output;
    EXPECT_NE(output.find("forwarding_is_off sysctl=net.ipv6.conf.all.forwarding"), std::string::npos) << output;
    EXPECT_NE(output.find("sysctl -w net.ipv4.ip_forward=1"), std::string::npos) << output;
    EXPECT_EQ(shown({"cat", "/proc/sys/net/ipv4/ip_forward"}), "0\n");
    daemon.stop();
}

/// Counts what leaves the client beside the tunnel's own packets and neighbour discovery.
void count_leaks(const Netns& client)
{
    run_in(client, {"nft", "-f", "-"},
           "table inet watch {\n counter leaks { }\n chain out {\n type filter hook output priority filter; policy "
           "accept;\n"
           " oifname != \"uplink\" accept\n ip daddr 172.31.1.1 udp dport 51820 accept\n"
           " icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld2-listener-report } accept\n"
           " counter name leaks\n }\n}\n");
}
bool leaks_nothing(const Netns& client)
{
    const std::string listed = client.run({"nft", "list", "counter", "inet", "watch", "leaks"}).value_or("");
    return listed.find("packets 0 bytes 0") != std::string::npos;
}

class Leaks : public ManagedHostTest, public testing::WithParamInterface<bool> {};

TEST_P(Leaks, TheDeliveredConfigLeaksNeitherIpv6NorDns)
{
    const bool sells_v6 = GetParam();
    open_shop((sells_v6 ? kV6 : "") + "dns = [\"203.0.113.53\"]\n");
    shop_->start();
    run_line(*operator_, "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding");
    const Socket web = listen_on(*internet_, 80);
    const Socket resolver(*internet_, SOCK_DGRAM);
    resolver.bind(53);
    ASSERT_TRUE(comes_to_reach(*client_, "2001:db8:1::2", 80)) << "without the tunnel it has IPv6";
    count_leaks(*client_);
    EXPECT_TRUE(leaks_nothing(*client_));
    EXPECT_TRUE(comes_to_reach(*client_, "2001:db8:1::2", 80));
    ASSERT_FALSE(leaks_nothing(*client_)) << "and a leak would be seen";
    run_in(*client_, {"nft", "delete", "table", "inet", "watch"});

    const Sold sold = buy();
    EXPECT_EQ(sold.config.dns, std::vector<std::string>{"203.0.113.53"});
    EXPECT_EQ(sold.config.addresses.size(), sells_v6 ? 2U : 1U);
    const BuyersMachine client(*client_, sold.buyer.tunnel_secret, sold.config);
    count_leaks(*client_);
    ASSERT_TRUE(client.flows());
    EXPECT_TRUE(comes_to_reach(*client_, "203.0.113.2", 80));
    if (sells_v6) EXPECT_TRUE(comes_to_reach(*client_, "2001:db8:1::2", 80));
    EXPECT_EQ(reaches(*client_, "2001:db8:1::2", 80), sells_v6) << "else it ends in the tunnel";
    EXPECT_EQ(pings(*client_, "2001:db8:1::2"), sells_v6);
    const Socket question(*client_, SOCK_DGRAM);
    const sockaddr_in6 there = address_of("203.0.113.53", 53);
    ASSERT_EQ(::sendto(question.fd(), "who", 3, 0, reinterpret_cast<const sockaddr*>(&there), sizeof there), 3);
    pollfd waiting{resolver.fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&waiting, 1, static_cast<int>(kManagedPatience.count())), 1);
    std::array<char, 16> got{};
    sockaddr_in6 from{};
    socklen_t size = sizeof from;
    ASSERT_EQ(::recvfrom(resolver.fd(), got.data(), got.size(), 0, reinterpret_cast<sockaddr*>(&from), &size), 3);
    std::array<char, INET6_ADDRSTRLEN> name{};
    ::inet_ntop(AF_INET6, &from.sin6_addr, name.data(), name.size());
    EXPECT_STREQ(name.data(), "::ffff:203.0.113.1") << "asked through the tunnel, from behind the NAT";
    EXPECT_TRUE(leaks_nothing(*client_));
}

INSTANTIATE_TEST_SUITE_P(Tunnels, Leaks, testing::Bool(),
                         [](const auto& sells_v6) { return sells_v6.param ? "WithIpv6" : "WithoutIpv6"; });

/// Offers 20 Mbps for four seconds; how many bytes of it came through, each way.
struct Throughput {
    std::uint64_t up = 0;
    std::uint64_t down = 0;
};
class Flood {
public:
    Flood(const Netns& client, const Netns& internet) : near_(client, SOCK_DGRAM), far_(internet, SOCK_DGRAM)
    {
        far_.bind(9000);
        far_address_ = address_of("203.0.113.2", 9000);
    }
    Throughput run()
    {
        Throughput out;
        send(near_, far_address_); // opens the way back
        sockaddr_in6 near_address{};
        EXPECT_TRUE(eventually(kManagedPatience, [&] { return receive(far_, &near_address) > 0; }));
        const SteadyTime begun = system_clock().steady();
        std::uint64_t sent = 0;
        while (system_clock().steady() - begun < Milliseconds(4'000)) {
            const auto due = static_cast<std::uint64_t>((system_clock().steady() - begun) / Milliseconds(1)) * 2'500;
            for (; sent < due; sent += kPacket) {
                send(near_, far_address_);
                send(far_, near_address);
            }
            drain(out);
            ::poll(nullptr, 0, 2);
        }
        eventually(Milliseconds(500), [&] {
            drain(out);
            return false;
        });
        return out;
    }

private:
    static constexpr std::uint64_t kPacket = 1'200;
    static void send(const Socket& from, const sockaddr_in6& to)
    {
        static const std::array<char, kPacket> kNoise{};
        (void)::sendto(from.fd(), kNoise.data(), kNoise.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    }
    static std::uint64_t receive(const Socket& at, sockaddr_in6* from)
    {
        std::array<char, 2048> block{};
        socklen_t size = sizeof *from;
        const ssize_t got =
            ::recvfrom(at.fd(), block.data(), block.size(), 0, reinterpret_cast<sockaddr*>(from), &size);
        return got > 0 ? static_cast<std::uint64_t>(got) : 0;
    }
    void drain(Throughput& out) const
    {
        sockaddr_in6 ignored{};
        while (const auto got = receive(far_, &ignored)) out.up += got;
        while (const auto got = receive(near_, &ignored)) out.down += got;
    }
    Socket near_;
    Socket far_;
    sockaddr_in6 far_address_{};
};

TEST_F(ManagedHostTest, ATunnelIsAsFastAsItsTierSaysEachWayAndEachForItself)
{
    open_shop("", {4, 0});
    shop_->start();
    const Sold slow = buy(0);
    const Sold fast = buy(1);
    const BuyersMachine client(*client_, slow.buyer.tunnel_secret, slow.config);
    ASSERT_TRUE(client.flows());
    // 500,000 bytes in a second, and the bucket holds one second more.
    const auto is_slow = [](std::uint64_t bytes) { return bytes > 1'000'000 && bytes < 3'200'000; };
    Flood flood(*client_, *internet_);
    const Throughput limited = flood.run();
    EXPECT_PRED1(is_slow, limited.up);
    EXPECT_PRED1(is_slow, limited.down);
    {
        const BuyersMachine other(*other_, fast.buyer.tunnel_secret, fast.config);
        ASSERT_TRUE(other.flows());
    }
    // The limit is of the purchase: a restart, and prices that say otherwise since, change nothing.
    shop_->daemon->stop();
    shop_->settings.max_mbps = {0, 0};
    shop_->start();
    const Throughput after = flood.run();
    EXPECT_PRED1(is_slow, after.up);
    EXPECT_PRED1(is_slow, after.down);
}

TEST_F(ManagedHostTest, WithoutALimitATunnelIsNotSlowedDown)
{
    open_shop("", {4, 0});
    shop_->start();
    const Sold fast = buy(1);
    const BuyersMachine client(*client_, fast.buyer.tunnel_secret, fast.config);
    ASSERT_TRUE(client.flows());
    const Throughput free = Flood(*client_, *internet_).run();
    EXPECT_GT(free.up, 6'000'000U);
    EXPECT_GT(free.down, 6'000'000U);
}

} // namespace
} // namespace adit::e2e
