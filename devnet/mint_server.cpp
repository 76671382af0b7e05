#include "devnet/mint_server.h"

#include "http/request_reader.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace adit::devnet {
namespace {

constexpr http::RequestReader::Limits kLimits{64 * 1024, 8 * 1024 * 1024};

std::string encode_response(const Outcome& outcome, bool keep_alive)
{
    std::string text = "HTTP/1.1 " + std::to_string(outcome.answer.status) + " devnet\r\n";
    text += "Content-Type: " + std::string(outcome.content_type) + "\r\n";
    text += "Content-Length: " + std::to_string(outcome.answer.body.size()) + "\r\n";
    text += "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: Content-Type\r\n";
    text += "Access-Control-Allow-Methods: GET, POST, OPTIONS\r\n";
    text += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
    return text + outcome.answer.body;
}

/// A listening socket and its port. Errors: bad_config, io.
Result<std::pair<int, std::uint16_t>> listen_on(const std::string& host, std::uint16_t port)
{
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0)
        return Error{Reason::bad_config, host + " is not an address"};
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> held(found, ::freeaddrinfo);
    const int fd = ::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return Error{Reason::io, std::strerror(errno)};
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    if (::bind(fd, found->ai_addr, found->ai_addrlen) != 0 || ::listen(fd, SOMAXCONN) != 0 ||
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
        const Error error{Reason::io, host + ":" + std::to_string(port) + ": " + std::strerror(errno)};
        ::close(fd);
        return error;
    }
    const in_port_t bound = address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
                                                          : reinterpret_cast<sockaddr_in*>(&address)->sin_port;
    return std::pair(fd, ntohs(bound));
}

} // namespace

struct MintServer::Connection {
    Number number;
    int fd;
    http::RequestReader reader{kLimits};
    std::string out;
    bool busy = false;       // a request is being answered, or never will be
    bool serving = false;    // serve_requests() is at work on it
    bool keep_alive = false; // after the answer
    bool closing = false;    // when `out` is written
    bool wants_write = false;
};

Result<std::unique_ptr<MintServer>> MintServer::open(Loop& loop, FaultyMint& mint, const std::string& host,
                                                     std::uint16_t port)
{
    const auto [fd, bound] = TRY(listen_on(host, port));
    return std::unique_ptr<MintServer>(new MintServer(loop, mint, fd, bound));
}

MintServer::MintServer(Loop& loop, FaultyMint& mint, int listener, std::uint16_t port)
    : loop_(loop), mint_(mint), listener_(listener), port_(port)
{
    loop_.watch(listener_, Loop::Interest::read, [this](Loop::Ready) { accept_all(); });
}

MintServer::~MintServer()
{
    loop_.unwatch(listener_);
    ::close(listener_);
    while (!connections_.empty()) close(connections_.begin()->first);
    for (const Loop::TimerId timer : timers_) loop_.cancel(timer);
}

std::map<std::string, std::uint64_t> MintServer::requests() const
{
    const std::lock_guard lock(mutex_);
    return requests_;
}

void MintServer::accept_all()
{
    for (;;) {
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return; // EAGAIN, or a client that has gone already
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        const Number number = ++last_;
        auto connection = std::make_unique<Connection>();
        connection->number = number;
        connection->fd = fd;
        connections_.emplace(number, std::move(connection));
        loop_.watch(fd, Loop::Interest::read, [this, number](Loop::Ready ready) { on_ready(number, ready); });
    }
}

void MintServer::on_ready(Number number, Loop::Ready ready)
{
    const auto found = connections_.find(number);
    if (found == connections_.end()) return;
    Connection& connection = *found->second;
    if (ready.writable && !flush(connection)) return;
    if (ready.readable) {
        std::array<char, 65536> chunk{};
        const ssize_t count = ::recv(connection.fd, chunk.data(), chunk.size(), 0);
        if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) return close(number);
        if (count > 0) connection.reader.feed({chunk.data(), static_cast<std::size_t>(count)});
        if (connection.reader.held() > kLimits.header_bytes + 2 * kLimits.body_bytes) return close(number);
    } else if (ready.hung_up) {
        return close(number);
    }
    serve_requests(number);
}

