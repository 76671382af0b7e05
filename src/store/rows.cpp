#include "store/rows.h"

#include <charconv>
#include <limits>

namespace adit::store {

namespace {

Error damaged() { return {Reason::store_unavailable, "a row is damaged"}; }

/// What stands before the next `separator`; `rest` moves behind it.
std::string_view cut(std::string_view& rest, char separator)
{
    const auto end = rest.find(separator);
    const auto word = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    return word;
}

template<typename Number>
Result<Number> read_number(std::string_view word)
{
    Number value{};
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size()) return damaged();
    return value;
}

Result<std::optional<UnixSeconds>> read_maybe_time(std::string_view word)
{
    if (word == "-") return std::optional<UnixSeconds>();
    return std::optional(UnixSeconds(TRY(read_number<std::int64_t>(word))));
}

Result<protocol::PublicKey> read_public_key(std::string_view hex)
{
    auto key = protocol::PublicKey::parse_hex(hex);
    if (!key) return damaged();
    return key;
}

Result<session::GrantClass> read_class(std::string_view word)
{
    const auto cls = protocol::parse_dimension(word);
    if (!cls) return damaged();
    return *cls;
}

Result<std::optional<protocol::WireguardKey>> read_client_key(Row& row)
{
    const auto hex = row.maybe_text();
    if (!hex) return std::optional<protocol::WireguardKey>();
    return std::optional(protocol::WireguardKey(TRY(read_bytes<32>(*hex))));
}

std::optional<std::string> owned(std::optional<std::string_view> text)
{
    if (!text) return std::nullopt;
    return std::string(*text);
}

std::uint64_t read_amount(Row& row) { return static_cast<std::uint64_t>(row.integer()); }

} // namespace

Result<std::int64_t> to_bigint(std::uint64_t value)
{
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return Error{Reason::bad_request, "a number over 2^63-1"};
    return static_cast<std::int64_t>(value);
}

Result<Point> read_point(std::string_view hex)
{
    auto point = Point::parse_hex(hex);
    if (!point) return damaged();
    return point;
}

Result<SecretBytes<32>> read_secret(std::string_view hex)
{
    auto secret = parse_secret_hex<32>(hex);
    if (!secret) return damaged();
    return secret;
}

std::string join_points(std::span<const Point> points)
{
    std::string text;
    text.reserve(points.size() * 67);
    for (const Point& point : points) {
        if (!text.empty()) text += ' ';
        text += point.hex();
    }
    return text;
}

Result<std::vector<Point>> split_points(std::string_view text)
{
    std::vector<Point> points;
    while (!text.empty()) points.push_back(TRY(read_point(cut(text, ' '))));
    return points;
}

std::string encode_segments(std::span<const session::Segment> segments)
{
    const auto time = [](const std::optional<UnixSeconds>& at) { return at ? std::to_string(at->count()) : "-"; };
    std::string text;
    for (const session::Segment& segment : segments) {
        if (!text.empty()) text += ';';
        text += protocol::dimension_word(segment.cls);
        text += ' ' + std::to_string(segment.amount);
        text += ' ' + time(segment.started_at);
        text += ' ' + time(segment.ends_at);
        text += ' ' + std::to_string(segment.used_bytes);
        if (segment.max_mbps != 0) text += ' ' + std::to_string(segment.max_mbps);
    }
    return text;
}

Result<std::vector<session::Segment>> read_segments(std::string_view text)
{
    std::vector<session::Segment> segments;
    while (!text.empty()) {
        auto words = cut(text, ';');
        session::Segment segment;
        segment.cls = TRY(read_class(cut(words, ' ')));
        segment.amount = TRY(read_number<std::uint64_t>(cut(words, ' ')));
        segment.started_at = TRY(read_maybe_time(cut(words, ' ')));
        segment.ends_at = TRY(read_maybe_time(cut(words, ' ')));
        segment.used_bytes = TRY(read_number<std::uint64_t>(cut(words, ' ')));
        if (!words.empty()) segment.max_mbps = TRY(read_number<std::uint32_t>(cut(words, ' ')));
        if (!words.empty()) return damaged();
        segments.push_back(segment);
    }
    return segments;
}

std::string_view proof_state_word(ProofState state)
{
    switch (state) {
    case ProofState::unspent:
        return "unspent";
    case ProofState::refunding:
        return "refunding";
    case ProofState::moving:
        return "moving";
    case ProofState::spent:
        return "spent";
    case ProofState::spent_elsewhere:
        return "spent_elsewhere";
    }
    CHECK(false);
}

std::string_view owner_word(payments::OutputOwner owner)
{
    switch (owner) {
    case payments::OutputOwner::wallet:
        return "wallet";
    case payments::OutputOwner::buyer:
        return "buyer";
    case payments::OutputOwner::transfer:
        return "transfer";
    }
    CHECK(false);
}

