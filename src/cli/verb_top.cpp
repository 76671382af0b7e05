#include "cli/daemon.h"
#include "cli/live_screen.h"
#include "cli/top_text.h"
#include "cli/verbs.h"

#include <nlohmann/json.hpp>

namespace adit::cli {

namespace {

constexpr std::string_view kTopHelp =
    "adit top [--every SECONDS] [--socket PATH] [--json]\n"
    "\n"
    "Talks to the daemon on this machine, and shows how the shop stands: what was sold today, the busiest tunnels "
    "with\n"
    "the time and data that they have left, relays, mints and Lightning, and what the journal has open. Of buyers it\n"
    "shows nothing but the number of their session. In a terminal it goes on until ^C or q; else it is shown once.\n"
    "\n"
    "  --every SECONDS  how often it is looked at (default: 2)\n"
    "  --socket PATH    [admin].socket of the daemon's config (default: /var/lib/adit/admin.sock)\n"
    "  --json           the daemon's own answer, once\n"
    "\n"
    "  adit top\n"
    "  adit top --json\n";

constexpr Option kTopOptions[]{{"--every"}, {"--socket"}, {"--json", Option::Takes::nothing}};

int top(const Arguments& arguments, Terminal& terminal)
{
    if (!arguments.rest().empty()) return usage_error(terminal, "top", "expected no further words");
    const auto every = arguments.number("--every", 2, 3600);
    if (!every) return usage_error(terminal, "top", every.error().detail);
    const std::filesystem::path socket = arguments.value("--socket").value_or(kDefaultSocket);
    auto answer = ask_daemon(socket, {{"command", "top"}});
    if (!answer) return failure(terminal, answer.error().detail);
    if (arguments.has("--json") || !LiveScreen::possible()) {
        terminal.out(arguments.has("--json") ? answer->dump() + "\n" : top_text(*answer));
        return kDone;
    }
    LiveScreen screen;
    do {
        // A daemon that is being restarted is shown as that, until it is back.
        screen.draw(answer ? top_text(*answer) : "aditd      does not answer: " + answer.error().detail + "\n");
        if (!screen.wait(Milliseconds(*every * 1000))) return kDone;
        answer = ask_daemon(socket, {{"command", "top"}});
    } while (true);
}

} // namespace

const Verb kTop{"top", "shows live how one's own shop stands", kTopHelp, kTopOptions, &top};

} // namespace adit::cli
