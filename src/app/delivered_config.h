// app/delivered_config.h - the wg-quick text that a buyer gets, whichever way it was paid for. spec: Delivered config
#pragma once

#include "app/shop.h"
#include "store/store.h"

namespace adit::app {

struct DeliveredTerms {
    std::string tier_amount; // "0": given
    std::string tier_unit;
    std::uint64_t quantity = 1;
    session::GrantSize grant;
    /// None where the time has not begun: the length is said instead.
    std::optional<UnixSeconds> expires_at;
    /// Whether the preshared key of the lease may be told, and of which session the page may be named.
    bool with_preshared_key = false;
    std::optional<std::string> session_id;
};

/// Errors: price_mismatch (a stored price that is none).
Result<std::string> delivered_config(const Shop& shop, const protocol::WireguardKey& server_key,
                                     const store::Lease& lease, const DeliveredTerms& terms);

} // namespace adit::app
