#include "cli/daemon.h"
#include "cli/printable.h"
#include "cli/verbs.h"
#include "protocol/json_fields.h"

#include <nlohmann/json.hpp>

namespace adit::cli {

namespace {

constexpr std::string_view kListingHelp =
    "adit listing pause|resume|status [--socket PATH] [--json]\n"
    "\n"
    "Talks to the daemon on this machine. A paused listing is shown as sold out and sells nothing; tunnels that are "
    "paid\n"
    "for go on, and buyers who have paid still get theirs.\n"
    "\n"
    "  --socket PATH   [admin].socket of the daemon's config (default: /var/lib/adit/admin.sock)\n"
    "  --json          the daemon's own answer\n"
    "\n"
    "  adit listing pause\n"
    "  adit listing status --json\n";

constexpr Option kListingOptions[]{{"--socket"}, {"--json", Option::Takes::nothing}};

int listing(const Arguments& arguments, Terminal& terminal)
{
    const auto& rest = arguments.rest();
    if (rest.size() != 1 || (rest[0] != "pause" && rest[0] != "resume" && rest[0] != "status"))
        return usage_error(terminal, "listing", "expected one of: pause, resume, status");
    const auto answer = ask_daemon(arguments.value("--socket").value_or(kDefaultSocket), {{"command", rest[0]}});
    if (!answer) return failure(terminal, answer.error().detail);
    if (arguments.has("--json")) {
        terminal.out(answer->dump() + "\n");
        return kDone;
    }
    const nlohmann::json* paused = protocol::member(*answer, "paused");
    const auto count = [&](const char* name) {
        const nlohmann::json* value = protocol::member(*answer, name);
        const auto number = value ? protocol::whole_number(*value, ~0ULL) : std::nullopt;
        return number ? std::to_string(*number) : std::string("?");
    };
    std::string text = std::string("listing   ") +
                       (paused && paused->is_boolean() && paused->get<bool>() ? "paused" : "for sale") + "\n";
    text += "sessions  " + count("sessions") + "\n";
    text += "owed      " + count("owed") + "\n";
    if (const nlohmann::json* relays = protocol::member(*answer, "relays"); relays && relays->is_array())
        for (const nlohmann::json& relay : *relays) {
            const std::string* url = protocol::text_member(relay, "url");
            const std::string* error = protocol::text_member(relay, "last_error");
            const nlohmann::json* connected = protocol::member(relay, "connected");
            const bool up = connected && connected->is_boolean() && connected->get<bool>();
            text += "relay     " + (url ? printable(*url, 200) : "?") + "  " + (up ? "connected" : "not connected");
            if (!up && error && !error->empty()) text += " (" + printable(*error, 200) + ")";
            text += "\n";
        }
    terminal.out(text);
    return kDone;
}

} // namespace

const Verb kListing{"listing", "pauses and resumes one's own listing", kListingHelp, kListingOptions, &listing};

} // namespace adit::cli
