#include "app/metrics_page.h"

#include "base/log.h"

#include <filesystem>
#include <fstream>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sstream>
#include <sys/resource.h>
#include <unistd.h>

namespace adit::app {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using PageLabels = std::vector<ClientMetric::Label>;

class Page {
public:
    /// The family that value() and the like add to from here on.
    void gauge(const char* name, const char* help) { begin(name, help, MetricType::Gauge); }
    void counter(const char* name, const char* help) { begin(name, help, MetricType::Counter); }

    void value(double value, PageLabels labels = {})
    {
        ClientMetric metric;
        metric.label = std::move(labels);
        (families_.back().type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
        families_.back().metric.push_back(std::move(metric));
    }
    void value(std::uint64_t count, PageLabels labels = {}) { value(static_cast<double>(count), std::move(labels)); }
    void value(bool truth, PageLabels labels = {}) { value(truth ? 1.0 : 0.0, std::move(labels)); }
    void value(UnixSeconds time, PageLabels labels = {})
    {
        value(static_cast<double>(time.count()), std::move(labels));
    }

    const std::vector<MetricFamily>& families() const { return families_; }

private:
    void begin(const char* name, const char* help, MetricType type) { families_.push_back({name, help, type, {}}); }

    std::vector<MetricFamily> families_;
};

void say_state(Page& page, const ShopReading& reading)
{
    using protocol::CheckState;
    page.gauge("adit_build_info", "1, with the version.");
    page.value(true, {{"version", ADIT_VERSION}});
    page.gauge("adit_for_sale", "Whether it can sell and is not paused, as /health says.");
    page.value(reading.health.ok);
    page.gauge("adit_paused", "Whether the operator has paused sales.");
    page.value(reading.paused);
    page.gauge("adit_device_up", "Whether the WireGuard device can be used.");
    page.value(reading.health.wireguard == CheckState::ok);
    page.gauge("adit_store_up", "Whether the database answers.");
    page.value(reading.health.store == CheckState::ok && reading.standing.has_value());
    page.gauge("adit_relay_connected", "Whether this relay of the config is connected.");
    for (const nostr::RelayStatus& relay : reading.relays) page.value(relay.connected, {{"relay", relay.url}});
    page.gauge("adit_mint_up", "Whether this mint answered when it was asked last, and can be sold for.");
    for (const MintReading& mint : reading.mints) page.value(mint.answers, {{"mint", mint.url}});
    page.gauge("adit_mint_keyset_expiry_timestamp_seconds", "When the first of the mint's keysets in use expires.");
    for (const MintReading& mint : reading.mints)
        if (mint.keysets_expire) page.value(*mint.keysets_expire, {{"mint", mint.url}});
    page.gauge("adit_lightning_up", "Whether the Lightning backend answers.");
    if (reading.lightning) page.value(reading.lightning->answers, {{"backend", reading.lightning->backend}});
}

void say_tunnels(Page& page, const ShopReading& reading)
{
    page.gauge("adit_sessions", "Live sessions.");
    page.value(std::uint64_t{reading.sessions});
    page.counter("adit_tunnel_received_bytes_total", "Bytes that came from buyers.");
    page.value(reading.carried.received);
    page.counter("adit_tunnel_sent_bytes_total", "Bytes that went to buyers.");
    page.value(reading.carried.sent);
    page.gauge("adit_addresses", "Addresses that could be given out if nobody had any.");
    page.value(reading.addresses);
    page.gauge("adit_addresses_free", "Addresses that can be given out now.");
    page.value(reading.addresses_free);
}

void say_journal(Page& page, const ShopReading& reading)
{
    const auto in = [&](session::State state) -> const store::Store::Standing::InState* {
        if (!reading.standing) return nullptr;
        const auto found = std::ranges::find(reading.standing->open, state, &store::Store::Standing::InState::state);
        return found == reading.standing->open.end() ? nullptr : &*found;
    };
    const auto label = [](session::State state) {
        return PageLabels{{"state", std::string(session::state_word(state))}};
    };
    page.gauge("adit_journal_purchases", "Purchases in each state that they leave by themselves.");
    if (reading.standing)
        for (const auto state : store::kStatesOnTheWay) page.value(in(state) ? in(state)->purchases : 0, label(state));
    page.gauge("adit_journal_oldest_timestamp_seconds", "Since when the longest in that state is in it.");
    for (const auto state : store::kStatesOnTheWay)
        if (in(state)) page.value(in(state)->oldest, label(state));
    page.gauge("adit_owed_purchases", "Paid, and neither delivered nor paid back for longer than that should take.");
    if (reading.owed) page.value(*reading.owed);
    page.gauge("adit_owed_sats", "The prices of these.");
    if (reading.owed) page.value(reading.owed_sats.count());
    page.gauge("adit_wallet_sats", "Unspent ecash of the wallet at each mint of the config.");
    if (reading.standing)
        for (const MintReading& mint : reading.mints) page.value(mint.unspent.count(), {{"mint", mint.url}});
    page.gauge("adit_wallet_elsewhere_sats", "Unspent ecash at mints that the config does not name.");
    if (reading.standing) page.value(reading.unspent_elsewhere.count());
    page.gauge("adit_outbox_events", "Events that some relay has not taken yet.");
    if (reading.standing) page.value(reading.standing->outbox);
    page.gauge("adit_outbox_oldest_timestamp_seconds", "When the oldest of these was made.");
    if (reading.standing && reading.standing->outbox_oldest) page.value(*reading.standing->outbox_oldest);
}

void say_service(Page& page, const ShopReading& reading)
{
    page.gauge("adit_database_bytes", "Size of the database.");
    page.value(reading.disk.database_bytes);
    page.gauge("adit_database_wal_bytes", "Size of its write-ahead log.");
    page.value(reading.disk.log_bytes);
    page.gauge("adit_disk_free_bytes", "Space that is left where the database is.");
    page.value(reading.disk.free_bytes);
    page.gauge("adit_disk_size_bytes", "Size of that file system.");
    page.value(reading.disk.size_bytes);
    page.gauge("adit_http_connections", "Open connections to the API.");
    page.value(std::uint64_t{reading.served.connections});
    page.counter("adit_http_requests_total", "Requests to the API that were read whole.");
    page.value(reading.served.requests);
    page.counter("adit_http_refused_total", "Requests that the server refused by itself.");
    page.value(reading.served.refused);
    page.counter("adit_http_shed_total", "Connections that were closed to make room.");
    page.value(reading.served.shed);
    page.counter("adit_log_lines_total", "Lines of the log that somebody should read, by level.");
    page.value(lines_logged(LogLevel::warn), {{"level", "warning"}});
    page.value(lines_logged(LogLevel::error), {{"level", "error"}});
}

double seconds_of(const timeval& time)
{
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

/// Under the names that every client library gives them. What /proc does not say is left out.
void say_process(Page& page)
{
    page.counter("process_cpu_seconds_total", "Processor time, in and outside of the kernel.");
    rusage usage{};
    if (::getrusage(RUSAGE_SELF, &usage) == 0) page.value(seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
    page.gauge("process_resident_memory_bytes", "Memory in use (RSS).");
    std::ifstream statm("/proc/self/statm");
    std::uint64_t size = 0;
    std::uint64_t resident = 0;
    if (statm >> size >> resident) page.value(resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
    page.gauge("process_open_fds", "Open file descriptors.");
    std::error_code error;
    std::uint64_t open = 0;
    for (std::filesystem::directory_iterator each("/proc/self/fd", error), end; !error && each != end;
         each.increment(error))
        ++open;
    if (!error) page.value(open);
}

} // namespace

std::string metrics_page(const Metrics& metrics, const ShopReading& reading)
{
    Page page;
    say_state(page, reading);
    say_tunnels(page, reading);
    say_journal(page, reading);
    say_service(page, reading);
    say_process(page);
    const prometheus::TextSerializer serializer;
    return serializer.Serialize(metrics.collect()) + serializer.Serialize(page.families());
}

http::Router metrics_router(Workers& worker, std::function<std::string()> page)
{
    http::Router router;
    router.add("GET", "/metrics",
               [&worker, page = std::move(page)](const http::Request&, const http::Responder& responder) {
                   const bool taken = worker.submit([page, responder] {
                       responder.send({200, {}, "text/plain; version=0.0.4; charset=utf-8", page()});
                   });
                   if (!taken) responder.send({503, {}, "text/plain", "other scrapes are not answered yet\n"});
               });
    return router;
}

} // namespace adit::app
