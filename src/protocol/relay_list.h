// protocol/relay_list.h - where an author's events are to be found (NIP-65), and where messages to him go (NIP-17).
#pragma once

#include "protocol/event.h"

namespace adit::protocol {

enum class RelayUse { read_and_write, read, write };

struct RelayEntry {
    std::string url;
    RelayUse use;
};

/// Scheme and host in lowercase, without default port, and without the slash of an empty path. Errors: bad_encoding
/// (not ws:// or wss:// with a host, spaces or control characters, over 255 bytes).
Result<std::string> normalize_relay_url(std::string_view url);

/// Kind 10002. Entries that are no relay URL are left out, repeated ones too.
EventDraft relay_list_draft(std::span<const RelayEntry> relays, UnixSeconds now);
/// At most `max` usable entries, in order; what can not be read is skipped. Errors: wrong_kind.
Result<std::vector<RelayEntry>> parse_relay_list(const Event& event, std::size_t max = 16);

/// Kind 10050, likewise: at most `max` URLs, normalised, each once. Errors: wrong_kind.
Result<std::vector<std::string>> parse_message_relays(const Event& event, std::size_t max = 5);

} // namespace adit::protocol
