// What a buyer does over Lightning with every answer of an operator, honest or not, and with its own node.
#include "cli/lightning_world.h"
#include "cli/market_world.h"
#include "payments/cashu/curve.h"
#include "protocol/wg_config.h"

#include <gmock/gmock.h>

namespace adit::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ShopMood = LightningWorld::NodeMood;

class LightningBuying : public ::testing::Test {
protected:
    /// The user's wallet pays what is shown.
    void with_wallet()
    {
        world.on_invoice = [this](const std::string& bolt11) { world.pay(bolt11); };
    }
    void expect_tunnel(const Record& record)
    {
        ASSERT_TRUE(record.tunnel.has_value());
        const auto config = protocol::parse_config(record.tunnel->config);
        ASSERT_TRUE(config.has_value() && config->private_key.has_value());
        EXPECT_TRUE(*config->private_key == record.keys.wireguard);
        EXPECT_EQ(record.tunnel->quantity, record.offer.quantity);
    }
    LightningWorld world;
};

TEST_F(LightningBuying, APaidInvoiceOpensTheConfig)
{
    with_wallet();
    Record record = world.begin();
    const auto outcome = world.go_on(record);
    ASSERT_EQ(outcome.end, End::delivered) << outcome.why;
    expect_tunnel(record);
    EXPECT_EQ(record.tunnel->expires_at, UnixSeconds(1'800'000'000));
    EXPECT_EQ(record.tunnel->session_url, "https://vpn.example/session/00ff");
    ASSERT_EQ(world.invoices.size(), 1U);
    EXPECT_EQ(world.invoices[0].paid, 1);
    EXPECT_EQ(world.invoices[0].client_key, protocol::wireguard_public_key(record.keys.wireguard).base64());
    EXPECT_TRUE(world.comments.empty()) << "the address says it all";
    record = world.reload();
    EXPECT_EQ(record.stage, Stage::delivered);
    EXPECT_EQ(world.go_on(record).end, End::delivered);
    EXPECT_EQ(world.invoices.size(), 1U);
}

TEST_F(LightningBuying, AnOperatorOfTheOldKindGetsTheCommentAndMayShowTheTextItself)
{
    world.understands_parameters = false;
    world.link_action = false;
    world.names_session = false;
    with_wallet();
    Record record = world.begin(LightningMode::invoice, {}, 1);
    const auto outcome = world.go_on(record);
    ASSERT_EQ(outcome.end, End::delivered) << outcome.why;
    expect_tunnel(record);
    EXPECT_FALSE(record.tunnel->expires_at.has_value());
    ASSERT_EQ(world.comments.size(), 1U);
    EXPECT_THAT(world.comments[0], HasSubstr(record.keys.refund.public_key().hex()));
}

TEST_F(LightningBuying, WhatCanNotBePaidIsRefusedBeforeAnInvoiceIsShown)
{
    struct Case {
        const char* name;
        std::function<void(LightningWorld&)> prepare;
        const char* why;
        std::uint64_t quantity = 2;
    };
    const std::vector<Case> cases{
        {"single units only", [](auto& w) { w.understands_parameters = false; }, "single units"},
        {"no room for a comment",
         [](auto& w) {
             w.understands_parameters = false;
             w.comment_allowed = 120;
         },
         "neither in its address nor in a comment", 1},
        {"its own words", [](auto& w) { w.words = protocol::encode_lnurl_error(Reason::no_ip_available); },
         "no-ip-available"},
        {"not LNURL", [](auto& w) { w.words = "<html>"; }, "JSON"},
        {"an invoice over more", [](auto& w) { w.invoice_sat = 43; }, "43 sat"},
        {"an invoice over less", [](auto& w) { w.invoice_sat = 41; }, "41 sat"},
        {"an invoice for something else", [](auto& w) { w.hash_of_other_metadata = true; }, "does not commit"},
        {"nothing to be opened", [](auto& w) { w.has_action = false; }, "no config"},
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.name);
        LightningWorld strange;
        one.prepare(strange);
        Record record = strange.begin(LightningMode::invoice, {}, one.quantity);
        const auto outcome = strange.go_on(record);
        EXPECT_EQ(outcome.end, End::refused);
        EXPECT_THAT(outcome.why, HasSubstr(one.why));
        EXPECT_TRUE(strange.shown.empty());
        EXPECT_EQ(strange.reload().stage, Stage::begun);
    }
}

TEST_F(LightningBuying, AnInvoiceThatNobodyPaysExpiresAndCostsNothing)
{
    Record record = world.begin();
    EXPECT_EQ(world.go_on(record, Seconds(60)).end, End::open);
    EXPECT_EQ(world.shown.size(), 1U);
    record = world.reload();
    EXPECT_EQ(record.stage, Stage::invoiced);
    const auto outcome = world.go_on(record, Seconds(3600));
    EXPECT_EQ(outcome.end, End::refused);
    EXPECT_THAT(outcome.why, HasSubstr("expired unpaid"));
    EXPECT_EQ(world.invoices.size(), 1U) << "a second invoice is never asked for";
}

TEST_F(LightningBuying, AnInvoicePaidWhileNobodyLookedIsFoundOut)
{
    Record record = world.begin();
    EXPECT_EQ(world.go_on(record, Seconds(0)).end, End::open);
    world.pay(world.shown.at(0));
    world.clock.advance(Seconds(86400));
    record = world.reload();
    EXPECT_EQ(world.go_on(record).end, End::delivered);
    EXPECT_EQ(world.shown.size(), 1U) << "an invoice that is over is not shown again";
}

TEST_F(LightningBuying, ASilentOperatorLeavesAnExpiredInvoiceOpen)
{
    Record record = world.begin();
    EXPECT_EQ(world.go_on(record, Seconds(0)).end, End::open);
    world.verify_silent = true;
    world.clock.advance(Seconds(86400));
    EXPECT_EQ(world.go_on(record).end, End::open) << "it may have been paid";
}

TEST_F(LightningBuying, WithoutVerifyThePreimageOpensTheConfig)
{
    world.has_verify = false;
    Record record = world.begin();
    const auto outcome = world.go_on(record);
    EXPECT_EQ(outcome.end, End::open);
    EXPECT_THAT(outcome.why, HasSubstr("adit open FILE PREIMAGE"));
    world.pay(world.shown.at(0));
    record = world.reload();
    const auto wrong = world.open(record, std::string(64, 'a'));
    ASSERT_FALSE(wrong.has_value());
    EXPECT_EQ(world.reload().stage, Stage::invoiced);
    const auto opened = world.open(record, encode_hex(world.invoices[0].preimage.expose()) + "\n");
    ASSERT_TRUE(opened.has_value()) << opened.error().detail;
    EXPECT_EQ(opened->end, End::delivered);
    expect_tunnel(world.reload());
}

TEST_F(LightningBuying, ATunnelThatIsNotUpIsWaitedForAndTheConfigKept)
{
    with_wallet();
    world.session_status = "waiting";
    Record record = world.begin();
    const auto outcome = world.go_on(record);
    EXPECT_EQ(outcome.end, End::open);
    EXPECT_THAT(outcome.why, HasSubstr("not up"));
    record = world.reload();
    EXPECT_EQ(record.stage, Stage::settled);
    expect_tunnel(record);
    world.session_status = "active";
    EXPECT_EQ(world.go_on(record).end, End::delivered);
}

TEST_F(LightningBuying, ARefundIsKeptAsACoin)
{
    with_wallet();
    world.session_status = "";
    world.refund = "cashuBnot-a-token";
    Record record = world.begin();
    const auto outcome = world.go_on(record);
    EXPECT_EQ(outcome.end, End::refunded) << outcome.why;
    record = world.reload();
    ASSERT_EQ(record.coins.size(), 1U);
    EXPECT_EQ(record.coins[0].kind, Coin::Kind::refund);
    EXPECT_EQ(record.coins[0].token, "cashuBnot-a-token") << "however it looks";
    EXPECT_THAT(world.said, HasSubstr("does not check out"));
    EXPECT_EQ(world.go_on(record).end, End::refunded);
    EXPECT_EQ(world.reload().coins.size(), 1U);
}

TEST_F(LightningBuying, ARefundIsRedeemedAtItsMint)
{
    MarketWorld market;
    payments::CurlHttpClient curl;
    world.elsewhere = &curl;
    with_wallet();
    Record record = world.begin();
    cashu::P2pkLock lock;
    lock.keys = {cashu::even_point(record.keys.refund.public_key())};
    world.refund = market.token(42, lock);
    const auto outcome = world.go_on(record);
    EXPECT_EQ(outcome.end, End::refunded) << outcome.why;
    EXPECT_THAT(world.said, Not(HasSubstr("Warning")));
    record = world.reload();
    EXPECT_EQ(value_of_coins(record), Sat(42));
    market.file = world.file;
    EXPECT_TRUE(must(market.redeem(record, nullptr, Seconds(20))));
    record = world.reload();
    ASSERT_EQ(record.coins.back().kind, Coin::Kind::redeemed);
    EXPECT_EQ(market.unspent(record.coins.back().token), Sat(41)); // three proofs, one sat of fee
    EXPECT_EQ(record.stage, Stage::refunded);
}

TEST_F(LightningBuying, ARefundThatComesWhileTheTunnelIsWaitedForIsTaken)
{
    with_wallet();
    world.session_status = "waiting";
    Record record = world.begin();
    EXPECT_EQ(world.go_on(record).end, End::open);
    world.refund = "cashuBlate";
    EXPECT_EQ(world.go_on(record).end, End::refunded);
    EXPECT_EQ(world.reload().coins.size(), 1U);
}

TEST_F(LightningBuying, AConfigThatRunsCommandsIsRefusedAndKeptForPeople)
{
    with_wallet();
    world.bad_config = "[Interface]\nAddress = 10.0.0.2/32\nPostUp = rm -rf /\n[Peer]\n";
    Record record = world.begin();
    const auto outcome = world.go_on(record);
    EXPECT_EQ(outcome.end, End::open);
    EXPECT_THAT(outcome.why, HasSubstr("not to be trusted"));
    record = world.reload();
    EXPECT_FALSE(record.tunnel.has_value());
    EXPECT_THAT(record.puzzle.value_or(""), HasSubstr("PostUp"));
}

// ---- an LNURL for a wallet -----------------------------------------------------------------------------------------

TEST_F(LightningBuying, AnLnurlCarriesTheWholePurchaseAndItsLinkIsOpened)
{
    Record record = world.begin(LightningMode::lnurl);
    const auto outcome = world.go_on(record);
    ASSERT_EQ(outcome.end, End::handed) << outcome.why;
    EXPECT_TRUE(world.invoices.empty()) << "the wallet asks for it";
    record = world.reload();
    const std::string url = record.lightning->lnurl;
    EXPECT_THAT(url, HasSubstr("p=1&q=2&client_pubkey="));
    EXPECT_EQ(protocol::parse_lnurl(protocol::encode_lnurl(url)).value(), url);
    EXPECT_EQ(world.go_on(record).end, End::handed) << "it can be shown again";

    // What the wallet does.
    const auto offered = world.call({.method = "GET", .url = url});
    const auto request = std::get<protocol::PayRequest>(protocol::parse_pay_request(offered->body).value());
    ASSERT_TRUE(world.call({.method = "GET", .url = request.callback + "&amount=42000"}).has_value());
    EXPECT_EQ(world.invoices.at(0).client_key, protocol::wireguard_public_key(record.keys.wireguard).base64());

    EXPECT_FALSE(world.open(record, "https://vpn.example/").has_value());
    EXPECT_FALSE(world.open(record, std::string(64, 'a')).has_value());
    EXPECT_EQ(world.reload().stage, Stage::handed);
    const auto opened = world.open(record, " " + world.shown_for(world.invoices[0]) + "\n");
    ASSERT_TRUE(opened.has_value()) << opened.error().detail;
    EXPECT_EQ(opened->end, End::delivered);
    expect_tunnel(world.reload());
    EXPECT_EQ(record.tunnel->expires_at, UnixSeconds(1'800'000'000));
}

TEST_F(LightningBuying, AnLnurlIsNotMadeWhereItWouldNotCarryTheKey)
{
    world.understands_parameters = false;
    Record record = world.begin(LightningMode::lnurl, {}, 1);
    const auto outcome = world.go_on(record);
    EXPECT_EQ(outcome.end, End::refused);
    EXPECT_THAT(outcome.why, HasSubstr("comment"));
}

// ---- a node of one's own -------------------------------------------------------------------------------------------

class OwnNode : public LightningBuying, public ::testing::WithParamInterface<PayerChoice::Kind> {
protected:
    Record begun() { return world.begin(LightningMode::invoice, GetParam()); }
};

TEST_P(OwnNode, PaysOnceAndItsPreimageOpensTheConfig)
{
    world.verify_silent = true;
    Record record = begun();
    const auto outcome = world.go_on(record);
    ASSERT_EQ(outcome.end, End::delivered) << outcome.why;
    expect_tunnel(record);
    EXPECT_EQ(world.told, 1);
    EXPECT_EQ(world.invoices.at(0).paid, 1);
    EXPECT_TRUE(world.shown.empty()) << "there is nobody to show an invoice to";
}

TEST_P(OwnNode, AFailureIsSaidAndTriedAgainOnlyByTheUser)
{
    world.mood = ShopMood::fails;
    Record record = begun();
    const auto outcome = world.go_on(record);
    EXPECT_EQ(outcome.end, End::refused);
    EXPECT_THAT(outcome.why, HasSubstr("could not pay"));
    EXPECT_EQ(world.told, 1);
    record = world.reload();
    EXPECT_EQ(record.lightning->attempt, Attempt::failed);
    world.mood = ShopMood::pays;
    EXPECT_EQ(world.go_on(record).end, End::delivered);
    EXPECT_EQ(world.invoices.size(), 1U);
    EXPECT_EQ(world.invoices[0].paid, 1);
}

TEST_P(OwnNode, AWrongPasswordBeginsNothing)
{
    world.mood = ShopMood::wrong_password;
    Record record = begun();
    const auto outcome = world.go_on(record);
    EXPECT_EQ(outcome.end, End::refused);
    EXPECT_THAT(outcome.why, HasSubstr("needs"));
    EXPECT_EQ(world.reload().lightning->attempt, Attempt::none);
}

TEST_P(OwnNode, SilenceAfterPayingIsLookedUp)
{
    world.mood = ShopMood::silent_after;
    world.verify_silent = true;
    Record record = begun();
    const auto outcome = world.go_on(record);
    EXPECT_EQ(outcome.end, End::delivered) << outcome.why;
    EXPECT_EQ(world.told, 1);
}

TEST_P(OwnNode, ARequestThatWasLostIsSentAgain)
{
    world.mood = ShopMood::silent_before;
    Record record = begun();
    EXPECT_EQ(world.go_on(record).end, End::delivered);
    EXPECT_EQ(world.told, 1);
    EXPECT_EQ(world.invoices.size(), 1U);
}

TEST_P(OwnNode, APaymentUnderWayStaysOpenAndIsFoundLater)
{
    world.mood = ShopMood::hangs;
    Record record = begun();
    EXPECT_EQ(world.go_on(record).end, End::open);
    record = world.reload();
    EXPECT_EQ(record.lightning->attempt, Attempt::begun);
    world.clock.advance(Seconds(86400));
    EXPECT_EQ(world.go_on(record).end, End::open) << "an expired invoice may still be on its way";
    world.release();
    EXPECT_EQ(world.go_on(record).end, End::delivered);
    EXPECT_EQ(world.told, 1);
}

TEST_P(OwnNode, TheOperatorsWordIsProofToo)
{
    world.mood = ShopMood::hangs;
    Record record = begun();
    world.on_pause = [&] { world.pay(world.invoices.at(0).bolt11); };
    EXPECT_EQ(world.go_on(record).end, End::delivered);
}

INSTANTIATE_TEST_SUITE_P(Nodes, OwnNode, ::testing::Values(PayerChoice::Kind::lnd, PayerChoice::Kind::phoenixd),
                         [](const auto& kind) { return kind.param == PayerChoice::Kind::lnd ? "Lnd" : "Phoenixd"; });

} // namespace
} // namespace adit::cli
