#include "operate/run_program.h"

#include "base/clock.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace adit::operate {

namespace {

constexpr std::size_t kMostOutput = 8 << 20;
constexpr std::size_t kMostErrors = 4 << 10;

std::string path_of(const std::string& name)
{
    for (const char* folder : {"/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/", "/usr/local/sbin/"})
        if (std::string path = folder + name; ::access(path.c_str(), X_OK) == 0) return path;
    return {};
}

struct Pipe {
    Pipe() { good = ::pipe2(ends.data(), O_CLOEXEC) == 0; }
    ~Pipe()
    {
        close_end(0);
        close_end(1);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    void close_end(std::size_t which)
    {
        if (ends[which] >= 0) ::close(ends[which]);
        ends[which] = -1;
    }
    std::array<int, 2> ends{-1, -1};
    bool good = false;
};

/// False at its end. What is over the limit is read and forgotten.
bool read_some(int fd, std::string& into, std::size_t most)
{
    std::array<char, 16384> block{};
    const ssize_t count = ::read(fd, block.data(), block.size());
    if (count < 0) return errno == EINTR;
    into.append(block.data(), std::min(static_cast<std::size_t>(count), most - into.size()));
    return count > 0;
}

int reap(pid_t child)
{
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

} // namespace

Result<ProgramAnswer> run_program(const std::string& name, const std::vector<std::string>& arguments,
                                  Milliseconds timeout)
{
    std::string path = path_of(name);
    if (path.empty()) return Error{Reason::not_found, "there is no " + name + " on this machine"};
    Pipe out;
    Pipe err;
    if (!out.good || !err.good) return Error{Reason::io, std::string("cannot make a pipe: ") + std::strerror(errno)};

    std::vector<std::string> words{path};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    std::string locale = "LC_ALL=C";
    std::string folders = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    std::array<char*, 3> environment{locale.data(), folders.data(), nullptr};

    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, out.ends[1], 1);
    ::posix_spawn_file_actions_adddup2(&actions, err.ends[1], 2);
    pid_t child = -1;
    const int failed = ::posix_spawn(&child, path.c_str(), &actions, nullptr, argv.data(), environment.data());
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) return Error{Reason::io, "cannot start " + path + ": " + std::strerror(failed)};
    out.close_end(1);
    err.close_end(1);

    ProgramAnswer answer;
    const SteadyTime deadline = system_clock().steady() + timeout;
    while (out.ends[0] >= 0 || err.ends[0] >= 0) {
        const auto left = std::chrono::duration_cast<Milliseconds>(deadline - system_clock().steady()).count();
        if (left <= 0) {
            ::kill(child, SIGKILL);
            reap(child);
            return Error{Reason::io, name + " did not end within " + std::to_string(timeout.count()) + " ms"};
        }
        std::array<pollfd, 2> ends{{{out.ends[0], POLLIN, 0}, {err.ends[0], POLLIN, 0}}};
        if (::poll(ends.data(), ends.size(), static_cast<int>(left)) <= 0) continue;
        if (ends[0].revents != 0 && !read_some(out.ends[0], answer.output, kMostOutput)) out.close_end(0);
        if (ends[1].revents != 0 && !read_some(err.ends[0], answer.errors, kMostErrors)) err.close_end(0);
    }
    answer.status = reap(child);
    return answer;
}

} // namespace adit::operate
