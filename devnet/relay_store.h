// devnet/relay_store.h - the events a relay keeps, in memory. NIP-01, NIP-09, NIP-40.
#pragma once

#include "protocol/filter.h"
#include "protocol/kinds.h"

#include <map>
#include <set>
#include <string>

namespace adit::devnet {

/// What became of a published event. Everything from `ephemeral` up is OK true.
enum class Kept {
    expired,    // NIP-40
    deleted,    // a kept deletion covers it
    superseded, // a newer one of the same coordinate is kept, or one as old with a lower id
    ephemeral,  // to be passed on, not kept
    duplicate,
    stored,
};

/// Not thread-safe. Signatures are the caller's to check.
class RelayStore {
public:
    Kept put(const protocol::Event& event, UnixSeconds now);
    /// Of each filter its newest `limit`, without repeats; newest first, ties by lowest id. Expired ones are left out.
    std::vector<const protocol::Event*> query(std::span<const protocol::Filter> filters, UnixSeconds now) const;
    std::size_t size() const { return order_.size(); }
    void clear();

private:
    /// Newest first, then lowest id.
    struct Newest {
        bool operator()(const protocol::Event* a, const protocol::Event* b) const;
    };
    bool is_deleted(const protocol::Event& event) const;
    void apply_deletion(const protocol::Event& deletion);
    void erase(const protocol::EventId& id);
    template<typename Visit>
    void visit_deletions(const std::string& target, Visit visit) const;

    std::map<protocol::EventId, protocol::Event> events_;
    std::set<const protocol::Event*, Newest> order_;
    std::map<protocol::Coordinate, protocol::EventId> latest_;
    std::map<std::string, std::vector<protocol::EventId>> deletions_; // by the value of their e and a tags
};

} // namespace adit::devnet
