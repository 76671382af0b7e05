#include "store/transfer_rows.h"

namespace adit::store {

namespace {

std::optional<Sat> maybe_sats(std::optional<std::int64_t> stored)
{
    if (!stored) return std::nullopt;
    return Sat(static_cast<std::uint64_t>(*stored));
}

std::optional<std::string> maybe_owned(std::optional<std::string_view> text)
{
    if (!text) return std::nullopt;
    return std::string(*text);
}

Result<std::optional<protocol::PublicKey>> maybe_key(std::optional<std::string_view> hex)
{
    if (!hex) return std::optional<protocol::PublicKey>();
    auto key = protocol::PublicKey::parse_hex(*hex);
    if (!key) return Error{Reason::store_unavailable, "a row is damaged"};
    return std::optional(*key);
}

} // namespace

Result<payments::Transfer> read_transfer(Row& row)
{
    payments::Transfer transfer;
    transfer.id = payments::TransferId{row.integer()};
    const auto kind = payments::parse_transfer_kind(row.text());
    const auto state = payments::parse_transfer_state(row.text());
    if (!kind || !state) return Error{Reason::store_unavailable, "a row is damaged"};
    transfer.state = *state;
    payments::NewTransfer& what = transfer.what;
    what.kind = *kind;
    what.mint = row.text();
    what.amount = Sat(static_cast<std::uint64_t>(row.integer()));
    what.max_fee = maybe_sats(row.maybe_integer());
    what.lock = TRY(maybe_key(row.maybe_text()));
    what.address = maybe_owned(row.maybe_text());
    what.invoice = maybe_owned(row.maybe_text());
    if (const auto hash = row.maybe_text()) what.hash = TRY(read_bytes<32>(*hash));
    what.quote = maybe_owned(row.maybe_text());
    what.fee_reserve = Sat(static_cast<std::uint64_t>(row.integer()));
    if (const auto purchase = row.maybe_integer()) what.purchase = PurchaseId{*purchase};
    what.reference = maybe_owned(row.maybe_text());
    what.sender = TRY(maybe_key(row.maybe_text()));
    transfer.created_at = row.time();
    transfer.state_since = row.time();
    transfer.fee = maybe_sats(row.maybe_integer());
    transfer.token = maybe_owned(row.maybe_text());
    transfer.preimage = maybe_owned(row.maybe_text());
    transfer.failed_because = maybe_owned(row.maybe_text());
    return transfer;
}

} // namespace adit::store
