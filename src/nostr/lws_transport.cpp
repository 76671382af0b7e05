#include "nostr/lws_transport.h"

#include "base/check.h"

#include <array>
#include <libwebsockets.h>

namespace adit::nostr {

namespace {

constexpr const char* kProtocol = "adit-relay";
constexpr unsigned kConnectTimeout_s = 6; // for the TCP connection to one address; then the next is tried
constexpr std::size_t kKeptCapacity = 65'536;

int on_lws(lws* wsi, lws_callback_reasons reason, void*, void* in, std::size_t length)
{
    switch (static_cast<int>(reason)) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
    case LWS_CALLBACK_CLIENT_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    case LWS_CALLBACK_WSI_DESTROY:
        break;
    default:
        return 0; // among the others are some whose wsi is not a whole one
    }
    auto* const transport = static_cast<LwsTransport*>(lws_get_opaque_user_data(wsi));
    if (transport) return transport->on_socket(wsi, static_cast<int>(reason), in, length);
    // Given up by us; only a socket that is alive still needs to be told.
    return reason == LWS_CALLBACK_CLIENT_ESTABLISHED || reason == LWS_CALLBACK_CLIENT_RECEIVE ||
                   reason == LWS_CALLBACK_CLIENT_WRITEABLE
               ? -1
               : 0;
}

// The receive buffer is per connection; messages are put together from pieces of this size.
const std::array<lws_protocols, 2> kProtocols{{{kProtocol, on_lws, 0, 4096, 0, nullptr, 0}}};

} // namespace

RelaySockets::RelaySockets(Loop& loop, ResolveHost resolve, std::string ca_file)
    : loop_(loop), resolver_(loop, std::move(resolve)), ca_file_(std::move(ca_file))
{
}

lws_vhost* RelaySockets::vhost(Security security)
{
    lws_vhost*& vhost = security == Security::tls ? tls_ : plain_;
    if (!vhost) vhost = make_vhost(security);
    return vhost;
}

lws_vhost* RelaySockets::make_vhost(Security security)
{
    lws_context_creation_info info{};
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.protocols = kProtocols.data();
    info.vhost_name = security == Security::tls ? "adit-relays-tls" : "adit-relays";
    info.connect_timeout_secs = kConnectTimeout_s;
    info.http_proxy_address = ":0"; // none, whatever $http_proxy says: libwebsockets would look its name up on the loop
    if (security == Security::tls) {
        info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        if (!ca_file_.empty()) {
            info.options |= LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
            info.client_ssl_ca_filepath = ca_file_.c_str();
        }
    }
    return lws_create_vhost(loop_.context(), &info);
}

LwsTransport::LwsTransport(RelaySockets& sockets, RelayUrl url, TransportListener& listener, TransportLimits limits)
    : sockets_(sockets), url_(std::move(url)), listener_(listener), limits_(limits),
      self_(std::make_shared<LwsTransport*>(this))
{
}

LwsTransport::~LwsTransport() { close(); }

void LwsTransport::open()
{
    CHECK(!wanted_);
    wanted_ = true;
    if (resolving_) return; // what an earlier open() asked is still good
    resolving_ = true;
    sockets_.resolver().resolve(url_.host, [self = std::weak_ptr<LwsTransport*>(self_)](Resolver::Addresses addresses) {
        if (const auto alive = self.lock()) (*alive)->on_addresses(std::move(addresses));
    });
}

void LwsTransport::on_addresses(Resolver::Addresses addresses)
{
    resolving_ = false;
    if (!wanted_) return;
    if (!addresses) {
        fail(addresses.error().detail);
        return;
    }
    addresses_ = std::move(*addresses);
    // After the lookup, so that a name counts by what it leads to: what is connected to is what was looked at.
    const bool any = !addresses_.empty();
    if (limits_.reach == Reach::public_only)
        std::erase_if(addresses_, [](const std::string& address) { return !is_public_address(address); });
    if (addresses_.empty()) {
        fail(any ? "its address is not a public one" : "name lookup: no address");
        return;
    }
    tried_ = 0;
    ++rotation_;
    try_address();
}

void LwsTransport::try_address()
{
    lws_vhost* const vhost = sockets_.vhost(url_.security);
    if (!vhost) {
        fail("no TLS: the CA certificates can not be read");
        return;
    }
    const std::string address = addresses_[(rotation_ - 1 + tried_++) % addresses_.size()];
    const std::string host = url_.authority();
    lws_client_connect_info info{};
    info.context = sockets_.loop().context();
    info.vhost = vhost;
    info.address = address.c_str(); // numeric: nothing is looked up on the loop
    info.port = url_.port;
    info.host = host.c_str(); // also what libwebsockets takes SNI and the certificate's name from
    info.path = url_.path.c_str();
    info.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT | (url_.security == Security::tls ? LCCSCF_USE_SSL : 0);
    info.local_protocol_name = kProtocol;
    info.alpn = "http/1.1"; // libwebsockets has no websocket client over HTTP/2
    info.ietf_version_or_minus_one = -1;
    info.opaque_user_data = this;
    failed_while_calling_.reset();
    calling_ = true;
    lws* const wsi = lws_client_connect_via_info(&info);
    calling_ = false;
    // A callback may have told of the socket's end already, whatever the call returns.
    if (wsi && !failed_while_calling_) {
        wsi_ = wsi;
        return;
    }
    address_failed(failed_while_calling_.value_or("can not connect"));
}

