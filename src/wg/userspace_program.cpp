#include "wg/userspace_program.h"

#include "wg/uapi_device.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <system_error>
#include <unistd.h>

namespace adit::wg {

namespace {

constexpr Milliseconds kStartLimit{10'000};
constexpr int kLookEvery_ms = 10;
constexpr const char* kTun = "/dev/net/tun";
constexpr const char* kSocketFolder = "/var/run/wireguard";

/// It prints a box of advice first; why it ended comes last.
std::string last_line(std::string text)
{
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    const auto start = text.rfind('\n');
    return start == std::string::npos ? text : text.substr(start + 1);
}

} // namespace

Result<void> check_userspace_places(const std::string& tun, const std::string& socket_folder)
{
    const auto wrong = [](const std::string& what, int code, const std::string& advice) {
        return Error{Reason::device_unavailable, "wireguard-go is needed (the kernel has no WireGuard, or "
                                                 "[wireguard].backend rules it out), but can not work here: " +
                                                     what + ": " + std::generic_category().message(code) + ". " +
                                                     advice};
    };
    // Opened, not asked about: in a container the device may be there, and forbidden by its cgroup.
    const int fd = ::open(tun.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return wrong(tun, errno,
                     errno == ENOENT ? "On a host: `modprobe tun`; for a container: `--device " + tun + "`"
                                     : "It must be open to the user of aditd, as Debian has it: `chmod 666 " + tun +
                                           "` on the host");
    ::close(fd);
    if (::access(socket_folder.c_str(), W_OK | X_OK) == 0) return {};
    const int code = errno;
    const std::string parent = socket_folder.substr(0, socket_folder.rfind('/'));
    if (code == ENOENT && ::access(parent.c_str(), W_OK | X_OK) == 0) return {}; // it makes the folder
    return wrong("its socket's folder " + socket_folder, code,
                 "It must belong to the user of aditd: `install -d -m 0750 -o adit -g adit " + socket_folder + "`");
}

Result<void> WireguardGoProgram::start(const std::string& interface)
{
    const std::string path = find_program("wireguard-go");
    if (path.empty())
        return Error{Reason::bad_config, "the kernel has no WireGuard, or [wireguard].backend rules it out, and the "
                                         "program wireguard-go is not installed (/usr/bin/wireguard-go)"};
    TRY(check_userspace_places(kTun, kSocketFolder));
    if (running_) running_->kill(); // its interface is gone, whatever it is doing
    auto started = LastingProgram::start(path, {"-f", interface});
    if (!started) return Error{Reason::device_unavailable, started.error().detail};
    running_.emplace(std::move(*started));

    const auto device = TRY(UapiDevice::open(interface));
    const Deadline deadline(kStartLimit);
    while (!device->status()) {
        if (!running_->running()) {
            std::string why = last_line(running_->output());
            if (why.find("operation not permitted") != std::string::npos) why += " (CAP_NET_ADMIN is needed)";
            return Error{Reason::device_unavailable, "wireguard-go ended at once: " + why};
        }
        if (deadline.passed()) return Error{Reason::device_unavailable, "wireguard-go does not answer on its socket"};
        ::poll(nullptr, 0, kLookEvery_ms);
    }
    return {};
}

} // namespace adit::wg
