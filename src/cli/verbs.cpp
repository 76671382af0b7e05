#include "cli/verbs.h"

#include "cli/printable.h"

#include <algorithm>
#include <array>

namespace adit::cli {

namespace {

constexpr std::string_view kIntroduction =
    "adit: buys WireGuard tunnels for Cashu tokens or over Lightning from operators found over Nostr, and looks after\n"
    "one's own shop.\n"
    "\n";
constexpr std::string_view kEpilogue =
    "\n"
    "adit VERB --help tells more, with examples. adit --version tells the version.\n"
    "Ends with 0 when done, 1 when refused or failed, 2 for words it does not understand, 3 when a purchase is not\n"
    "settled yet: `adit buy --resume FILE` goes on with it, and no money is lost.\n"
    "\n"
    "  adit browse --relay wss://relay.example.com\n"
    "  adit buy naddr1... --tier day --out tunnel.conf\n";

std::string overview(std::span<const Verb> verbs)
{
    std::string text(kIntroduction);
    for (const Verb& verb : verbs) text += "  adit " + fitted(verb.name, 10) + std::string(verb.summary) + "\n";
    return text + std::string(kEpilogue);
}

bool asks_for_help(std::span<const std::string> words)
{
    return std::ranges::any_of(words, [](const std::string& word) { return word == "--help" || word == "-h"; });
}

} // namespace

std::span<const Verb> verbs()
{
    static const std::array all{kBrowse, kBuy,     kOpenDelivery, kRedeem, kClose, kStatus,
                                kWallet, kListing, kSessions,     kGrant,  kTop};
    return all;
}

int usage_error(Terminal& terminal, std::string_view verb, const std::string& what)
{
    terminal.say("adit " + std::string(verb) + ": " + what);
    terminal.say("Try `adit " + std::string(verb) + " --help`.");
    return kUsage;
}

int failure(Terminal& terminal, const std::string& what)
{
    terminal.say("adit: " + what);
    return kFailed;
}

int run(std::span<const std::string> words, Terminal& terminal, std::span<const Verb> verbs)
{
    if (words.empty()) {
        terminal.say(overview(verbs));
        return kUsage;
    }
    const std::string& first = words.front();
    if (first == "--help" || first == "-h" || (first == "help" && words.size() == 1)) {
        terminal.out(overview(verbs));
        return kDone;
    }
    if (first == "--version") {
        terminal.out("adit " ADIT_VERSION "\n");
        return kDone;
    }
    const bool help = first == "help";
    const std::string& name = help ? words[1] : first;
    const auto verb = std::ranges::find(verbs, std::string_view(name), &Verb::name);
    if (verb == verbs.end()) {
        terminal.say("adit: there is no verb " + printable(name, 40) + "\n\n" + overview(verbs));
        return kUsage;
    }
    if (help || asks_for_help(words.subspan(1))) {
        terminal.out(std::string(verb->help));
        return kDone;
    }
    const auto arguments = Arguments::parse(words.subspan(1), verb->options);
    if (!arguments) return usage_error(terminal, verb->name, arguments.error().detail);
    return verb->run(*arguments, terminal);
}

} // namespace adit::cli
