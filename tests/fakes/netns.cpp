#include "fakes/netns.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/rng.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace adit::fakes {

namespace {

constexpr Milliseconds kRunLimit{10'000};
constexpr Milliseconds kStartLimit{10'000};
constexpr Milliseconds kTermLimit{2'000};

Error io_error(const std::string& what) { return Error{Reason::io, what + ": " + std::strerror(errno)}; }

/// A new namespace, made on a thread of its own so that ours stays where it is. -1 and errno if that is refused.
int new_namespace()
{
    int fd = -1;
    int code = 0;
    std::thread([&] {
        if (::unshare(CLONE_NEWNET) == 0) fd = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
        code = errno;
    }).join();
    errno = code;
    return fd;
}

bool says_yes(const char* variable)
{
    const char* value = std::getenv(variable);
    return value != nullptr && std::string_view(value) == "1";
}

bool in_path(const std::string& program)
{
    const char* path = std::getenv("PATH");
    std::string_view rest = path != nullptr ? path : "/usr/bin:/bin";
    while (!rest.empty()) {
        const auto colon = rest.find(':');
        const std::string candidate = std::string(rest.substr(0, colon)) + "/" + program;
        if (::access(candidate.c_str(), X_OK) == 0) return true;
        if (colon == std::string_view::npos) break;
        rest.remove_prefix(colon + 1);
    }
    return false;
}

std::string find_missing()
{
    const bool userspace = !kernel_wireguard_required(); // wireguard-go, that is, and what it needs
    const int tun = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (tun < 0 && userspace) return std::string("/dev/net/tun can not be opened: ") + std::strerror(errno);
    if (tun >= 0) ::close(tun);
    const int space = new_namespace();
    if (space < 0) return std::string("network namespaces can not be made: ") + std::strerror(errno);
    ::close(space);
    for (const char* program : {"ip", "nft", "wg", "wireguard-go", "ping"})
        if (!in_path(program) && (userspace || std::string_view(program) != "wireguard-go"))
            return std::string("the program ") + program + " is not installed";
    return {};
}

constexpr int kHere = -1; // no namespace: ours

/// Forks into the namespace and executes. After fork only async-signal-safe calls are made.
Result<pid_t> spawn(int namespace_fd, const Command& command, int input_fd, int output_fd)
{
    std::vector<char*> arguments;
    for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str())); // NOLINT
    arguments.push_back(nullptr);
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) return io_error("fork");
    if (pid > 0) return pid;

    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const bool orphan = ::getppid() != parent;
    const bool there = namespace_fd == kHere || ::setns(namespace_fd, CLONE_NEWNET) == 0;
    if (!orphan && there && ::dup2(input_fd, 0) == 0 && ::dup2(output_fd, 1) == 1 && ::dup2(output_fd, 2) == 2) {
        ::execvp(arguments[0], arguments.data());
    }
    ::_exit(127);
}

Result<Child> start_in(int namespace_fd, const Command& command)
{
    const int output = ::memfd_create("output", MFD_CLOEXEC);
    if (output < 0) return io_error("memfd_create");
    const int input = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    // The child's end appends, whatever we have read.
    ::fcntl(output, F_SETFL, O_APPEND);
    auto pid = spawn(namespace_fd, command, input, output);
    ::close(input);
    if (!pid) {
        ::close(output);
        return std::move(pid).error();
    }
    return Child(*pid, output);
}

std::string joined(const Command& command)
{
    std::string out;
    for (const std::string& word : command) out += (out.empty() ? "" : " ") + word;
    return out;
}

bool answers(const std::string& socket_path)
{
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    CHECK(socket_path.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, socket_path.c_str(), socket_path.size());
    const bool out = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return out;
}

} // namespace

const std::string& netns_missing()
{
    static const std::string missing = find_missing();
    return missing;
}

bool netns_required() { return says_yes("ADIT_REQUIRE_NETNS"); }
bool kernel_wireguard_required() { return says_yes("ADIT_KERNEL_WG"); }

bool eventually(Milliseconds length, const std::function<bool()>& condition)
{
    const SteadyTime end = system_clock().steady() + length;
    while (!condition()) {
        if (system_clock().steady() >= end) return false;
        ::poll(nullptr, 0, 10);
    }
    return true;
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), output_fd_(std::exchange(other.output_fd_, -1)), status_(other.status_),
      output_(std::move(other.output_))
{
}

Child& Child::operator=(Child&& other) noexcept
{
    if (this == &other) return *this;
    stop();
    pid_ = std::exchange(other.pid_, -1);
    output_fd_ = std::exchange(other.output_fd_, -1);
    status_ = other.status_;
    output_ = std::move(other.output_);
    return *this;
}

bool Child::reap(int options)
{
    if (pid_ < 0) return true;
    int status = 0;
    if (::waitpid(pid_, &status, options) != pid_) return false;
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    pid_ = -1;
    return true;
}

bool Child::running() { return !reap(WNOHANG); }

