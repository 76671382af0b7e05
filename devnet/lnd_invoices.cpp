// What LND does for those who are paid.
#include "devnet/lnd_call.h"

#include <algorithm>

namespace adit::devnet {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxMemoBytes = 1024;
constexpr std::int64_t kLndDefaultExpiry = 86'400;
constexpr std::int64_t kLndMaxExpiry = 31'536'000;
constexpr std::int64_t kMaxAmountMsat = 2'100'000'000'000'000'000;
constexpr std::int64_t kDefaultCltvDelta = 80;
constexpr std::int64_t kMinCltvDelta = 18;
constexpr std::int64_t kMaxCltvDelta = 65'535;
constexpr std::uint64_t kDefaultListLength = 100;

std::string_view state_word(LightningState state)
{
    switch (state) {
    case LightningState::open:
        return "OPEN";
    case LightningState::accepted:
        return "ACCEPTED";
    case LightningState::settled:
        return "SETTLED";
    case LightningState::canceled:
        return "CANCELED";
    }
    return {};
}

std::string_view state_word(Htlc::State state)
{
    switch (state) {
    case Htlc::State::accepted:
        return "ACCEPTED";
    case Htlc::State::settled:
        return "SETTLED";
    case Htlc::State::canceled:
        return "CANCELED";
    }
    return {};
}

json describe_htlc(const Htlc& htlc)
{
    return {{"chan_id", "879609302220800"},
            {"htlc_index", proto64(htlc.index)},
            {"amt_msat", proto64(htlc.amount.count())},
            {"accept_height", htlc.accept_height},
            {"accept_time", proto64(htlc.accepted_at.count())},
            {"resolve_time", proto64(htlc.resolved_at.count())},
            {"expiry_height", htlc.expiry_height},
            {"state", state_word(htlc.state)},
            {"custom_records", json::object()},
            {"mpp_total_amt_msat", proto64(htlc.amount.count())},
            {"amp", nullptr},
            {"custom_channel_data", ""}};
}

/// Amounts come in sat or in msat. Errors: both, or less than nothing.
Rpc<std::int64_t> amount_msat(const ProtoMessage& message)
{
    const std::int64_t sat = TRY(message.number("value"));
    const std::int64_t msat = TRY(message.number("value_msat"));
    if (sat != 0 && msat != 0) return unknown("sat and msat arguments are mutually exclusive");
    if (sat < 0 || msat < 0) return unknown("amounts must be positive");
    if (sat > kMaxAmountMsat / 1000 || msat > kMaxAmountMsat) return unknown("invoice amount is too large");
    return sat != 0 ? sat * 1000 : msat;
}

std::string query(const http::Request& request, std::string_view name)
{
    return std::string(request.query_value(name).value_or(""));
}

/// Absent: 0.
Rpc<std::uint64_t> query_number(const http::Request& request, std::string_view name)
{
    const auto text = request.query_value(name);
    if (!text) return std::uint64_t{0};
    return parse_url_number(name, *text);
}

} // namespace

Rpc<InvoicePlan> Lnd::plan_of(const ProtoMessage& message) const
{
    InvoicePlan plan;
    const std::int64_t amount = TRY(amount_msat(message));
    if (amount != 0) plan.amount = Msat(static_cast<std::uint64_t>(amount));
    plan.description = TRY(message.text("memo"));
    if (plan.description.size() > kMaxMemoBytes)
        return unknown("memo too large: " + std::to_string(plan.description.size()) + " bytes (maxsize=1024)");
    const Bytes hash = TRY(message.bytes("description_hash"));
    if (!hash.empty()) {
        if (hash.size() != 32)
            return unknown("description hash is " + std::to_string(hash.size()) + " bytes, must be 32");
        plan.description_hash.emplace();
        std::copy(hash.begin(), hash.end(), plan.description_hash->begin());
    }
    const std::int64_t expiry = TRY(message.number("expiry"));
    if (expiry < 0 || expiry > kLndMaxExpiry)
        return unknown("expiry of " + std::to_string(expiry) + " seconds greater than max expiry of 31536000 seconds");
    plan.expiry = Seconds(expiry == 0 ? kLndDefaultExpiry : expiry);
    const std::int64_t cltv = TRY(message.number("cltv_expiry"));
    if (cltv > kMaxCltvDelta)
        return unknown("CLTV delta of " + std::to_string(cltv) + " is too large, max accepted is: 65535");
    if (cltv != 0 && cltv < kMinCltvDelta)
        return unknown("CLTV delta of " + std::to_string(cltv) + " must be greater than minimum of 18");
    plan.cltv_delta = static_cast<std::uint32_t>(cltv == 0 ? kDefaultCltvDelta : cltv);
    TRY(message.flag("private")); // there are no private channels to hint at
    return plan;
}

