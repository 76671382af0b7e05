// protocol/nip13.h - proof of work. NIP-13.
#pragma once

#include "protocol/event.h"

namespace adit::protocol {

/// The number of leading zero bits, 0..256.
unsigned difficulty(const EventId& id);
/// The id has the bits, and the commitment in the nonce tag, where there is one, is no lower: luck does not count.
bool has_work(const Event& event, unsigned bits);

} // namespace adit::protocol
