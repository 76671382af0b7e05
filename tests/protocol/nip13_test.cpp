#include "protocol/nip13.h"

#include "nostr_testing.h"

namespace adit::protocol {
namespace {

TEST(Nip13, DifficultyIsWhatTheVectorsSay)
{
    const auto vector = vectors("nip13.json");
    for (const auto& row : vector["ids"])
        EXPECT_EQ(difficulty(array<32>(str(row["id"]))), row["difficulty"].get<unsigned>()) << row["id"];
    EXPECT_EQ(difficulty(EventId{}), 256U);
    EXPECT_EQ(difficulty(EventId{0x80}), 0U);
    EXPECT_EQ(difficulty(EventId{0, 0x01}), 15U);
}

TEST(Nip13, TheMinedEventHasTheWorkItCommittedToAndNoMore)
{
    const auto vector = vectors("nip13.json");
    const auto event = parse_event(vector["event"]);
    ASSERT_TRUE(event);
    EXPECT_TRUE(verify(*event));
    const auto committed = vector["committed_target"].get<unsigned>();
    EXPECT_EQ(difficulty(event->id), 21U);
    EXPECT_TRUE(has_work(*event, committed));
    EXPECT_FALSE(has_work(*event, committed + 1)) << "21 bits were luck";
    EXPECT_FALSE(has_work(*event, 22));
}

TEST(Nip13, WithoutACommitmentTheBitsAloneCountAndABadOneCountsForNothing)
{
    auto event = parse_event(vectors("nip13.json")["event"]);
    ASSERT_TRUE(event);
    event->tags = {{"nonce", "776797"}};
    EXPECT_TRUE(has_work(*event, 21));
    event->tags = {};
    EXPECT_TRUE(has_work(*event, 21));
    for (const char* const text : {"", "-1", "20x", "99999999999999999999"}) {
        event->tags = {{"nonce", "776797", text}};
        EXPECT_FALSE(has_work(*event, 1)) << text;
    }
}

} // namespace
} // namespace adit::protocol
