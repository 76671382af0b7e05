// app/seed_scan.h - the wallet's proofs back from its words alone: what each mint has ever signed for the seed. NUT-09,
// NUT-13. spec: Wallet
#pragma once

#include "base/clock.h"
#include "payments/mints.h"
#include "payments/outputs.h"
#include "store/store.h"

#include <functional>

namespace adit::app {

/// A seed that this database has not used before may have been used by another one. Until a mint has said what it
/// signed for the seed of a keyset, no output of ours is of that keyset: it could be one that was signed already. Each
/// keyset is scanned once, and each mint by itself: a silent mint delays nobody else's sales, and a keyset that can not
/// be had delays none but its own. scan() is for one thread for each mint.
class SeedScan {
public:
    struct Parts {
        store::Store& store;
        payments::WalletOutputs& outputs;
        const payments::Mints& mints;
        std::function<bool()> asked_to_stop = [] { return false; };
    };
    /// What is referred to must outlive it.
    explicit SeedScan(Parts parts);

    /// At start, before anything is sold: the mints that must be scanned, each of which awaits it from now on. None
    /// where the seed was made here. Errors: store_unavailable.
    Result<std::vector<payments::Mint*>> load();

    /// Blocking: asks for keysets, then in batches for what was signed of each, and which of it is unspent. A keyset
    /// awaits nothing any more as soon as all of that is in the store and its counter is past it. After a failure or a
    /// crash it is called again, and goes on about where it stopped.
    /// Errors: mint_unreachable, mint_refused (ask again later); store_unavailable; internal (asked to stop).
    Result<void> scan(payments::Mint& mint);

    /// Called after proofs came back: relays are to be told.
    void on_restored(std::function<void()> restored) { restored_ = std::move(restored); }

private:
    struct Found;
    static Result<std::set<payments::cashu::KeysetId>> keysets_of(payments::Mint& mint);
    Result<void> keep_unscanned(payments::Mint& mint, std::set<payments::cashu::KeysetId> keysets);
    Result<void> scan_keyset(payments::Mint& mint, const payments::cashu::Keyset& keyset);
    Result<Found> ask(payments::Mint& mint, const payments::cashu::Keyset& keyset, std::uint64_t first) const;
    Result<std::vector<store::WalletProof>> unspent_of(payments::Mint& mint,
                                                       std::vector<payments::cashu::Proof> proofs) const;

    const Parts parts_;
    std::function<void()> restored_ = [] {};
};

} // namespace adit::app
