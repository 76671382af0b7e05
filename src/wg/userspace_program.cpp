#include "wg/userspace_program.h"

#include "wg/uapi_device.h"

#include <algorithm>
#include <poll.h>

namespace adit::wg {

namespace {

constexpr Milliseconds kStartLimit{10'000};
constexpr int kLookEvery_ms = 10;

/// It prints a box of advice first; why it ended comes last.
std::string last_line(std::string text)
{
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    const auto start = text.rfind('\n');
    return start == std::string::npos ? text : text.substr(start + 1);
}

} // namespace

Result<void> WireguardGoProgram::start(const std::string& interface)
{
    const std::string path = find_program("wireguard-go");
    if (path.empty())
        return Error{Reason::bad_config, "the kernel has no WireGuard, or [wireguard].backend rules it out, and the "
                                         "program wireguard-go is not installed (/usr/bin/wireguard-go)"};
    if (running_) running_->kill(); // its interface is gone, whatever it is doing
    auto started = LastingProgram::start(path, {"-f", interface});
    if (!started) return Error{Reason::device_unavailable, started.error().detail};
    running_.emplace(std::move(*started));

    const auto device = TRY(UapiDevice::open(interface));
    const Deadline deadline(kStartLimit);
    while (!device->status()) {
        if (!running_->running())
            return Error{Reason::device_unavailable, "wireguard-go ended at once: " + last_line(running_->output())};
        if (deadline.passed()) return Error{Reason::device_unavailable, "wireguard-go does not answer on its socket"};
        ::poll(nullptr, 0, kLookEvery_ms);
    }
    return {};
}

} // namespace adit::wg
