#include "payments/http_client.h"

#include "base/bytes.h"

#include <arpa/inet.h>
#include <atomic>
#include <cstdlib>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace adit::payments {
namespace {

/// A server on a free loopback port that reads whole requests and answers each with what it was told, byte for byte.
class TinyServer {
public:
    enum class After { keep_open, close };

    explicit TinyServer(std::string answer, After after = After::keep_open)
        : answer_(std::move(answer)), after_(after), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        CHECK(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        CHECK(::listen(listener_, 64) == 0);
        socklen_t length = sizeof address;
        CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) == 0);
        port_ = ntohs(address.sin_port);
        CHECK(::pipe(stop_) == 0);
        thread_ = std::thread([this] { serve(); });
    }
    ~TinyServer()
    {
        CHECK(::write(stop_[1], "x", 1) == 1);
        thread_.join();
        for (const int file : {listener_, stop_[0], stop_[1]}) ::close(file);
    }
    TinyServer(const TinyServer&) = delete;
    TinyServer& operator=(const TinyServer&) = delete;

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    int connections() const { return connections_; }
    int requests() const { return requests_; }
    /// The last whole request; call after the client has its answer.
    std::string last() const { return last_; }

private:
    struct Peer {
        int file;
        std::string received;
    };

    void serve()
    {
        std::vector<Peer> peers;
        for (;;) {
            std::vector<pollfd> files{{stop_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
            for (const Peer& peer : peers) files.push_back({peer.file, POLLIN, 0});
            ::poll(files.data(), files.size(), -1);
            if (files[0].revents != 0) break;
            for (std::size_t i = peers.size(); i-- > 0;)
                if (files[i + 2].revents != 0 && !receive(peers[i])) {
                    ::close(peers[i].file);
                    peers.erase(peers.begin() + static_cast<std::ptrdiff_t>(i));
                }
            if (files[1].revents != 0) {
                peers.push_back({::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC), {}});
                ++connections_;
            }
        }
        for (const Peer& peer : peers) ::close(peer.file);
    }

    /// False: the connection is over.
    bool receive(Peer& peer)
    {
        char buffer[65536];
        const ssize_t length = ::recv(peer.file, buffer, sizeof buffer, 0);
        if (length <= 0) return false;
        peer.received.append(buffer, static_cast<std::size_t>(length));
        const std::size_t head = peer.received.find("\r\n\r\n");
        if (head == std::string::npos) return true;
        std::size_t body = 0;
        const std::size_t field = peer.received.find("Content-Length: ");
        if (field < head) body = std::strtoul(peer.received.c_str() + field + 16, nullptr, 10);
        if (peer.received.size() < head + 4 + body) return true;
        last_ = std::move(peer.received);
        peer.received.clear();
        ++requests_;
        for (std::size_t sent = 0; sent < answer_.size();) {
            const ssize_t wrote = ::send(peer.file, answer_.data() + sent, answer_.size() - sent, MSG_NOSIGNAL);
            if (wrote <= 0) return false;
            sent += static_cast<std::size_t>(wrote);
        }
        return after_ == After::keep_open;
    }

    const std::string answer_;
    const After after_;
    int listener_;
    int stop_[2]{};
    std::uint16_t port_ = 0;
    std::atomic<int> connections_ = 0;
    std::atomic<int> requests_ = 0;
    std::string last_;
    std::thread thread_;
};

std::string answer(int status, const std::string& body, const std::string& headers = {})
{
    return "HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           headers + "\r\n" + body;
}

TEST(CurlHttpClient, APostArrivesWholeAndItsAnswerComesBack)
{
    TinyServer server(answer(400, R"({"code":1,"detail":"x"})"));
    CurlHttpClient client;
    const std::string body(100'000, 'b');
    const auto reply = client.call({"POST", server.url() + "/v1/swap", body, {{"X-Extra", "1"}}});
    ASSERT_TRUE(reply) << reply.error().detail;
    EXPECT_EQ(reply->status, 400);
    EXPECT_EQ(reply->body, R"({"code":1,"detail":"x"})");
    EXPECT_TRUE(server.last().starts_with("POST /v1/swap HTTP/1.1\r\n"));
    EXPECT_NE(server.last().find("\r\nContent-Type: application/json\r\n"), std::string::npos);
    EXPECT_NE(server.last().find("\r\nX-Extra: 1\r\n"), std::string::npos);
    EXPECT_EQ(server.last().find("Expect"), std::string::npos);
    EXPECT_TRUE(server.last().ends_with("\r\n\r\n" + body));
}

TEST(CurlHttpClient, AConnectionIsUsedAgainAndAGetAfterAPostIsAGet)
{
    TinyServer server(answer(200, "ok"));
    CurlHttpClient client;
    for (int i = 0; i < 5; ++i) {
        ASSERT_TRUE(client.call({"POST", server.url() + "/a", "body"}));
        ASSERT_TRUE(client.call({"GET", server.url() + "/b"}));
        EXPECT_TRUE(server.last().starts_with("GET /b HTTP/1.1\r\n"));
        EXPECT_EQ(server.last().find("Content-"), std::string::npos);
    }
    EXPECT_EQ(server.connections(), 1);
}

TEST(CurlHttpClient, ThreadsUseConnectionsOfTheirOwnAndShareThemAfterwards)
{
    TinyServer server(answer(200, "ok"));
    CurlHttpClient client;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&] {
            for (int round = 0; round < 10; ++round) {
                const auto reply = client.call({"GET", server.url() + "/"});
                ASSERT_TRUE(reply) << reply.error().detail;
                EXPECT_EQ(reply->body, "ok");
            }
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(server.requests(), 80);
    EXPECT_LE(server.connections(), 8);
}

TEST(CurlHttpClient, RedirectsAreAnswersAndAreNotFollowed)
{
    TinyServer elsewhere(answer(200, "elsewhere"));
    TinyServer server(answer(302, "", "Location: " + elsewhere.url() + "/\r\n"));
    CurlHttpClient client;
    const auto reply = client.call({"GET", server.url() + "/"});
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 302);
    EXPECT_EQ(elsewhere.requests(), 0);
}

