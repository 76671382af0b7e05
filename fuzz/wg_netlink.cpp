// What the kernel may answer: datagrams of a WireGuard dump (sequence 9), each with its length in two bytes before it;
// and the same bytes as a family, a route, an address and a link.
#include "wg/cidr.h"
#include "wg/host_routes.h"
#include "wg/link_message.h"
#include "wg/netlink_message.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    using namespace adit::wg::netlink;
    const adit::ByteView all(bytes, size);
    DeviceDump dump(9);
    auto progress = DeviceDump::Progress::more;
    for (adit::ByteView rest = all; rest.size() > 2 && progress == DeviceDump::Progress::more;) {
        const std::size_t length = std::min<std::size_t>(rest.size() - 2, rest[0] + 256u * rest[1]);
        const auto fed = dump.feed(rest.subspan(2, length));
        if (!fed) break;
        progress = *fed;
        rest = rest.subspan(2 + length);
    }
    for (const auto& peer : dump.take().peers)
        for (const auto& range : peer.allowed_ips) CHECK(range.prefix <= adit::wg::bits_of(range.address.family));

    (void)parse_family(all).has_value();
    (void)parse_address(all).has_value();
    (void)parse_link(all).has_value();
    const auto route = parse_route(all);
    if (route && *route) {
        CHECK((*route)->destination.prefix <= adit::wg::bits_of((*route)->destination.address.family));
    }
    return 0;
}
