// protocol/purchase_auth.h - who buys what: the kind 24242 event in `Authorization: Nostr ...`.
// spec: Purchase auth, after BUD-11. The caller goes in this order: parse_auth_header, verify(event), the journal,
// check_purchase_auth, check_payment_hash.
#pragma once

#include "protocol/event.h"
#include "protocol/listing.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace adit::protocol {

/// The header's value, scheme included and in any case; base64 or base64url, padded or not, up to kMaxAuthHeaderBytes.
/// Checks form only. Errors: bad_auth.
Result<Event> parse_auth_header(std::string_view value);

struct AuthExpectations {
    UnixSeconds now;
    std::string_view public_host; // with or without port
    const PublicKey& operator_key;
    std::string_view d_tag;
    std::span<const Tier> tiers; // what can be sold
};

/// Only check_purchase_auth makes one from a request. That the signature is good is the caller's to have checked.
struct PurchaseAuth {
    EventId event_id;
    PublicKey buyer; // the auth key, fresh for each purchase in today's clients
    UnixSeconds expires_at;
    Tier tier; // ours; the buyer's price tag names it
};

/// In this order, the first that fails. Errors: wrong_kind, wrong_action, no_expiration, expired_auth, wrong_server,
/// no_listing, unknown_listing, no_price, price_mismatch. The first `t`, `expiration` and `server` count; any `a` that
/// is ours and any `price` that names a tier.
Result<PurchaseAuth> check_purchase_auth(const Event& event, const AuthExpectations& expected);

/// The same of an event that closes a session: its `t` is vpn-close, and it needs no price; `tiers` are not looked at.
/// Errors: as check_purchase_auth, without those of the price. spec: Closing
Result<void> check_close_auth(const Event& event, const AuthExpectations& expected);

/// Where the event has `x` tags, one must be the SHA-256, in hex, of the X-Cashu header's exact value. Errors:
/// bad_auth.
Result<void> check_payment_hash(const Event& event, std::string_view x_cashu);

/// The two hosts, of which either may carry a port, lowercase or not. Two ports must agree.
bool same_host(std::string_view a, std::string_view b);

struct AuthRequest {
    UnixSeconds now;
    std::string server; // host of the purchase endpoint
    Coordinate listing;
    Price price;
    std::optional<std::string> x_cashu; // binds the event to this payment
};
/// The buyer's side: valid for five minutes.
EventDraft purchase_auth_draft(const AuthRequest& request);
/// The same to close a session: no price, no payment.
EventDraft close_auth_draft(UnixSeconds now, std::string_view server, const Coordinate& listing);
/// "Nostr <base64>", standard alphabet and padded, as the reference's clients write it.
std::string encode_auth_header(const Event& event);

} // namespace adit::protocol
