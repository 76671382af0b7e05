#include "wg/netlink_device.h"

#include "wg/interface_name.h"
#include "wg/netlink_codec.h"
#include "wg/netlink_message.h"
#include "wg/netlink_socket.h"

#include <cerrno>

namespace adit::wg {

namespace {

using netlink::Socket;

Result<std::uint16_t> find_family(Socket& socket, std::uint32_t sequence)
{
    TRY(socket.send(netlink::encode_get_family(sequence)));
    while (true) {
        ByteView datagram = TRY(socket.receive());
        while (const auto message = netlink::next_message(datagram)) {
            if (message->header.nlmsg_seq != sequence) continue;
            if (message->header.nlmsg_type == GENL_ID_CTRL) return netlink::parse_family(message->payload);
            if (message->header.nlmsg_type != NLMSG_ERROR) continue;
            const auto code = netlink::read_number<std::int32_t>(message->payload);
            if (code == -ENOENT) return Error{Reason::device_absent, "this kernel has no WireGuard"};
            return netlink::error_of(code.value_or(-EBADMSG) < 0 ? -code.value_or(-EBADMSG) : EBADMSG, "family");
        }
    }
}

Error device_busy(const std::string& interface)
{
    return Error{Reason::device_unavailable, interface + ": other calls took too long"};
}

} // namespace

Result<std::unique_ptr<NetlinkDevice>> NetlinkDevice::open(std::string interface)
{
    if (!is_interface_name(interface)) return Error{Reason::bad_config, "not the name of an interface: " + interface};
    return std::unique_ptr<NetlinkDevice>(new NetlinkDevice(std::move(interface)));
}

Result<void> NetlinkDevice::apply(std::span<const PeerChange> changes)
{
    const Deadline deadline(kDeviceTimeout);
    const std::unique_lock lock(one_call_, deadline.end());
    if (!lock) return device_busy(interface_);

    Socket socket = TRY(Socket::open(NETLINK_GENERIC, deadline));
    const std::uint16_t family = TRY(find_family(socket, 1));
    netlink::SetDeviceEncoder encoder(family, interface_, changes, 2);
    while (const auto message = encoder.next()) {
        TRY(socket.send(*message));
        TRY(socket.receive_ack(encoder.sequence()));
    }
    return {};
}

Result<DeviceStatus> NetlinkDevice::status()
{
    const Deadline deadline(kDeviceTimeout);
    const std::unique_lock lock(one_call_, deadline.end());
    if (!lock) return device_busy(interface_);

    Socket socket = TRY(Socket::open(NETLINK_GENERIC, deadline));
    const std::uint16_t family = TRY(find_family(socket, 1));
    for (std::uint32_t sequence = 2;; ++sequence) { // ends by the socket's deadline
        TRY(socket.send(netlink::encode_get_device(family, interface_, sequence)));
        netlink::DeviceDump dump(sequence);
        auto progress = netlink::DeviceDump::Progress::more;
        while (progress == netlink::DeviceDump::Progress::more) progress = TRY(dump.feed(TRY(socket.receive())));
        if (progress == netlink::DeviceDump::Progress::done) return dump.take();
    }
}

Result<void> NetlinkDevice::configure(const DeviceSettings& settings)
{
    const Deadline deadline(kDeviceTimeout);
    const std::unique_lock lock(one_call_, deadline.end());
    if (!lock) return device_busy(interface_);

    Socket socket = TRY(Socket::open(NETLINK_GENERIC, deadline));
    const std::uint16_t family = TRY(find_family(socket, 1));
    TRY(socket.send(netlink::encode_configure(family, interface_, settings, 2)));
    return socket.receive_ack(2);
}

} // namespace adit::wg
