// tests/e2e/trap.h - an aditd that dies at a point of one's choice, and what it passed on the way there.
#pragma once

#include "base/clock.h"
#include "e2e/daemon.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <poll.h>
#include <set>

namespace adit::e2e {

inline constexpr int kDied = 86; // crash_point.h

#ifdef ADIT_CRASH_POINTS
#define ADIT_NEEDS_CRASH_POINTS()                                                                                      \
    do {                                                                                                               \
    } while (false)
#else
#define ADIT_NEEDS_CRASH_POINTS() GTEST_SKIP() << "this aditd can not be told to die: build with ADIT_CRASH_POINTS=ON"
#endif

/// What the points that a process passes are written to, and what makes them count.
struct Trap {
    explicit Trap(const std::filesystem::path& folder) : from(folder / "crash.from"), log(folder / "crash.log") {}
    std::vector<std::string> environment(int at) const { return environment(std::to_string(at)); }
    std::vector<std::string> environment(const std::string& at) const
    {
        std::filesystem::remove(from);
        std::filesystem::remove(log);
        return {"ADIT_CRASH_AT=" + at, "ADIT_CRASH_FROM=" + from.string(), "ADIT_CRASH_LOG=" + log.string()};
    }
    void arm() const { std::ofstream(from) << "now\n"; }
    std::vector<std::string> passed() const
    {
        std::vector<std::string> names;
        std::ifstream file(log);
        for (std::string number, name; file >> number >> name;) names.push_back(name);
        return names;
    }
    /// Until nothing has been passed for a while, or the daemon is dead. True: it lives.
    bool until_quiet(Daemon& daemon) const
    {
        std::size_t last = passed().size();
        for (int still = 0; still < 10; ++still) {
            ::poll(nullptr, 0, 25);
            if (!daemon.running()) return false;
            const std::size_t now = passed().size();
            if (now != last) still = 0;
            last = now;
        }
        return true;
    }

    std::filesystem::path from;
    std::filesystem::path log;
};

/// `act` runs once to learn which points it passes, and then dies at each. By name and number: what the background does
/// beside it comes in no fixed order.
inline void at_every_point(const std::function<std::vector<std::string>(const std::string& at)>& act)
{
    std::map<std::string, int> counts;
    for (const std::string& name : act("0")) ++counts[name];
    for (const auto& [name, count] : counts) {
        for (int n = 1; n <= count; ++n) {
            act(name + " " + std::to_string(n));
            if (testing::Test::HasFailure()) return;
        }
    }
}

/// What a sweep has seen.
struct Deaths {
    int points = 0;
    std::set<std::string> names;
    SteadyTime began = system_clock().steady();

    void note(const std::string& name)
    {
        ++points;
        names.insert(name);
    }
    void print(const char* what) const
    {
        const auto took = std::chrono::duration_cast<Seconds>(system_clock().steady() - began).count();
        std::printf("died at %d points of %s, %zu different ones, in %lld s\n", points, what, names.size(),
                    static_cast<long long>(took));
        for (const std::string& name : names) std::printf("  %s\n", name.c_str());
    }
    void expect_steps(const std::vector<const char*>& steps) const
    {
        for (const char* step : steps)
            for (const char* moment : {"before", "after"})
                EXPECT_TRUE(names.contains("store_" + std::string(moment) + "_commit:" + step)) << moment << step;
    }
    void expect_calls(const std::vector<const char*>& calls) const
    {
        for (const char* call : calls)
            for (const char* moment : {"before", "after"})
                EXPECT_TRUE(names.contains("mint_" + std::string(moment) + "_" + call)) << moment << call;
    }
};

} // namespace adit::e2e
