// tests/wg/inside_device.h - a device of another network namespace: the kernel speaks to that of the calling thread.
#pragma once

#include "fakes/netns.h"
#include "wg/open_device.h"

#include <memory>
#include <optional>

namespace adit::wg {

/// Each call is made inside the namespace, which must outlive it.
class InsideDevice final : public Device {
public:
    InsideDevice(const fakes::Netns& space, std::unique_ptr<Device> device) : space_(space), device_(std::move(device))
    {
    }
    Result<void> apply(std::span<const PeerChange> changes) override
    {
        return inside<Result<void>>([&] { return device_->apply(changes); });
    }
    Result<DeviceStatus> status() override
    {
        return inside<Result<DeviceStatus>>([&] { return device_->status(); });
    }
    Result<void> configure(const DeviceSettings& settings) override
    {
        return inside<Result<void>>([&] { return device_->configure(settings); });
    }

private:
    template<typename Answer, typename Call>
    Answer inside(const Call& call)
    {
        std::optional<Answer> out;
        space_.inside([&] { out.emplace(call()); });
        return std::move(*out);
    }
    const fakes::Netns& space_;
    std::unique_ptr<Device> device_;
};

/// The interface of that name, whoever made it: as `backend = "auto"` finds it.
inline std::unique_ptr<Device> open_inside(const fakes::Netns& space, const std::string& interface)
{
    return std::make_unique<InsideDevice>(space, std::move(open_device({.interface = interface})).value());
}

} // namespace adit::wg
