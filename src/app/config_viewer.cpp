#include "app/config_viewer.h"

#include "app/config_viewer/sources.h"
#include "base/check.h"
#include "base/hash.h"
#include "protocol/constants.h"

#include <map>

namespace adit::app {

namespace {

/// For text and for attributes in double quotes. Control characters become blanks.
std::string escaped(std::string_view text)
{
    std::string out;
    for (const char c : text) {
        switch (c) {
        case '&':
            out += "&amp;";
            break;
        case '<':
            out += "&lt;";
            break;
        case '>':
            out += "&gt;";
            break;
        case '"':
            out += "&quot;";
            break;
        case '\'':
            out += "&#39;";
            break;
        default:
            out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
        }
    }
    return out;
}

/// Puts a value in the place of each {{name}}, in one pass: what has been put in is not looked at again.
std::string filled(std::string_view page, const std::map<std::string_view, std::string>& values)
{
    std::string out;
    while (true) {
        const std::size_t open = page.find("{{");
        out += page.substr(0, open);
        if (open == std::string_view::npos) return out;
        const std::size_t close = page.find("}}", open);
        CHECK(close != std::string_view::npos);
        const auto value = values.find(page.substr(open + 2, close - open - 2));
        CHECK(value != values.end());
        out += value->second;
        page.remove_prefix(close + 2);
    }
}

std::string hash_source(std::string_view text) { return "'sha256-" + encode_base64(sha256(as_bytes(text))) + "'"; }

/// Nothing but our own scripts and style, and no request at all: the only image is the empty icon, a data: URL, without
/// which browsers ask for /favicon.ico. Text can not become markup (Trusted Types), whatever the scripts did wrong.
std::string policy_of(const ViewerSources& sources)
{
    return "default-src 'none'; script-src " + hash_source(sources.qr_code) + " " + hash_source(sources.script) +
           "; style-src " + hash_source(sources.style) +
           "; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
           "; require-trusted-types-for 'script'; trusted-types 'none'";
}

} // namespace

http::Response config_viewer_page(const ConfigViewerOptions& options)
{
    const ViewerSources& sources = viewer_sources();
    static const std::string policy = policy_of(sources);
    http::Response response{200, {}, "text/html; charset=utf-8", {}};
    response.headers = {
        {"Content-Security-Policy", policy},
        {"X-Frame-Options", "DENY"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        // A browser's cache would hold links against the key and endpoint of the past.
        {"Cache-Control", "no-store"},
    };
    response.body = filled(sources.page, {{"title", escaped(options.title)},
                                          {"server_key", options.server_key.base64()},
                                          {"endpoint", escaped(options.endpoint)},
                                          {"placeholder", escaped(protocol::kPrivateKeyPlaceholder)},
                                          {"style", std::string(sources.style)},
                                          {"script", std::string(sources.script)},
                                          {"qr_code", std::string(sources.qr_code)}});
    return response;
}

} // namespace adit::app
