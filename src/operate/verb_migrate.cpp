#include "app/config.h"
#include "operate/database_snapshot.h"
#include "operate/europa_sessions.h"
#include "operate/finding.h"
#include "operate/verbs.h"
#include "protocol/nip19.h"
#include "store/sqlite_store.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

namespace adit::operate {

namespace {

constexpr std::string_view kMigrateHelp =
    "adit migrate europa-node [--config FILE] [--db FILE] [--dry-run] [--json]\n"
    "\n"
    "Takes over a shop that europa-node, the marketplace's reference daemon, has run on this machine: reads its "
    "config\n"
    "as it is, and copies its live sessions into adit's database, with their addresses, keys, ends and counts, so "
    "that\n"
    "no tunnel is interrupted. Known mistakes in its data are mended, and named. Stop europa-node first and start "
    "aditd\n"
    "afterwards: the peers stay on the interface in between. Its database is only read. A second run takes what is "
    "new\n"
    "and changes nothing else.\n"
    "\n"
    "  --config FILE  europa-node's config, which becomes aditd's (default: as aditd looks for it)\n"
    "  --db FILE      europa-node's database (default: [db].path of the config)\n"
    "  --dry-run      says what would be done, and writes nothing; europa-node may run meanwhile\n"
    "  --json         an object {\"ok\", \"checks\": [{\"check\", \"level\", \"what\", \"hint\"}...]}\n"
    "\n"
    "Asks nobody over the network. Ends with 1 if anything that was sold could not be taken over.\n"
    "\n"
    "  adit migrate europa-node --config /etc/europa-node/config.toml --dry-run\n"
    "  adit migrate europa-node --config /etc/europa-node/config.toml\n";

constexpr cli::Option kMigrateOptions[]{
    {"--config"}, {"--db"}, {"--dry-run", cli::Option::Takes::nothing}, {"--json", cli::Option::Takes::nothing}};

class Migration {
public:
    Migration(std::filesystem::path config, std::optional<std::filesystem::path> database, bool dry)
        : config_path_(std::move(config)), database_(std::move(database)), dry_(dry)
    {
    }

    std::vector<Finding> run()
    {
        read_config();
        if (!config_) return std::move(findings_);
        look_at_wallet();
        if (!database_) database_ = config_->database.configured;
        if (!nobody_uses_database()) return std::move(findings_);
        const auto found = read_europa_database(*database_);
        if (!found) {
            fail("database", found.error().detail, "name europa-node's database with --db");
            return std::move(findings_);
        }
        plan_ = plan_moving_in(found->sessions, {config_->wireguard.subnet, config_->wireguard.server_key},
                               system_clock().now(), system_rng());
        ok("database", database_->string() + ": " + std::to_string(found->sessions.size()) +
                           " sessions are active or pending, " + std::to_string(found->over) + " are over");
        take_over();
        return std::move(findings_);
    }

private:
    void add(std::string check, Level level, std::string what, std::string hint = {})
    {
        findings_.push_back({std::move(check), level, std::move(what), std::move(hint)});
    }
    void ok(std::string check, std::string what) { add(std::move(check), Level::ok, std::move(what)); }
    void fail(std::string check, std::string what, std::string hint)
    {
        add(std::move(check), Level::fail, std::move(what), std::move(hint));
    }

    void read_config()
    {
        std::error_code ignored;
        if (const auto status = std::filesystem::status(config_path_, ignored);
            std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
            fail("config", config_path_.string() + ": this is no plain file",
                 "name europa-node's config with --config");
            return;
        }
        auto loaded = app::load_config(config_path_);
        for (const app::Complaint& error : loaded.errors)
            fail("config", error, "aditd would not start with it either: nothing was done");
        for (const app::Complaint& warning : loaded.warnings)
            add("config", Level::warn, warning, "aditd starts all the same");
        if (!loaded.errors.empty() || !loaded.config) return;
        config_ = std::move(loaded.config);
        ok("config", config_path_.string() + ": aditd takes it as it is");
    }

    void look_at_wallet()
    {
        // load_config has read the nsec and held it against the curve.
        ok("nsec", "readable; this is the shop of " + protocol::encode_npub(config_->nostr.key.public_key()));
        if (config_->cashu.enabled)
            ok("wallet", "the same one: it is kept in that key's own events on the " +
                             std::to_string(config_->nostr.relays.size()) +
                             " relays of the config, and aditd loads it from there; there is nothing to copy");
    }

    bool nobody_uses_database()
    {
        const auto who = who_has_open(*database_);
        if (!who) return true;
        const std::string what = *who != 0 ? "process " + std::to_string(*who) + " has " + database_->string() + " open"
                                           : "a process has " + database_->string() + " open";
        if (dry_) {
            add("europa-running", Level::warn, what, "stop europa-node before the real run; no tunnel goes with it");
            return true;
        }
        fail("europa-running", what,
             "stop europa-node first, or what it sells from now on is missed; no tunnel goes with it");
        return false;
    }

