#include "fakes/wireguard_interface.h"

#include <utility>

namespace adit::fakes {

namespace {

Result<void> make_in_kernel(const Netns& where, const std::string& name)
{
    TRY(where.run({"ip", "link", "add", name, "type", "wireguard"}));
    TRY(where.run({"ip", "link", "set", name, "up"}));
    return {};
}

std::string find_kernel_wireguard_missing()
{
    if (!netns_missing().empty()) return netns_missing();
    const auto space = Netns::create();
    if (!space) return space.error().detail;
    const auto made = make_in_kernel(*space, "wg0");
    return made ? "" : "this kernel has no WireGuard (" + made.error().detail + ")";
}

} // namespace

const std::string& kernel_wireguard_missing()
{
    static const std::string missing = find_kernel_wireguard_missing();
    return missing;
}

Result<WireguardInterface> WireguardInterface::start(const Netns& where, const std::string& name)
{
    WireguardInterface out(where, name);
    if (kernel_wireguard_required())
        TRY(make_in_kernel(where, name));
    else
        out.go_.emplace(TRY(WireguardGo::start(where, name)));
    return out;
}

WireguardInterface::WireguardInterface(WireguardInterface&& other) noexcept
    : where_(std::exchange(other.where_, nullptr)), name_(std::move(other.name_)), go_(std::move(other.go_))
{
}

WireguardInterface& WireguardInterface::operator=(WireguardInterface&& other) noexcept
{
    if (this == &other) return *this;
    stop();
    where_ = std::exchange(other.where_, nullptr);
    name_ = std::move(other.name_);
    go_ = std::move(other.go_);
    return *this;
}

void WireguardInterface::stop()
{
    const Netns* where = std::exchange(where_, nullptr);
    if (where == nullptr) return;
    if (go_)
        go_.reset();
    else
        (void)where->run({"ip", "link", "del", name_}).has_value(); // somebody else may have taken it away
}

} // namespace adit::fakes
