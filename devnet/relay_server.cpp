#include "devnet/relay_server.h"

#include <array>
#include <libwebsockets.h>

namespace adit::devnet {
namespace {

constexpr std::size_t kHttpHeaderBytes = 1024;

ConnectionId& id_of(void* per_session) { return *static_cast<ConnectionId*>(per_session); }

} // namespace

/// What libwebsockets wants: one protocol, its callback finding the server by its vhost.
struct RelayProtocol {
    static int on_lws(lws* wsi, lws_callback_reasons reason, void* user, void* in, std::size_t length)
    {
        auto* const server = wsi ? static_cast<RelayServer*>(lws_vhost_user(lws_get_vhost(wsi))) : nullptr;
        if (!server) return 0;
        const std::string_view data(static_cast<const char*>(in), in ? length : 0);
        switch (reason) {
        case LWS_CALLBACK_ESTABLISHED:
            return server->on_open(wsi, id_of(user));
        case LWS_CALLBACK_RECEIVE:
            return server->on_data(wsi, id_of(user), data);
        case LWS_CALLBACK_SERVER_WRITEABLE:
            return server->write_next(wsi, id_of(user));
        case LWS_CALLBACK_CLOSED:
            return server->on_close(id_of(user));
        case LWS_CALLBACK_HTTP:
            return server->begin_http(wsi);
        case LWS_CALLBACK_HTTP_WRITEABLE:
            return server->write_http(wsi);
        case LWS_CALLBACK_CLOSED_HTTP:
            server->pages_.erase(wsi);
            return 0;
        default:
            return lws_callback_http_dummy(wsi, reason, user, in, length); // its enum has some hundred more
        }
    }
};

namespace {

constexpr std::array<lws_protocols, 2> kProtocols{
    {{"nostr", RelayProtocol::on_lws, sizeof(ConnectionId), 16384, 0, nullptr, 0}}};

} // namespace

Result<std::unique_ptr<RelayServer>> RelayServer::open(Loop& loop, Relay& relay, Faults& faults,
                                                       const std::string& host, std::uint16_t port)
{
    std::unique_ptr<RelayServer> server(new RelayServer(loop, relay, faults));
    lws_context_creation_info info{};
    info.vhost_name = "adit-devnet-relay";
    info.iface = host.c_str();
    info.port = port;
    info.protocols = kProtocols.data();
    info.user = server.get();
    lws_vhost* const vhost = lws_create_vhost(loop.context(), &info);
    if (!vhost) return Error{Reason::io, "relay: cannot listen on " + host + ":" + std::to_string(port)};
    const int bound = lws_get_vhost_listen_port(vhost);
    if (bound <= 0) return Error{Reason::io, "relay: cannot listen on " + host + ":" + std::to_string(port)};
    server->port_ = static_cast<std::uint16_t>(bound);
    return server;
}

int RelayServer::on_open(lws* wsi, ConnectionId& id)
{
    id = ++last_;
    connections_.emplace(id, Connection{wsi, {}, {}});
    perform(relay_.opened(id));
    return 0;
}

int RelayServer::on_close(ConnectionId id)
{
    relay_.closed(id);
    connections_.erase(id);
    return 0;
}

int RelayServer::on_data(lws* wsi, ConnectionId id, std::string_view data)
{
    const auto found = connections_.find(id);
    if (found == connections_.end()) return -1;
    std::string& in = found->second.in;
    if (in.size() + data.size() > protocol::kMaxRelayMessage) return -1;
    in += data;
    if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) != 0) return 0;
    const std::string message = std::move(in);
    in.clear();
    perform(relay_.received(id, message));
    return 0;
}

void RelayServer::perform(const RelayActs& acts)
{
    for (const RelayAct& act : acts) {
        if (act.latency.count() == 0)
            queue(act);
        else
            loop_.after(act.latency, [this, act] { queue(act); });
    }
}

void RelayServer::queue(const RelayAct& act)
{
    const auto found = connections_.find(act.to);
    if (found == connections_.end()) return;
    found->second.out.push_back(act);
    lws_callback_on_writable(found->second.wsi);
}

int RelayServer::write_next(lws* wsi, ConnectionId id)
{
    const auto found = connections_.find(id);
    if (found == connections_.end()) return -1;
    std::deque<RelayAct>& out = found->second.out;
    if (out.empty()) return 0;
    const RelayAct act = std::move(out.front());
    out.pop_front();
    switch (act.kind) {
    case RelayAct::Kind::close:
        return -1;
    case RelayAct::Kind::send: {
        Bytes frame(LWS_PRE);
        append(frame, as_bytes(act.text));
        if (lws_write(wsi, frame.data() + LWS_PRE, act.text.size(), LWS_WRITE_TEXT) < 0) return -1;
        break;
    }
    }
    if (!out.empty()) lws_callback_on_writable(wsi);
    return 0;
}

int RelayServer::begin_http(lws* wsi)
{
    const auto fault = faults_.take("relay.nip11");
    if (fault && (fault->act == FaultAct::drop || fault->act == FaultAct::cut)) return -1;
    if (fault && fault->act == FaultAct::hang) return 0;
    std::array<char, 512> accept{};
    lws_hdr_copy(wsi, accept.data(), static_cast<int>(accept.size()), WSI_TOKEN_HTTP_ACCEPT);
    const bool wants_document =
        std::string_view(accept.data()).find("application/nostr+json") != std::string_view::npos;

    std::string body = wants_document ? relay_.information() : "A Nostr relay listens here: use a websocket.\n";
    const char* type = wants_document ? "application/nostr+json" : "text/plain";
    unsigned status = HTTP_STATUS_OK;
    if (fault && fault->act == FaultAct::status) {
        status = static_cast<unsigned>(fault->status);
        body = fault->body;
    }
    if (fault && fault->act == FaultAct::not_json) body = "<html>no relay here</html>";

    std::array<unsigned char, LWS_PRE + kHttpHeaderBytes> buffer{};
    unsigned char* const start = buffer.data() + LWS_PRE;
    unsigned char* const end = buffer.data() + buffer.size() - 1;
    unsigned char* next = start;
    const auto any = reinterpret_cast<const unsigned char*>("*");
    if (lws_add_http_common_headers(wsi, status, type, body.size(), &next, end) != 0) return -1;
    if (lws_add_http_header_by_name(wsi, reinterpret_cast<const unsigned char*>("access-control-allow-origin:"), any, 1,
                                    &next, end) != 0)
        return -1;
    if (lws_finalize_write_http_header(wsi, start, &next, end) != 0) return -1;
    if (body.empty()) return lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
    pages_[wsi] = std::move(body);
    lws_callback_on_writable(wsi);
    return 0;
}

int RelayServer::write_http(lws* wsi)
{
    const auto found = pages_.find(wsi);
    if (found == pages_.end()) return 0;
    Bytes frame(LWS_PRE);
    append(frame, as_bytes(found->second));
    const std::size_t size = found->second.size();
    pages_.erase(found);
    if (lws_write(wsi, frame.data() + LWS_PRE, size, LWS_WRITE_HTTP_FINAL) < 0) return -1;
    return lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
}

} // namespace adit::devnet
