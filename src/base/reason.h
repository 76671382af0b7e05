// base/reason.h - every way a step can be refused. One closed enum for the whole program.
// protocol/reasons.h gives each its wire word, its HTTP status, and where the money is.
#pragma once

namespace adit {

enum class Reason {
    // What a caller sent.
    bad_request,
    bad_auth, // as bad_request, but about the Authorization header: 401
    bad_signature,
    wrong_kind,
    wrong_action,
    no_expiration,
    expired_auth,
    wrong_server,
    no_listing,
    unknown_listing,
    no_price,
    price_mismatch,
    unsupported_protocol,
    no_client_pubkey,
    // Of a comment that carries a purchase.
    not_an_object,
    version_mismatch,
    bad_price,
    no_protocol,
    not_found,
    method_not_allowed,
    body_too_large,
    headers_too_large,
    too_many_requests,
    // The payment.
    payment_required,
    invalid_token,
    wrong_mint,
    wrong_p2pk,
    amount_mismatch,
    double_spent,
    below_min_purchase,
    above_max_purchase,
    // What we can not do, now or ever.
    cashu_not_configured,
    lightning_not_configured,
    no_sat_tier,
    policy,
    no_ip_available,
    mint_unreachable,
    mint_refused, // a well-formed NUT error; says nothing yet about where the money is
    lightning_unreachable,
    lightning_refused, // a definite no of the backend
    not_delivered,
    refunded,
    session_ended,
    not_yours,      // nothing of the session was bought by the key that asks
    no_refunds,     // the operator gives nothing back for what is unused
    refund_pending, // booked and owed; the mint has not signed yet
    busy,
    // Inside.
    device_unavailable,
    device_absent, // the interface does not exist, so no peer of it does
    store_unavailable,
    relay_unavailable,
    bad_step, // a compare-and-set found another state: someone was first
    bad_config,
    bad_encoding,
    io,
    internal,
};

} // namespace adit
