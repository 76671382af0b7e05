// protocol/nip59.h - messages in three layers that hide who writes to whom. NIP-59, NIP-17.
#pragma once

#include "protocol/event.h"

namespace adit::protocol {

inline constexpr Seconds kMaxBackdating{172800}; // seals and wraps; a subscription goes back that much further

/// An event without a signature: what is said. Its author is proven by the seal around it.
struct Rumor {
    EventId id;
    PublicKey author;
    EventDraft event; // created_at is the true time
};

Rumor make_rumor(const PublicKey& author, EventDraft draft);
/// A chat message (kind 14) to all of `receivers`, plain text.
EventDraft direct_message(std::span<const PublicKey> receivers, std::string text, UnixSeconds now);

/// The rumor for one receiver, signed by its author, without tags, up to two days back from `now`.
/// Errors: bad_encoding (too long for NIP-44).
Result<Event> seal(const Rumor& rumor, const SecretKey& author, const PublicKey& receiver, UnixSeconds now, Rng& rng);
/// The seal under a key that is used once. Extra tags, such as `expiration`, come after the p tag.
/// Errors: bad_encoding (too long for NIP-44).
Result<Event> gift_wrap(const Event& seal, const PublicKey& receiver, UnixSeconds now, Rng& rng,
                        std::vector<Tag> extra_tags = {});
/// Both at once: what a sender does for each receiver, itself included.
Result<Event> seal_and_wrap(const Rumor& rumor, const SecretKey& author, const PublicKey& receiver, UnixSeconds now,
                            Rng& rng);

/// Verifies the wrap and the seal, that the wrap is addressed to us, and that the rumor's author is the seal's, without
/// which anybody could speak for anybody. The rumor's id is computed; a stated id or signature is not looked at.
/// Errors: bad_signature, wrong_kind, bad_encoding.
Result<Rumor> open_gift_wrap(const Event& wrap, const SecretKey& receiver);

} // namespace adit::protocol
