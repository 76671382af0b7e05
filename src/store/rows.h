// store/rows.h - between rows and types: the words, the hex and the order of columns. Internal to the store.
// Errors of all that read: store_unavailable (the row is damaged).
#pragma once

#include "store/database.h"
#include "store/store.h"

#include <sodium.h>

namespace adit::store {

/// BIGINT holds 63 bits. Errors: bad_request.
Result<std::int64_t> to_bigint(std::uint64_t value);
inline std::int64_t row_number(PurchaseId id) { return static_cast<std::int64_t>(id); }

/// The hex of a secret, wiped when it goes.
class SecretHex {
public:
    explicit SecretHex(std::span<const std::uint8_t> bytes) : text_(encode_hex(bytes)) {}
    ~SecretHex() { sodium_memzero(text_.data(), text_.size()); }
    SecretHex(const SecretHex&) = delete;
    SecretHex& operator=(const SecretHex&) = delete;
    const std::string& text() const { return text_; }

private:
    std::string text_;
};

template<std::size_t N>
Result<ByteArray<N>> read_bytes(std::string_view hex)
{
    auto bytes = parse_hex_exactly<N>(hex);
    if (!bytes) return Error{Reason::store_unavailable, "a row is damaged"};
    return bytes;
}
Result<Point> read_point(std::string_view hex);
Result<SecretBytes<32>> read_secret(std::string_view hex);

std::string join_points(std::span<const Point> points);
Result<std::vector<Point>> split_points(std::string_view text);

/// "time 3600 1700000000 1700003600 0;data 1073741824 - - 0 50": the last word, Mbps, where there is a limit.
std::string encode_segments(std::span<const session::Segment> segments);
Result<std::vector<session::Segment>> read_segments(std::string_view text);

std::string_view proof_state_word(ProofState state);
std::string_view owner_word(payments::OutputOwner owner);
std::string_view purpose_word(payments::SwapPurpose purpose);
Result<payments::OutputOwner> read_owner(std::string_view word);
Result<payments::SwapPurpose> read_purpose(std::string_view word);

// The columns that each reader below expects, in its order.
#define ADIT_PURCHASE_COLUMNS                                                                                          \
    "id, state, method, event_id, auth_key, refund_key, client_key, listing, tier_amount, tier_unit, quantity, "       \
    "grant_class, "                                                                                                    \
    "grant_amount, price_sat, paid_sat, mint, holds_lease, created_at_s, state_since_s, change_token, refund_token, "  \
    "activated_at_s, expires_at_s, session, max_mbps"
#define ADIT_SESSION_COLUMNS                                                                                           \
    "s.id, s.capability, s.client_key, s.live, s.revision, s.segments, s.created_at_s, s.ended_at_s, "                 \
    "s.last_received_bytes, s.last_sent_bytes"
#define ADIT_LEASE_COLUMNS "l.address, l.address6, l.preshared_key"
#define ADIT_PROOF_COLUMNS "mint, keyset, amount_sat, secret, c, witness, dleq_e, dleq_s, dleq_r, token_event"

Result<Purchase> read_purchase(Row& row);
Result<Session> read_session(Row& row);
Result<Lease> read_lease(Row& row);
Result<WalletProof> read_proof(Row& row, ProofState state);

/// The next number of that kind; the transaction owns it.
Result<std::int64_t> next_number(Database& db, std::string_view sequence);

// What more than one topic needs, each within the caller's transaction.

/// To be called after a hold on the client's lease went: it rests until then if that was the last.
Result<void> rest_lease_if_unheld(Database& db, std::string_view client, UnixSeconds until);
/// Events are given as (id, json, created_at).
struct OutboxRow {
    std::string id;
    std::string json;
    UnixSeconds created_at;
};
std::vector<OutboxRow> outbox_rows(std::span<const protocol::Event> events);
Result<void> put_outbox_rows(Database& db, std::span<const OutboxRow> rows);

} // namespace adit::store
