// The rows of the journal: found, reserved, activated, lapsed. What happens to their money is in journal.cpp.
#include "store/closing_rows.h"
#include "store/lease_rows.h"
#include "store/sqlite_store.h"

#include <algorithm>

namespace adit::store {

namespace {

struct Known {
    Purchase purchase;
    std::string client;
};

Result<Known> read_known(Row& row)
{
    auto purchase = TRY(read_purchase(row));
    return Known{std::move(purchase), std::string(row.text())};
}

Result<std::int64_t> count_claims(Database& db, PurchaseId purchase)
{
    return TRY(db.number("SELECT COUNT(*) FROM claims WHERE purchase = $1", {row_number(purchase)})).value_or(0);
}

struct ClaimOwners {
    std::vector<std::int64_t> purchases; // each once
    std::size_t claimed = 0;             // how many of the Ys are anybody's
};

Result<ClaimOwners> claim_owners(Database& db, std::span<const std::string> ys)
{
    ClaimOwners owners;
    for (const std::string& y : ys) {
        const auto owner = TRY(db.number("SELECT purchase FROM claims WHERE y = $1", {y}));
        if (!owner) continue;
        ++owners.claimed;
        if (std::find(owners.purchases.begin(), owners.purchases.end(), *owner) == owners.purchases.end())
            owners.purchases.push_back(*owner);
    }
    return owners;
}

std::vector<std::string> sorted_hex(std::span<const Point> points)
{
    std::vector<std::string> hex;
    hex.reserve(points.size());
    for (const Point& point : points) hex.push_back(point.hex());
    std::sort(hex.begin(), hex.end());
    hex.erase(std::unique(hex.begin(), hex.end()), hex.end());
    return hex;
}

} // namespace

Result<void> insert_purchase(Database& db, std::int64_t id, const NewPurchase& purchase, std::string_view client)
{
    const auto quantity = TRY(to_bigint(purchase.quantity));
    const auto grant = TRY(to_bigint(purchase.grant.amount));
    const auto price = TRY(to_bigint(purchase.price.count()));
    const auto paid = TRY(to_bigint(purchase.paid.count()));
    std::optional<std::string> event_id;
    if (purchase.event_id) event_id = encode_hex(*purchase.event_id);
    std::optional<std::string> auth_key;
    if (purchase.auth_key) auth_key = purchase.auth_key->hex();
    std::optional<std::string> refund_key;
    if (purchase.refund_key) refund_key = purchase.refund_key->hex();
    TRY(db.run(
        "INSERT INTO purchases (id, state, method, event_id, auth_key, refund_key, client, client_key, listing, "
        "tier_amount, tier_unit, quantity, grant_class, grant_amount, price_sat, paid_sat, mint, holds_lease, "
        "created_at_s, state_since_s, max_mbps) "
        "VALUES ($1, 'reserved', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 1, $17, $17, $18)",
        {id, session::method_word(purchase.method), event_id, auth_key, refund_key, client, purchase.client_key.hex(),
         purchase.listing, purchase.tier_amount, purchase.tier_unit, quantity,
         protocol::dimension_word(purchase.grant.cls), grant, price, paid, purchase.mint, purchase.now,
         static_cast<std::int64_t>(purchase.grant.max_mbps)}));
    return {};
}

namespace {

struct SessionAndBuyer {
    Session session;
    std::optional<std::string> first_buyer; // none: it was first paid by Lightning, where nobody signs
};

Result<std::optional<SessionAndBuyer>> find_live(Database& db, std::string_view client)
{
    return db.first("SELECT " ADIT_SESSION_COLUMNS ", s.first_buyer FROM sessions s WHERE s.client = $1 AND s.live = 1",
                    {client}, [](Row& row) -> Result<SessionAndBuyer> {
                        SessionAndBuyer found{TRY(read_session(row)), std::nullopt};
                        if (const auto buyer = row.maybe_text()) found.first_buyer = *buyer;
                        return found;
                    });
}

Result<Session> begin_session(Database& db, const Known& known, const Activation& activation,
                              std::vector<session::Segment> segments)
{
    Session session;
    session.row = TRY(next_number(db, "session"));
    session.id = activation.session_id;
    session.client_key = known.purchase.client_key;
    session.live = true;
    session.revision = 1;
    session.segments = std::move(segments);
    session.created_at = activation.now;
    std::optional<std::string> first_buyer;
    if (known.purchase.auth_key) first_buyer = known.purchase.auth_key->hex();
    TRY(db.run("INSERT INTO sessions (id, capability, client, client_key, live, revision, segments, first_buyer, "
               "created_at_s, last_received_bytes, last_sent_bytes) VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8, 0, 0)",
               {session.row, session.id, known.client, session.client_key->hex(), session.revision,
                encode_segments(session.segments), first_buyer, session.created_at}));
    return session;
}

Result<void> renew_session(Database& db, Session& session, std::vector<session::Segment> segments)
{
    session.segments = std::move(segments);
    ++session.revision;
    TRY(db.run("UPDATE sessions SET segments = $1, revision = $2 WHERE id = $3",
               {encode_segments(session.segments), session.revision, session.row}));
    return {};
}

} // namespace

Result<Lookup> SqliteStore::find(const protocol::EventId& event, std::span<const Point> ys,
                                 const protocol::WireguardKey& client_key)
{
    const auto client = client_of(client_key);
    const auto asked = sorted_hex(ys);
    return read([&](Database& db) -> Result<Lookup> {
        Lookup lookup;
        const auto owners = TRY(claim_owners(db, asked));
        if (!owners.purchases.empty()) {
            lookup.proofs = ProofMatch::partial;
            const PurchaseId owner{owners.purchases.front()};
            const auto claims = TRY(count_claims(db, owner));
            if (owners.purchases.size() == 1 && owners.claimed == asked.size() &&
                claims == static_cast<std::int64_t>(asked.size())) {
                lookup.proofs = ProofMatch::exact;
                auto known = TRY(db.first("SELECT " ADIT_PURCHASE_COLUMNS ", client FROM purchases WHERE id = $1",
                                          {row_number(owner)}, read_known));
                CHECK(known);
                lookup.proofs_have_this_client_key = known->client == client;
                lookup.by_proofs = std::move(known->purchase);
            }
        }
        auto known = TRY(db.first("SELECT " ADIT_PURCHASE_COLUMNS ", client FROM purchases "
                                  "WHERE event_id = $1 AND state <> 'released'",
                                  {encode_hex(event)}, read_known));
        if (known) {
            lookup.event_has_this_client_key = known->client == client;
            lookup.event_has_these_proofs = lookup.by_proofs && lookup.by_proofs->id == known->purchase.id;
            lookup.by_event = std::move(known->purchase);
        }
        return lookup;
    });
}

Result<Store::Reserved> SqliteStore::reserve(const NewPurchase& purchase, const Lease* candidate)
{
    const auto client = client_of(purchase.client_key);
    return write("reserve", [&](Database& db) -> Result<Reserved> {
        if (purchase.event_id) {
            const auto known = TRY(db.number("SELECT id FROM purchases WHERE event_id = $1 AND state <> 'released'",
                                             {encode_hex(*purchase.event_id)}));
            if (known) return Error{Reason::bad_step, "the event belongs to a purchase"};
        }
        const auto id = TRY(next_number(db, "purchase"));
        TRY(insert_purchase(db, id, purchase, client));
        for (const Point& y : purchase.ys) {
            const auto claimed =
                TRY(db.run("INSERT INTO claims (y, purchase) VALUES ($1, $2) ON CONFLICT DO NOTHING", {y.hex(), id}));
            if (claimed == 0) return Error{Reason::double_spent, "a proof belongs to another purchase"};
        }
        auto held = TRY(wake_or_make_lease(db, client, candidate));
        return Reserved{PurchaseId{id}, std::move(held.lease), held.used_candidate};
    });
}

Result<Purchase> SqliteStore::purchase(PurchaseId id)
{
    return read([&](Database& db) -> Result<Purchase> {
        auto purchase = TRY(
            db.first("SELECT " ADIT_PURCHASE_COLUMNS " FROM purchases WHERE id = $1", {row_number(id)}, read_purchase));
        if (!purchase) return Error{Reason::not_found, "no such purchase"};
        return std::move(*purchase);
    });
}

Result<std::vector<Purchase>> SqliteStore::open_purchases()
{
    return read([&](Database& db) -> Result<std::vector<Purchase>> {
        std::vector<Purchase> open;
        // Open ones always have their key: saying so lets the index answer, however many are over.
        TRY(db.each("SELECT " ADIT_PURCHASE_COLUMNS " FROM purchases WHERE client_key IS NOT NULL "
                    "AND method = 'cashu' AND state IN ('reserved', 'swapping', 'redeemed', 'refunding') ORDER BY id",
                    {}, [&](Row& row) -> Result<void> {
                        open.push_back(TRY(read_purchase(row)));
                        return {};
                    }));
        return open;
    });
}

Result<Activated> SqliteStore::mark_active(PurchaseId id, const Activation& activation)
{
    return write("mark_active", [&](Database& db) -> Result<Activated> {
        const auto known = TRY(db.first("SELECT " ADIT_PURCHASE_COLUMNS ", client FROM purchases "
                                        "WHERE id = $1 AND client_key IS NOT NULL",
                                        {row_number(id)}, read_known));
        if (!known) return Error{Reason::bad_step, "mark_active: no such purchase"};
        const auto next = TRY(session::step(known->purchase.state, session::Fact::peer_put));
        const bool leased = TRY(wake_lease(db, known->client));
        if (!leased) return Error{Reason::bad_step, "mark_active: the client has no lease"};

        auto live = TRY(find_live(db, known->client));
        if (activation.only_session && (!live || live->session.row != *activation.only_session))
            return Error{Reason::bad_step, "mark_active: that session is over"};
        const auto before = live ? live->session.segments : std::vector<session::Segment>();
        auto segments = TRY(session::add_grant(before, known->purchase.grant, activation.now));
        const auto expires_at = session::expires_at(segments);
        CHECK(expires_at);

        Activated activated;
        activated.expires_at = *expires_at;
        if (live) {
            activated.session = std::move(live->session);
            activated.first_buyer_is_this_key =
                known->purchase.auth_key && live->first_buyer == known->purchase.auth_key->hex();
            TRY(renew_session(db, activated.session, std::move(segments)));
        } else {
            activated.session = TRY(begin_session(db, *known, activation, std::move(segments)));
            activated.first_buyer_is_this_key = known->purchase.auth_key.has_value();
            activated.began = true;
        }
        TRY(db.run("UPDATE purchases SET state = $1, state_since_s = $2, activated_at_s = $2, "
                   "expires_at_s = $3, session = $4, holds_lease = 0 WHERE id = $5 AND state = $6",
                   {session::state_word(next), activation.now, activated.expires_at, activated.session.row,
                    row_number(id), session::state_word(known->purchase.state)}));
        if (activation.act) {
            Act act = *activation.act;
            act.session = activated.session.row;
            act.purchase = id;
            TRY(insert_act(db, act));
        }
        return activated;
    });
}

Result<std::size_t> SqliteStore::lapse_unclaimed(UnixSeconds before)
{
    return write("lapse_unclaimed", [&, now = clock_.now(), rest = end_of_rest()](Database& db) -> Result<std::size_t> {
        std::vector<std::string> clients;
        TRY(db.each("UPDATE purchases SET state = 'ended', state_since_s = $1, holds_lease = 0 "
                    "WHERE client_key IS NOT NULL AND state = 'redeemed' AND method = 'cashu' AND state_since_s < $2 "
                    "RETURNING client",
                    {now, before}, [&](Row& row) -> Result<void> {
                        clients.emplace_back(row.text());
                        return {};
                    }));
        for (const std::string& client : clients) TRY(rest_lease_if_unheld(db, client, rest));
        return clients.size();
    });
}

} // namespace adit::store
