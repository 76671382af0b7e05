// From a heap of wallet events to what the wallet holds. NIP-60.
#include "protocol/constants.h"
#include "protocol/deletion.h"
#include "protocol/nip60.h"

#include <algorithm>
#include <set>

namespace adit::protocol {

namespace {

struct Sorted {
    std::vector<const Event*> wallets; // the one that wins first
    std::vector<const Event*> tokens;  // newest first
    std::vector<const Event*> deletions;
};

/// The author's own, verified, each once.
Sorted sort_out(std::span<const Event> events, const PublicKey& author)
{
    Sorted out;
    std::set<EventId> seen;
    for (const Event& event : events) {
        std::vector<const Event*>* const pile = event.kind == kKindWallet     ? &out.wallets
                                                : event.kind == kKindTokens   ? &out.tokens
                                                : event.kind == kKindDeletion ? &out.deletions
                                                                              : nullptr;
        if (pile == nullptr || event.pubkey != author || seen.contains(event.id) || !verify(event)) continue;
        seen.insert(event.id);
        pile->push_back(&event);
    }
    const auto newest_first = [](const Event* a, const Event* b) { return supersedes(*a, *b); };
    std::sort(out.wallets.begin(), out.wallets.end(), newest_first);
    std::sort(out.tokens.begin(), out.tokens.end(), newest_first);
    return out;
}

void fold_wallets(WalletState& state, const Sorted& events, const SecretKey& author)
{
    for (const Event* const event : events.wallets) {
        state.newest = std::max(state.newest, event->created_at);
        const bool deleted = std::any_of(events.deletions.begin(), events.deletions.end(),
                                         [&](const Event* deletion) { return deletes(*deletion, *event); });
        auto content = open_wallet(*event, author);
        if (!content) {
            if (!deleted) state.unreadable_wallets.push_back(event->id);
            continue;
        }
        // Money may still be locked to a key of a replaced or deleted wallet.
        for (SecretKey& key : content->privkeys) {
            const bool known = std::any_of(state.privkeys.begin(), state.privkeys.end(), [&](const SecretKey& other) {
                return sodium_memcmp(other.expose().data(), key.expose().data(), 32) == 0;
            });
            if (!known) state.privkeys.push_back(std::move(key));
        }
        if (!deleted && !state.event) {
            state.event = event->id;
            state.mints = std::move(content->mints);
        }
    }
}

std::set<EventId> named_by_deletions(const Sorted& events)
{
    std::set<EventId> gone;
    for (const Event* const deletion : events.deletions)
        for (const Tag* const tag : deletion->all("e"))
            if (tag->size() >= 2)
                if (auto id = parse_hex_exactly<32>((*tag)[1])) gone.insert(*id);
    return gone;
}

void fold_tokens(WalletState& state, const Sorted& events, const SecretKey& author)
{
    std::set<EventId> gone = named_by_deletions(events);
    std::vector<HeldToken> held; // newest first, so far
    for (const Event* const event : events.tokens) {
        auto content = open_token(*event, author);
        if (!content) {
            if (!gone.contains(event->id)) state.unreadable_tokens.push_back(event->id);
            continue;
        }
        // Also of one that is itself deleted by now: what it replaced stays replaced.
        gone.insert(content->del.begin(), content->del.end());
        held.push_back({.event = event->id, .created_at = event->created_at, .content = std::move(content).value()});
    }
    std::set<std::string> secrets;
    for (HeldToken& token : held) {
        if (gone.contains(token.event)) continue;
        std::erase_if(token.content.proofs,
                      [&](const WalletProof& proof) { return !secrets.insert(proof.secret).second; });
        state.tokens.push_back(std::move(token));
    }
    std::reverse(state.tokens.begin(), state.tokens.end());
    std::erase_if(state.unreadable_tokens, [&](const EventId& id) { return gone.contains(id); });
}

} // namespace

WalletState fold_wallet(std::span<const Event> events, const SecretKey& author)
{
    const Sorted sorted = sort_out(events, author.public_key());
    WalletState state;
    fold_wallets(state, sorted, author);
    fold_tokens(state, sorted, author);
    return state;
}

} // namespace adit::protocol
