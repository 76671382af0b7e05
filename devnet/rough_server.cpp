#include "devnet/rough_server.h"

#include "devnet/websocket_frames.h"
#include "http/listener.h"
#include "http/request_reader.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace adit::devnet {
namespace {

constexpr http::RequestReader::Limits kLimits{64 * 1024, 8 * 1024 * 1024};
constexpr int kBacklog = 1024;
constexpr Milliseconds kPingEvery{10'000};

std::string encode_head(const HttpAnswer& answer)
{
    std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " devnet\r\n";
    text += "Content-Type: " + std::string(answer.content_type) + "\r\n";
    for (const auto& [name, value] : answer.headers) {
        text += name;
        text += ": " + value + "\r\n";
    }
    return text;
}

std::string encode_answer(const HttpAnswer& answer, bool keep_alive)
{
    std::string text = encode_head(answer) + "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
    text += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
    return text + answer.body;
}

std::string encode_chunk(std::string_view chunk)
{
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string size;
    for (std::size_t rest = chunk.size(); rest > 0; rest /= 16) size.insert(size.begin(), kDigits[rest % 16]);
    return (size.empty() ? "0" : size) + "\r\n" + std::string(chunk) + "\r\n";
}

/// A socket bound beside the one that is going away.
int bind_again(int fd)
{
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return -1;
    ::close(fd);
    const int bound = ::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(bound, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(bound, reinterpret_cast<sockaddr*>(&address), length) == 0) return bound;
    ::close(bound);
    return -1;
}

} // namespace

struct RoughServer::Connection {
    enum class Mode { http, streaming, websocket };

