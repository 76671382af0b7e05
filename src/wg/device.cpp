#include "wg/device.h"

#include <algorithm>
#include <arpa/inet.h>

namespace adit::wg {

std::string HostAddress::text() const
{
    char out[INET6_ADDRSTRLEN] = {};
    CHECK(inet_ntop(family == Family::v4 ? AF_INET : AF_INET6, bytes.data(), out, sizeof out) != nullptr);
    return out;
}

Result<HostAddress> HostAddress::parse(std::string_view text)
{
    const std::string terminated(text.substr(0, INET6_ADDRSTRLEN));
    const bool embedded_nul = terminated.find('\0') != std::string::npos;
    if (!embedded_nul && text.size() < INET6_ADDRSTRLEN) {
        HostAddress out;
        if (inet_pton(AF_INET, terminated.c_str(), out.bytes.data()) == 1) return out;
        out = {};
        out.family = Family::v6;
        if (inet_pton(AF_INET6, terminated.c_str(), out.bytes.data()) == 1) return out;
    }
    return Error{Reason::bad_encoding, "not an IP address"};
}

} // namespace adit::wg
