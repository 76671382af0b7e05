#include "wg/host_routes.h"

#include "wg/cidr.h"
#include "wg/netlink_codec.h"
#include "wg/netlink_message.h"
#include "wg/netlink_socket.h"

#include <algorithm>
#include <cerrno>
#include <linux/rtnetlink.h>
#include <map>
#include <net/if.h>
#include <sys/socket.h>

namespace adit::wg {

namespace netlink {

namespace {

Error malformed_route(std::string_view what)
{
    return Error{Reason::io, "malformed rtnetlink answer: " + std::string(what)};
}

std::optional<HostAddress::Family> family_of(unsigned char number)
{
    if (number == AF_INET) return HostAddress::Family::v4;
    if (number == AF_INET6) return HostAddress::Family::v6;
    return std::nullopt;
}

std::optional<HostAddress> read_address(HostAddress::Family family, ByteView bytes)
{
    if (bytes.size() != bits_of(family) / 8) return std::nullopt;
    HostAddress out{family, {}};
    std::ranges::copy(bytes, out.bytes.begin());
    return out;
}

} // namespace

Result<std::optional<NumberedRoute>> parse_route(ByteView payload)
{
    rtmsg header;
    if (payload.size() < sizeof header) return malformed_route("route");
    std::memcpy(&header, payload.data(), sizeof header);
    const auto family = family_of(header.rtm_family);
    std::uint32_t table = header.rtm_table;
    if (!family || (header.rtm_flags & RTM_F_CLONED) != 0) return std::optional<NumberedRoute>();
    if (header.rtm_dst_len > bits_of(*family)) return malformed_route("prefix of a route");

    NumberedRoute out{{{*family, {}}, header.rtm_dst_len}, 0};
    ByteView rest = payload.subspan(sizeof header);
    while (const auto attribute = next_attribute(rest)) {
        if (attribute->type == RTA_DST) {
            const auto address = read_address(*family, attribute->payload);
            if (!address) return malformed_route("destination of a route");
            out.destination.address = *address;
        }
        if (attribute->type == RTA_OIF) out.interface = read_number<std::uint32_t>(attribute->payload).value_or(0);
        if (attribute->type == RTA_TABLE) table = read_number<std::uint32_t>(attribute->payload).value_or(table);
    }
    if (!rest.empty()) return malformed_route("route");
    if (table == RT_TABLE_LOCAL) return std::optional<NumberedRoute>();
    return std::optional(out);
}

Result<std::optional<NumberedAddress>> parse_address(ByteView payload)
{
    ifaddrmsg header;
    if (payload.size() < sizeof header) return malformed_route("address");
    std::memcpy(&header, payload.data(), sizeof header);
    const auto family = family_of(header.ifa_family);
    if (!family) return std::optional<NumberedAddress>();
    if (header.ifa_prefixlen > bits_of(*family)) return malformed_route("prefix of an address");

    // On a point-to-point link IFA_ADDRESS is the other end and IFA_LOCAL ours; IPv6 has only the former otherwise.
    std::optional<HostAddress> local;
    std::optional<HostAddress> address;
    ByteView rest = payload.subspan(sizeof header);
    while (const auto attribute = next_attribute(rest)) {
        if (attribute->type == IFA_LOCAL) local = read_address(*family, attribute->payload);
        if (attribute->type == IFA_ADDRESS) address = read_address(*family, attribute->payload);
    }
    if (!rest.empty() || (!local && !address)) return malformed_route("address");
    return std::optional(NumberedAddress{header.ifa_index, local ? *local : *address, header.ifa_prefixlen});
}

} // namespace netlink

namespace {

using namespace netlink;

constexpr int kDumpAttempts = 5;

std::string name_of(std::uint32_t interface)
{
    char name[IF_NAMESIZE] = {};
    if (interface == 0 || ::if_indextoname(interface, name) == nullptr) return {};
    return name;
}

/// Errors: device_unavailable, as the socket has it; io_of makes them io.
template<typename Item, typename Parse>
Result<std::vector<Item>> dump(std::uint16_t type, std::size_t header_size, std::uint16_t answer_type, Parse parse)
{
    Socket socket = TRY(Socket::open(NETLINK_ROUTE, Deadline(kDeviceTimeout)));
    for (std::uint32_t sequence = 1; sequence <= kDumpAttempts; ++sequence) {
        Writer request(type, NLM_F_REQUEST | NLM_F_DUMP, sequence);
        for (std::size_t i = 0; i < header_size; i += 4) request.append_raw(std::uint32_t{0}); // AF_UNSPEC, all else 0
        TRY(socket.send(std::move(request).finish()));

        std::vector<Item> out;
        bool interrupted = false;
        bool done = false;
        while (!done) {
            ByteView datagram = TRY(socket.receive());
            while (const auto message = next_message(datagram)) {
                if (message->header.nlmsg_seq != sequence) continue;
                interrupted |= (message->header.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
                if (message->header.nlmsg_type == NLMSG_DONE || message->header.nlmsg_type == NLMSG_ERROR) {
                    const auto code = read_number<std::int32_t>(message->payload).value_or(-EBADMSG);
                    if (code == -EINTR) interrupted = true;
                    if (code < 0 && code > -4096 && code != -EINTR) return error_of(-code, "rtnetlink");
                    done = true;
                } else if (message->header.nlmsg_type == answer_type) {
                    if (auto item = TRY(parse(message->payload))) out.push_back(*item);
                }
            }
        }
        if (!interrupted) return out;
    }
    return error_of(EINTR, "rtnetlink"); // routes change faster than they can be read
}

template<typename T>
Result<T> io_of(Result<T> result)
{
    if (result) return result;
    return Error{Reason::io, std::move(result).error().detail};
}

} // namespace

std::vector<HostAddress> HostNetwork::addresses_of(std::string_view interface) const
{
    std::vector<HostAddress> out;
    for (const InterfaceAddress& entry : addresses)
        if (entry.interface == interface) out.push_back(entry.address);
    return out;
}

Result<std::vector<NumberedAddress>> read_addresses()
{
    return io_of(dump<NumberedAddress>(RTM_GETADDR, align(sizeof(ifaddrmsg)), RTM_NEWADDR, parse_address));
}

Result<HostNetwork> read_host_network()
{
    const auto routes = TRY(io_of(dump<NumberedRoute>(RTM_GETROUTE, align(sizeof(rtmsg)), RTM_NEWROUTE, parse_route)));
    const auto addresses = TRY(read_addresses());

    std::map<std::uint32_t, std::string> names;
    const auto name = [&](std::uint32_t interface) -> const std::string& {
        const auto [entry, is_new] = names.try_emplace(interface);
        if (is_new) entry->second = name_of(interface);
        return entry->second;
    };
    HostNetwork out;
    out.routes.reserve(routes.size());
    for (const NumberedRoute& route : routes) out.routes.push_back({route.destination, name(route.interface)});
    for (const NumberedAddress& entry : addresses)
        out.addresses.push_back({name(entry.interface), entry.address, entry.prefix});
    return out;
}

std::optional<HostRoute> overlapping_route(const HostNetwork& network, const AllowedIp& subnet,
                                           std::string_view own_interface)
{
    for (const HostRoute& route : network.routes) {
        if (route.destination.prefix <= 1 || route.interface == own_interface) continue;
        if (overlap(route.destination, subnet)) return route;
    }
    return std::nullopt;
}

} // namespace adit::wg
