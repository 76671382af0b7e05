#include "protocol/deletion.h"

#include "protocol/constants.h"

#include <algorithm>
#include <set>

namespace adit::protocol {

namespace {

bool names(const Event& event, std::string_view tag_name, std::string_view value)
{
    const auto tags = event.all(tag_name);
    return std::any_of(tags.begin(), tags.end(),
                       [&](const Tag* tag) { return tag->size() >= 2 && (*tag)[1] == value; });
}

/// The author; of a gift wrap, whose author was a key for once, the receiver.
bool may_delete(const PublicKey& who, const Event& target)
{
    if (target.kind == kKindGiftWrap) return names(target, "p", who.hex());
    return target.pubkey == who;
}

} // namespace

EventDraft deletion_draft(std::span<const DeletedEvent> events, std::span<const Coordinate> coordinates,
                          UnixSeconds now, std::string reason)
{
    EventDraft draft{.created_at = now, .kind = kKindDeletion, .tags = {}, .content = std::move(reason)};
    std::set<std::uint32_t> kinds;
    for (const DeletedEvent& event : events) {
        draft.tags.push_back({"e", encode_hex(event.id)});
        kinds.insert(event.kind);
    }
    for (const Coordinate& coordinate : coordinates) {
        draft.tags.push_back({"a", encode_coordinate(coordinate)});
        kinds.insert(coordinate.kind);
    }
    for (const std::uint32_t kind : kinds) draft.tags.push_back({"k", std::to_string(kind)});
    return draft;
}

bool deletes(const Event& deletion, const Event& target)
{
    if (deletion.kind != kKindDeletion || target.kind == kKindDeletion) return false;
    if (!may_delete(deletion.pubkey, target)) return false;
    if (names(deletion, "e", encode_hex(target.id))) return true;
    const auto where = coordinate(target);
    return where && target.created_at <= deletion.created_at && names(deletion, "a", encode_coordinate(*where));
}

} // namespace adit::protocol
