// Strangers who send what no client would: a clear no, a living daemon, no memory that grows; and honest buyers beside
// them, also behind a real Caddy.
#include "e2e/shop.h"

#include "base/clock.h"
#include "protocol/lnurl.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace adit::e2e {
namespace {

using fakes::eventually;

bool has_caddy() { return ::access("/usr/bin/caddy", X_OK) == 0; }

std::string random_text(Rng& rng, std::size_t size)
{
    std::string out(size, '\0');
    Bytes bytes(size);
    rng.fill(bytes);
    std::ranges::copy(bytes, out.begin());
    return out;
}

std::string nested(std::string_view open, std::string_view close, std::size_t depth)
{
    std::string out;
    for (std::size_t i = 0; i < depth; ++i) out += open;
    for (std::size_t i = 0; i < depth; ++i) out += close;
    return out;
}

class HostileHttpTest : public testing::Test {
protected:
    static void SetUpTestSuite()
    {
        Settings both_ways;
        both_ways.lightning = Pays::phoenixd;
        shop_ = std::make_unique<Shop>(both_ways);
        shop_->start();
        buyer_ = std::make_unique<Buyer>(shop_->buyer({4, 32, 64}));
    }
    static void TearDownTestSuite()
    {
        buyer_.reset();
        shop_.reset();
    }
    /// The daemon lives, and sells.
    static void expect_a_sale()
    {
        const Buyer buyer = shop_->buyer({4, 32, 64});
        EXPECT_EQ(shop_->ask(buyer.request).status, 200);
    }
    static void expect_clear_no(const Reply& reply)
    {
        EXPECT_GE(reply.status, 400);
        EXPECT_LT(reply.status, 500) << reply.body;
        EXPECT_FALSE(reply.reason().empty()) << reply.body;
    }

