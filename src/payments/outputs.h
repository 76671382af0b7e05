// payments/outputs.h - blinded messages of ours: making them, and turning the mint's signatures into proofs.
#pragma once

#include "payments/cashu/keyset_book.h"
#include "payments/cashu/nut13.h"
#include "payments/journal.h"

#include <map>
#include <mutex>
#include <span>

namespace adit::payments {

/// The wallet's outputs, deterministic from its seed. Counters only move forward within a process; the journal moves
/// the stored ones in the transaction that keeps an output, so one that never reached the disk was never sent and may
/// come again. NUT-13. Thread-safe.
class WalletOutputs {
public:
    WalletOutputs(cashu::Seed seed, std::map<cashu::KeysetId, std::uint64_t> next_counters);
    Result<std::vector<Output>> make(const cashu::KeysetId& keyset, std::span<const Sat> amounts);
    /// The next `count`, each of 1, to ask a mint about; they are not used up by this.
    Result<std::vector<Output>> peek(const cashu::KeysetId& keyset, std::size_t count) const;
    /// Those of the counters from `first` on, to ask a mint about.
    Result<std::vector<Output>> at(const cashu::KeysetId& keyset, std::uint64_t first, std::size_t count) const;
    std::uint64_t next(const cashu::KeysetId& keyset) const;
    /// Those before `next` are used up, whoever did it.
    void pass(const cashu::KeysetId& keyset, std::uint64_t next);

private:
    Result<std::vector<Output>> derive(const cashu::KeysetId& keyset, std::uint64_t counter,
                                       std::span<const Sat> amounts) const;

    const cashu::Seed seed_;
    mutable std::mutex mutex_;
    std::map<cashu::KeysetId, std::uint64_t> next_;
};

/// Names the seed in a database, and tells nothing of it: a keyed hash.
std::string seed_fingerprint(const cashu::Seed& seed);

/// Whom change and refunds belong to, and until when they alone can spend it: afterwards we can too. spec: Change
struct BuyerLock {
    protocol::PublicKey buyer;
    protocol::PublicKey ours;
    UnixSeconds locktime;
};

/// Random, locked outputs. Errors: bad_encoding.
Result<std::vector<Output>> buyer_outputs(const cashu::KeysetId& keyset, std::span<const Sat> amounts,
                                          const BuyerLock& lock, Rng& rng);

/// Random, for whoever has the secrets. Errors: bad_encoding.
Result<std::vector<Output>> bearer_outputs(const cashu::KeysetId& keyset, std::span<const Sat> amounts, Rng& rng);

/// Ascending by amount whoever owns them: the mint learns nothing of which is whose. NUT-03
void sort_outputs(std::vector<Output>& outputs);
std::vector<cashu::BlindedMessage> messages(std::span<const Output> outputs);

struct OwnedProofs {
    std::vector<cashu::Proof> wallet;
    std::vector<cashu::Proof> buyer;
    std::vector<cashu::Proof> transfer;
};
/// Unblinds one signature for each output, in order, after checking amount, keyset and DLEQ.
/// Errors: mint_unreachable (they are not what was asked for: the answer proves nothing).
Result<OwnedProofs> unblind_all(std::span<const Output> outputs, std::span<const cashu::BlindSignature> signatures,
                                const cashu::MintPage& page);

} // namespace adit::payments
