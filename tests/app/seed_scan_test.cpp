// The wallet comes back from its words alone, wherever the process dies on the way, and no output is ever sent twice.
#include "app/shop_world.h"
#include "payments/cashu/curve.h"

namespace adit::app {
namespace {

namespace cashu = payments::cashu;
using devnet::Fault;
using devnet::FaultAct;
using devnet::FaultMoment;

template<typename T>
T got(Result<T> result)
{
    EXPECT_TRUE(result.has_value()) << (result.has_value() ? "" : result.error().detail);
    return std::move(result).value();
}

void sell(ShopWorld& world, std::vector<std::uint64_t> amounts)
{
    const Buyer buyer = world.buyer(std::move(amounts));
    ASSERT_EQ(world.insist(buyer).status, 200);
    ASSERT_TRUE(world.has_tunnel(buyer));
}

/// One that takes a single request to the mint, as any sale does whose outputs nobody has used.
void sell_in_one_swap(ShopWorld& world)
{
    const int before = world.wire.swaps();
    sell(world, {64, 32, 4});
    EXPECT_EQ(world.wire.swaps(), before + 1);
}

std::size_t proofs_in_store(ShopWorld& world)
{
    return got(world.process->store->wallet_proofs(store::ProofState::unspent)).size();
}

Fault once_at(const char* endpoint, FaultAct act)
{
    Fault fault;
    fault.endpoint = endpoint;
    fault.act = act;
    fault.moment = FaultMoment::before;
    fault.times = 1;
    return fault;
}

/// Swaps proofs of the wallet away, as another client of the operator would. Gives what they were worth.
std::uint64_t spend_elsewhere(ShopWorld& world, std::size_t count)
{
    std::vector<cashu::Proof> inputs;
    for (const auto& each : got(world.process->store->wallet_proofs(store::ProofState::unspent)))
        if (inputs.size() < count) inputs.push_back(each.proof);
    std::vector<cashu::BlindedMessage> outputs;
    std::uint64_t worth = 0;
    for (const cashu::Proof& input : inputs) {
        worth += input.amount.count();
        const cashu::Scalar r = cashu::random_scalar(world.rng);
        outputs.push_back({input.keyset, input.amount, got(cashu::blind(encode_hex(world.rng.bytes<32>()), r))});
    }
    EXPECT_EQ(world.mint.handle("POST", "/v1/swap", cashu::encode_swap(inputs, outputs)).status, 200);
    return worth;
}

TEST(SeedScan, BringsTheWalletBackFromItsWordsAlone)
{
    ShopWorld world;
    for (int i = 0; i < 3; ++i) sell(world, {64, 32, 4});
    const std::uint64_t before = world.wallet();
    const std::size_t proofs = proofs_in_store(world);
    ASSERT_EQ(before, 300U);

    world.restart_from_words();
    EXPECT_EQ(world.wallet(), 0U);
    ASSERT_TRUE(world.scan());
    EXPECT_EQ(world.wallet(), before);
    EXPECT_EQ(proofs_in_store(world), proofs);
    // None of them is in a token event: relays are told of them as of any proof.
    EXPECT_EQ(got(world.process->store->unpublished_proofs(1000)).size(), proofs);
    sell_in_one_swap(world);
    EXPECT_EQ(world.wallet(), before + 100);
}

TEST(SeedScan, SellsNothingAtAMintBeforeItsScanIsDone)
{
    ShopWorld world;
    sell(world, {64, 32, 4});
    world.restart_from_words();
    const Buyer buyer = world.buyer({64, 32, 4});
    const int swaps = world.wire.swaps();
    const Answered refused = world.ask(buyer);
    EXPECT_EQ(refused.status, 503);
    EXPECT_NE(refused.response.body.find("mint-unreachable"), std::string::npos) << refused.response.body;
    EXPECT_TRUE(refused.header("Retry-After"));
    EXPECT_EQ(world.wire.swaps(), swaps);
    EXPECT_EQ(world.spent_of(buyer), 0U);
    ASSERT_TRUE(world.scan());
    EXPECT_EQ(world.insist(buyer).status, 200);
    EXPECT_EQ(world.wallet(), 200U);
}

TEST(SeedScan, LeavesOutWhatWasSpent)
{
    ShopWorld world;
    for (int i = 0; i < 3; ++i) sell(world, {64, 32, 4});
    const std::uint64_t gone = spend_elsewhere(world, 4);
    ASSERT_GT(gone, 0U);
    world.restart_from_words();
    ASSERT_TRUE(world.scan());
    EXPECT_EQ(world.wallet(), 300 - gone);
    sell_in_one_swap(world);
}

TEST(SeedScan, LooksAtKeysetsThatAreNotActiveAnyMore)
{
    ShopWorld world;
    sell(world, {64, 32, 4});
    world.mint.rotate({.unit = "sat"});
    ASSERT_TRUE(world.process->mints.all().front()->refresh().has_value());
    sell(world, {64, 32, 4});
    world.mint.rotate({.unit = "sat"});
    world.restart_from_words();
    ASSERT_TRUE(world.scan());
    EXPECT_EQ(world.wallet(), 200U);
    sell_in_one_swap(world);
}

TEST(SeedScan, AnOldKeysetWhoseKeysAreRefusedKeepsNoOtherFromBeingSoldFor)
{
    ShopWorld world;
    const cashu::KeysetId old = world.mint.keysets().front().id;
    sell(world, {64, 32, 4});
    world.mint.rotate({.unit = "sat"});
    ASSERT_TRUE(world.process->mints.all().front()->refresh().has_value());
    sell(world, {64, 32, 4});

    world.wire.withhold("/v1/keys/" + old);
    world.restart_from_words();
    EXPECT_FALSE(world.scan());
    EXPECT_EQ(world.wallet(), 100U);
    sell_in_one_swap(world);
    EXPECT_EQ(world.wallet(), 200U);

    // The next start knows what is left, also where the mint says nothing; and when the keys come, the rest comes back.
    world.restart();
    const auto left = world.process->mints.all().front()->unscanned();
    EXPECT_FALSE(left.any);
    EXPECT_EQ(left.keysets, std::set<cashu::KeysetId>{old});
    sell_in_one_swap(world);
    world.wire.withhold({});
    ASSERT_TRUE(world.scan());
    EXPECT_EQ(world.wallet(), 400U);
    world.restart();
    EXPECT_TRUE(world.process->to_scan.empty());
}

TEST(SeedScan, NoOutputIsOfAKeysetThatWasNotScanned)
{
    ShopWorld world;
    const cashu::KeysetId old = world.mint.keysets().front().id;
    sell(world, {64, 32, 4});
    world.wire.withhold("/v1/keys/" + old);
    world.restart_from_words();
    EXPECT_FALSE(world.scan());
    // Its keys are learned by the way, and it is the one to make outputs of: not before it was asked about.
    world.wire.withhold({});
    ASSERT_TRUE(world.process->mints.all().front()->refresh().has_value());
    const Buyer buyer = world.buyer({64, 32, 4});
    const int swaps = world.wire.swaps();
    EXPECT_EQ(world.ask(buyer).status, 503);
    EXPECT_EQ(world.wire.swaps(), swaps);

    // Another keyset, that the mint made since, was never used: it is sold for at once.
    world.mint.rotate({.unit = "sat"});
    ASSERT_TRUE(world.process->mints.all().front()->refresh().has_value());
    EXPECT_EQ(world.insist(buyer).status, 200);
    EXPECT_EQ(world.wire.swaps(), swaps + 1);
    ASSERT_TRUE(world.scan());
    EXPECT_EQ(world.wallet(), 200U);
}

TEST(SeedScan, FindsWhatComesAfterGapsShorterThanThreeBatches)
{
    ShopWorld world;
    sell(world, {64, 32, 4});
    const auto keyset = world.mint.keysets().front().id;
    // Purchases that came to nothing have used outputs up.
    world.process->wallet_outputs->pass(keyset, world.process->wallet_outputs->next(keyset) + 250);
    sell(world, {64, 32, 4});
    world.restart_from_words();
    ASSERT_TRUE(world.scan());
    EXPECT_EQ(world.wallet(), 200U);
    sell_in_one_swap(world);
}

TEST(SeedScan, IsDoneOnce)
{
    ShopWorld world;
    sell(world, {64, 32, 4});
    world.restart_from_words();
    ASSERT_EQ(world.process->to_scan.size(), 1U);
    ASSERT_TRUE(world.scan());
    world.restart();
    EXPECT_TRUE(world.process->to_scan.empty());
    sell_in_one_swap(world);
}

TEST(SeedScan, IsNotNeededForASeedThatWasMadeHere)
{
    ShopWorld world;
    ASSERT_TRUE(world.process->store->use_seed("abc", store::SeedAge::made_now).has_value());
    SeedScan scan({*world.process->store, *world.process->wallet_outputs, world.process->mints});
    EXPECT_TRUE(got(scan.load()).empty());
    EXPECT_TRUE(world.process->mints.all().front()->unscanned().none());
}

TEST(SeedScan, LeavesKnownProofsAsTheyAre)
{
    ShopWorld world;
    sell(world, {64, 32, 4});
    auto known = got(world.process->store->wallet_proofs(store::ProofState::unspent));
    protocol::EventId event{};
    event.fill(7);
    for (auto& each : known) each.token_event = event; // as relays had them

    world.restart_from_words();
    got(world.process->store->add_wallet_proofs(known));
    ASSERT_TRUE(world.scan());
    EXPECT_EQ(world.wallet(), 100U);
    const auto after = got(world.process->store->wallet_proofs(store::ProofState::unspent));
    EXPECT_EQ(after.size(), known.size());
    for (const auto& each : after) EXPECT_EQ(each.token_event, event);
}

TEST(SeedScan, GoesOnAfterSilenceAndRefusals)
{
    for (const char* endpoint : {"mint.restore", "mint.checkstate", "mint.keysets"}) {
        for (const FaultAct act : {FaultAct::drop, FaultAct::not_json, FaultAct::status}) {
            SCOPED_TRACE(endpoint);
            ShopWorld world;
            sell(world, {64, 32, 4});
            world.restart_from_words();
            world.faults.add(once_at(endpoint, act));
            EXPECT_FALSE(world.scan());
            EXPECT_EQ(world.ask(world.buyer({64, 32, 4})).status, 503);
            ASSERT_TRUE(world.scan());
            EXPECT_EQ(world.wallet(), 100U);
            sell_in_one_swap(world);
        }
    }
}

/// The mint of the world at one address, and nobody at any other.
class OneAnswers final : public payments::HttpClient {
public:
    explicit OneAnswers(payments::HttpClient& there) : there_(there) {}
    Result<payments::HttpReply> call(const payments::HttpCall& call) override
    {
        if (call.url.starts_with("https://mint.example/")) return there_.call(call);
        return Error{Reason::mint_unreachable, "nobody is there"};
    }

private:
    payments::HttpClient& there_;
};

TEST(SeedScan, ASilentMintKeepsNobodyElseWaiting)
{
    ShopWorld world;
    sell(world, {64, 32, 4});
    world.restart_from_words();
    OneAnswers http(world.wire);
    const payments::Mints mints(http, {"https://silent.example", "https://mint.example"}, Milliseconds(1000),
                                world.clock);
    SeedScan scan({*world.process->store, *world.process->wallet_outputs, mints});
    ASSERT_EQ(got(scan.load()).size(), 2U);
    EXPECT_FALSE(scan.scan(*mints.all()[0]).has_value());
    EXPECT_TRUE(scan.scan(*mints.all()[1]).has_value());
    EXPECT_TRUE(mints.all()[0]->unscanned().any);
    EXPECT_TRUE(mints.all()[1]->unscanned().none());
    EXPECT_EQ(got(scan.load()), std::vector<payments::Mint*>{mints.all()[0].get()});
}

TEST(SeedScan, AfterAnyDeathNothingIsLostOrDoubledAndNoOutputIsSentTwice)
{
    int points = 0;
    for (int n = 1; !testing::Test::HasFailure(); ++n) {
        SCOPED_TRACE(n);
        ShopWorld world;
        for (int i = 0; i < 2; ++i) sell(world, {64, 32, 4});
        const std::size_t proofs = proofs_in_store(world);
        Death death(n);
        world.restart_from_words(&death);
        if (!death.dead()) EXPECT_TRUE(world.scan() || death.dead());
        SCOPED_TRACE(death.where());
        world.restart();
        ASSERT_TRUE(world.scan());
        EXPECT_EQ(world.wallet(), 200U);
        EXPECT_EQ(proofs_in_store(world), proofs);
        sell_in_one_swap(world);
        if (!death.dead()) break;
        points = n;
    }
    EXPECT_GT(points, 10);
}

} // namespace
} // namespace adit::app
