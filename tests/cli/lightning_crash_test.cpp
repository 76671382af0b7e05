// The buyer's process dies at every moment of a purchase over Lightning; a new one goes on from the file.
#include "cli/lightning_world.h"

#include <cstdio>

namespace adit::cli {
namespace {

using PayerMood = LightningWorld::NodeMood;

constexpr int kMostPaymentMoments = 100;

int paid_times(const LightningWorld& world)
{
    int times = 0;
    for (const SoldInvoice& invoice : world.invoices) times += invoice.paid;
    return times;
}

/// Goes on as a user would, who was told to.
Buyer::Outcome insist_on_tunnel(LightningWorld& world, Record& record)
{
    Buyer::Outcome outcome{End::open};
    for (int tries = 0; tries < 6 && outcome.end != End::delivered; ++tries) {
        record = world.reload();
        outcome = world.go_on(record);
    }
    return outcome;
}

int die_at_every_payment(std::optional<PayerChoice::Kind> payer, PayerMood mood)
{
    int moments = 0;
    for (int at = 1; at < kMostPaymentMoments; ++at) {
        SCOPED_TRACE("moment " + std::to_string(at));
        LightningWorld world;
        world.mood = mood;
        // The user pays what is shown first, once.
        world.on_invoice = [&](const std::string& bolt11) {
            if (paid_times(world) == 0) world.pay(bolt11);
        };
        Record record = world.begin(LightningMode::invoice, payer);
        DeathAt death{.at = at};
        const auto first = world.go_on(record, Seconds(30), &death);
        SCOPED_TRACE("died " + death.where + "; " + first.why);
        const auto last = insist_on_tunnel(world, record);
        EXPECT_EQ(last.end, End::delivered) << last.why;
        EXPECT_EQ(paid_times(world), 1);
        EXPECT_TRUE(!payer || world.shown.empty());
        int shown_invoices = 0;
        for (const SoldInvoice& invoice : world.invoices)
            shown_invoices += std::ranges::count(world.shown, invoice.bolt11) > 0 ? 1 : 0;
        EXPECT_LE(shown_invoices, 1) << "the user has seen two invoices for one purchase";
        if (::testing::Test::HasFailure()) return moments;
        if (!death.dead) break; // every moment has had its turn
        ++moments;
    }
    return moments;
}

TEST(LightningBuyerCrash, NothingIsLostOrPaidTwiceWhenAWalletPays)
{
    EXPECT_GT(die_at_every_payment(std::nullopt, PayerMood::pays), 15);
}

TEST(LightningBuyerCrash, NothingIsLostOrPaidTwiceWhenTheNodePays)
{
    for (const auto kind : {PayerChoice::Kind::lnd, PayerChoice::Kind::phoenixd}) {
        SCOPED_TRACE(kind == PayerChoice::Kind::lnd ? "lnd" : "phoenixd");
        for (const PayerMood mood : {PayerMood::pays, PayerMood::silent_after, PayerMood::silent_before}) {
            SCOPED_TRACE(static_cast<int>(mood));
            EXPECT_GT(die_at_every_payment(kind, mood), 15);
        }
    }
}

TEST(LightningBuyerCrash, AnLnurlIsTheSameWheneverItDies)
{
    for (int at = 1; at < kMostPaymentMoments; ++at) {
        SCOPED_TRACE(at);
        LightningWorld world;
        Record record = world.begin(LightningMode::lnurl);
        const std::string key = encode_hex(record.keys.wireguard.expose());
        DeathAt death{.at = at};
        world.go_on(record, Seconds(0), &death);
        record = world.reload();
        EXPECT_EQ(world.go_on(record).end, End::handed);
        EXPECT_EQ(encode_hex(world.reload().keys.wireguard.expose()), key);
        if (!death.dead) return;
    }
    FAIL() << "it never came to its end";
}

} // namespace
} // namespace adit::cli
