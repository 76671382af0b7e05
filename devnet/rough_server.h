// devnet/rough_server.h - HTTP/1.1 for look-alikes, plain or over TLS: it can break off answers, stream them, become a
// websocket and go down and up again, which http::Server, being meant well, has no use for.
#pragma once

#include "base/loop.h"
#include "devnet/delivery.h"

#include <map>
#include <set>

struct ssl_ctx_st;

namespace adit::devnet {

/// Everything on the loop thread, or before run().
class RoughServer {
public:
    using Number = std::uint64_t; // of a connection
    /// A request is answered once, now or later, by one of deliver(), stream() and end(), or upgrade(); until then
    /// nothing more is read from its connection.
    using Handler = std::function<void(Number, http::Request)>;

    /// `host` is a numeric address or a name; `port` 0 is any free one. `tls` (null: plain) must outlive the server.
    /// Errors: bad_config (host), io (cannot bind).
    static Result<std::unique_ptr<RoughServer>> open(Loop& loop, const std::string& host, std::uint16_t port,
                                                     ssl_ctx_st* tls, Handler handler);
    /// Closes every connection. The loop must still be there, and not be running in another thread.
    ~RoughServer();
    RoughServer(const RoughServer&) = delete;
    RoughServer& operator=(const RoughServer&) = delete;

    std::uint16_t port() const { return port_; }
    bool is_open(Number number) const { return connections_.contains(number); }
    void deliver(Number number, const Outcome& outcome);
    /// One chunk of an answer without an end. The header goes out with the first.
    void stream(Number number, std::string_view chunk);
    /// The last chunk.
    void end(Number number);
    /// The request becomes a websocket, which is pinged every 10 s. `protocol`: the one agreed on; empty: none.
    void upgrade(Number number, std::string_view key, std::string_view protocol);
    void send_text(Number number, std::string_view text);
    /// Half a message, then the end.
    void send_torn(Number number, std::string_view text);
    void close(Number number);

    /// The port refuses connections and every connection is closed, as when a process ends. The port stays ours.
    void go_down();
    /// Listens again on the same port. Errors: io.
    Result<void> come_up();

    /// Runs `task` after `latency`, unless the server is gone by then.
    void later(Milliseconds latency, Loop::Task task);

private:
    struct Connection;

    RoughServer(Loop& loop, std::string host, std::uint16_t port, ssl_ctx_st* tls, Handler handler);
    void listen_to(int fd);
    void accept_all();
    void on_ready(Number number, Loop::Ready ready);
    void serve_requests(Number number);
    void serve_frames(Number number);
    void ping(Number number);
    Connection* find(Number number);
    /// False: the connection is closed now.
    bool read(Connection& connection);
    bool flush(Connection& connection);

    Loop& loop_;
    const std::string host_;
    const std::uint16_t port_;
    ssl_ctx_st* const tls_;
    const Handler handler_;
    int listener_ = -1;
    int placeholder_ = -1; // bound and not listening, while down: nobody else gets the port
    std::map<Number, std::unique_ptr<Connection>> connections_;
    std::set<Loop::TimerId> timers_;
    Number last_ = 0;
};

} // namespace adit::devnet
