#include "operate/dns_question.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <array>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace adit::operate {

namespace {

constexpr std::uint16_t kDnsPort = 53;
constexpr Milliseconds kDnsAgain{1'000};
constexpr std::size_t kDnsHeader = 12;

struct DnsAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;
};

std::optional<DnsAddress> address_of(const std::string& server)
{
    DnsAddress out;
    auto& v4 = reinterpret_cast<sockaddr_in&>(out.storage);
    if (::inet_pton(AF_INET, server.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(kDnsPort);
        out.length = sizeof v4;
        return out;
    }
    auto& v6 = reinterpret_cast<sockaddr_in6&>(out.storage);
    if (::inet_pton(AF_INET6, server.c_str(), &v6.sin6_addr) != 1) return std::nullopt;
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(kDnsPort);
    out.length = sizeof v6;
    return out;
}

bool answered_within(int fd, std::uint16_t id, Milliseconds length)
{
    const SteadyTime end = system_clock().steady() + length;
    for (;;) {
        const auto left = std::chrono::duration_cast<Milliseconds>(end - system_clock().steady());
        pollfd waiting{fd, POLLIN, 0};
        if (left <= Milliseconds(0) || ::poll(&waiting, 1, static_cast<int>(left.count())) != 1) return false;
        std::array<std::uint8_t, 1500> packet{};
        const ssize_t got = ::recv(fd, packet.data(), packet.size(), 0);
        if (got > 0 && is_dns_answer(std::span(packet).first(static_cast<std::size_t>(got)), id)) return true;
        // Refused: whoever is about to answer there is asked again when this wait is over.
    }
}

} // namespace

Bytes encode_dns_question(std::uint16_t id)
{
    Bytes out{static_cast<std::uint8_t>(id >> 8),
              static_cast<std::uint8_t>(id),
              1 /* recursion desired */,
              0,
              0,
              1,
              0,
              0,
              0,
              0,
              0,
              0};
    for (const std::string_view label : {"example", "com"}) {
        out.push_back(static_cast<std::uint8_t>(label.size()));
        out.insert(out.end(), label.begin(), label.end());
    }
    constexpr std::array<std::uint8_t, 5> kAddressOfInternet{0, 0, 1, 0, 1}; // end of name, A, IN
    out.insert(out.end(), kAddressOfInternet.begin(), kAddressOfInternet.end());
    return out;
}

bool is_dns_answer(std::span<const std::uint8_t> packet, std::uint16_t id)
{
    if (packet.size() < kDnsHeader || packet[0] != id >> 8 || packet[1] != (id & 0xff)) return false;
    const unsigned code = packet[3] & 0x0fU;
    return (packet[2] & 0x80U) != 0 && (code == 0 || code == 3);
}

std::optional<Milliseconds> ask_for_a_name(const std::string& server, Milliseconds limit, Rng& rng)
{
    const auto address = address_of(server);
    if (!address) return std::nullopt;
    const int fd = ::socket(address->storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const auto bytes = rng.bytes<2>();
    const auto id = static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
    const Bytes question = encode_dns_question(id);
    const SteadyTime began = system_clock().steady();
    const auto passed = [&] { return std::chrono::duration_cast<Milliseconds>(system_clock().steady() - began); };
    std::optional<Milliseconds> took;
    if (fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&address->storage), address->length) == 0)
        while (!took && passed() < limit) {
            // What is not sent now is sent a second later.
            [[maybe_unused]] const ssize_t sent = ::send(fd, question.data(), question.size(), MSG_NOSIGNAL);
            if (answered_within(fd, id, std::min(kDnsAgain, limit - passed()))) took = passed();
        }
    if (fd >= 0) ::close(fd);
    return took;
}

} // namespace adit::operate
