#include "protocol/listing.h"

#include "base/ascii.h"
#include "protocol/constants.h"
#include "protocol/decimal.h"

#include <algorithm>
#include <limits>

namespace adit::protocol {

namespace {

constexpr std::size_t kMaxTags = 64; // of each list in a stranger's listing
constexpr std::string_view kGeohashAlphabet = "0123456789bcdefghjkmnpqrstuvwxyz";
constexpr std::size_t kMaxGeohash = 12;
constexpr std::uint64_t kLatest = 1ULL << 40; // unix seconds that anything here can be calculated with

bool is_known_protocol(std::string_view name) { return name == kProtocolWireguard || name == kProtocolOpenvpn; }
bool is_marketplace_tag(std::string_view name) { return name == kMarketplaceTag || name == kLegacyMarketplaceTag; }

/// The element at `index`, or "".
std::string_view element(const Tag& tag, std::size_t index)
{
    return index < tag.size() ? tag[index] : std::string_view();
}

void push(std::vector<Tag>& tags, std::initializer_list<std::string_view> elements)
{
    tags.emplace_back(elements.begin(), elements.end());
}

void push_if(std::vector<Tag>& tags, std::string_view name, const std::string& value)
{
    if (!value.empty()) push(tags, {name, value});
}

void push_bound(std::vector<Tag>& tags, std::string_view name, const std::optional<Bound>& bound)
{
    if (bound) push(tags, {name, std::to_string(bound->count), unit_word(bound->unit)});
}

Tag payment_tag(const PaymentMethod& method)
{
    if (const auto* lightning = std::get_if<LightningPayment>(&method))
        return {"payment", "lightning", lightning->target, lightning->mechanism};
    if (const auto* cashu = std::get_if<CashuPayment>(&method)) {
        Tag tag{"payment", "cashu", cashu->mint, cashu->p2pk};
        if (cashu->endpoint) tag.push_back(*cashu->endpoint);
        return tag;
    }
    return std::get<UnknownPayment>(method).tag;
}

std::optional<PaymentMethod> parse_payment(const Tag& tag)
{
    const std::string_view method = element(tag, 1);
    const std::string first(element(tag, 2));
    const std::string second(element(tag, 3));
    if (method.empty()) return std::nullopt;
    if (method == "lightning") {
        if (first.empty() || second.empty()) return std::nullopt;
        return LightningPayment{first, second};
    }
    if (method == "cashu") {
        if (first.empty() || second.empty()) return std::nullopt;
        CashuPayment cashu{first, second, std::nullopt};
        if (!element(tag, 4).empty()) cashu.endpoint = tag[4];
        return cashu;
    }
    return UnknownPayment{tag};
}

std::optional<Bound> parse_bound(const Event& event, std::string_view name)
{
    for (const Tag* tag : event.all(name)) {
        const auto count = whole_number(element(*tag, 1));
        const auto unit = parse_unit(element(*tag, 2));
        if (count && unit) return Bound{*count, *unit};
        return std::nullopt; // the first counts
    }
    return std::nullopt;
}

std::string first_value(const Event& event, std::string_view name)
{
    return std::string(event.first(name).value_or(""));
}

void parse_topics(const Event& event, Listing& listing, bool& marketplace)
{
    for (const Tag* tag : event.all("t")) {
        const std::string value(element(*tag, 1));
        if (is_marketplace_tag(value)) {
            marketplace = true;
        } else if (!value.empty()) {
            auto& list = is_known_protocol(value) ? listing.protocols : listing.topics;
            if (list.size() < kMaxTags && std::find(list.begin(), list.end(), value) == list.end())
                list.push_back(value);
        }
    }
}

void parse_place(const Event& event, Listing& listing)
{
    const auto locations = event.all("location");
    if (!locations.empty()) {
        listing.country = element(*locations.front(), 1);
        listing.subdivision = element(*locations.front(), 2);
    }
    for (const Tag* tag : event.all("g")) {
        const std::string_view value = element(*tag, 1);
        if (is_geohash(value) && value.size() > listing.geohash.size()) listing.geohash = to_lower(value);
    }
}

} // namespace

EventDraft listing_draft(const Listing& listing, UnixSeconds created_at, LegacyTag legacy)
{
    EventDraft draft{created_at, kKindListing, {}, listing.content};
    auto& tags = draft.tags;
    push(tags, {"d", listing.d_tag});
    push(tags, {"title", listing.title});
    push(tags, {"t", kMarketplaceTag});
    if (legacy == LegacyTag::with) push(tags, {"t", kLegacyMarketplaceTag});
    for (const auto& protocol : listing.protocols) push(tags, {"t", protocol});
    for (const auto& topic : listing.topics)
        if (!is_marketplace_tag(topic) && !is_known_protocol(topic)) push(tags, {"t", topic});
    for (const auto& price : listing.prices) tags.push_back(price_tag(price));
    for (const auto& method : listing.payments) tags.push_back(payment_tag(method));
    if (listing.status == ListingStatus::sold) push(tags, {"status", "sold"});
    if (!listing.country.empty() && !listing.subdivision.empty())
        push(tags, {"location", listing.country, listing.subdivision});
    else if (!listing.country.empty() || !listing.subdivision.empty())
        push(tags, {"location", listing.country + listing.subdivision});
    for (const auto& prefix : geohash_ladder(listing.geohash)) push(tags, {"g", prefix});
    push_if(tags, "summary", listing.summary);
    push_bound(tags, "min-purchase", listing.min_purchase);
    push_bound(tags, "max-purchase", listing.max_purchase);
    if (listing.published_at) push(tags, {"published_at", std::to_string(listing.published_at->count())});
    push_if(tags, "image", listing.image);
    if (listing.capacity) push(tags, {"capacity", listing.capacity->amount, listing.capacity->unit});
    if (!listing.policies.empty()) {
        Tag tag{"policy"};
        tag.insert(tag.end(), listing.policies.begin(), listing.policies.end());
        tags.push_back(std::move(tag));
    }
    push_if(tags, "policy-url", listing.policy_url);
    push_if(tags, "protocol-config", listing.protocol_config_url);
    return draft;
}

Result<PublishedListing> parse_listing(const Event& event)
{
    if (event.kind != kKindListing) return Error{Reason::bad_encoding, "not a kind 30402 event"};
    Listing listing;
    bool marketplace = false;
    parse_topics(event, listing, marketplace);
    if (!marketplace) return Error{Reason::bad_encoding, "no marketplace tag"};
    if (listing.protocols.empty()) return Error{Reason::bad_encoding, "no known protocol"};
    listing.d_tag = first_value(event, "d");
    if (listing.d_tag.empty()) return Error{Reason::bad_encoding, "no d tag"};
    listing.title = first_value(event, "title");
    if (listing.title.empty()) return Error{Reason::bad_encoding, "no title"};

    for (const Tag* tag : event.all("price")) {
        auto price = parse_price_tag(*tag);
        if (price && listing.prices.size() < kMaxTags) listing.prices.push_back(std::move(*price));
    }
    if (listing.prices.empty()) return Error{Reason::bad_encoding, "no usable price"};
    for (const Tag* tag : event.all("payment")) {
        auto method = parse_payment(*tag);
        if (method && listing.payments.size() < kMaxTags) listing.payments.push_back(std::move(*method));
    }
    if (listing.payments.empty()) return Error{Reason::bad_encoding, "no usable payment"};

    if (event.first("status") == "sold") listing.status = ListingStatus::sold;
    parse_place(event, listing);
    listing.summary = first_value(event, "summary");
    listing.min_purchase = parse_bound(event, "min-purchase");
    listing.max_purchase = parse_bound(event, "max-purchase");
    if (const auto published = whole_number(first_value(event, "published_at")); published && *published <= kLatest)
        listing.published_at = UnixSeconds(static_cast<std::int64_t>(*published));
    listing.image = first_value(event, "image");
    if (const auto capacity = event.all("capacity"); !capacity.empty()) {
        const std::string_view amount = element(*capacity.front(), 1);
        const std::string_view unit = element(*capacity.front(), 2);
        if (is_decimal(amount) && !unit.empty()) listing.capacity = Price{std::string(amount), "", std::string(unit)};
    }
    for (const Tag* tag : event.all("policy"))
        for (std::size_t i = 1; i < tag->size(); ++i)
            if (!(*tag)[i].empty() && listing.policies.size() < kMaxTags) listing.policies.push_back((*tag)[i]);
    listing.policy_url = first_value(event, "policy-url");
    listing.protocol_config_url = first_value(event, "protocol-config");
    listing.content = event.content;
    return PublishedListing{event.pubkey, event.id, event.created_at, std::move(listing)};
}

bool is_stale(const PublishedListing& published, UnixSeconds now)
{
    return published.listing.status != ListingStatus::sold && published.created_at + kListingStale < now;
}

std::vector<Tier> sellable_tiers(std::span<const Price> prices)
{
    std::vector<Tier> tiers;
    for (std::size_t i = 0; i < prices.size(); ++i) {
        const auto amount = whole_number(prices[i].amount);
        const auto unit = parse_unit(prices[i].unit);
        if (to_lower(prices[i].currency) != "sat" || !amount || *amount == 0 || !unit) continue;
        tiers.push_back(Tier{i, prices[i], Sat(*amount), *unit});
    }
    return tiers;
}

bool same_price(const Price& a, const Price& b)
{
    return a.currency == b.currency && a.unit == b.unit &&
           compare_decimals(a.amount, b.amount) == std::strong_ordering::equal;
}

const Tier* find_tier(std::span<const Tier> tiers, const Price& price)
{
    const auto found =
        std::find_if(tiers.begin(), tiers.end(), [&](const Tier& tier) { return same_price(tier.price_tag, price); });
    return found == tiers.end() ? nullptr : &*found;
}

Tag price_tag(const Price& price) { return {"price", price.amount, price.currency, price.unit}; }

std::optional<Price> parse_price_tag(const Tag& tag)
{
    if (tag.size() < 4 || tag[0] != "price" || tag[2].empty() || tag[3].empty() || !is_decimal(tag[1]))
        return std::nullopt;
    return Price{tag[1], tag[2], tag[3]};
}

std::optional<std::uint64_t> bound_size(const Bound& bound)
{
    const std::uint64_t unit = unit_size(bound.unit);
    if (bound.count > std::numeric_limits<std::uint64_t>::max() / unit) return std::nullopt;
    return bound.count * unit;
}

std::optional<std::strong_ordering> compare_with_bound(Dimension dim, std::uint64_t size, const Bound& bound)
{
    if (dim != dimension(bound.unit)) return std::nullopt;
    const auto limit = bound_size(bound);
    return limit ? size <=> *limit : std::strong_ordering::less;
}

std::vector<std::string> geohash_ladder(std::string_view geohash)
{
    const std::string whole = to_lower(geohash);
    std::vector<std::string> ladder;
    for (std::size_t length = 1; length <= whole.size(); ++length) ladder.push_back(whole.substr(0, length));
    return ladder;
}

bool is_geohash(std::string_view text)
{
    return !text.empty() && text.size() <= kMaxGeohash && std::all_of(text.begin(), text.end(), [](char c) {
        return kGeohashAlphabet.find(to_lower(c)) != std::string_view::npos;
    });
}

} // namespace adit::protocol
