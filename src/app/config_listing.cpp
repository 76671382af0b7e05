#include "app/config_listing.h"

#include "app/config_values.h"
#include "protocol/constants.h"
#include "protocol/decimal.h"

#include <algorithm>

namespace adit::app {

namespace {

void read_protocols(Section& section, protocol::Listing& listing)
{
    const auto read = section.list("protocols");
    for (const auto& [name, place] : read.value) {
        if (name == protocol::kProtocolOpenvpn)
            section.warn(place, "protocols", "openvpn is not sold by adit and will not be listed");
        else if (name != protocol::kProtocolWireguard)
            section.error(place, "protocols", shown(name) + " is not known, expected \"wireguard\"");
        else if (listing.protocols.empty())
            listing.protocols.push_back(name);
    }
    if (listing.protocols.empty())
        section.error(read.place, "protocols", "has nothing to sell, expected [\"wireguard\"]");
}

void read_region(Section region, protocol::Listing& listing)
{
    listing.country = region.text("country").value.value_or("");
    listing.subdivision = region.text("sub").value.value_or("");
    const auto geohash = region.text("geohash");
    if (geohash.value && protocol::is_geohash(*geohash.value))
        listing.geohash = *geohash.value;
    else if (geohash.value)
        region.warn(geohash.place, "geohash",
                    shown(*geohash.value) + " is no geohash and will not be listed, expected e.g. \"u33d\"");
    region.unknown();
}

void read_prices(Section& section, ListingPart& part)
{
    protocol::Listing& listing = part.listing;
    auto prices = section.tables("prices");
    if (prices.empty())
        section.error(section.place(), "prices", "is missing, expected at least one [[listing.prices]] table");
    for (Section& row : prices) {
        const auto amount = row.amount("amount");
        const auto currency = row.needed("currency");
        const auto unit = row.needed("unit");
        const auto max_mbps = row.number("max_mbps");
        if (max_mbps.given && !part.max_mbps_place) part.max_mbps_place = max_mbps.place;
        row.unknown();
        if (!amount.value || !currency.value || !unit.value) continue;
        const protocol::Price price{*amount.value, *currency.value, *unit.value};
        if (protocol::sellable_tiers(std::span(&price, 1)).empty())
            row.warn(row.place(), "amount",
                     "this price is listed but can not be bought, which takes whole sat per " +
                         std::string(row.known("unit")->expected));
        if (std::any_of(listing.prices.begin(), listing.prices.end(),
                        [&](const auto& other) { return protocol::same_price(price, other); }))
            row.warn(row.place(), "amount", "this price is listed twice");
        listing.prices.push_back(price);
        part.max_mbps.push_back(static_cast<std::uint32_t>(max_mbps.value));
    }
}

std::optional<protocol::Bound> read_bound(Section bound)
{
    if (!bound.given()) return std::nullopt;
    const auto amount = bound.amount("amount");
    const auto unit = bound.needed("unit");
    bound.unknown();
    const auto count = amount.value ? protocol::whole_number(*amount.value) : std::nullopt;
    if (amount.value && !count) bound.error(amount.place, "amount", "is not whole, expected e.g. 36 hour for 1.5 day");
    const auto known = unit.value ? protocol::parse_unit(*unit.value) : std::nullopt;
    if (unit.value && !known)
        bound.error(unit.place, "unit",
                    shown(*unit.value) + " is not known, expected " + std::string(bound.known("unit")->expected));
    if (!count || !known) return std::nullopt;
    return protocol::Bound{*count, *known};
}

void check_bounds(Section& section, const protocol::Listing& listing)
{
    if (listing.min_purchase && listing.max_purchase) {
        const auto size = protocol::bound_size(*listing.min_purchase);
        if (size && protocol::compare_with_bound(protocol::dimension(listing.min_purchase->unit), *size,
                                                 *listing.max_purchase) == std::strong_ordering::greater)
            section.error(section.place(), "max_purchase", "is less than min_purchase, expected at least as much");
    }
    if (!listing.max_purchase) return;
    for (const auto& tier : protocol::sellable_tiers(listing.prices))
        if (protocol::compare_with_bound(protocol::dimension(tier.unit), protocol::unit_size(tier.unit),
                                         *listing.max_purchase) == std::strong_ordering::greater)
            section.warn(section.place(), "max_purchase",
                         "is less than one " + std::string(protocol::unit_word(tier.unit)) +
                             ", so that the price for it can not be bought");
}

void read_url(Section& section, std::string_view key, std::string& into)
{
    const auto read = section.text(key);
    if (!read.value) return;
    const auto url = parse_url(*read.value);
    if (!url || !is_web(*url))
        section.error(read.place, key, shown(*read.value) + " is no URL, expected https://…");
    else
        into = *read.value;
}

void read_cashu_method(Section& row, ListingPart& part)
{
    const auto mint = row.needed("mint");
    const auto p2pk = row.needed("p2pk");
    const auto endpoint = row.needed("endpoint");
    if (!mint.value || !p2pk.value || !endpoint.value) return;
    part.cashu.push_back({*mint.value, *p2pk.value, *endpoint.value, mint.place, p2pk.place, endpoint.place});
    part.listing.payments.emplace_back(protocol::CashuPayment{*mint.value, *p2pk.value, *endpoint.value});
}

void read_lightning_method(Section& row, ListingPart& part)
{
    const auto endpoint = row.needed("endpoint");
    const auto mechanism = row.needed("mechanism");
    if (endpoint.value && mechanism.value)
        part.lightning.push_back({*endpoint.value, *mechanism.value, row.place(), endpoint.place});
}

void read_payments(Section& section, ListingPart& part)
{
    auto methods = section.tables("payment_methods");
    part.payments_place = methods.empty() ? section.place() : methods.front().place();
    if (methods.empty())
        section.error(section.place(), "payment_methods",
                      "is missing, expected at least one [[listing.payment_methods]] table");
    for (Section& row : methods) {
        const auto type = row.needed("type");
        if (type.value == "cashu")
            read_cashu_method(row, part);
        else if (type.value == "lightning")
            read_lightning_method(row, part);
        row.unknown();
    }
}

void read_capacity(Section capacity, protocol::Listing& listing)
{
    if (!capacity.given()) return;
    const auto amount = capacity.amount("amount");
    const auto unit = capacity.needed("unit");
    if (amount.value && unit.value) listing.capacity = protocol::Price{*amount.value, "", *unit.value};
    capacity.unknown();
}

} // namespace

ListingPart read_listing(Section section)
{
    ListingPart part;
    protocol::Listing& listing = part.listing;
    if (!section.given()) section.error(section.place(), "", "is missing, expected a [listing] table");
    listing.d_tag = section.needed("d_tag").value.value_or("");
    listing.title = section.needed("title").value.value_or("");
    listing.summary = section.text("summary").value.value_or("");
    listing.content = section.text("content").value.value_or("");
    read_protocols(section, listing);
    for (auto& [policy, place] : section.list("policies").value) listing.policies.push_back(policy);
    read_url(section, "policy_url", listing.policy_url);
    read_url(section, "protocol_config_url", listing.protocol_config_url);
    read_url(section, "image", listing.image);
    part.legacy_tag = section.flag("legacy_tag").value ? protocol::LegacyTag::with : protocol::LegacyTag::without;
    read_capacity(section.table("capacity"), listing);
    read_region(section.table("region"), listing);
    read_prices(section, part);
    listing.min_purchase = read_bound(section.table("min_purchase"));
    listing.max_purchase = read_bound(section.table("max_purchase"));
    check_bounds(section, listing);
    read_payments(section, part);
    section.unknown();
    return part;
}

} // namespace adit::app
