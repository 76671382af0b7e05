#include "protocol/nip59.h"

#include "protocol/constants.h"
#include "protocol/json.h"
#include "protocol/json_fields.h"
#include "protocol/nip44.h"

#include <algorithm>

namespace adit::protocol {

namespace {

/// The rumor's JSON: an event without a sig, made from a signed one's form so that there is one serializer.
std::string encode_rumor(const Rumor& rumor)
{
    std::string text = encode_event(Event{.id = rumor.id,
                                          .pubkey = rumor.author,
                                          .created_at = rumor.event.created_at,
                                          .kind = rumor.event.kind,
                                          .tags = rumor.event.tags,
                                          .content = rumor.event.content,
                                          .sig = {}});
    static constexpr std::string_view kSigMember = R"(,"sig":")";
    text.resize(text.size() - kSigMember.size() - 128 - 2); // the member, its digits, the closing quote and brace
    text.push_back('}');
    return text;
}

/// Whatever it states as id and sig is replaced: the one is computed, the other proves nothing.
Result<Rumor> parse_rumor(std::string_view text)
{
    nlohmann::json object = TRY(parse_json(text));
    if (!object.is_object()) return Error{Reason::bad_encoding, "a rumor that is not an object"};
    object["id"] = std::string(64, '0');
    object["sig"] = std::string(128, '0');
    Event event = TRY(parse_event(object));
    return make_rumor(event.pubkey, EventDraft{.created_at = event.created_at,
                                               .kind = event.kind,
                                               .tags = std::move(event.tags),
                                               .content = std::move(event.content)});
}

UnixSeconds some_time_before(UnixSeconds now, Rng& rng)
{
    const auto back = rng.below(static_cast<std::uint64_t>(kMaxBackdating.count()) + 1);
    return std::max(UnixSeconds(0), now - Seconds(static_cast<std::int64_t>(back)));
}

bool is_addressed_to(const Event& wrap, const PublicKey& receiver)
{
    const std::string hex = receiver.hex();
    const auto tags = wrap.all("p");
    return std::any_of(tags.begin(), tags.end(), [&](const Tag* tag) { return tag->size() >= 2 && (*tag)[1] == hex; });
}

} // namespace

Rumor make_rumor(const PublicKey& author, EventDraft draft)
{
    const EventId id = event_id(author, draft);
    return Rumor{.id = id, .author = author, .event = std::move(draft)};
}

EventDraft direct_message(std::span<const PublicKey> receivers, std::string text, UnixSeconds now)
{
    EventDraft draft{.created_at = now, .kind = kKindPrivateMessage, .tags = {}, .content = std::move(text)};
    for (const PublicKey& receiver : receivers) draft.tags.push_back({"p", receiver.hex()});
    return draft;
}

Result<Event> seal(const Rumor& rumor, const SecretKey& author, const PublicKey& receiver, UnixSeconds now, Rng& rng)
{
    CHECK(rumor.author == author.public_key());
    std::string content = TRY(nip44_encrypt(conversation_key(author, receiver), encode_rumor(rumor), rng));
    return sign_event({.created_at = some_time_before(now, rng),
                       .kind = kKindSeal,
                       .tags = {}, // always: they would say something
                       .content = std::move(content)},
                      author, rng);
}

Result<Event> gift_wrap(const Event& seal, const PublicKey& receiver, UnixSeconds now, Rng& rng,
                        std::vector<Tag> extra_tags)
{
    const SecretKey once = SecretKey::generate(rng);
    std::string content = TRY(nip44_encrypt(conversation_key(once, receiver), encode_event(seal), rng));
    std::vector<Tag> tags{{"p", receiver.hex()}};
    tags.insert(tags.end(), std::make_move_iterator(extra_tags.begin()), std::make_move_iterator(extra_tags.end()));
    return sign_event({.created_at = some_time_before(now, rng),
                       .kind = kKindGiftWrap,
                       .tags = std::move(tags),
                       .content = std::move(content)},
                      once, rng);
}

Result<Event> seal_and_wrap(const Rumor& rumor, const SecretKey& author, const PublicKey& receiver, UnixSeconds now,
                            Rng& rng)
{
    return gift_wrap(TRY(seal(rumor, author, receiver, now, rng)), receiver, now, rng);
}

Result<Rumor> open_gift_wrap(const Event& wrap, const SecretKey& receiver)
{
    if (wrap.kind != kKindGiftWrap && wrap.kind != kKindEphemeralGiftWrap)
        return Error{Reason::wrong_kind, "not a gift wrap"};
    TRY(verify(wrap));
    if (!is_addressed_to(wrap, receiver.public_key())) return Error{Reason::bad_encoding, "a gift wrap for another"};

    const Event sealed = TRY(parse_event(TRY(nip44_decrypt(conversation_key(receiver, wrap.pubkey), wrap.content))));
    if (sealed.kind != kKindSeal) return Error{Reason::wrong_kind, "no seal in the gift wrap"};
    TRY(verify(sealed)); // NIP-17 lets it carry an expiration, so tags do not matter

    Rumor rumor = TRY(parse_rumor(TRY(nip44_decrypt(conversation_key(receiver, sealed.pubkey), sealed.content))));
    if (rumor.author != sealed.pubkey)
        return Error{Reason::bad_signature, "a rumor that is not of the author of its seal"};
    return rumor;
}

} // namespace adit::protocol
