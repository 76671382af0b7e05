#include "scripted_relay.h"

#include "base/bytes.h"
#include "base/check.h"

#include <algorithm>
#include <array>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace adit::nostr {

namespace {

std::string header(const std::string& request, const std::string& name)
{
    std::string lower(request);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
    const auto at = lower.find("\r\n" + name + ":");
    if (at == std::string::npos) return {};
    auto begin = at + name.size() + 3;
    while (begin < request.size() && request[begin] == ' ') ++begin;
    return request.substr(begin, request.find("\r\n", begin) - begin);
}

std::string accept_key(const std::string& key)
{
    const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    ByteArray<SHA_DIGEST_LENGTH> digest{};
    SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    return encode_base64(digest);
}

} // namespace

bool ScriptedRelay::Session::read(char* out, std::size_t length)
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

void ScriptedRelay::Session::send_raw(const std::string& bytes)
{
    std::size_t sent = 0;
    while (sent < bytes.size() && !closed_) {
        const auto left = bytes.size() - sent;
        const auto count = tls_ ? SSL_write(tls_, bytes.data() + sent, static_cast<int>(left))
                                : static_cast<int>(::send(fd_, bytes.data() + sent, left, MSG_NOSIGNAL));
        if (count <= 0) return;
        sent += static_cast<std::size_t>(count);
    }
}

void ScriptedRelay::Session::send_frame(std::uint8_t first_byte, std::uint64_t declared, const std::string& payload)
{
    std::string frame(1, static_cast<char>(first_byte));
    if (declared < 126) {
        frame += static_cast<char>(declared);
    } else if (declared < 65536) {
        frame += static_cast<char>(126);
        frame += static_cast<char>(declared >> 8U);
        frame += static_cast<char>(declared & 0xFFU);
    } else {
        frame += static_cast<char>(127);
        for (unsigned shift = 64; shift > 0; shift -= 8) frame += static_cast<char>((declared >> (shift - 8)) & 0xFFU);
    }
    send_raw(frame + payload);
}

void ScriptedRelay::Session::send(const std::string& text) { send_frame(0x81, text.size(), text); }

void ScriptedRelay::Session::close()
{
    closed_ = true;
    ::shutdown(fd_, SHUT_RDWR);
}

ScriptedRelay::ScriptedRelay(Script script) : script_(std::move(script))
{
    if (script_.certificate) {
        tls_ = SSL_CTX_new(TLS_server_method());
        CHECK(SSL_CTX_use_certificate_file(tls_, script_.certificate->certificate_file().c_str(), SSL_FILETYPE_PEM) ==
              1);
        CHECK(SSL_CTX_use_PrivateKey_file(tls_, script_.certificate->key_file().c_str(), SSL_FILETYPE_PEM) == 1);
    }
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    CHECK(::listen(listener_, 16) == 0);
    socklen_t length = sizeof address;
    CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
}

ScriptedRelay::~ScriptedRelay()
{
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
        for (const auto& session : sessions_) ::shutdown(session->fd_, SHUT_RDWR);
    }
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (auto& thread : threads_) thread.join();
    for (const auto& session : sessions_) {
        if (session->tls_) SSL_free(session->tls_);
        ::close(session->fd_);
    }
    ::close(listener_);
    SSL_CTX_free(tls_);
}

std::string ScriptedRelay::last_host() const
{
    const std::lock_guard lock(mutex_);
    return last_host_;
}

std::string ScriptedRelay::last_sni() const
{
    const std::lock_guard lock(mutex_);
    return last_sni_;
}

void ScriptedRelay::accept_all()
{
    for (;;) {
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) return;
        const std::lock_guard lock(mutex_);
        if (ending_) {
            ::close(fd);
            return;
        }
        sessions_.push_back(std::make_unique<Session>());
        Session& session = *sessions_.back();
        session.fd_ = fd;
        session.number_ = ++connections_;
        threads_.emplace_back([this, &session] {
            serve(session);
            ::shutdown(session.fd_, SHUT_RDWR);
        });
    }
}

