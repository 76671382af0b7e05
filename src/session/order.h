// session/order.h - what a payment buys: quantity, price and change. spec: Purchase with Cashu
#pragma once

#include "base/money.h"
#include "protocol/listing.h"
#include "session/grant.h"

#include <optional>
#include <span>
#include <vector>

namespace adit::session {

struct OrderTerms {
    std::optional<protocol::Bound> min_purchase;
    std::optional<protocol::Bound> max_purchase;
    std::vector<std::uint32_t> max_mbps = {}; // of each price of the listing; 0, or none there: as fast as it goes
};

struct Order {
    protocol::Tier tier;
    std::uint64_t quantity = 0; // units of the tier, at least 1
    Sat price;                  // of all of them
    Sat left_over;              // net - price: change, where it is worth more than its fee
    GrantSize grant;
};

/// `net`: the proofs minus the mint's input fees. `held`: the queue that this client key has already, for the limits of
/// a session. quantity = floor(net / price), limited by max_purchase and by what a session may hold; what is beyond is
/// left over. A bound of the other dimension is not compared.
/// Errors: amount_mismatch (not even one unit), below_min_purchase, above_max_purchase (one unit alone is too much).
Result<Order> make_order(const protocol::Tier& tier, Sat net, const OrderTerms& terms, std::span<const Segment> held,
                         UnixSeconds now);

} // namespace adit::session
