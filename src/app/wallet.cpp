#include "app/wallet.h"

#include "base/log.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/mint_url.h"
#include "protocol/constants.h"
#include "protocol/deletion.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace adit::app {

using payments::cashu::Point;
using payments::cashu::Proof;
using protocol::Event;
using store::WalletProof;

namespace {

constexpr std::string_view kFactWallet = "wallet.privkeys"; // every one ever seen, hex, the one in use first
constexpr std::string_view kFactTold = "wallet.told";       // its events are on their way to relays, or came from them
constexpr Seconds kCheckSpentEvery{600};
constexpr Milliseconds kWalletIdle{30'000};
constexpr std::size_t kProofsPerEvent = 40; // well under NIP-44's 65535 bytes with DLEQ
constexpr std::size_t kYsPerQuestion = 100;
constexpr std::size_t kMostEventsUnread = 1000;

protocol::WalletProof to_wallet(const Proof& proof)
{
    protocol::WalletProof out{proof.keyset, proof.amount.count(), proof.secret, proof.c.hex(), proof.witness, {}};
    if (proof.dleq) {
        out.dleq = protocol::WalletDleq{encode_hex(proof.dleq->e), encode_hex(proof.dleq->s), {}};
        if (proof.dleq->r) out.dleq->r = encode_hex(*proof.dleq->r);
    }
    return out;
}

std::vector<Point> ys_of(std::span<const WalletProof> proofs)
{
    std::vector<Point> ys;
    for (const WalletProof& each : proofs) ys.push_back(payments::cashu::proof_y(each.proof.secret));
    return ys;
}

std::uint64_t sum_of(std::span<const protocol::WalletProof> proofs)
{
    std::uint64_t all = 0;
    for (const auto& proof : proofs) all += proof.amount;
    return all;
}

/// Proofs of one token event, as the store keeps them. Those that are malformed, or not in sat, are left on the relay.
std::vector<WalletProof> proofs_of(const protocol::TokenContent& content, const protocol::EventId& event)
{
    std::vector<WalletProof> out;
    const auto mint = payments::cashu::normalise_mint_url(content.mint);
    if (!mint || content.unit != "sat") return out;
    for (const protocol::WalletProof& each : content.proofs)
        if (auto proof = proof_of(each)) out.push_back({*mint, std::move(*proof), store::ProofState::unspent, event});
    return out;
}

std::vector<protocol::Filter> wallet_filters(const protocol::PublicKey& author)
{
    protocol::Filter mine;
    mine.authors = {author};
    mine.kinds = {protocol::kKindWallet, protocol::kKindTokens};
    protocol::Filter deletions;
    deletions.authors = {author};
    deletions.kinds = {protocol::kKindDeletion};
    deletions.tags['k'] = {std::to_string(protocol::kKindTokens)};
    return {mine, deletions};
}

} // namespace

Result<Proof> proof_of(const protocol::WalletProof& proof)
{
    const Point c = TRY(Point::parse_hex(proof.c));
    Proof out{proof.id, Sat(proof.amount), proof.secret, c, proof.witness, {}};
    if (!proof.dleq) return out;
    payments::cashu::Dleq dleq;
    dleq.e = TRY(parse_hex_exactly<32>(proof.dleq->e));
    dleq.s = TRY(parse_hex_exactly<32>(proof.dleq->s));
    if (proof.dleq->r) dleq.r = TRY(parse_hex_exactly<32>(*proof.dleq->r));
    out.dleq = dleq;
    return out;
}

Wallet::Wallet(Parts parts) : parts_(std::move(parts)), next_check_(parts.clock.steady()) {}

Result<bool> Wallet::is_known() const { return TRY(parts_.store.fact(kFactWallet)).has_value(); }

Result<void> Wallet::find_or_make(Milliseconds patience, const std::vector<std::string>& relay_urls)
{
    TRY(find(patience, relay_urls));
    return check_sales_key();
}

Result<void> Wallet::find(Milliseconds patience, const std::vector<std::string>& relay_urls)
{
    if (TRY(is_known())) return tell(relay_urls);
    if (relay_urls.empty()) return make(relay_urls); // there is nowhere that one could be
    const nostr::FetchResult fetched = fetch_all(patience);
    const protocol::WalletState found = protocol::fold_wallet(fetched.events, parts_.key);
    if (found.event) return adopt(found);
    if (!found.unreadable_wallets.empty())
        return Error{Reason::bad_encoding,
                     "a relay has a wallet event (kind 17375) of this key that can not be read; it is never replaced "
                     "unread. Delete it with the client that made it, or use another key"};
    if (!fetched.complete()) {
        std::string silent;
        for (const nostr::RelayCoverage& relay : fetched.relays)
            if (relay.coverage != nostr::Coverage::complete)
                silent += (silent.empty() ? "" : ", ") + relay.relay +
                          (relay.message.empty() ? "" : " (" + relay.message + ")");
        return Error{Reason::relay_unavailable,
                     "cannot find out whether this key has a NIP-60 wallet already: no full answer from " + silent +
                         ". Start again when they answer, or take them out of [nostr].relays"};
    }
    return make(relay_urls);
}

/// Relays cap long answers, so what is older than the oldest that came is asked for until nothing new comes.
nostr::FetchResult Wallet::fetch_all(Milliseconds patience)
{
    nostr::FetchResult all;
    std::set<protocol::EventId> known;
    std::optional<UnixSeconds> until;
    for (;;) {
        auto filters = wallet_filters(parts_.key.public_key());
        for (protocol::Filter& filter : filters) filter.until = until;
        nostr::FetchResult page = parts_.relays.fetch(std::move(filters), patience);
        std::size_t fresh = 0;
        for (Event& event : page.events) {
            if (!known.insert(event.id).second) continue;
            ++fresh;
            until = until ? std::min(*until, event.created_at) : event.created_at;
            all.events.push_back(std::move(event));
        }
        all.relays = std::move(page.relays);
        if (fresh == 0 || !all.complete()) return all;
    }
}

Result<void> Wallet::adopt(const protocol::WalletState& found)
{
    std::vector<WalletProof> proofs;
    for (const protocol::HeldToken& token : found.tokens)
        for (WalletProof& proof : proofs_of(token.content, token.event)) proofs.push_back(std::move(proof));
    const std::size_t added = TRY(parts_.store.add_wallet_proofs(proofs));
    // Last: a crash before it loads the same wallet again, and known proofs are left as they are.
    TRY(parts_.store.set_fact(kFactTold, "1"));
    TRY(remember(found.privkeys));
    log_info("wallet_loaded_from_relays", {{"proofs", added}, {"unreadable", found.unreadable_tokens.size()}});
    return {};
}

Result<void> Wallet::make(const std::vector<std::string>& relay_urls)
{
    std::vector<protocol::SecretKey> keys;
    keys.push_back(protocol::SecretKey::generate(parts_.rng));
    // The key is remembered before anybody can learn of it: what is sent to it can be spent.
    TRY(remember(keys));
    return tell(relay_urls);
}

Result<std::vector<protocol::SecretKey>> Wallet::keys() const
{
    std::vector<protocol::SecretKey> keys;
    const auto known = nlohmann::json::parse(TRY(parts_.store.fact(kFactWallet)).value_or("[]"), nullptr, false);
    for (const auto& each : known)
        if (auto key = protocol::SecretKey::parse_hex(each.is_string() ? each.get_ref<const std::string&>() : ""))
            keys.push_back(std::move(*key));
    return keys;
}

Result<void> Wallet::check_sales_key() const
{
    for (const protocol::SecretKey& key : TRY(keys()))
        if (std::ranges::find(parts_.sales_keys, key.public_key()) != parts_.sales_keys.end())
            return Error{Reason::bad_config,
                         "a sales key of [cashu] is the key of this operator's NIP-60 wallet (kind 17375): what is "
                         "sent to that as a nutzap is public, and anybody could pay with it. Make another sales key, "
                         "and name it in the listing's p2pk"};
    return {};
}

/// A wallet of ours that no relay was told of yet: it was just made, or we died in between.
Result<void> Wallet::tell(const std::vector<std::string>& relay_urls)
{
    if (TRY(parts_.store.fact(kFactTold))) return {};
    const auto known = nlohmann::json::parse(TRY(parts_.store.fact(kFactWallet)).value_or(""), nullptr, false);
    if (!known.is_array() || known.empty()) return Error{Reason::internal, "the store's wallet has no key"};
    protocol::WalletContent content;
    for (const auto& key : known)
        content.privkeys.push_back(
            TRY(protocol::SecretKey::parse_hex(key.is_string() ? key.get_ref<const std::string&>() : "")));
    for (const auto& mint : parts_.mints.all()) content.mints.push_back(mint->url());
    const UnixSeconds now = parts_.clock.now();
    const Event wallet =
        protocol::sign_event(TRY(protocol::wallet_draft(content, parts_.key, now, parts_.rng)), parts_.key, parts_.rng);
    const Event nutzap_info = protocol::sign_event(
        protocol::nutzap_info_draft({relay_urls, content.mints, content.privkeys.front().public_key()}, now),
        parts_.key, parts_.rng);
    TRY(parts_.store.put_outbox(std::vector<Event>{wallet, nutzap_info}));
    TRY(parts_.store.set_fact(kFactTold, "1"));
    log_info("wallet_made", {{"mints", content.mints.size()}});
    return {};
}

Result<void> Wallet::remember(const std::vector<protocol::SecretKey>& keys)
{
    nlohmann::json all = nlohmann::json::array();
    for (const protocol::SecretKey& key : keys) all.push_back(encode_hex(key.expose()));
    if (const auto before = TRY(parts_.store.fact(kFactWallet))) {
        const auto known = nlohmann::json::parse(*before, nullptr, false);
        if (known.is_array())
            for (const auto& key : known)
                if (std::ranges::find(all, key) == all.end()) all.push_back(key);
    }
    return parts_.store.set_fact(kFactWallet, all.dump());
}

// ---- what other clients do -----------------------------------------------------------------------------------------

void Wallet::follow()
{
    parts_.relays.subscribe(wallet_filters(parts_.key.public_key()), [this](const Event& event) { take_in(event); });
}

void Wallet::take_in(const Event& event)
{
    {
        const std::lock_guard lock(mutex_);
        if (written_.erase(event.id) > 0) return;      // our own, come back from a relay
        if (came_.size() >= kMostEventsUnread) return; // comes again with the next start or reconnect
        came_.push_back(event);
    }
    wake_();
}

void Wallet::read_what_came()
{
    std::vector<Event> events;
    {
        const std::lock_guard lock(mutex_);
        events.swap(came_);
    }
    if (events.empty()) return;
    const protocol::WalletState state = protocol::fold_wallet(events, parts_.key);
    if (!state.privkeys.empty()) {
        if (const auto kept = remember(state.privkeys); !kept)
            log_error("wallet_keys_not_kept", {{"detail", kept.error().detail}});
        if (const auto checked = check_sales_key(); !checked)
            log_error("sales_key_is_a_wallets", {{"detail", checked.error().detail}});
    }
    std::vector<WalletProof> proofs;
    for (const protocol::HeldToken& token : state.tokens)
        for (WalletProof& proof : proofs_of(token.content, token.event)) proofs.push_back(std::move(proof));
    if (proofs.empty()) return;
    const auto added = parts_.store.add_wallet_proofs(proofs);
    if (!added) {
        log_error("wallet_proofs_not_kept", {{"detail", added.error().detail}});
    } else if (*added > 0) {
        log_info("wallet_proofs_from_other_clients", {{"proofs", *added}});
        next_check_ = parts_.clock.steady(); // they say what they like: the mint knows
    }
}

// ---- what relays get -----------------------------------------------------------------------------------------------

/// A sale does not wait for this: the proofs are in the store since its receipt, and belong to no token event yet.
Result<void> Wallet::publish_new_proofs()
{
    for (;;) {
        std::vector<WalletProof> proofs = TRY(parts_.store.unpublished_proofs(kProofsPerEvent));
        if (proofs.empty()) return {};
        protocol::TokenContent content;
        content.mint = proofs.front().mint;
        for (const WalletProof& each : proofs) content.proofs.push_back(to_wallet(each.proof));
        auto parts = TRY(protocol::split_token(std::move(content)));
        std::size_t first = 0;
        for (const protocol::TokenContent& part : parts) {
            const UnixSeconds now = parts_.clock.now();
            const Event token = protocol::sign_event(TRY(protocol::token_draft(part, parts_.key, now, parts_.rng)),
                                                     parts_.key, parts_.rng);
            protocol::HistoryContent history;
            history.amount = sum_of(part.proofs);
            history.references.push_back({token.id, "", protocol::HistoryMark::created});
            const Event told = protocol::sign_event(TRY(protocol::history_draft(history, parts_.key, now, parts_.rng)),
                                                    parts_.key, parts_.rng);
            const auto ys = ys_of(std::span(proofs).subspan(first, part.proofs.size()));
            first += part.proofs.size();
            {
                const std::lock_guard lock(mutex_);
                if (written_.size() < kMostEventsUnread) written_.insert(token.id);
            }
            TRY(parts_.store.record_token_event(token.id, ys, std::vector<Event>{token, told}));
        }
    }
}

/// Token events with a proof that is gone are replaced by one with what is left, then deleted. NIP-60
Result<void> Wallet::take_back_spent()
{
    const std::vector<protocol::EventId> stale = TRY(parts_.store.stale_token_events(kProofsPerEvent));
    if (stale.empty()) return {};
    const std::vector<WalletProof> unspent = TRY(parts_.store.wallet_proofs(store::ProofState::unspent));
    // One at a time: what is left of one event always fits into another.
    for (const protocol::EventId& old : stale) {
        protocol::TokenContent content;
        store::Store::TokenEvents change{{old}, std::nullopt, {}};
        for (const WalletProof& each : unspent) {
            if (each.token_event != old) continue;
            content.mint = each.mint;
            content.proofs.push_back(to_wallet(each.proof));
            change.ys.push_back(payments::cashu::proof_y(each.proof.secret));
        }
        const UnixSeconds now = parts_.clock.now();
        std::vector<Event> outbox;
        if (!content.proofs.empty()) {
            content.del = {old};
            outbox.push_back(protocol::sign_event(TRY(protocol::token_draft(content, parts_.key, now, parts_.rng)),
                                                  parts_.key, parts_.rng));
            change.token_event = outbox.back().id;
        }
        const protocol::DeletedEvent deleted{old, protocol::kKindTokens};
        outbox.push_back(
            protocol::sign_event(protocol::deletion_draft({&deleted, 1}, {}, now), parts_.key, parts_.rng));
        TRY(parts_.store.replace_token_events(change, outbox));
    }
    return {};
}

/// NUT-07: money that another client of the operator spent is booked as that.
void Wallet::look_for_spent_elsewhere()
{
    const auto proofs = parts_.store.wallet_proofs(store::ProofState::unspent);
    if (!proofs) return;
    std::map<std::string, std::vector<Point>> by_mint;
    for (const WalletProof& each : *proofs) by_mint[each.mint].push_back(payments::cashu::proof_y(each.proof.secret));
    for (const auto& [url, ys] : by_mint) {
        payments::Mint* mint = parts_.mints.find(url);
        if (!mint) continue; // of another client: a mint that we were not told to ask
        for (std::size_t first = 0; first < ys.size(); first += kYsPerQuestion) {
            const auto some = std::span(ys).subspan(first, std::min(kYsPerQuestion, ys.size() - first));
            const auto answer = mint->client().check_state(some);
            const auto* states = std::get_if<std::vector<payments::cashu::ProofState>>(&answer);
            if (!states) break; // asked again next time
            std::vector<Point> spent;
            for (std::size_t i = 0; i < some.size(); ++i)
                if ((*states)[i] == payments::cashu::ProofState::spent) spent.push_back(some[i]);
            if (spent.empty()) continue;
            const auto marked = parts_.store.mark_spent_elsewhere(spent);
            if (marked && *marked > 0) log_info("proofs_spent_by_another_client", {{"proofs", *marked}});
        }
    }
}

Milliseconds Wallet::step()
{
    read_what_came();
    if (parts_.clock.steady() >= next_check_) {
        next_check_ = parts_.clock.steady() + kCheckSpentEvery;
        look_for_spent_elsewhere();
    }
    for (const auto& done : {take_back_spent(), publish_new_proofs()})
        if (!done) log_error("token_events_not_written", {{"detail", done.error().detail}});
    return kWalletIdle;
}

} // namespace adit::app
