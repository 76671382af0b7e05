#include "http/server.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/connection.h"
#include "http/listener.h"

#include <array>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <set>
#include <sys/socket.h>
#include <unistd.h>
#include <unordered_map>

namespace adit::http {

namespace {

constexpr std::size_t kReadBytes = std::size_t{32} * 1024;
constexpr int kAcceptsAtOnce = 64;
constexpr Milliseconds kAcceptPause{100};

Response refusal_response(const RequestReader::Refusal& refusal)
{
    return error_response(refusal.status, refusal.reason, refusal.message);
}

Response busy_response()
{
    Response response = error_response(503, "busy", "too many connections now; try again");
    response.headers.emplace_back("Retry-After", "2");
    return response;
}

} // namespace

class Server::Core : public std::enable_shared_from_this<Server::Core> {
public:
    Core(Loop& loop, const ServerOptions& options, Networks trusted, Router router, Listener listener)
        : loop_(loop), limits_(options.limits), cors_(options.cors), trusted_(std::move(trusted)),
          router_(std::move(router)), listener_(listener)
    {
        loop_.watch(listener_.fd, Loop::Interest::read, [this](Loop::Ready) { on_accept(); });
    }
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;
    ~Core()
    {
        stop_accepting();
        while (!connections_.empty()) close(*connections_.begin()->second);
    }

    std::uint16_t port() const { return listener_.port; }

    void stop_accepting()
    {
        loop_.cancel(accept_pause_);
        if (listener_.fd < 0) return;
        loop_.unwatch(listener_.fd);
        ::close(listener_.fd);
        listener_.fd = -1;
        std::vector<Connection*> idle;
        for (const auto& [id, connection] : connections_)
            if (connection->phase == Phase::reading && !connection->reader.begun()) idle.push_back(connection.get());
        for (Connection* const connection : idle) close(*connection);
    }

    ServerStats stats() const
    {
        ServerStats stats = stats_;
        stats.connections = connections_.size();
        stats.buffered_bytes = buffered_;
        return stats;
    }

private:
    void on_accept();
    void add(int fd, const Address& peer);
    bool has_place(const Address& peer);
    void refuse_at_the_door(int fd);
    void on_ready(Connection& connection, Loop::Ready ready);
    void on_readable(Connection& connection);
    void discard(Connection& connection, std::size_t count);
    void advance(Connection& connection);
    void send_continue(Connection& connection);
    void dispatch(Connection& connection);
    void answer(std::uint64_t id, const Response& response);
    void refuse(Connection& connection, const Response& response);
    void start_writing(Connection& connection, const Response& response);
    void write(Connection& connection);
    void after_writing(Connection& connection);
    void enter(Connection& connection, Phase phase);
    void count_waiting(Connection& connection);
    bool count_bytes(Connection& connection);
    bool shed_oldest(const Connection* other_than, bool only_holders);
    void set_timer(Connection& connection);
    void on_timer(Connection& connection);
    void close(Connection& connection);

    static SteadyTime now() { return system_clock().steady(); }

    Loop& loop_;
    const Limits limits_;
    const Cors cors_;
    const Networks trusted_;
    const Router router_;
    Listener listener_;
    Loop::TimerId accept_pause_ = 0;
    std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
    std::unordered_map<std::string, std::size_t> per_source_;
    std::set<std::pair<SteadyTime, std::uint64_t>> waiting_; // without a complete request, and since when
    std::uint64_t last_id_ = 0;
    std::size_t buffered_ = 0;
    bool warned_of_proxy_ = false;
    ServerStats stats_;
};

// ---- Coming and going -------------------------------------------------------------------------------------------

void Server::Core::on_accept()
{
    for (int i = 0; i < kAcceptsAtOnce; ++i) {
        sockaddr_storage name{};
        socklen_t length = sizeof name;
        const int fd =
            ::accept4(listener_.fd, reinterpret_cast<sockaddr*>(&name), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED) continue;
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                // The listening socket stays readable: without a pause the loop would spin.
                shed_oldest(nullptr, false);
                loop_.change_interest(listener_.fd, Loop::Interest::none);
                accept_pause_ =
                    loop_.after(kAcceptPause, [this] { loop_.change_interest(listener_.fd, Loop::Interest::read); });
            }
            return;
        }
        const auto peer = address_of(reinterpret_cast<const sockaddr&>(name));
        if (!peer || !has_place(*peer)) {
            refuse_at_the_door(fd);
            continue;
        }
        add(fd, *peer);
    }
}

