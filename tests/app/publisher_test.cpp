#include "app/publisher.h"

#include "app/shop_world.h"
#include "base/loop.h"
#include "devnet/world.h"
#include "protocol/constants.h"
#include "protocol/relay_list.h"

#include <thread>

namespace adit::app {
namespace {

using protocol::PublishedListing;

class LoopThread {
public:
    ~LoopThread()
    {
        loop_->stop();
        thread_.join();
    }
    Loop& get() { return *loop_; }

private:
    std::unique_ptr<Loop> loop_ = Loop::create(nullptr);
    std::thread thread_{[this] { loop_->run(); }};
};

/// A shop whose publisher talks to a real relay; an hour passes when the test says so.
class PublisherTest : public testing::Test {
protected:
    PublisherTest()
    {
        const auto urls = nostr::parse_relay_urls({relay_->relay_url()});
        pool_.emplace(loop_.get(), system_clock(), system_rng(), nostr::PoolOptions{.urls = urls.value()});
        publisher_.emplace(Publisher::Parts{world_.process->shop,
                                            *world_.process->store,
                                            *pool_,
                                            world_.clock,
                                            world_.rng,
                                            {urls.value().front().text}});
    }
    ~PublisherTest() override { pool_->stop(); }

    std::vector<protocol::Event> on_relay(std::uint32_t kind)
    {
        protocol::Filter filter;
        filter.authors = {world_.process->shop.operator_key};
        filter.kinds = {kind};
        return relay_->relay_events(filter);
    }
    std::optional<PublishedListing> listing()
    {
        const auto events = on_relay(protocol::kKindListing);
        if (events.size() != 1) return std::nullopt;
        auto parsed = protocol::parse_listing(events.front());
        return parsed ? std::optional(std::move(*parsed)) : std::nullopt;
    }
    /// Works in the background until the relay has such a listing; half a minute at most.
    bool until(const std::function<bool(const PublishedListing&)>& condition)
    {
        const SteadyTime end = system_clock().steady() + Milliseconds(30'000);
        while (system_clock().steady() < end) {
            publisher_->step();
            if (const auto now = listing(); now && condition(*now)) return true;
            std::this_thread::yield();
        }
        return false;
    }
    bool until_later_than(UnixSeconds before)
    {
        return until([&](const auto& now) { return now.created_at > before; });
    }
    /// Whatever the publisher asked of the relay has been answered, and its answer was acted upon.
    void settle()
    {
        protocol::Filter any;
        any.kinds = {1};
        EXPECT_TRUE(pool_->fetch({any}, Milliseconds(20'000)).complete());
        publisher_->step();
        EXPECT_TRUE(pool_->fetch({any}, Milliseconds(20'000)).complete());
    }

    ShopWorld world_;
    std::unique_ptr<devnet::World> relay_ = devnet::World::start({}, world_.clock).value();
    LoopThread loop_;
    std::optional<nostr::RelayPool> pool_;
    std::optional<Publisher> publisher_;
};

TEST_F(PublisherTest, EveryHourTheListingIsThereAgainWithALaterTime)
{
    publisher_->begin();
    ASSERT_TRUE(until([](const auto&) { return true; }));
    settle();
    for (int hour = 0; hour < 3; ++hour) {
        const auto before = *listing();
        world_.clock.pass(protocol::kListingRefresh - Seconds(1));
        settle();
        EXPECT_EQ(listing()->created_at, before.created_at) << "an hour has not passed";
        world_.clock.pass(Seconds(1));
        ASSERT_TRUE(until_later_than(before.created_at));
        settle();
        EXPECT_EQ(listing()->created_at, world_.clock.now()) << "and once is enough";
        EXPECT_EQ(listing()->listing.published_at, before.listing.published_at);
    }
}

TEST_F(PublisherTest, ChangesOfOneSecondHaveRisingTimes)
{
    publisher_->begin();
    ASSERT_TRUE(until([](const auto&) { return true; }));
    for (const bool paused : {true, false, true}) {
        const UnixSeconds before = listing()->created_at;
        world_.process->shop.paused = paused;
        publisher_->listing_changed();
        ASSERT_TRUE(until_later_than(before));
        EXPECT_EQ(listing()->listing.status, paused ? protocol::ListingStatus::sold : protocol::ListingStatus::active);
    }
}

TEST_F(PublisherTest, AnotherProgramsListingOfALaterTimeIsOverwrittenAtTheNextRefresh)
{
    publisher_->begin();
    ASSERT_TRUE(until([](const auto&) { return true; }));
    settle();
    auto foreign = listing()->listing;
    foreign.title = "Not ours";
    const UnixSeconds future = world_.clock.now() + Seconds(10 * 86400);
    relay_->publish(protocol::sign_event(protocol::listing_draft(foreign, future, protocol::LegacyTag::with),
                                         world_.config.nostr.key, world_.rng));
    ASSERT_EQ(listing()->listing.title, "Not ours");
    world_.clock.pass(protocol::kListingRefresh);
    EXPECT_TRUE(until_later_than(future));
    EXPECT_EQ(listing()->listing.title, world_.config.listing.title);
}

TEST_F(PublisherTest, TheRelayListIsWrittenOnceWhileTheRelaysStayTheSame)
{
    publisher_->begin();
    ASSERT_TRUE(until([this](const auto&) { return on_relay(10002).size() == 1; }));
    const auto first = on_relay(10002).front();
    const auto relays = protocol::parse_relay_list(first);
    ASSERT_TRUE(relays);
    ASSERT_EQ(relays->size(), 1U);
    EXPECT_EQ(relays->front().url, relay_->relay_url());
    const UnixSeconds before = listing()->created_at;
    world_.clock.pass(protocol::kListingRefresh);
    ASSERT_TRUE(until_later_than(before));
    settle();
    ASSERT_EQ(on_relay(10002).size(), 1U);
    EXPECT_EQ(on_relay(10002).front().id, first.id);
}

} // namespace
} // namespace adit::app
