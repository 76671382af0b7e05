#include "shelf.h"

#include "store/writer.h"

#include <fstream>
#include <latch>
#include <thread>

namespace adit::store {
namespace {

class WriterTest : public testing::Test {
protected:
    using Step = Writer::Step;

    WriterTest()
    {
        std::ofstream(path_).close();
        auto db = database();
        good(db.execute("PRAGMA journal_mode = WAL; CREATE TABLE t (a BIGINT PRIMARY KEY, b TEXT)"));
    }
    Database database() const { return good(Database::open(path_)); }
    void start(CommitHooks hooks = {}, std::size_t limit = 64)
    {
        writer_ = std::make_unique<Writer>(database(), std::move(hooks), limit);
    }
    Result<void> insert(std::int64_t a, const std::string& b = "")
    {
        return writer_->run("insert", [&](Database& db) -> Result<void> {
            TRY(db.run("INSERT INTO t (a, b) VALUES ($1, $2)", {a, b}));
            return {};
        });
    }
    std::int64_t rows()
    {
        std::int64_t count = -1;
        good(writer_->run("rows", [&](Database& db) -> Result<void> {
            count = TRY(db.number("SELECT COUNT(*) FROM t")).value_or(-1);
            return {};
        }));
        return count;
    }
    /// Runs `steps` as one batch: the writer is held while they queue up.
    void together(const std::vector<std::function<void()>>& steps)
    {
        std::latch held(1);
        std::latch go(1);
        std::thread holder([&] {
            good(writer_->run("hold", [&](Database&) -> Result<void> {
                held.count_down();
                go.wait();
                return {};
            }));
        });
        held.wait();
        std::vector<std::thread> threads;
        for (const auto& step : steps) threads.emplace_back(step);
        while (writer_->waiting() < steps.size()) std::this_thread::yield();
        go.count_down();
        holder.join();
        for (auto& thread : threads) thread.join();
    }