    Result<std::vector<store::Adopted>> adopt(const std::vector<store::AdoptedSession>& sessions)
    {
        const auto& ours = config_->database.ours;
        std::error_code ignored;
        // Nothing can stand in the way in a store that is not there yet, and a dry run makes none.
        if (dry_ && !std::filesystem::exists(ours, ignored))
            return std::vector<store::Adopted>(sessions.size(), store::Adopted::now);
        auto store = TRY(store::SqliteStore::open(ours, {.hooks = {}}));
        auto adopted = TRY(store->adopt_sessions(
            sessions, system_clock().now(), dry_ ? store::Store::Adopting::rehearse : store::Store::Adopting::really));
        return adopted;
    }

    void take_over()
    {
        std::vector<const PlannedSession*> all;
        std::vector<store::AdoptedSession> sessions;
        // The live ones first: an address is theirs, whoever had it before.
        for (const auto* part : {&plan_.live, &plan_.ended})
            for (const PlannedSession& planned : *part) {
                all.push_back(&planned);
                sessions.push_back(planned.session);
            }
        const auto adopted = adopt(sessions);
        if (!adopted) {
            fail("store", adopted.error().detail, "nothing was taken over");
            return;
        }
        for (std::size_t i = 0; i < all.size(); ++i) tell(*all[i], adopted->at(i));
        findings_.insert(findings_.end(), plan_.left_out.begin(), plan_.left_out.end());
        const std::string did = dry_ ? " would be taken over" : " taken over";
        ok("sessions", std::to_string(taken_) + did + " into " + config_->database.ours.string() + ", " +
                           std::to_string(before_) + " were before");
        if (!dry_) keep_owner();
    }

    void tell(const PlannedSession& planned, store::Adopted how)
    {
        const bool live = !planned.session.segments.empty();
        switch (how) {
        case store::Adopted::now:
            if (live) ++taken_;
            findings_.insert(findings_.end(), planned.repairs.begin(), planned.repairs.end());
            ok("session",
               planned.called + (live ? " " + planned.goes_on : " is over; its peer goes when aditd starts"));
            return;
        case store::Adopted::before:
            if (live) ++before_;
            return;
        case store::Adopted::key_taken:
            if (live)
                fail("session", planned.called + " is not taken over: its key has a tunnel of adit's already",
                     "settle with its buyer: " + planned.goes_on);
            return;
        case store::Adopted::address_taken:
            fail("session", planned.called + " is not taken over: adit has sold its address to another key",
                 "settle with its buyer: " + planned.goes_on);
            return;
        }
    }

    /// Root may have made what the daemon, who is not root, has to open.
    void keep_owner()
    {
        if (::geteuid() != 0) return;
        const auto& ours = config_->database.ours;
        struct stat folder {};
        if (::stat(ours.parent_path().c_str(), &folder) != 0 || folder.st_uid == 0) return;
        for (const char* suffix : {"", "-wal", "-shm", ".lock"}) {
            const std::string path = ours.string() + suffix;
            if (::lchown(path.c_str(), folder.st_uid, folder.st_gid) == 0 || errno == ENOENT) continue;
            fail("store", path + ": " + std::strerror(errno), "give it to the user that aditd runs as");
        }
    }

    const std::filesystem::path config_path_;
    std::optional<std::filesystem::path> database_;
    const bool dry_;
    std::optional<app::Config> config_;
    MovingPlan plan_;
    std::size_t taken_ = 0;
    std::size_t before_ = 0;
    std::vector<Finding> findings_;
};

std::optional<std::string> variable(const char* name)
{
    const char* value = std::getenv(name);
    if (!value) return std::nullopt;
    return std::string(value);
}

int migrate(const cli::Arguments& arguments, cli::Terminal& terminal)
{
    if (arguments.rest() != std::vector<std::string>{"europa-node"})
        return cli::usage_error(terminal, "migrate", "the one it can move in from is: europa-node");
    std::optional<std::filesystem::path> given;
    if (const auto path = arguments.value("--config")) given = *path;
    std::optional<std::filesystem::path> database;
    if (const auto path = arguments.value("--db")) database = *path;
    const auto config = app::config_path(given, &variable, [](const std::filesystem::path& path) {
        std::error_code ignored;
        return std::filesystem::exists(path, ignored);
    });
    const auto findings = Migration(config, database, arguments.has("--dry-run")).run();
    print(terminal, findings, arguments.has("--json") ? Form::json : Form::lines);
    return exit_status(findings);
}

} // namespace

const cli::Verb kMigrate{"migrate", "moves a shop of europa-node in, live sessions and all", kMigrateHelp,
                         kMigrateOptions, &migrate};

} // namespace adit::operate
