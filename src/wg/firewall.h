// wg/firewall.h - keeps one nftables table as firewall_text.h has it, and moves peers between its speeds.
#pragma once

#include "wg/firewall_text.h"
#include "wg/keeper.h"
#include "wg/nft.h"

#include <mutex>

namespace adit::wg {

class Firewall {
public:
    /// `classes`: the speeds to be ready for; others join when they are met. `nft` must outlive it.
    Firewall(FirewallPlan plan, std::set<std::uint32_t> classes, Nft& nft);

    /// Loads the table whole, the first time and whenever it is not as it was loaded. Errors: as Nft.
    Result<void> keep();
    /// Remembered from then on. Before the first keep() nothing else is done; afterwards only the elements that change
    /// are told to the kernel. Errors: device_unavailable (the table is not there; keep() puts it right).
    Result<void> set_speeds(std::span<const PeerSpeed> speeds);

private:
    Result<void> load();

    const FirewallPlan plan_;
    Nft& nft_;
    std::mutex one_call_;
    std::set<std::uint32_t> classes_;
    SpeedTable speeds_;
    std::optional<std::string> loaded_; // as nft shows it
    bool begun_ = false;
};

} // namespace adit::wg
