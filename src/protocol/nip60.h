// protocol/nip60.h - the Cashu wallet that lives in a Nostr key's encrypted events. NIP-60, NIP-61.
// Plain JSON types: what a proof means is payments' business.
#pragma once

#include "protocol/event.h"

namespace adit::protocol {

struct WalletDleq {
    std::string e; // hex, as are the others
    std::string s;
    std::optional<std::string> r;
};

/// A NUT-00 proof as its JSON has it.
struct WalletProof {
    std::string id;           // keyset
    std::uint64_t amount = 0; // in the token's unit
    std::string secret;
    std::string c;
    std::optional<std::string> witness = {};
    std::optional<WalletDleq> dleq = {};
};

/// Kind 17375.
struct WalletContent {
    std::vector<SecretKey> privkeys; // for ecash only, never a Nostr or a sales key; the first one is in use
    std::vector<std::string> mints;  // URLs, at least one when it is ours
};

/// Kind 7375.
struct TokenContent {
    std::string mint; // URL
    std::string unit = "sat";
    std::vector<WalletProof> proofs;
    std::vector<EventId> del = {}; // the token events whose proofs these replace
};

enum class HistoryDirection { in, out };
enum class HistoryMark { created, destroyed, redeemed };

struct HistoryReference {
    EventId id;
    std::string relay; // may be empty
    HistoryMark mark;  // redeemed ones stand in plain tags, the others are encrypted
};

/// Kind 7376.
struct HistoryContent {
    HistoryDirection direction = HistoryDirection::in;
    std::uint64_t amount = 0; // in unit
    std::string unit = "sat";
    std::vector<HistoryReference> references = {};
};

/// Kind 10019, plain.
struct NutzapInfo {
    std::vector<std::string> relays;
    std::vector<std::string> mints; // each for sat
    PublicKey pubkey;               // the wallet's own, never the identity
};

/// Bytes of a token event's JSON. Padding and base64 make 44 kB of it, under the usual 64 KiB of a relay's message.
inline constexpr std::size_t kMaxTokenPlaintext = 32768;

/// Parts that each encode to at most `max_bytes`, in order; `del` stands in the last one only, so that nothing is
/// called replaced before every part of the replacement is out: publish them in this order, waiting for each OK.
/// Errors: bad_encoding (a single proof, or `del`, does not fit).
Result<std::vector<TokenContent>> split_token(TokenContent content, std::size_t max_bytes = kMaxTokenPlaintext);

/// Content encrypted to the author. Errors: bad_encoding (over NIP-44's 65535 bytes).
Result<EventDraft> wallet_draft(const WalletContent& content, const SecretKey& author, UnixSeconds now, Rng& rng);
Result<EventDraft> token_draft(const TokenContent& content, const SecretKey& author, UnixSeconds now, Rng& rng);
Result<EventDraft> history_draft(const HistoryContent& content, const SecretKey& author, UnixSeconds now, Rng& rng);
EventDraft nutzap_info_draft(const NutzapInfo& info, UnixSeconds now);

/// The event's signature is to be checked before. Errors: wrong_kind, bad_signature (not this author's), bad_encoding.
Result<WalletContent> open_wallet(const Event& event, const SecretKey& author);
Result<TokenContent> open_token(const Event& event, const SecretKey& author);
Result<HistoryContent> open_history(const Event& event, const SecretKey& author);
/// Mints without sat are left out. Errors: wrong_kind, bad_encoding.
Result<NutzapInfo> parse_nutzap_info(const Event& event);

/// The decrypted contents, for those who have them. Errors: bad_encoding; nothing of the text is repeated.
Result<WalletContent> parse_wallet_content(std::string_view json);
Result<TokenContent> parse_token_content(std::string_view json);
std::string encode_token_content(const TokenContent& content);

struct HeldToken {
    EventId event;
    UnixSeconds created_at;
    TokenContent content; // each proof's secret is in one held token only
};

struct WalletState {
    std::optional<EventId> event;    // of the newest readable 17375; none: there is none, or see below
    UnixSeconds newest{0};           // the latest created_at of any 17375: the next one must be later
    std::vector<SecretKey> privkeys; // the newest wallet's first, then every older one that was seen
    std::vector<std::string> mints;  // the newest wallet's
    std::vector<HeldToken> tokens;   // oldest first
    /// Of this author and rightly signed, but not to be read. An unreadable wallet must not be replaced.
    std::vector<EventId> unreadable_wallets;
    std::vector<EventId> unreadable_tokens;
};

/// What the fetched events (17375, 7375 and 5, from any number of relays, repeated or not, in any order) amount to.
/// Skips events that are others' or do not verify; drops tokens deleted or in another's `del`; keeps a repeated secret
/// in the newest token. NUT-07 has the last word on what is spendable.
WalletState fold_wallet(std::span<const Event> events, const SecretKey& author);

} // namespace adit::protocol
