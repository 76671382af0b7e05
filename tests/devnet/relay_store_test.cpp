#include "devnet/relay_store.h"

#include "fakes/seeded_rng.h"
#include "protocol/deletion.h"

#include <gtest/gtest.h>

namespace adit::devnet {
namespace {

using protocol::Event;
using protocol::Filter;

constexpr UnixSeconds kNow{1'795'000'000};

class RelayStoreTest : public testing::Test {
protected:
    Event event(std::uint32_t kind, std::int64_t age = 0, std::vector<protocol::Tag> tags = {},
                std::string content = "")
    {
        return protocol::sign_event({kNow - Seconds(age), kind, std::move(tags), std::move(content)}, key_, rng_);
    }
    Event deletion(std::vector<protocol::Tag> tags, std::int64_t age = 0)
    {
        return protocol::sign_event({kNow - Seconds(age), 5, std::move(tags), ""}, key_, rng_);
    }
    Kept put(const Event& e) { return store_.put(e, kNow); }
    std::vector<std::string> contents(const Filter& filter = {}, UnixSeconds now = kNow)
    {
        std::vector<std::string> all;
        for (const Event* found : store_.query(std::span(&filter, 1), now)) all.push_back(found->content);
        return all;
    }
    using Texts = std::vector<std::string>;

    fakes::SeededRng rng_;
    protocol::SecretKey key_ = protocol::SecretKey::generate(rng_);
    protocol::SecretKey other_key_ = protocol::SecretKey::generate(rng_);
    RelayStore store_;
};

TEST_F(RelayStoreTest, RegularEventsAreAllKeptNewestFirst)
{
    EXPECT_EQ(put(event(1, 20, {}, "old")), Kept::stored);
    EXPECT_EQ(put(event(1, 5, {}, "new")), Kept::stored);
    const Event middle = event(1, 10, {}, "middle");
    EXPECT_EQ(put(middle), Kept::stored);
    EXPECT_EQ(put(middle), Kept::duplicate);
    EXPECT_EQ(contents(), (Texts{"new", "middle", "old"}));
}

TEST_F(RelayStoreTest, LimitTakesTheNewestAndTiesGoToTheLowestId)
{
    Event a = event(1, 0, {}, "a");
    Event b = event(1, 0, {}, "b");
    if (b.id < a.id) std::swap(a, b);
    put(b);
    put(a);
    put(event(1, 50, {}, "old"));
    Filter filter;
    filter.limit = 1;
    EXPECT_EQ(contents(filter), Texts{a.content});
    filter.limit = 2;
    EXPECT_EQ(contents(filter), (Texts{a.content, b.content}));
    filter.limit = 0;
    EXPECT_EQ(contents(filter), Texts{});
}

TEST_F(RelayStoreTest, SeveralFiltersHaveTheirOwnLimitsAndNoEventComesTwice)
{
    put(event(1, 1, {}, "note"));
    put(event(7, 2, {}, "reaction"));
    put(event(7, 3, {}, "older reaction"));
    Filter reactions;
    reactions.kinds = {7};
    reactions.limit = 1;
    Filter all;
    all.limit = 2;
    const std::vector filters{reactions, all};
    EXPECT_EQ(store_.query(filters, kNow).size(), 2U);
}

TEST_F(RelayStoreTest, AReplaceableEventReplacesWhateverTheOrderOfArrival)
{
    EXPECT_EQ(put(event(10002, 10, {}, "first")), Kept::stored);
    EXPECT_EQ(put(event(10002, 5, {}, "second")), Kept::stored);
    EXPECT_EQ(put(event(10002, 7, {}, "late")), Kept::superseded);
    EXPECT_EQ(contents(), Texts{"second"});
}

TEST_F(RelayStoreTest, AmongVersionsOfTheSameSecondTheLowestIdStays)
{
    Event low = event(30402, 0, {{"d", "x"}}, "low");
    Event high = event(30402, 0, {{"d", "x"}}, "high");
    if (high.id < low.id) std::swap(low, high);
    EXPECT_EQ(put(high), Kept::stored);
    EXPECT_EQ(put(low), Kept::stored);
    EXPECT_EQ(put(high), Kept::superseded);
    EXPECT_EQ(contents(), Texts{low.content});
}

TEST_F(RelayStoreTest, AddressableEventsAreReplacedByIdentifierAndAuthor)
{
    put(event(30402, 10, {{"d", "a"}}, "a1"));
    put(event(30402, 9, {{"d", "b"}}, "b1"));
    put(event(30402, 8, {{"d", "a"}}, "a2"));
    put(event(30402, 7, {}, "no d"));
    put(event(30402, 6, {{"d", ""}}, "empty d"));
    put(protocol::sign_event({kNow, 30402, {{"d", "a"}}, "of another"}, other_key_, rng_));
    EXPECT_EQ(contents(), (Texts{"of another", "empty d", "a2", "b1"}));
}

TEST_F(RelayStoreTest, EphemeralEventsAreNotStored)
{
    EXPECT_EQ(put(event(20001)), Kept::ephemeral);
    EXPECT_EQ(store_.size(), 0U);
}

TEST_F(RelayStoreTest, ExpiredEventsAreRefusedAndLaterNotServed)
{
    const auto at = [](std::int64_t seconds) { return std::to_string(kNow.count() + seconds); };
    EXPECT_EQ(put(event(1, 0, {{"expiration", at(-1)}})), Kept::expired);
    EXPECT_EQ(put(event(1, 0, {{"expiration", at(60)}}, "brief")), Kept::stored);
    EXPECT_EQ(contents(), Texts{"brief"});
    EXPECT_EQ(contents({}, kNow + Seconds(61)), Texts{});
}

TEST_F(RelayStoreTest, ADeletionRemovesItsAuthorsEventsByIdAndStays)
{
    const Event mine = event(7375, 10, {}, "token");
    const Event theirs = protocol::sign_event({kNow, 7375, {}, "theirs"}, other_key_, rng_);
    put(mine);
    put(theirs);
    EXPECT_EQ(put(deletion({{"e", encode_hex(mine.id)}, {"e", encode_hex(theirs.id)}, {"k", "7375"}})), Kept::stored);
    Filter tokens;
    tokens.kinds = {7375};
    EXPECT_EQ(contents(tokens), Texts{"theirs"});
    Filter by_kind_tag;
    by_kind_tag.tags['k'] = {"7375"};
    EXPECT_EQ(contents(by_kind_tag).size(), 1U) << "the deletion itself, found by its k tag";
}

TEST_F(RelayStoreTest, AnEventThatArrivesAfterItsDeletionIsRefused)
{
    const Event late = event(7375, 10, {}, "token");
    put(deletion({{"e", encode_hex(late.id)}, {"k", "7375"}}));
    EXPECT_EQ(put(late), Kept::deleted);
    const Event theirs = protocol::sign_event({kNow, 1, {}, "theirs"}, other_key_, rng_);
    put(deletion({{"e", encode_hex(theirs.id)}}));
    EXPECT_EQ(put(theirs), Kept::stored);
}

TEST_F(RelayStoreTest, ACoordinateIsDeletedUpToTheDeletionsTimeAndLivesAgainAfter)
{
    const std::string place = "30402:" + key_.public_key().hex() + ":tunnel:eu";
    put(event(30402, 20, {{"d", "tunnel:eu"}}, "old"));
    put(deletion({{"a", place}, {"k", "30402"}}, 10));
    Filter listings;
    listings.kinds = {30402};
    EXPECT_EQ(contents(listings), Texts{});
    EXPECT_EQ(put(event(30402, 15, {{"d", "tunnel:eu"}}, "late arrival")), Kept::deleted);
    EXPECT_EQ(put(event(30402, 10, {{"d", "tunnel:eu"}}, "same second")), Kept::deleted);
    EXPECT_EQ(put(event(30402, 5, {{"d", "tunnel:eu"}}, "again")), Kept::stored);
    EXPECT_EQ(put(deletion({{"a", place}}, 7)), Kept::stored);
    EXPECT_EQ(contents(listings), Texts{"again"});
}

TEST_F(RelayStoreTest, NobodyDeletesAnothersCoordinateNorADeletion)
{
    const std::string place = "30402:" + other_key_.public_key().hex() + ":x";
    put(protocol::sign_event({kNow - Seconds(10), 30402, {{"d", "x"}}, "theirs"}, other_key_, rng_));
    const Event first = deletion({{"a", place}});
    put(first);
    put(deletion({{"e", encode_hex(first.id)}}));
    EXPECT_EQ(store_.size(), 3U);
}

TEST_F(RelayStoreTest, MalformedDeletionTagsChangeNothing)
{
    put(event(1, 1, {}, "note"));
    EXPECT_EQ(put(deletion({{"e"}, {"e", "zz"}, {"a", "1:2"}, {"a", ""}, {"k"}, {"e", std::string(64, 'Z')}})),
              Kept::stored);
    EXPECT_EQ(store_.size(), 2U);
}

} // namespace
} // namespace adit::devnet
