// tests/nostr/scripted_relay.h - a websocket server that behaves exactly as badly as a test wants. Loopback only.
#pragma once

#include "fakes/loopback_server.h"

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace adit::nostr {

class ScriptedRelay {
public:
    /// One client's connection, used on that connection's thread only.
    class Session {
    public:
        void send(const std::string& text);
        /// Any frame header, then the payload as it is, which may be shorter than `declared`.
        void send_frame(std::uint8_t first_byte, std::uint64_t declared, const std::string& payload);
        void send_raw(const std::string& bytes) { connection_.send(bytes); }
        void close() { connection_.close(); }
        int number() const { return connection_.number(); } // from 1, by order of connecting

    private:
        friend class ScriptedRelay;
        explicit Session(fakes::LoopbackServer::Connection& connection) : connection_(connection) {}
        fakes::LoopbackServer::Connection& connection_;
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

    std::uint16_t port() const { return server_.port(); }
    std::string url() const { return "ws://127.0.0.1:" + std::to_string(port()); }
    int connections() const { return server_.connections(); }
    /// The Host header of the last handshake.
    std::string last_host() const;
    /// What the TLS client asked for by SNI last.
    std::string last_sni() const { return server_.last_sni(); }

private:
    using Connection = fakes::LoopbackServer::Connection;
    void serve(Connection& connection);
    bool shake_hands(Connection& connection);
    void read_frames(Connection& connection, Session& session);

    const Script script_;
    mutable std::mutex mutex_;
    std::string last_host_;
    fakes::LoopbackServer server_; // last: its threads use the rest
};

/// Answers as a relay that keeps nothing: OK true to EVENT, EOSE to REQ, events of `stored` (JSON) before it.
std::function<void(ScriptedRelay::Session&, const std::string&)> honest(std::vector<std::string> stored = {});

} // namespace adit::nostr
