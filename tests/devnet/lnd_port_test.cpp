// The look-alike of LND as its clients meet it: over TLS, with streams and faults.
#include "base/hash.h"
#include "devnet/tls_client.h"
#include "devnet/world.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace adit::devnet {
namespace {

using nlohmann::json;

class LndPort : public testing::Test {
protected:
    HttpsCall call(const std::string& method, const std::string& path, const std::string& body = "") const
    {
        return {method,
                world_->lnd_url() + path,
                body,
                {"Grpc-Metadata-macaroon: " + encode_hex(world_->lnd_admin_macaroon())},
                world_->lnd_tls_cert_file().string()};
    }
    HttpsReply get(const std::string& path, Milliseconds patience = Milliseconds(5000))
    {
        return https(call("GET", path), patience);
    }
    HttpsReply post(const std::string& path, const json& body) { return https(call("POST", path, body.dump())); }
    std::unique_ptr<HttpsStream> stream(const std::string& path)
    {
        return std::make_unique<HttpsStream>(call("GET", path));
    }
    json create(json body = {{"value", 21}}) { return json::parse(post("/v1/invoices", body).body); }
    json create_hold(const PaymentPreimage& preimage)
    {
        return json::parse(post("/v2/invoices/hodl", {{"hash", encode_base64(sha256(preimage))}, {"value", 21}}).body);
    }
    static std::string url_hash(const PaymentPreimage& preimage)
    {
        std::string text = encode_base64url(sha256(preimage));
        text += "%3D"; // 32 bytes are 43 characters and one of padding
        return text;
    }
    std::string state_of(const PaymentPreimage& preimage)
    {
        return json::parse(get("/v2/invoices/lookup?payment_hash=" + url_hash(preimage)).body)["state"];
    }
    json control(const std::string& method, const std::string& path, const json& body = json::object())
    {
        return json::parse(http(world_->control_url(), method, path, method == "GET" ? "" : body.dump()).body());
    }
    void fault(const json& object) { EXPECT_TRUE(control("POST", "/faults", object).contains("number")); }
    json pay(const json& created)
    {
        return control("POST", "/lightning/pay", {{"invoice", created["payment_request"]}});
    }
    static json result(const std::optional<std::string>& line) { return line ? json::parse(*line)["result"] : json(); }

