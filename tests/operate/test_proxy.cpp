#include "operate/test_proxy.h"

#include "base/ascii.h"

#include <algorithm>
#include <cstdlib>

namespace adit::operate {

namespace {

/// The whole answer to one request, of a server that closes then.
std::string answer_of(std::uint16_t port, const std::string& request)
{
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = fakes::loopback_at(port);
    std::string answer;
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        for (std::size_t sent = 0; sent < request.size();) {
            const ssize_t count = ::send(fd, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
            if (count <= 0) break;
            sent += static_cast<std::size_t>(count);
        }
        char block[16384];
        for (ssize_t got = 0; (got = ::recv(fd, block, sizeof block, 0)) > 0;)
            answer.append(block, static_cast<std::size_t>(got));
    }
    ::close(fd);
    return answer;
}

std::string plain_answer(const std::string& status_line, const std::string& body = {})
{
    return "HTTP/1.1 " + status_line + "\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\nConnection: close\r\n\r\n" + body;
}

/// Bytes that are to come behind this head.
std::size_t body_of(const std::string& head)
{
    constexpr std::string_view kLength = "\r\ncontent-length:";
    const std::size_t at = to_lower(head).find(kLength);
    return at == std::string::npos ? 0 : std::strtoul(head.c_str() + at + kLength.size(), nullptr, 10);
}

/// Without the lines that `goes` says go.
template<typename Goes>
std::string without_lines(const std::string& head, Goes goes)
{
    std::string kept;
    for (std::size_t at = 0; at < head.size();) {
        const std::size_t end = std::min(head.find("\r\n", at), head.size() - 2) + 2;
        const std::string line = head.substr(at, end - at);
        if (line == "\r\n" || !goes(to_lower(line))) kept += line;
        at = end;
    }
    return kept;
}

} // namespace

TestProxy::TestProxy(const TestCertificate* certificate)
    : server_([this](fakes::LoopbackServer::Connection& connection) { serve(connection); }, certificate)
{
}

void TestProxy::behave(Manners manners)
{
    const std::lock_guard lock(mutex_);
    manners_ = std::move(manners);
}

void TestProxy::set_spoil(Spoil spoil)
{
    const std::lock_guard lock(mutex_);
    spoil_ = std::move(spoil);
}

/// One request, and its end.
void TestProxy::serve(fakes::LoopbackServer::Connection& connection)
{
    std::string all;
    std::size_t end = 0;
    while ((end = all.find("\r\n\r\n")) == std::string::npos || all.size() < end + 4 + body_of(all.substr(0, end))) {
        const std::string more = connection.read_some();
        if (more.empty()) return;
        all += more;
    }
    Manners manners;
    Spoil spoil;
    {
        const std::lock_guard lock(mutex_);
        manners = manners_;
        spoil = spoil_;
    }
    std::string answer = answer_to(all.substr(0, end + 4), all.substr(end + 4), manners, upstream_);
    const std::size_t path = all.find(' ') + 1;
    switch (spoil ? spoil(all.substr(path, all.find(' ', path) - path), answer) : Act::send) {
    case Act::send:
        return connection.send(answer);
    case Act::hang:
        connection.read_some(); // until the client has enough of it
        return;
    case Act::close:
        return;
    }
}

std::string TestProxy::answer_to(const std::string& head, const std::string& body, const Manners& manners,
                                 std::uint16_t upstream)
{
    if (head.size() > manners.header_limit) return plain_answer("431 Request Header Fields Too Large");
    if (manners.answers_options && head.starts_with("OPTIONS")) return plain_answer("204 No Content");
    if (!manners.body_instead.empty()) return plain_answer("200 OK", manners.body_instead);
    std::string request = without_lines(head, [](const std::string& line) { return line.starts_with("connection:"); });
    request.resize(request.size() - 2);
    request += "Connection: close\r\n";
    if (manners.forwards) request += "X-Forwarded-For: 203.0.113.7\r\n";
    std::string answer = upstream == 0 ? std::string() : answer_of(upstream, request + "\r\n" + body);
    const std::size_t end = answer.find("\r\n\r\n");
    if (end == std::string::npos) return plain_answer("502 Bad Gateway");
    std::string answer_head = without_lines(answer.substr(0, end + 4), [&](const std::string& line) {
        return line.starts_with("date:") || (!manners.passes_cors && line.starts_with("access-control-"));
    });
    if (!manners.date.empty()) {
        answer_head.resize(answer_head.size() - 2);
        answer_head += "Date: " + manners.date + "\r\n\r\n";
    }
    return answer_head + answer.substr(end + 4);
}

} // namespace adit::operate
