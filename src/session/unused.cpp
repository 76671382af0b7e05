#include "session/unused.h"

#include <algorithm>

namespace adit::session {

namespace {

/// Of a queue that was advanced to `now`.
std::uint64_t unused_of(const Segment& segment, UnixSeconds now)
{
    if (!segment.started_at || !segment.ends_at) return segment.amount;
    switch (segment.cls) {
    case GrantClass::time:
        // A clock that stands before the start has used nothing.
        return std::min(segment.amount,
                        static_cast<std::uint64_t>(std::max(Seconds(0), *segment.ends_at - now).count()));
    case GrantClass::data:
        return segment.amount - std::min(segment.amount, segment.used_bytes);
    }
    return 0;
}

void shorten(Segment& segment, std::uint64_t by)
{
    segment.amount -= by;
    if (segment.cls == GrantClass::time && segment.ends_at)
        segment.ends_at = *segment.ends_at - Seconds(static_cast<std::int64_t>(by));
}

/// Goes through what is unused of one class and speed, from its end backwards: the newest grant owns the last of it.
/// `each` is told which part of a segment belongs to which grant.
template<typename Each>
void share_out(std::vector<Segment>& queue, std::span<const GrantSize> grants, UnixSeconds now, const Each& each)
{
    std::vector<std::uint64_t> left;
    left.reserve(queue.size());
    for (const Segment& segment : queue) left.push_back(unused_of(segment, now));
    for (std::size_t g = grants.size(); g-- > 0;) {
        std::uint64_t wanted = grants[g].amount;
        for (std::size_t s = queue.size(); s-- > 0 && wanted > 0;) {
            if (queue[s].cls != grants[g].cls || queue[s].max_mbps != grants[g].max_mbps) continue;
            const std::uint64_t part = std::min(wanted, left[s]);
            left[s] -= part;
            wanted -= part;
            if (part > 0) each(g, queue[s], part);
        }
    }
}

} // namespace

std::vector<std::uint64_t> unused(std::span<const Segment> segments, std::span<const GrantSize> grants, UnixSeconds now)
{
    std::vector<Segment> queue = advance(segments, now, 0).segments;
    std::vector<std::uint64_t> amounts(grants.size(), 0);
    share_out(queue, grants, now, [&](std::size_t grant, Segment&, std::uint64_t part) { amounts[grant] += part; });
    return amounts;
}

std::vector<Segment> without(std::span<const Segment> segments, std::span<const GrantSize> grants,
                             std::span<const Stays> stays, UnixSeconds now)
{
    std::vector<Segment> queue = advance(segments, now, 0).segments;
    share_out(queue, grants, now, [&](std::size_t grant, Segment& segment, std::uint64_t part) {
        if (stays[grant] == Stays::no) shorten(segment, part);
    });
    std::erase_if(queue, [](const Segment& segment) { return segment.amount == 0; });
    // Starts what comes first now, and leaves behind what has nothing left.
    return advance(queue, now, 0).segments;
}

Sat worth_of(Sat price, const GrantSize& grant, std::uint64_t unused, std::uint64_t percent)
{
    if (grant.amount == 0) return Sat{};
    // A price is below 2^63, an amount below 2^61 and a percent below 2^7, so a product of all three needs more than
    // 128 bits: the whole and the rest of price × unused / amount are scaled one after the other.
    __extension__ typedef unsigned __int128 Wide; // g++ wants it said so
    const Wide share = Wide{price.count()} * std::min(unused, grant.amount);
    const Wide whole = share / grant.amount;
    const Wide rest = share % grant.amount;
    const Wide part = std::min<std::uint64_t>(percent, 100);
    // (whole + rest / amount) × part / 100
    const Wide hundredths = whole * part;
    const Wide sat = hundredths / 100 + ((hundredths % 100) * grant.amount + rest * part) / (Wide{grant.amount} * 100);
    return Sat(static_cast<std::uint64_t>(sat));
}

} // namespace adit::session
