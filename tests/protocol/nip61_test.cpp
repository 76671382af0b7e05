// Nutzaps as strangers write them. NIP-61
#include "protocol/nip61.h"

#include "fakes/seeded_rng.h"
#include "protocol/constants.h"

#include <gtest/gtest.h>

namespace adit::protocol {
namespace {

const std::string kProof =
    R"({"id":"00ad268c4d1f5826","amount":8,"secret":"s","C":"02)" + std::string(64, 'a') + R"("})";

class NutzapEventTest : public testing::Test {
protected:
    Event event(std::vector<Tag> tags, std::uint32_t kind = kKindNutzap)
    {
        return sign_event(
            {.created_at = UnixSeconds(1'800'000'000), .kind = kind, .tags = std::move(tags), .content = {}}, sender_,
            rng_);
    }
    std::vector<Tag> good() const
    {
        return {{"proof", kProof}, {"unit", "sat"}, {"u", "https://mint.example"}, {"p", us_.public_key().hex()}};
    }
    Reason refused(const std::vector<Tag>& tags)
    {
        const auto nutzap = parse_nutzap(event(tags), us_.public_key());
        EXPECT_FALSE(nutzap.has_value());
        return nutzap ? Reason::internal : nutzap.error().reason;
    }

    fakes::SeededRng rng_{5};
    SecretKey sender_ = SecretKey::generate(rng_);
    SecretKey us_ = SecretKey::generate(rng_);
};

TEST_F(NutzapEventTest, IsReadWithItsProofs)
{
    auto tags = good();
    tags.push_back({"proof", kProof});
    const auto nutzap = parse_nutzap(event(tags), us_.public_key());
    ASSERT_TRUE(nutzap.has_value()) << nutzap.error().detail;
    EXPECT_EQ(nutzap->mint, "https://mint.example");
    EXPECT_EQ(nutzap->sender, sender_.public_key());
    ASSERT_EQ(nutzap->proofs.size(), 2U);
    EXPECT_EQ(nutzap->proofs.front().amount, 8U);
    tags = good();
    tags.erase(tags.begin() + 1);
    EXPECT_TRUE(parse_nutzap(event(tags), us_.public_key()).has_value()) << "sat is what no unit means";
}

TEST_F(NutzapEventTest, WhatIsNoneForUsIsRefused)
{
    EXPECT_EQ(parse_nutzap(event(good(), 1), us_.public_key()).error().reason, Reason::wrong_kind);
    for (std::size_t left_out : {0U, 2U, 3U}) {
        auto tags = good();
        tags.erase(tags.begin() + static_cast<std::ptrdiff_t>(left_out));
        EXPECT_EQ(refused(tags), Reason::bad_encoding) << left_out;
    }
    auto tags = good();
    tags[1] = {"unit", "usd"};
    EXPECT_EQ(refused(tags), Reason::bad_encoding);
    for (const char* bad : {"", "{", "[]", "7", "{}", R"({"id":"x","amount":-1,"secret":"s","C":"c"})"}) {
        tags = good();
        tags[0] = {"proof", bad};
        EXPECT_EQ(refused(tags), Reason::bad_encoding) << bad;
    }
    tags = good();
    for (std::size_t i = 0; i < kMaxNutzapProofs; ++i) tags.push_back({"proof", kProof});
    EXPECT_EQ(refused(tags), Reason::bad_encoding);
    EXPECT_EQ(refused({{}, {"p"}, {"u"}, {"proof"}}), Reason::bad_encoding);
}

TEST_F(NutzapEventTest, ItsHistoryEntryNamesEventAndSenderInTheClear)
{
    const EventId id{7};
    const auto draft = redeemed_draft(id, sender_.public_key(), 8, us_, UnixSeconds(1), rng_);
    ASSERT_TRUE(draft.has_value());
    EXPECT_EQ(draft->kind, kKindSpending);
    EXPECT_EQ(draft->tags,
              (std::vector<Tag>{{"e", encode_hex(id), "", "redeemed"}, {"p", sender_.public_key().hex()}}));
    const auto back = open_history(sign_event(*draft, us_, rng_), us_);
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back->amount, 8U);
    EXPECT_EQ(back->direction, HistoryDirection::in);
}

} // namespace
} // namespace adit::protocol
