#include "operate/front.h"

#include <arpa/inet.h>
#include <cstdlib>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace adit::operate {

namespace {

constexpr int kLookAround_ms = 50; // for the end of the test

sockaddr_in loopback_at(std::uint16_t port)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

void send_whole(int fd, const std::string& text)
{
    std::size_t sent = 0;
    while (sent < text.size()) {
        const ssize_t got = ::send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (got <= 0) return;
        sent += static_cast<std::size_t>(got);
    }
}

std::size_t length_of_body(const std::string& head)
{
    const std::size_t at = head.find("Content-Length: ");
    return at == std::string::npos ? 0 : std::strtoul(head.c_str() + at + 16, nullptr, 10);
}

} // namespace

Front::Front() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), port_(0)
{
    sockaddr_in address = loopback_at(0);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_, 64), 0);
    socklen_t length = sizeof address;
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length), 0);
    port_ = ntohs(address.sin_port);
    accepting_ = std::thread([this] { accept_all(); });
}

Front::~Front()
{
    over_ = true;
    accepting_.join();
    for (std::thread& each : serving_) each.join();
    ::close(listener_);
}

void Front::set_spoil(Spoil spoil)
{
    const std::lock_guard lock(mutex_);
    spoil_ = std::move(spoil);
}

void Front::accept_all()
{
    while (!over_) {
        pollfd waiting{listener_, POLLIN, 0};
        if (::poll(&waiting, 1, kLookAround_ms) != 1) continue;
        const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client >= 0) serving_.emplace_back([this, client] { serve(client); });
    }
}

void Front::serve(int client)
{
    std::string request;
    std::size_t whole = std::string::npos;
    char block[16 * 1024];
    while (!over_ && request.size() < whole) {
        pollfd waiting{client, POLLIN, 0};
        if (::poll(&waiting, 1, kLookAround_ms) != 1) continue;
        const ssize_t got = ::recv(client, block, sizeof block, 0);
        if (got <= 0) break;
        request.append(block, static_cast<std::size_t>(got));
        const std::size_t head = request.find("\r\n\r\n");
        if (head != std::string::npos) whole = head + 4 + length_of_body(request.substr(0, head));
    }
    if (request.size() >= whole) {
        std::string answer = pass_on(request);
        const std::size_t begin = request.find(' ') + 1;
        const std::string path = request.substr(begin, request.find(' ', begin) - begin);
        Spoil spoil;
        {
            const std::lock_guard lock(mutex_);
            spoil = spoil_;
        }
        const Act act = spoil ? spoil(path, answer) : Act::send;
        if (act == Act::send) send_whole(client, answer);
        while (act == Act::hang && !over_) ::poll(nullptr, 0, kLookAround_ms);
    }
    ::close(client);
}

std::string Front::pass_on(const std::string& request) const
{
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback_at(shop_);
    std::string answer;
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        const std::size_t line = request.find("\r\n") + 2;
        send_whole(fd, request.substr(0, line) + "Connection: close\r\n" + request.substr(line));
        char block[16 * 1024];
        for (ssize_t got = 0; (got = ::recv(fd, block, sizeof block, 0)) > 0;)
            answer.append(block, static_cast<std::size_t>(got));
    }
    ::close(fd);
    return answer.empty() ? "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" : answer;
}

} // namespace adit::operate
