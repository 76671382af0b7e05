// The built daemon sells for Lightning, to a wallet that follows the LUDs, through each backend and its accidents.
#include "e2e/payer.h"

#include "base/clock.h"
#include "protocol/constants.h"

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
    void put_clock(Seconds ahead)
    {
        shop_.world->with_lightning(
            [&](devnet::Lightning& network) { network.set_clock_offset(node_of(GetParam()), ahead); });
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

TEST_P(LightningSales, ANodeWhoseClockIsHalfAMinuteApartSells)
{
    for (const Seconds ahead : {Seconds(30), Seconds(-30)}) {
        put_clock(ahead);
        expect_a_sale();
    }
}

TEST_P(LightningSales, ANodeWhoseClockIsMinutesApartIsNoInvoiceForTheBuyerAndAWordForTheOperator)
{
    for (const Seconds ahead : {Seconds(300), Seconds(-300)}) {
        put_clock(ahead);
        Payer payer(shop_);
        EXPECT_FALSE(payer.ask_invoice());
        EXPECT_EQ(payer.refusal(), "lightning-unreachable");
    }
    EXPECT_NE(shop_.daemon->output().find("clock"), std::string::npos) << "what is wrong is said";
    EXPECT_EQ(shop_.sql("SELECT 1 FROM purchases WHERE state <> 'released'").size(), 0U);
    put_clock(Seconds(0));
    expect_a_sale();
}

TEST_P(LightningSales, AnInvoiceThatIsOverByTheNodesClockIsNotPaidAndLetsItsAddressGo)
{
    Payer payer(shop_);
    ASSERT_TRUE(payer.ask_invoice()) << payer.refusal();
    put_clock(protocol::kInvoiceExpiry + Seconds(60));
    EXPECT_FALSE(payer.pay());
    EXPECT_TRUE(eventually(Seconds(20), [&] {
        EXPECT_FALSE(payer.verify().settled); // and makes the daemon ask
        return shop_.sql("SELECT state FROM purchases").front().front() == "released";
    }));
    put_clock(Seconds(0));
    if (GetParam() == Pays::phoenixd) {
        // It cancels nothing: with its clock right again it takes the money, and the buyer gets what it is for.
        EXPECT_TRUE(payer.pay());
        ASSERT_TRUE(payer.until_settled());
        expect_tunnel(payer);
    } else {
        EXPECT_FALSE(payer.pay());
    }
    expect_a_sale();
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

/// A payment that LND holds, and a daemon that can not settle it yet.
class HeldPayment : public testing::Test {
protected:
    HeldPayment() : shop_({.lightning = Pays::lnd_held}), payer_(shop_)
    {
        shop_.start();
        Fault silence;
        silence.endpoint = "lnd.settle";
        silence.act = FaultAct::cut;
        silence.moment = FaultMoment::before;
        silence.times.reset();
        shop_.world->faults().add(silence);
    }
    void invoice() { ASSERT_TRUE(payer_.ask_invoice()) << payer_.refusal(); }
    bool until_row_is(const std::string& state)
    {
        return eventually(Seconds(20),
                          [&] { return shop_.sql("SELECT state FROM purchases").front().front() == state; });
    }
    std::size_t peers() { return nlohmann::json::parse(shop_.admin("status"))["sessions"].get<std::size_t>(); }
    devnet::LightningInvoice at_node()
    {
        return shop_.world->with_lightning([&](devnet::Lightning& network) { return *network.find(payer_.hash); });
    }
    void mine(std::uint32_t blocks)
    {
        shop_.world->with_lightning([&](devnet::Lightning& network) { network.mine(blocks); });
    }

    Shop shop_;
    Payer payer_;
};

TEST_F(HeldPayment, PaidTwiceWhileItWaitsIsOneTunnelAndNoMoneyLeftHanging)
{
    invoice();
    EXPECT_TRUE(payer_.pay());
    ASSERT_TRUE(until_row_is("settling"));
    const auto refusal = shop_.world->with_lightning([&](devnet::Lightning& network) {
        return network.pay(payer_.answer.pr, {}, devnet::Lightning::Repeat::second_htlc).refusal;
    });
    EXPECT_FALSE(refusal);
    shop_.world->faults().clear();
    ASSERT_TRUE(payer_.until_settled());
    EXPECT_TRUE(until_row_is("active"));
    EXPECT_EQ(peers(), 1U);
    const auto session = nlohmann::json::parse(shop_.get(payer_.session_path()).body);
    EXPECT_LE(session["expires_at"].get<std::int64_t>() - system_clock().now().count(), 3601) << "one hour, not two";
    const auto invoice = at_node();
    ASSERT_EQ(invoice.htlcs.size(), 2U);
    for (const auto& htlc : invoice.htlcs) EXPECT_EQ(htlc.state, devnet::Htlc::State::settled);
}

TEST_F(HeldPayment, GivenUpByTheNodeBeforeItIsSettledTakesThePeerAwayAndIsNotOwed)
{
    invoice();
    EXPECT_TRUE(payer_.pay());
    ASSERT_TRUE(until_row_is("settling"));
    EXPECT_EQ(peers(), 1U);
    mine(100);
    EXPECT_EQ(at_node().state, devnet::LightningState::canceled);
    EXPECT_TRUE(until_row_is("released"));
    EXPECT_EQ(peers(), 0U);
    EXPECT_FALSE(payer_.verify().settled);
    EXPECT_EQ(nlohmann::json::parse(shop_.admin("sessions"))["owed"].size(), 0U);
}

TEST_F(HeldPayment, NearItsTimeoutWhenTheDaemonComesBackGoesBackToThePayer)
{
    invoice();
    shop_.daemon->kill();
    EXPECT_TRUE(payer_.pay());
    const auto locked = at_node().htlcs.at(0);
    mine(locked.expiry_height - locked.accept_height - protocol::kHoldBlocksLeast + 1); // LND itself waits on
    EXPECT_EQ(at_node().state, devnet::LightningState::accepted);
    shop_.start();
    EXPECT_TRUE(until_row_is("released"));
    EXPECT_EQ(at_node().state, devnet::LightningState::canceled);
    EXPECT_EQ(peers(), 0U);
}

TEST_F(HeldPayment, TimedOutWhileTheDaemonWasDownLeavesNoPeer)
{
    invoice();
    shop_.daemon->kill();
    EXPECT_TRUE(payer_.pay());
    mine(100);
    EXPECT_EQ(at_node().state, devnet::LightningState::canceled);
    shop_.start();
    EXPECT_TRUE(until_row_is("released"));
    EXPECT_EQ(peers(), 0U);
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
