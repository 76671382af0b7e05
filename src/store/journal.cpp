// payments::Journal: intentions to swap, and what came of them.
#include "protocol/reasons.h"
#include "store/lease_rows.h"
#include "store/sqlite_store.h"
#include "store/swap_rows.h"
#include "store/wallet_rows.h"

namespace adit::store {

namespace {

using payments::StoredSwap;
using payments::SwapId;
using payments::SwapIntent;

Error someone_was_first(const char* what) { return {Reason::bad_step, what}; }

/// The mint and the inputs of a swap that is this purchase's, of that purpose, or that spends the same inputs for a
/// released one (see swaps()); none where it is not.
struct SwapFacts {
    std::string mint;
    std::vector<Point> inputs;
};
Result<std::optional<SwapFacts>> swap_facts(Database& db, SwapId swap, PurchaseId purchase,
                                            payments::SwapPurpose purpose)
{
    return db.first("SELECT mint, inputs FROM swaps WHERE id = $1 AND purpose = $2 "
                    "AND inputs IN (SELECT inputs FROM swaps WHERE purchase = $3)",
                    {static_cast<std::int64_t>(swap), purpose_word(purpose), row_number(purchase)},
                    [](Row& row) -> Result<SwapFacts> {
                        std::string mint(row.text());
                        auto inputs = TRY(split_points(row.text()));
                        return SwapFacts{std::move(mint), std::move(inputs)};
                    });
}

Result<std::string> client_of_purchase(Database& db, PurchaseId purchase)
{
    auto client = TRY(db.first("SELECT client FROM purchases WHERE id = $1", {row_number(purchase)},
                               [](Row& row) { return Result(std::string(row.text())); }));
    CHECK(client);
    return std::move(*client);
}

} // namespace

Result<SwapId> SqliteStore::begin_swap(PurchaseId purchase, const SwapIntent& intent)
{
    CHECK(intent.purpose == payments::SwapPurpose::redeem);
    return write("begin_swap", [&, now = clock_.now()](Database& db) -> Result<SwapId> {
        // A second intention does not make the first one younger: it is owed since then.
        const auto changed = TRY(db.run("UPDATE purchases SET state = 'swapping', state_since_s = "
                                        "CASE WHEN state = 'swapping' THEN state_since_s ELSE $1 END "
                                        "WHERE id = $2 AND state IN ('reserved', 'swapping')",
                                        {now, row_number(purchase)}));
        if (changed == 0) return someone_was_first("begin_swap: not reserved or swapping");
        return insert_swap(db, {purchase, std::nullopt}, intent, now);
    });
}

Result<void> SqliteStore::mark_redeemed(PurchaseId purchase, SwapId swap, const payments::Receipt& receipt)
{
    const auto ys = ys_of(receipt.wallet_proofs); // curve work, not for the writer
    return write("mark_redeemed", [&, now = clock_.now()](Database& db) -> Result<void> {
        const auto facts = TRY(swap_facts(db, swap, purchase, payments::SwapPurpose::redeem));
        if (!facts) return someone_was_first("mark_redeemed: no such swap of this purchase");
        const auto changed = TRY(db.run("UPDATE purchases SET state = 'redeemed', state_since_s = $1, "
                                        "change_token = $2 WHERE id = $3 AND state = 'swapping'",
                                        {now, receipt.change, row_number(purchase)}));
        if (changed == 0) return someone_was_first("mark_redeemed: not swapping");
        for (std::size_t i = 0; i < ys.size(); ++i)
            TRY(insert_received(db, facts->mint, receipt.wallet_proofs[i], ys[i], purchase));
        return {};
    });
}

Result<void> SqliteStore::mark_released(PurchaseId purchase, Reason why)
{
    return write("mark_released", [&, now = clock_.now()](Database& db) -> Result<void> {
        const auto changed = TRY(db.run("UPDATE purchases SET state = 'released', state_since_s = $1, "
                                        "released_because = $2, holds_lease = 0 "
                                        "WHERE id = $3 AND state IN ('reserved', 'swapping')",
                                        {now, protocol::reason_info(why).word, row_number(purchase)}));
        if (changed == 0) return someone_was_first("mark_released: not reserved or swapping");
        TRY(db.run("DELETE FROM claims WHERE purchase = $1", {row_number(purchase)}));
        const auto client = TRY(client_of_purchase(db, purchase));
        return rest_lease_if_unheld(db, client, TRY(end_of_needed_rest(db, client, now)));
    });
}

Result<SwapId> SqliteStore::begin_refund(PurchaseId purchase, const SwapIntent& intent)
{
    CHECK(intent.purpose == payments::SwapPurpose::refund);
    return write("begin_refund", [&, now = clock_.now()](Database& db) -> Result<SwapId> {
        const auto changed = TRY(db.run("UPDATE purchases SET state = 'refunding', state_since_s = "
                                        "CASE WHEN state = 'refunding' THEN state_since_s ELSE $1 END "
                                        "WHERE id = $2 AND state IN ('redeemed', 'refunding')",
                                        {now, row_number(purchase)}));
        if (changed == 0) return someone_was_first("begin_refund: not redeemed or refunding");
        for (const Point& y : intent.inputs) {
            const auto taken = TRY(db.run("UPDATE wallet_proofs SET state = 'refunding', spent_by = $1 WHERE y = $2 "
                                          "AND (state = 'unspent' OR (state = 'refunding' AND spent_by = $1))",
                                          {row_number(purchase), y.hex()}));
            if (taken == 0) return someone_was_first("begin_refund: a proof is not there to be spent");
        }
        return insert_swap(db, {purchase, std::nullopt}, intent, now);
    });
}

Result<void> SqliteStore::mark_refunded(PurchaseId purchase, SwapId swap, const std::string& token,
                                        std::span<const Proof> change)
{
    const auto ys = ys_of(change); // curve work, not for the writer
    return write("mark_refunded", [&, now = clock_.now(), rest = end_of_rest()](Database& db) -> Result<void> {
        const auto facts = TRY(swap_facts(db, swap, purchase, payments::SwapPurpose::refund));
        if (!facts) return someone_was_first("mark_refunded: no such swap of this purchase");
        const auto changed = TRY(db.run("UPDATE purchases SET state = 'refunded', state_since_s = $1, "
                                        "refund_token = $2, holds_lease = 0 WHERE id = $3 AND state = 'refunding'",
                                        {now, token, row_number(purchase)}));
        if (changed == 0) return someone_was_first("mark_refunded: not refunding");
        for (const Point& y : facts->inputs)
            TRY(db.run("UPDATE wallet_proofs SET state = 'spent' "
                       "WHERE y = $1 AND state = 'refunding' AND spent_by = $2",
                       {y.hex(), row_number(purchase)}));
        // Proofs of an earlier intention that this one did not need are the wallet's again.
        TRY(db.run("UPDATE wallet_proofs SET state = 'unspent', spent_by = NULL "
                   "WHERE state = 'refunding' AND spent_by = $1",
                   {row_number(purchase)}));
        for (std::size_t i = 0; i < ys.size(); ++i) TRY(insert_received(db, facts->mint, change[i], ys[i], purchase));
        return rest_lease_if_unheld(db, TRY(client_of_purchase(db, purchase)), rest);
    });
}

Result<std::vector<payments::HeldProof>> SqliteStore::unspent()
{
    return read([](Database& db) -> Result<std::vector<payments::HeldProof>> {
        std::vector<payments::HeldProof> held;
        TRY(db.each("SELECT " ADIT_PROOF_COLUMNS " FROM wallet_proofs WHERE state = 'unspent' AND NOT EXISTS "
                    "(SELECT 1 FROM purchases p WHERE p.id = wallet_proofs.purchase AND p.state = 'redeemed') "
                    "ORDER BY position",
                    {}, [&](Row& row) -> Result<void> {
                        WalletProof each = TRY(read_proof(row, ProofState::unspent));
                        held.push_back({std::move(each.mint), std::move(each.proof)});
                        return {};
                    }));
        return held;
    });
}

Result<std::vector<StoredSwap>> SqliteStore::swaps(PurchaseId purchase)
{
    return read([&](Database& db) -> Result<std::vector<StoredSwap>> {
        std::vector<StoredSwap> found;
        // Its own come last. Asked only where a mint has been silent or has refused, so a scan does no harm.
        TRY(db.each("SELECT " ADIT_SWAP_COLUMNS " FROM swaps s "
                    "JOIN purchases p ON p.id = s.purchase WHERE s.purchase = $1 OR (p.state = 'released' "
                    "AND s.inputs IN (SELECT inputs FROM swaps WHERE purchase = $1)) "
                    "ORDER BY s.purchase = $1, s.id",
                    {row_number(purchase)}, [&](Row& row) -> Result<void> {
                        found.push_back(TRY(read_swap(row)));
                        return {};
                    }));
        for (StoredSwap& swap : found) swap.intent.outputs = TRY(read_outputs(db, swap.id));
        return found;
    });
}

Result<std::vector<Proof>> SqliteStore::proofs_of(PurchaseId purchase)
{
    return read([&](Database& db) -> Result<std::vector<Proof>> {
        std::vector<Proof> proofs;
        TRY(db.each("SELECT " ADIT_PROOF_COLUMNS " FROM wallet_proofs WHERE purchase = $1 AND state = 'unspent' "
                    "ORDER BY position",
                    {row_number(purchase)}, [&](Row& row) -> Result<void> {
                        proofs.push_back(TRY(read_proof(row, ProofState::unspent)).proof);
                        return {};
                    }));
        return proofs;
    });
}

} // namespace adit::store
