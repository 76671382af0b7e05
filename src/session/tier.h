// session/tier.h - tiers as the store remembers them: a running purchase keeps its tier when the listing changes.
#pragma once

#include "protocol/listing.h"
#include "session/grant.h"

namespace adit::session {

/// `quantity` units; none where that is more than 64 bits of seconds or bytes.
std::optional<GrantSize> grant_of(protocol::Unit unit, std::uint64_t quantity);

/// "1000 sat/day x 2", for configs and people.
std::string describe(const protocol::Tier& tier, std::uint64_t quantity);

/// The tier that a stored price tag meant when it was bought. Errors: price_mismatch (it is not sellable).
Result<protocol::Tier> tier_of(const protocol::Price& price, std::size_t index);

} // namespace adit::session
