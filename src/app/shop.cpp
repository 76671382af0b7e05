#include "app/shop.h"

namespace adit::app {

Shop::Shop(const Config& configured)
    : config(configured), operator_key(configured.nostr.key.public_key()),
      tiers(protocol::sellable_tiers(configured.listing.prices)), terms{configured.listing.min_purchase,
                                                                        configured.listing.max_purchase}
{
}

} // namespace adit::app
