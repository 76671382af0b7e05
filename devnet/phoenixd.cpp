#include "devnet/phoenixd.h"

#include "http/router.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <sodium.h>

namespace adit::devnet {

namespace {

using nlohmann::json;

constexpr std::size_t kMaxDescriptionCharacters = 128;
constexpr std::uint64_t kMaxAmountSat = 2'100'000'000'000'000;
constexpr std::int64_t kPhoenixdDefaultExpiry = 86'400;
constexpr std::int64_t kPhoenixdMaxExpiry = 31'536'000;

HttpAnswer text_answer(int status, std::string text) { return {status, std::move(text), "text/plain; charset=UTF-8"}; }

HttpAnswer json_answer(const json& value) { return {200, value.dump(4), "application/json; charset=UTF-8"}; }

HttpAnswer missing(std::string_view name)
{
    return text_answer(400, "Request parameter " + std::string(name) + " is missing");
}

HttpAnswer invalid(std::string_view name, std::string_view type)
{
    return text_answer(400, "Request parameter " + std::string(name) + " couldn't be parsed/converted to " +
                                std::string(type));
}

std::optional<std::int64_t> whole_number(std::string_view text)
{
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<http::Pairs> parse_form(std::string_view body)
{
    http::Pairs form;
    while (!body.empty()) {
        const std::string_view pair = body.substr(0, body.find('&'));
        body.remove_prefix(std::min(body.size(), pair.size() + 1));
        if (pair.empty()) continue;
        const std::size_t equals = std::min(pair.find('='), pair.size());
        auto name = http::percent_decoded(pair.substr(0, equals), http::Plus::space);
        auto value = http::percent_decoded(pair.substr(std::min(pair.size(), equals + 1)), http::Plus::space);
        if (!name || !value) return std::nullopt;
        form.emplace_back(std::move(*name), std::move(*value));
    }
    return form;
}

std::optional<std::string> value_of(const http::Pairs& pairs, std::string_view name)
{
    for (const auto& [key, value] : pairs)
        if (key == name) return value;
    return std::nullopt;
}

/// In UTF-16 units, as Kotlin counts them.
std::size_t characters(std::string_view utf8)
{
    std::size_t count = 0;
    for (const char c : utf8) {
        const auto byte = static_cast<std::uint8_t>(c);
        if ((byte & 0xc0U) != 0x80) count += byte >= 0xf0 ? 2 : 1;
    }
    return count;
}

std::int64_t milliseconds(UnixSeconds time) { return time.count() * 1000; }

bool same_password(std::string_view a, std::string_view b)
{
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string uuid(Rng& rng)
{
    auto bytes = rng.bytes<16>();
    bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0fU) | 0x40U);
    bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3fU) | 0x80U);
    std::string hex = encode_hex(bytes);
    for (const std::size_t at : {20U, 16U, 12U, 8U}) hex.insert(at, 1, '-');
    return hex;
}

std::string_view reason_of(PayRefusal refusal)
{
    switch (refusal) {
    case PayRefusal::expired:
        return "this invoice has expired";
    case PayRefusal::already_paid:
        return "this invoice has already been paid";
    case PayRefusal::in_flight:
        return "another payment is in progress for that invoice";
    case PayRefusal::not_an_invoice:
    case PayRefusal::unknown:
    case PayRefusal::canceled:
    case PayRefusal::wrong_amount:
        return "recipient node rejected the payment";
    }
    return {};
}

std::optional<PaymentHash> parse_hash(std::string_view hex)
{
    const auto hash = parse_hex(hex);
    if (!hash || hash->size() != 32) return std::nullopt;
    PaymentHash out{};
    std::copy(hash->begin(), hash->end(), out.begin());
    return out;
}

} // namespace

struct Phoenixd::Call {
    const http::Request& request;
    std::string parameter; // the last segment of the path, where the route ends in '/'
    http::Pairs form;
};

struct Phoenixd::Route {
    std::string_view method;
    std::string_view path; // ending in '/': of everything below it
    std::string_view endpoint;
    Access access;
    HttpAnswer (Phoenixd::*answer)(const Call&); // null: answered in a way of its own
};

