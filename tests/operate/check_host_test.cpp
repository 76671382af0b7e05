// The host as it really is, in namespaces with a real userspace device and a real packet filter; and the judgements
// alone.
#include "operate/check_host.h"

#include "fakes/netns.h"
#include "operate/check_nat.h"
#include "operate/check_world.h"
#include "protocol/wireguard_key.h"
#include "wg/cidr.h"

namespace adit::operate {
namespace {

using fakes::Netns;
using fakes::WireguardGo;
using protocol::WireguardKey;
using testing::HasSubstr;

WireguardKey a_key() { return protocol::wireguard_public_key(protocol::generate_wireguard_secret(system_rng())); }

app::WireguardConfig config_of(const std::string& interface)
{
    app::WireguardConfig config;
    config.interface = interface;
    config.subnet = *wg::parse_cidr("10.66.42.0/24");
    return config;
}

/// A host with an exit: a way out by "out0", and the interface, whose key and port are set.
class CheckHost : public testing::Test {
protected:
    void SetUp() override
    {
        ADIT_NEEDS_NETNS();
        space_.emplace(*Netns::create());
        world_.emplace(*Netns::create());
        ASSERT_TRUE(fakes::join(*space_, "out0", "192.0.2.1/24", *world_, "in0", "192.0.2.2/24"));
        go_.emplace(*WireguardGo::start(*space_));
        config_ = config_of(go_->interface());
        const auto secret = protocol::generate_wireguard_secret(system_rng());
        config_.server_key = protocol::wireguard_public_key(secret);
        config_.endpoint_port = 51821;
        ASSERT_TRUE(space_->run({"wg", "set", go_->interface(), "private-key", "/dev/stdin", "listen-port", "51821"},
                                encode_base64(secret.expose()) + "\n"));
        ASSERT_TRUE(space_->run({"ip", "address", "add", "10.66.42.1/24", "dev", go_->interface()}));
        ASSERT_TRUE(space_->run({"ip", "link", "set", go_->interface(), "up"}));
    }
    Findings look() const
    {
        Findings all;
        space_->inside([&] {
            for (const Findings& found :
                 {look_at_device(config_, system_clock()), look_at_routes(config_), look_at_forwarding(config_),
                  look_at_nat({config_.interface, config_.subnet, config_.subnet6})})
                all.insert(all.end(), found.begin(), found.end());
        });
        return all;
    }

    std::optional<Netns> space_;
    std::optional<Netns> world_;
    std::optional<WireguardGo> go_;
    app::WireguardConfig config_;
};

TEST_F(CheckHost, ThatIsInOrderIsOk)
{
    ASSERT_TRUE(fakes::forward_with_nat(*space_, "10.66.42.0/24", "out0"));
    const Findings found = look();
    EXPECT_EQ(failures(found), "");
    expect(found, "wireguard-device", Level::ok, config_.server_key->base64(), "");
    expect(found, "udp-port", Level::ok, "51821", "");
    expect(found, "udp-from-outside", Level::warn, "not looked at", "open UDP port 51821");
    expect(found, "subnet", Level::ok, "leads to " + config_.interface, "");
    expect(found, "forwarding", Level::ok, "ip_forward is on", "");
    expect(found, "nat", Level::ok, "are masqueraded", "");
}

TEST_F(CheckHost, WithoutForwardingAndNatIsFoundOut)
{
    const Findings found = look();
    expect(found, "forwarding", Level::fail, "ip_forward is 0", "sysctl -w net.ipv4.ip_forward=1");
    expect(found, "nat", Level::fail, "nothing masquerades packets from 10.66.42.0/24", "masquerade");
}

TEST_F(CheckHost, TheHintForNatIsWhatMendsIt)
{
    const std::string hint = worst_of(look(), "nat").hint;
    const std::size_t begin = hint.find('\'') + 1;
    ASSERT_TRUE(space_->run({"nft", hint.substr(begin, hint.rfind('\'') - begin)}));
    expect(look(), "nat", Level::ok, "are masqueraded", "");
}

TEST_F(CheckHost, WithAKeyOrAPortThatBuyersAreNotToldIsFoundOut)
{
    const WireguardKey real = *config_.server_key;
    config_.server_key = a_key();
    config_.endpoint_port = 51820;
    const Findings found = look();
    expect(found, "wireguard-key", Level::fail, real.base64(), "server_pubkey");
    expect(found, "udp-port", Level::fail, "51821", "listen-port 51820");
}

TEST_F(CheckHost, WithoutTheInterfaceOrWithOneThatIsDownIsFoundOut)
{
    ASSERT_TRUE(space_->run({"ip", "link", "set", go_->interface(), "down"}));
    const Findings down = look();
    expect(down, "wireguard-device", Level::fail, "is down", "ip link set");
    expect(down, "subnet", Level::fail, "does not lead to", "ip address add 10.66.42.1/24");
    config_.interface = "wg-none";
    const Findings none = look();
    expect(none, "wireguard-device", Level::fail, "no WireGuard interface wg-none", "wg-quick up wg-none");
    expect(none, "wireguard-device", Level::fail, "", "manage = true");
    config_.manage = true;
    expect(look(), "wireguard-device", Level::ok, "aditd makes it", "");
}

TEST_F(CheckHost, WithARouteThatTheSubnetOverlapsIsFoundOut)
{
    ASSERT_TRUE(space_->run({"ip", "route", "add", "10.66.0.0/16", "dev", "out0"}));
    expect(look(), "subnet", Level::fail, "overlaps the route to 10.66.0.0/16 on out0",
           "choose another private network");
}

TEST(JudgeDevice, WhatMayNotBeAskedIsNotClaimed)
{
    const auto judge = [](const Error& error) { return judge_device(config_of("wg0"), error, UnixSeconds(0)).front(); };
    const Finding denied =
        judge({Reason::device_unavailable, "dump: Operation not permitted (CAP_NET_ADMIN is needed)"});
    EXPECT_EQ(denied.level, Level::warn);
    EXPECT_THAT(denied.what, HasSubstr("not looked at, because"));
    EXPECT_EQ(judge({Reason::device_unavailable, "UAPI: no answer"}).level, Level::fail);
    EXPECT_EQ(judge({Reason::device_absent, "no such interface"}).level, Level::fail);
}

TEST(JudgeDevice, AHandshakeOfTodayShowsThatUdpGetsHere)
{
    wg::DeviceStatus status{a_key(), 51820, {}};
    status.peers.push_back({a_key(), {}, 0, 0, UnixSeconds(1'000'000)});
    status.peers.push_back({a_key(), {}, 0, 0, std::nullopt});
    const Findings fresh = judge_device(config_of("wg0"), status, UnixSeconds(1'000'060));
    EXPECT_EQ(worst_of(fresh, "udp-from-outside").level, Level::ok);
    const Findings stale = judge_device(config_of("wg0"), status, UnixSeconds(1'000'000 + 2 * 86400));
    EXPECT_EQ(worst_of(stale, "udp-from-outside").level, Level::warn);
}

} // namespace
} // namespace adit::operate
