// Ecash that strangers publish for the wallet: taken once, by what its mint says, and told once.
#include "app/crash_moods.h"
#include "app/money_world.h"
#include "app/nutzaps.h"
#include "payments/cashu/curve.h"
#include "protocol/constants.h"

namespace adit::app {
namespace {

/// Somebody who locks proofs to a key and publishes them. NIP-61
class Zapper {
public:
    explicit Zapper(ShopWorld& world) : world_(world), key(protocol::SecretKey::generate(world.rng)) {}

    std::vector<payments::cashu::Proof> proofs(std::vector<std::uint64_t> amounts) const
    {
        payments::cashu::P2pkLock lock;
        lock.keys = {payments::cashu::even_point(world_.wallet_keys().value().front().public_key())};
        return world_.make_proofs(std::move(amounts),
                                  [&] { return payments::cashu::make_p2pk_secret(lock, world_.rng); });
    }
    protocol::Event event(const std::vector<payments::cashu::Proof>& proofs,
                          const std::string& mint = "https://mint.example") const
    {
        protocol::EventDraft draft{
            .created_at = world_.clock.now(), .kind = protocol::kKindNutzap, .tags = {}, .content = {}};
        const auto all = nlohmann::json::parse(payments::cashu::encode_proofs(proofs));
        for (const auto& proof : all) draft.tags.push_back({"proof", proof.dump()});
        draft.tags.push_back({"unit", "sat"});
        draft.tags.push_back({"u", mint});
        draft.tags.push_back({"p", world_.config.nostr.key.public_key().hex()});
        return protocol::sign_event(draft, key, world_.rng);
    }

private:
    ShopWorld& world_;

public:
    protocol::SecretKey key;
};

void offer(ShopWorld& world, const std::vector<protocol::Event>& events)
{
    Nutzaps nutzaps({*world.process->store, world.process->mints, *world.process->transfers,
                     [&world] { return world.wallet_keys(); }, world.config.nostr.key, world.clock, world.rng});
    for (const auto& event : events) nutzaps.take_in(event);
    nutzaps.step();
}

/// Of kind 7376, on their way to relays.
std::vector<protocol::Event> told(ShopWorld& world)
{
    std::vector<protocol::Event> all;
    const auto outbox = world.process->store->outbox(std::vector<std::string>{"wss://relay"}, 100);
    for (const auto& each : outbox.value()) {
        const auto event = protocol::parse_event(nlohmann::json::parse(each.json));
        EXPECT_TRUE(event.has_value());
        if (event && event->kind == protocol::kKindSpending) all.push_back(*event);
    }
    return all;
}

TEST(Nutzap, IsTakenOnceAndTold)
{
    ShopWorld world({.fee_ppk = 100});
    Zapper zapper(world);
    const auto event = zapper.event(zapper.proofs({64, 16}));
    offer(world, {event, event});
    offer(world, {event});
    EXPECT_EQ(world.wallet(), 79U);
    const MintBooks books = books_of(world);
    EXPECT_EQ(books.nutzaps, 80U);
    EXPECT_EQ(books.fees, 1U);
    const auto events = told(world);
    ASSERT_EQ(events.size(), 1U);
    const protocol::Tag redeemed{"e", encode_hex(event.id), "", "redeemed"};
    const protocol::Tag sender{"p", zapper.key.public_key().hex()};
    EXPECT_NE(std::ranges::find(events.front().tags, redeemed), events.front().tags.end());
    EXPECT_NE(std::ranges::find(events.front().tags, sender), events.front().tags.end());
}

TEST(Nutzap, WhatIsNotOursOrNotSoundIsLeft)
{
    ShopWorld world;
    Zapper zapper(world);
    const auto good = zapper.proofs({8});
    auto without_dleq = good;
    without_dleq.front().dleq.reset();
    auto with_wrong_dleq = good;
    with_wrong_dleq.front().dleq->e[0] ^= 1;
    auto of_another_amount = good;
    of_another_amount.front().amount = Sat(16);
    const auto unlocked = world.make_proofs({8}, [&] { return payments::cashu::make_plain_secret(world.rng); });
    payments::cashu::P2pkLock others;
    others.keys = {payments::cashu::even_point(zapper.key.public_key())};
    const auto for_others =
        world.make_proofs({8}, [&] { return payments::cashu::make_p2pk_secret(others, world.rng); });
    auto twice = good;
    twice.push_back(good.front());
    auto for_somebody_else = zapper.event(good);
    auto draft =
        protocol::EventDraft{.created_at = world.clock.now(), .kind = protocol::kKindNutzap, .tags = {}, .content = {}};
    for (auto tag : for_somebody_else.tags)
        if (tag[0] != "p") draft.tags.push_back(tag);
    offer(world, {zapper.event(without_dleq), zapper.event(with_wrong_dleq), zapper.event(of_another_amount),
                  zapper.event(unlocked), zapper.event(for_others), zapper.event(twice),
                  zapper.event(good, "https://other.example"), zapper.event(good, "not a mint"), zapper.event({}),
                  protocol::sign_event(draft, zapper.key, world.rng)});
    EXPECT_EQ(world.wallet(), 0U);
    EXPECT_TRUE(transfers_of(world).empty());
    EXPECT_TRUE(told(world).empty());
    offer(world, {zapper.event(good)});
    EXPECT_EQ(world.wallet(), 8U) << "and the sound one of them is good after all of that";
}

TEST(Nutzap, ThatAnotherClientHasTakenIsNoFailure)
{
    ShopWorld world;
    Zapper zapper(world);
    const auto proofs = zapper.proofs({8});
    offer(world, {zapper.event(proofs)});
    world.clock.pass(Seconds(1));
    offer(world, {zapper.event(proofs)}); // the same proofs in another event
    EXPECT_EQ(transfers_of(world).size(), 1U);
    EXPECT_EQ(world.wallet(), 8U);
}

bool nutzap_dies_at(int n, const Mood& mood)
{
    ShopWorld world({.fee_ppk = 100});
    Zapper zapper(world);
    const auto event = zapper.event(zapper.proofs({64, 16}));
    Death death(n);
    world.restart(&death);
    for (const Fault& fault : mood.faults) world.faults.add(fault);
    if (world.process->transfers) offer(world, {event});
    const bool lived = !death.dead();
    SCOPED_TRACE(std::string("mint ") + mood.name + ", died " + (lived ? "never" : death.where()));
    world.restart();
    settle_transfers(world);
    world.faults.clear();
    EXPECT_TRUE(world.process->mints.all().front()->refresh().has_value());
    offer(world, {event}); // relays bring it again
    settle_transfers(world);
    offer(world, {});
    EXPECT_EQ(world.wallet(), 79U);
    EXPECT_EQ(books_of(world).nutzaps, 80U);
    EXPECT_EQ(told(world).size(), 1U);
    return lived;
}

TEST(NutzapCrash, AtAnyMomentItIsTakenOnceAndToldOnce)
{
    const int points = die_everywhere(moods(), nutzap_dies_at) + die_everywhere(stubborn_moods(), nutzap_dies_at);
    std::printf("died at %d points of a nutzap\n", points);
    EXPECT_GT(points, 60);
}

} // namespace
} // namespace adit::app
