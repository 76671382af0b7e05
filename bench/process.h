// bench/process.h - the programs that are measured, and what the kernel says of them.
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

namespace adit::bench {

/// A program beside this one, killed with it. Its error output goes to a file.
class Program {
public:
    /// `name` in the build folder.
    Program(const std::string& name, std::vector<std::string> arguments, const std::string& log);
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    pid_t pid() const { return pid_; }
    /// Blocks until it has written one. Empty: it never will.
    std::string first_line() const;
    bool running();
    /// SIGTERM, and waits.
    void stop();

private:
    pid_t pid_ = -1;
    int output_ = -1;
};

/// Of all its threads, dead ones too, in the kernel and outside.
double cpu_ms(pid_t pid);
struct Memory {
    double anonymous_mb = 0; // RssAnon
    double resident_mb = 0;  // VmRSS
};
/// 1 MB is 1,000,000 bytes.
Memory memory(pid_t pid);
std::string text_of(const Memory& memory); // "2.8 MB (RSS 20.4 MB)"
/// Until it has used less than 20 ms of processor in a whole second.
void wait_until_idle(pid_t pid);
std::string load_average();

} // namespace adit::bench
