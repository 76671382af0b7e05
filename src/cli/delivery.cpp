#include "cli/delivery.h"

#include "cli/market.h"
#include "protocol/wg_config.h"

namespace adit::cli {

namespace {
constexpr Milliseconds kDeliveryTimeout{15'000};
}

Result<Tunnel> tunnel_of(const Record& record, const Delivery& delivery)
{
    protocol::ClientConfig config = TRY(protocol::parse_config(delivery.config));
    config.private_key = record.keys.wireguard.duplicate();
    protocol::ConfigComments comments;
    comments.operator_name = record.offer.title;
    comments.listing = protocol::encode_coordinate(record.offer.listing);
    comments.tier = record.offer.price.amount + " " + record.offer.price.currency + "/" + record.offer.price.unit +
                    " x " + std::to_string(delivery.quantity);
    comments.expires_at = delivery.expires_at;
    comments.session_url = delivery.session_url;
    return Tunnel{protocol::render_config(config, comments), delivery.expires_at, delivery.session_url,
                  delivery.quantity};
}

std::string session_url(std::string_view endpoint, std::string_view id)
{
    constexpr std::string_view kTail = "/purchase";
    if (endpoint.ends_with(kTail)) endpoint.remove_suffix(kTail.size());
    while (endpoint.ends_with('/')) endpoint.remove_suffix(1);
    return std::string(endpoint) + "/session/" + std::string(id);
}

std::string session_in_comments(const Offer& offer, std::string_view config)
{
    constexpr std::string_view kMark = "# Session: ";
    for (std::size_t at = 0; at < config.size();) {
        const std::string_view line = config.substr(at, config.find('\n', at) - at);
        at += line.size() + 1;
        if (!line.starts_with(kMark)) continue;
        const std::string_view url = line.substr(kMark.size());
        const auto host = host_of_url(url);
        if (host && *host == offer.server) return std::string(url);
    }
    return "";
}

Result<protocol::SessionView> ask_session(payments::HttpClient& http, const std::string& url)
{
    const auto reply = TRY(http.call({.method = "GET", .url = url, .timeout = kDeliveryTimeout}));
    if (reply.status == 404) return Error{Reason::not_found, "the operator knows no such session (any more)"};
    const auto session = reply.status == 200 ? protocol::parse_session(reply.body)
                                             : Error{Reason::bad_encoding, "status " + std::to_string(reply.status)};
    if (!session)
        return Error{Reason::mint_unreachable,
                     "the operator's answer can not be understood: " + session.error().detail};
    return *session;
}

} // namespace adit::cli
