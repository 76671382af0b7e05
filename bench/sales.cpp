// What a sale takes: the same swaps are asked of the mint directly, at the same pace, and what a purchase takes longer
// is adit's.
#include "bench/figures.h"
#include "bench/load.h"
#include "bench/purse.h"
#include "bench/report.h"

namespace adit::bench {

namespace {

struct Scene {
    std::string name;
    std::size_t sales;
    std::size_t at_once;
    Milliseconds mint_latency;
    std::size_t waves = 1; // of so many sales each; the next begins when all of one are done
    std::string goal = {};
};

constexpr std::size_t kWarmUp = 60;

std::string count(double value)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.0f", value);
    return text;
}

/// The first ones are spread over the mint's latency, as buyers are who do not know of each other; a wave is not.
LoadResult send_scene(std::uint16_t port, std::span<const std::string> requests, const Scene& scene)
{
    LoadResult all;
    for (std::size_t wave = 0; wave < scene.waves; ++wave) {
        const auto some = requests.subspan(wave * scene.sales, scene.sales);
        const LoadResult one =
            send_all(port, some, scene.at_once, scene.waves > 1 ? Milliseconds(0) : scene.mint_latency);
        all.latencies_ms.insert(all.latencies_ms.end(), one.latencies_ms.begin(), one.latencies_ms.end());
        all.seconds += one.seconds;
    }
    return all;
}

void warm_up(const Market& market, Purse& purse)
{
    send_all(market.port, purse.purchases(kWarmUp), 50);
    wait_until_idle(market.daemon->pid());
}

void measure(const Market& market, Purse& purse, const Scene& scene)
{
    const std::size_t total = scene.sales * scene.waves;
    market.set_mint_latency(scene.mint_latency);
    const auto swaps = purse.swaps(total);
    const auto purchases = purse.purchases(total);
    const Quantiles mint = quantiles(send_scene(market.mint_port, swaps, scene).latencies_ms);
    const std::uint64_t swaps_before = market.swaps();
    const Quantiles sale = quantiles(send_scene(market.port, purchases, scene).latencies_ms);
    const std::uint64_t swaps_made = market.swaps() - swaps_before;
    wait_until_idle(market.daemon->pid());
    row(scene.name, scene.goal,
        "**p50 +" + ms(sale.p50 - mint.p50) + ", p99 +" + ms(sale.p99 - mint.p99) + "** (sale: " + spread(sale) +
            "; mint alone: " + spread(mint) + "; swaps per sale: " +
            std::to_string(static_cast<double>(swaps_made) / static_cast<double>(total)).substr(0, 4) + ")");
}

} // namespace

void measure_latency(const std::filesystem::path& where)
{
    Market market(where);
    market.start_operator();
    Purse purse(market);
    warm_up(market, purse);
    heading("Added latency of a purchase");
    const std::string goal = "p50 ≤ 3 ms, p99 ≤ 15 ms; one swap";
    measure(market, purse, {"one at a time, mint at once", 200, 1, Milliseconds(0)});
    measure(market, purse, {"one at a time, mint after 50 ms", 100, 1, Milliseconds(50)});
    measure(market, purse, {"50 in flight, mint after 1 s (50 sales/s)", 400, 50, Milliseconds(1000), 1, goal});
    measure(market, purse, {"50 in flight, mint after 500 ms (100 sales/s)", 600, 50, Milliseconds(500), 1, goal});
    measure(market, purse,
            {"50 in flight, mint after 50 ms (as fast as it goes)", 1000, 50, Milliseconds(50), 1, goal});
    measure(market, purse, {"50 in the same instant, mint after 50 ms", 50, 50, Milliseconds(50), 8, goal});
}

/// Two shops side by side, so that what the machine does meanwhile befalls both: one as in measure_latency, and one
/// that tells of its sales while every relay is dead and the wallet's events of a thousand sales wait for them.
void measure_notifications(const std::filesystem::path& where)
{
    constexpr std::size_t kBacklog = 1000;
    constexpr int kRounds = 3;
    Market quiet(where);
    quiet.start_operator();
    Market told(where);
    told.start_operator(); // which makes the wallet
    told.stop_operator();
    told.kill_relays();
    told.notify();
    told.start_operator();
    Purse quiet_purse(quiet);
    Purse told_purse(told);
    send_all(told.port, told_purse.purchases(kBacklog), 50);
    wait_until_idle(told.daemon->pid());
    warm_up(quiet, quiet_purse);
    heading("Added latency of a purchase, with notifications on, dead relays and " + std::to_string(kBacklog) +
            " sales in the outbox");
    for (int round = 1; round <= kRounds; ++round) {
        const std::string number = " (" + std::to_string(round) + ")";
        measure(quiet, quiet_purse, {"one at a time, mint at once: without" + number, 200, 1, Milliseconds(0)});
        measure(told, told_purse,
                {"one at a time, mint at once: with" + number, 200, 1, Milliseconds(0), 1, "as without"});
        measure(quiet, quiet_purse, {"50 in flight, mint after 500 ms: without" + number, 600, 50, Milliseconds(500)});
        measure(told, told_purse,
                {"50 in flight, mint after 500 ms: with" + number, 600, 50, Milliseconds(500), 1, "as without"});
    }
}

void measure_throughput(const std::filesystem::path& where)
{
    constexpr std::size_t kSales = 2000;
    Market market(where);
    market.start_operator();
    Purse purse(market);
    warm_up(market, purse);
    const auto swaps = purse.swaps(kSales);
    const auto purchases = purse.purchases(kSales);
    heading("Purchases per second, 50 at once, mint on the same machine");

    double mint_before = cpu_ms(market.world->pid());
    const LoadResult direct = send_all(market.mint_port, swaps, 50);
    const double direct_cpu = cpu_ms(market.world->pid()) - mint_before;
    row("swaps per second at the mint alone", "",
        count(kSales / direct.seconds) + " (" + ms(direct_cpu / kSales) + " of processor each)");

    mint_before = cpu_ms(market.world->pid());
    const double adit_before = cpu_ms(market.daemon->pid());
    const LoadResult sold = send_all(market.port, purchases, 50);
    const double adit_cpu = cpu_ms(market.daemon->pid()) - adit_before;
    const double mint_cpu = cpu_ms(market.world->pid()) - mint_before;
    row("purchases per second", "the mint is the limit", count(kSales / sold.seconds));
    row("processor per purchase, aditd", "", ms(adit_cpu / kSales));
    row("processor per purchase, mint and relay", "", ms(mint_cpu / kSales));
    row("cores in use: aditd, mint and relay", "",
        std::to_string(adit_cpu / sold.seconds / 1000).substr(0, 4) + ", " +
            std::to_string(mint_cpu / sold.seconds / 1000).substr(0, 4));
    const double after = cpu_ms(market.daemon->pid());
    wait_until_idle(market.daemon->pid());
    row("processor per purchase, aditd, afterwards (wallet events)", "",
        ms((cpu_ms(market.daemon->pid()) - after) / kSales));
}

} // namespace adit::bench
