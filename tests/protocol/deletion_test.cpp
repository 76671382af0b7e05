#include "protocol/deletion.h"

#include "nostr_testing.h"
#include "protocol/constants.h"

namespace adit::protocol {
namespace {

constexpr UnixSeconds kDeletionNow{1000};

Event event_of(std::uint32_t kind, std::vector<Tag> tags = {}, std::uint8_t author = 1, UnixSeconds at = kDeletionNow)
{
    return make_event({.created_at = at, .kind = kind, .tags = std::move(tags), .content = ""}, author);
}

TEST(Deletion, TheDraftNamesEachTargetAndEachKindOnce)
{
    const Event a = event_of(7375, {{"x", "a"}});
    const Event b = event_of(7375, {{"x", "b"}});
    const Coordinate listing{.kind = 30402, .author = a.pubkey, .d_tag = "one:two"};
    const std::vector<DeletedEvent> events{{a.id, a.kind}, {b.id, b.kind}};
    const EventDraft draft = deletion_draft(events, std::span(&listing, 1), kDeletionNow, "retired");
    EXPECT_EQ(draft.kind, 5U);
    EXPECT_EQ(draft.content, "retired");
    EXPECT_EQ(draft.tags, (std::vector<Tag>{{"e", encode_hex(a.id)},
                                            {"e", encode_hex(b.id)},
                                            {"a", "30402:" + a.pubkey.hex() + ":one:two"},
                                            {"k", "7375"},
                                            {"k", "30402"}}));
}

TEST(Deletion, CoversTheAuthorsOwnEventByIdWheneverItWasMade)
{
    const Event target = event_of(1, {}, 1, UnixSeconds(5000));
    const std::vector<DeletedEvent> events{{target.id, 1}};
    EXPECT_TRUE(deletes(make_event(deletion_draft(events, {}, kDeletionNow), 1), target));
    EXPECT_FALSE(deletes(make_event(deletion_draft(events, {}, kDeletionNow), 2), target)) << "another's";
    EXPECT_FALSE(deletes(make_event(deletion_draft(events, {}, kDeletionNow), 1), event_of(1))) << "not named";
    EXPECT_FALSE(deletes(event_of(1, {{"e", encode_hex(target.id)}}), target)) << "no deletion";
}

TEST(Deletion, ACoordinateCoversVersionsUpToItsTimeAndALaterOneLivesAgain)
{
    const Coordinate listing{.kind = 30402, .author = secret_key(1).public_key(), .d_tag = "d"};
    const Event deletion = make_event(deletion_draft({}, std::span(&listing, 1), kDeletionNow));
    EXPECT_TRUE(deletes(deletion, event_of(30402, {{"d", "d"}}, 1, UnixSeconds(999))));
    EXPECT_TRUE(deletes(deletion, event_of(30402, {{"d", "d"}}, 1, UnixSeconds(1000))));
    EXPECT_FALSE(deletes(deletion, event_of(30402, {{"d", "d"}}, 1, UnixSeconds(1001))));
    EXPECT_FALSE(deletes(deletion, event_of(30402, {{"d", "e"}})));
    EXPECT_FALSE(deletes(deletion, event_of(30403, {{"d", "d"}})));
    EXPECT_FALSE(deletes(deletion, event_of(30402, {{"d", "d"}}, 2)));
}

TEST(Deletion, NobodyDeletesAnothersCoordinate)
{
    const Coordinate listing{.kind = 30402, .author = secret_key(1).public_key(), .d_tag = "d"};
    const Event deletion = make_event(deletion_draft({}, std::span(&listing, 1), kDeletionNow), 2);
    EXPECT_FALSE(deletes(deletion, event_of(30402, {{"d", "d"}}, 1)));
    EXPECT_FALSE(deletes(deletion, event_of(30402, {{"d", "d"}}, 2)));
}

TEST(Deletion, AReplaceableEventsCoordinateEndsInAColon)
{
    const Event wallet = event_of(17375);
    EXPECT_TRUE(deletes(event_of(5, {{"a", "17375:" + wallet.pubkey.hex() + ":"}}), wallet));
    EXPECT_FALSE(deletes(event_of(5, {{"a", "17375:" + wallet.pubkey.hex()}}), wallet));
    EXPECT_FALSE(deletes(event_of(5, {{"a", "1:" + wallet.pubkey.hex() + ":"}}), event_of(1)));
}

TEST(Deletion, ADeletionCanNotBeDeleted)
{
    const Event first = event_of(5, {{"e", std::string(64, '0')}});
    EXPECT_FALSE(deletes(event_of(5, {{"e", encode_hex(first.id)}}), first));
}

TEST(Deletion, AGiftWrapIsDeletedByItsReceiverAndNotByItsThrowAwayKey)
{
    const Event wrap = event_of(kKindGiftWrap, {{"p", secret_key(2).public_key().hex()}}, 9);
    const std::vector<Tag> tags{{"e"}, {}, {"e", encode_hex(wrap.id)}};
    EXPECT_TRUE(deletes(event_of(5, tags, 2), wrap));
    EXPECT_FALSE(deletes(event_of(5, tags, 9), wrap));
    EXPECT_FALSE(deletes(event_of(5, tags, 3), wrap));
}

} // namespace
} // namespace adit::protocol
