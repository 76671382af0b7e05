#include "operate/check_lightning.h"

#include "payments/lightning/node_http.h"
#include "payments/lightning/open_backend.h"
#include "protocol/json.h"
#include "protocol/json_fields.h"

#include <charconv>

namespace adit::operate {

namespace {

namespace lightning = payments::lightning;
using nlohmann::json;

constexpr Milliseconds kNodePatience{6'000};
constexpr std::size_t kNodeDepth = 16;

bool says(const Error& error, std::string_view words) { return error.detail.find(words) != std::string::npos; }

/// LND writes 64-bit numbers as text.
std::optional<std::uint64_t> count_of(const json& object, const char* name)
{
    if (const auto number = protocol::count_member(object, name)) return number;
    const std::string* text = protocol::text_member(object, name);
    if (!text) return std::nullopt;
    std::uint64_t number = 0;
    const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (problem != std::errc{} || end != text->data() + text->size()) return std::nullopt;
    return number;
}

lightning::BackendOptions options_of(const app::LightningConfig& config)
{
    lightning::BackendOptions options;
    options.kind =
        config.backend == app::LightningBackend::lnd ? lightning::BackendKind::lnd : lightning::BackendKind::phoenixd;
    options.base_url = config.base_url;
    options.password = SecretText(std::string(config.api_token.expose()));
    options.macaroon_file = config.macaroon_file;
    options.tls_cert_file = config.tls_cert_file;
    options.hold = config.hold;
    options.timeout = kNodePatience;
    return options;
}

/// With 200. Errors: lightning_refused, lightning_unreachable.
Result<std::string> get(lightning::NodeHttp& node, const std::string& path)
{
    const payments::HttpReply reply = TRY(node.get(path, node.deadline()));
    if (reply.status != 200) return node.refused(path + " has status " + std::to_string(reply.status));
    return reply.body;
}

std::string_view name_of(app::LightningBackend backend)
{
    return backend == app::LightningBackend::lnd ? "lnd" : "phoenixd";
}

void look_at_inbound(Findings& found, const app::LightningConfig& config, lightning::NodeHttp& node, Sat cheapest,
                     Sat dearest)
{
    const bool lnd = config.backend == app::LightningBackend::lnd;
    const auto info = get(node, lnd ? "/v1/getinfo" : "/getinfo");
    if (!info) return; // which has been said
    if (lnd) {
        const auto parsed = protocol::parse_json(*info, kNodeDepth);
        const json* synced = parsed ? protocol::member(*parsed, "synced_to_chain") : nullptr;
        if (synced && *synced == false)
            found.push_back({"lightning", Level::warn, "lnd is behind the block chain",
                             "wait until `lncli getinfo` says synced_to_chain: invoices may not be payable before"});
        const auto balance = get(node, "/v1/balance/channels");
        if (!balance) {
            found.push_back({"lightning-inbound", Level::warn,
                             "not looked at, because the macaroon does not open the balance of channels (it need not)",
                             "see that `lncli channelbalance` has a remote balance of more than " +
                                 std::to_string(dearest.count()) + " sat"});
            return;
        }
        if (const auto inbound = parse_lnd_inbound(*balance, *info))
            found.push_back(judge_inbound(config.backend, *inbound, cheapest, dearest));
        return;
    }
    if (const auto inbound = parse_phoenixd_inbound(*info))
        found.push_back(judge_inbound(config.backend, *inbound, cheapest, dearest));
}

} // namespace

Result<Inbound> parse_phoenixd_inbound(std::string_view getinfo)
{
    const json info = TRY(protocol::parse_json(getinfo, kNodeDepth));
    const json* channels = protocol::member(info, "channels");
    if (!channels || !channels->is_array()) return Error{Reason::bad_encoding, "no `channels`"};
    Inbound inbound;
    for (const json& channel : *channels) {
        const std::string* state = protocol::text_member(channel, "state");
        if (state && *state != "Normal" && *state != "NORMAL") continue;
        ++inbound.channels;
        const auto room = sum(inbound.room, Sat(protocol::count_member(channel, "inboundLiquiditySat").value_or(0)));
        if (!room) return Error{Reason::bad_encoding, "more sat than there are"};
        inbound.room = *room;
    }
    return inbound;
}

Result<Inbound> parse_lnd_inbound(std::string_view balance, std::string_view getinfo)
{
    const json info = TRY(protocol::parse_json(getinfo, kNodeDepth));
    const json channels = TRY(protocol::parse_json(balance, kNodeDepth));
    const json* remote = protocol::member(channels, "remote_balance");
    const auto room = remote ? count_of(*remote, "sat") : std::nullopt;
    if (!room) return Error{Reason::bad_encoding, "no `remote_balance`"};
    return Inbound{static_cast<std::size_t>(count_of(info, "num_active_channels").value_or(0)), Sat(*room)};
}

Finding judge_node_error(app::LightningBackend backend, const Error& error)
{
    if (error.reason == Reason::bad_config)
        return {"lightning", Level::fail, error.detail, "mend [lightning] in the config"};
    if (backend == app::LightningBackend::phoenixd && says(error, "password is wrong"))
        return {"lightning", Level::fail, error.detail,
                "put http-password-limited-access of ~/.phoenix/phoenix.conf into the file that [lightning] "
                "api_token_file names"};
    if (backend == app::LightningBackend::lnd && says(error, "macaroon"))
        return {"lightning", Level::fail, error.detail,
                "lncli bakemacaroon invoices:read invoices:write info:read --save_to FILE, and name that file in "
                "[lightning] macaroon_file (not one of another node or network)"};
    if (says(error, "certificate") || says(error, "SSL"))
        return {
            "lightning", Level::fail, error.detail,
            backend == app::LightningBackend::lnd
                ? "[lightning] tls_cert_file has to be the tls.cert that LND shows now (it makes a new one when that "
                  "has expired), and base_url has to use a name in it (tlsextradomain, tlsextraip in lnd.conf)"
                : "see that the certificate in front of phoenixd is good and for the host in base_url"};
    if (error.reason == Reason::lightning_unreachable)
        return {"lightning", Level::fail, error.detail,
                "start " + std::string(name_of(backend)) + ", and see that [lightning] base_url is where it listens"};
    return {"lightning", Level::fail, error.detail, "see what listens at [lightning] base_url, and its log"};
}

Finding judge_inbound(app::LightningBackend backend, const Inbound& inbound, Sat cheapest, Sat dearest)
{
    const std::string what = std::to_string(inbound.room.count()) + " sat can be received, over " +
                             std::to_string(inbound.channels) + " channels";
    if (backend == app::LightningBackend::phoenixd) {
        // It buys what it lacks, and takes the fee off the payment.
        if (inbound.room >= dearest) return {"lightning-inbound", Level::ok, what};
        return {"lightning-inbound", Level::warn,
                what + "; the dearest price is " + std::to_string(dearest.count()) + " sat",
                "phoenixd opens or grows its channel with a sale then, and takes its fee out of that: receive a larger "
                "amount once before you open the shop"};
    }
    const std::string hint =
        "get a channel that others have opened to you, or spend from one of yours: what is on their "
        "side is what you can be paid";
    if (inbound.channels == 0) return {"lightning-inbound", Level::fail, "lnd has no active channel", hint};
    if (inbound.room < cheapest)
        return {"lightning-inbound", Level::fail,
                what + "; the cheapest price is " + std::to_string(cheapest.count()) + " sat", hint};
    if (inbound.room < dearest)
        return {"lightning-inbound", Level::warn,
                what + "; the dearest price is " + std::to_string(dearest.count()) + " sat", hint};
    return {"lightning-inbound", Level::ok, what};
}

Findings look_at_lightning(const app::LightningConfig& config, Sat cheapest, Sat dearest, Rng& rng)
{
    auto backend = lightning::open_backend(options_of(config));
    if (!backend) return {judge_node_error(config.backend, backend.error())};
    const auto network = (*backend)->network();
    if (!network) return {judge_node_error(config.backend, network.error())};

    Findings found;
    const std::string name((*backend)->name());
    const std::string on = name + " answers, on " + std::string(lightning::network_word(*network));
    if (config.backend == app::LightningBackend::lnd) {
        lightning::PaymentHash of_none{};
        rng.fill(of_none);
        const auto cancelled = (*backend)->cancel(of_none);
        if (!cancelled && cancelled.error().reason != Reason::not_found)
            return {judge_node_error(config.backend, cancelled.error())};
    }
    if (*network == lightning::Network::bitcoin)
        found.push_back({"lightning", Level::ok, on});
    else
        found.push_back({"lightning", Level::warn, on + ": its money is worth nothing",
                         "name a node on the main network, unless this is a trial"});
    auto access = lightning::node_access(options_of(config));
    if (!access) return found;
    lightning::NodeHttp node(std::move(*access));
    look_at_inbound(found, config, node, cheapest, dearest);
    return found;
}

} // namespace adit::operate
