#include "cli/daemon.h"

#include "base/clock.h"
#include "cli/printable.h"
#include "protocol/json.h"
#include "protocol/json_fields.h"

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace adit::cli {

namespace {

constexpr std::size_t kMaxAnswer = 17 << 20;

Error io_error(const std::string& what, const std::filesystem::path& path)
{
    return {Reason::io, what + " " + path.string() + ": " + std::strerror(errno)};
}

class Socket {
public:
    explicit Socket(int fd) : fd_(fd) {}
    ~Socket()
    {
        if (fd_ >= 0) ::close(fd_);
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    int fd() const { return fd_; }

private:
    const int fd_;
};

Error no_answer(Milliseconds patience)
{
    return {Reason::io, "the daemon has not answered within " + std::to_string(patience.count() / 1000) +
                            " s. What was asked for may be done all the same: look before you ask again"};
}

/// Until there is something to read, or its end.
Result<void> wait_readable(int fd, SteadyTime until, Milliseconds patience)
{
    for (;;) {
        const auto left = std::chrono::ceil<Milliseconds>(until - system_clock().steady());
        if (left <= Milliseconds(0)) return no_answer(patience);
        pollfd entry{fd, POLLIN, 0};
        const int ready = ::poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)));
        if (ready > 0) return {};
        if (ready < 0 && errno != EINTR) return Error{Reason::io, std::string("poll: ") + std::strerror(errno)};
    }
}

Result<std::string> one_line_each(const std::filesystem::path& path, const std::string& line, Milliseconds patience)
{
    const SteadyTime until = system_clock().steady() + patience;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string text = path.string();
    if (text.size() >= sizeof address.sun_path)
        return Error{Reason::io, "the path of the admin socket is longer than 107 bytes: " + text};
    std::memcpy(address.sun_path, text.data(), text.size());

    const Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (socket.fd() < 0) return io_error("cannot make a socket for", path);
    if (::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return io_error("cannot reach the daemon (is aditd running, and are you its user?) at", path);
    // A line of 16 KiB fits the socket's buffer. One that the daemon refuses unread has its reason waiting to be read.
    if (::send(socket.fd(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size()) &&
        errno != EPIPE && errno != ECONNRESET)
        return io_error("cannot speak to the daemon at", path);

    std::string answer;
    char block[65536];
    while (answer.size() < kMaxAnswer) {
        TRY(wait_readable(socket.fd(), until, patience));
        const ssize_t count = ::recv(socket.fd(), block, sizeof block, 0);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        answer.append(block, static_cast<std::size_t>(count));
    }
    if (answer.empty() || answer.back() != '\n')
        return Error{Reason::io,
                     "the daemon gave no whole answer: has it ended? What was asked for may be done all the "
                     "same"};
    answer.pop_back();
    return answer;
}

} // namespace

Result<nlohmann::json> ask_daemon(const std::filesystem::path& path, const nlohmann::json& request,
                                  Milliseconds patience)
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