TEST(CurlHttpClient, ATornAnswerIsAnError)
{
    for (const std::string& torn :
         {std::string(), std::string("HTTP/1.1 200"), std::string("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"),
          std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf"),
          std::string("nonsense\r\n\r\n")}) {
        TinyServer server(torn, TinyServer::After::close);
        CurlHttpClient client;
        const auto reply = client.call({"POST", server.url() + "/", "{}"});
        ASSERT_FALSE(reply) << torn;
        EXPECT_EQ(reply.error().reason, Reason::mint_unreachable);
    }
}

TEST(CurlHttpClient, AnAnswerOverTheLimitIsAnErrorAndOneAtTheLimitIsNot)
{
    const std::string most(CurlHttpClient::kMaxReplyBytes, 'x');
    CurlHttpClient client;
    TinyServer fits(answer(200, most));
    const auto whole = client.call({"GET", fits.url() + "/"});
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->body.size(), most.size());
    TinyServer over(answer(200, most + "x"));
    EXPECT_FALSE(client.call({"GET", over.url() + "/"}));
}

TEST(CurlHttpClient, SilenceEndsWithTheTimeout)
{
    TinyServer server("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    CurlHttpClient client;
    const auto before = std::chrono::steady_clock::now();
    const auto reply = client.call({"GET", server.url() + "/", {}, {}, Milliseconds(100)});
    EXPECT_FALSE(reply);
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
    EXPECT_FALSE(client.call({"GET", server.url() + "/", {}, {}, Milliseconds(0)}));
}

TEST(CurlHttpClient, OtherSchemesAndClosedPortsAreErrors)
{
    CurlHttpClient client;
    for (const char* url : {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "nonsense", "", "http://"})
        EXPECT_FALSE(client.call({"GET", url})) << url;
    std::string gone;
    {
        TinyServer server(answer(200, ""));
        gone = server.url();
    }
    EXPECT_FALSE(client.call({"GET", gone + "/"}));
}

TEST(CurlHttpClient, AProxyInTheEnvironmentIsNotUsed)
{
    TinyServer proxy(answer(200, "proxy")), server(answer(200, "direct"));
    for (const char* name : {"http_proxy", "all_proxy", "ALL_PROXY"}) ::setenv(name, proxy.url().c_str(), 1);
    CurlHttpClient client;
    const auto reply = client.call({"GET", server.url() + "/"});
    for (const char* name : {"http_proxy", "all_proxy", "ALL_PROXY"}) ::unsetenv(name);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->body, "direct");
    EXPECT_EQ(proxy.connections(), 0);
}

TEST(CurlHttpClient, AHeaderWithALineBreakIsNotSent)
{
    TinyServer server(answer(200, ""));
    CurlHttpClient client;
    EXPECT_FALSE(client.call({"GET", server.url() + "/", {}, {{"A", "b\r\nC: d"}}}));
    EXPECT_EQ(server.requests(), 0);
}

TEST(CurlHttpClient, ASecretHeaderIsSentAsItStandsAndABodyMayBeAForm)
{
    TinyServer server(answer(200, ""));
    CurlHttpClient client;
    const SecretText header("Authorization: Basic OnB3");
    ASSERT_TRUE(client.call({.method = "POST",
                             .url = server.url() + "/",
                             .body = "a=b",
                             .content_type = "application/x-www-form-urlencoded",
                             .secret_header = &header}));
    EXPECT_NE(server.last().find("\r\nAuthorization: Basic OnB3\r\n"), std::string::npos);
    EXPECT_NE(server.last().find("\r\nContent-Type: application/x-www-form-urlencoded\r\n"), std::string::npos);
    EXPECT_EQ(server.last().find("json\r\n\r\n"), std::string::npos);
    ASSERT_TRUE(client.call({"GET", server.url() + "/"})); // over the same connection, and without it
    EXPECT_EQ(server.connections(), 1);
    EXPECT_EQ(server.last().find("Authorization"), std::string::npos);
    const SecretText broken("Authorization: marked\r\nX: y");
    const auto refused = client.call({.method = "GET", .url = server.url() + "/", .secret_header = &broken});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().detail.find("marked"), std::string::npos);
    EXPECT_EQ(server.requests(), 2);
}

TEST(CurlHttpClient, ErrorsNameNeitherTheUrlNorTheBody)
{
    CurlHttpClient client;
    const auto reply = client.call({"POST", "http://127.0.0.1:1/marked-path", "marked body"});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().detail.find("marked"), std::string::npos);
}

} // namespace
} // namespace adit::payments
