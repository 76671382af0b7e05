// http/server.h - the listening side: connections, limits, CORS, and requests to their handlers.
#pragma once

#include "base/loop.h"
#include "base/result.h"
#include "http/router.h"

namespace adit::http {

struct Limits {
    std::size_t header_bytes = std::size_t{256} * 1024; // request line and headers; 431 above
    std::size_t hard_bytes = std::size_t{512} * 1024;   // what is read of a refused request before a plain close
    std::size_t body_bytes = std::size_t{16} * 1024;    // 413 above
    std::size_t connections = 2048;                     // in all
    std::size_t connections_per_source = 64;            // trusted proxies are exempt
    std::size_t buffered_bytes = std::size_t{16} * 1024 * 1024; // requests and answers in memory, in all
    Milliseconds progress_timeout{10'000};                      // no byte either way while one is due
    Milliseconds request_timeout{30'000};                       // first byte to last of a request, or of an answer
    Milliseconds idle_timeout{30'000};                          // between requests
    Milliseconds proxy_idle_timeout{150'000}; // the same from a trusted proxy: longer than Caddy keeps one (120 s)
    Milliseconds linger{2'000};               // a refused client may still read why
};

struct ServerOptions {
    std::string host = "127.0.0.1"; // an address or a name of this machine; "::" is IPv4 too
    std::uint16_t port = 0;         // 0: any free one
    std::vector<std::string> trusted_proxies = {"127.0.0.0/8", "::1"}; // addresses or networks
    Limits limits = {};
    Cors cors = Cors::everybody;
};

struct ServerStats {
    std::size_t connections = 0;
    std::size_t buffered_bytes = 0;
    std::uint64_t accepted = 0;
    std::uint64_t requests = 0;
    std::uint64_t shed = 0;                // closed to make room
    std::uint64_t refused = 0;             // answered by the server itself: 400, 404, 405, 413, 431, 503
    std::uint64_t forwarded_trusted = 0;   // handled requests with X-Forwarded-For, of a trusted proxy
    std::uint64_t forwarded_untrusted = 0; // and of anybody else, to whom it is not believed
};

/// Everything on the loop thread, or before run(); Responders alone may be used anywhere, and may outlive the server
/// but not the loop. Near a limit the connection that has been without a complete request for longest is closed first,
/// so that stalled sockets do not keep an honest buyer out.
class Server {
public:
    /// Listens at once. Errors: bad_config (host or proxies not understood), io (cannot bind).
    static Result<std::unique_ptr<Server>> open(Loop& loop, const ServerOptions& options, Router router);
    /// Closes every connection, whatever state it is in.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    std::uint16_t port() const;
    /// Stops listening; requests under way are answered, with Connection: close.
    void stop_accepting();
    ServerStats stats() const;

private:
    class Core;
    explicit Server(std::shared_ptr<Core> core);
    std::shared_ptr<Core> core_; // shared, weakly, with answers on their way from other threads
};

} // namespace adit::http
