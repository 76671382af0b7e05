#include "cli/find_listing.h"
#include "cli/lightning_buyer.h"
#include "cli/purchase_start.h"
#include "cli/verbs.h"
#include "operate/diagnosis.h"
#include "operate/trial_purchase.h"
#include "operate/tunnel_trial.h"
#include "operate/verbs.h"
#include "payments/cashu/token.h"

#include <cstdio>
#include <unistd.h>

namespace adit::operate {

using cli::Arguments;
using cli::Option;
using cli::Terminal;

namespace {

constexpr std::string_view kDiagnoseHelp =
    "adit diagnose NADDR|NPUB [D] [--relay URL]... [--json]\n"
    "adit diagnose NADDR|NPUB [D] --buy [--token TOKEN | --lightning] [--fetch URL] [options]\n"
    "\n"
    "Looks at an operator as a buyer and as directory sites do, whatever software it runs: the listing on the relays\n"
    "and its tags, /info and what browsers need of the API, a purchase without payment (which costs nobody anything),\n"
    "the mints, and the LNURL service. Each line is ok, warn or fail, with what the operator can do about it.\n"
    "Nothing is bought and nothing is changed. At most 30 s: relays have 8 s to answer, each HTTP exchange 6 s.\n"
    "\n"
    "With --buy, and where nothing has failed, the cheapest tier is bought with real money, as `adit buy` does it. "
    "Then\n"
    "the config is tried in a network namespace of its own (which takes root, and the programs ip and wg): a "
    "handshake\n"
    "(20 s at most), a name asked of its resolver (5 s), and a download (20 s). The machine's own network is left as "
    "it\n"
    "is.\n"
    "\n"
    "  D                 the listing's d tag, where the operator has several\n"
    "  --relay URL       where to look, repeatable (default: the naddr's hints, else well-known relays)\n"
    "  --json            {\"ok\": bool, \"checks\": [{\"check\", \"level\", \"what\", \"hint\"}]} on standard output\n"
    "\n"
    "  --buy             without more: shows an invoice of the operator's mint, and waits until it is paid\n"
    "  --token TOKEN     pay with this Cashu token; - reads it from standard input\n"
    "  --token-file F    the same, from a file\n"
    "  --mint URL        which of the operator's mints\n"
    "  --lightning       pay the operator over Lightning\n"
    "  --pay-with NODE   lnd or phoenixd, with --pay-url and so on: as for `adit buy`\n"
    "  --fetch URL       what to download through the tunnel, up to 64 MiB of it: that measures the throughput\n"
    "  --file FILE       the purchase file (default: as for `adit buy`)\n"
    "  --wait SECONDS    for a silent mint or operator (default 120)\n"
    "  --yes             do not ask before buying\n"
    "\n"
    "Ends with 0 where nothing failed (warnings are no failure), with 1 where something did, and with 3 where what "
    "was\n"
    "paid is not settled yet: `adit buy --resume FILE` goes on with that.\n"
    "\n"
    "  adit diagnose naddr1...\n"
    "  adit diagnose npub1... exit-1 --relay wss://relay.example.com\n"
    "  adit diagnose naddr1... --json | jq -r '.checks[] | select(.level != \"ok\") | .hint'\n"
    "  adit diagnose naddr1... --buy --token - --yes --fetch https://speed.example.com/10MB.bin < token.txt\n";

constexpr Option kDiagnoseOptions[]{{"--relay", Option::Takes::values},
                                    {"--json", Option::Takes::nothing},
                                    {"--buy", Option::Takes::nothing},
                                    {"--token"},
                                    {"--token-file"},
                                    {"--mint"},
                                    {"--lightning", Option::Takes::nothing},
                                    {"--pay-with"},
                                    {"--pay-url"},
                                    {"--pay-macaroon-file"},
                                    {"--pay-password-file"},
                                    {"--pay-cert-file"},
                                    {"--pay-max-fee"},
                                    {"--fetch"},
                                    {"--file"},
                                    {"--wait"},
                                    {"--yes", Option::Takes::nothing}};

int wrong_words(Terminal& terminal, const std::string& what) { return cli::usage_error(terminal, "diagnose", what); }

/// Errors: bad_encoding.
Result<cli::Target> read_target(const Arguments& arguments)
{
    const auto& words = arguments.rest();
    if (words.empty() || words.size() > 2)
        return Error{Reason::bad_encoding, "name one listing, by naddr, or by npub and d tag"};
    if (words[0].starts_with("nsec"))
        return Error{Reason::bad_encoding, "that is an nsec, a secret key, and of no use here: give the npub"};
    auto parsed = cli::parse_target(words[0]);
    if (!parsed)
        return Error{Reason::bad_encoding, "the first word can not be read (" + parsed.error().detail +
                                               "): give an naddr, npub or nprofile whole"};
    cli::Target target = std::move(*parsed);
    if (words.size() == 1) return target;
    if (target.d_tag && *target.d_tag != words[1])
        return Error{Reason::bad_encoding, "that naddr names another d tag already"};
    target.d_tag = words[1];
    return target;
}

/// A look that hangs holds threads that nobody waits for: the process ends under them.
int end_with(int status, const SideBySide& looks)
{
    if (looks.all_done()) return status;
    std::fflush(stdout);
    std::fflush(stderr);
    ::_exit(status);
}

/// What --buy is to be paid with.
struct Means {
    bool buys = false;
    std::optional<std::string> token;
    std::optional<std::string> mint;
    std::optional<cli::PayerChoice> payer;
    cli::PayWith with = cli::PayWith::ecash;
    std::optional<std::string> fetch_url;
    std::optional<std::string> file;
    cli::Patience patience;
};

/// Errors: bad_request, io.
Result<Means> read_means(const Arguments& arguments, const Terminal& terminal)
{
    Means means;
    means.buys = arguments.has("--buy");
    if (!means.buys) {
        for (const Option& option : std::span(kDiagnoseOptions).subspan(3))
            if (arguments.has(option.name))
                return Error{Reason::bad_request, std::string(option.name) + " is for --buy"};
        return means;
    }
    means.payer = TRY(cli::parse_payer_choice(arguments));
    means.mint = arguments.value("--mint");
    means.file = arguments.value("--file");
    means.fetch_url = arguments.value("--fetch");
    if (means.fetch_url) TRY(cli::host_of_url(*means.fetch_url));
    if (means.payer || arguments.has("--lightning")) means.with = cli::PayWith::lightning;
    means.patience.silence = Seconds(static_cast<std::int64_t>(TRY(arguments.number("--wait", 120, 86'400))));
    if (!arguments.has("--yes") && (!terminal.is_tty() || ::isatty(STDIN_FILENO) != 1))
        return Error{Reason::bad_request, "there is nobody to ask whether to buy: say --yes"};
    means.token = TRY(cli::read_token(arguments));
    if (means.with == cli::PayWith::lightning && (means.token || means.mint))
        return Error{Reason::bad_request, "over Lightning there is no token and no mint"};
    if (means.token && !means.mint) {
        const auto token = payments::cashu::parse_token(*means.token);
        if (!token) return Error{Reason::bad_request, "the token can not be read: " + token.error().detail};
        means.mint = token->mint;
    }
    return means;
}

struct Trial {
    Findings findings;
    bool open = false; // money is in the purchase file
};

Trial not_bought(std::string why, std::string hint)
{
    return {{{"purchase", Level::warn, "not tried: " + std::move(why), std::move(hint)}}, false};
}

void try_delivered(const cli::Tunnel& tunnel, const Means& means, Terminal& terminal, Findings& findings)
{
    const auto config = protocol::parse_config(tunnel.config);
    if (!config) return; // it was read before it was kept
    terminal.progress("trying the tunnel");
    for (Finding& finding : try_tunnel(*config, means.fetch_url)) findings.push_back(std::move(finding));
}

Trial buy_and_try(const protocol::Event& event, Means means, bool asks, Terminal& terminal)
{
    const auto published = protocol::parse_listing(event);
    if (!published) return not_bought(published.error().detail, "mend the listing first");
    auto offer = cheapest_offer(*published, means.with, means.mint);
    if (!offer) return not_bought(offer.error().detail, "choose another way to pay, or mend the listing");
    terminal.quiet();
    cli::show_offer(*offer, terminal);
    if (asks && !terminal.confirm("Buy it?")) return not_bought("you said no", "say yes, or leave --buy away");

    cli::Record record = means.with == cli::PayWith::lightning
                             ? cli::new_lightning_record(std::move(*offer), cli::LightningMode::invoice,
                                                         std::move(means.payer), system_clock(), system_rng())
                             : cli::new_record(std::move(*offer), std::move(means.token), system_clock(), system_rng());
    const auto file =
        means.file ? Result<std::filesystem::path>(*means.file) : cli::new_purchase_file(record.created_at);
    if (!file) return not_bought(file.error().detail, "name a file with --file");
    if (const auto created = cli::create_record(*file, record); !created)
        return not_bought(created.error().detail, "name another file with --file");
    const auto claim = cli::FileClaim::take(*file);
    if (!claim) return not_bought(claim.error().detail, "name another file with --file");
    terminal.say("File      " + file->string());

    const SteadyTime began = system_clock().steady();
    const auto outcome = cli::carry_on(*file, record, terminal, means.patience);
    if (!outcome) return not_bought(outcome.error().detail, "see what --pay-with needs: adit buy --help");
    const auto took = std::chrono::duration_cast<Milliseconds>(system_clock().steady() - began);
    Trial trial{{judge_purchase(record, *outcome, *file, took)}, outcome->end == cli::End::open};
    if (outcome->end == cli::End::delivered && record.tunnel)
        try_delivered(*record.tunnel, means, terminal, trial.findings);
    return trial;
}

int diagnose(const Arguments& arguments, Terminal& terminal)
{
    const auto target = read_target(arguments);
    if (!target) return wrong_words(terminal, target.error().detail);
    const auto relays = relays_to_ask(arguments.values("--relay"), target->relays);
    if (!relays) return wrong_words(terminal, relays.error().detail);
    auto means = read_means(arguments, terminal);
    if (!means) return wrong_words(terminal, means.error().detail);
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
    if (!means->buys) {
        print(terminal, findings, form);
        return end_with(exit_status(findings), looks);
    }

    // Whoever waits for a purchase reads meanwhile; JSON is one piece.
    if (form == Form::lines) print(terminal, findings, form);
    const Trial trial = exit_status(findings) == cli::kDone && sighting.event
                            ? buy_and_try(*sighting.event, std::move(*means), !arguments.has("--yes"), terminal)
                            : not_bought("something has failed before", "mend that first: no money is risked on it");
    terminal.quiet();
    if (form == Form::lines) print(terminal, trial.findings, form);
    findings.insert(findings.end(), trial.findings.begin(), trial.findings.end());
    if (form == Form::json) print(terminal, findings, form);
    return end_with(trial.open ? int{cli::kOpen} : exit_status(findings), looks);
}

} // namespace

const cli::Verb kDiagnose{"diagnose", "looks at an operator as a buyer does, and says what to mend", kDiagnoseHelp,
                          kDiagnoseOptions, &diagnose};

} // namespace adit::operate