std::string_view purpose_word(payments::SwapPurpose purpose)
{
    switch (purpose) {
    case payments::SwapPurpose::redeem:
        return "redeem";
    case payments::SwapPurpose::refund:
        return "refund";
    case payments::SwapPurpose::transfer:
        return "transfer";
    case payments::SwapPurpose::melt:
        return "melt";
    }
    CHECK(false);
}

Result<payments::OutputOwner> read_owner(std::string_view word)
{
    for (const auto owner :
         {payments::OutputOwner::wallet, payments::OutputOwner::buyer, payments::OutputOwner::transfer})
        if (owner_word(owner) == word) return owner;
    return damaged();
}

Result<payments::SwapPurpose> read_purpose(std::string_view word)
{
    for (const auto purpose : {payments::SwapPurpose::redeem, payments::SwapPurpose::refund,
                               payments::SwapPurpose::transfer, payments::SwapPurpose::melt})
        if (purpose_word(purpose) == word) return purpose;
    return damaged();
}

Result<Purchase> read_purchase(Row& row)
{
    const PurchaseId id{row.integer()};
    const auto state = session::parse_state(row.text());
    if (!state) return damaged();
    const auto method = session::parse_method(row.text());
    if (!method) return damaged();
    Purchase purchase{.id = id, .state = *state, .method = *method};
    if (const auto event = row.maybe_text()) purchase.event_id = TRY(read_bytes<32>(*event));
    if (const auto key = row.maybe_text()) purchase.auth_key = TRY(read_public_key(*key));
    if (const auto key = row.maybe_text()) purchase.refund_key = TRY(read_public_key(*key));
    purchase.client_key = TRY(read_client_key(row));
    purchase.listing = row.text();
    purchase.tier_amount = row.text();
    purchase.tier_unit = row.text();
    purchase.quantity = read_amount(row);
    purchase.grant.cls = TRY(read_class(row.text()));
    purchase.grant.amount = read_amount(row);
    purchase.price = Sat(read_amount(row));
    purchase.paid = Sat(read_amount(row));
    purchase.mint = owned(row.maybe_text());
    purchase.holds_lease = row.integer() != 0;
    purchase.created_at = row.time();
    purchase.state_since = row.time();
    purchase.change = owned(row.maybe_text());
    purchase.refund = owned(row.maybe_text());
    purchase.activated_at = row.maybe_time();
    purchase.expires_at = row.maybe_time();
    purchase.session = row.maybe_integer();
    purchase.grant.max_mbps = static_cast<std::uint32_t>(row.integer());
    return purchase;
}

Result<Session> read_session(Row& row)
{
    Session session;
    session.row = row.integer();
    session.id = row.text();
    session.client_key = TRY(read_client_key(row));
    session.live = row.integer() != 0;
    session.revision = row.integer();
    session.segments = TRY(read_segments(row.text()));
    session.created_at = row.time();
    session.ended_at = row.maybe_time();
    session.last_received_bytes = read_amount(row);
    session.last_sent_bytes = read_amount(row);
    return session;
}

Result<Lease> read_lease(Row& row)
{
    Lease lease;
    lease.address = row.text();
    lease.address6 = owned(row.maybe_text());
    if (const auto key = row.maybe_text()) lease.preshared_key = TRY(read_secret(*key));
    return lease;
}

Result<WalletProof> read_proof(Row& row, ProofState state)
{
    std::string mint(row.text());
    std::string keyset(row.text());
    const Sat amount(read_amount(row));
    std::string secret(row.text());
    const Point c = TRY(read_point(row.text()));
    Proof proof{
        .keyset = std::move(keyset), .amount = amount, .secret = std::move(secret), .c = c, .witness = {}, .dleq = {}};
    proof.witness = owned(row.maybe_text());
    const auto e = row.maybe_text();
    const auto s = row.maybe_text();
    const auto r = row.maybe_text();
    if (e && s) {
        const auto e_bytes = TRY(read_bytes<32>(*e));
        const auto s_bytes = TRY(read_bytes<32>(*s));
        proof.dleq = payments::cashu::Dleq{.e = e_bytes, .s = s_bytes, .r = {}};
        if (r) proof.dleq->r = TRY(read_bytes<32>(*r));
    }
    WalletProof found{.mint = std::move(mint), .proof = std::move(proof), .state = state, .token_event = {}};
    if (const auto event = row.maybe_text()) found.token_event = TRY(read_bytes<32>(*event));
    return found;
}

Result<std::int64_t> next_number(Database& db, std::string_view sequence)
{
    const auto next =
        TRY(db.number("UPDATE sequences SET next = next + 1 WHERE name = $1 RETURNING next - 1", {sequence}));
    if (!next) return damaged();
    return *next;
}

} // namespace adit::store
