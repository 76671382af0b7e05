#include "app/lightning_sale.h"

#include "app/delivered_config.h"
#include "base/hash.h"
#include "base/log.h"
#include "protocol/constants.h"

#include <algorithm>
#include <charconv>

namespace adit::app {

namespace lightning = payments::lightning;
using payments::PurchaseId;

namespace {

constexpr std::string_view kActionDescription = "Your VPN configuration";

http::Response answer(std::string body)
{
    http::Response response;
    response.body = std::move(body);
    return response;
}

http::Response refuse(const Error& error)
{
    log_debug("lnurl_refused", {{"reason", protocol::reason_info(error.reason).word}, {"detail", error.detail}});
    return answer(protocol::encode_lnurl_error(error.reason));
}

Result<std::uint64_t> parse_number(std::string_view text, std::string_view what)
{
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size())
        return Error{Reason::bad_request, std::string(what) + " is no whole number"};
    return value;
}

std::string query_of(std::string_view name, std::string_view value)
{
    return std::string(name) + "=" + std::string(value);
}

} // namespace

struct LightningSale::Wish {
    protocol::Tier tier;
    std::uint64_t quantity = 1;
    Sat price;
    std::string metadata;
    std::optional<protocol::WireguardKey> client_key;
    std::optional<protocol::PublicKey> refund_key;
};

struct LightningSale::Made {
    store::Invoice invoice;
    protocol::AesAction action;
};

LightningSale::LightningSale(Parts parts)
    : parts_(std::move(parts)), callback_(parts_.shop.lnurl_pay_url.value_or("") + "/callback")
{
}

// ---- step 1: the offer ---------------------------------------------------------------------------------------------

http::Response LightningSale::offer(const http::Request& request) const
{
    const auto offer = make_offer(request);
    return offer ? answer(protocol::encode_pay_request(*offer)) : refuse(offer.error());
}

Result<void> LightningSale::shop_is_open() const
{
    if (parts_.shop.paused) return Error{Reason::policy, "the listing is paused"};
    if (parts_.shop.tiers.empty()) return Error{Reason::no_sat_tier, "no tier is priced in whole sats"};
    return {};
}

/// `p` counts the listing's prices; one beyond them is the last, as the reference has it.
Result<const protocol::Tier*> LightningSale::tier_by_index(std::string_view text) const
{
    const std::uint64_t asked = TRY(parse_number(text, "p"));
    const std::uint64_t index = std::min<std::uint64_t>(asked, parts_.shop.config.listing.prices.size() - 1);
    const auto tier = std::ranges::find(parts_.shop.tiers, index, &protocol::Tier::index);
    if (tier == parts_.shop.tiers.end()) return Error{Reason::price_mismatch, "that tier is not sold for sats"};
    return &*tier;
}

Result<protocol::PayRequest> LightningSale::make_offer(const http::Request& request) const
{
    TRY(shop_is_open());
    const auto p = request.query_value("p");
    const protocol::Tier* tier = p ? TRY(tier_by_index(*p)) : &parts_.shop.tiers.front();
    const std::uint64_t quantity = TRY(parse_number(request.query_value("q").value_or("1"), "q"));
    const auto price = times(tier->price, quantity);
    const auto amount = price ? to_msat(*price) : std::nullopt;
    if (quantity == 0 || !amount) return Error{Reason::bad_request, "no such quantity"};
    // The bounds of the listing, before a wallet shows anybody a price that can not be bought.
    const auto order = TRY(session::make_order(*tier, *price, parts_.shop.terms, {}, parts_.clock.now()));
    if (order.quantity != quantity) return Error{Reason::above_max_purchase, "more than may be bought"};

    protocol::PayRequest offer;
    offer.min_sendable = offer.max_sendable = *amount;
    offer.metadata =
        protocol::pay_metadata(tier->price_tag, quantity, parts_.shop.operator_key, parts_.shop.config.listing.d_tag);
    offer.callback = callback_ + "?" + query_of("p", std::to_string(tier->index)) + "&" +
                     query_of("q", std::to_string(quantity)) + "&" +
                     query_of("m", encode_hex(sha256(as_bytes(offer.metadata))));
    if (const auto key = request.query_value("client_pubkey")) {
        offer.callback += "&" + query_of("k", encode_base64url(TRY(protocol::parse_key_parameter(*key)).bytes()));
        if (const auto refund = request.query_value("refund_pubkey"))
            offer.callback += "&" + query_of("r", TRY(protocol::PublicKey::parse_hex(*refund)).hex());
    } else {
        offer.comment_allowed = protocol::kLnurlCommentAllowed; // the purchase rides in the comment
    }
    return offer;
}

// ---- step 2: the invoice -------------------------------------------------------------------------------------------

http::Response LightningSale::invoice(const http::Request& request)
{
    const auto sold = sell(request);
    if (sold) return answer(protocol::encode_pay_answer(*sold));
    parts_.metrics.refused(session::Method::lightning, sold.error().reason);
    return refuse(sold.error());
}

