// http/message.h - a request as a handler sees it, and what it answers.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace adit::http {

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// Size, method and form are within limits; nothing in it is trusted.
struct Request {
    std::string method; // as sent: methods are case-sensitive
    std::string path;   // as sent, without query: still percent-encoded
    Pairs parameters;   // what the route's {name} segments matched, percent-decoded UTF-8
    Pairs query;        // decoded UTF-8, `+` as a space, in the order sent
    Pairs headers;      // names in lowercase, values without the space around them, in the order sent
    std::string body;   // at most Limits::body_bytes
    std::string
        source; // "198.51.100.7" or "2001:db8:1:200::/56"; empty: unknown, only global limits apply. Never logged.

    /// The first one of that name (lowercase).
    std::optional<std::string_view> header(std::string_view name) const;
    std::optional<std::string_view> query_value(std::string_view name) const;
    std::optional<std::string_view> parameter(std::string_view name) const;
};

struct Response {
    int status = 200;
    Pairs headers = {}; // beside Content-Type, Content-Length, Connection and CORS, which the server writes
    std::string content_type = "application/json";
    std::string body = {};
};

/// Which pages of the web may read our answers in a browser.
enum class Cors { everybody, nobody };

/// {"status":"error","reason":…,"message":…}
Response error_response(int status, std::string_view reason, std::string_view message);

/// The way back to the buyer. Copies answer the same request; any thread; the first answer counts, later ones are
/// dropped, and so is an answer to a client that has gone. If the last copy dies unanswered the client gets 503 busy.
class Responder {
public:
    using Deliver = std::function<void(Response)>;
    /// `deliver` is called once, on the thread that answers or drops. Tests of handlers give their own.
    explicit Responder(Deliver deliver);
    void send(Response response) const;

private:
    struct Once;
    std::shared_ptr<Once> once_; // shared by the copies of this responder
};

} // namespace adit::http
