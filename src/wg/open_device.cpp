#include "wg/open_device.h"

#include "wg/memory_device.h"
#include "wg/netlink_device.h"
#include "wg/uapi_device.h"

#include <array>
#include <atomic>

namespace adit::wg {

namespace {

class EitherDevice final : public Device {
public:
    EitherDevice(std::unique_ptr<Device> first, std::unique_ptr<Device> second)
        : devices_{std::move(first), std::move(second)}
    {
    }
    Result<void> apply(std::span<const PeerChange> changes) override
    {
        return ask([&](Device& device) { return device.apply(changes); });
    }
    Result<DeviceStatus> status() override
    {
        return ask([](Device& device) { return device.status(); });
    }
    Result<void> configure(const DeviceSettings& settings) override
    {
        return ask([&](Device& device) { return device.configure(settings); });
    }

private:
    template<typename Call>
    auto ask(Call call) -> decltype(call(std::declval<Device&>()))
    {
        const std::size_t first = last_used_;
        const std::size_t second = 1 - first;
        auto answer = call(*devices_[first]);
        if (answer) return answer;
        auto other = call(*devices_[second]);
        if (other) {
            last_used_ = second;
            return other;
        }
        const bool one_can_not_tell =
            answer.error().reason != Reason::device_absent || other.error().reason != Reason::device_absent;
        return Error{one_can_not_tell ? Reason::device_unavailable : Reason::device_absent,
                     answer.error().detail + "; " + other.error().detail};
    }

    std::array<std::unique_ptr<Device>, 2> devices_;
    std::atomic<std::size_t> last_used_ = 0;
};

} // namespace

std::unique_ptr<Device> either_device(std::unique_ptr<Device> first, std::unique_ptr<Device> second)
{
    return std::make_unique<EitherDevice>(std::move(first), std::move(second));
}

Result<std::unique_ptr<Device>> open_device(const DeviceOptions& options)
{
    switch (options.backend) {
    case Backend::memory:
        return std::unique_ptr<Device>(std::make_unique<MemoryDevice>(options.memory_public_key));
    case Backend::kernel:
        return std::unique_ptr<Device>(TRY(NetlinkDevice::open(options.interface)));
    case Backend::userspace:
        return std::unique_ptr<Device>(TRY(UapiDevice::open(options.interface, options.uapi_folder)));
    case Backend::automatic:
        break;
    }
    return either_device(TRY(NetlinkDevice::open(options.interface)),
                         TRY(UapiDevice::open(options.interface, options.uapi_folder)));
}

} // namespace adit::wg