bool Server::Core::has_place(const Address& peer)
{
    if (!trusted_.contains(peer)) {
        const auto found = per_source_.find(source_text(peer));
        if (found != per_source_.end() && found->second >= limits_.connections_per_source) return false;
    }
    return connections_.size() < limits_.connections || shed_oldest(nullptr, false);
}

void Server::Core::refuse_at_the_door(int fd)
{
    ++stats_.refused;
    const std::string text = response_text(busy_response(), Persistence::close, Content::sent, cors_);
    // As much as fits at once; nothing is kept for a client that has no place.
    [[maybe_unused]] const auto sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    ::close(fd);
}

void Server::Core::add(int fd, const Address& peer)
{
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const std::uint64_t id = ++last_id_;
    auto made = std::make_unique<Connection>(id, fd, peer, limits_);
    Connection& connection = *made;
    connection.proxied = trusted_.contains(peer);
    if (!connection.proxied) {
        connection.counted_as = source_text(peer);
        ++per_source_[connection.counted_as];
    }
    connections_.emplace(id, std::move(made));
    ++stats_.accepted;
    loop_.watch(fd, Loop::Interest::read, [this, &connection](Loop::Ready ready) { on_ready(connection, ready); });
    connection.begin_wait(now());
    enter(connection, Phase::reading);
}

void Server::Core::close(Connection& connection)
{
    loop_.unwatch(connection.fd);
    loop_.cancel(connection.timer);
    ::close(connection.fd);
    if (connection.waits) waiting_.erase({connection.waiting_since, connection.id});
    buffered_ -= connection.counted_bytes;
    if (!connection.counted_as.empty()) {
        const auto found = per_source_.find(connection.counted_as);
        if (--found->second == 0) per_source_.erase(found);
    }
    connections_.erase(connection.id); // the connection is gone from here on
}

/// False when nobody can be asked to leave. `only_holders`: who holds no bytes would make no room.
bool Server::Core::shed_oldest(const Connection* other_than, bool only_holders)
{
    for (const auto& [since, id] : waiting_) {
        Connection& oldest = *connections_.at(id);
        if (&oldest == other_than) return false; // it is the one that should go
        if (only_holders && oldest.counted_bytes == 0) continue;
        ++stats_.shed;
        close(oldest);
        return true;
    }
    return false;
}

/// Counts what the connection holds, making room by closing older ones. False: there is none for this one.
bool Server::Core::count_bytes(Connection& connection)
{
    const std::size_t held = connection.held();
    buffered_ = buffered_ - connection.counted_bytes + held;
    connection.counted_bytes = held;
    while (buffered_ > limits_.buffered_bytes)
        if (!shed_oldest(&connection, true)) return false;
    return true;
}

void Server::Core::enter(Connection& connection, Phase phase)
{
    connection.phase = phase;
    count_waiting(connection);
    const Loop::Interest interest = interest_in(phase);
    if (connection.interest != interest) loop_.change_interest(connection.fd, interest);
    connection.interest = interest;
    set_timer(connection);
}

void Server::Core::count_waiting(Connection& connection)
{
    const bool waits = connection.phase == Phase::reading || connection.phase == Phase::lingering;
    if (waits && connection.waits && connection.waiting_since == connection.begun) return;
    if (connection.waits) waiting_.erase({connection.waiting_since, connection.id});
    if (waits) waiting_.emplace(connection.begun, connection.id);
    connection.waits = waits;
    connection.waiting_since = connection.begun;
}

// ---- Time -------------------------------------------------------------------------------------------------------

