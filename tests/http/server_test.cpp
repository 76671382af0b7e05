// The server over real loopback sockets: what a client gets. limits: server_limits_test.cpp.
#include "base/log.h"
#include "base/workers.h"
#include "loopback.h"

#include <atomic>
#include <mutex>
#include <random>

namespace adit::http {
namespace {

void expect_cors(const Answer& answer)
{
    EXPECT_TRUE(answer.has("Access-Control-Allow-Origin: *")) << answer.head;
    EXPECT_TRUE(answer.has("Access-Control-Allow-Methods: GET, POST, OPTIONS"));
    EXPECT_TRUE(answer.has("Access-Control-Allow-Headers: Content-Type, Authorization, X-Cashu"));
    EXPECT_TRUE(answer.has("Access-Control-Max-Age: 86400"));
    EXPECT_TRUE(answer.has("Access-Control-Expose-Headers: X-Cashu, Retry-After"));
}

void expect_error(const Answer& answer, int status, std::string_view reason)
{
    EXPECT_EQ(answer.status, status);
    EXPECT_TRUE(answer.has("Content-Type: application/json"));
    EXPECT_EQ(answer.body.find("{\"status\":\"error\",\"reason\":\"" + std::string(reason) + "\",\"message\":\""), 0U)
        << answer.body;
    expect_cors(answer);
}

TEST(Server, AnswersRequestsOnOneConnectionInTheirOrder)
{
    TestServer server;
    Client client(server.port());
    EXPECT_EQ(client.ask(get("/echo")).body, "echo");
    EXPECT_EQ(client.ask(post("/body", "some bytes")).body, "some bytes");
    EXPECT_EQ(client.ask(get("/item/a%2Fb")).body, "a/b");
    EXPECT_EQ(client.ask(get("/query?a=1&b=x+y")).body, "a=1;b=x y;");
    EXPECT_EQ(server.stats().requests, 4U);
    EXPECT_EQ(server.stats().accepted, 1U);
}

TEST(Server, CorsIsOnEveryAnswer)
{
    TestServer server;
    Client client(server.port());
    expect_cors(client.ask(get("/echo")));
    const Answer options = client.ask("OPTIONS /nowhere HTTP/1.1\r\nHost: x\r\nOrigin: https://a\r\n\r\n");
    EXPECT_EQ(options.status, 204);
    expect_cors(options);
    expect_error(client.ask(get("/nowhere")), 404, "not-found");
    const Answer wrong_method = client.ask(post("/echo", ""));
    expect_error(wrong_method, 405, "method-not-allowed");
    EXPECT_TRUE(wrong_method.has("Allow: GET, HEAD, OPTIONS"));
    expect_error(client.ask(get("/item/%ff")), 400, "bad-request");
    expect_error(client.ask(get("/drop")), 503, "busy");
    expect_error(client.ask("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"), 400, "bad-request");
    EXPECT_TRUE(client.closed_by_server());
}

TEST(Server, HeadIsGetWithoutItsBody)
{
    TestServer server;
    Client client(server.port());
    const Answer answer = client.ask("HEAD /echo HTTP/1.1\r\nHost: x\r\n\r\n", Client::Has::no_body);
    EXPECT_EQ(answer.status, 200);
    EXPECT_TRUE(answer.has("Content-Length: 4"));
    EXPECT_EQ(client.ask(get("/echo")).body, "echo") << "no body of HEAD's is in the way";
}

TEST(Server, Http10IsServedAndClosed)
{
    TestServer server;
    Client client(server.port());
    const Answer answer = client.ask("GET /echo HTTP/1.0\r\n\r\n");
    EXPECT_EQ(answer.body, "echo");
    EXPECT_TRUE(answer.has("Connection: close"));
    EXPECT_TRUE(client.closed_by_server());
    Client keeping(server.port());
    EXPECT_TRUE(keeping.ask("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").has("Connection: keep-alive"));
    EXPECT_EQ(keeping.ask(get("/echo")).status, 200);
}

TEST(Server, ConnectionCloseIsHonoured)
{
    TestServer server;
    Client client(server.port());
    EXPECT_TRUE(client.ask(get("/echo", "Connection: close\r\n")).has("Connection: close"));
    EXPECT_TRUE(client.closed_by_server());
}

TEST(Server, AClientThatStopsSendingStillGetsItsAnswer)
{
    TestServer server;
    Client client(server.port());
    client.send(get("/echo"));
    client.finish_sending();
    EXPECT_EQ(client.read().body, "echo");
}

TEST(Server, ATokenOf180KilobytesArrivesWhole)
{
    TestServer server;
    Client client(server.port());
    const std::string header = "X-Cashu: " + std::string(180'000, 'A') + "\r\n";
    EXPECT_EQ(client.ask(get("/header", header)).body, "180000");
    EXPECT_EQ(client.ask(get("/header", header)).body, "180000");
}

TEST(Server, ABodyMayComeInChunksAndAfterAContinue)
{
    TestServer server;
    Client client(server.port());
    client.send("POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(client.read().status, 100);
    EXPECT_EQ(client.ask("3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n").body, "abcdefg");
    EXPECT_EQ(client.ask(post("/body", "direct")).body, "direct");
}

TEST(Server, PipelinedRequestsAreAnsweredInOrderHoweverMany)
{
    TestServer server;
    Client client(server.port());
    constexpr int kRequests = 3000;
    std::thread sender([&] {
        std::string all;
        for (int i = 0; i < kRequests; ++i) all += i % 2 == 0 ? get("/item/" + std::to_string(i)) : get("/nowhere");
        EXPECT_TRUE(client.send(all));
    });
    for (int i = 0; i < kRequests; ++i) {
        const Answer answer = client.read();
        ASSERT_EQ(answer.status, i % 2 == 0 ? 200 : 404) << i;
        if (i % 2 == 0) {
            ASSERT_EQ(answer.body, std::to_string(i));
        }
    }
    sender.join();
}

TEST(Server, ARefusalBehindAGoodRequestLeavesTheGoodOneItsAnswer)
{
    TestServer server;
    Client client(server.port());
    client.send(get("/echo") + "nonsense\n");
    EXPECT_EQ(client.read().body, "echo");
    EXPECT_EQ(client.read().status, 400);
    EXPECT_TRUE(client.closed_by_server());
}

TEST(Server, WorkersAnswerFromTheirOwnThreads)
{
    Workers workers({.threads = 8, .queue = 64});
    {
        TestServer server({}, [&](Router& router) {
            router.add("GET", "/task/{n}", [&](const Request& request, const Responder& responder) {
                const std::string n(*request.parameter("n"));
                [[maybe_unused]] const bool taken = workers.submit([responder, n] {
                    responder.send({200, {}, "text/plain", n + n});
                });
            });
        });
        std::vector<std::thread> clients;
        std::atomic<int> good{0};
        std::atomic<int> busy{0};
        for (int t = 0; t < 8; ++t)
            clients.emplace_back([&, t] {
                Client client(server.port());
                for (int i = 0; i < 50; ++i) {
                    const std::string n = std::to_string(t * 1000 + i);
                    const Answer answer = client.ask(get("/task/" + n));
                    if (answer.status == 503)
                        ++busy;
                    else if (answer.body == n + n)
                        ++good;
                }
            });
        for (std::thread& client : clients) client.join();
        EXPECT_EQ(good + busy, 400);
        EXPECT_GT(good, 0);
    }
    workers.stop();
}

TEST(Server, AnAnswerToAClientThatHasGoneIsDropped)
{
    TestServer server;
    Client client(server.port());
    client.send(post("/later", "x"));
    ASSERT_TRUE(server.eventually([&](const ServerStats& stats) { return stats.requests == 1; }));
    client.linger_off();
    client.close();
    ASSERT_TRUE(server.eventually([](const ServerStats& stats) { return stats.connections == 0; }));
    server.on_loop([&] {
        server.kept.front().send({200});
        server.kept.clear();
    });
    Client next(server.port());
    EXPECT_EQ(next.ask(get("/echo")).status, 200);
    EXPECT_EQ(server.stats().buffered_bytes, 0U);
}

TEST(Server, ARepeatedAnswerReachesNobodyElse)
{
    TestServer server;
    Client client(server.port());
    client.send(post("/later", "x"));
    ASSERT_TRUE(server.eventually([&](const ServerStats& stats) { return stats.requests == 1; }));
    server.on_loop([&] { server.kept.front().send({201}); });
    EXPECT_EQ(client.read().status, 201);
    client.send(post("/later", "y"));
    ASSERT_TRUE(server.eventually([&](const ServerStats& stats) { return stats.requests == 2; }));
    server.on_loop([&] {
        server.kept.front().send({500});
        server.kept.back().send({202});
    });
    EXPECT_EQ(client.read().status, 202);
}

TEST(Server, AResponderMayOutliveTheServer)
{
    TestServer server;
    Client client(server.port());
    client.send(post("/later", "x"));
    ASSERT_TRUE(server.eventually([&](const ServerStats& stats) { return stats.requests == 1; }));
    server.end_server();
    EXPECT_TRUE(client.closed_by_server());
    std::vector<Responder> kept;
    server.on_loop([&] { kept = std::move(server.kept); });
    kept.front().send({200});
    kept.clear();
    bool round_done = false;
    server.on_loop([&] { round_done = true; });
    EXPECT_TRUE(round_done);
}

TEST(Server, ALargeAnswerToASlowReaderArrivesWhole)
{
    const std::string large(3'000'000, 'z');
    TestServer server({}, [&](Router& router) {
        router.add("GET", "/large", [&](const Request&, const Responder& responder) {
            responder.send({200, {}, "text/plain", large});
        });
    });
    Client client(server.port());
    const Answer answer = client.ask(get("/large"));
    EXPECT_TRUE(answer.body == large);
    EXPECT_EQ(client.ask(get("/echo")).body, "echo");
}

TEST(Server, StoppingToAcceptLetsRequestsUnderWayFinish)
{
    TestServer server;
    Client busy(server.port());
    Client idle(server.port());
    EXPECT_EQ(idle.ask(get("/echo")).status, 200);
    busy.send(post("/later", "x"));
    ASSERT_TRUE(server.eventually([&](const ServerStats& stats) { return stats.requests == 2; }));
    server.on_loop([&] { server.server().stop_accepting(); });
    EXPECT_TRUE(idle.closed_by_server());
    server.on_loop([&] { server.kept.front().send({200}); });
    const Answer answer = busy.read();
    EXPECT_EQ(answer.status, 200);
    EXPECT_TRUE(answer.has("Connection: close"));
    EXPECT_TRUE(busy.closed_by_server());
}

TEST(Server, AHostOrPortThatCannotBeHadIsAnErrorNotACrash)
{
    const auto loop = Loop::create(nullptr);
    auto first = Server::open(*loop, {}, Router());
    ASSERT_TRUE(first);
    EXPECT_EQ(Server::open(*loop, {.port = (*first)->port()}, Router()).error().reason, Reason::io);
    EXPECT_EQ(Server::open(*loop, {.host = "no such host"}, Router()).error().reason, Reason::bad_config);
    EXPECT_EQ(Server::open(*loop, {.trusted_proxies = {"x"}}, Router()).error().reason, Reason::bad_config);
    EXPECT_EQ(Server::open(*loop, {.host = "192.0.2.1"}, Router()).error().reason, Reason::io);
}

TEST(Server, IPv6IsServedToo)
{
    const int probe = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    if (probe < 0 || ::bind(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        GTEST_SKIP() << "this machine has no IPv6 loopback";
    ::close(probe);
    TestServer server({.host = "::"});
    Client over_v4(server.port());
    EXPECT_EQ(over_v4.ask(get("/source")).body, "127.0.0.1");
}

TEST(Server, TheSourceIsWhatTheProxySaw)
{
    TestServer server;
    Client client(server.port());
    EXPECT_EQ(client.ask(get("/source", "X-Forwarded-For: 203.0.113.9\r\n")).body, "203.0.113.9");
    EXPECT_EQ(client.ask(get("/source", "X-Forwarded-For: 1.1.1.1, 203.0.113.9\r\n")).body, "203.0.113.9");
    EXPECT_EQ(client.ask(get("/source")).body, "127.0.0.1");
}

std::mutex lines_mutex;
std::vector<std::string> lines;

TEST(Server, AnUnconfiguredPrivateProxyIsWarnedAboutOnceAndNoAddressIsLogged)
{
    lines.clear();
    log_to([](std::string_view line) {
        const std::lock_guard lock(lines_mutex);
        lines.emplace_back(line);
    });
    {
        TestServer server({.trusted_proxies = {"192.0.2.1"}});
        Client client(server.port());
        EXPECT_EQ(client.ask(get("/source", "X-Forwarded-For: 203.0.113.9\r\n")).body, "");
        EXPECT_EQ(client.ask(get("/source", "X-Forwarded-For: 203.0.113.9\r\n")).body, "");
        EXPECT_EQ(client.ask(get("/source")).body, "127.0.0.1");
    }
    log_to(nullptr);
    const std::lock_guard lock(lines_mutex);
    EXPECT_EQ(std::count_if(lines.begin(), lines.end(),
                            [](const std::string& line) { return line.starts_with("untrusted_proxy"); }),
              1);
    for (const std::string& line : lines) {
        EXPECT_EQ(line.find("127.0.0.1"), std::string::npos) << line;
        EXPECT_EQ(line.find("203.0.113"), std::string::npos) << line;
    }
}

} // namespace
} // namespace adit::http
