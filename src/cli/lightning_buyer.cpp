#include "cli/lightning_buyer.h"

#include "base/ascii.h"
#include "base/hash.h"
#include "cli/delivery.h"
#include "cli/printable.h"
#include "payments/cashu/mint_url.h"
#include "payments/cashu/token.h"

namespace adit::cli {

namespace {

constexpr Milliseconds kPollVerify{1'500};
constexpr Milliseconds kBetweenPayments{2'000};
constexpr Seconds kExpiryMargin{120}; // a payment may have been under way when the invoice expired
constexpr std::size_t kMostPuzzle = 64 * 1024;
constexpr std::size_t kPreimageDigits = 64;

std::string amount_text(const MadeInvoice& made)
{
    return std::to_string(made.invoice.amount.value_or(Msat{}).count() / 1000) + " sat";
}

Error expired_unpaid()
{
    return Error{Reason::payment_required, "the invoice has expired unpaid; buy again for a new one"};
}

} // namespace

Record new_lightning_record(Offer offer, LightningMode mode, std::optional<PayerChoice> payer, const Clock& clock,
                            Rng& rng)
{
    Record record = new_record(std::move(offer), std::nullopt, clock, rng);
    record.lightning = LightningPurchase{.mode = mode, .payer = std::move(payer)};
    return record;
}

LightningBuyer::LightningBuyer(Buyer::Parts parts, Payer* payer)
    : parts_(std::move(parts)), payer_(payer), coins_(parts_)
{
}

Buyer::Outcome LightningBuyer::go_on(Record& record)
{
    for (;;) {
        Result<void> done;
        switch (record.stage) {
        case Stage::begun:
            done = begin(record);
            break;
        case Stage::handed:
            return {End::handed};
        case Stage::invoiced:
            done = await_settlement(record);
            break;
        case Stage::settled:
            return deliver(record);
        case Stage::delivered:
            return {End::delivered};
        case Stage::refunded:
            return {End::refunded, record.refusal ? record.refusal->message : ""};
        case Stage::quoted:
        case Stage::funding:
        case Stage::ready:
        case Stage::asked:
        case Stage::refused:
            CHECK(false); // of a purchase with ecash, which is buyer.h's
        }
        if (done) continue;
        const bool nothing_moved = record.stage == Stage::begun || done.error().reason == Reason::payment_required;
        return {nothing_moved ? End::refused : End::open, done.error().detail};
    }
}

// ---- before any money ----------------------------------------------------------------------------------------------

Result<void> LightningBuyer::begin(Record& record)
{
    LightningPurchase& lightning = *record.lightning;
    parts_.reporter.progress("asking the operator for its offer");
    PayOffer offer = TRY(ask_offer(parts_.http, record));
    if (lightning.mode == LightningMode::lnurl) {
        if (offer.keys != KeysTravel::in_callback)
            return Error{Reason::policy,
                         "this operator wants the purchase in the payment's comment, which an LNURL can "
                         "not carry; buy without --lnurl"};
        lightning.lnurl = purchase_url(record);
        record.stage = Stage::handed;
        return save(record);
    }
    parts_.reporter.progress("asking the operator for an invoice");
    // Should its answer be lost, the next one is another invoice: nobody has seen this one.
    std::string answer = TRY(ask_invoice(parts_.http, record, offer));
    const MadeInvoice made = TRY(read_answer(record, answer, offer.metadata));
    if (made.invoice.expires_at() <= parts_.clock.now())
        return Error{Reason::bad_encoding, "the operator's invoice has expired already"};
    lightning.metadata = std::move(offer.metadata);
    lightning.answer = std::move(answer);
    record.stage = Stage::invoiced;
    return save(record);
}

// ---- the invoice ---------------------------------------------------------------------------------------------------

Result<void> LightningBuyer::await_settlement(Record& record)
{
    const MadeInvoice made = TRY(read_answer(record, record.lightning->answer, record.lightning->metadata));
    if (payer_) return await_own_payment(record, made);
    const SteadyTime began = parts_.clock.steady();
    const UnixSeconds expires_at = made.invoice.expires_at();
    bool shown = false;
    for (;;) {
        const bool over = expires_at + kExpiryMargin < parts_.clock.now();
        if (made.answer.verify) {
            auto looked = look_at_verify(record, made);
            if (record.stage != Stage::invoiced) return looked;
            if (looked && over) return expired_unpaid();
        }
        if (!shown && parts_.clock.now() < expires_at)
            parts_.reporter.show_invoice(made.answer.pr, Sat(made.invoice.amount->count() / 1000), expires_at);
        shown = true;
        if (!made.answer.verify)
            return Error{Reason::lightning_unreachable,
                         "this operator does not say when its invoice is paid. Once your wallet has paid it, give adit "
                         "the payment's preimage, which wallets show as proof of payment: adit open FILE PREIMAGE"};
        if (!patient(began, parts_.patience.invoice))
            return Error{Reason::lightning_unreachable, "the invoice is not paid yet, as far as the operator says"};
        parts_.reporter.progress("waiting for the invoice over " + amount_text(made) + " to be paid");
        parts_.reporter.pause(kPollVerify);
    }
}

/// An error says nothing about the invoice, unless the record has moved on.
Result<void> LightningBuyer::look_at_verify(Record& record, const MadeInvoice& made)
{
    auto verified = TRY(ask_verify(parts_.http, *made.answer.verify));
    if (verified.refund) {
        const auto token = payments::cashu::parse_token(*verified.refund);
        const auto mint = token ? payments::cashu::normalise_mint_url(token->mint) : Result<std::string>(token.error());
        if (mint && record.offer.mint.empty()) record.offer.mint = *mint;
        const auto outcome = coins_.take_refund(
            record, {*verified.refund, "the operator could not deliver and has given the money back", {}});
        if (outcome.end != End::refunded) return Error{Reason::io, outcome.why};
        return {};
    }
    if (!verified.settled || record.lightning->preimage) return {};
    if (!verified.preimage)
        return Error{Reason::lightning_unreachable, "the operator says that the invoice is paid, without its preimage"};
    return take_preimage(record, made, std::move(*verified.preimage));
}

Result<void> LightningBuyer::take_preimage(Record& record, const MadeInvoice& made, SecretBytes<32> preimage)
{
    if (sha256(preimage.expose()) != made.invoice.payment_hash)
        return Error{Reason::bad_encoding, "that is not the preimage of this purchase's invoice"};
    record.lightning->preimage = std::move(preimage);
    record.stage = Stage::settled;
    TRY(save(record));
    parts_.reporter.say("The invoice over " + amount_text(made) + " is paid.");
    return {};
}

// ---- paying it with a node of one's own ----------------------------------------------------------------------------

Result<void> LightningBuyer::await_own_payment(Record& record, const MadeInvoice& made)
{
    const SteadyTime began = parts_.clock.steady();
    for (;;) {
        if (made.answer.verify) {
            auto looked = look_at_verify(record, made);
            if (record.stage != Stage::invoiced) return looked;
        }
        parts_.reporter.progress(std::string(payer_->name()) + " pays the invoice over " + amount_text(made));
        auto told = tell_payer(record, made);
        if (record.stage != Stage::invoiced) return told;
        if (!told && (told.error().reason == Reason::payment_required || told.error().reason == Reason::io))
            return told;
        if (!patient(began, parts_.patience.silence))
            return told ? Error{Reason::lightning_unreachable, "your node is still paying the invoice"} : told.error();
        parts_.reporter.pause(kBetweenPayments);
    }
}

/// One step: looks the payment up, and has it made where it is not. Without an error and with the stage unchanged, it
/// is under way. Errors: payment_required (it is not paid, and not under way); lightning_unreachable; io.
Result<void> LightningBuyer::tell_payer(Record& record, const MadeInvoice& made)
{
    using State = PaymentStatus::State;
    LightningPurchase& lightning = *record.lightning;
    auto status = payer_->look_up(made.invoice.payment_hash);
    if (!status) {
        if (lightning.attempt == Attempt::begun) return status.error();
        return Error{Reason::payment_required, "your node can not be asked to pay: " + status.error().detail};
    }
    if (status->state == State::failed && lightning.attempt == Attempt::begun)
        return own_payment_failed(record, made, status->why);
    if (status->state == State::absent || status->state == State::failed) {
        if (made.invoice.expires_at() <= parts_.clock.now()) return expired_unpaid();
        lightning.attempt = Attempt::begun;
        TRY(save(record));
        status = payer_->pay(made.answer.pr, made.invoice.payment_hash);
        if (!status && status.error().reason == Reason::lightning_refused)
            return own_payment_failed(record, made, status.error().detail);
        if (!status) return status.error();
    }
    switch (status->state) {
    case State::absent:
    case State::pending:
        return {};
    case State::failed:
        return own_payment_failed(record, made, status->why);
    case State::paid:
        if (status->preimage) return take_preimage(record, made, std::move(*status->preimage));
        return Error{Reason::lightning_unreachable, "your node has paid, and does not say the preimage"};
    }
    return {};
}

Result<void> LightningBuyer::own_payment_failed(Record& record, const MadeInvoice& made, const std::string& why)
{
    record.lightning->attempt = Attempt::failed;
    TRY(save(record));
    return Error{Reason::payment_required, "your node could not pay (" + why + "). Until " +
                                               to_iso8601(made.invoice.expires_at()) +
                                               " it may try again: adit buy --resume"};
}

// ---- the tunnel ----------------------------------------------------------------------------------------------------

Buyer::Outcome LightningBuyer::deliver(Record& record)
{
    const auto opened = [&]() -> Result<std::pair<MadeInvoice, std::string>> {
        MadeInvoice made = TRY(read_answer(record, record.lightning->answer, record.lightning->metadata));
        const std::string plaintext = TRY(protocol::open_aes(*record.lightning->preimage, *made.answer.action));
        std::string config = TRY(protocol::config_of_plaintext(plaintext));
        return std::pair(std::move(made), std::move(config));
    }();
    if (!opened)
        return {End::open, "the invoice is paid, and what it opens can not be read (" + opened.error().detail +
                               "); it is kept in the purchase file"};
    return finish(record, opened->second, &opened->first);
}

/// `made`: of our own invoice, whose tunnel is waited for; nullptr: the wallet that paid has shown the config.
Buyer::Outcome LightningBuyer::finish(Record& record, const std::string& config, const MadeInvoice* made)
{
    const auto come_back = [](const std::string& why) { return Buyer::Outcome{End::open, why}; };
    Delivery delivery{config, std::nullopt, session_in_comments(record.offer, config), record.offer.quantity};
    auto tunnel = tunnel_of(record, delivery);
    if (!tunnel) {
        record.puzzle = printable(config, kMostPuzzle);
        if (const auto saved = save(record); !saved) return come_back(saved.error().detail);
        return come_back("the invoice is paid, and the operator's config is not to be trusted (" +
                         tunnel.error().detail + "); it is kept in the purchase file");
    }
    record.tunnel = std::move(*tunnel);
    if (const auto saved = save(record); !saved) return come_back(saved.error().detail);

    const auto expires_at = see_session(record, delivery.session_url, made);
    if (record.stage == Stage::refunded) return {End::refunded, record.refusal->message};
    if (!expires_at) return come_back(expires_at.error().detail);
    delivery.expires_at = *expires_at;
    tunnel = tunnel_of(record, delivery);
    CHECK(tunnel.has_value());
    record.tunnel = std::move(*tunnel);
    record.puzzle.reset();
    record.stage = Stage::delivered;
    if (const auto saved = save(record); !saved) return come_back(saved.error().detail);
    return {End::delivered};
}

/// When the tunnel ends, once it is up; none where nobody says. The stage is refunded where it will not come up.
/// Errors: not_delivered; io.
Result<std::optional<UnixSeconds>> LightningBuyer::see_session(Record& record, const std::string& session,
                                                               const MadeInvoice* made)
{
    constexpr std::string_view kNotYet = "waiting";
    const SteadyTime began = parts_.clock.steady();
    for (;;) {
        if (made && made->answer.verify) {
            const auto looked = look_at_verify(record, *made);
            if (!looked && looked.error().reason == Reason::io) return looked.error();
            if (record.stage == Stage::refunded) return std::optional<UnixSeconds>();
        }
        if (session.empty()) return std::optional<UnixSeconds>();
        parts_.reporter.progress("looking whether the tunnel is up");
        const auto view = ask_session(parts_.http, session);
        if (view && view->status != kNotYet) return std::optional(view->expires_at);
        if (!made) return std::optional<UnixSeconds>();
        if (!patient(began, parts_.patience.silence))
            return Error{Reason::not_delivered,
                         "it is paid, and the config is in the purchase file, but the tunnel is not up (" +
                             (view ? "the operator says that it waits" : view.error().detail) + ")"};
        parts_.reporter.pause(kBetweenPayments);
    }
}

Result<Buyer::Outcome> LightningBuyer::open_delivery(Record& record, std::string_view shown)
{
    if (record.stage == Stage::delivered || record.stage == Stage::refunded) return go_on(record);
    shown = trimmed(shown, " \t\r\n");
    if (shown.size() == kPreimageDigits) {
        if (auto preimage = parse_secret_hex<32>(shown)) {
            if (record.lightning->answer.empty())
                return Error{Reason::bad_encoding,
                             "this purchase has no invoice of its own that a preimage could open; "
                             "give the link or the config that the wallet shows"};
            const MadeInvoice made = TRY(read_answer(record, record.lightning->answer, record.lightning->metadata));
            TRY(take_preimage(record, made, std::move(*preimage)));
            return go_on(record);
        }
    }
    const std::string config = TRY(protocol::config_of_plaintext(shown));
    TRY(tunnel_of(record, {config, std::nullopt, "", record.offer.quantity}));
    return finish(record, config, nullptr);
}

} // namespace adit::cli
