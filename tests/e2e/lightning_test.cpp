// The built daemon sells for Lightning, to a wallet that follows the LUDs, through each backend and its accidents.
#include "e2e/payer.h"

#include "base/clock.h"

#include <nlohmann/json.hpp>

namespace adit::e2e {
namespace {

using devnet::Fault;
using devnet::FaultAct;
using devnet::FaultMoment;
using fakes::eventually;

devnet::LightningNode node_of(Pays pays)
{
    return pays == Pays::phoenixd ? devnet::LightningNode::phoenixd : devnet::LightningNode::lnd;
}

std::string name_of(const testing::TestParamInfo<Pays>& info)
{
    switch (info.param) {
    case Pays::phoenixd:
        return "phoenixd";
    case Pays::lnd:
        return "lnd";
    case Pays::lnd_held:
        return "lnd_held";
    }
    return "";
}

class LightningSales : public testing::TestWithParam<Pays> {
protected:
    LightningSales() : shop_({.lightning = GetParam()}) { shop_.start(); }

    void fault(const std::string& phoenixd, const std::string& lnd, FaultAct act, FaultMoment moment,
               std::optional<std::uint64_t> times = 1)
    {
        Fault fault;
        fault.endpoint = GetParam() == Pays::phoenixd ? "phoenixd." + phoenixd : "lnd." + lnd;
        fault.act = act;
        fault.moment = moment;
        fault.times = times;
        shop_.world->faults().add(fault);
    }
    const char* making() const { return GetParam() == Pays::lnd_held ? "hodl" : "invoices"; }
    bool lightning_is_well()
    {
        const auto health = nlohmann::json::parse(shop_.get("/health").body, nullptr, false);
        return health.is_object() && health["checks"]["lightning"] == "ok";
    }
    void expect_tunnel(const Payer& payer)
    {
        // Settled comes before active where nothing is held.
        EXPECT_TRUE(eventually(Seconds(20), [&] {
            const auto session = nlohmann::json::parse(shop_.get(payer.session_path()).body, nullptr, false);
            return session.is_object() && session["status"] == "active";
        }));
        EXPECT_EQ(payer.config().server_key, shop_.server_key);
        EXPECT_TRUE(payer.config().preshared_key);
    }
    void expect_a_sale()
    {
        Payer payer(shop_);
        ASSERT_TRUE(payer.ask_invoice()) << payer.refusal();
        EXPECT_TRUE(payer.pay());
        ASSERT_TRUE(payer.until_settled());
        expect_tunnel(payer);
    }

