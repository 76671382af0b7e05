#include "operate/europa_sessions.h"

#include "protocol/constants.h"
#include "protocol/decimal.h"
#include "session/tier.h"

#include <algorithm>
#include <map>
#include <set>
#include <variant>

namespace adit::operate {

namespace {

using protocol::Dimension;
using session::Segment;

constexpr std::string_view kCheck = "session";
constexpr std::string_view kOrigin = "europa-node:";
constexpr std::uint64_t kMilliseconds = 100'000'000'000; // as seconds this is the year 5138
constexpr std::size_t kShownOfId = 8;                    // no more: whole, it opens a session's page

/// A row that stands for something bought, read and mended.
struct Bought {
    std::string id;
    protocol::WireguardKey key;
    wg::HostAddress address;
    Segment segment;
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
    store::AdoptedPurchase purchase;
    std::string called;
    std::vector<Finding> repairs;
    bool over = false;
};

std::string shown_text(const EuropaSession::Text& text)
{
    if (!text) return "NULL";
    return "\"" + text->substr(0, 60) + "\"";
}

std::string called(const EuropaSession& row)
{
    const std::string id = row.session_id.value_or("without an id").substr(0, kShownOfId);
    return id + " (" + row.assigned_ip.value_or("no address").substr(0, 45) + ")";
}

/// Columns of numbers may hold anything; SQLite writes some whole ones with a point.
std::optional<std::uint64_t> count_in(const EuropaSession::Text& text)
{
    return text ? protocol::whole_number(*text) : std::nullopt;
}

std::string bytes_text(std::uint64_t bytes)
{
    const std::uint64_t gib = protocol::unit_size(protocol::Unit::gib);
    if (bytes % gib == 0) return std::to_string(bytes / gib) + " GiB";
    return std::to_string(bytes) + " bytes";
}

/// Random, as version 4 of RFC 4122 has it: then it can be the id that opens a session's page.
bool is_random_uuid(std::string_view text)
{
    constexpr std::string_view kForm = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";
    return text.size() == kForm.size() && std::equal(text.begin(), text.end(), kForm.begin(), [](char c, char form) {
               const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
               if (form == 'x') return hex;
               if (form == 'y') return c == '8' || c == '9' || c == 'a' || c == 'b';
               return c == form;
           });
}

class Judge {
public:
    Judge(const EuropaSession& row, const MovingTerms& terms, UnixSeconds now)
        : row_(row), terms_(terms), now_(now), called_(called(row))
    {
    }

    std::variant<Bought, Finding> judge()
    {
        if (row_.status == "pending") return pending();
        if (row_.status != "active")
            return left_out("has the unknown status " + shown_text(row_.status),
                            "look at it in europa-node's database");
        if (row_.protocol != protocol::kProtocolWireguard)
            return left_out("is of protocol " + shown_text(row_.protocol),
                            "adit serves WireGuard only: settle with its buyer");
        if (row_.session_id.value_or("").empty()) return left_out("has no session_id", kSettle);
        const auto key = protocol::WireguardKey::parse_base64(row_.client_identity.value_or(""));
        if (!key)
            return left_out("has a client_identity that is no WireGuard key: " + shown_text(row_.client_identity),
                            kSettle);
        if (terms_.server_key == *key) return left_out("has the server's own key", "that is no buyer's");
        const auto address = wg::HostAddress::parse(row_.assigned_ip.value_or(""));
        if (!address || !is_of_subnet(*address))
            return left_out("has an address outside of " + wg::cidr_text(terms_.subnet) + ": " +
                                shown_text(row_.assigned_ip),
                            "set [wireguard].subnet_cidr to the range that it was sold from and run this again; else "
                            "settle with its buyer");
        const auto end = end_of();
        if (!end)
            return left_out("does not say when it ends: expires_at " + shown_text(row_.expires_at) + ", price_unit " +
                                shown_text(row_.price_unit),
                            kSettle);
        Bought bought{.id = *row_.session_id,
                      .key = *key,
                      .address = *address,
                      .segment = {},
                      .purchase = {},
                      .called = called_,
                      .repairs = {}};
        measure(bought, *end);
        book(bought, *end);
        bought.repairs = std::move(repairs_);
        return bought;
    }

private:
    static constexpr const char* kSettle = "settle with its buyer; its peer stays on the device until you remove it";

