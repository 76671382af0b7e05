// What of europa-node's rows goes on here, and what is mended.
#include "operate/europa_sessions.h"

#include "fakes/seeded_rng.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace adit::operate {
namespace {

using session::GrantClass;
using testing::HasSubstr;

constexpr UnixSeconds kNow{1'800'000'000};
constexpr std::uint64_t kGiB = 1ULL << 30;

protocol::WireguardKey key(std::uint8_t n)
{
    ByteArray<32> bytes{};
    bytes.fill(n);
    return protocol::WireguardKey(bytes);
}

std::string text(std::uint64_t number) { return std::to_string(number); }

/// A day for 100 sat that was bought an hour ago.
EuropaSession day(std::uint8_t n)
{
    EuropaSession row;
    row.session_id = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4b" + std::to_string(10 + n);
    row.protocol = "wireguard";
    row.client_identity = key(n).base64();
    row.assigned_ip = "10.66.42." + std::to_string(n);
    row.purchased_at = "1799996400";
    row.expires_at = "1800082800";
    row.data_used_bytes = "5000";
    row.price_amount = "100.0"; // as SQLite writes a REAL
    row.price_currency = "sat";
    row.price_unit = "day";
    row.payment_method = "cashu";
    row.status = "active";
    row.last_rx_counter = "2000";
    row.last_tx_counter = "3000";
    row.listing_d_tag = "exit-1";
    return row;
}

/// A GiB for 500 sat, with the quota that the reference gives it.
EuropaSession gib(std::uint8_t n)
{
    EuropaSession row = day(n);
    row.price_amount = "500.0";
    row.price_unit = "GiB";
    row.expires_at = text(1'799'996'400 + 30 * 86400);
    row.data_quota_bytes = text(500 * kGiB);
    return row;
}

MovingPlan plan(const std::vector<EuropaSession>& rows)
{
    fakes::SeededRng rng;
    const MovingTerms terms{wg::parse_cidr("10.66.42.0/24").value(), key(99)};
    return plan_moving_in(rows, terms, kNow, rng);
}

/// The one session of the plan; fails where it is another number.
PlannedSession only(const MovingPlan& plan)
{
    EXPECT_EQ(plan.live.size(), 1U);
    EXPECT_TRUE(plan.left_out.empty()) << plan.left_out.front().what;
    if (plan.live.empty())
        return {.session = {.id = "", .client_key = key(1), .address = ""}, .called = "", .goes_on = ""};
    return plan.live.front();
}

/// What is said of the one row that was left out.
Finding left_out(const EuropaSession& row)
{
    const auto planned = plan({day(2), row});
    EXPECT_EQ(planned.live.size(), 1U) << "the rest goes on";
    EXPECT_EQ(planned.left_out.size(), 1U);
    return planned.left_out.empty() ? Finding{} : planned.left_out.front();
}

TEST(EuropaSessions, AnUnspoiledRowGoesOnAsItIs)
{
    const auto planned = only(plan({day(7)}));
    EXPECT_TRUE(planned.repairs.empty());
    const auto& session = planned.session;
    EXPECT_EQ(session.id, *day(7).session_id);
    EXPECT_EQ(session.client_key, key(7));
    EXPECT_EQ(session.address, "10.66.42.7");
    const session::Segment as_sold{GrantClass::time, 86400, UnixSeconds(1'799'996'400), UnixSeconds(1'800'082'800),
                                   5000};
    EXPECT_EQ(session.segments, std::vector{as_sold});
    EXPECT_EQ(session.last_received_bytes, 2000U);
    EXPECT_EQ(session.last_sent_bytes, 3000U);
    ASSERT_EQ(session.purchases.size(), 1U);
    EXPECT_EQ(session.purchases[0].origin, "europa-node:" + *day(7).session_id);
    EXPECT_EQ(session.purchases[0].price, Sat(100));
    EXPECT_EQ(session.purchases[0].tier_amount, "100");
    EXPECT_EQ(session.purchases[0].method, session::Method::cashu);
    EXPECT_THAT(planned.called, testing::Not(HasSubstr("4b2d"))) << "the whole id opens the session's page";
}

TEST(EuropaSessions, AQuotaMadeOfThePriceBecomesWhatWasBought)
{
    const auto planned = only(plan({gib(7)}));
    EXPECT_EQ(planned.session.segments[0].cls, GrantClass::data);
    EXPECT_EQ(planned.session.segments[0].amount, kGiB);
    EXPECT_EQ(planned.session.segments[0].used_bytes, 5000U);
    EXPECT_EQ(planned.session.segments[0].ends_at, UnixSeconds(1'799'996'400 + 30 * 86400));
    EXPECT_EQ(planned.session.purchases[0].grant, (session::GrantSize{GrantClass::data, kGiB}));
    ASSERT_EQ(planned.repairs.size(), 1U);
    EXPECT_EQ(planned.repairs[0].level, Level::warn);
    EXPECT_THAT(planned.repairs[0].what, HasSubstr("500 GiB was computed from the price; it is now 1 GiB"));
    auto tib = gib(7);
    tib.price_unit = "TiB";
    tib.data_quota_bytes = text(500 * 1024 * kGiB);
    EXPECT_EQ(only(plan({tib})).session.segments[0].amount, 1024 * kGiB);
}

TEST(EuropaSessions, AQuotaThatIsRightIsNotTouched)
{
    auto row = gib(7);
    row.price_amount = "1.0";
    row.data_quota_bytes = text(kGiB);
    EXPECT_TRUE(only(plan({row})).repairs.empty());
}

TEST(EuropaSessions, AQuotaThatAnOperatorGaveIsKeptAndOneBelowWhatWasBoughtIsNot)
{
    auto row = gib(7);
    row.data_quota_bytes = text(3 * kGiB);
    EXPECT_EQ(only(plan({row})).session.segments[0].amount, 3 * kGiB);
    row.data_quota_bytes = text(kGiB / 2);
    EXPECT_EQ(only(plan({row})).session.segments[0].amount, kGiB);
    for (const char* overflow : {"9223372036854775807", "5.36870912e+23", "-1", "many"}) {
        row.data_quota_bytes = overflow;
        const auto planned = only(plan({row}));
        EXPECT_EQ(planned.session.segments[0].amount, kGiB) << overflow;
        EXPECT_EQ(planned.repairs.size(), 1U) << overflow;
    }
    row.data_quota_bytes.reset();
    EXPECT_EQ(only(plan({row})).session.segments[0].amount, kGiB);
}

TEST(EuropaSessions, WhatIsUsedUpIsOverAndSaidSo)
{
    auto row = gib(7);
    row.data_used_bytes = text(3 * kGiB);
    const auto planned = plan({row});
    EXPECT_TRUE(planned.live.empty());
    ASSERT_EQ(planned.ended.size(), 1U);
    EXPECT_TRUE(planned.ended[0].session.segments.empty());
    EXPECT_THAT(planned.ended[0].repairs.back().what, HasSubstr("has used 3 GiB of the 1 GiB"));
}

TEST(EuropaSessions, WhatIsOverByTimeIsNotLive)
{
    auto row = day(7);
    row.expires_at = text(1'800'000'000);
    EXPECT_TRUE(plan({row}).live.empty());
    EXPECT_EQ(plan({row}).ended.size(), 1U);
    row.expires_at = text(1'800'000'001);
    EXPECT_EQ(plan({row}).live.size(), 1U);
}

TEST(EuropaSessions, MillisecondsAreRecognisedAndNamed)
{
    auto row = day(7);
    row.purchased_at = "1799996400000";
    row.expires_at = "1800082800999";
    const auto planned = only(plan({row}));
    EXPECT_EQ(session::expires_at(planned.session.segments), UnixSeconds(1'800'082'800));
    ASSERT_EQ(planned.repairs.size(), 2U);
    EXPECT_THAT(planned.repairs[1].what, HasSubstr("expires_at 1800082800999 is in milliseconds"));
}

TEST(EuropaSessions, AMissingEndIsWhatWasBoughtAndAMissingStartIsFoundFromTheEnd)
{
    auto row = day(7);
    row.expires_at.reset();
    EXPECT_EQ(session::expires_at(only(plan({row})).session.segments), UnixSeconds(1'800'082'800));
    row = day(7);
    row.purchased_at.reset();
    EXPECT_EQ(only(plan({row})).session.segments[0].started_at, UnixSeconds(1'799'996'400));
    row.expires_at.reset();
    EXPECT_EQ(left_out(row).level, Level::fail);
    row = day(7);
    row.price_unit = "fortnight";
    EXPECT_EQ(session::expires_at(only(plan({row})).session.segments), UnixSeconds(1'800'082'800))
        << "its own end is there";
    row.expires_at.reset();
    EXPECT_THAT(left_out(row).what, HasSubstr("when it ends"));
}

TEST(EuropaSessions, NoSessionRunsForMoreThanFiveYears)
{
    auto row = day(7);
    row.expires_at = "99999999999";
    const auto planned = only(plan({row}));
    EXPECT_EQ(session::expires_at(planned.session.segments), kNow + Seconds(5LL * 365 * 86400));
    EXPECT_EQ(planned.repairs.size(), 1U);
}

TEST(EuropaSessions, UnreadableCountsAreCountedAnewAndNeverTwice)
{
    for (auto column :
         {&EuropaSession::data_used_bytes, &EuropaSession::last_rx_counter, &EuropaSession::last_tx_counter})
        for (const EuropaSession::Text& bad :
             {EuropaSession::Text(), EuropaSession::Text("-5"), EuropaSession::Text("x")}) {
            auto row = gib(7);
            row.*column = bad;
            const auto session = only(plan({row})).session;
            EXPECT_EQ(session.segments[0].used_bytes, 0U);
            EXPECT_EQ(session.last_received_bytes, 0U) << "the device's whole count is what was used";
            EXPECT_EQ(session.last_sent_bytes, 0U);
        }
}

TEST(EuropaSessions, ASecondPurchaseWithTheSameKeyExtendsTheFirst)
{
    auto first = day(7);
    auto second = day(8); // three days later, at the address that the device moved the peer to
    first.expires_at = text(1'800'082'800);
    second.client_identity = first.client_identity;
    second.purchased_at = text(1'799'998'000);
    second.expires_at = text(1'799'998'000 + 86400);
    second.last_rx_counter = "9000";
    for (const auto& rows : {std::vector{first, second}, std::vector{second, first}}) {
        const auto planned = only(plan(rows));
        EXPECT_EQ(planned.session.address, "10.66.42.8");
        EXPECT_EQ(planned.session.id, *second.session_id);
        EXPECT_EQ(planned.session.last_received_bytes, 9000U);
        EXPECT_EQ(session::expires_at(planned.session.segments), UnixSeconds(1'800'082'800 + 86400));
        EXPECT_EQ(planned.session.purchases.size(), 2U);
        ASSERT_EQ(planned.repairs.size(), 1U);
        EXPECT_THAT(planned.repairs[0].what, HasSubstr("one session now"));
    }
    auto data = gib(8);
    data.client_identity = first.client_identity;
    data.purchased_at = second.purchased_at;
    const auto queue = only(plan({first, data})).session.segments;
    ASSERT_EQ(queue.size(), 2U);
    EXPECT_EQ(queue[0].cls, GrantClass::time);
    EXPECT_FALSE(queue[1].started_at) << "it waits its turn";
    // One that is over adds nothing.
    first.expires_at = text(1'799'999'000);
    const auto alone = only(plan({first, second}));
    EXPECT_EQ(session::expires_at(alone.session.segments), UnixSeconds(1'799'998'000 + 86400));
    EXPECT_EQ(alone.session.purchases.size(), 1U);
}

TEST(EuropaSessions, OfTwoWithOneAddressTheLaterHasItAndTheOtherIsNamed)
{
    auto first = day(7);
    auto second = day(8);
    second.assigned_ip = first.assigned_ip;
    second.purchased_at = text(1'799'998'000);
    const auto planned = plan({second, first});
    ASSERT_EQ(planned.live.size(), 1U);
    EXPECT_EQ(planned.live[0].session.client_key, key(8));
    ASSERT_EQ(planned.left_out.size(), 1U);
    EXPECT_EQ(planned.left_out[0].level, Level::fail);
    EXPECT_THAT(planned.left_out[0].what, HasSubstr("same address"));
    EXPECT_THAT(planned.left_out[0].hint, HasSubstr("until 2027-01-16"));
}

TEST(EuropaSessions, WhatCanNotGoOnIsNamedAndTheRestGoesOn)
{
    const auto with = [](EuropaSession::Text EuropaSession::*column, EuropaSession::Text value) {
        auto row = day(7);
        row.*column = std::move(value);
        return row;
    };
    using E = EuropaSession;
    EXPECT_THAT(left_out(with(&E::protocol, "openvpn")).what, HasSubstr("openvpn"));
    EXPECT_THAT(left_out(with(&E::protocol, std::nullopt)).what, HasSubstr("NULL"));
    EXPECT_THAT(left_out(with(&E::status, "paused")).what, HasSubstr("unknown status"));
    EXPECT_THAT(left_out(with(&E::status, std::nullopt)).what, HasSubstr("unknown status NULL"));
    EXPECT_THAT(left_out(with(&E::session_id, std::nullopt)).what, HasSubstr("no session_id"));
    for (const E::Text& bad : {E::Text(), E::Text(""), E::Text("AAAA"), E::Text(std::string(43, 'A') + "="),
                               E::Text(key(1).hex()), E::Text(std::string(200, '\0'))})
        EXPECT_THAT(left_out(with(&E::client_identity, bad)).what, HasSubstr("no WireGuard key"));
    EXPECT_THAT(left_out(with(&E::client_identity, key(99).base64())).what, HasSubstr("server's own key"));
    for (const E::Text& bad : {E::Text(), E::Text("10.66.43.7"), E::Text("10.66.42.0"), E::Text("10.66.42.255"),
                               E::Text("fd00::7"), E::Text("10.66.42.7/32"), E::Text("7"), E::Text("10.66.42.7\n")}) {
        const auto finding = left_out(with(&E::assigned_ip, bad));
        EXPECT_THAT(finding.what, HasSubstr("outside of 10.66.42.0/24"));
        EXPECT_THAT(finding.hint, HasSubstr("subnet_cidr"));
        EXPECT_EQ(finding.level, Level::fail);
    }
    EXPECT_THAT(left_out(with(&E::session_id, *day(2).session_id)).what, HasSubstr("session_id of another"));
}

TEST(EuropaSessions, APendingOneIsPossiblyOwedWhereItHasAPaymentHash)
{
    auto row = day(7);
    row.status = "pending";
    row.payment_method = "lightning";
    row.payment_hash = std::string(64, 'a');
    const auto finding = left_out(row);
    EXPECT_EQ(finding.level, Level::warn);
    EXPECT_THAT(finding.hint, HasSubstr("possibly owed"));
    EXPECT_THAT(finding.hint, HasSubstr(std::string(64, 'a')));
    row.payment_hash.reset();
    EXPECT_THAT(left_out(row).hint, HasSubstr("nobody can have paid"));
}

TEST(EuropaSessions, AnIdThatCouldBeGuessedIsReplaced)
{
    for (const std::string id :
         {"1", "1B9D6BCD-BBFD-4B2D-9B5D-AB8DFBBD4BED", "1b9d6bcd-bbfd-1b2d-9b5d-ab8dfbbd4bed", "../../etc/passwd"}) {
        auto row = day(7);
        row.session_id = id;
        const auto session = only(plan({row})).session;
        EXPECT_EQ(session.id.size(), 32U) << id;
        EXPECT_EQ(session.purchases[0].origin, "europa-node:" + id) << "it is known by its own, however";
    }
}

TEST(EuropaSessions, APriceThatIsNoSumOfSatsKeepsItsTunnel)
{
    auto row = day(7);
    row.price_currency = "usd";
    row.price_amount = "4.5";
    row.payment_method = "cash";
    const auto planned = only(plan({row}));
    EXPECT_EQ(planned.session.purchases[0].price, Sat(0));
    EXPECT_EQ(planned.session.purchases[0].tier_amount, "4.5");
    EXPECT_EQ(planned.repairs.size(), 2U);
}

} // namespace
} // namespace adit::operate
