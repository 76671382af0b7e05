// nostr/relay_pool.h - all relays as one: publish to each, ask each, and know who answered. NIP-01, NIP-42.
#pragma once

#include "base/clock.h"
#include "base/loop.h"
#include "base/rng.h"
#include "nostr/public_address.h"
#include "nostr/relay_link.h"
#include "nostr/resolver.h"
#include "protocol/event.h"
#include "protocol/filter.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace adit::nostr {

struct PoolOptions {
    std::vector<RelayUrl> urls = {};                  // of parse_relay_urls
    std::optional<protocol::SecretKey> auth_key = {}; // for NIP-42, used only where a relay requires it
    std::string ca_file = {}; // PEM certificates to trust instead of the system's; empty: the system's
    LinkLimits limits = {};
    ResolveHost resolve = {}; // empty: the system's; blocking, called on threads of its own
};

enum class Coverage {
    complete, // EOSE: all that the relay has (or all that it will say: relays cap long answers)
    partial,  // some events, no EOSE
    silent,   // nothing: down, hanging, or not connected in time
    refused,  // CLOSED, AUTH refused, or it sent more than can be kept
};

struct RelayCoverage {
    std::string relay; // normalised URL
    Coverage coverage = Coverage::silent;
    std::string message = {}; // the relay's or the network's words, printable
    bool any = false;         // it has some event that matches
};

struct FetchResult {
    /// Each once, verified and matching, in no order. All versions of a replaceable event that the relays have.
    std::vector<protocol::Event> events = {};
    std::vector<RelayCoverage> relays = {}; // one for each, in the order configured

    /// True when every relay (at least one) answered completely.
    bool complete() const;
};

/// What a fetch does about a relay whose connection fails.
enum class Patience {
    until_deadline, // waits for the next try: for what must be known of every relay
    while_it_lasts, // counts it as silent at once: for people who wait
};

/// Calls may come from any thread unless they say otherwise. All callbacks run on the loop thread, one at a time, must
/// not block, and may call the pool. A relay that hangs, lies or is down delays nobody but who waits for it.
class RelayPool {
public:
    using Published = std::function<void(const std::string& relay, PublishOutcome outcome)>;
    using SubscriptionId = std::uint64_t;

    /// Loop thread, or before the loop runs; connecting begins when the loop runs. Loop, clock and rng must outlive it.
    RelayPool(Loop& loop, const Clock& clock, Rng& rng, PoolOptions options);
    /// Any thread.
    ~RelayPool();
    RelayPool(const RelayPool&) = delete;
    RelayPool& operator=(const RelayPool&) = delete;

    /// Calls back once for each relay; with no_answer at `deadline` (from now) at the latest. Until then the event
    /// waits for relays that are not connected. Without relays nothing is called.
    void publish(const protocol::Event& event, Milliseconds deadline, Published published);

    /// To a relay that need not be of the pool, over a connection that ends with the last answer to such an event. At
    /// most 16 relays at once; further ones are called back at once, with no_answer. Who names the relay says how far
    /// it may lead; where the URL is one of the pool's, it goes there.
    void deliver(const RelayUrl& relay, Reach reach, const protocol::Event& event, Milliseconds deadline,
                 Published published);

    /// Blocks until every relay has answered, at most until `deadline` (from now). Worker threads only.
    FetchResult fetch(std::vector<protocol::Filter> filters, Milliseconds deadline,
                      Patience patience = Patience::until_deadline);
    void fetch_async(std::vector<protocol::Filter> filters, Milliseconds deadline,
                     std::function<void(FetchResult)> done, Patience patience = Patience::until_deadline);

    /// Stored and future events until unsubscribed, over reconnects: a relay that comes back is asked for what is newer
    /// than `overlap` before it was lost. Each event is brought once, but for rare repeats of old ones (the last 2048
    /// are remembered); no order.
    SubscriptionId subscribe(std::vector<protocol::Filter> filters,
                             std::function<void(const protocol::Event&)> on_event, Seconds overlap = Seconds(3600));
    void unsubscribe(SubscriptionId id);

    /// In the order configured. Waits for no callback.
    std::vector<RelayStatus> status() const;

    /// Nothing calls back once it has returned (unless it was called from a callback: that one goes on); fetches that
    /// wait return what they have; publications not answered are dropped without a word. Waits for a callback that
    /// runs: hold no lock that one takes.
    void stop();

private:
    class Core;
    std::shared_ptr<Core> core_; // shared with tasks posted to the loop
};

} // namespace adit::nostr
