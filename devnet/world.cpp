#include "devnet/world.h"

#include "devnet/control.h"
#include "http/server.h"

namespace adit::devnet {
namespace {

constexpr std::size_t kControlBodyBytes = 1 << 20;

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
      faulty_mint_(mint_, faults_), loop_(Loop::create(nullptr))
{
    relay_.set_rules(options.relay);
    relay_.add_host(options.host);
}

Result<std::unique_ptr<World>> World::start(const WorldOptions& options, const Clock& clock, Rng& rng)
{
    std::unique_ptr<World> world(new World(options, clock, rng));
    if (!world->loop_) return Error{Reason::io, "no memory or descriptors for a loop"};
    TRY(world->listen());
    world->thread_ = std::thread([loop = world->loop_.get()] { loop->run(); });
    return world;
}

Result<void> World::listen()
{
    relay_server_ = TRY(RelayServer::open(*loop_, relay_, faults_, options_.host, options_.relay_port));
    mint_server_ = TRY(MintServer::open(*loop_, faulty_mint_, options_.host, options_.mint_port));
    http::ServerOptions control;
    control.host = options_.host;
    control.port = options_.control_port;
    control.limits.body_bytes = kControlBodyBytes;
    control_ = TRY(http::Server::open(*loop_, control,
                                      control_routes({mint_, faults_, relay_, *relay_server_, *mint_server_, clock_})));
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

std::map<std::string, std::uint64_t> World::mint_requests() const { return mint_server_->requests(); }

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
