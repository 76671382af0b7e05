#include "http/connection.h"

#include <algorithm>

namespace adit::http {

Request Connection::take_request()
{
    // Before take(), which may go on to the next request's header.
    persistent = reader.keep_alive();
    http_1_0 = reader.http_1_0();
    Request request = reader.take();
    any_request = true;
    head = request.method == "HEAD";
    handled_bytes = request.body.size();
    for (const auto& [name, value] : request.headers) handled_bytes += name.size() + value.size();
    return request;
}

std::optional<SteadyTime> Connection::deadline(const Limits& limits) const
{
    switch (phase) {
    case Phase::reading:
        if (reader.begun() || !any_request)
            return std::min(progress + limits.progress_timeout, begun + limits.request_timeout);
        return begun + (proxied ? limits.proxy_idle_timeout : limits.idle_timeout);
    case Phase::handling:
        return std::nullopt;
    case Phase::writing:
        return std::min(progress + limits.progress_timeout, begun + limits.request_timeout);
    case Phase::lingering:
        return begun + limits.linger;
    }
    return std::nullopt;
}

} // namespace adit::http
