#include "cli/top_text.h"

#include "cli/printable.h"
#include "protocol/json_fields.h"

namespace adit::cli {

namespace {

using Json = nlohmann::json;
using protocol::count_member;
using protocol::given_member;
using protocol::member;

constexpr std::size_t kTitle = 11; // columns of the first word of a line
constexpr std::size_t kUrl = 48;

bool is_true(const Json& object, const char* name)
{
    const Json* value = member(object, name);
    return value && value->is_boolean() && value->get<bool>();
}

std::string word_at(const Json& object, const char* name, std::size_t limit = 200)
{
    const std::string* text = protocol::text_member(object, name);
    return text ? printable(*text, limit) : "?";
}

std::string count_at(const Json& object, const char* name)
{
    const auto count = count_member(object, name);
    return count ? std::to_string(*count) : "?";
}

std::string bytes_at(const Json& object, const char* name)
{
    const auto count = count_member(object, name);
    return count ? bytes_text(*count) : "?";
}

std::string rate_at(const Json& object, const char* name) { return bytes_at(object, name) + "/s"; }

/// Of an object's member, an empty one where it has none.
const Json& part(const Json& object, const char* name)
{
    static const Json none = Json::object();
    const Json* value = member(object, name);
    return value ? *value : none;
}

/// An array's elements; none of anything else.
const Json& rows_at(const Json& object, const char* name)
{
    static const Json none = Json::array();
    const Json* value = member(object, name);
    return value && value->is_array() ? *value : none;
}

std::optional<UnixSeconds> time_at(const Json& object, const char* name)
{
    const Json* value = member(object, name);
    const auto count = value ? protocol::whole_number(*value, 1ULL << 40) : std::nullopt;
    if (!count) return std::nullopt;
    return UnixSeconds(static_cast<std::int64_t>(*count));
}

std::string line_of(std::string_view title, const std::string& text) { return fitted(title, kTitle) + text + "\n"; }

std::string today(const Json& answer)
{
    const Json& rows = rows_at(part(answer, "today"), "rows");
    std::uint64_t sales = 0;
    Sat all;
    std::string text;
    for (const Json& row : rows) {
        sales += count_member(row, "sales").value_or(0);
        all = sum(all, Sat(count_member(row, "sat").value_or(0))).value_or(all);
        const std::string* mint = protocol::text_member(row, "mint");
        text += line_of("", fitted(word_at(row, "method", 20), 10) + " " +
                                fitted(word_at(row, "price_sat", 20) + " sat/" + word_at(row, "unit", 10), 18) + " " +
                                fitted(count_at(row, "sales") + " sold", 11) + " " +
                                fitted(count_at(row, "sat") + " sat", 14) + " " + (mint ? printable(*mint, 200) : ""));
    }
    return line_of("today", std::to_string(sales) + " sold, " + sats(all) + ", since 00:00 UTC") + text;
}

std::string edges(const Json& answer)
{
    std::string text;
    for (const Json& relay : rows_at(answer, "relays")) {
        const bool connected = is_true(relay, "connected");
        const std::string why = word_at(relay, "last_error");
        text += line_of("relay", fitted(word_at(relay, "url"), kUrl) + " " +
                                     (connected ? "connected" : "not connected" + (why.empty() ? why : ": " + why)));
    }
    for (const Json& mint : rows_at(answer, "mints"))
        text += line_of("mint", fitted(word_at(mint, "url"), kUrl) + " " +
                                    (is_true(mint, "answers") ? "answers" : "does not answer") + ", " +
                                    count_at(mint, "wallet_sat") + " sat in the wallet");
    if (const Json* lightning = given_member(answer, "lightning"))
        text += line_of("lightning", fitted(word_at(*lightning, "backend"), kUrl) + " " +
                                         (is_true(*lightning, "answers") ? "answers" : "does not answer"));
    return text + line_of("device", is_true(answer, "device") ? "usable" : "not usable");
}

std::string since(const Json& object, const char* name, std::optional<UnixSeconds> now)
{
    const auto time = time_at(object, name);
    return time && now ? length_text(std::max(*now - *time, Seconds(1))) : "?";
}

std::string journal(const Json& answer, std::optional<UnixSeconds> now)
{
    std::string text;
    for (const Json& in : rows_at(answer, "journal"))
        text +=
            line_of(text.empty() ? "journal" : "", fitted(word_at(in, "state", 20), 12) + count_at(in, "purchases") +
                                                       ", the oldest for " + since(in, "oldest_since", now));
    if (text.empty()) text = line_of("journal", "nothing is on its way");
    const Json& owed = part(answer, "owed");
    text +=
        line_of("owed", count_member(owed, "purchases") == 0 ? "nothing"
                                                             : count_at(owed, "purchases") + " purchases, " +
                                                                   count_at(owed, "sat") + " sat: see adit sessions");
    const Json& outbox = part(answer, "outbox");
    text += line_of("outbox",
                    count_member(outbox, "events") == 0
                        ? "empty"
                        : count_at(outbox, "events") + " events, the oldest for " + since(outbox, "oldest_since", now));
    return text + line_of("disk", "database " + bytes_at(answer, "database_bytes") + ", free " +
                                      bytes_at(answer, "disk_free_bytes"));
}

std::string busiest(const Json& sessions, std::optional<UnixSeconds> now)
{
    const Json& rows = rows_at(sessions, "busiest");
    if (rows.empty()) return {};
    const auto row_of = [](const std::string& session, const std::string& time, const std::string& data,
                           const std::string& in, const std::string& out, const std::string& handshake) {
        return fitted(session, kTitle) + fitted(time, 14) + fitted(data, 12) + fitted(in, 14) + fitted(out, 14) +
               handshake + "\n";
    };
    std::string text = "\n" + row_of("session", "time left", "data left", "in", "out", "handshake");
    for (const Json& session : rows) {
        const auto ends = time_at(session, "expires_at");
        const auto age = count_member(session, "handshake_age_s");
        const bool by_data = given_member(session, "bytes_left") != nullptr;
        text += row_of(count_at(session, "session"), ends && now ? length_text(*ends - *now) : "?",
                       by_data ? bytes_at(session, "bytes_left") : "-", rate_at(session, "received_per_s"),
                       rate_at(session, "sent_per_s"),
                       age && *age < (1ULL << 40)
                           ? length_text(Seconds(static_cast<std::int64_t>(std::max<std::uint64_t>(*age, 1)))) + " ago"
                           : "never");
    }
    return text;
}

} // namespace

std::string top_text(const Json& answer)
{
    const auto now = time_at(answer, "now");
    const std::string state = is_true(answer, "for_sale") ? "for sale"
                              : is_true(answer, "paused") ? "paused"
                                                          : "can not sell";
    const Json& sessions = part(answer, "sessions");
    const Json& addresses = part(answer, "addresses");
    return line_of("aditd", word_at(answer, "version", 20) + "   " + state + "   " + (now ? to_iso8601(*now) : "?")) +
           today(answer) +
           line_of("sessions", count_at(sessions, "live") + " live, in " + rate_at(sessions, "received_per_s") +
                                   ", out " + rate_at(sessions, "sent_per_s") + ", " + count_at(addresses, "free") +
                                   " of " + count_at(addresses, "size") + " addresses free") +
           edges(answer) + journal(answer, now) + busiest(sessions, now);
}

} // namespace adit::cli
