#include "nostr/relay_link.h"

#include "base/log.h"

#include <algorithm>

namespace adit::nostr {

namespace {

constexpr std::size_t kMaxWords = 200;
constexpr std::size_t kMaxChallenge = 1024;

bool requires_auth(std::string_view message)
{
    return protocol::relay_prefix(message) == protocol::RelayPrefix::auth_required;
}

} // namespace

std::string printable(std::string_view words)
{
    std::string out(words.substr(0, kMaxWords));
    for (char& c : out) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f)
            c = ' ';
        else if (byte > 0x7f)
            c = '?';
    }
    return out;
}

RelayLink::RelayLink(RelayUrl url, Transport& transport, const Clock& clock, Rng& rng,
                     const protocol::SecretKey* auth_key, LinkLimits limits)
    : url_(std::move(url)), transport_(transport), clock_(clock), rng_(rng), auth_key_(auth_key), limits_(limits),
      backoff_(limits.backoff_base, limits.backoff_cap)
{
}

// --- the connection

void RelayLink::start()
{
    CHECK(state_ == State::stopped);
    connect();
}

void RelayLink::stop()
{
    state_ = State::stopped;
    transport_.close();
    pending_.clear();
    pending_by_id_.clear();
    unsent_.clear();
    deadlines_.clear();
    subscriptions_.clear();
}

void RelayLink::connect()
{
    state_ = State::connecting;
    tried_at_ = clock_.steady();
    transport_.open();
}

void RelayLink::transport_opened()
{
    if (state_ != State::connecting) return;
    state_ = State::connected;
    opened_at_ = heard_at_ = clock_.steady();
    heard_wall_ = clock_.now();
    pinged_at_.reset();
    lies_ = 0;
    challenge_.reset();
    auth_ = Auth::none;
    auth_epoch_ = 0;
    auths_ = 0;
    log_debug("relay_connected", {{"relay", url_.text}});
    ask_those(Asked::no);
    send_pending();
}

void RelayLink::transport_closed(std::string why) { lose(why); }

void RelayLink::lose(const std::string& why)
{
    if (state_ != State::connecting && state_ != State::connected) return;
    const SteadyTime now = clock_.steady();
    const bool was_connected = state_ == State::connected;
    if (was_connected && now - opened_at_ >= limits_.healthy) backoff_.reset();
    state_ = State::waiting;
    retry_at_ = now + backoff_.next(rng_);
    remember_error(why);
    transport_.close();
    log_debug("relay_lost", {{"relay", url_.text}, {"why", last_error_}});

    for (auto& [seq, pending] : pending_) {
        pending.stage = Stage::waiting;
        unsent_.insert(seq);
    }
    in_flight_ = 0;
    std::vector<std::shared_ptr<const Subscriber>> told;
    for (auto& [id, subscription] : subscriptions_) {
        if (was_connected && subscription.asked == Asked::complete) subscription.complete_until = heard_wall_;
        subscription.asked = Asked::no;
        subscription.wire_id.clear();
        told.push_back(subscription.subscriber);
    }
    for (const auto& subscriber : told)
        if (subscriber->on_lost) subscriber->on_lost(last_error_);
}

void RelayLink::hurry()
{
    if (state_ == State::waiting) retry_at_ = std::min(retry_at_, tried_at_ + limits_.hurry);
}

bool RelayLink::say(std::string text)
{
    if (state_ != State::connected) return false;
    if (transport_.send(std::move(text))) return true;
    lose("the relay reads too slowly");
    return false;
}

void RelayLink::lie(const std::string& what)
{
    ++lies_;
    remember_error(what);
    if (lies_ >= limits_.lies) lose("the relay sends nonsense: " + what);
}

void RelayLink::remember_error(std::string_view why) { last_error_ = printable(why); }

RelayStatus RelayLink::status() const { return {url_.text, state_ == State::connected, last_error_, last_ok_}; }

// --- time

std::optional<SteadyTime> RelayLink::wakes_at() const
{
    std::optional<SteadyTime> at;
    const auto consider = [&](SteadyTime time) { at = at ? std::min(*at, time) : time; };
    switch (state_) {
    case State::stopped:
        return std::nullopt;
    case State::waiting:
        consider(retry_at_);
        break;
    case State::connecting:
        consider(tried_at_ + limits_.connect);
        break;
    case State::connected:
        consider(pinged_at_ ? *pinged_at_ + limits_.pong : heard_at_ + limits_.silence);
        if (auth_ == Auth::asked) consider(auth_sent_at_ + limits_.auth);
        for (const auto& [id, subscription] : subscriptions_)
            if (subscription.asked == Asked::resting) consider(subscription.rests_until);
        break;
    }
    if (!deadlines_.empty()) consider(deadlines_.begin()->first);
    return at;
}

