#include "devnet/lightning_control.h"

#include "base/hash.h"
#include "devnet/control_handler.h"
#include "protocol/json.h"

#include <charconv>

namespace adit::devnet {
namespace {

using nlohmann::json;

constexpr std::int64_t kMaxOffset = 315'360'000; // ten years
constexpr std::uint64_t kMaxBlocks = 100'000;

json describe_invoice(const LightningInvoice& invoice)
{
    json htlcs = json::array();
    for (const Htlc& htlc : invoice.htlcs)
        htlcs.push_back({{"amount_msat", htlc.amount.count()}, {"expiry_height", htlc.expiry_height}});
    return {{"node", word(invoice.node)},
            {"hash", encode_hex(invoice.hash)},
            {"invoice", invoice.bolt11},
            {"state", word(invoice.state)},
            {"hold", invoice.hold},
            {"amount_msat", invoice.amount ? json(invoice.amount->count()) : json()},
            {"received_msat", invoice.received().count()},
            {"created_at", invoice.created_at.count()},
            {"expires_at", invoice.expires_at().count()},
            {"htlcs", std::move(htlcs)}};
}

/// The payment as its payer sees it.
json describe_payment(const LightningInvoice& invoice)
{
    // A plain invoice is settled as it is paid, and to the payer that is the end of it.
    if (invoice.state == LightningState::settled)
        return {{"status", "settled"}, {"preimage", encode_hex(*invoice.preimage)}};
    return {{"status", word(invoice.state)}};
}

int status_of(PayRefusal refusal)
{
    switch (refusal) {
    case PayRefusal::not_an_invoice:
    case PayRefusal::wrong_amount:
        return 400;
    case PayRefusal::unknown:
        return 404;
    case PayRefusal::expired:
    case PayRefusal::canceled:
    case PayRefusal::already_paid:
    case PayRefusal::in_flight:
        return 409;
    }
    return 400;
}

http::Response pay(Lightning& lightning, const json& body)
{
    const auto bad = [](const std::string& what) { return http::error_response(400, "bad-request", what); };
    const auto invoice = body.find("invoice");
    if (invoice == body.end() || !invoice->is_string()) return bad("invoice: expected a string");
    std::uint64_t amount = 0;
    if (const auto read = read_count(body, "amount_msat", amount); !read) return bad(read.error().detail);
    const auto second = read_flag(body, "second_htlc", false);
    if (!second) return bad(second.error().detail);
    const PayAnswer paid =
        lightning.pay(invoice->get<std::string>(), amount == 0 ? std::optional<Msat>() : Msat(amount),
                      *second ? Lightning::Repeat::second_htlc : Lightning::Repeat::refused);
    if (paid.refusal)
        return http::error_response(status_of(*paid.refusal), word(*paid.refusal), "the payment does not go out");
    json answer = describe_payment(*paid.invoice);
    if (answer["status"] == "settled") answer["status"] = "paid";
    return {200, {}, "application/json", answer.dump()};
}

Result<Seconds> parse_offset(const json& body)
{
    const auto found = body.find("offset_s");
    if (found == body.end() || !found->is_number_integer() || found->get<std::int64_t>() > kMaxOffset ||
        found->get<std::int64_t>() < -kMaxOffset)
        return Error{Reason::bad_request, "offset_s: expected seconds"};
    return Seconds(found->get<std::int64_t>());
}

/// POST /<node>/clock, /down and /up.
void add_node_routes(http::Router& router, Lightning& lightning, LightningNode node, LookAlikeServer& server)
{
    const std::string path = "/" + std::string(word(node));
    router.add("POST", path + "/clock", answering([&lightning, node](auto&, const json& body) -> Handled {
                   lightning.set_clock_offset(node, TRY(parse_offset(body)));
                   return json{{"now", lightning.now(node).count()}};
               }));
    router.add("POST", path + "/down", answering([&server](auto&, auto&) -> Handled {
                   server.go_down();
                   return json{{"ok", true}};
               }));
    router.add("POST", path + "/up", answering([&server](auto&, auto&) -> Handled {
                   TRY(server.come_up());
                   return json{{"ok", true}};
               }));
}

void add_phoenixd_routes(http::Router& router, const LightningControl& target)
{
    add_node_routes(router, target.lightning, LightningNode::phoenixd, target.phoenixd_server);
    router.add("POST", "/phoenixd", answering([&phoenixd = target.phoenixd](auto&, const json& body) -> Handled {
                   std::uint64_t fee = phoenixd.settings().liquidity_fee.count();
                   std::uint64_t balance = phoenixd.settings().balance.count();
                   TRY(read_count(body, "liquidity_fee_sat", fee));
                   std::uint64_t inbound = phoenixd.settings().inbound.count();
                   TRY(read_count(body, "balance_sat", balance));
                   TRY(read_count(body, "inbound_sat", inbound));
                   phoenixd.set_settings({Sat(fee), Sat(balance), Sat(inbound)});
                   return json{{"liquidity_fee_sat", fee}, {"balance_sat", balance}, {"inbound_sat", inbound}};
               }));
}

void add_lnd_routes(http::Router& router, const LightningControl& target)
{
    add_node_routes(router, target.lightning, LightningNode::lnd, target.lnd_server);
    router.add("POST", "/lnd", answering([&lnd = target.lnd](auto&, const json& body) -> Handled {
                   std::uint64_t fee = lnd.settings().route_fee.count();
                   std::uint64_t balance = lnd.settings().balance.count();
                   TRY(read_count(body, "route_fee_msat", fee));
                   std::uint64_t inbound = lnd.settings().inbound.count();
                   TRY(read_count(body, "balance_msat", balance));
                   TRY(read_count(body, "inbound_msat", inbound));
                   lnd.set_settings({Msat(balance), Msat(fee), Msat(inbound)});
                   return json{{"route_fee_msat", fee}, {"balance_msat", balance}, {"inbound_msat", inbound}};
               }));
    router.add("POST", "/lnd/blocks", answering([&lightning = target.lightning](auto&, const json& body) -> Handled {
                   std::uint64_t count = 1;
                   TRY(read_count(body, "count", count));
                   if (count > kMaxBlocks) return Error{Reason::bad_request, "count: expected 0 to 100000"};
                   lightning.mine(static_cast<std::uint32_t>(count));
                   return json{{"height", lightning.height()}};
               }));
}

/// A Lightning address: name@127.0.0.1:port, whose invoices are phoenixd's. `nobody` is not known; `wrong` makes
/// invoices over one satoshi more. LUD-16
void add_address_routes(http::Router& router, Lightning& lightning)
{
    const auto metadata = [](const std::string& name) {
        return json::array({{"text/plain", "to " + name}, {"text/identifier", name + "@devnet"}}).dump();
    };
    router.add("GET", "/.well-known/lnurlp/{name}",
               answering([metadata](const http::Request& request, auto&) -> Handled {
                   const std::string name = named(request, "name");
                   if (name == "nobody") return json{{"status", "ERROR"}, {"reason", "no such user"}};
                   const std::string host(request.header("host").value_or("127.0.0.1"));
                   return json{{"tag", "payRequest"},
                               {"callback", "http://" + host + "/lightning/addresses/" + name},
                               {"minSendable", 1000},
                               {"maxSendable", 1'000'000'000},
                               {"metadata", metadata(name)}};
               }));
    router.add("GET", "/lightning/addresses/{name}",
               answering([metadata, &lightning](const http::Request& request, auto&) -> Handled {
                   const std::string name = named(request, "name");
                   const std::string amount(request.query_value("amount").value_or(""));
                   std::uint64_t msat = 0;
                   const auto [end, error] = std::from_chars(amount.data(), amount.data() + amount.size(), msat);
                   if (error != std::errc() || end != amount.data() + amount.size())
                       return Error{Reason::bad_request, "amount: expected millisatoshis"};
                   if (name == "wrong") msat += 1000;
                   InvoicePlan plan;
                   plan.amount = Msat(msat);
                   plan.description_hash = sha256(as_bytes(metadata(name)));
                   const LightningInvoice* const made = lightning.make(LightningNode::phoenixd, plan);
                   return json{{"pr", made->bolt11}, {"routes", json::array()}};
               }));
}

} // namespace

void add_lightning_routes(http::Router& router, LightningControl target)
{
    Lightning& lightning = target.lightning;
    router.add("POST", "/lightning/pay", [&lightning](const http::Request& request, const http::Responder& responder) {
        const auto body = protocol::parse_json(request.body);
        responder.send(pay(lightning, body && body->is_object() ? *body : json::object()));
    });
    router.add("GET", "/lightning/payments/{hash}",
               answering([&lightning](const http::Request& request, auto&) -> Handled {
                   lightning.tick();
                   const auto hash = parse_hex_exactly<32>(named(request, "hash"));
                   const LightningInvoice* const invoice = hash ? lightning.find(*hash) : nullptr;
                   if (!invoice || invoice->htlcs.empty()) return Error{Reason::not_found, "no such payment"};
                   return describe_payment(*invoice);
               }));
    router.add("GET", "/lightning/invoices/{hash}",
               answering([&lightning](const http::Request& request, auto&) -> Handled {
                   lightning.tick();
                   const auto hash = parse_hex_exactly<32>(named(request, "hash"));
                   const LightningInvoice* const invoice = hash ? lightning.find(*hash) : nullptr;
                   if (!invoice) return Error{Reason::not_found, "no such invoice"};
                   return describe_invoice(*invoice);
               }));
    router.add("POST", "/lightning/tick", answering([&lightning](auto&, auto&) -> Handled {
                   lightning.tick();
                   return json{{"ok", true}};
               }));
    add_address_routes(router, lightning);
    add_phoenixd_routes(router, target);
    add_lnd_routes(router, target);
}

json describe_lightning(const LightningControl& target)
{
    return {{"height", target.lightning.height()},
            {"phoenixd_websockets", target.phoenixd.websockets()},
            {"lnd_streams", target.lnd.streams()}};
}

} // namespace adit::devnet
