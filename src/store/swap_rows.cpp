#include "store/swap_rows.h"

#include "store/wallet_rows.h"

namespace adit::store {

using payments::SwapId;

namespace {

Result<void> insert_output(Database& db, std::int64_t swap, std::int64_t position, const payments::Output& output)
{
    const auto amount = TRY(to_bigint(output.message.amount.count()));
    std::optional<std::int64_t> counter;
    if (output.counter) counter = TRY(to_bigint(*output.counter));
    const SecretHex r(output.r.expose());
    TRY(db.run("INSERT INTO swap_outputs (swap, position, owner, keyset, amount_sat, b, secret, r, counter) "
               "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
               {swap, position, owner_word(output.owner), output.message.keyset, amount, output.message.b.hex(),
                output.secret, r.text(), counter}));
    if (!counter) return {};
    // Others may have taken higher ones and come here before us.
    return raise_counter(db, output.message.keyset, *output.counter + 1);
}

} // namespace

Result<SwapId> insert_swap(Database& db, const SwapOwner& of, const payments::SwapIntent& intent, UnixSeconds now)
{
    const auto id = TRY(next_number(db, "swap"));
    std::optional<std::int64_t> purchase;
    std::optional<std::int64_t> transfer;
    if (of.purchase) purchase = row_number(*of.purchase);
    if (of.transfer) transfer = number_of(*of.transfer);
    TRY(db.run("INSERT INTO swaps (id, purchase, transfer, purpose, mint, body, inputs, created_at_s) "
               "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
               {id, purchase, transfer, purpose_word(intent.purpose), intent.mint, intent.body,
                join_points(intent.inputs), now}));
    std::int64_t position = 0;
    for (const auto& output : intent.outputs) TRY(insert_output(db, id, position++, output));
    return SwapId{id};
}

Result<payments::StoredSwap> read_swap(Row& row)
{
    payments::StoredSwap swap{SwapId{row.integer()}, std::nullopt, {}};
    if (const auto purchase = row.maybe_integer()) swap.purchase = PurchaseId{*purchase};
    swap.intent.purpose = TRY(read_purpose(row.text()));
    swap.intent.mint = row.text();
    swap.intent.body = row.text();
    swap.intent.inputs = TRY(split_points(row.text()));
    return swap;
}

Result<std::vector<payments::Output>> read_outputs(Database& db, payments::SwapId swap)
{
    std::vector<payments::Output> outputs;
    TRY(db.each(
        "SELECT owner, keyset, amount_sat, b, secret, r, counter FROM swap_outputs WHERE swap = $1 "
        "ORDER BY position",
        {static_cast<std::int64_t>(swap)}, [&](Row& row) -> Result<void> {
            const auto owner = TRY(read_owner(row.text()));
            std::string keyset(row.text());
            const Sat amount(static_cast<std::uint64_t>(row.integer()));
            const auto b = TRY(read_point(row.text()));
            std::string secret(row.text());
            auto r = TRY(read_secret(row.text()));
            std::optional<std::uint64_t> counter;
            if (const auto stored = row.maybe_integer()) counter = static_cast<std::uint64_t>(*stored);
            outputs.push_back({owner, {std::move(keyset), amount, b}, std::move(secret), std::move(r), counter});
            return {};
        }));
    return outputs;
}

} // namespace adit::store
