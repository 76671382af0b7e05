#include "app/purchase.h"

#include "app/delivered_config.h"
#include "base/log.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/nut18.h"
#include "protocol/constants.h"

namespace adit::app {

using payments::PurchaseId;
using payments::Tender;
using payments::Terms;
using session::State;
using store::Purchase;

namespace {

constexpr Seconds kRetryAfter{5};

Terms terms_of(const Purchase& purchase) { return {purchase.price, beneficiary(purchase)}; }

http::Response json_answer(int status, std::string body)
{
    http::Response response;
    response.status = status;
    response.body = std::move(body);
    return response;
}

/// `body` says why; the status and when to come again follow from the reason.
http::Response refused(Reason reason, std::string body)
{
    const protocol::ReasonInfo info = protocol::reason_info(reason);
    http::Response response = json_answer(info.http_status, std::move(body));
    if (info.http_status == 503 || info.http_status == 429)
        response.headers.emplace_back("Retry-After", std::to_string(kRetryAfter.count()));
    return response;
}

} // namespace

const protocol::PublicKey& beneficiary(const Purchase& purchase)
{
    CHECK(purchase.auth_key.has_value());
    return purchase.refund_key ? *purchase.refund_key : *purchase.auth_key;
}

/// Nothing is refused while it is read: the journal is asked first, and it needs only parts of this.
struct Purchases::Reading {
    Result<protocol::Event> event; // form, id and signature are good
    std::optional<std::string_view> x_cashu;
    Result<payments::cashu::Token> token;
    std::vector<payments::cashu::Point> ys;
    Result<protocol::PurchaseBody> body;
    SteadyTime began; // when it came to a worker
};

struct Purchases::Refusal {
    std::optional<Sat> needed;                  // with amount-mismatch
    std::optional<std::string> payment_request; // with payment-required
    std::optional<std::string> change;          // with session-ended: the buyer may have lost the answer that had it
};

Purchases::Purchases(Parts parts) : parts_(std::move(parts)) {}

std::optional<http::Response> Purchases::serve(const http::Request& request, const InFlight::Again& again)
{
    const Reading reading = read(request);
    if (reading.ys.empty()) return run(request, reading);
    const ProofSet set = proof_set(reading.ys);
    switch (parts_.in_flight.enter(set, again)) {
    case InFlight::Entry::waits:
        return std::nullopt;
    case InFlight::Entry::too_many:
        parts_.metrics.refused(session::Method::cashu, Reason::busy);
        return refused(Reason::busy, protocol::encode_refused(Reason::busy));
    case InFlight::Entry::runs:
        break;
    }
    http::Response response = run(request, reading);
    parts_.in_flight.leave(set);
    return response;
}

Purchases::Reading Purchases::read(const http::Request& request) const
{
    const SteadyTime began = parts_.clock.steady();
    const auto event = [&]() -> Result<protocol::Event> {
        const auto header = request.header("authorization");
        if (!header) return Error{Reason::bad_auth, "no Authorization header"};
        protocol::Event parsed = TRY(protocol::parse_auth_header(*header));
        TRY(protocol::verify(parsed));
        return parsed;
    };
    const auto x_cashu = request.header("x-cashu");
    Reading reading{event(),
                    x_cashu,
                    x_cashu ? payments::cashu::parse_token(*x_cashu)
                            : Result<payments::cashu::Token>(Error{Reason::payment_required, "no X-Cashu header"}),
                    {},
                    protocol::parse_purchase_body(request.body, parts_.shop.config.listing.protocols),
                    began};
    // Only a signed request may make us hash two hundred secrets.
    if (reading.event && reading.token)
        for (const auto& proof : reading.token->proofs) reading.ys.push_back(payments::cashu::proof_y(proof.secret));
    return reading;
}

http::Response Purchases::run(const http::Request& request, const Reading& reading)
{
    Refusal refusal;
    const auto fulfilled = [&]() -> Result<Fulfilment> {
        if (reading.event) {
            if (const auto purchase = TRY(known(reading))) {
                // A row that nothing was asked for is left from a crash: free it, and begin again.
                if (purchase->state != State::reserved) {
                    auto fulfilment = go_on(*purchase, reading.event->pubkey);
                    if (!fulfilment && fulfilment.error().reason == Reason::session_ended)
                        refusal.change = purchase->change;
                    return fulfilment;
                }
                TRY(parts_.store.mark_released(purchase->id, Reason::internal));
            }
        }
        return sell(request, reading, refusal);
    }();
    if (fulfilled) {
        if (const auto* delivered = std::get_if<protocol::Delivered>(&*fulfilled))
            return json_answer(200, protocol::encode_delivered(*delivered));
        return json_answer(409, protocol::encode_refunded(std::get<protocol::Refunded>(*fulfilled)));
    }
    const Error& error = fulfilled.error();
    parts_.metrics.refused(session::Method::cashu, error.reason);
    log_debug("purchase_refused", {{"reason", protocol::reason_info(error.reason).word}, {"detail", error.detail}});
    http::Response response =
        refused(error.reason, protocol::encode_refused(error.reason, {}, refusal.needed, refusal.change));
    if (refusal.payment_request) response.headers.emplace_back("X-Cashu", *refusal.payment_request);
    return response;
}

/// The journal's word on this request, before anything that time or config can change is looked at.
/// Errors: expired_auth, double_spent.
Result<std::optional<Purchase>> Purchases::known(const Reading& reading)
{
    // A request that lacks token or key can not be a repeat, but its event id may be taken.
    static const protocol::WireguardKey nobody(ByteArray<32>{});
    const protocol::WireguardKey& key = reading.body ? reading.body->client_key : nobody;
    const store::Lookup lookup = TRY(parts_.store.find(reading.event->id, reading.ys, key));
    if (lookup.by_event) {
        if (!lookup.event_has_these_proofs || !lookup.event_has_this_client_key)
            return Error{Reason::expired_auth, "this event has bought something else already"};
        return lookup.by_event;
    }
    switch (lookup.proofs) {
    case store::ProofMatch::none:
        return std::optional<Purchase>{};
    case store::ProofMatch::partial:
        return Error{Reason::double_spent, "a proof belongs to another purchase"};
    case store::ProofMatch::exact:
        break;
    }
    if (!lookup.proofs_have_this_client_key)
        return Error{Reason::double_spent, "these proofs belong to the purchase of another client key"};
    return lookup.by_proofs;
}

// ---- a new purchase: every refusal comes before the mint is asked to swap ------------------------------------------

Result<Fulfilment> Purchases::sell(const http::Request& request, const Reading& reading, Refusal& refusal)
{
    TRY(shop_is_open());
    const protocol::PurchaseAuth auth = TRY(judge_auth(reading));
    const protocol::PurchaseBody body = TRY(judge_body(reading));
    const Tender tender = TRY(judge_token(reading, auth.tier, refusal));
    const session::Order order = TRY(judge_order(auth.tier, tender, body.client_key, refusal));

    if (!parts_.tunnels.device_usable()) return Error{Reason::policy, "the WireGuard device can not be used"};
    if (!tender.mint->book().page()->may_sell())
        return Error{Reason::policy, "the mint lacks one of NUT-07, 09, 10 or 11"};

    const store::NewPurchase purchase{
        .method = session::Method::cashu,
        .event_id = auth.event_id,
        .auth_key = auth.buyer,
        .refund_key = body.refund_key,
        .client_key = body.client_key,
        .listing = parts_.shop.config.listing.d_tag,
        .tier_amount = order.tier.price_tag.amount,
        .tier_unit = order.tier.price_tag.unit,
        .quantity = order.quantity,
        .grant = order.grant,
        .price = order.price,
        .paid = tender.face,
        .mint = tender.mint->url(),
        .ys = reading.ys,
        .now = parts_.clock.now(),
    };
    const PurchaseId paid = TRY(take_payment(purchase, tender, request.source));
    auto delivered = deliver(paid, auth.buyer);
    if (delivered) parts_.metrics.purchase_took(parts_.clock.steady() - reading.began);
    sold_(); // only now: what relays are told must not take the core that the buyer waits for
    return delivered;
}

/// Reserves, then redeems: money moves only here.
Result<PurchaseId> Purchases::take_payment(const store::NewPurchase& purchase, const Tender& tender,
                                           const std::string& source)
{
    const SwapLimits::Turn turn = TRY(parts_.limits.start(tender, source, parts_.clock.steady()));
    const store::Store::Reserved held = TRY(reserve(purchase));
    const Terms terms{purchase.price, purchase.refund_key ? *purchase.refund_key : *purchase.auth_key};
    TRY(redeem(held.purchase, tender, terms, source));
    parts_.metrics.received(purchase.method, purchase.mint, purchase.price);
    return held.purchase;
}

Result<void> Purchases::shop_is_open() const
{
    if (!parts_.shop.config.cashu.enabled) return Error{Reason::cashu_not_configured, "[cashu] is not enabled"};
    if (parts_.shop.paused) return Error{Reason::policy, "the listing is paused"};
    return {};
}

Result<protocol::PurchaseAuth> Purchases::judge_auth(const Reading& reading) const
{
    if (!reading.event) return reading.event.error();
    return protocol::check_purchase_auth(*reading.event, {parts_.clock.now(), parts_.shop.config.server.public_host,
                                                          parts_.shop.operator_key, parts_.shop.config.listing.d_tag,
                                                          parts_.shop.tiers});
}

Result<protocol::PurchaseBody> Purchases::judge_body(const Reading& reading) const
{
    if (!reading.body) return reading.body.error();
    if (parts_.tunnels.is_taken_by_others(reading.body->client_key))
        return Error{Reason::bad_request, "the client key is the device's own, or a peer's that is not ours"};
    return *reading.body;
}

Result<Tender> Purchases::judge_token(const Reading& reading, const protocol::Tier& tier, Refusal& refusal) const
{
    if (!reading.x_cashu) refusal.payment_request = payment_request(tier);
    if (!reading.token) return reading.token.error();
    TRY(protocol::check_payment_hash(*reading.event, *reading.x_cashu));
    return parts_.till.judge(*reading.token);
}

Result<session::Order> Purchases::judge_order(const protocol::Tier& tier, const Tender& tender,
                                              const protocol::WireguardKey& key, Refusal& refusal) const
{
    refusal.needed = sum(tier.price, tender.fee);
    auto order =
        session::make_order(tier, tender.net, parts_.shop.terms, parts_.tunnels.segments_of(key), parts_.clock.now());
    if (order || order.error().reason != Reason::amount_mismatch) refusal.needed.reset();
    return order;
}

/// Errors: no_ip_available; double_spent, expired_auth (someone was first with these proofs, or with this event).
Result<store::Store::Reserved> Purchases::reserve(const store::NewPurchase& purchase)
{
    const auto candidate = parts_.tunnels.candidate(); // none is no refusal yet: the key may have an address
    auto held = parts_.store.reserve(purchase, candidate ? &*candidate : nullptr);
    if (candidate && !(held && held->used_candidate)) parts_.tunnels.give_back(*candidate);
    // Equal proofs wait for each other in front of this, so an event that is there now came with others.
    if (!held && held.error().reason == Reason::bad_step)
        return Error{Reason::expired_auth, "this event is buying something else at this moment"};
    return held;
}

/// One round trip to the mint. If it does not answer, the journal keeps the purchase and the background goes on.
Result<payments::Receipt> Purchases::redeem(PurchaseId purchase, const Tender& tender, const Terms& terms,
                                            const std::string& source)
{
    auto receipt = parts_.till.redeem(purchase, tender, terms);
    if (receipt) return receipt;
    const Error& error = receipt.error();
    log_info("purchase_not_redeemed", {{"purchase", number_of(purchase)},
                                       {"reason", protocol::reason_info(error.reason).word},
                                       {"detail", error.detail}});
    const auto now = parts_.store.purchase(purchase);
    if (now && now->state == State::reserved) {
        // The intention never reached the disk, so the mint never heard of it.
        TRY(parts_.store.mark_released(purchase, error.reason));
    } else if (!now || now->state == State::swapping) {
        const bool held = parts_.limits.hold_address(purchase, source);
        parts_.leave_to_recovery(purchase);
        // Swaps begun together may fall silent together: those beyond the limits keep their claim only.
        if (!held) {
            // Where this fails, the background lets go of the address a little later.
            [[maybe_unused]] const auto dropped = parts_.store.drop_lease(purchase);
        }
    }
    return receipt;
}

// ---- a purchase that the journal knows -----------------------------------------------------------------------------

/// Buyers whose mint is silent come again every few seconds, and each of them would hold a worker for its timeouts:
/// sales at other mints must not wait behind them. Errors: mint_unreachable (the background asks meanwhile).
Result<SwapLimits::Turn> Purchases::turn_at_mint_of(const Purchase& purchase)
{
    const payments::Mint* mint = parts_.till.mints().find(purchase.mint.value_or(""));
    if (!mint) return Error{Reason::mint_unreachable, "the mint is not in the config any more"};
    auto turn = parts_.limits.ask_again(*mint);
    if (!turn) return Error{Reason::mint_unreachable, turn.error().detail};
    return turn;
}

Result<Fulfilment> Purchases::go_on(const Purchase& purchase, const protocol::PublicKey& asking)
{
    switch (purchase.state) {
    case State::swapping: {
        const auto turn = TRY(turn_at_mint_of(purchase));
        TRY(parts_.till.resume(purchase.id, terms_of(purchase)));
        parts_.metrics.received(purchase.method, purchase.mint, purchase.price);
        sold_();
        return deliver(purchase.id, asking);
    }
    case State::redeemed:
        return deliver_or_refund(purchase, asking);
    case State::active:
        return answer(purchase, asking);
    case State::refunding: {
        const auto turn = TRY(turn_at_mint_of(purchase));
        TRY(parts_.till.resume_refund(purchase.id, beneficiary(purchase)));
        parts_.metrics.refunded(purchase.method, purchase.price);
        return answer(TRY(parts_.store.purchase(purchase.id)), asking);
    }
    case State::refunded:
        return answer(purchase, asking);
    case State::ended:
        return Error{Reason::session_ended, "what was bought is over"};
    case State::received:
    case State::reserved:
    case State::released:
    case State::open: // of Lightning, from here
    case State::accepted:
    case State::live:
    case State::settling:
        break;
    }
    return Error{Reason::internal, "a purchase in a state that is never found"};
}

Result<Fulfilment> Purchases::deliver(PurchaseId id, const protocol::PublicKey& asking)
{
    return deliver_or_refund(TRY(parts_.store.purchase(id)), asking);
}

/// The money is ours, so the buyer gets the tunnel; or, when the device has refused for too long, the money back.
Result<Fulfilment> Purchases::deliver_or_refund(const Purchase& purchase, const protocol::PublicKey& asking)
{
    parts_.limits.holds_none(purchase.id);
    const auto activated = activate(purchase);
    if (activated) {
        not_refused_any_more(purchase.id);
        return answer(TRY(parts_.store.purchase(purchase.id)), asking);
    }

    const Error& why = activated.error();
    log_error("purchase_not_delivered", {{"purchase", number_of(purchase.id)}, {"detail", why.detail}});
    if (why.reason == Reason::store_unavailable || why.reason == Reason::bad_step) return why;
    const Seconds waited = parts_.clock.now() - refused_since(purchase.id);
    if (why.reason != Reason::above_max_purchase && waited < parts_.shop.config.sessions.activation_deadline)
        return Error{Reason::not_delivered, why.detail};
    // No peer may be left for what is paid back.
    if (const auto gone = parts_.tunnels.confirm_gone(*purchase.client_key); !gone)
        return Error{Reason::not_delivered, gone.error().detail};
    if (!TRY(refund_is_covered(purchase)))
        return Error{Reason::not_delivered, "another client of the operator has spent what was to be paid back"};
    const auto turn = TRY(turn_at_mint_of(purchase));
    const auto refund = parts_.till.refund(purchase.id, beneficiary(purchase));
    if (!refund) {
        if (const auto now = parts_.store.purchase(purchase.id); now && now->state == State::refunding)
            parts_.leave_to_recovery(purchase.id);
        return refund.error();
    }
    parts_.metrics.refunded(purchase.method, purchase.price);
    not_refused_any_more(purchase.id);
    return answer(TRY(parts_.store.purchase(purchase.id)), asking);
}

/// A part of the price is not the money back: rather owed in whole than settled by less.
Result<bool> Purchases::refund_is_covered(const Purchase& purchase)
{
    const auto there = payments::cashu::total(TRY(parts_.store.proofs_of(purchase.id)));
    const bool covered = there && *there >= purchase.price;
    if (!covered) log_error("refund_proofs_spent_elsewhere", {{"purchase", number_of(purchase.id)}});
    return covered;
}

UnixSeconds Purchases::refused_since(PurchaseId purchase)
{
    const std::lock_guard lock(mutex_);
    return refused_since_.try_emplace(purchase, parts_.clock.now()).first->second;
}

void Purchases::not_refused_any_more(PurchaseId purchase)
{
    const std::lock_guard lock(mutex_);
    refused_since_.erase(purchase);
}

Result<void> Purchases::activate(const Purchase& purchase)
{
    const auto candidate =
        purchase.holds_lease ? Result<store::Lease>(Error{Reason::no_ip_available}) : parts_.tunnels.candidate();
    const auto held = parts_.store.take_lease(purchase.id, candidate ? &*candidate : nullptr);
    if (candidate && !(held && held->used_candidate)) parts_.tunnels.give_back(*candidate);
    if (!held) return held.error();
    const SteadyTime began = parts_.clock.steady();
    const auto activated = TRY(parts_.tunnels.activate(purchase.id, *purchase.client_key, held->lease));
    parts_.metrics.sold(purchase);
    log_info("session_active",
             {{"purchase", number_of(purchase.id)},
              {"quantity", purchase.quantity},
              {"took_ms", std::chrono::duration_cast<Milliseconds>(parts_.clock.steady() - began).count()}});
    delivered_(purchase);
    return {};
}

/// The one place where an answer is made, so that a repeat gets the same one.
Result<Fulfilment> Purchases::answer(const Purchase& purchase, const protocol::PublicKey& asking)
{
    if (purchase.state == State::refunded) {
        CHECK(purchase.refund.has_value());
        return Fulfilment(protocol::Refunded{
            *purchase.refund, std::string(protocol::reason_info(Reason::refunded).message), purchase.change});
    }
    if (purchase.state != State::active || !purchase.client_key)
        return Error{Reason::session_ended, "what was bought is over"};
    auto live = TRY(parts_.store.live_session(*purchase.client_key));
    if (!live || live->session.row != purchase.session) return Error{Reason::session_ended, "what was bought is over"};
    const auto server_key = parts_.tunnels.server_key();
    if (!server_key) return Error{Reason::not_delivered, "the device's public key is not known"};

    // A stranger who holds the token may renew a session, but learns neither its secrets nor its page.
    const bool trusted = asking == purchase.auth_key && TRY(parts_.store.first_buyer_is(live->session.row, asking));

    DeliveredTerms terms{purchase.tier_amount, purchase.tier_unit,  purchase.quantity,
                         purchase.grant,       purchase.expires_at, trusted,
                         std::nullopt};
    if (trusted) terms.session_id = live->session.id;
    protocol::Delivered delivered;
    delivered.config = TRY(delivered_config(parts_.shop, *server_key, live->lease, terms));
    delivered.expires_at = purchase.expires_at.value_or(purchase.state_since);
    if (trusted) delivered.session_id = live->session.id;
    delivered.quantity = purchase.quantity;
    delivered.change = purchase.change;
    return Fulfilment(std::move(delivered));
}

/// What a wallet needs to pay this tier: the price with the likely fee of its own proofs, locked to our key. NUT-24
std::string Purchases::payment_request(const protocol::Tier& tier) const
{
    payments::cashu::PaymentRequest request;
    request.unit = "sat";
    request.amount = tier.price;
    request.single_use = true;
    for (const auto& mint : parts_.till.mints().all()) request.mints.push_back(mint->url());
    if (!request.mints.empty()) {
        const auto page = parts_.till.mints().all().front()->book().page();
        const payments::cashu::Keyset* keyset = page->for_outputs(parts_.clock.now());
        // The fee depends on the number of proofs, and that on the amount: it settles after a step or two.
        for (int i = 0; keyset && i < 4; ++i) {
            const auto cut = payments::cashu::split(*request.amount, *keyset);
            if (!cut) break;
            const std::vector<std::uint64_t> ppk(cut->size(), keyset->input_fee_ppk);
            const auto fee = payments::cashu::input_fee(ppk);
            const auto amount = fee ? sum(tier.price, *fee) : std::nullopt;
            if (!amount || *amount == *request.amount) break;
            request.amount = *amount;
        }
    }
    request.lock = {"P2PK", payments::cashu::even_point(parts_.till.public_key()).hex(), {}};
    return payments::cashu::encode_payment_request(request);
}

} // namespace adit::app
