#include "devnet/lnd.h"

#include "devnet/lnd_call.h"
#include "http/router.h"

#include <algorithm>
#include <sodium.h>

namespace adit::devnet {
namespace {

using nlohmann::json;

using Names = std::span<const std::string_view>;

constexpr std::string_view kInvoiceFields[]{"memo",
                                            "r_preimage",
                                            "r_hash",
                                            "value",
                                            "value_msat",
                                            "settled",
                                            "creation_date",
                                            "settle_date",
                                            "payment_request",
                                            "description_hash",
                                            "expiry",
                                            "fallback_addr",
                                            "cltv_expiry",
                                            "route_hints",
                                            "private",
                                            "add_index",
                                            "settle_index",
                                            "amt_paid",
                                            "amt_paid_sat",
                                            "amt_paid_msat",
                                            "state",
                                            "htlcs",
                                            "features",
                                            "is_keysend",
                                            "payment_addr",
                                            "is_amp",
                                            "amp_invoice_state",
                                            "is_blinded",
                                            "blinded_path_config"};
constexpr std::string_view kHoldFields[]{"memo",   "hash",          "value",       "value_msat",  "description_hash",
                                         "expiry", "fallback_addr", "cltv_expiry", "route_hints", "private"};
constexpr std::string_view kSettleFields[]{"preimage"};
constexpr std::string_view kCancelFields[]{"payment_hash"};
constexpr std::string_view kSendFields[]{"dest",
                                         "amt",
                                         "amt_msat",
                                         "payment_hash",
                                         "final_cltv_delta",
                                         "payment_addr",
                                         "payment_request",
                                         "timeout_seconds",
                                         "fee_limit_sat",
                                         "fee_limit_msat",
                                         "outgoing_chan_id",
                                         "outgoing_chan_ids",
                                         "last_hop_pubkey",
                                         "cltv_limit",
                                         "route_hints",
                                         "dest_custom_records",
                                         "allow_self_payment",
                                         "dest_features",
                                         "max_parts",
                                         "no_inflight_updates",
                                         "max_shard_size_msat",
                                         "amp",
                                         "time_pref",
                                         "cancelable",
                                         "first_hop_custom_records"};

/// As macaroons begin in their binary form: version 2, location "lnd", an id; then 32 bytes of signature.
Bytes make_macaroon(Rng& rng)
{
    Bytes bytes{2, 1, 3, 'l', 'n', 'd', 2, 16};
    append(bytes, rng.bytes<16>());
    append(bytes, Bytes{0, 0, 6, 32});
    append(bytes, rng.bytes<32>());
    return bytes;
}

bool same_macaroon(ByteView a, ByteView b)
{
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace

struct Lnd::Route {
    std::string_view method;
    std::string_view path; // ending in '/': of everything below it
    std::string_view endpoint;
    Permission permission;
    Names fields; // that the body may have
    Rpc<json> (Lnd::*answer)(const Call&);
    Rpc<std::monostate> (Lnd::*stream)(const Call&, const ReplyPtr&) = nullptr; // where there is no `answer`
};

/// The first of the path and method; else the first of the path.
const Lnd::Route* Lnd::route_of(const http::Request& request)
{
    constexpr Permission kInvoices = Permission::invoices;
    constexpr Permission kEverything = Permission::everything;
    static constexpr Route kRoutes[]{
        {"GET", "/v1/getinfo", "lnd.getinfo", kEverything, {}, &Lnd::info},
        {"GET", "/v1/balance/channels", "lnd.balance", kEverything, {}, &Lnd::balance},
        {"GET", "/v1/payreq/", "lnd.payreq", kEverything, {}, &Lnd::decode},
        {"POST", "/v1/invoices", "lnd.invoices", kInvoices, kInvoiceFields, &Lnd::add_invoice},
        {"GET", "/v1/invoices", "lnd.list", kInvoices, {}, &Lnd::list},
        {"GET", "/v1/invoices/subscribe", "lnd.subscribe", kInvoices, {}, nullptr, &Lnd::subscribe},
        {"GET", "/v1/invoice/", "lnd.lookup", kInvoices, {}, &Lnd::lookup_by_hex},
        {"GET", "/v2/invoices/lookup", "lnd.lookup", kInvoices, {}, &Lnd::lookup_by_hash},
        {"GET", "/v2/invoices/subscribe/", "lnd.subscribe_one", kInvoices, {}, nullptr, &Lnd::subscribe_one},
        {"POST", "/v2/invoices/hodl", "lnd.hodl", kInvoices, kHoldFields, &Lnd::add_hold_invoice},
        {"POST", "/v2/invoices/settle", "lnd.settle", kInvoices, kSettleFields, &Lnd::settle},
        {"POST", "/v2/invoices/cancel", "lnd.cancel", kInvoices, kCancelFields, &Lnd::cancel},
        {"POST", "/v2/router/send", "lnd.send", kEverything, kSendFields, nullptr, &Lnd::send},
        {"GET", "/v2/router/track/", "lnd.track", kEverything, {}, nullptr, &Lnd::track},
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

Lnd::Lnd(Lightning& lightning, Rng& rng)
    : lightning_(lightning), invoice_macaroon_(make_macaroon(rng)), admin_macaroon_(make_macaroon(rng))
{
    lightning_.listen(*this);
}

std::string_view Lnd::endpoint(const http::Request& request) const
{
    const Route* const route = route_of(request);
    return route ? route->endpoint : "lnd.unknown";
}

HttpAnswer Lnd::rejection(const Fault& fault) const
{
    HttpAnswer answer = grpc_answer({GrpcCode::unknown, fault.message});
    answer.status = fault.status;
    json body = json::parse(answer.body);
    if (fault.code != 0) body["code"] = fault.code;
    answer.body = body.dump();
    return answer;
}

std::size_t Lnd::streams() const
{
    return static_cast<std::size_t>(std::count_if(invoice_streams_.begin(), invoice_streams_.end(),
                                                  [](const auto& stream) { return stream.reply->is_open(); }));
}

Rpc<std::monostate> Lnd::authorize(const http::Request& request, Permission needed) const
{
    const auto refuse = [](std::string message) { return GrpcError{GrpcCode::unknown, std::move(message)}; };
    const auto header = request.header("grpc-metadata-macaroon");
    if (!header) return refuse("expected 1 macaroon, got 0");
    const auto macaroon = parse_hex(*header);
    if (!macaroon) return refuse("encoding/hex: invalid byte or odd length hex string");
    if (macaroon->empty()) return refuse("empty macaroon data");
    if (same_macaroon(*macaroon, admin_macaroon_)) return std::monostate();
    if (same_macaroon(*macaroon, invoice_macaroon_)) {
        if (needed == Permission::invoices) return std::monostate();
        return refuse("permission denied");
    }
    if (macaroon->front() != 2) return refuse("cannot determine data format of binary-encoded macaroon");
    return refuse("verification failed: signature mismatch after caveat verification");
}

void Lnd::handle(const http::Request& request, const ReplyPtr& reply)
{
    lightning_.tick();
    const Route* const route = route_of(request);
    if (!route) return reply->answer(grpc_answer({GrpcCode::not_found, "Not Found"}));
    if (route->method != request.method)
        return reply->answer(grpc_answer({GrpcCode::unimplemented, "Method Not Allowed"}));
    // The proxy reads the body before the node behind it sees the macaroon.
    auto message = ProtoMessage::parse(request.body, route->fields);
    if (!message.has_value()) return reply->answer(grpc_answer(std::move(message).error()));
    Call call{request, {}, std::move(message).value()};
    if (route->path.ends_with('/'))
        call.parameter = http::percent_decoded(request.path.substr(route->path.size()), http::Plus::kept).value_or("");

    auto allowed = authorize(request, route->permission);
    if (route->answer) {
        auto result = allowed.has_value() ? (this->*route->answer)(call) : Rpc<json>(std::move(allowed).error());
        if (result.has_value()) return reply->answer({200, std::move(result).value().dump()});
        return reply->answer(grpc_answer(std::move(result).error()));
    }
    auto begun = allowed.has_value() ? (this->*route->stream)(call, reply) : std::move(allowed);
    if (!begun.has_value()) reply->answer(grpc_stream_answer(std::move(begun).error()));
}

} // namespace adit::devnet
