// Purchases that are paid for by Lightning: their invoices, and what became of them.
#include "store/closing_rows.h"
#include "store/lease_rows.h"
#include "store/sqlite_store.h"

namespace adit::store {

namespace {

using session::Fact;
using session::State;

#define ADIT_INVOICE_COLUMNS                                                                                           \
    "payment_hash, preimage, bolt11, holds, expires_at_s, capability, address, address6, preshared_key"

Result<Invoice> read_invoice(Row& row)
{
    Invoice invoice;
    invoice.payment_hash = TRY(read_bytes<32>(row.text()));
    if (const auto preimage = row.maybe_text()) invoice.preimage = TRY(read_secret(*preimage));
    invoice.bolt11 = row.text();
    invoice.holds = row.integer() != 0;
    invoice.expires_at = row.time();
    if (const auto capability = row.maybe_text()) invoice.session_id = *capability;
    invoice.promised = TRY(read_lease(row));
    return invoice;
}

struct Moved {
    State from{};
    State to{};
    std::string client;
    std::optional<std::int64_t> session;
};

/// What that fact makes of the purchase, written where the table allows it. Errors: bad_step.
Result<Moved> move(Database& db, PurchaseId id, Fact fact, UnixSeconds now)
{
    auto found = TRY(db.first("SELECT state, client, session FROM purchases WHERE id = $1 AND method = 'lightning'",
                              {row_number(id)}, [](Row& row) -> Result<Moved> {
                                  const auto state = session::parse_state(row.text());
                                  if (!state) return Error{Reason::store_unavailable, "a row is damaged"};
                                  Moved moved{*state, {}, std::string(row.text()), std::nullopt};
                                  moved.session = row.maybe_integer();
                                  return moved;
                              }));
    if (!found) return Error{Reason::bad_step, "no such purchase by Lightning"};
    found->to = TRY(session::step(found->from, fact));
    TRY(db.run("UPDATE purchases SET state = $1, state_since_s = $2 WHERE id = $3 AND state = $4",
               {session::state_word(found->to), now, row_number(id), session::state_word(found->from)}));
    return std::move(*found);
}

Result<void> release_hold(Database& db, PurchaseId id, const std::string& client, UnixSeconds rests_until)
{
    TRY(db.run("UPDATE purchases SET holds_lease = 0, released_because = 'unpaid' WHERE id = $1", {row_number(id)}));
    return rest_lease_if_unheld(db, client, rests_until);
}

} // namespace

Result<void> SqliteStore::mark_open(PurchaseId id, const Invoice& invoice)
{
    CHECK(invoice.preimage.has_value());
    return write("mark_open", [&, now = clock_.now()](Database& db) -> Result<void> {
        TRY(move(db, id, Fact::invoice_stored, now));
        const SecretHex preimage(invoice.preimage->expose());
        std::optional<SecretHex> preshared_key;
        std::optional<std::string_view> preshared_text;
        if (invoice.promised.preshared_key)
            preshared_text = preshared_key.emplace(invoice.promised.preshared_key->expose()).text();
        const auto made =
            TRY(db.run("INSERT INTO invoices (purchase, payment_hash, preimage, bolt11, holds, expires_at_s, "
                       "capability, address, address6, preshared_key) "
                       "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
                       {row_number(id), encode_hex(invoice.payment_hash), preimage.text(), invoice.bolt11,
                        std::int64_t{invoice.holds ? 1 : 0}, invoice.expires_at, invoice.session_id,
                        invoice.promised.address, invoice.promised.address6, preshared_text}));
        if (made == 0) return Error{Reason::double_spent, "mark_open: another purchase has this payment hash"};
        return {};
    });
}

Result<void> SqliteStore::mark_accepted(PurchaseId id)
{
    return write("mark_accepted", [&, now = clock_.now()](Database& db) -> Result<void> {
        TRY(move(db, id, Fact::payment_held, now));
        return {};
    });
}

Result<void> SqliteStore::mark_settling(PurchaseId id)
{
    return write("mark_settling", [&, now = clock_.now()](Database& db) -> Result<void> {
        TRY(move(db, id, Fact::settle_intended, now));
        return {};
    });
}

Result<void> SqliteStore::mark_settled(PurchaseId id)
{
    return write("mark_settled", [&, now = clock_.now()](Database& db) -> Result<void> {
        const Moved moved = TRY(move(db, id, Fact::payment_settled, now));
        if (moved.to != State::active) return {};
        // Its session may have run out while the backend was silent.
        const auto live = TRY(db.number("SELECT live FROM sessions WHERE id = $1", {moved.session}));
        if (live.value_or(0) == 0) TRY(move(db, id, Fact::ran_out, now));
        return {};
    });
}

Result<void> SqliteStore::mark_unpaid(PurchaseId id)
{
    return write("mark_unpaid", [&, now = clock_.now(), rest = end_of_rest()](Database& db) -> Result<void> {
        const auto state = TRY(db.first("SELECT state FROM purchases WHERE id = $1", {row_number(id)}, [](Row& row) {
            return Result(session::parse_state(row.text()).value_or(State::released));
        }));
        if (!state || (*state != State::open && *state != State::accepted))
            return Error{Reason::bad_step, "mark_unpaid: neither open nor accepted"};
        const Moved moved = TRY(move(db, id, Fact::payment_ended, now));
        // A peer may have been put for an accepted one, though no row says so.
        const auto until = moved.from == State::accepted ? rest : TRY(end_of_needed_rest(db, moved.client, now));
        return release_hold(db, id, moved.client, until);
    });
}

Result<std::optional<TakenBack>> SqliteStore::take_back(PurchaseId id, UnixSeconds now)
{
    return write("take_back", [&, rest = end_of_rest()](Database& db) -> Result<std::optional<TakenBack>> {
        const auto purchase = TRY(
            db.first("SELECT " ADIT_PURCHASE_COLUMNS " FROM purchases WHERE id = $1", {row_number(id)}, read_purchase));
        if (!purchase || (purchase->state != State::live && purchase->state != State::settling))
            return Error{Reason::bad_step, "take_back: neither live nor settling"};
        const Moved moved = TRY(move(db, id, Fact::payment_ended, now));
        auto session = TRY(db.first("SELECT " ADIT_SESSION_COLUMNS " FROM sessions s WHERE s.id = $1 AND s.live = 1",
                                    {moved.session}, read_session));
        if (!session) {
            TRY(release_hold(db, id, moved.client, rest));
            return std::optional<TakenBack>{};
        }
        TakenBack left{session->row, session->revision + 1,
                       session::take_back(session->segments, purchase->grant, now)};
        if (left.segments.empty()) {
            TRY(db.run("UPDATE sessions SET live = 0, ended_at_s = $1, revision = $2 WHERE id = $3",
                       {now, left.revision, left.session}));
            TRY(db.run("UPDATE purchases SET state = 'ended', state_since_s = $1 "
                       "WHERE session = $2 AND state = 'active'",
                       {now, left.session}));
        } else {
            TRY(db.run("UPDATE sessions SET segments = $1, revision = $2 WHERE id = $3",
                       {encode_segments(left.segments), left.revision, left.session}));
        }
        TRY(release_hold(db, id, moved.client, rest));
        return std::optional(std::move(left));
    });
}

Result<void> SqliteStore::mark_settled_by_hand(PurchaseId id)
{
    return write("mark_settled_by_hand", [&, now = clock_.now(), rest = end_of_rest()](Database& db) -> Result<void> {
        const Moved moved = TRY(move(db, id, Fact::settled_by_hand, now));
        TRY(db.run("UPDATE purchases SET holds_lease = 0 WHERE id = $1", {row_number(id)}));
        TRY(insert_act(db, {.kind = ActKind::settled_by_hand, .at = now, .purchase = id}));
        return rest_lease_if_unheld(db, moved.client, rest);
    });
}

Result<std::optional<InvoicedPurchase>> SqliteStore::invoice(const PaymentHash& hash)
{
    const auto id = TRY(read([&](Database& db) {
        return db.number("SELECT purchase FROM invoices WHERE payment_hash = $1", {encode_hex(hash)});
    }));
    if (!id) return std::optional<InvoicedPurchase>{};
    return std::optional(TRY(invoice_of(PurchaseId{*id})));
}

Result<InvoicedPurchase> SqliteStore::invoice_of(PurchaseId id)
{
    return read([&](Database& db) -> Result<InvoicedPurchase> {
        auto purchase = TRY(
            db.first("SELECT " ADIT_PURCHASE_COLUMNS " FROM purchases WHERE id = $1", {row_number(id)}, read_purchase));
        auto invoice = TRY(db.first("SELECT " ADIT_INVOICE_COLUMNS " FROM invoices WHERE purchase = $1",
                                    {row_number(id)}, read_invoice));
        if (!purchase || !invoice) return Error{Reason::not_found, "no such invoice"};
        return InvoicedPurchase{std::move(*purchase), std::move(*invoice)};
    });
}

Result<bool> SqliteStore::promises_session(std::string_view session_id)
{
    return read([&](Database& db) -> Result<bool> {
        return TRY(db.number("SELECT 1 FROM invoices WHERE capability = $1", {session_id})).has_value();
    });
}

Result<std::vector<Store::OpenInvoice>> SqliteStore::open_invoices()
{
    return read([&](Database& db) -> Result<std::vector<OpenInvoice>> {
        std::vector<OpenInvoice> open;
        TRY(db.each("SELECT p.id, p.state, p.state_since_s, i.payment_hash, i.expires_at_s FROM purchases p "
                    "LEFT JOIN invoices i ON i.purchase = p.id WHERE p.client_key IS NOT NULL "
                    "AND p.method = 'lightning' AND p.state IN "
                    "('reserved', 'open', 'accepted', 'live', 'settling', 'redeemed', 'refunding') ORDER BY p.id",
                    {}, [&](Row& row) -> Result<void> {
                        OpenInvoice entry;
                        entry.purchase = PurchaseId{row.integer()};
                        const auto state = session::parse_state(row.text());
                        if (!state) return Error{Reason::store_unavailable, "a row is damaged"};
                        entry.state = *state;
                        entry.state_since = row.time();
                        if (const auto hash = row.maybe_text()) entry.payment_hash = TRY(read_bytes<32>(*hash));
                        entry.expires_at = row.maybe_time().value_or(entry.state_since);
                        open.push_back(entry);
                        return {};
                    }));
        return open;
    });
}

} // namespace adit::store
