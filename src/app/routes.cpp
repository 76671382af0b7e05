#include "app/routes.h"

#include "app/config_viewer.h"
#include "protocol/info.h"
#include "protocol/wg_config.h"

namespace adit::app {

namespace {

http::Rate rate_of(const LimitsConfig& limits)
{
    const auto per_minute = std::max<std::uint64_t>(1, limits.requests_per_minute_per_source);
    const auto refill = Milliseconds(static_cast<std::int64_t>(std::max<std::uint64_t>(1, 60'000 / per_minute)));
    // A quarter of a minute's worth at once: a page that loads, or a handful of buyers behind one address.
    return {static_cast<std::uint32_t>(std::max<std::uint64_t>(8, per_minute / 4)), refill};
}

http::Response refused_route(Reason reason)
{
    const protocol::ReasonInfo& info = protocol::reason_info(reason);
    http::Response response{info.http_status, {}, "application/json", protocol::encode_refused(reason)};
    if (info.http_status == 429 || info.http_status == 503) response.headers.emplace_back("Retry-After", "5");
    return response;
}

/// Wallets stop at other codes than 200. LUD-06
http::Response refused_wallet(Reason reason)
{
    return {200, {}, "application/json", protocol::encode_lnurl_error(reason)};
}

http::Response json(std::string body, int status = 200) { return {status, {}, "application/json", std::move(body)}; }

protocol::CheckState state_of(bool ok) { return ok ? protocol::CheckState::ok : protocol::CheckState::failing; }

} // namespace

Routes::Routes(Parts parts)
    : parts_(std::move(parts)),
      info_(protocol::encode_info(protocol::info_of(parts_.shop.config.listing, parts_.shop.operator_key,
                                                    parts_.shop.config.server.public_host))),
      requests_(rate_of(parts_.shop.config.limits))
{
}

http::Router Routes::router()
{
    http::Router router;
    router.add("GET", "/info",
               [this](const http::Request&, const http::Responder& responder) { responder.send(json(info_)); });
    router.add("GET", "/health",
               blocking(
                   [this](const http::Request& request) {
                       const protocol::Health found = health();
                       const bool live_only = request.query_value("live").has_value();
                       const bool well = live_only ? found.store == protocol::CheckState::ok : found.ok;
                       return json(protocol::encode_health(found), well ? 200 : 503);
                   },
                   refused_route));
    router.add("GET", "/session/{id}",
               blocking(
                   [this](const http::Request& request) {
                       const auto view = parts_.tunnels.view(request.parameter("id").value_or(""));
                       return view ? json(protocol::encode_session(*view)) : refused_route(view.error().reason);
                   },
                   refused_route));
    router.add("POST", "/session/{id}/close",
               blocking(
                   [this](const http::Request& request) {
                       return parts_.closings ? parts_.closings->serve(request) : refused_route(Reason::no_refunds);
                   },
                   refused_route));
    router.add("GET", "/config-viewer",
               [this](const http::Request&, const http::Responder& responder) { responder.send(config_viewer()); });
    router.add("GET", "/lnurlp",
               lnurl([](LightningSale& sale, const http::Request& request) { return sale.offer(request); }));
    router.add(
        "GET", "/lnurlp/callback",
        lnurl([](LightningSale& sale, const http::Request& request) { return sale.invoice(request); }, Asks::to_buy));
    router.add("GET", "/lnurlp/verify/{payment_hash}",
               lnurl([](LightningSale& sale, const http::Request& request) { return sale.verify(request); }));
    router.add("POST", "/purchase", [this](http::Request request, const http::Responder& responder) {
        purchase(std::move(request), responder);
    });
    return router;
}

/// Made once, when the device's key is known: a page that can not hold a config against it shows none.
http::Response Routes::config_viewer()
{
    if (!config_viewer_) {
        const auto key = parts_.tunnels.server_key();
        if (!key) return refused_route(Reason::policy);
        const WireguardConfig& wireguard = parts_.shop.config.wireguard;
        config_viewer_ =
            config_viewer_page({*key, protocol::join_endpoint(wireguard.endpoint_host, wireguard.endpoint_port),
                                parts_.shop.config.listing.title});
    }
    return *config_viewer_;
}

http::Router::Handler Routes::blocking(Work work, const Refuse& refuse)
{
    return [this, work = std::move(work), refuse](http::Request request, const http::Responder& responder) {
        if (!may_ask(request)) return responder.send(refuse(Reason::too_many_requests));
        const bool taken =
            parts_.workers.submit([work, request = std::move(request), responder] { responder.send(work(request)); });
        if (!taken) responder.send(refuse(Reason::busy));
    };
}

http::Router::Handler Routes::lnurl(http::Response (*work)(LightningSale&, const http::Request&), Asks asks)
{
    const Refuse refuse = [this, asks](Reason reason) {
        if (asks == Asks::to_buy) parts_.metrics.refused(session::Method::lightning, reason);
        return refused_wallet(reason);
    };
    if (!parts_.lightning)
        return [refuse](const http::Request&, const http::Responder& responder) {
            responder.send(refuse(Reason::lightning_not_configured));
        };
    return blocking([this, work](const http::Request& request) { return work(*parts_.lightning, request); }, refuse);
}

/// One that never came to Purchases, which counts its own.
http::Response Routes::refused_purchase(Reason reason) const
{
    parts_.metrics.refused(session::Method::cashu, reason);
    return refused_route(reason);
}

void Routes::purchase(http::Request request, const http::Responder& responder)
{
    if (!may_ask(request)) return responder.send(refused_purchase(Reason::too_many_requests));
    if (!parts_.purchases) return responder.send(refused_purchase(Reason::cashu_not_configured));
    work_on(std::make_shared<const http::Request>(std::move(request)), responder);
}

/// The request is shared by the runs that it takes: a repeat of one under way is run again when that has ended.
void Routes::work_on(const std::shared_ptr<const http::Request>& request, const http::Responder& responder)
{
    const bool taken = parts_.workers.submit([this, request, responder] {
        const auto response =
            parts_.purchases->serve(*request, [this, request, responder] { work_on(request, responder); });
        if (response) responder.send(*response);
    });
    if (!taken) responder.send(refused_purchase(Reason::busy));
}

protocol::Health Routes::health() const
{
    const Config& config = parts_.shop.config;
    protocol::Health health;
    health.service = "aditd";
    health.version = ADIT_VERSION;
    health.pubkey = parts_.shop.operator_key.hex().substr(0, 12);
    health.listing = config.listing.d_tag;
    health.store = state_of(parts_.store.fact("paused").has_value());
    health.wireguard = state_of(parts_.tunnels.device_usable());
    if (!config.nostr.relays.empty()) health.relays = state_of(parts_.any_relay_connected());
    if (config.cashu.enabled) health.mints = state_of(parts_.any_mint_answers());
    if (parts_.lightning) health.lightning = state_of(parts_.lightning_answers());
    // Relays are where buyers find us; who has found us can buy without them. One way to pay is enough.
    using protocol::CheckState;
    const bool payable = health.mints == CheckState::ok || health.lightning == CheckState::ok;
    health.ok = !parts_.shop.paused && payable && health.store == CheckState::ok && health.wireguard == CheckState::ok;
    return health;
}

} // namespace adit::app