    Folder folder_;
    std::filesystem::path path_ = folder_.path() / "w.db";
    std::unique_ptr<Writer> writer_;
};

TEST_F(WriterTest, RollsBackAFailingStepAloneAmongOthers)
{
    std::atomic<int> commits{0};
    start({.before_commit =
               [&](auto) {
                   ++commits;
                   return Fate::lives;
               },
           .after_commit = {}});
    together({
        [&] { good(insert(1)); },
        [&] {
            const auto failed = writer_->run("half", [](Database& db) -> Result<void> {
                TRY(db.run("INSERT INTO t (a) VALUES (100)"));
                return Error{Reason::double_spent};
            });
            EXPECT_EQ(reason(failed), Reason::double_spent);
        },
        [&] { good(insert(2)); },
    });
    EXPECT_EQ(rows(), 2);
    EXPECT_EQ(commits, 2); // hooks hear of the steps that changed something
}

TEST_F(WriterTest, SharesOneTransactionBetweenStepsThatArriveTogether)
{
    std::string moments; // of the commits, by the writer's thread
    start({.before_commit =
               [&](auto) {
                   moments += 'b';
                   return Fate::lives;
               },
           .after_commit =
               [&](auto) {
                   moments += 'a';
                   return Fate::lives;
               }});
    std::vector<std::function<void()>> steps;
    for (std::int64_t i = 0; i < 20; ++i) steps.emplace_back([&, i] { good(insert(i)); });
    together(steps);
    EXPECT_EQ(rows(), 20);
    EXPECT_EQ(moments, std::string(20, 'b') + std::string(20, 'a')) << "one commit between them all";
    auto beside = database();
    EXPECT_EQ(good(beside.number("SELECT COUNT(*) FROM t")), 20); // durable, not just promised
}

TEST_F(WriterTest, AConstraintOfTheSchemaIsABadStep)
{
    start();
    good(insert(1));
    EXPECT_EQ(reason(insert(1)), Reason::bad_step);
    EXPECT_EQ(rows(), 1);
}

TEST_F(WriterTest, AFullQueueAnswersBusyAtOnce)
{
    start({}, 2);
    std::latch held(1);
    std::latch go(1);
    std::thread holder([&] {
        good(writer_->run("hold", [&](Database&) -> Result<void> {
            held.count_down();
            go.wait();
            return {};
        }));
    });
    held.wait();
    std::thread first([&] { good(insert(1)); });
    std::thread second([&] { good(insert(2)); });
    while (writer_->waiting() < 2) std::this_thread::yield();
    EXPECT_EQ(reason(insert(3)), Reason::busy);
    go.count_down();
    for (auto* thread : {&holder, &first, &second}) thread->join();
    EXPECT_EQ(rows(), 2);
}

TEST_F(WriterTest, StepsThatChangeNothingDoNotCommit)
{
    int commits = 0;
    start({.before_commit =
               [&](auto) {
                   ++commits;
                   return Fate::lives;
               },
           .after_commit = {}});
    good(insert(1));
    const auto log_size = std::filesystem::file_size(path_.string() + "-wal");
    for (int i = 0; i < 5; ++i) EXPECT_EQ(rows(), 1);
    good(writer_->run("nothing", [](Database& db) -> Result<void> {
        TRY(db.run("DELETE FROM t WHERE a = 77"));
        return {};
    }));
    EXPECT_EQ(commits, 1);
    EXPECT_EQ(std::filesystem::file_size(path_.string() + "-wal"), log_size);
}

TEST_F(WriterTest, DyingBeforeACommitKeepsNothingOfIt)
{
    start({.before_commit = [](auto step) { return step == "insert" ? Fate::dies : Fate::lives; }, .after_commit = {}});
    EXPECT_EQ(reason(insert(1)), Reason::store_unavailable);
    EXPECT_EQ(reason(insert(2)), Reason::store_unavailable);
    EXPECT_EQ(reason(writer_->run("r", [](Database&) { return Result<void>(); })), Reason::store_unavailable);
    writer_.reset();
    start();
    EXPECT_EQ(rows(), 0);
}

TEST_F(WriterTest, DyingAfterACommitKeepsIt)
{
    start({.before_commit = {}, .after_commit = [](auto) { return Fate::dies; }});
    EXPECT_EQ(reason(insert(1)), Reason::store_unavailable);
    EXPECT_EQ(reason(insert(2)), Reason::store_unavailable);
    writer_.reset();
    start();
    EXPECT_EQ(rows(), 1);
}

TEST_F(WriterTest, AFullDiskRefusesAndLosesNothing)
{
    {
        auto db = database();
        good(db.execute("PRAGMA max_page_count = 10"));
        writer_ = std::make_unique<Writer>(std::move(db), CommitHooks{}, 64);
    }
    good(insert(0));
    std::atomic<int> kept{0};
    for (std::int64_t i = 1; i < 40; ++i) {
        const auto done = insert(i, std::string(2000, 'x'));
        if (done)
            ++kept;
        else
            EXPECT_EQ(done.error().reason, Reason::store_unavailable);
    }
    EXPECT_GT(kept, 0);
    EXPECT_LT(kept, 39);
    EXPECT_EQ(rows(), kept + 1);
    EXPECT_EQ(reason(insert(100, std::string(20'000, 'x'))), Reason::store_unavailable);
    EXPECT_EQ(rows(), kept + 1);
}

TEST_F(WriterTest, ServesManyThreadsAtOnce)
{
    start({}, 1024);
    std::atomic<int> inserted{0};
    std::vector<std::thread> threads;
    for (std::int64_t t = 0; t < 16; ++t)
        threads.emplace_back([&, t] {
            for (std::int64_t i = 0; i < 50; ++i) {
                if (insert(i * 8 + t % 8)) ++inserted; // every number twice: one of the two is refused
                EXPECT_GE(rows(), 1);
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(inserted, 400);
    EXPECT_EQ(rows(), 400);
}

TEST(DatabaseText, KeepsEmptyTextApartFromNone)
{
    const Folder folder;
    std::ofstream(folder.path() / "d.db").close();
    auto db = good(Database::open(folder.path() / "d.db"));
    good(db.execute("CREATE TABLE t (a TEXT, b TEXT)"));
    good(db.run("INSERT INTO t (a, b) VALUES ($1, $2)", {std::string_view(), std::optional<std::string>()}));
    good(db.each("SELECT a, b FROM t", {}, [](Row& row) -> Result<void> {
        EXPECT_EQ(row.maybe_text(), "");
        EXPECT_EQ(row.maybe_text(), std::nullopt);
        return {};
    }));
}

TEST(DatabaseText, SaysWhichStatementsAreWrong)
{
    const Folder folder;
    std::ofstream(folder.path() / "d.db").close();
    auto db = good(Database::open(folder.path() / "d.db"));
    const auto failed = db.run("SELECT nonsense FROM nowhere");
    EXPECT_EQ(reason(failed), Reason::store_unavailable);
    EXPECT_NE(failed.error().detail.find("nowhere"), std::string::npos);
    EXPECT_EQ(reason(Database::open(folder.path() / "absent.db")), Reason::store_unavailable);
}

} // namespace
} // namespace adit::store
