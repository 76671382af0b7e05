// payments::TransferJournal: movements of the wallet's own money, and what came of them.
#include "store/sqlite_store.h"
#include "store/swap_rows.h"
#include "store/transfer_rows.h"
#include "store/wallet_rows.h"

namespace adit::store {

namespace {

using payments::NewTransfer;
using payments::StoredSwap;
using payments::SwapId;
using payments::SwapIntent;
using payments::SwapPurpose;
using payments::Transfer;
using payments::TransferFact;
using payments::TransferId;
using payments::TransferKind;
using payments::TransferState;

Error not_as_expected(const char* what) { return {Reason::bad_step, what}; }

TransferState first_state(const NewTransfer& transfer, const SwapIntent& intent)
{
    if (intent.purpose == SwapPurpose::melt) return TransferState::paying;
    return transfer.kind == TransferKind::withdraw ? TransferState::splitting : TransferState::swapping;
}

Result<void> insert_transfer(Database& db, std::int64_t id, const NewTransfer& transfer, TransferState state,
                             UnixSeconds now)
{
    const auto amount = TRY(to_bigint(transfer.amount.count()));
    const auto reserve = TRY(to_bigint(transfer.fee_reserve.count()));
    std::optional<std::int64_t> max_fee;
    if (transfer.max_fee) max_fee = TRY(to_bigint(transfer.max_fee->count()));
    std::optional<std::int64_t> purchase;
    if (transfer.purchase) purchase = row_number(*transfer.purchase);
    std::optional<std::string> lock;
    if (transfer.lock) lock = transfer.lock->hex();
    std::optional<std::string> sender;
    if (transfer.sender) sender = transfer.sender->hex();
    std::optional<std::string> hash;
    if (transfer.hash) hash = encode_hex(*transfer.hash);
    TRY(db.run("INSERT INTO transfers (id, kind, state, mint, amount_sat, max_fee_sat, lock_key, address, invoice, "
               "payment_hash, quote, fee_reserve_sat, purchase, reference, sender, created_at_s, state_since_s) "
               "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
               {id, kind_word(transfer.kind), state_word(state), transfer.mint, amount, max_fee, lock, transfer.address,
                transfer.invoice, hash, transfer.quote, reserve, purchase, transfer.reference, sender, now, now}));
    return {};
}

Result<TransferState> state_of(Database& db, TransferId id)
{
    const auto word = TRY(db.first("SELECT state FROM transfers WHERE id = $1", {number_of(id)},
                                   [](Row& row) { return Result(std::string(row.text())); }));
    const auto state = word ? payments::parse_transfer_state(*word) : std::nullopt;
    if (!state) return not_as_expected("no such transfer");
    return *state;
}

/// As the table has it. Errors: bad_step.
Result<void> go_on(Database& db, TransferId id, TransferFact fact, UnixSeconds now)
{
    const TransferState next = TRY(payments::step(TRY(state_of(db, id)), fact));
    TRY(db.run("UPDATE transfers SET state = $1, state_since_s = $2 WHERE id = $3",
               {state_word(next), now, number_of(id)}));
    return {};
}

/// Errors: bad_step (the swap is not this transfer's).
Result<std::string> mint_of_swap(Database& db, SwapId swap, TransferId transfer)
{
    auto mint = TRY(db.first("SELECT mint FROM swaps WHERE id = $1 AND transfer = $2",
                             {static_cast<std::int64_t>(swap), number_of(transfer)},
                             [](Row& row) { return Result(std::string(row.text())); }));
    if (!mint) return not_as_expected("no such intention of this transfer");
    return std::move(*mint);
}

Result<void> spend_what_was_taken(Database& db, TransferId id)
{
    TRY(db.run("UPDATE wallet_proofs SET state = 'spent' WHERE state = 'moving' AND taken_by = $1", {number_of(id)}));
    return {};
}

Result<std::vector<Transfer>> select_transfers(Database& db, std::string_view sql, std::initializer_list<Param> params)
{
    std::vector<Transfer> found;
    TRY(db.each(sql, params, [&](Row& row) -> Result<void> {
        found.push_back(TRY(read_transfer(row)));
        return {};
    }));
    return found;
}

Result<std::optional<Transfer>> first_transfer(Database& db, std::string_view sql, std::initializer_list<Param> params)
{
    auto found = TRY(select_transfers(db, sql, params));
    if (found.empty()) return std::optional<Transfer>();
    return std::optional(std::move(found.front()));
}

} // namespace

Result<SqliteStore::Begun> SqliteStore::begin_transfer(const NewTransfer& transfer, const SwapIntent& intent)
{
    CHECK(intent.purpose == SwapPurpose::transfer || intent.purpose == SwapPurpose::melt);
    return write("begin_transfer", [&, now = clock_.now()](Database& db) -> Result<Begun> {
        const TransferId id{TRY(next_number(db, "transfer"))};
        TRY(insert_transfer(db, number_of(id), transfer, first_state(transfer, intent), now));
        // A nutzap's inputs are not the wallet's before they are swapped.
        if (transfer.kind != TransferKind::nutzap)
            for (const Point& y : intent.inputs) {
                const auto taken = TRY(db.run("UPDATE wallet_proofs SET state = 'moving', taken_by = $1 "
                                              "WHERE y = $2 AND state = 'unspent'",
                                              {number_of(id), y.hex()}));
                if (taken == 0) return not_as_expected("begin_transfer: a proof is not there to be spent");
            }
        const SwapId swap = TRY(insert_swap(db, {std::nullopt, id}, intent, now));
        return Begun{id, swap};
    });
}

Result<SwapId> SqliteStore::intend_again(TransferId transfer, const SwapIntent& intent)
{
    CHECK(intent.purpose == SwapPurpose::transfer);
    return write("intend_again", [&, now = clock_.now()](Database& db) -> Result<SwapId> {
        const TransferState state = TRY(state_of(db, transfer));
        if (state != TransferState::swapping && state != TransferState::splitting)
            return not_as_expected("intend_again: not swapping or splitting");
        const auto same = TRY(db.number("SELECT COUNT(*) FROM swaps WHERE transfer = $1 AND inputs = $2",
                                        {number_of(transfer), join_points(intent.inputs)}));
        if (same.value_or(0) == 0) return not_as_expected("intend_again: other inputs than before");
        return insert_swap(db, {std::nullopt, transfer}, intent, now);
    });
}

Result<SwapId> SqliteStore::begin_payment(TransferId transfer, SwapId split, const Split& made, const SwapIntent& melt)
{
    CHECK(melt.purpose == SwapPurpose::melt);
    const auto parts = ys_of(made.parts); // curve work, not for the writer
    const auto change = ys_of(made.change);
    return write("begin_payment", [&, now = clock_.now()](Database& db) -> Result<SwapId> {
        const auto mint = TRY(mint_of_swap(db, split, transfer));
        TRY(go_on(db, transfer, TransferFact::mint_signed, now));
        if (TRY(state_of(db, transfer)) != TransferState::paying)
            return not_as_expected("begin_payment: not splitting");
        TRY(spend_what_was_taken(db, transfer));
        for (std::size_t i = 0; i < parts.size(); ++i)
            TRY(insert_moved(db, mint, made.parts[i], parts[i], transfer, Brought::taken));
        for (std::size_t i = 0; i < change.size(); ++i)
            TRY(insert_moved(db, mint, made.change[i], change[i], transfer, Brought::kept));
        TRY(db.run("UPDATE transfers SET fee_sat = $1 WHERE id = $2",
                   {TRY(to_bigint(made.fee.count())), number_of(transfer)}));
        return insert_swap(db, {std::nullopt, transfer}, melt, now);
    });
}

Result<void> SqliteStore::mark_moved(TransferId transfer, SwapId swap, const MovedMoney& moved)
{
    const auto ys = ys_of(moved.kept);
    return write("mark_moved", [&, now = clock_.now()](Database& db) -> Result<void> {
        const auto mint = TRY(mint_of_swap(db, swap, transfer));
        const bool paying = TRY(state_of(db, transfer)) == TransferState::paying;
        TRY(go_on(db, transfer, paying ? TransferFact::mint_paid : TransferFact::mint_signed, now));
        if (TRY(state_of(db, transfer)) != TransferState::done)
            return not_as_expected("mark_moved: a split is not the end");
        TRY(spend_what_was_taken(db, transfer));
        for (std::size_t i = 0; i < ys.size(); ++i)
            TRY(insert_moved(db, mint, moved.kept[i], ys[i], transfer, Brought::kept));
        TRY(db.run("UPDATE transfers SET token = $1, preimage = $2, fee_sat = $3 WHERE id = $4",
                   {moved.token, moved.preimage, TRY(to_bigint(moved.fee.count())), number_of(transfer)}));
        return {};
    });
}

Result<void> SqliteStore::mark_not_moved(TransferId transfer, std::string_view why,
                                         std::span<const Point> spent_elsewhere)
{
    return write("mark_not_moved", [&, now = clock_.now()](Database& db) -> Result<void> {
        TRY(go_on(db, transfer, spent_elsewhere.empty() ? TransferFact::mint_refused : TransferFact::taken_elsewhere,
                  now));
        for (const Point& y : spent_elsewhere)
            TRY(db.run("UPDATE wallet_proofs SET state = 'spent_elsewhere', taken_by = NULL "
                       "WHERE y = $1 AND state = 'moving' AND taken_by = $2",
                       {y.hex(), number_of(transfer)}));
        TRY(db.run(
            "UPDATE wallet_proofs SET state = 'unspent', taken_by = NULL WHERE state = 'moving' AND taken_by = $1",
            {number_of(transfer)}));
        TRY(db.run("UPDATE transfers SET failed_because = $1 WHERE id = $2", {why, number_of(transfer)}));
        return {};
    });
}

Result<std::vector<StoredSwap>> SqliteStore::swaps_of(TransferId transfer)
{
    return read([&](Database& db) -> Result<std::vector<StoredSwap>> {
        std::vector<StoredSwap> found;
        TRY(db.each("SELECT " ADIT_SWAP_COLUMNS " FROM swaps s WHERE s.transfer = $1 ORDER BY s.id",
                    {number_of(transfer)}, [&](Row& row) -> Result<void> {
                        found.push_back(TRY(read_swap(row)));
                        return {};
                    }));
        for (StoredSwap& swap : found) swap.intent.outputs = TRY(read_outputs(db, swap.id));
        return found;
    });
}

Result<Transfer> SqliteStore::transfer(TransferId id)
{
    return read([&](Database& db) -> Result<Transfer> {
        auto found =
            TRY(first_transfer(db, "SELECT " ADIT_TRANSFER_COLUMNS " FROM transfers WHERE id = $1", {number_of(id)}));
        if (!found) return Error{Reason::not_found, "there is no such transfer"};
        return std::move(*found);
    });
}

Result<std::optional<Transfer>> SqliteStore::transfer_named(std::string_view reference)
{
    return read([&](Database& db) {
        return first_transfer(
            db, "SELECT " ADIT_TRANSFER_COLUMNS " FROM transfers WHERE reference = $1 AND state <> 'failed'",
            {reference});
    });
}

Result<std::optional<Transfer>> SqliteStore::transfer_paying(const PaymentHash& hash)
{
    return read([&](Database& db) {
        return first_transfer(
            db, "SELECT " ADIT_TRANSFER_COLUMNS " FROM transfers WHERE payment_hash = $1 AND state <> 'failed'",
            {encode_hex(hash)});
    });
}

Result<std::vector<Transfer>> SqliteStore::open_transfers()
{
    return read([](Database& db) {
        return select_transfers(db,
                                "SELECT " ADIT_TRANSFER_COLUMNS
                                " FROM transfers WHERE state IN ('swapping', 'splitting', 'paying') ORDER BY id",
                                {});
    });
}

Result<std::vector<Transfer>> SqliteStore::untold_nutzaps(std::size_t limit)
{
    return read([&](Database& db) -> Result<std::vector<Transfer>> {
        return select_transfers(db,
                                "SELECT " ADIT_TRANSFER_COLUMNS
                                " FROM transfers WHERE kind = 'nutzap' AND state = 'done' AND told = 0 "
                                "ORDER BY id LIMIT $1",
                                {TRY(to_bigint(limit))});
    });
}

Result<void> SqliteStore::mark_nutzap_told(TransferId transfer, const protocol::Event& event)
{
    const auto events = outbox_rows({&event, 1});
    return write("mark_nutzap_told", [&](Database& db) -> Result<void> {
        const auto changed =
            TRY(db.run("UPDATE transfers SET told = 1 WHERE id = $1 AND told = 0", {number_of(transfer)}));
        if (changed == 0) return not_as_expected("mark_nutzap_told: told before");
        return put_outbox_rows(db, events);
    });
}

} // namespace adit::store