/// The first of the path and method; else the first of the path.
const Phoenixd::Route* Phoenixd::route_of(const http::Request& request)
{
    static constexpr Route kRoutes[]{
        {"GET", "/getinfo", "phoenixd.getinfo", Access::limited, &Phoenixd::info},
        {"GET", "/getbalance", "phoenixd.getbalance", Access::limited, &Phoenixd::balance},
        {"GET", "/listchannels", "phoenixd.listchannels", Access::limited, &Phoenixd::channels},
        {"POST", "/createinvoice", "phoenixd.createinvoice", Access::limited, &Phoenixd::create_invoice},
        {"GET", "/payments/incoming", "phoenixd.incoming_list", Access::limited, &Phoenixd::incoming_list},
        {"GET", "/payments/incoming/", "phoenixd.incoming", Access::limited, &Phoenixd::incoming},
        {"GET", "/payments/outgoing/", "phoenixd.outgoing", Access::limited, &Phoenixd::outgoing},
        {"GET", "/payments/outgoingbyhash/", "phoenixd.outgoing", Access::limited, &Phoenixd::outgoing_by_hash},
        {"POST", "/payinvoice", "phoenixd.payinvoice", Access::full, nullptr},
        {"GET", "/websocket", "phoenixd.websocket", Access::limited, nullptr},
    };
    const Route* known = nullptr;
    for (const Route& route : kRoutes) {
        const bool below = route.path.ends_with('/') && request.path.size() > route.path.size() &&
                           request.path.starts_with(route.path);
        if (!below && request.path != route.path) continue;
        if (route.method == request.method) return &route;
        known = &route;
    }
    return known;
}

Phoenixd::Phoenixd(Lightning& lightning, Rng& rng)
    : lightning_(lightning), rng_(rng), full_password_(encode_hex(rng.bytes<32>())),
      limited_password_(encode_hex(rng.bytes<32>()))
{
    lightning_.listen(*this);
}

std::string_view Phoenixd::endpoint(const http::Request& request) const
{
    const Route* const route = route_of(request);
    return route ? route->endpoint : "phoenixd.unknown";
}

HttpAnswer Phoenixd::rejection(const Fault& fault) const { return text_answer(fault.status, fault.message); }

std::size_t Phoenixd::websockets() const
{
    return static_cast<std::size_t>(std::count_if(websockets_.begin(), websockets_.end(),
                                                  [](const ReplyPtr& websocket) { return websocket->is_open(); }));
}

Phoenixd::Access Phoenixd::access_of(const http::Request& request) const
{
    std::string password;
    const auto header = request.header("authorization");
    if (header && header->starts_with("Basic ")) {
        const auto credentials = parse_base64(header->substr(6));
        if (!credentials) return Access::none;
        const std::string_view text = as_text(*credentials);
        const std::size_t colon = text.find(':');
        if (colon == std::string_view::npos) return Access::none;
        password = text.substr(colon + 1); // the user name does not matter
    } else if (request.path == "/websocket") {
        password = request.header("sec-websocket-protocol").value_or("");
    }
    if (same_password(password, full_password_)) return Access::full;
    return same_password(password, limited_password_) ? Access::limited : Access::none;
}

void Phoenixd::handle(const http::Request& request, const ReplyPtr& reply)
{
    lightning_.tick();
    const Route* const route = route_of(request);
    if (!route) return reply->answer(text_answer(404, "Unknown endpoint (check api doc)"));
    if (route->method != request.method)
        return reply->answer(text_answer(405, "Invalid http method (use the correct GET/POST)"));
    if (access_of(request) < route->access) {
        HttpAnswer refusal =
            text_answer(401, "Invalid authentication (use basic auth with the http password set in phoenix.conf)");
        refusal.headers = {{"WWW-Authenticate", "Basic realm=\"Ktor Server\", charset=UTF-8"}};
        return reply->answer(std::move(refusal));
    }
    Call call{request, {}, {}};
    if (route->path.ends_with('/'))
        call.parameter = http::percent_decoded(request.path.substr(route->path.size()), http::Plus::kept).value_or("");
    if (request.method == "POST") {
        if (!request.header("content-type").value_or("").starts_with("application/x-www-form-urlencoded"))
            return reply->answer(text_answer(415, "Unsupported Media Type"));
        auto form = parse_form(request.body);
        if (!form) return reply->answer(text_answer(400, "Bad Request"));
        call.form = std::move(*form);
    }
    if (route->answer) return reply->answer((this->*route->answer)(call));
    if (route->path == "/websocket") return open_websocket(request, reply);
    pay_invoice(call, reply);
}

