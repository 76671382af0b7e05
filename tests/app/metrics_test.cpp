// What /metrics says after sales, refusals and refunds, and that strangers can not make it grow.
#include "app/metrics_page.h"
#include "app/shop_world.h"
#include "app/timed_mint_calls.h"

#include <gmock/gmock.h>
#include <prometheus/text_serializer.h>
#include <regex>

namespace adit::app {
namespace {

using testing::HasSubstr;
using testing::Not;

class MetricsTest : public testing::Test {
protected:
    static std::string counted(const ShopWorld& world)
    {
        return prometheus::TextSerializer().Serialize(world.process->metrics.collect());
    }
    /// Of a series as it is written, labels included; -1: it is not there.
    static double value_of(const std::string& page, const std::string& series)
    {
        const std::size_t at = ("\n" + page).find("\n" + series + " ");
        return at == std::string::npos ? -1 : std::stod(page.substr(at + series.size() + 1));
    }
};

TEST_F(MetricsTest, ASaleIsCountedOnceHoweverOftenItIsAskedFor)
{
    ShopWorld world;
    const Buyer buyer = world.buyer({4, 32, 64});
    ASSERT_EQ(world.ask(buyer).status, 200);
    ASSERT_EQ(world.ask(buyer).status, 200);
    const std::string page = counted(world);
    EXPECT_EQ(value_of(page, R"(adit_sales_total{method="cashu",tier="100 sat/hour"})"), 1);
    EXPECT_EQ(value_of(page, R"(adit_purchase_duration_seconds_count)"), 1);
    const std::string mint = world.config.cashu.mints.front();
    EXPECT_EQ(value_of(page, R"(adit_received_sats_total{method="cashu",mint=")" + mint + "\"}"), 100);
}

TEST_F(MetricsTest, ARefusalIsCountedByTheWordThatWasSaid)
{
    ShopWorld world;
    EXPECT_NE(world.ask(world.buyer({64})).status, 200);
    EXPECT_NE(world.ask(world.buyer({64})).status, 200);
    Buyer unsigned_one = world.buyer({4, 32, 64});
    unsigned_one.request.headers.clear();
    EXPECT_EQ(world.ask(unsigned_one).status, 401);
    const std::string page = counted(world);
    EXPECT_EQ(value_of(page, R"(adit_refusals_total{method="cashu",reason="amount-mismatch"})"), 2);
    const std::string word(protocol::reason_info(Reason::bad_auth).word);
    EXPECT_EQ(value_of(page, R"(adit_refusals_total{method="cashu",reason=")" + word + "\"}"), 1);
    EXPECT_EQ(value_of(page, R"(adit_sales_total{method="cashu",tier="100 sat/hour"})"), -1) << "nothing was sold";
}

TEST_F(MetricsTest, ASaleThatTheBackgroundSettlesIsReceivedOnceAndSoldWhenItIsFetched)
{
    ShopWorld world;
    const Buyer buyer = world.buyer({4, 32, 64});
    devnet::Fault silence;
    silence.endpoint = "mint.*";
    silence.act = devnet::FaultAct::drop;
    world.faults.add(silence);
    EXPECT_NE(world.ask(buyer).status, 200);
    world.faults.clear();
    world.clock.pass(Seconds(60));
    world.process->recovery->step();
    EXPECT_EQ(world.ask(buyer).status, 200);
    const std::string page = counted(world);
    EXPECT_THAT(page, HasSubstr("adit_received_sats_total{method=\"cashu\",mint=\"" + world.config.cashu.mints.front() +
                                "\"} 100\n"));
    EXPECT_EQ(value_of(page, R"(adit_sales_total{method="cashu",tier="100 sat/hour"})"), 1);
}

TEST_F(MetricsTest, APaymentByLightningIsReceivedAndSoldOnce)
{
    for (const auto way : {fakes::FakeLightning::Way::plain, fakes::FakeLightning::Way::hold}) {
        ShopWorld world({.lightning = way});
        Payer payer = world.payer();
        ASSERT_TRUE(world.ask_invoice(payer));
        world.clock.pass(Seconds(7));
        ASSERT_TRUE(world.lightning->pay(payer.hash));
        world.attend_for(Seconds(60));
        ASSERT_EQ(world.state_of(payer), session::State::active);
        const std::string page = counted(world);
        EXPECT_EQ(value_of(page, "adit_invoices_total"), 1);
        EXPECT_EQ(value_of(page, R"(adit_received_sats_total{method="lightning"})"), 100);
        EXPECT_EQ(value_of(page, R"(adit_sales_total{method="lightning",tier="100 sat/hour"})"), 1);
        EXPECT_EQ(value_of(page, "adit_invoice_live_duration_seconds_count"), 1);
        EXPECT_GE(value_of(page, "adit_invoice_live_duration_seconds_sum"), 7);
    }
}

