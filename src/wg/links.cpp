#include "wg/links.h"

#include "wg/cidr.h"
#include "wg/host_routes.h"
#include "wg/link_message.h"
#include "wg/netlink_codec.h"
#include "wg/netlink_message.h"
#include "wg/netlink_socket.h"

#include <cerrno>
#include <linux/rtnetlink.h>

namespace adit::wg {

namespace {

bool is_link_local(const HostAddress& address)
{
    return address.family == HostAddress::Family::v6 && address.bytes[0] == 0xfe && (address.bytes[1] & 0xc0) == 0x80;
}

Result<void> tell_kernel(ByteView request, std::uint32_t sequence)
{
    auto socket = TRY(netlink::Socket::open(NETLINK_ROUTE, Deadline(kDeviceTimeout)));
    TRY(socket.send(request));
    return socket.receive_ack(sequence);
}

Result<std::optional<netlink::NumberedLink>> ask_for_link(const std::string& interface)
{
    constexpr std::uint32_t kSequence = 1;
    auto socket = TRY(netlink::Socket::open(NETLINK_ROUTE, Deadline(kDeviceTimeout)));
    TRY(socket.send(netlink::encode_get_link(interface, kSequence)));
    while (true) { // ends by the socket's deadline
        ByteView datagram = TRY(socket.receive());
        while (const auto message = netlink::next_message(datagram)) {
            if (message->header.nlmsg_seq != kSequence) continue;
            if (message->header.nlmsg_type == RTM_NEWLINK)
                return std::optional(TRY(netlink::parse_link(message->payload)));
            if (message->header.nlmsg_type != NLMSG_ERROR) continue;
            const auto code = netlink::read_number<std::int32_t>(message->payload).value_or(-EBADMSG);
            if (code == -ENODEV) return std::optional<netlink::NumberedLink>();
            return Error{Reason::device_unavailable,
                         netlink::error_of(code < 0 && code > -4096 ? -code : EBADMSG, "interface").detail};
        }
    }
}

/// Of a change to an interface that is there: what it lacks is no WireGuard.
Result<void> only_unavailable(Result<void> result, std::string_view doing)
{
    if (result) return result;
    return Error{Reason::device_unavailable, std::string(doing) + ": " + result.error().detail};
}

} // namespace

Result<std::optional<Link>> KernelLinks::find(const std::string& interface)
{
    const auto found = TRY(ask_for_link(interface));
    if (!found) return std::optional<Link>();
    Link link{found->number, found->kind, found->mtu, found->up, {}};
    const auto addresses = read_addresses();
    if (!addresses) return Error{Reason::device_unavailable, addresses.error().detail};
    for (const netlink::NumberedAddress& entry : *addresses)
        if (entry.interface == link.number && !is_link_local(entry.address))
            link.addresses.push_back({entry.address, entry.prefix});
    return std::optional(std::move(link));
}

Result<void> KernelLinks::create_wireguard(const std::string& interface)
{
    return tell_kernel(netlink::encode_create_wireguard(interface, 1), 1);
}

Result<void> KernelLinks::set(const Link& link, std::uint32_t mtu)
{
    return only_unavailable(tell_kernel(netlink::encode_set_link(link.number, mtu, 1), 1), "MTU, up");
}

Result<void> KernelLinks::add_address(const Link& link, const AllowedIp& address)
{
    return only_unavailable(tell_kernel(netlink::encode_add_address(link.number, address, 1), 1),
                            "address " + cidr_text(address));
}

Result<void> KernelLinks::remove_address(const Link& link, const AllowedIp& address)
{
    return only_unavailable(tell_kernel(netlink::encode_remove_address(link.number, address, 1), 1),
                            "old address " + cidr_text(address));
}

} // namespace adit::wg