void RelayLink::on_time()
{
    const SteadyTime now = clock_.steady();
    switch (state_) {
    case State::stopped:
        return;
    case State::waiting:
        if (now >= retry_at_) connect();
        break;
    case State::connecting:
        if (now >= tried_at_ + limits_.connect) lose("no connection in time");
        break;
    case State::connected:
        if (pinged_at_ && now >= *pinged_at_ + limits_.pong) {
            lose("no answer to a ping");
            break;
        }
        if (!pinged_at_ && now >= heard_at_ + limits_.silence) {
            pinged_at_ = now;
            transport_.ping();
        }
        if (auth_ == Auth::asked && now >= auth_sent_at_ + limits_.auth) auth_refused("no answer to AUTH");
        ask_those(Asked::resting);
        break;
    }
    while (!deadlines_.empty() && deadlines_.begin()->first <= now)
        finish(deadlines_.begin()->second, {Answer::no_answer, last_error_});
    send_pending();
}

// --- what arrives

void RelayLink::transport_pong()
{
    if (state_ != State::connected) return;
    heard_at_ = clock_.steady();
    heard_wall_ = clock_.now();
    pinged_at_.reset();
}

void RelayLink::transport_message(std::string_view text)
{
    if (state_ != State::connected) return;
    heard_at_ = clock_.steady();
    heard_wall_ = clock_.now();
    pinged_at_.reset();
    const auto message = protocol::parse_from_relay(text);
    if (!message) {
        lie("a message that makes no sense");
        return;
    }
    namespace from = protocol::from_relay;
    if (const auto* match = std::get_if<from::Match>(&*message))
        handle(*match, text.size());
    else if (const auto* end = std::get_if<from::EndOfStored>(&*message))
        handle(*end);
    else if (const auto* ok = std::get_if<from::Ok>(&*message))
        handle(*ok);
    else if (const auto* closed = std::get_if<from::Closed>(&*message))
        handle(*closed);
    else if (const auto* notice = std::get_if<from::Notice>(&*message))
        handle(*notice);
    else if (const auto* auth = std::get_if<from::Auth>(&*message))
        handle(*auth);
}

void RelayLink::handle(const protocol::from_relay::Match& match, std::size_t bytes)
{
    const auto found = find_wire(match.subscription);
    if (found == subscriptions_.end()) return; // sent before our CLOSE arrived
    Subscription& subscription = found->second;
    if (subscription.asked == Asked::sent) {
        subscription.bytes += bytes;
        if (++subscription.events > limits_.stored_events || subscription.bytes > limits_.stored_bytes) {
            say(protocol::encode(protocol::ToRelay(protocol::to_relay::Close{subscription.wire_id})));
            refuse(found->first, "the relay sends more events than we can keep");
            return;
        }
    }
    const auto subscriber = subscription.subscriber;
    if (subscriber->knows && subscriber->knows(match.event.id)) return;
    if (!protocol::matches_any(subscription.filters, match.event)) {
        lie("an event that was not asked for");
        return;
    }
    if (!protocol::verify(match.event)) {
        lie("an event that its author did not sign");
        return;
    }
    if (subscriber->on_event) subscriber->on_event(match.event);
}

void RelayLink::handle(const protocol::from_relay::EndOfStored& end)
{
    const auto found = find_wire(end.subscription);
    if (found == subscriptions_.end() || found->second.asked != Asked::sent) return;
    const auto subscriber = found->second.subscriber;
    switch (found->second.lifetime) {
    case Lifetime::stored: {
        const std::string wire_id = found->second.wire_id;
        subscriptions_.erase(found);
        say(protocol::encode(protocol::ToRelay(protocol::to_relay::Close{wire_id})));
        break;
    }
    case Lifetime::live:
        found->second.asked = Asked::complete;
        found->second.rest.reset();
        break;
    }
    if (subscriber->on_complete) subscriber->on_complete();
}

void RelayLink::handle(const protocol::from_relay::Closed& closed)
{
    const auto found = find_wire(closed.subscription);
    if (found == subscriptions_.end()) return;
    Subscription& subscription = found->second;
    if (subscription.asked == Asked::complete) subscription.complete_until = heard_wall_;
    remember_error(closed.message);
    if (requires_auth(closed.message)) {
        switch (after_auth_required(subscription.auth_epoch)) {
        case Retry::now:
            ask(subscription);
            return;
        case Retry::after_auth:
            subscription.asked = Asked::wants_auth;
            subscription.wire_id.clear();
            authenticate();
            return;
        case Retry::never:
            break;
        }
    }
    refuse(found->first, printable(closed.message));
}

