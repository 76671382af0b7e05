// devnet/relay.h - a Nostr relay without its sockets: what it says to whom. NIP-01, NIP-09, NIP-11, NIP-40, NIP-42.
#pragma once

#include "base/clock.h"
#include "devnet/faults.h"
#include "devnet/relay_store.h"
#include "protocol/relay_message.h"

#include <cstdint>
#include <functional>

namespace adit::devnet {

/// Whether NIP-42 is asked for before this is allowed.
enum class AuthRule { open, required };

struct RelayRules {
    AuthRule read = AuthRule::open;
    AuthRule write = AuthRule::open;
};

using ConnectionId = std::uint64_t;

/// What the caller is to do, in order: send one text message, or close the connection.
struct RelayAct {
    enum class Kind { send, close };
    Kind kind;
    ConnectionId to;
    std::string text = {};
    Milliseconds latency{0};
};
using RelayActs = std::vector<RelayAct>;

inline constexpr std::size_t kMaxSubscriptions = 64; // of one connection

/// Not thread-safe. Its faults have the endpoints relay.connect, relay.nip11, relay.event, relay.req and relay.auth.
class Relay {
public:
    Relay(const Clock& clock, Rng& rng, Faults& faults);

    RelayActs opened(ConnectionId id);
    RelayActs received(ConnectionId id, std::string_view message);
    void closed(ConnectionId id);
    /// The document that a plain GET with `Accept: application/nostr+json` is given. NIP-11
    std::string information() const;

    /// Another name that NIP-42's relay tag may call it by, beside those of loopback.
    void add_host(std::string host) { hosts_.push_back(std::move(host)); }
    void set_rules(RelayRules rules) { rules_ = rules; }
    RelayRules rules() const { return rules_; }
    /// Puts an event in without a connection, however bad its signature; open subscriptions hear of it.
    RelayActs publish(const protocol::Event& event);
    RelayActs close_all() const;
    std::size_t connections() const { return clients_.size(); }
    RelayStore& store() { return store_; }
    const RelayStore& store() const { return store_; }
    std::uint64_t published() const { return published_; } // EVENT messages that were stored or passed on

private:
    struct Client {
        std::string challenge;
        std::set<protocol::PublicKey> keys; // that have authenticated
        std::map<std::string, std::vector<protocol::Filter>> subscriptions;
        bool deaf = false;
    };
    using Answer = std::vector<protocol::FromRelay>;

    bool must_authenticate(const Client& client, AuthRule rule, const std::optional<Fault>& fault) const;
    RelayActs publish_from(ConnectionId id, const protocol::to_relay::Publish& message);
    RelayActs subscribe(ConnectionId id, protocol::to_relay::Request message);
    RelayActs authenticate(ConnectionId id, const protocol::to_relay::Auth& message);
    RelayActs count(ConnectionId id, const protocol::to_relay::Count& message);
    void tell_subscribers(const protocol::Event& event, RelayActs& acts) const;
    protocol::Event invented_event();
    RelayActs spoil(ConnectionId id, const Answer& answer, const std::optional<Fault>& fault) const;

    const Clock& clock_;
    Rng& rng_;
    Faults& faults_;
    RelayRules rules_;
    std::vector<std::string> hosts_{"127.0.0.1", "localhost", "[::1]"};
    RelayStore store_;
    std::map<ConnectionId, Client> clients_;
    protocol::SecretKey own_key_; // signs what it invents
    std::uint64_t published_ = 0;
};

} // namespace adit::devnet
