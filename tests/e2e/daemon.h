// tests/e2e/daemon.h - the built aditd as a child process.
#pragma once

#include "e2e/http_ask.h"
#include "fakes/netns.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace adit::e2e {

/// Starts a program of the build folder. `environment` is added to ours. In `where`, if given.
fakes::Child start_program(const std::string& name, const std::vector<std::string>& arguments,
                           const std::vector<std::string>& environment = {}, const fakes::Netns* where = nullptr);

/// Any program, by its path.
fakes::Child start_file(const std::string& path, const std::vector<std::string>& arguments,
                        const std::vector<std::string>& environment = {});

struct DaemonOptions {
    std::filesystem::path config;
    std::uint16_t port = 0; // as the config has it
    std::string log_level = "info";
    std::vector<std::string> environment = {};
    const fakes::Netns* where = nullptr;
};

/// It is killed in the end, and its output shown if the test has failed.
class Daemon {
public:
    explicit Daemon(const DaemonOptions& options);
    ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    /// Until /health?live says 200. False: it ended, or a minute has passed.
    bool wait_until_live();
    /// Until /health says 200.
    bool wait_until_selling();
    Reply ask(const Ask& what, Milliseconds patience = Milliseconds(30'000));

    bool running() { return child_.running(); }
    const std::string& output() { return child_.output(); }
    /// SIGTERM; its exit status. -1: it did not end within `patience`.
    int stop(Milliseconds patience = Milliseconds(20'000));
    /// SIGKILL, and gone when this returns.
    void kill();
    /// Its exit status once it ends by itself; none: still running after `patience`.
    std::optional<int> ended_within(Milliseconds patience);
    /// Bytes of memory that it alone has (RssAnon).
    std::uint64_t memory();
    pid_t pid() const { return child_.pid(); }

private:
    bool wait_for(const std::string& path);
    const DaemonOptions options_;
    fakes::Child child_;
};

} // namespace adit::e2e
