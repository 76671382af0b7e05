#include "app/nutzaps.h"

#include "base/log.h"
#include "payments/cashu/dleq.h"
#include "payments/cashu/p2pk.h"
#include "payments/cashu/token.h"
#include "payments/selection.h"
#include "protocol/constants.h"

#include <algorithm>
#include <charconv>
#include <set>

namespace adit::app {

using payments::Mint;
using payments::Transfer;
using payments::cashu::Proof;
using protocol::Event;

namespace {

constexpr std::string_view kFactSince = "wallet.nutzaps_since";
constexpr Seconds kOverlap{2 * 86'400}; // relays get events late
constexpr std::size_t kMostNutzapsWaiting = 200;
constexpr std::size_t kMostNutzapsTold = 50; // in one step
constexpr Milliseconds kNutzapsIdle{60'000};
constexpr std::string_view kNamePrefix = "nutzap ";

std::string name_of(const protocol::EventId& event) { return std::string(kNamePrefix) + encode_hex(event); }

/// What NIP-61 asks of a receiver: our mint, its keysets in sat, a DLEQ that verifies for each proof, no secret twice.
std::optional<std::vector<Proof>> sound_proofs(const protocol::Nutzap& nutzap, const payments::cashu::MintPage& page,
                                               UnixSeconds now)
{
    std::vector<Proof> proofs;
    std::set<std::string> secrets;
    for (const protocol::WalletProof& each : nutzap.proofs) {
        auto proof = proof_of(each);
        if (!proof || !secrets.insert(proof->secret).second) return std::nullopt;
        const auto id = payments::cashu::complete_id(proof->keyset, page.keysets);
        if (!id) return std::nullopt;
        proof->keyset = *id;
        const auto* keyset = page.find(*id);
        if (!keyset || keyset->unit != "sat" || keyset->expired(now)) return std::nullopt;
        const auto key = keyset->keys.find(proof->amount);
        if (key == keyset->keys.end() || !proof->dleq || !payments::cashu::verify_proof_dleq(key->second, *proof))
            return std::nullopt;
        proof->witness.reset();
        proofs.push_back(std::move(*proof));
    }
    return proofs;
}

} // namespace

void Nutzaps::follow(nostr::RelayPool& relays)
{
    std::optional<UnixSeconds> since;
    if (const auto kept = parts_.store.fact(kFactSince); kept && *kept) {
        std::int64_t seconds = 0;
        const std::string& text = **kept;
        if (std::from_chars(text.data(), text.data() + text.size(), seconds).ec == std::errc())
            since = UnixSeconds(seconds) - kOverlap;
    }
    relays.subscribe({protocol::nutzap_filter(parts_.key.public_key(), since)},
                     [this](const Event& event) { take_in(event); });
}

void Nutzaps::take_in(const Event& event)
{
    {
        const std::lock_guard lock(mutex_);
        if (came_.size() >= kMostNutzapsWaiting) return; // comes again with the next start
        came_.push_back(event);
    }
    wake_();
}

bool Nutzaps::redeem(const Event& event)
{
    const auto nutzap = protocol::parse_nutzap(event, parts_.key.public_key());
    if (!nutzap) return true;
    Mint* mint = parts_.mints.find(nutzap->mint);
    if (!mint) return true; // not one that we named
    const std::string name = name_of(event.id);
    const auto known = parts_.store.transfer_named(name);
    if (!known) return false;
    if (*known) return true;
    const auto page = mint->book().page();
    if (mint->silent() || !mint->for_wallet_outputs(*page)) return false;
    const auto proofs = sound_proofs(*nutzap, *page, parts_.clock.now());
    const auto keys = parts_.wallet_keys();
    if (!keys) return false;
    const bool locked_to_us =
        proofs && std::ranges::any_of(*keys, [&](const protocol::SecretKey& key) {
            return payments::cashu::all_spendable_alone(*proofs, key.public_key(), parts_.clock.now()).has_value();
        });
    if (!locked_to_us) {
        log_debug("nutzap_not_for_us", {{"mint", mint->url()}});
        return true;
    }
    // Another client of the wallet may have been first: that is no failure.
    const auto states = payments::ask_inputs(*mint, payments::points_of(*proofs));
    if (!states) return false;
    if (states->together != payments::cashu::ProofState::unspent) return true;
    const auto taken = parts_.transfers.take_nutzap(*mint, *proofs, name, nutzap->sender);
    if (taken) return true;
    log_info("nutzap_not_redeemed", {{"mint", mint->url()}, {"detail", taken.error().detail}});
    return taken.error().reason != Reason::mint_unreachable && taken.error().reason != Reason::store_unavailable &&
           taken.error().reason != Reason::busy;
}

/// In one transaction with the note that it was told.
Result<void> Nutzaps::tell()
{
    for (const Transfer& done : TRY(parts_.store.untold_nutzaps(kMostNutzapsTold))) {
        const auto event = parse_hex_exactly<32>(std::string_view(*done.what.reference).substr(kNamePrefix.size()));
        if (!event || !done.what.sender) return Error{Reason::internal, "a nutzap's row without its event"};
        const Event told =
            protocol::sign_event(TRY(protocol::redeemed_draft(*event, *done.what.sender, done.what.amount.count(),
                                                              parts_.key, parts_.clock.now(), parts_.rng)),
                                 parts_.key, parts_.rng);
        TRY(parts_.store.mark_nutzap_told(done.id, told));
        log_info("nutzap_redeemed", {{"transfer", number_of(done.id)}, {"sat", done.what.amount.count()}});
    }
    return {};
}

Milliseconds Nutzaps::step()
{
    std::vector<Event> events;
    {
        const std::lock_guard lock(mutex_);
        events.swap(came_);
    }
    std::vector<Event> again;
    std::optional<UnixSeconds> newest;
    for (const Event& event : events) {
        if (!redeem(event)) {
            again.push_back(event);
        } else if (event.created_at <= parts_.clock.now()) {
            newest = std::max(newest.value_or(event.created_at), event.created_at);
        }
    }
    if (newest && again.empty()) {
        const auto before = parts_.store.fact(kFactSince);
        if (before && (!*before || (*before)->size() < 10 || **before < std::to_string(newest->count())))
            if (const auto kept = parts_.store.set_fact(kFactSince, std::to_string(newest->count())); !kept)
                log_debug("nutzaps_since_not_kept", {{"detail", kept.error().detail}});
    }
    if (!again.empty()) {
        const std::lock_guard lock(mutex_);
        came_.insert(came_.end(), again.begin(), again.end());
    }
    if (const auto told = tell(); !told) log_error("nutzaps_not_told", {{"detail", told.error().detail}});
    return kNutzapsIdle;
}

} // namespace adit::app