void MintServer::serve_requests(Number number)
{
    for (;;) {
        const auto found = connections_.find(number);
        if (found == connections_.end()) return;
        Connection& connection = *found->second;
        // A client may send many requests at once: they are a loop here, not a recursion through deliver().
        if (connection.serving || connection.busy || connection.closing) return;
        http::RequestReader& reader = connection.reader;
        if (reader.take_continue()) {
            connection.out += "HTTP/1.1 100 Continue\r\n\r\n";
            flush(connection);
            return;
        }
        if (reader.state() == http::RequestReader::State::refused) {
            connection.busy = true;
            connection.keep_alive = false;
            return deliver(number, {Delivery::whole, {reader.refusal().status, R"({"detail":"not HTTP"})"}});
        }
        if (reader.state() != http::RequestReader::State::complete) return;
        connection.keep_alive = reader.keep_alive();
        connection.busy = true;
        connection.serving = true;
        begin(number, reader.take());
        if (const auto still = connections_.find(number); still != connections_.end()) still->second->serving = false;
    }
}

void MintServer::begin(Number number, http::Request request)
{
    if (request.method == "OPTIONS") return deliver(number, {Delivery::whole, {204, ""}});
    {
        const std::lock_guard lock(mutex_);
        ++requests_[std::string(mint_endpoint(request.path))];
    }
    const auto fault = mint_.strike(request.path);
    const auto serve = [this, fault, request = std::move(request)] {
        return mint_.serve(fault, request.method, request.path, request.body);
    };
    if (!fault || fault->latency.count() == 0) return deliver(number, serve());
    if (fault->moment == FaultMoment::after)
        return later(fault->latency, [this, number, outcome = serve()] { deliver(number, outcome); });
    // The request is on its way: a client that gives up meanwhile does not call it back.
    later(fault->latency, [this, number, serve] { deliver(number, serve()); });
}

void MintServer::deliver(Number number, const Outcome& outcome)
{
    const auto found = connections_.find(number);
    if (found == connections_.end()) return;
    Connection& connection = *found->second;
    const bool keep_alive = connection.keep_alive && outcome.delivery == Delivery::whole;
    switch (outcome.delivery) {
    case Delivery::dropped:
        return close(number);
    case Delivery::never:
        return; // stays busy until the client gives up
    case Delivery::cut: {
        const std::string whole = encode_response(outcome, keep_alive);
        connection.out += whole.substr(0, whole.size() - outcome.answer.body.size() / 2 - 1);
        break;
    }
    case Delivery::whole:
        connection.out += encode_response(outcome, keep_alive);
        break;
    }
    connection.busy = false;
    connection.closing = !keep_alive;
    if (flush(connection)) serve_requests(number);
}

bool MintServer::flush(Connection& connection)
{
    while (!connection.out.empty()) {
        const ssize_t count = ::send(connection.fd, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno == EAGAIN) break;
        if (count < 0) {
            close(connection.number);
            return false;
        }
        connection.out.erase(0, static_cast<std::size_t>(count));
    }
    if (connection.out.empty() && connection.closing) {
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

void MintServer::close(Number number)
{
    const auto found = connections_.find(number);
    if (found == connections_.end()) return;
    loop_.unwatch(found->second->fd);
    ::close(found->second->fd);
    connections_.erase(found);
}

void MintServer::later(Milliseconds latency, Loop::Task task)
{
    const auto id = std::make_shared<Loop::TimerId>(); // shared by this call and the task, which must know its own id
    *id = loop_.after(latency, [this, id, task = std::move(task)] {
        timers_.erase(*id);
        task();
    });
    timers_.insert(*id);
}

} // namespace adit::devnet
