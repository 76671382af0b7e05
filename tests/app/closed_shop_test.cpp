// A shop that does not take Cashu. No config of this version makes one, so it has no test over HTTP.
#include "app/shop_world.h"

namespace adit::app {
namespace {

TEST(ClosedShop, ThatTakesNoCashuSaysSoBeforeItLooksAtAnythingElse)
{
    ShopWorld world;
    Buyer buyer = world.buyer({4, 32, 64});
    world.config.cashu.enabled = false;
    const auto expect_closed = [&] {
        const Answered answered = world.ask(buyer);
        EXPECT_EQ(answered.status, 503);
        EXPECT_EQ(std::get<protocol::Refused>(answered.answer).word, "cashu-not-configured");
        EXPECT_EQ(world.spent_of(buyer), 0U);
        EXPECT_EQ(world.wire.swaps(), 0);
    };
    expect_closed();
    buyer.request.headers.clear();
    expect_closed();
    buyer.request.body = "{";
    expect_closed();
}

TEST(ClosedShop, StillAnswersThoseWhoHavePaid)
{
    ShopWorld world;
    const Buyer buyer = world.buyer({4, 32, 64});
    const Answered first = world.ask(buyer);
    EXPECT_EQ(first.status, 200);
    world.config.cashu.enabled = false;
    EXPECT_EQ(world.ask(buyer).response.body, first.response.body);
    world.config.cashu.enabled = true;
    world.process->shop.paused = true;
    EXPECT_EQ(world.ask(buyer).response.body, first.response.body);
    EXPECT_EQ(world.ask(world.buyer({4, 32, 64})).status, 503);
}

} // namespace
} // namespace adit::app
