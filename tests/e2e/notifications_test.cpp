// What the operator is told by private message: by the daemon as it runs, over real relays, opened with the recipient's
// key.
#include "e2e/shop.h"

#include "app/app.h"
#include "base/clock.h"
#include "protocol/constants.h"
#include "protocol/nip59.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace adit::e2e {
namespace {

using fakes::eventually;
using testing::HasSubstr;
using testing::Not;

/// The system's clocks, ahead by as much as the test says.
class MovedClock final : public Clock {
public:
    UnixSeconds now() const override { return system_clock().now() + ahead(); }
    SteadyTime steady() const override { return system_clock().steady() + ahead(); }
    void pass(Seconds length) { ahead_s_ += length.count(); }

private:
    Seconds ahead() const { return Seconds(ahead_s_); }
    std::atomic<std::int64_t> ahead_s_{0};
};

class NotificationsTest : public testing::Test {
protected:
    /// Of a shop that tells `recipient_`.
    Settings settings(const std::string& heartbeat_hours = "24") const
    {
        Settings settings;
        settings.more = "[notifications]\nenabled = true\npubkey = \"" + recipient_.public_key().hex() +
                        "\"\nheartbeat_hours = " + heartbeat_hours + "\n";
        return settings;
    }
    std::vector<protocol::Event> wraps(devnet::World& relay) const
    {
        protocol::Filter filter;
        filter.kinds = {protocol::kKindGiftWrap};
        filter.tags['p'] = {recipient_.public_key().hex()};
        return relay.relay_events(filter);
    }
    /// The texts of all messages at a relay, oldest first.
    std::vector<std::string> texts(devnet::World& relay) const
    {
        std::vector<protocol::Rumor> rumors;
        for (const protocol::Event& wrap : wraps(relay))
            rumors.push_back(must(protocol::open_gift_wrap(wrap, recipient_)));
        std::ranges::stable_sort(rumors, {}, [](const protocol::Rumor& rumor) { return rumor.event.created_at; });
        std::vector<std::string> out;
        for (const protocol::Rumor& rumor : rumors) out.push_back(rumor.event.content);
        return out;
    }
    bool eventually_tells(devnet::World& relay, const std::string& words) const
    {
        return eventually(Milliseconds(60'000), [&] {
            return std::ranges::any_of(texts(relay),
                                       [&](const auto& text) { return text.find(words) != std::string::npos; });
        });
    }
    std::size_t told(devnet::World& relay, const std::string& words) const
    {
        return static_cast<std::size_t>(std::ranges::count_if(
            texts(relay), [&](const auto& text) { return text.find(words) != std::string::npos; }));
    }

