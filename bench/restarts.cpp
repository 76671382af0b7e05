// What aditd takes at rest, and how soon it answers, alone and with 10,000 sessions to restore.
#include "bench/figures.h"
#include "bench/load.h"
#include "bench/purse.h"
#include "bench/report.h"
#include "bench/seed.h"
#include "bench/stopwatch.h"

#include <poll.h>

namespace adit::bench {

namespace {

constexpr int kStarts = 15;

/// Milliseconds from the exec to the first 200.
double start_and_ask(Market& market)
{
    const Stopwatch watch;
    market.launch_operator();
    while (ask(market.port, get("/info")).status != 200) {
        if (!market.daemon->running()) give_up("aditd has ended: see " + (market.folder / "aditd.log").string());
        ::poll(nullptr, 0, 1);
    }
    return watch.ms();
}

Quantiles starts(Market& market)
{
    std::vector<double> times;
    for (int i = 0; i < kStarts; ++i) {
        times.push_back(start_and_ask(market));
        wait_until_idle(market.daemon->pid());
        market.stop_operator();
    }
    return quantiles(std::move(times));
}

Memory at_rest(Market& market)
{
    market.start_operator();
    wait_until_idle(market.daemon->pid());
    return memory(market.daemon->pid());
}

} // namespace

void measure_restarts(const std::filesystem::path& where)
{
    Market market(where);
    Purse purse(market);
    market.start_operator(); // makes the wallet
    wait_until_idle(market.daemon->pid());
    heading("Memory (RssAnon) and starts");
    row("memory at rest, after the first start", "≤ 8 MB", text_of(memory(market.daemon->pid())));
    send_all(market.port, purse.purchases(500), 50);
    wait_until_idle(market.daemon->pid());
    row("memory after 500 purchases, 50 at once", "", text_of(memory(market.daemon->pid())));
    market.stop_operator();
    row("memory at rest, 500 sessions", "", text_of(at_rest(market)));
    market.stop_operator();

    Market full(where);
    full.start_operator();
    full.stop_operator();
    full.kill_relays();
    row("start to the first 200 on /info, every relay dead", "≤ 50 ms", spread(starts(full)));
    fill_with_sessions(full, Purse(full).keyset().id);
    row("start to the first 200 on /info, every relay dead, 10,000 sessions", "≤ 1000 ms", spread(starts(full)));
    row("memory at rest, 10,000 sessions", "≤ 32 MB", text_of(at_rest(full)));
    row("size of the database, 10,000 sessions", "",
        std::to_string(std::filesystem::file_size(full.database) / 1'000'000) + " MB");
}

} // namespace adit::bench
