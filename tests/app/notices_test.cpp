#include "app/notices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace adit::app {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using What = TroubleNews::What;

const Symptom kSilentMint{Trouble::mint_silent, "https://mint.example",
                          "The mint https://mint.example does not answer."};
const Symptom kOtherMint{Trouble::mint_silent, "https://other.example", "The other does not answer."};
const Sale kHour{session::Method::cashu, Sat(100), 1, "hour"};
const Sale kDay{session::Method::lightning, Sat(1000), 2, "day"};

/// Both clocks, which pass together.
class NoticesTest : public testing::Test {
protected:
    void pass(Seconds length)
    {
        now_ = now_ + length;
        at_ += length;
    }
    std::vector<TroubleNews> look(std::vector<Symptom> seen) { return watch_.look(seen, now_, at_); }
    Due take() { return notices_.take(now_, at_); }
    void sold(const Sale& sale, int times = 1)
    {
        SalesSum sum;
        for (int i = 0; i < times; ++i) sum.add(sale);
        notices_.sold(sum, at_);
    }

    UnixSeconds now_{1'800'000'000};
    SteadyTime at_{Seconds(5'000)};
    TroubleWatch watch_;
    Notices notices_{Seconds(0), std::nullopt};
};

TEST_F(NoticesTest, TroubleIsToldOnceWhenItHasLastedAndOnceWhenItIsGone)
{
    EXPECT_THAT(look({kSilentMint}), IsEmpty());
    const UnixSeconds began = now_;
    pass(Seconds(179));
    EXPECT_THAT(look({kSilentMint}), IsEmpty()) << "too early";
    pass(Seconds(1));
    const auto begun = look({kSilentMint});
    ASSERT_THAT(begun, SizeIs(1));
    EXPECT_EQ(begun[0].what, What::begun);
    EXPECT_EQ(begun[0].since, began);
    EXPECT_EQ(begun[0].symptom.words, kSilentMint.words);
    for (int i = 0; i < 100; ++i) {
        pass(Seconds(60));
        EXPECT_THAT(look({kSilentMint}), IsEmpty()) << "told again";
    }
    EXPECT_THAT(look({}), IsEmpty());
    pass(Seconds(59));
    EXPECT_THAT(look({}), IsEmpty()) << "its end is told too early";
    pass(Seconds(1));
    const auto ended = look({});
    ASSERT_THAT(ended, SizeIs(1));
    EXPECT_EQ(ended[0].what, What::ended);
    EXPECT_EQ(ended[0].since, began);
    pass(Seconds(1000));
    EXPECT_THAT(look({}), IsEmpty());
}

TEST_F(NoticesTest, WhatComesAndGoesIsNotTold)
{
    for (int i = 0; i < 100; ++i) {
        EXPECT_THAT(look({kSilentMint}), IsEmpty());
        pass(Seconds(170));
        EXPECT_THAT(look({}), IsEmpty());
        pass(Seconds(10));
    }
}

TEST_F(NoticesTest, AMomentWithoutTroubleDoesNotEndIt)
{
    look({kSilentMint});
    pass(Seconds(180));
    EXPECT_THAT(look({kSilentMint}), SizeIs(1));
    for (int i = 0; i < 50; ++i) {
        pass(Seconds(50));
        EXPECT_THAT(look({}), IsEmpty());
        pass(Seconds(50));
        EXPECT_THAT(look({kSilentMint}), IsEmpty());
    }
    EXPECT_THAT(watch_.lasting(), SizeIs(1));
}

TEST_F(NoticesTest, EachMintHasItsOwnTrouble)
{
    look({kSilentMint});
    pass(Seconds(100));
    look({kSilentMint, kOtherMint});
    pass(Seconds(80));
    EXPECT_THAT(look({kSilentMint, kOtherMint}), SizeIs(1));
    pass(Seconds(100));
    EXPECT_THAT(look({kOtherMint}), SizeIs(1));
    pass(Seconds(60));
    const auto over = look({kOtherMint});
    ASSERT_THAT(over, SizeIs(1));
    EXPECT_EQ(over[0].symptom.about, kSilentMint.about);
}

TEST_F(NoticesTest, ARestartTellsNoTroubleTwiceAndItsEndOnce)
{
    look({kSilentMint, kOtherMint});
    const UnixSeconds began = now_;
    pass(Seconds(180));
    look({kSilentMint, kOtherMint});
    TroubleWatch restarted;
    restarted.load(watch_.dump(), at_);
    pass(Seconds(400));
    EXPECT_THAT(restarted.look(std::vector{kSilentMint}, now_, at_), IsEmpty());
    pass(Seconds(60));
    const auto ended = restarted.look(std::vector{kSilentMint}, now_, at_);
    ASSERT_THAT(ended, SizeIs(1));
    EXPECT_EQ(ended[0].what, What::ended);
    EXPECT_EQ(ended[0].symptom.about, kOtherMint.about);
    EXPECT_EQ(ended[0].since, began);
}

TEST_F(NoticesTest, WhatWasKeptAndCanNotBeReadIsForgotten)
{
    const std::string deep(100'000, '[');
    for (const std::string& bad : std::vector<std::string>{
             "", "{", "null", "[1,null,{}]", R"([{"trouble":"unknown","about":"","words":"","since":1}])",
             R"([{"trouble":"mint_silent","about":7,"words":"","since":1}])",
             R"([{"trouble":"mint_silent","about":"","words":"","since":-1}])", "\xff\xfe", deep}) {
        TroubleWatch watch;
        watch.load(bad, at_);
        EXPECT_THAT(watch.lasting(), IsEmpty()) << bad.substr(0, 60);
    }
}

TEST_F(NoticesTest, NoFloodOfSymptomsIsFollowedWithoutLimit)
{
    std::vector<Symptom> many;
    for (int i = 0; i < 10'000; ++i) many.push_back({Trouble::purchase_owed, std::to_string(i), "Owed."});
    EXPECT_THAT(look(many), SizeIs(200));
    EXPECT_THAT(look(many), IsEmpty());
    notices_.look(many, now_, at_);
    const Due due = take();
    EXPECT_THAT(due.news, SizeIs(20));
    EXPECT_EQ(due.news_left_out, 180U);
    EXPECT_LE(message_text(due, {}, now_).size(), 4000U);
}

TEST_F(NoticesTest, EveryTroubleHasItsWordsAtBothEnds)
{
    for (const Trouble trouble :
         {Trouble::mint_silent, Trouble::lightning_down, Trouble::listing_missing, Trouble::pool_nearly_full,
          Trouble::keyset_expiring, Trouble::disk_filling, Trouble::purchase_owed}) {
        TroubleWatch watch;
        const std::vector<Symptom> seen{{trouble, "it", "Something is wrong."}};
        watch.look(seen, now_, at_);
        pass(patience_with(trouble).begins);
        auto begun = watch.look(seen, now_, at_);
        if (patience_with(trouble).begins == Seconds(0)) begun = watch.lasting();
        ASSERT_THAT(begun, SizeIs(1));
        watch.look({}, now_, at_);
        pass(patience_with(trouble).ends);
        const auto left = watch.look({}, now_, at_);
        EXPECT_THAT(watch.lasting(), IsEmpty());
        Due due;
        due.news = {begun[0], {What::ended, begun[0].symptom, begun[0].since}};
        const std::string text = message_text(due, {}, now_);
        EXPECT_THAT(text, HasSubstr("Something is wrong."));
        EXPECT_THAT(text, HasSubstr("Over after "));
        EXPECT_THAT(text, Not(HasSubstr(": \n")));
    }
}

TEST_F(NoticesTest, ASaleIsToldSoonAndManyTogether)
{
    sold(kHour);
    EXPECT_FALSE(take().any()) << "others may follow";
    pass(Seconds(5));
    Due due = take();
    EXPECT_EQ(due.sales.words(), "1 hour for 100 sat, for ecash");
    EXPECT_FALSE(take().any());

    sold(kDay, 10);
    pass(Seconds(54));
    EXPECT_FALSE(take().any()) << "the next message within a minute";
    pass(Seconds(1));
    EXPECT_FALSE(take().any());
    pass(Seconds(5));
    due = take();
    EXPECT_EQ(due.sales.count(), 10U);
    EXPECT_EQ(due.sales.words(), "10 sales for 10000 sat: 10 by Lightning");
    // Ten minutes for ten.
    sold(kHour);
    pass(Seconds(599));
    EXPECT_FALSE(take().any());
    pass(Seconds(1));
    EXPECT_TRUE(take().any());
}

TEST_F(NoticesTest, ABusyShopIsToldOfOnceAnHourAndNothingIsLost)
{
    std::uint64_t told = 0;
    int messages = 0;
    for (int second = 0; second < 24 * 3600; ++second) {
        sold(kHour, 3);
        if (const Due due = take(); due.any()) {
            told += due.sales.count();
            ++messages;
        }
        pass(Seconds(1));
    }
    EXPECT_LE(messages, 40);
    pass(Seconds(3600));
    EXPECT_EQ(told + take().sales.count(), 3U * 24 * 3600);
}

TEST_F(NoticesTest, TroubleDoesNotWaitForSalesAndIsNotToldEveryMoment)
{
    const std::vector<Symptom> owed{{Trouble::purchase_owed, "7", "Purchase 7 is owed."}};
    sold(kHour);
    EXPECT_TRUE(notices_.look(owed, now_, at_));
    const Due due = take();
    EXPECT_THAT(due.news, SizeIs(1));
    EXPECT_EQ(due.sales.count(), 0U);
    std::size_t messages = 0;
    std::size_t told = 0;
    for (int i = 0; i < 600; ++i) {
        pass(Seconds(1));
        notices_.look(i % 2 == 0 ? std::vector<Symptom>{} : owed, now_, at_);
        const Due next = take();
        if (!next.news.empty()) ++messages;
        told += next.news.size() + next.news_left_out;
    }
    EXPECT_EQ(messages, 10U) << "one a minute at most";
    EXPECT_GE(told, 590U) << "what happened in between is told with it";
}

TEST_F(NoticesTest, TheHeartbeatComesAtOnceAndThenInItsTime)
{
    notices_ = Notices(Seconds(3600), std::nullopt);
    EXPECT_TRUE(take().heartbeat);
    EXPECT_FALSE(take().heartbeat);
    sold(kHour, 3);
    pass(Seconds(3599));
    EXPECT_FALSE(take().heartbeat);
    pass(Seconds(1));
    const Due due = take();
    EXPECT_TRUE(due.heartbeat);
    EXPECT_EQ(due.since_heartbeat.count(), 3U) << "also what was told already";
    pass(Seconds(3600));
    EXPECT_EQ(take().since_heartbeat.count(), 0U);
}

TEST_F(NoticesTest, ARestartDoesNotBringTheHeartbeatForward)
{
    notices_ = Notices(Seconds(3600), now_ - Seconds(1800));
    EXPECT_FALSE(take().heartbeat);
    pass(Seconds(1800));
    EXPECT_TRUE(take().heartbeat);
}

TEST_F(NoticesTest, AClockThatWasAheadSilencesTheHeartbeatForOneTimeOnly)
{
    notices_ = Notices(Seconds(3600), now_ + Seconds(1'000'000));
    EXPECT_FALSE(take().heartbeat);
    pass(Seconds(3600));
    EXPECT_TRUE(take().heartbeat);
}

TEST_F(NoticesTest, NoHeartbeatWhereNoneIsWanted)
{
    pass(Seconds(10'000'000));
    EXPECT_FALSE(take().heartbeat);
}

TEST_F(NoticesTest, TheNextTimeIsKnown)
{
    EXPECT_FALSE(notices_.next());
    sold(kHour);
    ASSERT_TRUE(notices_.next());
    EXPECT_EQ(*notices_.next(), at_ + Seconds(5));
    pass(Seconds(5));
    take();
    EXPECT_FALSE(notices_.next());
}

TEST_F(NoticesTest, AMessageSaysHowTheShopStands)
{
    SalesSum one;
    one.add(kHour);
    Due due;
    due.sales = one;
    ShopNow shop;
    shop.wallet = {{"https://one.example", Sat(1200)}, {"https://two.example", Sat(34)}};
    shop.lightning = "answers";
    shop.taken_by_lightning = Sat(500);
    shop.sessions = 12;
    EXPECT_EQ(message_text(due, shop, now_), "Sold: 1 hour for 100 sat, for ecash\n"
                                             "Wallet: 1234 sat, of which\n"
                                             "  1200 sat at https://one.example\n"
                                             "  34 sat at https://two.example\n"
                                             "Lightning: the node answers; 500 sat sold so far\n"
                                             "Sessions: 12");
    due = {};
    due.heartbeat = true;
    due.lasting = {{What::begun, kSilentMint, now_}};
    shop = {.wallet = {{"https://one.example", Sat(7)}}, .sessions = 0, .paused = true};
    EXPECT_EQ(message_text(due, shop, now_),
              "All is not well at 2027-01-15T08:00:00Z\n"
              "Trouble since 2027-01-15T08:00:00Z: The mint https://mint.example does not "
              "answer.\n"
              "Wallet: 7 sat at https://one.example\n"
              "Sessions: 0; sales are paused");
}

TEST_F(NoticesTest, SumsDoNotOverflow)
{
    SalesSum sum;
    const Sale all{session::Method::cashu, Sat(std::numeric_limits<std::uint64_t>::max()), 1, "hour"};
    sum.add(all);
    sum.add(all);
    EXPECT_EQ(sum.total().count(), std::numeric_limits<std::uint64_t>::max());
    SalesSum more;
    more.add(all);
    sum.add(more);
    EXPECT_EQ(sum.count(), 3U);
    EXPECT_EQ(sum.total().count(), std::numeric_limits<std::uint64_t>::max());
}

} // namespace
} // namespace adit::app
