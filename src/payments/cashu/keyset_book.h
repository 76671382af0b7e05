// payments/cashu/keyset_book.h - what we know of one mint, so that judging a token never waits for it.
#pragma once

#include "payments/cashu/keyset.h"
#include "payments/cashu/mint_client.h"

#include <functional>
#include <memory>
#include <mutex>

namespace adit::payments::cashu {

/// Before a keyset's end: what is signed with it by then should have moved to another.
inline constexpr Seconds kKeysetEndsSoon{30 * 86'400};
/// Whether proofs of it can lie for a while: it is active, and does not end soon.
bool lasts(const Keyset& keyset, UnixSeconds now);

/// What was known at one moment; never changes.
struct MintPage {
    std::vector<Keyset> keysets; // those of our unit have their keys, verified against their id
    std::optional<MintInfo> info;

    /// By complete id, or nullptr.
    const Keyset* find(std::string_view id) const;
    /// The active keyset with keys that is not past its expiry, of those that `may` be it, or nullptr: rather one that
    /// lasts, then the lowest fee.
    const Keyset* for_outputs(
        UnixSeconds now, const std::function<bool(const Keyset&)>& may = [](const Keyset&) { return true; }) const;
    /// False only where the mint itself says that it lacks one of NUT-07, 09, 10, 11.
    bool may_sell() const;
};

/// Thread-safe. Readers never wait for the network.
class KeysetBook {
public:
    /// Keys are fetched and kept for keysets of `unit` only.
    explicit KeysetBook(std::string unit = "sat");

    /// Shared with the readers that still hold it when a newer page comes. Never null.
    std::shared_ptr<const MintPage> page() const;

    /// Asks the mint for info, keysets, and the keys that are not known yet: blocking, for a background worker, one at
    /// a time. What was learned before a failure is kept; what was known stays. True: something changed, so store
    /// dump(). Errors: mint_unreachable; mint_refused.
    Result<bool> refresh(MintClient& mint);

    /// JSON for the store, and back. Keysets whose id does not match are refused. Errors: bad_encoding.
    std::string dump() const;
    Result<void> load(std::string_view json);

private:
    void publish(MintPage page);

    const std::string unit_;
    std::mutex refreshing_;
    mutable std::mutex mutex_;
    std::shared_ptr<const MintPage> page_;
};

} // namespace adit::payments::cashu
