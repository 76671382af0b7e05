// An invoice of somebody whom we are about to pay: asked for by address, and believed in nothing.
#include "payments/lightning/pay_address.h"

#include "base/hash.h"
#include "devnet/bolt11.h"
#include "fakes/seeded_rng.h"

#include <gtest/gtest.h>
#include <map>
#include <nlohmann/json.hpp>

namespace adit::payments::lightning {
namespace {

constexpr UnixSeconds kNow{1'800'000'000};
const std::string kMetadata = R"([["text/plain","to ann"],["text/identifier","ann@127.0.0.1"]])";

/// Answers what it was told to, by URL.
class AddressHost final : public HttpClient {
public:
    Result<HttpReply> call(const HttpCall& call) override
    {
        asked.push_back(call.url);
        const auto found = answers.find(call.url);
        if (found == answers.end()) return Error{Reason::mint_unreachable, "nothing came back"};
        return HttpReply{200, found->second};
    }
    std::map<std::string, std::string> answers;
    std::vector<std::string> asked;
};

class PayAddressTest : public testing::Test {
protected:
    PayAddressTest()
    {
        offer_ = {{"tag", "payRequest"},
                  {"callback", "http://127.0.0.1:8/pay?to=ann"},
                  {"minSendable", 2000},
                  {"maxSendable", 5'000'000},
                  {"metadata", kMetadata}};
        draft_ = {Msat(300'000), kNow, Seconds(600), sha256(as_bytes("preimage")), rng_.bytes<32>(), ""};
        draft_.description_hash = sha256(as_bytes(kMetadata));
    }
    Result<std::string> ask(std::uint64_t amount = 300)
    {
        receiver_.answers["http://127.0.0.1:8/.well-known/lnurlp/ann"] = offer_.dump();
        if (answer_.empty())
            answer_ =
                nlohmann::json{{"pr", devnet::encode_invoice(draft_, node_key_)}, {"routes", nlohmann::json::array()}}
                    .dump();
        receiver_.answers["http://127.0.0.1:8/pay?to=ann&amount=" + std::to_string(amount * 1000)] = answer_;
        return ask_pay_address(receiver_, "Ann@127.0.0.1:8", Sat(amount), kNow);
    }
    void expect_refused(const std::string& words)
    {
        const auto answer = ask();
        ASSERT_FALSE(answer.has_value());
        EXPECT_EQ(answer.error().reason, Reason::policy);
        EXPECT_NE(answer.error().detail.find(words), std::string::npos) << answer.error().detail;
    }

    fakes::SeededRng rng_{3};
    SecretBytes<32> node_key_ = rng_.secret<32>();
    AddressHost receiver_;
    nlohmann::json offer_;
    devnet::InvoiceDraft draft_{};
    std::string answer_;
};

TEST_F(PayAddressTest, GivesTheInvoiceThatWasAskedFor)
{
    const auto invoice = ask();
    ASSERT_TRUE(invoice.has_value()) << invoice.error().detail;
    EXPECT_EQ(parse_bolt11(*invoice).value().amount, Msat(300'000));
}

TEST_F(PayAddressTest, IsHttpsButOnThisMachine)
{
    EXPECT_EQ(pay_address_url("ann@example.com").value(), "https://example.com/.well-known/lnurlp/ann");
    EXPECT_EQ(pay_address_url("ann@127.0.0.1:8").value(), "http://127.0.0.1:8/.well-known/lnurlp/ann");
    for (const char* bad : {"", "@", "ann@", "@example.com", "a b@example.com", "ann@exa mple.com", "ann@x/y",
                            "ann@x?y", "ann@@x", "ann@http://x", "lnurl1qqq", "ann"})
        EXPECT_EQ(pay_address_url(bad).error().reason, Reason::bad_request) << bad;
}

TEST_F(PayAddressTest, ADeadOneIsSilence)
{
    const auto answer = ask_pay_address(receiver_, "ann@dead.example", Sat(300), kNow);
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().reason, Reason::lightning_unreachable);
}

TEST_F(PayAddressTest, AnAmountOutsideOfTheOfferIsNotAskedFor)
{
    EXPECT_FALSE(ask(1).has_value());
    EXPECT_FALSE(ask(5001).has_value());
    EXPECT_EQ(receiver_.asked.size(), 2U) << "the callback was not called";
}

TEST_F(PayAddressTest, AnotherAmountIsNotPaid)
{
    draft_.amount = Msat(300'001);
    expect_refused("another amount");
}

TEST_F(PayAddressTest, AnInvoiceWithoutAnAmountIsNotPaid)
{
    draft_.amount.reset();
    expect_refused("another amount");
}

TEST_F(PayAddressTest, AnInvoiceForSomethingElseIsNotPaid)
{
    draft_.description_hash = sha256(as_bytes("[]"));
    expect_refused("does not commit");
}

TEST_F(PayAddressTest, AnExpiredInvoiceIsNotPaid)
{
    draft_.timestamp = kNow - Seconds(601);
    expect_refused("expired");
}

TEST_F(PayAddressTest, ARefusalIsToldInPlainCharacters)
{
    answer_ = R"({"status":"ERROR","reason":"closed\u001b[2J"})";
    expect_refused("closed?[2J");
}

TEST_F(PayAddressTest, WhatIsNoAnswerIsRefused)
{
    for (const char* bad : {"", "<html>", "[]", "{}", R"({"pr":7})", R"({"pr":""})", R"({"pr":"lnbc1"})"}) {
        answer_ = *bad ? bad : " ";
        expect_refused("receiver");
    }
}

TEST_F(PayAddressTest, FromAfarOnlyMainMoneyOverHttpsCounts)
{
    offer_["callback"] = "http://127.0.0.1:8/pay?to=ann";
    receiver_.answers["https://far.example/.well-known/lnurlp/ann"] = offer_.dump();
    const auto inward = ask_pay_address(receiver_, "ann@far.example", Sat(300), kNow);
    ASSERT_FALSE(inward.has_value());
    EXPECT_NE(inward.error().detail.find("not https"), std::string::npos);
    EXPECT_EQ(receiver_.asked.size(), 1U) << "nobody on this machine was asked on a stranger's word";

    offer_["callback"] = "https://far.example/pay";
    receiver_.answers["https://far.example/.well-known/lnurlp/ann"] = offer_.dump();
    receiver_.answers["https://far.example/pay?amount=300000"] =
        nlohmann::json{{"pr", devnet::encode_invoice(draft_, node_key_)}}.dump();
    const auto regtest = ask_pay_address(receiver_, "ann@far.example", Sat(300), kNow);
    ASSERT_FALSE(regtest.has_value());
    EXPECT_NE(regtest.error().detail.find("is of regtest"), std::string::npos) << regtest.error().detail;
}

} // namespace
} // namespace adit::payments::lightning
