#include "devnet/mint_server.h"

namespace adit::devnet {

Result<std::unique_ptr<MintServer>> MintServer::open(Loop& loop, FaultyMint& mint, const std::string& host,
                                                     std::uint16_t port)
{
    std::unique_ptr<MintServer> server(new MintServer(mint));
    server->server_ = TRY(RoughServer::open(
        loop, host, port, nullptr, [mint_server = server.get()](RoughServer::Number number, http::Request request) {
            mint_server->begin(number, std::move(request));
        }));
    return server;
}

void MintServer::begin(RoughServer::Number number, http::Request request)
{
    if (request.method == "OPTIONS") return deliver(number, {Delivery::whole, {204, ""}});
    counts_.count(mint_endpoint(request.path));
    const auto fault = mint_.strike(request.path);
    const auto serve = [this, fault, request = std::move(request)] {
        return mint_.serve(fault, request.method, request.path, request.body);
    };
    if (!fault || fault->latency.count() == 0) return deliver(number, serve());
    if (fault->moment == FaultMoment::after)
        return server_->later(fault->latency, [this, number, outcome = serve()] { deliver(number, outcome); });
    // The request is on its way: a client that gives up meanwhile does not call it back.
    server_->later(fault->latency, [this, number, serve] { deliver(number, serve()); });
}

void MintServer::deliver(RoughServer::Number number, Outcome outcome)
{
    outcome.answer.headers = {{"Access-Control-Allow-Origin", "*"},
                              {"Access-Control-Allow-Headers", "Content-Type"},
                              {"Access-Control-Allow-Methods", "GET, POST, OPTIONS"}};
    server_->deliver(number, outcome);
}

} // namespace adit::devnet
