#include "wg/address_pool.h"

#include "wg/cidr.h"

#include <algorithm>

namespace adit::wg {

namespace {

using Family = HostAddress::Family;

/// The last four bytes, or the only ones.
std::uint32_t low_bits(const HostAddress& address)
{
    std::uint32_t out = 0;
    const unsigned size = bits_of(address.family) / 8;
    for (unsigned i = size - 4; i < size; ++i) out = out << 8 | address.bytes[i];
    return out;
}

HostAddress with_low_bits(HostAddress base, std::uint32_t host)
{
    const unsigned size = bits_of(base.family) / 8;
    for (unsigned i = 0; i < 4; ++i) {
        auto& byte = base.bytes[size - 1 - i];
        byte = static_cast<std::uint8_t>(byte | (host >> (8 * i)));
    }
    return base;
}

} // namespace

std::vector<HostAddress> TunnelAddress::all() const
{
    std::vector<HostAddress> out{v4};
    if (v6) out.push_back(*v6);
    return out;
}

Result<std::unique_ptr<AddressPool>> AddressPool::open(const AllowedIp& subnet, const std::optional<AllowedIp>& subnet6,
                                                       std::span<const HostAddress> interface_addresses,
                                                       const Clock& clock)
{
    if (subnet.address.family != Family::v4) return Error{Reason::bad_config, "subnet_cidr: expected IPv4"};
    if (subnet.prefix < 4 || subnet.prefix > 30)
        return Error{Reason::bad_config, "subnet_cidr: expected a prefix length of 4 to 30"};
    const unsigned host_bits = 32u - subnet.prefix;
    if (subnet6 && subnet6->address.family != Family::v6)
        return Error{Reason::bad_config, "subnet_cidr6: expected IPv6"};
    if (subnet6 && subnet6->prefix > 128 - host_bits)
        return Error{Reason::bad_config, "subnet_cidr6: expected a prefix length of at most " +
                                             std::to_string(128 - host_bits) + ", to have room for all of subnet_cidr"};

    std::unique_ptr<AddressPool> pool(new AddressPool(subnet, subnet6, clock));
    pool->reserved_ = {{0, 0}, {pool->last_, pool->last_}};
    for (const HostAddress& address : interface_addresses) {
        const auto bits = static_cast<std::uint8_t>(bits_of(address.family));
        if (const auto hosts = pool->hosts_in({address, bits})) pool->reserved_.push_back(*hosts);
    }
    pool->exclude({});
    return pool;
}

AddressPool::AddressPool(const AllowedIp& subnet, const std::optional<AllowedIp>& subnet6, const Clock& clock)
    : host_bits_(32u - subnet.prefix),
      last_(static_cast<Host>((std::uint64_t{1} << host_bits_) - 1)), subnet_{first_address(subnet), subnet.prefix},
      // Only as much of the IPv6 subnet as host parts reach.
      subnet6_(subnet6 ? std::optional(AllowedIp{first_address(*subnet6), static_cast<std::uint8_t>(128 - host_bits_)})
                       : std::nullopt),
      clock_(clock)
{
}

TunnelAddress AddressPool::address_of(Host host) const
{
    TunnelAddress out{with_low_bits(subnet_.address, host), std::nullopt};
    if (subnet6_) out.v6 = with_low_bits(subnet6_->address, host);
    return out;
}

std::optional<AddressPool::Host> AddressPool::host_of(const HostAddress& v4) const
{
    if (!contains(subnet_, v4)) return std::nullopt;
    return low_bits(v4) & last_;
}

std::optional<AddressPool::Range> AddressPool::hosts_in(const AllowedIp& range) const
{
    const bool v4 = range.address.family == Family::v4;
    if (!v4 && !subnet6_) return std::nullopt;
    const AllowedIp& ours = v4 ? subnet_ : *subnet6_;
    if (!overlap(ours, range)) return std::nullopt;
    if (range.prefix <= ours.prefix) return Range{0, last_};
    return Range{low_bits(first_address(range)) & last_, low_bits(last_address(range)) & last_};
}

void AddressPool::exclude(std::span<const AllowedIp> foreign)
{
    std::vector<Range> ranges = reserved_;
    for (const AllowedIp& range : foreign)
        if (const auto hosts = hosts_in(range)) ranges.push_back(*hosts);

    const auto by_first = [](const Range& a, const Range& b) { return a.first < b.first; };
    std::ranges::sort(ranges, by_first);
    std::map<Host, Host> merged;
    std::uint64_t count = 0;
    for (const Range& range : ranges) {
        if (!merged.empty() && range.first <= std::prev(merged.end())->second) {
            Host& last = std::prev(merged.end())->second;
            if (range.last > last) count += range.last - last;
            last = std::max(last, range.last);
        } else {
            merged.emplace_hint(merged.end(), range.first, range.last);
            count += std::uint64_t{range.last} - range.first + 1;
        }
    }
    if (merged == excluded_) return;
    excluded_ = std::move(merged);
    excluded_count_ = count;

    for (auto rest = rested_.begin(); rest != rested_.end();) {
        if (is_excluded(rest->second)) {
            rest_until_.erase(rest->second);
            rest = rested_.erase(rest);
        } else {
            ++rest;
        }
    }

    // What lies between the excluded ranges, and is neither out nor resting, is fresh.
    ranges.clear();
    for (const auto& [first, last] : excluded_) ranges.push_back({first, last});
    for (const Host host : out_) ranges.push_back({host, host});
    for (const auto& rest : rest_until_) ranges.push_back({rest.first, rest.first});
    std::ranges::sort(ranges, by_first);
    never_out_.clear();
    never_out_count_ = 0;
    std::uint64_t next = 0;
    for (const Range& range : ranges) {
        if (range.first > next) {
            never_out_.emplace_hint(never_out_.end(), static_cast<Host>(next), range.first - 1);
            never_out_count_ += range.first - next;
        }
        next = std::max(next, std::uint64_t{range.last} + 1);
    }
    CHECK(next == std::uint64_t{last_} + 1); // the broadcast address ends them all
}

bool AddressPool::is_excluded(Host host) const
{
    const auto after = excluded_.upper_bound(host);
    return after != excluded_.begin() && std::prev(after)->second >= host;
}

void AddressPool::end_rests()
{
    const UnixSeconds now = clock_.now();
    while (!resting_.empty() && resting_.begin()->first <= now) {
        const Rest rest = *resting_.begin();
        resting_.erase(resting_.begin());
        if (is_excluded(rest.second))
            rest_until_.erase(rest.second); // fresh again once it is no longer excluded
        else
            rested_.insert(rest);
    }
}

AddressPool::Host AddressPool::take_never_out(std::map<Host, Host>::iterator range, Host host)
{
    const auto [first, last] = *range;
    const auto after = never_out_.erase(range);
    if (host < last) never_out_.emplace_hint(after, host + 1, last);
    if (first < host) never_out_.emplace(first, host - 1);
    --never_out_count_;
    out_.insert(host);
    return host;
}

Result<TunnelAddress> AddressPool::take()
{
    const std::lock_guard lock(mutex_);
    end_rests();
    if (!rested_.empty()) {
        const Host host = rested_.begin()->second;
        rested_.erase(rested_.begin());
        rest_until_.erase(host);
        out_.insert(host);
        return address_of(host);
    }
    if (never_out_.empty()) return Error{Reason::no_ip_available, "every address is out or resting"};
    const auto lowest = never_out_.begin();
    return address_of(take_never_out(lowest, lowest->first));
}

Result<TunnelAddress> AddressPool::hold(const HostAddress& v4)
{
    const std::lock_guard lock(mutex_);
    const auto host = host_of(v4);
    if (!host) return Error{Reason::not_found, v4.text() + " is not in the subnet"};
    if (out_.contains(*host)) return Error{Reason::bad_step, v4.text() + " is out already"};
    if (const auto rest = rest_until_.find(*host); rest != rest_until_.end()) {
        resting_.erase({rest->second, *host});
        rested_.erase({rest->second, *host});
        rest_until_.erase(rest);
    }
    const auto after = never_out_.upper_bound(*host);
    if (after != never_out_.begin() && std::prev(after)->second >= *host)
        take_never_out(std::prev(after), *host);
    else
        out_.insert(*host);
    return address_of(*host);
}

void AddressPool::give_back(const TunnelAddress& address, UnixSeconds rest_until)
{
    const std::lock_guard lock(mutex_);
    const auto host = host_of(address.v4);
    if (!host || out_.erase(*host) == 0) return;
    resting_.emplace(rest_until, *host);
    rest_until_.emplace(*host, rest_until);
}

void AddressPool::set_foreign(std::span<const AllowedIp> ranges)
{
    const std::lock_guard lock(mutex_);
    exclude(ranges);
}

std::uint64_t AddressPool::size() const
{
    const std::lock_guard lock(mutex_);
    return std::uint64_t{last_} + 1 - excluded_count_;
}

std::uint64_t AddressPool::free()
{
    const std::lock_guard lock(mutex_);
    end_rests();
    return never_out_count_ + rested_.size();
}

} // namespace adit::wg
