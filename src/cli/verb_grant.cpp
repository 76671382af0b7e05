#include "base/file.h"
#include "cli/daemon.h"
#include "cli/printable.h"
#include "cli/shown.h"
#include "cli/verbs.h"
#include "protocol/json_fields.h"

#include <nlohmann/json.hpp>

namespace adit::cli {

namespace {

constexpr std::string_view kGrantHelp =
    "adit grant KEY AMOUNT [--mbps N] [--note TEXT] [--out FILE] [--socket PATH] [--json]\n"
    "\n"
    "Gives a tunnel to a friend: nobody pays, and the books say so. The daemon on this machine puts it up at once and\n"
    "gives the config, in which the friend fills in the private key. A key that has a tunnel gets more of it.\n"
    "\n"
    "  KEY           the friend's WireGuard public key (wg genkey | tee private.key | wg pubkey)\n"
    "  AMOUNT        as 3day or 10GiB, in the units of a listing: hour, day, week, month, GiB, TiB\n"
    "  --mbps N      no faster than that, each way\n"
    "  --note TEXT   who or why, for the books; at most 200 bytes\n"
    "  --out FILE    write the config there, mode 0600 (default: standard output)\n"
    "  --socket PATH [admin].socket of the daemon's config (default: /var/lib/adit/admin.sock)\n"
    "  --json        the daemon's own answer\n"
    "\n"
    "  adit grant 'Ph0VvqiVjJBmtcGtpeHPPJS5DEGDnl0fIjVIZ0Ndxg8=' 3day --note 'Ann, on a journey' --out ann.conf\n";

constexpr Option kGrantOptions[]{{"--mbps"}, {"--note"}, {"--out"}, {"--socket"}, {"--json", Option::Takes::nothing}};

int grant(const Arguments& arguments, Terminal& terminal)
{
    const auto& rest = arguments.rest();
    if (rest.size() != 2) return usage_error(terminal, "grant", "takes a WireGuard public key, and how much, as 3day");
    nlohmann::json request = {{"command", "grant"}, {"client_pubkey", rest[0]}};
    if (const auto added = add_amount(request, rest[1], arguments); !added)
        return usage_error(terminal, "grant", added.error().detail);
    if (const auto note = arguments.value("--note")) request["note"] = *note;
    const auto answer = ask_daemon(arguments.value("--socket").value_or(kDefaultSocket), request);
    if (!answer) return failure(terminal, answer.error().detail);
    if (arguments.has("--json")) {
        terminal.out(answer->dump() + "\n");
        return kDone;
    }
    const nlohmann::json* began = protocol::member(*answer, "began");
    terminal.say("session " + shown_number(*answer, "session") +
                 (began && began->is_boolean() && began->get<bool>() ? " begins" : " goes on") + " until " +
                 shown_time(*answer, "expires_at"));
    const std::string* config = protocol::text_member(*answer, "config");
    if (!config)
        return failure(terminal, "it is given, but the device's own key is not known yet, so there is no config");
    if (const auto out = arguments.value("--out")) {
        if (const auto written = write_private_file(*out, *config); !written)
            return failure(terminal, "it is given, but " + written.error().detail);
        return kDone;
    }
    terminal.out(*config);
    return kDone;
}

} // namespace

const Verb kGrant{"grant", "gives a tunnel away", kGrantHelp, kGrantOptions, &grant};

} // namespace adit::cli
