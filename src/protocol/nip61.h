// protocol/nip61.h - nutzaps: ecash that anybody may lock to a wallet's key and publish. NIP-61
#pragma once

#include "protocol/filter.h"
#include "protocol/nip60.h"

namespace adit::protocol {

inline constexpr std::size_t kMaxNutzapProofs = 100;

/// Kind 9321. Nothing of it is believed: whose mint it is, whether the proofs are signed, locked and unspent.
struct Nutzap {
    EventId event{};
    PublicKey sender;
    std::string mint; // URL, as written
    std::vector<WalletProof> proofs;
};

/// The event's signature is to be checked before. Errors: wrong_kind, bad_encoding (not for this recipient, another
/// unit than sat, no proof, over kMaxNutzapProofs of them, or malformed).
Result<Nutzap> parse_nutzap(const Event& event, const PublicKey& recipient);
/// `since` and later; none: all.
Filter nutzap_filter(const PublicKey& recipient, std::optional<UnixSeconds> since);

/// The history entry (7376) of one that was taken: encrypted but for the event and its sender, so that other clients of
/// the wallet do not try. Errors: bad_encoding.
Result<EventDraft> redeemed_draft(const EventId& nutzap, const PublicKey& sender, std::uint64_t amount,
                                  const SecretKey& author, UnixSeconds now, Rng& rng);

} // namespace adit::protocol
