// devnet/world.h - relay, mint and control port together, on a loop and a thread of their own.
#pragma once

#include "base/loop.h"
#include "devnet/faulty_mint.h"
#include "devnet/relay.h"

#include <future>
#include <thread>

namespace adit::http {
class Server;
}

namespace adit::devnet {

class MintServer;
class RelayServer;

struct WorldOptions {
    std::string host = "127.0.0.1"; // a numeric address
    std::uint16_t relay_port = 0;   // 0: any free one
    std::uint16_t mint_port = 0;
    std::uint16_t control_port = 0;
    MintSettings mint = {};
    RelayRules relay = {};
};

/// Runs from start() to its death. Its methods may be called from any thread but the world's own.
class World {
public:
    /// Every port listens when this returns. Clock and Rng must outlive the world.
    /// Errors: bad_config (the host), io (a port).
    static Result<std::unique_ptr<World>> start(const WorldOptions& options, const Clock& clock = system_clock(),
                                                Rng& rng = system_rng());
    /// Closes every connection and waits for the thread.
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    std::string relay_url() const;   // ws://127.0.0.1:4000
    std::string mint_url() const;    // http://127.0.0.1:4001
    std::string control_url() const; // http://127.0.0.1:4002

    Mint& mint() { return mint_; }
    Faults& faults() { return faults_; }
    /// How many requests the mint's port got, by endpoint name.
    std::map<std::string, std::uint64_t> mint_requests() const;

    /// Events the relay keeps, newest first.
    std::vector<protocol::Event> relay_events(const protocol::Filter& filter = {});
    /// Into the relay without a connection, however bad its signature.
    void publish(const protocol::Event& event);
    void set_relay_rules(RelayRules rules);
    /// Ends every relay connection, as a restart of the relay would; what it keeps stays.
    void drop_relay_connections();
    std::size_t relay_connections();

private:
    World(const WorldOptions& options, const Clock& clock, Rng& rng);
    Result<void> listen();
    /// Runs `task` on the loop thread and waits for it.
    template<typename Task>
    auto on_loop(Task task)
    {
        using Value = decltype(task());
        std::packaged_task<Value()> packaged(std::move(task));
        auto result = packaged.get_future();
        loop_->post([&packaged] { packaged(); });
        return result.get();
    }

    const WorldOptions options_;
    const Clock& clock_;
    Mint mint_;
    Faults faults_;
    Relay relay_;
    FaultyMint faulty_mint_;
    // The end of the loop closes the relay's connections; the other two servers take their sockets off a living loop.
    std::unique_ptr<RelayServer> relay_server_;
    std::unique_ptr<Loop> loop_;
    std::unique_ptr<MintServer> mint_server_;
    std::unique_ptr<http::Server> control_;
    std::thread thread_;
};

} // namespace adit::devnet
