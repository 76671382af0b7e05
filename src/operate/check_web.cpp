#include "operate/check_web.h"

#include "base/ascii.h"
#include "operate/cors.h"
#include "protocol/info.h"
#include "protocol/json.h"
#include "protocol/json_fields.h"
#include "protocol/purchase_auth.h"
#include "wg/cidr.h"

#include <algorithm>
#include <array>

namespace adit::operate {

namespace {

constexpr Milliseconds kWebPatience{6'000};
constexpr Milliseconds kAllPatience{25'000};
constexpr Seconds kCertificateSoon{14 * 86400}; // what renews by itself has done so by then
constexpr std::uint64_t kProxyTries = 3;
constexpr std::size_t kKiB = 1024;
// 200 proofs with their DLEQ, and then what proxies stop at: 60, 32, 16 and 8 KiB.
constexpr std::array<std::size_t, 5> kHeaderSizes{200 * kKiB, 56 * kKiB, 28 * kKiB, 14 * kKiB, 6 * kKiB};
constexpr std::size_t kEnoughHeaders = 56 * kKiB;

bool is_https(std::string_view base) { return base.starts_with("https://"); }

std::string host_of(std::string_view base)
{
    const std::size_t scheme = base.find("://");
    std::string_view host = scheme == std::string_view::npos ? base : base.substr(scheme + 3);
    host = host.substr(0, host.find('/'));
    if (host.starts_with('[')) return std::string(host.substr(0, host.find(']') + 1));
    return std::string(host.substr(0, host.find(':')));
}

bool is_for_name(std::string_view name, std::string_view host)
{
    if (to_lower(name) == to_lower(host)) return true;
    if (!name.starts_with("*.")) return false;
    const std::size_t dot = host.find('.');
    return dot != std::string_view::npos && to_lower(name.substr(1)) == to_lower(host.substr(dot));
}

std::string kib(std::size_t bytes) { return std::to_string(bytes / kKiB) + " KiB"; }

/// One after the other, for as long as there is time.
class Asker {
public:
    Asker(const WebQuestion& question, const Clock& clock)
        : question_(question), clock_(clock), deadline_(clock.steady() + kAllPatience)
    {
    }

    WebSight ask(WebAsk what) const
    {
        what.ca_file = question_.ca_file;
        what.timeout = std::min(kWebPatience, left());
        if (what.timeout <= Milliseconds::zero()) return WebFailure{WebStep::answer, "no time left for it"};
        return look_at(what);
    }
    WebSight info(std::vector<std::pair<std::string, std::string>> headers) const
    {
        return ask({.url = question_.base + "/info", .headers = std::move(headers)});
    }
    Milliseconds left() const { return std::chrono::duration_cast<Milliseconds>(deadline_ - clock_.steady()); }

private:
    const WebQuestion& question_;
    const Clock& clock_;
    const SteadyTime deadline_;
};

bool is_ours(const WebSight& sight, const WebQuestion& question)
{
    const auto* answer = std::get_if<WebAnswer>(&sight);
    if (!answer || answer->status != 200) return false;
    const auto info = protocol::parse_info(answer->body);
    return info && info->pubkey == question.pubkey;
}

/// {"status":"error","reason":…}, for anything but the headers.
bool is_refusal_of_aditd(const WebSight& sight)
{
    const auto* answer = std::get_if<WebAnswer>(&sight);
    if (!answer || answer->status < 400 || answer->status == 431) return false;
    const auto body = protocol::parse_json(answer->body);
    if (!body) return false;
    const std::string* status = protocol::text_member(*body, "status");
    return status && *status == "error" && protocol::text_member(*body, "reason");
}

Finding ask_for_cors(const Asker& asker, const WebQuestion& question, const WebAnswer& plain)
{
    const WebSight preflight = asker.ask(preflight_of(question.base));
    if (const auto* answer = std::get_if<WebAnswer>(&preflight)) return judge_cors(*answer, plain);
    return {"cors", Level::fail, "OPTIONS /purchase is not answered: " + std::get<WebFailure>(preflight).words,
            "let the proxy pass OPTIONS requests to aditd"};
}

Finding look_at_header_budget(const Asker& asker, const WebQuestion& question)
{
    int first_status = 0;
    for (const std::size_t size : kHeaderSizes) {
        // As a buyer sends it, but without the Authorization that a purchase begins with. (Of a GET with more than 128
        // KiB of headers, libcurl 7.88 sends no more than that over TLS.)
        const WebSight sight = asker.ask({.method = "POST",
                                          .url = question.base + "/purchase",
                                          .headers = {{"X-Cashu", std::string(size, 'A')}},
                                          .body = "{}"});
        if (is_refusal_of_aditd(sight)) return judge_header_budget(kHeaderSizes.front(), first_status, size);
        if (const auto* answer = std::get_if<WebAnswer>(&sight); answer && size == kHeaderSizes.front())
            first_status = answer->status;
    }
    return judge_header_budget(kHeaderSizes.front(), first_status, 0);
}

Finding look_at_proxy(const Asker& asker, const WebQuestion& question)
{
    const auto unseen = [](const Error& error) {
        return Finding{"proxy-trust", Level::warn, "not looked at, because " + error.detail,
                       "run adit check as root or as the user that aditd runs as, on its host"};
    };
    const auto before = question.sightings();
    if (!before) return unseen(before.error());
    for (std::uint64_t i = 0; i < kProxyTries; ++i)
        if (!is_ours(asker.info({}), question)) return unseen(Error{Reason::io, "GET /info was not answered again"});
    const auto after = question.sightings();
    if (!after) return unseen(after.error());
    return judge_proxy(*before, *after, kProxyTries, question.base);
}

} // namespace

std::string base_of(const app::Config& config)
{
    for (const auto& payment : config.listing.payments) {
        std::string endpoint;
        std::string_view path;
        if (const auto* cashu = std::get_if<protocol::CashuPayment>(&payment); cashu && cashu->endpoint) {
            endpoint = *cashu->endpoint;
            path = "/purchase";
        }
        if (const auto* lightning = std::get_if<protocol::LightningPayment>(&payment)) {
            endpoint = lightning->target;
            path = "/lnurlp";
        }
        if (endpoint.starts_with("http") && endpoint.ends_with(path) && !path.empty())
            return endpoint.substr(0, endpoint.size() - path.size());
    }
    return "https://" + config.server.public_host;
}

Findings judge_failure(const WebFailure& failure, const std::string& host, std::span<const std::string> names)
{
    const Finding resolved{"dns", Level::ok, host + " has an address"};
    switch (failure.step) {
    case WebStep::address:
        return {{"dns", Level::fail, host + " has no address: " + failure.words,
                 "make an A (and AAAA) record for " + host +
                     " that points to the host with the proxy, or mend [server] public_host"}};
    case WebStep::connection:
        return {
            resolved,
            {"https", Level::fail, host + " can not be reached: " + failure.words,
             "start the proxy (Caddy) and open its TCP port (443, and 80 for certificates) in the firewall. Behind a "
             "router that does not let its own address be used from inside, run this from elsewhere: adit diagnose"}};
    case WebStep::certificate: {
        if (!names.empty() &&
            std::ranges::none_of(names, [&](const std::string& name) { return is_for_name(name, host); })) {
            std::string all;
            for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
            return {resolved,
                    {"tls", Level::fail, "the certificate is for " + all + ", and not for " + host,
                     "let the proxy get a certificate for " + host + " (Caddy: name the site so)"}};
        }
        return {resolved,
                {"tls", Level::fail, "the certificate of " + host + " is not good: " + failure.words,
                 "let the proxy get one that browsers trust (Caddy does by itself once ports 80 and 443 are open); for "
                 "one of your own authority, --ca-file"}};
    }
    case WebStep::answer:
        return {resolved,
                {"https", Level::fail, "GET /info at " + host + " is not answered: " + failure.words,
                 "see the proxy's log"}};
    }
    return {};
}

Finding judge_certificate_end(std::optional<UnixSeconds> end, UnixSeconds now)
{
    if (!end) return {"tls", Level::ok, "the certificate is trusted"};
    const std::string what = "the certificate is trusted until " + to_iso8601(*end);
    if (*end - now < kCertificateSoon)
        return {"tls", Level::warn, what, "see why the proxy has not renewed it yet: its log says"};
    return {"tls", Level::ok, what};
}

Finding judge_who_answers(const WebAnswer& answer, const WebQuestion& question)
{
    const std::string where = question.base + "/info";
    const std::string pass = "let the proxy pass everything of this host to " + question.listens_on;
    if (answer.status == 502 || answer.status == 503 || answer.status == 504)
        return {"info", Level::fail, "the proxy does not reach aditd: status " + std::to_string(answer.status),
                "start aditd, and " + pass};
    if (answer.status >= 300 && answer.status < 400)
        return {
            "info", Level::fail, where + " redirects (status " + std::to_string(answer.status) + ")",
            "name in [server] public_host and in the listing's endpoints where it leads to: buyers' programs do not "
            "follow"};
    const auto info = protocol::parse_info(answer.body);
    if (answer.status != 200 || !info)
        return {"info", Level::fail, where + " is not aditd's: status " + std::to_string(answer.status), pass};
    if (info->pubkey != question.pubkey)
        return {"info", Level::fail, where + " is answered by another operator's daemon: " + info->pubkey,
                pass + ", and see that this is the config that the daemon runs with"};
    return {"info", Level::ok, where + " is answered by this operator's daemon"};
}

Finding judge_header_budget(std::size_t size, int status, std::size_t passes)
{
    if (passes >= size) return {"header-budget", Level::ok, "headers of " + kib(size) + " get to aditd"};
    const std::string what = "a request with " + kib(size) + " of headers does not get to aditd (" +
                             (status == 0 ? "no answer" : "status " + std::to_string(status)) + "), one with " +
                             (passes == 0 ? "6 KiB does not either" : kib(passes) + " does");
    const std::string hint =
        "raise the proxy's limit to 256 KiB: a token of many coins is a long header, and buyers would be refused who "
        "have paid for theirs. nginx: large_client_header_buffers 4 256k; HAProxy: tune.bufsize 270000; Envoy: "
        "max_request_headers_kb 256; Caddy takes 1 MiB by itself";
    return {"header-budget", passes >= kEnoughHeaders ? Level::warn : Level::fail, what, hint};
}

Finding judge_proxy(const Sightings& before, const Sightings& after, std::uint64_t asked, const std::string& base)
{
    const std::uint64_t trusted = after.trusted - before.trusted;
    const std::uint64_t untrusted = after.untrusted - before.untrusted;
    if (trusted >= asked)
        return {"proxy-trust", Level::ok, "aditd believes the proxy's X-Forwarded-For, and tells buyers apart"};
    if (untrusted >= asked)
        return {
            "proxy-trust", Level::fail,
            "the proxy is not trusted: aditd does not believe its X-Forwarded-For, so that all buyers are one source "
            "with one limit",
            "put the address that the proxy connects from (in containers: its network) into [server] "
            "trusted_proxies, and restart aditd"};
    if (!is_https(base))
        return {"proxy-trust", Level::ok, "requests come without X-Forwarded-For: there is no proxy in between"};
    return {"proxy-trust", Level::fail,
            "requests come from the proxy without X-Forwarded-For, so that all buyers are one source with one limit",
            "let the proxy add it. Caddy does by itself; nginx: proxy_set_header X-Forwarded-For "
            "$proxy_add_x_forwarded_for; HAProxy: option forwardfor"};
}

Findings judge_trusted_proxies(std::span<const app::Network> trusted)
{
    for (const app::Network& network : trusted) {
        const unsigned wide = network.address.family == wg::HostAddress::Family::v4 ? 8 : 32;
        if (network.prefix < wide)
            return {{"trusted-proxies", Level::fail,
                     "[server] trusted_proxies has " + wg::cidr_text(network) +
                         ": whoever is in there may claim to be any buyer",
                     "name only the proxy's own address or network"}};
    }
    return {};
}

Findings look_at_web(const WebQuestion& question, const Clock& clock)
{
    const std::string host = host_of(question.base);
    const Asker asker(question, clock);
    const WebSight first = asker.info({{"Origin", kAskingOrigin}});
    if (const auto* failure = std::get_if<WebFailure>(&first)) {
        std::vector<std::string> names;
        if (failure->step == WebStep::certificate) names = certificate_names(question.base, kWebPatience);
        return judge_failure(*failure, host, names);
    }
    const auto& answer = std::get<WebAnswer>(first);
    Findings found{{"dns", Level::ok, host + " has an address, " + answer.address}};
    if (is_https(question.base))
        found.push_back(judge_certificate_end(answer.certificate_end, clock.now()));
    else
        found.push_back({"tls", Level::warn, question.base + " is not https: what is paid with passes in the clear",
                         "put a proxy with a certificate in front, and https into the listing's endpoints"});
    found.push_back(judge_who_answers(answer, question));
    if (found.back().level != Level::ok) return found;
    found.push_back(ask_for_cors(asker, question, answer));
    found.push_back(look_at_header_budget(asker, question));
    found.push_back(look_at_proxy(asker, question));
    return found;
}

} // namespace adit::operate
