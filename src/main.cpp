// main.cpp - aditd: read the config, build the app, run it.
#include "app/app.h"
#include "app/config_reference.h"
#include "base/curtains.h"
#include "base/log.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <thread>
#include <unistd.h>

namespace {

constexpr const char* kUsage =
    "aditd: sells WireGuard tunnels for Cashu tokens, found over Nostr.\n"
    "\n"
    "  aditd [--config FILE]     run (default: $ADIT_CONFIG, $EUROPA_NODE_CONFIG,\n"
    "                            /etc/adit/config.toml, /etc/europa-node/config.toml)\n"
    "  aditd --check [--config FILE]   read the config, say what is wrong with it, and end\n"
    "  aditd --print-config-reference  every key of the config, in Markdown\n"
    "  aditd --version\n"
    "\n"
    "Options: --log-level debug|info|warn|error (default: [log].level, which is info)\n"
    "Ends with 0 when asked to by SIGTERM or SIGINT, 1 when it cannot go on, 2 for a wrong config.\n";

struct Arguments {
    std::optional<std::filesystem::path> config;
    std::optional<adit::LogLevel> level;
    bool check_only = false;
};

/// None: the process should end with `status`.
std::optional<Arguments> parse_arguments(int argc, char** argv, int& status)
{
    Arguments arguments;
    const auto wrong = [&](const std::string& what) {
        std::fprintf(stderr, "aditd: %s\n\n%s", what.c_str(), kUsage);
        status = 2;
        return std::nullopt;
    };
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--help" || word == "-h") {
            std::fputs(kUsage, stdout);
            return std::nullopt;
        }
        if (word == "--version") {
            std::puts("aditd " ADIT_VERSION);
            return std::nullopt;
        }
        if (word == "--print-config-reference") {
            std::fputs(adit::app::config_reference().c_str(), stdout);
            return std::nullopt;
        }
        if (word == "--check") {
            arguments.check_only = true;
        } else if (word == "--config" && i + 1 < argc) {
            arguments.config = argv[++i];
        } else if (word == "--log-level" && i + 1 < argc) {
            arguments.level = adit::parse_log_level(argv[++i]);
            if (!arguments.level) return wrong("--log-level takes debug, info, warn or error");
        } else {
            return wrong("unknown or incomplete argument " + std::string(word));
        }
    }
    return arguments;
}

} // namespace

int main(int argc, char** argv)
{
    adit::close_the_curtains();
    // Threads come and go with purchases; an arena for each would keep what they freed.
    ::mallopt(M_ARENA_MAX, 2);
    int status = 0;
    const auto arguments = parse_arguments(argc, argv, status);
    if (!arguments) return status;
    const auto path = adit::app::config_path(
        arguments->config,
        [](const char* name) -> std::optional<std::string> {
            const char* value = std::getenv(name);
            return value ? std::optional<std::string>(value) : std::nullopt;
        },
        [](const std::filesystem::path& file) { return ::access(file.c_str(), F_OK) == 0; });
    auto loaded = adit::app::load_config(path);
    const bool running = loaded.config && !arguments->check_only;
    if (running) adit::log_to_stderr(arguments->level.value_or(loaded.config->log.level), loaded.config->log.format);
    const bool as_json = running && loaded.config->log.format == adit::LogFormat::json;
    for (const auto& warning : loaded.warnings) {
        if (as_json) // whoever reads objects should get nothing else
            adit::log_warn("config_warning", {{"detail", warning}});
        else
            std::fprintf(stderr, "warning: %s\n", warning.c_str());
    }
    for (const auto& error : loaded.errors) std::fprintf(stderr, "error: %s\n", error.c_str());
    if (!loaded.config) return 2;
    if (arguments->check_only) {
        std::printf("%s: no mistakes%s\n", path.c_str(), loaded.warnings.empty() ? "" : ", but see the warnings");
        return 0;
    }

    // Signals are taken by a thread of their own; every other thread is made with them blocked.
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&signals, signal);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    adit::app::App app(std::move(*loaded.config));
    std::thread listener([&] {
        int signal = 0;
        ::sigwait(&signals, &signal);
        app.ask_to_stop();
    });
    const auto started = app.start();
    if (started) {
        app.run_until_asked();
        adit::log_info("stopped");
    } else {
        adit::log_error("cannot_start", {{"detail", started.error().detail}});
        status = started.error().reason == adit::Reason::bad_config ? 2 : 1;
        ::pthread_kill(listener.native_handle(), SIGUSR1);
    }
    listener.join();
    return status;
}