HttpAnswer Phoenixd::info(const Call&)
{
    json channels = json::array();
    if (settings_.inbound > Sat())
        channels.push_back({{"state", "Normal"},
                            {"balanceSat", settings_.balance.count()},
                            {"inboundLiquiditySat", settings_.inbound.count()}});
    return json_answer({{"nodeId", encode_hex(lightning_.id_of(LightningNode::phoenixd))},
                        {"channels", std::move(channels)},
                        {"chain", "regtest"},
                        {"blockHeight", lightning_.height()},
                        {"version", "0.6.0-devnet"}});
}

HttpAnswer Phoenixd::balance(const Call&)
{
    return json_answer({{"balanceSat", settings_.balance.count()}, {"feeCreditSat", fee_credit_.count()}});
}

HttpAnswer Phoenixd::channels(const Call&) { return json_answer(json::array()); }

HttpAnswer Phoenixd::create_invoice(const Call& call)
{
    InvoicePlan plan;
    std::optional<Sat> amount;
    if (const auto text = value_of(call.form, "amountSat")) {
        const auto count = whole_number(*text);
        if (!count || *count < 1 || static_cast<std::uint64_t>(*count) > kMaxAmountSat)
            return invalid("amountSat", "integer");
        amount = Sat(static_cast<std::uint64_t>(*count));
        plan.amount = to_msat(*amount);
    }
    const auto description = value_of(call.form, "description");
    if (description && characters(*description) > kMaxDescriptionCharacters)
        return text_answer(400, "Request parameter description is too long (max 128 characters)");
    if (const auto hash = value_of(call.form, "descriptionHash")) {
        plan.description_hash = parse_hash(*hash);
        if (!plan.description_hash) return invalid("descriptionHash", "ByteVector32");
    }
    if (description.has_value() == plan.description_hash.has_value())
        return text_answer(400, "Must provide either a description or descriptionHash");
    plan.description = description.value_or("");
    plan.expiry = Seconds(kPhoenixdDefaultExpiry);
    if (const auto text = value_of(call.form, "expirySeconds")) {
        const auto seconds = whole_number(*text);
        if (!seconds || *seconds < 1 || *seconds > kPhoenixdMaxExpiry) return invalid("expirySeconds", "integer");
        plan.expiry = Seconds(*seconds);
    }
    const LightningInvoice* const invoice = lightning_.make(LightningNode::phoenixd, plan);
    CHECK(invoice); // its preimage is random
    incoming_.push_back({invoice->hash, value_of(call.form, "externalId").value_or(""), {}, {}});
    json answer{{"paymentHash", encode_hex(invoice->hash)}, {"serialized", invoice->bolt11}};
    if (amount) answer["amountSat"] = amount->count();
    return json_answer(answer);
}

json Phoenixd::describe(const Incoming& incoming) const
{
    const LightningInvoice& invoice = *lightning_.find(incoming.hash);
    const bool paid = invoice.state == LightningState::settled;
    json object{{"type", "incoming_payment"},
                {"subType", "lightning"},
                {"paymentHash", encode_hex(invoice.hash)},
                {"preimage", encode_hex(*invoice.preimage)}, // of unpaid ones too, as there
                {"invoice", invoice.bolt11},
                {"isPaid", paid},
                {"isExpired", !paid && lightning_.now(LightningNode::phoenixd) >= invoice.expires_at()},
                {"receivedSat", incoming.received.count()},
                {"fees", incoming.fees.count()},
                {"expiresAt", milliseconds(invoice.expires_at())},
                {"createdAt", milliseconds(invoice.created_at)}};
    if (!incoming.external_id.empty()) object["externalId"] = incoming.external_id;
    if (!invoice.description_hash) object["description"] = invoice.description;
    if (invoice.amount) object["requestedSat"] = invoice.amount->count() / 1000;
    if (paid) object["completedAt"] = milliseconds(invoice.settled_at);
    return object;
}

HttpAnswer Phoenixd::incoming(const Call& call)
{
    const auto hash = parse_hash(call.parameter);
    if (!hash) return invalid("paymentHash", "ByteVector32");
    for (const Incoming& incoming : incoming_)
        if (incoming.hash == *hash) return json_answer(describe(incoming));
    return text_answer(404, "Not found");
}

