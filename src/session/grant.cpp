#include "session/grant.h"

#include "protocol/constants.h"

#include <algorithm>
#include <limits>
#include <string>

namespace adit::session {

namespace {

constexpr std::uint64_t kMaxSession_s = static_cast<std::uint64_t>(protocol::kMaxSession.count());

std::uint64_t saturating_sum(std::uint64_t a, std::uint64_t b)
{
    return a > std::numeric_limits<std::uint64_t>::max() - b ? std::numeric_limits<std::uint64_t>::max() : a + b;
}

/// Of a segment that starts. It was bought within the limit of a session, so this fits; one that runs may grow longer.
Seconds length_of(const Segment& segment)
{
    switch (segment.cls) {
    case GrantClass::time:
        return Seconds(static_cast<std::int64_t>(std::min(segment.amount, kMaxSession_s)));
    case GrantClass::data:
        return protocol::kDataLapse;
    }
    return Seconds(0);
}

void start(Segment& segment, UnixSeconds at)
{
    segment.started_at = at;
    segment.ends_at = at + length_of(segment);
}

bool is_used_up(const Segment& segment)
{
    return segment.cls == GrantClass::data && segment.used_bytes >= segment.amount;
}

bool is_alike(const Segment& segment, GrantClass cls, std::uint32_t mbps)
{
    return segment.cls == cls && segment.max_mbps == mbps;
}

std::uint64_t data_in(std::span<const Segment> segments)
{
    std::uint64_t bytes = 0;
    for (const Segment& segment : segments)
        if (segment.cls == GrantClass::data) bytes = saturating_sum(bytes, segment.amount);
    return bytes;
}

} // namespace

Advanced advance(std::span<const Segment> segments, UnixSeconds now, std::uint64_t newly_used_bytes)
{
    std::vector<Segment> queue(segments.begin(), segments.end());
    if (!queue.empty()) queue.front().used_bytes = saturating_sum(queue.front().used_bytes, newly_used_bytes);
    while (!queue.empty()) {
        Segment& first = queue.front();
        if (!first.started_at || !first.ends_at) start(first, now);
        const bool ended = *first.ends_at <= now;
        if (!ended && !is_used_up(first)) break;
        const UnixSeconds next_start = ended ? *first.ends_at : now;
        queue.erase(queue.begin());
        if (!queue.empty()) start(queue.front(), next_start);
    }
    return Advanced{queue, queue.empty() ? Running::over : Running::yes};
}

std::uint64_t room_for(std::span<const Segment> segments, GrantClass cls, UnixSeconds now, std::uint32_t mbps)
{
    const std::vector<Segment> queue = advance(segments, now, 0).segments;
    const UnixSeconds latest = now + protocol::kMaxSession;
    const UnixSeconds end = expires_at(queue).value_or(now);
    switch (cls) {
    case GrantClass::time:
        return end >= latest ? 0 : static_cast<std::uint64_t>((latest - end).count());
    case GrantClass::data: {
        const bool extends = !queue.empty() && is_alike(queue.back(), GrantClass::data, mbps);
        if (!extends && end + protocol::kDataLapse > latest) return 0;
        const std::uint64_t held = data_in(queue);
        return held >= protocol::kMaxQuotaBytes ? 0 : protocol::kMaxQuotaBytes - held;
    }
    }
    return 0;
}

Result<std::vector<Segment>> add_grant(std::span<const Segment> segments, const GrantSize& grant, UnixSeconds now)
{
    if (grant.amount == 0 || grant.amount > room_for(segments, grant.cls, now, grant.max_mbps))
        return Error{Reason::above_max_purchase, "a session may not hold that much"};
    std::vector<Segment> queue = advance(segments, now, 0).segments;
    if (queue.empty() || !is_alike(queue.back(), grant.cls, grant.max_mbps)) {
        queue.push_back(Segment{grant.cls, grant.amount, std::nullopt, std::nullopt, 0, grant.max_mbps});
        if (queue.size() == 1) start(queue.front(), now);
        return queue;
    }
    Segment& last = queue.back();
    last.amount += grant.amount;
    if (last.ends_at) {
        switch (grant.cls) {
        case GrantClass::time:
            last.ends_at = *last.ends_at + Seconds(static_cast<std::int64_t>(grant.amount));
            break;
        case GrantClass::data:
            last.ends_at = std::max(*last.ends_at, now + protocol::kDataLapse);
            break;
        }
    }
    return queue;
}

std::vector<Segment> take_back(std::span<const Segment> segments, const GrantSize& grant, UnixSeconds now)
{
    std::vector<Segment> queue(segments.begin(), segments.end());
    std::uint64_t left = grant.amount;
    for (auto segment = queue.rbegin(); segment != queue.rend() && left > 0; ++segment) {
        if (!is_alike(*segment, grant.cls, grant.max_mbps)) continue;
        const std::uint64_t part = std::min(left, segment->amount);
        segment->amount -= part;
        left -= part;
        if (segment->cls == GrantClass::time && segment->ends_at)
            segment->ends_at = *segment->ends_at - Seconds(static_cast<std::int64_t>(std::min(part, kMaxSession_s)));
    }
    std::erase_if(queue, [](const Segment& segment) { return segment.amount == 0; });
    if (!queue.empty() && !queue.front().started_at) start(queue.front(), now);
    return advance(queue, now, 0).segments;
}

std::optional<UnixSeconds> next_deadline(std::span<const Segment> segments)
{
    if (segments.empty()) return std::nullopt;
    return segments.front().ends_at;
}

std::optional<UnixSeconds> expires_at(std::span<const Segment> segments)
{
    std::optional<UnixSeconds> end = next_deadline(segments);
    if (!end) return std::nullopt;
    for (const Segment& waiting : segments.subspan(1)) end = *end + length_of(waiting);
    return end;
}

std::optional<std::uint64_t> quota_bytes(std::span<const Segment> segments)
{
    const bool any = std::any_of(segments.begin(), segments.end(),
                                 [](const Segment& segment) { return segment.cls == GrantClass::data; });
    if (!any) return std::nullopt;
    return data_in(segments);
}

std::uint64_t used_bytes(std::span<const Segment> segments)
{
    const bool by_data = quota_bytes(segments).has_value();
    std::uint64_t bytes = 0;
    for (const Segment& segment : segments)
        if (!by_data || segment.cls == GrantClass::data) bytes = saturating_sum(bytes, segment.used_bytes);
    return bytes;
}

std::uint32_t max_mbps(std::span<const Segment> segments) { return segments.empty() ? 0 : segments.front().max_mbps; }

std::optional<std::uint64_t> bytes_left(std::span<const Segment> segments)
{
    if (segments.empty() || segments.front().cls != GrantClass::data) return std::nullopt;
    const Segment& running = segments.front();
    return running.amount - std::min(running.amount, running.used_bytes);
}

} // namespace adit::session
