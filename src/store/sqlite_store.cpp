// Opening, and single facts. The steps are in journal.cpp, purchases.cpp, leases.cpp, sessions.cpp, adoption.cpp,
// wallet.cpp, outbox.cpp.
#include "store/sqlite_store.h"

#include "base/hash.h"
#include "protocol/constants.h"
#include "store/file_lock.h"
#include "store/migrations.h"
#include "store/rows.h"

namespace adit::store {

namespace {

constexpr std::int64_t kApplicationId = 0x61646974; // "adit", in the file's header
constexpr std::string_view kClientHashKey = "store.client_hash_key";

Error told(const std::filesystem::path& path, const Error& error)
{
    return {error.reason, path.string() + ": " + error.detail};
}

/// Before anything is written: the reference's database, or anybody's, is not ours to change.
Result<void> refuse_others(Database& db)
{
    const auto tables = TRY(db.number("SELECT COUNT(*) FROM sqlite_master")).value_or(0);
    const auto application = TRY(db.number("PRAGMA application_id")).value_or(0);
    if (application == kApplicationId || (tables == 0 && application == 0)) return {};
    return Error{Reason::store_unavailable, "this is another program's database"};
}

Result<void> configure(Database& db)
{
    if (db.read_only()) return Error{Reason::store_unavailable, "the database cannot be written"};
    TRY(refuse_others(db));
    const auto mode =
        TRY(db.first("PRAGMA journal_mode = WAL", {}, [](Row& row) { return Result(std::string(row.text())); }));
    if (mode != "wal") return Error{Reason::store_unavailable, "this disk does not do write-ahead logs"};
    TRY(db.execute("PRAGMA synchronous = FULL;"
                   "PRAGMA foreign_keys = ON;"
                   "PRAGMA secure_delete = ON;"
                   "PRAGMA temp_store = MEMORY;"
                   "PRAGMA trusted_schema = OFF;"
                   "PRAGMA journal_size_limit = 16777216;"
                   "PRAGMA application_id = " +
                   std::to_string(kApplicationId)));
    return {};
}

Result<void> check_integrity(Database& db)
{
    const auto verdict =
        TRY(db.first("PRAGMA quick_check(1)", {}, [](Row& row) { return Result(std::string(row.text())); }));
    if (verdict == "ok") return {};
    return Error{Reason::store_unavailable, "the database is damaged (" + verdict.value_or("no answer") +
                                                "): keep a copy of the folder before anything else"};
}

Result<SecretBytes<32>> client_hash_key(Database& db, Rng& rng)
{
    const SecretHex fresh(rng.secret<32>().expose());
    TRY(db.run("INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING",
               {kClientHashKey, fresh.text()}));
    auto key = TRY(db.first("SELECT value FROM facts WHERE name = $1", {kClientHashKey},
                            [](Row& row) { return read_secret(row.text()); }));
    if (!key) return Error{Reason::store_unavailable, "the key of the hashes is not there"};
    return std::move(*key);
}

Result<Database> open_for_reading(const std::filesystem::path& path)
{
    auto db = TRY(Database::open(path));
    TRY(db.execute("PRAGMA query_only = ON;"
                   "PRAGMA temp_store = MEMORY;"
                   "PRAGMA trusted_schema = OFF;"
                   "PRAGMA cache_size = -512")); // KiB: single rows, and tables read once from end to end
    return db;
}

} // namespace

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::filesystem::path& given, Options options)
{
    std::error_code failed;
    auto path = std::filesystem::weakly_canonical(std::filesystem::absolute(given, failed), failed);
    if (failed) return Error{Reason::store_unavailable, given.string() + ": " + failed.message()};
    TRY(make_private_folder(path.parent_path()));
    auto lock = TRY(FileLock::take(path.string() + ".lock"));
    TRY(make_private_file(path));

    auto db = TRY(Database::open(path));
    if (auto ready = configure(db); !ready) return told(path, ready.error());
    if (auto sound = check_integrity(db); !sound) return told(path, sound.error());
    if (auto done = migrate(db, embedded_migrations(), options.clock.now()); !done) return told(path, done.error());
    auto key = client_hash_key(db, options.rng);
    if (!key) return told(path, key.error());

    auto beside = open_for_reading(path);
    if (!beside) return told(path, beside.error());

    std::unique_ptr<SqliteStore> store(new SqliteStore(options.clock, std::move(key).value(), std::move(lock)));
    store->reader_ = std::make_unique<Reader>(std::move(beside).value());
    store->writer_ = std::make_unique<Writer>(std::move(db), std::move(options.hooks), options.queue_limit);
    return store;
}

SqliteStore::SqliteStore(Clock& clock, SecretBytes<32> client_hash_key, std::unique_ptr<FileLock> lock)
    : clock_(clock), client_hash_key_(std::move(client_hash_key)), lock_(std::move(lock))
{
}

SqliteStore::~SqliteStore() = default;

/// A store that has stopped tells nothing, though the file could still be read: nobody knows if the last commit is in
/// it.
Result<void> SqliteStore::read_plain(const Writer::Step& step)
{
    if (!writer_->has_stopped()) {
        auto done = reader_->run(step);
        if (!writer_->has_stopped()) return done;
    }
    return Error{Reason::store_unavailable, "the store has stopped"};
}

std::string SqliteStore::client_of(const protocol::WireguardKey& key) const
{
    return encode_hex(hmac_sha256(client_hash_key_.expose(), key.bytes()));
}

UnixSeconds SqliteStore::end_of_rest() const { return clock_.now() + protocol::kAddressRest; }

Result<std::optional<std::string>> SqliteStore::fact(std::string_view name)
{
    return read([&](Database& db) {
        return db.first("SELECT value FROM facts WHERE name = $1", {name},
                        [](Row& row) { return Result(std::string(row.text())); });
    });
}

Result<void> SqliteStore::set_fact(std::string_view name, std::string_view value)
{
    CHECK(!name.starts_with("store."));
    return write("set_fact", [&](Database& db) -> Result<void> {
        TRY(db.run("INSERT INTO facts (name, value) VALUES ($1, $2) "
                   "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                   {name, value}));
        return {};
    });
}

} // namespace adit::store
