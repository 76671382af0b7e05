#include "devnet/phoenixd.h"

#include "base/hash.h"
#include "devnet/recorded_reply.h"
#include "devnet/test_clock.h"
#include "fakes/seeded_rng.h"

#include <gtest/gtest.h>

namespace adit::devnet {
namespace {

using nlohmann::json;

const std::string kHash(64, 'a');

class PhoenixdTest : public testing::Test {
protected:
    using ReplyOf = std::shared_ptr<RecordedReply>; // shared with the look-alike

    ReplyOf ask(const std::string& method, const std::string& path, const std::string& body,
                const std::string& password, const http::Pairs& more = {})
    {
        http::Request request;
        request.method = method;
        request.path = path.substr(0, path.find('?'));
        if (path.find('?') != std::string::npos) {
            std::string rest = path.substr(path.find('?') + 1) + "&";
            for (std::size_t end = 0; (end = rest.find('&')) != std::string::npos; rest.erase(0, end + 1))
                request.query.emplace_back(rest.substr(0, rest.find('=')),
                                           rest.substr(rest.find('=') + 1, end - rest.find('=') - 1));
        }
        request.body = body;
        request.headers = more;
        request.headers.emplace_back("authorization", "Basic " + encode_base64(as_bytes("anybody:" + password)));
        request.headers.emplace_back("content-type", "application/x-www-form-urlencoded; charset=UTF-8");
        auto reply = std::make_shared<RecordedReply>();
        phoenixd_.handle(request, reply);
        return reply;
    }
    ReplyOf get(const std::string& path) { return ask("GET", path, "", phoenixd_.limited_password()); }
    ReplyOf post(const std::string& path, const std::string& form)
    {
        return ask("POST", path, form, phoenixd_.full_password());
    }
    json create(const std::string& more = "")
    {
        const ReplyOf reply = post("/createinvoice", "amountSat=21&descriptionHash=" + kHash + more);
        EXPECT_EQ(reply->status(), 200) << reply->given->body;
        return reply->json();
    }
    json incoming(const json& created)
    {
        return get("/payments/incoming/" + std::string(created["paymentHash"]))->json();
    }
    void pay(const json& created) { EXPECT_FALSE(lightning_.pay(std::string(created["serialized"])).refusal); }

