// What the server does to those who ask too much, too slowly or not at all, and that an honest buyer beside them is
// served.
#include "loopback.h"

#include <fstream>
#include <random>

namespace adit::http {
namespace {

std::string big_header(std::size_t bytes) { return "X-Cashu: " + std::string(bytes, 'A') + "\r\n"; }

TEST(ServerLimits, HeadersOverTheBudgetGet431ThatTheClientCanRead)
{
    TestServer server;
    Client client(server.port());
    EXPECT_TRUE(client.send(get("/header", big_header(400'000))));
    const Answer answer = client.read();
    EXPECT_EQ(answer.status, 431);
    EXPECT_NE(answer.body.find("\"headers-too-large\""), std::string::npos);
    EXPECT_TRUE(answer.has("Access-Control-Allow-Origin: *"));
    EXPECT_TRUE(answer.has("Connection: close"));
    EXPECT_TRUE(client.closed_by_server());
}

TEST(ServerLimits, FarAboveTheBudgetTheConnectionIsJustClosed)
{
    TestServer server;
    Client client(server.port());
    const std::string request = get("/header", big_header(16'000'000)); // more than the kernels' buffers take
    const SteadyTime start = system_clock().steady();
    EXPECT_FALSE(client.send(request));
    EXPECT_TRUE(client.closed_by_server());
    EXPECT_LT(system_clock().steady() - start, Seconds(5));
    EXPECT_TRUE(server.eventually([](const ServerStats& stats) { return stats.connections == 0; }));
    EXPECT_EQ(server.stats().buffered_bytes, 0U);
}

TEST(ServerLimits, BodiesOverTheLimitGet413HoweverTheyAreFramed)
{
    TestServer server;
    const std::string body(20'000, 'x');
    Client announced(server.port());
    const Answer early = announced.ask("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n");
    EXPECT_EQ(early.status, 413) << "before a byte of the body";
    EXPECT_NE(early.body.find("\"body-too-large\""), std::string::npos);
    Client sent(server.port());
    EXPECT_EQ(sent.ask(post("/body", body)).status, 413);
    Client chunked(server.port());
    EXPECT_EQ(chunked
                  .ask("POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4e20\r\n" + body +
                       "\r\n0\r\n\r\n")
                  .status,
              413);
    Client expecting(server.port());
    EXPECT_EQ(
        expecting.ask("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\nExpect: 100-continue\r\n\r\n").status,
        413)
        << "and no 100 before it";
    Client most(server.port());
    EXPECT_EQ(most.ask(post("/body", body.substr(0, 16'384))).body.size(), 16'384U);
}

ServerOptions quick()
{
    ServerOptions options;
    options.limits.progress_timeout = Milliseconds(150);
    options.limits.request_timeout = Milliseconds(600);
    options.limits.idle_timeout = Milliseconds(300);
    options.limits.proxy_idle_timeout = Milliseconds(300);
    options.limits.linger = Milliseconds(200);
    return options;
}

TEST(ServerLimits, AConnectionThatSaysNothingIsClosed)
{
    TestServer server(quick());
    Client client(server.port());
    const SteadyTime start = system_clock().steady();
    EXPECT_TRUE(client.closed_by_server());
    EXPECT_GE(system_clock().steady() - start, Milliseconds(140));
}

TEST(ServerLimits, AStalledRequestIsClosedAndSoIsAnIdleConnection)
{
    TestServer server(quick());
    Client half(server.port());
    half.send("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    Client idle(server.port());
    EXPECT_EQ(idle.ask(get("/echo")).status, 200);
    EXPECT_TRUE(half.closed_by_server());
    EXPECT_TRUE(idle.closed_by_server());
}

TEST(ServerLimits, ATrickleIsClosedAtTheRequestsDeadline)
{
    TestServer server(quick());
    Client client(server.port());
    const SteadyTime start = system_clock().steady();
    client.send("GET /echo HTTP/1.1\r\nX: ");
    pollfd waiting{client.fd(), POLLIN, 0};
    while (::poll(&waiting, 1, 40) == 0 && system_clock().steady() - start < Seconds(8)) client.send("a");
    EXPECT_TRUE(client.closed_by_server());
    const auto lasted = system_clock().steady() - start;
    EXPECT_GE(lasted, Milliseconds(550)) << "steady progress is allowed until then";
    EXPECT_LT(lasted, Seconds(5));
}

TEST(ServerLimits, AReaderThatStopsReadingIsClosed)
{
    ServerOptions options = quick();
    TestServer server(options, [](Router& router) {
        router.add("GET", "/large", [](const Request&, const Responder& responder) {
            responder.send({200, {}, "text/plain", std::string(14'000'000, 'z')});
        });
    });
    Client client(server.port());
    client.send(get("/large"));
    EXPECT_TRUE(server.eventually([](const ServerStats& stats) { return stats.buffered_bytes > 1'000'000; }));
    EXPECT_TRUE(server.eventually([](const ServerStats& stats) { return stats.connections == 0; }));
    EXPECT_EQ(server.stats().buffered_bytes, 0U);
}

TEST(ServerLimits, AHandlerMayTakeLongerThanAnyTimeout)
{
    TestServer server(quick());
    Client client(server.port());
    client.send(post("/later", "x"));
    ASSERT_TRUE(server.eventually([](const ServerStats& stats) { return stats.requests == 1; }));
    server.on_loop([&] { server.loop().after(Milliseconds(900), [&] { server.kept.front().send({200}); }); });
    EXPECT_EQ(client.read().status, 200);
}

TEST(ServerLimits, ASourceHasOnlySoManyConnectionsAndAnotherIsNotHurt)
{
    ServerOptions options;
    options.trusted_proxies = {"127.0.0.9"};
    options.limits.connections_per_source = 3;
    TestServer server(options);
    std::vector<Client> greedy;
    for (int i = 0; i < 3; ++i) greedy.emplace_back(server.port(), "127.0.0.2");
    for (Client& client : greedy) EXPECT_EQ(client.ask(get("/echo")).status, 200);
    Client refused(server.port(), "127.0.0.2");
    EXPECT_EQ(refused.read().status, 503);
    EXPECT_TRUE(refused.closed_by_server());
    Client other(server.port(), "127.0.0.3");
    EXPECT_EQ(other.ask(get("/echo")).status, 200);
    greedy.pop_back();
    ASSERT_TRUE(server.eventually([](const ServerStats& stats) { return stats.connections == 3; }));
    Client again(server.port(), "127.0.0.2");
    EXPECT_EQ(again.ask(get("/echo")).status, 200);
    std::vector<Client> proxied;
    for (int i = 0; i < 10; ++i) proxied.emplace_back(server.port(), "127.0.0.9");
    for (Client& client : proxied) EXPECT_EQ(client.ask(get("/echo")).status, 200);
}

void expect_quick_answer(TestServer& server)
{
    const SteadyTime start = system_clock().steady();
    Client honest(server.port());
    EXPECT_EQ(honest.ask(get("/header", big_header(180'000))).body, "180000");
    EXPECT_LT(system_clock().steady() - start, Seconds(1));
}

TEST(ServerLimits, AThousandStalledSocketsDoNotStopAnHonestBuyer)
{
    TestServer server;
    std::vector<Client> stalled;
    stalled.reserve(1000);
    for (int i = 0; i < 1000; ++i) {
        stalled.emplace_back(server.port());
        stalled.back().send("GET /echo HTTP/1.1\r\nX-Cashu: " + std::string(1000, 'A'));
        if (i % 200 == 0) expect_quick_answer(server);
    }
    ASSERT_TRUE(server.eventually([](const ServerStats& stats) { return stats.connections >= 1000; }));
    expect_quick_answer(server);
}

TEST(ServerLimits, WhenAllPlacesAreTakenTheOldestStalledOneGoes)
{
    ServerOptions options;
    options.limits.connections = 200;
    TestServer server(options);
    Client working(server.port());
    working.send(post("/later", "x"));
    ASSERT_TRUE(server.eventually([](const ServerStats& stats) { return stats.requests == 1; }));
    std::vector<Client> stalled;
    stalled.reserve(1000);
    for (int i = 0; i < 1000; ++i) {
        stalled.emplace_back(server.port());
        stalled.back().send("GET /echo HT");
    }
    ASSERT_TRUE(server.eventually([](const ServerStats& stats) { return stats.accepted == 1001; }));
    EXPECT_EQ(server.stats().connections, 200U);
    expect_quick_answer(server);
    EXPECT_TRUE(stalled.front().closed_by_server());
    server.on_loop([&] { server.kept.front().send({200}); });
    EXPECT_EQ(working.read().status, 200) << "a request in its handler's hands is never shed";
}

TEST(ServerLimits, WhenAllPlacesWorkTheNextIsToldToComeBack)
{
    ServerOptions options;
    options.limits.connections = 2;
    TestServer server(options);
    Client a(server.port());
    Client b(server.port());
    a.send(post("/later", "x"));
    b.send(post("/later", "x"));
    ASSERT_TRUE(server.eventually([](const ServerStats& stats) { return stats.requests == 2; }));
    Client c(server.port());
    const Answer answer = c.read();
    EXPECT_EQ(answer.status, 503);
    EXPECT_TRUE(answer.has("Retry-After: 2"));
    EXPECT_TRUE(answer.has("Access-Control-Allow-Origin: *"));
}

TEST(ServerLimits, BytesHeldStayUnderTheirCapAndTheHonestBuyerIsServed)
{
    ServerOptions options;
    options.limits.buffered_bytes = 4 * 1024 * 1024;
    TestServer server(options);
    std::vector<Client> stalled;
    stalled.reserve(300);
    std::size_t most = 0;
    for (int i = 0; i < 300; ++i) {
        stalled.emplace_back(server.port());
        stalled.back().send("GET /header HTTP/1.1\r\nHost: x\r\nX-Cashu: " + std::string(100'000, 'A'));
        if (i % 10 == 0) most = std::max(most, server.stats().buffered_bytes);
    }
    ASSERT_TRUE(server.eventually([](const ServerStats& stats) { return stats.accepted == 300 && stats.shed > 100; }));
    EXPECT_GT(most, 1024U * 1024U);
    EXPECT_LE(most, 4U * 1024 * 1024);
    expect_quick_answer(server);
    EXPECT_LE(server.stats().buffered_bytes, 4U * 1024 * 1024);
}

TEST(ServerLimits, WhenHandlersHoldAllTheBytesTheNextIsToldToComeBack)
{
    ServerOptions options;
    options.limits.buffered_bytes = 500'000;
    TestServer server(options);
    Client a(server.port());
    Client b(server.port());
    a.send(post("/later", "x", big_header(200'000)));
    b.send(post("/later", "x", big_header(200'000)));
    ASSERT_TRUE(server.eventually([](const ServerStats& stats) { return stats.requests == 2; }));
    Client c(server.port());
    EXPECT_EQ(c.ask(get("/header", big_header(200'000))).status, 503);
    server.on_loop([&] { server.kept.clear(); });
    EXPECT_EQ(a.read().status, 503);
    EXPECT_EQ(b.read().status, 503);
    EXPECT_TRUE(server.eventually([](const ServerStats& stats) { return stats.buffered_bytes == 0; }));
}

// A sanitizer keeps what was freed.
#ifdef ADIT_SANITIZED
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

std::size_t resident_kib()
{
    std::ifstream status("/proc/self/status");
    std::string word;
    while (status >> word)
        if (word == "RssAnon:") {
            std::size_t kib = 0;
            status >> kib;
            return kib;
        }
    return 0;
}

TEST(ServerLimits, RandomBytesGetAnAnswerOrAnEndAndNoMemory)
{
    TestServer server(quick());
    std::mt19937 dice(77);
    const auto barrage = [&](int rounds) {
        for (int round = 0; round < rounds; ++round) {
            Client client(server.port());
            std::string bytes = round % 2 == 0 ? post("/body", "abc") : "";
            for (unsigned i = 0; i < 1 + dice() % 4000; ++i) bytes += static_cast<char>(dice());
            client.send(bytes);
            client.finish_sending();
            EXPECT_TRUE(client.closed_by_server()) << round;
        }
    };
    barrage(200);
    const std::size_t before = resident_kib();
    barrage(1000);
    EXPECT_TRUE(server.eventually([](const ServerStats& stats) { return stats.connections == 0; }));
    EXPECT_EQ(server.stats().buffered_bytes, 0U);
    if (!kSanitized) {
        EXPECT_LT(resident_kib(), before + 2048);
    }
    Client honest(server.port());
    EXPECT_EQ(honest.ask(get("/echo")).status, 200);
}

} // namespace
} // namespace adit::http
