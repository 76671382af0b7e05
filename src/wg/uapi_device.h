// wg/uapi_device.h - a userspace WireGuard interface (wireguard-go and others), spoken to over its unix socket.
#pragma once

#include "wg/deadline.h"
#include "wg/device.h"
#include "wg/wiped_bytes.h"

#include <filesystem>
#include <memory>
#include <mutex>

namespace adit::wg {

/// Where the implementations put their sockets, whatever the network namespace.
inline constexpr std::string_view kUapiFolder = "/var/run/wireguard";

/// Holds nothing between calls, so that it finds an interface that was re-created. A socket that is not there or that
/// nobody listens on is device_absent.
class UapiDevice final : public Device {
public:
    /// The interface need not exist yet. Errors: bad_config (no name of an interface, or a path too long for a socket).
    static Result<std::unique_ptr<UapiDevice>> open(const std::string& interface,
                                                    const std::filesystem::path& folder = kUapiFolder);

    Result<void> apply(std::span<const PeerChange> changes) override;
    Result<DeviceStatus> status() override;
    Result<void> configure(const DeviceSettings& settings) override;

private:
    explicit UapiDevice(std::string path) : path_(std::move(path)) {}
    /// One request on a connection of its own, which every implementation understands.
    Result<WipedText> ask(std::string_view request, Deadline deadline);

    std::string path_;
    std::timed_mutex one_call_;
};

} // namespace adit::wg
