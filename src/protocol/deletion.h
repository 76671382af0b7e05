// protocol/deletion.h - asking for events to be forgotten. NIP-09.
#pragma once

#include "protocol/kinds.h"

namespace adit::protocol {

struct DeletedEvent {
    EventId id;
    std::uint32_t kind;
};

/// One e or a tag for each, and a k tag for each kind. A coordinate is deleted up to `now`, a later event lives again.
EventDraft deletion_draft(std::span<const DeletedEvent> events, std::span<const Coordinate> coordinates,
                          UnixSeconds now, std::string reason = {});

/// Whether the deletion (kind 5) covers that event: same author, named by id, or by its coordinate and not later than
/// the deletion. A deletion can not be deleted; a gift wrap can be by whom it is addressed to (NIP-59).
/// Both signatures are to be checked before.
bool deletes(const Event& deletion, const Event& target);

} // namespace adit::protocol
