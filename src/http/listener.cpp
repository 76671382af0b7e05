#include "http/listener.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace adit::http {

namespace {

constexpr int kBacklog = 1024;

std::uint16_t port_of(int fd)
{
    sockaddr_storage name{};
    socklen_t length = sizeof name;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length) != 0) return 0;
    if (name.ss_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &name, sizeof v6);
        return ntohs(v6.sin6_port);
    }
    sockaddr_in v4{};
    std::memcpy(&v4, &name, sizeof v4);
    return ntohs(v4.sin_port);
}

} // namespace

Result<Listener> listen_on(const std::string& host, std::uint16_t port)
{
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* raw = nullptr;
    const std::string service = std::to_string(port);
    if (const int error = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &raw); error != 0)
        return Error{Reason::bad_config, "cannot listen on " + host + ": " + ::gai_strerror(error)};
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> found(raw, ::freeaddrinfo);

    const int fd = ::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const auto fail = [&] {
        Error error{Reason::io, "cannot listen on " + host + " port " + service + ": " + std::strerror(errno)};
        if (fd >= 0) ::close(fd);
        return error;
    };
    if (fd < 0) return fail();
    const int on = 1;
    const int off = 0;
    if (::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return fail();
    if (found->ai_family == AF_INET6 && ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0)
        return fail();
    if (::bind(fd, found->ai_addr, found->ai_addrlen) != 0 || ::listen(fd, kBacklog) != 0) return fail();
    return Listener{fd, port_of(fd)};
}

} // namespace adit::http
