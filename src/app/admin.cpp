#include "app/admin.h"

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

constexpr std::size_t kMaxLine = 16'384;     // an invoice has up to 7089 characters
constexpr std::size_t kMaxAnswer = 16 << 20; // what is longer is asked for by pages
constexpr std::size_t kMaxConnections = 16;

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

std::string_view word_of(Reason reason)
{
    if (reason == Reason::bad_request) return "bad-request";
    return reason == Reason::busy ? "busy" : "failed";
}

std::string failure(Reason reason, std::string_view message)
{
    const nlohmann::json answer{{"ok", false}, {"reason", word_of(reason)}, {"message", message}};
    return answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace); // a mint's own words may be in it
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
    std::string text = answer.dump();
    if (text.size() >= kMaxAnswer)
        return failure(Reason::bad_request, "the answer is over 16 MiB: ask for less at once");
    return text;
}

} // namespace

/// Everything in it is the loop thread's. Each watcher and each command under way shares it, so that it outlives the
/// socket for as long as somebody still gets an answer.
struct AdminSocket::Core : std::enable_shared_from_this<Core> {
    Loop& loop;
    Workers& workers;
    std::filesystem::path path;
    AdminCommands commands;
    const Milliseconds patience;
    int listening = -1;
    struct Connection {
        enum class Does { reads, works, writes };
        std::uint64_t number = 0; // the kernel gives a closed one's fd to the next
        Does does = Does::reads;
        std::string text = {};      // the line that comes, then the answer
        std::size_t sent = 0;       // of the answer
        Loop::TimerId deadline = 0; // of a line, and of each part of an answer; none while a command works
    };
    std::map<int, Connection> connections;
    std::uint64_t accepted = 0;

    Core(Loop& in, Workers& by, std::filesystem::path at, AdminCommands those, Milliseconds until)
        : loop(in), workers(by), path(std::move(at)), commands(std::move(those)), patience(until)
    {
    }

