#include "cli/daemon.h"

#include "cli/printable.h"
#include "protocol/json.h"
#include "protocol/json_fields.h"

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace adit::cli {

namespace {

constexpr std::size_t kMaxAnswer = 1 << 20;

Error io_error(const std::string& what, const std::filesystem::path& path)
{
    return {Reason::io, what + " " + path.string() + ": " + std::strerror(errno)};
}

Result<std::string> one_line_each(const std::filesystem::path& path, const std::string& line, Seconds patience)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string text = path.string();
    if (text.size() >= sizeof address.sun_path)
        return Error{Reason::io, "the path of the admin socket is longer than 107 bytes: " + text};
    std::memcpy(address.sun_path, text.data(), text.size());

    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return io_error("cannot make a socket for", path);
    const timeval longest{patience.count(), 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof longest);
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

} // namespace

Result<nlohmann::json> ask_daemon(const std::filesystem::path& path, const nlohmann::json& request, Seconds patience)
{
    const std::string line = TRY(one_line_each(path, request.dump() + "\n", patience));
    auto answer = protocol::parse_json(line);
    const nlohmann::json* ok = answer ? protocol::member(*answer, "ok") : nullptr;
    if (!ok || !ok->is_boolean()) return Error{Reason::io, "the daemon's answer can not be understood"};
    if (!ok->get<bool>()) {
        const std::string* message = protocol::text_member(*answer, "message");
        return Error{Reason::policy, message ? printable(*message, 500) : "the daemon refuses"};
    }
    return std::move(*answer);
}

} // namespace adit::cli