    static std::unique_ptr<Shop> shop_;
    static std::unique_ptr<Buyer> buyer_; // pays nothing: its token only makes requests longer
};
std::unique_ptr<Shop> HostileHttpTest::shop_;
std::unique_ptr<Buyer> HostileHttpTest::buyer_;

TEST_F(HostileHttpTest, NonsenseInEveryPartOfAPurchaseIsAClearNo)
{
    Rng& rng = shop_->rng;
    std::vector<std::string> bodies{"",
                                    "\0\0\0",
                                    "[[[[",
                                    nested("[", "]", 8000),
                                    nested("{\"a\":", "}", 2500),
                                    "{\"protocol\":" + nested("[", "]", 7000) + "}",
                                    std::string(16 * 1024, '{'),
                                    "{\"protocol\":\"wireguard\",\"client_pubkey\":1e999}",
                                    "\xff\xfe\xfd"};
    for (int i = 0; i < 20; ++i) bodies.push_back(random_text(rng, rng.bytes<1>()[0] * 60U));
    for (const std::string& body : bodies) {
        Ask spoilt = shop_->request(*buyer_);
        spoilt.body = body;
        expect_clear_no(shop_->ask(spoilt));
    }
    std::vector<std::string> values{"", "Nostr", std::string(100'000, 'A')};
    for (int i = 0; i < 20; ++i) values.push_back(encode_base64(as_bytes(random_text(rng, 200))));
    values.push_back(encode_base64(as_bytes(nested("[", "]", 10'000))));
    values.push_back(encode_base64(as_bytes("{\"tags\":" + nested("[", "]", 10'000) + "}")));
    for (const std::string& value : values) {
        for (const std::size_t header : {0U, 1U}) {
            Ask spoilt = shop_->request(*buyer_);
            for (const char* scheme : {"", "Nostr ", "cashuA", "cashuB", "cashu:cashuB"}) {
                spoilt.headers[header].second = scheme + value;
                expect_clear_no(shop_->ask(spoilt));
            }
        }
    }
    // CBOR that promises more than there is, or goes deeper than anyone needs.
    for (const std::string& cbor : {std::string("\x9b\xff\xff\xff\xff\xff\xff\xff\xff", 9),
                                    std::string("\xbb\x00\x00\x00\x01\x00\x00\x00\x00", 9), std::string(50'000, '\x81'),
                                    std::string(50'000, '\xa1'), std::string(50'000, '\xd8'), std::string(9, '\x5f')}) {
        Ask spoilt = shop_->request(*buyer_);
        spoilt.headers[1].second = "cashuB" + encode_base64(as_bytes(cbor));
        expect_clear_no(shop_->ask(spoilt));
    }
    EXPECT_EQ(shop_->spent_of(*buyer_), 0U);
    expect_a_sale();
}

TEST_F(HostileHttpTest, EveryByteOfAGoodRequestMayBeMissing)
{
    // Cut off anywhere and closed: no answer is owed, but the daemon goes on.
    const std::string whole = shop_->request(*buyer_).text();
    for (std::size_t length = 0; length < whole.size(); length += 37) {
        Socket socket(shop_->port);
        ASSERT_TRUE(socket.connected());
        socket.send(std::string_view(whole).substr(0, length));
    }
    EXPECT_EQ(shop_->spent_of(*buyer_), 0U);
    expect_a_sale();
}

TEST_F(HostileHttpTest, RequestsThatAreNoHttpOrTooMuchOfIt)
{
    Rng& rng = shop_->rng;
    for (const std::string& raw :
         {std::string("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"), std::string("GET\r\n\r\n"),
          std::string("GET / HTTP/9.9\r\n\r\n"),
          std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15),
          std::string("POST /purchase HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"),
          std::string("POST /purchase HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"),
          std::string("POST /purchase HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
          std::string(
              "POST /purchase HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"),
          std::string("POST /purchase HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n"),
          "GET /" + std::string(60'000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n",
          "GET /info HTTP/1.1\r\nHost: x\r\nA: " + std::string(270'000, 'b') + "\r\n\r\n",
          "POST /purchase HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n" + std::string(20'000, 'c')}) {
        const Reply reply = ask_raw(shop_->port, raw, Milliseconds(15'000));
        EXPECT_GE(reply.status, 400) << raw.substr(0, 100);
        EXPECT_LT(reply.status, 500) << raw.substr(0, 100);
    }
    for (int i = 0; i < 50; ++i) {
        Socket socket(shop_->port);
        socket.send(random_text(rng, 2000));
    }
    for (const char* path : {"/session/", "/session/%00", "/session/%zz", "/session/../../etc/passwd", "/%2e%2e/",
                             "/session/'%20OR%201=1--", "/info/x", "//", "/config-viewer/x"}) {
        const Reply reply = shop_->get(path);
        EXPECT_TRUE(reply.status == 404 || reply.status == 400) << path << " " << reply.status;
    }
    expect_a_sale();
}

TEST_F(HostileHttpTest, EveryEndpointSaysAClearNoToWhatIsTooMuchOrNoRequest)
{
    Rng& rng = shop_->rng;
    const std::string large(20'000, 'x');
    const std::string nested_body = nested("{\"a\":[", "]}", 1500);
    struct Endpoint {
        std::string method;
        std::string path;
    };
    const Endpoint endpoints[] = {{"GET", "/info"},
                                  {"GET", "/health"},
                                  {"GET", "/health?live"},
                                  {"GET", "/session/00112233445566778899aabbccddeeff"},
                                  {"POST", "/purchase"},
                                  {"OPTIONS", "/purchase"},
                                  {"GET", "/lnurlp"},
                                  {"GET", "/lnurlp/callback?p=0&amount=100000"},
                                  {"GET", "/lnurlp/verify/" + std::string(64, '0')},
                                  {"GET", "/config-viewer"},
                                  {"GET", "/nothing"}};
    for (const Endpoint& endpoint : endpoints) {
        const std::string& method = endpoint.method; // a lambda may hold these, and no structured binding
        const std::string& path = endpoint.path;
        SCOPED_TRACE(method + " " + path);
        const auto raw = [&](const std::string& target, const std::string& rest) {
            return ask_raw(shop_->port, method + " " + target + " HTTP/1.1\r\nHost: x\r\n" + rest,
                           Milliseconds(15'000));
        };
        const std::string query = path.find('?') == std::string::npos ? "?" : "&";
        EXPECT_EQ(raw(path, "A: " + std::string(270'000, 'b') + "\r\n\r\n").status, 431);
        EXPECT_EQ(raw(path + query + large, "\r\n").status, 431);
        EXPECT_EQ(raw(path, "Content-Length: 20000\r\n\r\n" + large).status, 413);
        EXPECT_EQ(raw(path, "Transfer-Encoding: chunked\r\n\r\n4e20\r\n" + large + "\r\n0\r\n\r\n").status, 413);
        EXPECT_EQ(raw(path, "Host: y\r\n\r\n").status, 400);
        EXPECT_EQ(raw(path + query + "a=%zz", "\r\n").status, 400);
        EXPECT_EQ(raw(path, "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello").status, 400);
        EXPECT_EQ(raw(path, std::string("A: b\0c\r\n\r\n", 10)).status, 400);
        // What is not its business is read over; nothing is our fault.
        for (int i = 0; i < 10; ++i) {
            std::string value = random_text(rng, 200);
            std::erase_if(value, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
            const Reply odd = raw(path, "X-Odd: " + value + "\r\nConnection: close\r\n\r\n");
            EXPECT_GT(odd.status, 0);
            EXPECT_LT(odd.status, 500);
            const std::string body = i % 2 == 0 ? nested_body : random_text(rng, 500);
            const Reply with_body =
                raw(path, "Connection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
            EXPECT_GT(with_body.status, 0);
            EXPECT_LT(with_body.status, 500);
        }
        const std::string whole = method + " " + path + " HTTP/1.1\r\nHost: x\r\n\r\n";
        for (std::size_t length = 1; length < whole.size(); length += 5) {
            Socket cut(shop_->port);
            cut.send(std::string_view(whole).substr(0, length));
        }
    }
    expect_a_sale();
}

TEST_F(HostileHttpTest, NonsenseToAWalletsEndpointsIsAnErrorOfLnurlAndMakesNoInvoice)
{
    Rng& rng = shop_->rng;
    const auto percent = [](std::string_view bytes) {
        std::string out;
        for (const char byte : bytes) out += "%" + encode_hex(as_bytes(std::string_view(&byte, 1)));
        return out;
    };
    std::vector<std::string> values{"",
                                    "%00",
                                    "-1",
                                    "0x10",
                                    "1e9",
                                    "18446744073709551616",
                                    std::string(3'000, '9'),
                                    percent("\xff\xfe"),
                                    percent(nested("[", "]", 500)),
                                    percent(nested("{\"a\":", "}", 400)),
                                    percent("{\"version\":1,\"client_pubkey\":{}}"),
                                    percent("\"><script>")};
    for (int i = 0; i < 10; ++i) values.push_back(percent(random_text(rng, rng.bytes<1>()[0])));
    const auto expect_error = [](const Reply& reply, const std::string& query) {
        SCOPED_TRACE(query.substr(0, 200));
        if (reply.status != 200) return expect_clear_no(reply);
        const auto said = protocol::parse_pay_answer(reply.body);
        EXPECT_TRUE(said && std::holds_alternative<protocol::LnurlError>(*said)) << reply.body;
    };
    for (const std::string& value : values) {
        for (const char* name : {"p", "q", "client_pubkey", "refund_pubkey", "m", "amount", "comment"}) {
            const std::string whole = "/lnurlp/callback?amount=100000&" + std::string(name) + "=" + value;
            expect_error(shop_->get(whole), whole);
            const Reply offered = shop_->get("/lnurlp?" + std::string(name) + "=" + value);
            EXPECT_LT(offered.status, 500) << name << "=" << value;
        }
        const Reply verified = shop_->get("/lnurlp/verify/" + value);
        EXPECT_LT(verified.status, 500) << value;
        EXPECT_EQ(verified.body.find("\"settled\":true"), std::string::npos);
        EXPECT_LT(shop_->get("/config-viewer?" + value).status, 500) << value;
    }
    EXPECT_EQ(shop_->sql("SELECT 1 FROM purchases WHERE method = 'lightning'").size(), 0U);
    expect_a_sale();
}

TEST_F(HostileHttpTest, TheAdminSocketTakesNoNonsenseEither)
{
    Rng& rng = shop_->rng;
    std::vector<std::string> lines{"",
                                   "{",
                                   "null",
                                   "{\"command\":7}",
                                   "{\"command\":\"" + std::string(3'000, 'a') + "\"}",
                                   "{\"command\":\"\xff\xfe\"}",
                                   nested("[", "]", 2000),
                                   nested("{\"command\":", "}", 300)};
    for (int i = 0; i < 20; ++i) {
        lines.push_back(random_text(rng, 300));
        std::erase(lines.back(), '\n');
    }
    for (const std::string& line : lines) {
        const auto answer = nlohmann::json::parse(shop_->admin_line(line), nullptr, false);
        ASSERT_TRUE(answer.is_object());
        EXPECT_EQ(answer["ok"], false);
        EXPECT_EQ(answer["reason"], "bad-request");
    }
    EXPECT_NE(shop_->admin_line(std::string(100'000, 'a')).find("a line may have 16384 bytes"), std::string::npos);
    EXPECT_EQ(nlohmann::json::parse(shop_->admin("status"))["ok"], true);
    expect_a_sale();
}

TEST_F(HostileHttpTest, AFloodOfBigRequestsLeavesTheMemoryAsItWas)
{
    const auto flood = [] {
        for (int round = 0; round < 6; ++round) {
            std::vector<std::unique_ptr<Socket>> sockets;
            for (int i = 0; i < 100; ++i) {
                sockets.push_back(std::make_unique<Socket>(shop_->port));
                sockets.back()->send("POST /purchase HTTP/1.1\r\nHost: x\r\nX-Cashu: cashuB" +
                                     std::string(200'000, 'o'));
            }
        }
        expect_a_sale();
    };
    flood();
    flood();
    const std::uint64_t early = shop_->daemon->memory();
    for (int i = 0; i < 8; ++i) flood();
    const std::uint64_t late = shop_->daemon->memory();
    std::printf("memory after two floods %.1f MB, after ten %.1f MB\n", static_cast<double>(early) / 1e6,
                static_cast<double>(late) / 1e6);
#ifndef ADIT_SANITIZED // which keeps what was freed
    EXPECT_LT(late, 140'000'000U) << "all buffers together may have 64 MiB, and the allocator keeps some of it";
#endif
}

TEST(HostileCrowd, AThousandStalledSocketsDoNotKeepAnHonestBuyerOut)
{
    Settings settings;
    settings.limits = "requests_per_minute_per_source = 1000000\nconnections_per_source = 2000\n";
    Shop shop(settings);
    shop.start();
    std::vector<std::unique_ptr<Socket>> stalled;
    for (int i = 0; i < 1000; ++i) {
        // From addresses all over the place, as a botnet would.
        const std::string from = "127.0." + std::to_string(1 + i / 200) + "." + std::to_string(1 + i % 200);
        stalled.push_back(std::make_unique<Socket>(shop.port, from.c_str()));
        ASSERT_TRUE(stalled.back()->connected());
        if (i % 2 == 0) stalled.back()->send("POST /purchase HTTP/1.1\r\nHost: x\r\nX-Ca");
    }
    const Buyer buyer = shop.buyer({4, 32, 64});
    const SteadyTime before = system_clock().steady();
    EXPECT_EQ(shop.ask(buyer.request).status, 200);
    const auto took = std::chrono::duration_cast<Milliseconds>(system_clock().steady() - before).count();
    std::printf("a sale beside a thousand stalled sockets: %lld ms\n", static_cast<long long>(took));
    EXPECT_LT(took, 8'000);
}

TEST(HostileCrowd, OneSourceThatAsksTooOftenIsToldToWait)
{
    Settings settings;
    settings.limits = "requests_per_minute_per_source = 60\n";
    Shop shop(settings);
    shop.start();
    int refusals = 0;
    const auto from = [](const char* address) {
        return Ask{"GET", "/session/00112233445566778899aabbccddeeff", {{"X-Forwarded-For", address}}};
    };
    for (int i = 0; i < 40; ++i) {
        const Reply reply = shop.ask(from("198.51.100.1"));
        if (reply.status != 429) continue;
        ++refusals;
        EXPECT_EQ(reply.reason(), "too-many-requests");
        EXPECT_TRUE(reply.header("Retry-After"));
    }
    EXPECT_GT(refusals, 10);
    EXPECT_EQ(shop.ask(from("198.51.100.2")).status, 404) << "others are served";
}

class CaddyTest : public testing::Test {
protected:
    void SetUp() override
    {
        if (!has_caddy()) {
            if (fakes::netns_required()) FAIL() << "ADIT_REQUIRE_NETNS is set, but there is no caddy";
            GTEST_SKIP() << "no caddy here: apt-get install caddy";
        }
        Settings settings;
        settings.limits = "requests_per_minute_per_source = 60\n";
        settings.server = "trusted_proxies = [\"127.0.0.1\"]\n"; // where Caddy is; buyers come from its neighbours
        shop_ = std::make_unique<Shop>(settings);
        shop_->start();
        port_ = free_port();
        std::ofstream(shop_->folder / "Caddyfile")
            << "{\n  admin off\n  auto_https off\n}\nhttp://:" << port_
            << " {\n  bind 127.0.0.1\n  reverse_proxy 127.0.0.1:" << shop_->port << "\n}\n";
        caddy_ = start_file("/usr/bin/caddy",
                            {"run", "--adapter", "caddyfile", "--config", (shop_->folder / "Caddyfile").string()},
                            {"HOME=" + shop_->folder.string(), "XDG_DATA_HOME=" + shop_->folder.string()});
        ASSERT_TRUE(eventually(Milliseconds(20'000), [&] {
            return ask(port_, {"GET", "/info"}).status == 200 || !caddy_->running();
        })) << caddy_->output();
        ASSERT_TRUE(caddy_->running()) << caddy_->output();
    }
    void TearDown() override
    {
        if (HasFailure() && caddy_) std::fprintf(stderr, "---- caddy wrote:\n%s----\n", caddy_->output().c_str());
        caddy_.reset();
        shop_.reset();
    }

    std::unique_ptr<Shop> shop_;
    std::optional<fakes::Child> caddy_;
    std::uint16_t port_ = 0;
};

TEST_F(CaddyTest, ATokenOfTwoHundredProofsPasses)
{
    const Buyer buyer = shop_->buyer(std::vector<std::uint64_t>(200, 1));
    std::printf("the token has %zu bytes\n", buyer.token.size());
    const Reply reply = ask(port_, buyer.request);
    const auto answer = delivered(reply);
    EXPECT_EQ(answer.quantity, 2U);
    EXPECT_EQ(reply.header("Access-Control-Allow-Origin"), "*");
}

TEST_F(CaddyTest, SourcesAreToldApartByTheHeaderThatItSets)
{
    const auto from = [&](const char* address, const char* claims) {
        Socket socket(port_, address);
        EXPECT_TRUE(socket.connected());
        socket.send(Ask{"GET", "/session/00112233445566778899aabbccddeeff", {{"X-Forwarded-For", claims}}}.text());
        return socket.read().status;
    };
    int refusals = 0;
    for (int i = 0; i < 40; ++i)
        refusals += from("127.0.0.5", ("198.51.100." + std::to_string(i)).c_str()) == 429 ? 1 : 0;
    EXPECT_GT(refusals, 10) << "whatever a client writes there itself";
    EXPECT_EQ(from("127.0.0.6", "198.51.100.1"), 404);
    EXPECT_EQ(from("127.0.0.5", "198.51.100.1"), 429);
}

} // namespace
} // namespace adit::e2e