void RelayLink::handle(const protocol::from_relay::Ok& ok)
{
    if (auth_ == Auth::asked && ok.id == auth_id_) {
        if (ok.accepted)
            auth_accepted();
        else
            auth_refused(printable(ok.message));
        return;
    }
    const auto found = pending_by_id_.find(ok.id);
    if (found == pending_by_id_.end()) return; // after its deadline
    const PendingSeq seq = found->second;
    Pending& pending = pending_.at(seq);
    if (pending.stage != Stage::sent) return; // not answered on this connection yet: nothing this could be about
    if (ok.accepted) {
        last_ok_ = clock_.now();
        finish(seq, {Answer::accepted, printable(ok.message)});
    } else {
        remember_error(ok.message);
        const Retry retry = requires_auth(ok.message) ? after_auth_required(pending.auth_epoch) : Retry::never;
        switch (retry) {
        case Retry::now:
            pending.stage = Stage::waiting;
            --in_flight_;
            unsent_.insert(seq);
            break;
        case Retry::after_auth:
            pending.stage = Stage::wants_auth;
            --in_flight_;
            authenticate();
            break;
        case Retry::never:
            finish(seq, {Answer::rejected, printable(ok.message)});
            break;
        }
    }
    send_pending();
}

void RelayLink::handle(const protocol::from_relay::Notice& notice)
{
    remember_error(notice.text);
    log_debug("relay_notice", {{"relay", url_.text}, {"text", last_error_}}); // some refuse an event with no other word
}

// --- NIP-42

void RelayLink::handle(const protocol::from_relay::Auth& auth)
{
    if (auth.challenge.empty() || auth.challenge.size() > kMaxChallenge) {
        lie("a challenge of no usable length");
        return;
    }
    if (challenge_ == auth.challenge && auth_ != Auth::none) return;
    challenge_ = auth.challenge;
    auth_ = Auth::none; // a new challenge replaces the old one, and what was answered to it
    if (somebody_wants_auth()) authenticate();
}

bool RelayLink::somebody_wants_auth() const
{
    return std::any_of(pending_.begin(), pending_.end(),
                       [](const auto& entry) { return entry.second.stage == Stage::wants_auth; }) ||
           std::any_of(subscriptions_.begin(), subscriptions_.end(),
                       [](const auto& entry) { return entry.second.asked == Asked::wants_auth; });
}

RelayLink::Retry RelayLink::after_auth_required(std::uint64_t epoch_when_sent)
{
    if (!auth_key_ || auth_ == Auth::refused || auths_ >= limits_.auths) return Retry::never;
    if (auth_ != Auth::accepted) return Retry::after_auth;
    // Sent with the authentication in force and still not let in: asking again would go on for ever.
    return epoch_when_sent < auth_epoch_ ? Retry::now : Retry::never;
}

void RelayLink::authenticate()
{
    if (!challenge_ || auth_ != Auth::none) return; // no challenge yet: when it comes
    if (auths_ >= limits_.auths) {
        auth_refused("the relay goes on asking for AUTH");
        return;
    }
    const auto event =
        protocol::sign_event(protocol::auth_draft(url_.text, *challenge_, clock_.now()), *auth_key_, rng_);
    auth_ = Auth::asked;
    auth_id_ = event.id;
    auth_sent_at_ = clock_.steady();
    ++auths_;
    say(protocol::encode(protocol::ToRelay(protocol::to_relay::Auth{event})));
}

void RelayLink::auth_accepted()
{
    auth_ = Auth::accepted;
    ++auth_epoch_;
    for (auto& [seq, pending] : pending_) {
        if (pending.stage != Stage::wants_auth) continue;
        pending.stage = Stage::waiting;
        unsent_.insert(seq);
    }
    ask_those(Asked::wants_auth);
    send_pending();
}

void RelayLink::auth_refused(const std::string& why)
{
    auth_ = Auth::refused;
    remember_error(why);
    std::vector<PendingSeq> events;
    for (const auto& [seq, pending] : pending_)
        if (pending.stage == Stage::wants_auth) events.push_back(seq);
    std::vector<SubscriptionId> asked;
    for (const auto& [id, subscription] : subscriptions_)
        if (subscription.asked == Asked::wants_auth) asked.push_back(id);
    for (const PendingSeq seq : events) finish(seq, {Answer::rejected, why});
    for (const SubscriptionId id : asked) refuse(id, why);
}

// --- publishing

