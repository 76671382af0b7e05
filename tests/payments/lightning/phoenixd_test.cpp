#include "payments/lightning/phoenixd.h"

#include "invoice_testing.h"
#include "listener_testing.h"
#include "payments/lightning/phoenixd_json.h"

namespace adit::payments::lightning {
namespace {

constexpr const char* kPassword = "marked-password";
constexpr const char* kAuthorization = "Basic Om1hcmtlZC1wYXNzd29yZA=="; // of ":marked-password"
constexpr UnixSeconds kPhoenixdNow(1'800'000'000);
constexpr EventTiming kPhoenixdHurried{.backoff = Milliseconds(5),
                                       .backoff_cap = Milliseconds(20),
                                       .connect = Milliseconds(2000),
                                       .ping = Seconds(1),
                                       .hang_up = Seconds(2)};

PaymentHash phoenixd_hash(std::uint8_t seed = 1) { return sha256(test_preimage(seed).expose()); }

NodeAccess access_to_phoenixd(const std::string& url, Milliseconds timeout = Milliseconds(5000))
{
    return NodeAccess{.name = "phoenixd",
                      .url = parse_node_url(url).value(),
                      .header = phoenixd_header(SecretText(kPassword)),
                      .timeout = timeout};
}

std::string payment_json(const PaymentHash& hash, bool paid, bool expired, std::uint64_t received_sat = 0)
{
    return R"({"type":"incoming_payment","subType":"lightning","paymentHash":")" + encode_hex(hash) +
           R"(","preimage":")" + encode_hex(test_preimage().expose()) + R"(","externalId":"adit-1","isPaid":)" +
           (paid ? "true" : "false") + R"(,"isExpired":)" + (expired ? "true" : "false") +
           R"(,"requestedSat":21,"receivedSat":)" + std::to_string(received_sat) + R"(,"fees":0,"createdAt":1})";
}

std::string phoenixd_invoice()
{
    return R"({"amountSat":21,"paymentHash":")" + encode_hex(phoenixd_hash()) + R"(","serialized":")" +
           sign(good_draft(test_request(), phoenixd_hash(), kPhoenixdNow)) + R"("})";
}

/// One answer for whatever is asked.
ScriptedNode::Handler phoenixd_always(int status, const std::string& body)
{
    return [=](ScriptedNode::Session& session, const NodeRequest&) { session.answer(status, body); };
}

TEST(Phoenixd, AnInvoiceIsMadeAsAFormAndItsPreimageReadBack)
{
    ScriptedNode node([](ScriptedNode::Session& session, const NodeRequest& request) {
        if (request.path == "/createinvoice")
            session.answer(200, phoenixd_invoice());
        else
            session.answer(200, payment_json(phoenixd_hash(), false, false));
    });
    PhoenixdBackend backend(access_to_phoenixd(node.url()));
    const auto made = backend.make(test_request());
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(made->payment_hash, phoenixd_hash());
    EXPECT_TRUE(made->preimage == test_preimage());
    EXPECT_TRUE(check_made(*made, test_request(), Network::regtest, kPhoenixdNow));

    const auto requests = node.requests();
    ASSERT_EQ(requests.size(), 2U);
    EXPECT_EQ(requests[0].method, "POST");
    EXPECT_EQ(requests[0].header("Content-Type"), "application/x-www-form-urlencoded");
    EXPECT_EQ(requests[0].header("Authorization"), kAuthorization);
    EXPECT_EQ(requests[0].body, "descriptionHash=" + encode_hex(test_request().description_hash) +
                                    "&amountSat=21&expirySeconds=600&externalId=adit-1");
    EXPECT_EQ(requests[1].method, "GET");
    EXPECT_EQ(requests[1].path, "/payments/incoming/" + encode_hex(phoenixd_hash()));
    EXPECT_EQ(requests[1].header("Authorization"), kAuthorization);
}

TEST(Phoenixd, APathInTheBaseUrlStandsBeforeEveryCall)
{
    ScriptedNode node(phoenixd_always(200, R"({"chain":"mainnet"})"));
    PhoenixdBackend backend(access_to_phoenixd(node.url() + "/behind/"));
    ASSERT_TRUE(backend.network());
    EXPECT_EQ(node.requests().at(0).path, "/behind/getinfo");
}

TEST(Phoenixd, WhetherItIsPaidDecidesAndNeverTheAmount)
{
    const std::tuple<bool, bool, std::uint64_t, InvoiceState> rows[]{
        {false, false, 0, InvoiceState::open},    {false, false, 21, InvoiceState::open},
        {true, false, 21, InvoiceState::settled}, {true, false, 3, InvoiceState::settled}, // liquidity was taken off
        {true, false, 0, InvoiceState::settled},                                           // all of it is fee credit
        {true, true, 21, InvoiceState::settled},  {false, true, 0, InvoiceState::ended},
    };
    for (const auto& [paid, expired, received, state] : rows) {
        ScriptedNode node(phoenixd_always(200, payment_json(phoenixd_hash(), paid, expired, received)));
        PhoenixdBackend backend(access_to_phoenixd(node.url()));
        const auto status = backend.look_up(phoenixd_hash());
        ASSERT_TRUE(status) << status.error().detail;
        EXPECT_EQ(status->state, state) << paid << expired << received;
        EXPECT_FALSE(status->blocks_left);
    }
}