void LwsTransport::address_failed(const std::string& why)
{
    if (tried_ >= addresses_.size()) {
        fail(why);
        return;
    }
    sockets_.loop().post([self = std::weak_ptr<LwsTransport*>(self_)] {
        const auto alive = self.lock();
        if (alive && (*alive)->wanted_ && !(*alive)->wsi_ && !(*alive)->resolving_) (*alive)->try_address();
    });
}

void LwsTransport::fail(std::string why)
{
    close();
    listener_.transport_closed(std::move(why));
}

bool LwsTransport::send(std::string text)
{
    if (!established_) return false;
    if (outbound_bytes_ + text.size() > limits_.outbound) return false;
    outbound_bytes_ += text.size();
    text.insert(0, LWS_PRE, '\0');
    outbound_.push_back(std::move(text));
    lws_callback_on_writable(wsi_);
    return true;
}

void LwsTransport::ping()
{
    if (!established_) return;
    ping_waits_ = true;
    lws_callback_on_writable(wsi_);
}

void LwsTransport::close()
{
    wanted_ = false;
    established_ = false;
    if (wsi_) {
        lws_set_opaque_user_data(wsi_, nullptr);
        // Ends it from the loop itself; we may be inside one of its callbacks.
        lws_set_timeout(wsi_, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
        wsi_ = nullptr;
    }
    inbound_ = {};
    outbound_.clear();
    outbound_bytes_ = 0;
    ping_waits_ = false;
    close_reason_.clear();
}

int LwsTransport::on_socket(lws* wsi, int reason, void* in, std::size_t length)
{
    switch (reason) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR: {
        std::string why = in && length > 0 ? std::string(static_cast<const char*>(in), length) : "can not connect";
        lws_set_opaque_user_data(wsi, nullptr);
        wsi_ = nullptr;
        if (calling_)
            failed_while_calling_ = std::move(why);
        else if (wanted_)
            address_failed(why);
        return 0;
    }
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        wsi_ = wsi;
        established_ = true;
        listener_.transport_opened();
        return wsi_ ? 0 : -1;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return receive(wsi, static_cast<const char*>(in), length);
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
        listener_.transport_pong();
        return wsi_ ? 0 : -1;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return write(wsi);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        // The payload is a code of two bytes and the relay's words.
        if (length > 2) close_reason_ = std::string(static_cast<const char*>(in) + 2, length - 2);
        return 0;
    default: { // CLIENT_CLOSED, WSI_DESTROY
        lws_set_opaque_user_data(wsi, nullptr);
        wsi_ = nullptr;
        if (calling_)
            failed_while_calling_ = "can not connect";
        else if (wanted_)
            fail("the relay closed the connection" + (close_reason_.empty() ? "" : ": " + close_reason_));
        return 0;
    }
    }
}

int LwsTransport::receive(lws* wsi, const char* in, std::size_t length)
{
    if (lws_is_first_fragment(wsi)) inbound_.clear();
    if (inbound_.size() + length + lws_remaining_packet_payload(wsi) > limits_.inbound_message) {
        fail("a message over the limit");
        return -1;
    }
    inbound_.append(in, length);
    if (!lws_is_final_fragment(wsi)) return 0;
    std::string message;
    message.swap(inbound_); // the listener may close and clear us
    listener_.transport_message(message);
    if (!wsi_) return -1;
    if (message.capacity() <= kKeptCapacity) {
        message.clear();
        inbound_ = std::move(message);
    }
    return 0;
}

int LwsTransport::write(lws* wsi)
{
    if (ping_waits_) {
        ping_waits_ = false;
        std::array<unsigned char, LWS_PRE + 1> frame{};
        if (lws_write(wsi, frame.data() + LWS_PRE, 0, LWS_WRITE_PING) < 0) return -1;
    } else if (!outbound_.empty()) {
        std::string frame = std::move(outbound_.front());
        outbound_.pop_front();
        const std::size_t size = frame.size() - LWS_PRE;
        outbound_bytes_ -= size;
        auto* const data = reinterpret_cast<unsigned char*>(frame.data()) + LWS_PRE;
        // What the socket does not take at once libwebsockets keeps and sends before it asks us for more.
        if (lws_write(wsi, data, size, LWS_WRITE_TEXT) < 0) return -1;
    }
    if (ping_waits_ || !outbound_.empty()) lws_callback_on_writable(wsi);
    return 0;
}

} // namespace adit::nostr
