// session/grant.h - a session is a queue of segments for one client key; the first one runs.
// Pure: the caller holds the segments, in the store. spec: Renewal; Sessions, time and data
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "protocol/units.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace adit::session {

using GrantClass = protocol::Dimension;

/// What one purchase bought.
struct GrantSize {
    GrantClass cls = GrantClass::time;
    std::uint64_t amount = 0;   // seconds or bytes
    std::uint32_t max_mbps = 0; // 10^6 bits per second, each way; 0: as fast as it goes
    bool operator==(const GrantSize&) const = default;
};

/// Grants of one class and one speed in a row. Neighbours differ in either; only the first has started.
struct Segment {
    GrantClass cls = GrantClass::time;
    std::uint64_t amount = 0;              // seconds or bytes, of all its grants
    std::optional<UnixSeconds> started_at; // none: waits its turn
    std::optional<UnixSeconds> ends_at;    // time: started_at + amount; data: when it lapses. With started_at only
    std::uint64_t used_bytes = 0;          // counted while it runs; for time, for showing only
    std::uint32_t max_mbps = 0;            // as in GrantSize
    bool operator==(const Segment&) const = default;
};

/// The same class and speed as the last segment's extends it (time adds time; data adds bytes and, if it runs, moves
/// its lapse to now + 30 days); what differs in either waits its turn. A first grant starts now. Segments that are over
/// by `now` are left behind first. Errors: above_max_purchase (over 5 years from now in all, or 2^60 bytes in one
/// queue).
Result<std::vector<Segment>> add_grant(std::span<const Segment> segments, const GrantSize& grant, UnixSeconds now);

/// Undoes add_grant for a grant that turned out to be unpaid: what is left of the queue without it, from the last
/// segment of its class and speed backwards; empty where nothing is left. Time or bytes used already are not counted
/// against it.
std::vector<Segment> take_back(std::span<const Segment> segments, const GrantSize& grant, UnixSeconds now);

/// The largest amount that add_grant would take of that class and speed; 0 for none.
std::uint64_t room_for(std::span<const Segment> segments, GrantClass cls, UnixSeconds now, std::uint32_t mbps = 0);

enum class Running { yes, over };
struct Advanced {
    std::vector<Segment> segments; // without those that are over
    Running running;               // over: no segment is left, the peer must go
};
/// Counts bytes to the running segment and moves on. After one that ended by time the next starts at that very end, so
/// that a sleeping daemon changes no promise; after one that used up its data it starts now. The bytes of one call
/// belong to the segment that ran when it began; more than it had left are not carried over. A clock that stands before
/// started_at ends nothing.
Advanced advance(std::span<const Segment> segments, UnixSeconds now, std::uint64_t newly_used_bytes);

/// When the running segment ends by time; none for an empty queue.
std::optional<UnixSeconds> next_deadline(std::span<const Segment> segments);
/// When the whole queue ends if no quota is used up first: what the buyer is told. None for an empty queue.
std::optional<UnixSeconds> expires_at(std::span<const Segment> segments);

/// Of all data segments in the queue; none where there is none.
std::optional<std::uint64_t> quota_bytes(std::span<const Segment> segments);
/// Of the data segments where there are any, else of the running one.
std::uint64_t used_bytes(std::span<const Segment> segments);
/// The speed of the running segment; 0 for no limit, or an empty queue.
std::uint32_t max_mbps(std::span<const Segment> segments);
/// What the running segment may still carry; none where it is sold by time.
std::optional<std::uint64_t> bytes_left(std::span<const Segment> segments);

} // namespace adit::session
