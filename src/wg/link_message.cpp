#include "wg/link_message.h"

#include "wg/cidr.h"
#include "wg/netlink_codec.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

namespace adit::wg::netlink {

namespace {

Error malformed_link(std::string_view what)
{
    return Error{Reason::device_unavailable, "malformed rtnetlink answer: " + std::string(what)};
}

ifinfomsg header_of_link(std::uint32_t number)
{
    ifinfomsg header{};
    header.ifi_family = AF_UNSPEC;
    header.ifi_index = static_cast<int>(number);
    return header;
}

/// Text attributes end with a NUL, or with the attribute.
std::string read_text(ByteView payload)
{
    const std::string_view text = as_text(payload);
    return std::string(text.substr(0, text.find('\0')));
}

WipedBytes encode_address(std::uint16_t type, std::uint16_t flags, std::uint32_t number, const AllowedIp& address,
                          std::uint32_t sequence)
{
    const bool v4 = address.address.family == HostAddress::Family::v4;
    Writer out(type, static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags), sequence);
    ifaddrmsg header{};
    header.ifa_family = v4 ? AF_INET : AF_INET6;
    header.ifa_prefixlen = address.prefix;
    header.ifa_scope = RT_SCOPE_UNIVERSE;
    header.ifa_index = number;
    out.append_raw(header);
    const ByteView bytes = ByteView(address.address.bytes).first(v4 ? 4 : 16);
    out.attribute(IFA_LOCAL, bytes);
    out.attribute(IFA_ADDRESS, bytes);
    return std::move(out).finish();
}

} // namespace

WipedBytes encode_get_link(std::string_view interface, std::uint32_t sequence)
{
    Writer out(RTM_GETLINK, NLM_F_REQUEST, sequence);
    out.append_raw(header_of_link(0));
    out.text(IFLA_IFNAME, interface);
    return std::move(out).finish();
}

Result<NumberedLink> parse_link(ByteView payload)
{
    ifinfomsg header;
    if (payload.size() < sizeof header) return malformed_link("link");
    std::memcpy(&header, payload.data(), sizeof header);
    if (header.ifi_index <= 0) return malformed_link("number of a link");
    NumberedLink out;
    out.number = static_cast<std::uint32_t>(header.ifi_index);
    out.up = (header.ifi_flags & IFF_UP) != 0;
    ByteView rest = payload.subspan(sizeof header);
    while (const auto attribute = next_attribute(rest)) {
        if (attribute->type == IFLA_MTU) {
            const auto mtu = read_number<std::uint32_t>(attribute->payload);
            if (!mtu) return malformed_link("MTU");
            out.mtu = *mtu;
        }
        if (attribute->type != IFLA_LINKINFO) continue;
        ByteView info = attribute->payload;
        while (const auto part = next_attribute(info))
            if (part->type == IFLA_INFO_KIND) out.kind = read_text(part->payload);
        if (!info.empty()) return malformed_link("kind of a link");
    }
    if (!rest.empty()) return malformed_link("link");
    return out;
}

WipedBytes encode_create_wireguard(std::string_view interface, std::uint32_t sequence)
{
    Writer out(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, sequence);
    out.append_raw(header_of_link(0));
    out.text(IFLA_IFNAME, interface);
    const std::size_t info = out.open_nest(IFLA_LINKINFO);
    out.text(IFLA_INFO_KIND, "wireguard");
    out.close_nest(info);
    return std::move(out).finish();
}

WipedBytes encode_set_link(std::uint32_t number, std::uint32_t mtu, std::uint32_t sequence)
{
    Writer out(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, sequence);
    ifinfomsg header = header_of_link(number);
    header.ifi_flags = IFF_UP;
    header.ifi_change = IFF_UP;
    out.append_raw(header);
    out.number(IFLA_MTU, mtu);
    return std::move(out).finish();
}

WipedBytes encode_add_address(std::uint32_t number, const AllowedIp& address, std::uint32_t sequence)
{
    return encode_address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, number, address, sequence);
}

WipedBytes encode_remove_address(std::uint32_t number, const AllowedIp& address, std::uint32_t sequence)
{
    return encode_address(RTM_DELADDR, 0, number, address, sequence);
}

} // namespace adit::wg::netlink
