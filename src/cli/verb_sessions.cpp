#include "cli/daemon.h"
#include "cli/printable.h"
#include "cli/shown.h"
#include "cli/verbs.h"
#include "protocol/json.h"
#include "protocol/json_fields.h"

#include <nlohmann/json.hpp>

namespace adit::cli {

namespace {

constexpr std::string_view kSessionsHelp =
    "adit sessions [owed] [--settled PURCHASE]\n"
    "adit sessions list [--ended-too]\n"
    "adit sessions show SESSION [--with-id]\n"
    "adit sessions extend SESSION AMOUNT [--mbps N] [--note TEXT]\n"
    "adit sessions revoke SESSION [--note TEXT]\n"
    "adit sessions refund SESSION [--purchase N] [--percent P | --amount SAT] [--note TEXT]\n"
    "\n"
    "Talks to the daemon on this machine.\n"
    "\n"
    "Without a word: how many tunnels are live, and every purchase that was paid and is neither delivered nor paid "
    "back\n"
    "for longer than that should take. The daemon goes on trying; what it can not do by itself it says here.\n"
    "\n"
    "  list                every live session: its number, address, and what is left of it\n"
    "  show SESSION        what it was bought with, what is unused of each purchase, and what was done to it by hand\n"
    "  extend SESSION 3day gives it more time or data, in the units of a listing: hour, day, week, month, GiB, TiB\n"
    "  revoke SESSION      ends it now, and gives nothing back\n"
    "  refund SESSION      ends what was paid for, and gives back what is unused of it, as a token locked to the "
    "buyer's\n"
    "                      key; what was given goes on\n"
    "\n"
    "  --settled PURCHASE  you have settled this one with its buyer outside of adit: it is owed no more\n"
    "  --ended-too         also those that are over\n"
    "  --with-id           and the session's id, which opens its buyer's page: show it to nobody else\n"
    "  --purchase N        that one alone\n"
    "  --percent P         of what is unused (default: 100)\n"
    "  --amount SAT        so much instead, of one purchase\n"
    "  --mbps N            as fast as that, each way (default: as what it has)\n"
    "  --note TEXT         why, for the books; at most 200 bytes\n"
    "  --socket PATH       [admin].socket of the daemon's config (default: /var/lib/adit/admin.sock)\n"
    "  --json              the daemon's own answer\n"
    "\n"
    "  adit sessions\n"
    "  adit sessions --settled 1042\n"
    "  adit sessions list\n"
    "  adit sessions extend 17 3day --note 'was down on Sunday'\n";

constexpr Option kSessionsOptions[]{{"--settled"},
                                    {"--ended-too", Option::Takes::nothing},
                                    {"--with-id", Option::Takes::nothing},
                                    {"--mbps"},
                                    {"--purchase"},
                                    {"--percent"},
                                    {"--amount"},
                                    {"--note"},
                                    {"--socket"},
                                    {"--json", Option::Takes::nothing}};
constexpr std::uint64_t kPage = 1000;

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

int owed(const Arguments& arguments, Terminal& terminal)
{
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
    std::string text = "live  " + shown_number(*answer, "sessions") + "\n";
    const nlohmann::json* owed = protocol::member(*answer, "owed");
    const bool any = owed && owed->is_array() && !owed->empty();
    text += any ? "owed  " + shown_number(*answer, "owed_in_all") + "\n" : "owed  nothing\n";
    if (any)
        for (const nlohmann::json& row : *owed) {
            const std::string state = shown_text(row, "state");
            const std::string* refund_key = protocol::text_member(row, "refund_pubkey");
            text += "\npurchase " + shown_number(row, "purchase") + "  " + shown_number(row, "price_sat") +
                    " sat for " + shown_number(row, "quantity") + " x " + shown_text(row, "unit") + " by " +
                    shown_text(row, "method") + ", " + state + " since " + shown_number(row, "since") +
                    " (unix s)\n  " + advice(state, refund_key && !refund_key->empty()) + "\n";
        }
    if (const nlohmann::json* refunds = protocol::member(*answer, "refunds"); refunds && refunds->is_array())
        for (const nlohmann::json& row : *refunds)
            text +=
                "\nrefund " + shown_number(row, "refund") + "  " + shown_number(row, "amount_sat") +
                " sat for what was unused of session " + shown_number(row, "session") + ", since " +
                shown_time(row, "since") +
                "\n  the mint has not signed it, or the wallet has not enough at any one mint. It is tried again and "
                "again.\n";
    terminal.out(text);
    return kDone;
}

int list(const Arguments& arguments, Terminal& terminal)
{
    const std::string socket = arguments.value("--socket").value_or(kDefaultSocket);
    nlohmann::json all = nlohmann::json::array();
    nlohmann::json after = 0;
    bool any = false;
    // By pages, so that a shop with ten thousand tunnels is not asked for all of them at once.
    for (;;) {
        auto answer = ask_daemon(socket, {{"command", "list-sessions"},
                                          {"after", after},
                                          {"limit", kPage},
                                          {"ended_too", arguments.has("--ended-too")}});
        if (!answer) return failure(terminal, answer.error().detail);
        const nlohmann::json* rows = protocol::member(*answer, "sessions");
        if (!rows || !rows->is_array()) return failure(terminal, "the daemon's answer can not be understood");
        if (arguments.has("--json")) {
            all.insert(all.end(), rows->begin(), rows->end());
        } else {
            std::string text;
            if (!any && !rows->empty())
                text =
                    "session  since                 address          time left      data left    used         bought\n";
            for (const nlohmann::json& row : *rows) {
                any = true;
                const auto left = protocol::count_member(row, "data_left_bytes");
                const std::string* address = protocol::text_member(row, "address");
                text += fitted(shown_number(row, "session"), 9) + fitted(shown_time(row, "created_at"), 22) +
                        fitted(address ? *address : "ended", 17) + fitted(shown_length(row, "time_left_s"), 15) +
                        fitted(left ? bytes_text(*left) : "-", 13) +
                        fitted(bytes_text(protocol::count_member(row, "data_used_bytes").value_or(0)), 13) +
                        shown_number(row, "purchases") + "\n";
            }
            terminal.out(text);
        }
        const auto next = protocol::count_member(*answer, "next");
        if (!next) break;
        after = *next;
    }
    if (arguments.has("--json"))
        terminal.out(all.dump() + "\n");
    else if (!any)
        terminal.out("no sessions\n");
    return kDone;
}

std::string size_text(const nlohmann::json& row, const char* name, bool is_time)
{
    const std::uint64_t amount = protocol::count_member(row, name).value_or(0);
    return is_time ? length_text(Seconds(static_cast<std::int64_t>(std::min<std::uint64_t>(amount, INT64_MAX))))
                   : bytes_text(amount);
}

/// One session, as show-session and all that change it answer.
void tell(const nlohmann::json& answer, Terminal& terminal)
{
    const nlohmann::json* live = protocol::member(answer, "live");
    const bool is_live = live && live->is_boolean() && live->get<bool>();
    std::string text = "session    " + shown_number(answer, "session") + (is_live ? ", live" : ", over") + "\n";
    if (const std::string* id = protocol::text_member(answer, "id")) text += "id         " + printable(*id, 64) + "\n";
    text += "since      " + shown_time(answer, "created_at") + "\n";
    text += (is_live ? "ends       " : "ended      ") + shown_time(answer, is_live ? "expires_at" : "ended_at") + "\n";
    if (is_live) text += "time left  " + shown_length(answer, "time_left_s") + "\n";
    if (const auto quota = protocol::count_member(answer, "data_quota_bytes"); quota && is_live)
        text += "data left  " + bytes_text(protocol::count_member(answer, "data_left_bytes").value_or(0)) + " of " +
                bytes_text(*quota) + "\n";
    text += "used       " + bytes_text(protocol::count_member(answer, "data_used_bytes").value_or(0)) + "\n";
    if (is_live) {
        text += "address    " + shown_text(answer, "address") + "\n";
        const auto age = protocol::count_member(answer, "last_handshake_age_s");
        text += "handshake  " + (age ? shown_length(answer, "last_handshake_age_s") + " ago" : "never") + "\n";
    }
    if (protocol::text_member(answer, "client_pubkey"))
        text += "key        " + shown_text(answer, "client_pubkey") + "\n";
    const auto rows = [&](const char* name) -> const nlohmann::json& {
        static const nlohmann::json none = nlohmann::json::array();
        const nlohmann::json* found = protocol::member(answer, name);
        return found && found->is_array() ? *found : none;
    };
    for (const nlohmann::json& row : rows("purchases")) {
        const std::string unit = shown_text(row, "unit");
        const bool is_time = unit != "GiB" && unit != "TiB";
        text += "purchase   " + shown_number(row, "purchase") + ", " + shown_number(row, "quantity") + " x " + unit +
                " for " + shown_number(row, "price_sat") + " sat, " + shown_text(row, "method") + ", " +
                shown_text(row, "state");
        if (is_live || protocol::count_member(row, "refund"))
            text += ", unused " + size_text(row, "unused", is_time) + " (" + shown_number(row, "worth_sat") + " sat)";
        text += "\n";
    }
    for (const nlohmann::json& row : rows("refunds")) {
        const std::string* token = protocol::text_member(row, "token");
        text += "refund     " + shown_number(row, "refund") + ", " + shown_number(row, "amount_sat") + " sat, by the " +
                shown_text(row, "closed_by") + " at " + shown_time(row, "created_at") +
                (protocol::count_member(row, "settled_at") ? "" : ", waits for the mint") + "\n";
        if (token) text += "  " + printable(*token, 64 * 1024) + "\n";
    }
    for (const nlohmann::json& row : rows("acts")) {
        text += "by hand    " + shown_time(row, "at") + " " + shown_text(row, "act");
        if (protocol::count_member(row, "purchase")) text += " purchase " + shown_number(row, "purchase");
        if (protocol::count_member(row, "amount_sat")) text += " " + shown_number(row, "amount_sat") + " sat";
        const std::string* note = protocol::text_member(row, "note");
        if (note && !note->empty()) text += ": " + printable(*note, 200);
        text += "\n";
    }
    terminal.out(text);
}

/// show, extend, revoke: asked about one session, and answered with it.
int about_one(const Arguments& arguments, Terminal& terminal, nlohmann::json request)
{
    // A refund waits for the mint.
    const Seconds patience = request["command"] == "refund-session" ? kAnswersLate : kAnswersSoon;
    const auto answer = ask_daemon(arguments.value("--socket").value_or(kDefaultSocket), request, patience);
    if (!answer) return failure(terminal, answer.error().detail);
    if (arguments.has("--json"))
        terminal.out(answer->dump() + "\n");
    else
        tell(*answer, terminal);
    return kDone;
}

int sessions(const Arguments& arguments, Terminal& terminal)
{
    const auto& rest = arguments.rest();
    const std::string word = rest.empty() ? "owed" : rest.front();
    const std::size_t wanted = word == "extend" ? 3 : word == "show" || word == "revoke" || word == "refund" ? 2 : 1;
    if (word != "owed" && word != "list" && wanted == 1)
        return usage_error(terminal, "sessions", "expected one of: owed, list, show, extend, revoke, refund");
    if (!rest.empty() && rest.size() != wanted)
        return usage_error(terminal, "sessions",
                           word == "extend" ? "extend wants the number of a session, and how much, as 3day"
                           : wanted == 2    ? word + " wants the number of a session"
                                            : "expected no further words");
    if (arguments.has("--settled") && word != "owed")
        return usage_error(terminal, "sessions", "--settled goes with no other word");
    if (word == "owed") return owed(arguments, terminal);
    if (word == "list") return list(arguments, terminal);

    const auto number = parse_count(rest[1]);
    if (!number) return usage_error(terminal, "sessions", "a session is named by its number, as `list` shows it");
    nlohmann::json request = {{"command", word + "-session"}, {"session", *number}};
    if (word == "show") request["with_id"] = arguments.has("--with-id");
    if (const auto note = arguments.value("--note")) request["note"] = *note;
    if (word == "extend") {
        if (const auto added = add_amount(request, rest[2], arguments); !added)
            return usage_error(terminal, "sessions", added.error().detail);
    }
    if (word == "refund")
        for (const auto& [option, name] : {std::pair{"--purchase", "purchase"}, std::pair{"--percent", "percent"},
                                           std::pair{"--amount", "amount_sat"}}) {
            if (!arguments.has(option)) continue;
            const auto given = parse_count(*arguments.value(option));
            if (!given) return usage_error(terminal, "sessions", std::string(option) + " wants a number from 1 on");
            request[name] = *given;
        }
    return about_one(arguments, terminal, std::move(request));
}

} // namespace

const Verb kSessions{"sessions", "shows, extends and ends tunnels, and what is owed", kSessionsHelp, kSessionsOptions,
                     &sessions};

} // namespace adit::cli