TEST(Phoenixd, AnUnknownInvoiceIsNotFoundWhateverTheWords)
{
    for (const char* words : {"Not found", "Unknown endpoint (check api doc)", ""}) {
        ScriptedNode node(phoenixd_always(404, words));
        PhoenixdBackend backend(access_to_phoenixd(node.url()));
        const auto status = backend.look_up(phoenixd_hash());
        ASSERT_FALSE(status);
        EXPECT_EQ(status.error().reason, Reason::not_found);
    }
    ScriptedNode node(
        phoenixd_always(404, "Unknown endpoint (check api doc)")); // of anything else it is a wrong base_url
    PhoenixdBackend backend(access_to_phoenixd(node.url()));
    EXPECT_EQ(backend.network().error().reason, Reason::lightning_refused);
    EXPECT_EQ(backend.make(test_request()).error().reason, Reason::lightning_refused);
}

TEST(Phoenixd, ADefiniteNoIsToldApartFromSilence)
{
    const std::tuple<int, std::string, Reason> rows[]{
        {401, "Invalid authentication", Reason::lightning_refused},
        {400, "Parameter amountSat has an invalid type", Reason::lightning_refused},
        {405, "Invalid http method", Reason::lightning_refused},
        {302, "", Reason::lightning_refused},
        {429, "", Reason::lightning_unreachable},
        {500, "kaboom", Reason::lightning_unreachable},
        {502, "<html>", Reason::lightning_unreachable},
        {200, R"({"reason":"this node is too poor"})", Reason::lightning_refused},
        {200, "must have one channel", Reason::lightning_refused},
        {200, "", Reason::lightning_refused},
        {200, "{}", Reason::lightning_refused},
        {200, "[]", Reason::lightning_refused},
    };
    for (const auto& [status, body, reason] : rows) {
        ScriptedNode node(phoenixd_always(status, body));
        PhoenixdBackend backend(access_to_phoenixd(node.url()));
        for (const Error& error : {backend.make(test_request()).error(), backend.look_up(phoenixd_hash()).error(),
                                   backend.network().error()}) {
            EXPECT_EQ(error.reason, reason) << status << body << error.detail;
            EXPECT_EQ(error.detail.find("marked"), std::string::npos) << error.detail;
        }
    }
    ScriptedNode wrong(phoenixd_always(401, "no"));
    EXPECT_NE(PhoenixdBackend(access_to_phoenixd(wrong.url())).network().error().detail.find("password"),
              std::string::npos);
    ScriptedNode poor(phoenixd_always(200, R"({"reason":"this node is too poor"})"));
    EXPECT_NE(PhoenixdBackend(access_to_phoenixd(poor.url())).make(test_request()).error().detail.find("too poor"),
              std::string::npos);
}

TEST(Phoenixd, NobodyThereTornAnswersAndSilenceAreUnreachable)
{
    std::string gone;
    {
        ScriptedNode node(phoenixd_always(200, ""));
        gone = node.url();
    }
    EXPECT_EQ(PhoenixdBackend(access_to_phoenixd(gone)).network().error().reason, Reason::lightning_unreachable);
    ScriptedNode torn([](ScriptedNode::Session& session, const NodeRequest&) {
        session.send_raw("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"paymentHash\":");
        session.close();
    });
    EXPECT_EQ(PhoenixdBackend(access_to_phoenixd(torn.url())).make(test_request()).error().reason,
              Reason::lightning_unreachable);
    ScriptedNode silent([](ScriptedNode::Session& session, const NodeRequest&) { session.drain(); });
    EXPECT_EQ(
        PhoenixdBackend(access_to_phoenixd(silent.url(), Milliseconds(100))).look_up(phoenixd_hash()).error().reason,
        Reason::lightning_unreachable);
}

TEST(Phoenixd, MakingAndReadingBackShareOneTimeout)
{
    ScriptedNode node([](ScriptedNode::Session& session, const NodeRequest& request) {
        if (request.path == "/createinvoice")
            session.answer(200, phoenixd_invoice());
        else
            session.drain(); // says nothing
    });
    PhoenixdBackend backend(access_to_phoenixd(node.url(), Milliseconds(300)));
    const auto before = std::chrono::steady_clock::now();
    const auto made = backend.make(test_request());
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().reason, Reason::lightning_unreachable);
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(10));
}

