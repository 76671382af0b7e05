// What is given away, ended early and owed: each step whole, and only where the rows are as the caller saw them.
#include "shelf.h"

namespace adit::store {
namespace {

using Hands = StoreTest;
using session::Method;
using session::State;

NewPurchase gift(std::uint32_t key, UnixSeconds now)
{
    NewPurchase given{.method = Method::given, .client_key = client(key)};
    given.tier_amount = "0";
    given.tier_unit = "hour";
    given.quantity = 1;
    given.grant = {session::GrantClass::time, 3600};
    given.now = now;
    return given;
}

Closing all_of(const Activated& live, std::vector<PurchaseId> purchases, Sat amount = Sat(9))
{
    Closing closing{.session = live.session.row, .revision = live.session.revision};
    closing.refunds = {{auth_key(7), "https://mint.example", amount}};
    for (const PurchaseId id : purchases) closing.grants.push_back({id, 1800, amount, 0});
    closing.by = ClosedBy::buyer;
    return closing;
}

TEST_F(Hands, WhatIsGivenIsAPurchaseWithoutAPrice)
{
    const Lease candidate = address("10.8.0.9");
    const auto given = good(store().give(gift(9, clock_.now()), &candidate));
    EXPECT_TRUE(given.used_candidate);
    EXPECT_EQ(state_of(given.purchase), State::redeemed);
    const auto row = good(store().purchase(given.purchase));
    EXPECT_EQ(row.method, Method::given);
    EXPECT_EQ(row.price, Sat(0));
    EXPECT_FALSE(row.auth_key);
    EXPECT_FALSE(row.mint);
    const Act act{.kind = ActKind::granted, .at = clock_.now(), .amount = Sat(0), .note = "Ann"};
    const auto live = good(store().mark_active(given.purchase, {"cafe", clock_.now(), std::nullopt, act}));
    EXPECT_TRUE(live.began);
    const auto acts = good(store().acts(live.session.row, 10));
    ASSERT_EQ(acts.size(), 1U);
    EXPECT_EQ(acts[0].purchase, given.purchase);
    EXPECT_EQ(acts[0].note, "Ann");
    EXPECT_TRUE(good(store().open_purchases()).empty());
    EXPECT_EQ(reason(store().take_gift_back(given.purchase)), Reason::bad_step);
}

TEST_F(Hands, WhatIsGivenWithoutAnAddressIsNotWritten)
{
    EXPECT_EQ(reason(store().give(gift(9, clock_.now()), nullptr)), Reason::no_ip_available);
    EXPECT_EQ(reason(store().purchase(PurchaseId{1})), Reason::not_found);
}

TEST_F(Hands, WhatWasNotPutUpIsEndedAtTheNextStartAndItsAddressRests)
{
    const Lease candidate = address("10.8.0.9");
    const auto given = good(store().give(gift(9, clock_.now()), &candidate));
    const auto paid = redeemed(order(1, {"a"}), 0);
    open();
    EXPECT_EQ(good(store().take_unfinished_gifts_back()), 1U);
    EXPECT_EQ(state_of(given.purchase), State::ended);
    EXPECT_EQ(state_of(paid), State::redeemed) << "what was paid is not touched";
    EXPECT_TRUE(rest_of("10.8.0.9"));
    EXPECT_EQ(good(store().take_unfinished_gifts_back()), 0U);
    EXPECT_EQ(good(store().ours(std::vector{client(9)})).size(), 1U) << "a peer of it, if there is one, is ours";
}

TEST_F(Hands, AGrantForOneSessionBeginsNoOther)
{
    const auto live = activated(redeemed(order(1, {"a"}), 0), "cafe");
    good(store().end_sessions(std::vector{SessionAt{live.session.row, 1}}, clock_.now()));
    const auto given = good(store().give(gift(1, clock_.now()), nullptr)); // the lease rests, and is woken
    EXPECT_EQ(reason(store().mark_active(given.purchase, {"beef", clock_.now(), live.session.row, std::nullopt})),
              Reason::bad_step);
    EXPECT_FALSE(good(store().session_by_id("beef")));
    good(store().take_gift_back(given.purchase));
    EXPECT_TRUE(rest_of("10.8.0.2"));
}

TEST_F(Hands, ARevocationIsTheSessionsEndAndItsLine)
{
    const auto id = redeemed(order(1, {"a"}), 0);
    const auto live = activated(id, "cafe");
    const Act act{.kind = ActKind::revoked, .at = clock_.now(), .session = live.session.row, .note = "x"};
    SessionUsage usage{{live.session.row, 2}, live.session.segments, 5, 6};
    EXPECT_EQ(reason(store().revoke_session(usage, act)), Reason::bad_step) << "another revision";
    EXPECT_EQ(state_of(id), State::active);
    EXPECT_TRUE(good(store().acts(std::nullopt, 10)).empty());
    usage.at.revision = 1;
    good(store().revoke_session(usage, act));
    EXPECT_EQ(state_of(id), State::ended);
    EXPECT_EQ(good(store().session_at(live.session.row))->ended_at, clock_.now());
    EXPECT_EQ(good(store().session_at(live.session.row))->last_sent_bytes, 6U);
    EXPECT_EQ(rest_of("10.8.0.2"), clock_.now() + 300s);
    EXPECT_EQ(reason(store().revoke_session(usage, act)), Reason::bad_step);
    EXPECT_EQ(good(store().acts(live.session.row, 10)).size(), 1U);
}

TEST_F(Hands, AClosedGrantIsOwedUntilItsTokenIsThere)
{
    const auto id = redeemed(order(1, {"a"}), 0);
    const auto live = activated(id, "cafe");
    const auto refunds = good(store().close_grants(all_of(live, {id}), clock_.now()));
    ASSERT_EQ(refunds.size(), 1U);
    EXPECT_EQ(state_of(id), State::ended);
    EXPECT_FALSE(good(store().live_session(client(1))));
    EXPECT_TRUE(rest_of("10.8.0.2"));
    const auto grants = good(store().grants_of(live.session.row));
    ASSERT_EQ(grants.size(), 1U);
    EXPECT_EQ(grants[0].refund, refunds[0]);
    EXPECT_EQ(grants[0].unused, 1800U);

    open();
    auto owed = good(store().owed_refunds());
    ASSERT_EQ(owed.size(), 1U);
    EXPECT_EQ(owed[0].lock, auth_key(7));
    EXPECT_EQ(owed[0].amount, Sat(9));
    EXPECT_EQ(owed[0].mint, "https://mint.example");
    EXPECT_EQ(owed[0].by, ClosedBy::buyer);
    clock_.advance(60s);
    good(store().settle_refund(refunds[0], "cashuB1", clock_.now()));
    good(store().settle_refund(refunds[0], "cashuB2", clock_.now() + 5s));
    EXPECT_TRUE(good(store().owed_refunds()).empty());
    const auto settled = good(store().refund(refunds[0]));
    EXPECT_EQ(settled.token, "cashuB1") << "the first stays";
    EXPECT_EQ(settled.settled_at, clock_.now());
    EXPECT_TRUE(good(store().acts(std::nullopt, 10)).empty()) << "a buyer's own close is none of the operator's acts";
    EXPECT_EQ(reason(store().refund(RefundId{99})), Reason::not_found);
}

TEST_F(Hands, NothingIsOwedWhereNothingWasLeft)
{
    const auto id = redeemed(order(1, {"a"}), 0);
    const auto live = activated(id, "cafe");
    const auto refunds = good(store().close_grants(all_of(live, {id}, Sat(0)), clock_.now()));
    EXPECT_TRUE(good(store().owed_refunds()).empty());
    EXPECT_EQ(good(store().refund(refunds[0])).settled_at, clock_.now());
}

TEST_F(Hands, AClosingThatSawOtherRowsChangesNothing)
{
    const auto id = redeemed(order(1, {"a"}), 0);
    const auto live = activated(id, "cafe");
    auto closing = all_of(live, {id});
    closing.revision = 2;
    EXPECT_EQ(reason(store().close_grants(closing, clock_.now())), Reason::bad_step);
    closing.revision = 1;
    closing.grants[0].purchase = PurchaseId{99};
    EXPECT_EQ(reason(store().close_grants(closing, clock_.now())), Reason::bad_step);
    EXPECT_EQ(state_of(id), State::active);
    EXPECT_TRUE(good(store().live_session(client(1))));
    EXPECT_TRUE(good(store().owed_refunds()).empty());
    EXPECT_TRUE(good(store().refunds_of(live.session.row)).empty());
    good(store().close_grants(all_of(live, {id}), clock_.now()));
    EXPECT_EQ(reason(store().close_grants(all_of(live, {id}), clock_.now())), Reason::bad_step) << "once";
}

TEST_F(Hands, WhatIsLeftGoesOnWithItsAddress)
{
    const auto first = redeemed(order(1, {"a"}), 0);
    activated(first, "cafe");
    const auto second = redeemed(order(2, {"b"}), 1);
    const auto both = activated(second, "beef");
    Closing closing = all_of(both, {second});
    closing.by = ClosedBy::operator_;
    closing.note = "sorry";
    closing.left = both.session.segments;
    closing.left[0].amount -= 7200;
    good(store().close_grants(closing, clock_.now()));
    const auto live = good(store().live_session(client(1)));
    ASSERT_TRUE(live);
    EXPECT_EQ(live->session.revision, both.session.revision + 1);
    EXPECT_EQ(live->session.segments, closing.left);
    EXPECT_EQ(state_of(first), State::active);
    EXPECT_EQ(state_of(second), State::ended);
    EXPECT_EQ(rest_of("10.8.0.2"), std::nullopt);
    const auto acts = good(store().acts(both.session.row, 10));
    ASSERT_EQ(acts.size(), 1U);
    EXPECT_EQ(acts[0].kind, ActKind::refunded);
    EXPECT_EQ(acts[0].amount, Sat(9));
    EXPECT_EQ(acts[0].note, "sorry");
}

TEST_F(Hands, SessionsAreListedInOrderFromWhereTheLastPageEnded)
{
    std::vector<std::int64_t> rows;
    for (std::uint8_t n = 1; n <= 5; ++n) {
        const std::string secret = "s" + std::to_string(n);
        auto purchase = order(n, {}, n);
        purchase.ys = {y_of(secret)};
        rows.push_back(activated(redeemed(purchase, n, "10.8.0." + std::to_string(n + 1)), "id" + secret).session.row);
    }
    good(store().end_sessions(std::vector{SessionAt{rows[2], 1}}, clock_.now()));
    const auto first = good(store().list_sessions(Store::Listed::live, 0, 2));
    ASSERT_EQ(first.size(), 2U);
    EXPECT_EQ(first[0].session, rows[0]);
    EXPECT_EQ(first[0].address, "10.8.0.2");
    EXPECT_EQ(first[0].purchases, 1U);
    const auto second = good(store().list_sessions(Store::Listed::live, first[1].session, 2));
    ASSERT_EQ(second.size(), 2U);
    EXPECT_EQ(second[0].session, rows[3]) << "what is over is left out";
    const auto all = good(store().list_sessions(Store::Listed::all, rows[1], 10));
    ASSERT_EQ(all.size(), 3U);
    EXPECT_FALSE(all[0].live);
    EXPECT_EQ(all[0].ended_at, clock_.now());
    EXPECT_EQ(all[0].address, "");
    EXPECT_TRUE(good(store().list_sessions(Store::Listed::all, rows[4], 10)).empty());
}

TEST_F(Hands, WhatTheOperatorSettledElsewhereHasItsLine)
{
    // By Lightning only; of others it is refused, and leaves none.
    const auto id = redeemed(order(1, {"a"}), 0);
    EXPECT_EQ(reason(store().mark_settled_by_hand(id)), Reason::bad_step);
    EXPECT_TRUE(good(store().acts(std::nullopt, 10)).empty());
}

} // namespace
} // namespace adit::store
