// The edge that sends: who is told, over which relays, and that nothing bad of a relay's comes back to the shop.
#include "app/notifier.h"

#include "app/shop_world.h"
#include "base/log.h"
#include "base/loop.h"
#include "devnet/world.h"
#include "protocol/constants.h"
#include "protocol/nip59.h"

#include <gmock/gmock.h>
#include <thread>

namespace adit::app {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class NotifierLoop {
public:
    ~NotifierLoop()
    {
        loop_->stop();
        thread_.join();
    }
    Loop& get() { return *loop_; }

private:
    std::unique_ptr<Loop> loop_ = Loop::create(nullptr);
    std::thread thread_{[this] { loop_->run(); }};
};

std::mutex log_mutex;
std::string log_text;

/// A shop whose notifier talks to real relays; time passes when the test says so.
class NotifierTest : public testing::Test {
protected:
    NotifierTest()
    {
        world_.config.notifications.enabled = true;
        world_.config.notifications.recipient = recipient_.public_key();
        world_.config.notifications.heartbeat_hours = 0;
        world_.restart();
        log_text.clear();
        log_to([](std::string_view line) {
            const std::lock_guard lock(log_mutex);
            log_text += std::string(line) + "\n";
        });
    }
    ~NotifierTest() override
    {
        if (pool_) pool_->stop();
        log_to(nullptr);
    }