    Finding left_out(const std::string& why, std::string hint) const
    {
        return {std::string(kCheck), Level::fail, called_ + " " + why + "; not taken over", std::move(hint)};
    }
    void mended(const std::string& what)
    {
        repairs_.push_back({std::string(kCheck), Level::warn, called_ + ": " + what, {}});
    }

    Finding pending() const
    {
        Finding finding{std::string(kCheck), Level::warn,
                        called_ + " waits for its payment by " + row_.payment_method.value_or("?") + " of " +
                            row_.price_amount.value_or("?") + " " + row_.price_currency.value_or("?") +
                            "; not taken over",
                        "nobody can have paid it"};
        if (row_.payment_hash)
            finding.hint = "possibly owed: if your Lightning node says that payment " + *row_.payment_hash +
                           " came in, settle with its buyer";
        return finding;
    }

    bool is_of_subnet(const wg::HostAddress& address) const
    {
        return address.family == wg::HostAddress::Family::v4 && wg::contains(terms_.subnet, address) &&
               address != wg::first_address(terms_.subnet) && address != wg::last_address(terms_.subnet);
    }

    std::optional<UnixSeconds> time_in(const EuropaSession::Text& text, std::string_view column)
    {
        const auto count = count_in(text);
        if (!count || *count == 0) return std::nullopt;
        if (*count < kMilliseconds) return UnixSeconds(static_cast<std::int64_t>(*count));
        if (*count / 1000 >= kMilliseconds) return std::nullopt;
        const UnixSeconds time(static_cast<std::int64_t>(*count / 1000));
        mended(std::string(column) + " " + *text + " is in milliseconds, read as " + to_iso8601(time));
        return time;
    }

    /// How long one unit lasts; none for a unit that we do not know.
    std::optional<Seconds> length() const
    {
        if (!unit_) return std::nullopt;
        switch (protocol::dimension(*unit_)) {
        case Dimension::time:
            return Seconds(static_cast<std::int64_t>(protocol::unit_size(*unit_)));
        case Dimension::data:
            return protocol::kDataLapse;
        }
        return std::nullopt;
    }

    std::optional<UnixSeconds> end_of()
    {
        bought_at_ = time_in(row_.purchased_at, "purchased_at");
        auto end = time_in(row_.expires_at, "expires_at");
        if (!end) {
            if (!bought_at_ || !length()) return std::nullopt;
            end = *bought_at_ + *length();
            mended("expires_at " + shown_text(row_.expires_at) + " is now " + to_iso8601(*end) + ", as was bought");
        }
        if (!bought_at_ || *bought_at_ >= *end) {
            const UnixSeconds begun = *end - length().value_or(Seconds(3600));
            mended("purchased_at " + shown_text(row_.purchased_at) + " is now " + to_iso8601(begun));
            bought_at_ = begun;
        }
        if (*end > now_ + protocol::kMaxSession) {
            mended("expires_at " + to_iso8601(*end) + " is now 5 years from here, the longest that a session may run");
            end = now_ + protocol::kMaxSession;
        }
        return end;
    }

    /// By data where that was bought, or where the unit is unknown and a quota is set.
    std::optional<std::uint64_t> quota()
    {
        const auto there = count_in(row_.data_quota_bytes);
        if (!unit_) {
            if (!row_.data_quota_bytes) return std::nullopt;
            return std::min(there.value_or(protocol::kMaxQuotaBytes), protocol::kMaxQuotaBytes);
        }
        if (protocol::dimension(*unit_) == Dimension::time) {
            if (row_.data_quota_bytes)
                mended("a quota of " + shown_text(row_.data_quota_bytes) + " bytes is dropped: time was bought");
            return std::nullopt;
        }
        const std::uint64_t one = protocol::unit_size(*unit_);
        if (there == one) return one;
        const auto price = count_in(row_.price_amount);
        const bool by_price = there && price && *price <= *there / one && *price * one == *there;
        if (there && !by_price && *there > one && *there <= protocol::kMaxQuotaBytes) {
            mended("a quota of " + bytes_text(*there) +
                   " is neither what was bought nor its price times the unit; kept");
            return there;
        }
        mended("the quota of " + (there ? bytes_text(*there) : shown_text(row_.data_quota_bytes)) +
               (by_price ? " was computed from the price; " : "; ") + "it is now " + bytes_text(one) +
               ", as was bought");
        return one;
    }

