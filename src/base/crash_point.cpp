#include "base/crash_point.h"

#ifdef ADIT_CRASH_POINTS

#include <atomic>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <unistd.h>

namespace adit {

void crash_point(std::string_view name)
{
    static std::atomic<long> passed{0};
    static const long die_at = [] {
        const char* text = std::getenv("ADIT_CRASH_AT");
        return text ? std::strtol(text, nullptr, 10) : 0L;
    }();
    static const char* const log = std::getenv("ADIT_CRASH_LOG");
    static const char* const from = std::getenv("ADIT_CRASH_FROM");
    if (from && ::access(from, F_OK) != 0) return;
    const long here = ++passed;
    if (log) {
        const int file = ::open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (file >= 0) {
            const std::string line = std::to_string(here) + " " + std::string(name) + "\n";
            [[maybe_unused]] const auto written = ::write(file, line.data(), line.size());
            ::close(file);
        }
    }
    if (here == die_at) ::_exit(86);
}

} // namespace adit

#endif
