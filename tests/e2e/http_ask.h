// tests/e2e/http_ask.h - requests over a real socket, byte for byte as written.
#pragma once

#include "base/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace adit::e2e {

struct Reply {
    int status = 0; // 0: nothing, or no whole answer, came back
    std::string head = {};
    std::string body = {};
    /// The first header of that name, in any case.
    std::optional<std::string> header(std::string_view name) const;
    /// The "reason" of a JSON body; "" for none.
    std::string reason() const;
};

struct Ask {
    std::string method = "GET";
    std::string path = "/";
    std::vector<std::pair<std::string, std::string>> headers = {};
    std::string body = {};
    std::string text() const; // as it is sent, with Host, Content-Length and Connection: close
};

/// One connection to 127.0.0.1, closed at its end.
class Socket {
public:
    /// `from`: the address to come from.
    explicit Socket(std::uint16_t port, const char* from = nullptr);
    Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Socket(const Socket&) = delete;
    ~Socket();
    bool connected() const { return fd_ >= 0; }
    bool send(std::string_view bytes);
    /// Until the answer is whole, the peer closes or `patience` has run out.
    Reply read(Milliseconds patience = Milliseconds(30'000));

private:
    int fd_ = -1;
};

/// Waits for the whole answer for at most `patience`.
Reply ask(std::uint16_t port, const Ask& what, Milliseconds patience = Milliseconds(30'000));
Reply ask_raw(std::uint16_t port, std::string_view bytes, Milliseconds patience = Milliseconds(30'000));

/// A TCP port of 127.0.0.1 that nobody listened at a moment ago.
std::uint16_t free_port();

} // namespace adit::e2e
