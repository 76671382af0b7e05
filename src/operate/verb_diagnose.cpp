#include "cli/find_listing.h"
#include "cli/verbs.h"
#include "operate/diagnosis.h"
#include "operate/verbs.h"

#include <cstdio>
#include <unistd.h>

namespace adit::operate {

using cli::Arguments;
using cli::Option;
using cli::Terminal;

namespace {

constexpr std::string_view kDiagnoseHelp =
    "adit diagnose NADDR|NPUB [D] [--relay URL]... [--json]\n"
    "\n"
    "Looks at an operator as a buyer and as directory sites do, whatever software it runs: the listing on the relays\n"
    "and its tags, /info and what browsers need of the API, a purchase without payment (which costs nobody anything),\n"
    "the mints, and the LNURL service. Each line is ok, warn or fail, with what the operator can do about it.\n"
    "Nothing is bought and nothing is changed. At most 30 s: relays have 8 s to answer, each HTTP exchange 6 s.\n"
    "\n"
    "  D             the listing's d tag, where the operator has several\n"
    "  --relay URL   where to look, repeatable (default: the naddr's hints, else well-known relays)\n"
    "  --json        {\"ok\": bool, \"checks\": [{\"check\", \"level\", \"what\", \"hint\"}]} on standard output\n"
    "\n"
    "Ends with 0 where nothing failed (warnings are no failure), else with 1.\n"
    "\n"
    "  adit diagnose naddr1...\n"
    "  adit diagnose npub1... exit-1 --relay wss://relay.example.com\n"
    "  adit diagnose naddr1... --json | jq -r '.checks[] | select(.level != \"ok\") | .hint'\n";

constexpr Option kDiagnoseOptions[]{{"--relay", Option::Takes::values}, {"--json", Option::Takes::nothing}};

constexpr std::size_t kMostRelays = 16;

int wrong_words(Terminal& terminal, const std::string& what) { return cli::usage_error(terminal, "diagnose", what); }

/// Errors: bad_encoding.
Result<cli::Target> read_target(const Arguments& arguments)
{
    const auto& words = arguments.rest();
    if (words.empty() || words.size() > 2)
        return Error{Reason::bad_encoding, "name one listing, by naddr, or by npub and d tag"};
    cli::Target target = TRY(cli::parse_target(words[0]));
    if (words.size() == 1) return target;
    if (target.d_tag && *target.d_tag != words[1])
        return Error{Reason::bad_encoding, "that naddr names another d tag already"};
    target.d_tag = words[1];
    return target;
}

/// What the user names must be right; what a stranger's naddr hints at is left out where it is not.
/// Errors: bad_encoding.
Result<std::vector<nostr::RelayUrl>> choose_relays(const Arguments& arguments, const cli::Target& target)
{
    if (const auto named = arguments.values("--relay"); !named.empty()) return nostr::parse_relay_urls(named);
    std::vector<std::string> good;
    for (const std::string& hint : target.relays)
        if (good.size() < kMostRelays && nostr::parse_relay_url(hint)) good.push_back(hint);
    return nostr::parse_relay_urls(good.empty() ? cli::default_relays() : good);
}

/// A look that hangs holds threads that nobody waits for: the process ends under them.
int end_with(int status, const SideBySide& looks)
{
    if (looks.all_done()) return status;
    std::fflush(stdout);
    std::fflush(stderr);
    ::_exit(status);
}

int diagnose(const Arguments& arguments, Terminal& terminal)
{
    const auto target = read_target(arguments);
    if (!target) return wrong_words(terminal, target.error().detail);
    const auto relays = choose_relays(arguments, *target);
    if (!relays) return wrong_words(terminal, relays.error().detail);
    if (relays->size() > kMostRelays)
        return wrong_words(terminal, "at most " + std::to_string(kMostRelays) + " relays");
    const Form form = arguments.has("--json") ? Form::json : Form::lines;

    terminal.progress("asking " + std::to_string(relays->size()) + (relays->size() == 1 ? " relay" : " relays"));
    const auto sights = look_at_relays(*relays, target->author, system_clock());
    Sighting sighting = judge_presence(sights, *target, system_clock().now());
    Findings& findings = sighting.findings;
    SideBySide looks;
    if (sighting.event) {
        for (Finding& finding : judge_listing(*sighting.event, place_of(sights)))
            findings.push_back(std::move(finding));
        terminal.progress("looking at the operator and its mints");
        look_at_shop(looks, read_listed(*sighting.event), system_clock());
        for (Finding& finding : looks.wait(kLooksTogether)) findings.push_back(std::move(finding));
    }
    terminal.quiet();
    print(terminal, findings, form);
    return end_with(exit_status(findings), looks);
}

} // namespace

const cli::Verb kDiagnose{"diagnose", "looks at an operator as a buyer does, and says what to mend", kDiagnoseHelp,
                          kDiagnoseOptions, &diagnose};

} // namespace adit::operate
