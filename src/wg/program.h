// wg/program.h - the two programs of others that managing an interface takes: nft, and wireguard-go.
// Neither sees a shell, a variable of ours, a descriptor of ours or a key on its command line. CAP_NET_ADMIN reaches
// them though aditd is not root: it is made ambient in the thread that starts them, and in no other.
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace adit::wg {

struct ProgramEnd {
    int status = 0;     // 128 + n for signal n
    std::string output; // of both streams, its first 4 MiB
};

/// The first of these paths that can be executed; empty for none.
std::string find_program(std::span<const char* const> paths);

/// Runs it to its end, with `input` as standard input; killed after `limit`. Errors: io (not started, not ended).
Result<ProgramEnd> run_program(const std::string& path, const std::vector<std::string>& arguments,
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