/// One timer for each connection, moved only when it would be late: most bytes only make it early.
void Server::Core::set_timer(Connection& connection)
{
    const auto deadline = connection.deadline(limits_);
    if (!deadline) return;
    if (connection.timer != 0 && connection.timer_at <= *deadline) return;
    loop_.cancel(connection.timer);
    connection.timer_at = *deadline;
    const auto wait = std::chrono::ceil<Milliseconds>(*deadline - now());
    connection.timer = loop_.after(wait, [this, &connection] { on_timer(connection); });
}

void Server::Core::on_timer(Connection& connection)
{
    connection.timer = 0;
    const auto deadline = connection.deadline(limits_);
    if (!deadline) return; // in its handler's hands
    if (now() >= *deadline) {
        close(connection);
        return;
    }
    set_timer(connection);
}

// ---- Reading ----------------------------------------------------------------------------------------------------

void Server::Core::on_ready(Connection& connection, Loop::Ready ready)
{
    // A reset. What was sent before it may still be read, but there is nobody left to answer.
    if (ready.hung_up && !ready.readable) {
        close(connection);
        return;
    }
    if (ready.readable)
        on_readable(connection);
    else if (ready.writable)
        write(connection);
}

void Server::Core::on_readable(Connection& connection)
{
    std::array<char, kReadBytes> block; // NOLINT(cppcoreguidelines-pro-type-member-init): filled by recv
    const ssize_t got = ::recv(connection.fd, block.data(), block.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        close(connection);
        return;
    }
    const auto count = static_cast<std::size_t>(got);
    if (connection.phase == Phase::lingering) {
        discard(connection, count);
        return;
    }
    const SteadyTime at = now();
    if (!connection.reader.begun()) connection.begin_request(at);
    connection.progress = at;
    connection.request_bytes += count;
    connection.reader.feed({block.data(), count});
    if (!count_bytes(connection)) {
        ++stats_.shed;
        refuse(connection, busy_response());
        return;
    }
    advance(connection);
}

void Server::Core::discard(Connection& connection, std::size_t count)
{
    connection.request_bytes += count;
    if (connection.request_bytes > limits_.hard_bytes) close(connection);
}

/// After bytes came or an answer went: what the reader has now.
void Server::Core::advance(Connection& connection)
{
    switch (connection.reader.state()) {
    case RequestReader::State::header:
    case RequestReader::State::body:
        enter(connection, Phase::reading);
        if (connection.reader.take_continue()) send_continue(connection);
        return;
    case RequestReader::State::complete:
        dispatch(connection);
        return;
    case RequestReader::State::refused:
        refuse(connection, refusal_response(connection.reader.refusal()));
        return;
    }
}

void Server::Core::send_continue(Connection& connection)
{
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    const ssize_t sent = ::send(connection.fd, kContinue.data(), kContinue.size(), MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(kContinue.size())) close(connection);
}

// ---- Answering --------------------------------------------------------------------------------------------------

void Server::Core::dispatch(Connection& connection)
{
    ++stats_.requests;
    Request request = connection.take_request();
    enter(connection, Phase::handling);
    count_bytes(connection); // it was counted while it came; it may stay now
    if (request.method == "OPTIONS") {
        start_writing(connection, {204});
        return;
    }
    Router::Match match = router_.find(request.method, request.path);
    switch (match.outcome) {
    case Router::Outcome::found:
        break;
    case Router::Outcome::not_found:
        ++stats_.refused;
        start_writing(connection, error_response(404, "not-found", "there is nothing at this path"));
        return;
    case Router::Outcome::method_not_allowed: {
        ++stats_.refused;
        Response response = error_response(405, "method-not-allowed", "this path takes " + match.allow);
        response.headers.emplace_back("Allow", match.allow);
        start_writing(connection, response);
        return;
    }
    case Router::Outcome::bad_encoding:
        ++stats_.refused;
        start_writing(connection, error_response(400, "bad-request", "the path is malformed"));
        return;
    }
    if (request.header("x-forwarded-for"))
        ++(trusted_.contains(connection.peer) ? stats_.forwarded_trusted : stats_.forwarded_untrusted);
    Source source = source_of(request, connection.peer, trusted_);
    if (source.warning == Source::Warning::untrusted_private_proxy && !warned_of_proxy_) {
        warned_of_proxy_ = true;
        log_warn("untrusted_proxy",
                 {{"hint", "a private peer sends X-Forwarded-For; if it is your proxy, name it in trusted_proxies"}});
    }
    request.source = std::move(source.text);
    request.parameters = std::move(match.parameters);
    // The loop outlives every responder, the core need not: it is looked at on the loop thread only.
    const Responder responder([&loop = loop_, core = weak_from_this(), id = connection.id](Response response) {
        loop.post([core, id, answer = std::make_shared<Response>(std::move(response))] {
            if (const auto alive = core.lock()) alive->answer(id, *answer);
        });
    });
    (*match.handler)(std::move(request), responder);
}

