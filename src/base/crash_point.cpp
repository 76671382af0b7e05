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
    static std::atomic<long> passed_of_name{0};
    static const std::string at = [] {
        const char* text = std::getenv("ADIT_CRASH_AT");
        return std::string(text ? text : "");
    }();
    static const auto space = at.find(' ');
    static const std::string die_name = space == std::string::npos ? "" : at.substr(0, space);
    static const long die_at = std::strtol(at.c_str() + (die_name.empty() ? 0 : space), nullptr, 10);
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
    if (die_name.empty() ? here == die_at : name == die_name && ++passed_of_name == die_at) ::_exit(86);
}

} // namespace adit

#endif
