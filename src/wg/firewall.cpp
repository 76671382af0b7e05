#include "wg/firewall.h"

#include "base/log.h"

namespace adit::wg {

Firewall::Firewall(FirewallPlan plan, std::set<std::uint32_t> classes, Nft& nft)
    : plan_(std::move(plan)), nft_(nft), classes_(std::move(classes))
{
}

Result<void> Firewall::load()
{
    loaded_.reset();
    for (const auto& [address, mbps] : speeds_) classes_.insert(mbps);
    TRY(nft_.load(firewall_text(plan_, classes_, speeds_)));
    auto shown = TRY(nft_.show(firewall_table(plan_.interface)));
    if (!shown) return Error{Reason::device_unavailable, "the table is gone as soon as it was loaded"};
    loaded_ = std::move(shown);
    return {};
}

Result<void> Firewall::keep()
{
    const std::lock_guard lock(one_call_);
    if (loaded_) {
        const auto shown = TRY(nft_.show(firewall_table(plan_.interface)));
        if (shown == loaded_) return {};
        log_warn("packet_filter_changed_by_others",
                 {{"table", firewall_table(plan_.interface)}, {"gone", !shown.has_value()}});
    }
    begun_ = true;
    TRY(load());
    log_info("packet_filter_loaded", {{"table", firewall_table(plan_.interface)}, {"limited", speeds_.size()}});
    return {};
}

Result<void> Firewall::set_speeds(std::span<const PeerSpeed> speeds)
{
    const std::lock_guard lock(one_call_);
    SpeedTable before;
    SpeedTable after;
    bool new_class = false;
    for (const PeerSpeed& peer : speeds)
        for (const HostAddress& address : peer.addresses) {
            if (address.family == HostAddress::Family::v6 && !plan_.v6) continue; // of before the config changed
            if (const auto place = speeds_.find(address); place != speeds_.end()) before.insert(*place);
            after.erase(address);
            if (peer.max_mbps == 0) {
                speeds_.erase(address);
                continue;
            }
            speeds_[address] = peer.max_mbps;
            after[address] = peer.max_mbps;
            new_class |= !classes_.contains(peer.max_mbps);
        }
    if (!begun_) return {};
    if (!loaded_) return Error{Reason::device_unavailable, "the packet filter is not loaded"};
    if (new_class) return load();
    const std::string changes = speed_changes_text(plan_, before, after);
    if (changes.empty()) return {};
    if (const auto told = nft_.load(changes); !told) {
        log_warn("packet_filter_loaded_anew", {{"detail", told.error().detail}});
        return load(); // whoever changed the table: now it is ours again
    }
    return {};
}

} // namespace adit::wg