void RelayLink::publish(const protocol::EventId& id, std::shared_ptr<const std::string> message, SteadyTime deadline,
                        Published done)
{
    if (state_ == State::stopped) return;
    if (const auto known = pending_by_id_.find(id); known != pending_by_id_.end()) {
        // One EVENT on the wire serves both; it waits for the more patient of the two.
        Pending& pending = pending_.at(known->second);
        pending.done.push_back(std::move(done));
        if (deadline > pending.deadline) {
            deadlines_.erase({pending.deadline, known->second});
            pending.deadline = deadline;
            deadlines_.emplace(deadline, known->second);
        }
        return;
    }
    if (pending_.size() >= limits_.pending_events || pending_bytes_ + message->size() > limits_.pending_bytes) {
        done({Answer::no_answer, "too many events wait for this relay"});
        return;
    }
    const PendingSeq seq = ++last_seq_;
    pending_bytes_ += message->size();
    Pending pending{id, std::move(message), deadline, {}};
    pending.done.push_back(std::move(done));
    pending_.emplace(seq, std::move(pending));
    pending_by_id_.emplace(id, seq);
    deadlines_.emplace(deadline, seq);
    unsent_.insert(seq);
    hurry();
    send_pending();
}

void RelayLink::send_pending()
{
    while (state_ == State::connected && in_flight_ < limits_.in_flight && !unsent_.empty()) {
        const PendingSeq seq = *unsent_.begin();
        Pending& pending = pending_.at(seq);
        unsent_.erase(unsent_.begin());
        pending.stage = Stage::sent;
        pending.auth_epoch = auth_epoch_;
        ++in_flight_;
        if (!say(*pending.message)) return;
    }
}

void RelayLink::finish(PendingSeq seq, const PublishOutcome& outcome)
{
    const auto found = pending_.find(seq);
    if (found == pending_.end()) return; // a callback of an earlier one led here again
    const Pending pending = std::move(found->second);
    if (pending.stage == Stage::sent) --in_flight_;
    pending_bytes_ -= pending.message->size();
    pending_.erase(found);
    pending_by_id_.erase(pending.id);
    unsent_.erase(seq);
    deadlines_.erase({pending.deadline, seq});
    for (const auto& done : pending.done) done(outcome);
}

// --- subscriptions

RelayLink::SubscriptionId RelayLink::subscribe(std::vector<protocol::Filter> filters, Lifetime lifetime,
                                               Subscriber subscriber, Seconds overlap)
{
    const SubscriptionId id = ++last_subscription_;
    const auto at = subscriptions_
                        .emplace(id, Subscription{std::move(filters), lifetime,
                                                  std::make_shared<const Subscriber>(std::move(subscriber)), overlap,
                                                  Backoff(limits_.resubscribe_base, limits_.resubscribe_cap)})
                        .first;
    hurry();
    if (state_ == State::connected) ask(at->second);
    return id;
}

void RelayLink::unsubscribe(SubscriptionId id)
{
    const auto found = subscriptions_.find(id);
    if (found == subscriptions_.end()) return;
    const std::string wire_id = found->second.wire_id;
    subscriptions_.erase(found);
    if (!wire_id.empty()) say(protocol::encode(protocol::ToRelay(protocol::to_relay::Close{wire_id})));
}

void RelayLink::ask(Subscription& subscription)
{
    subscription.asked = Asked::sent;
    subscription.wire_id = "adit" + std::to_string(++last_wire_id_);
    subscription.auth_epoch = auth_epoch_;
    subscription.events = 0;
    subscription.bytes = 0;
    protocol::to_relay::Request request{subscription.wire_id, subscription.filters};
    if (subscription.complete_until) {
        const UnixSeconds since = *subscription.complete_until - subscription.overlap;
        for (auto& filter : request.filters) filter.since = filter.since ? std::max(*filter.since, since) : since;
    }
    say(protocol::encode(protocol::ToRelay(std::move(request))));
}

void RelayLink::ask_those(Asked state)
{
    const SteadyTime now = clock_.steady();
    std::vector<SubscriptionId> ids;
    for (const auto& [id, subscription] : subscriptions_)
        if (subscription.asked == state && (state != Asked::resting || now >= subscription.rests_until))
            ids.push_back(id);
    for (const SubscriptionId id : ids) {
        // Asking may lose the connection, and whoever hears of that may unsubscribe.
        const auto found = subscriptions_.find(id);
        if (found != subscriptions_.end() && state_ == State::connected) ask(found->second);
    }
}

void RelayLink::refuse(SubscriptionId id, const std::string& why)
{
    const auto found = subscriptions_.find(id);
    if (found == subscriptions_.end()) return;
    const auto subscriber = found->second.subscriber;
    switch (found->second.lifetime) {
    case Lifetime::stored:
        subscriptions_.erase(found);
        break;
    case Lifetime::live:
        found->second.asked = Asked::resting;
        found->second.wire_id.clear();
        found->second.rests_until = clock_.steady() + found->second.rest.next(rng_);
        break;
    }
    if (subscriber->on_refused) subscriber->on_refused(why);
}

RelayLink::Subscriptions::iterator RelayLink::find_wire(const std::string& wire_id)
{
    return std::find_if(subscriptions_.begin(), subscriptions_.end(),
                        [&](const auto& entry) { return !wire_id.empty() && entry.second.wire_id == wire_id; });
}

} // namespace adit::nostr
