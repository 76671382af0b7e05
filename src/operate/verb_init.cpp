#include "app/seed_file.h"
#include "cli/printable.h"
#include "operate/init_report.h"
#include "operate/shop_questions.h"
#include "operate/verbs.h"
#include "protocol/nip19.h"

#include <algorithm>
#include <iostream>
#include <sys/stat.h>
#include <unistd.h>

namespace adit::operate {

namespace fs = std::filesystem;

namespace {

using cli::Option;

constexpr std::string_view kInitHelp =
    "adit init [--dir DIR] [--data DIR] [options]\n"
    "\n"
    "Makes a shop: its keys, the wallet's words, a config.toml, and what stands around the daemon (Caddyfile, compose\n"
    "file, systemd unit). At a terminal it asks for what no option says; elsewhere, or with --unattended, what is "
    "left\n"
    "out has its default, and what has none is an error before anything is written. What is there is kept: it may be\n"
    "run again, and makes what is missing. It asks nobody over the network.\n"
    "\n"
    "  --dir DIR              config.toml and secret/ (default /etc/adit)\n"
    "  --data DIR             the database (default /var/lib/adit; with --dir, and not as root, DIR/data)\n"
    "  --files DIR            Caddyfile and others (default DIR/deploy)\n"
    "  --owner USER           whom the files belong to; as root the user adit, where there is one\n"
    "  --docker               for docker-compose.yml, which stands in --files: the daemon listens to the proxy's\n"
    "                         container, and --data is a folder of its own container\n"
    "  --unattended           asks nothing\n"
    "\n"
    "  --public-host HOST     that buyers use; needed\n"
    "  --endpoint-host HOST   that WireGuard clients dial (default the same)\n"
    "  --udp-port N           that they dial (default 51820)\n"
    "  --price SATS/UNIT      repeatable; one hour, day, week, month, GiB or TiB (default 100/hour and 1000/day)\n"
    "  --mint URL             repeatable; whose ecash you take. Needed, unless there is --lightning\n"
    "  --lightning BACKEND    none, phoenixd or lnd (default none)\n"
    "  --phoenixd-password-file FILE, --lnd-macaroon-file FILE, --lnd-cert-file FILE, --lightning-url URL, --hold\n"
    "                         as docs/operations.md tells of Lightning\n"
    "  --relay URL            repeatable (default those of config.example.toml)\n"
    "  --title TEXT, --summary TEXT, --country CODE, --d-tag NAME\n"
    "                         what the listing says\n"
    "  --interface NAME       (default wg0)   --no-manage: you make it, not the daemon\n"
    "  --subnet CIDR          buyers' addresses (default one that this machine has no route to)   --subnet6 CIDR\n"
    "  --listen ADDRESS, --port N\n"
    "                         of the daemon, for the proxy in front (default 127.0.0.1, 8080)\n"
    "\n"
    "  --nsec-file FILE       a Nostr key that you have, nsec or hex; only its owner may read the file\n"
    "  --restore-words FILE   the words of a wallet that you had, in place of new ones; - reads them from standard\n"
    "                         input, unseen at a terminal. The daemon then asks each mint what it signed for them\n"
    "  --show-words           prints the wallet's words; of a shop that is there it does nothing else\n"
    "\n"
    "  adit init\n"
    "  adit init --unattended --public-host vpn.example.com --mint https://mint.example.com --price 1000/day\n"
    "  adit init --docker --dir ./etc --files . --owner 10001\n"
    "  adit init --show-words\n"
    "  adit init --restore-words -\n";

constexpr Option kOwnOptions[]{{"--dir"},
                               {"--data"},
                               {"--files"},
                               {"--owner"},
                               {"--docker", Option::Takes::nothing},
                               {"--unattended", Option::Takes::nothing},
                               {"--nsec-file"},
                               {"--restore-words"},
                               {"--show-words", Option::Takes::nothing}};

std::span<const Option> init_options()
{
    static const std::vector<Option> all = [] {
        std::vector<Option> options(std::begin(kOwnOptions), std::end(kOwnOptions));
        const auto questions = question_options();
        options.insert(options.end(), questions.begin(), questions.end());
        return options;
    }();
    return all;
}

/// Everything that a run needs to know before it looks at the disk.
struct Run {
    const cli::Arguments& arguments;
    cli::Terminal& terminal;
    ShopPlaces places;
    std::optional<FileOwner> owner;
    GivenKeys given;
    InitReport report = {};
};

/// Absolute, and without what a unit or compose file would take apart. Errors: bad_request.
Result<fs::path> place(const cli::Arguments& arguments, std::string_view option, const fs::path& otherwise)
{
    const auto text = arguments.value(option);
    if (text && text->empty()) return Error{Reason::bad_request, std::string(option) + " needs a folder"};
    std::error_code failed;
    fs::path path = fs::absolute(text ? fs::path(*text) : otherwise, failed).lexically_normal();
    if (path.native().size() > 1 && path.native().ends_with('/')) path = path.parent_path();
    const bool plain = std::ranges::all_of(path.native(), [](char c) {
        return c > ' ' && c != 0x7f && std::string_view("\"'\\$%:{}").find(c) == std::string_view::npos;
    });
    if (failed || !plain)
        return Error{Reason::bad_request, std::string(option) + " takes a path without blanks, quotes and $%:{}\\"};
    return path;
}

/// The aditd that came with this adit, else where the package has it.
fs::path daemon_program()
{
    std::error_code failed;
    const fs::path beside = fs::read_symlink("/proc/self/exe", failed).parent_path() / "aditd";
    return !failed && ::access(beside.c_str(), X_OK) == 0 ? beside : fs::path("/usr/bin/aditd");
}

Result<ShopPlaces> find_places(const cli::Arguments& arguments)
{
    ShopPlaces places;
    places.folder = TRY(place(arguments, "--dir", "/etc/adit"));
    // Who is not root can hardly write anywhere but into a folder that they named.
    const bool own_folder = ::geteuid() != 0 && arguments.has("--dir") && !arguments.has("--docker");
    places.data = TRY(place(arguments, "--data", own_folder ? places.folder / "data" : "/var/lib/adit"));
    places.deploy = TRY(place(arguments, "--files", places.folder / "deploy"));
    places.daemon_runs = arguments.has("--docker") ? Runs::in_container : Runs::on_host;
    places.daemon = daemon_program();
    places.has_forwarding_script = ::access("/usr/lib/adit/forwarding", X_OK) == 0;
    return places;
}

Result<SecretText> words_from_input(cli::Terminal& terminal)
{
    if (terminal.can_ask()) {
        auto words = terminal.ask_secret("The wallet's words, not shown while you type");
        if (words) return std::move(*words);
    } else {
        std::string text(4097, '\0');
        std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
        text.resize(static_cast<std::size_t>(std::cin.gcount()));
        SecretText words(std::move(text));
        if (words.expose().size() <= 4096) return words;
    }
    return Error{Reason::bad_request, "--restore-words: no words came"};
}

Result<GivenKeys> read_given_keys(const cli::Arguments& arguments, cli::Terminal& terminal)
{
    GivenKeys given;
    if (const auto file = arguments.value("--nsec-file")) given.nsec = TRY(read_given(*file));
    if (const auto file = arguments.value("--restore-words"))
        given.words = *file == "-" ? TRY(words_from_input(terminal)) : TRY(read_given(*file));
    return given;
}

bool is_there(const fs::path& path)
{
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0;
}

std::string listed(const std::vector<std::string>& complaints)
{
    std::string out;
    for (const std::string& each : complaints) out += "\n  " + cli::printable(each, 300);
    return out;
}

int tell(Run& run, const app::Config& config)
{
    const auto now = what_now(config, run.places);
    if (!now) return cli::failure(run.terminal, now.error().detail);
    run.terminal.out(run.report.lines + *now);
    return cli::kDone;
}

/// Those that stand around the daemon, and the folder of the database.
Result<void> write_surroundings(Run& run, const app::Config& config)
{
    TRY(make_folder(run.places.deploy, run.owner));
    for (const DeployFile& file : deploy_files(config, run.places)) {
        const fs::path path = run.places.deploy / file.name;
        run.report.written(path, TRY(write_unless_there(path, file.text, 0644, run.owner)));
    }
    if (run.places.daemon_runs == Runs::in_container) return {}; // its database is in a volume
    const auto made = make_folder(config.database.ours.parent_path(), run.owner);
    if (!made)
        run.terminal.say("adit init: " + made.error().detail + ": the daemon's user must be able to make it");
    else if (*made)
        run.report.made(config.database.ours.parent_path(), "for the database");
    return {};
}

void sweep(Run& run)
{
    for (const fs::path& folder : {run.places.folder, run.places.secrets(), run.places.deploy})
        for (const fs::path& path : remove_half_written(folder))
            run.report.line("gone", path, "half written, by a run that was killed");
}

// ---- a shop that is there ------------------------------------------------------------------------------------------

Result<void> put_words_back(Run& run, const app::Config& config)
{
    const fs::path& path = config.cashu.seed_file;
    if (!is_there(path)) {
        if (!run.given.words) {
            run.terminal.say("adit init: " + path.string() +
                             " is not there. If the wallet had words, put them back with --restore-words now: the "
                             "daemon makes new ones at its next start.");
            return {};
        }
        std::string words = TRY(payments::cashu::parse_mnemonic(run.given.words->expose()));
        TRY(make_folder(path.parent_path(), run.owner));
        words += '\n';
        const auto written = create_file(path, words, 0600, run.owner);
        SecretText::wipe(words);
        TRY(written);
        run.report.made(path, "the wallet's words, as given");
        return {};
    }
    SecretText there(TRY(app::read_seed_words(path)));
    if (run.given.words) {
        const SecretText wanted(TRY(payments::cashu::parse_mnemonic(run.given.words->expose())));
        if (wanted.expose() != there.expose())
            return Error{Reason::bad_config, path.string() + " has other words, and is never overwritten: move it away "
                                                             "if nothing is left in that wallet"};
    }
    run.report.kept(path, "the wallet's words");
    return {};
}

int complete(Run& run)
{
    const fs::path path = run.places.config();
    auto loaded = app::load_config(path);
    if (!loaded.config)
        return cli::failure(run.terminal, path.string() +
                                              " is there and is kept, but it can not be used. Nothing was "
                                              "changed. Mend it, or move it away:" +
                                              listed(loaded.errors));
    const app::Config& config = *loaded.config;
    if (run.given.nsec) {
        const auto key = protocol::parse_secret_key(run.given.nsec->expose());
        if (!key || key->public_key() != config.nostr.key.public_key())
            return cli::failure(run.terminal, path.string() + " is there and has another Nostr key than the one that "
                                                              "is given. Nothing was changed.");
    }
    run.places.data = config.database.ours.parent_path();
    run.report.kept(path, "options and answers for it were not looked at");
    if (const auto words = put_words_back(run, config); !words) return cli::failure(run.terminal, words.error().detail);
    sweep(run);
    if (const auto done = write_surroundings(run, config); !done)
        return cli::failure(run.terminal, done.error().detail);
    for (const std::string& warning : loaded.warnings) run.terminal.say("warning: " + cli::printable(warning, 400));
    return tell(run, config);
}

int show_words(Run& run)
{
    const auto loaded = app::load_config(run.places.config());
    const fs::path path = loaded.config ? loaded.config->cashu.seed_file : run.places.secrets() / "wallet.seed";
    auto words = app::read_seed_words(path);
    if (!words) return cli::failure(run.terminal, words.error().detail);
    *words += '\n';
    run.terminal.out(*words);
    SecretText::wipe(*words);
    return cli::kDone;
}

// ---- a new one -----------------------------------------------------------------------------------------------------

/// All that can be known before the first byte is written. Errors: bad_config, io.
Result<void> check_places(const ShopPlaces& places)
{
    TRY(check_folder(places.folder, Privacy::ours_to_write));
    TRY(check_folder(places.secrets(), Privacy::closed));
    return check_folder(places.deploy, Privacy::ours_to_write);
}

void warn_of_routes(Run& run, const app::Config& config)
{
    const auto host = wg::read_host_network();
    if (!host) return;
    for (const std::string& complaint : app::check_routes(config.wireguard, *host))
        run.terminal.say("warning: " + cli::printable(complaint, 300));
}

/// Secrets first, the config last: where that is there, everything is.
Result<void> write_all(Run& run, const ShopKeys& keys, const std::string& text, const app::Config& config)
{
    TRY(make_folder(run.places.folder, run.owner));
    TRY(make_folder(run.places.secrets(), run.owner));
    sweep(run);
    TRY(write_keys(keys, run.owner));
    for (const KeyFile& file : keys.files) {
        const std::string how = file.origin == KeyFile::Origin::given ? ", as given" : "";
        file.origin == KeyFile::Origin::there ? run.report.kept(file.path, file.what)
                                              : run.report.made(file.path, file.what + how);
    }
    TRY(write_surroundings(run, config));
    run.report.written(run.places.config(), TRY(write_unless_there(run.places.config(), text, 0600, run.owner)));
    return {};
}

int make(Run& run)
{
    if (const auto checked = check_places(run.places); !checked)
        return cli::failure(run.terminal, checked.error().detail + ". Nothing was written.");
    const auto keys = find_or_make_keys(run.places.secrets(), std::move(run.given), system_rng());
    if (!keys) return cli::failure(run.terminal, keys.error().detail + ". Nothing was written.");

    const bool asks = run.terminal.can_ask() && !run.arguments.has("--unattended");
    if (asks) run.terminal.say("An empty line takes what stands in brackets.");
    ShopAnswers known;
    known.database = run.places.data / "adit.db";
    if (run.places.daemon_runs == Runs::in_container) {
        known.listen_host = "0.0.0.0";
        if (const std::string proxy = container_network(); !proxy.empty()) known.trusted_proxies = {proxy};
    }
    const auto answers = ask_for_answers(run.arguments, asks ? Attended::yes : Attended::no, run.terminal,
                                         run.places.folder, *keys, std::move(known));
    if (!answers) return cli::usage_error(run.terminal, "init", cli::printable(answers.error().detail, 2000));
    const std::string text = shop_config(*answers, *keys);
    const auto tried = try_config(text, run.places.folder, *keys);
    if (!tried.config)
        return cli::failure(run.terminal, "these answers make no config. Nothing was written." +
                                              listed(without_places(tried.errors)));
    for (const std::string& warning : without_places(tried.warnings))
        run.terminal.say("warning: " + cli::printable(warning, 400));
    warn_of_routes(run, *tried.config);
    if (const auto written = write_all(run, *keys, text, *tried.config); !written)
        return cli::failure(run.terminal, written.error().detail +
                                              ". What was written before that is kept and used when it is run again.");
    if (::geteuid() == 0 && !run.owner)
        run.terminal.say("adit init: there is no user adit yet, so all of this belongs to root. For a daemon that runs "
                         "as another user: chown -R USER " +
                         run.places.folder.string() + " " + run.places.data.string());
    const int status = tell(run, *tried.config);
    if (status == cli::kDone && run.arguments.has("--restore-words"))
        run.terminal.say("The words are in place. At its first start the daemon asks each mint what it ever signed for "
                         "them, before the first sale there.");
    return status;
}

int init(const cli::Arguments& arguments, cli::Terminal& terminal)
{
    if (!arguments.rest().empty()) return cli::usage_error(terminal, "init", "takes options only");
    ::umask(077);
    const auto places = find_places(arguments);
    if (!places) return cli::usage_error(terminal, "init", places.error().detail);
    const auto owner = find_owner(arguments.value("--owner"));
    if (!owner) return cli::usage_error(terminal, "init", owner.error().detail);
    Run run{arguments, terminal, *places, *owner, {}};
    const bool there = is_there(run.places.config());
    const bool restores = arguments.has("--restore-words");
    if (arguments.has("--show-words") && there && !restores) return show_words(run);

    auto given = read_given_keys(arguments, terminal);
    if (!given) return cli::failure(terminal, given.error().detail);
    run.given = std::move(*given);
    const int status = there ? complete(run) : make(run);
    return status == cli::kDone && arguments.has("--show-words") ? show_words(run) : status;
}

} // namespace

const cli::Verb kInit{"init", "makes a shop: keys, config, and what stands around the daemon", kInitHelp,
                      init_options(), &init};

} // namespace adit::operate
