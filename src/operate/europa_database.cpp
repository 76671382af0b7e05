#include "operate/europa_database.h"

#include "operate/database_snapshot.h"
#include "store/database.h"

#include <algorithm>
#include <array>

namespace adit::operate {

namespace {

using store::Database;
using store::Row;

constexpr std::int64_t kOurs = 0x61646974; // the application id of adit.db
constexpr std::int64_t kMostSessions = 100'000;
constexpr std::array kColumns{
    "session_id",       "protocol",        "client_identity", "assigned_ip",    "purchased_at", "expires_at",
    "data_quota_bytes", "data_used_bytes", "price_amount",    "price_currency", "price_unit",   "payment_method",
    "status",           "last_rx_counter", "last_tx_counter", "payment_hash",   "listing_d_tag"};

#define ADIT_EUROPA_COLUMNS                                                                                            \
    "substr(session_id, 1, 200), substr(protocol, 1, 200), substr(client_identity, 1, 200), "                          \
    "substr(assigned_ip, 1, 200), substr(purchased_at, 1, 200), substr(expires_at, 1, 200), "                          \
    "substr(data_quota_bytes, 1, 200), substr(data_used_bytes, 1, 200), substr(price_amount, 1, 200), "                \
    "substr(price_currency, 1, 200), substr(price_unit, 1, 200), substr(payment_method, 1, 200), "                     \
    "substr(status, 1, 200), substr(last_rx_counter, 1, 200), substr(last_tx_counter, 1, 200), "                       \
    "substr(payment_hash, 1, 200), substr(listing_d_tag, 1, 200)"

std::optional<std::string> owned_text(Row& row)
{
    const auto text = row.maybe_text();
    if (!text) return std::nullopt;
    return std::string(*text);
}

/// Calls itself a table, and holds rows by itself: no view, nor a table that a module makes up.
Result<void> expect_table(Database& db)
{
    if (TRY(db.number("PRAGMA application_id")) == kOurs)
        return Error{Reason::bad_config, "this is adit's own database; expected that of europa-node"};
    const auto plain = TRY(db.number("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'sessions' "
                                     "AND sql LIKE 'CREATE TABLE%'"));
    if (!plain) return Error{Reason::bad_config, "it has no table `sessions`: this is not europa-node's database"};
    std::vector<std::string> there;
    TRY(db.each("PRAGMA table_info(sessions)", {}, [&](Row& row) -> Result<void> {
        row.integer(); // its place
        there.emplace_back(row.text());
        return {};
    }));
    std::string missing;
    for (const char* column : kColumns)
        if (std::ranges::find(there, column) == there.end())
            missing += (missing.empty() ? "" : ", ") + std::string(column);
    if (!missing.empty())
        return Error{Reason::bad_config,
                     "its table `sessions` has no column " + missing +
                         ": this is not europa-node's database, or one of a version we do not know"};
    return {};
}

Result<EuropaDatabase> read_all(Database& db)
{
    TRY(db.execute("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY"));
    const auto verdict =
        TRY(db.first("PRAGMA quick_check(1)", {}, [](Row& row) { return Result(std::string(row.text())); }));
    if (verdict != "ok") return Error{Reason::bad_config, "the database is damaged: " + verdict.value_or("no answer")};
    TRY(db.execute("PRAGMA query_only = ON"));
    TRY(expect_table(db));
    EuropaDatabase found;
    const auto over = TRY(db.number("SELECT COUNT(*) FROM sessions WHERE status IN ('expired', 'revoked')"));
    found.over = static_cast<std::uint64_t>(over.value_or(0));
    const auto others =
        TRY(db.number("SELECT COUNT(*) FROM sessions WHERE status IS NULL OR status NOT IN ('expired', 'revoked')"));
    if (others.value_or(0) > kMostSessions)
        return Error{Reason::bad_config,
                     "over 100000 sessions are neither expired nor revoked: no subnet has that many"};
    TRY(db.each("SELECT " ADIT_EUROPA_COLUMNS " FROM sessions "
                "WHERE status IS NULL OR status NOT IN ('expired', 'revoked')",
                {}, [&](Row& row) -> Result<void> {
                    EuropaSession session;
                    for (auto* text :
                         {&session.session_id, &session.protocol, &session.client_identity, &session.assigned_ip,
                          &session.purchased_at, &session.expires_at, &session.data_quota_bytes,
                          &session.data_used_bytes, &session.price_amount, &session.price_currency, &session.price_unit,
                          &session.payment_method, &session.status, &session.last_rx_counter, &session.last_tx_counter,
                          &session.payment_hash, &session.listing_d_tag})
                        *text = owned_text(row);
                    found.sessions.push_back(std::move(session));
                    return {};
                }));
    return found;
}

} // namespace

Result<EuropaDatabase> read_europa_database(const std::filesystem::path& path)
{
    const auto snapshot = TRY(DatabaseSnapshot::take(path));
    auto db = Database::open(snapshot.path());
    auto found = db ? read_all(*db) : Result<EuropaDatabase>(db.error());
    if (!found) return Error{Reason::bad_config, path.string() + ": " + found.error().detail};
    return found;
}

} // namespace adit::operate
