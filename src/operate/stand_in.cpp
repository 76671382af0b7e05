#include "operate/stand_in.h"

#include "protocol/info.h"
#include "wg/cidr.h"

#include <future>

namespace adit::operate {

Result<std::unique_ptr<StandIn>> StandIn::open(const app::Config& config)
{
    auto loop = Loop::create(nullptr);
    if (!loop) return Error{Reason::io, "cannot make an event loop: out of memory or of file descriptors"};
    http::ServerOptions options;
    options.host = config.server.host;
    options.port = config.server.port;
    options.trusted_proxies.clear();
    for (const app::Network& network : config.server.trusted_proxies)
        options.trusted_proxies.push_back(wg::cidr_text(network));
    http::Router router;
    router.add("GET", "/info",
               [info = protocol::encode_info(
                    protocol::info_of(config.listing, config.nostr.key.public_key(), config.server.public_host))](
                   const http::Request&, const http::Responder& responder) {
                   responder.send({200, {}, "application/json", info});
               });
    const auto closed = [](const http::Request&, const http::Responder& responder) {
        responder.send(http::error_response(503, "busy", "this shop is being looked at before it opens: try again"));
    };
    router.add("POST", "/purchase", closed);
    router.add("GET", "/lnurlp", closed);
    router.add("GET", "/health", closed);
    auto server = TRY(http::Server::open(*loop, options, std::move(router)));
    return std::unique_ptr<StandIn>(new StandIn(std::move(loop), std::move(server)));
}

StandIn::StandIn(std::unique_ptr<Loop> loop, std::unique_ptr<http::Server> server)
    : loop_(std::move(loop)), server_(std::move(server)), thread_([this] { loop_->run(); })
{
}

StandIn::~StandIn()
{
    loop_->post([this] { server_.reset(); });
    loop_->stop();
    thread_.join();
}

Sightings StandIn::sightings()
{
    std::promise<Sightings> seen;
    auto result = seen.get_future();
    loop_->post([&] {
        const http::ServerStats stats = server_->stats();
        seen.set_value({stats.forwarded_trusted, stats.forwarded_untrusted});
    });
    return result.get();
}

} // namespace adit::operate