    void open(std::vector<std::string> urls, nostr::Reach reach = nostr::Reach::anywhere)
    {
        if (pool_) pool_->stop();
        notifier_.reset();
        nostr::PoolOptions options{.urls = nostr::parse_relay_urls(urls).value()};
        options.auth_key = world_.config.nostr.key.duplicate();
        options.limits.backoff_base = Milliseconds(50);
        pool_.emplace(loop_.get(), system_clock(), system_rng(), std::move(options));
        notifier_.emplace(Notifier::Parts{world_.process->shop, *world_.process->store, *pool_, world_.clock,
                                          world_.rng, reach, [this] { return symptoms_; },
                                          [this] { return shop_now_; }});
        ASSERT_TRUE(notifier_->load());
    }
    void publish_inboxes(devnet::World& at, std::vector<std::string> urls, UnixSeconds created_at)
    {
        protocol::EventDraft draft{created_at, protocol::kKindDmRelays, {}, ""};
        for (std::string& url : urls) draft.tags.push_back({"relay", std::move(url)});
        at.publish(protocol::sign_event(std::move(draft), recipient_, system_rng()));
    }
    static devnet::Fault refusal(std::string words)
    {
        devnet::Fault fault;
        fault.endpoint = "relay.event";
        fault.act = devnet::FaultAct::reject;
        fault.message = std::move(words);
        return fault;
    }
    static store::Purchase sale(std::uint64_t sats = 100)
    {
        store::Purchase purchase;
        purchase.price = Sat(sats);
        purchase.quantity = 1;
        purchase.tier_unit = "hour";
        return purchase;
    }
    /// What a relay has for the recipient, opened.
    std::vector<protocol::Rumor> told(devnet::World& relay)
    {
        protocol::Filter filter;
        filter.kinds = {protocol::kKindGiftWrap};
        filter.tags['p'] = {recipient_.public_key().hex()};
        std::vector<protocol::Rumor> rumors;
        for (const protocol::Event& wrap : relay.relay_events(filter)) {
            auto rumor = protocol::open_gift_wrap(wrap, recipient_);
            EXPECT_TRUE(rumor) << rumor.error().detail;
            if (rumor) rumors.push_back(std::move(*rumor));
        }
        return rumors;
    }
    bool eventually(const std::function<bool()>& condition)
    {
        const SteadyTime end = system_clock().steady() + Milliseconds(20'000);
        while (!condition()) {
            if (system_clock().steady() > end) return false;
            notifier_->step();
            std::this_thread::sleep_for(Milliseconds(2));
        }
        return true;
    }
    bool eventually_told(devnet::World& relay, std::size_t messages)
    {
        return eventually([&] { return told(relay).size() >= messages; });
    }
    bool logged(const std::string& words)
    {
        const std::lock_guard lock(log_mutex);
        return log_text.find(words) != std::string::npos;
    }
    /// The recipient's list has come, before the test's time runs on without it.
    bool eventually_knows_inboxes()
    {
        return eventually([&] { return world_.process->store->fact("notifications.inboxes").value().has_value(); });
    }
    /// One sale, and the time until it is told.
    void sell()
    {
        notifier_->sold(sale());
        notifier_->step();
        world_.clock.pass(Seconds(61));
        notifier_->step();
    }

    ShopWorld world_;
    protocol::SecretKey recipient_ = protocol::SecretKey::generate(world_.rng);
    std::unique_ptr<devnet::World> relay_ = devnet::World::start({}, world_.clock).value();
    std::unique_ptr<devnet::World> inbox_ = devnet::World::start({}, world_.clock).value();
    NotifierLoop loop_;
    std::vector<Symptom> symptoms_;
    ShopNow shop_now_;
    std::optional<nostr::RelayPool> pool_;
    std::optional<Notifier> notifier_;
};

TEST_F(NotifierTest, ASaleIsToldToTheRecipientAndNobodyElse)
{
    open({relay_->relay_url()});
    sell();
    ASSERT_TRUE(eventually_told(*relay_, 1));
    const auto rumor = told(*relay_).front();
    EXPECT_EQ(rumor.event.kind, protocol::kKindPrivateMessage);
    EXPECT_EQ(rumor.author, world_.process->shop.operator_key);
    EXPECT_EQ(rumor.event.created_at, world_.clock.now());
    EXPECT_THAT(rumor.event.content, HasSubstr("Sold: 1 hour for 100 sat"));
    EXPECT_EQ(rumor.event.tags,
              (std::vector<protocol::Tag>{{"p", recipient_.public_key().hex()}, {"subject", "Exit One (exit-1)"}}));
    protocol::Filter any;
    const auto events = relay_->relay_events(any);
    ASSERT_THAT(events, SizeIs(1));
    EXPECT_NE(events[0].pubkey, rumor.author) << "the wrap names its author";
    EXPECT_LE(events[0].created_at, world_.clock.now());
    EXPECT_GE(events[0].created_at, world_.clock.now() - protocol::kMaxBackdating);
    EXPECT_FALSE(protocol::open_gift_wrap(events[0], world_.config.nostr.key)) << "others can open it";
}

TEST_F(NotifierTest, WrapsAreBackdatedEachByItsOwnMeasure)
{
    open({relay_->relay_url()});
    std::set<std::int64_t> times;
    for (int i = 0; i < 8; ++i) sell();
    ASSERT_TRUE(eventually_told(*relay_, 8));
    protocol::Filter any;
    for (const protocol::Event& wrap : relay_->relay_events(any)) {
        EXPECT_LE(wrap.created_at, world_.clock.now());
        times.insert(wrap.created_at.count());
    }
    EXPECT_GT(times.size(), 6U);
    EXPECT_LT(*times.begin(), world_.clock.now().count() - 3600);
}

TEST_F(NotifierTest, TheRelaysThatTheRecipientNamesAreToldToo)
{
    publish_inboxes(*relay_, {inbox_->relay_url(), relay_->relay_url() + "/"}, world_.clock.now());
    open({relay_->relay_url()});
    ASSERT_TRUE(eventually_knows_inboxes());
    sell();
    ASSERT_TRUE(eventually_told(*relay_, 1));
    ASSERT_TRUE(eventually_told(*inbox_, 1));
    EXPECT_THAT(told(*relay_), SizeIs(1)) << "a relay that is in both lists is told twice";
    EXPECT_TRUE(eventually([&] { return inbox_->relay_connections() == 0; })) << "the connection stays";
}

TEST_F(NotifierTest, TheNewestListCountsAndOneOfAnotherAuthorDoesNot)
{
    const auto other = devnet::World::start({}, world_.clock).value();
    publish_inboxes(*inbox_, {inbox_->relay_url()}, world_.clock.now());
    publish_inboxes(*relay_, {other->relay_url()}, world_.clock.now() - Seconds(10));
    relay_->publish(protocol::sign_event(
        {world_.clock.now() + Seconds(5), protocol::kKindDmRelays, {{"relay", other->relay_url()}}, ""},
        protocol::SecretKey::generate(system_rng()), system_rng()));
    open({relay_->relay_url(), inbox_->relay_url()});
    sell();
    ASSERT_TRUE(eventually_told(*relay_, 1));
    ASSERT_TRUE(eventually_told(*inbox_, 1));
    EXPECT_THAT(told(*other), IsEmpty());
    // And a newer one is noticed in its time.
    publish_inboxes(*relay_, {other->relay_url()}, world_.clock.now());
    world_.clock.pass(Seconds(6 * 3600));
    notifier_->step();
    ASSERT_TRUE(eventually([&] {
        sell();
        return !told(*other).empty();
    }));
}

TEST_F(NotifierTest, TheRecipientsRelaysAreKnownAfterARestartWhileOursAreDead)
{
    publish_inboxes(*relay_, {inbox_->relay_url()}, world_.clock.now());
    open({relay_->relay_url()});
    ASSERT_TRUE(eventually_knows_inboxes());
    sell();
    ASSERT_TRUE(eventually_told(*inbox_, 1));
    open({"ws://127.0.0.1:1"});
    sell();
    EXPECT_TRUE(eventually_told(*inbox_, 2));
}

TEST_F(NotifierTest, NoPrivateAddressIsVisitedWhereOnlyPublicOnesMayBe)
{
    publish_inboxes(*relay_, {inbox_->relay_url()}, world_.clock.now());
    open({relay_->relay_url()}, nostr::Reach::public_only);
    for (int i = 0; i < 3; ++i) sell();
    ASSERT_TRUE(eventually_told(*relay_, 3));
    EXPECT_THAT(told(*inbox_), IsEmpty());
    EXPECT_EQ(inbox_->relay_connections(), 0U);
}

TEST_F(NotifierTest, InboxesMayBePrivateOnlyWhereARelayOfTheConfigIs)
{
    const auto reach = [](const std::vector<std::string>& urls) {
        return reach_of_inboxes(nostr::parse_relay_urls(urls).value());
    };
    EXPECT_EQ(reach({"wss://relay.example", "wss://1.1.1.1"}), nostr::Reach::public_only);
    EXPECT_EQ(reach({"wss://10.example"}), nostr::Reach::public_only) << "a name is not looked up for this";
    EXPECT_EQ(reach({"wss://relay.example", "ws://127.0.0.1:7000"}), nostr::Reach::anywhere);
    EXPECT_EQ(reach({"ws://localhost:7000"}), nostr::Reach::anywhere);
    EXPECT_EQ(reach({"ws://[fd00::1]:7000"}), nostr::Reach::anywhere);
    EXPECT_EQ(reach({}), nostr::Reach::public_only);
}

TEST_F(NotifierTest, ARelayThatWantsAuthGetsIt)
{
    const auto strict = devnet::World::start({}).value(); // by the clock that AUTH is dated by
    strict->set_relay_rules({.write = devnet::AuthRule::required});
    open({strict->relay_url()});
    sell();
    EXPECT_TRUE(eventually_told(*strict, 1));
}

TEST_F(NotifierTest, ARelayThatRefusesIsSaidOnceAndTheOthersAreTold)
{
    relay_->faults().add(refusal("blocked: kind 1059 is not kept here"));
    open({relay_->relay_url(), inbox_->relay_url()});
    for (int i = 0; i < 3; ++i) sell();
    ASSERT_TRUE(eventually_told(*inbox_, 3));
    ASSERT_TRUE(eventually([&] { return logged("notification_rejected"); }));
    ASSERT_TRUE(eventually([&] { return relay_->faults().list()[0]["hits"] == 3; }));
    const std::lock_guard lock(log_mutex);
    EXPECT_EQ(log_text.find("notification_rejected"), log_text.rfind("notification_rejected")) << log_text;
    EXPECT_THAT(log_text, HasSubstr("kind 1059 is not kept here"));
    EXPECT_THAT(log_text, Not(HasSubstr("notification_not_taken")));
}

TEST_F(NotifierTest, AMessageThatNoRelayTakesIsSaid)
{
    relay_->faults().add(refusal("blocked: no"));
    open({relay_->relay_url()});
    sell();
    EXPECT_TRUE(eventually([&] { return logged("notification_not_taken"); }));
}

TEST_F(NotifierTest, WithDeadRelaysMessagesWaitInABoundedNumberAndSalesDoNotWaitAtAll)
{
    open({"ws://127.0.0.1:1"});
    world_.clock.pass(Seconds(31)); // the recipient's relays are not waited for any longer
    for (int i = 0; i < 200; ++i) sell();
    EXPECT_TRUE(logged("notifications_dropped"));
    const SteadyTime before = system_clock().steady();
    for (int i = 0; i < 100'000; ++i) notifier_->sold(sale());
    EXPECT_LT(system_clock().steady() - before, Milliseconds(5'000)) << "under sanitizers";
}

TEST_F(NotifierTest, TroubleAndHeartbeatOutliveARestart)
{
    world_.config.notifications.heartbeat_hours = 24;
    open({relay_->relay_url()});
    symptoms_ = {{Trouble::lightning_down, "", "The Lightning node does not answer."}};
    ASSERT_TRUE(eventually_told(*relay_, 1));
    EXPECT_THAT(told(*relay_).front().event.content, HasSubstr("All is well"));
    world_.clock.pass(Seconds(200));
    ASSERT_TRUE(eventually_told(*relay_, 2));

    open({relay_->relay_url()});
    for (int i = 0; i < 20; ++i) {
        world_.clock.pass(Seconds(60));
        notifier_->step();
    }
    symptoms_.clear();
    world_.clock.pass(Seconds(6));
    notifier_->step();
    world_.clock.pass(Seconds(61));
    ASSERT_TRUE(eventually_told(*relay_, 3));
    std::string all;
    for (const auto& rumor : told(*relay_)) all += rumor.event.content + "\n";
    EXPECT_THAT(all, HasSubstr("The Lightning node can be used again."));
    EXPECT_EQ(all.find("Trouble since"), all.rfind("Trouble since")) << all;
    EXPECT_EQ(all.find("All is"), all.rfind("All is")) << all;
    world_.clock.pass(Seconds(24 * 3600));
    ASSERT_TRUE(eventually_told(*relay_, 4));
}

} // namespace
} // namespace adit::app
