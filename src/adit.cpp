// adit.cpp - the command line: take the words, run the verb.
#include "base/log.h"
#include "cli/verbs.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace {

/// Keys and money are in this memory: no core dumps, no reading by other processes of the same user, no files for
/// others.
void close_the_curtains()
{
    ::umask(077);
    ::prctl(PR_SET_DUMPABLE, 0);
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
}

} // namespace

int main(int argc, char** argv)
{
    close_the_curtains();
    adit::log_to_stderr(adit::LogLevel::off); // what a user should know is said, not logged
    const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    adit::cli::Terminal terminal;
    return adit::cli::run(words, terminal);
}
