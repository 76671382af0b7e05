// wg/netlink_device.h - a kernel WireGuard interface, spoken to over generic netlink. Needs CAP_NET_ADMIN.
#pragma once

#include "wg/device.h"

#include <memory>
#include <mutex>

namespace adit::wg {

/// Holds nothing between calls, so that it finds an interface that was re-created or a module loaded later. A kernel
/// without WireGuard, and an interface of another kind, count as device_absent.
class NetlinkDevice final : public Device {
public:
    /// The interface need not exist yet. Errors: bad_config (no name of an interface).
    static Result<std::unique_ptr<NetlinkDevice>> open(std::string interface);

    Result<void> apply(std::span<const PeerChange> changes) override;
    Result<DeviceStatus> status() override;
    Result<void> configure(const DeviceSettings& settings) override;

private:
    explicit NetlinkDevice(std::string interface) : interface_(std::move(interface)) {}
    std::string interface_;
    std::timed_mutex one_call_;
};

} // namespace adit::wg
