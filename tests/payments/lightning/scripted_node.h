// tests/payments/lightning/scripted_node.h - an HTTP server that answers exactly as a test wants, with or without TLS
// and websockets. Loopback only.
#pragma once

#include "fakes/test_certificate.h"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>
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
        void send_raw(const std::string& bytes);
        /// Answers a websocket's handshake.
        void upgrade(const NodeRequest& request);
        void send_frame(const std::string& text, std::uint8_t first_byte = 0x81);
        /// Reads the client's frames, answering pings if told to, until the connection ends.
        enum class Pings { answered, ignored };
        void drain(Pings pings = Pings::answered);
        void close();

    private:
        friend class ScriptedNode;
        bool read(char* out, std::size_t length);
        int fd_ = -1;
        ssl_st* tls_ = nullptr;
        std::atomic<bool> closed_{false};
    };

    using Handler = std::function<void(Session&, const NodeRequest&)>;

    explicit ScriptedNode(Handler handler, const TestCertificate* certificate = nullptr);
    ~ScriptedNode();
    ScriptedNode(const ScriptedNode&) = delete;
    ScriptedNode& operator=(const ScriptedNode&) = delete;

    std::string url() const;
    std::uint16_t port() const { return port_; }
    /// Copies, in the order of arriving.
    std::vector<NodeRequest> requests() const;
    int connections() const { return connections_; }
    /// Ends the connections that are there.
    void drop_all();

private:
    void accept_all();
    void serve(Session& session);

    const Handler handler_;
    ssl_ctx_st* tls_ = nullptr;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<int> connections_{0};
    mutable std::mutex mutex_;
    std::vector<NodeRequest> requests_;
    bool ending_ = false;
    std::list<Session> sessions_;
    std::vector<std::thread> threads_;
    std::thread acceptor_;
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
