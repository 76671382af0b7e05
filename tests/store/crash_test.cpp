// Die after any write, or before it, reopen, and look at every invariant; then finish the sale as recovery would.
#include "shelf.h"

#include <set>
#include <sys/resource.h>
#include <thread>

#include <csignal>

namespace adit::store {
namespace {

using session::State;

class Crash : public StoreTest {
protected:
    enum class Way { sold, released, refunded };
    enum class When { before, after };

    /// Dies at the commit number `at`, counted from 0 since now.
    CommitHooks dies(When when, int at)
    {
        commits_ = 0;
        const auto hook = [this, at](std::string_view) { return commits_++ == at ? Fate::dies : Fate::lives; };
        if (when == When::before) return {.before_commit = hook, .after_commit = {}};
        return {.before_commit = {}, .after_commit = hook};
    }

    /// As app does it: looks where the purchase is, and goes on from there. False where the store died.
    bool go_on(Way way)
    {
        const auto known = store().find(event_id(1), ys({"a", "b"}), client(1));
        if (!known) return false;
        std::optional<PurchaseId> id;
        State state = State::received;
        if (known->by_event) {
            id = known->by_event->id;
            state = known->by_event->state;
        } else if (ever_released_) {
            return true;
        }
        if (state == State::received) {
            const auto lease = address("10.8.0.2");
            const auto made = store().reserve(order(1, {"a", "b"}), &lease);
            if (!made) return false;
            id = made->purchase;
            state = State::reserved;
        }
        if (state == State::reserved) {
            if (!store().begin_swap(*id, redeem({"a", "b"}, 0))) return false;
            state = State::swapping;
        }
        if (state == State::swapping && way == Way::released) {
            ever_released_ = true; // the mint's word does not change
            return store().mark_released(*id, Reason::double_spent).has_value();
        }
        if (state == State::swapping) {
            const auto swaps = store().swaps(*id);
            if (!swaps) return false;
            const payments::Receipt receipt{{proof("p1", 16), proof("p2", 4)}, "change"};
            if (!store().mark_redeemed(*id, swaps->back().id, receipt)) return false;
            state = State::redeemed;
        }
        if (way == Way::refunded) return give_back(*id, state);
        if (state == State::redeemed) {
            if (!store().mark_active(*id, {"cafe", clock_.now()})) return false;
            state = State::active;
        }
        if (state == State::active) {
            const auto live = store().live_session(client(1));
            if (!live || !*live) return false;
            const SessionAt seen{(*live)->session.row, (*live)->session.revision};
            if (!store().end_sessions(std::span(&seen, 1), clock_.now())) return false;
        }
        return true;
    }

    bool give_back(PurchaseId id, State state)
    {
        if (state == State::redeemed && !store().begin_refund(id, refund({"p1", "p2"}))) return false;
        if (state == State::refunded) return true;
        const auto swaps = store().swaps(id);
        return swaps && store().mark_refunded(id, swaps->back().id, "back", {}).has_value();
    }

