// What a scrape of /metrics costs with 10,000 sessions: its time, its processor and memory, and what a sale feels of
// it.
#include "bench/figures.h"
#include "bench/load.h"
#include "bench/purse.h"
#include "bench/report.h"
#include "bench/seed.h"
#include "bench/stopwatch.h"

#include <atomic>
#include <thread>

namespace adit::bench {

namespace {

constexpr int kScrapes = 100;
constexpr std::size_t kSales = 200;

HttpAnswer scrape(const Market& market)
{
    auto answer = ask(*market.metrics_port, get("/metrics"));
    if (answer.status != 200) give_up("a scrape is not answered");
    return answer;
}

/// Scrapes without a pause for as long as it lives.
class Scraper {
public:
    explicit Scraper(const Market& market)
        : thread_([this, &market] {
              while (!over_) {
                  scrape(market);
                  ++scrapes_;
              }
          })
    {
    }
    Scraper(const Scraper&) = delete;
    Scraper& operator=(const Scraper&) = delete;
    ~Scraper()
    {
        over_ = true;
        thread_.join();
    }
    int scrapes() const { return scrapes_; }

private:
    std::atomic<bool> over_{false};
    std::atomic<int> scrapes_{0};
    std::thread thread_;
};

void measure_scrapes(Market& market, const std::string& with)
{
    scrape(market); // the first one makes its thread
    std::vector<double> times;
    const double cpu = cpu_ms(market.daemon->pid());
    for (int i = 0; i < kScrapes; ++i) {
        const Stopwatch watch;
        scrape(market);
        times.push_back(watch.ms());
    }
    row("scrape of /metrics, " + with, "", spread(quantiles(std::move(times))));
    row("processor of a scrape, " + with, "", ms((cpu_ms(market.daemon->pid()) - cpu) / kScrapes));
    row("size of the page, " + with, "", std::to_string(scrape(market).body.size() / 1000) + " kB");
    row("memory after " + std::to_string(kScrapes) + " scrapes, " + with, "", text_of(memory(market.daemon->pid())));
}

} // namespace

void measure_seeing(const std::filesystem::path& where)
{
    heading("Seeing");
    Market market(where);
    market.serve_metrics();
    Purse purse(market);
    market.start_operator();
    wait_until_idle(market.daemon->pid());
    row("memory at rest, with [metrics], before the first scrape", "≤ 8 MB", text_of(memory(market.daemon->pid())));
    measure_scrapes(market, "no session");
    market.stop_operator();

    fill_with_sessions(market, purse.keyset().id);
    market.start_operator();
    wait_until_idle(market.daemon->pid());
    row("memory at rest, 10,000 sessions, before the first scrape", "≤ 32 MB", text_of(memory(market.daemon->pid())));
    measure_scrapes(market, "10,000 sessions");
    const auto alone = quantiles(send_all(market.port, purse.purchases(kSales), 1).latencies_ms);
    row("a sale, 10,000 sessions, nobody scrapes", "", spread(alone));
    const Scraper scraper(market);
    const auto watched = quantiles(send_all(market.port, purse.purchases(kSales), 1).latencies_ms);
    row("a sale, 10,000 sessions, scraped without a pause", "", spread(watched));
}

} // namespace adit::bench
