// The tunnels of a managed interface: each as fast as its grant says, from its first packet on.
#include "app/shop_world.h"

#include "app/tunnels.h"

#include <algorithm>

namespace adit::app {
namespace {

/// Remembers every speed, and what the device held when it was told.
class FakeKeeper final : public wg::Keeper {
public:
    explicit FakeKeeper(wg::MemoryDevice& device) : device_(device) {}
    Result<void> keep() override
    {
        ++looked;
        if (broken) return Error{Reason::device_unavailable, "the packet filter can not be loaded"};
        if (heals_device) device_.set_mood(wg::MemoryDevice::Mood::works);
        return {};
    }
    Result<void> set_speeds(std::span<const wg::PeerSpeed> wanted) override
    {
        for (const wg::PeerSpeed& peer : wanted)
            for (const wg::HostAddress& address : peer.addresses) {
                if (peer.max_mbps == 0)
                    speeds.erase(address.text());
                else
                    speeds[address.text()] = peer.max_mbps;
            }
        const auto status = device_.status();
        if (status && !speeds.empty() && !peers_at_first_limit) peers_at_first_limit = status->peers.size();
        if (broken) return Error{Reason::device_unavailable, "the packet filter is not loaded"};
        return {};
    }
    std::uint32_t of(const Buyer& buyer) const
    {
        const auto status = device_.status();
        if (!status) return 0;
        const auto peer = std::ranges::find(status->peers, buyer.client_key, &wg::PeerStatus::key);
        if (peer == status->peers.end()) return 0;
        const auto place = speeds.find(peer->allowed_ips.at(0).address.text());
        return place == speeds.end() ? 0 : place->second;
    }

    std::map<std::string, std::uint32_t> speeds;
    std::optional<std::size_t> peers_at_first_limit;
    int looked = 0;
    bool broken = false;
    bool heals_device = false;

private:
    wg::MemoryDevice& device_;
};

class ManagedTunnelsTest : public testing::Test {
protected:
    ManagedTunnelsTest()
    {
        world_.keeper = &keeper_;
        sell_at(50);
    }
    ~ManagedTunnelsTest() override { world_.process.reset(); }
    void sell_at(std::uint32_t mbps)
    {
        world_.config.max_mbps = {mbps};
        world_.restart();
    }
    int buy(const Buyer& buyer) { return world_.ask(buyer).status; }
    Buyer renewal_of(const Buyer& first)
    {
        Buyer buyer = world_.buyer({4, 32, 64});
        buyer.client_key = first.client_key;
        world_.sign_request(buyer, buyer.key);
        return buyer;
    }

    ShopWorld world_;
    FakeKeeper keeper_{world_.device};
};

TEST_F(ManagedTunnelsTest, APeerIsLimitedBeforeItIsThere)
{
    const Buyer buyer = world_.buyer({4, 32, 64});
    ASSERT_EQ(buy(buyer), 200);
    EXPECT_EQ(keeper_.peers_at_first_limit, 0U);
    EXPECT_EQ(keeper_.of(buyer), 50U);
    world_.clock.pass(Seconds(3600));
    world_.process->tunnels->step();
    EXPECT_FALSE(world_.has_tunnel(buyer));
    EXPECT_TRUE(keeper_.speeds.empty()) << "and the limit goes after it";
}

TEST_F(ManagedTunnelsTest, TheSpeedIsThatOfThePurchaseThroughRestartsAndNewPrices)
{
    const Buyer buyer = world_.buyer({4, 32, 64});
    ASSERT_EQ(buy(buyer), 200);
    keeper_.speeds.clear(); // as a reboot does
    sell_at(0);
    EXPECT_EQ(keeper_.of(buyer), 50U);
    const Buyer later = world_.buyer({4, 32, 64});
    ASSERT_EQ(buy(later), 200);
    EXPECT_EQ(keeper_.of(later), 0U);
    EXPECT_TRUE(world_.has_tunnel(later));
}

TEST_F(ManagedTunnelsTest, ARenewalAtAnotherSpeedWaitsItsTurn)
{
    const Buyer buyer = world_.buyer({4, 32, 64});
    ASSERT_EQ(buy(buyer), 200);
    sell_at(100);
    ASSERT_EQ(buy(renewal_of(buyer)), 200);
    EXPECT_EQ(keeper_.of(buyer), 50U);
    world_.clock.pass(Seconds(3600));
    world_.process->tunnels->step();
    EXPECT_TRUE(world_.has_tunnel(buyer));
    EXPECT_EQ(keeper_.of(buyer), 100U);
    sell_at(0);
    ASSERT_EQ(buy(renewal_of(buyer)), 200);
    world_.clock.pass(Seconds(3600));
    world_.process->tunnels->step();
    EXPECT_TRUE(world_.has_tunnel(buyer));
    EXPECT_EQ(keeper_.of(buyer), 0U) << "and the last one has no limit";
}

TEST_F(ManagedTunnelsTest, WithoutItsPacketFilterNothingIsSoldAndNobodyIsLetIn)
{
    keeper_.broken = true;
    world_.process->tunnels->reconcile();
    EXPECT_FALSE(world_.process->tunnels->device_usable());
    const Buyer buyer = world_.buyer({4, 32, 64});
    EXPECT_EQ(buy(buyer), 503);
    EXPECT_EQ(world_.spent_of(buyer), 0U);
    EXPECT_FALSE(world_.has_tunnel(buyer));
    keeper_.broken = false;
    world_.process->tunnels->reconcile();
    EXPECT_TRUE(world_.process->tunnels->device_usable());
    EXPECT_EQ(buy(buyer), 200);
}

TEST_F(ManagedTunnelsTest, AFilterThatBreaksDuringASaleLetsNobodyIn)
{
    const Buyer buyer = world_.buyer({4, 32, 64});
    keeper_.broken = true; // nobody has noticed yet
    EXPECT_EQ(buy(buyer), 503);
    EXPECT_FALSE(world_.has_tunnel(buyer)) << "paid, but never unlimited";
    keeper_.broken = false;
    EXPECT_EQ(world_.insist(buyer).status, 200);
    EXPECT_EQ(keeper_.of(buyer), 50U);
}

TEST_F(ManagedTunnelsTest, AnInterfaceThatGoesIsMadeWithinTheNextStep)
{
    world_.device.set_mood(wg::MemoryDevice::Mood::absent);
    const Buyer buyer = world_.buyer({4, 32, 64});
    EXPECT_EQ(buy(buyer), 503);
    const int before = keeper_.looked;
    keeper_.heals_device = true;
    world_.process->tunnels->step();
    EXPECT_GT(keeper_.looked, before) << "without waiting for the next pass";
    EXPECT_EQ(world_.insist(buyer).status, 200);
    EXPECT_TRUE(world_.has_tunnel(buyer));
}

} // namespace
} // namespace adit::app
