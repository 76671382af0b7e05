#include "operate/check.h"

#include "cli/daemon.h"
#include "operate/check_config.h"
#include "operate/check_files.h"
#include "operate/check_host.h"
#include "operate/check_lightning.h"
#include "operate/check_mints.h"
#include "operate/check_nat.h"
#include "operate/check_notifications.h"
#include "operate/check_relays.h"
#include "operate/stand_in.h"
#include "protocol/json_fields.h"

#include <algorithm>
#include <set>

namespace adit::operate {

namespace {

using nlohmann::json;

/// What the looks share. Each has it for as long as it runs.
struct Scene {
    Scene(app::Config configured, const CheckOptions& options, const Clock& system, Rng& dice)
        : config(std::move(configured)), ca_file(options.ca_file),
          trial(options.publish ? Trial::publish : Trial::none), clock(system), rng(dice)
    {
    }
    const app::Config config;
    const std::string ca_file;
    const Trial trial;
    const Clock& clock;
    Rng& rng;
    ClockSamples samples;
};
using SharedScene = std::shared_ptr<Scene>; // with the threads of the looks, which may outlive the check

Result<json> ask_status(const app::Config& config)
{
    return cli::ask_daemon(config.admin.socket, {{"command", "status"}});
}

Result<Sightings> sightings_in(const json& status)
{
    const json* forwarded = protocol::member(status, "forwarded");
    const auto trusted = forwarded ? protocol::count_member(*forwarded, "trusted") : std::nullopt;
    const auto untrusted = forwarded ? protocol::count_member(*forwarded, "untrusted") : std::nullopt;
    if (!trusted || !untrusted) return Error{Reason::io, "the daemon that runs is an older one, and does not say"};
    return Sightings{*trusted, *untrusted};
}

Findings look_at_front(const SharedScene& scene)
{
    const app::Config& config = scene->config;
    WebQuestion question{.base = base_of(config),
                         .pubkey = config.nostr.key.public_key().hex(),
                         .listens_on = config.server.host + ":" + std::to_string(config.server.port),
                         .ca_file = scene->ca_file};
    Findings found;
    std::unique_ptr<StandIn> stand_in;
    if (const auto status = ask_status(config)) {
        found.push_back({"daemon", Level::ok, "aditd runs"});
        question.sightings = [&config]() -> Result<Sightings> {
            const json now = TRY(ask_status(config));
            return sightings_in(now);
        };
    } else if (auto opened = StandIn::open(config)) {
        stand_in = std::move(*opened);
        found.push_back(
            {"daemon", Level::ok,
             "aditd does not run; adit check answers at " + question.listens_on + " for as long as it looks"});
        question.sightings = [&stand_in]() -> Result<Sightings> { return stand_in->sightings(); };
    } else {
        const std::string why = "the daemon can not be asked (" + status.error().detail +
                                "), and its port can not be listened on (" + opened.error().detail + ")";
        found.push_back({"daemon", Level::warn, why,
                         "if aditd runs, run adit check as its user or as root; else see what has its port"});
        question.sightings = []() -> Result<Sightings> { return Error{Reason::io, "the daemon can not be asked"}; };
    }
    const Findings web = look_at_web(question, scene->clock);
    found.insert(found.end(), web.begin(), web.end());
    return found;
}

Findings look_at_one_relay(const SharedScene& scene, const std::string& url)
{
    RelayQuestion question{.url = url,
                           .key = scene->config.nostr.key.duplicate(),
                           .d_tag = scene->config.listing.d_tag,
                           .wallet_mint = {},
                           .trial = scene->trial,
                           .ca_file = scene->ca_file};
    if (scene->config.cashu.enabled && !scene->config.cashu.mints.empty())
        question.wallet_mint = scene->config.cashu.mints.front();
    if (const auto status = ask_status(scene->config)) {
        question.daemon_says = "";
        if (const json* relays = protocol::member(*status, "relays"); relays && relays->is_array())
            for (const json& relay : *relays)
                if (const std::string* name = protocol::text_member(relay, "url"); name && *name == url)
                    if (const std::string* error = protocol::text_member(relay, "last_error"))
                        question.daemon_says = *error;
    }
    return look_at_relay(question, scene->clock, scene->rng, scene->samples);
}

Findings look_at_wallet_key(const SharedScene& scene)
{
    const app::Config& config = scene->config;
    const auto keys = wallet_keys(config.nostr.relays, config.nostr.key, scene->ca_file, scene->clock, scene->rng);
    if (!keys)
        return {{"wallet-key", Level::warn, "not looked at, because " + keys.error().detail,
                 "run it again when the relays answer: aditd does not start before it knows of the wallet"}};
    std::vector<protocol::PublicKey> ours;
    for (const protocol::SecretKey& key : app::all_sales_keys(config.cashu)) ours.push_back(key.public_key());
    return {judge_wallet_keys(ours, *keys)};
}

void begin_looks(SideBySide& looks, const SharedScene& scene)
{
    const app::Config& config = scene->config;
    const auto begin = [&](const char* check, auto look) { looks.begin(check, [scene, look] { return look(scene); }); };
    begin("wireguard-device", [](const SharedScene& in) { return look_at_device(in->config.wireguard, in->clock); });
    begin("subnet", [](const SharedScene& in) { return look_at_routes(in->config.wireguard); });
    begin("forwarding", [](const SharedScene& in) { return look_at_forwarding(in->config.wireguard); });
    if (config.wireguard.manage)
        begin("nat", [](const SharedScene&) {
            return Findings{{"nat", Level::ok, "aditd masquerades the subnet itself ([wireguard] manage = true)"}};
        });
    else if (config.wireguard.backend != app::WireguardBackend::memory)
        begin("nat", [](const SharedScene& in) {
            const app::WireguardConfig& wireguard = in->config.wireguard;
            return look_at_nat({wireguard.interface, wireguard.subnet, wireguard.subnet6});
        });
    begin("https", look_at_front);
    for (const std::string& relay : config.nostr.relays)
        begin("relay", [relay](const SharedScene& in) { return look_at_one_relay(in, relay); });
    if (config.cashu.enabled && config.cashu.sales_key) begin("wallet-key", look_at_wallet_key);
    if (config.notifications.enabled && config.notifications.recipient)
        begin("notifications", [](const SharedScene& in) {
            return look_at_notifications({.relays = in->config.nostr.relays,
                                          .key = in->config.nostr.key.duplicate(),
                                          .recipient = *in->config.notifications.recipient,
                                          .trial = in->trial,
                                          .ca_file = in->ca_file},
                                         in->clock, in->rng);
        });

    Sat cheapest;
    Sat dearest;
    for (const protocol::Tier& tier : protocol::sellable_tiers(config.listing.prices)) {
        cheapest = cheapest == Sat() ? tier.price : std::min(cheapest, tier.price);
        dearest = std::max(dearest, tier.price);
    }
    if (config.cashu.enabled)
        for (const std::string& mint : config.cashu.mints)
            begin("mint-reachable", [mint, dearest](const SharedScene& in) {
                return look_at_our_mint(mint, dearest, in->ca_file, in->clock, in->samples);
            });
    if (config.lightning.sells())
        begin("lightning", [cheapest, dearest](const SharedScene& in) {
            return look_at_lightning(in->config.lightning, cheapest, dearest, in->rng);
        });
}

void append(Findings& all, const Findings& more) { all.insert(all.end(), more.begin(), more.end()); }

} // namespace

CheckResult check_shop(const CheckOptions& options, const Clock& clock, Rng& rng)
{
    const SteadyTime deadline = clock.steady() + kCheckLimit;
    auto loaded = app::load_config(options.config);
    CheckResult result;
    append(result.findings, judge_config(loaded, options.config));
    if (!loaded.config) {
        result.findings.push_back({"rest", Level::warn, "nothing else was looked at, because the config has mistakes",
                                   "mend them, and run adit check again"});
        return result;
    }
    const auto scene = std::make_shared<Scene>(std::move(*loaded.config), options, clock, rng);
    append(result.findings, judge_prices(scene->config.listing.prices));
    append(result.findings, judge_keys(scene->config));
    append(result.findings, judge_trusted_proxies(scene->config.server.trusted_proxies));
    append(result.findings, check_files(scene->config));

    SideBySide looks;
    begin_looks(looks, scene);
    append(result.findings, looks.wait(std::chrono::duration_cast<Milliseconds>(deadline - clock.steady())));
    result.findings.push_back(judge_clock(scene->samples.all()));
    result.all_done = looks.all_done();
    return result;
}

} // namespace adit::operate
