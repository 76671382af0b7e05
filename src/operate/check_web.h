// operate/check_web.h - the way from a buyer to aditd: name, certificate, proxy, and what the proxy does to requests.
#pragma once

#include "operate/side_by_side.h"
#include "operate/web_look.h"

#include "app/config.h"
#include "base/clock.h"

#include <functional>

namespace adit::operate {

/// How many requests with X-Forwarded-For came to aditd, by whether it believes who sent them.
struct Sightings {
    std::uint64_t trusted = 0;
    std::uint64_t untrusted = 0;
};

struct WebQuestion {
    std::string base;       // "https://vpn.example.com", without a slash at the end
    std::string pubkey;     // the operator's, hex, as /info has it
    std::string listens_on; // "127.0.0.1:8080": where a proxy has to pass requests to
    std::string ca_file = {};
    /// Errors: io (nobody to ask; the detail says why).
    std::function<Result<Sightings>()> sightings = {};
};

/// Where buyers are sent: the listing's endpoints without their path, else https and the public host.
std::string base_of(const app::Config& config);

/// Blocking, 25 s at most, each request 6 s. `date`: of the answer, where there was one.
Findings look_at_web(const WebQuestion& question, const Clock& clock);

// ---- pure

/// Of a first request that failed. `names`: those that the certificate is for.
Findings judge_failure(const WebFailure& failure, const std::string& host, std::span<const std::string> names);
Finding judge_certificate_end(std::optional<UnixSeconds> end, UnixSeconds now);
Finding judge_who_answers(const WebAnswer& answer, const WebQuestion& question);
/// `status`: of the request with `size` bytes of headers, 0 where there was no answer; `passes`: the largest size that
/// got through, 0 for none.
Finding judge_header_budget(std::size_t size, int status, std::size_t passes);
/// `asked`: requests made between the two.
Finding judge_proxy(const Sightings& before, const Sightings& after, std::uint64_t asked, const std::string& base);
Findings judge_trusted_proxies(std::span<const app::Network> trusted);

} // namespace adit::operate
