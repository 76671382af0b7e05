// wg/open_device.h - which kind of device the config asks for.
#pragma once

#include "wg/device.h"

#include <filesystem>
#include <memory>

namespace adit::wg {

enum class Backend {
    automatic, // kernel or userspace, whichever has the interface; never memory
    kernel,
    userspace,
    memory,
};

struct DeviceOptions {
    Backend backend = Backend::automatic;
    std::string interface;
    std::filesystem::path uapi_folder = "/var/run/wireguard";
    std::optional<protocol::WireguardKey> memory_public_key = std::nullopt; // what a memory device says its key is
};

/// Succeeds without the interface: the device then answers device_absent, and uses it as soon as it is there.
/// Errors: bad_config.
Result<std::unique_ptr<Device>> open_device(const DeviceOptions& options);

/// Asks `first`, then `second`, beginning with the one that had the interface last. device_absent only if neither has
/// it; a device that can not tell makes the answer device_unavailable.
std::unique_ptr<Device> either_device(std::unique_ptr<Device> first, std::unique_ptr<Device> second);

} // namespace adit::wg
