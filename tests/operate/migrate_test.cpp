// `adit migrate europa-node`: a shop moves in, and the daemon goes on with it.
#include "operate/europa_folder.h"
#include "operate/verbs.h"

#include "app/tunnels.h"
#include "store/sqlite_store.h"
#include "wg/cidr.h"
#include "wg/memory_device.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

namespace adit::operate {
namespace {

using fakes::EuropaBook;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t kGib = 1ULL << 30;

struct Answer {
    int status = -1;
    nlohmann::json json;
    std::string text;

    /// The `what` of every check with this name and level.
    std::vector<std::string> said(std::string_view check, std::string_view level) const
    {
        std::vector<std::string> found;
        for (const auto& each : json["checks"])
            if (each["check"] == check && each["level"] == level) found.push_back(each["what"]);
        return found;
    }
};

class CountingDevice final : public wg::Device {
public:
    explicit CountingDevice(wg::Device& device) : device_(device) {}
    Result<void> apply(std::span<const wg::PeerChange> changes) override
    {
        changes_ += changes.size();
        return device_.apply(changes);
    }
    Result<wg::DeviceStatus> status() override { return device_.status(); }
    Result<void> configure(const wg::DeviceSettings& settings) override { return device_.configure(settings); }
    std::size_t changes() const { return changes_; }

private:
    wg::Device& device_;
    std::size_t changes_ = 0;
};

class MigrateTest : public testing::Test {
protected:
    Answer migrate(std::vector<std::string> more = {})
    {
        std::vector<std::string> words{"migrate", "europa-node", "--config", folder_.config().string(), "--json"};
        words.insert(words.end(), more.begin(), more.end());
        cli::Terminal terminal;
        testing::internal::CaptureStdout();
        Answer answer;
        answer.status = cli::run(words, terminal, verbs());
        answer.text = testing::internal::GetCapturedStdout();
        answer.json = nlohmann::json::parse(answer.text, nullptr, false);
        EXPECT_TRUE(answer.json.is_object()) << answer.text;
        EXPECT_EQ(answer.json["ok"], answer.status == cli::kDone) << answer.text;
        return answer;
    }
    /// Bought an hour ago for a day.
    void add_day(EuropaBook& book, std::uint8_t n, EuropaBook::Columns more = {})
    {
        more.insert({"session_id", "'00000000-0000-4000-8000-0000000000" + std::to_string(10 + n) + "'"});
        more.insert({"client_identity", "'" + client(n).base64() + "'"});
        more.insert({"assigned_ip", "'10.66.42." + std::to_string(n) + "'"});
        more.insert({"purchased_at", std::to_string((now_ - Seconds(3600)).count())});
        more.insert({"expires_at", std::to_string((now_ + Seconds(82'800)).count())});
        more.insert({"price_unit", "'day'"});
        book.add(more);
    }
    std::unique_ptr<store::SqliteStore> store()
    {
        auto opened = store::SqliteStore::open(folder_.ours(), {.hooks = {}});
        EXPECT_TRUE(opened) << (opened ? "" : opened.error().detail);
        return std::move(opened).value();
    }

    const UnixSeconds now_ = system_clock().now();
    EuropaFolder folder_;
};

TEST_F(MigrateTest, AShopMovesIn)
{
    {
        EuropaBook book(folder_.theirs());
        add_day(book, 7);
        add_day(book, 8,
                {{"price_unit", "'GiB'"}, {"price_amount", "500"}, {"data_quota_bytes", std::to_string(500 * kGib)}});
        add_day(book, 9, {{"status", "'expired'"}});
    }
    const auto before = all_but_ours(folder_.path());
    const auto answer = migrate();
    EXPECT_EQ(answer.status, cli::kDone) << answer.text;
    EXPECT_THAT(answer.said("nsec", "ok").at(0), HasSubstr("npub1"));
    EXPECT_THAT(answer.said("wallet", "ok").at(0), HasSubstr("nothing to copy"));
    EXPECT_EQ(answer.said("session", "ok").size(), 2U);
    EXPECT_THAT(answer.said("session", "warn").at(0), HasSubstr("it is now 1 GiB"));
    EXPECT_THAT(answer.said("sessions", "ok").at(0), HasSubstr("2 taken over"));
    EXPECT_EQ(all_but_ours(folder_.path()), before) << "what was europa-node's is as it was";

    const auto adopted = store();
    const auto live = adopted->live_sessions();
    ASSERT_TRUE(live);
    ASSERT_EQ(live->size(), 2U);
    EXPECT_EQ(live->at(0).lease.address, "10.66.42.7");
    EXPECT_EQ(session::expires_at(live->at(0).session.segments), now_ + Seconds(82'800));
    EXPECT_EQ(session::quota_bytes(live->at(1).session.segments), kGib);
    EXPECT_TRUE(adopted->session_by_id("00000000-0000-4000-8000-000000000017")->has_value());
    EXPECT_FALSE(*adopted->live_session(client(9)));
}

TEST_F(MigrateTest, TheDaemonGoesOnWithoutTouchingAPeerAndCountsOnFromThere)
{
    {
        EuropaBook book(folder_.theirs());
        add_day(book, 7, {{"data_used_bytes", "900"}, {"last_rx_counter", "500"}, {"last_tx_counter", "400"}});
        add_day(book, 8, {{"expires_at", std::to_string((now_ - Seconds(5)).count())}}); // not noticed there any more
    }
    wg::MemoryDevice memory;
    memory.put_foreign(client(7), {wg::parse_cidr("10.66.42.7/32").value()});
    memory.put_foreign(client(8), {wg::parse_cidr("10.66.42.8/32").value()});
    memory.put_foreign(client(200), {wg::parse_cidr("10.66.42.200/32").value()});
    memory.add_traffic(client(7), 600, 450);
    EXPECT_EQ(migrate().status, cli::kDone);

    const auto adopted = store();
    CountingDevice device(memory);
    const auto pool = wg::AddressPool::open(wg::parse_cidr("10.66.42.0/24").value(), std::nullopt, {}, system_clock());
    app::Tunnels tunnels(*adopted, device, **pool, system_clock(), system_rng(), {.preshared_keys = true});
    ASSERT_TRUE(tunnels.load());
    tunnels.reconcile();
    EXPECT_EQ(device.changes(), 1U) << "of the one that was over, and of no other";
    EXPECT_TRUE(memory.has(client(7)));
    EXPECT_FALSE(memory.has(client(8)));
    EXPECT_TRUE(memory.has(client(200))) << "peers of others stay";
    tunnels.account();
    const auto view = tunnels.view("00000000-0000-4000-8000-000000000017");
    ASSERT_TRUE(view);
    EXPECT_EQ(view->status, "active");
    EXPECT_EQ(view->data_used_bytes, 900U + 150U) << "what the device counted since, and nothing twice";
    EXPECT_EQ(view->expires_at, now_ + Seconds(82'800));
    for (int i = 0; i < 252; ++i) {
        const auto candidate = tunnels.candidate();
        if (!candidate) break;
        EXPECT_NE(candidate->address, "10.66.42.7") << "sold to nobody else";
    }
}

TEST_F(MigrateTest, ASecondRunTakesWhatIsNewAndChangesNothingElse)
{
    {
        EuropaBook book(folder_.theirs());
        add_day(book, 7, {{"price_unit", "'GiB'"}, {"data_quota_bytes", std::to_string(100 * kGib)}});
    }
    EXPECT_EQ(migrate().status, cli::kDone);
    const auto ids = [&] {
        std::vector<std::string> all;
        const auto sessions = store()->live_sessions();
        for (const auto& live : sessions.value()) all.push_back(live.session.id);
        return all;
    };
    const auto first = ids();
    {
        EuropaBook book(folder_.theirs(), "");
        add_day(book, 8);
    }
    const auto again = migrate();
    EXPECT_EQ(again.status, cli::kDone);
    EXPECT_EQ(again.said("session", "ok").size(), 1U);
    EXPECT_TRUE(again.said("session", "warn").empty()) << "what was mended is mended";
    EXPECT_THAT(again.said("sessions", "ok").at(0), AllOf(HasSubstr("1 taken over"), HasSubstr(", 1 were before")));
    EXPECT_EQ(ids().size(), 2U);
    EXPECT_EQ(ids().at(0), first.at(0));
    EXPECT_THAT(migrate().said("sessions", "ok").at(0), AllOf(HasSubstr("0 taken over"), HasSubstr(", 2 were before")));
}

TEST_F(MigrateTest, ADryRunSaysTheSameAndWritesNothing)
{
    EuropaBook book(folder_.theirs());
    add_day(book, 7);
    const auto said = migrate({"--dry-run"});
    EXPECT_EQ(said.status, cli::kDone);
    EXPECT_THAT(said.said("sessions", "ok").at(0), HasSubstr("1 would be taken over"));
    for (const char* suffix : {"", "-wal", "-shm", ".lock"})
        EXPECT_FALSE(std::filesystem::exists(folder_.ours().string() + suffix)) << suffix;
    EXPECT_EQ(migrate().status, cli::kDone);
    add_day(book, 8);
    EXPECT_THAT(migrate({"--dry-run"}).said("sessions", "ok").at(0),
                AllOf(HasSubstr("1 would be taken over"), HasSubstr(", 1 were")));
    EXPECT_EQ(store()->live_sessions()->size(), 1U);
}

TEST_F(MigrateTest, WhatCanNotBeTakenIsNamedTheRestIsTakenAndTheStatusSaysSo)
{
    {
        EuropaBook book(folder_.theirs());
        add_day(book, 7);
        add_day(book, 8, {{"protocol", "'openvpn'"}});
        add_day(book, 9, {{"client_identity", "'AAAA'"}});
        add_day(book, 10, {{"assigned_ip", "'10.42.0.9'"}});
        add_day(book, 11, {{"status", "'pending'"}, {"payment_hash", "'" + std::string(64, 'b') + "'"}});
    }
    const auto answer = migrate();
    EXPECT_EQ(answer.status, cli::kFailed);
    EXPECT_EQ(answer.said("session", "fail").size(), 3U) << answer.text;
    EXPECT_EQ(answer.said("session", "ok").size(), 1U);
    EXPECT_THAT(answer.text, HasSubstr("possibly owed"));
    EXPECT_EQ(store()->live_sessions()->size(), 1U);
}

TEST_F(MigrateTest, RefusesWhileAditdHasTheStore)
{
    {
        EuropaBook book(folder_.theirs());
        add_day(book, 7);
    }
    const auto running = store();
    for (const auto& words : {std::vector<std::string>{}, std::vector<std::string>{"--dry-run"}}) {
        const auto answer = migrate(words);
        EXPECT_EQ(answer.status, cli::kFailed);
        EXPECT_THAT(answer.said("store", "fail").at(0), HasSubstr("in use by another aditd"));
    }
    EXPECT_TRUE(running->live_sessions()->empty());
}

TEST_F(MigrateTest, AForeignDatabaseIsNamedAndNothingIsWritten)
{
    std::ofstream(folder_.theirs()) << std::string(5000, 'x');
    const auto answer = migrate();
    EXPECT_EQ(answer.status, cli::kFailed);
    EXPECT_THAT(answer.said("database", "fail").at(0), HasSubstr("not a database"));
    EXPECT_FALSE(std::filesystem::exists(folder_.ours()));
    const auto fifo = folder_.path() / "fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    EXPECT_EQ(migrate({"--db", fifo.string()}).status, cli::kFailed);
    EXPECT_EQ(migrate({"--db", "/nowhere/sessions.db"}).status, cli::kFailed);
    EXPECT_FALSE(std::filesystem::exists(folder_.ours()));
}

TEST_F(MigrateTest, AWrongConfigIsNamedAndNothingIsWritten)
{
    {
        EuropaBook book(folder_.theirs());
        add_day(book, 7);
    }
    folder_.write_config("[wireguard\n");
    const auto torn = migrate();
    EXPECT_EQ(torn.status, cli::kFailed);
    EXPECT_THAT(torn.said("config", "fail").at(0), HasSubstr("config.toml"));
    const auto fifo = folder_.path() / "fifo.toml";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    cli::Terminal terminal;
    testing::internal::CaptureStdout();
    const std::vector<std::string> words{"migrate", "europa-node", "--config", fifo.string()};
    EXPECT_EQ(cli::run(words, terminal, verbs()), cli::kFailed);
    EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("no plain file"));
    EXPECT_FALSE(std::filesystem::exists(folder_.ours()));
}

TEST_F(MigrateTest, NoSecretIsSaid)
{
    {
        EuropaBook book(folder_.theirs());
        add_day(book, 7);
    }
    const auto answer = migrate();
    EXPECT_THAT(answer.text, Not(HasSubstr("000000000017"))) << "the id opens the session's page";
    EXPECT_THAT(answer.text, Not(HasSubstr("0000000000000002")));
    EXPECT_THAT(answer.text, Not(HasSubstr("0000000000000001")));
}

TEST_F(MigrateTest, RootMakesItForTheOwnerOfTheFolder)
{
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
    {
        EuropaBook book(folder_.theirs());
        add_day(book, 7);
    }
    ASSERT_EQ(::chown(folder_.path().c_str(), 12345, 12346), 0);
    EXPECT_EQ(migrate().status, cli::kDone);
    for (const auto& path : {folder_.ours(), std::filesystem::path(folder_.ours().string() + ".lock")}) {
        struct stat status {};
        ASSERT_EQ(::stat(path.c_str(), &status), 0);
        EXPECT_EQ(status.st_uid, 12345U) << path;
        EXPECT_EQ(status.st_gid, 12346U) << path;
        EXPECT_EQ(status.st_mode & 07777, 0600U) << path;
    }
}

} // namespace
} // namespace adit::operate
