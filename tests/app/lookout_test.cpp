// What is wrong with a shop, seen where it is.
#include "app/lookout.h"

#include "app/shop_world.h"
#include "base/loop.h"
#include "devnet/world.h"
#include "protocol/constants.h"

#include <gmock/gmock.h>
#include <thread>

namespace adit::app {
namespace {

using testing::HasSubstr;

class LookoutTest : public testing::Test {
protected:
    LookoutTest()
    {
        ShopWorld::Options options;
        options.subnet = "10.66.42.0/27";
        world_ = std::make_unique<ShopWorld>(options);
        thread_ = std::thread([this] { loop_->run(); });
        open({relay_->relay_url()});
    }
    ~LookoutTest() override
    {
        pool_->stop();
        loop_->stop();
        thread_.join();
    }

    void open(const std::vector<std::string>& urls)
    {
        if (pool_) pool_->stop();
        lookout_.reset();
        pool_.emplace(*loop_, system_clock(), system_rng(),
                      nostr::PoolOptions{.urls = nostr::parse_relay_urls(urls).value()});
        ShopWorld::Process& process = *world_->process;
        lookout_.emplace(Lookout::Parts{process.shop, *process.store, *pool_, process.mints, *process.pool,
                                        *process.tunnels, nullptr, &*process.recovery, nullptr, world_->clock,
                                        [this] { ++asked_mints_; }});
    }
    void publish_listing()
    {
        relay_->publish(protocol::sign_event({system_clock().now(), protocol::kKindListing, {{"d", "exit-1"}}, ""},
                                             world_->config.nostr.key, system_rng()));
    }
    std::optional<Symptom> find(Trouble trouble)
    {
        for (const Symptom& symptom : lookout_->symptoms())
            if (symptom.trouble == trouble) return symptom;
        return std::nullopt;
    }
    bool eventually(const std::function<bool()>& condition)
    {
        const SteadyTime end = system_clock().steady() + Milliseconds(20'000);
        while (!condition()) {
            if (system_clock().steady() > end) return false;
            std::this_thread::sleep_for(Milliseconds(2));
        }
        return true;
    }

    std::unique_ptr<ShopWorld> world_;
    std::unique_ptr<devnet::World> relay_ = devnet::World::start({}).value();
    std::unique_ptr<Loop> loop_ = Loop::create(nullptr);
    std::thread thread_;
    int asked_mints_ = 0;
    std::optional<nostr::RelayPool> pool_;
    std::optional<Lookout> lookout_;
};

TEST_F(LookoutTest, AShopThatIsInOrderHasNoSymptoms)
{
    publish_listing();
    lookout_->symptoms();
    protocol::Filter any;
    any.kinds = {1};
    ASSERT_TRUE(pool_->fetch({any}, Milliseconds(20'000)).complete()); // after the question for the listing
    for (const Symptom& symptom : lookout_->symptoms()) ADD_FAILURE() << symptom.words;
}

TEST_F(LookoutTest, AListingThatARelayLacksIsMissingUntilItIsThere)
{
    ASSERT_TRUE(eventually([&] { return find(Trouble::listing_missing).has_value(); }));
    EXPECT_EQ(find(Trouble::listing_missing)->about, relay_->relay_url());
    EXPECT_THAT(find(Trouble::listing_missing)->words, HasSubstr("does not have the listing"));
    publish_listing();
    EXPECT_TRUE(find(Trouble::listing_missing)) << "it is not asked for all the time";
    world_->clock.pass(Seconds(300));
    EXPECT_TRUE(eventually([&] { return !find(Trouble::listing_missing); }));
}

TEST_F(LookoutTest, ARelayThatIsDownDoesNotHaveTheListing)
{
    open({"ws://127.0.0.1:1"});
    ASSERT_TRUE(eventually([&] { return find(Trouble::listing_missing).has_value(); }));
    EXPECT_THAT(find(Trouble::listing_missing)->words, HasSubstr("can not be asked"));
}

TEST_F(LookoutTest, AMintThatFallsSilentIsSeenAndAskedForOnce)
{
    payments::Mint& mint = *world_->process->mints.all().front();
    EXPECT_FALSE(find(Trouble::mint_silent));
    mint.heard(false);
    const auto symptom = find(Trouble::mint_silent);
    ASSERT_TRUE(symptom);
    EXPECT_EQ(symptom->about, mint.url());
    find(Trouble::mint_silent);
    EXPECT_EQ(asked_mints_, 1);
    mint.heard(true);
    EXPECT_FALSE(find(Trouble::mint_silent));
    mint.heard(false);
    find(Trouble::mint_silent);
    EXPECT_EQ(asked_mints_, 2);
}

TEST_F(LookoutTest, APoolIsNearlyFullWhenATenthIsLeft)
{
    wg::AddressPool& pool = *world_->process->pool;
    while (pool.free() > pool.size() / 10 + 1) ASSERT_TRUE(pool.take());
    EXPECT_FALSE(find(Trouble::pool_nearly_full));
    ASSERT_TRUE(pool.take());
    const auto symptom = find(Trouble::pool_nearly_full);
    ASSERT_TRUE(symptom);
    EXPECT_THAT(symptom->words, HasSubstr(std::to_string(pool.free()) + " of " + std::to_string(pool.size())));
}

TEST_F(LookoutTest, TheWalletIsSummedByMint)
{
    EXPECT_EQ(world_->insist(world_->buyer({4, 32, 64})).status, 200);
    const ShopNow now = lookout_->shop_now();
    ASSERT_EQ(now.wallet.size(), 1U);
    EXPECT_EQ(now.wallet[0].mint, "https://mint.example");
    EXPECT_EQ(now.wallet[0].worth, Sat(100));
    EXPECT_EQ(now.sessions, 1U);
    EXPECT_FALSE(now.lightning);
}

TEST_F(LookoutTest, AKeysetThatEndsSoonIsToldWhereTheWalletHasMoneyInIt)
{
    devnet::KeysetPlan plan;
    plan.final_expiry = world_->clock.now() + Seconds(20 * 86400);
    world_->mint.rotate(plan);
    ASSERT_TRUE(world_->process->mints.all().front()->refresh());
    EXPECT_EQ(world_->insist(world_->buyer({4, 32, 64})).status, 200);
    world_->clock.pass(Seconds(600));
    EXPECT_FALSE(find(Trouble::keyset_expiring)) << "it has 20 days";
    world_->clock.pass(Seconds(7 * 86400));
    const auto symptom = find(Trouble::keyset_expiring);
    ASSERT_TRUE(symptom);
    EXPECT_THAT(symptom->words, HasSubstr("ends in 12 days"));
    EXPECT_THAT(symptom->words, HasSubstr("100 sat"));
}

TEST_F(LookoutTest, APurchaseIsOwedOnlyAfterAnHour)
{
    devnet::Fault silence;
    silence.endpoint = "mint.swap";
    silence.act = devnet::FaultAct::drop;
    const auto fault = world_->faults.add(silence);
    EXPECT_EQ(world_->ask(world_->buyer({4, 32, 64})).status, 503);
    world_->clock.pass(Seconds(3500));
    EXPECT_FALSE(find(Trouble::purchase_owed));
    world_->clock.pass(Seconds(200));
    const auto symptom = find(Trouble::purchase_owed);
    ASSERT_TRUE(symptom);
    EXPECT_THAT(symptom->words, HasSubstr("100 sat"));
    EXPECT_THAT(symptom->words, HasSubstr("swapping"));
    world_->faults.remove(fault);
    world_->process->recovery->step();
    world_->clock.pass(Seconds(61));
    EXPECT_FALSE(find(Trouble::purchase_owed));
}

} // namespace
} // namespace adit::app
