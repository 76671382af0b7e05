// operate/run_program.h - a program of this machine, asked a question.
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <string>
#include <vector>

namespace adit::operate {

struct ProgramAnswer {
    int status = 0;     // of its exit; 128 + n for signal n
    std::string output; // standard output, at most 8 MiB
    std::string errors; // standard error, at most 4 KiB
};

/// Runs `name` out of the folders that programs of the system are in (never of $PATH), without input, in the C locale.
/// Blocking, for `timeout` at most: it is killed then. Errors: not_found (there is no such program); io.
Result<ProgramAnswer> run_program(const std::string& name, const std::vector<std::string>& arguments,
                                  Milliseconds timeout);

} // namespace adit::operate
