// What LND does for those who pay, and what it says of itself.
#include "devnet/lnd_call.h"

#include <algorithm>

namespace adit::devnet {
namespace {

using nlohmann::json;

std::string_view failure_of(PayRefusal)
{
    // The far end does not say more than that it does not like the payment.
    return "FAILURE_REASON_INCORRECT_PAYMENT_DETAILS";
}

json describe_amount(Msat amount)
{
    return {{"sat", proto64(amount.count() / 1000)}, {"msat", proto64(amount.count())}};
}

Rpc<Msat> either_amount(const ProtoMessage& message, const char* sat_name, const char* msat_name)
{
    const std::int64_t sat = TRY(message.number(sat_name));
    const std::int64_t msat = TRY(message.number(msat_name));
    if (sat != 0 && msat != 0) return unknown("sat and msat arguments are mutually exclusive");
    if (sat < 0 || msat < 0 || sat > 2'100'000'000'000'000) return unknown("amounts must be positive");
    return Msat(static_cast<std::uint64_t>(sat != 0 ? sat * 1000 : msat));
}

} // namespace

Rpc<json> Lnd::info(const Call&)
{
    const std::string id = encode_hex(lightning_.id_of(LightningNode::lnd));
    return json{{"version", "0.20.1-beta devnet"},
                {"commit_hash", ""},
                {"identity_pubkey", id},
                {"alias", "adit-devnet"},
                {"color", "#3399ff"},
                {"num_pending_channels", 0},
                {"num_active_channels", 1},
                {"num_inactive_channels", 0},
                {"num_peers", 1},
                {"block_height", lightning_.height()},
                {"block_hash", std::string(64, '0')},
                {"best_header_timestamp", proto64(lightning_.now(LightningNode::lnd).count())},
                {"synced_to_chain", true},
                {"synced_to_graph", true},
                {"testnet", false},
                {"chains", json::array({{{"chain", "bitcoin"}, {"network", "regtest"}}})},
                {"uris", json::array()},
                {"features", json::object()},
                {"require_htlc_interceptor", false},
                {"store_final_htlc_resolutions", false},
                {"wallet_synced", true}};
}

Rpc<json> Lnd::balance(const Call&)
{
    const json nothing = describe_amount(Msat());
    return json{{"balance", proto64(settings_.balance.count() / 1000)},
                {"pending_open_balance", "0"},
                {"local_balance", describe_amount(settings_.balance)},
                {"remote_balance", describe_amount(settings_.inbound)},
                {"unsettled_local_balance", nothing},
                {"unsettled_remote_balance", nothing},
                {"pending_open_local_balance", nothing},
                {"pending_open_remote_balance", nothing},
                {"custom_channel_data", ""}};
}

Rpc<json> Lnd::decode(const Call& call)
{
    const auto facts = parse_invoice(call.parameter);
    if (!facts) return unknown("invalid invoice: " + facts.error().detail);
    if (facts->network != "bcrt") return unknown("invoice not for current active network 'regtest'");
    if (!facts->payee) return unknown("invalid signature");
    const std::uint64_t amount = facts->amount.value_or(Msat()).count();
    return json{{"destination", encode_hex(*facts->payee)},
                {"payment_hash", encode_hex(facts->payment_hash)},
                {"num_satoshis", proto64(amount / 1000)},
                {"timestamp", proto64(facts->timestamp.count())},
                {"expiry", proto64(facts->expiry.count())},
                {"description", facts->description},
                {"description_hash", facts->description_hash ? encode_hex(*facts->description_hash) : ""},
                {"fallback_addr", ""},
                {"cltv_expiry", proto64(facts->min_final_cltv_expiry_delta)},
                {"route_hints", json::array()},
                {"payment_addr", encode_base64(facts->payment_secret)},
                {"num_msat", proto64(amount)},
                {"features", invoice_features()},
                {"blinded_paths", json::array()}};
}

Lnd::Payment* Lnd::find_payment(const PaymentHash& hash)
{
    // The last one: a payment that failed may be tried again.
    const auto found = std::find_if(payments_.rbegin(), payments_.rend(),
                                    [&](const Payment& payment) { return payment.hash == hash; });
    return found == payments_.rend() ? nullptr : &*found;
}

Rpc<Lnd::Payment> Lnd::judge_payment(const ProtoMessage& message)
{
    const std::string bolt11 = TRY(message.text("payment_request"));
    const auto facts = parse_invoice(bolt11);
    if (!facts) return unknown("invalid invoice: " + facts.error().detail);
    if (facts->network != "bcrt") return unknown("invoice not for current active network 'regtest'");
    const UnixSeconds now = lightning_.now(LightningNode::lnd);
    if (now >= facts->timestamp + facts->expiry)
        return unknown("invoice expired. Valid until " + to_iso8601(facts->timestamp + facts->expiry));
    const Msat asked = TRY(either_amount(message, "amt", "amt_msat"));
    if (facts->amount && asked != Msat())
        return unknown("amount must not be specified when paying a non-zero amount invoice");
    if (!facts->amount && asked == Msat()) return unknown("amount must be specified when paying a zero amount invoice");
    const bool to_self = facts->payee == lightning_.id_of(LightningNode::lnd);
    if (to_self && !TRY(message.flag("allow_self_payment"))) return unknown("self-payments not allowed");
    if (const Payment* const before = find_payment(facts->payment_hash)) {
        if (before->state == Payment::State::in_flight)
            return GrpcError{GrpcCode::already_exists, "payment is in transition"};
        if (before->state == Payment::State::succeeded)
            return GrpcError{GrpcCode::already_exists, "invoice is already paid"};
    }
    return Payment{payments_.size() + 1,
                   facts->payment_hash,
                   bolt11,
                   facts->amount.value_or(asked),
                   to_self ? Msat() : settings_.route_fee,
                   now};
}

Rpc<std::monostate> Lnd::send(const Call& call, const ReplyPtr& reply)
{
    Payment judged = TRY(judge_payment(call.message));
    const Msat fee_limit = TRY(either_amount(call.message, "fee_limit_sat", "fee_limit_msat"));
    const bool final_only = TRY(call.message.flag("no_inflight_updates"));
    const PaymentHash hash = judged.hash;
    payments_.push_back(std::move(judged));
    follow(payments_.back(), final_only ? Updates::final_only : Updates::all, reply);
    if (Payment* const payment = find_payment(hash)) attempt(*payment, fee_limit);
    return std::monostate();
}

void Lnd::attempt(Payment& payment, Msat fee_limit)
{
    const auto fail = [&](std::string_view reason) {
        payment.state = Payment::State::failed;
        payment.failure = reason;
        const Payment failed = payment;
        tell(failed);
    };
    // No limit is a limit of 0: routes that cost nothing.
    if (payment.fee > fee_limit) return fail("FAILURE_REASON_NO_ROUTE");
    const auto total = sum(payment.amount, payment.fee);
    if (!total || *total > settings_.balance) return fail("FAILURE_REASON_INSUFFICIENT_BALANCE");
    settings_.balance = *difference(settings_.balance, *total);
    // Paying may end it, by invoice_changed().
    const std::string bolt11 = payment.bolt11;
    const PayAnswer paid = lightning_.pay(bolt11, payment.amount);
    if (!paid.refusal) return;
    settings_.balance = *sum(settings_.balance, *total);
    fail(failure_of(*paid.refusal));
}

void Lnd::finish(Payment& payment, const LightningInvoice& invoice)
{
    if (payment.state != Payment::State::in_flight) return;
    if (invoice.state == LightningState::settled) {
        payment.state = Payment::State::succeeded;
    } else if (invoice.state == LightningState::canceled) {
        payment.state = Payment::State::failed;
        payment.failure = failure_of(PayRefusal::canceled);
        settings_.balance = Msat(settings_.balance.count() + payment.amount.count() + payment.fee.count());
    } else {
        return;
    }
    const Payment over = payment;
    tell(over);
}

json Lnd::describe(const Payment& payment) const
{
    const bool paid = payment.state == Payment::State::succeeded;
    std::string_view status = "IN_FLIGHT";
    if (paid) status = "SUCCEEDED";
    if (payment.state == Payment::State::failed) status = "FAILED";
    const Msat fee = paid ? payment.fee : Msat();
    const PaymentPreimage none{};
    return {{"payment_hash", encode_hex(payment.hash)},
            {"value", proto64(payment.amount.count() / 1000)},
            {"creation_date", proto64(payment.created_at.count())},
            {"fee", proto64(fee.count() / 1000)},
            {"payment_preimage", encode_hex(paid ? *lightning_.find(payment.hash)->preimage : none)},
            {"value_sat", proto64(payment.amount.count() / 1000)},
            {"value_msat", proto64(payment.amount.count())},
            {"payment_request", payment.bolt11},
            {"status", status},
            {"fee_sat", proto64(fee.count() / 1000)},
            {"fee_msat", proto64(fee.count())},
            {"creation_time_ns", proto64(payment.created_at.count() * 1'000'000'000)},
            {"htlcs", json::array()},
            {"payment_index", proto64(payment.index)},
            {"failure_reason", payment.failure},
            {"first_hop_custom_records", json::object()}};
}

void Lnd::follow(const Payment& payment, Updates updates, const ReplyPtr& reply)
{
    std::erase_if(payment_streams_, [](const PaymentStream& stream) { return !stream.reply->is_open(); });
    const bool over = payment.state != Payment::State::in_flight;
    if (!over) payment_streams_.push_back({payment.hash, updates, reply});
    if (over || updates == Updates::all) reply->stream(stream_message(describe(payment)));
    if (over) reply->end();
}

void Lnd::tell(const Payment& payment)
{
    const std::string message = stream_message(describe(payment));
    const std::vector<PaymentStream> streams = payment_streams_; // a stream's end may bring the next request in
    std::erase_if(payment_streams_, [&](const PaymentStream& stream) { return stream.hash == payment.hash; });
    for (const PaymentStream& stream : streams) {
        if (stream.hash != payment.hash) continue;
        stream.reply->stream(message);
        stream.reply->end();
    }
}

Rpc<std::monostate> Lnd::track(const Call& call, const ReplyPtr& reply)
{
    const Bytes bytes = TRY(parse_url_bytes("payment_hash", call.parameter));
    const PaymentHash hash = TRY(parse_32_bytes("hash", bytes));
    const Payment* const payment = find_payment(hash);
    if (!payment) return GrpcError{GrpcCode::not_found, "payment isn't initiated"};
    const bool final_only = call.request.query_value("no_inflight_updates").value_or("") == "true";
    follow(*payment, final_only ? Updates::final_only : Updates::all, reply);
    return std::monostate();
}

} // namespace adit::devnet
