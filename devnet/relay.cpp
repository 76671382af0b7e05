#include "devnet/relay.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace adit::devnet {
namespace {

namespace from_relay = protocol::from_relay;
namespace to_relay = protocol::to_relay;
using protocol::Event;

std::string host_named_by(const Event& event)
{
    const std::string url(event.first("relay").value_or(""));
    const std::size_t scheme = url.find("://");
    if (scheme == std::string::npos) return {};
    const std::size_t start = scheme + 3;
    std::size_t end = url.find_first_of("/?#", start);
    if (end == std::string::npos) end = url.size();
    const std::size_t port = url.rfind(':', end);
    if (port != std::string::npos && port > start && url.find(']', port) == std::string::npos) end = port;
    return url.substr(start, end - start);
}

std::string kept_message(Kept kept)
{
    switch (kept) {
    case Kept::expired:
        return "invalid: the event has expired";
    case Kept::deleted:
        return "blocked: the author deleted it";
    case Kept::superseded:
        return "replaced: a newer version is kept";
    case Kept::duplicate:
        return "duplicate: already have it";
    case Kept::ephemeral:
    case Kept::stored:
        return "";
    }
    return {};
}

bool is_new(Kept kept) { return kept == Kept::stored || kept == Kept::ephemeral; }

Event with_broken_signature(Event event)
{
    event.sig[63] ^= 1;
    return event;
}

RelayAct send(ConnectionId to, const protocol::FromRelay& message)
{
    return {RelayAct::Kind::send, to, protocol::encode(message)};
}

} // namespace

Relay::Relay(const Clock& clock, Rng& rng, Faults& faults)
    : clock_(clock), rng_(rng), faults_(faults), own_key_(protocol::SecretKey::generate(rng))
{
}

RelayActs Relay::opened(ConnectionId id)
{
    Client& client = clients_[id];
    client.challenge = encode_hex(rng_.bytes<16>());
    const auto fault = faults_.take("relay.connect");
    if (fault && fault->act == FaultAct::hang) client.deaf = true;
    Answer answer;
    if (rules_.read == AuthRule::required || rules_.write == AuthRule::required ||
        (fault && fault->act == FaultAct::require_auth))
        answer.emplace_back(from_relay::Auth{client.challenge});
    return spoil(id, answer, fault);
}

void Relay::closed(ConnectionId id) { clients_.erase(id); }

RelayActs Relay::received(ConnectionId id, std::string_view text)
{
    const auto client = clients_.find(id);
    if (client == clients_.end() || client->second.deaf) return {};
    auto message = protocol::parse_to_relay(text);
    if (!message) return {send(id, from_relay::Notice{"invalid: " + message.error().detail})};

    if (const auto* publish = std::get_if<to_relay::Publish>(&*message)) return publish_from(id, *publish);
    if (auto* request = std::get_if<to_relay::Request>(&*message)) return subscribe(id, std::move(*request));
    if (const auto* auth = std::get_if<to_relay::Auth>(&*message)) return authenticate(id, *auth);
    if (const auto* counted = std::get_if<to_relay::Count>(&*message)) return count(id, *counted);
    if (const auto* close = std::get_if<to_relay::Close>(&*message))
        client->second.subscriptions.erase(close->subscription);
    return {};
}

bool Relay::must_authenticate(const Client& client, AuthRule rule, const std::optional<Fault>& fault) const
{
    const bool asked = rule == AuthRule::required || (fault && fault->act == FaultAct::require_auth);
    return asked && client.keys.empty();
}

RelayActs Relay::publish_from(ConnectionId id, const to_relay::Publish& message)
{
    const Event& event = message.event;
    const auto fault = faults_.take("relay.event");
    const Client& client = clients_.at(id);
    if (must_authenticate(client, rules_.write, fault))
        return spoil(id,
                     {from_relay::Auth{client.challenge},
                      from_relay::Ok{event.id, false, "auth-required: authenticate to publish"}},
                     fault);
    if (fault && fault->act == FaultAct::reject)
        return spoil(id, {from_relay::Ok{event.id, false, fault->message}}, fault);
    if (!protocol::verify(event))
        return spoil(id, {from_relay::Ok{event.id, false, "invalid: bad id or signature"}}, fault);
    if (fault && fault->moment == FaultMoment::before && (fault->act == FaultAct::drop || fault->act == FaultAct::hang))
        return spoil(id, {}, fault);

    RelayActs acts;
    const Kept kept = store_.put(event, clock_.now());
    if (is_new(kept)) {
        ++published_;
        tell_subscribers(event, acts);
    }
    from_relay::Ok ok{event.id, kept >= Kept::ephemeral, kept_message(kept)};
    if (fault && fault->act == FaultAct::lie_other_event) ok.id = rng_.bytes<32>();
    for (RelayAct& act : spoil(id, {ok}, fault)) acts.push_back(std::move(act));
    return acts;
}

