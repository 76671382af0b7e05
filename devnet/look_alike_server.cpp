#include "devnet/look_alike_server.h"

namespace adit::devnet {

/// A way back over a connection, with the fault that strikes its request.
class LookAlikeServer::Exchange final : public BackendReply {
public:
    Exchange(LookAlikeServer& owner, RoughServer::Number number, std::optional<Fault> fault, std::string websocket_key)
        : owner_(owner), number_(number), fault_(std::move(fault)), websocket_key_(std::move(websocket_key))
    {
    }

    void answer(HttpAnswer answer) override
    {
        if (!is_open()) return;
        over_ = true;
        deliver(std::move(answer));
    }

    void stream(std::string_view message) override
    {
        if (!is_open() || spoils_beginning()) return;
        send(message, [](RoughServer& server, RoughServer::Number number, std::string_view text) {
            server.stream(number, text);
        });
    }

    void end() override
    {
        if (!is_open()) return;
        over_ = true;
        owner_.server_->end(number_);
    }

    void upgrade(std::string_view protocol) override
    {
        if (!is_open() || spoils_beginning()) return;
        owner_.server_->upgrade(number_, websocket_key_, protocol);
    }

    void send_text(std::string_view text) override
    {
        if (!is_open()) return;
        send(text, [](RoughServer& server, RoughServer::Number number, std::string_view message) {
            server.send_text(number, message);
        });
    }

    bool is_open() const override { return !over_ && owner_.server_->is_open(number_); }

    /// Answers a request that is not acted on.
    void refuse()
    {
        over_ = true;
        deliver({});
    }

private:
    using Send = void (*)(RoughServer&, RoughServer::Number, std::string_view);

    void deliver(HttpAnswer answer)
    {
        HttpAnswer rejection;
        if (fault_) rejection = owner_.look_alike_.rejection(*fault_);
        Outcome outcome = spoilt(fault_, std::move(answer), std::move(rejection));
        RoughServer& server = *owner_.server_;
        if (!fault_ || fault_->moment == FaultMoment::before || fault_->latency.count() == 0)
            return server.deliver(number_, outcome);
        server.later(fault_->latency,
                     [&server, number = number_, outcome = std::move(outcome)] { server.deliver(number, outcome); });
    }

    /// True: a fault of the request itself takes the place of a stream or websocket.
    bool spoils_beginning()
    {
        if (begun_) return false;
        begun_ = true;
        if (!fault_) return false;
        Fault before = *fault_;
        before.moment = FaultMoment::before;
        if (acts(before)) return false;
        over_ = true;
        deliver({});
        return true;
    }

    void send(std::string_view text, Send how)
    {
        RoughServer& server = *owner_.server_;
        const auto fault = owner_.faults_.take(owner_.event_endpoint_);
        if (!fault) return how(server, number_, text);
        switch (fault->act) {
        case FaultAct::drop:
            return server.close(number_);
        case FaultAct::cut:
            return server.send_torn(number_, text);
        case FaultAct::hang:
            return; // lost, and nothing shows it
        case FaultAct::delay:
            return server.later(fault->latency, [&server, number = number_, text = std::string(text), how] {
                how(server, number, text);
            });
        case FaultAct::not_json:
            return how(server, number_, "<html></html>\n");
        case FaultAct::status:
        case FaultAct::reject:
        case FaultAct::pending:
        case FaultAct::lie_bad_signature:
        case FaultAct::lie_other_event:
        case FaultAct::lose_change:
        case FaultAct::require_auth:
            return how(server, number_, text);
        }
    }

    LookAlikeServer& owner_;
    const RoughServer::Number number_;
    const std::optional<Fault> fault_;
    const std::string websocket_key_;
    bool begun_ = false; // a stream or websocket
    bool over_ = false;
};

Result<std::unique_ptr<LookAlikeServer>> LookAlikeServer::open(Loop& loop, LookAlike& look_alike, Faults& faults,
                                                               const std::string& host, std::uint16_t port,
                                                               ssl_ctx_st* tls)
{
    std::unique_ptr<LookAlikeServer> server(new LookAlikeServer(look_alike, faults));
    server->server_ =
        TRY(RoughServer::open(loop, host, port, tls, [self = server.get()](RoughServer::Number number, auto request) {
            self->begin(number, std::move(request));
        }));
    return server;
}

LookAlikeServer::LookAlikeServer(LookAlike& look_alike, Faults& faults)
    : look_alike_(look_alike), faults_(faults), event_endpoint_(std::string(look_alike.name()) + ".event")
{
}

void LookAlikeServer::begin(RoughServer::Number number, http::Request request)
{
    const std::string_view endpoint = look_alike_.endpoint(request);
    counts_.count(endpoint);
    const auto fault = faults_.take(endpoint);
    const auto exchange = std::make_shared<Exchange>(
        *this, number, fault, std::string(request.header("sec-websocket-key").value_or(""))); // shared: see ReplyPtr
    const auto serve = [this, fault, exchange, request = std::move(request)] {
        if (acts(fault))
            look_alike_.handle(request, exchange);
        else
            exchange->refuse();
    };
    if (!fault || fault->latency.count() == 0 || fault->moment == FaultMoment::after) return serve();
    // The request is on its way: a client that gives up meanwhile does not call it back.
    server_->later(fault->latency, serve);
}

} // namespace adit::devnet
