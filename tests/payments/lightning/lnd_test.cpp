#include "payments/lightning/lnd.h"

#include "invoice_testing.h"
#include "listener_testing.h"

#include <nlohmann/json.hpp>

namespace adit::payments::lightning {
namespace {

using nlohmann::json;

constexpr UnixSeconds kLndNow(1'800'000'000);
constexpr std::string_view kMacaroon = "\x02\x01marked";
constexpr const char* kMacaroonHex = "02016d61726b6564";
constexpr EventTiming kLndHurried{.backoff = Milliseconds(5), .backoff_cap = Milliseconds(20)};

PaymentHash lnd_hash(std::uint8_t seed = 1) { return sha256(test_preimage(seed).expose()); }

const TestCertificate& certificate()
{
    static const TestCertificate made("IP:127.0.0.1");
    return made;
}

NodeAccess access_to_lnd(const ScriptedNode& node, Milliseconds timeout = Milliseconds(5000))
{
    return NodeAccess{.name = "lnd",
                      .url = parse_node_url(node.url()).value(),
                      .header = lnd_header(kMacaroon),
                      .ca_file = certificate().certificate_file(),
                      .timeout = timeout};
}

json lnd_invoice(const PaymentHash& hash, const char* state, std::uint64_t settle_index = 0)
{
    return {{"memo", "adit-1"},
            {"r_preimage", ""},
            {"r_hash", encode_base64(hash)},
            {"value", "21"},
            {"value_msat", "21000"},
            {"state", state},
            {"settle_index", std::to_string(settle_index)},
            {"htlcs", json::array()}};
}

std::string line_of(const PaymentHash& hash, const char* state, std::uint64_t settle_index = 0)
{
    return json{{"result", lnd_invoice(hash, state, settle_index)}}.dump() + "\n";
}

std::string failure(int code, const std::string& message)
{
    return json{{"code", code}, {"message", message}, {"details", json::array()}}.dump();
}

std::string info_json(const char* network = "regtest", std::uint32_t height = 800)
{
    return json{
        {"identity_pubkey", "02"}, {"block_height", height}, {"chains", {{{"chain", "bitcoin"}, {"network", network}}}}}
        .dump();
}

std::string made_json(bool with_hash)
{
    json made{{"payment_request", sign(good_draft(test_request(), lnd_hash(), kLndNow))},
              {"add_index", "7"},
              {"payment_addr", encode_base64(ByteArray<32>{7})}};
    if (with_hash) made["r_hash"] = encode_base64(lnd_hash());
    return made.dump();
}

ScriptedNode::Handler lnd_always(int status, const std::string& body)
{
    return [=](ScriptedNode::Session& session, const NodeRequest&) { session.answer(status, body); };
}

TEST(Lnd, AnInvoiceIsMadeWithOurPreimageAndNoUnknownMember)
{
    ScriptedNode node(lnd_always(200, made_json(true)), &certificate());
    LndBackend backend(access_to_lnd(node), Settling::at_once);
    EXPECT_FALSE(backend.holds());
    const auto made = backend.make(test_request());
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_TRUE(made->preimage == test_preimage());
    EXPECT_TRUE(check_made(*made, test_request(), Network::regtest, kLndNow));
    const NodeRequest request = node.requests().at(0);
    EXPECT_EQ(request.method + " " + request.path, "POST /v1/invoices");
    EXPECT_EQ(request.header("Grpc-Metadata-macaroon"), kMacaroonHex);
    EXPECT_EQ(request.header("Content-Type"), "application/json");
    EXPECT_EQ(json::parse(request.body), (json{{"r_preimage", encode_base64(test_preimage().expose())},
                                               {"memo", "adit-1"},
                                               {"value", "21"},
                                               {"description_hash", encode_base64(test_request().description_hash)},
                                               {"expiry", "600"},
                                               {"private", true}}));
}

TEST(Lnd, AHoldInvoiceNamesTheHashAndKeepsThePreimageHere)
{
    ScriptedNode node(lnd_always(200, made_json(false)), &certificate());
    LndBackend backend(access_to_lnd(node), Settling::held);
    EXPECT_TRUE(backend.holds());
    const auto made = backend.make(test_request());
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_TRUE(check_made(*made, test_request(), Network::regtest, kLndNow));
    const NodeRequest request = node.requests().at(0);
    EXPECT_EQ(request.path, "/v2/invoices/hodl");
    EXPECT_EQ(json::parse(request.body)["hash"], encode_base64(lnd_hash()));
    EXPECT_FALSE(json::parse(request.body).contains("r_preimage"));
    EXPECT_EQ(request.body.find(encode_base64(test_preimage().expose())), std::string::npos);
}

TEST(Lnd, AnInvoiceForAnotherHashIsRefused)
{
    json other = json::parse(made_json(true));
    other["r_hash"] = encode_base64(lnd_hash(9));
    for (const std::string& body : {other.dump(), made_json(false), std::string("{}"), std::string("nonsense")}) {
        ScriptedNode node(lnd_always(200, body), &certificate());
        LndBackend backend(access_to_lnd(node), Settling::at_once);
        EXPECT_EQ(backend.make(test_request()).error().reason, Reason::lightning_refused) << body;
    }
}

TEST(Lnd, AnInvoiceIsLookedUpByItsHexHashAndItsStateTold)
{
    const std::pair<const char*, InvoiceState> rows[]{{"OPEN", InvoiceState::open},
                                                      {"ACCEPTED", InvoiceState::accepted},
                                                      {"SETTLED", InvoiceState::settled},
                                                      {"CANCELED", InvoiceState::ended}};
    for (const auto& [word, state] : rows) {
        ScriptedNode node(lnd_always(200, lnd_invoice(lnd_hash(), word).dump()), &certificate());
        LndBackend backend(access_to_lnd(node), Settling::held);
        const auto status = backend.look_up(lnd_hash());
        ASSERT_TRUE(status) << status.error().detail;
        EXPECT_EQ(status->state, state);
        EXPECT_FALSE(status->blocks_left); // no HTLC says when
        EXPECT_EQ(node.requests().at(0).path, "/v1/invoice/" + encode_hex(lnd_hash()));
    }
    for (const json& odd : {json("PAID"), json(3), json(nullptr)}) {
        json invoice = lnd_invoice(lnd_hash(), "OPEN");
        invoice["state"] = odd;
        ScriptedNode node(lnd_always(200, invoice.dump()), &certificate());
        EXPECT_EQ(LndBackend(access_to_lnd(node), Settling::held).look_up(lnd_hash()).error().reason,
                  Reason::lightning_refused);
    }
    ScriptedNode other(lnd_always(200, lnd_invoice(lnd_hash(9), "SETTLED").dump()), &certificate());
    EXPECT_EQ(LndBackend(access_to_lnd(other), Settling::held).look_up(lnd_hash()).error().reason,
              Reason::lightning_refused);
}

TEST(Lnd, AnAcceptedInvoiceSaysHowManyBlocksAreLeftToTheEarliestOfItsHtlcs)
{
    json invoice = lnd_invoice(lnd_hash(), "ACCEPTED");
    invoice["htlcs"] = {{{"state", "ACCEPTED"}, {"expiry_height", 940}},
                        {{"state", "ACCEPTED"}, {"expiry_height", 920}},
                        {{"state", "CANCELED"}, {"expiry_height", 810}}, // is not waited for
                        {{"state", "ACCEPTED"}}};
    std::atomic<std::uint32_t> height{800};
    std::atomic<int> info_status{200};
    ScriptedNode node(
        [&](ScriptedNode::Session& session, const NodeRequest& request) {
            if (request.path == "/v1/getinfo")
                session.answer(info_status, info_json("regtest", height));
            else
                session.answer(200, invoice.dump());
        },
        &certificate());
    LndBackend backend(access_to_lnd(node), Settling::held);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(backend.look_up(lnd_hash()).value().blocks_left, 120U);
    EXPECT_EQ(node.requests().size(), 11U); // one getinfo for all of them

    height = 1000; // past it
    EXPECT_EQ(LndBackend(access_to_lnd(node), Settling::held).look_up(lnd_hash()).value().blocks_left, 0U);
    info_status = 500; // that it is accepted is told all the same
    const auto blind = LndBackend(access_to_lnd(node), Settling::held).look_up(lnd_hash());
    ASSERT_TRUE(blind);
    EXPECT_EQ(blind->state, InvoiceState::accepted);
    EXPECT_FALSE(blind->blocks_left);
}

TEST(Lnd, AnInvoiceThatItDoesNotKnowIsToldInTheWordsOfOldAndNewVersions)
{
    const std::tuple<int, std::string, Reason> rows[]{
        {404, failure(5, "unable to locate invoice"), Reason::not_found},
        {404, failure(5, "there are no existing invoices"), Reason::not_found},
        {500, failure(2, "unable to locate invoice"), Reason::not_found},
        {500, R"({"error":"there are no existing invoices","message":"there are no existing invoices","code":2})",
         Reason::not_found},
        {404, failure(5, "Not Found"), Reason::lightning_refused}, // a path that nobody serves
        {404, "404 page not found", Reason::lightning_refused},
        {500, failure(2, "database is closed"), Reason::lightning_unreachable},
        {500, "unable to locate invoice", Reason::lightning_unreachable}, // not LND's word
    };
    for (const auto& [status, body, reason] : rows) {
        ScriptedNode node(lnd_always(status, body), &certificate());
        EXPECT_EQ(LndBackend(access_to_lnd(node), Settling::at_once).look_up(lnd_hash()).error().reason, reason)
            << body;
    }
}

TEST(Lnd, ADefiniteNoIsToldApartFromSilence)
{
    const std::tuple<int, std::string, Reason> rows[]{
        {400, failure(3, "proto: (line 1:2): unknown field \"memos\""), Reason::lightning_refused},
        {403, failure(7, "permission denied"), Reason::lightning_refused},
        {500, failure(2, "permission denied"), Reason::lightning_refused}, // the macaroon, whatever the status says
        {500, failure(2, "verification failed: signature mismatch after caveat verification"),
         Reason::lightning_refused},
        {500, failure(2, "cannot get macaroon: root key with id 0 doesn't exist"), Reason::lightning_refused},
        {405, failure(12, "Method Not Allowed"), Reason::lightning_refused},
        {302, "", Reason::lightning_refused},
        {404, failure(5, "Not Found"), Reason::lightning_refused},
        {500, failure(2, "wallet locked, unlock it to enable full RPC access"), Reason::lightning_unreachable},
        {503, failure(14, "unavailable"), Reason::lightning_unreachable},
        {502, "<html>", Reason::lightning_unreachable},
        {429, "", Reason::lightning_unreachable},
        {200, "", Reason::lightning_refused},
        {200, "[]", Reason::lightning_refused},
    };
    for (const auto& [status, body, reason] : rows) {
        ScriptedNode node(lnd_always(status, body), &certificate());
        LndBackend backend(access_to_lnd(node), Settling::at_once);
        for (const Error& error :
             {backend.make(test_request()).error(), backend.look_up(lnd_hash()).error(), backend.network().error()}) {
            EXPECT_EQ(error.reason, reason) << status << body << error.detail;
            EXPECT_EQ(error.detail.find(kMacaroonHex), std::string::npos);
            EXPECT_EQ(error.detail.find("marked"), std::string::npos);
        }
    }
    ScriptedNode denying(lnd_always(500, failure(2, "permission denied")), &certificate());
    EXPECT_NE(LndBackend(access_to_lnd(denying), Settling::held).network().error().detail.find("info:read"),
              std::string::npos);
}

TEST(Lnd, ALockedWalletIsNoMistakeOfTheMacaroon)
{
    EXPECT_FALSE(says_bad_macaroon({2, "wallet locked, unlock it to enable full RPC access"}));
    EXPECT_FALSE(says_bad_macaroon({5, "unable to locate invoice"}));
    EXPECT_TRUE(says_bad_macaroon({2, "expected 1 macaroon, got 0"}));
    EXPECT_TRUE(says_bad_macaroon({16, ""}));
}

TEST(Lnd, APreimageThatTheNodeRepeatsDoesNotComeIntoTheError)
{
    ScriptedNode node(
        [](ScriptedNode::Session& session, const NodeRequest& request) {
            session.answer(400, failure(3, "invalid value for bytes field: " + request.body));
        },
        &certificate());
    LndBackend backend(access_to_lnd(node), Settling::held);
    for (const Error& error : {LndBackend(access_to_lnd(node), Settling::at_once).make(test_request()).error(),
                               backend.settle(test_preimage()).error()})
        EXPECT_EQ(error.detail.find(encode_base64(test_preimage().expose()).substr(0, 40)), std::string::npos)
            << error.detail;
}

TEST(Lnd, NobodyThereTornAnswersAndSilenceAreUnreachable)
{
    ScriptedNode torn(
        [](ScriptedNode::Session& session, const NodeRequest&) {
            session.send_raw("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"r_hash\":");
            session.close();
        },
        &certificate());
    LndBackend backend(access_to_lnd(torn), Settling::held);
    EXPECT_EQ(backend.make(test_request()).error().reason, Reason::lightning_unreachable);
    EXPECT_EQ(backend.settle(test_preimage()).error().reason, Reason::lightning_unreachable);
    EXPECT_EQ(backend.cancel(lnd_hash()).error().reason, Reason::lightning_unreachable);
    ScriptedNode silent([](ScriptedNode::Session& session, const NodeRequest&) { session.drain(); }, &certificate());
    EXPECT_EQ(LndBackend(access_to_lnd(silent, Milliseconds(100)), Settling::held).look_up(lnd_hash()).error().reason,
              Reason::lightning_unreachable);
}

TEST(Lnd, TheNetworkOfTheNodeIsRead)
{
    const std::pair<const char*, std::optional<Network>> rows[]{
        {"mainnet", Network::bitcoin}, {"testnet", Network::testnet}, {"testnet4", Network::testnet},
        {"signet", Network::signet},   {"regtest", Network::regtest}, {"simnet", Network::simnet},
        {"moonnet", std::nullopt}};
    for (const auto& [word, network] : rows) {
        const auto info = parse_lnd_info(info_json(word));
        ASSERT_EQ(info.has_value(), network.has_value()) << word;
        if (info) {
            EXPECT_EQ(info->network, *network) << word;
            EXPECT_EQ(info->block_height, 800U);
        }
    }
    EXPECT_FALSE(parse_lnd_info(R"({"block_height":1,"chains":[{"chain":"litecoin","network":"mainnet"}]})"));
    EXPECT_FALSE(parse_lnd_info(R"({"block_height":1,"chains":[]})"));
    EXPECT_FALSE(parse_lnd_info(R"({"block_height":-1,"chains":[{"network":"mainnet"}]})"));
    EXPECT_TRUE(parse_lnd_info(R"({"block_height":"7","chains":[{"network":"mainnet"}]})"));
}

/// An LND with one invoice: settles what is accepted, cancels what is not settled, and is as rude about repeats as old
/// versions are.
struct OneInvoice {
    std::mutex mutex;
    std::string state = "OPEN";
    bool known = true;

    void set(const std::string& to)
    {
        const std::lock_guard lock(mutex);
        state = to;
    }
    void answer(ScriptedNode::Session& session, const NodeRequest& request)
    {
        const std::lock_guard lock(mutex);
        if (!known) return session.answer(500, failure(2, "unable to locate invoice"));
        if (request.path == "/v2/invoices/settle") {
            if (state != "ACCEPTED") return session.answer(500, failure(2, "not in a state to be settled: " + state));
            state = "SETTLED";
            return session.answer(200, "{}");
        }
        if (request.path == "/v2/invoices/cancel") {
            if (state == "SETTLED" || state == "CANCELED") return session.answer(500, failure(2, "too late: " + state));
            state = "CANCELED";
            return session.answer(200, "{}");
        }
        session.answer(200, lnd_invoice(lnd_hash(), state.c_str()).dump());
    }
};

TEST(Lnd, SettlingAndCancellingMayBeRepeated)
{
    OneInvoice invoice;
    ScriptedNode node([&](auto& session, const auto& request) { invoice.answer(session, request); }, &certificate());
    LndBackend backend(access_to_lnd(node), Settling::held);

    EXPECT_FALSE(backend.settle(test_preimage())); // not paid yet
    invoice.set("ACCEPTED");
    for (int i = 0; i < 3; ++i) {
        const auto settled = backend.settle(test_preimage());
        EXPECT_TRUE(settled) << settled.error().detail;
    }
    EXPECT_EQ(json::parse(node.requests().at(0).body), (json{{"preimage", encode_base64(test_preimage().expose())}}));
    EXPECT_EQ(backend.cancel(lnd_hash()).error().reason, Reason::lightning_refused); // the money is ours

    for (const char* before : {"OPEN", "ACCEPTED"}) {
        invoice.set(before);
        for (int i = 0; i < 3; ++i) EXPECT_TRUE(backend.cancel(lnd_hash())) << before;
        EXPECT_EQ(backend.look_up(lnd_hash()).value().state, InvoiceState::ended);
    }
    EXPECT_EQ(backend.settle(test_preimage()).error().reason, Reason::lightning_refused); // the payer has it back

    invoice.known = false;
    EXPECT_EQ(backend.cancel(lnd_hash()).error().reason, Reason::not_found);
    EXPECT_EQ(backend.settle(test_preimage()).error().reason, Reason::not_found);
}

TEST(Lnd, OnlyHoldInvoicesAreSettledByUsAndAllAreCancelled)
{
    OneInvoice invoice;
    ScriptedNode node([&](auto& session, const auto& request) { invoice.answer(session, request); }, &certificate());
    LndBackend backend(access_to_lnd(node), Settling::at_once);
    EXPECT_EQ(backend.settle(test_preimage()).error().reason, Reason::policy);
    EXPECT_TRUE(backend.cancel(lnd_hash()));
    EXPECT_EQ(json::parse(node.requests().at(0).body), (json{{"payment_hash", encode_base64(lnd_hash())}}));
}

TEST(LndLines, LinesComeOutWholeHoweverTheyAreCut)
{
    const std::string text = "one\n\n \r\ntwo\nthree";
    for (std::size_t step = 1; step <= text.size(); ++step) {
        LndLines lines;
        std::vector<std::string> got;
        for (std::size_t at = 0; at < text.size(); at += step)
            EXPECT_TRUE(lines.feed(text.substr(at, step), [&](std::string_view line) {
                got.emplace_back(line);
                return true;
            }));
        EXPECT_EQ(got, (std::vector<std::string>{"one", "two"}));
        EXPECT_TRUE(lines.torn());
        lines.clear();
        EXPECT_FALSE(lines.torn());
    }
}

TEST(LndLines, ALineOverTheLimitOrAListenerThatHasEnoughEndsIt)
{
    int lines_seen = 0;
    const auto count = [&](std::string_view) { return ++lines_seen < 2; };
    LndLines lines;
    EXPECT_TRUE(lines.feed(std::string(LndLines::kMaxLine, 'x') + "\n", count));
    EXPECT_EQ(lines_seen, 1);
    EXPECT_FALSE(lines.feed("a\nb\n", count));
    EXPECT_EQ(lines_seen, 2);
    EXPECT_FALSE(LndLines().feed(std::string(LndLines::kMaxLine + 1, 'x'), count));
    LndLines slowly;
    bool good = true;
    for (std::size_t i = 0; i < LndLines::kMaxLine / 1000 + 2 && good; ++i)
        good = slowly.feed(std::string(1000, 'x'), count);
    EXPECT_FALSE(good);
}

TEST(LndJson, HostileAnswersAreRefused)
{
    for (const std::string& text :
         {std::string(), std::string("null"), std::string("[]"), std::string(100'000, '['), std::string("{}"),
          std::string(R"({"result":null})"), std::string(R"({"result":[]})"), std::string(R"({"result":{}})"),
          std::string(R"({"error":{"message":"x"}})"), std::string(R"({"result":{"r_hash":"AAAA","state":"OPEN"}})"),
          std::string(R"({"result":{"r_hash":7,"state":"OPEN"}})")}) {
        EXPECT_FALSE(parse_lnd_stream_line(text)) << text.substr(0, 60);
        EXPECT_FALSE(parse_lnd_invoice(text)) << text.substr(0, 60);
        EXPECT_FALSE(parse_lnd_made(text)) << text.substr(0, 60);
        EXPECT_FALSE(parse_lnd_info(text)) << text.substr(0, 60);
    }
    json odd = lnd_invoice(lnd_hash(), "ACCEPTED");
    odd["settle_index"] = "-1";
    odd["htlcs"] = {7,
                    nullptr,
                    {{"state", "ACCEPTED"}, {"expiry_height", -5}},
                    {{"state", "ACCEPTED"}, {"expiry_height", 4294967296}}};
    const auto read = parse_lnd_invoice(odd.dump());
    ASSERT_TRUE(read);
    EXPECT_EQ(read->settle_index, 0U);
    EXPECT_FALSE(read->earliest_expiry_height);
    EXPECT_EQ(read_lnd_failure("<html>").code, 0U);
    EXPECT_EQ(read_lnd_failure(R"({"code":"x","message":7})").message, "");
    EXPECT_EQ(read_lnd_failure(R"({"error":"x"})").message, "");
}

TEST(LndJson, WhyAStreamDoesNotBeginIsReadWhereLndSaysIt)
{
    const auto denied = read_lnd_failure(R"({"error":{"code":2,"message":"permission denied","details":[]}})");
    EXPECT_EQ(denied.code, 2U);
    EXPECT_EQ(denied.message, "permission denied");
    EXPECT_TRUE(says_bad_macaroon(denied));
    EXPECT_EQ(read_lnd_failure(R"({"code":2,"message":"permission denied","details":[]})").message, denied.message);
}

std::string single_path(const PaymentHash& hash) { return "/v2/invoices/subscribe/" + encode_base64url(hash) + "="; }

bool is_single(const NodeRequest& request) { return request.path.starts_with("/v2/invoices/subscribe/"); }

TEST(LndEvents, SettlementsAreToldWithTheirIndexAndGoOnWhereTheyStopped)
{
    std::atomic<int> number{0};
    ScriptedNode node(
        [&](ScriptedNode::Session& session, const NodeRequest&) {
            session.begin_stream();
            if (++number == 1) {
                session.chunk(line_of(lnd_hash(1), "OPEN"));
                const std::string line = line_of(lnd_hash(1), "SETTLED", 42);
                session.chunk(line.substr(0, 30)); // a line has no need to come in one piece
                session.chunk(line.substr(30) + line_of(lnd_hash(2), "SETTLED", 43));
                session.chunk(R"({"result":{"r_ha)"); // torn
                session.close();
            } else {
                session.chunk(line_of(lnd_hash(3), "SETTLED", 44));
                session.drain();
            }
        },
        &certificate());
    RecordingListener listener;
    LndBackend backend(access_to_lnd(node), Settling::at_once, kLndHurried);
    backend.start(listener, 41);
    ASSERT_TRUE(listener.wait_for_change(lnd_hash(3)));
    ASSERT_TRUE(listener.wait_for_told(44));
    EXPECT_TRUE(listener.wait_for_missing(2)); // once for each connection
    backend.stop();
    EXPECT_EQ(listener.changed(), (std::vector{lnd_hash(1), lnd_hash(2), lnd_hash(3)}));
    EXPECT_EQ(listener.told(), (std::vector<std::uint64_t>{42, 43, 44}));
    ASSERT_EQ(node.requests().size(), 2U);
    EXPECT_EQ(node.requests()[0].path, "/v1/invoices/subscribe?settle_index=41");
    EXPECT_EQ(node.requests()[0].header("Grpc-Metadata-macaroon"), kMacaroonHex);
    EXPECT_EQ(node.requests()[1].path, "/v1/invoices/subscribe?settle_index=43");
}

TEST(LndEvents, ConnectedIsWhoHasAskedThoughNoByteComesBack)
{
    ScriptedNode node([](ScriptedNode::Session& session, const NodeRequest&) { session.drain(); }, &certificate());
    RecordingListener listener;
    LndBackend backend(access_to_lnd(node), Settling::at_once, kLndHurried);
    backend.start(listener, 0);
    EXPECT_TRUE(listener.wait_for_missing(1));
}

TEST(LndEvents, WhateverEndsTheStreamItComesBack)
{
    std::atomic<int> number{0};
    ScriptedNode node(
        [&](ScriptedNode::Session& session, const NodeRequest&) {
            switch (++number) {
            case 1:
                return session.answer(500, failure(2, "wallet locked, unlock it to enable full RPC access"));
            case 2:
                session.begin_stream();
                session.chunk("{\"error\":{\"code\":1,\"message\":\"context canceled\"}}\n");
                return session.drain();
            case 3:
                session.begin_stream();
                session.chunk(std::string(LndLines::kMaxLine + 1, 'x'));
                return session.drain();
            case 4:
                session.begin_stream();
                session.chunk("nonsense\n");
                return session.drain();
            case 5:
                session.send_raw("\x15\x03nonsense\r\n\r\n");
                return session.close();
            case 6:
                session.answer(200, ""); // an end as it should be
                return session.close();
            default:
                session.begin_stream();
                session.chunk(line_of(lnd_hash(1), "SETTLED", 1));
                session.drain();
            }
        },
        &certificate());
    RecordingListener listener;
    LndBackend backend(access_to_lnd(node), Settling::at_once, kLndHurried);
    backend.start(listener, 0);
    EXPECT_TRUE(listener.wait_for_change(lnd_hash(1)));
    EXPECT_TRUE(listener.wait_for_missing(7));
}

TEST(LndEvents, AHoldInvoiceIsFollowedUntilItIsOver)
{
    Signal paid;
    ScriptedNode node(
        [&](ScriptedNode::Session& session, const NodeRequest& request) {
            if (!is_single(request)) return session.drain();
            const PaymentHash hash = lnd_hash(request.path == single_path(lnd_hash(1)) ? 1 : 2);
            session.begin_stream();
            session.chunk(line_of(hash, "OPEN"));
            paid.wait();
            session.chunk(line_of(hash, "ACCEPTED"));
            session.chunk(line_of(hash, "SETTLED", 9));
            session.close(); // a stream that ends without a last word is asked for again
        },
        &certificate());
    RecordingListener listener;
    LndBackend backend(access_to_lnd(node), Settling::held, kLndHurried);
    backend.start(listener, 0);
    backend.follow(lnd_hash(1));
    paid.raise();
    ASSERT_TRUE(listener.wait_for_change(lnd_hash(1), 2));
    backend.follow(lnd_hash(2));
    ASSERT_TRUE(listener.wait_for_change(lnd_hash(2), 2));
    backend.stop();
    EXPECT_EQ(listener.changed().size(), 4U);
    const auto requests = node.requests();
    EXPECT_EQ(std::count_if(requests.begin(), requests.end(), is_single), 2);
    EXPECT_TRUE(listener.told().empty()); // only the stream of all knows what it has missed
}

TEST(LndEvents, AFollowedInvoiceWhoseStreamBreaksIsAskedForAgainAndAnUnknownOneIsNot)
{
    std::mutex mutex;
    std::map<std::string, int> asked;
    ScriptedNode node(
        [&](ScriptedNode::Session& session, const NodeRequest& request) {
            if (!is_single(request)) return session.drain();
            int times = 0;
            {
                const std::lock_guard lock(mutex);
                times = ++asked[request.path];
            }
            if (request.path == single_path(lnd_hash(2)))
                return session.answer(404, failure(5, "unable to locate invoice"));
            session.begin_stream();
            if (times == 1) return session.close();
            if (times == 2) {
                session.chunk(line_of(lnd_hash(7), "ACCEPTED")); // of another one
                return session.drain();
            }
            session.chunk(line_of(lnd_hash(1), "ACCEPTED"));
            session.drain();
        },
        &certificate());
    RecordingListener listener;
    LndBackend backend(access_to_lnd(node), Settling::held, kLndHurried);
    backend.follow(lnd_hash(2)); // before the start is soon enough
    backend.start(listener, 0);
    backend.follow(lnd_hash(1));
    ASSERT_TRUE(listener.wait_for_change(lnd_hash(1)));
    backend.stop();
    EXPECT_EQ(listener.changed(), std::vector{lnd_hash(1)});
    const std::lock_guard lock(mutex);
    EXPECT_EQ(asked[single_path(lnd_hash(2))], 1);
    EXPECT_EQ(asked[single_path(lnd_hash(1))], 3);
}

TEST(LndEvents, OnlyTheNewestInvoicesAreFollowed)
{
    std::mutex mutex;
    std::set<std::string> open;
    Signal single;
    ScriptedNode node(
        [&](ScriptedNode::Session& session, const NodeRequest& request) {
            if (!is_single(request)) return session.drain();
            {
                const std::lock_guard lock(mutex);
                open.insert(request.path);
            }
            single.raise();
            session.drain();
        },
        &certificate());
    RecordingListener listener;
    LndBackend backend(access_to_lnd(node), Settling::held, kLndHurried);
    constexpr int kMany = static_cast<int>(LndStreams::kMaxFollowed);
    for (std::uint8_t seed = 1; seed <= kMany + 3; ++seed) backend.follow(lnd_hash(seed));
    backend.start(listener, 0);
    ASSERT_TRUE(single.wait(kMany));
    backend.follow(lnd_hash(200));
    ASSERT_TRUE(single.wait(kMany + 1));
    backend.stop();
    EXPECT_EQ(single.count(), kMany + 1);
    const std::lock_guard lock(mutex);
    for (std::uint8_t seed = 1; seed <= 3; ++seed) EXPECT_FALSE(open.contains(single_path(lnd_hash(seed))));
    EXPECT_TRUE(open.contains(single_path(lnd_hash(kMany + 3))));
    EXPECT_TRUE(open.contains(single_path(lnd_hash(200))));
}

TEST(LndEvents, WhatSettlesByItselfNeedsNoStreamOfItsOwn)
{
    ScriptedNode node(
        [](ScriptedNode::Session& session, const NodeRequest&) {
            session.begin_stream();
            session.chunk(line_of(lnd_hash(1), "SETTLED", 1));
            session.drain();
        },
        &certificate());
    RecordingListener listener;
    LndBackend backend(access_to_lnd(node), Settling::at_once, kLndHurried);
    backend.follow(lnd_hash(1));
    backend.start(listener, 0);
    ASSERT_TRUE(listener.wait_for_told(1));
    backend.stop();
    EXPECT_EQ(node.requests().size(), 1U);
}

TEST(LndEvents, AStrangerWithAnotherCertificateIsToldNothing)
{
    const TestCertificate other("IP:127.0.0.1");
    ScriptedNode node([](ScriptedNode::Session& session, const NodeRequest&) { session.drain(); }, &other);
    RecordingListener listener;
    LndBackend backend(access_to_lnd(node), Settling::held, kLndHurried);
    backend.start(listener, 0);
    while (node.connections() < 3) std::this_thread::yield();
    backend.stop();
    EXPECT_TRUE(node.requests().empty());
    EXPECT_EQ(listener.missing(), 0);
}

TEST(LndEvents, StoppingWaitsForNothingAndNothingComesAfterIt)
{
    Signal there;
    ScriptedNode node(
        [&](ScriptedNode::Session& session, const NodeRequest&) {
            there.raise();
            session.drain();
        },
        &certificate());
    RecordingListener listener;
    LndBackend backend(access_to_lnd(node), Settling::held);
    backend.start(listener, 0);
    ASSERT_TRUE(there.wait());
    const auto before = std::chrono::steady_clock::now();
    backend.stop();
    backend.stop();
    backend.follow(lnd_hash(1));
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(2));
    LndBackend never(access_to_lnd(node), Settling::held); // was not started
    never.stop();
}

} // namespace
} // namespace adit::payments::lightning
