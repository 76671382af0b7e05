#include "devnet/world.h"

#include "devnet/control.h"
#include "devnet/look_alike_server.h"
#include "http/server.h"

namespace adit::devnet {
namespace {

constexpr std::size_t kControlBodyBytes = 1 << 20;
constexpr Milliseconds kTick{500}; // how late an expiry may be noticed that nobody asks about
constexpr std::string_view kPhoenixdPassword = "phoenixd-password";
constexpr std::string_view kPhoenixdLimitedPassword = "phoenixd-limited-password";
constexpr std::string_view kLndMacaroon = "invoice.macaroon";
constexpr std::string_view kLndAdminMacaroon = "admin.macaroon";
constexpr std::string_view kLndCertificate = "tls.cert";

std::string url(std::string_view scheme, const std::string& host, std::uint16_t port)
{
    // What listens everywhere is reached at loopback.
    std::string name = host;
    if (host == "0.0.0.0") name = "127.0.0.1";
    if (host == "::") name = "::1";
    if (name.find(':') != std::string::npos) name = "[" + name + "]";
    return std::string(scheme) + "://" + name + ":" + std::to_string(port);
}

} // namespace

World::World(const WorldOptions& options, const Clock& clock, Rng& rng)
    : options_(options), clock_(clock), mint_(clock, rng, options.mint), relay_(clock, rng, faults_),
      faulty_mint_(mint_, faults_), lightning_(clock, rng), phoenixd_(lightning_, rng), lnd_(lightning_, rng),
      loop_(Loop::create(nullptr))
{
    // The mint's payments reach the invoices of this network's nodes.
    mint_.set_payer([this, dice = &rng](const std::string& bolt11) -> std::optional<PaymentPreimage> {
        const PayAnswer paid = lightning_.pay(bolt11);
        if (paid.refusal == PayRefusal::unknown || paid.refusal == PayRefusal::not_an_invoice) return dice->bytes<32>();
        if (paid.refusal || !paid.invoice) return std::nullopt;
        return paid.invoice->preimage;
    });
    relay_.set_rules(options.relay);
    relay_.add_host(options.host);
}

Result<std::unique_ptr<World>> World::start(const WorldOptions& options, const Clock& clock, Rng& rng)
{
    std::unique_ptr<World> world(new World(options, clock, rng));
    if (!world->loop_) return Error{Reason::io, "no memory or descriptors for a loop"};
    TRY(world->leave_files());
    TRY(world->listen());
    world->keep_ticking();
    world->thread_ = std::thread([loop = world->loop_.get()] { loop->run(); });
    return world;
}

Result<void> World::leave_files()
{
    folder_ = TRY(WorldFolder::open(options_.lightning_dir));
    TRY(folder_.write(kPhoenixdPassword, phoenixd_.full_password()));
    TRY(folder_.write(kPhoenixdLimitedPassword, phoenixd_.limited_password()));
    TRY(folder_.write(kLndMacaroon, as_text(lnd_.invoice_macaroon())));
    TRY(folder_.write(kLndAdminMacaroon, as_text(lnd_.admin_macaroon())));
    lnd_identity_ = TRY(TlsIdentity::make(options_.host));
    TRY(folder_.write(kLndCertificate, lnd_identity_.certificate()));
    return {};
}

void World::keep_ticking()
{
    loop_->after(kTick, [this] {
        lightning_.tick();
        keep_ticking();
    });
}

Result<void> World::listen()
{
    relay_server_ = TRY(RelayServer::open(*loop_, relay_, faults_, options_.host, options_.relay_port));
    mint_server_ = TRY(MintServer::open(*loop_, faulty_mint_, options_.host, options_.mint_port));
    phoenixd_server_ =
        TRY(LookAlikeServer::open(*loop_, phoenixd_, faults_, options_.host, options_.phoenixd_port, nullptr));
    lnd_server_ =
        TRY(LookAlikeServer::open(*loop_, lnd_, faults_, options_.host, options_.lnd_port, lnd_identity_.context()));
    http::ServerOptions control;
    control.host = options_.host;
    control.port = options_.control_port;
    control.limits.body_bytes = kControlBodyBytes;
    const LightningControl lightning{lightning_, phoenixd_, *phoenixd_server_, lnd_, *lnd_server_};
    control_ = TRY(http::Server::open(
        *loop_, control, control_routes({mint_, faults_, relay_, *relay_server_, *mint_server_, clock_, lightning})));
    return {};
}

World::~World()
{
    if (!thread_.joinable()) return;
    loop_->stop();
    thread_.join();
}

std::string World::relay_url() const { return url("ws", options_.host, relay_server_->port()); }
std::string World::mint_url() const { return url("http", options_.host, mint_server_->port()); }
std::string World::control_url() const { return url("http", options_.host, control_->port()); }

std::string World::phoenixd_url() const { return url("http", options_.host, phoenixd_server_->port()); }

std::string World::lnd_url() const { return url("https", options_.host, lnd_server_->port()); }

std::filesystem::path World::phoenixd_password_file() const { return folder_.file(kPhoenixdPassword); }
std::filesystem::path World::phoenixd_limited_password_file() const { return folder_.file(kPhoenixdLimitedPassword); }

std::filesystem::path World::lnd_macaroon_file() const { return folder_.file(kLndMacaroon); }
std::filesystem::path World::lnd_admin_macaroon_file() const { return folder_.file(kLndAdminMacaroon); }
std::filesystem::path World::lnd_tls_cert_file() const { return folder_.file(kLndCertificate); }

std::map<std::string, std::uint64_t> World::mint_requests() const { return mint_server_->requests(); }

std::map<std::string, std::uint64_t> World::lightning_requests() const
{
    auto counts = phoenixd_server_->requests();
    counts.merge(lnd_server_->requests());
    return counts;
}

WorldPayment World::pay(std::string_view bolt11)
{
    return on_loop([&]() -> WorldPayment {
        const PayAnswer paid = lightning_.pay(bolt11);
        if (paid.refusal) return {paid.refusal, {}, {}};
        return {std::nullopt, paid.invoice->state, paid.invoice->preimage};
    });
}

LookAlikeServer& World::server(LightningNode node)
{
    return node == LightningNode::phoenixd ? *phoenixd_server_ : *lnd_server_;
}

void World::go_down(LightningNode node)
{
    on_loop([&] { server(node).go_down(); });
}

void World::come_up(LightningNode node)
{
    on_loop([&] { CHECK(server(node).come_up()); });
}

std::vector<protocol::Event> World::relay_events(const protocol::Filter& filter)
{
    return on_loop([&] {
        std::vector<protocol::Event> events;
        for (const protocol::Event* event : relay_.store().query(std::span(&filter, 1), clock_.now()))
            events.push_back(*event);
        return events;
    });
}

void World::publish(const protocol::Event& event)
{
    on_loop([&] { relay_server_->perform(relay_.publish(event)); });
}

void World::set_relay_rules(RelayRules rules)
{
    on_loop([&] { relay_.set_rules(rules); });
}

void World::drop_relay_connections()
{
    on_loop([&] { relay_server_->perform(relay_.close_all()); });
}

std::size_t World::relay_connections()
{
    return on_loop([&] { return relay_.connections(); });
}

} // namespace adit::devnet