    TestClock clock_;
    fakes::SeededRng rng_;
    Lightning lightning_{clock_, rng_};
    Phoenixd phoenixd_{lightning_, rng_};
};

TEST_F(PhoenixdTest, AnInvoiceIsMadeAndItsPreimageIsToldBeforeItIsPaid)
{
    const json created = create("&externalId=order-1&expirySeconds=600");
    EXPECT_EQ(created.size(), 3U);
    EXPECT_EQ(created["amountSat"], 21);
    const auto facts = parse_invoice(std::string(created["serialized"])).value();
    EXPECT_EQ(facts.amount, Msat(21'000));
    EXPECT_EQ(encode_hex(*facts.description_hash), kHash);
    EXPECT_EQ(facts.expiry, Seconds(600));
    EXPECT_EQ(encode_hex(facts.payment_hash), created["paymentHash"]);

    const json open = incoming(created);
    EXPECT_EQ(encode_hex(sha256(parse_hex(std::string(open["preimage"])).value())), created["paymentHash"]);
    EXPECT_EQ(open["isPaid"], false);
    EXPECT_EQ(open["isExpired"], false);
    EXPECT_EQ(open["receivedSat"], 0);
    EXPECT_EQ(open["requestedSat"], 21);
    EXPECT_EQ(open["externalId"], "order-1");
    EXPECT_EQ(open["createdAt"], clock_.now().count() * 1000);
    EXPECT_EQ(open["expiresAt"], (clock_.now().count() + 600) * 1000);
    for (const char* absent : {"completedAt", "description", "payerNote"})
        EXPECT_FALSE(open.contains(absent)) << absent;
}

TEST_F(PhoenixdTest, APaidInvoiceSaysSo)
{
    const json created = create();
    pay(created);
    const json paid = incoming(created);
    EXPECT_EQ(paid["isPaid"], true);
    EXPECT_EQ(paid["receivedSat"], 21);
    EXPECT_EQ(paid["fees"], 0);
    EXPECT_EQ(paid["completedAt"], clock_.now().count() * 1000);
    EXPECT_EQ(get("/getbalance")->json()["balanceSat"], 1'000'021);
}

TEST_F(PhoenixdTest, AnUnpaidInvoiceExpiresAndIsKept)
{
    const json created = create("&expirySeconds=600");
    clock_.advance(Seconds(600));
    EXPECT_EQ(incoming(created)["isExpired"], true);
    EXPECT_EQ(incoming(created)["isPaid"], false);
    EXPECT_EQ(create()["amountSat"], 21);
    EXPECT_EQ(parse_invoice(std::string(create()["serialized"])).value().expiry, Seconds(86'400)) << "the default";
}

TEST_F(PhoenixdTest, LiquidityFeesEatOnePayment)
{
    phoenixd_.set_settings({Sat(20), Sat(0)});
    const json first = create();
    pay(first);
    EXPECT_EQ(incoming(first)["isPaid"], true);
    EXPECT_EQ(incoming(first)["receivedSat"], 1);
    EXPECT_EQ(incoming(first)["fees"], 20'000) << "millisatoshis";
    const json second = create();
    pay(second);
    EXPECT_EQ(incoming(second)["receivedSat"], 21);
    phoenixd_.set_settings({Sat(5'000), Sat(0)});
    const json third = create();
    pay(third);
    EXPECT_EQ(incoming(third)["isPaid"], true);
    EXPECT_EQ(incoming(third)["receivedSat"], 0);
    EXPECT_EQ(get("/getbalance")->json()["feeCreditSat"], 21);
}

TEST_F(PhoenixdTest, BadInvoicesAreRefusedInWords)
{
    const std::string good = "amountSat=21&descriptionHash=" + kHash;
    const std::pair<std::string, std::string> cases[]{
        {"amountSat=21", "Must provide either a description or descriptionHash"},
        {good + "&description=x", "Must provide either a description or descriptionHash"},
        {"amountSat=21&description=" + std::string(129, 'x'), "description is too long"},
        {"amountSat=21&descriptionHash=abcd", "descriptionHash"},
        {"amountSat=21&descriptionHash=" + std::string(64, 'x'), "descriptionHash"},
        {"amountSat=0.5&descriptionHash=" + kHash, "amountSat"},
        {"amountSat=-1&descriptionHash=" + kHash, "amountSat"},
        {"amountSat=99999999999999999999&descriptionHash=" + kHash, "amountSat"},
        {good + "&expirySeconds=soon", "expirySeconds"},
        {"amountSat=%zz", "Bad Request"},
    };
    for (const auto& [form, words] : cases) {
        const ReplyOf reply = post("/createinvoice", form);
        EXPECT_EQ(reply->status(), 400) << form;
        EXPECT_NE(reply->given->body.find(words), std::string::npos) << reply->given->body;
        EXPECT_TRUE(reply->given->content_type.starts_with("text/plain"));
    }
    EXPECT_EQ(post("/createinvoice", "description=" + std::string(128, 'x'))->status(), 200) << "amountless too";
    EXPECT_FALSE(post("/createinvoice", "description=x")->json().contains("amountSat"));
}

TEST_F(PhoenixdTest, PasswordsOpenWhatTheyShould)
{
    EXPECT_EQ(ask("GET", "/getinfo", "", phoenixd_.full_password())->status(), 200);
    EXPECT_EQ(ask("GET", "/getinfo", "", phoenixd_.limited_password())->status(), 200);
    EXPECT_EQ(ask("GET", "/getinfo", "", "wrong")->status(), 401);
    EXPECT_EQ(ask("GET", "/getinfo", "", "")->status(), 401);
    const std::string form = "invoice=" + std::string(create()["serialized"]);
    EXPECT_EQ(ask("POST", "/payinvoice", form, phoenixd_.limited_password())->status(), 401);
    EXPECT_EQ(ask("POST", "/createinvoice", "description=x", phoenixd_.limited_password())->status(), 200);

    http::Request bare;
    bare.method = "GET";
    bare.path = "/getinfo";
    const auto reply = std::make_shared<RecordedReply>();
    phoenixd_.handle(bare, reply);
    EXPECT_EQ(reply->status(), 401);
    EXPECT_TRUE(reply->given->content_type.starts_with("text/plain"));
}

TEST_F(PhoenixdTest, WhatIsNotThereAnswersAsKtorDoes)
{
    EXPECT_EQ(get("/payments/incoming/" + kHash)->status(), 404);
    EXPECT_EQ(get("/payments/incoming/" + kHash)->given->body, "Not found");
    EXPECT_EQ(get("/payments/incoming/xyz")->status(), 400);
    EXPECT_EQ(get("/nowhere")->status(), 404);
    EXPECT_EQ(get("/createinvoice")->status(), 405);
    http::Request request;
    request.method = "POST";
    request.path = "/createinvoice";
    request.body = R"({"amountSat":21})";
    request.headers = {{"authorization", "Basic " + encode_base64(as_bytes(":" + phoenixd_.full_password()))},
                       {"content-type", "application/json"}};
    const auto reply = std::make_shared<RecordedReply>();
    phoenixd_.handle(request, reply);
    EXPECT_EQ(reply->status(), 415);
}

TEST_F(PhoenixdTest, IncomingPaymentsAreListedNewestFirstAndPaidOnesOnlyUnlessAskedFor)
{
    std::vector<json> made;
    for (int i = 0; i < 3; ++i) {
        made.push_back(create("&externalId=id-" + std::to_string(i)));
        clock_.advance(Seconds(10));
    }
    pay(made[0]);
    pay(made[2]);
    const json paid = get("/payments/incoming")->json();
    ASSERT_EQ(paid.size(), 2U);
    EXPECT_EQ(paid[0]["paymentHash"], made[2]["paymentHash"]);
    EXPECT_EQ(get("/payments/incoming?all=true")->json().size(), 3U);
    EXPECT_EQ(get("/payments/incoming?all=true&limit=1&offset=1")->json()[0]["paymentHash"], made[1]["paymentHash"]);
    EXPECT_EQ(get("/payments/incoming?all=true&externalId=id-1")->json().size(), 1U);
    EXPECT_EQ(get("/payments/incoming?externalId=id-1")->json().size(), 0U);
    const std::string from = std::to_string((clock_.now().count() - 20) * 1000);
    EXPECT_EQ(get("/payments/incoming?all=true&from=" + from)->json().size(), 2U);
    EXPECT_EQ(get("/payments/incoming?from=yesterday")->status(), 400);
}

TEST_F(PhoenixdTest, ItPaysInvoicesOfOthersAndSaysWhyNotWith200)
{
    const LightningInvoice invoice = *lightning_.make(LightningNode::lnd, {Msat(21'000), "x", {}, Seconds(600)});
    const ReplyOf reply = post("/payinvoice", "invoice=" + invoice.bolt11);
    ASSERT_EQ(reply->status(), 200);
    EXPECT_EQ(reply->json()["recipientAmountSat"], 21);
    EXPECT_EQ(reply->json()["routingFeeSat"], 4);
    EXPECT_EQ(reply->json()["paymentPreimage"], encode_hex(*invoice.preimage));
    EXPECT_EQ(get("/getbalance")->json()["balanceSat"], 1'000'000 - 25);

    const ReplyOf again = post("/payinvoice", "invoice=" + invoice.bolt11);
    EXPECT_EQ(again->status(), 200);
    EXPECT_EQ(again->json()["reason"], "this invoice has already been paid");
    EXPECT_FALSE(again->json().contains("paymentPreimage"));

    const json by_id = get("/payments/outgoing/" + std::string(reply->json()["paymentId"]))->json();
    EXPECT_EQ(by_id["isPaid"], true);
    EXPECT_EQ(by_id["fees"], 4'000);
    EXPECT_EQ(get("/payments/outgoingbyhash/" + kHash)->status(), 404);

    phoenixd_.set_settings({Sat(), Sat(20)});
    EXPECT_EQ(
        post("/payinvoice", "invoice=" + lightning_.make(LightningNode::lnd, {Msat(21'000)})->bolt11)->json()["reason"],
        "not enough funds in wallet to afford payment");
    EXPECT_EQ(post("/payinvoice", "")->status(), 400);
    EXPECT_EQ(post("/payinvoice", "invoice=lnbcrt1junk")->status(), 400);
}

TEST_F(PhoenixdTest, PayingAHoldInvoiceIsAnsweredWhenItIsOver)
{
    InvoicePlan plan{Msat(21'000), "x", {}, Seconds(600)};
    const PaymentPreimage preimage = rng_.bytes<32>();
    plan.hold = sha256(preimage);
    const ReplyOf held = post("/payinvoice", "invoice=" + lightning_.make(LightningNode::lnd, plan)->bolt11);
    EXPECT_EQ(held->status(), 0);
    lightning_.settle(LightningNode::lnd, preimage);
    EXPECT_EQ(held->json()["paymentPreimage"], encode_hex(preimage));

    plan.hold = sha256(rng_.bytes<32>());
    const ReplyOf canceled = post("/payinvoice", "invoice=" + lightning_.make(LightningNode::lnd, plan)->bolt11);
    lightning_.cancel(LightningNode::lnd, *plan.hold);
    EXPECT_EQ(canceled->json()["reason"], "recipient node rejected the payment");
    EXPECT_EQ(get("/getbalance")->json()["balanceSat"], 1'000'000 - 25) << "the money came back";
}

TEST_F(PhoenixdTest, WebsocketsHearOfPaymentsFromThenOn)
{
    const json before = create();
    pay(before);
    const http::Pairs key{{"sec-websocket-key", "x"}};
    const ReplyOf websocket = ask("GET", "/websocket", "", phoenixd_.limited_password(), key);
    EXPECT_EQ(websocket->upgraded, "");
    EXPECT_TRUE(websocket->messages.empty());
    const json created = create("&externalId=order-1");
    EXPECT_TRUE(websocket->messages.empty());
    pay(created);
    ASSERT_EQ(websocket->messages.size(), 1U);
    EXPECT_EQ(json::parse(websocket->messages[0]), (json{{"type", "payment_received"},
                                                         {"timestamp", clock_.now().count() * 1000},
                                                         {"amountSat", 21},
                                                         {"paymentHash", created["paymentHash"]},
                                                         {"externalId", "order-1"}}));
    EXPECT_EQ(ask("GET", "/websocket", "", "wrong", key)->status(), 401);
    EXPECT_EQ(ask("GET", "/websocket", "", phoenixd_.limited_password())->status(), 400) << "no websocket at all";
}

} // namespace
} // namespace adit::devnet
