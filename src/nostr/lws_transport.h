// nostr/lws_transport.h - relay websockets on libwebsockets, all in the one loop.
#pragma once

#include "base/loop.h"
#include "nostr/public_address.h"
#include "nostr/relay_url.h"
#include "nostr/resolver.h"
#include "nostr/transport.h"

#include <deque>
#include <memory>
#include <optional>
#include <vector>

struct lws;
struct lws_vhost;

namespace adit::nostr {

/// What all relay websockets of a loop share. TLS is set up with the first wss:// relay, since the CA store costs
/// memory. Loop thread, or before the loop runs. Must not outlive the loop.
class RelaySockets {
public:
    /// `ca_file`: certificates in PEM to trust instead of the system's; empty: the system's.
    RelaySockets(Loop& loop, ResolveHost resolve, std::string ca_file);

    Loop& loop() { return loop_; }
    Resolver& resolver() { return resolver_; }
    /// nullptr when libwebsockets can not make one: no memory, or a CA file that can not be read.
    lws_vhost* vhost(Security security);

private:
    lws_vhost* make_vhost(Security security);

    Loop& loop_;
    Resolver resolver_;
    const std::string ca_file_;
    lws_vhost* plain_ = nullptr; // owned by the loop's context
    lws_vhost* tls_ = nullptr;
};

struct TransportLimits {
    std::size_t inbound_message = 1U << 20U; // bytes; a longer one ends the connection
    std::size_t outbound = 4U << 20U;        // bytes that wait for a relay that reads slowly
    Reach reach = Reach::anywhere;           // of the addresses that the URL's host has
};

/// Certificates and SNI go by the URL's host name, whatever address it has. Redirects are not followed, proxies of the
/// environment not used, extensions not offered.
class LwsTransport final : public Transport {
public:
    LwsTransport(RelaySockets& sockets, RelayUrl url, TransportListener& listener, TransportLimits limits = {});
    ~LwsTransport() override;
    LwsTransport(const LwsTransport&) = delete;
    LwsTransport& operator=(const LwsTransport&) = delete;

    void open() override;
    bool send(std::string text) override;
    void ping() override;
    void close() override;

    /// libwebsockets' callback, by reason and payload; the return value ends the socket unless it is 0.
    int on_socket(lws* wsi, int reason, void* in, std::size_t length);

private:
    void on_addresses(Resolver::Addresses addresses);
    void try_address();
    void address_failed(const std::string& why);
    void fail(std::string why);
    int receive(lws* wsi, const char* in, std::size_t length);
    int write(lws* wsi);

    RelaySockets& sockets_;
    const RelayUrl url_;
    TransportListener& listener_;
    const TransportLimits limits_;

    // Tasks posted to the loop hold a weak reference: they may run after the transport's end.
    std::shared_ptr<LwsTransport*> self_;
    bool wanted_ = false;    // between open() and the end of that connection
    bool resolving_ = false; // at most one lookup at a time, even if the connection was given up meanwhile
    bool calling_ = false;   // inside lws_client_connect_via_info
    std::vector<std::string> addresses_;
    std::size_t tried_ = 0;
    std::size_t rotation_ = 0; // a dead first address must not hide a living second one for ever
    std::optional<std::string> failed_while_calling_;
    lws* wsi_ = nullptr;
    bool established_ = false;

    std::string inbound_;
    std::deque<std::string> outbound_; // each with room for a frame header in front
    std::size_t outbound_bytes_ = 0;
    bool ping_waits_ = false;
    std::string close_reason_;
};

} // namespace adit::nostr
