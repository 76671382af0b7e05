#include "protocol/info.h"

#include "protocol/constants.h"
#include "protocol/decimal.h"
#include "protocol/json.h"
#include "protocol/json_fields.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace adit::protocol {

namespace {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

constexpr std::size_t kMaxBytes = 1 << 20;
constexpr std::size_t kMaxEntries = 256;

Result<Json> parse_object(std::string_view text)
{
    if (text.size() > kMaxBytes) return Error{Reason::bad_encoding, "over 1 MiB"};
    Json object = TRY(parse_json(text));
    if (!object.is_object()) return Error{Reason::bad_encoding, "no JSON object"};
    return object;
}

std::string text_or_empty(const Json& object, const char* key)
{
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get_ref<const std::string&>() : std::string();
}

std::vector<std::string> texts_at(const Json& object, const char* key)
{
    std::vector<std::string> out;
    const auto found = object.find(key);
    if (found == object.end() || !found->is_array()) return out;
    for (const auto& item : *found)
        if (item.is_string() && out.size() < kMaxEntries) out.push_back(item.get_ref<const std::string&>());
    return out;
}

void push_once(std::vector<std::string>& list, const std::string& value)
{
    if (!value.empty() && std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

/// A number keeps the digits it can; the reference sends whole ones.
std::string amount_text(const Json& value)
{
    if (value.is_string()) return value.get_ref<const std::string&>();
    return value.is_number() ? value.dump() : std::string();
}

constexpr CheckState kAllStates[]{CheckState::ok, CheckState::failing, CheckState::off};

std::string_view check_word(CheckState state)
{
    switch (state) {
    case CheckState::ok:
        return "ok";
    case CheckState::failing:
        return "failing";
    case CheckState::off:
        return "off";
    }
    return "";
}

CheckState check_at(const Json& checks, const char* key)
{
    const std::string word = text_or_empty(checks, key);
    for (const CheckState state : kAllStates)
        if (check_word(state) == word) return state;
    return CheckState::off;
}

} // namespace

Info info_of(const Listing& listing, const PublicKey& operator_key, std::string_view public_host)
{
    Info info;
    info.software = "adit";
    info.version = ADIT_VERSION;
    info.spec_version = kSpecVersion;
    info.pubkey = operator_key.hex();
    info.endpoint = public_host;
    info.title = listing.title;
    info.summary = listing.summary;
    info.content = listing.content;
    info.protocols = listing.protocols;
    info.country = listing.country;
    info.subdivision = listing.subdivision;
    info.geohash = listing.geohash;
    info.prices = listing.prices;
    info.policies = listing.policies;
    info.policy_url = listing.policy_url;
    for (const auto& method : listing.payments) {
        if (const auto* cashu = std::get_if<CashuPayment>(&method)) {
            push_once(info.payment_methods, "cashu");
            push_once(info.mints, cashu->mint);
            push_once(info.cashu_purchase_endpoints, cashu->endpoint.value_or(""));
        } else if (const auto* lightning = std::get_if<LightningPayment>(&method)) {
            push_once(info.payment_methods, "lightning");
            push_once(info.lightning_endpoints, lightning->target);
        }
    }
    return info;
}

std::string encode_info(const Info& info)
{
    OrderedJson region = OrderedJson::object();
    if (!info.country.empty()) region["country"] = info.country;
    if (!info.subdivision.empty()) region["sub"] = info.subdivision;
    if (!info.geohash.empty()) region["geohash"] = info.geohash;
    OrderedJson head{{"software", info.software},  {"version", info.version},   {"spec_version", info.spec_version},
                     {"pubkey", info.pubkey},      {"endpoint", info.endpoint}, {"title", info.title},
                     {"summary", info.summary},    {"content", info.content},   {"protocols", info.protocols},
                     {"region", std::move(region)}};
    OrderedJson tail{{"policies", info.policies}};
    if (!info.policy_url.empty()) tail["policy_url"] = info.policy_url;
    tail["payment_methods"] = info.payment_methods;
    tail["mints"] = info.mints;
    tail["cashu_purchase_endpoints"] = info.cashu_purchase_endpoints;
    tail["lightning_endpoints"] = info.lightning_endpoints;

    // Amounts are numbers on the wire and never floating point here, so this one array is written by hand.
    std::string prices;
    for (const Price& price : info.prices) {
        if (!prices.empty()) prices += ',';
        prices += R"({"amount":)" + canonical_decimal(price.amount) + R"(,"currency":)" + dump(price.currency) +
                  R"(,"unit":)" + dump(price.unit) + '}';
    }
    std::string out = dump(head);
    out.pop_back();
    return out + R"(,"prices":[)" + prices + "]," + dump(tail).substr(1);
}

Result<Info> parse_info(std::string_view json)
{
    const Json object = TRY(parse_object(json));
    Info info;
    info.software = text_or_empty(object, "software");
    info.version = text_or_empty(object, "version");
    info.spec_version = text_or_empty(object, "spec_version");
    info.pubkey = text_or_empty(object, "pubkey");
    info.endpoint = text_or_empty(object, "endpoint");
    info.title = text_or_empty(object, "title");
    info.summary = text_or_empty(object, "summary");
    info.content = text_or_empty(object, "content");
    info.protocols = texts_at(object, "protocols");
    if (const auto region = object.find("region"); region != object.end() && region->is_object()) {
        info.country = text_or_empty(*region, "country");
        info.subdivision = text_or_empty(*region, "sub");
        info.geohash = text_or_empty(*region, "geohash");
    }
    if (const auto prices = object.find("prices"); prices != object.end() && prices->is_array()) {
        for (const auto& price : *prices) {
            if (!price.is_object() || !price.contains("amount") || info.prices.size() >= kMaxEntries) continue;
            info.prices.push_back(
                {amount_text(price.at("amount")), text_or_empty(price, "currency"), text_or_empty(price, "unit")});
        }
    }
    info.policies = texts_at(object, "policies");
    info.policy_url = text_or_empty(object, "policy_url");
    info.payment_methods = texts_at(object, "payment_methods");
    info.mints = texts_at(object, "mints");
    info.cashu_purchase_endpoints = texts_at(object, "cashu_purchase_endpoints");
    info.lightning_endpoints = texts_at(object, "lightning_endpoints");
    return info;
}

std::string encode_health(const Health& health)
{
    return dump({{"ok", health.ok},
                 {"service", health.service},
                 {"version", health.version},
                 {"pubkey", health.pubkey},
                 {"listing", health.listing},
                 {"checks",
                  {{"store", check_word(health.store)},
                   {"wireguard", check_word(health.wireguard)},
                   {"relays", check_word(health.relays)},
                   {"mints", check_word(health.mints)},
                   {"lightning", check_word(health.lightning)}}}});
}

Result<Health> parse_health(std::string_view json)
{
    const Json object = TRY(parse_object(json));
    Health health;
    const auto ok = object.find("ok");
    if (ok == object.end() || !ok->is_boolean()) return Error{Reason::bad_encoding, "no ok"};
    health.ok = ok->get<bool>();
    health.service = text_or_empty(object, "service");
    health.version = text_or_empty(object, "version");
    health.pubkey = text_or_empty(object, "pubkey");
    health.listing = text_or_empty(object, "listing");
    if (const auto checks = object.find("checks"); checks != object.end() && checks->is_object()) {
        health.store = check_at(*checks, "store");
        health.wireguard = check_at(*checks, "wireguard");
        health.relays = check_at(*checks, "relays");
        health.mints = check_at(*checks, "mints");
        health.lightning = check_at(*checks, "lightning");
    }
    return health;
}

std::string encode_session(const SessionView& session)
{
    OrderedJson object{{"status", session.status}, {"expires_at", session.expires_at.count()}};
    object["data_quota_bytes"] =
        session.data_quota_bytes ? OrderedJson(*session.data_quota_bytes) : OrderedJson(nullptr);
    object["data_used_bytes"] = session.data_used_bytes;
    object["last_handshake_age_s"] =
        session.last_handshake_age ? OrderedJson(session.last_handshake_age->count()) : OrderedJson(nullptr);
    object["data_left_bytes"] = session.data_left_bytes ? OrderedJson(*session.data_left_bytes) : OrderedJson(nullptr);
    object["time_left_s"] = session.time_left.count();
    return dump(object);
}

Result<SessionView> parse_session(std::string_view json)
{
    const Json object = TRY(parse_object(json));
    SessionView session;
    session.status = text_or_empty(object, "status");
    const auto expires_at = count_member(object, "expires_at");
    if (session.status.empty() || !expires_at || *expires_at > INT64_MAX)
        return Error{Reason::bad_encoding, "no status or no expires_at"};
    session.expires_at = UnixSeconds(static_cast<std::int64_t>(*expires_at));
    session.data_quota_bytes = count_member(object, "data_quota_bytes");
    session.data_used_bytes = count_member(object, "data_used_bytes").value_or(0);
    if (const auto age = count_member(object, "last_handshake_age_s"); age && *age <= INT64_MAX)
        session.last_handshake_age = Seconds(static_cast<std::int64_t>(*age));
    // The reference does not say these.
    session.data_left_bytes = count_member(object, "data_left_bytes");
    if (const auto left = count_member(object, "time_left_s"); left && *left <= INT64_MAX)
        session.time_left = Seconds(static_cast<std::int64_t>(*left));
    return session;
}

} // namespace adit::protocol