void ScriptedRelay::serve(Session& session)
{
    if (tls_) {
        session.tls_ = SSL_new(tls_);
        SSL_set_fd(session.tls_, session.fd_);
        const bool accepted = SSL_accept(session.tls_) == 1;
        const char* const sni = SSL_get_servername(session.tls_, TLSEXT_NAMETYPE_host_name);
        const std::lock_guard lock(mutex_);
        if (sni) last_sni_ = sni;
        if (!accepted) return;
    }
    if (!shake_hands(session)) return;
    if (script_.on_open) script_.on_open(session);
    read_frames(session);
}

bool ScriptedRelay::shake_hands(Session& session)
{
    std::string request;
    char c = 0;
    while (!request.ends_with("\r\n\r\n")) {
        if (request.size() > 8192 || !session.read(&c, 1)) return false;
        request += c;
    }
    {
        const std::lock_guard lock(mutex_);
        last_host_ = header(request, "host");
    }
    std::string accept = accept_key(header(request, "sec-websocket-key"));
    switch (script_.handshake) {
    case Handshake::proper:
        break;
    case Handshake::never:
        while (session.read(&c, 1)) {
        }
        return false;
    case Handshake::garbage:
        session.send_raw(std::string(3000, '\x03'));
        while (session.read(&c, 1)) {
        }
        return false;
    case Handshake::close:
        return false;
    case Handshake::wrong_accept:
        accept = accept_key("another");
        break;
    case Handshake::redirect:
        session.send_raw("HTTP/1.1 302 Found\r\nLocation: " + script_.redirect_to + "\r\nContent-Length: 0\r\n\r\n");
        return false;
    case Handshake::http_error:
        session.send_raw("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
        return false;
    }
    session.send_raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: " +
                     accept + "\r\n\r\n");
    return true;
}

void ScriptedRelay::read_frames(Session& session)
{
    std::string text;
    for (;;) {
        std::array<std::uint8_t, 2> head{};
        if (!session.read(reinterpret_cast<char*>(head.data()), head.size())) return;
        std::uint64_t length = head[1] & 0x7FU;
        const unsigned extra = length == 126 ? 2 : length == 127 ? 8 : 0;
        if (extra > 0) length = 0;
        for (unsigned i = 0; i < extra; ++i) {
            char byte = 0;
            if (!session.read(&byte, 1)) return;
            length = length << 8U | static_cast<std::uint8_t>(byte);
        }
        std::array<char, 4> mask{};
        if ((head[1] & 0x80U) != 0 && !session.read(mask.data(), mask.size())) return;
        std::string payload(length, '\0');
        if (!session.read(payload.data(), payload.size())) return;
        for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(payload[i] ^ mask[i % 4]);
        const unsigned opcode = head[0] & 0x0FU;
        if (opcode == 8) return;
        if (opcode == 9) session.send_frame(0x8A, payload.size(), payload);
        if (opcode > 2) continue;
        text += payload;
        if ((head[0] & 0x80U) == 0) continue;
        if (script_.on_text) script_.on_text(session, text);
        text.clear();
    }
}

std::function<void(ScriptedRelay::Session&, const std::string&)> honest(std::vector<std::string> stored)
{
    return [stored = std::move(stored)](ScriptedRelay::Session& session, const std::string& text) {
        const auto message = nlohmann::json::parse(text);
        if (message.at(0) == "EVENT") {
            session.send(nlohmann::json{"OK", message.at(1).at("id"), true, ""}.dump());
        } else if (message.at(0) == "REQ") {
            const std::string id = message.at(1);
            for (const auto& event : stored) session.send("[\"EVENT\",\"" + id + "\"," + event + "]");
            session.send(nlohmann::json{"EOSE", id}.dump());
        }
    };
}

} // namespace adit::nostr
