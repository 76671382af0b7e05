#include "shelf.h"

#include "store/rows.h"

#include <fstream>
#include <sstream>

namespace adit::store {
namespace {

using Sessions = StoreTest;
using session::GrantClass;
using session::Segment;
using session::State;

SessionAt at(const Session& session) { return {session.row, session.revision}; }

std::string whole(const std::filesystem::path& path)
{
    std::ifstream stream(path, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

TEST_F(Sessions, BeginWithTheFirstGrant)
{
    const auto id = redeemed(order(1, {"a"}), 0);
    clock_.advance(60s);
    const auto live = activated(id, "cafe");
    EXPECT_EQ(live.expires_at, clock_.now() + 7200s);
    EXPECT_TRUE(live.first_buyer_is_this_key);
    EXPECT_EQ(live.session.id, "cafe");
    EXPECT_TRUE(live.session.live);
    EXPECT_EQ(live.session.revision, 1);
    ASSERT_EQ(live.session.segments.size(), 1U);
    const auto row = good(store().purchase(id));
    EXPECT_EQ(row.state, State::active);
    EXPECT_EQ(row.session, live.session.row);
    EXPECT_EQ(row.activated_at, clock_.now());
    EXPECT_EQ(row.expires_at, live.expires_at);
    EXPECT_FALSE(row.holds_lease);
    EXPECT_EQ(rest_of("10.8.0.2"), std::nullopt); // the session holds it now

    const auto found = good(store().live_session(client(1)));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->session.row, live.session.row);
    EXPECT_EQ(found->session.client_key, client(1));
    EXPECT_EQ(found->session.segments, live.session.segments);
    EXPECT_EQ(found->lease.address, "10.8.0.2");
    EXPECT_FALSE(good(store().live_session(client(2))));
    EXPECT_EQ(good(store().session_by_id("cafe"))->row, live.session.row);
    EXPECT_FALSE(good(store().session_by_id("beef")));
}

TEST_F(Sessions, KnowHowFastTheirGrantsAreAfterARestart)
{
    auto slow = order(1, {"a"});
    slow.grant.max_mbps = 50;
    const auto id = redeemed(slow, 0);
    EXPECT_EQ(good(store().purchase(id)).grant.max_mbps, 50U);
    activated(id, "one");
    activated(redeemed(order(2, {"b"}), 1), "two");
    open();
    EXPECT_EQ(good(store().purchase(id)).grant.max_mbps, 50U);
    const auto live = good(store().live_session(client(1)));
    ASSERT_EQ(live->session.segments.size(), 2U);
    EXPECT_EQ(session::max_mbps(live->session.segments), 50U);
    EXPECT_EQ(live->session.segments[1].max_mbps, 0U);
    EXPECT_EQ(encode_segments(live->session.segments).back(), '0') << "without a limit, as it was written before";
}

TEST_F(Sessions, AreRenewedByTheSameKeyWithoutAnotherOne)
{
    const auto first = activated(redeemed(order(1, {"a"}), 0), "one");
    const auto second = activated(redeemed(order(2, {"b"}), 1), "two");
    EXPECT_EQ(second.session.row, first.session.row);
    EXPECT_EQ(second.session.id, "one");
    EXPECT_EQ(second.session.revision, 2);
    EXPECT_EQ(second.expires_at, first.expires_at + 7200s);
    EXPECT_EQ(good(store().live_sessions()).size(), 1U);
}

TEST_F(Sessions, QueueAGrantOfTheOtherClass)
{
    activated(redeemed(order(1, {"a"}), 0), "one");
    auto data = order(2, {"b"});
    data.grant = {GrantClass::data, 1ULL << 30U};
    const auto renewed = activated(redeemed(data, 1), "two");
    ASSERT_EQ(renewed.session.segments.size(), 2U);
    EXPECT_EQ(renewed.session.segments[1].cls, GrantClass::data);
    EXPECT_FALSE(renewed.session.segments[1].started_at);
    open();
    EXPECT_EQ(good(store().live_session(client(1)))->session.segments, renewed.session.segments);
}

TEST_F(Sessions, KnowTheirFirstBuyer)
{
    const auto first = activated(redeemed(order(1, {"a"}), 0), "one");
    auto gift = order(2, {"b"});
    gift.auth_key = auth_key(2);
    EXPECT_FALSE(activated(redeemed(gift, 1), "two").first_buyer_is_this_key);
    EXPECT_TRUE(activated(redeemed(order(3, {"c"}), 2), "three").first_buyer_is_this_key);
    EXPECT_TRUE(good(store().first_buyer_is(first.session.row, auth_key(1))));
    EXPECT_FALSE(good(store().first_buyer_is(first.session.row, auth_key(2))));
    EXPECT_EQ(reason(store().first_buyer_is(999, auth_key(1))), Reason::not_found);
}

TEST_F(Sessions, RefuseAGrantThatReachesTooFarAndKeepThePurchase)
{
    auto huge = order(1, {"a"});
    huge.grant.amount = 6ULL * 365 * 86400;
    const auto id = redeemed(huge, 0);
    EXPECT_EQ(reason(store().mark_active(id, {"s", clock_.now()})), Reason::above_max_purchase);
    EXPECT_EQ(state_of(id), State::redeemed);
    EXPECT_TRUE(good(store().live_sessions()).empty());
}

TEST_F(Sessions, DoNotBeginWithoutAnAddress)
{
    const auto id = redeemed(order(1, {"a"}), 0);
    good(store().drop_lease(id));
    clock_.advance(300s);
    good(store().end_rests(clock_.now()));
    EXPECT_EQ(reason(store().mark_active(id, {"s", clock_.now()})), Reason::bad_step);
    const auto fresh = address("10.8.0.7");
    good(store().take_lease(id, &fresh));
    activated(id, "s");
    EXPECT_EQ(good(store().live_sessions()).front().lease.address, "10.8.0.7");
}

TEST_F(Sessions, ThatEndTakeTheirPurchasesAlongAndLetTheAddressRest)
{
    const auto a = redeemed(order(1, {"a"}), 0);
    const auto b = redeemed(order(2, {"b"}), 1);
    activated(a, "s");
    const auto live = activated(b, "s2").session;
    clock_.advance(1h);
    const auto seen = at(live);
    EXPECT_EQ(good(store().end_sessions(std::span(&seen, 1), clock_.now())), std::vector{live.row});
    EXPECT_EQ(state_of(a), State::ended);
    EXPECT_EQ(state_of(b), State::ended);
    EXPECT_EQ(rest_of("10.8.0.2"), clock_.now() + 300s);
    EXPECT_TRUE(good(store().live_sessions()).empty());
    const auto ended = good(store().session_by_id("s"));
    EXPECT_FALSE(ended->live);
    EXPECT_EQ(ended->ended_at, clock_.now());
    EXPECT_TRUE(good(store().end_sessions(std::span(&seen, 1), clock_.now())).empty()); // once
    // The same key begins a new session, with its old address.
    EXPECT_EQ(good(store().reserve(order(3, {"c"}), nullptr)).lease.address, "10.8.0.2");
}

TEST_F(Sessions, RenewedMeanwhileAreNeitherEndedNorOverwritten)
{
    const auto seen = activated(redeemed(order(1, {"a"}), 0), "s").session;
    const auto renewed = activated(redeemed(order(2, {"b"}), 1), "s2").session;
    const auto old = at(seen);
    EXPECT_TRUE(good(store().end_sessions(std::span(&old, 1), clock_.now())).empty());
    const SessionUsage usage{old, seen.segments, 1, 2};
    EXPECT_EQ(good(store().save_usage(std::span(&usage, 1))), std::vector{seen.row});
    EXPECT_EQ(good(store().live_session(client(1)))->session.segments, renewed.segments);
}

TEST_F(Sessions, KeepTheirUsageAndTheDevicesCounters)
{
    const auto live = activated(redeemed(order(1, {"a"}), 0), "s").session;
    auto segments = live.segments;
    segments.front().used_bytes = 12345;
    const SessionUsage usage{at(live), segments, 12000, 345};
    EXPECT_TRUE(good(store().save_usage(std::span(&usage, 1))).empty());
    open();
    const auto found = good(store().live_session(client(1)));
    EXPECT_EQ(found->session.segments, segments);
    EXPECT_EQ(found->session.last_received_bytes, 12000U);
    EXPECT_EQ(found->session.last_sent_bytes, 345U);
}

TEST_F(Sessions, OursAreKeysThatMayHaveHadAPeer)
{
    reserved(order(1, {"a"}, 1), "10.8.0.2");
    redeemed(order(2, {"b"}, 2), 0, "10.8.0.3");
    const auto live = activated(redeemed(order(3, {"c"}, 3), 1, "10.8.0.4"), "s").session;
    const auto seen = at(live);
    good(store().end_sessions(std::span(&seen, 1), clock_.now()));
    clock_.advance(1s);
    EXPECT_EQ(good(store().wipe_ended(clock_.now())), 2U); // the session and its purchase
    const std::vector keys{client(1), client(2), client(3), client(4)};
    EXPECT_EQ(good(store().ours(keys)), (std::vector{client(2), client(3)}));
}

TEST_F(Sessions, AreWipedOfTheirKeyAfterTheRetention)
{
    activated(redeemed(order(1, {"live"}, 1), 0, "10.8.0.2"), "live");
    const auto over = redeemed(order(2, {"b"}, 2), 1, "10.8.0.3");
    const auto seen = at(activated(over, "over").session);
    good(store().end_sessions(std::span(&seen, 1), clock_.now()));
    EXPECT_EQ(good(store().wipe_ended(clock_.now())), 0U); // not yet
    clock_.advance(300s);
    good(store().end_rests(clock_.now()));
    good(store().wipe_ended(clock_.now()));
    EXPECT_EQ(good(store().wipe_ended(clock_.now())), 0U); // once

    const auto row = good(store().purchase(over));
    EXPECT_FALSE(row.client_key);
    EXPECT_EQ(row.state, State::ended);
    EXPECT_EQ(row.paid, Sat(24));
    EXPECT_TRUE(good(store().swaps(over)).empty());
    EXPECT_FALSE(good(store().session_by_id("over"))->client_key);
    // Its buyer is still recognised, and nobody else is taken for it.
    const auto lookup = good(store().find(event_id(2), ys({"b"}), client(2)));
    EXPECT_TRUE(lookup.event_has_this_client_key && lookup.proofs_have_this_client_key);
    EXPECT_FALSE(good(store().find(event_id(2), ys({"b"}), client(1))).event_has_this_client_key);
    EXPECT_EQ(good(store().live_session(client(1)))->session.client_key, client(1));
    for (const char* part : {"", "-wal"}) {
        const auto bytes = whole(file().string() + part);
        EXPECT_EQ(bytes.find(client(2).hex()), std::string::npos) << part;
        EXPECT_EQ(bytes.find("change1"), std::string::npos) << part; // a secret of its swap
    }
    EXPECT_NE(whole(file()).find(client(1).hex()), std::string::npos); // the search does find what is there
}

TEST_F(Sessions, WipingForgetsReleasedPurchasesAltogether)
{
    const auto id = reserved(order(1, {"a"}));
    good(store().begin_swap(id, redeem({"a"}, 0)));
    good(store().mark_released(id, Reason::double_spent));
    clock_.advance(1s);
    EXPECT_EQ(good(store().wipe_ended(clock_.now())), 1U);
    EXPECT_EQ(reason(store().purchase(id)), Reason::not_found);
    EXPECT_EQ(good(store().counters()).front().next, 1U);
    EXPECT_NE(reserved(order(1, {"a"})), id); // numbers are not used twice
}

TEST_F(Sessions, WipingLeavesWhatIsUnclaimedOrOwed)
{
    const auto waiting = redeemed(order(1, {"a"}), 0);
    const auto swapping = reserved(order(2, {"b"}));
    good(store().begin_swap(swapping, redeem({"b"}, 1)));
    clock_.advance(24h);
    EXPECT_EQ(good(store().wipe_ended(clock_.now())), 0U);
    EXPECT_EQ(good(store().swaps(waiting)).size(), 1U);
    EXPECT_EQ(good(store().swaps(swapping)).size(), 1U);
    EXPECT_TRUE(good(store().purchase(waiting)).client_key);
}

TEST(Segments, AreReadBackAsTheyWereWritten)
{
    const std::vector<std::vector<Segment>> queues{
        {},
        {{GrantClass::time, 3600, UnixSeconds(1), UnixSeconds(3601), 7}},
        {{GrantClass::data, 1ULL << 60U, UnixSeconds(0), UnixSeconds(-5), ~0ULL}, {GrantClass::time, 1, {}, {}, 0}},
        {{GrantClass::time, 3600, UnixSeconds(1), UnixSeconds(3601), 7, 100'000},
         {GrantClass::time, 3600, {}, {}, 0, 1}},
    };
    for (const auto& queue : queues) EXPECT_EQ(good(read_segments(encode_segments(queue))), queue);
}

TEST(Segments, ThatAreDamagedAreRefused)
{
    for (const char* text :
         {"time", "time 1 2 3", "time 1 2 3 4 x", "time 1 2 3 4 5 6", "tome 1 2 3 4", "time x 2 3 4", "time -1 2 3 4",
          ";", "time 1 2 3 99999999999999999999", "time 1 2 3 4;;time 1 2 3 4", " time 1 2 3 4"})
        EXPECT_EQ(reason(read_segments(text)), Reason::store_unavailable) << text;
}

TEST_F(Sessions, TenThousandAreLoadedWithOneQuery)
{
    store_.reset();
    {
        auto db = good(Database::open(file()));
        good(db.execute("BEGIN"));
        for (std::uint32_t i = 0; i < 10'000; ++i) {
            const auto name = std::to_string(i);
            good(db.run("INSERT INTO leases (client, address) VALUES ($1, $2)", {name, "10." + name}));
            good(db.run("INSERT INTO sessions (id, capability, client, client_key, live, revision, segments, "
                        "first_buyer, created_at_s, last_received_bytes, last_sent_bytes) "
                        "VALUES ($1, $2, $2, $3, 1, 1, 'time 3600 1700000000 1700003600 0', 'x', 0, 0, 0)",
                        {std::int64_t{i}, name, client(i).hex()}));
        }
        good(db.execute("COMMIT"));
    }
    const auto begin = std::chrono::steady_clock::now();
    open();
    const auto opened = std::chrono::steady_clock::now();
    const auto live = good(store().live_sessions());
    const auto loaded = std::chrono::steady_clock::now();
    ASSERT_EQ(live.size(), 10'000U);
    EXPECT_EQ(live.back().session.client_key, client(9'999));
    EXPECT_EQ(live.back().lease.address, "10.9999");
    std::vector<SessionUsage> usage;
    for (const auto& each : live) usage.push_back({at(each.session), each.session.segments, 5, 5});
    EXPECT_TRUE(good(store().save_usage(usage)).empty());
    const auto saved = std::chrono::steady_clock::now();
    const auto ms = [](auto length) { return std::chrono::duration_cast<std::chrono::milliseconds>(length).count(); };
    std::printf("10,000 sessions: open %ld ms, load %ld ms, save usage %ld ms\n", static_cast<long>(ms(opened - begin)),
                static_cast<long>(ms(loaded - opened)), static_cast<long>(ms(saved - loaded)));
    EXPECT_LT(ms(loaded - opened), 3000); // 300 in a release; a sanitizer's build on a busy machine takes longer
}

} // namespace
} // namespace adit::store
