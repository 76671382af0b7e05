#include "e2e/http_ask.h"

#include "base/clock.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace adit::e2e {

namespace {

sockaddr_in loopback(const char* host, std::uint16_t port)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    EXPECT_EQ(::inet_pton(AF_INET, host, &address.sin_addr), 1);
    return address;
}

const sockaddr* generic(const sockaddr_in& address) { return reinterpret_cast<const sockaddr*>(&address); }

bool same_name(std::string_view a, std::string_view b)
{
    return std::ranges::equal(a, b, [](char x, char y) { return std::tolower(x) == std::tolower(y); });
}

} // namespace

std::optional<std::string> Reply::header(std::string_view name) const
{
    std::size_t at = head.find("\r\n");
    while (at != std::string::npos) {
        const std::size_t begin = at + 2;
        at = head.find("\r\n", begin);
        const std::string_view line = std::string_view(head).substr(begin, at - begin);
        const std::size_t colon = line.find(": ");
        if (colon != std::string_view::npos && same_name(line.substr(0, colon), name))
            return std::string(line.substr(colon + 2));
    }
    return std::nullopt;
}

std::string Reply::reason() const
{
    const auto json = nlohmann::json::parse(body, nullptr, false);
    if (!json.is_object() || !json.contains("reason") || !json["reason"].is_string()) return {};
    return json["reason"].get<std::string>();
}

std::string Ask::text() const
{
    std::string out = method + " " + path + " HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n";
    if (!body.empty() || method == "POST") out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    for (const auto& [name, value] : headers) out += name + ": " + value + "\r\n";
    return out + "\r\n" + body;
}

Socket::Socket(std::uint16_t port, const char* from) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
{
    if (from) {
        const sockaddr_in source = loopback(from, 0);
        EXPECT_EQ(::bind(fd_, generic(source), sizeof source), 0);
    }
    const sockaddr_in address = loopback("127.0.0.1", port);
    if (::connect(fd_, generic(address), sizeof address) == 0) return;
    ::close(fd_);
    fd_ = -1;
}

Socket::~Socket()
{
    if (fd_ >= 0) ::close(fd_);
}

bool Socket::send(std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

Reply Socket::read(Milliseconds patience)
{
    const SteadyTime end = system_clock().steady() + patience;
    std::string in;
    std::size_t head_end = std::string::npos;
    std::size_t wanted = 0;
    Reply reply;
    for (;;) {
        if (head_end == std::string::npos && (head_end = in.find("\r\n\r\n")) != std::string::npos) {
            reply.head = in.substr(0, head_end + 2);
            wanted = std::stoul(reply.header("Content-Length").value_or("0"));
        }
        if (head_end != std::string::npos && in.size() >= head_end + 4 + wanted) break;
        const auto left = std::chrono::duration_cast<Milliseconds>(end - system_clock().steady()).count();
        pollfd ready{fd_, POLLIN, 0};
        if (left <= 0 || ::poll(&ready, 1, static_cast<int>(left)) <= 0) return {};
        char block[65536];
        const ssize_t got = ::recv(fd_, block, sizeof block, 0);
        if (got <= 0) return {};
        in.append(block, static_cast<std::size_t>(got));
    }
    reply.body = in.substr(head_end + 4, wanted);
    reply.status = std::stoi(reply.head.substr(9, 3));
    return reply;
}

Reply ask_raw(std::uint16_t port, std::string_view bytes, Milliseconds patience)
{
    Socket socket(port);
    if (!socket.connected()) return {};
    socket.send(bytes); // a server that closes early may have answered first
    return socket.read(patience);
}

Reply ask(std::uint16_t port, const Ask& what, Milliseconds patience) { return ask_raw(port, what.text(), patience); }

std::uint16_t free_port()
{
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback("127.0.0.1", 0);
    socklen_t length = sizeof address;
    EXPECT_EQ(::bind(fd, generic(address), sizeof address), 0);
    EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length), 0);
    ::close(fd);
    return ntohs(address.sin_port);
}

} // namespace adit::e2e
