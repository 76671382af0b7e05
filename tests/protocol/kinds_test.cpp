#include "protocol/kinds.h"

#include "nostr_testing.h"

namespace adit::protocol {
namespace {

EventDraft draft_of(std::uint32_t kind, std::vector<Tag> tags = {}, std::int64_t at = 100)
{
    return {.created_at = UnixSeconds(at), .kind = kind, .tags = std::move(tags), .content = ""};
}

TEST(Kinds, ClassesAreTheRangesOfNip01)
{
    for (const std::uint32_t kind : {1U, 2U, 4U, 44U, 45U, 1000U, 7375U, 9999U, 40000U, 65535U})
        EXPECT_EQ(kind_class(kind), KindClass::regular) << kind;
    for (const std::uint32_t kind : {0U, 3U, 10000U, 17375U, 19999U})
        EXPECT_EQ(kind_class(kind), KindClass::replaceable) << kind;
    for (const std::uint32_t kind : {20000U, 21059U, 29999U}) EXPECT_EQ(kind_class(kind), KindClass::ephemeral) << kind;
    for (const std::uint32_t kind : {30000U, 30402U, 39999U})
        EXPECT_EQ(kind_class(kind), KindClass::addressable) << kind;
}

TEST(Kinds, OnlyWhatCanBeReplacedHasACoordinateAndAMissingDIsEmpty)
{
    EXPECT_FALSE(coordinate(make_event(draft_of(1, {{"d", "x"}}))));
    EXPECT_FALSE(coordinate(make_event(draft_of(20001))));
    EXPECT_EQ(coordinate(make_event(draft_of(10002, {{"d", "x"}})))->d_tag, "") << "d means nothing there";
    EXPECT_EQ(coordinate(make_event(draft_of(30402, {{"d", "x"}, {"d", "y"}})))->d_tag, "x");
    EXPECT_EQ(coordinate(make_event(draft_of(30402)))->d_tag, "");
    EXPECT_EQ(coordinate(make_event(draft_of(30402, {{"d"}})))->d_tag, "");
}

TEST(Kinds, TheLaterEventWinsAndOfTwoAtOnceTheLowerId)
{
    Event a = make_event(draft_of(0, {}, 100));
    Event b = make_event(draft_of(0, {}, 101));
    EXPECT_TRUE(supersedes(b, a));
    EXPECT_FALSE(supersedes(a, b));
    b.created_at = a.created_at;
    a.id = EventId{1};
    b.id = EventId{2};
    EXPECT_TRUE(supersedes(a, b));
    EXPECT_FALSE(supersedes(b, a));
    EXPECT_FALSE(supersedes(a, a));
}

TEST(Kinds, AnEventExpiresInTheVerySecondItNames)
{
    const Event event = make_event(draft_of(1, {{"expiration", "200"}}));
    EXPECT_FALSE(is_expired(event, UnixSeconds(199)));
    EXPECT_TRUE(is_expired(event, UnixSeconds(200)));
    EXPECT_FALSE(is_expired(make_event(draft_of(1)), UnixSeconds(1LL << 40)));
    for (const char* const text : {"", "soon", "200x", "1e2", "99999999999999999999"})
        EXPECT_FALSE(is_expired(make_event(draft_of(1, {{"expiration", text}})), UnixSeconds(1LL << 40))) << text;
}

} // namespace
} // namespace adit::protocol
