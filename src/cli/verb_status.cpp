#include "cli/delivery.h"
#include "cli/printable.h"
#include "cli/verbs.h"

#include <nlohmann/json.hpp>

namespace adit::cli {

namespace {

constexpr std::string_view kStatusHelp =
    "adit status FILE|URL [--json]\n"
    "\n"
    "Asks the operator about a tunnel: time and data left, and when it was last used.\n"
    "\n"
    "  FILE   the purchase file that `adit buy` named\n"
    "  URL    the session's address, as it stands in the config's comment; also as --session URL\n"
    "  --json the operator's answer as JSON\n"
    "\n"
    "  adit status ~/.local/share/adit/purchases/20261120-1855-3f2a.json\n"
    "  adit status https://vpn.example.com/session/0123...\n";

constexpr Option kStatusOptions[]{{"--session"}, {"--json", Option::Takes::nothing}};

int status(const Arguments& arguments, Terminal& terminal)
{
    std::string url;
    if (const auto session = arguments.value("--session"); session && arguments.rest().empty()) {
        url = *session;
    } else if (!session && arguments.rest().size() == 1) {
        url = arguments.rest().front();
    } else {
        return usage_error(terminal, "status", "takes one purchase file or one session's URL");
    }
    if (!url.starts_with("http://") && !url.starts_with("https://")) {
        const auto record = load_record(url);
        if (!record) return failure(terminal, record.error().detail);
        if (!record->tunnel) {
            terminal.say("There is no tunnel yet: the purchase is " + std::string(stage_word(record->stage)) +
                         ". Go on with: adit buy --resume " + url);
            return record->stage == Stage::refunded ? kFailed : kOpen;
        }
        url = record->tunnel->session_url;
        if (url.empty()) return failure(terminal, "the operator gave no session to look at");
    }

    payments::CurlHttpClient http;
    terminal.progress("asking the operator");
    const auto session = ask_session(http, url);
    terminal.quiet();
    if (!session && session.error().reason == Reason::not_found) return failure(terminal, session.error().detail);
    if (!session) return failure(terminal, "the operator does not answer (" + session.error().detail + ")");
    if (arguments.has("--json")) {
        terminal.out(protocol::encode_session(*session) + "\n");
        return kDone;
    }
    const UnixSeconds now = system_clock().now();
    std::string text = "status          " + printable(session->status, 32) + "\n";
    text += "expires         " + to_iso8601(session->expires_at) + "\n";
    text += "time left       " + length_text(session->expires_at - now) + "\n";
    if (session->data_quota_bytes) {
        const std::uint64_t quota = *session->data_quota_bytes;
        const std::uint64_t left = quota - std::min(quota, session->data_used_bytes);
        text += "data left       " + bytes_text(left) + " of " + bytes_text(quota) + "\n";
    } else {
        text += "data used       " + bytes_text(session->data_used_bytes) + "\n";
    }
    text += "last handshake  " +
            (session->last_handshake_age ? length_text(*session->last_handshake_age) + " ago" : std::string("never")) +
            "\n";
    terminal.out(text);
    return kDone;
}

} // namespace

const Verb kStatus{"status", "time and data left of a tunnel", kStatusHelp, kStatusOptions, &status};

} // namespace adit::cli
