#include "wg/forwarding.h"

#include "base/file.h"

#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace adit::wg {

namespace {

std::optional<char> first_character(const std::filesystem::path& path)
{
    const auto text = read_file(path, 4096);
    if (!text || text->empty()) return std::nullopt;
    return text->front();
}

bool write_character(const std::filesystem::path& path, char value)
{
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    const bool written = ::write(fd, &value, 1) == 1;
    ::close(fd);
    return written;
}

Forwarding ensure(const std::filesystem::path& path)
{
    const auto now = first_character(path);
    if (!now) return Forwarding::can_not_tell;
    if (*now != '0') return Forwarding::on;
    return write_character(path, '1') && first_character(path) == '1' ? Forwarding::turned_on : Forwarding::off;
}

void keep_router_advertisements(const std::filesystem::path& interfaces)
{
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator(interfaces, failed)) {
        const auto name = entry.path().filename();
        if (name == "all" || name == "default" || name == "lo") continue;
        const auto path = entry.path() / "accept_ra";
        if (first_character(path) == '1') write_character(path, '2');
    }
}

} // namespace

Forwarding ensure_forwarding4(const std::filesystem::path& sysctls) { return ensure(sysctls / "net/ipv4/ip_forward"); }

Forwarding ensure_forwarding6(const std::filesystem::path& sysctls)
{
    const auto interfaces = sysctls / "net/ipv6/conf";
    if (first_character(interfaces / "all/forwarding") == '0') keep_router_advertisements(interfaces);
    return ensure(interfaces / "all/forwarding");
}

} // namespace adit::wg
