#include "wg/netlink_message.h"

#include "wg/netlink_codec.h"

#include <algorithm>
#include <cerrno>
#include <linux/wireguard.h>
#include <sys/socket.h>
#include <system_error>

namespace adit::wg::netlink {

namespace {

constexpr std::uint8_t kControlVersion = 1;

Error malformed_answer(std::string_view what)
{
    return Error{Reason::device_unavailable, "malformed netlink answer: " + std::string(what)};
}

std::optional<ByteArray<32>> read_key(ByteView bytes)
{
    if (bytes.size() != 32) return std::nullopt;
    ByteArray<32> out;
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return out;
}

// The sizes below are those of what write_put and write_address add, so that nothing has to be taken back.
constexpr std::size_t attribute_size(std::size_t payload) { return align(sizeof(nlattr) + payload); }
constexpr std::size_t kAddressSize = sizeof(nlattr) + attribute_size(2) + attribute_size(16) + attribute_size(1);
constexpr std::size_t kPeerSize =
    sizeof(nlattr) + attribute_size(32) + attribute_size(4) + attribute_size(32) + sizeof(nlattr);

void write_address(Writer& out, const HostAddress& address)
{
    const bool v4 = address.family == HostAddress::Family::v4;
    const std::size_t nest = out.open_nest(0);
    out.number(WGALLOWEDIP_A_FAMILY, static_cast<std::uint16_t>(v4 ? AF_INET : AF_INET6));
    out.attribute(WGALLOWEDIP_A_IPADDR, ByteView(address.bytes).first(v4 ? 4 : 16));
    out.number(WGALLOWEDIP_A_CIDR_MASK, static_cast<std::uint8_t>(v4 ? 32 : 128));
    out.close_nest(nest);
}

void write_remove(Writer& out, const PeerRemove& remove)
{
    const std::size_t peer = out.open_nest(0);
    out.attribute(WGPEER_A_PUBLIC_KEY, remove.key.bytes());
    out.number(WGPEER_A_FLAGS, static_cast<std::uint32_t>(WGPEER_F_REMOVE_ME));
    out.close_nest(peer);
}

/// Writes the peer from address number `from` on; gives the number of the first address that had no room.
std::size_t write_put(Writer& out, const PeerPut& put, std::size_t from, std::size_t limit)
{
    const std::size_t peer = out.open_nest(0);
    out.attribute(WGPEER_A_PUBLIC_KEY, put.key.bytes());
    if (from == 0) {
        out.number(WGPEER_A_FLAGS, static_cast<std::uint32_t>(WGPEER_F_REPLACE_ALLOWEDIPS));
        static constexpr ByteArray<32> kNoKey{};
        out.attribute(WGPEER_A_PRESHARED_KEY, put.preshared_key ? ByteView(put.preshared_key->expose()) : kNoKey);
    }
    std::size_t at = from;
    if (at < put.addresses.size()) {
        const std::size_t list = out.open_nest(WGPEER_A_ALLOWEDIPS);
        while (at < put.addresses.size() && out.size() + kAddressSize <= limit) write_address(out, put.addresses[at++]);
        out.close_nest(list);
    }
    out.close_nest(peer);
    return at;
}

Result<AllowedIp> read_allowed_ip(ByteView attributes)
{
    std::optional<std::uint16_t> family;
    std::optional<std::uint8_t> prefix;
    ByteView address;
    while (const auto attribute = next_attribute(attributes)) {
        if (attribute->type == WGALLOWEDIP_A_FAMILY) family = read_number<std::uint16_t>(attribute->payload);
        if (attribute->type == WGALLOWEDIP_A_CIDR_MASK) prefix = read_number<std::uint8_t>(attribute->payload);
        if (attribute->type == WGALLOWEDIP_A_IPADDR) address = attribute->payload;
    }
    if (!attributes.empty()) return malformed_answer("allowed IP");
    AllowedIp out;
    if (family == AF_INET6)
        out.address.family = HostAddress::Family::v6;
    else if (family != AF_INET)
        return malformed_answer("family of an allowed IP");
    const unsigned bits = out.address.family == HostAddress::Family::v4 ? 32 : 128;
    if (!prefix || *prefix > bits || address.size() != bits / 8) return malformed_answer("allowed IP");
    out.prefix = *prefix;
    std::copy(address.begin(), address.end(), out.address.bytes.begin());
    return out;
}

} // namespace

Error error_of(int errno_value, std::string_view doing)
{
    const Reason reason =
        errno_value == ENODEV || errno_value == EOPNOTSUPP ? Reason::device_absent : Reason::device_unavailable;
    std::string detail = std::string(doing) + ": " + std::generic_category().message(errno_value);
    if (errno_value == EPERM) detail += " (CAP_NET_ADMIN is needed)";
    return Error{reason, std::move(detail)};
}

WipedBytes encode_get_family(std::uint32_t sequence)
{
    Writer out(GENL_ID_CTRL, NLM_F_REQUEST, sequence);
    out.append_raw(genlmsghdr{CTRL_CMD_GETFAMILY, kControlVersion, 0});
    out.text(CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
    return std::move(out).finish();
}

Result<std::uint16_t> parse_family(ByteView payload)
{
    if (payload.size() < sizeof(genlmsghdr)) return malformed_answer("family");
    ByteView rest = payload.subspan(sizeof(genlmsghdr));
    while (const auto attribute = next_attribute(rest)) {
        if (attribute->type != CTRL_ATTR_FAMILY_ID) continue;
        const auto id = read_number<std::uint16_t>(attribute->payload);
        if (id && *id >= NLMSG_MIN_TYPE) return *id;
        break;
    }
    return malformed_answer("family");
}

WipedBytes encode_get_device(std::uint16_t family, std::string_view interface, std::uint32_t sequence)
{
    Writer out(family, NLM_F_REQUEST | NLM_F_DUMP, sequence);
    out.append_raw(genlmsghdr{WG_CMD_GET_DEVICE, WG_GENL_VERSION, 0});
    out.text(WGDEVICE_A_IFNAME, interface);
    return std::move(out).finish();
}

WipedBytes encode_configure(std::uint16_t family, std::string_view interface, const DeviceSettings& settings,
                            std::uint32_t sequence)
{
    Writer out(family, NLM_F_REQUEST | NLM_F_ACK, sequence);
    out.append_raw(genlmsghdr{WG_CMD_SET_DEVICE, WG_GENL_VERSION, 0});
    out.text(WGDEVICE_A_IFNAME, interface);
    out.attribute(WGDEVICE_A_PRIVATE_KEY, settings.private_key.expose());
    out.number(WGDEVICE_A_LISTEN_PORT, settings.listen_port);
    return std::move(out).finish();
}

SetDeviceEncoder::SetDeviceEncoder(std::uint16_t family, std::string_view interface,
                                   std::span<const PeerChange> changes, std::uint32_t first_sequence, std::size_t limit)
    : family_(family), interface_(interface), changes_(changes), sequence_(first_sequence), limit_(limit)
{
    // A message has room for its headers, one peer and one of its addresses, so next() always gets on.
    CHECK(limit >= 512 && limit <= UINT16_MAX);
}

std::optional<WipedBytes> SetDeviceEncoder::next()
{
    if (change_ == changes_.size()) return std::nullopt;
    Writer out(family_, NLM_F_REQUEST | NLM_F_ACK, sequence_++);
    out.append_raw(genlmsghdr{WG_CMD_SET_DEVICE, WG_GENL_VERSION, 0});
    out.text(WGDEVICE_A_IFNAME, interface_);
    const std::size_t peers = out.open_nest(WGDEVICE_A_PEERS);
    while (change_ < changes_.size() && out.size() + kPeerSize + kAddressSize <= limit_) {
        if (const auto* put = std::get_if<PeerPut>(&changes_[change_])) {
            address_ = write_put(out, *put, address_, limit_);
            if (address_ < put->addresses.size()) break;
        } else {
            write_remove(out, std::get<PeerRemove>(changes_[change_]));
        }
        ++change_;
        address_ = 0;
    }
    out.close_nest(peers);
    return std::move(out).finish();
}

Result<DeviceDump::Progress> DeviceDump::feed(ByteView datagram)
{
    while (const auto message = next_message(datagram)) {
        if (message->header.nlmsg_seq != sequence_) continue;
        if ((message->header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) interrupted_ = true;

        const std::uint16_t type = message->header.nlmsg_type;
        if (type == NLMSG_DONE || type == NLMSG_ERROR) {
            const auto code = read_number<std::int32_t>(message->payload);
            if (!code || *code > 0 || *code < -4095) return malformed_answer("end of the dump");
            if (*code == -EINTR) interrupted_ = true;
            if (interrupted_) return Progress::interrupted;
            if (*code != 0) return error_of(-*code, "dump");
            return Progress::done;
        }
        if (type < NLMSG_MIN_TYPE) continue;
        if (message->payload.size() < sizeof(genlmsghdr)) return malformed_answer("device");
        TRY(read_device(message->payload.subspan(sizeof(genlmsghdr))));
    }
    if (!datagram.empty()) return malformed_answer("message");
    return Progress::more;
}

Result<void> DeviceDump::read_device(ByteView attributes)
{
    while (const auto attribute = next_attribute(attributes)) {
        if (attribute->type == WGDEVICE_A_PUBLIC_KEY) {
            const auto key = read_key(attribute->payload);
            if (!key) return malformed_answer("public key");
            status_.public_key.emplace(*key);
        } else if (attribute->type == WGDEVICE_A_LISTEN_PORT) {
            const auto port = read_number<std::uint16_t>(attribute->payload);
            if (!port) return malformed_answer("listen port");
            status_.listen_port = *port;
        } else if (attribute->type == WGDEVICE_A_PEERS) {
            ByteView peers = attribute->payload;
            while (const auto peer = next_attribute(peers)) TRY(read_peer(peer->payload));
            if (!peers.empty()) return malformed_answer("peers");
        }
    }
    if (!attributes.empty()) return malformed_answer("device");
    return {};
}

Result<void> DeviceDump::read_peer(ByteView attributes)
{
    std::optional<ByteArray<32>> key;
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
    std::optional<UnixSeconds> handshake;
    std::vector<AllowedIp> allowed_ips;
    while (const auto attribute = next_attribute(attributes)) {
        const ByteView payload = attribute->payload;
        switch (attribute->type) {
        case WGPEER_A_PUBLIC_KEY:
            key = read_key(payload);
            break;
        case WGPEER_A_RX_BYTES:
            received = read_number<std::uint64_t>(payload).value_or(0);
            break;
        case WGPEER_A_TX_BYTES:
            sent = read_number<std::uint64_t>(payload).value_or(0);
            break;
        case WGPEER_A_LAST_HANDSHAKE_TIME:
            if (const auto seconds = read_number<std::int64_t>(payload); seconds && *seconds > 0)
                handshake = UnixSeconds(*seconds);
            break;
        case WGPEER_A_ALLOWEDIPS: {
            ByteView list = payload;
            while (const auto element = next_attribute(list))
                allowed_ips.push_back(TRY(read_allowed_ip(element->payload)));
            if (!list.empty()) return malformed_answer("allowed IPs");
            break;
        }
        default: // attributes of a newer kernel
            break;
        }
    }
    if (!attributes.empty() || !key) return malformed_answer("peer");

    // A peer too big for one message goes on in the next with nothing but its key and further allowed IPs.
    const protocol::WireguardKey peer_key(*key);
    if (!status_.peers.empty() && status_.peers.back().key == peer_key) {
        auto& known = status_.peers.back().allowed_ips;
        known.insert(known.end(), allowed_ips.begin(), allowed_ips.end());
        return {};
    }
    status_.peers.push_back(PeerStatus{peer_key, std::move(allowed_ips), received, sent, handshake});
    return {};
}

} // namespace adit::wg::netlink
