#include "wg/netlink_socket.h"

#include "wg/netlink_codec.h"
#include "wg/netlink_message.h"

#include <cerrno>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace adit::wg::netlink {

namespace {

// The kernel fills at most 32 KiB at a time in a dump; wireguard.h asks for a page or more.
constexpr std::size_t kReceiveSize = std::size_t{64} * 1024;

} // namespace

Result<Socket> Socket::open(int protocol, Deadline deadline)
{
    const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    if (fd < 0) return Error{Reason::device_unavailable, error_of(errno, "netlink socket").detail};
    Socket out(fd, deadline);
    // An error is answered without a copy of our request: requests carry preshared keys.
    const int on = 1;
    ::setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    const sockaddr_nl any{AF_NETLINK, 0, 0, 0};
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0)
        return Error{Reason::device_unavailable, error_of(errno, "netlink bind").detail};
    return out;
}

Socket::~Socket()
{
    if (fd_ >= 0) ::close(fd_);
}

Result<void> Socket::send(ByteView message)
{
    const sockaddr_nl kernel{AF_NETLINK, 0, 0, 0};
    ssize_t sent = -1;
    do {
        if (deadline_.passed()) return error_of(ETIMEDOUT, "netlink send");
        sent =
            ::sendto(fd_, message.data(), message.size(), 0, reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) return error_of(errno, "netlink send");
    if (static_cast<std::size_t>(sent) != message.size()) return error_of(EMSGSIZE, "netlink send");
    return {};
}

Result<ByteView> Socket::receive()
{
    buffer_.resize(kReceiveSize);
    while (true) {
        pollfd waiting{fd_, POLLIN, 0};
        const int ready = ::poll(&waiting, 1, deadline_.left_ms());
        if (ready < 0 && errno == EINTR) continue;
        if (ready < 0) return error_of(errno, "netlink poll");
        if (ready == 0) return error_of(ETIMEDOUT, "netlink receive");

        sockaddr_nl from{};
        iovec into{buffer_.data(), buffer_.size()};
        msghdr header{};
        header.msg_name = &from;
        header.msg_namelen = sizeof from;
        header.msg_iov = &into;
        header.msg_iovlen = 1;
        const ssize_t got = ::recvmsg(fd_, &header, 0);
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (got < 0) return error_of(errno, "netlink receive");
        if ((header.msg_flags & MSG_TRUNC) != 0) return error_of(EMSGSIZE, "netlink receive");
        if (from.nl_pid != 0) continue; // another process can send to us
        return ByteView(buffer_).first(static_cast<std::size_t>(got));
    }
}

Result<void> Socket::receive_ack(std::uint32_t sequence)
{
    while (true) {
        ByteView datagram = TRY(receive());
        while (const auto message = next_message(datagram)) {
            if (message->header.nlmsg_seq != sequence || message->header.nlmsg_type != NLMSG_ERROR) continue;
            const auto code = read_number<std::int32_t>(message->payload);
            if (!code || *code > 0 || *code < -4095) return error_of(EBADMSG, "acknowledgement");
            if (*code != 0) return error_of(-*code, "netlink");
            return {};
        }
    }
}

} // namespace adit::wg::netlink