TEST_F(MetricsTest, WhatCanHappenIsThereFromTheStart)
{
    const std::vector<std::string> mints{"https://mint.example"};
    const auto tiers = protocol::sellable_tiers(std::vector<protocol::Price>{{"100", "sat", "hour"}});
    const Metrics metrics(mints, tiers);
    const std::string page = prometheus::TextSerializer().Serialize(metrics.collect());
    for (const auto* series : {R"(adit_sales_total{method="lightning",tier="100 sat/hour"})",
                               R"(adit_received_sats_total{method="cashu",mint="https://mint.example"})",
                               R"(adit_refusals_total{method="cashu",reason="mint-unreachable"})",
                               R"(adit_mint_swap_duration_seconds_count{mint="https://mint.example"})",
                               "adit_invoices_total", R"(adit_refunds_total{method="cashu"})"})
        EXPECT_EQ(value_of(page, series), 0) << series << "\n" << page;
}

TEST_F(MetricsTest, OnlySwapsAreTimedAndEachByItsMint)
{
    class Calls final : public payments::HttpClient {
    public:
        Result<payments::HttpReply> call(const payments::HttpCall&) override
        {
            return Error{Reason::mint_unreachable, "silent"};
        }
    } calls;
    StoppedClock clock;
    Metrics metrics({}, {});
    TimedMintCalls timed(calls, metrics, clock);
    EXPECT_FALSE(timed.call({"POST", "https://mint.example/x/v1/swap"}));
    EXPECT_FALSE(timed.call({"GET", "https://mint.example/x/v1/keysets"}));
    const std::string page = prometheus::TextSerializer().Serialize(metrics.collect());
    EXPECT_EQ(value_of(page, R"(adit_mint_swap_duration_seconds_count{mint="https://mint.example/x"})"), 1);
    EXPECT_THAT(page, Not(HasSubstr("keysets")));
}

TEST_F(MetricsTest, RequestsOfStrangersAddNoSeries)
{
    ShopWorld world;
    world.ask(world.buyer({4, 32, 64}));
    const auto lines = [&] {
        const std::string page = counted(world);
        return std::ranges::count(page, '\n');
    };
    const auto before = lines();
    for (int i = 0; i < 20; ++i) {
        Buyer buyer = world.buyer({64});
        if (i % 2 == 0) buyer.request.body = "{\"protocol\":\"" + std::to_string(i) + "\"}";
        if (i % 3 == 0) buyer.request.headers.clear();
        world.ask(buyer);
    }
    EXPECT_EQ(lines(), before);
}

TEST_F(MetricsTest, ReadingsAreWrittenAsPrometheusReadsThem)
{
    ShopReading reading;
    reading.health.ok = true;
    reading.health.store = reading.health.wireguard = protocol::CheckState::ok;
    reading.sessions = 10'000;
    reading.carried = {5'000'000'000'000, 7};
    reading.addresses = 65'000;
    reading.addresses_free = 55'000;
    reading.relays = {{"wss://a.example", true, "", {}}, {"wss://b\"\\\n.example", false, "gone", {}}};
    reading.mints = {{"https://mint.example", true, UnixSeconds(1'900'000'000), Sat(21)},
                     {"https://m2.example", false, {}, Sat(0)}};
    reading.lightning = LightningReading{"lnd", false};
    reading.standing.emplace();
    reading.standing->open = {{session::State::swapping, 2, UnixSeconds(1'800'000'000)}};
    reading.standing->outbox = 3;
    reading.owed = 1;
    reading.owed_sats = Sat(100);
    const std::string page = metrics_page(Metrics({}, {}), reading);
    EXPECT_EQ(value_of(page, "adit_for_sale"), 1);
    EXPECT_EQ(value_of(page, "adit_sessions"), 10'000);
    EXPECT_EQ(value_of(page, "adit_tunnel_received_bytes_total"), 5e12);
    EXPECT_EQ(value_of(page, "adit_addresses_free"), 55'000);
    EXPECT_EQ(value_of(page, R"(adit_relay_connected{relay="wss://a.example"})"), 1);
    EXPECT_EQ(value_of(page, R"(adit_relay_connected{relay="wss://b\"\\\n.example"})"), 0);
    EXPECT_EQ(value_of(page, R"(adit_mint_up{mint="https://m2.example"})"), 0);
    EXPECT_EQ(value_of(page, R"(adit_mint_keyset_expiry_timestamp_seconds{mint="https://mint.example"})"),
              1'900'000'000);
    EXPECT_EQ(value_of(page, R"(adit_wallet_sats{mint="https://mint.example"})"), 21);
    EXPECT_EQ(value_of(page, R"(adit_lightning_up{backend="lnd"})"), 0);
    EXPECT_EQ(value_of(page, R"(adit_journal_purchases{state="swapping"})"), 2);
    EXPECT_EQ(value_of(page, R"(adit_journal_purchases{state="refunding"})"), 0);
    EXPECT_EQ(value_of(page, R"(adit_journal_oldest_timestamp_seconds{state="swapping"})"), 1'800'000'000);
    EXPECT_EQ(value_of(page, R"(adit_journal_oldest_timestamp_seconds{state="refunding"})"), -1);
    EXPECT_EQ(value_of(page, "adit_owed_purchases"), 1);
    EXPECT_EQ(value_of(page, "adit_outbox_events"), 3);
    EXPECT_GT(value_of(page, "process_resident_memory_bytes"), 1e6);
    // Every line is a comment or a sample, and every name has its help and its type before it.
    const std::regex sample(R"re([a-z_]+(\{[a-z_]+="([^"\\]|\\.)*"(,[a-z_]+="([^"\\]|\\.)*")*\})? [-+0-9.eInf]+)re");
    std::istringstream lines(page);
    for (std::string line; std::getline(lines, line);)
        EXPECT_TRUE(line.starts_with("# HELP ") || line.starts_with("# TYPE ") || std::regex_match(line, sample))
            << line;
}

TEST_F(MetricsTest, ADatabaseThatDoesNotAnswerIsSaidAndNothingIsInvented)
{
    ShopReading reading;
    const std::string page = metrics_page(Metrics({}, {}), reading);
    EXPECT_EQ(value_of(page, "adit_store_up"), 0);
    EXPECT_EQ(value_of(page, "adit_owed_purchases"), -1);
    EXPECT_EQ(value_of(page, "adit_outbox_events"), -1);
    EXPECT_EQ(value_of(page, R"(adit_journal_purchases{state="swapping"})"), -1);
}

TEST_F(MetricsTest, TrafficIsAddedUpAndTheBusiestComeFirst)
{
    ShopWorld world;
    const Buyer quiet = world.buyer({4, 32, 64});
    const Buyer loud = world.buyer({4, 32, 64});
    ASSERT_EQ(world.ask(quiet).status, 200);
    ASSERT_EQ(world.ask(loud).status, 200);
    Tunnels& tunnels = *world.process->tunnels;
    tunnels.account();
    world.clock.pass(Seconds(10));
    world.device.add_traffic(loud.client_key, 1'000'000, 3'000'000);
    world.device.add_traffic(quiet.client_key, 10, 0);
    const auto busiest = tunnels.busiest(10);
    ASSERT_EQ(busiest.size(), 2U);
    EXPECT_EQ(busiest[0].per_second, (wg::Traffic{100'000, 300'000}));
    EXPECT_EQ(busiest[1].per_second, (wg::Traffic{1, 0}));
    EXPECT_FALSE(busiest[0].bytes_left);
    EXPECT_TRUE(busiest[0].expires_at);
    EXPECT_EQ(tunnels.busiest(1).size(), 1U);
    EXPECT_EQ(tunnels.carried(), (wg::Traffic{1'000'010, 3'000'000}));
    EXPECT_EQ(tunnels.per_second(), (wg::Traffic{100'001, 300'000}));
    world.clock.pass(Seconds(10));
    EXPECT_EQ(tunnels.busiest(1)[0].per_second, wg::Traffic{}) << "it is over";
}

} // namespace
} // namespace adit::app