Result<LightningSale::Wish> LightningSale::read_wish(const http::Request& request) const
{
    const std::uint64_t amount = TRY(parse_number(request.query_value("amount").value_or(""), "amount"));
    Wish wish;
    std::optional<protocol::PurchaseComment> comment;
    const auto key = request.query_value("k");
    const auto comment_text = request.query_value("comment");
    // With the key in the URL a comment is what people write into their wallets.
    if (!key) {
        if (!comment_text) return Error{Reason::no_client_pubkey, "neither a key nor a comment with one"};
        comment = TRY(protocol::parse_purchase_comment(*comment_text, parts_.shop.config.listing.protocols));
        const auto listing = protocol::encode_coordinate(
            {protocol::kKindListing, parts_.shop.operator_key, parts_.shop.config.listing.d_tag});
        if (comment->listing != listing) return Error{Reason::unknown_listing, "the comment names another listing"};
        wish.client_key = comment->client_key;
        wish.refund_key = comment->refund_key;
    } else {
        wish.client_key = TRY(protocol::parse_key_parameter(*key));
        if (const auto refund = request.query_value("r"))
            wish.refund_key = TRY(protocol::PublicKey::parse_hex(*refund));
    }

    const protocol::Tier* tier = nullptr;
    if (const auto p = request.query_value("p")) {
        tier = TRY(tier_by_index(*p));
        if (comment && !protocol::same_price(comment->price, tier->price_tag))
            return Error{Reason::price_mismatch, "the comment names another tier than the callback"};
    } else if (comment) {
        tier = protocol::find_tier(parts_.shop.tiers, comment->price);
        if (!tier) return Error{Reason::price_mismatch, "the comment's price is not sold"};
    } else {
        tier = &parts_.shop.tiers.front();
    }
    wish.tier = *tier;

    const auto unit = to_msat(tier->price);
    if (!unit) return Error{Reason::price_mismatch, "a price beyond 64 bits of msat"};
    if (const auto q = request.query_value("q"))
        wish.quantity = TRY(parse_number(*q, "q"));
    else
        wish.quantity = amount / unit->count();
    const auto price = times(tier->price, wish.quantity);
    const auto due = price ? to_msat(*price) : std::nullopt;
    if (wish.quantity == 0 || !due || due->count() != amount)
        return Error{Reason::amount_mismatch, "the amount is not the price"};
    wish.price = *price;

    wish.metadata = protocol::pay_metadata(tier->price_tag, wish.quantity, parts_.shop.operator_key,
                                           parts_.shop.config.listing.d_tag);
    const auto digest = request.query_value("m");
    if (digest && *digest != encode_hex(sha256(as_bytes(wish.metadata))))
        return Error{Reason::price_mismatch, "the offer has changed since it was made"};
    return wish;
}

Result<protocol::PayAnswer> LightningSale::sell(const http::Request& request)
{
    TRY(shop_is_open());
    const Wish wish = TRY(read_wish(request));
    if (parts_.tunnels.is_taken_by_others(*wish.client_key))
        return Error{Reason::bad_request, "the client key is the device's own, or a peer's that is not ours"};
    const UnixSeconds now = parts_.clock.now();
    const session::Order order = TRY(session::make_order(wish.tier, wish.price, parts_.shop.terms,
                                                         parts_.tunnels.segments_of(*wish.client_key), now));
    if (order.quantity != wish.quantity) return Error{Reason::above_max_purchase, "more than may be bought"};
    if (!parts_.tunnels.device_usable() || !parts_.tunnels.server_key())
        return Error{Reason::policy, "the WireGuard device can not be used"};

    InvoiceLimits::Turn turn = TRY(parts_.limits.start(request.source));
    const store::NewPurchase purchase{
        .method = session::Method::lightning,
        .refund_key = wish.refund_key,
        .client_key = *wish.client_key,
        .listing = parts_.shop.config.listing.d_tag,
        .tier_amount = order.tier.price_tag.amount,
        .tier_unit = order.tier.price_tag.unit,
        .quantity = order.quantity,
        .grant = order.grant,
        .price = order.price,
        .paid = order.price,
        .now = now,
    };
    const auto candidate = parts_.tunnels.candidate(); // none is no refusal yet: the key may have an address
    const auto held = parts_.store.reserve(purchase, candidate ? &*candidate : nullptr);
    if (candidate && !(held && held->used_candidate)) parts_.tunnels.give_back(*candidate);
    if (!held) return held.error();

    const auto made = make_invoice(wish, purchase, held->purchase, held->lease);
    if (!made) {
        log_info("invoice_not_made", {{"purchase", number_of(held->purchase)},
                                      {"reason", protocol::reason_info(made.error().reason).word},
                                      {"detail", made.error().detail}});
        // Nobody has seen the invoice, if there is one.
        TRY(parts_.store.mark_released(held->purchase, made.error().reason));
        return made.error();
    }
    turn.keep(held->purchase);
    parts_.metrics.invoice_made();
    parts_.opened(held->purchase, made->invoice);
    return protocol::PayAnswer{made->invoice.bolt11, made->action,
                               *parts_.shop.lnurl_pay_url + "/verify/" + encode_hex(made->invoice.payment_hash)};
}

