// What the operator does by hand, and grants that end before their time.
#include "store/closing.h"

#include "protocol/constants.h"
#include "store/closing_rows.h"
#include "store/lease_rows.h"
#include "store/sqlite_store.h"

#include <algorithm>

namespace adit::store {

namespace {

constexpr ActKind kAllActs[]{ActKind::granted, ActKind::extended, ActKind::revoked, ActKind::refunded,
                             ActKind::settled_by_hand};

#define ADIT_REFUND_COLUMNS "id, session, lock_key, mint, amount_sat, closed_by, created_at_s, settled_at_s, token"

std::string_view word_of(ClosedBy by)
{
    switch (by) {
    case ClosedBy::buyer:
        return "buyer";
    case ClosedBy::operator_:
        return "operator";
    }
    return "";
}

Error damaged_row() { return {Reason::store_unavailable, "a row is damaged"}; }

Result<protocol::PublicKey> read_key(std::string_view hex)
{
    auto key = protocol::PublicKey::parse_hex(hex);
    if (!key) return damaged_row();
    return key;
}

Result<Refund> read_refund(Row& row)
{
    const RefundId id{row.integer()};
    const auto session = row.integer();
    const auto lock = TRY(read_key(row.text()));
    Refund refund{.id = id, .session = session, .lock = lock};
    if (const auto mint = row.maybe_text()) refund.mint = *mint;
    refund.amount = Sat(static_cast<std::uint64_t>(row.integer()));
    refund.by = row.text() == word_of(ClosedBy::buyer) ? ClosedBy::buyer : ClosedBy::operator_;
    refund.created_at = row.time();
    refund.settled_at = row.maybe_time();
    if (const auto token = row.maybe_text()) refund.token = *token;
    return refund;
}

Result<Act> read_act(Row& row)
{
    Act act;
    act.at = row.time();
    const auto word = row.text();
    const auto* const kind = std::ranges::find(kAllActs, word, act_word);
    if (kind == std::end(kAllActs)) return damaged_row();
    act.kind = *kind;
    act.session = row.maybe_integer();
    if (const auto purchase = row.maybe_integer()) act.purchase = PurchaseId{*purchase};
    if (const auto amount = row.maybe_integer()) act.amount = Sat(static_cast<std::uint64_t>(*amount));
    act.note = row.text();
    return act;
}

Result<SessionGrant> read_grant(Row& row)
{
    Purchase purchase = TRY(read_purchase(row));
    SessionGrant grant{.purchase = purchase.id,
                       .state = purchase.state,
                       .method = purchase.method,
                       .auth_key = purchase.auth_key,
                       .refund_key = purchase.refund_key,
                       .tier_amount = std::move(purchase.tier_amount),
                       .tier_unit = std::move(purchase.tier_unit),
                       .quantity = purchase.quantity,
                       .grant = purchase.grant,
                       .price = purchase.price,
                       .mint = std::move(purchase.mint),
                       .activated_at = purchase.activated_at,
                       .expires_at = purchase.expires_at};
    if (const auto refund = row.maybe_integer()) grant.refund = RefundId{*refund};
    if (const auto unused = row.maybe_integer()) grant.unused = static_cast<std::uint64_t>(*unused);
    return grant;
}

/// Ends it in the store: its last purchases, and its hold on the address.
Result<void> book_end(Database& db, std::int64_t session, std::string_view client, UnixSeconds now)
{
    TRY(db.run("UPDATE purchases SET state = 'ended', state_since_s = $1 WHERE session = $2 AND state = 'active'",
               {now, session}));
    return rest_lease_if_unheld(db, client, now + protocol::kAddressRest);
}

Result<std::vector<std::string>> end_gifts(Database& db, std::optional<std::int64_t> only, UnixSeconds now)
{
    std::vector<std::string> clients;
    const auto took = [&](Row& row) -> Result<void> {
        clients.emplace_back(row.text());
        return {};
    };
    if (only)
        TRY(db.each("UPDATE purchases SET state = 'ended', state_since_s = $1, holds_lease = 0 "
                    "WHERE id = $2 AND state = 'redeemed' AND method = 'given' RETURNING client",
                    {now, *only}, took));
    else
        TRY(db.each("UPDATE purchases SET state = 'ended', state_since_s = $1, holds_lease = 0 "
                    "WHERE client_key IS NOT NULL AND state = 'redeemed' AND method = 'given' RETURNING client",
                    {now}, took));
    for (const std::string& client : clients) TRY(rest_lease_if_unheld(db, client, now + protocol::kAddressRest));
    return clients;
}

} // namespace

std::string_view act_word(ActKind kind)
{
    switch (kind) {
    case ActKind::granted:
        return "granted";
    case ActKind::extended:
        return "extended";
    case ActKind::revoked:
        return "revoked";
    case ActKind::refunded:
        return "refunded";
    case ActKind::settled_by_hand:
        return "settled_by_hand";
    }
    return "";
}

Result<void> insert_act(Database& db, const Act& act)
{
    const auto id = TRY(next_number(db, "act"));
    std::optional<std::int64_t> purchase;
    if (act.purchase) purchase = row_number(*act.purchase);
    std::optional<std::int64_t> amount;
    if (act.amount) amount = TRY(to_bigint(act.amount->count()));
    TRY(db.run("INSERT INTO operator_acts (id, at_s, act, session, purchase, amount_sat, note) "
               "VALUES ($1, $2, $3, $4, $5, $6, $7)",
               {id, act.at, act_word(act.kind), act.session, purchase, amount, act.note}));
    return {};
}

Result<Store::Reserved> SqliteStore::give(const NewPurchase& purchase, const Lease* candidate)
{
    CHECK(purchase.method == session::Method::given && purchase.price == Sat{});
    const auto client = client_of(purchase.client_key);
    return write("give", [&](Database& db) -> Result<Reserved> {
        const auto id = TRY(next_number(db, "purchase"));
        TRY(insert_purchase(db, id, purchase, client));
        TRY(db.run("UPDATE purchases SET state = 'redeemed' WHERE id = $1", {id}));
        auto held = TRY(wake_or_make_lease(db, client, candidate));
        return Reserved{PurchaseId{id}, std::move(held.lease), held.used_candidate};
    });
}

Result<void> SqliteStore::take_gift_back(PurchaseId id)
{
    return write("take_gift_back", [&, now = clock_.now()](Database& db) -> Result<void> {
        if (TRY(end_gifts(db, row_number(id), now)).empty())
            return Error{Reason::bad_step, "take_gift_back: nothing that was given and not put up"};
        return {};
    });
}

Result<std::size_t> SqliteStore::take_unfinished_gifts_back()
{
    return write("take_unfinished_gifts_back", [&, now = clock_.now()](Database& db) -> Result<std::size_t> {
        return TRY(end_gifts(db, std::nullopt, now)).size();
    });
}

Result<void> SqliteStore::revoke_session(const SessionUsage& usage, const Act& act)
{
    return write("revoke_session", [&](Database& db) -> Result<void> {
        const auto received = TRY(to_bigint(usage.last_received_bytes));
        const auto sent = TRY(to_bigint(usage.last_sent_bytes));
        if (TRY(db.number("SELECT 1 FROM purchases WHERE session = $1 AND state IN ('live', 'settling')",
                          {usage.at.session})))
            return Error{Reason::bad_step, "a payment for it is being settled at this moment"};
        const auto client =
            TRY(db.first("UPDATE sessions SET live = 0, ended_at_s = $1, segments = $2, "
                         "last_received_bytes = $3, last_sent_bytes = $4 "
                         "WHERE id = $5 AND live = 1 AND revision = $6 RETURNING client",
                         {act.at, encode_segments(usage.segments), received, sent, usage.at.session, usage.at.revision},
                         [](Row& row) { return Result(std::string(row.text())); }));
        if (!client) return Error{Reason::bad_step, "it was renewed or has ended at this moment"};
        TRY(book_end(db, usage.at.session, *client, act.at));
        return insert_act(db, act);
    });
}

Result<std::vector<RefundId>> SqliteStore::close_grants(const Closing& closing, UnixSeconds now)
{
    return write("close_grants", [&](Database& db) -> Result<std::vector<RefundId>> {
        const bool over = closing.left.empty();
        const auto received = TRY(to_bigint(closing.last_received_bytes));
        const auto sent = TRY(to_bigint(closing.last_sent_bytes));
        std::optional<UnixSeconds> ended_at;
        if (over) ended_at = now;
        const auto client =
            TRY(db.first("UPDATE sessions SET live = $1, ended_at_s = $2, segments = $3, revision = revision + 1, "
                         "last_received_bytes = $4, last_sent_bytes = $5 "
                         "WHERE id = $6 AND live = 1 AND revision = $7 RETURNING client",
                         {std::int64_t{over ? 0 : 1}, ended_at, encode_segments(closing.left), received, sent,
                          closing.session, closing.revision},
                         [](Row& row) { return Result(std::string(row.text())); }));
        if (!client) return Error{Reason::bad_step, "close_grants: renewed or over meanwhile"};

        std::vector<RefundId> refunds;
        for (const Closing::Owed& owed : closing.refunds) {
            const auto id = TRY(next_number(db, "refund"));
            const auto amount = TRY(to_bigint(owed.amount.count()));
            std::optional<UnixSeconds> settled_at;
            if (owed.amount == Sat{}) settled_at = now; // nothing is owed
            TRY(db.run(
                "INSERT INTO refunds (id, session, lock_key, mint, amount_sat, closed_by, created_at_s, "
                "settled_at_s) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                {id, closing.session, owed.lock.hex(), owed.mint, amount, word_of(closing.by), now, settled_at}));
            refunds.push_back(RefundId{id});
        }
        for (const Closing::Grant& grant : closing.grants) {
            const auto unused = TRY(to_bigint(grant.unused));
            const auto ended = TRY(db.run(
                "UPDATE purchases SET state = 'ended', state_since_s = $1, "
                "unused_refund = $2, unused_amount = $3 "
                "WHERE id = $4 AND session = $5 AND state = 'active'",
                {now, number_of(refunds.at(grant.refund)), unused, row_number(grant.purchase), closing.session}));
            if (ended == 0) return Error{Reason::bad_step, "close_grants: a grant is not active"};
            if (closing.by == ClosedBy::operator_)
                TRY(insert_act(db, {.kind = ActKind::refunded,
                                    .at = now,
                                    .session = closing.session,
                                    .purchase = grant.purchase,
                                    .amount = grant.worth,
                                    .note = closing.note}));
        }
        if (over) TRY(book_end(db, closing.session, *client, now));
        return refunds;
    });
}

Result<Refund> SqliteStore::refund(RefundId id)
{
    return read([&](Database& db) -> Result<Refund> {
        auto found =
            TRY(db.first("SELECT " ADIT_REFUND_COLUMNS " FROM refunds WHERE id = $1", {number_of(id)}, read_refund));
        if (!found) return Error{Reason::not_found, "there is no such refund"};
        return std::move(*found);
    });
}

Result<std::vector<Refund>> SqliteStore::refunds_of(std::int64_t session)
{
    return read([&](Database& db) -> Result<std::vector<Refund>> {
        std::vector<Refund> refunds;
        TRY(db.each("SELECT " ADIT_REFUND_COLUMNS " FROM refunds WHERE session = $1 ORDER BY id", {session},
                    [&](Row& row) -> Result<void> {
                        refunds.push_back(TRY(read_refund(row)));
                        return {};
                    }));
        return refunds;
    });
}

Result<std::vector<Refund>> SqliteStore::owed_refunds()
{
    return read([&](Database& db) -> Result<std::vector<Refund>> {
        std::vector<Refund> refunds;
        TRY(db.each("SELECT " ADIT_REFUND_COLUMNS " FROM refunds WHERE settled_at_s IS NULL ORDER BY id", {},
                    [&](Row& row) -> Result<void> {
                        refunds.push_back(TRY(read_refund(row)));
                        return {};
                    }));
        return refunds;
    });
}

Result<void> SqliteStore::settle_refund(RefundId id, std::string_view token, UnixSeconds now)
{
    return write("settle_refund", [&](Database& db) -> Result<void> {
        TRY(db.run("UPDATE refunds SET token = $1, settled_at_s = $2 WHERE id = $3 AND settled_at_s IS NULL",
                   {token, now, number_of(id)}));
        return {};
    });
}

Result<std::vector<SessionGrant>> SqliteStore::grants_of(std::int64_t session)
{
    return read([&](Database& db) -> Result<std::vector<SessionGrant>> {
        std::vector<SessionGrant> grants;
        TRY(db.each("SELECT " ADIT_PURCHASE_COLUMNS ", unused_refund, unused_amount FROM purchases WHERE session = $1 "
                    "ORDER BY activated_at_s, id",
                    {session}, [&](Row& row) -> Result<void> {
                        grants.push_back(TRY(read_grant(row)));
                        return {};
                    }));
        return grants;
    });
}

Result<std::optional<LiveSession>> SqliteStore::live_session_at(std::int64_t session)
{
    return read([&](Database& db) {
        return db.first("SELECT " ADIT_SESSION_COLUMNS ", " ADIT_LEASE_COLUMNS " FROM sessions s "
                        "JOIN leases l ON l.client = s.client WHERE s.id = $1 AND s.live = 1",
                        {session}, [](Row& row) -> Result<LiveSession> {
                            auto found = TRY(read_session(row));
                            auto lease = TRY(read_lease(row));
                            return LiveSession{std::move(found), std::move(lease)};
                        });
    });
}

Result<std::optional<Session>> SqliteStore::session_at(std::int64_t session)
{
    return read([&](Database& db) {
        return db.first("SELECT " ADIT_SESSION_COLUMNS " FROM sessions s WHERE s.id = $1", {session}, read_session);
    });
}

Result<std::vector<SessionRow>> SqliteStore::list_sessions(Listed which, std::int64_t after, std::size_t limit)
{
    return read([&](Database& db) -> Result<std::vector<SessionRow>> {
        std::vector<SessionRow> rows;
        const auto add = [&](Row& row) -> Result<void> {
            SessionRow each;
            each.session = row.integer();
            each.live = row.integer() != 0;
            each.segments = TRY(read_segments(row.text()));
            each.created_at = row.time();
            each.ended_at = row.maybe_time();
            each.address = std::string(row.maybe_text().value_or(""));
            each.purchases = static_cast<std::uint64_t>(row.integer());
            rows.push_back(std::move(each));
            return {};
        };
        const auto most = static_cast<std::int64_t>(limit);
#define ADIT_LISTED                                                                                                    \
    "SELECT s.id, s.live, s.segments, s.created_at_s, s.ended_at_s, l.address, "                                       \
    "(SELECT COUNT(*) FROM purchases p WHERE p.session = s.id) "                                                       \
    "FROM sessions s LEFT JOIN leases l ON l.client = s.client AND s.live = 1 WHERE s.id > $1 "
        if (which == Listed::live)
            TRY(db.each(ADIT_LISTED "AND s.live = 1 ORDER BY s.id LIMIT $2", {after, most}, add));
        else
            TRY(db.each(ADIT_LISTED "ORDER BY s.id LIMIT $2", {after, most}, add));
#undef ADIT_LISTED
        return rows;
    });
}

Result<std::vector<Act>> SqliteStore::acts(std::optional<std::int64_t> session, std::size_t limit)
{
    return read([&](Database& db) -> Result<std::vector<Act>> {
        std::vector<Act> found;
        const auto add = [&](Row& row) -> Result<void> {
            found.push_back(TRY(read_act(row)));
            return {};
        };
        const auto most = static_cast<std::int64_t>(limit);
        if (session)
            TRY(db.each("SELECT at_s, act, session, purchase, amount_sat, note FROM operator_acts WHERE session = $1 "
                        "ORDER BY id DESC LIMIT $2",
                        {*session, most}, add));
        else
            TRY(db.each("SELECT at_s, act, session, purchase, amount_sat, note FROM operator_acts "
                        "ORDER BY id DESC LIMIT $1",
                        {most}, add));
        std::ranges::reverse(found);
        return found;
    });
}

} // namespace adit::store
