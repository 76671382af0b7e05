// protocol/nip19.h - keys and references as people pass them around. Never inside events or filters. NIP-19.
#pragma once

#include "protocol/event.h"

namespace adit::protocol {

struct Nprofile {
    PublicKey pubkey;
    std::vector<std::string> relays;
};

struct Nevent {
    EventId id;
    std::vector<std::string> relays;
    std::optional<PublicKey> author;
    std::optional<std::uint32_t> kind;
};

struct Naddr {
    std::string identifier; // the d tag; at most 255 bytes can be encoded
    std::vector<std::string> relays;
    PublicKey author;
    std::uint32_t kind; // 0..65535
};

/// Each parser takes its own prefix only, ignores TLV types it does not know, and refuses relays that are not printable
/// ASCII. Errors: bad_encoding; the text is never repeated, it may be a secret pasted into the wrong place.
Result<PublicKey> parse_npub(std::string_view text);
Result<SecretKey> parse_nsec(std::string_view text);
Result<EventId> parse_note(std::string_view text);
Result<Nprofile> parse_nprofile(std::string_view text);
Result<Nevent> parse_nevent(std::string_view text);
Result<Naddr> parse_naddr(std::string_view text);

std::string encode_npub(const PublicKey& key);
/// The caller must keep it out of logs and wipe what it can.
std::string encode_nsec(const SecretKey& key);
std::string encode_note(const EventId& id);
/// Relays over 255 bytes are left out: L is one byte.
std::string encode_nprofile(const Nprofile& profile);
std::string encode_nevent(const Nevent& event);
/// Errors: bad_encoding (the identifier is over 255 bytes).
Result<std::string> encode_naddr(const Naddr& address);

/// As a config may name a key: npub or 64 hex digits; nsec or 64 hex digits. Errors: bad_encoding.
Result<PublicKey> parse_public_key(std::string_view text);
Result<SecretKey> parse_secret_key(std::string_view text);

} // namespace adit::protocol
