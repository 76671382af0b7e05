#include "scripted_node.h"

#include "base/bytes.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <csignal>
#include <openssl/sha.h>
#include <sys/socket.h>
#include <unistd.h>

namespace adit::payments::lightning {

std::string NodeRequest::header(const std::string& name) const
{
    const auto lower = [](std::string text) {
        std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
        return text;
    };
    const auto at = lower(head).find("\r\n" + lower(name) + ":");
    if (at == std::string::npos) return {};
    auto begin = at + name.size() + 3;
    while (begin < head.size() && head[begin] == ' ') ++begin;
    return head.substr(begin, head.find("\r\n", begin) - begin);
}

bool ScriptedNode::Session::read(char* out, std::size_t length)
{
    while (length > 0) {
        const auto got =
            tls_ ? SSL_read(tls_, out, static_cast<int>(length)) : static_cast<int>(::recv(fd_, out, length, 0));
        if (got <= 0) return false;
        out += got;
        length -= static_cast<std::size_t>(got);
    }
    return true;
}

void ScriptedNode::Session::send_raw(const std::string& bytes)
{
    for (std::size_t sent = 0; sent < bytes.size() && !closed_;) {
        const auto left = bytes.size() - sent;
        const auto count = tls_ ? SSL_write(tls_, bytes.data() + sent, static_cast<int>(left))
                                : static_cast<int>(::send(fd_, bytes.data() + sent, left, MSG_NOSIGNAL));
        if (count <= 0) return;
        sent += static_cast<std::size_t>(count);
    }
}

void ScriptedNode::Session::answer(int status, const std::string& body)
{
    send_raw("HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Length: " + std::to_string(body.size()) +
             "\r\n\r\n" + body);
}

void ScriptedNode::Session::begin_stream() { send_raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"); }

void ScriptedNode::Session::chunk(const std::string& bytes)
{
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    send_raw(size + bytes + "\r\n");
}

void ScriptedNode::Session::upgrade(const NodeRequest& request)
{
    const std::string text = request.header("sec-websocket-key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    ByteArray<SHA_DIGEST_LENGTH> digest{};
    SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    send_raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: " +
             encode_base64(digest) + "\r\n\r\n");
}

void ScriptedNode::Session::send_frame(const std::string& text, std::uint8_t first_byte)
{
    std::string frame(1, static_cast<char>(first_byte));
    if (text.size() < 126) {
        frame += static_cast<char>(text.size());
    } else if (text.size() < 65536) {
        frame += static_cast<char>(126);
        frame += static_cast<char>(text.size() >> 8U);
        frame += static_cast<char>(text.size() & 0xFFU);
    } else {
        frame += static_cast<char>(127);
        for (unsigned shift = 64; shift > 0; shift -= 8) frame += static_cast<char>(text.size() >> (shift - 8) & 0xFFU);
    }
    send_raw(frame + text);
}

void ScriptedNode::Session::drain(Pings pings)
{
    for (;;) {
        std::array<std::uint8_t, 6> head{}; // the client's control frames: two bytes and the mask
        if (!read(reinterpret_cast<char*>(head.data()), head.size())) return;
        std::string payload(head[1] & 0x7FU, '\0');
        if (!read(payload.data(), payload.size())) return;
        for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(payload[i] ^ head[2 + i % 4]);
        if ((head[0] & 0x0FU) == 8) return;
        if ((head[0] & 0x0FU) == 9 && pings == Pings::answered) send_frame(payload, 0x8A);
    }
}

void ScriptedNode::Session::close()
{
    closed_ = true;
    ::shutdown(fd_, SHUT_RDWR);
}

ScriptedNode::ScriptedNode(Handler handler, const TestCertificate* certificate) : handler_(std::move(handler))
{
    std::signal(SIGPIPE, SIG_IGN); // SSL_write has no MSG_NOSIGNAL
    if (certificate) {
        tls_ = SSL_CTX_new(TLS_server_method());
        CHECK(SSL_CTX_use_certificate_file(tls_, certificate->certificate_file().c_str(), SSL_FILETYPE_PEM) == 1);
        CHECK(SSL_CTX_use_PrivateKey_file(tls_, certificate->key_file().c_str(), SSL_FILETYPE_PEM) == 1);
    }
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    CHECK(::listen(listener_, 128) == 0);
    socklen_t length = sizeof address;
    CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
}

ScriptedNode::~ScriptedNode()
{
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
        for (Session& session : sessions_) session.close();
    }
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (std::thread& thread : threads_) thread.join();
    for (const Session& session : sessions_) {
        if (session.tls_) SSL_free(session.tls_);
        ::close(session.fd_);
    }
    ::close(listener_);
    SSL_CTX_free(tls_);
}

std::string ScriptedNode::url() const
{
    return (tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port_);
}

std::vector<NodeRequest> ScriptedNode::requests() const
{
    const std::lock_guard lock(mutex_);
    return requests_;
}

void ScriptedNode::drop_all()
{
    const std::lock_guard lock(mutex_);
    for (Session& session : sessions_) session.close();
}

void ScriptedNode::accept_all()
{
    for (;;) {
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) return;
        const std::lock_guard lock(mutex_);
        if (ending_) {
            ::close(fd);
            return;
        }
        Session& session = sessions_.emplace_back();
        session.fd_ = fd;
        ++connections_;
        threads_.emplace_back([this, &session] {
            serve(session);
            session.close();
        });
    }
}

void ScriptedNode::serve(Session& session)
{
    if (tls_) {
        session.tls_ = SSL_new(tls_);
        SSL_set_fd(session.tls_, session.fd_);
        if (SSL_accept(session.tls_) != 1) return;
    }
    while (!session.closed_) {
        NodeRequest request;
        char c = 0;
        while (!request.head.ends_with("\r\n\r\n")) {
            if (request.head.size() > 65'536 || !session.read(&c, 1)) return;
            request.head += c;
        }
        const auto first = request.head.find(' ');
        request.method = request.head.substr(0, first);
        request.path = request.head.substr(first + 1, request.head.find(' ', first + 1) - first - 1);
        const std::string length = request.header("content-length");
        request.body.resize(length.empty() ? 0 : std::strtoul(length.c_str(), nullptr, 10));
        if (!session.read(request.body.data(), request.body.size())) return;
        {
            const std::lock_guard lock(mutex_);
            requests_.push_back(request);
        }
        handler_(session, request);
    }
}

} // namespace adit::payments::lightning
