#include "app/delivered_config.h"

#include "protocol/constants.h"
#include "protocol/wg_config.h"
#include "session/tier.h"

namespace adit::app {

Result<std::string> delivered_config(const Shop& shop, const protocol::WireguardKey& server_key,
                                     const store::Lease& lease, const DeliveredTerms& terms)
{
    const Config& config = shop.config;
    // What is given has no price, so it is no tier either.
    std::string tier = "given, " + std::to_string(terms.quantity) + " x " + terms.tier_unit;
    if (terms.tier_amount != "0") {
        const protocol::Price tag{terms.tier_amount, "sat", terms.tier_unit};
        tier = session::describe(TRY(session::tier_of(tag, 0)), terms.quantity);
    }

    protocol::ClientConfig client{
        .private_key = std::nullopt,
        .addresses = {lease.address + "/32"},
        .dns = config.wireguard.dns,
        .mtu = config.wireguard.mtu,
        .server_key = server_key,
        .preshared_key = std::nullopt,
        .endpoint = protocol::join_endpoint(config.wireguard.endpoint_host, config.wireguard.endpoint_port)};
    if (lease.address6) client.addresses.push_back(*lease.address6 + "/128");
    if (terms.with_preshared_key && lease.preshared_key) client.preshared_key = lease.preshared_key->duplicate();

    protocol::ConfigComments comments;
    comments.operator_name = config.listing.title;
    comments.listing = protocol::encode_coordinate({protocol::kKindListing, shop.operator_key, config.listing.d_tag});
    comments.tier = std::move(tier);
    comments.expires_at = terms.expires_at;
    if (!terms.expires_at)
        comments.duration = std::to_string(terms.quantity) + " x " + terms.tier_unit + " from when it is paid";
    if (terms.grant.cls == session::GrantClass::data) comments.quota_bytes = terms.grant.amount;
    // Only a demonstration on loopback is listed without TLS.
    const bool plain = shop.lnurl_pay_url && shop.lnurl_pay_url->starts_with("http://");
    if (terms.session_id)
        comments.session_url =
            std::string(plain ? "http://" : "https://") + config.server.public_host + "/session/" + *terms.session_id;
    return protocol::render_config(client, comments);
}

} // namespace adit::app