    std::unique_ptr<World> world_ = World::start({}).value();
    PaymentPreimage preimage_ = system_rng().bytes<32>();
};

TEST_F(LndPort, ItsCertificateIsTheOnlyOneThatOpensIt)
{
    EXPECT_EQ(get("/v1/getinfo").status, 200);
    HttpsCall distrusting = call("GET", "/v1/getinfo");
    distrusting.trusted_file.clear();
    EXPECT_EQ(https(distrusting).status, 0);
    const auto other = World::start({}).value();
    distrusting.trusted_file = other->lnd_tls_cert_file().string();
    EXPECT_EQ(https(distrusting).status, 0);
    HttpsCall by_name = call("GET", "/v1/getinfo");
    by_name.url.replace(by_name.url.find("127.0.0.1"), 9, "localhost");
    EXPECT_EQ(https(by_name).status, 200);
    EXPECT_EQ(http("http" + world_->lnd_url().substr(5), "GET", "/v1/getinfo").text, "") << "plain HTTP";
}

TEST_F(LndPort, FilesAreLeftForItsClients)
{
    namespace fs = std::filesystem;
    for (const fs::path& file :
         {world_->lnd_macaroon_file(), world_->lnd_admin_macaroon_file(), world_->lnd_tls_cert_file()})
        EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write) << file;
    std::ifstream in(world_->lnd_macaroon_file(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(in), {});
    EXPECT_EQ(encode_hex(as_bytes(bytes)), encode_hex(world_->lnd_macaroon()));
    HttpsCall of_invoices = call("GET", "/v1/invoices");
    of_invoices.headers = {"Grpc-Metadata-macaroon: " + encode_hex(as_bytes(bytes))};
    EXPECT_EQ(https(of_invoices).status, 200);
    of_invoices.url = world_->lnd_url() + "/v1/getinfo";
    EXPECT_EQ(https(of_invoices).status, 500) << "permission denied";
}

TEST_F(LndPort, AnInvoiceIsPaidAndTheStreamTellsOfIt)
{
    create();
    const auto all = stream("/v1/invoices/subscribe?add_index=1");
    const json created = create();
    EXPECT_EQ(result(all->next())["state"], "OPEN");
    EXPECT_EQ(pay(created)["status"], "paid");
    const json settled = result(all->next());
    EXPECT_EQ(settled["state"], "SETTLED");
    EXPECT_EQ(settled["payment_request"], created["payment_request"]);
    EXPECT_EQ(settled["settle_index"], "1");
    EXPECT_EQ(world_->lightning_requests()["lnd.subscribe"], 1U);
}

TEST_F(LndPort, AStreamIsSilentToItsHeaderBeforeTheFirstMessage)
{
    const HttpsReply nothing = get("/v1/invoices/subscribe", Milliseconds(150));
    EXPECT_EQ(nothing.status, 0);
    EXPECT_EQ(world_->lightning_requests()["lnd.subscribe"], 1U);
}

TEST_F(LndPort, AHoldInvoiceGoesItsWay)
{
    const json created = create_hold(preimage_);
    const auto one = stream("/v2/invoices/subscribe/" + url_hash(preimage_));
    EXPECT_EQ(result(one->next())["state"], "OPEN");
    EXPECT_EQ(pay(created)["status"], "accepted");
    EXPECT_EQ(result(one->next())["state"], "ACCEPTED");
    const std::string path = "/lightning/payments/" + encode_hex(sha256(preimage_));
    EXPECT_EQ(control("GET", path)["status"], "accepted");
    EXPECT_EQ(pay(created)["reason"], "in-flight");
    EXPECT_EQ(
        control("POST", "/lightning/pay", {{"invoice", created["payment_request"]}, {"second_htlc", true}})["status"],
        "accepted");
    EXPECT_EQ(result(one->next())["htlcs"].size(), 2U);
    EXPECT_EQ(post("/v2/invoices/settle", {{"preimage", encode_base64(preimage_)}}).body, "{}");
    EXPECT_EQ(result(one->next())["state"], "SETTLED");
    EXPECT_TRUE(one->ended());
    EXPECT_EQ(control("GET", path)["preimage"], encode_hex(preimage_));
}

TEST_F(LndPort, AHeldPaymentTimesOutByBlocks)
{
    pay(create_hold(preimage_));
    const auto one = stream("/v2/invoices/subscribe/" + url_hash(preimage_));
    EXPECT_EQ(result(one->next())["state"], "ACCEPTED");
    const int height = control("POST", "/lnd/blocks", {{"count", 70}})["height"];
    EXPECT_EQ(state_of(preimage_), "ACCEPTED");
    EXPECT_EQ(control("POST", "/lnd/blocks")["height"], height + 1);
    EXPECT_EQ(result(one->next())["state"], "CANCELED");
    EXPECT_EQ(control("GET", "/lightning/payments/" + encode_hex(sha256(preimage_)))["status"], "canceled");
    EXPECT_EQ(post("/v2/invoices/settle", {{"preimage", encode_base64(preimage_)}}).status, 500);
}

TEST_F(LndPort, AnInvoiceExpiresByItself)
{
    const json created = create({{"value", 21}, {"expiry", "600"}});
    std::string hash = encode_base64url(parse_base64(std::string(created["r_hash"])).value()) + "%3D";
    const auto one = stream("/v2/invoices/subscribe/" + hash);
    EXPECT_EQ(result(one->next())["state"], "OPEN");
    control("POST", "/lnd/clock", {{"offset_s", 600}});
    EXPECT_EQ(result(one->next())["state"], "CANCELED");
    EXPECT_EQ(pay(created)["reason"], "expired");
}

TEST_F(LndPort, AnsweredActsCanBeLost)
{
    fault({{"endpoint", "lnd.hodl"}, {"act", "drop"}, {"moment", "after"}, {"times", 1}});
    EXPECT_EQ(post("/v2/invoices/hodl", {{"hash", encode_base64(sha256(preimage_))}, {"value", 21}}).status, 0);
    EXPECT_EQ(state_of(preimage_), "OPEN") << "it was made";
    const json listed = json::parse(get("/v1/invoices").body);
    pay(listed["invoices"][0]);

    fault({{"endpoint", "lnd.settle"}, {"act", "drop"}, {"times", 1}});
    EXPECT_EQ(post("/v2/invoices/settle", {{"preimage", encode_base64(preimage_)}}).status, 0);
    EXPECT_EQ(state_of(preimage_), "ACCEPTED") << "before: nothing happened";
    fault({{"endpoint", "lnd.settle"}, {"act", "cut"}, {"moment", "after"}, {"times", 1}});
    EXPECT_NE(post("/v2/invoices/settle", {{"preimage", encode_base64(preimage_)}}).failure, "");
    EXPECT_EQ(state_of(preimage_), "SETTLED");

    fault(
        {{"endpoint", "lnd.lookup"}, {"act", "reject"}, {"status", 503}, {"code", 14}, {"message", "m"}, {"times", 1}});
    const HttpsReply rejected = get("/v1/invoice/" + encode_hex(sha256(preimage_)));
    EXPECT_EQ(rejected.status, 503);
    EXPECT_EQ(json::parse(rejected.body)["code"], 14);
    fault({{"endpoint", "lnd.lookup"}, {"act", "hang"}, {"times", 1}});
    EXPECT_EQ(get("/v1/invoice/" + encode_hex(sha256(preimage_)), Milliseconds(100)).status, 0);
}

TEST_F(LndPort, EventsOfStreamsCanBeLostTornOrTheLast)
{
    create();
    create();
    auto all = stream("/v1/invoices/subscribe?add_index=1");
    EXPECT_EQ(result(all->next())["add_index"], "2");
    fault({{"endpoint", "lnd.event"}, {"act", "hang"}, {"times", 1}});
    create();
    create();
    EXPECT_EQ(result(all->next())["add_index"], "4") << "the third was lost, and nothing shows it";
    fault({{"endpoint", "lnd.event"}, {"act", "cut"}, {"times", 1}});
    create();
    EXPECT_TRUE(all->ended());
    const auto torn = all->next();
    ASSERT_TRUE(torn);
    EXPECT_FALSE(json::accept(*torn));

    all = stream("/v1/invoices/subscribe?add_index=4");
    EXPECT_EQ(result(all->next())["add_index"], "5") << "taken up where it was left";
    fault({{"endpoint", "lnd.event"}, {"act", "drop"}, {"times", 1}});
    create();
    EXPECT_TRUE(all->ended());
    EXPECT_FALSE(all->next(Milliseconds(1)));

    fault({{"endpoint", "lnd.subscribe"}, {"act", "status"}, {"status", 503}, {"body", "{}"}, {"times", 1}});
    const auto refused = stream("/v1/invoices/subscribe");
    EXPECT_TRUE(refused->ended());
    EXPECT_EQ(refused->status(), 503);
}

TEST_F(LndPort, ARestartEndsStreamsAndWhatHappenedMeanwhileCanBeCaughtUpWith)
{
    const json first = create();
    pay(first);
    const json second = create();
    const auto all = stream("/v1/invoices/subscribe?add_index=1");
    EXPECT_EQ(result(all->next())["payment_request"], second["payment_request"]);
    EXPECT_EQ(control("GET", "/state")["lightning"]["lnd_streams"], 1);
    EXPECT_EQ(control("POST", "/lnd/down")["ok"], true);
    EXPECT_TRUE(all->ended());
    EXPECT_EQ(get("/v1/getinfo").status, 0);
    EXPECT_EQ(pay(second)["status"], "paid") << "the node works, its port does not";
    EXPECT_EQ(control("POST", "/lnd/up")["ok"], true);
    const auto again = stream("/v1/invoices/subscribe?settle_index=1");
    EXPECT_EQ(result(again->next())["payment_request"], second["payment_request"]);
}

TEST_F(LndPort, ABuyersWalletPaysOverIt)
{
    const std::string bolt11 = world_->with_lightning([](Lightning& lightning) {
        return lightning.make(LightningNode::phoenixd, {Msat(21'000), "an hour"})->bolt11;
    });
    const HttpsReply sent = post("/v2/router/send", {{"payment_request", bolt11}, {"fee_limit_sat", 5}});
    EXPECT_EQ(sent.status, 200);
    ASSERT_EQ(std::count(sent.body.begin(), sent.body.end(), '\n'), 2);
    const std::string last = sent.body.substr(sent.body.find('\n') + 1);
    EXPECT_EQ(json::parse(last)["result"]["status"], "SUCCEEDED");
    EXPECT_EQ(json::parse(get("/v1/payreq/" + bolt11).body)["num_satoshis"], "21");
    control("POST", "/lnd", {{"balance_msat", 5'000}});
    EXPECT_EQ(json::parse(get("/v1/balance/channels").body)["local_balance"]["sat"], "5");
}

} // namespace
} // namespace adit::devnet
