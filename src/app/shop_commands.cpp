#include "app/shop_commands.h"

#include "base/log.h"
#include "protocol/json_fields.h"

#include <nlohmann/json.hpp>

namespace adit::app {

namespace {

constexpr std::size_t kMostOwedShown = 100; // in one answer
constexpr std::string_view kFactPaused = "paused";

Result<std::string> status(const ShopDesk& desk)
{
    nlohmann::json relays_now = nlohmann::json::array();
    for (const nostr::RelayStatus& relay : desk.relays.status())
        relays_now.push_back({{"url", relay.url}, {"connected", relay.connected}, {"last_error", relay.last_error}});
    const std::size_t owed_now = TRY(owed(desk)).size();
    const http::ServerStats served = desk.served();
    const nlohmann::json now = {
        {"paused", desk.shop.paused.load()},
        {"sessions", desk.tunnels.live()},
        {"owed", owed_now},
        {"relays", std::move(relays_now)},
        {"forwarded", {{"trusted", served.forwarded_trusted}, {"untrusted", served.forwarded_untrusted}}}};
    return now.dump();
}

Result<std::string> set_paused(const ShopDesk& desk, bool paused)
{
    TRY(desk.store.set_fact(kFactPaused, paused ? "1" : "0"));
    desk.shop.paused = paused;
    desk.publisher.listing_changed();
    return status(desk);
}

Result<std::string> sessions(const ShopDesk& desk)
{
    const auto all = TRY(owed(desk));
    nlohmann::json rows = nlohmann::json::array();
    for (const store::Purchase& purchase : std::span(all).first(std::min(all.size(), kMostOwedShown)))
        rows.push_back({{"purchase", number_of(purchase.id)},
                        {"method", session::method_word(purchase.method)},
                        {"state", session::state_word(purchase.state)},
                        {"since", purchase.state_since.count()},
                        {"price_sat", purchase.price.count()},
                        {"quantity", purchase.quantity},
                        {"unit", purchase.tier_unit},
                        {"refund_pubkey", purchase.refund_key ? purchase.refund_key->hex() : ""}});
    nlohmann::json refunds = nlohmann::json::array();
    for (const store::Refund& refund : TRY(desk.store.owed_refunds())) {
        if (refunds.size() == kMostOwedShown) break;
        refunds.push_back({{"refund", number_of(refund.id)},
                           {"session", refund.session},
                           {"amount_sat", refund.amount.count()},
                           {"since", refund.created_at.count()}});
    }
    return nlohmann::json{{"sessions", desk.tunnels.live()},
                          {"owed_in_all", all.size()},
                          {"owed", std::move(rows)},
                          {"refunds", std::move(refunds)}}
        .dump();
}

Result<std::string> settle_by_hand(const ShopDesk& desk, const nlohmann::json& request)
{
    const nlohmann::json* given = protocol::member(request, "purchase");
    const auto number = given ? protocol::whole_number(*given, std::numeric_limits<std::int64_t>::max()) : std::nullopt;
    if (!number) return Error{Reason::bad_request, "expected the number of a purchase that is owed"};
    const payments::PurchaseId id{static_cast<std::int64_t>(*number)};
    const auto rows = TRY(owed(desk));
    if (std::ranges::find(rows, id, &store::Purchase::id) == rows.end())
        return Error{Reason::bad_request, "purchase " + std::to_string(*number) + " is not owed"};
    TRY(desk.store.mark_settled_by_hand(id));
    log_info("purchase_settled_by_hand", {{"purchase", static_cast<std::int64_t>(id)}});
    return sessions(desk);
}

} // namespace

Result<std::vector<store::Purchase>> owed(const ShopDesk& desk)
{
    std::vector<store::Purchase> all;
    if (desk.settlements) all = TRY(desk.settlements->owed());
    if (desk.recovery)
        for (const payments::PurchaseId id : desk.recovery->owed()) all.push_back(TRY(desk.store.purchase(id)));
    return all;
}

Result<bool> was_paused(store::Store& store) { return TRY(store.fact(kFactPaused)) == "1"; }

AdminCommands shop_commands(const ShopDesk& desk)
{
    using nlohmann::json;
    return {{"status", [desk](const json&) { return status(desk); }},
            {"pause", [desk](const json&) { return set_paused(desk, true); }},
            {"resume", [desk](const json&) { return set_paused(desk, false); }},
            {"sessions", [desk](const json&) { return sessions(desk); }},
            {"settle-by-hand", [desk](const json& request) { return settle_by_hand(desk, request); }}};
}

} // namespace adit::app
