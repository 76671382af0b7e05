#include "payments/lightning/node_http.h"

#include "base/clock.h"
#include "base/crash_point.h"

#include <algorithm>

namespace adit::payments::lightning {
namespace {

constexpr std::size_t kMaxLogged = 200;
constexpr std::size_t kKeyLength = 32; // characters without a blank: half of a key in hex

bool is_of_a_key(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '/' ||
           c == '-' || c == '_' || c == '=';
}

} // namespace

std::string fit_for_log(std::string_view text)
{
    std::string out;
    while (!text.empty() && out.size() < kMaxLogged) {
        const auto* const end = std::find_if_not(text.begin(), text.end(), is_of_a_key);
        const auto length = static_cast<std::size_t>(end - text.begin());
        if (length >= kKeyLength) {
            out += "[...]";
        } else {
            out += text.substr(0, length);
        }
        text.remove_prefix(length);
        if (text.empty()) break;
        const char c = text.front();
        out += c >= 32 && c < 127 ? c : ' ';
        text.remove_prefix(1);
    }
    if (out.size() > kMaxLogged) out.resize(kMaxLogged);
    while (out.ends_with(' ')) out.pop_back();
    return out;
}

NodeHttp::NodeHttp(NodeAccess access) : access_(std::move(access)) {}

SteadyTime NodeHttp::deadline() const { return system_clock().steady() + access_.timeout; }

Error NodeHttp::unreachable(std::string_view what) const
{
    return Error{Reason::lightning_unreachable, access_.name + ": " + std::string(what)};
}

Error NodeHttp::refused(std::string_view what) const
{
    return Error{Reason::lightning_refused, access_.name + ": " + std::string(what)};
}

Result<HttpReply> NodeHttp::get(const std::string& path, SteadyTime deadline)
{
    return call({.method = "GET", .url = access_.url.text() + path}, deadline);
}

Result<HttpReply> NodeHttp::post(const std::string& path, std::string content_type, std::string body,
                                 SteadyTime deadline)
{
    return call({.method = "POST",
                 .url = access_.url.text() + path,
                 .body = std::move(body),
                 .content_type = std::move(content_type)},
                deadline);
}

Result<HttpReply> NodeHttp::call(HttpCall call, SteadyTime deadline)
{
    call.timeout = std::chrono::duration_cast<Milliseconds>(deadline - system_clock().steady());
    call.secret_header = &access_.header;
    call.ca_file = access_.ca_file;
    crash_point("lightning_before_call");
    auto reply = http_.call(call);
    crash_point("lightning_after_call");
    SecretText::wipe(call.body); // some carry a preimage
    if (!reply) return unreachable(reply.error().detail);
    return reply;
}

} // namespace adit::payments::lightning
