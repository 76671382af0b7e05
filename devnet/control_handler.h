// devnet/control_handler.h - what the routes of the control port have in common.
#pragma once

#include "base/result.h"
#include "http/router.h"

#include <functional>
#include <nlohmann/json.hpp>

namespace adit::devnet {

using Handled = Result<nlohmann::json>;
using ControlHandler = std::function<Handled(const http::Request&, const nlohmann::json& body)>;

/// Errors become 400 or 404; an absent body is an empty object.
http::Router::Handler answering(ControlHandler handler);
/// {"ok":true}, or not_found.
Handled done_if(bool done);
/// The value of a {name} of the route.
std::string named(const http::Request& request, std::string_view name);

/// Leaves `out` as it is where the key is absent or null. Errors: bad_request.
Result<void> read_count(const nlohmann::json& object, const char* key, std::uint64_t& out);
/// Errors: bad_request.
Result<bool> read_flag(const nlohmann::json& object, const char* key, bool fallback);

} // namespace adit::devnet
