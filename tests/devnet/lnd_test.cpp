#include "devnet/lnd_world.h"

namespace adit::devnet {
namespace {

using nlohmann::json;

class LndTest : public LndWorld {};

TEST_F(LndTest, AnInvoiceIsMadeWithThePreimageThatWasChosen)
{
    const PaymentPreimage preimage = rng_.bytes<32>();
    const Sha256 description = sha256(as_bytes("metadata"));
    const json created = create({{"r_preimage", encode_base64(preimage)},
                                 {"description_hash", encode_base64(description)},
                                 {"memo", "kept here"},
                                 {"expiry", "600"}});
    EXPECT_EQ(created.size(), 4U);
    EXPECT_EQ(created["r_hash"], encode_base64(sha256(preimage)));
    EXPECT_EQ(created["add_index"], "1") << "a string";
    const auto facts = parse_invoice(std::string(created["payment_request"])).value();
    EXPECT_EQ(facts.amount, Msat(21'000));
    EXPECT_EQ(facts.description_hash, description);
    EXPECT_EQ(facts.description, "");
    EXPECT_EQ(facts.min_final_cltv_expiry_delta, 80U);
    EXPECT_EQ(encode_base64(facts.payment_secret), created["payment_addr"]);

    const json open = look_up_made(created);
    EXPECT_EQ(open["r_preimage"], encode_base64(preimage)) << "shown while open";
    EXPECT_EQ(open["state"], "OPEN");
    EXPECT_EQ(open["value"], "21");
    EXPECT_EQ(open["value_msat"], "21000");
    EXPECT_EQ(open["memo"], "kept here");
    EXPECT_EQ(open["description_hash"], encode_base64(description));
    EXPECT_EQ(open["creation_date"], std::to_string(clock_.now().count()));
    EXPECT_EQ(open["settle_date"], "0");
    EXPECT_EQ(open["expiry"], "600");
    EXPECT_EQ(open["amt_paid_msat"], "0");
    EXPECT_EQ(open["htlcs"], json::array());
}

TEST_F(LndTest, APaidInvoiceIsSettled)
{
    const json first = create();
    const json created = create();
    pay(created);
    const json paid = look_up_made(created);
    EXPECT_EQ(paid["state"], "SETTLED");
    EXPECT_EQ(paid["settled"], true);
    EXPECT_EQ(paid["settle_index"], "1");
    EXPECT_EQ(paid["add_index"], "2");
    EXPECT_EQ(paid["amt_paid_sat"], "21");
    EXPECT_EQ(paid["amt_paid_msat"], "21000");
    EXPECT_EQ(paid["htlcs"].size(), 1U);
    EXPECT_EQ(paid["htlcs"][0]["state"], "SETTLED");
    EXPECT_EQ(look_up_made(first)["settle_index"], "0");
}

TEST_F(LndTest, AnInvoiceIsFoundByHexAndByBase64)
{
    const Bytes hash = parse_base64(std::string(create()["r_hash"])).value();
    EXPECT_EQ(look_up(hash)["add_index"], "1");
    EXPECT_EQ(get("/v2/invoices/lookup?payment_hash=" + url_base64(hash))->json()["add_index"], "1");
    expect_error(get("/v1/invoice/" + std::string(64, '0')), 404, 5, "unable to locate invoice");
    expect_error(get("/v2/invoices/lookup?payment_hash=" + url_base64(Bytes(32))), 404, 5, "unable to locate invoice");
    expect_error(get("/v2/invoices/lookup"), 400, 3, "invoice ref must be set");
    expect_error(get("/v2/invoices/lookup?payment_hash=" + encode_base64url(hash)), 400, 3, "base64");
    expect_error(get("/v2/invoices/lookup?payment_hash=" + url_base64(Bytes(31))), 400, 3, "invalid hash length");
    expect_error(get("/v1/invoice/xyz"), 500, 2, "encoding/hex");
    expect_error(get("/v1/invoice/abcd"), 500, 2, "must be exactly 32 bytes");
}

TEST_F(LndTest, RequestsThatMakeNoSenseAreRefusedAsLndDoes)
{
    expect_error(post("/v1/invoices", {{"valueMsats", 1}}), 400, 3, "unknown field");
    expect_error(post("/v1/invoices", {{"value", "a lot"}}), 400, 3, "int64");
    expect_error(post("/v1/invoices", {{"value", 1.5}}), 400, 3, "int64");
    expect_error(post("/v1/invoices", {{"memo", 7}}), 400, 3, "string");
    expect_error(post("/v1/invoices", {{"r_preimage", "!!"}}), 400, 3, "bytes");
    expect_error(post("/v1/invoices", {{"private", "yes"}}), 400, 3, "bool");
    expect_error(ask("POST", "/v1/invoices", "[1]", lnd_.admin_macaroon()), 400, 3, "syntax error");
    expect_error(ask("POST", "/v1/invoices", "{", lnd_.admin_macaroon()), 400, 3, "syntax error");
    expect_error(post("/v1/invoices", {{"value", 1}, {"value_msat", 1}}), 500, 2, "mutually exclusive");
    expect_error(post("/v1/invoices", {{"value", -1}}), 500, 2, "positive");
    expect_error(post("/v1/invoices", {{"memo", std::string(1025, 'x')}}), 500, 2, "memo too large");
    expect_error(post("/v1/invoices", {{"description_hash", encode_base64(Bytes(31))}}), 500, 2, "must be 32");
    expect_error(post("/v1/invoices", {{"r_preimage", encode_base64(Bytes(31))}}), 500, 2, "invalid preimage length");
    expect_error(post("/v1/invoices", {{"expiry", 31'536'001}}), 500, 2, "max expiry");
    expect_error(post("/v1/invoices", {{"cltv_expiry", 17}}), 500, 2, "minimum of 18");
    expect_error(post("/v2/invoices/hodl", {{"value", 1}}), 500, 2, "invalid hash length");
    expect_error(get("/v1/nowhere"), 404, 5, "Not Found");
    expect_error(get("/v2/invoices/hodl"), 501, 12, "Method Not Allowed");
    const PaymentPreimage preimage{};
    create({{"r_preimage", encode_base64(preimage)}});
    expect_error(post("/v1/invoices", {{"r_preimage", encode_base64(preimage)}}), 500, 2, "already exists");
}

TEST_F(LndTest, NumbersAndBytesAreReadInEveryFormThatProtobufAllows)
{
    PaymentPreimage preimage{};
    preimage.fill(0xff);
    EXPECT_EQ(create({{"r_preimage", encode_base64url(preimage)}, {"expiry", 600}, {"memo", nullptr}})["r_hash"],
              encode_base64(sha256(preimage)));
    EXPECT_EQ(post("/v1/invoices", {{"value_msat", "1500"}})->status(), 200);
    EXPECT_EQ(ask("POST", "/v1/invoices", "", lnd_.admin_macaroon())->status(), 200) << "amountless";
}

TEST_F(LndTest, MacaroonsOpenWhatTheyShould)
{
    const auto with = [&](const std::string& path, const Bytes& macaroon) { return ask("GET", path, "", macaroon); };
    EXPECT_EQ(with("/v1/invoices", lnd_.invoice_macaroon())->status(), 200);
    EXPECT_EQ(with("/v1/getinfo", lnd_.admin_macaroon())->status(), 200);
    for (const char* path : {"/v1/getinfo", "/v1/balance/channels", "/v1/payreq/lnbcrt1"})
        expect_error(with(path, lnd_.invoice_macaroon()), 500, 2, "permission denied");
    expect_error(with("/v1/invoices", {}), 500, 2, "expected 1 macaroon, got 0");
    expect_error(with("/v1/invoices", {1, 2, 3}), 500, 2, "cannot determine data format");
    Bytes forged = lnd_.admin_macaroon();
    forged.back() ^= 1;
    expect_error(with("/v1/invoices", forged), 500, 2, "verification failed");
    http::Request request;
    request.method = "GET";
    request.path = "/v1/invoices";
    request.headers = {{"grpc-metadata-macaroon", "not hex"}};
    const auto reply = std::make_shared<RecordedReply>();
    lnd_.handle(request, reply);
    expect_error(reply, 500, 2, "encoding/hex");

    const ReplyOf stream = with("/v1/invoices/subscribe", {});
    EXPECT_EQ(stream->status(), 500);
    EXPECT_EQ(stream->json()["error"]["message"], "expected 1 macaroon, got 0");
}

TEST_F(LndTest, InvoicesAreListedInPages)
{
    std::vector<json> made;
    for (int i = 0; i < 5; ++i) made.push_back(create());
    pay(made[1]);
    const auto indices = [&](const std::string& query) {
        const json listed = get("/v1/invoices?" + query)->json();
        std::vector<std::string> all;
        for (const json& invoice : listed["invoices"]) all.push_back(invoice["add_index"]);
        if (!all.empty()) {
            EXPECT_EQ(listed["first_index_offset"], all.front());
            EXPECT_EQ(listed["last_index_offset"], all.back());
        }
        return all;
    };
    using Indices = std::vector<std::string>;
    EXPECT_EQ(indices("num_max_invoices=2"), (Indices{"1", "2"}));
    EXPECT_EQ(indices("num_max_invoices=2&index_offset=2"), (Indices{"3", "4"}));
    EXPECT_EQ(indices("num_max_invoices=2&reversed=true"), (Indices{"4", "5"}));
    EXPECT_EQ(indices("num_max_invoices=2&reversed=true&index_offset=4"), (Indices{"2", "3"}));
    EXPECT_EQ(indices("pending_only=true"), (Indices{"1", "3", "4", "5"}));
    EXPECT_EQ(indices("index_offset=5"), Indices{});
    expect_error(get("/v1/invoices?index_offset=x"), 400, 3, "index_offset");
}

TEST_F(LndTest, AStreamOfAllTellsOfAddedAndSettledOnesOnly)
{
    const json before = create();
    const ReplyOf stream = get("/v1/invoices/subscribe");
    EXPECT_TRUE(stream->messages.empty()) << "no backlog unless asked for";
    const json added = create();
    const PaymentPreimage preimage = rng_.bytes<32>();
    const json held = create_hold(preimage);
    pay(held);
    pay(before);
    settle(preimage);
    cancel(rng_.bytes<32>());
    clock_.advance(Seconds(86'400));
    lightning_.tick();
    EXPECT_EQ(look_up_made(added)["state"], "CANCELED");
    EXPECT_EQ(states(stream), (std::vector<std::string>{"OPEN", "OPEN", "SETTLED", "SETTLED"}));
    EXPECT_TRUE(stream->is_open());
}

TEST_F(LndTest, AStreamGoesOnFromTheIndicesThatItsClientHasSeen)
{
    std::vector<json> made;
    for (int i = 0; i < 3; ++i) made.push_back(create());
    pay(made[2]);
    pay(made[0]);
    pay(made[1]);
    const auto indices = [&](const std::string& query, const char* name) {
        std::vector<std::string> all;
        for (const std::string& message : get("/v1/invoices/subscribe?" + query)->messages)
            all.push_back(json::parse(message)["result"][name]);
        return all;
    };
    EXPECT_EQ(indices("settle_index=1", "settle_index"), (std::vector<std::string>{"2", "3"}));
    EXPECT_EQ(indices("add_index=2", "add_index"), (std::vector<std::string>{"3"}));
    EXPECT_EQ(indices("settle_index=0&add_index=0", "add_index").size(), 0U);
    EXPECT_EQ(indices("settle_index=2&add_index=1", "add_index"), (std::vector<std::string>{"2", "3", "2"}));
    EXPECT_EQ(get("/v1/invoices/subscribe?add_index=-1")->status(), 400);
}

TEST_F(LndTest, AHoldInvoiceIsAcceptedAndThenSettled)
{
    const PaymentPreimage preimage = rng_.bytes<32>();
    const Sha256 hash = sha256(preimage);
    const json created = create_hold(preimage);
    EXPECT_FALSE(created.contains("r_hash"));
    EXPECT_EQ(created["add_index"], "1");
    EXPECT_EQ(look_up(hash)["r_preimage"], "") << "LND does not know it yet";
    expect_error(settle(preimage), 500, 2, "invoice still open");
    pay(created);
    const json accepted = look_up(hash);
    EXPECT_EQ(accepted["state"], "ACCEPTED");
    EXPECT_EQ(accepted["amt_paid_msat"], "21000");
    EXPECT_EQ(accepted["settle_index"], "0");
    EXPECT_EQ(accepted["htlcs"][0]["state"], "ACCEPTED");
    EXPECT_EQ(accepted["htlcs"][0]["expiry_height"], lightning_.height() + 83);
    EXPECT_EQ(settle(preimage)->json(), json::object());
    EXPECT_EQ(look_up(hash)["state"], "SETTLED");
    EXPECT_EQ(look_up(hash)["r_preimage"], encode_base64(preimage));
    EXPECT_EQ(settle(preimage)->status(), 200) << "repeating it changes nothing";
    expect_error(cancel(preimage), 500, 2, "invoice already settled");
}

TEST_F(LndTest, ACancelledInvoiceStaysSo)
{
    const PaymentPreimage preimage = rng_.bytes<32>();
    const json held = create_hold(preimage);
    pay(held);
    EXPECT_EQ(cancel(preimage)->json(), json::object());
    const json canceled = look_up(sha256(preimage));
    EXPECT_EQ(canceled["state"], "CANCELED");
    EXPECT_EQ(canceled["amt_paid_msat"], "0");
    EXPECT_EQ(canceled["htlcs"][0]["state"], "CANCELED");
    EXPECT_EQ(cancel(preimage)->status(), 200) << "repeating it changes nothing";
    expect_error(settle(preimage), 500, 2, "invoice already canceled");
    const PaymentPreimage nobody = rng_.bytes<32>();
    expect_error(cancel(nobody), 500, 2, "unable to locate invoice");
    expect_error(settle(nobody), 500, 2, "unable to locate invoice");
    expect_error(post("/v2/invoices/settle", json::object()), 500, 2, "invalid preimage length");
    expect_error(post("/v2/invoices/cancel", {{"payment_hash", "AA=="}}), 500, 2, "invalid hash length");

    const json plain = create();
    const Bytes hash = parse_base64(std::string(plain["r_hash"])).value();
    EXPECT_EQ(post("/v2/invoices/cancel", {{"payment_hash", plain["r_hash"]}})->status(), 200);
    EXPECT_EQ(look_up(hash)["state"], "CANCELED") << "an ordinary open one too";
}

TEST_F(LndTest, AStreamOfOneBeginsWithItsStateAndEndsWithIt)
{
    const PaymentPreimage preimage = rng_.bytes<32>();
    const ReplyOf early = follow(sha256(preimage));
    EXPECT_TRUE(early->is_open()) << "waits for an invoice that is not there yet";
    const json created = create_hold(preimage);
    const ReplyOf stream = follow(sha256(preimage));
    EXPECT_EQ(states(stream), std::vector<std::string>{"OPEN"});
    pay(created);
    pay(create());
    settle(preimage);
    EXPECT_EQ(states(stream), (std::vector<std::string>{"OPEN", "ACCEPTED", "SETTLED"}));
    EXPECT_TRUE(stream->ended);
    EXPECT_EQ(states(early), states(stream));
    const ReplyOf late = follow(sha256(preimage));
    EXPECT_EQ(states(late), std::vector<std::string>{"SETTLED"});
    EXPECT_TRUE(late->ended);
    EXPECT_EQ(get("/v2/invoices/subscribe/AA")->status(), 400);
    EXPECT_EQ(get("/v2/invoices/subscribe/AA==")->status(), 500);
}

TEST_F(LndTest, ExpiryAndBlocksCancelByThemselvesAndTheStreamHearsOfIt)
{
    const json open = create({{"expiry", "600"}});
    const ReplyOf of_open = follow(parse_base64(std::string(open["r_hash"])).value());
    const PaymentPreimage preimage = rng_.bytes<32>();
    pay(create_hold(preimage));
    const ReplyOf of_held = follow(sha256(preimage));
    clock_.advance(Seconds(600));
    lightning_.tick();
    EXPECT_EQ(states(of_open), (std::vector<std::string>{"OPEN", "CANCELED"}));
    lightning_.mine(70);
    EXPECT_EQ(states(of_held), (std::vector<std::string>{"ACCEPTED"}));
    lightning_.mine(1);
    EXPECT_EQ(states(of_held), (std::vector<std::string>{"ACCEPTED", "CANCELED"}));
    expect_error(settle(preimage), 500, 2, "invoice already canceled");
}

TEST_F(LndTest, ASecondHtlcIsShownBesideTheFirst)
{
    const PaymentPreimage preimage = rng_.bytes<32>();
    const std::string bolt11 = create_hold(preimage)["payment_request"];
    lightning_.pay(bolt11);
    lightning_.mine(5);
    lightning_.pay(bolt11, {}, Lightning::Repeat::second_htlc);
    const json twice = look_up(sha256(preimage));
    EXPECT_EQ(twice["amt_paid_msat"], "42000");
    ASSERT_EQ(twice["htlcs"].size(), 2U);
    EXPECT_EQ(twice["htlcs"][1]["expiry_height"], int(twice["htlcs"][0]["expiry_height"]) + 5);
    EXPECT_EQ(twice["htlcs"][1]["htlc_index"], "1");
}

TEST_F(LndTest, EveryPathHasItsEndpoint)
{
    const std::tuple<const char*, const char*, const char*> names[]{
        {"POST", "/v1/invoices", "lnd.invoices"},
        {"GET", "/v1/invoices", "lnd.list"},
        {"GET", "/v1/invoices/subscribe", "lnd.subscribe"},
        {"GET", "/v1/invoice/ab", "lnd.lookup"},
        {"GET", "/v2/invoices/lookup", "lnd.lookup"},
        {"GET", "/v2/invoices/subscribe/ab", "lnd.subscribe_one"},
        {"POST", "/v2/invoices/hodl", "lnd.hodl"},
        {"POST", "/v2/invoices/settle", "lnd.settle"},
        {"POST", "/v2/invoices/cancel", "lnd.cancel"},
        {"GET", "/v1/payreq/x", "lnd.payreq"},
        {"POST", "/v2/router/send", "lnd.send"},
        {"GET", "/v2/router/track/x", "lnd.track"},
        {"GET", "/v1/balance/channels", "lnd.balance"},
        {"GET", "/v1/getinfo", "lnd.getinfo"},
        {"GET", "/v1/getinfo/", "lnd.unknown"},
    };
    for (const auto& [method, path, endpoint] : names) {
        http::Request request;
        request.method = method;
        request.path = path;
        EXPECT_EQ(lnd_.endpoint(request), endpoint) << path;
    }
}

} // namespace
} // namespace adit::devnet
