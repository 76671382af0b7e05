// How things stand, for who looks on: in short reads, between which a purchase gets its turn.
#include "store/rows.h"
#include "store/sqlite_store.h"

#include <algorithm>
#include <map>

namespace adit::store {

namespace {

constexpr std::int64_t kRowsAtOnce = 1000; // a millisecond or two

Result<session::State> read_state(std::string_view word)
{
    const auto state = session::parse_state(word);
    if (!state) return Error{Reason::store_unavailable, "a row is damaged"};
    return *state;
}

Result<Sat> sum_of(Sat a, Sat b)
{
    const auto both = sum(a, b);
    if (!both) return Error{Reason::store_unavailable, "sums beyond 64 bits: a row is damaged"};
    return *both;
}

} // namespace

Result<Store::Standing> SqliteStore::standing()
{
    Standing standing;
    TRY(read([&](Database& db) -> Result<void> {
        // Each of these keeps its client key, so the index of those that have one has them all.
        TRY(db.each("SELECT state, COUNT(*), MIN(state_since_s) FROM purchases WHERE client_key IS NOT NULL AND state "
                    "IN ('reserved', 'swapping', 'open', 'accepted', 'live', 'settling', 'redeemed', 'refunding') "
                    "GROUP BY state",
                    {}, [&](Row& row) -> Result<void> {
                        Standing::InState in;
                        in.state = TRY(read_state(row.text()));
                        in.purchases = static_cast<std::uint64_t>(row.integer());
                        in.oldest = row.time();
                        standing.open.push_back(in);
                        return {};
                    }));
        // By indexes: the events themselves may be long.
        standing.outbox = static_cast<std::uint64_t>(TRY(db.number("SELECT COUNT(*) FROM outbox")).value_or(0));
        const auto first = TRY(db.number("SELECT created_at_s FROM outbox ORDER BY position LIMIT 1"));
        if (first) standing.outbox_oldest = UnixSeconds(*first);
        return {};
    }));

    std::map<std::string, Sat, std::less<>> unspent;
    std::optional<std::int64_t> behind = -1;
    while (behind) {
        const std::int64_t from = *std::exchange(behind, std::nullopt);
        std::int64_t rows = 0;
        TRY(read([&](Database& db) -> Result<void> {
            return db.each("SELECT position, mint, amount_sat FROM wallet_proofs WHERE state = 'unspent' AND "
                           "position > $1 ORDER BY position LIMIT $2",
                           {from, kRowsAtOnce}, [&](Row& row) -> Result<void> {
                               const auto position = row.integer();
                               Sat& at_mint = unspent[std::string(row.text())];
                               at_mint = TRY(sum_of(at_mint, Sat(static_cast<std::uint64_t>(row.integer()))));
                               if (++rows == kRowsAtOnce) behind = position;
                               return {};
                           });
        }));
    }
    for (const auto& [mint, sats] : unspent) standing.wallet.push_back({mint, sats});
    return standing;
}

Result<std::vector<Store::Sold>> SqliteStore::sold_since(UnixSeconds since)
{
    std::vector<Sold> sold;
    std::int64_t before = std::numeric_limits<std::int64_t>::max();
    // Backwards, as long as any of so many was made since then: numbers follow the clock, but for its steps, and for
    // what was taken over from another program, which was before any sale of ours.
    for (bool any = true; any;) {
        any = false;
        TRY(read([&](Database& db) -> Result<void> {
            return db.each("SELECT id, created_at_s, state, method, mint, tier_amount, tier_unit, price_sat, "
                           "activated_at_s FROM purchases WHERE id < $1 ORDER BY id DESC LIMIT $2",
                           {before, kRowsAtOnce}, [&](Row& row) -> Result<void> {
                               before = row.integer();
                               if (row.time() < since) return {};
                               any = true;
                               Sold one;
                               const auto state = TRY(read_state(row.text()));
                               const auto method = session::parse_method(row.text());
                               if (!method) return Error{Reason::store_unavailable, "a row is damaged"};
                               one.method = *method;
                               if (const auto mint = row.maybe_text()) one.mint = std::string(*mint);
                               one.tier_amount = row.text();
                               one.tier_unit = row.text();
                               one.sales = 1;
                               one.price = Sat(static_cast<std::uint64_t>(row.integer()));
                               const bool delivered = row.maybe_time().has_value();
                               if (!delivered || (state != session::State::active && state != session::State::ended))
                                   return {};
                               const auto same = std::ranges::find_if(sold, [&](const Sold& each) {
                                   return each.method == one.method && each.mint == one.mint &&
                                          each.tier_amount == one.tier_amount && each.tier_unit == one.tier_unit;
                               });
                               if (same == sold.end()) {
                                   sold.push_back(std::move(one));
                                   return {};
                               }
                               ++same->sales;
                               same->price = TRY(sum_of(same->price, one.price));
                               return {};
                           });
        }));
    }
    return sold;
}

} // namespace adit::store
