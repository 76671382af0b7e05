#include "cli/daemon.h"
#include "cli/printable.h"
#include "cli/verbs.h"
#include "protocol/json.h"
#include "protocol/json_fields.h"

#include <nlohmann/json.hpp>

namespace adit::cli {

namespace {

constexpr std::string_view kSessionsHelp =
    "adit sessions [--settled PURCHASE] [--socket PATH] [--json]\n"
    "\n"
    "Talks to the daemon on this machine: how many tunnels are live, and every purchase that was paid and is neither\n"
    "delivered nor paid back for longer than that should take. The daemon goes on trying; what it can not do by "
    "itself\n"
    "it says here.\n"
    "\n"
    "  --settled PURCHASE  you have settled this one with its buyer outside of adit: it is owed no more\n"
    "  --socket PATH       [admin].socket of the daemon's config (default: /var/lib/adit/admin.sock)\n"
    "  --json              the daemon's own answer\n"
    "\n"
    "  adit sessions\n"
    "  adit sessions --settled 1042\n";

constexpr Option kSessionsOptions[]{{"--settled"}, {"--socket"}, {"--json", Option::Takes::nothing}};

/// What the operator can do about it, by the state that it is in.
std::string advice(std::string_view state, bool has_refund_key)
{
    if (state == "redeemed")
        return has_refund_key ? "paid by Lightning. The tunnel can not be put up, and the wallet has not enough at any "
                                "one mint to "
                                "pay back: mend the device, or put ecash into the wallet, and it goes on by itself."
                              : "paid by Lightning, by a buyer who named no key to pay back to. The tunnel is put up "
                                "as soon as the "
                                "device takes it and its address is free. If you can settle with the buyer yourself, "
                                "do, and then: "
                                "adit sessions --settled NUMBER";
    if (state == "settling")
        return "held by Lightning, and the node has not said whether it settled. It is asked again and again: see that "
               "it runs.";
    if (state == "swapping" || state == "refunding")
        return "the mint has not said what became of it. It is asked again and again: see that the mint is reachable, "
               "and still named in the config.";
    return "see the daemon's log.";
}

std::string number_of(const nlohmann::json& row, const char* name)
{
    const nlohmann::json* value = protocol::member(row, name);
    const auto number = value ? protocol::whole_number(*value, ~0ULL) : std::nullopt;
    return number ? std::to_string(*number) : "?";
}

std::string text_of(const nlohmann::json& row, const char* name)
{
    const std::string* text = protocol::text_member(row, name);
    return text ? printable(*text, 200) : "?";
}

int sessions(const Arguments& arguments, Terminal& terminal)
{
    if (!arguments.rest().empty()) return usage_error(terminal, "sessions", "expected no further words");
    nlohmann::json request = {{"command", "sessions"}};
    if (const auto settled = arguments.value("--settled")) {
        const auto number = protocol::parse_json(*settled);
        if (!number || !number->is_number_unsigned())
            return usage_error(terminal, "sessions", "--settled wants the number of a purchase that is owed");
        request = {{"command", "settle-by-hand"}, {"purchase", *number}};
    }
    const auto answer = ask_daemon(arguments.value("--socket").value_or(kDefaultSocket), request);
    if (!answer) return failure(terminal, answer.error().detail);
    if (arguments.has("--json")) {
        terminal.out(answer->dump() + "\n");
        return kDone;
    }
    std::string text = "live  " + number_of(*answer, "sessions") + "\n";
    const nlohmann::json* owed = protocol::member(*answer, "owed");
    const bool any = owed && owed->is_array() && !owed->empty();
    text += any ? "owed  " + number_of(*answer, "owed_in_all") + "\n" : "owed  nothing\n";
    if (any)
        for (const nlohmann::json& row : *owed) {
            const std::string state = text_of(row, "state");
            const std::string* refund_key = protocol::text_member(row, "refund_pubkey");
            text += "\npurchase " + number_of(row, "purchase") + "  " + number_of(row, "price_sat") + " sat for " +
                    number_of(row, "quantity") + " x " + text_of(row, "unit") + " by " + text_of(row, "method") + ", " +
                    state + " since " + number_of(row, "since") + " (unix s)\n  " +
                    advice(state, refund_key && !refund_key->empty()) + "\n";
        }
    terminal.out(text);
    return kDone;
}

} // namespace

const Verb kSessions{"sessions", "shows what is live, and what is owed", kSessionsHelp, kSessionsOptions, &sessions};

} // namespace adit::cli
