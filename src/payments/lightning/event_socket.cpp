#include "payments/lightning/event_socket.h"

#include "base/clock.h"
#include "base/log.h"

#include <array>
#include <libwebsockets.h>

namespace adit::payments::lightning {
namespace {

constexpr const char* kProtocol = "adit-events";

int on_lws(lws* wsi, lws_callback_reasons reason, void*, void* in, std::size_t length)
{
    switch (static_cast<int>(reason)) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
    case LWS_CALLBACK_CLIENT_RECEIVE:
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY:
        break;
    default:
        return 0; // among the others are some whose wsi is not a whole one
    }
    auto* const socket = static_cast<EventSocket*>(lws_get_opaque_user_data(wsi));
    if (socket) return socket->on_socket(wsi, static_cast<int>(reason), in, length);
    // Given up by us; only a socket that is alive still needs to be told.
    return reason == LWS_CALLBACK_CLIENT_ESTABLISHED || reason == LWS_CALLBACK_CLIENT_RECEIVE ? -1 : 0;
}

const std::array<lws_protocols, 2> kProtocols{{{kProtocol, on_lws, 0, 4096, 0, nullptr, 0}}};

lws_vhost* make_vhost(Loop& loop, const NodeAccess& access)
{
    lws_context_creation_info info{};
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.protocols = kProtocols.data();
    info.vhost_name = "adit-events";
    info.http_proxy_address = ":0"; // none, whatever the environment says
    if (access.url.security == NodeSecurity::tls) {
        info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        if (!access.ca_file.empty()) {
            info.options |= LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
            info.client_ssl_ca_filepath = access.ca_file.c_str();
        }
    }
    return lws_create_vhost(loop.context(), &info);
}

} // namespace

EventSocket::EventSocket(const NodeAccess& access, std::string_view path, Callbacks callbacks, EventTiming timing)
    : access_(access), path_(access.url.path + std::string(path)), callbacks_(std::move(callbacks)), timing_(timing),
      idle_(std::make_unique<lws_retry_bo>()), backoff_(timing.backoff, timing.backoff_cap),
      loop_(Loop::create(nullptr))
{
    idle_->secs_since_valid_ping = static_cast<std::uint16_t>(timing_.ping.count());
    idle_->secs_since_valid_hangup = static_cast<std::uint16_t>(timing_.hang_up.count());
    if (loop_) vhost_ = make_vhost(*loop_, access_);
    if (!vhost_) { // settlements are looked up as well, only later
        log_error("lightning_events_off", {{"backend", access_.name}, {"why", "no memory, or no CA certificates"}});
        return;
    }
    loop_->post([this] { connect(); });
    thread_ = std::thread([this] { loop_->run(); });
}

EventSocket::~EventSocket()
{
    if (!thread_.joinable()) return;
    loop_->stop();
    thread_.join();
    if (wsi_) lws_set_opaque_user_data(wsi_, nullptr); // it ends with the loop, and has nobody to tell
}

void EventSocket::connect()
{
    const std::string host = access_.url.authority();
    lws_client_connect_info info{};
    info.context = loop_->context();
    info.vhost = vhost_;
    info.address = access_.url.host.c_str();
    info.port = access_.url.port;
    info.host = host.c_str(); // also what libwebsockets takes SNI and the certificate's name from
    info.path = path_.c_str();
    info.ssl_connection =
        LCCSCF_HTTP_NO_FOLLOW_REDIRECT | (access_.url.security == NodeSecurity::tls ? LCCSCF_USE_SSL : 0);
    info.local_protocol_name = kProtocol;
    info.alpn = "http/1.1"; // libwebsockets has no websocket client over HTTP/2
    info.ietf_version_or_minus_one = -1;
    info.opaque_user_data = this;
    info.retry_and_idle_policy = idle_.get();
    failed_.clear();
    connect_timer_ = loop_->after(timing_.connect, [this] { give_up("the websocket did not open in time"); });
    calling_ = true;
    lws* const wsi = lws_client_connect_via_info(&info);
    calling_ = false;
    // A callback may have told of the socket's end already, whatever the call returns.
    if (!wsi || !failed_.empty())
        ended(failed_);
    else
        wsi_ = wsi;
}

void EventSocket::ended(const std::string& why)
{
    loop_->cancel(connect_timer_);
    wsi_ = nullptr;
    inbound_.clear();
    if (open_) {
        open_ = false;
        // One that opens and ends at once, again and again, is not a good one.
        if (system_clock().steady() - opened_at_ >= timing_.backoff_cap) backoff_.reset();
        callbacks_.lost(why);
    }
    loop_->after(backoff_.next(system_rng()), [this] { connect(); });
}

void EventSocket::give_up(const std::string& why)
{
    lws_set_opaque_user_data(wsi_, nullptr);
    // Ends it from the loop itself; we may be inside one of its callbacks.
    lws_set_timeout(wsi_, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
    ended(why);
}

int EventSocket::on_socket(lws* wsi, int reason, void* in, std::size_t length)
{
    switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return add_header(static_cast<unsigned char**>(in), length);
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        wsi_ = wsi;
        open_ = true;
        loop_->cancel(connect_timer_);
        opened_at_ = system_clock().steady();
        callbacks_.opened();
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return receive(static_cast<const char*>(in), length);
    default: { // CLIENT_CONNECTION_ERROR, CLIENT_CLOSED, WSI_DESTROY
        const bool told = reason == LWS_CALLBACK_CLIENT_CONNECTION_ERROR && in && length > 0;
        std::string why = told ? fit_for_log({static_cast<const char*>(in), length}) : "the connection is closed";
        lws_set_opaque_user_data(wsi, nullptr);
        if (calling_)
            failed_ = std::move(why);
        else
            ended(why);
        return 0;
    }
    }
}

int EventSocket::add_header(unsigned char** at, std::size_t room) const
{
    constexpr std::string_view kEnd = "\r\n";
    const std::string& line = access_.header.expose();
    if (line.size() + kEnd.size() > room) return -1;
    *at = std::copy(line.begin(), line.end(), *at); // straight from the memory that is wiped
    *at = std::copy(kEnd.begin(), kEnd.end(), *at);
    return 0;
}

int EventSocket::receive(const char* in, std::size_t length)
{
    lws* const wsi = wsi_;
    if (lws_is_first_fragment(wsi)) inbound_.clear();
    if (inbound_.size() + length + lws_remaining_packet_payload(wsi) > kMaxMessage) {
        give_up("a message over the limit");
        return -1;
    }
    inbound_.append(in, length);
    if (lws_is_final_fragment(wsi)) callbacks_.received(inbound_);
    return 0;
}

} // namespace adit::payments::lightning
