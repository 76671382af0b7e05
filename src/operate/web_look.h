// operate/web_look.h - one HTTP exchange as a stranger sees it: every header, the certificate, and the step it failed
// in.
#pragma once

#include "base/time.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace adit::operate {

struct WebAsk {
    std::string method = "GET"; // GET, OPTIONS or POST
    std::string url;            // http or https
    std::vector<std::pair<std::string, std::string>> headers = {};
    std::string body = {};       // of a POST: JSON
    std::string ca_file = {};    // certificates in PEM to trust instead of the system's
    Milliseconds timeout{8'000}; // for the whole exchange, DNS included
};

struct WebAnswer {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers = {}; // names in lowercase, in the order sent
    std::string body = {};                                         // its first MiB
    std::string address = {};                                      // that answered
    std::optional<UnixSeconds> date = {};                          // of the Date header
    std::optional<UnixSeconds> certificate_end = {};               // notAfter of the server's own certificate

    /// Every value of that name (lowercase).
    std::vector<std::string> all(std::string_view name) const;
};

enum class WebStep { address, connection, certificate, answer };
struct WebFailure {
    WebStep step;
    std::string words; // libcurl's, without headers and bodies
};

using WebSight = std::variant<WebAnswer, WebFailure>;

/// Blocking, for `timeout` at most. TLS is verified; no redirects, no proxies from the environment, no cookies. Any
/// thread.
WebSight look_at(const WebAsk& ask);

/// The DNS names and addresses that the certificate there is for, trusted or not. Nothing is sent once TLS is up. Empty
/// where there is none to be had.
std::vector<std::string> certificate_names(const std::string& url, Milliseconds timeout);

} // namespace adit::operate
