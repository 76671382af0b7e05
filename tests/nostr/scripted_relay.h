// tests/nostr/scripted_relay.h - a websocket server that behaves exactly as badly as a test wants. Loopback only.
#pragma once

#include "fakes/test_certificate.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

struct ssl_ctx_st;
struct ssl_st;

namespace adit::nostr {

class ScriptedRelay {
public:
    /// One client's connection, used on that connection's thread only.
    class Session {
    public:
        void send(const std::string& text);
        /// Any frame header, then the payload as it is, which may be shorter than `declared`.
        void send_frame(std::uint8_t first_byte, std::uint64_t declared, const std::string& payload);
        void send_raw(const std::string& bytes);
        void close();
        int number() const { return number_; } // from 1, by order of connecting

    private:
        friend class ScriptedRelay;
        bool read(char* out, std::size_t length);
        int fd_ = -1;
        int number_ = 0;
        ssl_st* tls_ = nullptr;
        bool closed_ = false;
    };

    enum class Handshake { proper, never, garbage, close, wrong_accept, redirect, http_error };

    struct Script {
        Handshake handshake = Handshake::proper;
        std::function<void(Session&)> on_open = {};
        std::function<void(Session&, const std::string& text)> on_text = {};
        const TestCertificate* certificate = nullptr; // null: no TLS
        std::string redirect_to = {};
    };

    explicit ScriptedRelay(Script script);
    ~ScriptedRelay();
    ScriptedRelay(const ScriptedRelay&) = delete;
    ScriptedRelay& operator=(const ScriptedRelay&) = delete;

    std::uint16_t port() const { return port_; }
    std::string url() const { return "ws://127.0.0.1:" + std::to_string(port_); }
    int connections() const { return connections_; }
    /// The Host header of the last handshake.
    std::string last_host() const;
    /// What the TLS client asked for by SNI last.
    std::string last_sni() const;

private:
    void accept_all();
    void serve(Session& session);
    bool shake_hands(Session& session);
    void read_frames(Session& session);

    Script script_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    ssl_ctx_st* tls_ = nullptr;
    std::atomic<int> connections_{0};
    mutable std::mutex mutex_;
    std::string last_host_;
    std::string last_sni_;
    bool ending_ = false;
    std::vector<std::unique_ptr<Session>> sessions_;
    std::vector<std::thread> threads_;
    std::thread acceptor_;
};

/// Answers as a relay that keeps nothing: OK true to EVENT, EOSE to REQ, events of `stored` (JSON) before it.
std::function<void(ScriptedRelay::Session&, const std::string&)> honest(std::vector<std::string> stored = {});

} // namespace adit::nostr