    void accept_one()
    {
        const int fd = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) return;
        if (!is_ours(fd)) {
            ::close(fd);
            return;
        }
        if (connections.size() >= kMaxConnections) {
            refuse(fd, Reason::busy, "the daemon is being asked too much at once: try again");
            return;
        }
        connections[fd].number = ++accepted;
        loop.watch(fd, Loop::Interest::read,
                   [self = shared_from_this(), fd](Loop::Ready ready) { self->on_ready(fd, ready); });
        expect_progress(fd);
    }

    /// Short enough for the socket's buffer.
    static void refuse(int fd, Reason reason, std::string_view why)
    {
        const std::string answer = failure(reason, why) + "\n";
        [[maybe_unused]] const auto sent = ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
        ::close(fd);
    }

    void expect_progress(int fd)
    {
        Connection& connection = connections.at(fd);
        loop.cancel(connection.deadline);
        connection.deadline = loop.after(patience, [weak = weak_from_this(), fd, number = connection.number] {
            const auto self = weak.lock();
            if (self && self->is_there(fd, number)) self->drop(fd);
        });
    }

    bool is_there(int fd, std::uint64_t number) const
    {
        const auto place = connections.find(fd);
        return place != connections.end() && place->second.number == number;
    }

    /// The caller may be gone: what it asked for is done all the same.
    void drop(int fd)
    {
        loop.cancel(connections.at(fd).deadline);
        connections.erase(fd);
        loop.unwatch(fd);
        ::close(fd);
    }

    void on_ready(int fd, Loop::Ready ready)
    {
        switch (connections.at(fd).does) {
        case Connection::Does::reads:
            return read_from(fd);
        case Connection::Does::works:
            if (ready.hung_up) drop(fd);
            return;
        case Connection::Does::writes:
            return write_to(fd);
        }
    }

    void read_from(int fd)
    {
        char block[1024];
        const ssize_t count = ::recv(fd, block, sizeof block, 0);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (count <= 0) return drop(fd);
        std::string& line = connections.at(fd).text;
        line.append(block, static_cast<std::size_t>(count));
        const auto end = line.find('\n');
        if (std::min(end, line.size()) > kMaxLine)
            return answer(fd, failure(Reason::bad_request, "a line may have 16384 bytes"));
        if (end == std::string::npos) return;
        begin(fd, line.substr(0, end));
    }

    /// Commands may take their time, and others are served meanwhile.
    void begin(int fd, std::string line)
    {
        Connection& connection = connections.at(fd);
        connection.does = Connection::Does::works;
        loop.cancel(connection.deadline);
        loop.change_interest(fd, Loop::Interest::none);
        const bool taken = workers.submit(
            [self = shared_from_this(), fd, number = connection.number, whole = std::move(line)]() mutable {
                std::string text = answer_to(whole, self->commands);
                Loop& later = self->loop;
                later.post([self = std::move(self), fd, number, text = std::move(text)]() mutable {
                    if (self->is_there(fd, number)) self->answer(fd, std::move(text));
                });
            });
        if (!taken) answer(fd, failure(Reason::busy, "the daemon has no worker free: try again"));
    }

    void answer(int fd, std::string text)
    {
        Connection& connection = connections.at(fd);
        connection.does = Connection::Does::writes;
        connection.text = std::move(text) + "\n";
        loop.change_interest(fd, Loop::Interest::write);
        write_to(fd);
    }

    void write_to(int fd)
    {
        Connection& connection = connections.at(fd);
        const std::string& text = connection.text;
        const ssize_t count = ::send(fd, text.data() + connection.sent, text.size() - connection.sent, MSG_NOSIGNAL);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) return expect_progress(fd);
        if (count < 0) return drop(fd);
        connection.sent += static_cast<std::size_t>(count);
        if (connection.sent == text.size()) return drop(fd);
        expect_progress(fd);
    }

    /// Who has not asked yet is not served any more; who has gets the answer.
    void close_door()
    {
        if (listening < 0) return;
        loop.unwatch(listening);
        ::close(listening);
        ::unlink(path.c_str());
        listening = -1;
        std::vector<int> readers;
        for (const auto& [fd, connection] : connections)
            if (connection.does == Connection::Does::reads) readers.push_back(fd);
        for (const int fd : readers) drop(fd);
    }

    /// Of a loop that has ended: nobody watches them any more.
    ~Core()
    {
        for (const auto& [fd, connection] : connections) ::close(fd);
    }
};

AdminSocket::AdminSocket(std::shared_ptr<Core> core) : core_(std::move(core)) {}

AdminSocket::~AdminSocket() { core_->close_door(); }

Result<std::unique_ptr<AdminSocket>> AdminSocket::open(Loop& loop, Workers& workers, const std::filesystem::path& path,
                                                       AdminCommands commands, Milliseconds patience)
{
    const sockaddr_un address = TRY(address_of(path));
    std::error_code error;
    if (path.has_parent_path() && std::filesystem::create_directories(path.parent_path(), error))
        std::filesystem::permissions(path.parent_path(), std::filesystem::perms::owner_all, error);
    if (error) return Error{Reason::io, "cannot make the folder of " + path.string() + ": " + error.message()};

    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return io_error("cannot make a socket for", path);
    auto core = std::make_shared<Core>(loop, workers, path, std::move(commands), patience);
    // What a dead daemon left is in the way; the database's lock says that no other one is alive.
    struct stat there {};
    if (::lstat(path.c_str(), &there) == 0 && S_ISSOCK(there.st_mode)) ::unlink(path.c_str());
    // Nobody connects before listen(), and by then the mode is right.
    if (::bind(fd, generic(address), sizeof address) != 0 || ::chmod(path.c_str(), 0600) != 0 ||
        ::listen(fd, 16) != 0) {
        const Error failed = io_error("cannot listen on", path);
        ::close(fd);
        return failed;
    }
    core->listening = fd;
    loop.watch(fd, Loop::Interest::read, [raw = core.get()](Loop::Ready) { raw->accept_one(); });
    return std::unique_ptr<AdminSocket>(new AdminSocket(std::move(core)));
}

} // namespace adit::app
