// operate/cors.h - whether a page in a browser may buy there. Pure. spec: HTTP API
#pragma once

#include "operate/side_by_side.h"
#include "operate/web_look.h"

namespace adit::operate {

/// Whose page asks. Any will do: the API is for all of them.
inline constexpr const char* kAskingOrigin = "https://shop.example";

/// What a browser asks before `POST /purchase` with a token.
WebAsk preflight_of(const std::string& base_url);
/// `preflight`: the answer to that; `plain`: to GET /info with an Origin.
Finding judge_cors(const WebAnswer& preflight, const WebAnswer& plain);

} // namespace adit::operate