    void measure(Bought& bought, UnixSeconds end)
    {
        const auto quota_bytes = quota();
        const auto used = count_in(row_.data_used_bytes);
        const auto received = count_in(row_.last_rx_counter);
        const auto sent = count_in(row_.last_tx_counter);
        constexpr std::uint64_t kMost = protocol::kMaxQuotaBytes;
        bought.segment.cls = quota_bytes ? Dimension::data : Dimension::time;
        bought.segment.amount = quota_bytes.value_or(static_cast<std::uint64_t>((end - *bought_at_).count()));
        bought.segment.started_at = bought_at_;
        bought.segment.ends_at = end;
        if (used && received && sent && *received <= kMost && *sent <= kMost) {
            bought.segment.used_bytes = std::min(*used, kMost);
            bought.received = *received;
            bought.sent = *sent;
        } else {
            // The device's own count, since the peer was put, is what was used.
            mended("what it has used can not be read (data_used_bytes " + shown_text(row_.data_used_bytes) +
                   ", last_rx_counter " + shown_text(row_.last_rx_counter) + ", last_tx_counter " +
                   shown_text(row_.last_tx_counter) + "); it is counted anew from the device");
        }
        const bool used_up = quota_bytes && bought.segment.used_bytes >= *quota_bytes;
        if (used_up && end > now_)
            mended("it has used " + bytes_text(bought.segment.used_bytes) + " of the " + bytes_text(*quota_bytes) +
                   " that were bought: it is over, and its peer goes when aditd starts");
        bought.over = used_up || end <= now_;
    }

    void book(Bought& bought, UnixSeconds end)
    {
        store::AdoptedPurchase& purchase = bought.purchase;
        purchase.origin = std::string(kOrigin) + bought.id;
        purchase.method = session::Method::cashu;
        if (row_.payment_method == "lightning")
            purchase.method = session::Method::lightning;
        else if (row_.payment_method != "cashu")
            mended("payment_method " + shown_text(row_.payment_method) + " is not known; the books say cashu");
        purchase.listing = row_.listing_d_tag.value_or("");
        purchase.tier_unit = row_.price_unit.value_or("");
        const std::string amount = row_.price_amount.value_or("");
        purchase.tier_amount = protocol::is_decimal(amount) ? protocol::canonical_decimal(amount) : "0";
        const auto sats = protocol::whole_number(purchase.tier_amount);
        if (row_.price_currency == "sat" && sats && *sats > 0 && *sats <= protocol::kMaxQuotaBytes)
            purchase.price = Sat(*sats);
        else
            mended("its price of " + shown_text(row_.price_amount) + " " + shown_text(row_.price_currency) +
                   " is no sum of sats; the books say 0");
        purchase.grant = {bought.segment.cls, bought.segment.amount};
        purchase.bought_at = *bought_at_;
        purchase.expires_at = end;
    }

