// session/unused.h - what is left of each grant of a session, what that is worth, and the queue without it. Pure.
// spec: Unused
#pragma once

#include "base/money.h"
#include "session/grant.h"

namespace adit::session {

/// Of each grant, in the order in which they joined the queue, what nobody has used by `now`: seconds or bytes. What a
/// segment has used counts to its oldest grant first. `grants` are all that joined and were neither paid back nor taken
/// back since, those that are used up already among them.
std::vector<std::uint64_t> unused(std::span<const Segment> segments, std::span<const GrantSize> grants,
                                  UnixSeconds now);

enum class Stays { yes, no };
/// The queue without what is unused of the grants that do not stay; the others keep what they had, to the second and
/// byte. Empty where nothing is left. `stays` has one entry for each grant. What runs goes on; a data segment that
/// loses a grant lapses when it would have.
std::vector<Segment> without(std::span<const Segment> segments, std::span<const GrantSize> grants,
                             std::span<const Stays> stays, UnixSeconds now);

/// price × unused / amount × percent / 100, rounded down to whole sat, once. `unused` over the grant's amount counts as
/// the amount; percent over 100 as 100.
Sat worth_of(Sat price, const GrantSize& grant, std::uint64_t unused, std::uint64_t percent);

} // namespace adit::session
