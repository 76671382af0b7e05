// tests/fakes/loopback_server.h - a server on 127.0.0.1 whose connections a test serves as it likes, each in a thread
// of its own, with or without TLS.
#pragma once

#include "fakes/test_certificate.h"

#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <csignal>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace adit::fakes {

inline sockaddr_in loopback_at(std::uint16_t port)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

class LoopbackServer {
public:
    /// One client's, used on its own thread only; close() from any.
    class Connection {
    public:
        /// All of these bytes, or false where it ended before.
        bool read(char* out, std::size_t length)
        {
            while (length > 0) {
                const int got = receive(out, length);
                if (got <= 0) return false;
                out += got;
                length -= static_cast<std::size_t>(got);
            }
            return true;
        }
        /// What has come, a byte at least; empty where it ended.
        std::string read_some()
        {
            std::array<char, 16384> block{};
            const int got = receive(block.data(), block.size());
            return {block.data(), static_cast<std::size_t>(got > 0 ? got : 0)};
        }
        void send(std::string_view bytes)
        {
            while (!bytes.empty() && !closed_) {
                const int count = tls_ ? SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()))
                                       : static_cast<int>(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
                if (count <= 0) return;
                bytes.remove_prefix(static_cast<std::size_t>(count));
            }
        }
        void close()
        {
            closed_ = true;
            ::shutdown(fd_, SHUT_RDWR);
        }
        bool closed() const { return closed_; }
        int number() const { return number_; } // from 1, by order of connecting

    private:
        friend class LoopbackServer;
        int receive(char* out, std::size_t length)
        {
            return tls_ ? SSL_read(tls_, out, static_cast<int>(length)) : static_cast<int>(::recv(fd_, out, length, 0));
        }
        int fd_ = -1;
        int number_ = 0;
        SSL* tls_ = nullptr;
        std::atomic<bool> closed_{false};
    };
    using Serve = std::function<void(Connection&)>;

    /// Listens at once. A connection ends when `serve` returns. `certificate` null: no TLS.
    explicit LoopbackServer(Serve serve, const TestCertificate* certificate = nullptr) : serve_(std::move(serve))
    {
        std::signal(SIGPIPE, SIG_IGN); // SSL_write has no MSG_NOSIGNAL
        if (certificate) {
            tls_ = SSL_CTX_new(TLS_server_method());
            CHECK(SSL_CTX_use_certificate_file(tls_, certificate->certificate_file().c_str(), SSL_FILETYPE_PEM) == 1);
            CHECK(SSL_CTX_use_PrivateKey_file(tls_, certificate->key_file().c_str(), SSL_FILETYPE_PEM) == 1);
        }
        sockaddr_in address = loopback_at(0);
        socklen_t length = sizeof address;
        CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) == 0);
        CHECK(::listen(listener_, 128) == 0);
        CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) == 0);
        port_ = ntohs(address.sin_port);
        acceptor_ = std::thread([this] { accept_all(); });
    }
    ~LoopbackServer()
    {
        {
            const std::lock_guard lock(mutex_);
            ending_ = true;
            for (Connection& each : open_) each.close();
        }
        ::shutdown(listener_, SHUT_RDWR);
        acceptor_.join();
        for (std::thread& thread : threads_) thread.join();
        for (const Connection& each : open_) {
            SSL_free(each.tls_);
            ::close(each.fd_);
        }
        ::close(listener_);
        SSL_CTX_free(tls_);
    }
    LoopbackServer(const LoopbackServer&) = delete;
    LoopbackServer& operator=(const LoopbackServer&) = delete;

    std::uint16_t port() const { return port_; }
    bool has_tls() const { return tls_ != nullptr; }
    int connections() const { return connections_; } // so far
    /// Ends those that are there.
    void drop_all()
    {
        const std::lock_guard lock(mutex_);
        for (Connection& each : open_) each.close();
    }
    /// What the TLS client asked for by SNI last.
    std::string last_sni() const
    {
        const std::lock_guard lock(mutex_);
        return last_sni_;
    }

private:
    void accept_all()
    {
        for (;;) {
            const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) return;
            const std::lock_guard lock(mutex_);
            if (ending_) {
                ::close(fd);
                return;
            }
            Connection& connection = open_.emplace_back();
            connection.fd_ = fd;
            connection.number_ = ++connections_;
            threads_.emplace_back([this, &connection] {
                if (!tls_ || shakes_hands(connection)) serve_(connection);
                if (connection.tls_ && !connection.closed_) SSL_shutdown(connection.tls_);
                connection.close();
            });
        }
    }
    bool shakes_hands(Connection& connection)
    {
        connection.tls_ = SSL_new(tls_);
        SSL_set_fd(connection.tls_, connection.fd_);
        const bool accepted = SSL_accept(connection.tls_) == 1;
        const char* const sni = SSL_get_servername(connection.tls_, TLSEXT_NAMETYPE_host_name);
        const std::lock_guard lock(mutex_);
        if (sni) last_sni_ = sni;
        return accepted;
    }

    const Serve serve_;
    SSL_CTX* tls_ = nullptr;
    const int listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    std::uint16_t port_ = 0;
    std::atomic<int> connections_{0};
    mutable std::mutex mutex_;
    std::string last_sni_;
    bool ending_ = false;
    std::list<Connection> open_;
    std::vector<std::thread> threads_;
    std::thread acceptor_;
};

} // namespace adit::fakes
