#include "protocol/purchase_auth.h"

#include "base/ascii.h"
#include "base/hash.h"
#include "protocol/constants.h"
#include "protocol/decimal.h"

#include <algorithm>

namespace adit::protocol {

namespace {

constexpr std::string_view kScheme = "nostr";

struct HostPort {
    std::string host; // lowercase
    std::string port; // "" for none
};

/// An IPv6 host without brackets has several colons and no port.
HostPort split_host(std::string_view text)
{
    const std::string whole = to_lower(text);
    const std::size_t colon = whole.rfind(':');
    const bool bracketed = whole.starts_with('[');
    const bool has_port =
        colon != std::string::npos && (bracketed ? colon > 0 && whole[colon - 1] == ']' : whole.find(':') == colon);
    HostPort parts{has_port ? whole.substr(0, colon) : whole, has_port ? whole.substr(colon + 1) : ""};
    if (bracketed && parts.host.ends_with(']')) parts.host = parts.host.substr(1, parts.host.size() - 2);
    return parts;
}

Result<UnixSeconds> check_time(const Event& event, UnixSeconds now)
{
    const auto expiration = event.first("expiration");
    const auto seconds = expiration ? whole_number(*expiration) : std::nullopt;
    if (!seconds) return Error{Reason::no_expiration, "no expiration in unix seconds"};
    const std::int64_t latest = (now + kAuthMaxAhead).count();
    if (*seconds > static_cast<std::uint64_t>(std::max<std::int64_t>(latest, 0)))
        return Error{Reason::expired_auth, "expiration is over 24 h ahead"};
    const UnixSeconds expires_at(static_cast<std::int64_t>(*seconds));
    if (expires_at <= now) return Error{Reason::expired_auth, "expiration is past"};
    if (event.created_at > now + kAuthClockSkew) return Error{Reason::expired_auth, "created_at is in the future"};
    return expires_at;
}

Result<void> check_listing(const Event& event, const AuthExpectations& expected)
{
    const auto tags = event.all("a");
    if (tags.empty()) return Error{Reason::no_listing, "no a tag"};
    const std::string ours =
        encode_coordinate(Coordinate{kKindListing, expected.operator_key, std::string(expected.d_tag)});
    const bool named =
        std::any_of(tags.begin(), tags.end(), [&](const Tag* tag) { return tag->size() > 1 && (*tag)[1] == ours; });
    if (!named) return Error{Reason::unknown_listing, "no a tag names our listing"};
    return {};
}

/// All that purchase and close have in common. Gives when it expires.
Result<UnixSeconds> check_request(const Event& event, std::string_view action, const AuthExpectations& expected)
{
    if (event.kind != kKindRequestAuth) return Error{Reason::wrong_kind, "kind is not 24242"};
    if (event.first("t") != action) return Error{Reason::wrong_action, "t is not " + std::string(action)};
    const UnixSeconds expires_at = TRY(check_time(event, expected.now));
    const auto server = event.first("server");
    if (!server || !same_host(*server, expected.public_host))
        return Error{Reason::wrong_server, "server is not our public host"};
    TRY(check_listing(event, expected));
    return expires_at;
}

Result<Tier> check_price(const Event& event, std::span<const Tier> tiers)
{
    const auto tags = event.all("price");
    if (tags.empty()) return Error{Reason::no_price, "no price tag"};
    for (const Tag* tag : tags) {
        const auto price = parse_price_tag(*tag);
        const Tier* tier = price ? find_tier(tiers, *price) : nullptr;
        if (tier != nullptr) return *tier;
    }
    return Error{Reason::price_mismatch, "no price tag names a sellable tier"};
}

} // namespace

Result<Event> parse_auth_header(std::string_view value)
{
    value = trimmed(value);
    if (value.size() > kMaxAuthHeaderBytes) return Error{Reason::bad_auth, "Authorization over 32 KiB"};
    const std::size_t space = std::min(value.find_first_of(" \t"), value.size());
    if (to_lower(value.substr(0, space)) != kScheme)
        return Error{Reason::bad_auth, "Authorization is not of the scheme Nostr"};
    const auto json = parse_base64_any(trimmed(value.substr(space)));
    if (!json) return Error{Reason::bad_auth, "Authorization is not base64"};
    auto event = parse_event(as_text(*json));
    if (!event) return Error{Reason::bad_auth, "Authorization holds no event: " + event.error().detail};
    return std::move(event).value();
}

Result<PurchaseAuth> check_purchase_auth(const Event& event, const AuthExpectations& expected)
{
    const UnixSeconds expires_at = TRY(check_request(event, kPurchaseAction, expected));
    Tier tier = TRY(check_price(event, expected.tiers));
    return PurchaseAuth{event.id, event.pubkey, expires_at, std::move(tier)};
}

Result<void> check_close_auth(const Event& event, const AuthExpectations& expected)
{
    TRY(check_request(event, kCloseAction, expected));
    return {};
}

Result<void> check_payment_hash(const Event& event, std::string_view x_cashu)
{
    const auto tags = event.all("x");
    if (tags.empty()) return {};
    const std::string hash = encode_hex(sha256(as_bytes(x_cashu)));
    const bool bound =
        std::any_of(tags.begin(), tags.end(), [&](const Tag* tag) { return tag->size() > 1 && (*tag)[1] == hash; });
    if (!bound) return Error{Reason::bad_auth, "no x tag is the hash of this X-Cashu"};
    return {};
}

bool same_host(std::string_view a, std::string_view b)
{
    const HostPort left = split_host(a);
    const HostPort right = split_host(b);
    return !left.host.empty() && left.host == right.host &&
           (left.port.empty() || right.port.empty() || left.port == right.port);
}

EventDraft purchase_auth_draft(const AuthRequest& request)
{
    EventDraft draft{request.now, kKindRequestAuth, {}, "Buy a VPN session"};
    draft.tags.push_back({"t", std::string(kPurchaseAction)});
    draft.tags.push_back({"expiration", std::to_string((request.now + kAuthLifetime).count())});
    draft.tags.push_back({"server", to_lower(request.server)});
    draft.tags.push_back({"a", encode_coordinate(request.listing)});
    draft.tags.push_back(price_tag(request.price));
    if (request.x_cashu) draft.tags.push_back({"x", encode_hex(sha256(as_bytes(*request.x_cashu)))});
    return draft;
}

EventDraft close_auth_draft(UnixSeconds now, std::string_view server, const Coordinate& listing)
{
    EventDraft draft{now, kKindRequestAuth, {}, "Close a VPN session"};
    draft.tags.push_back({"t", std::string(kCloseAction)});
    draft.tags.push_back({"expiration", std::to_string((now + kAuthLifetime).count())});
    draft.tags.push_back({"server", to_lower(server)});
    draft.tags.push_back({"a", encode_coordinate(listing)});
    return draft;
}

std::string encode_auth_header(const Event& event) { return "Nostr " + encode_base64(as_bytes(encode_event(event))); }

} // namespace adit::protocol
