// What the operator sees of a running shop: /metrics, the log as objects, and `adit top`, in a terminal and without
// one.
#include "e2e/shop.h"

#include "base/clock.h"

#include <csignal>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <pty.h>
#include <sstream>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

namespace adit::e2e {
namespace {

using fakes::eventually;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class SeeingTest : public testing::Test {
protected:
    static Settings settings(std::uint16_t metrics_port)
    {
        Settings wanted;
        wanted.prices = {{"100", "sat", "hour"}, {"500", "sat", "GiB"}};
        wanted.more = "[metrics]\nport = " + std::to_string(metrics_port) + "\n[log]\nformat = \"json\"\n";
        return wanted;
    }
    static void SetUpTestSuite()
    {
        metrics_port_ = free_port();
        shop_ = std::make_unique<Shop>(settings(metrics_port_));
        shop_->start();
    }
    static void TearDownTestSuite() { shop_.reset(); }

    static std::string socket() { return (shop_->database.parent_path() / "admin.sock").string(); }
    static Reply scrape() { return e2e::ask(metrics_port_, {"GET", "/metrics"}); }
    static double value_of(const std::string& page, const std::string& series)
    {
        const std::size_t at = ("\n" + page).find("\n" + series + " ");
        return at == std::string::npos ? -1 : std::stod(page.substr(at + series.size() + 1));
    }
    static std::string top_once(const std::vector<std::string>& more = {})
    {
        std::vector<std::string> words{"top", "--socket", socket()};
        words.insert(words.end(), more.begin(), more.end());
        fakes::Child child = start_program("adit", words);
        EXPECT_EQ(must(child.wait(Milliseconds(20'000))), 0) << child.output();
        return child.output();
    }

    static inline std::uint16_t metrics_port_ = 0;
    static inline std::unique_ptr<Shop> shop_;
};

TEST_F(SeeingTest, ASaleIsSeenInTheMetricsAndNothingOfItsBuyer)
{
    const double before = value_of(scrape().body, R"(adit_sales_total{method="cashu",tier="100 sat/hour"})");
    ASSERT_GE(before, 0);
    const Buyer buyer = shop_->buyer({4, 32, 64});
    const auto answer = delivered(shop_->ask(buyer.request));
    const Reply reply = scrape();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    const std::string& page = reply.body;
    const std::string mint = "mint=\"" + shop_->world->mint_url() + "\"";
    EXPECT_EQ(value_of(page, R"(adit_sales_total{method="cashu",tier="100 sat/hour"})"), before + 1);
    EXPECT_GE(value_of(page, R"(adit_received_sats_total{method="cashu",)" + mint + "}"), 100);
    EXPECT_GE(value_of(page, "adit_mint_swap_duration_seconds_count{" + mint + "}"), 1);
    EXPECT_GE(value_of(page, "adit_purchase_duration_seconds_count"), 1);
    EXPECT_EQ(value_of(page, "adit_for_sale"), 1);
    EXPECT_GE(value_of(page, "adit_sessions"), 1);
    EXPECT_GE(value_of(page, "adit_wallet_sats{" + mint + "}"), 100);
    EXPECT_GT(value_of(page, "adit_database_bytes"), 0);
    EXPECT_GT(value_of(page, "adit_disk_free_bytes"), 0);
    for (const std::string& secret : {buyer.client_key.base64(), buyer.client_key.hex(), buyer.key.public_key().hex(),
                                      answer.session_id.value_or("none"), buyer.token, std::string("10.66."),
                                      shop_->operator_key.public_key().hex()})
        EXPECT_THAT(page, Not(HasSubstr(secret)));
}

TEST_F(SeeingTest, TheMetricsAreNotOnThePublicPortAndNotForPagesOfTheWeb)
{
    EXPECT_EQ(shop_->get("/metrics").status, 404);
    const Reply reply = scrape();
    EXPECT_FALSE(reply.header("access-control-allow-origin")) << reply.head;
    for (const auto* path : {"/", "/info", "/health", "/metrics/x"})
        EXPECT_EQ(e2e::ask(metrics_port_, {"GET", path}).status, 404) << path;
    EXPECT_EQ(e2e::ask(metrics_port_, {"POST", "/metrics"}).status, 405);
}

TEST_F(SeeingTest, BadRequestsAtTheMetricsPortHarmNothing)
{
    for (const std::string& bytes :
         {std::string("\r\n\r\n"), std::string("GET /metrics HTTP/1.1\r\n"), std::string(1 << 17, 'a'),
          "GET /metrics HTTP/1.1\r\nX: " + std::string(1 << 15, 'b') + "\r\n\r\n"}) {
        Socket socket(metrics_port_);
        ASSERT_TRUE(socket.connected());
        [[maybe_unused]] const bool taken = socket.send(bytes);
        socket.read(Milliseconds(200));
    }
    EXPECT_EQ(scrape().status, 200);
    EXPECT_EQ(shop_->get("/info").status, 200);
}

TEST_F(SeeingTest, EachLineOfTheLogIsAnObject)
{
    delivered(shop_->ask(shop_->buyer({4, 32, 64}).request));
    ASSERT_TRUE(eventually(Milliseconds(10'000),
                           [] { return shop_->daemon->output().find("session_active") != std::string::npos; }));
    std::istringstream lines(shop_->daemon->output());
    std::size_t seen = 0;
    for (std::string line; std::getline(lines, line); ++seen) {
        const json object = json::parse(line, nullptr, false);
        ASSERT_TRUE(object.is_object()) << line;
        EXPECT_TRUE(object["time"].is_string() && object["level"].is_string() && object["event"].is_string()) << line;
        if (object["event"] == "session_active") {
            EXPECT_TRUE(object["took_ms"].is_number_unsigned()) << line;
        }
    }
    EXPECT_GE(seen, 3U);
}

TEST_F(SeeingTest, TopIsShownOnceWhereThereIsNoTerminal)
{
    const auto answer = delivered(shop_->ask(shop_->buyer({4, 32, 64}).request));
    const std::string text = top_once();
    for (const auto* said : {"for sale", "100 sat/hour", "answers", "connected", "usable", "nothing is on its way",
                             "owed       nothing", "handshake"})
        EXPECT_THAT(text, HasSubstr(said));
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    for (const std::string& secret : {std::string("10.66."), answer.session_id.value_or("none")})
        EXPECT_THAT(text, Not(HasSubstr(secret)));
    const json as_json = json::parse(top_once({"--json"}), nullptr, false);
    EXPECT_EQ(as_json["for_sale"], true);
    EXPECT_GE(as_json["today"]["rows"].at(0)["sales"], 1);
    EXPECT_GE(as_json["sessions"]["busiest"].size(), 1U);
    EXPECT_EQ(as_json["mints"].at(0)["answers"], true);
}

TEST_F(SeeingTest, TopSaysSoWhereThereIsNoDaemonAndTakesNoOtherWords)
{
    fakes::Child none = start_program("adit", {"top", "--socket", "/nowhere/admin.sock"});
    EXPECT_EQ(must(none.wait(Milliseconds(20'000))), 1);
    EXPECT_THAT(none.output(), HasSubstr("is aditd running"));
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"top", "x"}, {"top", "--every", "0"}, {"top", "--every", "x"}}) {
        fakes::Child wrong = start_program("adit", words);
        EXPECT_EQ(must(wrong.wait(Milliseconds(20'000))), 2) << wrong.output();
    }
}

/// adit top in a terminal of its own.
class TopInATerminal {
public:
    explicit TopInATerminal(const std::string& socket)
    {
        winsize size{};
        size.ws_row = 24;
        size.ws_col = 80;
        EXPECT_EQ(::openpty(&ours_, &theirs_, nullptr, nullptr, &size), 0);
        EXPECT_EQ(::tcgetattr(theirs_, &before_), 0);
        const std::string program = std::string(ADIT_BINARIES) + "/adit";
        pid_ = ::fork();
        if (pid_ == 0) {
            ::login_tty(theirs_);
            ::execl(program.c_str(), "adit", "top", "--every", "1", "--socket", socket.c_str(), nullptr);
            ::_exit(127);
        }
    }
    TopInATerminal(const TopInATerminal&) = delete;
    TopInATerminal& operator=(const TopInATerminal&) = delete;
    ~TopInATerminal()
    {
        if (!ended_) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
        ::close(ours_);
        ::close(theirs_);
    }
    void press(char key) const { EXPECT_EQ(::write(ours_, &key, 1), 1); }
    bool shows(const std::string& text)
    {
        return eventually(Milliseconds(20'000), [&] {
            take();
            return seen_.find(text) != std::string::npos;
        });
    }
    std::size_t draws()
    {
        take();
        std::size_t count = 0;
        for (std::size_t at = 0; (at = seen_.find("\x1b[H", at)) != std::string::npos; ++at) ++count;
        return count;
    }
    int exit_status()
    {
        int status = 0;
        EXPECT_TRUE(eventually(Milliseconds(20'000), [&] {
            take(); // so that it never waits for us
            return ::waitpid(pid_, &status, WNOHANG) == pid_;
        }));
        ended_ = true;
        take();
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    bool is_as_before() const
    {
        termios now{};
        EXPECT_EQ(::tcgetattr(theirs_, &now), 0);
        return now.c_lflag == before_.c_lflag && now.c_cc[VSUSP] == before_.c_cc[VSUSP];
    }
    const std::string& seen() const { return seen_; }

private:
    void take()
    {
        pollfd ready{ours_, POLLIN, 0};
        while (::poll(&ready, 1, 0) == 1 && (ready.revents & POLLIN) != 0) {
            char block[4096];
            const ssize_t count = ::read(ours_, block, sizeof block);
            if (count <= 0) return;
            seen_.append(block, static_cast<std::size_t>(count));
        }
    }
    int ours_ = -1;
    int theirs_ = -1;
    pid_t pid_ = -1;
    bool ended_ = false;
    termios before_{};
    std::string seen_;
};

TEST_F(SeeingTest, TopIsDrawnAnewInATerminalAndLeavesItAsItWas)
{
    for (const char key : {'\x03', 'q'}) {
        TopInATerminal top(socket());
        ASSERT_TRUE(top.shows("for sale")) << top.seen();
        EXPECT_TRUE(eventually(Milliseconds(20'000), [&] { return top.draws() >= 3; }));
        EXPECT_FALSE(top.is_as_before()) << "keys are not shown meanwhile";
        top.press(key);
        EXPECT_EQ(top.exit_status(), 0);
        EXPECT_TRUE(top.seen().starts_with("\x1b[?1049h\x1b[?25l"));
        EXPECT_TRUE(top.seen().ends_with("\x1b[?25h\x1b[?1049l")) << "the page and the cursor of before";
        EXPECT_TRUE(top.is_as_before());
    }
}

TEST_F(SeeingTest, TopOutlastsARestartOfTheDaemon)
{
    TopInATerminal top(socket());
    ASSERT_TRUE(top.shows("for sale"));
    EXPECT_EQ(shop_->daemon->stop(), 0);
    EXPECT_TRUE(top.shows("does not answer"));
    shop_->start();
    const std::size_t before = top.draws();
    EXPECT_TRUE(eventually(Milliseconds(20'000), [&] {
        return top.draws() > before + 1 && top.seen().rfind("for sale") > top.seen().rfind("does not answer");
    }));
    top.press('q');
    EXPECT_EQ(top.exit_status(), 0);
}

TEST_F(SeeingTest, APortThatIsTakenCostsTheMetricsAndNoSale)
{
    Shop second(settings(shop_->port));
    second.start();
    EXPECT_THAT(second.daemon->output(), HasSubstr("metrics_not_served"));
    EXPECT_EQ(second.ask(second.buyer({4, 32, 64}).request).status, 200);
}

TEST_F(SeeingTest, WithoutTheTableNothingListens)
{
    const std::uint16_t port = free_port();
    Settings plain = settings(port);
    plain.more = "";
    Shop second(plain);
    second.start();
    EXPECT_FALSE(Socket(port).connected());
}

} // namespace
} // namespace adit::e2e
