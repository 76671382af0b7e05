#include "protocol/reasons.h"

#include <gtest/gtest.h>
#include <set>

namespace adit::protocol {
namespace {

struct ReasonRow {
    Reason reason;
    std::string_view word;
    int status;
    Money money;
};

class Reasons : public testing::TestWithParam<ReasonRow> {};

TEST_P(Reasons, HaveTheWordAndStatusThatClientsExpect)
{
    const ReasonInfo info = reason_info(GetParam().reason);
    EXPECT_EQ(info.word, GetParam().word);
    EXPECT_EQ(info.http_status, GetParam().status);
    EXPECT_EQ(info.money, GetParam().money);
    EXPECT_FALSE(info.message.empty());
}

constexpr ReasonRow kRows[]{
    {Reason::bad_request, "bad-request", 400, Money::untouched},
    {Reason::bad_auth, "bad-request", 401, Money::untouched},
    {Reason::bad_signature, "bad-signature", 401, Money::untouched},
    {Reason::wrong_kind, "wrong-kind", 400, Money::untouched},
    {Reason::wrong_action, "wrong-action", 400, Money::untouched},
    {Reason::no_expiration, "no-expiration", 400, Money::untouched},
    {Reason::expired_auth, "expired-auth", 401, Money::untouched},
    {Reason::wrong_server, "wrong-server", 400, Money::untouched},
    {Reason::no_listing, "no-listing", 400, Money::untouched},
    {Reason::unknown_listing, "unknown-listing", 400, Money::untouched},
    {Reason::no_price, "no-price", 400, Money::untouched},
    {Reason::price_mismatch, "price-mismatch", 400, Money::untouched},
    {Reason::unsupported_protocol, "unsupported-protocol", 400, Money::untouched},
    {Reason::no_client_pubkey, "no-client-pubkey", 400, Money::untouched},
    {Reason::not_an_object, "not-an-object", 400, Money::untouched},
    {Reason::version_mismatch, "version-mismatch", 400, Money::untouched},
    {Reason::bad_price, "bad-price", 400, Money::untouched},
    {Reason::no_protocol, "no-protocol", 400, Money::untouched},
    {Reason::body_too_large, "body-too-large", 413, Money::untouched},
    {Reason::headers_too_large, "headers-too-large", 431, Money::untouched},
    {Reason::payment_required, "payment-required", 402, Money::untouched},
    {Reason::invalid_token, "invalid-token", 402, Money::untouched},
    {Reason::wrong_mint, "wrong-mint", 402, Money::untouched},
    {Reason::wrong_p2pk, "wrong-p2pk", 402, Money::untouched},
    {Reason::amount_mismatch, "amount-mismatch", 402, Money::untouched},
    {Reason::double_spent, "double-spent", 402, Money::untouched},
    {Reason::below_min_purchase, "below-min-purchase", 400, Money::untouched},
    {Reason::above_max_purchase, "above-max-purchase", 400, Money::untouched},
    {Reason::cashu_not_configured, "cashu-not-configured", 503, Money::untouched},
    {Reason::lightning_not_configured, "lightning-not-configured", 503, Money::untouched},
    {Reason::no_sat_tier, "no-sat-tier", 503, Money::untouched},
    {Reason::policy, "policy", 503, Money::untouched},
    {Reason::no_ip_available, "no-ip-available", 503, Money::untouched},
    {Reason::mint_unreachable, "mint-unreachable", 503, Money::unknown},
    {Reason::mint_refused, "mint-unreachable", 503, Money::unknown},
    {Reason::lightning_unreachable, "lightning-unreachable", 503, Money::untouched},
    {Reason::lightning_refused, "lightning-unreachable", 503, Money::untouched},
    {Reason::not_delivered, "not-delivered", 503, Money::held},
    {Reason::refunded, "refunded", 409, Money::held},
    {Reason::session_ended, "session-ended", 410, Money::held},
    {Reason::not_yours, "not-yours", 403, Money::untouched},
    {Reason::no_refunds, "no-refunds", 403, Money::untouched},
    {Reason::refund_pending, "refund-pending", 503, Money::held},
    {Reason::store_unavailable, "policy", 503, Money::unknown},
    {Reason::io, "policy", 503, Money::unknown},
    {Reason::internal, "policy", 503, Money::unknown},
};
INSTANTIATE_TEST_SUITE_P(Table, Reasons, testing::ValuesIn(kRows), [](const auto& row) {
    std::string name = std::to_string(static_cast<int>(row.param.reason)) + "_" + std::string(row.param.word);
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

TEST(ReasonTable, NoAnswerIsEverA500)
{
    for (int i = 0; i <= static_cast<int>(Reason::internal); ++i) {
        const ReasonInfo info = reason_info(static_cast<Reason>(i));
        EXPECT_FALSE(info.word.empty()) << i;
        EXPECT_TRUE((info.http_status >= 400 && info.http_status < 500) || info.http_status == 503) << i;
    }
}

TEST(ReasonTable, EveryWordIsReadBackAsAReasonWithThatWord)
{
    for (int i = 0; i <= static_cast<int>(Reason::internal); ++i) {
        const std::string_view word = reason_info(static_cast<Reason>(i)).word;
        const auto parsed = parse_reason(word);
        ASSERT_TRUE(parsed) << word;
        EXPECT_EQ(reason_info(*parsed).word, word);
    }
}

TEST(ReasonTable, WordsOfTheReferenceAreUnderstoodAndOthersAreNot)
{
    EXPECT_EQ(parse_reason("expired"), Reason::expired_auth);
    EXPECT_EQ(parse_reason("no-cashu-in-listing"), Reason::cashu_not_configured);
    EXPECT_EQ(parse_reason("bad-request"), Reason::bad_request);
    EXPECT_EQ(parse_reason("policy"), Reason::policy);
    EXPECT_EQ(parse_reason(""), std::nullopt);
    EXPECT_EQ(parse_reason("BAD-REQUEST"), std::nullopt);
}

} // namespace
} // namespace adit::protocol