Rpc<json> Lnd::make(const InvoicePlan& plan, std::string memo)
{
    const LightningInvoice* const invoice = lightning_.make(LightningNode::lnd, plan);
    if (!invoice) return unknown("invoice with payment hash already exists");
    records_.push_back({invoice->hash, std::move(memo), records_.size() + 1, 0});
    json answer{{"r_hash", encode_base64(invoice->hash)},
                {"payment_request", invoice->bolt11},
                {"add_index", proto64(records_.back().add_index)},
                {"payment_addr", encode_base64(invoice->payment_secret)}};
    const Record made = records_.back();
    tell(made);
    return answer;
}

Rpc<json> Lnd::add_invoice(const Call& call)
{
    InvoicePlan plan = TRY(plan_of(call.message));
    const Bytes preimage = TRY(call.message.bytes("r_preimage"));
    if (!preimage.empty()) plan.preimage = TRY(parse_32_bytes("preimage", preimage));
    return make(plan, plan.description);
}

Rpc<json> Lnd::add_hold_invoice(const Call& call)
{
    const Bytes hash = TRY(call.message.bytes("hash"));
    const PaymentHash held = TRY(parse_32_bytes("hash", hash));
    InvoicePlan plan = TRY(plan_of(call.message));
    plan.hold = held;
    json answer = TRY(make(plan, plan.description));
    answer.erase("r_hash");
    return answer;
}

Lnd::Record* Lnd::find(const PaymentHash& hash)
{
    const auto found =
        std::find_if(records_.begin(), records_.end(), [&](const Record& record) { return record.hash == hash; });
    return found == records_.end() ? nullptr : &*found;
}

Rpc<json> Lnd::look_up(const PaymentHash& hash) const
{
    for (const Record& record : records_)
        if (record.hash == hash) return describe(record);
    return GrpcError{GrpcCode::not_found, "unable to locate invoice"};
}

Rpc<json> Lnd::lookup_by_hex(const Call& call)
{
    const auto hash = parse_hex(call.parameter);
    if (!hash) return unknown("encoding/hex: invalid byte or odd length hex string");
    if (hash->size() != 32)
        return unknown("payment hash must be exactly 32 bytes, is instead " + std::to_string(hash->size()));
    const PaymentHash exact = TRY(parse_32_bytes("hash", *hash));
    return look_up(exact);
}

Rpc<json> Lnd::lookup_by_hash(const Call& call)
{
    const auto text = call.request.query_value("payment_hash");
    if (!text) return GrpcError{GrpcCode::invalid_argument, "invoice ref must be set"};
    const Bytes hash = TRY(parse_url_bytes("payment_hash", *text));
    if (hash.size() != 32)
        return GrpcError{GrpcCode::invalid_argument, "unable to parse pay hash: invalid hash length of " +
                                                         std::to_string(hash.size()) + ", want 32"};
    const PaymentHash exact = TRY(parse_32_bytes("hash", hash));
    return look_up(exact);
}

json Lnd::describe(const Record& record) const
{
    const LightningInvoice& invoice = *lightning_.find(record.hash);
    const std::uint64_t amount = invoice.amount.value_or(Msat()).count();
    const std::uint64_t paid = invoice.received().count();
    json htlcs = json::array();
    for (const Htlc& htlc : invoice.htlcs) htlcs.push_back(describe_htlc(htlc));
    return {{"memo", record.memo},
            {"r_preimage", invoice.preimage ? encode_base64(*invoice.preimage) : ""},
            {"r_hash", encode_base64(invoice.hash)},
            {"value", proto64(amount / 1000)},
            {"value_msat", proto64(amount)},
            {"settled", invoice.state == LightningState::settled},
            {"creation_date", proto64(invoice.created_at.count())},
            {"settle_date", proto64(invoice.settled_at.count())},
            {"payment_request", invoice.bolt11},
            {"description_hash", invoice.description_hash ? encode_base64(*invoice.description_hash) : ""},
            {"expiry", proto64(invoice.expiry.count())},
            {"fallback_addr", ""},
            {"cltv_expiry", proto64(std::uint64_t{invoice.cltv_delta})},
            {"route_hints", json::array()},
            {"private", false},
            {"add_index", proto64(record.add_index)},
            {"settle_index", proto64(record.settle_index)},
            {"amt_paid", proto64(paid)}, // in msat, deprecated
            {"amt_paid_sat", proto64(paid / 1000)},
            {"amt_paid_msat", proto64(paid)},
            {"state", state_word(invoice.state)},
            {"htlcs", std::move(htlcs)},
            {"features", invoice_features()},
            {"is_keysend", false},
            {"payment_addr", encode_base64(invoice.payment_secret)},
            {"is_amp", false},
            {"amp_invoice_state", json::object()},
            {"is_blinded", false},
            {"blinded_path_config", nullptr}};
}

