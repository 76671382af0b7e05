// protocol/relay_message.h - what clients and relays say to each other. NIP-01, NIP-42, NIP-45.
#pragma once

#include "protocol/event.h"
#include "protocol/filter.h"

#include <variant>

namespace adit::protocol {

inline constexpr std::size_t kMaxRelayMessage = 1U << 20U; // bytes of one message that we parse
inline constexpr std::size_t kMaxSubscriptionId = 64;      // characters, at least 1
inline constexpr std::size_t kMaxFilters = 64;             // in one request

namespace to_relay {
struct Publish {
    Event event;
};
struct Request {
    std::string subscription;
    std::vector<Filter> filters; // at least one
};
struct Count {
    std::string subscription;
    std::vector<Filter> filters; // at least one
};
struct Close {
    std::string subscription;
};
struct Auth {
    Event event;
};
} // namespace to_relay

using ToRelay = std::variant<to_relay::Publish, to_relay::Request, to_relay::Count, to_relay::Close, to_relay::Auth>;

namespace from_relay {
struct Match {
    std::string subscription;
    Event event; // its form is checked, verify() is up to the reader
};
struct EndOfStored {
    std::string subscription;
};
struct Ok {
    EventId id;
    bool accepted;
    std::string message;
};
struct Closed {
    std::string subscription;
    std::string message;
};
struct Notice {
    std::string text;
};
struct Auth {
    std::string challenge;
};
struct Count {
    std::string subscription;
    std::uint64_t count;
};
} // namespace from_relay

using FromRelay = std::variant<from_relay::Match, from_relay::EndOfStored, from_relay::Ok, from_relay::Closed,
                               from_relay::Notice, from_relay::Auth, from_relay::Count>;

std::string encode(const ToRelay& message);
std::string encode(const FromRelay& message);
/// Elements beyond the known ones are ignored. Errors: bad_encoding (also an unknown verb).
Result<ToRelay> parse_to_relay(std::string_view json);
Result<FromRelay> parse_from_relay(std::string_view json);

/// The machine-readable word before the colon of an OK or CLOSED.
enum class RelayPrefix {
    none,
    duplicate,
    pow,
    blocked,
    rate_limited,
    invalid,
    restricted,
    mute,
    error,
    auth_required,
    replaced,
    unsupported,
    unknown,
};
RelayPrefix relay_prefix(std::string_view message);

/// NIP-42's answer to a challenge, to be signed with the key that wants in.
EventDraft auth_draft(std::string_view relay_url, std::string_view challenge, UnixSeconds now);
/// The relay's side: signature, kind, time (10 min either way), challenge, and the relay's host in the tag.
/// Errors: bad_signature, wrong_kind, expired_auth, bad_request, wrong_server.
Result<void> check_auth(const Event& event, std::string_view challenge, std::string_view relay_host, UnixSeconds now);

} // namespace adit::protocol
