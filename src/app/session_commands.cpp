#include "app/session_commands.h"

#include "app/delivered_config.h"
#include "base/log.h"
#include "protocol/constants.h"
#include "protocol/json_fields.h"
#include "session/unused.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace adit::app {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostListed = 1000; // on one page
constexpr std::size_t kMostActs = 1000;   // of one session
constexpr std::uint64_t kMostQuantity = 1ULL << 40;

std::string text_of(const Json& answer) { return answer.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json maybe(const std::optional<UnixSeconds>& at) { return at ? Json(at->count()) : Json(nullptr); }
template<typename Number>
Json maybe(const std::optional<Number>& number)
{
    return number ? Json(*number) : Json(nullptr);
}

Result<std::int64_t> session_of(const Json& request)
{
    const Json* given = protocol::member(request, "session");
    const auto number = given ? protocol::whole_number(*given, std::numeric_limits<std::int64_t>::max()) : std::nullopt;
    if (!number || *number == 0) return Error{Reason::bad_request, "expected the number of a session"};
    return static_cast<std::int64_t>(*number);
}

bool is_set(const Json& request, const char* name)
{
    const Json* given = protocol::member(request, name);
    return given && given->is_boolean() && given->get<bool>();
}

Result<std::string> note_of(const Json& request)
{
    const Json* given = protocol::given_member(request, "note");
    if (!given) return std::string();
    const std::string* text = protocol::text_of(*given);
    if (!text || text->size() > store::kMaxNote)
        return Error{Reason::bad_request, "a note is a text of at most 200 bytes"};
    return *text;
}

Result<Gift> gift_of(const Json& request)
{
    Gift gift;
    const std::string* unit = protocol::text_member(request, "unit");
    const auto parsed = unit ? protocol::parse_unit(*unit) : std::nullopt;
    if (!parsed) return Error{Reason::bad_request, "expected a unit: hour, day, week, month, GiB or TiB"};
    gift.unit = *parsed;
    const auto quantity = protocol::count_member(request, "quantity");
    if (!quantity || *quantity == 0 || *quantity > kMostQuantity)
        return Error{Reason::bad_request, "expected a quantity of at least 1"};
    gift.quantity = *quantity;
    if (const Json* given = protocol::given_member(request, "max_mbps")) {
        const auto mbps = protocol::whole_number(*given, 100'000);
        if (!mbps) return Error{Reason::bad_request, "max_mbps is 0 to 100000"};
        gift.max_mbps = static_cast<std::uint32_t>(*mbps);
    }
    gift.note = TRY(note_of(request));
    return gift;
}

/// What is the same of every session, live or not.
Json figures(std::span<const session::Segment> segments, const std::optional<UnixSeconds>& ended_at, UnixSeconds now)
{
    const auto quota = session::quota_bytes(segments);
    const std::uint64_t used = session::used_bytes(segments);
    const auto end = session::expires_at(segments);
    const UnixSeconds expires_at = ended_at ? std::min(end.value_or(*ended_at), *ended_at) : end.value_or(now);
    std::optional<std::uint64_t> data_left;
    if (quota) data_left = ended_at ? 0 : *quota - std::min(*quota, used);
    return {{"expires_at", expires_at.count()},
            {"time_left_s", ended_at ? 0 : std::max(Seconds(0), expires_at - now).count()},
            {"data_quota_bytes", maybe(quota)},
            {"data_used_bytes", used},
            {"data_left_bytes", maybe(data_left)}};
}

Result<std::string> list(const SessionDesk& desk, const Json& request)
{
    const auto after = protocol::count_member(request, "after").value_or(0);
    const auto limit = protocol::count_member(request, "limit").value_or(kMostListed);
    if (after > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) || limit == 0)
        return Error{Reason::bad_request, "expected `after`, the number of a session, and `limit`, 1 to 1000"};
    const auto which = is_set(request, "ended_too") ? store::Store::Listed::all : store::Store::Listed::live;
    const std::size_t most = std::min<std::uint64_t>(limit, kMostListed);
    // One more than asked for says whether there is another page.
    auto rows = TRY(desk.store.list_sessions(which, static_cast<std::int64_t>(after), most + 1));
    const bool more = rows.size() > most;
    if (more) rows.pop_back();

    std::vector<std::int64_t> numbers;
    numbers.reserve(rows.size());
    for (const store::SessionRow& row : rows) numbers.push_back(row.session);
    const auto seen = desk.tunnels.seen(numbers); // younger than what is on disk
    const UnixSeconds now = desk.clock.now();
    Json listed = Json::array();
    for (store::SessionRow& row : rows) {
        const auto live = seen.find(row.session);
        Json each = figures(live == seen.end() ? row.segments : live->second.segments, row.ended_at, now);
        each["session"] = row.session;
        each["live"] = row.live;
        each["created_at"] = row.created_at.count();
        each["ended_at"] = maybe(row.ended_at);
        each["address"] = row.address.empty() ? Json(nullptr) : Json(row.address);
        each["purchases"] = row.purchases;
        listed.push_back(std::move(each));
    }
    return text_of(Json{{"sessions", std::move(listed)},
                        {"live_in_all", desk.tunnels.live()},
                        {"next", more ? Json(rows.back().session) : Json(nullptr)}});
}

Json purchase_row(const store::SessionGrant& grant, std::uint64_t unused)
{
    return {{"purchase", number_of(grant.purchase)},
            {"method", session::method_word(grant.method)},
            {"state", session::state_word(grant.state)},
            {"price_sat", grant.price.count()},
            {"quantity", grant.quantity},
            {"unit", grant.tier_unit},
            {"activated_at", maybe(grant.activated_at)},
            {"unused", unused}, // seconds or bytes, by the unit
            {"worth_sat", session::worth_of(grant.price, grant.grant, unused, 100).count()},
            {"refund", grant.refund ? Json(number_of(*grant.refund)) : Json(nullptr)}};
}

bool is_held(session::State state)
{
    return state == session::State::active || state == session::State::live || state == session::State::settling;
}

Result<Json> purchases_of(const SessionDesk& desk, std::int64_t session, std::span<const session::Segment> segments,
                          UnixSeconds now)
{
    const auto all = TRY(desk.store.grants_of(session));
    std::vector<session::GrantSize> sizes;
    for (const store::SessionGrant& grant : all)
        if (is_held(grant.state)) sizes.push_back(grant.grant);
    const auto unused = session::unused(segments, sizes, now);
    Json rows = Json::array();
    std::size_t held = 0;
    for (const store::SessionGrant& grant : all)
        rows.push_back(purchase_row(grant, is_held(grant.state) ? unused[held++] : grant.unused));
    return rows;
}

Json act_row(const store::Act& act)
{
    std::optional<std::int64_t> purchase;
    if (act.purchase) purchase = number_of(*act.purchase);
    std::optional<std::uint64_t> amount;
    if (act.amount) amount = act.amount->count();
    return {{"at", act.at.count()},        {"act", store::act_word(act.kind)}, {"session", maybe(act.session)},
            {"purchase", maybe(purchase)}, {"amount_sat", maybe(amount)},      {"note", act.note}};
}

Result<Json> refunds_of(const SessionDesk& desk, std::int64_t session)
{
    Json rows = Json::array();
    for (const store::Refund& refund : TRY(desk.store.refunds_of(session)))
        rows.push_back({{"refund", number_of(refund.id)},
                        {"amount_sat", refund.amount.count()},
                        {"closed_by", refund.by == store::ClosedBy::buyer ? "buyer" : "operator"},
                        {"created_at", refund.created_at.count()},
                        {"settled_at", maybe(refund.settled_at)},
                        {"token", refund.token ? Json(*refund.token) : Json(nullptr)}});
    return rows;
}

/// With everything that the books say of it; its id, which opens the buyer's page, only where asked for.
Result<std::string> show(const SessionDesk& desk, std::int64_t number, bool with_id)
{
    const auto session = TRY(desk.store.session_at(number));
    if (!session) return Error{Reason::bad_request, "there is no session " + std::to_string(number)};
    const UnixSeconds now = desk.clock.now();
    const auto seen = desk.tunnels.seen(std::array{number});
    const auto live = seen.find(number);
    const bool is_live = live != seen.end();
    const std::span<const session::Segment> segments = is_live ? live->second.segments : session->segments;
    Json answer = figures(segments, session->ended_at, now);
    answer["session"] = number;
    answer["live"] = session->live;
    answer["created_at"] = session->created_at.count();
    answer["ended_at"] = maybe(session->ended_at);
    answer["client_pubkey"] = session->client_key ? Json(session->client_key->base64()) : Json(nullptr);
    answer["address"] = nullptr;
    if (const auto leased = TRY(desk.store.live_session_at(number))) answer["address"] = leased->lease.address;
    answer["last_handshake_age_s"] =
        is_live && live->second.last_handshake_age ? Json(live->second.last_handshake_age->count()) : Json(nullptr);
    Json parts = Json::array();
    for (const session::Segment& segment : segments)
        parts.push_back({{"class", protocol::dimension_word(segment.cls)},
                         {"amount", segment.amount},
                         {"used_bytes", segment.used_bytes},
                         {"started_at", maybe(segment.started_at)},
                         {"ends_at", maybe(segment.ends_at)},
                         {"max_mbps", segment.max_mbps}});
    answer["segments"] = std::move(parts);
    answer["purchases"] = TRY(purchases_of(desk, number, session->live ? segments : decltype(segments){}, now));
    answer["refunds"] = TRY(refunds_of(desk, number));
    Json acts = Json::array();
    for (const store::Act& act : TRY(desk.store.acts(number, kMostActs))) acts.push_back(act_row(act));
    answer["acts"] = std::move(acts);
    if (with_id) answer["id"] = session->id;
    return text_of(answer);
}

Result<std::string> revoke(const SessionDesk& desk, const Json& request)
{
    const std::int64_t session = TRY(session_of(request));
    store::Act act{.kind = store::ActKind::revoked, .at = desk.clock.now(), .session = session};
    act.note = TRY(note_of(request));
    TRY(desk.tunnels.revoke(session, act));
    log_info("session_revoked", {{"session", session}});
    return show(desk, session, false);
}

Result<std::string> extend(const SessionDesk& desk, const Json& request)
{
    const std::int64_t session = TRY(session_of(request));
    const Gift gift = TRY(gift_of(request));
    TRY(desk.gifts.extend(session, gift));
    return show(desk, session, false);
}

/// Ends what was paid for, and owes its buyers what is unused of it. A mint that is silent delays the token only.
Result<std::string> refund(const SessionDesk& desk, const Json& request)
{
    const std::int64_t session = TRY(session_of(request));
    if (!desk.refunds) return Error{Reason::policy, "[cashu] has no key, so there is nothing to pay back with"};
    CloseTerms terms;
    terms.by = store::ClosedBy::operator_;
    terms.note = TRY(note_of(request));
    // What was given is no money: it stays, unless the session is revoked.
    terms.which = [](const store::SessionGrant& grant) { return grant.method != session::Method::given; };
    if (const Json* given = protocol::given_member(request, "purchase")) {
        const auto number = protocol::whole_number(*given, std::numeric_limits<std::int64_t>::max());
        if (!number || *number == 0) return Error{Reason::bad_request, "expected the number of a purchase"};
        terms.which = [wanted = static_cast<std::int64_t>(*number)](const store::SessionGrant& grant) {
            return number_of(grant.purchase) == wanted && grant.method != session::Method::given;
        };
    }
    if (const Json* given = protocol::given_member(request, "percent")) {
        const auto percent = protocol::whole_number(*given, 100);
        if (!percent) return Error{Reason::bad_request, "percent is 0 to 100, of what is unused"};
        terms.percent = *percent;
    }
    if (const Json* given = protocol::given_member(request, "amount_sat")) {
        const auto amount = protocol::count_member(request, "amount_sat");
        if (!amount || !given->is_number() || protocol::given_member(request, "percent"))
            return Error{Reason::bad_request, "amount_sat is a number of sat, and not together with percent"};
        terms.amount = Sat(*amount);
    }
    const auto closed = desk.refunds->close(session, terms);
    if (!closed && closed.error().reason == Reason::not_found) {
        if (TRY(desk.store.session_at(session)))
            return Error{Reason::bad_request,
                         "session " + std::to_string(session) + " has no such purchase that is paid for and goes on"};
    }
    if (!closed) return closed.error();
    for (const store::RefundId id : *closed) {
        // What the wallet can not pay now stays owed, as the answer shows.
        [[maybe_unused]] const auto paid = desk.refunds->settle(id);
    }
    return show(desk, session, false);
}

/// Whether all that the session ever was, was given: then its preshared key and page are nobody else's.
Result<bool> is_only_given(const SessionDesk& desk, std::int64_t session)
{
    const auto all = TRY(desk.store.grants_of(session));
    return std::ranges::all_of(all,
                               [](const store::SessionGrant& grant) { return grant.method == session::Method::given; });
}

Result<std::string> grant(const SessionDesk& desk, const Json& request)
{
    const std::string* text = protocol::text_member(request, "client_pubkey");
    if (!text) return Error{Reason::bad_request, "expected client_pubkey, a WireGuard public key"};
    const auto key = protocol::WireguardKey::parse_base64(*text);
    if (!key) return Error{Reason::bad_request, "client_pubkey is no WireGuard public key (44 characters of base64)"};
    const Gift gift = TRY(gift_of(request));
    const Given given = TRY(desk.gifts.grant(*key, gift));
    const store::Session& session = given.activated.session;

    Json answer = {{"session", session.row},
                   {"purchase", number_of(given.purchase)},
                   {"began", given.activated.began},
                   {"expires_at", given.activated.expires_at.count()},
                   {"config", nullptr}};
    // It is given by now, whatever becomes of the config: that can be had again by giving no more than an hour.
    const auto server_key = desk.tunnels.server_key();
    if (!server_key) return text_of(answer);
    const auto own = is_only_given(desk, session.row);
    DeliveredTerms terms{"0",
                         std::string(protocol::unit_word(gift.unit)),
                         gift.quantity,
                         {},
                         given.activated.expires_at,
                         own && *own,
                         std::nullopt};
    terms.grant.cls = protocol::dimension(gift.unit);
    if (const auto quota = session::quota_bytes(session.segments)) terms.grant.amount = *quota;
    if (terms.with_preshared_key) terms.session_id = session.id;
    if (const auto config = delivered_config(desk.shop, *server_key, given.lease, terms)) answer["config"] = *config;
    return text_of(answer);
}

/// The socket knows few kinds of failure; the words say the rest.
Result<std::string> for_operator(Result<std::string> answer)
{
    constexpr std::array kHisOwn{Reason::not_found, Reason::session_ended, Reason::above_max_purchase};
    if (answer || std::ranges::find(kHisOwn, answer.error().reason) == kHisOwn.end()) return answer;
    return Error{Reason::bad_request, answer.error().detail};
}

} // namespace

AdminCommands session_commands(const SessionDesk& desk)
{
    return {{"list-sessions", [desk](const Json& request) { return list(desk, request); }},
            {"show-session",
             [desk](const Json& request) -> Result<std::string> {
                 return show(desk, TRY(session_of(request)), is_set(request, "with_id"));
             }},
            {"extend-session", [desk](const Json& request) { return for_operator(extend(desk, request)); }},
            {"revoke-session", [desk](const Json& request) { return for_operator(revoke(desk, request)); }},
            {"refund-session", [desk](const Json& request) { return for_operator(refund(desk, request)); }},
            {"grant", [desk](const Json& request) { return for_operator(grant(desk, request)); }}};
}

} // namespace adit::app