    /// What must be true between any two steps.
    void check()
    {
        const auto known = good(store().find(event_id(1), ys({"a", "b"}), client(1)));
        EXPECT_NE(known.proofs, ProofMatch::partial);
        EXPECT_EQ(known.by_event.has_value(), known.by_proofs.has_value());
        std::uint64_t booked = 0;
        std::set<std::string> secrets;
        for (const auto state : {ProofState::unspent, ProofState::refunding, ProofState::spent})
            for (const auto& each : good(store().wallet_proofs(state))) {
                EXPECT_TRUE(secrets.insert(each.proof.secret).second);
                booked += each.proof.amount.count();
            }
        const auto taken = good(store().taken_addresses());
        const auto live = good(store().live_sessions());
        if (!known.by_event) {
            EXPECT_EQ(booked, 0U);
            EXPECT_TRUE(live.empty());
            for (const auto& each : taken) EXPECT_TRUE(each.rests_until);
            return;
        }
        const auto& row = *known.by_event;
        const auto swaps = good(store().swaps(row.id));
        const bool has_money = row.state == State::redeemed || row.state == State::active ||
                               row.state == State::ended || row.state == State::refunding ||
                               row.state == State::refunded;
        EXPECT_EQ(booked, has_money ? 20U : 0U);
        EXPECT_EQ(row.change.has_value(), has_money);
        EXPECT_EQ(swaps.empty(), row.state == State::reserved);
        EXPECT_EQ(row.refund.has_value(), row.state == State::refunded);
        EXPECT_EQ(good(store().wallet_proofs(ProofState::refunding)).size(), row.state == State::refunding ? 2U : 0U);
        EXPECT_EQ(good(store().wallet_proofs(ProofState::spent)).size(), row.state == State::refunded ? 2U : 0U);
        EXPECT_EQ(live.size(), row.state == State::active ? 1U : 0U);
        EXPECT_EQ(row.session.has_value(), row.state == State::active || row.state == State::ended);
        ASSERT_EQ(taken.size(), 1U);
        EXPECT_EQ(taken[0].rests_until.has_value(), row.state == State::ended || row.state == State::refunded);
        const auto counters = good(store().counters());
        EXPECT_EQ(counters.empty(), swaps.empty());
        for (const auto& counter : counters) EXPECT_EQ(counter.next, 1U);
    }

    int commits_ = 0;
    bool ever_released_ = false;
};

TEST_F(Crash, AroundAnyCommitLeavesNothingHalfDoneAndTheSaleGoesOn)
{
    int points = 0;
    for (const Way way : {Way::sold, Way::released, Way::refunded})
        for (const When when : {When::before, When::after})
            for (int at = 0;; ++at) {
                SCOPED_TRACE(std::to_string(static_cast<int>(way)) + (when == When::before ? " before " : " after ") +
                             std::to_string(at));
                store_.reset();
                std::filesystem::remove_all(file().parent_path());
                ever_released_ = false;
                open(dies(when, at));
                const bool finished = go_on(way);
                open();
                check();
                EXPECT_TRUE(go_on(way));
                check();
                EXPECT_TRUE(go_on(way)); // and once more changes nothing
                check();
                if (finished) {
                    EXPECT_GE(at, 3);
                    break;
                }
                ++points;
            }
    EXPECT_EQ(points, 2 * (5 + 3 + 5));
    std::printf("%d crash points\n", points);
}

TEST_F(Crash, OfADiskThatRefusesToGrowLeavesNothingHalfDone)
{
    const auto id = reserved(order(1, {"a"}));
    struct rlimit before {};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
    struct rlimit tight = before;
    tight.rlim_cur = std::filesystem::file_size(file().string() + "-wal");
    auto intent = redeem({"a"}, 0);
    intent.body = std::string(100'000, 'b');
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
    const auto refused = store().begin_swap(id, intent);
    const auto still = store().purchase(id);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    std::signal(SIGXFSZ, old_handler);
    EXPECT_EQ(reason(refused), Reason::store_unavailable);
    EXPECT_EQ(good(still).state, State::reserved);
    good(store().begin_swap(id, intent)); // there is room again
    open();
    EXPECT_EQ(good(store().swaps(id)).size(), 1U);
}

TEST_F(Crash, ManySalesAtOnceEachGoTheWholeWay)
{
    constexpr std::uint8_t kBuyers = 16;
    std::vector<std::thread> buyers;
    for (std::uint8_t i = 0; i < kBuyers; ++i)
        buyers.emplace_back([&, i] {
            const std::string secret = "s" + std::to_string(i);
            const auto id = redeemed(order(i, {secret.c_str()}, i), i, "10.8.1." + std::to_string(i));
            activated(id, secret);
            good(store().live_sessions());
        });
    for (auto& buyer : buyers) buyer.join();
    EXPECT_EQ(good(store().live_sessions()).size(), kBuyers);
    EXPECT_EQ(good(store().wallet_proofs(ProofState::unspent)).size(), kBuyers);
    EXPECT_EQ(good(store().counters()).front().next, kBuyers);
}

} // namespace
} // namespace adit::store
