#include "devnet/control_handler.h"

#include "protocol/json.h"

namespace adit::devnet {

using nlohmann::json;

http::Router::Handler answering(ControlHandler handler)
{
    return [handler = std::move(handler)](const http::Request& request, const http::Responder& responder) {
        const auto answer = [&]() -> Handled {
            const json body = request.body.empty() ? json::object() : TRY(protocol::parse_json(request.body));
            if (!body.is_object()) return Error{Reason::bad_request, "expected an object"};
            return handler(request, body);
        }();
        if (answer) return responder.send({200, {}, "application/json", answer->dump()});
        const bool missing = answer.error().reason == Reason::not_found;
        responder.send(
            http::error_response(missing ? 404 : 400, missing ? "not-found" : "bad-request", answer.error().detail));
    };
}

Handled done_if(bool done)
{
    if (!done) return Error{Reason::not_found, "no such thing"};
    return json{{"ok", true}};
}

std::string named(const http::Request& request, std::string_view name)
{
    return std::string(request.parameter(name).value_or(""));
}

Result<void> read_count(const json& object, const char* key, std::uint64_t& out)
{
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) return {};
    if (!found->is_number_unsigned()) return Error{Reason::bad_request, std::string(key) + ": expected a count"};
    out = found->get<std::uint64_t>();
    return {};
}

Result<bool> read_flag(const json& object, const char* key, bool fallback)
{
    const auto found = object.find(key);
    if (found == object.end()) return fallback;
    if (!found->is_boolean()) return Error{Reason::bad_request, std::string(key) + ": expected true or false"};
    return found->get<bool>();
}

} // namespace adit::devnet
