// http/listener.h - a listening TCP socket.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>

namespace adit::http {

struct Listener {
    int fd; // the caller's to close; non-blocking
    std::uint16_t port;
};
/// `port` 0 is any free one. Errors: bad_config (host not understood), io (cannot bind or listen).
Result<Listener> listen_on(const std::string& host, std::uint16_t port);

} // namespace adit::http
