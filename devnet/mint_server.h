// devnet/mint_server.h - the mint's socket. Not http::Server, because it must be able to break off answers, which a
// server that is meant well has no use for.
#pragma once

#include "base/loop.h"
#include "devnet/faulty_mint.h"
#include "http/message.h"

#include <map>
#include <set>

namespace adit::devnet {

/// Everything on the loop thread, or before run(), but requests().
class MintServer {
public:
    /// `host` is a numeric address. Errors: bad_config (it is not), io (cannot bind).
    static Result<std::unique_ptr<MintServer>> open(Loop& loop, FaultyMint& mint, const std::string& host,
                                                    std::uint16_t port);
    /// Closes every connection. The loop must still be there, and not be running in another thread.
    ~MintServer();
    MintServer(const MintServer&) = delete;
    MintServer& operator=(const MintServer&) = delete;

    std::uint16_t port() const { return port_; }
    /// How many requests came in, by endpoint name. Any thread.
    std::map<std::string, std::uint64_t> requests() const;

private:
    struct Connection;
    using Number = std::uint64_t;

    MintServer(Loop& loop, FaultyMint& mint, int listener, std::uint16_t port);
    void accept_all();
    void on_ready(Number number, Loop::Ready ready);
    void serve_requests(Number number);
    void begin(Number number, http::Request request);
    void deliver(Number number, const Outcome& outcome);
    /// False: the connection is closed now.
    bool flush(Connection& connection);
    void close(Number number);
    void later(Milliseconds latency, Loop::Task task);

    Loop& loop_;
    FaultyMint& mint_;
    const int listener_;
    const std::uint16_t port_;
    std::map<Number, std::unique_ptr<Connection>> connections_;
    std::set<Loop::TimerId> timers_;
    Number last_ = 0;
    mutable std::mutex mutex_;
    std::map<std::string, std::uint64_t> requests_;
};

} // namespace adit::devnet
