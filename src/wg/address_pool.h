// wg/address_pool.h - the tunnel addresses that may be given out, and the rest each takes between two keys.
#pragma once

#include "base/clock.h"
#include "wg/device.h"

#include <map>
#include <memory>
#include <mutex>
#include <set>

namespace adit::wg {

/// The two share their host part: 10.8.0.7 goes with fd00::7.
struct TunnelAddress {
    HostAddress v4;
    std::optional<HostAddress> v6;
    auto operator<=>(const TunnelAddress&) const = default;

    std::vector<HostAddress> all() const;
};

/// Gives out the address that has rested longest, and only if none has, the lowest that was never out. Its memory
/// grows with the addresses that are out or resting, not with the subnet; every call but set_foreign is logarithmic
/// in that. Thread-safe.
class AddressPool {
public:
    /// subnet: IPv4, /4 to /30. subnet6: IPv6, with room for the same host parts. Bits behind the prefixes do not
    /// matter. Network, broadcast and `interface_addresses` (of either family) are never given out. The clock must
    /// outlive the pool. Errors: bad_config.
    static Result<std::unique_ptr<AddressPool>> open(const AllowedIp& subnet, const std::optional<AllowedIp>& subnet6,
                                                     std::span<const HostAddress> interface_addresses,
                                                     const Clock& clock);

    /// Errors: no_ip_available.
    Result<TunnelAddress> take();
    /// Marks an address as out: at start, what the store says is in use, foreign peers or not. Ends its rest.
    /// Errors: not_found (not in the subnet), bad_step (out already).
    Result<TunnelAddress> hold(const HostAddress& v4);
    /// It is given out again no sooner than that. An address that is not out is left as it is.
    void give_back(const TunnelAddress& address, UnixSeconds rest_until);

    /// The allowed IPs of peers that are not ours, instead of those told before: none of them is given out from now
    /// on. What is out already stays out.
    void set_foreign(std::span<const AllowedIp> ranges);

    /// All that could be given out if nobody had any.
    std::uint64_t size() const;
    /// What take() could give now.
    std::uint64_t free();

private:
    using Host = std::uint32_t; // the host part; the subnet starts at 0
    struct Range {
        Host first;
        Host last;
    };
    using Rest = std::pair<UnixSeconds, Host>; // until when

    AddressPool(const AllowedIp& subnet, const std::optional<AllowedIp>& subnet6, const Clock& clock);
    TunnelAddress address_of(Host host) const;
    std::optional<Host> host_of(const HostAddress& v4) const;
    std::optional<Range> hosts_in(const AllowedIp& range) const;
    void exclude(std::span<const AllowedIp> foreign); // and lays out never_out_ anew
    bool is_excluded(Host host) const;
    void end_rests();
    Host take_never_out(std::map<Host, Host>::iterator range, Host host);

    const unsigned host_bits_;
    const Host last_; // the broadcast address
    const AllowedIp subnet_;
    const std::optional<AllowedIp> subnet6_;
    const Clock& clock_;

    mutable std::mutex mutex_;
    std::vector<Range> reserved_;   // network, broadcast, interface
    std::map<Host, Host> excluded_; // those and the foreign ones: first to last, disjoint
    std::uint64_t excluded_count_ = 0;
    std::map<Host, Host> never_out_; // first to last, disjoint; none of them excluded, out or resting
    std::uint64_t never_out_count_ = 0;
    std::set<Host> out_;
    std::set<Rest> resting_;
    std::set<Rest> rested_;                  // may be taken; none of them excluded
    std::map<Host, UnixSeconds> rest_until_; // of both
};

} // namespace adit::wg
