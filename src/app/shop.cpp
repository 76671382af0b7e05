#include "app/shop.h"

#include "protocol/lnurl.h"

namespace adit::app {

namespace {

std::optional<std::string> lnurl_pay_of(const protocol::Listing& listing)
{
    for (const auto& payment : listing.payments) {
        const auto* method = std::get_if<protocol::LightningPayment>(&payment);
        if (!method || method->mechanism != "lnurl-pay") continue;
        if (auto url = protocol::parse_lnurl(method->target)) return std::move(*url);
    }
    return std::nullopt;
}

} // namespace

Shop::Shop(const Config& configured)
    : config(configured), operator_key(configured.nostr.key.public_key()),
      tiers(protocol::sellable_tiers(configured.listing.prices)), terms{configured.listing.min_purchase,
                                                                        configured.listing.max_purchase,
                                                                        configured.max_mbps},
      lnurl_pay_url(lnurl_pay_of(configured.listing))
{
}

} // namespace adit::app
