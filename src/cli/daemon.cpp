#include "cli/daemon.h"

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace adit::cli {

namespace {

constexpr int kPatience_s = 10;
constexpr std::size_t kMaxAnswer = 1 << 20;

Error io_error(const std::string& what, const std::filesystem::path& path)
{
    return {Reason::io, what + " " + path.string() + ": " + std::strerror(errno)};
}

} // namespace

Result<std::string> ask_daemon(const std::filesystem::path& path, std::string_view command)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string text = path.string();
    if (text.size() >= sizeof address.sun_path)
        return Error{Reason::io, "the path of the admin socket is longer than 107 bytes: " + text};
    std::memcpy(address.sun_path, text.data(), text.size());

    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return io_error("cannot make a socket for", path);
    const timeval patience{kPatience_s, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const std::string line = nlohmann::json{{"command", command}}.dump() + "\n";
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::send(fd, line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) {
        const Error failed = io_error("cannot reach the daemon (is aditd running, and are you its user?) at", path);
        ::close(fd);
        return failed;
    }
    std::string answer;
    char block[4096];
    while (answer.size() < kMaxAnswer) {
        const ssize_t count = ::recv(fd, block, sizeof block, 0);
        if (count <= 0) break;
        answer.append(block, static_cast<std::size_t>(count));
    }
    ::close(fd);
    if (answer.empty() || answer.back() != '\n') return Error{Reason::io, "the daemon gave no whole answer"};
    answer.pop_back();
    return answer;
}

} // namespace adit::cli
