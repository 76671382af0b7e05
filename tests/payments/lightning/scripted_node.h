// tests/payments/lightning/scripted_node.h - an HTTP server that answers exactly as a test wants, with or without TLS
// and websockets. Loopback only.
#pragma once

#include "fakes/loopback_server.h"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace adit::payments::lightning {

struct NodeRequest {
    std::string method;
    std::string path; // the query too
    std::string head; // the whole of it, as it came
    std::string body;

    std::string header(const std::string& name) const;
};

class ScriptedNode {
public:
    /// One client's connection, used on that connection's thread only.
    class Session {
    public:
        /// A whole answer; the connection stays open for more.
        void answer(int status, const std::string& body);
        /// The head of an answer that has no end yet, and then its parts.
        void begin_stream();
        void chunk(const std::string& bytes);
        void send_raw(const std::string& bytes) { connection_.send(bytes); }
        /// Answers a websocket's handshake.
        void upgrade(const NodeRequest& request);
        void send_frame(const std::string& text, std::uint8_t first_byte = 0x81);
        /// Reads the client's frames, answering pings if told to, until the connection ends.
        enum class Pings { answered, ignored };
        void drain(Pings pings = Pings::answered);
        void close() { connection_.close(); }

    private:
        friend class ScriptedNode;
        explicit Session(fakes::LoopbackServer::Connection& connection) : connection_(connection) {}
        fakes::LoopbackServer::Connection& connection_;
    };

    using Handler = std::function<void(Session&, const NodeRequest&)>;

    explicit ScriptedNode(Handler handler, const TestCertificate* certificate = nullptr);

    std::string url() const;
    std::uint16_t port() const { return server_.port(); }
    /// Copies, in the order of arriving.
    std::vector<NodeRequest> requests() const;
    int connections() const { return server_.connections(); }
    /// Ends the connections that are there.
    void drop_all() { server_.drop_all(); }

private:
    void serve(fakes::LoopbackServer::Connection& connection);

    const Handler handler_;
    mutable std::mutex mutex_;
    std::vector<NodeRequest> requests_;
    fakes::LoopbackServer server_; // last: its threads use the rest
};

/// What one thread counts and another waits for.
class Signal {
public:
    void raise()
    {
        const std::lock_guard lock(mutex_);
        ++count_;
        changed_.notify_all();
    }
    /// False when it does not come to `count` within 20 s.
    bool wait(int count = 1)
    {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return count_ >= count; });
    }
    int count() const
    {
        const std::lock_guard lock(mutex_);
        return count_;
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    int count_ = 0;
};

} // namespace adit::payments::lightning