    const EuropaSession& row_;
    const MovingTerms& terms_;
    const UnixSeconds now_;
    const std::string called_;
    const std::optional<protocol::Unit> unit_ = protocol::parse_unit(row_.price_unit.value_or(""));
    std::optional<UnixSeconds> bought_at_;
    std::vector<Finding> repairs_;
};

/// As add_grant would have joined them, at the moment of the second purchase.
void join(std::vector<Segment>& queue, const Segment& next, UnixSeconds now)
{
    Segment& last = queue.back();
    if (last.cls != next.cls) {
        queue.push_back({next.cls, next.amount, std::nullopt, std::nullopt, next.used_bytes});
        return;
    }
    last.amount = std::min(last.amount + next.amount, protocol::kMaxQuotaBytes);
    // The peer was the same one, and the second row began with the device's count of the first.
    last.used_bytes = std::max(last.used_bytes, next.used_bytes);
    if (!last.ends_at) return;
    switch (next.cls) {
    case Dimension::time:
        last.ends_at =
            std::min(*last.ends_at + Seconds(static_cast<std::int64_t>(next.amount)), now + protocol::kMaxSession);
        last.amount = static_cast<std::uint64_t>((*last.ends_at - *last.started_at).count());
        break;
    case Dimension::data:
        last.ends_at = std::max(*last.ends_at, *next.ends_at);
        break;
    }
}

std::string goes_on(std::span<const Segment> segments)
{
    std::string text = "goes on until " + to_iso8601(*session::expires_at(segments));
    if (const auto quota = session::quota_bytes(segments)) {
        const std::uint64_t used = session::used_bytes(segments);
        text += ", with " + bytes_text(*quota - std::min(*quota, used)) + " of " + bytes_text(*quota) + " left";
    }
    return text;
}

/// All that one key bought and that is not over; or, where all is over, the last of it.
PlannedSession plan_one(std::vector<Bought>& all, UnixSeconds now, Rng& rng)
{
    std::ranges::stable_sort(all, {}, [](const Bought& bought) { return bought.purchase.bought_at; });
    const bool any_live = std::ranges::any_of(all, [](const Bought& bought) { return !bought.over; });
    if (any_live)
        std::erase_if(all, [](const Bought& bought) { return bought.over; });
    else
        all.erase(all.begin(), all.end() - 1);

    Bought& newest = all.back(); // whose address the device has
    PlannedSession planned{.session = {.id = is_random_uuid(newest.id) ? newest.id : encode_hex(rng.bytes<16>()),
                                       .client_key = newest.key,
                                       .address = newest.address.text()},
                           .called = newest.called,
                           .goes_on = {}};
    planned.session.last_received_bytes = newest.received;
    planned.session.last_sent_bytes = newest.sent;
    for (Bought& bought : all) {
        auto& segments = planned.session.segments;
        if (any_live) {
            if (segments.empty())
                segments.push_back(bought.segment);
            else
                join(segments, bought.segment, now);
        }
        if (&bought != &newest)
            planned.repairs.push_back({std::string(kCheck),
                                       Level::warn,
                                       bought.called + " has the same key as " + newest.called +
                                           ": they are one session now, at the later one's address",
                                       {}});
        std::ranges::move(bought.repairs, std::back_inserter(planned.repairs));
        planned.session.purchases.push_back(std::move(bought.purchase));
    }
    if (any_live) planned.goes_on = goes_on(planned.session.segments);
    return planned;
}

} // namespace

MovingPlan plan_moving_in(std::span<const EuropaSession> rows, const MovingTerms& terms, UnixSeconds now, Rng& rng)
{
    MovingPlan plan;
    std::map<protocol::WireguardKey, std::vector<Bought>> by_key;
    std::set<std::string, std::less<>> ids;
    for (const EuropaSession& row : rows) {
        auto judged = Judge(row, terms, now).judge();
        if (auto* finding = std::get_if<Finding>(&judged)) {
            plan.left_out.push_back(std::move(*finding));
            continue;
        }
        auto& bought = std::get<Bought>(judged);
        if (!ids.insert(bought.id).second) {
            plan.left_out.push_back({std::string(kCheck), Level::fail,
                                     bought.called + " has the session_id of another one; not taken over",
                                     "look at it in the database"});
            continue;
        }
        by_key[bought.key].push_back(std::move(bought));
    }
    std::vector<PlannedSession> live;
    for (auto& [key, all] : by_key) {
        PlannedSession planned = plan_one(all, now, rng);
        (planned.session.segments.empty() ? plan.ended : live).push_back(std::move(planned));
    }
    // The device gives an address to the peer that got it last.
    std::ranges::stable_sort(live, std::ranges::greater(),
                             [](const PlannedSession& planned) { return planned.session.purchases.back().bought_at; });
    std::map<std::string, std::string> holders; // of each address
    for (PlannedSession& planned : live) {
        const auto [holder, is_new] = holders.emplace(planned.session.address, planned.called);
        if (is_new) {
            plan.live.push_back(std::move(planned));
            continue;
        }
        plan.left_out.push_back({std::string(kCheck), Level::fail,
                                 planned.called + " has the same address as " + holder->second +
                                     ", which was sold later and so has it on the device; not taken over",
                                 "settle with its buyer: " + planned.goes_on});
    }
    std::ranges::sort(plan.live, {}, [](const PlannedSession& planned) { // as they were sold
        return std::pair(planned.session.purchases.back().bought_at, std::string_view(planned.session.address));
    });
    return plan;
}

} // namespace adit::operate
