#include "wg/uapi_device.h"

#include "wg/interface_name.h"
#include "wg/uapi_message.h"

#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>

namespace adit::wg {

namespace {

// So that a large batch is neither one huge text nor all unknown when the deadline passes half-way.
constexpr std::size_t kChangesPerRequest = 500;

Error io_error(int code, std::string_view doing)
{
    const bool nobody = code == ENOENT || code == ECONNREFUSED;
    return Error{nobody ? Reason::device_absent : Reason::device_unavailable,
                 "UAPI " + std::string(doing) + ": " + std::generic_category().message(code)};
}

class Connection {
public:
    static Result<Connection> open(const std::string& path, Deadline deadline)
    {
        const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0) return Error{Reason::device_unavailable, io_error(errno, "socket").detail};
        Connection out(fd, deadline);
        // A full backlog makes a non-blocking connect fail at once; the send timeout bounds a blocking one.
        const int left_ms = deadline.left_ms();
        if (left_ms == 0) return io_error(ETIMEDOUT, "connect");
        const timeval limit{left_ms / 1000, static_cast<suseconds_t>(left_ms % 1000) * 1000};
        if (::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0) return io_error(errno, "timeout");
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        int connected = -1;
        do {
            connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
        } while (connected != 0 && errno == EINTR && !deadline.passed());
        if (connected != 0) return io_error(errno, "connect");
        return out;
    }
    Connection(Connection&& other) noexcept : fd_(std::exchange(other.fd_, -1)), deadline_(other.deadline_) {}
    Connection& operator=(Connection&&) = delete;
    ~Connection()
    {
        if (fd_ >= 0) ::close(fd_);
    }

    Result<void> send(std::string_view text)
    {
        while (!text.empty()) {
            const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent >= 0) {
                text.remove_prefix(static_cast<std::size_t>(sent));
            } else if (errno == EAGAIN) {
                TRY(wait(POLLOUT, "send"));
            } else if (errno != EINTR) {
                return Error{Reason::device_unavailable, io_error(errno, "send").detail};
            }
        }
        return {};
    }

    Result<WipedText> receive_answer()
    {
        WipedText out;
        std::size_t filled = 0;
        while (true) {
            if (filled == out.size()) out.resize(std::max<std::size_t>(4096, out.size() * 2));
            if (out.size() > uapi::kAnswerLimit) return io_error(EMSGSIZE, "answer");
            const ssize_t got = ::recv(fd_, out.data() + filled, out.size() - filled, MSG_DONTWAIT);
            if (got == 0) return io_error(ECONNRESET, "answer");
            if (got > 0) {
                const std::size_t before = filled;
                filled += static_cast<std::size_t>(got);
                if (!uapi::is_complete(std::string_view(out).substr(0, filled), before)) continue;
                out.resize(filled);
                return out;
            }
            if (errno == EAGAIN) {
                TRY(wait(POLLIN, "answer"));
            } else if (errno != EINTR) {
                return Error{Reason::device_unavailable, io_error(errno, "answer").detail};
            }
        }
    }

private:
    Connection(int fd, Deadline deadline) : fd_(fd), deadline_(deadline) {}

    Result<void> wait(short events, std::string_view doing) const
    {
        pollfd waiting{fd_, events, 0};
        const int ready = ::poll(&waiting, 1, deadline_.left_ms());
        if (ready == 0 || deadline_.passed()) return io_error(ETIMEDOUT, doing);
        if (ready < 0 && errno != EINTR) return Error{Reason::device_unavailable, io_error(errno, doing).detail};
        return {};
    }

    int fd_;
    Deadline deadline_;
};

Error socket_busy() { return Error{Reason::device_unavailable, "UAPI: other calls took too long"}; }

} // namespace

Result<std::unique_ptr<UapiDevice>> UapiDevice::open(const std::string& interface, const std::filesystem::path& folder)
{
    if (!is_interface_name(interface)) return Error{Reason::bad_config, "not the name of an interface: " + interface};
    std::string path = (folder / (interface + ".sock")).string();
    if (path.size() >= sizeof(sockaddr_un::sun_path))
        return Error{Reason::bad_config, "too long for the path of a socket: " + path};
    return std::unique_ptr<UapiDevice>(new UapiDevice(std::move(path)));
}

Result<WipedText> UapiDevice::ask(std::string_view request, Deadline deadline)
{
    Connection connection = TRY(Connection::open(path_, deadline));
    TRY(connection.send(request));
    return connection.receive_answer();
}

Result<void> UapiDevice::apply(std::span<const PeerChange> changes)
{
    const Deadline deadline(kDeviceTimeout);
    const std::unique_lock lock(one_call_, deadline.end());
    if (!lock) return socket_busy();
    while (!changes.empty()) {
        const auto batch = changes.first(std::min(changes.size(), kChangesPerRequest));
        TRY(uapi::parse_set_answer(TRY(ask(uapi::encode_set(batch), deadline))));
        changes = changes.subspan(batch.size());
    }
    return {};
}

Result<DeviceStatus> UapiDevice::status()
{
    const Deadline deadline(kDeviceTimeout);
    const std::unique_lock lock(one_call_, deadline.end());
    if (!lock) return socket_busy();
    return uapi::parse_get_answer(TRY(ask(uapi::kGetRequest, deadline)));
}

Result<void> UapiDevice::configure(const DeviceSettings& settings)
{
    const Deadline deadline(kDeviceTimeout);
    const std::unique_lock lock(one_call_, deadline.end());
    if (!lock) return socket_busy();
    return uapi::parse_set_answer(TRY(ask(uapi::encode_configure(settings), deadline)));
}

} // namespace adit::wg
