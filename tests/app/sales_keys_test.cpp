// Another sales key, and the former one still redeemable.
#include "app/shop_world.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/nut18.h"
#include "payments/cashu/p2pk.h"

namespace adit::app {
namespace {

namespace cashu = payments::cashu;
using devnet::Fault;
using devnet::FaultAct;
using devnet::FaultMoment;
using payments::cashu::P2pkLock;
using payments::cashu::SigFlag;

class SalesKeys : public testing::Test {
protected:
    /// What the operator changes in the config; `kept`: the old key is named among the former ones.
    void rotate(bool kept = true)
    {
        auto& keys = world_.config.cashu;
        if (kept) keys.former_sales_keys.push_back(keys.sales_key->duplicate());
        keys.sales_key = protocol::SecretKey::generate(world_.rng);
        world_.restart();
    }
    cashu::Point current() const { return cashu::even_point(world_.config.cashu.sales_key->public_key()); }

    /// Pays with proofs that are locked so, `amounts` of each.
    Buyer buyer_with(std::vector<std::vector<std::uint64_t>> amounts, const std::vector<P2pkLock>& locks)
    {
        Buyer buyer = world_.buyer({1});
        buyer.proofs.clear();
        for (std::size_t i = 0; i < locks.size(); ++i)
            for (auto& proof :
                 world_.make_proofs(amounts.at(i), [&] { return cashu::make_p2pk_secret(locks[i], world_.rng); }))
                buyer.proofs.push_back(std::move(proof));
        buyer.token = cashu::encode_token({"https://mint.example", "sat", std::nullopt, buyer.proofs});
        world_.sign_request(buyer, buyer.key);
        return buyer;
    }
    void expect_sold(const Buyer& buyer, std::uint64_t paid)
    {
        const std::uint64_t before = world_.wallet();
        const Answered answered = world_.insist(buyer);
        EXPECT_EQ(answered.status, 200) << answered.response.body;
        EXPECT_EQ(world_.spent_of(buyer), paid);
        EXPECT_EQ(world_.wallet(), before + paid);
        EXPECT_TRUE(world_.has_tunnel(buyer));
    }
    static Fault silence(FaultMoment moment)
    {
        Fault fault;
        fault.endpoint = "mint.swap";
        fault.act = FaultAct::drop;
        fault.moment = moment;
        fault.times = 1;
        return fault;
    }

    ShopWorld world_;
};

TEST_F(SalesKeys, ATokenLockedToAFormerKeyBuysAsBefore)
{
    const Buyer with_old = world_.buyer({64, 32, 4});
    rotate();
    expect_sold(with_old, 100);
    expect_sold(world_.buyer({64, 32, 4}), 100);
    rotate(); // and once more: the oldest one counts still
}

TEST_F(SalesKeys, EachProofOfATokenIsSignedByTheKeyThatItNames)
{
    const auto oldest = current();
    rotate();
    const auto old = current();
    rotate();
    expect_sold(buyer_with({{64}, {32}, {4}}, {{.keys = {oldest}}, {.keys = {current()}}, {.keys = {old}}}), 100);
    // One that names two of ours is enough with either.
    expect_sold(buyer_with({{64, 32, 4}}, {{.keys = {old, current()}}}), 100);
    expect_sold(buyer_with({{64, 32, 4}}, {{.keys = {old}, .sigflag = SigFlag::all}}), 100);
    // SIG_ALL is one lock for all.
    const Buyer mixed = buyer_with(
        {{64, 32}, {4}}, {{.keys = {old}, .sigflag = SigFlag::all}, {.keys = {current()}, .sigflag = SigFlag::all}});
    EXPECT_EQ(world_.ask(mixed).status, 402);
    EXPECT_EQ(world_.spent_of(mixed), 0U);
}

TEST_F(SalesKeys, AFormerKeyThatIsNotNamedIsNobodys)
{
    const Buyer with_old = world_.buyer({64, 32, 4});
    rotate(false);
    const Answered answered = world_.ask(with_old);
    EXPECT_EQ(answered.status, 402);
    EXPECT_NE(answered.response.body.find("wrong-p2pk"), std::string::npos);
    EXPECT_EQ(world_.spent_of(with_old), 0U);
}

TEST_F(SalesKeys, BuyersAreToldOfTheNewOneOnly)
{
    const auto old = current();
    rotate();
    ASSERT_NE(current(), old);
    Buyer without_token = world_.buyer({1});
    std::erase_if(without_token.request.headers, [](const auto& header) { return header.first == "x-cashu"; });
    const Answered asked = world_.ask(without_token);
    EXPECT_EQ(asked.status, 402);
    ASSERT_TRUE(asked.header("X-Cashu"));
    const auto request = cashu::parse_payment_request(*asked.header("X-Cashu"));
    ASSERT_TRUE(request.has_value() && request->lock);
    EXPECT_EQ(request->lock->data, current().hex());
}

TEST_F(SalesKeys, WhatWasOpenUnderTheOldKeyComesToItsEndUnderTheNewOne)
{
    for (const FaultMoment moment : {FaultMoment::before, FaultMoment::after}) {
        for (const bool rotated : {false, true}) { // then the mint signs no old output, and each input anew
            SCOPED_TRACE(rotated);
            const Buyer buyer = world_.buyer({64, 32, 4});
            world_.faults.add(silence(moment));
            EXPECT_EQ(world_.ask(buyer).status, 503);
            rotate();
            if (rotated) world_.mint.rotate({.unit = "sat"});
            expect_sold(buyer, 100);
        }
    }
}

TEST_F(SalesKeys, WithoutTheFormerKeyWhatWasSentIsFoundAllTheSame)
{
    const Buyer buyer = world_.buyer({64, 32, 4});
    world_.faults.add(silence(FaultMoment::after));
    EXPECT_EQ(world_.ask(buyer).status, 503);
    rotate(false);
    expect_sold(buyer, 100); // the bytes are in the journal, signed
}

} // namespace
} // namespace adit::app
