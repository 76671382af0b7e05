// app/shop.h - what is for sale, as every request sees it.
#pragma once

#include "app/config.h"
#include "session/order.h"

#include <atomic>
#include <vector>

namespace adit::app {

/// Fixed at start, but for `paused`. Read from any thread.
struct Shop {
    explicit Shop(const Config& config);

    const Config& config; // outlives the shop
    const protocol::PublicKey operator_key;
    const std::vector<protocol::Tier> tiers; // the sellable ones
    const session::OrderTerms terms;
    const std::optional<std::string> lnurl_pay_url; // of the listing's Lightning method; none without one
    std::atomic<bool> paused{false};
};

} // namespace adit::app