TEST(Phoenixd, AnotherInvoiceThanTheOneAskedForIsRefused)
{
    ScriptedNode node([](ScriptedNode::Session& session, const NodeRequest& request) {
        session.answer(200,
                       request.method == "POST" ? phoenixd_invoice() : payment_json(phoenixd_hash(9), true, false));
    });
    PhoenixdBackend backend(access_to_phoenixd(node.url()));
    EXPECT_EQ(backend.make(test_request()).error().reason, Reason::lightning_refused);
    EXPECT_EQ(backend.look_up(phoenixd_hash()).error().reason, Reason::lightning_refused);
}

TEST(Phoenixd, TheChainOfTheNodeIsItsNetwork)
{
    const std::pair<const char*, std::optional<Network>> rows[]{
        {"mainnet", Network::bitcoin},  {"testnet", Network::testnet},
        {"testnet3", Network::testnet}, {"testnet4", Network::testnet},
        {"signet", Network::signet},    {"regtest", Network::regtest},
        {"liquid", std::nullopt},       {"", std::nullopt}};
    for (const auto& [chain, network] : rows) {
        const auto parsed =
            parse_phoenixd_network(std::string(R"({"nodeId":"02","channels":[{"state":"Normal"}],"chain":")") + chain +
                                   R"(","blockHeight":1,"version":"0.7"})");
        ASSERT_EQ(parsed.has_value(), network.has_value()) << chain;
        if (network) {
            EXPECT_EQ(*parsed, *network) << chain;
        }
    }
    EXPECT_FALSE(parse_phoenixd_network(R"({"chain":7})"));
}

TEST(Phoenixd, HoldingIsNotForIt)
{
    PhoenixdBackend backend(access_to_phoenixd("http://127.0.0.1:1"));
    EXPECT_FALSE(backend.holds());
    EXPECT_EQ(backend.settle(test_preimage()).error().reason, Reason::policy);
    EXPECT_EQ(backend.cancel(phoenixd_hash()).error().reason, Reason::policy);
}

TEST(PhoenixdJson, HostileAnswersAreRefused)
{
    const std::string hash = encode_hex(phoenixd_hash());
    for (const std::string& text : std::vector<std::string>{
             "", "null", "7", "\"x\"", "[[[[", std::string(100'000, '['), R"({"paymentHash":)",
             R"({"paymentHash":null,"isPaid":true})", R"({"paymentHash":"00","isPaid":true})",
             R"({"paymentHash":")" + hash + "00\",\"isPaid\":true}", R"({"paymentHash":")" + hash + "\"}",
             R"({"paymentHash":")" + hash + R"(","isPaid":"true"})", R"({"paymentHash":")" + hash + R"(","isPaid":1})",
             R"({"paymentHash":")" + hash + R"(","isPaid":true,"isExpired":"no"})",
             R"({"paymentHash":")" + hash + R"(","isPaid":true,"preimage":"abcd"})",
             R"({"paymentHash":")" + hash + R"(","isPaid":true,"preimage":")" + std::string(64, 'x') + "\"}"}) {
        const auto payment = parse_phoenixd_payment(text);
        ASSERT_FALSE(payment) << text.substr(0, 80);
        EXPECT_EQ(payment.error().reason, Reason::lightning_refused);
    }
    EXPECT_FALSE(parse_phoenixd_invoice(R"({"paymentHash":")" + hash + R"(","serialized":""})"));
    EXPECT_FALSE(
        parse_phoenixd_invoice(R"({"paymentHash":")" + hash + R"(","serialized":")" + std::string(7090, 'l') + "\"}"));
    EXPECT_FALSE(parse_phoenixd_invoice(R"({"paymentHash":")" + hash + R"(","serialized":7})"));
    // Members that are null are as those that are not there.
    const auto sparse =
        parse_phoenixd_payment(R"({"paymentHash":")" + hash + R"(","isPaid":true,"isExpired":null,"preimage":null})");
    ASSERT_TRUE(sparse);
    EXPECT_TRUE(sparse->is_paid);
    EXPECT_FALSE(sparse->is_expired);
    EXPECT_FALSE(sparse->preimage);
}

TEST(PhoenixdJson, OnlyPaymentsThatCameInAreEvents)
{
    const std::string hash = encode_hex(phoenixd_hash());
    EXPECT_EQ(parse_phoenixd_event(R"({"type":"payment_received","amountSat":21,"paymentHash":")" + hash +
                                   R"(","externalId":null})"),
              phoenixd_hash());
    for (const std::string& text :
         {std::string(), std::string("hello"), R"({"type":"payment_sent","paymentHash":")" + hash + "\"}",
          R"({"paymentHash":")" + hash + "\"}", std::string(R"({"type":"payment_received"})"),
          std::string(R"({"type":"payment_received","paymentHash":"00"})"), std::string("[]")})
        EXPECT_FALSE(parse_phoenixd_event(text)) << text;
}

