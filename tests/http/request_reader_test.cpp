#include "http/request_reader.h"

#include <gtest/gtest.h>
#include <random>

namespace adit::http {
namespace {

using State = RequestReader::State;

RequestReader reader() { return RequestReader({256 * 1024, 16 * 1024}); }

/// The status it is refused with; 0 when it is not.
int refusal(std::string_view bytes)
{
    RequestReader whole = reader();
    whole.feed(bytes);
    RequestReader single = reader();
    for (const char c : bytes) {
        if (single.state() == State::complete) break;
        single.feed({&c, 1});
    }
    // However the network cuts it, the judgement is the same.
    EXPECT_EQ(whole.state() == State::refused, single.state() == State::refused) << bytes;
    if (whole.state() != State::refused) return 0;
    EXPECT_EQ(whole.refusal().status, single.refusal().status) << bytes;
    EXPECT_FALSE(whole.refusal().message.empty());
    return whole.refusal().status;
}

Request read(std::string_view bytes)
{
    RequestReader it = reader();
    EXPECT_EQ(it.feed(bytes), State::complete) << bytes;
    return it.state() == State::complete ? it.take() : Request{};
}

TEST(RequestReader, ARequestIsReadWithItsParts)
{
    const Request request =
        read("POST /purchase?p=1&name=a+b%2B%C3%A9&flag HTTP/1.1\r\nHost: x\r\nX-Cashu:  cashuBo \t\r\n"
             "AUTHORIZATION: Nostr e30=\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path, "/purchase");
    EXPECT_EQ(request.query_value("p"), "1");
    EXPECT_EQ(request.query_value("name"), "a b+\xC3\xA9");
    EXPECT_EQ(request.query_value("flag"), "");
    EXPECT_EQ(request.query_value("none"), std::nullopt);
    EXPECT_EQ(request.header("x-cashu"), "cashuBo");
    EXPECT_EQ(request.header("authorization"), "Nostr e30=");
    EXPECT_EQ(request.header("X-Cashu"), std::nullopt);
    EXPECT_EQ(request.body, "hello");
}

TEST(RequestReader, AnyCutOfTheBytesGivesTheSameRequest)
{
    const std::string bytes = "POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "4\r\nwiki\r\n6;name=\"v\"\r\npedia \r\nA\r\nin chunks.\r\n0\r\nTrailer: t\r\n\r\n";
    for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
        RequestReader it = reader();
        EXPECT_NE(it.feed(bytes.substr(0, cut)), State::complete) << cut;
        ASSERT_EQ(it.feed(bytes.substr(cut)), State::complete) << cut;
        const Request request = it.take();
        EXPECT_EQ(request.body, "wikipedia in chunks.");
        EXPECT_EQ(request.header("trailer"), std::nullopt);
        EXPECT_FALSE(it.begun());
    }
}

TEST(RequestReader, AHeaderOf180KilobytesIsRead)
{
    const std::string token(180'000, 'A');
    EXPECT_EQ(read("GET / HTTP/1.1\r\nHost: x\r\nX-Cashu: cashuB" + token + "\r\n\r\n").header("x-cashu"),
              "cashuB" + token);
}

TEST(RequestReader, HeadersOverTheLimitAreRefusedWith431)
{
    const std::string head = "GET / HTTP/1.1\r\nHost: x\r\nX-Cashu: ";
    const std::size_t rest = 256 * 1024 - head.size() - 4;
    EXPECT_EQ(read(head + std::string(rest, 'A') + "\r\n\r\n").header("x-cashu")->size(), rest);
    RequestReader over = reader();
    EXPECT_EQ(over.feed(head + std::string(rest + 1, 'A') + "\r\n\r\n"), State::refused);
    EXPECT_EQ(over.refusal().status, 431);
    EXPECT_EQ(over.refusal().reason, "headers-too-large");
    EXPECT_EQ(over.held(), 0U);
    RequestReader endless = reader();
    for (int i = 0; i < 300 && endless.state() == State::header; ++i) endless.feed(std::string(1024, 'B'));
    EXPECT_EQ(endless.refusal().status, 431);
}

TEST(RequestReader, TooManyFieldsOrAnEndlessRequestLineAre431)
{
    std::string many = "GET / HTTP/1.1\r\nHost: x\r\n";
    for (int i = 0; i < 200; ++i) many += "a:\r\n";
    EXPECT_EQ(refusal(many + "\r\n"), 431);
    EXPECT_EQ(refusal("GET /" + std::string(20'000, 'a')), 431);
    EXPECT_EQ(refusal("GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n"), 431);
}

TEST(RequestReader, BodiesOverTheLimitAreRefusedWith413BeforeTheyAreRead)
{
    EXPECT_EQ(refusal("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 16385\r\n\r\n"), 413);
    EXPECT_EQ(refusal("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551615\r\n\r\n"), 413);
    EXPECT_EQ(refusal("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4001\r\n"), 413);
    EXPECT_EQ(refusal("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n"), 413);
    const std::string half(8192, 'x');
    EXPECT_EQ(refusal("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2000\r\n" + half +
                      "\r\n2000\r\n" + half + "\r\n1\r\n"),
              413);
    EXPECT_EQ(read("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 16384\r\n\r\n" + half + half).body.size(), 16384U);
}

TEST(RequestReader, MalformedRequestsAre400)
{
    const std::string_view cases[]{
        "\x16\x03\x01\x02",                                              // TLS
        "get / HTTP/1.1\r\n",                                            //
        "GET / HTTP/1.1\nHost: x\n\n",                                   // bare LF
        "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",               // folded
        "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\tc\r\n\r\n",              //
        "GET / HTTP/1.1\r\n Host: x\r\n\r\n",                            //
        "GET / HTTP/1.1\r\nHost: x\r\nA b\r\n\r\n",                      // no colon
        "GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n",                    // space before it
        "GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n",                      // no name
        "GET / HTTP/1.1\r\nHost: x\r\nA: b\x01\r\n\r\n",                 // control character
        "GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n",                  // lone CR
        "GET / HTTP/2.0\r\nHost: x\r\n\r\n",                             //
        "GET / HTTP/0.9\r\nHost: x\r\n\r\n",                             //
        "GET /\r\n\r\n",                                                 //
        "GET  / HTTP/1.1\r\nHost: x\r\n\r\n",                            //
        "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",                          //
        "GET foo HTTP/1.1\r\nHost: x\r\n\r\n",                           //
        "GET * HTTP/1.1\r\nHost: x\r\n\r\n",                             //
        "GET /#f HTTP/1.1\r\nHost: x\r\n\r\n",                           //
        "GET /?a=%zz HTTP/1.1\r\nHost: x\r\n\r\n",                       //
        "GET /?a=%4 HTTP/1.1\r\nHost: x\r\n\r\n",                        //
        "GET /?a=%00 HTTP/1.1\r\nHost: x\r\n\r\n",                       //
        "GET /?a=%ff HTTP/1.1\r\nHost: x\r\n\r\n",                       // not UTF-8
        "GET / HTTP/1.1\r\n\r\n",                                        // no Host
        "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",                  //
        "GET / HTTP/1.1\r\nHost: x\r\nX-Cashu: a\r\nx-cashu: a\r\n\r\n", // whose token?
        "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\nAUTHORIZATION: b\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551616\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n",
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n000000001\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\nx",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\n",
        "\r\n\r\n\r\n\r\n\r\n\r\n",
    };
    for (const std::string_view bytes : cases) EXPECT_EQ(refusal(bytes), 400) << bytes;
    using namespace std::string_view_literals;
    EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n"sv), 400);
    EXPECT_EQ(refusal("GET /\0"sv), 400);
    EXPECT_EQ(read("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n\0"sv).body, "\0"sv) << "a body may have it";
}

TEST(RequestReader, UnusualButValidRequestsAreRead)
{
    EXPECT_EQ(read("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n").path, "/");
    EXPECT_EQ(read("GET http://host:1/a?b=c HTTP/1.1\r\nHost: x\r\n\r\n").path, "/a");
    EXPECT_EQ(read("GET HTTP://host HTTP/1.1\r\nHost: x\r\n\r\n").path, "/");
    EXPECT_EQ(read("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n").path, "*");
    EXPECT_EQ(read("GET / HTTP/1.0\r\n\r\n").method, "GET");
    EXPECT_EQ(read("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab").body, "ab");
    EXPECT_EQ(read("GET /?&&a=1& HTTP/1.1\r\nHost: x\r\nEmpty:\r\n\r\n").query.size(), 1U);
}

TEST(RequestReader, PersistenceFollowsVersionAndConnection)
{
    const auto persistent = [](std::string_view bytes) {
        RequestReader it = reader();
        EXPECT_EQ(it.feed(bytes), State::complete);
        return it.keep_alive();
    };
    EXPECT_TRUE(persistent("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_FALSE(persistent("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    EXPECT_FALSE(persistent("GET / HTTP/1.0\r\n\r\n"));
    EXPECT_TRUE(persistent("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
}

TEST(RequestReader, PipelinedRequestsComeOutInTheirOrder)
{
    RequestReader it = reader();
    it.feed("POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\naGET /2 HTTP/1.1\r\nHost: x\r\n\r\nGET /3 HT");
    ASSERT_EQ(it.state(), State::complete);
    EXPECT_EQ(it.take().path, "/1");
    ASSERT_EQ(it.state(), State::complete);
    EXPECT_EQ(it.take().path, "/2");
    EXPECT_EQ(it.state(), State::header);
    EXPECT_TRUE(it.begun());
    EXPECT_EQ(it.feed("TP/1.1\r\nHost: x\r\n\r\n"), State::complete);
    EXPECT_EQ(it.take().path, "/3");
    EXPECT_FALSE(it.begun());
}

TEST(RequestReader, AContinueIsWantedOnceAndOnlyBeforeTheBody)
{
    const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n";
    RequestReader waiting = reader();
    waiting.feed(head);
    EXPECT_TRUE(waiting.take_continue());
    EXPECT_FALSE(waiting.take_continue());
    EXPECT_EQ(waiting.feed("ab"), State::complete);
    RequestReader eager = reader();
    eager.feed(head + "a");
    EXPECT_FALSE(eager.take_continue());
}

TEST(RequestReader, RandomAndMutatedBytesNeverHoldMoreThanTheLimits)
{
    std::mt19937 dice(20'251'120);
    const std::string seed =
        "POST /a?b=c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nX-Cashu: abc\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    for (int round = 0; round < 3000; ++round) {
        std::string bytes = seed + seed;
        const auto changes = dice() % 6;
        for (unsigned i = 0; i < changes; ++i) bytes[dice() % bytes.size()] = static_cast<char>(dice());
        RequestReader it({1024, 256});
        std::string_view rest = bytes;
        while (!rest.empty()) {
            const std::size_t count = std::min<std::size_t>(rest.size(), 1 + dice() % 40);
            it.feed(rest.substr(0, count));
            rest.remove_prefix(count);
            while (it.state() == State::complete) {
                const Request request = it.take();
                EXPECT_FALSE(request.path.empty());
                EXPECT_LE(request.body.size(), 256U);
            }
            EXPECT_LE(it.held(), 8192U);
        }
    }
}

} // namespace
} // namespace adit::http
