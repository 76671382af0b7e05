#include "app/admin.h"

#include "base/log.h"
#include "protocol/json.h"

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace adit::app {

namespace {

constexpr std::size_t kMaxLine = 16'384; // an invoice has up to 7089 characters
constexpr std::size_t kMaxConnections = 8;
constexpr Milliseconds kPatience{10'000};

Error io_error(const std::string& what, const std::filesystem::path& path)
{
    return {Reason::io, what + " " + path.string() + ": " + std::strerror(errno)};
}

Result<sockaddr_un> address_of(const std::filesystem::path& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string text = path.string();
    if (text.size() >= sizeof address.sun_path)
        return Error{Reason::io, "the path of the admin socket is longer than 107 bytes: " + text};
    std::memcpy(address.sun_path, text.data(), text.size());
    return address;
}

const sockaddr* generic(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

bool is_ours(int fd)
{
    ucred peer{};
    socklen_t length = sizeof peer;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return false;
    return peer.uid == 0 || peer.uid == ::getuid();
}

std::string failure(Reason reason, std::string_view message)
{
    const bool unknown = reason == Reason::bad_request;
    return nlohmann::json{{"ok", false}, {"reason", unknown ? "bad-request" : "failed"}, {"message", message}}.dump();
}

std::string answer_to(const std::string& line, const AdminCommands& commands)
{
    const auto request = protocol::parse_json(line);
    if (!request || !request->is_object() || !request->contains("command") || !(*request)["command"].is_string())
        return failure(Reason::bad_request, "expected one line like {\"command\":\"status\"}");
    const auto command = commands.find((*request)["command"].get_ref<const std::string&>());
    if (command == commands.end()) {
        std::string known;
        for (const auto& [name, run] : commands) known += (known.empty() ? "" : ", ") + name;
        return failure(Reason::bad_request, "unknown command; there are: " + known);
    }
    const auto result = command->second(*request);
    if (!result) return failure(result.error().reason, result.error().detail);
    nlohmann::json answer = nlohmann::json::parse(*result, nullptr, false);
    answer["ok"] = true;
    return answer.dump();
}

} // namespace

struct AdminSocket::Core : std::enable_shared_from_this<Core> {
    Loop& loop;
    Workers& workers;
    std::filesystem::path path;
    AdminCommands commands;
    int listening = -1;
    struct Connection {
        std::uint64_t number; // the kernel gives a closed one's fd to the next
        std::string line;     // what came of it so far
    };
    std::map<int, Connection> connections;
    std::uint64_t accepted = 0;

    Core(Loop& in, Workers& by, std::filesystem::path at, AdminCommands those)
        : loop(in), workers(by), path(std::move(at)), commands(std::move(those))
    {
    }

    void accept_one()
    {
        const int fd = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) return;
        if (!is_ours(fd) || connections.size() >= kMaxConnections) {
            ::close(fd);
            return;
        }
        const std::uint64_t number = ++accepted;
        connections[fd] = {number, {}};
        loop.watch(fd, Loop::Interest::read, [this, fd](Loop::Ready) { read_from(fd); });
        loop.after(kPatience, [weak = weak_from_this(), fd, number] {
            const auto self = weak.lock();
            if (!self) return;
            const auto place = self->connections.find(fd);
            if (place != self->connections.end() && place->second.number == number) self->drop(fd);
        });
    }

    void drop(int fd)
    {
        connections.erase(fd);
        loop.unwatch(fd);
        ::close(fd);
    }

    void read_from(int fd)
    {
        char block[1024];
        const ssize_t count = ::recv(fd, block, sizeof block, 0);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (count <= 0) return drop(fd);
        std::string& line = connections.at(fd).line;
        line.append(block, static_cast<std::size_t>(count));
        const auto end = line.find('\n');
        if (std::min(end, line.size()) > kMaxLine) return drop(fd);
        if (end == std::string::npos) return;
        // From here on the connection is the worker's.
        std::string whole = line.substr(0, end);
        connections.erase(fd);
        loop.unwatch(fd);
        const bool taken = workers.submit([self = shared_from_this(), fd, whole = std::move(whole)] {
            const std::string answer = answer_to(whole, self->commands) + "\n";
            // Small enough for the socket's buffer; a caller who has gone loses nothing but the answer.
            [[maybe_unused]] const auto sent = ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
            ::close(fd);
        });
        if (!taken) ::close(fd);
    }

    void close_all()
    {
        if (listening >= 0) {
            loop.unwatch(listening);
            ::close(listening);
            ::unlink(path.c_str());
        }
        for (const auto& [fd, connection] : connections) {
            loop.unwatch(fd);
            ::close(fd);
        }
        connections.clear();
        listening = -1;
    }
};

AdminSocket::AdminSocket(std::shared_ptr<Core> core) : core_(std::move(core)) {}

AdminSocket::~AdminSocket() { core_->close_all(); }

Result<std::unique_ptr<AdminSocket>> AdminSocket::open(Loop& loop, Workers& workers, const std::filesystem::path& path,
                                                       AdminCommands commands)
{
    const sockaddr_un address = TRY(address_of(path));
    std::error_code error;
    if (path.has_parent_path() && std::filesystem::create_directories(path.parent_path(), error))
        std::filesystem::permissions(path.parent_path(), std::filesystem::perms::owner_all, error);
    if (error) return Error{Reason::io, "cannot make the folder of " + path.string() + ": " + error.message()};

    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return io_error("cannot make a socket for", path);
    auto core = std::make_shared<Core>(loop, workers, path, std::move(commands));
    // What a dead daemon left is in the way; the database's lock says that no other one is alive.
    struct stat there {};
    if (::lstat(path.c_str(), &there) == 0 && S_ISSOCK(there.st_mode)) ::unlink(path.c_str());
    // Nobody connects before listen(), and by then the mode is right.
    if (::bind(fd, generic(address), sizeof address) != 0 || ::chmod(path.c_str(), 0600) != 0 || ::listen(fd, 8) != 0) {
        const Error failed = io_error("cannot listen on", path);
        ::close(fd);
        return failed;
    }
    core->listening = fd;
    loop.watch(fd, Loop::Interest::read, [raw = core.get()](Loop::Ready) { raw->accept_one(); });
    return std::unique_ptr<AdminSocket>(new AdminSocket(std::move(core)));
}

} // namespace adit::app