HttpAnswer Phoenixd::incoming_list(const Call& call)
{
    const http::Pairs& query = call.request.query;
    std::map<std::string_view, std::int64_t> numbers{
        {"from", 0}, {"to", milliseconds(lightning_.now(LightningNode::phoenixd))}, {"limit", 20}, {"offset", 0}};
    for (auto& [name, number] : numbers) {
        const auto text = value_of(query, name);
        if (!text) continue;
        const auto value = whole_number(*text);
        if (!value) return invalid(name, "integer");
        number = *value;
    }
    const bool all = value_of(query, "all").value_or("") == "true";
    const auto external_id = value_of(query, "externalId");
    std::vector<const Incoming*> fitting;
    for (const Incoming& incoming : incoming_) {
        const LightningInvoice& invoice = *lightning_.find(incoming.hash);
        if (!all && invoice.state != LightningState::settled) continue;
        if (external_id && !external_id->empty() && incoming.external_id != *external_id) continue;
        const std::int64_t at = milliseconds(all ? invoice.created_at : invoice.settled_at);
        if (at >= numbers["from"] && at <= numbers["to"]) fitting.push_back(&incoming);
    }
    std::reverse(fitting.begin(), fitting.end()); // newest first
    json listed = json::array();
    for (const Incoming* incoming : fitting) {
        if (numbers["offset"]-- > 0) continue;
        if (numbers["limit"]-- <= 0) break;
        listed.push_back(describe(*incoming));
    }
    return json_answer(listed);
}

json Phoenixd::describe(const Outgoing& payment) const
{
    const bool paid = payment.state == Outgoing::State::paid;
    json object{{"type", "outgoing_payment"},
                {"subType", "lightning"},
                {"paymentId", payment.id},
                {"paymentHash", encode_hex(payment.hash)},
                {"isPaid", paid},
                {"sent", payment.amount.count()},
                {"fees", paid ? payment.fee.count() * 1000 : 0},
                {"invoice", payment.bolt11},
                {"createdAt", milliseconds(payment.created_at)}};
    if (paid) object["preimage"] = encode_hex(*lightning_.find(payment.hash)->preimage);
    if (payment.completed_at.count() != 0) object["completedAt"] = milliseconds(payment.completed_at);
    return object;
}

HttpAnswer Phoenixd::outgoing(const Call& call)
{
    for (const Outgoing& payment : outgoing_)
        if (payment.id == call.parameter) return json_answer(describe(payment));
    return text_answer(404, "Not found");
}

HttpAnswer Phoenixd::outgoing_by_hash(const Call& call)
{
    const auto hash = parse_hash(call.parameter);
    if (!hash) return invalid("paymentHash", "ByteVector32");
    const auto last = std::find_if(outgoing_.rbegin(), outgoing_.rend(),
                                   [&](const Outgoing& payment) { return payment.hash == *hash; });
    if (last == outgoing_.rend()) return text_answer(404, "Not found");
    return json_answer(describe(*last));
}

void Phoenixd::pay_invoice(const Call& call, const ReplyPtr& reply)
{
    std::optional<Sat> amount;
    if (const auto text = value_of(call.form, "amountSat")) {
        const auto count = whole_number(*text);
        if (!count || *count < 1 || static_cast<std::uint64_t>(*count) > kMaxAmountSat)
            return reply->answer(invalid("amountSat", "integer"));
        amount = Sat(static_cast<std::uint64_t>(*count));
    }
    const auto bolt11 = value_of(call.form, "invoice");
    if (!bolt11) return reply->answer(missing("invoice"));
    const auto facts = parse_invoice(*bolt11);
    if (!facts) return reply->answer(invalid("invoice", "bolt11invoice"));
    // A fraction of a satoshi is paid too; what is told of it is rounded down.
    const std::optional<Msat> sent = amount ? to_msat(*amount) : facts->amount;
    if (!sent) return reply->answer(missing("amountSat"));
    const Sat told(sent->count() / 1000);
    const Sat fee(told.count() * 4 / 1000 + 4); // what phoenixd's own provider asks for

    const auto fail = [&](std::string_view reason) {
        reply->answer(json_answer({{"paymentHash", encode_hex(facts->payment_hash)}, {"reason", reason}}));
    };
    if (told.count() + fee.count() > settings_.balance.count())
        return fail("not enough funds in wallet to afford payment");
    if (facts->payee == lightning_.id_of(LightningNode::phoenixd)) return fail("recipient node rejected the payment");
    outgoing_.push_back({uuid(rng_),
                         facts->payment_hash,
                         *bolt11,
                         told,
                         fee,
                         lightning_.now(LightningNode::phoenixd),
                         {},
                         Outgoing::State::pending,
                         nullptr});
    const std::size_t at = outgoing_.size() - 1;
    const PayAnswer paid = lightning_.pay(*bolt11, sent);
    Outgoing& payment = outgoing_[at];
    if (paid.refusal) {
        payment.state = Outgoing::State::failed;
        payment.completed_at = lightning_.now(LightningNode::phoenixd);
        return fail(reason_of(*paid.refusal));
    }
    settings_.balance = Sat(settings_.balance.count() - told.count() - fee.count());
    payment.waiting = reply;
    finish(payment, *paid.invoice);
}