std::string event_json(const PaymentHash& hash)
{
    return R"({"type":"payment_received","timestamp":1,"amountSat":3,"paymentHash":")" + encode_hex(hash) + "\"}";
}

TEST(PhoenixdEvents, APaymentIsToldAndTheSocketIsOpenedWithThePassword)
{
    ScriptedNode node([](ScriptedNode::Session& session, const NodeRequest& request) {
        session.upgrade(request);
        session.send_frame("not for us");
        session.send_frame(event_json(phoenixd_hash(1)));
        session.send_frame(event_json(phoenixd_hash(2)).substr(0, 20), 0x01); // in two fragments
        session.send_frame(event_json(phoenixd_hash(2)).substr(20), 0x80);
        session.drain();
    });
    RecordingListener listener;
    PhoenixdBackend backend(access_to_phoenixd(node.url()), kPhoenixdHurried);
    backend.start(listener, 0);
    ASSERT_TRUE(listener.wait_for_change(phoenixd_hash(2)));
    backend.stop();
    EXPECT_EQ(listener.changed(), (std::vector{phoenixd_hash(1), phoenixd_hash(2)}));
    EXPECT_EQ(listener.missing(), 1);
    ASSERT_EQ(node.requests().size(), 1U);
    EXPECT_EQ(node.requests()[0].path, "/websocket");
    EXPECT_EQ(node.requests()[0].header("Authorization"), kAuthorization);
}

TEST(PhoenixdEvents, AConnectionThatEndsComesBackAndSaysThatEventsMayBeMissing)
{
    std::atomic<int> number{0};
    ScriptedNode node([&](ScriptedNode::Session& session, const NodeRequest& request) {
        switch (++number) {
        case 1: // as when the password was changed
            session.answer(401, "Invalid authentication");
            return;
        case 2:
            session.send_raw("nonsense\r\n\r\n");
            session.close();
            return;
        case 3: // a message over every limit
            session.upgrade(request);
            session.send_frame(std::string(EventSocket::kMaxMessage + 1, ' '));
            session.drain();
            return;
        case 4: // torn within a frame
            session.upgrade(request);
            session.send_raw(std::string("\x81\x7d", 2) + "half");
            session.close();
            return;
        default:
            session.upgrade(request);
            session.send_frame(event_json(phoenixd_hash()));
            session.drain();
        }
    });
    RecordingListener listener;
    PhoenixdBackend backend(access_to_phoenixd(node.url()), kPhoenixdHurried);
    backend.start(listener, 0);
    ASSERT_TRUE(listener.wait_for_change(phoenixd_hash()));
    EXPECT_EQ(listener.missing(), 3); // connections 3, 4 and 5 opened
    node.drop_all();
    ASSERT_TRUE(listener.wait_for_change(phoenixd_hash(), 2));
    EXPECT_EQ(listener.missing(), 4);
}

TEST(PhoenixdEvents, ANodeThatStartsLaterIsFound)
{
    std::uint16_t port = 0;
    {
        ScriptedNode reserved(phoenixd_always(200, ""));
        port = reserved.port();
    }
    RecordingListener listener;
    PhoenixdBackend backend(access_to_phoenixd("http://127.0.0.1:" + std::to_string(port)), kPhoenixdHurried);
    backend.start(listener, 0); // phoenixd listens only when its peer is connected
    EXPECT_EQ(listener.missing(), 0);
    backend.stop();
    backend.stop();
    EXPECT_EQ(listener.missing(), 0);
}

TEST(PhoenixdEvents, ASilentConnectionIsPingedAndGivenUp)
{
    ScriptedNode node([](ScriptedNode::Session& session, const NodeRequest& request) {
        session.upgrade(request);
        session.drain(ScriptedNode::Session::Pings::ignored);
    });
    RecordingListener listener;
    PhoenixdBackend backend(access_to_phoenixd(node.url()), kPhoenixdHurried);
    backend.start(listener, 0);
    EXPECT_TRUE(listener.wait_for_missing(2)); // only because nobody answered
}

TEST(PhoenixdEvents, StoppingWaitsForNothing)
{
    for (const bool upgrades : {true, false}) {
        Signal there;
        ScriptedNode node([&](ScriptedNode::Session& session, const NodeRequest& request) {
            if (upgrades) session.upgrade(request);
            there.raise();
            session.drain();
        });
        RecordingListener listener;
        PhoenixdBackend backend(access_to_phoenixd(node.url()));
        backend.start(listener, 0);
        ASSERT_TRUE(there.wait());
        const auto before = std::chrono::steady_clock::now();
        backend.stop();
        EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(2));
    }
}

} // namespace
} // namespace adit::payments::lightning
