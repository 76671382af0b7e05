#include "app/config.h"
#include "cli/verbs.h"
#include "operate/check.h"
#include "operate/verbs.h"

#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace adit::operate {

namespace {

constexpr std::string_view kCheckHelp =
    "adit check [--config FILE] [--json] [--publish] [--ca-file PEM]\n"
    "\n"
    "Looks at everything that can be known before the shop opens, and says of each whether it is ok, and what to do "
    "if\n"
    "not: config, keys and who may read them, name, certificate and proxy (CORS, long headers, X-Forwarded-For),\n"
    "WireGuard device, port, routes, forwarding and NAT, clock, relays, mints, Lightning node, disk. Run it on the\n"
    "shop's host, as root or as the user that aditd runs as; what another user may not see is said to be not seen.\n"
    "\n"
    "It changes nothing. While aditd does not run, it listens in its place for as long as it looks, so that the proxy\n"
    "can be tried. It waits 5 to 8 s for each answer, 25 s for all of the proxy's, and ends after 30 s, whatever "
    "hangs.\n"
    "\n"
    "  --config FILE   (default: $ADIT_CONFIG, $EUROPA_NODE_CONFIG, /etc/adit/config.toml,\n"
    "                  /etc/europa-node/config.toml)\n"
    "  --json          {\"ok\": whether nothing failed, \"checks\": [{check, level, what, hint}]}\n"
    "  --publish       sends each relay a trial of a listing and of a wallet's event, which no directory shows, which\n"
    "                  expire in ten minutes, and which are deleted at once: whether it takes them is known only so.\n"
    "                  Where [notifications] are on, their recipient gets a trial message too\n"
    "  --ca-file PEM   certificates to trust instead of the system's, for a proxy or relay with one of your own\n"
    "\n"
    "Ends with 0 if nothing failed (warnings do not count), 1 if something did.\n"
    "\n"
    "  adit check\n"
    "  adit check --config ./config.toml --json\n";

constexpr cli::Option kCheckOptions[]{
    {"--config"}, {"--json", cli::Option::Takes::nothing}, {"--publish", cli::Option::Takes::nothing}, {"--ca-file"}};

std::optional<std::string> environment(const char* name)
{
    const char* value = std::getenv(name);
    return value ? std::optional<std::string>(value) : std::nullopt;
}

int check(const cli::Arguments& arguments, cli::Terminal& terminal)
{
    if (!arguments.rest().empty()) return cli::usage_error(terminal, "check", "expected no further words");
    std::optional<std::filesystem::path> given;
    if (const auto config = arguments.value("--config")) given = *config;
    CheckOptions options;
    options.config = app::config_path(
        given, environment, [](const std::filesystem::path& file) { return ::access(file.c_str(), F_OK) == 0; });
    options.ca_file = arguments.value("--ca-file").value_or("");
    if (!options.ca_file.empty() && ::access(options.ca_file.c_str(), R_OK) != 0)
        return cli::usage_error(terminal, "check", "--ca-file can not be read");
    options.publish = arguments.has("--publish");
    terminal.progress("looking, for 30 s at most");
    const CheckResult result = check_shop(options, system_clock(), system_rng());
    terminal.quiet();
    print(terminal, result.findings, arguments.has("--json") ? Form::json : Form::lines);
    const int status = exit_status(result.findings);
    if (!result.all_done) {
        // A thread hangs in the system's resolver, and uses what destructors would take away.
        std::fflush(nullptr);
        std::_Exit(status);
    }
    return status;
}

} // namespace

const cli::Verb kCheck{"check", "looks at everything that can be known before a shop opens", kCheckHelp, kCheckOptions,
                       &check};

} // namespace adit::operate
