#include "bench/report.h"

#include "bench/process.h"
#include "bench/stopwatch.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <sys/utsname.h>
#include <thread>
#include <unistd.h>

namespace adit::bench {

void give_up(const std::string& why)
{
    std::fprintf(stderr, "adit-bench: %s\n", why.c_str());
    std::exit(1);
}

Quantiles quantiles(std::vector<double> numbers)
{
    if (numbers.empty()) give_up("nothing was measured");
    std::ranges::sort(numbers);
    const auto at = [&](double part) {
        return numbers[static_cast<std::size_t>(part * static_cast<double>(numbers.size() - 1))];
    };
    return {at(0.5), at(0.99), numbers.back()};
}

void row(std::string_view figure, std::string_view goal, const std::string& seen)
{
    std::printf("| %.*s | %.*s | %s |\n", static_cast<int>(figure.size()), figure.data(), static_cast<int>(goal.size()),
                goal.data(), seen.c_str());
    std::fflush(stdout);
}

void heading(std::string_view title)
{
    std::printf("\n### %.*s\n\n| figure | goal | seen |\n|---|---|---|\n", static_cast<int>(title.size()),
                title.data());
    std::fflush(stdout);
}

std::string ms(double milliseconds)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.1f ms", milliseconds);
    return text;
}

std::string spread(const Quantiles& of) { return "p50 " + ms(of.p50) + ", p99 " + ms(of.p99) + ", max " + ms(of.most); }

namespace {

std::string processor()
{
    std::ifstream info("/proc/cpuinfo");
    std::string line;
    while (std::getline(info, line))
        if (line.starts_with("model name")) return line.substr(line.find(": ") + 2);
    return "an unnamed processor";
}

Quantiles sync_times(const std::string& folder)
{
    const std::string path = folder + "/sync";
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) give_up("cannot write to " + folder);
    const std::string page(4096, 'x');
    std::vector<double> times;
    for (int i = 0; i < 200; ++i) {
        const Stopwatch watch;
        if (::pwrite(fd, page.data(), page.size(), i * 4096) < 0 || ::fdatasync(fd) != 0)
            give_up("cannot sync in " + folder);
        times.push_back(watch.ms());
    }
    ::close(fd);
    ::unlink(path.c_str());
    return quantiles(std::move(times));
}

} // namespace

void describe_machine(const std::string& folder)
{
    utsname kernel{};
    ::uname(&kernel);
    std::printf("Machine: %u cores of %s, Linux %s. Load average at the start: %s.\n"
                "A page written and synced in %s: %s.\n",
                std::thread::hardware_concurrency(), processor().c_str(), kernel.release, load_average().c_str(),
                folder.c_str(), spread(sync_times(folder)).c_str());
    std::fflush(stdout);
}

} // namespace adit::bench
