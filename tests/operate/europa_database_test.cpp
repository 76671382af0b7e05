// europa-node's database, and what somebody may name in its place.
#include "operate/europa_database.h"

#include "operate/database_snapshot.h"
#include "operate/europa_folder.h"
#include "store/sqlite_store.h"

#include <csignal>
#include <gmock/gmock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace adit::operate {
namespace {

using fakes::EuropaBook;
using testing::HasSubstr;

class EuropaDatabaseTest : public testing::Test {
protected:
    void add_hour(EuropaBook& book, std::uint8_t n, EuropaBook::Columns more = {})
    {
        more.insert({"session_id", "'id-" + std::to_string(n) + "'"});
        more.insert({"client_identity", "'" + client(n).base64() + "'"});
        more.insert({"assigned_ip", "'10.66.42." + std::to_string(n) + "'"});
        more.insert({"purchased_at", "1800000000"});
        more.insert({"expires_at", "1800003600"});
        book.add(more);
    }
    /// What an operator is told.
    std::string complaint(const std::filesystem::path& path)
    {
        const auto read = read_europa_database(path);
        EXPECT_FALSE(read) << path;
        return read ? "" : read.error().detail;
    }
    std::string whole(const std::filesystem::path& path)
    {
        std::ifstream stream(path, std::ios::binary);
        std::ostringstream content;
        content << stream.rdbuf();
        return content.str();
    }

