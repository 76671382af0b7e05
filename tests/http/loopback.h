// tests/http/loopback.h - a server on a loop thread of its own, and clients over real sockets.
#pragma once

#include "base/clock.h"
#include "http/server.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <functional>
#include <future>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace adit::http {

/// "GET /echo" answers at once, "POST /body" with the body, "GET /source" with the source, "GET /item/{id}" with the
/// id, "GET /query" with every pair, "GET /drop" drops the responder, "POST /later" keeps it in `kept`.
class TestServer {
public:
    explicit TestServer(const ServerOptions& options = {}, std::function<void(Router&)> more = {})
        : loop_(Loop::create(nullptr))
    {
        Router router;
        const auto text = [](std::string body) { return Response{200, {}, "text/plain", std::move(body)}; };
        router.add("GET", "/echo", [=](const Request&, const Responder& r) { r.send(text("echo")); });
        router.add("POST", "/body", [=](const Request& q, const Responder& r) { r.send(text(q.body)); });
        router.add("GET", "/source", [=](const Request& q, const Responder& r) { r.send(text(q.source)); });
        router.add("GET", "/item/{id}",
                   [=](const Request& q, const Responder& r) { r.send(text(std::string(*q.parameter("id")))); });
        router.add("GET", "/query", [=](const Request& q, const Responder& r) {
            std::string all;
            for (const auto& [name, value] : q.query) all += name + "=" + value + ";";
            r.send(text(all));
        });
        router.add("GET", "/header", [=](const Request& q, const Responder& r) {
            r.send(text(std::to_string(q.header("x-cashu").value_or("").size())));
        });
        router.add("GET", "/drop", [](const Request&, const Responder&) {});
        router.add("POST", "/later", [this](const Request&, const Responder& r) { kept.push_back(r); });
        if (more) more(router);
        auto opened = Server::open(*loop_, options, std::move(router));
        EXPECT_TRUE(opened);
        server_ = *std::move(opened);
        port_ = server_->port();
        thread_ = std::thread([this] { loop_->run(); });
    }
    ~TestServer()
    {
        on_loop([&] {
            kept.clear();
            server_.reset();
        });
        loop_->stop();
        thread_.join();
    }
    TestServer(const TestServer&) = delete;
    TestServer& operator=(const TestServer&) = delete;

    std::uint16_t port() const { return port_; }
    Loop& loop() { return *loop_; }
    Server& server() { return *server_; } // on the loop only
    /// Runs it there and waits.
    void on_loop(const std::function<void()>& task)
    {
        std::promise<void> done;
        loop_->post([&] {
            task();
            done.set_value();
        });
        done.get_future().wait();
    }
    void end_server()
    {
        on_loop([&] { server_.reset(); });
    }
    ServerStats stats()
    {
        ServerStats stats;
        on_loop([&] { stats = server_->stats(); });
        return stats;
    }
    /// Waits until it holds, at most 10 s.
    bool eventually(const std::function<bool(const ServerStats&)>& condition)
    {
        for (int i = 0; i < 2000; ++i) {
            if (condition(stats())) return true;
            ::poll(nullptr, 0, 5);
        }
        return false;
    }

    std::vector<Responder> kept; // on the loop only

private:
    std::unique_ptr<Loop> loop_;
    std::unique_ptr<Server> server_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

struct Answer {
    int status = 0; // 0: the connection ended before a whole answer
    std::string head = {};
    std::string body = {};
    bool has(std::string_view line) const { return head.find(std::string(line) + "\r\n") != std::string::npos; }
};

/// Blocking, with a limit of 10 s on every wait.
class Client {
public:
    explicit Client(std::uint16_t port, const char* from = "127.0.0.1")
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        ::inet_pton(AF_INET, from, &address.sin_addr);
        EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << std::strerror(errno);
        ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
        address.sin_port = htons(port);
        EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0)
            << std::strerror(errno);
        const timeval limit{10, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    }
    Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)), in_(std::move(other.in_)) {}
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    Client& operator=(Client&&) = delete;
    ~Client() { close(); }
    void close()
    {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }
    /// The next close sends a reset.
    void linger_off()
    {
        const linger off{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &off, sizeof off);
    }
    int fd() const { return fd_; }

    /// False when the server no longer takes it.
    bool send(std::string_view bytes)
    {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    void finish_sending() { ::shutdown(fd_, SHUT_WR); }

    enum class Has { body, no_body };
    Answer read(Has has = Has::body)
    {
        Answer answer;
        std::size_t end = 0;
        while ((end = in_.find("\r\n\r\n")) == std::string::npos)
            if (!more()) return answer;
        answer.head = in_.substr(0, end + 2);
        in_.erase(0, end + 4);
        const std::size_t at = answer.head.find("Content-Length: ");
        const std::size_t length =
            at == std::string::npos || has == Has::no_body ? 0 : std::stoul(answer.head.substr(at + 16));
        while (in_.size() < length)
            if (!more()) return answer;
        answer.body = in_.substr(0, length);
        in_.erase(0, length);
        answer.status = std::stoi(answer.head.substr(9, 3));
        return answer;
    }
    Answer ask(std::string_view request, Has has = Has::body)
    {
        send(request);
        return read(has);
    }
    /// True when the server closes (or resets) within the limit; what it sent meanwhile is dropped.
    bool closed_by_server()
    {
        while (more()) {
        }
        return ended_;
    }

private:
    bool more()
    {
        char block[16384];
        const ssize_t got = ::recv(fd_, block, sizeof block, 0);
        if (got == 0 || (got < 0 && errno == ECONNRESET)) ended_ = true;
        if (got <= 0) return false;
        in_.append(block, static_cast<std::size_t>(got));
        return true;
    }

    int fd_;
    std::string in_;
    bool ended_ = false;
};

inline std::string get(std::string_view path, std::string_view more = "")
{
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(more) + "\r\n";
}
inline std::string post(std::string_view path, std::string_view body, std::string_view more = "")
{
    return "POST " + std::string(path) + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n" + std::string(more) + "\r\n" + std::string(body);
}

} // namespace adit::http