void Phoenixd::finish(Outgoing& payment, const LightningInvoice& invoice)
{
    if (invoice.state != LightningState::settled && invoice.state != LightningState::canceled) return;
    const bool paid = invoice.state == LightningState::settled;
    payment.state = paid ? Outgoing::State::paid : Outgoing::State::failed;
    payment.completed_at = lightning_.now(LightningNode::phoenixd);
    json answer{{"paymentHash", encode_hex(payment.hash)}};
    if (paid) {
        answer.update({{"recipientAmountSat", payment.amount.count()},
                       {"routingFeeSat", payment.fee.count()},
                       {"paymentId", payment.id},
                       {"paymentPreimage", encode_hex(*invoice.preimage)}});
    } else {
        settings_.balance = Sat(settings_.balance.count() + payment.amount.count() + payment.fee.count());
        answer["reason"] = reason_of(PayRefusal::canceled);
    }
    const ReplyPtr waiting = std::exchange(payment.waiting, nullptr);
    waiting->answer(json_answer(answer));
}

void Phoenixd::open_websocket(const http::Request& request, const ReplyPtr& reply)
{
    if (!request.header("sec-websocket-key")) return reply->answer(text_answer(400, "Bad Request"));
    reply->upgrade(request.header("sec-websocket-protocol").value_or(""));
    std::erase_if(websockets_, [](const ReplyPtr& websocket) { return !websocket->is_open(); });
    websockets_.push_back(reply);
}

void Phoenixd::invoice_changed(const LightningInvoice& invoice)
{
    if (invoice.node == LightningNode::phoenixd && invoice.state == LightningState::settled) receive(invoice);
    // One at most: another is refused while this one is in flight.
    const auto waiting = std::find_if(outgoing_.begin(), outgoing_.end(), [&](const Outgoing& payment) {
        return payment.waiting && payment.hash == invoice.hash;
    });
    if (waiting != outgoing_.end()) finish(*waiting, invoice);
}

void Phoenixd::receive(const LightningInvoice& invoice)
{
    const auto found = std::find_if(incoming_.begin(), incoming_.end(),
                                    [&](const Incoming& incoming) { return incoming.hash == invoice.hash; });
    if (found == incoming_.end()) return;
    const Sat paid(invoice.received().count() / 1000);
    const Sat fee(std::min(paid.count(), std::exchange(settings_.liquidity_fee, Sat()).count()));
    found->received = Sat(paid.count() - fee.count());
    found->fees = Msat(fee.count() * 1000);
    if (found->received == Sat()) fee_credit_ = Sat(fee_credit_.count() + fee.count());
    settings_.balance = Sat(settings_.balance.count() + found->received.count());

    json event{{"type", "payment_received"},
               {"timestamp", milliseconds(invoice.settled_at)},
               {"amountSat", found->received.count()},
               {"paymentHash", encode_hex(invoice.hash)}};
    if (!found->external_id.empty()) event["externalId"] = found->external_id;
    const std::string text = event.dump();
    const std::vector<ReplyPtr> websockets = websockets_; // one that closes over it must not disturb the others
    for (const ReplyPtr& websocket : websockets) websocket->send_text(text);
}

} // namespace adit::devnet
