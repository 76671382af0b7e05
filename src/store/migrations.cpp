#include "store/migrations.h"

#include "base/log.h"

namespace adit::store {

namespace {

Result<void> apply(Database& db, const Migration& migration, UnixSeconds now)
{
    TRY(db.execute(std::string(migration.sql)));
    TRY(db.run("INSERT INTO migrations (version, name, applied_at_s) VALUES ($1, $2, $3)",
               {migration.version, migration.name, now}));
    return db.execute("COMMIT");
}

} // namespace

Result<std::size_t> migrate(Database& db, std::span<const Migration> migrations, UnixSeconds now)
{
    TRY(db.execute("CREATE TABLE IF NOT EXISTS migrations ("
                   "version BIGINT PRIMARY KEY NOT NULL, name TEXT NOT NULL, applied_at_s BIGINT NOT NULL)"));
    const std::int64_t known = migrations.empty() ? 0 : migrations.back().version;
    const std::int64_t there = TRY(db.number("SELECT COALESCE(MAX(version), 0) FROM migrations")).value_or(0);
    if (there > known)
        return Error{Reason::store_unavailable, "the database was last used by a newer aditd (schema " +
                                                    std::to_string(there) + ", this one knows " +
                                                    std::to_string(known) + "): install that version again"};
    std::size_t applied = 0;
    for (const Migration& migration : migrations) {
        if (migration.version <= there) continue;
        TRY(db.execute("BEGIN IMMEDIATE"));
        if (auto done = apply(db, migration, now); !done) {
            if (db.in_transaction()) TRY(db.execute("ROLLBACK"));
            return Error{Reason::store_unavailable,
                         "migration " + std::string(migration.name) + " failed: " + done.error().detail};
        }
        log_info("store_migrated", {{"version", migration.version}, {"name", migration.name}});
        ++applied;
    }
    return applied;
}

} // namespace adit::store
