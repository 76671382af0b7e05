// wg/netlink_socket.h - one conversation with the kernel over AF_NETLINK.
#pragma once

#include "base/bytes.h"
#include "wg/deadline.h"
#include "wg/wiped_bytes.h"

namespace adit::wg::netlink {

/// Belongs to the network namespace of the thread that opened it. Every wait ends at the deadline.
/// Errors of all calls: device_absent and device_unavailable, as error_of has them.
class Socket {
public:
    /// `protocol`: NETLINK_GENERIC or NETLINK_ROUTE.
    static Result<Socket> open(int protocol, Deadline deadline);
    Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)), deadline_(other.deadline_) {}
    Socket& operator=(Socket&&) = delete;
    ~Socket();

    /// For requests that the kernel works off within the call, as it does those of WireGuard.
    Result<void> send(ByteView message);
    /// One datagram, of the kernel's own; anybody else's is passed over. Valid until the next call.
    Result<ByteView> receive();
    /// Waits for the acknowledgement of that request.
    Result<void> receive_ack(std::uint32_t sequence);

private:
    Socket(int fd, Deadline deadline) : fd_(fd), deadline_(deadline) {}
    int fd_;
    Deadline deadline_;
    WipedBytes buffer_;
};

} // namespace adit::wg::netlink
