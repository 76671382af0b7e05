// wg/program.h - programs of this machine: nft and wireguard-go, which managing an interface takes, and those that are
// asked about it. None sees a shell, a variable of ours, a descriptor of ours or a key on its command line.
// CAP_NET_ADMIN reaches them though aditd is not root: it is made ambient in the thread that starts them, and in no
// other.
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace adit::wg {

struct ProgramEnd {
    int status = 0;     // 128 + n for signal n
    std::string output; // its first 8 MiB
    std::string errors; // its first 64 KiB
};

/// Its path, in the folders that programs of the system are in (never by $PATH); empty for none. A path is itself.
std::string find_program(const std::string& name);

/// Runs it to its end in the C locale, with `input` as standard input; killed after `limit`.
/// Errors: not_found (there is no such program); io (not started, not ended).
Result<ProgramEnd> run_program(const std::string& name, const std::vector<std::string>& arguments,
                               std::string_view input, Milliseconds limit);

/// A program that goes on after us: in a session of its own, so that no signal meant for us reaches it.
class LastingProgram {
public:
    /// Errors: io.
    static Result<LastingProgram> start(const std::string& path, const std::vector<std::string>& arguments);
    LastingProgram(LastingProgram&& other) noexcept;
    LastingProgram& operator=(LastingProgram&& other) noexcept;
    /// Leaves it running.
    ~LastingProgram();

    bool running();
    /// What it wrote first; up to 64 KiB are kept, what comes later is refused it.
    std::string output() const;
    void kill();

private:
    LastingProgram(pid_t pid, int output) : pid_(pid), output_(output) {}
    pid_t pid_;  // -1: ended
    int output_; // a file without a name
};

} // namespace adit::wg
