// Sessions that another program sold: taken over in one step, and each of its purchases once.
#include "protocol/constants.h"
#include "store/lease_rows.h"
#include "store/sqlite_store.h"

namespace adit::store {

namespace {

enum class TakenBefore { none, some, all };

Result<TakenBefore> taken_before(Database& db, const AdoptedSession& session)
{
    std::size_t known = 0;
    for (const AdoptedPurchase& purchase : session.purchases)
        if (TRY(db.number("SELECT purchase FROM adopted WHERE origin = $1", {purchase.origin}))) ++known;
    if (known == 0) return TakenBefore::none;
    return known == session.purchases.size() ? TakenBefore::all : TakenBefore::some;
}

/// Whether this store has promised the key anything itself.
Result<bool> has_dealings(Database& db, std::string_view client)
{
    const auto some = TRY(db.number("SELECT 1 WHERE EXISTS (SELECT 1 FROM sessions WHERE client = $1 AND live = 1) "
                                    "OR EXISTS (SELECT 1 FROM purchases WHERE client = $1 AND holds_lease = 1)",
                                    {client}));
    return some.has_value();
}

/// The address becomes the client's; one that it had before and that only rests is forgotten. False where another
/// client has it.
Result<bool> lease_as_it_was(Database& db, std::string_view client, std::string_view address,
                             std::optional<UnixSeconds> rests_until)
{
    const auto others = TRY(db.number("SELECT 1 FROM leases WHERE address = $1 AND client <> $2", {address, client}));
    if (others) return false;
    TRY(db.run("DELETE FROM leases WHERE client = $1", {client}));
    TRY(db.run("INSERT INTO leases (client, address, rests_until_s) VALUES ($1, $2, $3)",
               {client, address, rests_until}));
    return true;
}

Result<void> book_adopted(Database& db, const AdoptedPurchase& purchase, const AdoptedSession& of,
                          std::string_view client, std::int64_t session, UnixSeconds now)
{
    const auto id = TRY(next_number(db, "purchase"));
    const auto grant = TRY(to_bigint(purchase.grant.amount));
    const auto price = TRY(to_bigint(purchase.price.count()));
    const auto state = of.segments.empty() ? session::State::ended : session::State::active;
    TRY(db.run(
        "INSERT INTO purchases (id, state, method, client, client_key, listing, tier_amount, tier_unit, quantity, "
        "grant_class, grant_amount, price_sat, paid_sat, holds_lease, created_at_s, state_since_s, "
        "activated_at_s, expires_at_s, session) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, $11, $11, 0, $12, $13, $12, $14, $15)",
        {id, session::state_word(state), session::method_word(purchase.method), client, of.client_key.hex(),
         purchase.listing, purchase.tier_amount, purchase.tier_unit, protocol::dimension_word(purchase.grant.cls),
         grant, price, purchase.bought_at, now, purchase.expires_at, session}));
    TRY(db.run("INSERT INTO adopted (origin, purchase) VALUES ($1, $2)", {purchase.origin, id}));
    return {};
}

} // namespace

Result<Adopted> SqliteStore::adopt(Database& db, const AdoptedSession& session, UnixSeconds now) const
{
    CHECK(!session.purchases.empty());
    const TakenBefore known = TRY(taken_before(db, session));
    if (known == TakenBefore::all) return Adopted::before;
    const auto client = client_of(session.client_key);
    if (known == TakenBefore::some || TRY(has_dealings(db, client))) return Adopted::key_taken;
    const bool live = !session.segments.empty();
    std::optional<UnixSeconds> rests_until;
    if (!live) rests_until = now + protocol::kAddressRest;
    const bool leased = TRY(lease_as_it_was(db, client, session.address, rests_until));
    // Of one that is over nothing but its peer is left, and that goes by its key.
    if (!leased && live) return Adopted::address_taken;

    const auto received = TRY(to_bigint(session.last_received_bytes));
    const auto sent = TRY(to_bigint(session.last_sent_bytes));
    const auto row = TRY(next_number(db, "session"));
    std::optional<UnixSeconds> ended_at;
    if (!live) ended_at = now;
    TRY(db.run("INSERT INTO sessions (id, capability, client, client_key, live, revision, segments, created_at_s, "
               "ended_at_s, last_received_bytes, last_sent_bytes) VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9, $10)",
               {row, session.id, client, session.client_key.hex(), std::int64_t{live ? 1 : 0},
                encode_segments(session.segments), session.purchases.front().bought_at, ended_at, received, sent}));
    for (const AdoptedPurchase& purchase : session.purchases)
        TRY(book_adopted(db, purchase, session, client, row, now));
    return Adopted::now;
}

Result<std::vector<Adopted>> SqliteStore::adopt_sessions(std::span<const AdoptedSession> sessions, UnixSeconds now,
                                                         Adopting how)
{
    std::vector<Adopted> answers;
    bool rehearsed = false;
    const auto done = write("adopt_sessions", [&](Database& db) -> Result<void> {
        answers.clear();
        for (const AdoptedSession& session : sessions) answers.push_back(TRY(adopt(db, session, now)));
        TRY(db.run("INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                   {kFactAdopted, std::to_string(now.count())}));
        rehearsed = how == Adopting::rehearse;
        if (rehearsed) return Error{Reason::bad_step, "a rehearsal"}; // which takes all of it back
        return {};
    });
    if (!done && !rehearsed) return done.error();
    return answers;
}

} // namespace adit::store