    Connection(Number number_, int fd_, ssl_ctx_st* context) : number(number_), fd(fd_)
    {
        if (!context) return;
        tls = SSL_new(context);
        CHECK(tls);
        SSL_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        SSL_set_fd(tls, fd);
        SSL_set_accept_state(tls);
    }
    ~Connection()
    {
        if (tls) SSL_free(tls);
        ::close(fd);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    enum class Moved { some, nothing, ended };
    struct Transfer {
        Moved moved;
        std::size_t bytes = 0;
    };
    Transfer receive(std::span<char> into);
    Transfer transmit(std::string_view text);
    /// The header of an answer without an end, unless it is out already.
    void begin_stream();

    const Number number;
    const int fd;
    SSL* tls = nullptr;
    Mode mode = Mode::http;
    http::RequestReader reader{kLimits};
    FrameReader frames;
    std::string out;
    bool busy = false;       // a request is being answered, or never will be
    bool serving = false;    // serve_requests() is at work on it
    bool keep_alive = false; // after the answer
    bool closing = false;    // when `out` is written
    bool wants_write = false;
};

RoughServer::Connection::Transfer RoughServer::Connection::receive(std::span<char> into)
{
    if (!tls) {
        const ssize_t count = ::recv(fd, into.data(), into.size(), 0);
        if (count > 0) return {Moved::some, static_cast<std::size_t>(count)};
        return {count < 0 && (errno == EAGAIN || errno == EINTR) ? Moved::nothing : Moved::ended};
    }
    ERR_clear_error();
    const int count = SSL_read(tls, into.data(), static_cast<int>(into.size()));
    if (count > 0) return {Moved::some, static_cast<std::size_t>(count)};
    const int why = SSL_get_error(tls, count);
    return {why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? Moved::nothing : Moved::ended};
}

RoughServer::Connection::Transfer RoughServer::Connection::transmit(std::string_view text)
{
    if (!tls) {
        const ssize_t count = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
        if (count > 0) return {Moved::some, static_cast<std::size_t>(count)};
        return {count < 0 && (errno == EAGAIN || errno == EINTR) ? Moved::nothing : Moved::ended};
    }
    ERR_clear_error();
    const int count = SSL_write(tls, text.data(), static_cast<int>(text.size()));
    if (count > 0) return {Moved::some, static_cast<std::size_t>(count)};
    const int why = SSL_get_error(tls, count);
    return {why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? Moved::nothing : Moved::ended};
}

void RoughServer::Connection::begin_stream()
{
    if (mode == Mode::streaming) return;
    mode = Mode::streaming;
    out += encode_head({}) + "Transfer-Encoding: chunked\r\n\r\n";
}

Result<std::unique_ptr<RoughServer>> RoughServer::open(Loop& loop, const std::string& host, std::uint16_t port,
                                                       ssl_ctx_st* tls, Handler handler)
{
    const http::Listener listener = TRY(http::listen_on(host, port));
    std::unique_ptr<RoughServer> server(new RoughServer(loop, host, listener.port, tls, std::move(handler)));
    server->listen_to(listener.fd);
    return server;
}

RoughServer::RoughServer(Loop& loop, std::string host, std::uint16_t port, ssl_ctx_st* tls, Handler handler)
    : loop_(loop), host_(std::move(host)), port_(port), tls_(tls), handler_(std::move(handler))
{
}

RoughServer::~RoughServer()
{
    if (listener_ >= 0) {
        loop_.unwatch(listener_);
        ::close(listener_);
    }
    if (placeholder_ >= 0) ::close(placeholder_);
    while (!connections_.empty()) close(connections_.begin()->first);
    for (const Loop::TimerId timer : timers_) loop_.cancel(timer);
}

void RoughServer::listen_to(int fd)
{
    listener_ = fd;
    loop_.watch(listener_, Loop::Interest::read, [this](Loop::Ready) { accept_all(); });
}

void RoughServer::go_down()
{
    while (!connections_.empty()) close(connections_.begin()->first);
    if (listener_ < 0) return;
    loop_.unwatch(listener_);
    placeholder_ = bind_again(listener_);
    listener_ = -1;
}

Result<void> RoughServer::come_up()
{
    if (listener_ >= 0) return {};
    if (placeholder_ < 0) {
        listen_to(TRY(http::listen_on(host_, port_)).fd);
        return {};
    }
    if (::listen(placeholder_, kBacklog) != 0) return Error{Reason::io, std::strerror(errno)};
    listen_to(std::exchange(placeholder_, -1));
    return {};
}

void RoughServer::accept_all()
{
    for (;;) {
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return; // EAGAIN, or a client that has gone already
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        const Number number = ++last_;
        connections_.emplace(number, std::make_unique<Connection>(number, fd, tls_));
        loop_.watch(fd, Loop::Interest::read, [this, number](Loop::Ready ready) { on_ready(number, ready); });
    }
}

RoughServer::Connection* RoughServer::find(Number number)
{
    const auto found = connections_.find(number);
    return found == connections_.end() ? nullptr : found->second.get();
}

void RoughServer::on_ready(Number number, Loop::Ready ready)
{
    Connection* const connection = find(number);
    if (!connection) return;
    if (ready.writable && !flush(*connection)) return;
    if (ready.readable) {
        if (!read(*connection)) return;
    } else if (ready.hung_up) {
        return close(number);
    }
    if (connection->mode == Connection::Mode::websocket)
        serve_frames(number);
    else
        serve_requests(number);
}

bool RoughServer::read(Connection& connection)
{
    // TLS may hold bytes that no poll tells of, so all that is there is read.
    for (;;) {
        std::array<char, 65536> chunk{};
        const Connection::Transfer got = connection.receive(chunk);
        if (got.moved == Connection::Moved::nothing) return true;
        const std::string_view text(chunk.data(), got.bytes);
        if (connection.mode == Connection::Mode::websocket)
            connection.frames.feed(text);
        else if (got.moved == Connection::Moved::some)
            connection.reader.feed(text);
        if (got.moved == Connection::Moved::ended ||
            connection.reader.held() > kLimits.header_bytes + 2 * kLimits.body_bytes) {
            close(connection.number);
            return false;
        }
        if (!connection.tls) return true;
    }
}

void RoughServer::serve_requests(Number number)
{
    for (;;) {
        Connection* const connection = find(number);
        // A client may send many requests at once: they are a loop here, not a recursion through deliver().
        if (!connection || connection->serving || connection->busy || connection->closing) return;
        http::RequestReader& reader = connection->reader;
        if (reader.take_continue()) {
            connection->out += "HTTP/1.1 100 Continue\r\n\r\n";
            flush(*connection);
            return;
        }
        if (reader.state() == http::RequestReader::State::refused) {
            connection->busy = true;
            connection->keep_alive = false;
            return deliver(number, {Delivery::whole, {reader.refusal().status, R"({"detail":"not HTTP"})"}});
        }
        if (reader.state() != http::RequestReader::State::complete) return;
        connection->keep_alive = reader.keep_alive();
        connection->busy = true;
        connection->serving = true;
        handler_(number, reader.take());
        if (Connection* const still = find(number)) still->serving = false;
    }
}

void RoughServer::serve_frames(Number number)
{
    while (Connection* const connection = find(number)) {
        const auto frame = connection->frames.next();
        if (!frame) return close(number);
        if (!*frame) return;
        switch ((*frame)->kind) {
        case FrameKind::close:
            connection->out += encode_frame(FrameKind::close, (*frame)->payload);
            connection->closing = true;
            break;
        case FrameKind::ping:
            connection->out += encode_frame(FrameKind::pong, (*frame)->payload);
            break;
        case FrameKind::text: // no look-alike listens
        case FrameKind::binary:
        case FrameKind::pong:
            break;
        }
        if (!flush(*connection)) return;
    }
}

void RoughServer::deliver(Number number, const Outcome& outcome)
{
    Connection* const connection = find(number);
    if (!connection) return;
    const bool keep_alive = connection->keep_alive && outcome.delivery == Delivery::whole;
    switch (outcome.delivery) {
    case Delivery::dropped:
        return close(number);
    case Delivery::never:
        return; // stays busy until the client gives up
    case Delivery::cut: {
        const std::string whole = encode_answer(outcome.answer, keep_alive);
        connection->out += whole.substr(0, whole.size() - outcome.answer.body.size() / 2 - 1);
        break;
    }
    case Delivery::whole:
        connection->out += encode_answer(outcome.answer, keep_alive);
        break;
    }
    connection->busy = false;
    connection->closing = !keep_alive;
    if (flush(*connection)) serve_requests(number);
}

void RoughServer::stream(Number number, std::string_view chunk)
{
    Connection* const connection = find(number);
    if (!connection || connection->closing || chunk.empty()) return;
    connection->begin_stream();
    connection->out += encode_chunk(chunk);
    flush(*connection);
}

void RoughServer::end(Number number)
{
    Connection* const connection = find(number);
    if (!connection) return;
    if (connection->mode == Connection::Mode::http) return deliver(number, {});
    connection->out += encode_chunk({});
    connection->mode = Connection::Mode::http;
    connection->busy = false;
    connection->closing = !connection->keep_alive;
    if (flush(*connection)) serve_requests(number);
}

void RoughServer::upgrade(Number number, std::string_view key, std::string_view protocol)
{
    Connection* const connection = find(number);
    if (!connection) return;
    connection->mode = Connection::Mode::websocket;
    connection->out += "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    connection->out += "Sec-WebSocket-Accept: " + accept_of(key) + "\r\n";
    if (!protocol.empty()) connection->out += "Sec-WebSocket-Protocol: " + std::string(protocol) + "\r\n";
    connection->out += "\r\n";
    if (flush(*connection)) later(kPingEvery, [this, number] { ping(number); });
}

void RoughServer::send_text(Number number, std::string_view text)
{
    Connection* const connection = find(number);
    if (!connection || connection->closing) return;
    connection->out += encode_frame(FrameKind::text, text);
    flush(*connection);
}

void RoughServer::ping(Number number)
{
    Connection* const connection = find(number);
    if (!connection || connection->closing) return;
    connection->out += encode_frame(FrameKind::ping, {});
    if (flush(*connection)) later(kPingEvery, [this, number] { ping(number); });
}

void RoughServer::send_torn(Number number, std::string_view text)
{
    Connection* const connection = find(number);
    if (!connection || connection->closing) return;
    const bool frames = connection->mode == Connection::Mode::websocket;
    if (!frames) connection->begin_stream();
    const std::string whole = frames ? encode_frame(FrameKind::text, text) : encode_chunk(text);
    connection->out += whole.substr(0, whole.size() - text.size() / 2 - 1);
    connection->closing = true;
    flush(*connection);
}

bool RoughServer::flush(Connection& connection)
{
    while (!connection.out.empty()) {
        const Connection::Transfer sent = connection.transmit(connection.out);
        if (sent.moved == Connection::Moved::nothing) break;
        if (sent.moved == Connection::Moved::ended) {
            close(connection.number);
            return false;
        }
        connection.out.erase(0, sent.bytes);
    }
    if (connection.out.empty() && connection.closing) {
        if (connection.tls) SSL_shutdown(connection.tls);
        close(connection.number);
        return false;
    }
    const bool wants_write = !connection.out.empty();
    if (wants_write != connection.wants_write) {
        connection.wants_write = wants_write;
        loop_.change_interest(connection.fd, wants_write ? Loop::Interest::read_write : Loop::Interest::read);
    }
    return true;
}

void RoughServer::close(Number number)
{
    const auto found = connections_.find(number);
    if (found == connections_.end()) return;
    loop_.unwatch(found->second->fd);
    connections_.erase(found);
}

void RoughServer::later(Milliseconds latency, Loop::Task task)
{
    const auto id = std::make_shared<Loop::TimerId>(); // shared by this call and the task, which must know its own id
    *id = loop_.after(latency, [this, id, task = std::move(task)] {
        timers_.erase(*id);
        task();
    });
    timers_.insert(*id);
}

} // namespace adit::devnet
