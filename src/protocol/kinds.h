// protocol/kinds.h - which events replace which, and which have had their time. NIP-01, NIP-40.
// The kinds themselves are in constants.h.
#pragma once

#include "protocol/coordinate.h"
#include "protocol/event.h"

namespace adit::protocol {

enum class KindClass {
    regular,     // all are kept
    replaceable, // the latest per author and kind
    ephemeral,   // not stored
    addressable, // the latest per author, kind and d
};

/// Kinds outside every range of NIP-01 are regular.
KindClass kind_class(std::uint32_t kind);

/// None for regular and ephemeral events. A missing d counts as "".
std::optional<Coordinate> coordinate(const Event& event);

/// Whether `event` wins over `other` of the same coordinate: later, or as late with the lower id.
bool supersedes(const Event& event, const Event& other);

/// NIP-40: at or after the event's `expiration`. One that is not a number never comes.
bool is_expired(const Event& event, UnixSeconds now);

} // namespace adit::protocol
