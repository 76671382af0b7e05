// What must reach relays, and which relays have settled it.
#include "store/rows.h"
#include "store/sqlite_store.h"

#include <algorithm>

namespace adit::store {

namespace {

struct Entry {
    std::string id;
    UnixSeconds created_at;
    std::vector<std::string> settled;
};

/// Without the events' text, which may be long. Oldest first.
Result<std::vector<Entry>> entries(Database& db)
{
    std::vector<Entry> found;
    TRY(db.each("SELECT o.id, o.created_at_s, s.relay FROM outbox o LEFT JOIN outbox_settled s ON s.event = o.id "
                "ORDER BY o.position, s.relay",
                {}, [&](Row& row) -> Result<void> {
                    const auto id = row.text();
                    if (found.empty() || found.back().id != id) found.push_back({std::string(id), {}, {}});
                    found.back().created_at = row.time();
                    if (const auto relay = row.maybe_text()) found.back().settled.emplace_back(*relay);
                    return {};
                }));
    return found;
}

bool settled_by_all(const Entry& entry, std::span<const std::string> relays)
{
    return std::all_of(relays.begin(), relays.end(), [&](const std::string& relay) {
        return std::find(entry.settled.begin(), entry.settled.end(), relay) != entry.settled.end();
    });
}

} // namespace

std::vector<OutboxRow> outbox_rows(std::span<const protocol::Event> events)
{
    std::vector<OutboxRow> rows;
    rows.reserve(events.size());
    for (const auto& event : events)
        rows.push_back({encode_hex(event.id), protocol::encode_event(event), event.created_at});
    return rows;
}

Result<void> put_outbox_rows(Database& db, std::span<const OutboxRow> rows)
{
    for (const OutboxRow& row : rows) {
        const auto position = TRY(next_number(db, "outbox"));
        TRY(db.run("INSERT INTO outbox (id, position, json, created_at_s) VALUES ($1, $2, $3, $4) "
                   "ON CONFLICT DO NOTHING",
                   {row.id, position, row.json, row.created_at}));
    }
    return {};
}

Result<void> SqliteStore::put_outbox(std::span<const protocol::Event> events)
{
    const auto rows = outbox_rows(events);
    return write("put_outbox", [&](Database& db) { return put_outbox_rows(db, rows); });
}

Result<std::vector<OutboxEvent>> SqliteStore::outbox(std::span<const std::string> relays, std::size_t limit)
{
    return read([&](Database& db) -> Result<std::vector<OutboxEvent>> {
        std::vector<OutboxEvent> events;
        for (Entry& entry : TRY(entries(db))) {
            if (events.size() == limit) break;
            if (settled_by_all(entry, relays)) continue;
            auto json = TRY(db.first("SELECT json FROM outbox WHERE id = $1", {entry.id},
                                     [](Row& row) { return Result(std::string(row.text())); }));
            CHECK(json);
            events.push_back({TRY(read_bytes<32>(entry.id)), std::move(*json), std::move(entry.settled)});
        }
        return events;
    });
}

Result<void> SqliteStore::settle_outbox(const protocol::EventId& event, const std::string& relay)
{
    return write("settle_outbox", [&](Database& db) -> Result<void> {
        TRY(db.run("INSERT INTO outbox_settled (event, relay) SELECT id, $1 FROM outbox WHERE id = $2 "
                   "ON CONFLICT DO NOTHING",
                   {relay, encode_hex(event)}));
        return {};
    });
}

Result<void> SqliteStore::prune_outbox(std::span<const std::string> relays, UnixSeconds before)
{
    return write("prune_outbox", [&](Database& db) -> Result<void> {
        for (const Entry& entry : TRY(entries(db))) {
            const bool arrived = !relays.empty() && settled_by_all(entry, relays);
            if (!arrived && entry.created_at >= before) continue;
            TRY(db.run("DELETE FROM outbox_settled WHERE event = $1", {entry.id}));
            TRY(db.run("DELETE FROM outbox WHERE id = $1", {entry.id}));
        }
        return {};
    });
}

} // namespace adit::store
