// Addresses: who holds one, and when it has rested.
#include "protocol/constants.h"
#include "store/lease_rows.h"
#include "store/sqlite_store.h"

namespace adit::store {

Result<bool> wake_lease(Database& db, std::string_view client)
{
    return TRY(db.run("UPDATE leases SET rests_until_s = NULL WHERE client = $1", {client})) != 0;
}

Result<HeldLease> wake_or_make_lease(Database& db, std::string_view client, const Lease* candidate)
{
    auto lease = TRY(db.first("SELECT " ADIT_LEASE_COLUMNS " FROM leases l WHERE l.client = $1", {client}, read_lease));
    if (lease) {
        TRY(wake_lease(db, client));
        return HeldLease{std::move(*lease), false};
    }
    if (!candidate) return Error{Reason::no_ip_available};
    std::optional<SecretHex> preshared_key;
    std::optional<std::string_view> preshared_text;
    if (candidate->preshared_key) preshared_text = preshared_key.emplace(candidate->preshared_key->expose()).text();
    const auto made = TRY(db.run("INSERT INTO leases (client, address, address6, preshared_key) "
                                 "VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                                 {client, candidate->address, candidate->address6, preshared_text}));
    if (made == 0) return Error{Reason::busy, "the address is another client's"};
    HeldLease held{{candidate->address, candidate->address6, std::nullopt}, true};
    if (candidate->preshared_key) held.lease.preshared_key = candidate->preshared_key->duplicate();
    return held;
}

Result<UnixSeconds> end_of_needed_rest(Database& db, std::string_view client, UnixSeconds now)
{
    const auto had_peer = TRY(db.number("SELECT COUNT(*) FROM purchases WHERE client = $1 "
                                        "AND state NOT IN ('reserved', 'swapping', 'open', 'released')",
                                        {client}))
                              .value_or(0);
    return had_peer > 0 ? now + protocol::kAddressRest : now;
}

Result<void> rest_lease_if_unheld(Database& db, std::string_view client, UnixSeconds until)
{
    TRY(db.run("UPDATE leases SET rests_until_s = $1 WHERE client = $2 AND rests_until_s IS NULL "
               "AND NOT EXISTS (SELECT 1 FROM purchases WHERE client = $2 AND holds_lease = 1) "
               "AND NOT EXISTS (SELECT 1 FROM sessions WHERE client = $2 AND live = 1)",
               {until, client}));
    return {};
}

Result<void> SqliteStore::drop_lease(PurchaseId id)
{
    return write("drop_lease", [&, now = clock_.now()](Database& db) -> Result<void> {
        const auto client = TRY(db.first("UPDATE purchases SET holds_lease = 0 WHERE id = $1 AND holds_lease = 1 "
                                         "AND state IN ('reserved', 'swapping', 'accepted', 'redeemed', 'refunding') "
                                         "RETURNING client",
                                         {row_number(id)}, [](Row& row) { return Result(std::string(row.text())); }));
        if (!client) return Error{Reason::bad_step, "drop_lease: the purchase holds none"};
        return rest_lease_if_unheld(db, *client, TRY(end_of_needed_rest(db, *client, now)));
    });
}

Result<Store::Reserved> SqliteStore::take_lease(PurchaseId id, const Lease* candidate)
{
    return write("take_lease", [&](Database& db) -> Result<Reserved> {
        struct Holder {
            std::string client;
            bool holds;
        };
        const auto holder = TRY(db.first("SELECT client, holds_lease FROM purchases WHERE id = $1 "
                                         "AND state IN ('reserved', 'swapping', 'accepted', 'redeemed', 'refunding')",
                                         {row_number(id)}, [](Row& row) {
                                             std::string client(row.text());
                                             return Result(Holder{std::move(client), row.integer() != 0});
                                         }));
        if (!holder) return Error{Reason::bad_step, "take_lease: not running"};
        if (holder->holds) { // as nearly always: nothing is written then, and nothing needs a sync
            auto lease = TRY(db.first("SELECT " ADIT_LEASE_COLUMNS " FROM leases l "
                                      "WHERE l.client = $1 AND l.rests_until_s IS NULL",
                                      {holder->client}, read_lease));
            if (lease) return Reserved{id, std::move(*lease), false};
        }
        TRY(db.run("UPDATE purchases SET holds_lease = 1 WHERE id = $1", {row_number(id)}));
        auto held = TRY(wake_or_make_lease(db, holder->client, candidate));
        return Reserved{id, std::move(held.lease), held.used_candidate};
    });
}

Result<std::vector<Store::TakenAddress>> SqliteStore::taken_addresses()
{
    return read([&](Database& db) -> Result<std::vector<TakenAddress>> {
        std::vector<TakenAddress> taken;
        TRY(db.each("SELECT rests_until_s, address, address6 FROM leases", {}, [&](Row& row) -> Result<void> {
            const auto rests_until = row.maybe_time();
            taken.push_back({std::string(row.text()), rests_until});
            if (const auto address6 = row.maybe_text()) taken.push_back({std::string(*address6), rests_until});
            return {};
        }));
        return taken;
    });
}

Result<std::vector<std::string>> SqliteStore::end_rests(UnixSeconds now)
{
    return write("end_rests", [&](Database& db) -> Result<std::vector<std::string>> {
        std::vector<std::string> addresses;
        TRY(db.each("DELETE FROM leases WHERE rests_until_s <= $1 RETURNING address, address6", {now},
                    [&](Row& row) -> Result<void> {
                        addresses.emplace_back(row.text());
                        if (const auto address6 = row.maybe_text()) addresses.emplace_back(*address6);
                        return {};
                    }));
        return addresses;
    });
}

} // namespace adit::store
