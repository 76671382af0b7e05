#include "shelf.h"

#include "store/migrations.h"

#include <fstream>
#include <sys/stat.h>

namespace adit::store {
namespace {

using OpenStore = StoreTest;

mode_t mode_of(const std::filesystem::path& path)
{
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 07777;
}

std::string refusal(const std::filesystem::path& path)
{
    auto opened = SqliteStore::open(path, {});
    EXPECT_FALSE(opened.has_value());
    return opened ? "" : opened.error().detail;
}

TEST_F(OpenStore, MakesItsFilesForTheOwnerOnlyWhateverTheUmask)
{
    good(store().set_fact("a", "b"));
    EXPECT_EQ(mode_of(file().parent_path()), 0700U);
    EXPECT_EQ(mode_of(file()), 0600U);
    EXPECT_EQ(mode_of(file().string() + "-wal"), 0600U);
    EXPECT_EQ(mode_of(file().string() + "-shm"), 0600U);
    EXPECT_EQ(mode_of(file().string() + ".lock"), 0600U);
}

TEST_F(OpenStore, TakesOthersRightsFromAFileThatWasLeftOpen)
{
    store_.reset();
    ASSERT_EQ(::chmod(file().c_str(), 0644), 0);
    open();
    EXPECT_EQ(mode_of(file()), 0600U);
}

TEST_F(OpenStore, RefusesAFileThatAnotherStoreHolds)
{
    EXPECT_NE(refusal(file()).find("in use by another aditd"), std::string::npos);
    store_.reset();
    EXPECT_TRUE(SqliteStore::open(file(), {}).has_value());
}

TEST_F(OpenStore, RefusesAFileThatAnotherStoreHoldsUnderAnotherName)
{
    const auto alias = folder_.path() / "alias";
    std::filesystem::create_directory_symlink(file().parent_path(), alias);
    EXPECT_NE(refusal(alias / "adit.db").find("in use by another aditd"), std::string::npos);
}

TEST_F(OpenStore, RefusesADatabaseOfANewerProgram)
{
    store_.reset();
    {
        auto db = good(Database::open(file()));
        good(db.run("INSERT INTO migrations (version, name, applied_at_s) VALUES (99, 'x', 0)"));
    }
    EXPECT_NE(refusal(file()).find("newer aditd"), std::string::npos);
}

TEST_F(OpenStore, LeavesAnotherProgramsDatabaseAsItWas)
{
    const auto other = folder_.path() / "europa.db";
    std::ofstream(other).close();
    {
        auto db = good(Database::open(other));
        good(db.execute("CREATE TABLE sessions (id INTEGER PRIMARY KEY)"));
    }
    const auto size = std::filesystem::file_size(other);
    EXPECT_NE(refusal(other).find("another program's database"), std::string::npos);
    EXPECT_EQ(std::filesystem::file_size(other), size);
    auto db = good(Database::open(other));
    EXPECT_EQ(good(db.number("SELECT COUNT(*) FROM sqlite_master")), 1);
    EXPECT_EQ(good(db.first("PRAGMA journal_mode", {}, [](Row& row) { return Result(std::string(row.text())); })),
              "delete");
}

TEST_F(OpenStore, RefusesAFileThatIsNoDatabase)
{
    const auto path = folder_.path() / "notes.txt";
    std::ofstream(path) << std::string(8192, 'n');
    EXPECT_NE(refusal(path).find("not a database"), std::string::npos);
}

TEST_F(OpenStore, RefusesADamagedDatabase)
{
    for (std::uint8_t i = 0; i < 50; ++i) good(store().set_fact("fact" + std::to_string(i), std::string(3000, 'f')));
    store_.reset();
    {
        std::fstream damage(file(), std::ios::in | std::ios::out | std::ios::binary);
        for (int page = 3; page < 60; ++page) {
            damage.seekp(page * 4096);
            damage << std::string(64, '\x5a');
        }
    }
    EXPECT_NE(refusal(file()).find("damaged"), std::string::npos);
}

TEST_F(OpenStore, RefusesAFolderThatCannotBeMade)
{
    std::ofstream(folder_.path() / "plain").close();
    EXPECT_NE(refusal(folder_.path() / "plain" / "adit.db").find("plain"), std::string::npos);
}

TEST_F(OpenStore, KeepsFactsOverARestart)
{
    EXPECT_EQ(good(store().fact("listing")), std::nullopt);
    good(store().set_fact("listing", "1"));
    good(store().set_fact("listing", "2"));
    open();
    EXPECT_EQ(good(store().fact("listing")), "2");
}

TEST_F(OpenStore, KeepsTheKeyOfItsHashesOverARestart)
{
    redeemed(order(1, {"a"}), 0);
    open();
    EXPECT_TRUE(good(store().find(event_id(1), ys({"a"}), client(1))).event_has_this_client_key);
}

TEST(Migrations, AreNumberedFromOneWithoutAGap)
{
    std::int64_t expected = 1;
    for (const Migration& migration : embedded_migrations()) EXPECT_EQ(migration.version, expected++);
    EXPECT_GT(expected, 1);
}

TEST(Migrations, UseTheTypesThatBothDatabasesHave)
{
    for (const Migration& migration : embedded_migrations())
        for (const char* type : {"INTEGER", "BLOB", "REAL", "BOOLEAN", "AUTOINCREMENT", "WITHOUT ROWID", "DATETIME"})
            EXPECT_EQ(migration.sql.find(type), std::string_view::npos) << migration.name << ": " << type;
}

TEST(Migrations, APurchaseOfBeforeTheSpeedsHasNone)
{
    const Folder folder;
    const auto path = folder.path() / "m.db";
    std::ofstream(path).close();
    auto db = good(Database::open(path));
    ASSERT_EQ(good(migrate(db, std::span(embedded_migrations()).first(2), UnixSeconds(1))), 2U);
    good(db.execute("INSERT INTO purchases (id, state, method, client, listing, tier_amount, tier_unit, quantity, "
                    "grant_class, grant_amount, price_sat, paid_sat, holds_lease, created_at_s, state_since_s) "
                    "VALUES (1, 'active', 'cashu', 'c', 'vpn', '10', 'hour', 1, 'time', 3600, 10, 10, 1, 1, 1)"));
    EXPECT_GE(good(migrate(db, embedded_migrations(), UnixSeconds(2))), 1U);
    EXPECT_EQ(good(db.number("SELECT max_mbps FROM purchases")), 0);
}

TEST(Migrations, ThatFailLeaveNothingBehindAndAreTriedAgain)
{
    const Folder folder;
    const auto path = folder.path() / "m.db";
    std::ofstream(path).close();
    auto db = good(Database::open(path));
    const Migration good_one{1, "0001_one", "CREATE TABLE one (a BIGINT)"};
    const Migration broken{2, "0002_two", "CREATE TABLE two (a BIGINT); CREATE TABLE one (a BIGINT)"};
    const Migration repaired{2, "0002_two", "CREATE TABLE two (a BIGINT)"};
    const auto failed = migrate(db, std::vector{good_one, broken}, UnixSeconds(1));
    ASSERT_FALSE(failed.has_value());
    EXPECT_NE(failed.error().detail.find("0002_two"), std::string::npos);
    EXPECT_EQ(good(db.number("SELECT COUNT(*) FROM sqlite_master WHERE name = 'two'")), 0);
    EXPECT_EQ(good(db.number("SELECT MAX(version) FROM migrations")), 1);
    EXPECT_EQ(good(migrate(db, std::vector{good_one, repaired}, UnixSeconds(2))), 1U);
    EXPECT_EQ(good(migrate(db, std::vector{good_one, repaired}, UnixSeconds(3))), 0U);
}

} // namespace
} // namespace adit::store
