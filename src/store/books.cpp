// What the rows say of the money, for app/books.h and the history.
#include "store/sqlite_store.h"
#include "store/transfer_rows.h"

#include <algorithm>
#include <limits>

namespace adit::store {

namespace {

Sat sat_of(Row& row) { return Sat(static_cast<std::uint64_t>(row.integer())); }

Result<std::vector<BookedPurchase>> booked_purchases(Database& db, const WorthOf& worth_of)
{
    std::vector<BookedPurchase> found;
    TRY(db.each(
        "SELECT p.id, p.state, p.method, p.mint, p.paid_sat, p.change_token, p.refund_token, "
        "(SELECT COALESCE(SUM(w.amount_sat), 0) FROM wallet_proofs w WHERE w.purchase = p.id), "
        "(SELECT COALESCE(SUM(w.amount_sat), 0) FROM wallet_proofs w WHERE w.spent_by = p.id AND w.state = 'spent') "
        "FROM purchases p WHERE p.state IN ('redeemed', 'active', 'ended', 'refunding', 'refunded') "
        "AND (p.mint IS NOT NULL OR p.state IN ('refunding', 'refunded')) ORDER BY p.id",
        {}, [&](Row& row) -> Result<void> {
            BookedPurchase purchase{.id = PurchaseId{row.integer()}};
            const auto state = session::parse_state(row.text());
            const auto method = session::parse_method(row.text());
            if (!state || !method) return Error{Reason::store_unavailable, "a row is damaged"};
            purchase.state = *state;
            purchase.method = *method;
            if (const auto mint = row.maybe_text()) purchase.mint = std::string(*mint);
            purchase.paid = sat_of(row);
            const auto worth = [&](std::optional<std::string_view> token) { return token ? worth_of(*token) : Sat{}; };
            const auto change = worth(row.maybe_text());
            const auto refund = worth(row.maybe_text());
            purchase.change = change.value_or(Sat{});
            purchase.refund = refund.value_or(Sat{});
            purchase.unreadable = !change || !refund;
            purchase.brought = sat_of(row);
            purchase.spent = sat_of(row);
            found.push_back(std::move(purchase));
            return {};
        }));
    return found;
}

#define ADIT_SWAP_SUMS                                                                                                 \
    "s.purpose, s.mint, SUM(CASE WHEN o.owner = 'buyer' THEN 0 ELSE o.amount_sat END), "                               \
    "SUM(CASE WHEN o.owner = 'buyer' THEN o.amount_sat ELSE 0 END) FROM swaps s JOIN swap_outputs o ON o.swap = s.id "

/// Those that a purchase may have been paid with: also of released ones with the same inputs, see swaps().
Result<std::vector<BookedSwap>> booked_swaps(Database& db)
{
    std::vector<BookedSwap> found;
    const auto take = [&](Row& row) -> Result<void> {
        BookedSwap swap{.purchase = PurchaseId{row.integer()}};
        swap.purpose = TRY(read_purpose(row.text()));
        swap.mint = row.text();
        swap.ours = sat_of(row);
        swap.buyers = sat_of(row);
        found.push_back(std::move(swap));
        return {};
    };
    TRY(db.each("SELECT s.purchase, " ADIT_SWAP_SUMS "WHERE s.purchase IS NOT NULL "
                "GROUP BY s.id, s.purchase, s.purpose, s.mint ORDER BY s.id",
                {}, take));
    TRY(db.each("SELECT p.id, " ADIT_SWAP_SUMS "JOIN purchases q ON q.id = s.purchase "
                "JOIN swaps own ON own.inputs = s.inputs JOIN purchases p ON p.id = own.purchase "
                "WHERE q.state = 'released' AND p.id <> q.id AND p.state <> 'released' "
                "GROUP BY p.id, s.id, s.purpose, s.mint ORDER BY s.id",
                {}, take));
    return found;
}

Result<std::vector<BookedTransfer>> booked_transfers(Database& db)
{
    std::vector<BookedTransfer> found;
    TRY(db.each("SELECT " ADIT_TRANSFER_COLUMNS ", "
                "(SELECT COALESCE(SUM(w.amount_sat), 0) FROM wallet_proofs w WHERE w.transfer = t.id), "
                "(SELECT COALESCE(SUM(w.amount_sat), 0) FROM wallet_proofs w WHERE w.taken_by = t.id "
                "AND w.state = 'spent') FROM transfers t ORDER BY t.id",
                {}, [&](Row& row) -> Result<void> {
                    BookedTransfer booked{TRY(read_transfer(row)), {}, {}};
                    booked.brought = sat_of(row);
                    booked.spent = sat_of(row);
                    found.push_back(std::move(booked));
                    return {};
                }));
    return found;
}

Result<std::vector<BookedProofs>> booked_proofs(Database& db)
{
    std::vector<BookedProofs> found;
    TRY(db.each("SELECT w.mint, w.state, "
                "CASE WHEN w.state = 'unspent' AND p.state = 'redeemed' THEN 1 ELSE 0 END AS owed, "
                "CASE WHEN w.purchase IS NULL AND w.transfer IS NULL THEN 1 ELSE 0 END AS found, "
                "SUM(w.amount_sat), COUNT(*) FROM wallet_proofs w LEFT JOIN purchases p ON p.id = w.purchase "
                "GROUP BY w.mint, w.state, owed, found ORDER BY w.mint, w.state",
                {}, [&](Row& row) -> Result<void> {
                    BookedProofs proofs{.mint = std::string(row.text())};
                    const std::string_view word = row.text();
                    for (const ProofState state : {ProofState::unspent, ProofState::refunding, ProofState::moving,
                                                   ProofState::spent, ProofState::spent_elsewhere})
                        if (proof_state_word(state) == word) proofs.state = state;
                    proofs.owed = row.integer() != 0;
                    proofs.found = row.integer() != 0;
                    proofs.sum = sat_of(row);
                    proofs.count = static_cast<std::uint64_t>(row.integer());
                    found.push_back(std::move(proofs));
                    return {};
                }));
    return found;
}

constexpr std::size_t kMostStraysTold = 100;

Result<std::vector<std::string>> stray_proofs(Database& db)
{
    std::vector<std::string> strays;
    TRY(db.each("SELECT w.position, w.amount_sat, w.state FROM wallet_proofs w "
                "LEFT JOIN purchases p ON p.id = w.spent_by LEFT JOIN transfers t ON t.id = w.taken_by WHERE "
                "(w.state = 'spent' AND w.spent_by IS NULL AND w.taken_by IS NULL) OR "
                "(w.state = 'refunding' AND (p.state IS NULL OR p.state <> 'refunding')) OR "
                "(w.state = 'moving' AND (t.state IS NULL OR t.state IN ('done', 'failed'))) ORDER BY w.position "
                "LIMIT $1",
                {static_cast<std::int64_t>(kMostStraysTold)}, [&](Row& row) -> Result<void> {
                    const auto position = row.integer();
                    const auto amount = row.integer();
                    strays.push_back("proof " + std::to_string(position) + " of " + std::to_string(amount) +
                                     " sat is " + std::string(row.text()) + ", and no row says why");
                    return {};
                }));
    return strays;
}

} // namespace

Result<BookRows> SqliteStore::books(const WorthOf& worth_of)
{
    return read([&](Database& db) -> Result<BookRows> {
        BookRows rows;
        rows.purchases = TRY(booked_purchases(db, worth_of));
        rows.swaps = TRY(booked_swaps(db));
        rows.transfers = TRY(booked_transfers(db));
        rows.proofs = TRY(booked_proofs(db));
        rows.strays = TRY(stray_proofs(db));
        return rows;
    });
}

Result<std::vector<HistoryLine>> SqliteStore::history(const std::optional<HistoryPlace>& before, std::size_t limit)
{
    return read([&](Database& db) -> Result<std::vector<HistoryLine>> {
        // Both counts up to the limit, then one order: sales and transfers have numbers of their own.
        const auto most = TRY(to_bigint(limit));
        const HistoryPlace place = before.value_or(HistoryPlace{UnixSeconds(std::numeric_limits<std::int64_t>::max())});
        const std::int64_t sales_from = before && place.is_sale ? place.row : std::numeric_limits<std::int64_t>::max();
        std::vector<HistoryLine> lines;
        TRY(db.each("SELECT " ADIT_PURCHASE_COLUMNS ", (SELECT SUM(w.amount_sat) FROM wallet_proofs w "
                    "WHERE w.purchase = purchases.id) FROM purchases WHERE state IN ('redeemed', 'active', 'ended', "
                    "'refunding', 'refunded') AND (created_at_s < $1 OR (created_at_s = $1 AND id < $2)) "
                    "ORDER BY created_at_s DESC, id DESC LIMIT $3",
                    {place.at, sales_from, most}, [&](Row& row) -> Result<void> {
                        Purchase sale = TRY(read_purchase(row));
                        HistoryLine line{sale.created_at, std::move(sale), std::nullopt, std::nullopt};
                        if (const auto kept = row.maybe_integer()) line.kept = Sat(static_cast<std::uint64_t>(*kept));
                        lines.push_back(std::move(line));
                        return {};
                    }));
        // Of one second, transfers stand above sales.
        const std::int64_t transfers_from = !before         ? std::numeric_limits<std::int64_t>::max()
                                            : place.is_sale ? 0
                                                            : place.row;
        TRY(db.each("SELECT " ADIT_TRANSFER_COLUMNS " FROM transfers WHERE created_at_s < $1 OR (created_at_s = $1 "
                    "AND id < $2) ORDER BY created_at_s DESC, id DESC LIMIT $3",
                    {place.at, transfers_from, most}, [&](Row& row) -> Result<void> {
                        payments::Transfer transfer = TRY(read_transfer(row));
                        lines.push_back({transfer.created_at, std::nullopt, std::move(transfer), std::nullopt});
                        return {};
                    }));
        std::stable_sort(lines.begin(), lines.end(), [](const HistoryLine& a, const HistoryLine& b) {
            if (a.at != b.at) return a.at > b.at;
            return a.transfer.has_value() && b.sale.has_value();
        });
        if (lines.size() > limit) lines.resize(limit);
        return lines;
    });
}

} // namespace adit::store
