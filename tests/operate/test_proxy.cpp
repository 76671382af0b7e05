#include "operate/test_proxy.h"

#include "base/ascii.h"

#include <algorithm>
#include <arpa/inet.h>
#include <csignal>
#include <cstdlib>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace adit::operate {

namespace {

sockaddr_in loopback(std::uint16_t port)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

/// The whole answer to one request, of a server that closes then.
std::string answer_of(std::uint16_t port, const std::string& request)
{
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(port);
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
{
    std::signal(SIGPIPE, SIG_IGN); // SSL_write has no MSG_NOSIGNAL
    if (certificate) {
        tls_ = SSL_CTX_new(TLS_server_method());
        CHECK(SSL_CTX_use_certificate_file(tls_, certificate->certificate_file().c_str(), SSL_FILETYPE_PEM) == 1);
        CHECK(SSL_CTX_use_PrivateKey_file(tls_, certificate->key_file().c_str(), SSL_FILETYPE_PEM) == 1);
    }
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t length = sizeof address;
    CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) == 0);
    CHECK(::listen(listener_, 64) == 0);
    CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
}

TestProxy::~TestProxy()
{
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
        for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (std::thread& thread : threads_) thread.join();
    ::close(listener_);
    SSL_CTX_free(tls_);
}

void TestProxy::behave(Manners manners)
{
    const std::lock_guard lock(mutex_);
    manners_ = std::move(manners);
}

void TestProxy::accept_all()
{
    for (;;) {
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) return;
        const std::lock_guard lock(mutex_);
        if (ending_) {
            ::close(fd);
            return;
        }
        open_.push_back(fd);
        threads_.emplace_back([this, fd] {
            serve(fd);
            const std::lock_guard closing(mutex_);
            std::erase(open_, fd);
            ::close(fd);
        });
    }
}

/// One request, and its end.
void TestProxy::serve(int fd)
{
    SSL* const tls = tls_ ? SSL_new(tls_) : nullptr;
    if (tls) SSL_set_fd(tls, fd);
    if (!tls || SSL_accept(tls) == 1) {
        std::string all;
        char block[16384];
        std::size_t end = 0;
        while ((end = all.find("\r\n\r\n")) == std::string::npos ||
               all.size() < end + 4 + body_of(all.substr(0, end))) {
            const auto got =
                tls ? SSL_read(tls, block, sizeof block) : static_cast<int>(::recv(fd, block, sizeof block, 0));
            if (got <= 0) break;
            all.append(block, static_cast<std::size_t>(got));
        }
        if (end != std::string::npos) {
            const std::string answer = answer_to(all.substr(0, end + 4), all.substr(end + 4));
            if (tls)
                SSL_write(tls, answer.data(), static_cast<int>(answer.size()));
            else
                ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
        }
        if (tls) SSL_shutdown(tls);
    }
    SSL_free(tls);
}

std::string TestProxy::answer_to(const std::string& head, const std::string& body) const
{
    Manners manners;
    {
        const std::lock_guard lock(mutex_);
        manners = manners_;
    }
    if (head.size() > manners.header_limit) return plain_answer("431 Request Header Fields Too Large");
    if (manners.answers_options && head.starts_with("OPTIONS")) return plain_answer("204 No Content");
    if (!manners.body_instead.empty()) return plain_answer("200 OK", manners.body_instead);
    std::string request = without_lines(head, [](const std::string& line) { return line.starts_with("connection:"); });
    request.resize(request.size() - 2);
    request += "Connection: close\r\n";
    if (manners.forwards) request += "X-Forwarded-For: 203.0.113.7\r\n";
    const std::uint16_t upstream = upstream_;
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
