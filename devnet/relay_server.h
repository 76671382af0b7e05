// devnet/relay_server.h - the relay's socket: websockets, and the NIP-11 document for a plain GET on the same port.
#pragma once

#include "base/loop.h"
#include "devnet/relay.h"

#include <deque>

struct lws;

namespace adit::devnet {

/// Everything on the loop thread, or before run(). It must outlive the loop, whose end closes its connections.
class RelayServer {
public:
    /// `host` is a numeric address. Errors: io (cannot bind).
    static Result<std::unique_ptr<RelayServer>> open(Loop& loop, Relay& relay, Faults& faults, const std::string& host,
                                                     std::uint16_t port);
    RelayServer(const RelayServer&) = delete;
    RelayServer& operator=(const RelayServer&) = delete;

    std::uint16_t port() const { return port_; }
    /// Does what the relay said: for acts that no connection asked for.
    void perform(const RelayActs& acts);

private:
    struct Connection {
        lws* wsi;
        std::string in;
        std::deque<RelayAct> out;
    };

    RelayServer(Loop& loop, Relay& relay, Faults& faults) : loop_(loop), relay_(relay), faults_(faults) {}
    int on_open(lws* wsi, ConnectionId& id);
    int on_close(ConnectionId id);
    int on_data(lws* wsi, ConnectionId id, std::string_view data);
    int write_next(lws* wsi, ConnectionId id);
    int begin_http(lws* wsi);
    int write_http(lws* wsi);
    void queue(const RelayAct& act);

    friend struct RelayProtocol;
    Loop& loop_;
    Relay& relay_;
    Faults& faults_;
    std::uint16_t port_ = 0;
    std::map<ConnectionId, Connection> connections_;
    std::map<lws*, std::string> pages_; // bodies still to be written
    ConnectionId last_ = 0;
};

} // namespace adit::devnet
