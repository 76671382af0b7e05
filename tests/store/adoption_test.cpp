// Sessions that another program sold.
#include "shelf.h"

namespace adit::store {
namespace {

using session::GrantClass;
using session::State;
using Adopting = Store::Adopting;

class Adoption : public StoreTest {
protected:
    AdoptedSession theirs(std::uint32_t key, const std::string& at, const std::string& id) const
    {
        const UnixSeconds begun = clock_.now() - 600s;
        AdoptedSession session{.id = id, .client_key = client(key), .address = at};
        session.segments = {{GrantClass::time, 3600, begun, begun + 3600s, 4096}};
        session.last_received_bytes = 3000;
        session.last_sent_bytes = 1096;
        AdoptedPurchase purchase{.origin = "theirs:" + id};
        purchase.method = session::Method::lightning;
        purchase.listing = "exit-1";
        purchase.tier_amount = "100";
        purchase.tier_unit = "hour";
        purchase.grant = {GrantClass::time, 3600};
        purchase.price = Sat(100);
        purchase.bought_at = begun;
        purchase.expires_at = begun + 3600s;
        session.purchases.push_back(std::move(purchase));
        return session;
    }
    std::vector<Adopted> adopt(const std::vector<AdoptedSession>& sessions, Adopting how = Adopting::really)
    {
        return good(store().adopt_sessions(sessions, clock_.now(), how));
    }
    std::int64_t rows(std::string_view sql)
    {
        store_.reset();
        std::int64_t count = 0;
        {
            auto db = good(Database::open(file()));
            count = good(db.number(sql)).value_or(-1);
        }
        open();
        return count;
    }
};

TEST_F(Adoption, TakesALiveSessionWithAddressTimeAndCounters)
{
    const auto session = theirs(1, "10.8.0.7", "one");
    EXPECT_EQ(adopt({session}), std::vector{Adopted::now});
    const auto live = good(store().live_session(client(1)));
    ASSERT_TRUE(live);
    EXPECT_EQ(live->lease.address, "10.8.0.7");
    EXPECT_FALSE(live->lease.preshared_key);
    EXPECT_EQ(live->session.id, "one");
    EXPECT_EQ(live->session.segments, session.segments);
    EXPECT_EQ(live->session.last_received_bytes, 3000U);
    EXPECT_EQ(live->session.last_sent_bytes, 1096U);
    EXPECT_EQ(live->session.created_at, session.purchases[0].bought_at);
    EXPECT_EQ(rest_of("10.8.0.7"), std::nullopt);
    EXPECT_EQ(good(store().ours(std::vector{client(1), client(2)})), std::vector{client(1)});

    const auto purchase = good(store().purchase(PurchaseId{1}));
    EXPECT_EQ(purchase.state, State::active);
    EXPECT_EQ(purchase.method, session::Method::lightning);
    EXPECT_EQ(purchase.price, Sat(100));
    EXPECT_EQ(purchase.quantity, 1U);
    EXPECT_EQ(purchase.session, live->session.row);
    EXPECT_EQ(purchase.expires_at, session.purchases[0].expires_at);
    EXPECT_FALSE(purchase.event_id);
    // Nothing of it is money that waits for something.
    EXPECT_TRUE(good(store().open_purchases()).empty());
    EXPECT_TRUE(good(store().open_invoices()).empty());
}

TEST_F(Adoption, ASecondTimeTakesOnlyWhatIsNew)
{
    const auto first = theirs(1, "10.8.0.7", "one");
    EXPECT_EQ(adopt({first}), std::vector{Adopted::now});
    const auto live = good(store().live_session(client(1)));
    const SessionUsage used{{live->session.row, live->session.revision}, live->session.segments, 9000, 9000};
    EXPECT_TRUE(good(store().save_usage(std::span(&used, 1))).empty());
    EXPECT_EQ(adopt({first, theirs(2, "10.8.0.8", "two")}), (std::vector{Adopted::before, Adopted::now}));
    EXPECT_EQ(good(store().live_session(client(1)))->session.last_received_bytes, 9000U) << "counted since";
    EXPECT_EQ(good(store().live_sessions()).size(), 2U);
    EXPECT_EQ(rows("SELECT COUNT(*) FROM purchases"), 2);
}

TEST_F(Adoption, WhatHasEndedHereIsNotBegunAnew)
{
    const auto session = theirs(1, "10.8.0.7", "one");
    adopt({session});
    const auto live = good(store().live_session(client(1)));
    const SessionAt at{live->session.row, live->session.revision};
    good(store().end_sessions(std::span(&at, 1), clock_.now()));
    EXPECT_EQ(state_of(PurchaseId{1}), State::ended);
    EXPECT_EQ(rest_of("10.8.0.7"), clock_.now() + 300s);
    EXPECT_EQ(adopt({session}), std::vector{Adopted::before});
    EXPECT_FALSE(good(store().live_session(client(1))));
    clock_.advance(86400s);
    EXPECT_EQ(good(store().wipe_ended(clock_.now() - 3600s)), 2U); // the session's key and the purchase's
    EXPECT_EQ(adopt({session}), std::vector{Adopted::before}) << "known without the key too";
    EXPECT_EQ(rows("SELECT COUNT(*) FROM sessions WHERE client_key IS NOT NULL"), 0);
}

TEST_F(Adoption, OneThatIsOverIsBookedSoThatItsPeerGoes)
{
    auto over = theirs(1, "10.8.0.7", "one");
    over.segments.clear();
    EXPECT_EQ(adopt({over}), std::vector{Adopted::now});
    EXPECT_FALSE(good(store().live_session(client(1))));
    EXPECT_EQ(good(store().ours(std::vector{client(1)})).size(), 1U) << "whose peers reconciling removes";
    EXPECT_EQ(state_of(PurchaseId{1}), State::ended);
    EXPECT_EQ(rest_of("10.8.0.7"), clock_.now() + 300s);
    // Its buyer may come again at once, and gets a session of our own.
    EXPECT_EQ(activated(redeemed(order(1, {"a"}), 0), "new").session.id, "new");
}

TEST_F(Adoption, OneThatIsOverNeedsNoAddress)
{
    auto over = theirs(1, "10.8.0.7", "one");
    over.segments.clear();
    EXPECT_EQ(adopt({theirs(2, "10.8.0.7", "two"), over}), (std::vector{Adopted::now, Adopted::now}));
    EXPECT_EQ(good(store().live_session(client(2)))->lease.address, "10.8.0.7");
    EXPECT_EQ(rest_of("10.8.0.7"), std::nullopt);
    EXPECT_EQ(good(store().ours(std::vector{client(1)})).size(), 1U);
}

TEST_F(Adoption, LeavesOutWhatIsTakenHereAndTakesTheRest)
{
    activated(redeemed(order(1, {"a"}, 1), 0), "ours"); // client 1 at 10.8.0.2
    const auto answers =
        adopt({theirs(1, "10.8.0.9", "one"), theirs(2, "10.8.0.2", "two"), theirs(3, "10.8.0.4", "three")});
    EXPECT_EQ(answers, (std::vector{Adopted::key_taken, Adopted::address_taken, Adopted::now}));
    EXPECT_EQ(good(store().live_session(client(1)))->lease.address, "10.8.0.2");
    EXPECT_FALSE(good(store().live_session(client(2))));
    EXPECT_TRUE(good(store().live_session(client(3))));
    // Who is left out is not forgotten as if it had been taken.
    EXPECT_EQ(adopt({theirs(2, "10.8.0.5", "two")}), std::vector{Adopted::now});
}

TEST_F(Adoption, APurchaseMoreOfASessionTakenBeforeIsToldAndChangesNothing)
{
    auto session = theirs(1, "10.8.0.7", "one");
    adopt({session});
    session.purchases.push_back(session.purchases.front());
    session.purchases.back().origin = "theirs:more";
    EXPECT_EQ(adopt({session}), std::vector{Adopted::key_taken});
    EXPECT_EQ(rows("SELECT COUNT(*) FROM purchases"), 1);
}

TEST_F(Adoption, ARehearsalAnswersTheSameAndWritesNothing)
{
    activated(redeemed(order(1, {"a"}, 1), 0), "ours");
    const std::vector all{theirs(1, "10.8.0.9", "one"), theirs(3, "10.8.0.4", "three")};
    EXPECT_EQ(adopt(all, Adopting::rehearse), (std::vector{Adopted::key_taken, Adopted::now}));
    EXPECT_FALSE(good(store().live_session(client(3))));
    EXPECT_FALSE(good(store().fact(kFactAdopted)));
    EXPECT_EQ(rows("SELECT COUNT(*) FROM adopted"), 0);
    EXPECT_EQ(adopt(all), (std::vector{Adopted::key_taken, Adopted::now}));
    EXPECT_TRUE(good(store().fact(kFactAdopted)));
}

TEST_F(Adoption, IsAllThereOrNotAtAllAfterACrash)
{
    for (const bool after : {false, true}) {
        const auto hook = [](std::string_view step) { return step == "adopt_sessions" ? Fate::dies : Fate::lives; };
        open(after ? CommitHooks{.before_commit = {}, .after_commit = hook}
                   : CommitHooks{.before_commit = hook, .after_commit = {}});
        const std::vector all{theirs(1, "10.8.0.7", "one"), theirs(2, "10.8.0.8", "two")};
        EXPECT_EQ(reason(store().adopt_sessions(all, clock_.now(), Adopting::really)), Reason::store_unavailable);
        open();
        EXPECT_EQ(good(store().live_sessions()).size(), after ? 2U : 0U);
        const Adopted then = after ? Adopted::before : Adopted::now;
        EXPECT_EQ(adopt(all, Adopting::rehearse), (std::vector{then, then}));
    }
}

TEST_F(Adoption, ARenewalByItsBuyerExtendsIt)
{
    const auto session = theirs(1, "10.8.0.7", "one");
    adopt({session});
    const auto id = redeemed(order(1, {"a"}, 1), 0, "10.8.0.99");
    const auto renewed = activated(id, "unused");
    EXPECT_EQ(renewed.session.id, "one");
    EXPECT_EQ(renewed.expires_at, session.purchases[0].expires_at + 7200s);
    EXPECT_FALSE(renewed.first_buyer_is_this_key) << "who bought first was not kept there";
    EXPECT_EQ(good(store().live_session(client(1)))->lease.address, "10.8.0.7");
}

} // namespace
} // namespace adit::store
