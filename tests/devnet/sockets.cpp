#include "devnet/sockets.h"

#include "base/bytes.h"

#include <arpa/inet.h>
#include <array>
#include <libwebsockets.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace adit::devnet {
namespace {

std::uint16_t port_of(const std::string& url)
{
    return static_cast<std::uint16_t>(std::stoul(url.substr(url.rfind(':') + 1)));
}

bool is_whole(const std::string& text)
{
    const std::size_t end = text.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    std::string lower = text.substr(0, end);
    for (char& c : lower) c = static_cast<char>(std::tolower(c));
    const std::size_t at = lower.find("content-length:");
    if (at == std::string::npos) return false;
    return text.size() >= end + 4 + std::stoul(lower.substr(at + 15));
}

} // namespace

int RawReply::status() const { return text.size() < 12 ? 0 : std::stoi(text.substr(9, 3)); }

std::string RawReply::body() const
{
    const std::size_t header = text.find("\r\n\r\n");
    return header == std::string::npos ? "" : text.substr(header + 4);
}

RawReply http(const std::string& url, const std::string& method, const std::string& path, const std::string& body,
              const std::string& headers, Milliseconds patience)
{
    RawReply reply;
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_of(url));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    timeval limit{};
    limit.tv_sec = patience.count() / 1000;
    limit.tv_usec = patience.count() % 1000 * 1000;
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
        const std::string request = method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + headers +
                                    "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
        ::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
        std::array<char, 65536> chunk{};
        while (!is_whole(reply.text)) {
            const ssize_t count = ::recv(fd, chunk.data(), chunk.size(), 0);
            if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) reply.end = RawReply::End::silent;
            if (count <= 0) break;
            reply.text.append(chunk.data(), static_cast<std::size_t>(count));
        }
        if (is_whole(reply.text)) reply.end = RawReply::End::whole;
    }
    ::close(fd);
    return reply;
}

struct ClientProtocol {
    static int on_lws(lws* wsi, lws_callback_reasons reason, void*, void* in, std::size_t length)
    {
        auto* const client = wsi ? static_cast<WebsocketClient*>(lws_get_opaque_user_data(wsi)) : nullptr;
        if (!client) return 0;
        switch (reason) {
        case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER: {
            const std::string& value = client->authorization_;
            auto** const next = static_cast<unsigned char**>(in);
            if (!value.empty() &&
                lws_add_http_header_by_name(wsi, reinterpret_cast<const unsigned char*>("authorization:"),
                                            as_bytes(value).data(), static_cast<int>(value.size()), next,
                                            *next + length) != 0)
                return -1;
            return 0;
        }
        case LWS_CALLBACK_CLIENT_ESTABLISHED: {
            lws_callback_on_writable(wsi);
            const std::lock_guard lock(client->mutex_);
            client->established_ = true;
            client->changed_.notify_all();
            return 0;
        }
        case LWS_CALLBACK_CLIENT_RECEIVE: {
            client->in_.append(static_cast<const char*>(in), length);
            if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) != 0) return 0;
            const std::lock_guard lock(client->mutex_);
            client->messages_.push_back(std::move(client->in_));
            client->in_.clear();
            client->changed_.notify_all();
            return 0;
        }
        case LWS_CALLBACK_CLIENT_WRITEABLE: {
            if (client->out_.empty()) return 0;
            const std::string text = std::move(client->out_.front());
            client->out_.pop_front();
            Bytes frame(LWS_PRE);
            append(frame, as_bytes(text));
            if (lws_write(wsi, frame.data() + LWS_PRE, text.size(), LWS_WRITE_TEXT) < 0) return -1;
            if (!client->out_.empty()) lws_callback_on_writable(wsi);
            return 0;
        }
        case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        case LWS_CALLBACK_CLIENT_CLOSED: {
            client->wsi_ = nullptr;
            const std::lock_guard lock(client->mutex_);
            client->established_ = false;
            client->ended_ = true;
            client->changed_.notify_all();
            return 0;
        }
        default:
            return 0;
        }
    }
};

namespace {

constexpr std::array<lws_protocols, 2> kProtocols{{{"test-client", ClientProtocol::on_lws, 0, 65536, 0, nullptr, 0}}};

} // namespace

WebsocketClient::WebsocketClient(const std::string& url, std::string path, std::string authorization)
    : path_(std::move(path)), authorization_(std::move(authorization)), loop_(Loop::create(kProtocols.data()))
{
    loop_->post([this, port = port_of(url)] {
        lws_client_connect_info info{};
        info.context = loop_->context();
        info.vhost = lws_get_vhost_by_name(info.context, "default");
        info.address = "127.0.0.1";
        info.host = "127.0.0.1";
        info.origin = "127.0.0.1";
        info.path = path_.c_str();
        info.port = port;
        info.local_protocol_name = "test-client";
        info.opaque_user_data = this;
        wsi_ = lws_client_connect_via_info(&info);
    });
    thread_ = std::thread([this] { loop_->run(); });
}

WebsocketClient::~WebsocketClient()
{
    loop_->stop();
    thread_.join();
    loop_.reset();
}

void WebsocketClient::send(std::string text)
{
    loop_->post([this, text = std::move(text)]() mutable {
        out_.push_back(std::move(text));
        if (wsi_ && established_) lws_callback_on_writable(wsi_);
    });
}

std::optional<std::string> WebsocketClient::next(Milliseconds patience)
{
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [&] { return ended_ || !messages_.empty(); });
    if (messages_.empty()) return std::nullopt;
    std::string message = std::move(messages_.front());
    messages_.pop_front();
    return message;
}

bool WebsocketClient::connected(Milliseconds patience)
{
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return established_ || ended_; }) && established_;
}

bool WebsocketClient::ended(Milliseconds patience)
{
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return ended_; });
}

} // namespace adit::devnet
