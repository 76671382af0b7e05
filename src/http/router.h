// http/router.h - which handler answers which method and path.
#pragma once

#include "http/message.h"

namespace adit::http {

class Router {
public:
    /// Called on the loop thread: must not block. It may keep the Responder and answer from a worker.
    using Handler = std::function<void(Request, Responder)>;

    /// `pattern` is a path such as "/session/{id}"; a {name} matches one segment that is not empty. HEAD is answered by
    /// GET's handler, OPTIONS by the server. Adding a method and pattern twice is a bug of ours.
    void add(std::string_view method, std::string_view pattern, Handler handler);

    enum class Outcome { found, not_found, method_not_allowed, bad_encoding };
    struct Match {
        Outcome outcome = Outcome::not_found;
        const Handler* handler = nullptr; // when found; lives as long as the router
        Pairs parameters = {};
        std::string allow = {}; // "GET, HEAD, OPTIONS", when the path is known
    };
    Match find(std::string_view method, std::string_view path) const;

private:
    struct Route {
        std::string method;
        std::vector<std::string> segments;
        Handler handler;
    };
    std::vector<Route> routes_;
};

/// %XX (and, for queries, `+`) undone; nothing where an escape is broken or the result is not UTF-8 or has a NUL.
enum class Plus { kept, space };
std::optional<std::string> percent_decoded(std::string_view text, Plus plus);

} // namespace adit::http
