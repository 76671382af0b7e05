#include "app/app.h"

#include "app/admin.h"
#include "app/background.h"
#include "app/lookout.h"
#include "app/metrics_page.h"
#include "app/money_commands.h"
#include "app/notifier.h"
#include "app/nutzaps.h"
#include "app/publisher.h"
#include "app/recovery.h"
#include "app/routes.h"
#include "app/seed_file.h"
#include "app/seed_scan.h"
#include "app/session_commands.h"
#include "app/settlements.h"
#include "app/shop_commands.h"
#include "app/steady_wall_clock.h"
#include "app/timed_mint_calls.h"
#include "app/top_commands.h"
#include "app/transfer_keeper.h"
#include "app/wallet.h"
#include "app/wallet_upkeep.h"
#include "base/log.h"
#include "http/server.h"
#include "nostr/relay_pool.h"
#include "payments/lightning/open_backend.h"
#include "payments/till.h"
#include "store/sqlite_store.h"
#include "wg/address_pool.h"
#include "wg/cidr.h"
#include "wg/host_routes.h"
#include "wg/managed_host.h"
#include "wg/open_device.h"

#include <condition_variable>
#include <future>
#include <list>
#include <optional>
#include <thread>

namespace adit::app {

namespace {

constexpr Milliseconds kMintTimeout{15'000};
constexpr Milliseconds kWalletPatience{60'000};
constexpr Milliseconds kBackendTimeout{10'000};
constexpr Milliseconds kMintRefreshEvery{600'000};
constexpr Milliseconds kMintRetryFirst{2'000};
constexpr Milliseconds kMintRetryMost{60'000};
constexpr Milliseconds kForever{86'400'000};
constexpr std::size_t kMetricsConnections = 32;

std::string mint_fact(const payments::Mint& mint) { return "mint.keysets." + mint.url(); }

wg::Backend backend_of(WireguardBackend backend)
{
    switch (backend) {
    case WireguardBackend::automatic:
        return wg::Backend::automatic;
    case WireguardBackend::kernel:
        return wg::Backend::kernel;
    case WireguardBackend::userspace:
        return wg::Backend::userspace;
    case WireguardBackend::memory:
        return wg::Backend::memory;
    }
    return wg::Backend::automatic;
}

std::vector<std::string> texts_of(const std::vector<Network>& networks)
{
    std::vector<std::string> texts;
    texts.reserve(networks.size());
    for (const Network& network : networks) texts.push_back(wg::cidr_text(network));
    return texts;
}

} // namespace

struct App::Parts {
    Parts(Config configured, Clock& system, Rng& dice)
        : config(std::move(configured)), shop(config), clock(system), rng(dice), metrics(config.cashu.mints, shop.tiers)
    {
    }

    Result<void> open_store();
    Result<void> open_device();
    Result<void> open_managed_host();
    Result<void> open_till();
    Result<void> open_lightning();
    Result<void> open_relays();
    Result<void> ensure_wallet();
    Result<void> serve();
    void serve_metrics(const ReadingDesk& desk);
    void stop();
    Result<void> begin_notifying();
    Milliseconds refresh_mints();
    void begin_scan(payments::Mint& mint);
    /// Runs `task` on the loop thread and waits for it.
    template<typename Task>
    auto on_loop(Task task) -> decltype(task());
    bool asked_to_stop() const
    {
        const std::lock_guard lock(mutex);
        return stop_asked;
    }

    const Config config;
    Shop shop;
    SteadyWallClock clock;
    Rng& rng;
    Metrics metrics;

    std::unique_ptr<store::SqliteStore> store;
    std::unique_ptr<wg::Device> device;
    std::unique_ptr<wg::ManagedHost> managed_host; // of [wireguard].manage
    std::unique_ptr<wg::AddressPool> pool;
    std::optional<Tunnels> tunnels;
    std::optional<Gifts> gifts;

    payments::CurlHttpClient http_client;
    TimedMintCalls mint_calls{http_client, metrics, clock};
    std::optional<payments::Mints> mints;
    std::optional<payments::WalletOutputs> wallet_outputs;
    std::optional<payments::Till> till;
    std::optional<payments::Transfers> transfers;
    std::optional<TransferKeeper> transfer_keeper;
    std::optional<Refunds> refunds;
    std::optional<Closings> closings;
    std::optional<WalletUpkeep> wallet_upkeep;
    std::optional<SeedScan> seed_scan;
    std::vector<payments::Mint*> to_scan;
    InFlight in_flight;
    std::optional<SwapLimits> limits;
    std::optional<Recovery> recovery;

    std::unique_ptr<payments::lightning::Backend> lightning_backend;
    std::optional<LightningNode> lightning_node;
    std::optional<InvoiceLimits> invoice_limits;
    std::optional<Settlements> settlements;
    std::optional<LightningSale> lightning_sale;

    std::unique_ptr<Loop> loop;
    std::thread loop_thread;
    std::optional<nostr::RelayPool> relays;
    std::optional<Wallet> wallet;
    std::optional<Nutzaps> nutzaps;
    std::optional<Publisher> publisher;
    std::optional<Lookout> lookout; // this and the next: of [notifications]
    std::optional<Notifier> notifier;

    std::optional<Workers> workers;
    std::optional<Purchases> purchases;
    std::optional<Routes> routes;
    std::unique_ptr<http::Server> server;
    std::optional<Workers> metrics_worker;
    std::unique_ptr<http::Server> metrics_server; // with [metrics]
    std::unique_ptr<AdminSocket> admin;

    std::optional<Background> tunnel_keeper;
    std::optional<Background> recovery_keeper;
    std::optional<Background> money_keeper;
    std::optional<Background> refund_keeper;
    std::optional<Background> upkeep_keeper;
    std::optional<Background> nutzap_keeper;
    std::optional<Background> settlement_keeper;
    std::optional<Background> mint_watch;
    std::optional<Background> nostr_keeper;
    std::optional<Background> notifying;
    std::list<Background> mint_scans; // one for each mint that must be scanned before it sells
    Milliseconds mint_pause = kMintRetryFirst;

    mutable std::mutex mutex;
    std::condition_variable stop_changed;
    bool stop_asked = false;
};

template<typename Task>
auto App::Parts::on_loop(Task task) -> decltype(task())
{
    std::promise<decltype(task())> done;
    auto result = done.get_future();
    loop->post([&] {
        if constexpr (std::is_void_v<decltype(task())>) {
            task();
            done.set_value();
        } else {
            done.set_value(task());
        }
    });
    return result.get();
}

App::App(Config config, Clock& clock, Rng& rng) : parts_(std::make_unique<Parts>(std::move(config), clock, rng)) {}

App::~App() { parts_->stop(); }

std::uint16_t App::port() const { return parts_->server->port(); }

void App::ask_to_stop()
{
    {
        const std::lock_guard lock(parts_->mutex);
        parts_->stop_asked = true;
        if (parts_->relays) parts_->relays->stop(); // a start that waits for relays gives up
    }
    parts_->stop_changed.notify_all();
}

void App::run_until_asked()
{
    {
        std::unique_lock lock(parts_->mutex);
        parts_->stop_changed.wait(lock, [this] { return parts_->stop_asked; });
    }
    parts_->stop();
}

Result<void> App::start()
{
    TRY(parts_->open_store());
    TRY(parts_->open_device());
    TRY(parts_->open_till());
    TRY(parts_->open_lightning());
    TRY(parts_->open_relays());
    if (parts_->config.cashu.enabled) TRY(parts_->ensure_wallet());
    TRY(parts_->serve());
    return {};
}

Result<void> App::Parts::open_store()
{
    store::SqliteStore::Options options{.clock = clock, .rng = rng, .hooks = {}};
    store = TRY(store::SqliteStore::open(config.database.ours, options));
    shop.paused = TRY(was_paused(*store));
    std::error_code ignored;
    const auto& theirs = config.database.configured;
    if (theirs != config.database.ours && std::filesystem::is_regular_file(theirs, ignored) &&
        !TRY(store->fact(store::kFactAdopted)))
        log_warn("database_of_another_daemon", {{"path", theirs.string()}, {"try", "adit migrate europa-node"}});
    return {};
}

Result<void> App::Parts::open_device()
{
    const WireguardConfig& wireguard = config.wireguard;
    device = TRY(wg::open_device({.backend = backend_of(wireguard.backend),
                                  .interface = wireguard.interface,
                                  .memory_public_key = wireguard.server_key}));
    std::vector<wg::HostAddress> own;
    if (wireguard.backend != WireguardBackend::memory) {
        const wg::HostNetwork host = TRY(wg::read_host_network());
        own = host.addresses_of(wireguard.interface);
        for (const Complaint& complaint : check_routes(wireguard, host)) return Error{Reason::bad_config, complaint};
    }
    if (wireguard.manage) {
        TRY(open_managed_host());
        for (const wg::AllowedIp& address : managed_host->addresses()) own.push_back(address.address);
    }
    pool = TRY(wg::AddressPool::open(wireguard.subnet, wireguard.subnet6, own, clock));
    tunnels.emplace(
        *store, *device, *pool, clock, rng,
        TunnelOptions{wireguard.preshared_keys, config.sessions.retention, wireguard.server_key, managed_host.get()});
    TRY(tunnels->load());
    gifts.emplace(Gifts::Parts{shop, *store, *tunnels, clock});
    TRY(gifts->load());
    if (managed_host) TRY(managed_host->keep()); // what it says now, the operator must act on
    tunnels->reconcile();
    return {};
}

Result<void> App::Parts::open_managed_host()
{
    const WireguardConfig& wireguard = config.wireguard;
    wg::ManagedHostOptions options;
    options.interface.interface = wireguard.interface;
    options.interface.backend = backend_of(wireguard.backend);
    options.interface.private_key = wireguard.private_key->duplicate(); // there, or the config had been refused
    options.interface.listen_port = wireguard.listen_port;
    options.interface.mtu = wireguard.mtu.value_or(options.interface.mtu);
    options.subnet = wireguard.subnet;
    options.subnet6 = wireguard.subnet6;
    for (const std::string& text : wireguard.dns)
        if (const auto resolver = wg::HostAddress::parse(text)) options.dns.push_back(*resolver);
    options.blocked_ports = wireguard.blocked_ports;
    options.speeds.insert(config.max_mbps.begin(), config.max_mbps.end());
    options.speeds.erase(0);
    managed_host = TRY(wg::ManagedHost::open(std::move(options), *device));
    return {};
}

Result<void> App::Parts::open_till()
{
    mints.emplace(mint_calls, config.cashu.mints, kMintTimeout, clock);
    for (const auto& mint : mints->all()) {
        // What was known yesterday is enough to judge a token while the mint is silent.
        const auto known = TRY(store->fact(mint_fact(*mint)));
        if (!known) continue;
        if (const auto loaded = mint->book().load(*known); !loaded)
            log_warn("keysets_not_loaded", {{"mint", mint->url()}, {"detail", loaded.error().detail}});
    }
    limits.emplace(config.limits, pool->size());
    // Also while nothing is sold for ecash: who has paid is answered from the journal, and what is unknown followed up.
    if (!config.cashu.sales_key) return {};
    WalletSeed seed = TRY(read_or_make_seed(config.cashu.seed_file, rng));
    TRY(store->use_seed(payments::seed_fingerprint(seed.seed), seed.age));
    std::map<payments::cashu::KeysetId, std::uint64_t> counters;
    for (const auto& counter : TRY(store->counters())) counters[counter.keyset] = counter.next;
    wallet_outputs.emplace(std::move(seed.seed), std::move(counters));
    seed_scan.emplace(SeedScan::Parts{*store, *wallet_outputs, *mints, [this] { return asked_to_stop(); }});
    to_scan = TRY(seed_scan->load());
    till.emplace(*mints, all_sales_keys(config.cashu), *wallet_outputs, *store, clock, rng);
    transfers.emplace(payments::Transfers::Parts{*mints, config.cashu.sales_key->public_key(), *wallet_outputs, *store,
                                                 *store, clock, rng, [this] { return wallet->keys(); }});
    transfer_keeper.emplace(*store, *transfers, clock);
    TRY(transfer_keeper->load());
    refunds.emplace(Refunds::Parts{*store, *tunnels, pay_by(*transfers), clock});
    TRY(refunds->load());
    closings.emplace(Closings::Parts{shop, *store, *refunds, clock});
    recovery.emplace(*store, *till, in_flight, *limits, clock, metrics);
    return recovery->load();
}

Result<void> App::Parts::open_lightning()
{
    const LightningConfig& lightning = config.lightning;
    if (!lightning.sells()) return {};
    lightning_backend = TRY(payments::lightning::open_backend(
        {.kind = lightning.backend == LightningBackend::lnd ? payments::lightning::BackendKind::lnd
                                                            : payments::lightning::BackendKind::phoenixd,
         .base_url = lightning.base_url,
         .password = SecretText(std::string(lightning.api_token.expose())),
         .macaroon_file = lightning.macaroon_file,
         .tls_cert_file = lightning.tls_cert_file,
         .hold = lightning.hold,
         .timeout = kBackendTimeout}));
    lightning_node.emplace(*lightning_backend);
    invoice_limits.emplace(config.limits, pool->size());
    return {};
}

Result<void> App::Parts::open_relays()
{
    loop = Loop::create(nullptr);
    if (!loop) return Error{Reason::io, "cannot make the event loop: out of memory or of file descriptors"};
    nostr::PoolOptions options;
    options.urls = TRY(nostr::parse_relay_urls(config.nostr.relays));
    options.auth_key = config.nostr.key.duplicate();
    std::vector<std::string> urls;
    for (const nostr::RelayUrl& url : options.urls) urls.push_back(url.text);
    {
        const std::lock_guard lock(mutex);
        relays.emplace(*loop, clock, rng, std::move(options));
    }
    std::vector<protocol::PublicKey> sales_keys;
    for (const protocol::SecretKey& key : all_sales_keys(config.cashu)) sales_keys.push_back(key.public_key());
    wallet.emplace(Wallet::Parts{*store, *relays, *mints, config.nostr.key, std::move(sales_keys), clock, rng});
    publisher.emplace(Publisher::Parts{shop, *store, *relays, clock, rng, std::move(urls)});
    loop_thread = std::thread([this] { loop->run(); });
    return {};
}

Result<void> App::Parts::ensure_wallet()
{
    if (TRY(wallet->is_known())) return wallet->find_or_make({}, config.nostr.relays);
    if (asked_to_stop()) return Error{Reason::relay_unavailable, "stopped before looking for the wallet"};
    log_info("looking_for_wallet", {{"relays", config.nostr.relays.size()}});
    auto found = wallet->find_or_make(kWalletPatience, config.nostr.relays);
    if (!found && asked_to_stop()) return Error{Reason::relay_unavailable, "stopped while looking for the wallet"};
    return found;
}

Result<void> App::Parts::serve()
{
    workers.emplace(Workers::Options{.threads = static_cast<std::size_t>(config.limits.workers)});
    if (till) {
        purchases.emplace(Purchases::Parts{shop, *store, *till, *tunnels, in_flight, *limits, clock,
                                           [this](payments::PurchaseId id) { recovery->add(id); }, metrics});
    }
    if (lightning_node) {
        settlements.emplace(Settlements::Parts{shop, *store, *lightning_node, *tunnels, *invoice_limits,
                                               till ? &*till : nullptr, *workers, clock, metrics});
        TRY(settlements->load());
        lightning_sale.emplace(LightningSale::Parts{
            shop, *store, *lightning_node, *tunnels, *invoice_limits, clock, rng,
            [this](payments::PurchaseId id, const store::Invoice& invoice) { settlements->add(id, invoice); },
            [this](payments::PurchaseId id) { settlements->ask_for(id); }, metrics});
    }
    routes.emplace(Routes::Parts{
        shop, *store, purchases ? &*purchases : nullptr, lightning_sale ? &*lightning_sale : nullptr,
        closings ? &*closings : nullptr, *tunnels, *workers, clock,
        [this] {
            const auto status = relays->status();
            return std::ranges::any_of(status, [](const nostr::RelayStatus& relay) { return relay.connected; });
        },
        [this] {
            return std::ranges::any_of(mints->all(), [](const auto& mint) {
                return !mint->silent() && mint->for_wallet_outputs(*mint->book().page());
            });
        },
        [this] { return lightning_node->usable(); }, metrics});

    tunnel_keeper.emplace([this] { return tunnels->step(); });
    tunnels->on_new_deadline([this] { tunnel_keeper->wake(); });
    nostr_keeper.emplace([this] {
        const Milliseconds next = config.cashu.enabled ? wallet->step() : Milliseconds(60'000);
        return std::min(next, publisher->step());
    });
    publisher->on_work([this] { nostr_keeper->wake(); });
    wallet->on_work([this] { nostr_keeper->wake(); });
    mint_watch.emplace([this] { return refresh_mints(); });
    if (seed_scan) seed_scan->on_restored([this] { nostr_keeper->wake(); });
    for (payments::Mint* mint : to_scan) begin_scan(*mint);
    if (recovery) {
        recovery_keeper.emplace([this] { return recovery->step(); });
        recovery->on_new([this] { recovery_keeper->wake(); });
        recovery->on_settled([this] { nostr_keeper->wake(); });
    }
    if (refunds) {
        refund_keeper.emplace([this] { return refunds->step(); });
        refunds->on_new([this] { refund_keeper->wake(); });
        refunds->on_settled([this] { nostr_keeper->wake(); });
    }
    if (transfer_keeper) {
        money_keeper.emplace([this] { return transfer_keeper->step(); });
        transfer_keeper->on_new([this] { money_keeper->wake(); });
        transfer_keeper->on_settled([this] { nostr_keeper->wake(); });
        wallet_upkeep.emplace(WalletUpkeep::Parts{config.wallet, *mints, *store, *store, *transfers, http_client, clock,
                                                  [this] { nostr_keeper->wake(); }});
        upkeep_keeper.emplace([this] { return wallet_upkeep->step(); });
        if (config.cashu.enabled) {
            nutzaps.emplace(Nutzaps::Parts{*store, *mints, *transfers, [this] { return wallet->keys(); },
                                           config.nostr.key, clock, rng});
            nutzap_keeper.emplace([this] { return nutzaps->step(); });
            nutzaps->on_work([this] { nutzap_keeper->wake(); });
        }
    }
    if (purchases) purchases->on_sold([this] { nostr_keeper->wake(); });
    if (settlements) {
        settlement_keeper.emplace([this] { return settlements->step(); });
        settlements->on_work([this] { settlement_keeper->wake(); });
        settlements->on_settled([this] { nostr_keeper->wake(); });
    }

    if (config.notifications.enabled) TRY(begin_notifying());

    server = TRY(on_loop([this] {
        http::ServerOptions options;
        options.host = config.server.host;
        options.port = config.server.port;
        options.trusted_proxies = texts_of(config.server.trusted_proxies);
        options.limits.connections = config.limits.connections;
        options.limits.connections_per_source = config.limits.connections_per_source;
        options.limits.buffered_bytes = config.limits.header_bytes;
        return http::Server::open(*loop, options, routes->router());
    }));
    const ShopDesk desk{shop,
                        *store,
                        *tunnels,
                        recovery ? &*recovery : nullptr,
                        settlements ? &*settlements : nullptr,
                        *publisher,
                        *relays,
                        [this] { return on_loop([this] { return server->stats(); }); }};
    const ReadingDesk reading{
        desk, *tunnels, *pool, *mints, lightning_node ? &*lightning_node : nullptr, [this] { return routes->health(); },
        clock};
    admin = TRY(on_loop([&] {
        AdminCommands commands = shop_commands(desk);
        commands.merge(top_commands(reading));
        commands.merge(money_commands(
            {*store, transfers ? &*transfers : nullptr, *mints, http_client, clock, [this] { nostr_keeper->wake(); }}));
        commands.merge(session_commands({shop, *store, *tunnels, *gifts, refunds ? &*refunds : nullptr, clock}));
        return AdminSocket::open(*loop, *workers, config.admin.socket, std::move(commands));
    }));
    if (config.metrics.enabled) serve_metrics(reading);
    tunnel_keeper->start();
    if (recovery_keeper) recovery_keeper->start();
    if (money_keeper) money_keeper->start();
    if (refund_keeper) refund_keeper->start();
    if (upkeep_keeper) upkeep_keeper->start();
    if (nutzap_keeper) nutzap_keeper->start();
    if (settlements) {
        lightning_backend->start(*settlements, settlements->settle_index());
        settlement_keeper->start();
    }
    mint_watch->start();
    for (Background& scan : mint_scans) scan.start();
    nostr_keeper->start();
    if (notifying) notifying->start();
    publisher->begin();
    if (config.cashu.enabled) wallet->follow();
    if (nutzaps) nutzaps->follow(*relays);
    log_info("serving", {{"port", server->port()}, {"sessions", tunnels->live()}, {"paused", shop.paused.load()}});
    return {};
}

/// In a socket and a thread of its own, so that it is answered while all workers wait. Sales do not wait for it.
void App::Parts::serve_metrics(const ReadingDesk& desk)
{
    metrics_worker.emplace(Workers::Options{.threads = 1, .queue = 4});
    auto opened = on_loop([&] {
        http::ServerOptions options;
        options.host = config.metrics.host;
        options.port = config.metrics.port;
        options.trusted_proxies = {};
        options.limits.connections = kMetricsConnections;
        options.limits.header_bytes = options.limits.hard_bytes = 16 << 10;
        options.limits.buffered_bytes = 1 << 20;
        options.cors = http::Cors::nobody;
        return http::Server::open(*loop, options, metrics_router(*metrics_worker, [this, desk] {
            return metrics_page(metrics, read_shop(desk));
        }));
    });
    if (opened)
        metrics_server = std::move(*opened);
    else
        log_error("metrics_not_served", {{"detail", opened.error().detail}});
}

Result<void> App::Parts::begin_notifying()
{
    lookout.emplace(Lookout::Parts{shop, *store, *relays, *mints, *pool, *tunnels,
                                   lightning_node ? &*lightning_node : nullptr, recovery ? &*recovery : nullptr,
                                   settlements ? &*settlements : nullptr, clock, [this] { mint_watch->wake(); }});
    const auto own_relays = TRY(nostr::parse_relay_urls(config.nostr.relays));
    notifier.emplace(Notifier::Parts{shop, *store, *relays, clock, rng, reach_of_inboxes(own_relays),
                                     [this] { return lookout->symptoms(); }, [this] { return lookout->shop_now(); }});
    TRY(notifier->load());
    notifying.emplace([this] { return notifier->step(); });
    notifier->on_work([this] { notifying->wake(); });
    const auto sold = [this](const store::Purchase& purchase) { notifier->sold(purchase); };
    if (purchases) purchases->on_delivered(sold);
    if (settlements) settlements->on_delivered(sold);
    return {};
}

Milliseconds App::Parts::refresh_mints()
{
    bool all_answered = true;
    for (const auto& mint : mints->all()) {
        const auto changed = mint->refresh();
        if (!changed) {
            all_answered = false;
            log_warn("mint_not_answering", {{"mint", mint->url()}, {"detail", changed.error().detail}});
        }
        // What was learned before a failure counts too.
        if (!changed || *changed) {
            const auto kept = store->set_fact(mint_fact(*mint), mint->book().dump());
            if (!kept) log_error("keysets_not_kept", {{"detail", kept.error().detail}});
        }
    }
    if (all_answered) {
        mint_pause = kMintRetryFirst;
        return kMintRefreshEvery;
    }
    mint_pause = std::min(mint_pause * 2, kMintRetryMost);
    return mint_pause;
}

/// In a thread of its own, which sleeps once it is done: there are few mints, and one is scanned once in its life.
/// Where a keyset can not be had it goes on looking, and the others sell.
void App::Parts::begin_scan(payments::Mint& mint)
{
    log_info("wallet_scan_begins", {{"mint", mint.url()}});
    mint_scans.emplace_back([this, &mint, pause = kMintRetryFirst]() mutable {
        if (mint.unscanned().none()) return kForever;
        const auto done = seed_scan->scan(mint);
        if (done) return kForever;
        log_warn("wallet_scan_waits", {{"mint", mint.url()}, {"detail", done.error().detail}});
        pause = std::min(pause * 2, kMintRetryMost);
        return pause;
    });
}

/// Each line undoes one of the start, latest first; what was never started is passed over.
void App::Parts::stop()
{
    if (server) on_loop([this] { server->stop_accepting(); });
    if (admin) on_loop([this] { admin.reset(); });
    if (metrics_server) on_loop([this] { metrics_server.reset(); });
    if (metrics_worker) metrics_worker->stop();
    if (lightning_backend) lightning_backend->stop();
    if (settlement_keeper) settlement_keeper->stop();
    if (workers) workers->stop(); // purchases in flight get their answers
    for (Background& scan : mint_scans) scan.stop();
    for (auto* keeper : {&notifying, &nostr_keeper, &mint_watch, &nutzap_keeper, &upkeep_keeper, &refund_keeper,
                         &money_keeper, &recovery_keeper, &tunnel_keeper})
        if (*keeper) (*keeper)->stop();
    if (tunnels && server) tunnels->save_usage();
    if (relays) relays->stop();
    if (server) on_loop([this] { server.reset(); });
    if (loop) loop->stop();
    if (loop_thread.joinable()) loop_thread.join();
}

} // namespace adit::app
