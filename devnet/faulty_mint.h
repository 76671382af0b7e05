// devnet/faulty_mint.h - the mint as the network shows it: with latency, silence and lies.
#pragma once

#include "devnet/delivery.h"
#include "devnet/mint.h"

namespace adit::devnet {

/// The endpoint's name for faults: mint.info, mint.keys, mint.keysets, mint.swap, mint.checkstate, mint.restore,
/// mint.quote, mint.mint, mint.melt_quote, mint.melt; else mint.unknown.
std::string_view mint_endpoint(std::string_view path);

/// Thread-safe. A caller with a socket waits out `fault->latency` before serve() where the moment is `before`, after
/// it where it is `after`; this class itself never waits.
class FaultyMint {
public:
    FaultyMint(Mint& mint, Faults& faults) : mint_(mint), faults_(faults) {}

    /// The fault that strikes this request: ask once.
    std::optional<Fault> strike(std::string_view path) { return faults_.take(mint_endpoint(path)); }
    Outcome serve(const std::optional<Fault>& fault, std::string_view method, std::string_view path,
                  std::string_view body);

private:
    Mint& mint_;
    Faults& faults_;
};

} // namespace adit::devnet