    protocol::SecretKey recipient_ = protocol::SecretKey::generate(system_rng());
};

TEST_F(NotificationsTest, TheDaemonTellsOfASaleOnceWithoutAWordAboutTheBuyer)
{
    Shop shop(settings());
    const auto inbox = must(devnet::World::start({}));
    shop.world->publish(protocol::sign_event(
        {system_clock().now(), protocol::kKindDmRelays, {{"relay", inbox->relay_url()}}, ""}, recipient_, shop.rng));
    shop.start({}, "debug");
    ASSERT_TRUE(eventually_tells(*inbox, "All is well at ")) << "the first heartbeat";

    const Buyer buyer = shop.buyer({4, 32, 64});
    const auto grant = delivered(shop.ask(buyer.request));
    ASSERT_TRUE(eventually_tells(*inbox, "Sold: 1 hour for 100 sat, for ecash"));
    ASSERT_TRUE(eventually_tells(*shop.world, "Sold: 1 hour for 100 sat, for ecash")) << "at the shop's own relay";
    for (const std::string& text : texts(*inbox)) {
        for (const std::string& secret : {buyer.client_key.base64(), buyer.key.public_key().hex(), buyer.token,
                                          buyer.refund_key.public_key().hex(), grant.session_id.value_or("none")})
            EXPECT_THAT(text, Not(HasSubstr(secret)));
        EXPECT_THAT(text, HasSubstr("Wallet: "));
    }
    EXPECT_THAT(texts(*inbox).back(), HasSubstr("Sessions: 1"));

    const UnixSeconds now = system_clock().now();
    for (const protocol::Event& wrap : wraps(*inbox)) {
        EXPECT_LE(wrap.created_at, now);
        EXPECT_GE(wrap.created_at, now - protocol::kMaxBackdating - Seconds(60));
        EXPECT_NE(wrap.pubkey, shop.operator_key.public_key());
        const auto rumor = must(protocol::open_gift_wrap(wrap, recipient_));
        EXPECT_EQ(rumor.author, shop.operator_key.public_key());
        EXPECT_EQ(rumor.event.kind, protocol::kKindPrivateMessage);
        EXPECT_GE(rumor.event.created_at, now - Seconds(120)) << "the true time is the rumor's";
    }

    // A new start repeats neither the sale nor the heartbeat; another sale is told.
    shop.restart();
    EXPECT_EQ(shop.ask(shop.buyer({4, 32, 64}).request).status, 200);
    ASSERT_TRUE(eventually(Milliseconds(60'000), [&] { return told(*inbox, "Sold: ") == 2; }));
    EXPECT_EQ(told(*inbox, "All is well"), 1U);
    EXPECT_EQ(shop.daemon->stop(), 0);
    EXPECT_THAT(shop.daemon->output(), Not(HasSubstr("Sold: "))) << "messages are for the recipient alone";
}

TEST_F(NotificationsTest, NothingIsToldWhereNotificationsAreOff)
{
    Shop shop;
    shop.start();
    EXPECT_EQ(shop.ask(shop.buyer({4, 32, 64}).request).status, 200);
    EXPECT_EQ(shop.daemon->stop(), 0);
    protocol::Filter filter;
    filter.kinds = {protocol::kKindGiftWrap};
    EXPECT_TRUE(shop.world->relay_events(filter).empty());
}

TEST_F(NotificationsTest, SalesAndTheEndDoNotWaitForRelaysThatAreDead)
{
    Shop shop(settings());
    shop.start();
    EXPECT_EQ(shop.daemon->stop(), 0);
    shop.settings.relays = {"ws://127.0.0.1:" + std::to_string(free_port())};
    shop.start();
    for (int i = 0; i < 5; ++i) EXPECT_EQ(shop.ask(shop.buyer({4, 32, 64}).request).status, 200);
    EXPECT_EQ(shop.daemon->stop(Milliseconds(10'000)), 0);
}

/// The daemon in this process, so that its clocks can be moved.
class MovedDaemon {
public:
    MovedDaemon(const Shop& shop, Clock& clock)
    {
        shop.write_config();
        auto loaded = app::load_config(shop.folder / "config.toml");
        EXPECT_TRUE(loaded.config) << (loaded.errors.empty() ? "" : loaded.errors.front());
        EXPECT_TRUE(loaded.warnings.empty() || loaded.warnings.front().find("memory") != std::string::npos)
            << loaded.warnings.front();
        app_ = std::make_unique<app::App>(std::move(*loaded.config), clock, system_rng());
        must(app_->start());
    }
    MovedDaemon(const MovedDaemon&) = delete;
    MovedDaemon& operator=(const MovedDaemon&) = delete;
    ~MovedDaemon()
    {
        app_->ask_to_stop();
        app_->run_until_asked();
    }
    std::uint16_t port() const { return app_->port(); }

private:
    static void must(const Result<void>& result) { ASSERT_TRUE(result) << result.error().detail; }
    std::unique_ptr<app::App> app_;
};

TEST_F(NotificationsTest, AMintThatGoesSilentIsToldOnceWhenItLastsAndOnceWhenItIsBack)
{
    Shop shop(settings());
    MovedClock clock;
    const MovedDaemon daemon(shop, clock);
    ASSERT_TRUE(eventually_tells(*shop.world, "All is well at "));
    const Buyer buyer = shop.buyer({4, 32, 64});
    ASSERT_TRUE(eventually(Milliseconds(30'000), [&] { return ask(daemon.port(), {"GET", "/health"}).status == 200; }));

    devnet::Fault silence;
    silence.endpoint = "mint.*";
    silence.act = devnet::FaultAct::drop;
    const auto fault = shop.world->faults().add(silence);
    EXPECT_EQ(ask(daemon.port(), buyer.request).reason(), "mint-unreachable");
    // Several looks at the shop go by.
    const SteadyTime until = system_clock().steady() + Seconds(7);
    ASSERT_TRUE(eventually(Milliseconds(20'000), [&] { return system_clock().steady() > until; }));
    EXPECT_EQ(told(*shop.world, "does not answer"), 0U) << "a short silence is told";
    clock.pass(Seconds(200));
    ASSERT_TRUE(eventually_tells(*shop.world, "The mint " + shop.world->mint_url() + " does not answer."));

    shop.world->faults().remove(fault);
    // The daemon asks it again by itself; then it must have answered for a while.
    ASSERT_TRUE(eventually(Milliseconds(60'000), [&] {
        clock.pass(Seconds(70));
        return eventually(Milliseconds(6'000), [&] { return told(*shop.world, "answers again.") == 1; });
    }));
    EXPECT_EQ(told(*shop.world, "does not answer"), 1U);
}

TEST_F(NotificationsTest, TheHeartbeatComesEveryDayAndHasTheSalesOfIt)
{
    Shop shop(settings());
    MovedClock clock;
    const MovedDaemon daemon(shop, clock);
    ASSERT_TRUE(eventually_tells(*shop.world, "All is well at "));
    ASSERT_TRUE(eventually(Milliseconds(30'000), [&] { return ask(daemon.port(), {"GET", "/health"}).status == 200; }));
    EXPECT_EQ(ask(daemon.port(), shop.buyer({4, 32, 64}).request).status, 200);
    ASSERT_TRUE(eventually_tells(*shop.world, "Sold: "));
    clock.pass(Seconds(23 * 3600));
    EXPECT_EQ(told(*shop.world, "All is"), 1U);
    clock.pass(Seconds(3600));
    ASSERT_TRUE(eventually_tells(*shop.world, "Since the last time: 1 hour for 100 sat, for ecash"));
    EXPECT_EQ(told(*shop.world, "All is"), 2U);
    const std::string text = texts(*shop.world).back();
    EXPECT_THAT(text, HasSubstr("Wallet: 100 sat at " + shop.world->mint_url()));
}

} // namespace
} // namespace adit::e2e
