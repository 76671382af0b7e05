// Live sessions as peers of a device: ended on time, counted, put back, and never mixed up with those of others.
#include "app/shop_world.h"
#include "base/log.h"
#include "wg/cidr.h"

#include <thread>

namespace adit::app {
namespace {

using protocol::Delivered;
using DeviceMood = wg::MemoryDevice::Mood;

constexpr std::uint64_t kGiB = 1ULL << 30;

/// Another device's answer may be on its way while something happens.
class SlowDevice final : public wg::Device {
public:
    explicit SlowDevice(wg::Device& device) : device_(device) {}
    Result<void> apply(std::span<const wg::PeerChange> changes) override { return device_.apply(changes); }
    Result<wg::DeviceStatus> status() override
    {
        auto status = device_.status();
        if (const auto meanwhile = std::exchange(meanwhile_, nullptr)) meanwhile();
        return status;
    }
    Result<void> configure(const wg::DeviceSettings& settings) override { return device_.configure(settings); }
    void when_asked_next(std::function<void()> meanwhile) { meanwhile_ = std::move(meanwhile); }

private:
    wg::Device& device_;
    std::function<void()> meanwhile_;
};

class TunnelsTest : public testing::Test {
protected:
    static Delivered deliver(ShopWorld& world, const Buyer& buyer)
    {
        const Answered answered = world.ask(buyer);
        EXPECT_EQ(answered.status, 200) << answered.response.body;
        if (const auto* delivered = std::get_if<Delivered>(&answered.answer)) return *delivered;
        return {};
    }
    static protocol::SessionView view(ShopWorld& world, const Delivered& delivered)
    {
        return world.process->tunnels->view(delivered.session_id.value_or("")).value();
    }
    static wg::AllowedIp range(std::string_view text) { return wg::parse_cidr(text).value(); }
    static Buyer renewal_of(ShopWorld& world, const Buyer& first)
    {
        Buyer buyer = world.buyer({4, 32, 64});
        buyer.client_key = first.client_key;
        world.sign_request(buyer, buyer.key);
        return buyer;
    }
};

TEST_F(TunnelsTest, ATunnelIsThereUntilItsLastSecondAndNotAfterIt)
{
    ShopWorld world;
    const Buyer buyer = world.buyer({4, 32, 64});
    const Delivered delivered = deliver(world, buyer);
    EXPECT_EQ(delivered.expires_at, world.clock.now() + Seconds(3600));
    world.clock.pass(Seconds(3598));
    EXPECT_LE(world.process->tunnels->step(), Milliseconds(1'000)) << "it will look again before the end";
    EXPECT_TRUE(world.has_tunnel(buyer));
    world.clock.pass(Seconds(1));
    EXPECT_LE(world.process->tunnels->step(), Milliseconds(100)) << "and often in the last second";
    EXPECT_TRUE(world.has_tunnel(buyer));
    world.clock.pass(Seconds(1));
    world.process->tunnels->step();
    EXPECT_FALSE(world.has_tunnel(buyer));
    EXPECT_EQ(view(world, delivered).status, "ended");
    EXPECT_EQ(world.ask(buyer).status, 410);
}

TEST_F(TunnelsTest, ARenewalMovesTheEnd)
{
    ShopWorld world;
    const Buyer buyer = world.buyer({4, 32, 64});
    deliver(world, buyer);
    world.clock.pass(Seconds(3599));
    const Delivered renewed = deliver(world, renewal_of(world, buyer));
    world.clock.pass(Seconds(3600));
    world.process->tunnels->step();
    EXPECT_TRUE(world.has_tunnel(buyer));
    world.clock.pass(Seconds(1));
    world.process->tunnels->step();
    EXPECT_FALSE(world.has_tunnel(buyer));
    EXPECT_EQ(renewed.expires_at, world.clock.now());
}

TEST_F(TunnelsTest, ARenewalAtTheVeryEndIsNeverLost)
{
    for (int round = 0; round < 15; ++round) {
        ShopWorld world;
        const Buyer buyer = world.buyer({4, 32, 64});
        deliver(world, buyer);
        world.clock.pass(Seconds(3600));
        const Buyer again = renewal_of(world, buyer);
        std::thread expiring([&] {
            for (int i = 0; i < 20; ++i) {
                world.process->tunnels->expire_due();
                world.process->tunnels->reconcile();
                world.process->tunnels->account();
            }
        });
        const Delivered renewed = deliver(world, again);
        expiring.join();
        world.process->tunnels->step();
        EXPECT_TRUE(world.has_tunnel(buyer)) << "paid for, whichever was first";
        EXPECT_EQ(renewed.expires_at, world.clock.now() + Seconds(3600));
        EXPECT_EQ(world.process->tunnels->live(), 1U);
        world.restart();
        EXPECT_TRUE(world.has_tunnel(buyer));
        EXPECT_EQ(world.process->tunnels->live(), 1U);
    }
}

TEST_F(TunnelsTest, DataIsCountedFromItsSaleOnAndEndsTheSession)
{
    ShopWorld world({.unit = "GiB"});
    world.process->tunnels->step(); // a quiet shop looks once a minute
    const Buyer buyer = world.buyer({4, 32, 64});
    const Delivered delivered = deliver(world, buyer);
    EXPECT_LE(world.process->tunnels->step(), Milliseconds(5'000)) << "now it looks more often";
    world.device.set_handshake(buyer.client_key, world.clock.now());
    world.device.add_traffic(buyer.client_key, kGiB / 4, kGiB / 2);
    world.clock.pass(Seconds(5));
    world.process->tunnels->step();
    auto now = view(world, delivered);
    EXPECT_EQ(now.data_used_bytes, kGiB / 4 * 3);
    EXPECT_EQ(now.data_quota_bytes, kGiB);
    EXPECT_EQ(now.last_handshake_age, Seconds(5));
    // What was counted outlives the process; the device's counters go on.
    world.restart();
    world.device.add_traffic(buyer.client_key, 1000, 0);
    world.process->tunnels->account();
    EXPECT_EQ(view(world, delivered).data_used_bytes, kGiB / 4 * 3 + 1000);
    // A device that was made anew counts from zero.
    world.device.wipe();
    world.process->tunnels->reconcile();
    ASSERT_TRUE(world.has_tunnel(buyer));
    world.device.add_traffic(buyer.client_key, 0, 500);
    world.process->tunnels->account();
    EXPECT_EQ(view(world, delivered).data_used_bytes, kGiB / 4 * 3 + 1500);
    world.device.add_traffic(buyer.client_key, kGiB / 4, 0);
    world.clock.pass(Seconds(5));
    world.process->tunnels->step();
    EXPECT_FALSE(world.has_tunnel(buyer));
    now = view(world, delivered);
    EXPECT_EQ(now.status, "ended");
    EXPECT_EQ(now.data_used_bytes, kGiB + 1500) << "told after the end too";
}

TEST_F(TunnelsTest, BytesOfAnOlderPeerAreNotCountedToASessionThatBeganMeanwhile)
{
    ShopWorld world({.unit = "GiB"});
    const Buyer buyer = world.buyer({4, 32, 64});
    world.process->tunnels->reconcile();
    world.device.set_mood(DeviceMood::refuses);
    EXPECT_EQ(world.ask(buyer).status, 503); // paid, to be activated below
    world.device.set_mood(DeviceMood::works);
    world.device.put_foreign(buyer.client_key, {});
    world.device.add_traffic(buyer.client_key, kGiB, kGiB);

    SlowDevice device(world.device);
    store::Store& store = *world.process->store;
    Tunnels tunnels(store, device, *world.process->pool, world.clock, world.rng, {});
    device.when_asked_next([&] {
        world.clock.pass(Seconds(1));
        std::vector<wg::PeerChange> gone;
        gone.emplace_back(wg::PeerRemove{buyer.client_key});
        EXPECT_TRUE(world.device.apply(gone));
        const auto purchase = store.open_purchases().value().at(0);
        const auto held = store.take_lease(purchase.id, nullptr).value();
        EXPECT_TRUE(tunnels.activate(purchase.id, buyer.client_key, held.lease));
    });
    tunnels.account();
    ASSERT_EQ(tunnels.live(), 1U) << "the quota of two GiB of another time";
    const auto id = store.live_session(buyer.client_key).value()->session.id;
    EXPECT_EQ(tunnels.view(id).value().data_used_bytes, 0U);
    world.device.add_traffic(buyer.client_key, 0, 700);
    tunnels.account();
    EXPECT_EQ(tunnels.view(id).value().data_used_bytes, 700U);
}

TEST_F(TunnelsTest, WhatIsMissingIsPutAndWhatIsOverIsRemoved)
{
    ShopWorld world;
    const Buyer gone = world.buyer({4, 32, 64});
    deliver(world, gone);
    world.clock.pass(Seconds(1800));
    const Buyer buyer = world.buyer({4, 32, 64});
    deliver(world, buyer);
    const auto secret = world.device.preshared_key(buyer.client_key);
    ASSERT_TRUE(secret);
    world.clock.pass(Seconds(1800));
    world.process->tunnels->step();
    EXPECT_FALSE(world.has_tunnel(gone));
    // A reboot took everything; somebody has put back a peer whose time is up.
    world.device.wipe();
    world.device.put_foreign(gone.client_key, {range("10.66.42.77/32")});
    world.clock.pass(Seconds(30));
    world.process->tunnels->step();
    EXPECT_TRUE(world.has_tunnel(buyer));
    EXPECT_EQ(world.device.preshared_key(buyer.client_key), secret);
    EXPECT_FALSE(world.has_tunnel(gone));
    // Somebody took its address away.
    const auto status = world.device.status().value();
    ASSERT_EQ(status.peers.size(), 1U);
    const auto address = status.peers.front().allowed_ips;
    world.device.put_foreign(buyer.client_key, {range("192.0.2.0/24")});
    world.process->tunnels->reconcile();
    EXPECT_EQ(world.device.status().value().peers.front().allowed_ips, address);
}

TEST_F(TunnelsTest, PeersOfOthersAreLeftAloneAndTheirAddressesAreNotSold)
{
    ShopWorld world({.subnet = "10.66.42.0/29"});
    const protocol::WireguardKey foreign(ByteArray<32>{7, 7, 7});
    world.device.put_foreign(foreign, {range("10.66.42.0/30"), range("10.66.42.4/32")});
    world.process->tunnels->reconcile();
    EXPECT_TRUE(world.process->tunnels->is_taken_by_others(foreign));
    for (int i = 0; i < 2; ++i) {
        const auto sold = deliver(world, world.buyer({4, 32, 64}));
        EXPECT_TRUE(sold.config.find("10.66.42.5/32") != std::string::npos ||
                    sold.config.find("10.66.42.6/32") != std::string::npos)
            << sold.config;
    }
    EXPECT_EQ(world.ask(world.buyer({4, 32, 64})).status, 503) << "there is no third one";
    world.process->tunnels->reconcile();
    const auto status = world.device.status().value();
    EXPECT_EQ(status.peers.size(), 3U);
    Buyer thief = world.buyer({4, 32, 64});
    thief.client_key = foreign;
    world.sign_request(thief, thief.key);
    EXPECT_EQ(world.ask(thief).status, 400);
    EXPECT_EQ(world.spent_of(thief), 0U);
}

TEST_F(TunnelsTest, ADeviceThatRefusesToRemoveIsAskedAgain)
{
    for (const DeviceMood mood :
         {DeviceMood::refuses, DeviceMood::refuses_after_half, DeviceMood::silent_after_applying}) {
        ShopWorld world;
        const Buyer buyer = world.buyer({4, 32, 64});
        const Delivered delivered = deliver(world, buyer);
        world.clock.pass(Seconds(3600));
        world.device.set_mood(mood);
        EXPECT_LE(world.process->tunnels->step(), Milliseconds(1'000)) << "soon";
        EXPECT_EQ(view(world, delivered).status, "active") << "nothing is booked that is not so";
        world.device.set_mood(DeviceMood::works);
        world.process->tunnels->step();
        EXPECT_FALSE(world.has_tunnel(buyer));
        EXPECT_EQ(view(world, delivered).status, "ended");
    }
}

TEST_F(TunnelsTest, ADeviceThatIsGoneIsToldOnceAlsoFromTheStartOn)
{
    static std::vector<std::string> lines;
    lines.clear();
    log_to([](std::string_view line) { lines.emplace_back(line); });
    const auto told = [](std::string_view name) {
        return std::ranges::count_if(lines, [&](const auto& line) { return line.find(name) != std::string::npos; });
    };
    {
        ShopWorld world;
        world.device.set_mood(DeviceMood::refuses);
        lines.clear();
        world.restart();
        world.process->tunnels->reconcile();
        EXPECT_EQ(told("device_not_usable"), 1);
        world.device.set_mood(DeviceMood::works);
        world.process->tunnels->reconcile();
        world.process->tunnels->reconcile();
        EXPECT_EQ(told("device_usable"), 1);
        world.device.set_mood(DeviceMood::refuses);
        world.process->tunnels->reconcile();
        world.process->tunnels->reconcile();
        EXPECT_EQ(told("device_not_usable"), 2);
    }
    log_to(nullptr);
}

TEST_F(TunnelsTest, NothingIsSoldOrPutOnADeviceWithAnotherKeyThanConfigsName)
{
    static std::vector<std::string> lines;
    ShopWorld world;
    const auto secret = protocol::generate_wireguard_secret(world.rng);
    const auto key_of_device = [&](const protocol::WireguardSecret& private_key) {
        EXPECT_TRUE(world.device.configure({.private_key = private_key.duplicate(), .listen_port = 51820}).has_value());
        world.clock.pass(Seconds(30));
        world.process->tunnels->reconcile();
    };
    world.config.wireguard.server_key = protocol::wireguard_public_key(secret);
    world.device.configure({.private_key = secret.duplicate(), .listen_port = 51820}).value();
    world.restart();
    // One pays while the device refuses, another comes when it is there again, but with a key of its own.
    const Buyer paid = world.buyer({4, 32, 64});
    world.device.set_mood(DeviceMood::refuses);
    EXPECT_EQ(world.ask(paid).status, 503);
    world.device.set_mood(DeviceMood::works);
    const auto other = protocol::generate_wireguard_secret(world.rng);
    log_to([](std::string_view line) { lines.emplace_back(line); });
    key_of_device(other);
    log_to(nullptr);
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_NE(lines.front().find("device_not_usable"), std::string::npos) << lines.front();
    EXPECT_NE(lines.front().find(protocol::wireguard_public_key(other).base64()), std::string::npos) << lines.front();

    EXPECT_FALSE(world.process->tunnels->device_usable()); // as /health says it
    const Buyer late = world.buyer({4, 32, 64});
    EXPECT_EQ(world.ask(late).status, 503);
    EXPECT_EQ(world.spent_of(late), 0U);
    const Answered undelivered = world.ask(paid);
    EXPECT_EQ(undelivered.status, 503);
    EXPECT_NE(undelivered.response.body.find("not-delivered"), std::string::npos) << undelivered.response.body;
    EXPECT_FALSE(world.has_tunnel(paid));

    key_of_device(secret);
    EXPECT_EQ(world.ask(paid).status, 200);
    EXPECT_EQ(world.ask(late).status, 200);
    EXPECT_TRUE(world.has_tunnel(paid));
}

TEST_F(TunnelsTest, AFreedAddressRestsForFiveMinutes)
{
    ShopWorld world({.subnet = "10.66.42.0/30"});
    std::vector<Buyer> buyers;
    while (buyers.size() < 3) {
        buyers.push_back(world.buyer({4, 32, 64}));
        if (world.ask(buyers.back()).status != 200) break;
    }
    ASSERT_EQ(buyers.size(), 3U) << "two addresses";
    world.clock.pass(Seconds(3600));
    world.process->tunnels->step();
    const auto ask = [&] {
        world.sign_request(buyers.back(), buyers.back().key);
        return world.ask(buyers.back()).status;
    };
    EXPECT_EQ(ask(), 503);
    world.clock.pass(Seconds(290));
    world.process->tunnels->step();
    EXPECT_EQ(ask(), 503);
    world.clock.pass(Seconds(20));
    world.process->tunnels->step();
    EXPECT_EQ(ask(), 200);
}

TEST_F(TunnelsTest, AnAddressThatRestedOverARestartIsOfferedOnlyOnceTheStoreHasForgottenItsKey)
{
    ShopWorld world;
    deliver(world, world.buyer({4, 32, 64}));
    world.clock.pass(Seconds(3600));
    world.process->tunnels->step();
    world.restart();
    world.clock.pass(Seconds(301)); // it has rested, and nobody has looked at that yet
    deliver(world, world.buyer({4, 32, 64}));
    world.process->tunnels->step();
    deliver(world, world.buyer({4, 32, 64}));
}

TEST_F(TunnelsTest, TheKeyOfAnEndedSessionIsWipedAndItsBuyerStillKnown)
{
    ShopWorld world;
    const Buyer buyer = world.buyer({4, 32, 64});
    deliver(world, buyer);
    world.clock.pass(Seconds(3600));
    world.process->tunnels->step();
    world.clock.pass(world.config.sessions.retention + Seconds(601));
    world.process->tunnels->step();
    EXPECT_EQ(world.ask(buyer).status, 410);
    // A peer of it that turns up is known to be ours, by its hash.
    world.device.put_foreign(buyer.client_key, {range("10.66.42.9/32")});
    world.process->tunnels->reconcile();
    EXPECT_FALSE(world.has_tunnel(buyer));
}

} // namespace
} // namespace adit::app