Rpc<json> Lnd::list(const Call& call)
{
    const std::uint64_t offset = TRY(query_number(call.request, "index_offset"));
    const std::uint64_t most = TRY(query_number(call.request, "num_max_invoices"));
    const std::uint64_t length = most == 0 ? kDefaultListLength : most;
    const bool pending = query(call.request, "pending_only") == "true";
    const bool reversed = query(call.request, "reversed") == "true";

    std::vector<const Record*> listed;
    for (const Record& record : records_) {
        const LightningState state = lightning_.find(record.hash)->state;
        const bool past = state == LightningState::settled || state == LightningState::canceled;
        const bool in_range = reversed ? offset == 0 || record.add_index < offset : record.add_index > offset;
        if (in_range && !(pending && past)) listed.push_back(&record);
    }
    if (listed.size() > length) { // reversed: those right before the offset
        if (reversed) listed.erase(listed.begin(), listed.end() - static_cast<std::ptrdiff_t>(length));
        listed.resize(length);
    }
    json invoices = json::array();
    for (const Record* record : listed) invoices.push_back(describe(*record));
    return json{{"invoices", std::move(invoices)},
                {"last_index_offset", proto64(listed.empty() ? std::uint64_t{0} : listed.back()->add_index)},
                {"first_index_offset", proto64(listed.empty() ? std::uint64_t{0} : listed.front()->add_index)}};
}

Rpc<json> Lnd::settle(const Call& call)
{
    const Bytes bytes = TRY(call.message.bytes("preimage"));
    const PaymentPreimage preimage = TRY(parse_32_bytes("preimage", bytes));
    switch (lightning_.settle(LightningNode::lnd, preimage)) {
    case Lightning::Settled::now:
    case Lightning::Settled::before:
        break;
    case Lightning::Settled::still_open:
        return unknown("invoice still open");
    case Lightning::Settled::canceled:
        return unknown("invoice already canceled");
    case Lightning::Settled::unknown:
        return unknown("unable to locate invoice"); // not as `not_found`, unlike a lookup's
    }
    return json::object();
}

Rpc<json> Lnd::cancel(const Call& call)
{
    const Bytes bytes = TRY(call.message.bytes("payment_hash"));
    const PaymentHash hash = TRY(parse_32_bytes("hash", bytes));
    switch (lightning_.cancel(LightningNode::lnd, hash)) {
    case Lightning::Canceled::now:
    case Lightning::Canceled::before:
        break;
    case Lightning::Canceled::settled:
        return unknown("invoice already settled");
    case Lightning::Canceled::unknown:
        return unknown("unable to locate invoice");
    }
    return json::object();
}

Rpc<std::monostate> Lnd::subscribe(const Call& call, const ReplyPtr& reply)
{
    const std::uint64_t added = TRY(query_number(call.request, "add_index"));
    const std::uint64_t settled = TRY(query_number(call.request, "settle_index"));
    std::erase_if(invoice_streams_, [](const InvoiceStream& stream) { return !stream.reply->is_open(); });
    invoice_streams_.push_back({std::nullopt, reply});
    // Index 0 asks for no backlog.
    std::vector<const Record*> backlog;
    for (const Record& record : records_)
        if (added != 0 && record.add_index > added) backlog.push_back(&record);
    const auto first_settled = static_cast<std::ptrdiff_t>(backlog.size());
    for (const Record& record : records_)
        if (settled != 0 && record.settle_index > settled) backlog.push_back(&record);
    std::sort(backlog.begin() + first_settled, backlog.end(),
              [](const Record* a, const Record* b) { return a->settle_index < b->settle_index; });
    std::vector<std::string> messages;
    messages.reserve(backlog.size());
    for (const Record* record : backlog) messages.push_back(stream_message(describe(*record)));
    for (const std::string& message : messages) reply->stream(message);
    return std::monostate();
}

Rpc<std::monostate> Lnd::subscribe_one(const Call& call, const ReplyPtr& reply)
{
    const Bytes bytes = TRY(parse_url_bytes("r_hash", call.parameter));
    const PaymentHash hash = TRY(parse_32_bytes("hash", bytes));
    std::erase_if(invoice_streams_, [](const InvoiceStream& stream) { return !stream.reply->is_open(); });
    invoice_streams_.push_back({hash, reply});
    // An invoice that is not there yet may be waited for.
    const Record* const record = find(hash);
    if (!record) return std::monostate();
    const LightningState state = lightning_.find(hash)->state;
    reply->stream(stream_message(describe(*record)));
    if (state == LightningState::settled || state == LightningState::canceled) reply->end();
    return std::monostate();
}

void Lnd::tell(const Record& record)
{
    const LightningState state = lightning_.find(record.hash)->state;
    const bool over = state == LightningState::settled || state == LightningState::canceled;
    const bool for_all = state == LightningState::open || state == LightningState::settled;
    const std::string message = stream_message(describe(record));
    const std::vector<InvoiceStream> streams = invoice_streams_; // a stream's end may bring the next request in
    for (const InvoiceStream& stream : streams) {
        if (stream.only ? *stream.only != record.hash : !for_all) continue;
        stream.reply->stream(message);
        if (stream.only && over) stream.reply->end();
    }
}

void Lnd::invoice_changed(const LightningInvoice& invoice)
{
    if (Record* const record = invoice.node == LightningNode::lnd ? find(invoice.hash) : nullptr) {
        if (invoice.state == LightningState::settled) record->settle_index = ++settled_;
        const Record changed = *record;
        tell(changed);
    }
    if (Payment* const payment = find_payment(invoice.hash)) finish(*payment, invoice);
}

} // namespace adit::devnet
