// protocol/event.h - Nostr events. NIP-01.
#pragma once

#include "base/time.h"
#include "protocol/keys.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace adit::protocol {

using EventId = ByteArray<32>;
using Tag = std::vector<std::string>;

/// What an author decides; id, pubkey and sig follow from it and a key.
struct EventDraft {
    UnixSeconds created_at;
    std::uint32_t kind = 0; // 0..65535
    std::vector<Tag> tags;
    std::string content;
};

struct Event {
    EventId id;
    PublicKey pubkey;
    UnixSeconds created_at;
    std::uint32_t kind;
    std::vector<Tag> tags; // exactly as received; a tag may have one element, values may be empty
    std::string content;
    Signature sig;

    /// The second element of the first tag of that name, if it has one.
    std::optional<std::string_view> first(std::string_view name) const;
    /// Every tag of that name, in order.
    std::vector<const Tag*> all(std::string_view name) const;
};

/// Checks form only (types, lengths, lowercase hex, kind and time ranges, UTF-8, nesting); call verify() for the rest.
/// Errors: bad_encoding.
Result<Event> parse_event(std::string_view json);
Result<Event> parse_event(const nlohmann::json& object);
// Strings would convert to either of the two.
inline Result<Event> parse_event(const std::string& json) { return parse_event(std::string_view(json)); }
inline Result<Event> parse_event(const char* json) { return parse_event(std::string_view(json)); }

/// SHA-256 of the canonical serialization. NIP-01.
EventId event_id(const PublicKey& author, const EventDraft& draft);
/// Recomputes the id (control characters in either written form) and checks the signature. Errors: bad_signature.
Result<void> verify(const Event& event);
Event sign_event(EventDraft draft, const SecretKey& key, Rng& rng);

std::string encode_event(const Event& event);

} // namespace adit::protocol
