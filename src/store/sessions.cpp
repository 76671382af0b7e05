// Live sessions, their usage and their end; and what is forgotten of those that are over.
#include "base/log.h"
#include "store/rows.h"
#include "store/sqlite_store.h"

#include "protocol/constants.h"

namespace adit::store {

namespace {

Result<void> forget_swaps(Database& db, std::int64_t purchase)
{
    TRY(db.run("DELETE FROM swap_outputs WHERE swap IN (SELECT id FROM swaps WHERE purchase = $1)", {purchase}));
    TRY(db.run("DELETE FROM swaps WHERE purchase = $1", {purchase}));
    return {};
}

struct Over {
    std::int64_t purchase = 0;
    bool released = false;
};

Result<std::vector<Over>> purchases_over(Database& db, UnixSeconds before)
{
    std::vector<Over> over;
    TRY(db.each("SELECT id, state FROM purchases WHERE client_key IS NOT NULL "
                "AND state IN ('ended', 'refunded', 'released') AND state_since_s < $1",
                {before}, [&](Row& row) -> Result<void> {
                    const auto id = row.integer();
                    over.push_back({id, row.text() == session::state_word(session::State::released)});
                    return {};
                }));
    return over;
}

} // namespace

Result<std::optional<LiveSession>> SqliteStore::live_session(const protocol::WireguardKey& client_key)
{
    const auto client = client_of(client_key);
    return read([&](Database& db) {
        return db.first("SELECT " ADIT_SESSION_COLUMNS ", " ADIT_LEASE_COLUMNS " FROM sessions s "
                        "JOIN leases l ON l.client = s.client WHERE s.client = $1 AND s.live = 1",
                        {client}, [](Row& row) -> Result<LiveSession> {
                            auto session = TRY(read_session(row));
                            auto lease = TRY(read_lease(row));
                            return LiveSession{std::move(session), std::move(lease)};
                        });
    });
}

Result<std::vector<LiveSession>> SqliteStore::live_sessions()
{
    return read([&](Database& db) -> Result<std::vector<LiveSession>> {
        const auto count = TRY(db.number("SELECT COUNT(*) FROM sessions WHERE live = 1")).value_or(0);
        std::vector<LiveSession> sessions;
        sessions.reserve(static_cast<std::size_t>(count));
        TRY(db.each("SELECT " ADIT_SESSION_COLUMNS ", " ADIT_LEASE_COLUMNS " FROM sessions s "
                    "JOIN leases l ON l.client = s.client WHERE s.live = 1 ORDER BY s.id",
                    {}, [&](Row& row) -> Result<void> {
                        auto session = TRY(read_session(row));
                        auto lease = TRY(read_lease(row));
                        sessions.push_back({std::move(session), std::move(lease)});
                        return {};
                    }));
        // No step leaves one without a lease; an edited database must not keep the others from their tunnels.
        if (static_cast<std::int64_t>(sessions.size()) != count)
            log_error("store_sessions_without_address", {{"live", count}, {"with_address", sessions.size()}});
        return sessions;
    });
}

Result<std::optional<Session>> SqliteStore::session_by_id(std::string_view id)
{
    return read([&](Database& db) {
        return db.first("SELECT " ADIT_SESSION_COLUMNS " FROM sessions s WHERE s.capability = $1", {id}, read_session);
    });
}

Result<bool> SqliteStore::first_buyer_is(std::int64_t session, const protocol::PublicKey& auth_key)
{
    return read([&](Database& db) -> Result<bool> {
        const auto is = TRY(db.first("SELECT first_buyer FROM sessions WHERE id = $1", {session},
                                     [&](Row& row) { return Result(row.maybe_text() == auth_key.hex()); }));
        if (!is) return Error{Reason::not_found, "no such session"};
        return *is;
    });
}

Result<std::vector<std::int64_t>> SqliteStore::save_usage(std::span<const SessionUsage> usage)
{
    return write("save_usage", [&](Database& db) -> Result<std::vector<std::int64_t>> {
        std::vector<std::int64_t> stale;
        for (const SessionUsage& used : usage) {
            const auto received = TRY(to_bigint(used.last_received_bytes));
            const auto sent = TRY(to_bigint(used.last_sent_bytes));
            const auto saved =
                TRY(db.run("UPDATE sessions SET segments = $1, last_received_bytes = $2, "
                           "last_sent_bytes = $3 WHERE id = $4 AND live = 1 AND revision = $5",
                           {encode_segments(used.segments), received, sent, used.at.session, used.at.revision}));
            if (saved == 0) stale.push_back(used.at.session);
        }
        return stale;
    });
}

Result<std::vector<std::int64_t>> SqliteStore::end_sessions(std::span<const SessionAt> sessions, UnixSeconds now)
{
    return write("end_sessions", [&](Database& db) -> Result<std::vector<std::int64_t>> {
        std::vector<std::int64_t> ended;
        for (const SessionAt& at : sessions) {
            const auto client =
                TRY(db.first("UPDATE sessions SET live = 0, ended_at_s = $1 "
                             "WHERE id = $2 AND live = 1 AND revision = $3 RETURNING client",
                             {now, at.session, at.revision}, [](Row& row) { return Result(std::string(row.text())); }));
            if (!client) continue;
            TRY(db.run("UPDATE purchases SET state = 'ended', state_since_s = $1 "
                       "WHERE session = $2 AND state = 'active'",
                       {now, at.session}));
            TRY(rest_lease_if_unheld(db, *client, now + protocol::kAddressRest));
            ended.push_back(at.session);
        }
        return ended;
    });
}

Result<std::vector<protocol::WireguardKey>> SqliteStore::ours(std::span<const protocol::WireguardKey> keys)
{
    std::vector<std::string> clients;
    clients.reserve(keys.size());
    for (const auto& key : keys) clients.push_back(client_of(key));
    return read([&](Database& db) -> Result<std::vector<protocol::WireguardKey>> {
        std::vector<protocol::WireguardKey> ours;
        for (std::size_t i = 0; i < keys.size(); ++i) {
            const auto known = TRY(db.number("SELECT 1 WHERE EXISTS (SELECT 1 FROM sessions WHERE client = $1) "
                                             "OR EXISTS (SELECT 1 FROM purchases WHERE client = $1 "
                                             "AND state NOT IN ('reserved', 'swapping', 'open', 'released'))",
                                             {clients[i]}));
            if (known) ours.push_back(keys[i]);
        }
        return ours;
    });
}

Result<std::size_t> SqliteStore::wipe_ended(UnixSeconds before)
{
    return write("wipe_ended", [&](Database& db) -> Result<std::size_t> {
        auto wiped = static_cast<std::size_t>(TRY(db.run("UPDATE sessions SET client_key = NULL WHERE live = 0 "
                                                         "AND client_key IS NOT NULL AND ended_at_s < $1",
                                                         {before})));
        for (const Over& over : TRY(purchases_over(db, before))) {
            TRY(forget_swaps(db, over.purchase));
            // Of a released purchase nothing was taken: there is nothing for the books, and strangers can make many.
            if (over.released) {
                TRY(db.run("DELETE FROM invoices WHERE purchase = $1", {over.purchase}));
                TRY(db.run("DELETE FROM purchases WHERE id = $1", {over.purchase}));
            } else {
                TRY(db.run("UPDATE invoices SET preimage = NULL, preshared_key = NULL, capability = NULL "
                           "WHERE purchase = $1",
                           {over.purchase}));
                TRY(db.run("UPDATE purchases SET client_key = NULL WHERE id = $1", {over.purchase}));
            }
            ++wiped;
        }
        if (wiped > 0) writer_->empty_log_after_commit();
        return wiped;
    });
}

} // namespace adit::store
