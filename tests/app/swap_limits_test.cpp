#include "app/swap_limits.h"

#include "payments/mints.h"

#include <deque>
#include <gtest/gtest.h>

namespace adit::app {
namespace {

using payments::PurchaseId;

class NoNetwork final : public payments::HttpClient {
public:
    Result<payments::HttpReply> call(const payments::HttpCall&) override { return Error{Reason::mint_unreachable}; }
};

class SwapLimitsTest : public testing::Test {
protected:
    static LimitsConfig config()
    {
        LimitsConfig limits;
        limits.workers = 8;
        limits.undleqed_swaps_per_hour = 5;
        limits.undleqed_swaps_per_hour_per_source = 3;
        return limits;
    }
    payments::Tender tender(bool with_dleq = true)
    {
        payments::Tender out;
        out.mint = &mint_;
        out.every_proof_has_dleq = with_dleq;
        return out;
    }
    /// Whether a swap may start; it is over at once.
    std::optional<Reason> refusal(const std::string& source, bool with_dleq = true)
    {
        const auto turn = limits_.start(tender(with_dleq), source, now_);
        if (turn) return std::nullopt;
        return turn.error().reason;
    }

    NoNetwork network_;
    payments::Mint mint_{network_, "https://mint.example", Milliseconds(1000), system_clock()};
    SwapLimits limits_{config(), 20};
    SteadyTime now_{std::chrono::hours(1000)};
};

TEST_F(SwapLimitsTest, UnknownSwapsHoldThreeAddressesOfASourceAtMost)
{
    for (int i = 1; i <= 3; ++i) EXPECT_TRUE(limits_.hold_address(PurchaseId(i), "one"));
    EXPECT_EQ(refusal("one"), Reason::no_ip_available);
    EXPECT_FALSE(refusal("two"));
    EXPECT_FALSE(refusal("")) << "an unknown source has only the limits of all";
    EXPECT_TRUE(limits_.hold_address(PurchaseId(3), "one")); // the same again
    limits_.holds_none(PurchaseId(2));
    EXPECT_FALSE(refusal("one"));
    limits_.holds_none(PurchaseId(2));
    limits_.holds_none(PurchaseId(77));
    EXPECT_FALSE(refusal("one"));
}

TEST_F(SwapLimitsTest, UnknownSwapsHoldHalfOfThePoolAtMost)
{
    for (int i = 1; i <= 9; ++i) EXPECT_TRUE(limits_.hold_address(PurchaseId(i), "source " + std::to_string(i)));
    EXPECT_FALSE(refusal("new"));
    EXPECT_TRUE(limits_.hold_address(PurchaseId(10), ""));
    EXPECT_EQ(refusal("new"), Reason::no_ip_available);
    EXPECT_EQ(refusal(""), Reason::no_ip_available);
}

TEST_F(SwapLimitsTest, SwapsThatBeganTogetherHoldNoMoreWhenTheyFallSilentTogether)
{
    std::deque<SwapLimits::Turn> turns; // while the mint may still answer, none is unknown
    for (int i = 1; i <= 5; ++i) turns.push_back(limits_.start(tender(), "one", now_).value());
    for (int i = 1; i <= 5; ++i) EXPECT_EQ(limits_.hold_address(PurchaseId(i), "one"), i <= 3) << i;
    for (int i = 6; i <= 20; ++i)
        EXPECT_EQ(limits_.hold_address(PurchaseId(i), "source " + std::to_string(i)), i <= 12) << i;
    limits_.holds_none(PurchaseId(4)); // it held none
    EXPECT_FALSE(limits_.hold_address(PurchaseId(4), "two"));
    limits_.holds_none(PurchaseId(1));
    EXPECT_TRUE(limits_.hold_address(PurchaseId(4), "two"));
}

TEST_F(SwapLimitsTest, ASilentMintHoldsAQuarterOfTheWorkers)
{
    std::deque<SwapLimits::Turn> turns;
    for (int i = 0; i < 3; ++i) turns.push_back(limits_.start(tender(), "a", now_).value());
    mint_.heard(false); // while it answered, it might have had them all
    EXPECT_EQ(refusal("b"), Reason::busy);
    turns.pop_back();
    EXPECT_EQ(refusal("b"), Reason::busy);
    turns.pop_back();
    EXPECT_FALSE(refusal("b")) << "one of two is over";
    turns.push_back(limits_.start(tender(), "b", now_).value());
    EXPECT_EQ(refusal("c"), Reason::busy);
    mint_.heard(true);
    EXPECT_FALSE(refusal("d"));
}

TEST_F(SwapLimitsTest, TokensWithoutDleqHaveABudget)
{
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(refusal("one", false));
    EXPECT_EQ(refusal("one", false), Reason::too_many_requests);
    EXPECT_FALSE(refusal("one", true)) << "with DLEQ it can be seen before that they are good";
    EXPECT_FALSE(refusal("two", false));
    EXPECT_FALSE(refusal("two", false));
    EXPECT_EQ(refusal("three", false), Reason::too_many_requests) << "the budget of all";
    now_ += std::chrono::hours(1);
    EXPECT_FALSE(refusal("one", false));
}

} // namespace
} // namespace adit::app
