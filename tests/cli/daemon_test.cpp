// The admin socket and those who call it: answers of any length, commands that take long, callers that do not behave.
#include "cli/daemon.h"

#include "app/admin.h"

#include <condition_variable>
#include <cstdlib>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <mutex>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace adit::cli {
namespace {

using app::AdminCommands;
using app::AdminSocket;
using nlohmann::json;

/// Something that has happened or not, to be waited for.
class Happening {
public:
    void happens()
    {
        const std::lock_guard lock(mutex_);
        happened_ = true;
        changed_.notify_all();
    }
    bool wait()
    {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return happened_; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool happened_ = false;
};

/// A daemon that is nothing but its admin socket.
class Daemon {
public:
    explicit Daemon(AdminCommands commands, Milliseconds patience = Seconds(60))
    {
        char name[] = "/tmp/adit-admin-XXXXXX";
        EXPECT_NE(::mkdtemp(name), nullptr);
        folder_ = name;
        auto opened = AdminSocket::open(*loop_, workers_, path(), std::move(commands), patience);
        EXPECT_TRUE(opened.has_value());
        socket_ = std::move(*opened);
        thread_ = std::thread([this] { loop_->run(); });
    }
    ~Daemon()
    {
        end();
        std::filesystem::remove_all(folder_);
    }
    /// As aditd ends: the door first, then what is under way, then the loop.
    void close_door()
    {
        Happening closed;
        loop_->post([&] {
            socket_.reset();
            closed.happens();
        });
        EXPECT_TRUE(closed.wait());
    }
    void end()
    {
        if (!thread_.joinable()) return;
        close_door();
        workers_.stop();
        loop_->stop();
        thread_.join();
    }
    std::filesystem::path path() const { return folder_ / "admin.sock"; }

private:
    std::filesystem::path folder_;
    std::unique_ptr<Loop> loop_ = Loop::create(nullptr);
    Workers workers_{{.threads = 8}};
    std::unique_ptr<AdminSocket> socket_;
    std::thread thread_;
};

/// A caller that can misbehave.
class Caller {
public:
    explicit Caller(const Daemon& daemon) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        daemon.path().string().copy(address.sun_path, sizeof address.sun_path - 1);
        connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
        const int small = 4096;
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    }
    ~Caller() { leave(); }
    Caller(const Caller&) = delete;
    void leave()
    {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }
    void finish_sending() { ::shutdown(fd_, SHUT_WR); }
    bool connected() const { return connected_; }
    void say(std::string_view bytes)
    {
        [[maybe_unused]] const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    /// At most `most` bytes; "" at the end.
    std::string hear(std::size_t most = 1 << 16)
    {
        std::string block(most, '\0');
        const ssize_t count = ::recv(fd_, block.data(), block.size(), 0);
        block.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
        return block;
    }
    std::string hear_all()
    {
        std::string all;
        for (;;) {
            const std::string part = hear();
            if (part.empty()) return all;
            all += part;
        }
    }
    bool anything_to_hear() const
    {
        pollfd entry{fd_, POLLIN, 0};
        return ::poll(&entry, 1, 0) > 0;
    }

private:
    int fd_ = -1;
    bool connected_ = false;
};

std::string message_of(const std::string& answer)
{
    const auto parsed = json::parse(answer, nullptr, false);
    return parsed.is_object() && parsed.contains("message") ? parsed["message"].get<std::string>() : "?";
}

AdminCommands small()
{
    return {{"ping", [](const json&) { return Result<std::string>(R"({"pong":1})"); }}};
}

AdminCommands with(std::string name, app::AdminCommand command)
{
    AdminCommands commands = small();
    commands.emplace(std::move(name), std::move(command));
    return commands;
}

AdminCommands with_big(std::size_t bytes)
{
    return with("big", [bytes](const json&) {
        return Result<std::string>(json{{"text", std::string(bytes, 'x')}}.dump());
    });
}

const json kPing{{"command", "ping"}};

TEST(AdminSocket, AnAnswerOfMegabytesComesWhole)
{
    const Daemon daemon(with_big(5 << 20));
    const auto answer = ask_daemon(daemon.path(), {{"command", "big"}}, Seconds(60));
    ASSERT_TRUE(answer.has_value()) << answer.error().detail;
    EXPECT_EQ((*answer)["text"].get_ref<const std::string&>().size(), 5U << 20);
}

TEST(AdminSocket, AnAnswerThatIsTooLongIsRefusedInWords)
{
    const Daemon daemon(with_big(17 << 20));
    const auto answer = ask_daemon(daemon.path(), {{"command", "big"}}, Seconds(60));
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().reason, Reason::policy);
    EXPECT_NE(answer.error().detail.find("ask for less"), std::string::npos);
}

TEST(AdminSocket, ACallerThatReadsSlowlyKeepsNobodyWaiting)
{
    const Daemon daemon(with_big(2 << 20));
    Caller slow(daemon);
    slow.say("{\"command\":\"big\"}\n");
    std::string answer = slow.hear(100);
    EXPECT_EQ(answer.size(), 100U);
    EXPECT_TRUE(ask_daemon(daemon.path(), kPing, Seconds(60)).has_value());
    answer += slow.hear_all();
    EXPECT_EQ(json::parse(answer)["text"].get_ref<const std::string&>().size(), 2U << 20);
}

TEST(AdminSocket, ACallerThatStopsReadingIsDropped)
{
    const Daemon daemon(with_big(8 << 20), Milliseconds(50));
    Caller stuck(daemon);
    stuck.say("{\"command\":\"big\"}\n");
    EXPECT_FALSE(stuck.hear(10).empty());
    // Who comes later and is silent is dropped later.
    Caller silent(daemon);
    EXPECT_EQ(silent.hear_all(), "");
    const std::size_t rest = stuck.hear_all().size();
    EXPECT_LT(rest, 8U << 20);
}

TEST(AdminSocket, ACallerThatNeverEndsItsLineIsDropped)
{
    const Daemon daemon(small(), Milliseconds(50));
    Caller caller(daemon);
    caller.say("{\"command\":");
    EXPECT_EQ(caller.hear_all(), "");
}

TEST(AdminSocket, ACommandMayTakeLongWhileOthersAreAnswered)
{
    Happening begun;
    Happening may_end;
    Daemon daemon(with("long",
                       [&](const json&) {
                           begun.happens();
                           EXPECT_TRUE(may_end.wait());
                           return Result<std::string>(R"({"done":true})");
                       }),
                  Milliseconds(20)); // which is for callers, not for commands
    Caller patient(daemon);
    patient.say("{\"command\":\"long\"}\n");
    ASSERT_TRUE(begun.wait());
    for (int i = 0; i < 5; ++i) {
        Caller loiterer(daemon); // dropped after the patience, so that it has passed
        loiterer.say("x");
        EXPECT_EQ(loiterer.hear(), "");
        EXPECT_TRUE(ask_daemon(daemon.path(), kPing, Seconds(60)).has_value());
    }
    EXPECT_FALSE(patient.anything_to_hear());
    may_end.happens();
    EXPECT_EQ(json::parse(patient.hear_all())["done"], true);
}

TEST(AdminSocket, ACallerThatGoesAwayChangesNothing)
{
    Happening begun;
    Happening may_end;
    Happening ended;
    Daemon daemon(with("long", [&](const json&) {
        begun.happens();
        EXPECT_TRUE(may_end.wait());
        ended.happens();
        return Result<std::string>(json{{"text", std::string(1 << 20, 'y')}}.dump());
    }));
    {
        Caller impatient(daemon);
        impatient.say("{\"command\":\"long\"}\n");
        ASSERT_TRUE(begun.wait());
    }
    // The fd of who has gone may be another's now, who must not get that answer.
    Caller next(daemon);
    next.say("{\"command\":\"pi");
    may_end.happens();
    EXPECT_TRUE(ended.wait()) << "it is done to its end";
    next.say("ng\"}\n");
    EXPECT_EQ(next.hear_all(), "{\"ok\":true,\"pong\":1}\n");
}

TEST(AdminSocket, ACallerThatGoesAwayInTheMiddleOfItsAnswerChangesNothing)
{
    const Daemon daemon(with_big(1 << 20));
    for (int i = 0; i < 30; ++i) {
        Caller caller(daemon);
        EXPECT_TRUE(caller.connected());
        caller.say("{\"command\":\"big\"}\n");
        caller.hear(1);
    }
    EXPECT_TRUE(ask_daemon(daemon.path(), kPing, Seconds(60)).has_value());
}

TEST(AdminSocket, ACallerThatHasSaidAllMayCloseItsSide)
{
    const Daemon daemon(with_big(1 << 20));
    Caller caller(daemon);
    caller.say("{\"command\":\"big\"}\n");
    caller.finish_sending();
    EXPECT_GT(caller.hear_all().size(), 1U << 20);
}

TEST(AdminSocket, WhatIsNoCommandIsRefusedInWords)
{
    const Daemon daemon(small());
    const auto ask = [&](std::string_view line) {
        Caller caller(daemon);
        caller.say(line);
        return message_of(caller.hear_all());
    };
    EXPECT_NE(ask("\n").find("expected one line"), std::string::npos);
    EXPECT_NE(ask("[]\n").find("expected one line"), std::string::npos);
    EXPECT_NE(ask("{\"command\":7}\n").find("expected one line"), std::string::npos);
    EXPECT_NE(ask(std::string(200, '[') + "\n").find("expected one line"), std::string::npos);
    EXPECT_NE(ask(std::string("{\"command\":\0\"ping\"}\n", 20)).find("expected one line"), std::string::npos);
    EXPECT_NE(ask("{\"command\":\"\xff\"}\n").find("expected one line"), std::string::npos);
    EXPECT_NE(ask("{\"command\":\"pong\"}\n").find("there are: ping"), std::string::npos);
    const std::string fits = R"({"command":"ping","more":")";
    EXPECT_EQ(ask(fits + std::string(16'384 - fits.size() - 2, 'a') + "\"}\n"), "?") << "16384 bytes are answered";
    EXPECT_NE(ask(fits + std::string(16'384 - fits.size() - 1, 'a') + "\"}\n").find("16384"), std::string::npos);
    EXPECT_NE(ask(std::string(100'000, 'a')).find("16384"), std::string::npos);
}

TEST(AdminSocket, ALineThatComesInPiecesIsOneLineAndWhatFollowsItNone)
{
    const Daemon daemon(small());
    Caller caller(daemon);
    for (const char each : std::string_view("{\"command\":\"ping\"}\n{\"command\":\"other\"}\n"))
        caller.say(std::string_view(&each, 1));
    EXPECT_EQ(caller.hear_all(), "{\"ok\":true,\"pong\":1}\n");
}

TEST(AdminSocket, MoreCallersThanThereAreSeatsForAreToldSo)
{
    const Daemon daemon(small());
    std::vector<std::unique_ptr<Caller>> seated;
    for (int i = 0; i < 16; ++i) seated.push_back(std::make_unique<Caller>(daemon));
    const auto refused = ask_daemon(daemon.path(), kPing, Seconds(60));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().reason, Reason::policy);
    EXPECT_NE(refused.error().detail.find("too much at once"), std::string::npos);
    seated.front()->say("{\"command\":\"ping\"}\n");
    EXPECT_NE(seated.front()->hear_all(), "");
    EXPECT_TRUE(ask_daemon(daemon.path(), kPing, Seconds(60)).has_value());
}

TEST(AdminSocket, ADaemonThatEndsStillAnswersWhoHasAsked)
{
    Happening begun;
    Happening may_end;
    Daemon daemon(with("long", [&](const json&) {
        begun.happens();
        EXPECT_TRUE(may_end.wait());
        return Result<std::string>(R"({"done":true})");
    }));
    Caller asked(daemon);
    asked.say("{\"command\":\"long\"}\n");
    ASSERT_TRUE(begun.wait());
    Caller silent(daemon);
    daemon.close_door();
    EXPECT_EQ(silent.hear_all(), "") << "who has not asked is let go";
    EXPECT_FALSE(Caller(daemon).connected());
    may_end.happens();
    daemon.end();
    EXPECT_EQ(json::parse(asked.hear_all())["done"], true);
}

TEST(AskDaemon, SaysThatItIsNotRunning)
{
    const auto answer = ask_daemon("/tmp/adit-nobody-listens-here.sock", kPing);
    ASSERT_FALSE(answer.has_value());
    EXPECT_NE(answer.error().detail.find("is aditd running"), std::string::npos);
}

TEST(AskDaemon, SaysThatItDoesNotKnowWhatWasDoneWhenThereIsNoAnswerInTime)
{
    Happening may_end;
    Daemon daemon(with("long", [&](const json&) {
        EXPECT_TRUE(may_end.wait());
        return Result<std::string>("{}");
    }));
    const auto answer = ask_daemon(daemon.path(), {{"command", "long"}}, Milliseconds(20));
    may_end.happens();
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().reason, Reason::io);
    EXPECT_NE(answer.error().detail.find("may be done all the same"), std::string::npos);
}

} // namespace
} // namespace adit::cli
