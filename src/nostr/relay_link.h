// nostr/relay_link.h - one relay: what it was told and asked, what it answered, and whether it can be believed.
// NIP-01, NIP-42. A state machine over a Transport, a Clock and an Rng; it owns no socket, no thread and no timer.
#pragma once

#include "base/backoff.h"
#include "base/clock.h"
#include "nostr/relay_url.h"
#include "nostr/transport.h"
#include "protocol/filter.h"
#include "protocol/relay_message.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace adit::nostr {

enum class Answer {
    accepted,  // OK true, "duplicate:" included
    rejected,  // OK false, or the relay wants an AUTH that we can not give; the message has its words
    no_answer, // nothing until the deadline: the relay may have the event or not
};

struct PublishOutcome {
    Answer answer;
    std::string message; // printable, at most 200 bytes
};

enum class Lifetime {
    stored, // ends with EOSE
    live,   // goes on, over reconnects, until closed
};

struct RelayStatus {
    std::string url;
    bool connected = false;
    std::string last_error = {};             // the relay's or the network's words, printable, at most 200 bytes
    std::optional<UnixSeconds> last_ok = {}; // when it last accepted an event of ours
};

/// What a relay may take of our memory and patience.
struct LinkLimits {
    Milliseconds connect{20'000}; // for DNS, TCP, TLS and the websocket handshake together
    Milliseconds auth{15'000};    // for the OK to an AUTH
    Milliseconds silence{45'000}; // before a ping
    Milliseconds pong{20'000};    // for the pong
    Milliseconds backoff_base{1'000};
    Milliseconds backoff_cap{300'000};
    Milliseconds healthy{60'000};          // a connection that held this long resets the backoff
    Milliseconds hurry{10'000};            // new work may cut a wait short, but tries are at least this far apart
    Milliseconds resubscribe_base{30'000}; // after CLOSED, for live subscriptions
    Milliseconds resubscribe_cap{1'800'000};
    std::size_t in_flight = 32;        // events sent and not yet answered
    std::size_t pending_events = 2048; // taken by publish() and not yet answered
    std::size_t pending_bytes = 8U << 20U;
    std::size_t stored_events = 10'000; // for one subscription before its EOSE
    std::size_t stored_bytes = 32U << 20U;
    std::size_t lies = 100; // messages that make no sense, forged events, events nobody asked for
    std::size_t auths = 8;  // AUTH events sent on one connection
};

/// All calls on one thread. Callbacks come from inside transport events and on_time(), and may call back into the link.
class RelayLink final : public TransportListener {
public:
    using Published = std::function<void(PublishOutcome)>;
    using SubscriptionId = std::uint64_t;

    /// Every event that arrives is verified and matches the filters. Empty functions are not called.
    struct Subscriber {
        /// True for an event that is verified already, perhaps by another relay: it is then not brought again.
        std::function<bool(const protocol::EventId&)> knows = {};
        std::function<void(const protocol::Event&)> on_event = {};
        /// EOSE. For `stored` the last call.
        std::function<void()> on_complete = {};
        /// CLOSED, AUTH impossible, or limits broken. For `stored` the last call; a live one is asked for again later.
        std::function<void(const std::string& why)> on_refused = {};
        /// The connection, or the try to get one, is gone; the subscription is asked for again on the next.
        std::function<void(const std::string& why)> on_lost = {};
    };

    /// `auth_key` may be null and must outlive the link.
    RelayLink(RelayUrl url, Transport& transport, const Clock& clock, Rng& rng, const protocol::SecretKey* auth_key,
              LinkLimits limits = {});
    RelayLink(const RelayLink&) = delete;
    RelayLink& operator=(const RelayLink&) = delete;

    void start();
    /// Drops everything without calling anybody.
    void stop();

    /// `message` is ["EVENT",…] for the event of that id, shared by the links of a pool so that it stands in memory
    /// once. `done` is called once, with no_answer at the latest at `deadline`.
    void publish(const protocol::EventId& id, std::shared_ptr<const std::string> message, SteadyTime deadline,
                 Published done);
    /// `overlap` (live): after a reconnect the relay is asked from this long before the connection was last alive.
    SubscriptionId subscribe(std::vector<protocol::Filter> filters, Lifetime lifetime, Subscriber subscriber,
                             Seconds overlap = Seconds(0));
    void unsubscribe(SubscriptionId id);

    /// To be called at wakes_at() or later; earlier does nothing.
    void on_time();
    std::optional<SteadyTime> wakes_at() const;

    RelayStatus status() const;
    /// The last try failed or the connection was lost, and the next try has not begun.
    bool is_waiting() const { return state_ == State::waiting; }
    const RelayUrl& url() const { return url_; }

    void transport_opened() override;
    void transport_message(std::string_view text) override;
    void transport_pong() override;
    void transport_closed(std::string why) override;

private:
    enum class State { stopped, waiting, connecting, connected };
    enum class Auth { none, asked, accepted, refused };
    enum class Stage { waiting, sent, wants_auth };

    struct Pending {
        protocol::EventId id;
        std::shared_ptr<const std::string> message;
        SteadyTime deadline;
        std::vector<Published> done;
        Stage stage = Stage::waiting;
        std::uint64_t auth_epoch = 0; // of the connection when it was sent
    };
    enum class Asked { no, sent, complete, wants_auth, resting };
    struct Subscription {
        std::vector<protocol::Filter> filters;
        Lifetime lifetime;
        std::shared_ptr<const Subscriber> subscriber; // shared with the call in progress, which may unsubscribe
        Seconds overlap;
        Backoff rest;
        Asked asked = Asked::no;
        std::string wire_id = {}; // new for every REQ, so that what belongs to an earlier one is recognised
        std::uint64_t auth_epoch = 0;
        SteadyTime rests_until = {};
        std::optional<UnixSeconds> complete_until = {}; // everything before was brought
        std::size_t events = 0;
        std::size_t bytes = 0;
    };
    using PendingSeq = std::uint64_t;
    using Subscriptions = std::map<SubscriptionId, Subscription>;

    void connect();
    void lose(const std::string& why);
    void hurry();
    bool say(std::string text);
    void lie(const std::string& what);
    void remember_error(std::string_view why);

    void handle(const protocol::from_relay::Match& match, std::size_t bytes);
    void handle(const protocol::from_relay::EndOfStored& end);
    void handle(const protocol::from_relay::Ok& ok);
    void handle(const protocol::from_relay::Closed& closed);
    void handle(const protocol::from_relay::Notice& notice);
    void handle(const protocol::from_relay::Auth& auth);

    void send_pending();
    void finish(PendingSeq seq, const PublishOutcome& outcome);
    void ask(Subscription& subscription);
    void ask_those(Asked state);
    void refuse(SubscriptionId id, const std::string& why);
    Subscriptions::iterator find_wire(const std::string& wire_id);

    enum class Retry { now, after_auth, never };
    Retry after_auth_required(std::uint64_t epoch_when_sent);
    bool somebody_wants_auth() const;
    void authenticate();
    void auth_accepted();
    void auth_refused(const std::string& why);

    const RelayUrl url_;
    Transport& transport_;
    const Clock& clock_;
    Rng& rng_;
    const protocol::SecretKey* const auth_key_;
    const LinkLimits limits_;

    State state_ = State::stopped;
    Backoff backoff_;
    SteadyTime tried_at_{};  // connecting, connected: when the try began
    SteadyTime retry_at_{};  // waiting
    SteadyTime opened_at_{}; // connected
    SteadyTime heard_at_{};  // connected
    UnixSeconds heard_wall_{};
    std::optional<SteadyTime> pinged_at_{};
    std::size_t lies_ = 0;
    std::string last_error_;
    std::optional<UnixSeconds> last_ok_;

    std::optional<std::string> challenge_;
    Auth auth_ = Auth::none;
    protocol::EventId auth_id_{};
    SteadyTime auth_sent_at_{};
    std::uint64_t auth_epoch_ = 0; // counts the AUTHs accepted on this connection
    std::size_t auths_ = 0;
    std::string auth_error_;

    std::map<PendingSeq, Pending> pending_; // in the order given
    std::map<protocol::EventId, PendingSeq> pending_by_id_;
    std::set<PendingSeq> unsent_;
    std::set<std::pair<SteadyTime, PendingSeq>> deadlines_;
    std::size_t pending_bytes_ = 0;
    std::size_t in_flight_ = 0;
    PendingSeq last_seq_ = 0;

    Subscriptions subscriptions_;
    SubscriptionId last_subscription_ = 0;
    std::uint64_t last_wire_id_ = 0;
};

/// Other people's words, fit for a log line and a terminal: printable ASCII, at most 200 bytes.
std::string printable(std::string_view words);

} // namespace adit::nostr