/// The backend makes it, we look at it and keep it with all that its config promises: reserved → open.
Result<LightningSale::Made> LightningSale::make_invoice(const Wish& wish, const store::NewPurchase& purchase,
                                                        PurchaseId id, const store::Lease& lease)
{
    const auto network = TRY(parts_.node.network());
    lightning::InvoiceRequest wanted;
    wanted.amount = wish.price;
    wanted.description_hash = sha256(as_bytes(wish.metadata));
    wanted.expiry = protocol::kInvoiceExpiry;
    wanted.external_id = "adit-" + std::to_string(static_cast<std::int64_t>(id));
    wanted.preimage = parts_.rng.secret<32>();
    lightning::MadeInvoice made = TRY(parts_.node.heard(parts_.node.backend().make(wanted)));
    // From here on there is an invoice that nobody will see if we fail: cancelled, it does not clutter the node.
    const auto give_up = [&](Error why) {
        const auto cancelled = parts_.node.backend().cancel(made.payment_hash);
        if (!cancelled) log_debug("invoice_not_cancelled", {{"detail", cancelled.error().detail}});
        return why;
    };
    const auto expires_at = lightning::check_made(made, wanted, network, parts_.clock.now());
    if (!expires_at) {
        log_error("invoice_is_not_what_was_asked_for", {{"detail", expires_at.error().detail}});
        return give_up(expires_at.error());
    }

    // Who renews keeps the config of before: a stranger who pays for it learns neither its secret nor its page.
    const bool renews = !parts_.tunnels.segments_of(purchase.client_key).empty();
    DeliveredTerms terms{purchase.tier_amount, purchase.tier_unit, purchase.quantity,
                         purchase.grant,       std::nullopt,       !renews,
                         std::nullopt};
    if (!renews) terms.session_id = encode_hex(parts_.rng.bytes<16>());
    const auto server_key = parts_.tunnels.server_key();
    if (!server_key) return give_up({Reason::policy, "the device's public key is not known"});
    const auto config = delivered_config(parts_.shop, *server_key, lease, terms);
    if (!config) return give_up(config.error());
    auto text = success_text(*config);
    if (!text) return give_up(text.error());
    auto action = protocol::seal_aes(made.preimage, *text, std::string(kActionDescription), parts_.rng);
    if (!action) return give_up(action.error());

    store::Invoice invoice{.payment_hash = made.payment_hash,
                           .preimage = std::move(made.preimage),
                           .bolt11 = std::move(made.bolt11),
                           .holds = parts_.node.backend().holds(),
                           .expires_at = *expires_at,
                           .promised = {lease.address, lease.address6, std::nullopt},
                           .session_id = terms.session_id};
    if (lease.preshared_key && !renews) invoice.promised.preshared_key = lease.preshared_key->duplicate();
    if (const auto kept = parts_.store.mark_open(id, invoice); !kept) return give_up(kept.error());
    return Made{std::move(invoice), std::move(*action)};
}

Result<std::string> LightningSale::success_text(const std::string& config) const
{
    std::string text = parts_.shop.config.lightning.success_action == SuccessAction::link
                           ? protocol::config_viewer_link(parts_.shop.config.server.public_host, config)
                           : config;
    if (text.size() > protocol::kMaxAesPlaintext)
        return Error{Reason::policy,
                     "the delivered config is too long for a success action: shorten the listing's title"};
    return text;
}

// ---- whether it was paid -------------------------------------------------------------------------------------------

http::Response LightningSale::verify(const http::Request& request)
{
    const auto hash = parse_hex_exactly<32>(request.parameter("payment_hash").value_or(""));
    if (!hash) return refuse({Reason::not_found, "no payment hash"});
    const auto found = parts_.store.invoice(*hash);
    if (!found) return refuse(found.error());
    if (!*found) return refuse({Reason::not_found, "no invoice of ours"});
    const store::InvoicedPurchase& invoiced = **found;

    protocol::VerifyAnswer said;
    said.pr = invoiced.invoice.bolt11;
    switch (invoiced.purchase.state) {
    case session::State::redeemed: // reached by the backend's own word only, as the next four
    case session::State::active:
    case session::State::ended:
    case session::State::refunding:
    case session::State::refunded:
        said.settled = true;
        if (invoiced.invoice.preimage) said.preimage = invoiced.invoice.preimage->duplicate();
        said.refund = invoiced.purchase.refund; // locked to its owner
        break;
    case session::State::open:
    case session::State::accepted:
    case session::State::live:
    case session::State::settling:
        parts_.asked_for(invoiced.purchase.id);
        break;
    case session::State::received:
    case session::State::reserved:
    case session::State::swapping:
    case session::State::released:
        break;
    }
    return answer(protocol::encode_verify_answer(said));
}

} // namespace adit::app
