// devnet/world.h - relay, mint, Lightning backends and control port together, on a loop and a thread of their own.
#pragma once

#include "base/loop.h"
#include "devnet/faulty_mint.h"
#include "devnet/lnd.h"
#include "devnet/phoenixd.h"
#include "devnet/relay.h"
#include "devnet/tls_identity.h"
#include "devnet/world_folder.h"

#include <future>
#include <thread>

namespace adit::http {
class Server;
}

namespace adit::devnet {

class LookAlikeServer;
class MintServer;
class RelayServer;

struct WorldOptions {
    std::string host = "127.0.0.1"; // a numeric address
    std::uint16_t relay_port = 0;   // 0: any free one
    std::uint16_t mint_port = 0;
    std::uint16_t control_port = 0;
    std::uint16_t phoenixd_port = 0;
    std::uint16_t lnd_port = 0;
    MintSettings mint = {};
    RelayRules relay = {};
    std::filesystem::path lightning_dir = {}; // passwords and keys of the Lightning backends; empty: a temporary one
};

/// A payment by a buyer's node, as its payer sees it.
struct WorldPayment {
    std::optional<PayRefusal> refusal; // none: it went out
    LightningState state = LightningState::open;
    std::optional<PaymentPreimage> preimage; // when settled
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

    std::string relay_url() const;    // ws://127.0.0.1:4000
    std::string mint_url() const;     // http://127.0.0.1:4001
    std::string control_url() const;  // http://127.0.0.1:4002
    std::string phoenixd_url() const; // http://127.0.0.1:4003
    std::string lnd_url() const;      // https://127.0.0.1:4004

    Mint& mint() { return mint_; }
    Faults& faults() { return faults_; }
    /// How many requests the mint's port got, by endpoint name.
    std::map<std::string, std::uint64_t> mint_requests() const;
    /// How many requests the Lightning backends' ports got, by endpoint name.
    std::map<std::string, std::uint64_t> lightning_requests() const;

    /// Events the relay keeps, newest first.
    std::vector<protocol::Event> relay_events(const protocol::Filter& filter = {});
    /// Into the relay without a connection, however bad its signature.
    void publish(const protocol::Event& event);
    void set_relay_rules(RelayRules rules);
    /// Ends every relay connection, as a restart of the relay would; what it keeps stays.
    void drop_relay_connections();
    std::size_t relay_connections();

    /// http-password and http-password-limited-access.
    const std::string& phoenixd_password() const { return phoenixd_.full_password(); }
    const std::string& phoenixd_limited_password() const { return phoenixd_.limited_password(); }
    /// The same in files, without a newline.
    std::filesystem::path phoenixd_password_file() const;
    std::filesystem::path phoenixd_limited_password_file() const;
    /// The bytes of the macaroons; the second opens everything. The certificate is the only trust anchor there is.
    std::filesystem::path lnd_macaroon_file() const;
    std::filesystem::path lnd_admin_macaroon_file() const;
    std::filesystem::path lnd_tls_cert_file() const;
    const Bytes& lnd_macaroon() const { return lnd_.invoice_macaroon(); }
    const Bytes& lnd_admin_macaroon() const { return lnd_.admin_macaroon(); }
    /// Pays as a buyer's node would.
    WorldPayment pay(std::string_view bolt11);
    /// The port refuses connections, and every connection ends, until come_up(): a restart of the backend.
    void go_down(LightningNode node);
    void come_up(LightningNode node);
    /// Runs `task` with the pretended network, on the world's thread; what it returns must be no reference into it.
    template<typename Task>
    auto with_lightning(Task task)
    {
        return on_loop([&] { return task(lightning_); });
    }

private:
    World(const WorldOptions& options, const Clock& clock, Rng& rng);
    Result<void> leave_files();
    Result<void> listen();
    void keep_ticking();
    LookAlikeServer& server(LightningNode node);
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
    Lightning lightning_;
    Phoenixd phoenixd_;
    Lnd lnd_;
    TlsIdentity lnd_identity_;
    WorldFolder folder_;
    // The end of the loop closes the relay's connections; the other servers take their sockets off a living loop.
    std::unique_ptr<RelayServer> relay_server_;
    std::unique_ptr<Loop> loop_;
    std::unique_ptr<MintServer> mint_server_;
    std::unique_ptr<LookAlikeServer> phoenixd_server_;
    std::unique_ptr<LookAlikeServer> lnd_server_;
    std::unique_ptr<http::Server> control_;
    std::thread thread_;
};

} // namespace adit::devnet
