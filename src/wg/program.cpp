#include "wg/program.h"

#include "base/clock.h"
#include "wg/deadline.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

namespace adit::wg {

namespace {

constexpr std::size_t kOutputLimit = std::size_t{8} << 20;
constexpr std::size_t kErrorsLimit = std::size_t{64} << 10;
constexpr std::size_t kLastingOutputLimit = std::size_t{64} << 10;

Error program_error(const std::string& path, std::string_view doing, int code)
{
    return Error{Reason::io, path + ": " + std::string(doing) + ": " + std::generic_category().message(code)};
}

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor()
    {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return fd_; }
    int release() { return std::exchange(fd_, -1); }

private:
    int fd_;
};

/// Of the calling thread only. Whoever has no such capability gets no error here: the program will say what it lacks.
void make_net_admin_ambient()
{
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
    if (::syscall(SYS_capget, &header, sets) != 0) return;
    sets[CAP_TO_INDEX(CAP_NET_ADMIN)].inheritable |= CAP_TO_MASK(CAP_NET_ADMIN);
    if (::syscall(SYS_capset, &header, sets) != 0) return;
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0);
}

struct Streams {
    int input;
    int output;
    int errors;
};

/// Gives an errno; `pid` is set on success.
int spawn_here(const std::string& path, const std::vector<std::string>& arguments, const Streams& streams, short flags,
               pid_t& pid)
{
    std::vector<std::string> words{path};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    char* environment[] = {nullptr};

    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, streams.input, 0);
    ::posix_spawn_file_actions_adddup2(&actions, streams.output, 1);
    ::posix_spawn_file_actions_adddup2(&actions, streams.errors, 2);
    ::posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setflags(&attributes, static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | flags));
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    sigset_t all;
    ::sigfillset(&all);
    ::posix_spawnattr_setsigdefault(&attributes, &all);

    make_net_admin_ambient();
    const int code = ::posix_spawn(&pid, path.c_str(), &actions, &attributes, argv.data(), environment);
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    return code;
}

Result<pid_t> spawn_program(const std::string& path, const std::vector<std::string>& arguments, const Streams& streams,
                            short flags)
{
    pid_t pid = -1;
    int code = 0;
    // A thread of its own, since the capability is to be ambient nowhere else.
    std::thread([&] { code = spawn_here(path, arguments, streams, flags, pid); }).join();
    if (code != 0) return program_error(path, "can not be started", code);
    return pid;
}

int status_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

std::string content_of(int fd, std::size_t limit)
{
    std::string out;
    char block[16 * 1024];
    while (out.size() < limit) {
        const ssize_t got =
            ::pread(fd, block, std::min(sizeof block, limit - out.size()), static_cast<off_t>(out.size()));
        if (got <= 0) break;
        out.append(block, static_cast<std::size_t>(got));
    }
    return out;
}

bool write_all(int fd, std::string_view text)
{
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

/// Waits for the end; kills what has not ended by then.
bool ends_in_time(pid_t pid, Milliseconds limit, int& status)
{
    const Deadline deadline(limit);
    const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    bool in_time = false;
    while (!in_time && process.get() >= 0 && !deadline.passed()) {
        pollfd waiting{process.get(), POLLIN, 0};
        in_time = ::poll(&waiting, 1, deadline.left_ms()) == 1;
    }
    if (!in_time) ::kill(pid, SIGKILL);
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return in_time;
}

} // namespace

std::string find_program(const std::string& name)
{
    for (const char* folder : {"/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/", "/usr/local/sbin/", "/usr/local/bin/"}) {
        std::string path = name.starts_with('/') ? name : folder + name;
        if (::access(path.c_str(), X_OK) == 0) return path;
    }
    return {};
}

Result<ProgramEnd> run_program(const std::string& name, const std::vector<std::string>& arguments,
                               std::string_view input, Milliseconds limit)
{
    const std::string path = find_program(name);
    if (path.empty()) return Error{Reason::not_found, "there is no " + name + " on this machine"};
    // Files without a name rather than pipes: neither side can block the other.
    const Descriptor in(::memfd_create("input", MFD_CLOEXEC));
    const Descriptor out(::memfd_create("output", MFD_CLOEXEC));
    const Descriptor errors(::memfd_create("errors", MFD_CLOEXEC));
    if (in.get() < 0 || out.get() < 0 || errors.get() < 0) return program_error(path, "memfd", errno);
    if (!write_all(in.get(), input) || ::lseek(in.get(), 0, SEEK_SET) != 0) return program_error(path, "input", errno);
    for (const auto* stream : {&out, &errors}) ::fcntl(stream->get(), F_SETFL, O_APPEND);
    const pid_t pid = TRY(spawn_program(path, arguments, {in.get(), out.get(), errors.get()}, 0));
    int status = 0;
    if (!ends_in_time(pid, limit, status))
        return Error{Reason::io, path + " did not end within " + std::to_string(limit.count()) + " ms"};
    return ProgramEnd{status_of(status), content_of(out.get(), kOutputLimit), content_of(errors.get(), kErrorsLimit)};
}

Result<LastingProgram> LastingProgram::start(const std::string& path, const std::vector<std::string>& arguments)
{
    const Descriptor in(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    // A pipe would end with us and take it along; a file must not grow for ever.
    Descriptor out(::memfd_create("output", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (in.get() < 0 || out.get() < 0) return program_error(path, "descriptors", errno);
    if (::ftruncate(out.get(), static_cast<off_t>(kLastingOutputLimit)) != 0 ||
        ::fcntl(out.get(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) != 0)
        return program_error(path, "output", errno);
    const pid_t pid = TRY(spawn_program(path, arguments, {in.get(), out.get(), out.get()}, POSIX_SPAWN_SETSID));
    return LastingProgram(pid, out.release());
}

LastingProgram::LastingProgram(LastingProgram&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), output_(std::exchange(other.output_, -1))
{
}

LastingProgram& LastingProgram::operator=(LastingProgram&& other) noexcept
{
    std::swap(pid_, other.pid_);
    std::swap(output_, other.output_);
    return *this;
}

LastingProgram::~LastingProgram()
{
    running(); // one that has ended leaves no zombie
    if (output_ >= 0) ::close(output_);
}

bool LastingProgram::running()
{
    if (pid_ < 0) return false;
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == 0) return true;
    pid_ = -1;
    return false;
}

std::string LastingProgram::output() const
{
    std::string text = content_of(output_, kLastingOutputLimit);
    text.resize(std::min(text.size(), text.find('\0') == std::string::npos ? text.size() : text.find('\0')));
    return text;
}

void LastingProgram::kill()
{
    if (!running()) return;
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
}

} // namespace adit::wg
