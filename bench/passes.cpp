// The passes over 10,000 peers, in process: what adit itself does, with a device that costs next to nothing; then the
// same over a real wireguard-go where one can be had.
#include "app/tunnels.h"
#include "base/log.h"
#include "bench/figures.h"
#include "bench/report.h"
#include "bench/seed.h"
#include "bench/stopwatch.h"
#include "fakes/netns.h"
#include "store/sqlite_store.h"
#include "wg/memory_device.h"
#include "wg/uapi_device.h"

namespace adit::bench {

namespace {

constexpr std::size_t kPeers = 10'000;
constexpr int kRepeats = 15;

/// The system's, ahead by as much as it is told.
class AheadClock final : public Clock {
public:
    UnixSeconds now() const override { return system_clock().now() + ahead; }
    SteadyTime steady() const override { return system_clock().steady(); }
    Seconds ahead{0};
};

class Scratch {
public:
    explicit Scratch(const std::filesystem::path& where) : path_((where / "adit-bench-XXXXXX").string())
    {
        if (!::mkdtemp(path_.data())) give_up("cannot make a folder in " + where.string());
    }
    ~Scratch()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Scratch(const Scratch&) = delete;
    std::filesystem::path database() const { return std::filesystem::path(path_) / "state" / "adit.db"; }

private:
    std::string path_;
};

struct Operator {
    Operator(const std::filesystem::path& database, wg::Device& on) : device(on)
    {
        store = must(store::SqliteStore::open(database, {.clock = clock}));
        const auto network = must(wg::HostAddress::parse("10.64.0.0"));
        pool = must(wg::AddressPool::open({network, 16}, std::nullopt, {}, clock));
        tunnels.emplace(*store, device, *pool, clock, system_rng(), app::TunnelOptions{});
    }
    AheadClock clock;
    std::unique_ptr<store::SqliteStore> store;
    wg::Device& device;
    std::unique_ptr<wg::AddressPool> pool;
    std::optional<app::Tunnels> tunnels;
};

template<typename Act>
double time_of(Act act)
{
    const Stopwatch watch;
    act();
    return watch.ms();
}

template<typename Act>
Quantiles times_of(Act act)
{
    std::vector<double> times;
    for (int i = 0; i < kRepeats; ++i) times.push_back(time_of(act));
    return quantiles(std::move(times));
}

/// All of them run out in the same second.
void seed(store::Store& store)
{
    const UnixSeconds now = system_clock().now();
    fill(store, {.sessions = kPeers,
                 .keyset = "00aabbccddeeff00",
                 .mint = "https://mint.example",
                 .activated_at = [now](std::size_t) { return now; }});
}

void measure_on_memory(const std::filesystem::path& database)
{
    wg::MemoryDevice device;
    Operator shop(database, device);
    row("store: 10,000 live sessions read", "", ms(time_of([&] { (void)must(shop.store->live_sessions()); })));
    row("Tunnels::load of 10,000 sessions", "", ms(time_of([&] { must(shop.tunnels->load()); })));
    row("reconcile: an empty interface gets 10,000 peers", "", ms(time_of([&] { shop.tunnels->reconcile(); })));
    row("reconcile: 10,000 peers, nothing to do", "≤ 100 ms", spread(times_of([&] { shop.tunnels->reconcile(); })));
    row("accounting: 10,000 peers, no traffic", "≤ 50 ms", spread(times_of([&] { shop.tunnels->account(); })));
    const auto peers = must(device.status()).peers;
    row("accounting: 10,000 peers, traffic on each", "≤ 50 ms", spread(times_of([&] {
            for (const auto& peer : peers) device.add_traffic(peer.key, 1000, 2000);
            shop.tunnels->account();
        })));
    row("usage of 10,000 sessions written", "", ms(time_of([&] { shop.tunnels->save_usage(); })));
    row("expiry: nothing is due", "", spread(times_of([&] { shop.tunnels->expire_due(); })));
    shop.clock.ahead = Seconds(31 * 86400);
    row("expiry: 10,000 sessions end in the same second", "", ms(time_of([&] { shop.tunnels->expire_due(); })));
    if (shop.tunnels->live() != 0) give_up("sessions that should have ended are live");
}

void measure_on_wireguard_go(const std::filesystem::path& database)
{
    if (!fakes::netns_missing().empty()) {
        row("the same with wireguard-go", "", "not measured: " + fakes::netns_missing());
        return;
    }
    const auto space = must(fakes::Netns::create());
    const auto real = must(fakes::WireguardGo::start(space));
    const auto device = must(wg::UapiDevice::open(real.interface()));
    Operator shop(database, *device);
    must(shop.tunnels->load());
    row("wireguard-go: an empty interface gets 10,000 peers", "", ms(time_of([&] { shop.tunnels->reconcile(); })));
    if (must(device->status()).peers.size() != kPeers) give_up("wireguard-go has not all peers");
    row("wireguard-go: reconcile, nothing to do", "", spread(times_of([&] { shop.tunnels->reconcile(); })));
    row("wireguard-go: accounting", "", spread(times_of([&] { shop.tunnels->account(); })));
    shop.clock.ahead = Seconds(31 * 86400);
    row("wireguard-go: 10,000 sessions end in the same second", "", ms(time_of([&] { shop.tunnels->expire_due(); })));
    if (!must(device->status()).peers.empty()) give_up("peers that should be gone are there");
}

} // namespace

void measure_passes(const std::filesystem::path& where)
{
    heading("Passes over 10,000 peers");
    {
        const Scratch scratch(where);
        seed(*must(store::SqliteStore::open(scratch.database(), {})));
        measure_on_memory(scratch.database());
    }
    const Scratch scratch(where);
    seed(*must(store::SqliteStore::open(scratch.database(), {})));
    measure_on_wireguard_go(scratch.database());
}

void measure_store(const std::filesystem::path& where)
{
    heading("The store");
    const Scratch scratch(where);
    const auto store = must(store::SqliteStore::open(scratch.database(), {}));
    int number = 0;
    row("one durable step", "", spread(times_of([&] { must(store->set_fact("bench", std::to_string(++number))); })));
    row("one read", "", spread(times_of([&] { (void)must(store->fact("bench")); })));
    row("10,000 sales written, steps of 64 workers together", "", ms(time_of([&] { seed(*store); })));
}

} // namespace adit::bench
