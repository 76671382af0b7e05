#include "protocol/reasons.h"

#include <array>

namespace adit::protocol {

namespace {

// Those a stranger may be told by name; mint_refused and the inside ones share the words of others.
constexpr Reason kWireReasons[]{
    Reason::bad_request,
    Reason::bad_auth,
    Reason::bad_signature,
    Reason::wrong_kind,
    Reason::wrong_action,
    Reason::no_expiration,
    Reason::expired_auth,
    Reason::wrong_server,
    Reason::no_listing,
    Reason::unknown_listing,
    Reason::no_price,
    Reason::price_mismatch,
    Reason::unsupported_protocol,
    Reason::no_client_pubkey,
    Reason::not_an_object,
    Reason::version_mismatch,
    Reason::bad_price,
    Reason::no_protocol,
    Reason::not_found,
    Reason::method_not_allowed,
    Reason::body_too_large,
    Reason::headers_too_large,
    Reason::too_many_requests,
    Reason::payment_required,
    Reason::invalid_token,
    Reason::wrong_mint,
    Reason::wrong_p2pk,
    Reason::amount_mismatch,
    Reason::double_spent,
    Reason::below_min_purchase,
    Reason::above_max_purchase,
    Reason::cashu_not_configured,
    Reason::lightning_not_configured,
    Reason::no_sat_tier,
    Reason::policy,
    Reason::no_ip_available,
    Reason::mint_unreachable,
    Reason::lightning_unreachable,
    Reason::not_delivered,
    Reason::refunded,
    Reason::session_ended,
    Reason::not_yours,
    Reason::no_refunds,
    Reason::refund_pending,
    Reason::busy,
};

// A stranger learns of our insides only that it is not to be had now. Whether money had moved before, the reason alone
// does not say.
constexpr ReasonInfo kInside{"policy", 503, Money::unknown,
                             "The operator can not serve this now. Send the same request again later."};

} // namespace

ReasonInfo reason_info(Reason reason)
{
    using enum Reason;
    switch (reason) {
    case bad_request:
        return {"bad-request", 400, Money::untouched, "The request is not well formed. Correct it and send it again."};
    case bad_auth:
        return {"bad-request", 401, Money::untouched,
                "Send `Authorization: Nostr <base64>` with a signed purchase event that fits this request."};
    case bad_signature:
        return {"bad-signature", 401, Money::untouched, "The event's id or signature is wrong. Sign it anew."};
    case wrong_kind:
        return {"wrong-kind", 400, Money::untouched, "The purchase event must be of kind 24242."};
    case wrong_action:
        return {"wrong-action", 400, Money::untouched,
                "The event's first t tag must be vpn-purchase to buy, and vpn-close to close a session."};
    case no_expiration:
        return {"no-expiration", 400, Money::untouched, "The purchase event needs an expiration tag in unix seconds."};
    case expired_auth:
        return {"expired-auth", 401, Money::untouched,
                "The purchase event is not valid now, or was used for another purchase. Check the clock and sign a new "
                "one."};
    case wrong_server:
        return {"wrong-server", 400, Money::untouched, "The purchase event's server tag names another host."};
    case no_listing:
        return {"no-listing", 400, Money::untouched, "The purchase event needs an a tag with the listing."};
    case unknown_listing:
        return {"unknown-listing", 400, Money::untouched, "That listing is not sold here. Load the listing again."};
    case no_price:
        return {"no-price", 400, Money::untouched, "The purchase event needs a price tag of the listing."};
    case price_mismatch:
        return {"price-mismatch", 400, Money::untouched,
                "That price is not for sale, or no longer. Load the listing again."};
    case unsupported_protocol:
        return {"unsupported-protocol", 400, Money::untouched, "That protocol is not sold here."};
    case no_client_pubkey:
        return {"no-client-pubkey", 400, Money::untouched, "The body needs client_pubkey, your WireGuard public key."};
    case not_an_object:
        return {"not-an-object", 400, Money::untouched, "The comment must be the purchase as a JSON object."};
    case version_mismatch:
        return {"version-mismatch", 400, Money::untouched, "The comment's version is not understood here."};
    case bad_price:
        return {"bad-price", 400, Money::untouched, "The comment's price must be [\"price\", amount, currency, unit]."};
    case no_protocol:
        return {"no-protocol", 400, Money::untouched, "The comment needs the protocol that you buy."};
    case not_found:
        return {"not-found", 404, Money::untouched, "There is nothing here."};
    case method_not_allowed:
        return {"method-not-allowed", 405, Money::untouched, "This path wants another HTTP method."};
    case body_too_large:
        return {"body-too-large", 413, Money::untouched, "The body may have 16 KiB."};
    case headers_too_large:
        return {"headers-too-large", 431, Money::untouched,
                "The headers may have 256 KiB together. Pay with fewer proofs."};
    case too_many_requests:
        return {"too-many-requests", 429, Money::untouched, "Too many requests. Wait a little."};
    case payment_required:
        return {"payment-required", 402, Money::untouched,
                "Send a Cashu token in X-Cashu. The response header X-Cashu asks for it."};
    case invalid_token:
        return {"invalid-token", 402, Money::untouched, "The token can not be read or is not valid at its mint."};
    case wrong_mint:
        return {"wrong-mint", 402, Money::untouched, "Tokens of that mint are not taken here."};
    case wrong_p2pk:
        return {"wrong-p2pk", 402, Money::untouched,
                "Every proof must be locked so that the operator's key alone can spend it now."};
    case amount_mismatch:
        return {"amount-mismatch", 402, Money::untouched,
                "The token is worth less than the price and the mint's fee for its proofs."};
    case double_spent:
        return {"double-spent", 402, Money::untouched,
                "A proof of this token is spent already, or pays for another purchase."};
    case below_min_purchase:
        return {"below-min-purchase", 400, Money::untouched,
                "That is less than the listing's least purchase. Pay for more units."};
    case above_max_purchase:
        return {"above-max-purchase", 400, Money::untouched, "That is more than may be bought at once or in all."};
    case cashu_not_configured:
        return {"cashu-not-configured", 503, Money::untouched, "This operator does not take Cashu."};
    case lightning_not_configured:
        return {"lightning-not-configured", 503, Money::untouched, "This operator does not take Lightning."};
    case no_sat_tier:
        return {"no-sat-tier", 503, Money::untouched, "This operator sells nothing for sats at the moment."};
    case policy:
        return {"policy", 503, Money::untouched, "The operator does not sell at the moment. Try again later."};
    case no_ip_available:
        return {"no-ip-available", 503, Money::untouched, "Every address is in use. Try again later."};
    case mint_unreachable:
        return {"mint-unreachable", 503, Money::unknown,
                "The mint has not answered. Your token is kept safe: send the same request again, do not pay anew."};
    case mint_refused:
        return {"mint-unreachable", 503, Money::unknown,
                "The mint's answer is being cleared up. Send the same request again, do not pay anew."};
    case lightning_unreachable:
    case lightning_refused:
        return {"lightning-unreachable", 503, Money::untouched,
                "The operator's Lightning node does not answer. No invoice was made: try again in a minute."};
    case not_delivered:
        return {"not-delivered", 503, Money::held,
                "You have paid and the tunnel is not up yet. Send the same request again, do not pay anew."};
    case refunded:
        return {"refunded", 409, Money::held, "The tunnel could not be delivered. The refund is yours to spend."};
    case session_ended:
        return {"session-ended", 410, Money::held, "This purchase was delivered and has ended."};
    case not_yours:
        return {"not-yours", 403, Money::untouched,
                "The key that signed this has bought nothing of this session. Sign with the key of the purchase."};
    case no_refunds:
        return {"no-refunds", 403, Money::untouched,
                "This operator gives nothing back for what is unused. The tunnel goes on until its end."};
    case refund_pending:
        return {"refund-pending", 503, Money::held,
                "The session is closed and its refund is on its way. Send the same request again."};
    case busy:
        return {"busy", 503, Money::untouched, "Too much is going on. Send the same request again shortly."};
    case bad_step:
        return {"busy", 503, Money::unknown, "This purchase is being worked on. Send the same request again shortly."};
    case bad_encoding:
        return {"bad-request", 400, Money::untouched, "The request is not well formed. Correct it and send it again."};
    case device_unavailable:
    case device_absent:
    case store_unavailable:
    case relay_unavailable:
    case bad_config:
    case io:
    case internal:
        return kInside;
    }
    return kInside;
}

std::optional<Reason> parse_reason(std::string_view word)
{
    if (word == "expired") return Reason::expired_auth;                     // the reference's
    if (word == "no-cashu-in-listing") return Reason::cashu_not_configured; // the reference's
    for (const Reason reason : kWireReasons)
        if (reason_info(reason).word == word) return reason;
    return std::nullopt;
}

} // namespace adit::protocol