void Server::Core::answer(std::uint64_t id, const Response& response)
{
    const auto found = connections_.find(id);
    if (found == connections_.end()) return; // the client has gone
    CHECK(found->second->phase == Phase::handling);
    start_writing(*found->second, response);
}

/// Answers what will not be read any further.
void Server::Core::refuse(Connection& connection, const Response& response)
{
    ++stats_.refused;
    connection.refused = true;
    connection.head = false;
    connection.reader.drop();
    start_writing(connection, response);
}

void Server::Core::start_writing(Connection& connection, const Response& response)
{
    const bool last = connection.refused || !connection.persistent || listener_.fd < 0;
    connection.last = last;
    connection.out = response_text(response,
                                   last                  ? Persistence::close
                                   : connection.http_1_0 ? Persistence::keep_alive_1_0
                                                         : Persistence::keep_alive,
                                   connection.head ? Content::left_out : Content::sent, cors_);
    connection.out_sent = 0;
    connection.handled_bytes = 0;
    connection.begun = connection.progress = now();
    connection.phase = Phase::writing;
    count_waiting(connection);
    count_bytes(connection); // an answer is never thrown away for want of room: others have gone for it
    write(connection);
}

void Server::Core::write(Connection& connection)
{
    while (connection.out_sent < connection.out.size()) {
        const ssize_t sent = ::send(connection.fd, connection.out.data() + connection.out_sent,
                                    connection.out.size() - connection.out_sent, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN || errno == EWOULDBLOCK)
                enter(connection, Phase::writing);
            else
                close(connection);
            return;
        }
        connection.out_sent += static_cast<std::size_t>(sent);
        connection.progress = now();
    }
    after_writing(connection);
}

void Server::Core::after_writing(Connection& connection)
{
    std::string().swap(connection.out);
    if (connection.last) {
        // Closing with unread bytes resets the connection, and the answer may be lost with it: let the client read.
        ::shutdown(connection.fd, SHUT_WR);
        connection.begun = now();
        enter(connection, Phase::lingering);
        count_bytes(connection);
        return;
    }
    const SteadyTime at = now();
    connection.begin_wait(at);
    count_bytes(connection);
    const RequestReader::State state = connection.reader.state();
    if (connection.reader.begun()) connection.begin_request(at);
    if (state == RequestReader::State::header || state == RequestReader::State::body) {
        advance(connection);
        return;
    }
    // The next request is here already. Another round of the loop, so that a pipeline of a thousand does not recurse.
    enter(connection, Phase::handling);
    loop_.post([core = weak_from_this(), id = connection.id] {
        const auto alive = core.lock();
        if (!alive) return;
        const auto found = alive->connections_.find(id);
        if (found != alive->connections_.end()) alive->advance(*found->second);
    });
}

// ---- The handle -------------------------------------------------------------------------------------------------

Result<std::unique_ptr<Server>> Server::open(Loop& loop, const ServerOptions& options, Router router)
{
    Networks trusted = TRY(Networks::parse(options.trusted_proxies));
    const Listener listener = TRY(listen_on(options.host, options.port));
    return std::unique_ptr<Server>(
        new Server(std::make_shared<Core>(loop, options, std::move(trusted), std::move(router), listener)));
}

Server::Server(std::shared_ptr<Core> core) : core_(std::move(core)) {}
Server::~Server() = default;
std::uint16_t Server::port() const { return core_->port(); }
void Server::stop_accepting() { core_->stop_accepting(); }
ServerStats Server::stats() const { return core_->stats(); }

} // namespace adit::http
