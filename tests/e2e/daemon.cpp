#include "e2e/daemon.h"

#include "base/clock.h"

#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace adit::e2e {

using fakes::eventually;

namespace {

/// Sanitizers and a busy machine take their time.
constexpr Milliseconds kStartPatience{60'000};

std::vector<char*> pointers(std::vector<std::string>& texts)
{
    std::vector<char*> out;
    for (std::string& text : texts) out.push_back(text.data());
    out.push_back(nullptr);
    return out;
}

fakes::Child start_here(std::vector<std::string> command, const std::vector<std::string>& environment)
{
    std::vector<std::string> whole_environment;
    for (char** each = environ; *each != nullptr; ++each) whole_environment.emplace_back(*each);
    for (const std::string& each : environment) whole_environment.push_back(each);
    const std::vector<char*> arguments = pointers(command);
    const std::vector<char*> variables = pointers(whole_environment);
    const int output = ::memfd_create("output", MFD_CLOEXEC);
    const int input = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    EXPECT_TRUE(output >= 0 && input >= 0);
    ::fcntl(output, F_SETFL, O_APPEND); // whatever we have read
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    EXPECT_GE(pid, 0);
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() == parent && ::dup2(input, 0) == 0 && ::dup2(output, 1) == 1 && ::dup2(output, 2) == 2)
            ::execve(arguments[0], arguments.data(), variables.data());
        ::_exit(127);
    }
    ::close(input);
    return {pid, output};
}

} // namespace

fakes::Child start_program(const std::string& name, const std::vector<std::string>& arguments,
                           const std::vector<std::string>& environment, const fakes::Netns* where)
{
    std::vector<std::string> command{std::string(ADIT_BINARIES) + "/" + name};
    command.insert(command.end(), arguments.begin(), arguments.end());
    if (!where) return start_here(std::move(command), environment);
    command.insert(command.begin(), environment.begin(), environment.end());
    command.insert(command.begin(), "env");
    return where->start(command).value();
}

fakes::Child start_file(const std::string& path, const std::vector<std::string>& arguments,
                        const std::vector<std::string>& environment)
{
    std::vector<std::string> command{path};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return start_here(std::move(command), environment);
}

Daemon::Daemon(const DaemonOptions& options)
    : options_(options),
      child_(start_program("aditd", {"--config", options.config.string(), "--log-level", options.log_level},
                           options.environment, options.where))
{
}

Daemon::~Daemon()
{
    kill();
    if (testing::Test::HasFailure()) std::fprintf(stderr, "---- aditd wrote:\n%s----\n", child_.output().c_str());
}

bool Daemon::wait_for(const std::string& path)
{
    bool answered = false;
    eventually(kStartPatience, [&] {
        answered = ask({"GET", path}, Milliseconds(5'000)).status == 200;
        return answered || !running();
    });
    EXPECT_TRUE(answered) << path << " of aditd " << (running() ? "does not say 200" : "is gone, the daemon has ended");
    return answered;
}

bool Daemon::wait_until_live() { return wait_for("/health?live"); }
bool Daemon::wait_until_selling() { return wait_for("/health"); }

Reply Daemon::ask(const Ask& what, Milliseconds patience)
{
    if (!options_.where) return e2e::ask(options_.port, what, patience);
    Reply reply;
    options_.where->inside([&] { reply = e2e::ask(options_.port, what, patience); });
    return reply;
}

int Daemon::stop(Milliseconds patience)
{
    if (child_.running()) ::kill(child_.pid(), SIGTERM);
    return ended_within(patience).value_or(-1);
}

void Daemon::kill()
{
    if (!child_.running()) return;
    ::kill(child_.pid(), SIGKILL);
    (void)child_.wait(Milliseconds(10'000));
}

std::optional<int> Daemon::ended_within(Milliseconds patience)
{
    const auto status = child_.wait(patience);
    if (!status) return std::nullopt;
    return *status;
}

std::uint64_t Daemon::memory()
{
    std::ifstream status("/proc/" + std::to_string(child_.pid()) + "/status");
    std::string line;
    while (std::getline(status, line))
        if (line.starts_with("RssAnon:")) return std::stoull(line.substr(8)) * 1024;
    return 0;
}

} // namespace adit::e2e
