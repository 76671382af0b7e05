// cli/delivery.h - from the text that an operator delivered to a tunnel that can be used. spec: Delivered config
#pragma once

#include "cli/record.h"
#include "payments/http_client.h"
#include "protocol/info.h"

namespace adit::cli {

struct Delivery {
    std::string_view config;               // as it came; not trusted
    std::optional<UnixSeconds> expires_at; // none: not known yet
    std::string session_url;               // "" for none
    std::uint64_t quantity = 1;
};

/// The config read with distrust and written anew, with the record's private key in it.
/// Errors: bad_encoding (what it says is not to be trusted; the detail has a line's number).
Result<Tunnel> tunnel_of(const Record& record, const Delivery& delivery);

/// "https://vpn.example.com/purchase" → "https://vpn.example.com/session/<id>".
std::string session_url(std::string_view endpoint, std::string_view id);
/// The session that a config's comments name, where it is on the offer's server; "" for none.
std::string session_in_comments(const Offer& offer, std::string_view config);
/// What the operator says of a session now. Errors: not_found; mint_unreachable (no answer, or none that makes sense).
Result<protocol::SessionView> ask_session(payments::HttpClient& http, const std::string& url);

} // namespace adit::cli