    Shop shop_;
};
INSTANTIATE_TEST_SUITE_P(Backends, LightningSales, testing::Values(Pays::phoenixd, Pays::lnd, Pays::lnd_held), name_of);

TEST_P(LightningSales, AWalletBuysATunnelAndAnotherOneCanNotPayTheSameInvoiceAgain)
{
    Payer payer(shop_);
    ASSERT_TRUE(payer.ask_invoice()) << payer.refusal();
    EXPECT_FALSE(payer.verify().settled);
    EXPECT_FALSE(payer.verify().preimage);
    EXPECT_TRUE(payer.pay());
    ASSERT_TRUE(payer.until_settled());
    expect_tunnel(payer);
    EXPECT_FALSE(payer.pay());
    EXPECT_EQ(nlohmann::json::parse(shop_.admin("status"))["sessions"], 1);
    EXPECT_EQ(nlohmann::json::parse(shop_.admin("sessions"))["owed"].size(), 0U);
    EXPECT_TRUE(lightning_is_well());
    shop_.restart();
    expect_tunnel(payer);
    EXPECT_TRUE(payer.verify().settled);
}

TEST_P(LightningSales, ABackendThatIsDownIsAnErrorBeforeAnInvoiceExistsAndWellAgainAfterwards)
{
    shop_.world->go_down(node_of(GetParam()));
    Payer payer(shop_);
    EXPECT_FALSE(payer.ask_invoice());
    EXPECT_EQ(payer.refusal(), "lightning-unreachable");
    EXPECT_FALSE(lightning_is_well());
    // Who pays with ecash notices nothing.
    EXPECT_EQ(shop_.ask(shop_.buyer({4, 32, 64}).request).status, 200);
    shop_.world->come_up(node_of(GetParam()));
    expect_a_sale();
    EXPECT_TRUE(lightning_is_well());
}

TEST_P(LightningSales, ASilentRefusingOrConfusedBackendLeavesNothingBehind)
{
    for (const auto act : {FaultAct::drop, FaultAct::cut, FaultAct::status, FaultAct::not_json, FaultAct::reject}) {
        for (const auto moment : {FaultMoment::before, FaultMoment::after}) {
            shop_.world->faults().clear();
            fault("createinvoice", making(), act, moment);
            Payer payer(shop_);
            const bool asked = payer.ask_invoice();
            // A request that got no byte of an answer may be sent once more by the library; the invoice is one then
            // too.
            if (!asked) {
                EXPECT_EQ(payer.refusal(), "lightning-unreachable");
            }
        }
    }
    shop_.world->faults().clear();
    for (const auto& row : shop_.sql("SELECT state FROM purchases"))
        EXPECT_TRUE(row.front() == "released" || row.front() == "open") << row.front();
    expect_a_sale();
}

TEST_P(LightningSales, APaymentWhileTheBackendIsOutOfReachIsFoundWhenItIsBack)
{
    Payer payer(shop_);
    ASSERT_TRUE(payer.ask_invoice()) << payer.refusal();
    shop_.world->go_down(node_of(GetParam()));
    EXPECT_TRUE(payer.pay());
    EXPECT_FALSE(payer.verify().settled);
    shop_.world->come_up(node_of(GetParam()));
    ASSERT_TRUE(payer.until_settled());
    expect_tunnel(payer);
}

TEST_P(LightningSales, APaymentWhoseEventIsLostIsFoundByAsking)
{
    Payer payer(shop_);
    ASSERT_TRUE(payer.ask_invoice()) << payer.refusal();
    fault("event", "event", FaultAct::hang, FaultMoment::before, std::nullopt);
    EXPECT_TRUE(payer.pay());
    ASSERT_TRUE(payer.until_settled());
    expect_tunnel(payer);
}

TEST_P(LightningSales, APaymentWhileTheDaemonIsDownIsFoundAtItsStart)
{
    Payer payer(shop_);
    ASSERT_TRUE(payer.ask_invoice()) << payer.refusal();
    shop_.daemon->kill();
    EXPECT_TRUE(payer.pay());
    shop_.start();
    ASSERT_TRUE(payer.until_settled());
    expect_tunnel(payer);
}

TEST_P(LightningSales, SettlementIsPushedSoThatThePayerWaitsForNoPoll)
{
    // Nobody asks verify here, and the slow poll is 15 s away: only the backend's own word can bring the tunnel up.
    Payer warm(shop_);
    ASSERT_TRUE(warm.ask_invoice());
    EXPECT_TRUE(warm.pay());
    ASSERT_TRUE(warm.until_settled()); // its streams are up
    Payer payer(shop_);
    ASSERT_TRUE(payer.ask_invoice());
    EXPECT_TRUE(payer.pay());
    EXPECT_TRUE(eventually(Milliseconds(10'000), [&] {
        const auto rows = shop_.sql("SELECT COUNT(*) FROM purchases WHERE state = 'active'");
        return !rows.empty() && rows.front().front() == "2";
    }));
}

TEST_P(LightningSales, NeitherPreimageNorPasswordNorMacaroonNorInvoiceIsLogged)
{
    shop_.restart();
    shop_.start({}, "debug");
    fault("createinvoice", making(), FaultAct::status, FaultMoment::after);
    Payer refused(shop_);
    refused.ask_invoice();
    shop_.world->faults().clear();
    Payer payer(shop_);
    ASSERT_TRUE(payer.ask_invoice()) << payer.refusal();
    EXPECT_TRUE(payer.pay());
    ASSERT_TRUE(payer.until_settled());
    const auto said = payer.verify();
    const std::string session = payer.session_path().substr(9);
    EXPECT_EQ(shop_.get(payer.session_path()).status, 200);
    const auto config = payer.config();
    EXPECT_EQ(shop_.daemon->stop(), 0);
    const std::string log = shop_.daemon->output();
    EXPECT_NE(log.find("session_active"), std::string::npos);
    for (const std::string& secret :
         {encode_hex(said.preimage->expose()), encode_base64(said.preimage->expose()), payer.answer.pr,
          shop_.world->phoenixd_limited_password(), encode_hex(shop_.world->lnd_admin_macaroon()), session,
          payer.client_key.base64(), payer.client_key.hex(), payer.refund_key.hex(), encode_hex(payer.hash),
          encode_base64(config.preshared_key->expose()), config.addresses.front()})
        EXPECT_EQ(log.find(secret), std::string::npos) << "it stands in the log: " << secret.substr(0, 8);
}

TEST(LightningOnly, AShopWithoutCashuSellsAndNeedsNoWallet)
{
    Shop shop({.cashu = "enabled = false", .lists_cashu = false, .lightning = Pays::lnd});
    shop.start();
    Payer payer(shop);
    ASSERT_TRUE(payer.ask_invoice()) << payer.refusal();
    EXPECT_TRUE(payer.pay());
    ASSERT_TRUE(payer.until_settled());
    EXPECT_TRUE(eventually(
        Seconds(20), [&] { return shop.get(payer.session_path()).body.find("\"active\"") != std::string::npos; }));
    EXPECT_EQ(shop.ask(shop.buyer({4, 32, 64}).request).reason(), "cashu-not-configured");
    const auto info = nlohmann::json::parse(shop.get("/info").body);
    EXPECT_EQ(info["payment_methods"], nlohmann::json::array({"lightning"}));
    EXPECT_EQ(info["lightning_endpoints"], nlohmann::json::array({"https://shop.example/lnurlp"}));
}

TEST(LightningOff, WalletsAreToldSoWithStatus200)
{
    Shop shop;
    shop.start();
    for (const char* path : {"/lnurlp", "/lnurlp/callback?amount=1", "/lnurlp/verify/00"}) {
        const Reply reply = shop.get(path);
        EXPECT_EQ(reply.status, 200);
        EXPECT_EQ(reply.reason(), "lightning-not-configured");
        EXPECT_EQ(reply.header("Access-Control-Allow-Origin"), "*");
    }
}

} // namespace
} // namespace adit::e2e