const std::string& Child::output()
{
    char block[4096];
    ssize_t got = 0;
    while (output_fd_ >= 0 && (got = ::pread(output_fd_, block, sizeof block, static_cast<off_t>(output_.size()))) > 0)
        output_.append(block, static_cast<std::size_t>(got));
    return output_;
}

Result<int> Child::wait(Milliseconds length)
{
    if (!eventually(length, [this] { return !running(); })) return Error{Reason::io, "still running"};
    return status_;
}

void Child::stop()
{
    if (running()) {
        ::kill(pid_, SIGTERM);
        if (!eventually(kTermLimit, [this] { return !running(); })) {
            ::kill(pid_, SIGKILL);
            reap(0);
        }
    }
    output();
    if (output_fd_ >= 0) ::close(std::exchange(output_fd_, -1));
}

Result<Child> start(const Command& command) { return start_in(kHere, command); }

Result<Netns> Netns::create()
{
    const int fd = new_namespace();
    if (fd < 0) return io_error("unshare");
    Netns out(fd);
    TRY(out.run({"ip", "link", "set", "lo", "up"}));
    return out;
}

Netns::Netns(Netns&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Netns::~Netns()
{
    if (fd_ >= 0) ::close(fd_);
}

std::string Netns::path() const { return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd_); }

Result<Child> Netns::start(const Command& command) const { return start_in(fd_, command); }

Result<std::string> Netns::run(const Command& command, std::string_view input) const
{
    const int input_fd = ::memfd_create("input", MFD_CLOEXEC);
    const int output_fd = ::memfd_create("output", MFD_CLOEXEC);
    CHECK(input_fd >= 0 && output_fd >= 0);
    const bool fed = ::pwrite(input_fd, input.data(), input.size(), 0) == static_cast<ssize_t>(input.size());
    auto pid = spawn(fd_, command, input_fd, output_fd);
    ::close(input_fd);
    if (!pid || !fed) {
        ::close(output_fd);
        return pid ? io_error("input") : std::move(pid).error();
    }
    Child child(*pid, output_fd);
    const auto status = child.wait(kRunLimit);
    if (!status || *status != 0) {
        const std::string ended = status ? "exit status " + std::to_string(*status) : status.error().detail;
        return Error{Reason::io, joined(command) + ": " + ended + ": " + child.output()};
    }
    return child.output();
}

void Netns::inside(const std::function<void()>& action) const
{
    std::thread([&] {
        CHECK(::setns(fd_, CLONE_NEWNET) == 0);
        action();
    }).join();
}

Result<void> join(const Netns& a, const std::string& a_interface, const std::string& a_cidr, const Netns& b,
                  const std::string& b_interface, const std::string& b_cidr)
{
    TRY(a.run({"ip", "link", "add", a_interface, "type", "veth", "peer", "name", b_interface, "netns", b.path()}));
    // No duplicate address detection: IPv6 addresses are usable at once.
    TRY(a.run({"ip", "address", "add", a_cidr, "dev", a_interface}));
    TRY(b.run({"ip", "address", "add", b_cidr, "dev", b_interface}));
    TRY(a.run({"ip", "link", "set", a_interface, "up"}));
    TRY(b.run({"ip", "link", "set", b_interface, "up"}));
    return {};
}

Result<void> forward_with_nat(const Netns& router, const std::string& source_cidr, const std::string& out_interface)
{
    TRY(router.run({"sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"}));
    const std::string rules = "table ip adit_test {\n"
                              "  chain leaving {\n"
                              "    type nat hook postrouting priority 100;\n"
                              "    ip saddr " +
                              source_cidr + " oifname \"" + out_interface +
                              "\" masquerade\n"
                              "  }\n"
                              "}\n";
    TRY(router.run({"nft", "-f", "-"}, rules));
    return {};
}

std::string unique_interface_name() { return "adit" + encode_hex(system_rng().bytes<4>()); }

Result<WireguardGo> WireguardGo::start(const Netns& where, const std::string& interface)
{
    const std::string socket = "/var/run/wireguard/" + interface + ".sock";
    WireguardGo out(TRY(where.start({"wireguard-go", "-f", interface})), interface);
    const bool up = eventually(kStartLimit, [&] { return answers(socket) || !out.child_.running(); });
    if (!up || !out.child_.running()) return Error{Reason::io, "wireguard-go: " + out.child_.output()};
    TRY(where.run({"ip", "link", "set", interface, "up"}));
    return out;
}

WireguardGo::WireguardGo(WireguardGo&& other) noexcept
    : child_(std::move(other.child_)), interface_(std::move(other.interface_)),
      stopped_(std::exchange(other.stopped_, true))
{
}

WireguardGo& WireguardGo::operator=(WireguardGo&& other) noexcept
{
    if (this == &other) return *this;
    stop();
    child_ = std::move(other.child_);
    interface_ = std::move(other.interface_);
    stopped_ = std::exchange(other.stopped_, true);
    return *this;
}

void WireguardGo::stop()
{
    if (std::exchange(stopped_, true)) return;
    child_.stop();
    std::error_code ignored; // it removes its socket unless it had to be killed
    std::filesystem::remove("/var/run/wireguard/" + interface_ + ".sock", ignored);
}

} // namespace adit::fakes
