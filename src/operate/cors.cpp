#include "operate/cors.h"

#include "base/ascii.h"

#include <algorithm>

namespace adit::operate {

namespace {

constexpr const char* kCorsCheck = "cors";
constexpr const char* kCorsHint =
    "let the proxy pass aditd's Access-Control-* headers through, and OPTIONS requests to it, and add none of its own: "
    "pages in browsers can not buy otherwise";

Finding wrong(std::string what) { return {kCorsCheck, Level::fail, std::move(what), kCorsHint}; }

std::vector<std::string> items(const std::vector<std::string>& values)
{
    std::vector<std::string> out;
    for (const std::string& value : values) {
        std::string_view rest = value;
        while (!rest.empty()) {
            const std::size_t comma = std::min(rest.find(','), rest.size());
            out.push_back(to_lower(trimmed(rest.substr(0, comma))));
            rest.remove_prefix(std::min(comma + 1, rest.size()));
        }
    }
    return out;
}

bool lists(const WebAnswer& answer, std::string_view header, std::string_view wanted)
{
    const auto listed = items(answer.all(header));
    return std::ranges::find(listed, wanted) != listed.end();
}

/// "" where the origin is let in.
std::string origin_problem(const WebAnswer& answer)
{
    const auto origins = items(answer.all("access-control-allow-origin"));
    if (origins.empty()) return "has no Access-Control-Allow-Origin";
    if (origins.size() > 1) return "has Access-Control-Allow-Origin twice, which browsers refuse";
    if (origins.front() != "*" && origins.front() != kAskingOrigin)
        return "lets pages of " + origins.front() + " in only";
    return "";
}

} // namespace

WebAsk preflight_of(const std::string& base_url)
{
    WebAsk ask;
    ask.method = "OPTIONS";
    ask.url = base_url + "/purchase";
    ask.headers = {{"Origin", kAskingOrigin},
                   {"Access-Control-Request-Method", "POST"},
                   {"Access-Control-Request-Headers", "authorization,content-type,x-cashu"}};
    return ask;
}

Finding judge_cors(const WebAnswer& preflight, const WebAnswer& plain)
{
    if (const std::string problem = origin_problem(plain); !problem.empty())
        return wrong("the answer to GET /info " + problem);
    if (preflight.status < 200 || preflight.status > 299)
        return wrong("OPTIONS /purchase is answered with status " + std::to_string(preflight.status));
    if (const std::string problem = origin_problem(preflight); !problem.empty())
        return wrong("the answer to OPTIONS /purchase " + problem);
    if (!lists(preflight, "access-control-allow-methods", "post"))
        return wrong("the answer to OPTIONS /purchase does not allow POST");
    for (const char* header : {"authorization", "content-type", "x-cashu"})
        if (!lists(preflight, "access-control-allow-headers", header))
            return wrong("the answer to OPTIONS /purchase does not allow the header " + std::string(header));
    if (!lists(plain, "access-control-expose-headers", "x-cashu"))
        return {kCorsCheck, Level::warn, "pages may not read the header X-Cashu of answers",
                "let the proxy pass Access-Control-Expose-Headers through: what a refused payment should have been is "
                "in there"};
    return {kCorsCheck, Level::ok, "pages in browsers may buy"};
}

} // namespace adit::operate
