// The operator's proofs and counters.
#include "payments/cashu/curve.h"
#include "store/sqlite_store.h"
#include "store/wallet_rows.h"

namespace adit::store {

namespace {

constexpr std::string_view kFactSeed = "seed.fingerprint";

Result<void> put_fact(Database& db, std::string_view name, std::string_view value)
{
    TRY(db.run(
        "INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        {name, value}));
    return {};
}

struct DleqHex {
    std::optional<std::string> e;
    std::optional<std::string> s;
    std::optional<std::string> r;
};

DleqHex dleq_hex(const Proof& proof)
{
    DleqHex hex;
    if (!proof.dleq) return hex;
    hex.e = encode_hex(proof.dleq->e);
    hex.s = encode_hex(proof.dleq->s);
    if (proof.dleq->r) hex.r = encode_hex(*proof.dleq->r);
    return hex;
}

Result<std::vector<WalletProof>> select_proofs(Database& db, std::string_view sql, std::initializer_list<Param> params,
                                               ProofState state)
{
    std::vector<WalletProof> proofs;
    TRY(db.each(sql, params, [&](Row& row) -> Result<void> {
        proofs.push_back(TRY(read_proof(row, state)));
        return {};
    }));
    return proofs;
}

Result<void> hold_in_token_event(Database& db, const protocol::EventId& event, std::span<const Point> ys)
{
    for (const Point& y : ys) {
        const auto changed = TRY(db.run("UPDATE wallet_proofs SET token_event = $1 WHERE y = $2 AND state = 'unspent'",
                                        {encode_hex(event), y.hex()}));
        if (changed == 0) return Error{Reason::bad_step, "a proof of the token event is not unspent"};
    }
    return {};
}

} // namespace

std::vector<std::string> ys_of(std::span<const Proof> proofs)
{
    std::vector<std::string> ys;
    ys.reserve(proofs.size());
    for (const Proof& proof : proofs) ys.push_back(payments::cashu::proof_y(proof.secret).hex());
    return ys;
}

Result<void> insert_received(Database& db, std::string_view mint, const Proof& proof, std::string_view y,
                             PurchaseId purchase)
{
    const auto amount = TRY(to_bigint(proof.amount.count()));
    const auto position = TRY(next_number(db, "proof"));
    const auto dleq = dleq_hex(proof);
    const auto changed =
        TRY(db.run("INSERT INTO wallet_proofs (y, position, mint, keyset, amount_sat, secret, c, witness, dleq_e, "
                   "dleq_s, dleq_r, state, purchase) "
                   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'unspent', $12) "
                   "ON CONFLICT (y) DO UPDATE SET purchase = excluded.purchase "
                   "WHERE wallet_proofs.purchase IS NULL AND wallet_proofs.transfer IS NULL",
                   {y, position, mint, proof.keyset, amount, proof.secret, proof.c.hex(), proof.witness, dleq.e, dleq.s,
                    dleq.r, row_number(purchase)}));
    if (changed == 0) return Error{Reason::bad_step, "a proof belongs to another purchase"};
    return {};
}

Result<void> insert_moved(Database& db, std::string_view mint, const Proof& proof, std::string_view y,
                          payments::TransferId transfer, Brought how)
{
    const auto amount = TRY(to_bigint(proof.amount.count()));
    const auto position = TRY(next_number(db, "proof"));
    const auto dleq = dleq_hex(proof);
    const ProofState state = how == Brought::taken ? ProofState::moving : ProofState::unspent;
    std::optional<std::int64_t> taken_by;
    if (how == Brought::taken) taken_by = number_of(transfer);
    const auto changed =
        TRY(db.run("INSERT INTO wallet_proofs (y, position, mint, keyset, amount_sat, secret, c, witness, dleq_e, "
                   "dleq_s, dleq_r, state, transfer, taken_by) "
                   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) "
                   "ON CONFLICT (y) DO UPDATE SET transfer = excluded.transfer, state = excluded.state, "
                   "taken_by = excluded.taken_by WHERE wallet_proofs.purchase IS NULL "
                   "AND wallet_proofs.transfer IS NULL AND wallet_proofs.state = 'unspent'",
                   {y, position, mint, proof.keyset, amount, proof.secret, proof.c.hex(), proof.witness, dleq.e, dleq.s,
                    dleq.r, proof_state_word(state), number_of(transfer), taken_by}));
    if (changed == 0) return Error{Reason::bad_step, "a proof belongs to another movement"};
    return {};
}

Result<bool> insert_found(Database& db, const WalletProof& found, std::string_view y)
{
    const Proof& proof = found.proof;
    const auto amount = TRY(to_bigint(proof.amount.count()));
    const auto position = TRY(next_number(db, "proof"));
    const auto dleq = dleq_hex(proof);
    std::optional<std::string> token_event;
    if (found.token_event) token_event = encode_hex(*found.token_event);
    const auto changed =
        TRY(db.run("INSERT INTO wallet_proofs (y, position, mint, keyset, amount_sat, secret, c, witness, dleq_e, "
                   "dleq_s, dleq_r, state, token_event) "
                   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING",
                   {y, position, found.mint, proof.keyset, amount, proof.secret, proof.c.hex(), proof.witness, dleq.e,
                    dleq.s, dleq.r, proof_state_word(found.state), token_event}));
    return changed != 0;
}

Result<void> raise_counter(Database& db, std::string_view keyset, std::uint64_t next)
{
    TRY(db.run("INSERT INTO counters (keyset, next) VALUES ($1, $2) "
               "ON CONFLICT (keyset) DO UPDATE SET next = excluded.next WHERE counters.next < excluded.next",
               {keyset, TRY(to_bigint(next))}));
    return {};
}

Result<std::vector<WalletProof>> SqliteStore::wallet_proofs(ProofState state)
{
    return read([&](Database& db) {
        return select_proofs(db, "SELECT " ADIT_PROOF_COLUMNS " FROM wallet_proofs WHERE state = $1 ORDER BY position",
                             {proof_state_word(state)}, state);
    });
}

Result<std::vector<Store::Holding>> SqliteStore::holdings()
{
    return read([&](Database& db) -> Result<std::vector<Holding>> {
        std::vector<Holding> holdings;
        TRY(db.each("SELECT mint, keyset, CAST(SUM(amount_sat) AS BIGINT) FROM wallet_proofs WHERE state = 'unspent' "
                    "GROUP BY mint, keyset ORDER BY mint, keyset",
                    {}, [&](Row& row) -> Result<void> {
                        Holding holding{std::string(row.text()), std::string(row.text()), Sat()};
                        holding.worth = Sat(static_cast<std::uint64_t>(row.integer()));
                        holdings.push_back(std::move(holding));
                        return {};
                    }));
        return holdings;
    });
}

Result<Sat> SqliteStore::taken_by(session::Method method)
{
    return read([&](Database& db) -> Result<Sat> {
        const auto sats = TRY(db.number("SELECT CAST(SUM(price_sat) AS BIGINT) FROM purchases WHERE method = $1 "
                                        "AND state IN ('active', 'ended') AND activated_at_s IS NOT NULL",
                                        {session::method_word(method)}));
        return Sat(static_cast<std::uint64_t>(sats.value_or(0)));
    });
}

Result<std::vector<Store::Counter>> SqliteStore::counters()
{
    return read([&](Database& db) -> Result<std::vector<Counter>> {
        std::vector<Counter> counters;
        TRY(db.each("SELECT keyset, next FROM counters ORDER BY keyset", {}, [&](Row& row) -> Result<void> {
            std::string keyset(row.text());
            counters.push_back({std::move(keyset), static_cast<std::uint64_t>(row.integer())});
            return {};
        }));
        return counters;
    });
}

Result<void> SqliteStore::use_seed(std::string_view fingerprint, SeedAge age)
{
    return write("use_seed", [&](Database& db) -> Result<void> {
        const auto known = TRY(db.first("SELECT value FROM facts WHERE name = $1", {kFactSeed},
                                        [](Row& row) { return Result(std::string(row.text())); }));
        if (known == fingerprint) return {};
        // A store without a name for its seed is older than the name, and its counters are of the seed that it has;
        // unless that was made only now.
        if (known || age == SeedAge::made_now) {
            TRY(db.run("DELETE FROM counters", {}));
            TRY(db.run("DELETE FROM facts WHERE name LIKE 'seed.%'", {}));
        }
        TRY(put_fact(db, kFactSeed, fingerprint));
        if (age == SeedAge::made_now) TRY(put_fact(db, kFactSeedIsNew, "1"));
        return {};
    });
}

Result<std::size_t> SqliteStore::add_restored_proofs(std::span<const WalletProof> proofs, const Counter& signed_up_to)
{
    std::vector<std::string> ys;
    for (const WalletProof& proof : proofs) ys.push_back(payments::cashu::proof_y(proof.proof.secret).hex());
    return write("add_restored_proofs", [&](Database& db) -> Result<std::size_t> {
        std::size_t added = 0;
        for (std::size_t i = 0; i < ys.size(); ++i)
            if (TRY(insert_found(db, proofs[i], ys[i]))) ++added;
        TRY(raise_counter(db, signed_up_to.keyset, signed_up_to.next));
        return added;
    });
}

Result<std::size_t> SqliteStore::add_wallet_proofs(std::span<const WalletProof> proofs)
{
    std::vector<std::string> ys;
    for (const WalletProof& proof : proofs) ys.push_back(payments::cashu::proof_y(proof.proof.secret).hex());
    return write("add_wallet_proofs", [&](Database& db) -> Result<std::size_t> {
        std::size_t added = 0;
        for (std::size_t i = 0; i < ys.size(); ++i)
            if (TRY(insert_found(db, proofs[i], ys[i]))) ++added;
        return added;
    });
}

Result<std::size_t> SqliteStore::mark_spent_elsewhere(std::span<const Point> ys)
{
    return write("mark_spent_elsewhere", [&](Database& db) -> Result<std::size_t> {
        std::size_t changed = 0;
        for (const Point& y : ys)
            changed += static_cast<std::size_t>(TRY(db.run(
                "UPDATE wallet_proofs SET state = 'spent_elsewhere' WHERE y = $1 AND state = 'unspent'", {y.hex()})));
        return changed;
    });
}

Result<std::vector<WalletProof>> SqliteStore::unpublished_proofs(std::size_t limit)
{
    return read([&](Database& db) -> Result<std::vector<WalletProof>> {
        const auto mint = TRY(db.first("SELECT mint FROM wallet_proofs WHERE state = 'unspent' AND token_event IS NULL "
                                       "ORDER BY position LIMIT 1",
                                       {}, [](Row& row) { return Result(std::string(row.text())); }));
        if (!mint) return std::vector<WalletProof>();
        return select_proofs(db,
                             "SELECT " ADIT_PROOF_COLUMNS " FROM wallet_proofs WHERE state = 'unspent' "
                             "AND token_event IS NULL AND mint = $1 ORDER BY position LIMIT $2",
                             {*mint, TRY(to_bigint(limit))}, ProofState::unspent);
    });
}

Result<void> SqliteStore::record_token_event(const protocol::EventId& token_event, std::span<const Point> ys,
                                             std::span<const protocol::Event> outbox)
{
    const auto events = outbox_rows(outbox);
    return write("record_token_event", [&](Database& db) -> Result<void> {
        TRY(hold_in_token_event(db, token_event, ys));
        return put_outbox_rows(db, events);
    });
}

Result<std::vector<protocol::EventId>> SqliteStore::stale_token_events(std::size_t limit)
{
    return read([&](Database& db) -> Result<std::vector<protocol::EventId>> {
        std::vector<protocol::EventId> events;
        TRY(db.each("SELECT token_event FROM wallet_proofs WHERE state <> 'unspent' AND token_event IS NOT NULL "
                    "GROUP BY token_event ORDER BY MIN(position) LIMIT $1",
                    {TRY(to_bigint(limit))}, [&](Row& row) -> Result<void> {
                        events.push_back(TRY(read_bytes<32>(row.text())));
                        return {};
                    }));
        return events;
    });
}

Result<void> SqliteStore::replace_token_events(const TokenEvents& change, std::span<const protocol::Event> outbox)
{
    CHECK(change.token_event || change.ys.empty());
    const auto events = outbox_rows(outbox);
    return write("replace_token_events", [&](Database& db) -> Result<void> {
        for (const auto& event : change.deleted)
            TRY(db.run("UPDATE wallet_proofs SET token_event = NULL WHERE token_event = $1", {encode_hex(event)}));
        if (change.token_event) TRY(hold_in_token_event(db, *change.token_event, change.ys));
        return put_outbox_rows(db, events);
    });
}

} // namespace adit::store
