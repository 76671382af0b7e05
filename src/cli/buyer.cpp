#include "cli/buyer.h"

#include "base/crash_point.h"
#include "cli/delivery.h"
#include "cli/printable.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/mint_url.h"
#include "payments/cashu/p2pk.h"
#include "payments/cashu/token.h"
#include "protocol/constants.h"
#include "protocol/purchase_auth.h"
#include "protocol/purchase_body.h"

#include <algorithm>

namespace adit::cli {

namespace cashu = payments::cashu;
using cashu::Keyset;
using cashu::Proof;

namespace {

constexpr Milliseconds kPollInvoice{1'000};
constexpr Milliseconds kBetweenTries{2'000};
constexpr Milliseconds kOperatorTimeout{60'000}; // it may wait for its mint
constexpr Milliseconds kMintTimeout{30'000};

template<typename T>
Error why_not(const cashu::Answer<T>& answer, const char* what)
{
    if (const auto* refusal = std::get_if<cashu::Refusal>(&answer))
        return Error{Reason::mint_refused,
                     "the mint refuses " + std::string(what) + ": " + printable(refusal->detail, 200)};
    return std::get<cashu::Unknown>(answer).error;
}

/// Refusals that no later try with the same token can change by itself.
bool is_final(Reason reason)
{
    const auto info = protocol::reason_info(reason);
    return info.http_status < 500 && reason != Reason::too_many_requests && reason != Reason::refunded;
}

/// What an operator may answer to a request without payment that a payment would not mend.
constexpr Reason kRefusedUnpaid[]{Reason::cashu_not_configured, Reason::policy,          Reason::no_ip_available,
                                  Reason::wrong_server,         Reason::unknown_listing, Reason::price_mismatch,
                                  Reason::unsupported_protocol, Reason::expired_auth};

enum class Ownership { anyones, operators, others };

Ownership owner_of(std::span<const Proof> proofs, const cashu::Point& operator_key, UnixSeconds now)
{
    if (cashu::all_spendable_alone(proofs, cashu::x_only(operator_key), now)) return Ownership::operators;
    const bool plain = std::ranges::all_of(proofs, [](const Proof& proof) {
        const auto secret = cashu::parse_secret(proof.secret);
        return secret && !*secret;
    });
    return plain ? Ownership::anyones : Ownership::others;
}

} // namespace

Record new_record(Offer offer, std::optional<std::string> token, const Clock& clock, Rng& rng)
{
    return Record{.created_at = clock.now(),
                  .offer = std::move(offer),
                  .keys = Keys{protocol::generate_wireguard_secret(rng), protocol::SecretKey::generate(rng),
                               protocol::SecretKey::generate(rng), protocol::SecretKey::generate(rng)},
                  .given = std::move(token)};
}

Result<Sat> cost_of(const Offer& offer)
{
    const auto cost = times(offer.unit_price, offer.quantity);
    if (!cost || *cost == Sat{}) return Error{Reason::bad_request, "a price that does not fit 64 bits"};
    return *cost;
}

Sat value_of_coins(const Record& record)
{
    Sat value;
    for (const Coin& coin : record.coins)
        if (!coin.spent) value = sum(value, coin.value).value_or(value);
    return value;
}

Buyer::Buyer(Parts parts) : parts_(std::move(parts)) {}

bool Buyer::patient(SteadyTime began, Seconds length) const { return parts_.clock.steady() - began < length; }

PaymentLock Buyer::lock_of(const Record& record) const
{
    return {*record.offer.lock, record.keys.refund.public_key(), record.locktime.value_or(UnixSeconds(0))};
}

Result<payments::Mint*> Buyer::mint_of(const Record& record)
{
    if (!mint_ || mint_->url() != record.offer.mint) {
        mint_ = std::make_unique<payments::Mint>(parts_.http, record.offer.mint, kMintTimeout, parts_.clock);
        parts_.reporter.progress("asking the mint for its keys");
    }
    if (mint_->book().page()->keysets.empty()) {
        if (const auto read = mint_->refresh(); !read && mint_->book().page()->keysets.empty())
            return Error{Reason::mint_unreachable,
                         "the mint " + record.offer.mint + " does not answer: " + read.error().detail};
    }
    return mint_.get();
}

Buyer::Outcome Buyer::go_on(Record& record)
{
    // Refused once does not mean refused for ever: a listing may be resumed, a pool has room again.
    if (record.stage == Stage::refused) record.stage = Stage::asked;
    for (;;) {
        Result<void> done;
        switch (record.stage) {
        case Stage::begun:
            done = begin(record);
            break;
        case Stage::quoted:
            done = await_payment(record);
            break;
        case Stage::funding:
            done = fund(record);
            break;
        case Stage::ready:
            done = prepare_request(record);
            break;
        case Stage::asked:
            return ask(record);
        case Stage::delivered:
            return {End::delivered};
        case Stage::refunded:
            return {End::refunded, "the operator could not deliver and has given the money back"};
        case Stage::refused:
            return {End::refused, record.refusal ? record.refusal->message : ""};
        case Stage::handed:
        case Stage::invoiced:
        case Stage::settled:
            CHECK(false); // of a purchase over Lightning, which is lightning_buyer.h's
        }
        if (done) continue;
        const bool nothing_moved = record.stage == Stage::begun || done.error().reason == Reason::payment_required;
        return {nothing_moved ? End::refused : End::open, done.error().detail};
    }
}

// ---- before any money ----------------------------------------------------------------------------------------------

Result<void> Buyer::begin(Record& record)
{
    TRY(probe(record));
    if (record.given) return begin_with_given(record);

    payments::Mint& mint = *TRY(mint_of(record));
    const auto page = mint.book().page();
    const Keyset* keyset = page->for_outputs(parts_.clock.now());
    if (!keyset) return Error{Reason::mint_refused, "the mint has no active keyset in sat"};
    const Sat amount = TRY(amount_for(TRY(cost_of(record.offer)), *keyset));
    const bool locks = page->info && page->info->supports(20);
    parts_.reporter.progress("asking the mint for an invoice");
    std::optional<cashu::Point> quote_key;
    if (locks) quote_key = TRY(cashu::public_point(cashu::Scalar(record.keys.quote.expose())));
    const auto answer = mint.client().mint_quote(amount, kUnit, quote_key);
    const auto* quote = std::get_if<cashu::MintQuote>(&answer);
    if (!quote) return why_not(answer, "to make an invoice");
    if (quote->amount && *quote->amount != amount)
        return Error{Reason::mint_refused, "the mint made an invoice over another amount"};
    record.quote = Quote{quote->id, quote->request, amount, quote->expiry, locks && quote->pubkey.has_value()};
    record.stage = Stage::quoted;
    return save(record);
}

/// Asks the operator without paying, so that what can be refused is refused before money is locked to its key. Those
/// who do not know this question are none the worse for it.
Result<void> Buyer::probe(const Record& record)
{
    parts_.reporter.progress("asking the operator whether it sells");
    const auto event =
        protocol::sign_event(protocol::purchase_auth_draft({parts_.clock.now(), record.offer.server,
                                                            record.offer.listing, record.offer.price, std::nullopt}),
                             record.keys.auth, parts_.rng);
    const std::string body = protocol::encode_purchase_body({std::string(protocol::kProtocolWireguard),
                                                             protocol::wireguard_public_key(record.keys.wireguard),
                                                             record.keys.refund.public_key()});
    const auto reply = parts_.http.call(
        {"POST", record.offer.endpoint, body, {{"Authorization", protocol::encode_auth_header(event)}}});
    if (!reply)
        return Error{Reason::mint_unreachable, "the operator does not answer at " +
                                                   printable(record.offer.endpoint, 200) + " (" + reply.error().detail +
                                                   ")"};
    const auto answer = protocol::parse_purchase_answer(reply->status, reply->body);
    const auto* refused = answer ? std::get_if<protocol::Refused>(&*answer) : nullptr;
    if (!refused) return {};
    const auto reason = protocol::parse_reason(refused->word);
    if (!reason || std::ranges::find(kRefusedUnpaid, *reason) == std::end(kRefusedUnpaid)) return {};
    return Error{*reason, "the operator refuses (" + std::string(protocol::reason_info(*reason).word) +
                              "): " + printable(refused->message, 300)};
}

/// A token that is locked to the operator is handed over as it is; one without a lock is swapped for one.
Result<void> Buyer::begin_with_given(Record& record)
{
    auto token = TRY(cashu::parse_token(*record.given));
    payments::Mint& mint = *TRY(mint_of(record));
    TRY(check_proofs(token.proofs, *mint.book().page()));
    const auto page = mint.book().page();
    const auto face = cashu::total(token.proofs);
    const auto fee = fee_of(token.proofs, *page);
    const auto net = face && fee ? difference(*face, *fee) : std::nullopt;
    const Sat cost = TRY(cost_of(record.offer));
    const auto too_small = [&](Sat needed) {
        return Error{Reason::amount_mismatch, "the token is worth " + sats(face.value_or(Sat{})) + ", and " +
                                                  sats(needed) + " are needed, the mint's fees included"};
    };

    switch (owner_of(token.proofs, *record.offer.lock, parts_.clock.now())) {
    case Ownership::operators:
        if (!net || *net < cost) return too_small(sum(cost, fee.value_or(Sat{})).value_or(cost));
        record.payment = record.given;
        record.stage = Stage::ready;
        return save(record);
    case Ownership::others:
        return Error{Reason::wrong_p2pk, "the token is locked to a key that is neither the operator's nor none: unlock "
                                         "it first (for coins of a purchase file: adit redeem FILE)"};
    case Ownership::anyones:
        break;
    }
    const Keyset* keyset = page->for_outputs(parts_.clock.now());
    if (!keyset) return Error{Reason::mint_refused, "the mint has no active keyset in sat"};
    const Sat payment = TRY(amount_for(cost, *keyset));
    if (!net || *net < payment) return too_small(sum(payment, fee.value_or(Sat{})).value_or(payment));
    record.locktime = parts_.clock.now() + kPaymentLocktime;
    record.funding.push_back(TRY(swap_work(record)));
    record.stage = Stage::funding;
    return save(record);
}

// ---- the invoice ---------------------------------------------------------------------------------------------------

Result<void> Buyer::await_payment(Record& record)
{
    payments::Mint& mint = *TRY(mint_of(record));
    const SteadyTime began = parts_.clock.steady();
    bool shown = false;
    for (;;) {
        const auto answer = mint.client().mint_quote_state(record.quote->id);
        if (const auto* quote = std::get_if<cashu::MintQuote>(&answer)) {
            if (quote->state != cashu::QuoteState::unpaid) break;
            if (record.quote->expiry && *record.quote->expiry + Seconds(60) < parts_.clock.now())
                return Error{Reason::payment_required, "the invoice has expired unpaid; buy again for a new one"};
            if (!shown) parts_.reporter.show_invoice(record.quote->invoice, record.quote->amount, record.quote->expiry);
            shown = true;
        } else if (std::holds_alternative<cashu::Refusal>(answer)) {
            return why_not(answer, "to say whether the invoice is paid");
        }
        if (!patient(began, parts_.patience.invoice))
            return Error{Reason::mint_unreachable, "the invoice is not paid yet"};
        parts_.reporter.progress("waiting for the invoice over " + sats(record.quote->amount) + " to be paid");
        parts_.reporter.pause(kPollInvoice);
    }
    parts_.reporter.say("The invoice over " + sats(record.quote->amount) + " is paid.");
    record.locktime = parts_.clock.now() + kPaymentLocktime;
    record.funding.push_back(TRY(mint_work(record, quote_form_)));
    record.stage = Stage::funding;
    return save(record);
}

Result<MintWork> Buyer::mint_work(const Record& record, cashu::QuoteMessage form)
{
    quote_form_ = form;
    payments::Mint& mint = *TRY(mint_of(record));
    const auto page = mint.book().page();
    const Keyset* keyset = page->for_outputs(parts_.clock.now());
    if (!keyset) return Error{Reason::mint_refused, "the mint has no active keyset in sat"};
    MintWork work;
    work.kind = MintWork::Kind::mint;
    work.outputs = TRY(make_outputs(*keyset, record.quote->amount, lock_of(record), Sat{}, parts_.rng));
    const auto messages = payments::messages(work.outputs);
    std::optional<ByteArray<64>> signature;
    if (record.quote->signed_minting)
        signature = cashu::sign_mint_quote(form, record.quote->id, messages, record.keys.quote, parts_.rng);
    work.body = cashu::encode_mint(record.quote->id, messages, signature);
    return work;
}

Result<MintWork> Buyer::swap_work(const Record& record)
{
    payments::Mint& mint = *TRY(mint_of(record));
    auto token = TRY(cashu::parse_token(*record.given));
    const auto page = mint.book().page();
    TRY(check_proofs(token.proofs, *page));
    const Keyset* keyset = page->for_outputs(parts_.clock.now());
    if (!keyset) return Error{Reason::mint_refused, "the mint has no active keyset in sat"};
    const auto face = cashu::total(token.proofs);
    const auto fee = fee_of(token.proofs, *page);
    const auto net = face && fee ? difference(*face, *fee) : std::nullopt;
    const Sat payment = TRY(amount_for(TRY(cost_of(record.offer)), *keyset));
    const auto ours = net ? difference(*net, payment) : std::nullopt;
    if (!ours) return Error{Reason::amount_mismatch, "the token does not cover the price and the mint's fees"};
    MintWork work;
    work.kind = MintWork::Kind::swap;
    work.inputs = ys_of(token.proofs);
    work.outputs = TRY(make_outputs(*keyset, payment, lock_of(record), *ours, parts_.rng));
    work.body = cashu::encode_swap(token.proofs, payments::messages(work.outputs));
    return work;
}

Result<payments::OwnedProofs> Buyer::carry_out_patiently(const WorkShop& shop)
{
    const SteadyTime began = parts_.clock.steady();
    for (;;) {
        auto owned = carry_out(shop);
        if (owned || owned.error().reason != Reason::mint_unreachable || !patient(began, parts_.patience.silence))
            return owned;
        parts_.reporter.progress("the mint is silent (" + owned.error().detail + "); asking again");
        parts_.reporter.pause(kBetweenTries);
    }
}

Result<void> Buyer::fund(Record& record)
{
    payments::Mint& mint = *TRY(mint_of(record));
    parts_.reporter.progress("the mint makes a token for the operator alone");
    const WorkShop shop{mint, record.funding, [&] { return save(record); },
                        [&](cashu::QuoteMessage form) {
                            return record.funding.back().kind == MintWork::Kind::mint ? mint_work(record, form)
                                                                                      : swap_work(record);
                        },
                        record.quote ? std::optional(record.quote->id) : std::nullopt};
    auto owned = carry_out_patiently(shop);
    if (!owned) {
        if (record.given && (owned.error().reason == Reason::mint_refused)) {
            // Nothing was taken: the token is the user's, as before. What was made stays, should a late request be
            // carried out after all.
            record.stage = Stage::begun;
            TRY(save(record));
        }
        return owned.error();
    }
    record.payment = cashu::encode_token({mint.url(), std::string(kUnit), std::nullopt, std::move(owned->buyer)});
    if (!owned->wallet.empty())
        add_coin(record, Coin::Kind::kept,
                 cashu::encode_token({mint.url(), std::string(kUnit), std::nullopt, std::move(owned->wallet)}));
    record.stage = Stage::ready;
    return save(record);
}

// ---- the operator --------------------------------------------------------------------------------------------------

Result<void> Buyer::prepare_request(Record& record)
{
    const auto draft = protocol::purchase_auth_draft(
        {parts_.clock.now(), record.offer.server, record.offer.listing, record.offer.price, record.payment});
    const auto event = protocol::sign_event(draft, record.keys.auth, parts_.rng);
    record.request = Request{protocol::encode_auth_header(event),
                             protocol::encode_purchase_body({std::string(protocol::kProtocolWireguard),
                                                             protocol::wireguard_public_key(record.keys.wireguard),
                                                             record.keys.refund.public_key()}),
                             parts_.clock.now() + protocol::kAuthLifetime};
    record.stage = Stage::asked;
    return save(record);
}

Buyer::Outcome Buyer::ask(Record& record)
{
    const SteadyTime began = parts_.clock.steady();
    const auto come_back = [](const std::string& why) { return Outcome{End::open, why}; };
    for (;;) {
        parts_.reporter.progress("buying the tunnel");
        crash_point("purchase_before_request");
        const auto reply =
            parts_.http.call({"POST",
                              record.offer.endpoint,
                              record.request->body,
                              {{"Authorization", record.request->authorization}, {"X-Cashu", *record.payment}},
                              kOperatorTimeout});
        crash_point("purchase_after_request");
        Milliseconds wait = kBetweenTries;
        std::string why;
        if (!reply) {
            why = "the operator does not answer (" + reply.error().detail + ")";
        } else if (reply->status >= 300 && reply->status < 400) {
            return come_back(
                "the operator's endpoint answers with a redirect, which is not followed with money in hand");
        } else {
            if (reply->retry_after) wait = std::min(Milliseconds(*reply->retry_after), Milliseconds(30'000));
            const auto answer = protocol::parse_purchase_answer(reply->status, reply->body);
            if (!answer) {
                record.puzzle = printable(reply->body, 64 * 1024);
                if (const auto saved = save(record); !saved) return come_back(saved.error().detail);
                why = "the operator said yes in words that can not be understood";
            } else if (std::holds_alternative<protocol::Delivered>(*answer)) {
                return take_delivery(record, reply->body);
            } else if (const auto* refunded = std::get_if<protocol::Refunded>(&*answer)) {
                return take_refund(record, *refunded);
            } else {
                const auto& refused = std::get<protocol::Refused>(*answer);
                if (refused.change) add_coin(record, Coin::Kind::change, *refused.change);
                record.refusal =
                    Refusal{refused.http_status, printable(refused.word, 64), printable(refused.message, 500)};
                const auto reason = protocol::parse_reason(refused.word);
                why = "the operator refuses with " + std::to_string(refused.http_status) + " " + record.refusal->word +
                      ": " + record.refusal->message;
                const bool outlived = record.request->expires_at <= parts_.clock.now();
                if (reason == Reason::expired_auth && outlived) {
                    // The event died before the operator took it up. The same key, token and tunnel key make the same
                    // purchase, should it be there after all.
                    parts_.reporter.say("The purchase event has expired; signing it anew.");
                    if (const auto renewed = prepare_request(record); !renewed)
                        return come_back(renewed.error().detail);
                    continue;
                }
                if (!reason && refused.http_status < 500) return come_back(why);
                if (reason && is_final(*reason)) return take_refusal(record, *reason);
            }
        }
        if (!patient(began, parts_.patience.silence)) return come_back(why);
        parts_.reporter.progress(why + "; asking again");
        parts_.reporter.pause(wait);
    }
}

Buyer::Outcome Buyer::take_delivery(Record& record, const std::string& answer)
{
    auto parsed = protocol::parse_purchase_answer(200, answer);
    CHECK(parsed.has_value() && std::holds_alternative<protocol::Delivered>(*parsed));
    const auto& delivered = std::get<protocol::Delivered>(*parsed);
    if (delivered.change) add_coin(record, Coin::Kind::change, *delivered.change);
    auto tunnel = tunnel_of(
        record, {delivered.config, delivered.expires_at,
                 delivered.session_id ? session_url(record.offer.endpoint, *delivered.session_id) : std::string(),
                 delivered.quantity});
    if (!tunnel) {
        record.puzzle = printable(answer, 64 * 1024);
        if (const auto saved = save(record); !saved) return {End::open, saved.error().detail};
        return {End::open, "the operator has taken the money, and its config is not to be trusted (" +
                               tunnel.error().detail + "); its answer is kept in the purchase file"};
    }
    record.tunnel = std::move(*tunnel);
    record.refusal.reset();
    record.puzzle.reset();
    record.stage = Stage::delivered;
    if (const auto saved = save(record); !saved) return {End::open, saved.error().detail};
    return {End::delivered};
}

Buyer::Outcome Buyer::take_refund(Record& record, const protocol::Refunded& answer)
{
    add_coin(record, Coin::Kind::refund, answer.refund);
    if (answer.change) add_coin(record, Coin::Kind::change, *answer.change);
    record.stage = Stage::refunded;
    record.refusal = Refusal{409, "refunded", printable(answer.message, 500)};
    if (const auto saved = save(record); !saved) return {End::open, saved.error().detail};
    return {End::refunded, record.refusal->message};
}

/// The operator's word on where the money is may be good or not; the mint's is asked for.
Buyer::Outcome Buyer::take_refusal(Record& record, Reason reason)
{
    record.stage = Stage::refused;
    if (const auto saved = save(record); !saved) return {End::open, saved.error().detail};
    std::string why =
        "the operator refuses (" + std::string(protocol::reason_info(reason).word) + "): " + record.refusal->message;
    const auto token = cashu::parse_token(*record.payment);
    const auto mint = mint_of(record);
    if (!token || !mint) return {End::open, why};
    const auto answer = (*mint)->client().check_state(ys_of(token->proofs));
    const auto* states = std::get_if<std::vector<cashu::ProofState>>(&answer);
    if (!states) return {End::open, why + " The mint does not say whether the token is spent."};
    if (std::ranges::find(*states, cashu::ProofState::unspent) == states->end()) {
        return {End::open, why + " The token is spent, though: if not by you, the operator has it."};
    }
    if (!record.locktime) return {End::refused, why + " Your token is not spent."};
    return {End::open, why + " Your token is not spent. From " + to_iso8601(*record.locktime) +
                           " on you can take it back: adit redeem"};
}

void Buyer::add_coin(Record& record, Coin::Kind kind, const std::string& token)
{
    const bool there = std::ranges::any_of(record.coins, [&](const Coin& coin) { return coin.token == token; });
    if (there || token.empty() || token.size() > kMostTokenBytes) return;
    Coin coin{kind, printable(token, kMostTokenBytes), Sat{}, false};
    const auto parsed = cashu::parse_token(token);
    const auto face = parsed ? cashu::total(parsed->proofs) : std::nullopt;
    const char* const name = kind == Coin::Kind::refund ? "refund" : "change";
    if (face) coin.value = *face;
    if (kind == Coin::Kind::change || kind == Coin::Kind::refund) {
        // What the operator gives is looked at, but kept however it looks.
        const auto checked = [&]() -> Result<void> {
            if (!parsed) return parsed.error();
            payments::Mint& mint = *TRY(mint_of(record));
            if (parsed->unit != kUnit) return Error{Reason::invalid_token, "another unit than sat"};
            auto proofs = parsed->proofs;
            TRY(check_proofs(proofs, *mint.book().page()));
            return cashu::all_spendable_alone(proofs, record.keys.refund.public_key(), parts_.clock.now());
        }();
        if (!checked)
            parts_.reporter.say("Warning: the " + std::string(name) + " that the operator gave does not check out (" +
                                checked.error().detail + "). It is kept in the purchase file.");
    }
    record.coins.push_back(std::move(coin));
}

} // namespace adit::cli
