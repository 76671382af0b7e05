#include "app/top_commands.h"

#include <nlohmann/json.hpp>

namespace adit::app {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kBusiestShown = 50;
constexpr std::int64_t kDay_s = 86'400;

Json or_null(std::optional<UnixSeconds> time) { return time ? Json(time->count()) : Json(nullptr); }

Json check_of(protocol::CheckState state)
{
    return state == protocol::CheckState::off ? Json(nullptr) : Json(state == protocol::CheckState::ok);
}

Result<Json> sales_since(store::Store& store, UnixSeconds since)
{
    Json rows = Json::array();
    for (const store::Store::Sold& sold : TRY(store.sold_since(since))) {
        Json row = {{"method", session::method_word(sold.method)},
                    {"price_sat", sold.tier_amount},
                    {"unit", sold.tier_unit},
                    {"sales", sold.sales},
                    {"sat", sold.price.count()}};
        if (sold.mint) row["mint"] = *sold.mint;
        rows.push_back(std::move(row));
    }
    return Json{{"since", since.count()}, {"rows", std::move(rows)}};
}

Json sessions_of(const ReadingDesk& desk, const ShopReading& reading)
{
    Json rows = Json::array();
    for (const Tunnels::Busy& busy : desk.tunnels.busiest(kBusiestShown))
        rows.push_back(
            {{"session", busy.session},
             {"expires_at", or_null(busy.expires_at)},
             {"bytes_left", busy.bytes_left ? Json(*busy.bytes_left) : Json(nullptr)},
             {"received_per_s", busy.per_second.received},
             {"sent_per_s", busy.per_second.sent},
             {"handshake_age_s", busy.last_handshake_age ? Json(busy.last_handshake_age->count()) : Json(nullptr)}});
    const wg::Traffic all = desk.tunnels.per_second();
    return {{"live", reading.sessions},
            {"received_per_s", all.received},
            {"sent_per_s", all.sent},
            {"received_bytes", reading.carried.received},
            {"sent_bytes", reading.carried.sent},
            {"busiest", std::move(rows)}};
}

Json edges_of(const ShopReading& reading)
{
    Json relays = Json::array();
    for (const nostr::RelayStatus& relay : reading.relays)
        relays.push_back({{"url", relay.url}, {"connected", relay.connected}, {"last_error", relay.last_error}});
    Json mints = Json::array();
    for (const MintReading& mint : reading.mints)
        mints.push_back({{"url", mint.url},
                         {"answers", mint.answers},
                         {"wallet_sat", mint.unspent.count()},
                         {"keysets_expire", or_null(mint.keysets_expire)}});
    Json edges = {{"relays", std::move(relays)}, {"mints", std::move(mints)}};
    if (reading.lightning)
        edges["lightning"] = {{"backend", reading.lightning->backend}, {"answers", reading.lightning->answers}};
    return edges;
}

Json journal_of(const ShopReading& reading)
{
    Json states = Json::array();
    if (reading.standing)
        for (const auto& in : reading.standing->open)
            states.push_back({{"state", session::state_word(in.state)},
                              {"purchases", in.purchases},
                              {"oldest_since", in.oldest.count()}});
    return states;
}

Result<std::string> top(const ReadingDesk& desk)
{
    const UnixSeconds now = desk.clock.now();
    const UnixSeconds midnight(now.count() - now.count() % kDay_s); // UTC
    const ShopReading reading = read_shop(desk);
    Json answer = {{"version", ADIT_VERSION},
                   {"now", now.count()},
                   {"for_sale", reading.health.ok},
                   {"paused", reading.paused},
                   {"device", check_of(reading.health.wireguard)},
                   {"today", TRY(sales_since(desk.shop.store, midnight))},
                   {"sessions", sessions_of(desk, reading)},
                   {"addresses", {{"size", reading.addresses}, {"free", reading.addresses_free}}},
                   {"journal", journal_of(reading)},
                   {"database_bytes", reading.disk.database_bytes + reading.disk.log_bytes},
                   {"disk_free_bytes", reading.disk.free_bytes}};
    answer.update(edges_of(reading));
    if (reading.owed) answer["owed"] = {{"purchases", *reading.owed}, {"sat", reading.owed_sats.count()}};
    if (reading.standing)
        answer["outbox"] = {{"events", reading.standing->outbox},
                            {"oldest_since", or_null(reading.standing->outbox_oldest)}};
    return answer.dump();
}

} // namespace

AdminCommands top_commands(const ReadingDesk& desk)
{
    return {{"top", [desk](const Json&) { return top(desk); }}};
}

} // namespace adit::app