    EuropaFolder folder_;
};

/// A process that has the database open until it is told to go.
class Holder {
public:
    explicit Holder(const std::filesystem::path& path)
    {
        int ready[2];
        EXPECT_EQ(::pipe(ready), 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            sqlite3* db = nullptr;
            const bool open = sqlite3_open(path.c_str(), &db) == SQLITE_OK &&
                              sqlite3_exec(db, "SELECT COUNT(*) FROM sessions", nullptr, nullptr, nullptr) == SQLITE_OK;
            const char word = open ? 'y' : 'n';
            if (::write(ready[1], &word, 1) == 1)
                for (;;) ::pause();
            ::_exit(1);
        }
        char word = 0;
        EXPECT_EQ(::read(ready[0], &word, 1), 1);
        EXPECT_EQ(word, 'y');
        ::close(ready[0]);
        ::close(ready[1]);
    }
    ~Holder()
    {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;
    pid_t pid() const { return pid_; }

private:
    pid_t pid_ = -1;
};

TEST_F(EuropaDatabaseTest, ReadsWhatIsNotOverAndCountsTheRest)
{
    {
        EuropaBook book(folder_.theirs());
        add_hour(book, 7, {{"data_quota_bytes", "5.5"}, {"price_amount", "100"}});
        add_hour(book, 8, {{"status", "'pending'"}, {"payment_hash", "'abc'"}});
        add_hour(book, 9, {{"status", "'expired'"}});
        add_hour(book, 10, {{"status", "'revoked'"}});
        add_hour(book, 11, {{"client_identity", "x'00ff00'"}, {"protocol", "printf('%.*c', 5000, 'x')"}});
    }
    const auto found = read_europa_database(folder_.theirs());
    ASSERT_TRUE(found) << found.error().detail;
    EXPECT_EQ(found->over, 2U);
    ASSERT_EQ(found->sessions.size(), 3U);
    const auto& first = found->sessions[0];
    EXPECT_EQ(first.session_id, "id-7");
    EXPECT_EQ(first.protocol, "wireguard");
    EXPECT_EQ(first.client_identity, client(7).base64());
    EXPECT_EQ(first.assigned_ip, "10.66.42.7");
    EXPECT_EQ(first.purchased_at, "1800000000");
    EXPECT_EQ(first.expires_at, "1800003600");
    EXPECT_EQ(first.data_quota_bytes, "5.5");
    EXPECT_EQ(first.data_used_bytes, "0");
    EXPECT_EQ(first.price_amount, "100.0");
    EXPECT_EQ(first.price_currency, "sat");
    EXPECT_EQ(first.price_unit, "hour");
    EXPECT_EQ(first.payment_method, "cashu");
    EXPECT_EQ(first.status, "active");
    EXPECT_EQ(first.last_rx_counter, "0");
    EXPECT_EQ(first.last_tx_counter, "0");
    EXPECT_EQ(first.payment_hash, std::nullopt);
    EXPECT_EQ(first.listing_d_tag, "exit-1");
    EXPECT_EQ(found->sessions[1].payment_hash, "abc");
    EXPECT_EQ(found->sessions[2].client_identity, std::string("\0\xff\0", 3));
    EXPECT_EQ(found->sessions[2].protocol->size(), 200U);
}

TEST_F(EuropaDatabaseTest, WhatIsOnlyInTheLogIsReadAndNothingIsWrittenBesideIt)
{
    EuropaBook book(folder_.theirs());
    add_hour(book, 7);
    ASSERT_TRUE(std::filesystem::exists(folder_.theirs().string() + "-wal"));
    const auto before = all_but_ours(folder_.path());
    const auto found = read_europa_database(folder_.theirs());
    ASSERT_TRUE(found) << found.error().detail;
    EXPECT_EQ(found->sessions.size(), 1U);
    EXPECT_EQ(all_but_ours(folder_.path()), before);
}

TEST_F(EuropaDatabaseTest, AClosedOneThatIsInWalModeGetsNoFilesBesideIt)
{
    {
        EuropaBook book(folder_.theirs());
        add_hour(book, 7);
    }
    const auto before = all_but_ours(folder_.path());
    EXPECT_EQ(before.size(), 2U); // the config is the other
    EXPECT_TRUE(read_europa_database(folder_.theirs()));
    EXPECT_EQ(all_but_ours(folder_.path()), before);
    std::filesystem::create_symlink(folder_.theirs(), folder_.path() / "link.db");
    EXPECT_TRUE(read_europa_database(folder_.path() / "link.db"));
}

TEST_F(EuropaDatabaseTest, TellsWhoHasItOpen)
{
    {
        EuropaBook book(folder_.theirs());
        add_hour(book, 7);
    }
    EXPECT_EQ(who_has_open(folder_.theirs()), std::nullopt);
    {
        const Holder holder(folder_.theirs());
        EXPECT_EQ(who_has_open(folder_.theirs()), holder.pid());
        EXPECT_TRUE(read_europa_database(folder_.theirs())) << "reading is possible all the same";
    }
    EXPECT_EQ(who_has_open(folder_.theirs()), std::nullopt);
    EXPECT_EQ(who_has_open(folder_.path() / "absent"), std::nullopt);
}

TEST_F(EuropaDatabaseTest, SaysWhatIsWrongWithAnythingElse)
{
    EXPECT_THAT(complaint(folder_.path() / "absent.db"), HasSubstr("No such file"));
    EXPECT_THAT(complaint(folder_.path()), HasSubstr("this is a folder"));
    EXPECT_THAT(complaint("/dev/zero"), HasSubstr("no plain file"));
    const auto at = folder_.path() / "other";
    ASSERT_EQ(::mkfifo(at.c_str(), 0600), 0);
    EXPECT_THAT(complaint(at), HasSubstr("no plain file")); // at once, though nobody writes into it
    std::filesystem::remove(at);
    std::ofstream(at).close();
    EXPECT_THAT(complaint(at), HasSubstr("no table `sessions`"));
    std::ofstream(at) << std::string(8192, 'n');
    EXPECT_THAT(complaint(at), HasSubstr("not a database"));
    std::ofstream(at) << "SQLite format 3";
    EXPECT_THAT(complaint(at), HasSubstr("not a database"));
    std::filesystem::resize_file(at, (256ULL << 20) + 1);
    EXPECT_THAT(complaint(at), HasSubstr("over 256 MiB"));
}

TEST_F(EuropaDatabaseTest, RefusesAnotherProgramsDatabase)
{
    const auto at = folder_.path() / "other.db";
    {
        EuropaBook book(at, "CREATE TABLE visits (id INTEGER PRIMARY KEY)");
    }
    EXPECT_THAT(complaint(at), HasSubstr("no table `sessions`"));
    std::filesystem::remove(at);
    {
        EuropaBook book(at, "CREATE TABLE sessions (session_id TEXT, sess TEXT, expired BIGINT)");
    }
    EXPECT_THAT(complaint(at), HasSubstr("no column protocol, client_identity"));
    std::filesystem::remove(at);
    {
        EuropaBook book(at, "CREATE VIEW sessions AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
                            "SELECT x AS session_id FROM n");
    }
    EXPECT_THAT(complaint(at), HasSubstr("no table `sessions`")) << "a view is never run";
    EXPECT_TRUE(store::SqliteStore::open(folder_.ours(), {.hooks = {}}));
    EXPECT_THAT(complaint(folder_.ours()), HasSubstr("adit's own database"));
}

TEST_F(EuropaDatabaseTest, ATruncatedOneIsToldAndNeverHalfRead)
{
    {
        EuropaBook book(folder_.theirs());
        for (std::uint8_t n = 2; n < 250; ++n) add_hour(book, n);
    }
    const std::string content = whole(folder_.theirs());
    const auto at = folder_.path() / "cut.db";
    for (std::size_t size = 0; size < content.size(); size += 1000) {
        std::ofstream(at, std::ios::binary | std::ios::trunc) << content.substr(0, size);
        const auto read = read_europa_database(at);
        EXPECT_FALSE(read) << size;
    }
}

TEST_F(EuropaDatabaseTest, DamageAnywhereIsToldOrHarmless)
{
    {
        EuropaBook book(folder_.theirs());
        for (std::uint8_t n = 2; n < 60; ++n) add_hour(book, n);
    }
    const std::string content = whole(folder_.theirs());
    const auto at = folder_.path() / "spoiled.db";
    for (std::size_t place = 0; place < content.size(); place += 331) {
        std::string spoiled = content;
        spoiled[place] = static_cast<char>(~spoiled[place]);
        std::ofstream(at, std::ios::binary | std::ios::trunc) << spoiled;
        if (const auto read = read_europa_database(at)) {
            EXPECT_LE(read->sessions.size(), 58U) << place;
        }
    }
}

} // namespace
} // namespace adit::operate
