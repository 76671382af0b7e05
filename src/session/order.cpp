#include "session/order.h"

#include "session/tier.h"

#include <algorithm>

namespace adit::session {

namespace {

/// How many units may be bought at once; none where the listing does not limit this dimension.
std::optional<std::uint64_t> most_units(protocol::Unit unit, const std::optional<protocol::Bound>& bound)
{
    if (!bound || protocol::dimension(bound->unit) != protocol::dimension(unit)) return std::nullopt;
    const auto size = protocol::bound_size(*bound);
    if (!size) return std::nullopt; // beyond 64 bits: the limits of a session are nearer
    return *size / protocol::unit_size(unit);
}

bool is_below(protocol::Unit unit, std::uint64_t quantity, const std::optional<protocol::Bound>& bound)
{
    if (!bound) return false;
    const auto size = grant_of(unit, quantity); // none: beyond 64 bits, so above every bound but one that is beyond too
    if (!size) return false;
    return protocol::compare_with_bound(size->cls, size->amount, *bound) == std::strong_ordering::less;
}

} // namespace

Result<Order> make_order(const protocol::Tier& tier, Sat net, const OrderTerms& terms, std::span<const Segment> held,
                         UnixSeconds now)
{
    CHECK(tier.price > Sat(0));
    const GrantClass cls = protocol::dimension(tier.unit);
    const std::uint64_t paid_for = net.count() / tier.price.count();
    if (paid_for == 0) return Error{Reason::amount_mismatch, "worth less than one unit"};
    if (is_below(tier.unit, paid_for, terms.min_purchase))
        return Error{Reason::below_min_purchase, "less than min_purchase"};

    const std::uint32_t mbps = tier.index < terms.max_mbps.size() ? terms.max_mbps[tier.index] : 0;
    std::uint64_t quantity = std::min(paid_for, room_for(held, cls, now, mbps) / protocol::unit_size(tier.unit));
    if (const auto most = most_units(tier.unit, terms.max_purchase)) quantity = std::min(quantity, *most);
    if (quantity == 0 || is_below(tier.unit, quantity, terms.min_purchase))
        return Error{Reason::above_max_purchase, "more than may be bought, at once or in all"};

    auto grant = grant_of(tier.unit, quantity);
    const auto price = times(tier.price, quantity);
    CHECK(grant && price && *price <= net); // the room of a session bounds the one, the payment the other
    grant->max_mbps = mbps;
    return Order{tier, quantity, *price, *difference(net, *price), *grant};
}

} // namespace adit::session
