#include "bench/process.h"

#include "bench/report.h"

#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <sstream>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace adit::bench {

Program::Program(const std::string& name, std::vector<std::string> arguments, const std::string& log)
{
    arguments.insert(arguments.begin(), std::string(ADIT_BINARIES) + "/" + name);
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    int pipe_ends[2];
    if (::pipe2(pipe_ends, O_CLOEXEC) != 0) give_up("no pipe");
    const int errors = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() == parent && ::dup2(pipe_ends[1], 1) == 1 && ::dup2(errors, 2) == 2)
            ::execv(pointers[0], pointers.data());
        ::_exit(127);
    }
    ::close(errors);
    ::close(pipe_ends[1]);
    output_ = pipe_ends[0];
    if (pid_ < 0) give_up("cannot start " + name);
}

Program::~Program()
{
    stop();
    ::close(output_);
}

std::string Program::first_line() const
{
    std::string line;
    for (char c = 0; ::read(output_, &c, 1) == 1 && c != '\n';) line += c;
    return line;
}

bool Program::running()
{
    if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) != 0) pid_ = -1;
    return pid_ > 0;
}

void Program::stop()
{
    if (!running()) return;
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

double cpu_ms(pid_t pid)
{
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    std::getline(file, line);
    const std::size_t name_end = line.rfind(") ");
    if (name_end == std::string::npos) give_up("a measured program has ended");
    std::istringstream fields(line.substr(name_end + 2));
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;
    double user = 0;
    double kernel = 0;
    fields >> user >> kernel;
    return (user + kernel) * 1000.0 / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

Memory memory(pid_t pid)
{
    std::ifstream file("/proc/" + std::to_string(pid) + "/status");
    std::string word;
    Memory found;
    double kib = 0;
    while (file >> word) {
        if (word == "RssAnon:" && file >> kib) found.anonymous_mb = kib * 1.024e-3;
        if (word == "VmRSS:" && file >> kib) found.resident_mb = kib * 1.024e-3;
    }
    return found;
}

std::string text_of(const Memory& memory)
{
    char text[64];
    std::snprintf(text, sizeof text, "%.1f MB (RSS %.1f MB)", memory.anonymous_mb, memory.resident_mb);
    return text;
}

void wait_until_idle(pid_t pid)
{
    double before = cpu_ms(pid);
    for (;;) {
        ::poll(nullptr, 0, 1000);
        const double now = cpu_ms(pid);
        if (now - before < 20) return;
        before = now;
    }
}

std::string load_average()
{
    std::ifstream file("/proc/loadavg");
    std::string one;
    file >> one;
    return one;
}

} // namespace adit::bench