RelayActs Relay::subscribe(ConnectionId id, to_relay::Request message)
{
    const auto fault = faults_.take("relay.req");
    Client& client = clients_.at(id);
    const std::string subscription = message.subscription;
    if (must_authenticate(client, rules_.read, fault))
        return spoil(id,
                     {from_relay::Auth{client.challenge},
                      from_relay::Closed{subscription, "auth-required: authenticate to read"}},
                     fault);
    if (fault && fault->act == FaultAct::reject)
        return spoil(id, {from_relay::Closed{subscription, fault->message}}, fault);
    if (client.subscriptions.size() >= kMaxSubscriptions && !client.subscriptions.contains(subscription))
        return spoil(id, {from_relay::Closed{subscription, "rate-limited: too many subscriptions"}}, fault);

    Answer answer;
    const auto found = store_.query(message.filters, clock_.now());
    for (const Event* event : found) answer.emplace_back(from_relay::Match{subscription, *event});
    if (fault && fault->act == FaultAct::lie_bad_signature) {
        for (protocol::FromRelay& match : answer)
            std::get<from_relay::Match>(match).event = with_broken_signature(std::get<from_relay::Match>(match).event);
        if (answer.empty())
            answer.emplace_back(from_relay::Match{subscription, with_broken_signature(invented_event())});
    }
    if (fault && fault->act == FaultAct::lie_other_event) answer = {from_relay::Match{subscription, invented_event()}};
    answer.emplace_back(from_relay::EndOfStored{subscription});
    client.subscriptions[subscription] = std::move(message.filters);
    return spoil(id, answer, fault);
}

RelayActs Relay::authenticate(ConnectionId id, const to_relay::Auth& message)
{
    const auto fault = faults_.take("relay.auth");
    Client& client = clients_.at(id);
    const Event& event = message.event;
    if (fault && fault->act == FaultAct::reject)
        return spoil(id, {from_relay::Ok{event.id, false, fault->message}}, fault);
    const std::string host = host_named_by(event);
    const bool is_us = std::find(hosts_.begin(), hosts_.end(), host) != hosts_.end();
    const auto checked = protocol::check_auth(event, client.challenge, is_us ? host : hosts_.front(), clock_.now());
    if (checked) client.keys.insert(event.pubkey);
    const std::string why = checked ? "" : "restricted: " + checked.error().detail;
    return spoil(id, {from_relay::Ok{event.id, checked.has_value(), why}}, fault);
}

RelayActs Relay::count(ConnectionId id, const to_relay::Count& message)
{
    if (must_authenticate(clients_.at(id), rules_.read, std::nullopt))
        return {send(id, from_relay::Closed{message.subscription, "auth-required: authenticate to read"})};
    const auto found = store_.query(message.filters, clock_.now());
    return {send(id, from_relay::Count{message.subscription, found.size()})};
}

RelayActs Relay::publish(const Event& event)
{
    RelayActs acts;
    if (is_new(store_.put(event, clock_.now()))) tell_subscribers(event, acts);
    return acts;
}

RelayActs Relay::close_all() const
{
    RelayActs acts;
    for (const auto& [id, client] : clients_) acts.push_back({RelayAct::Kind::close, id});
    return acts;
}

void Relay::tell_subscribers(const Event& event, RelayActs& acts) const
{
    for (const auto& [id, client] : clients_) {
        if (client.deaf) continue;
        for (const auto& [subscription, filters] : client.subscriptions)
            if (protocol::matches_any(filters, event)) acts.push_back(send(id, from_relay::Match{subscription, event}));
    }
}

/// A valid event that nobody asked for.
Event Relay::invented_event()
{
    return protocol::sign_event({clock_.now(), 1, {{"t", "devnet"}}, encode_hex(rng_.bytes<8>())}, own_key_, rng_);
}

RelayActs Relay::spoil(ConnectionId id, const Answer& answer, const std::optional<Fault>& fault) const
{
    RelayActs acts;
    for (const protocol::FromRelay& message : answer) acts.push_back(send(id, message));
    if (!fault) return acts;
    switch (fault->act) {
    case FaultAct::drop:
        acts = {{RelayAct::Kind::close, id}};
        break;
    case FaultAct::hang:
        acts.clear();
        break;
    case FaultAct::cut: {
        const std::string half = acts.empty() ? "[" : acts.front().text.substr(0, acts.front().text.size() / 2);
        acts = {{RelayAct::Kind::send, id, half}, {RelayAct::Kind::close, id}};
        break;
    }
    case FaultAct::status:
    case FaultAct::not_json:
        acts = {{RelayAct::Kind::send, id, "<html>no relay here</html>"}};
        break;
    case FaultAct::delay:
    case FaultAct::reject:
    case FaultAct::pending:
    case FaultAct::lie_bad_signature:
    case FaultAct::lie_other_event:
    case FaultAct::lose_change:
    case FaultAct::require_auth:
        break;
    }
    for (RelayAct& act : acts) act.latency = fault->latency;
    return acts;
}

std::string Relay::information() const
{
    const bool needs_auth = rules_.read == AuthRule::required || rules_.write == AuthRule::required;
    return nlohmann::json{{"name", "adit-devnet"},
                          {"description", "A relay in memory, for tests and demonstrations. It forgets everything."},
                          {"software", "adit-devnet"},
                          {"version", ADIT_VERSION},
                          {"self", own_key_.public_key().hex()},
                          {"supported_nips", {1, 9, 11, 40, 42, 45}},
                          {"limitation",
                           {{"max_message_length", protocol::kMaxRelayMessage},
                            {"max_subscriptions", kMaxSubscriptions},
                            {"max_subid_length", protocol::kMaxSubscriptionId},
                            {"auth_required", needs_auth},
                            {"payment_required", false},
                            {"restricted_writes", false}}}}
        .dump();
}

} // namespace adit::devnet
