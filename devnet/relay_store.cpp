#include "devnet/relay_store.h"

#include "protocol/constants.h"
#include "protocol/deletion.h"

#include <algorithm>

namespace adit::devnet {

using protocol::Event;
using protocol::EventId;
using protocol::Filter;
using protocol::KindClass;

bool RelayStore::Newest::operator()(const Event* a, const Event* b) const
{
    if (a->created_at != b->created_at) return a->created_at > b->created_at;
    return a->id < b->id;
}

Kept RelayStore::put(const Event& event, UnixSeconds now)
{
    if (events_.contains(event.id)) return Kept::duplicate;
    if (protocol::is_expired(event, now)) return Kept::expired;
    if (protocol::kind_class(event.kind) == KindClass::ephemeral) return Kept::ephemeral;
    if (is_deleted(event)) return Kept::deleted;

    if (const auto place = protocol::coordinate(event)) {
        const auto kept = latest_.find(*place);
        if (kept != latest_.end()) {
            const Event& other = events_.at(kept->second);
            // An expired version no longer stands in the way of an older one that has not expired.
            if (!protocol::is_expired(other, now) && !protocol::supersedes(event, other)) return Kept::superseded;
            erase(EventId(kept->second));
        }
        latest_.emplace(*place, event.id);
    }
    const auto [entry, is_new] = events_.emplace(event.id, event);
    CHECK(is_new);
    order_.insert(&entry->second);
    if (event.kind == protocol::kKindDeletion) apply_deletion(entry->second);
    return Kept::stored;
}

std::vector<const Event*> RelayStore::query(std::span<const Filter> filters, UnixSeconds now) const
{
    std::vector<std::size_t> left;
    for (const Filter& filter : filters) left.push_back(filter.limit.value_or(UINT32_MAX));
    std::vector<const Event*> found;
    for (const Event* event : order_) {
        if (protocol::is_expired(*event, now)) continue;
        bool wanted = false;
        for (std::size_t i = 0; i < filters.size(); ++i) {
            if (left[i] == 0 || !protocol::matches(filters[i], *event)) continue;
            --left[i];
            wanted = true;
        }
        if (wanted) found.push_back(event);
    }
    return found;
}

void RelayStore::clear()
{
    order_.clear();
    latest_.clear();
    deletions_.clear();
    events_.clear();
}

template<typename Visit>
void RelayStore::visit_deletions(const std::string& target, Visit visit) const
{
    const auto found = deletions_.find(target);
    if (found == deletions_.end()) return;
    for (const EventId& id : found->second) visit(events_.at(id));
}

bool RelayStore::is_deleted(const Event& event) const
{
    bool deleted = false;
    const auto look = [&](const Event& deletion) { deleted = deleted || protocol::deletes(deletion, event); };
    visit_deletions(encode_hex(event.id), look);
    if (const auto place = protocol::coordinate(event)) visit_deletions(protocol::encode_coordinate(*place), look);
    return deleted;
}

void RelayStore::apply_deletion(const Event& deletion)
{
    std::vector<EventId> gone;
    const auto consider = [&](const EventId& id) {
        const auto target = events_.find(id);
        if (target != events_.end() && protocol::deletes(deletion, target->second)) gone.push_back(id);
    };
    // The k tags are for readers' filters: what is deleted, the e and a tags alone decide.
    for (const protocol::Tag& tag : deletion.tags) {
        if (tag.size() < 2) continue;
        if (tag[0] == "e") {
            const auto id = parse_hex_exactly<32>(tag[1]);
            if (!id) continue;
            deletions_[tag[1]].push_back(deletion.id);
            consider(*id);
        } else if (tag[0] == "a") {
            const auto place = protocol::parse_coordinate(tag[1]);
            if (!place) continue;
            deletions_[protocol::encode_coordinate(*place)].push_back(deletion.id);
            if (const auto latest = latest_.find(*place); latest != latest_.end()) consider(latest->second);
        }
    }
    std::sort(gone.begin(), gone.end());
    gone.erase(std::unique(gone.begin(), gone.end()), gone.end());
    for (const EventId& id : gone) erase(id);
}

void RelayStore::erase(const EventId& id)
{
    const auto found = events_.find(id);
    CHECK(found != events_.end());
    if (const auto place = protocol::coordinate(found->second)) {
        const auto latest = latest_.find(*place);
        if (latest != latest_.end() && latest->second == id) latest_.erase(latest);
    }
    order_.erase(&found->second);
    events_.erase(found);
}

} // namespace adit::devnet
