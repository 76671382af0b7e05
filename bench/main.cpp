// adit-bench: what a sale, a start and a pass cost, and how much memory aditd takes.
#include "base/log.h"
#include "bench/figures.h"
#include "bench/process.h"
#include "bench/report.h"

#include <cstdio>
#include <cstring>
#include <sys/stat.h>

namespace {

using Measure = void (*)(const std::filesystem::path&);
struct Group {
    const char* name;
    Measure measure;
};
constexpr Group kGroups[] = {
    {"latency", adit::bench::measure_latency},   {"throughput", adit::bench::measure_throughput},
    {"restarts", adit::bench::measure_restarts}, {"passes", adit::bench::measure_passes},
    {"store", adit::bench::measure_store},       {"lightning", adit::bench::measure_lightning},
    {"seeing", adit::bench::measure_seeing},     {"notifications", adit::bench::measure_notifications},
};

constexpr const char* kHelp =
    "adit-bench [--folder FOLDER] all|latency|throughput|restarts|passes|store|lightning|seeing|notifications...\n"
    "\n"
    "Prints a table row for each figure. What the daemons write is put into FOLDER (default: the current one), whose\n"
    "disk is a part of what is measured. docs/benchmarks.md says what the figures mean.\n";

int fail()
{
    std::fputs(kHelp, stderr);
    return 2;
}

} // namespace

int main(int count, char** arguments)
{
    ::umask(077);
    adit::log_to_stderr(adit::LogLevel::error);
    std::filesystem::path where = ".";
    std::vector<Group> wanted;
    for (int i = 1; i < count; ++i) {
        const std::string_view word = arguments[i];
        if (word == "--folder" && i + 1 < count) {
            where = arguments[++i];
            continue;
        }
        const std::size_t before = wanted.size();
        for (const Group& group : kGroups)
            if (word == "all" || word == group.name) wanted.push_back(group);
        if (wanted.size() == before) return fail();
    }
    if (wanted.empty()) return fail();
    where = std::filesystem::absolute(where);
    adit::bench::describe_machine(where.string());
    for (const Group& group : wanted) group.measure(where);
    std::printf("\nLoad average at the end: %s.\n", adit::bench::load_average().c_str());
    return 0;
}
