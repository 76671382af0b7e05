// What nodes say of a payment, read with distrust; and the words that choose a node.
#include "cli/payer.h"

#include "base/file.h"
#include "cli/payer_lnd.h"
#include "cli/payer_phoenixd.h"

#include <filesystem>
#include <gmock/gmock.h>
#include <random>

namespace adit::cli {
namespace {

using ::testing::HasSubstr;
using State = PaymentStatus::State;

const std::string kHex(64, 'b');

TEST(LndAnswers, TheLastLineOfAStreamCounts)
{
    const auto answer = parse_lnd_answer(R"({"result":{"status":"IN_FLIGHT","htlcs":[{"route":{"hops":[{"x":{}}]}}]}})"
                                         "\n"
                                         R"({"result":{"status":"SUCCEEDED","payment_preimage":")" +
                                         kHex + "\"}}\n");
    ASSERT_TRUE(answer.has_value());
    ASSERT_TRUE(answer->status.has_value());
    EXPECT_EQ(answer->status->state, State::paid);
    EXPECT_EQ(encode_hex(answer->status->preimage->expose()), kHex);
    const auto failed =
        parse_lnd_answer(R"({"result":{"status":"FAILED","failure_reason":"FAILURE_REASON_NO_ROUTE"}})");
    EXPECT_EQ(failed->status->state, State::failed);
    EXPECT_EQ(failed->status->why, "FAILURE_REASON_NO_ROUTE");
    EXPECT_EQ(parse_lnd_answer(R"({"result":{"status":"INITIATED"}})")->status->state, State::pending);
}

TEST(LndAnswers, ErrorsAreReadInBothOfTheirShapes)
{
    for (const char* text : {R"({"code":5,"message":"payment isn't initiated","details":[]})",
                             R"({"error":{"code":5,"message":"payment isn't initiated"}})",
                             R"({"error":{"grpc_code":5,"http_code":404,"message":"payment isn't initiated"}})"}) {
        const auto answer = parse_lnd_answer(text);
        ASSERT_TRUE(answer.has_value()) << text;
        EXPECT_FALSE(answer->status.has_value());
        EXPECT_EQ(answer->code, 5);
        EXPECT_THAT(answer->message, HasSubstr("initiated"));
    }
}

TEST(LndAnswers, WhatIsNoneIsRefused)
{
    for (const std::string& text :
         {std::string(), std::string("\n\n"), std::string("<html>"), std::string("{}"), std::string("[]"),
          std::string(R"({"result":{}})"), std::string(R"({"result":{"status":"DONE"}})"),
          std::string(R"({"error":"no"})"), std::string(R"({"code":0})"), std::string(R"({"code":"5"})"),
          std::string(100'000, '['), std::string((1 << 20) + 1, '\n')})
        EXPECT_FALSE(parse_lnd_answer(text).has_value()) << text.substr(0, 40);
    const auto short_preimage = parse_lnd_answer(R"({"result":{"status":"SUCCEEDED","payment_preimage":"bb"}})");
    ASSERT_TRUE(short_preimage.has_value());
    EXPECT_FALSE(short_preimage->status->preimage.has_value());
    const std::string good = R"({"result":{"status":"SUCCEEDED","payment_preimage":")" + kHex + "\"}}";
    std::mt19937 dice(3);
    for (int i = 0; i < 2000; ++i) {
        std::string changed = good;
        changed[dice() % changed.size()] = static_cast<char>(dice());
        static_cast<void>(parse_lnd_answer(changed).has_value());
    }
}

TEST(PhoenixdAnswers, AReasonIsANoAlthoughTheStatusIsYes)
{
    const auto paid =
        parse_phoenixd_paid(R"({"recipientAmountSat":42,"routingFeeSat":4,"paymentPreimage":")" + kHex + "\"}");
    ASSERT_TRUE(paid.has_value());
    EXPECT_EQ(paid->state, State::paid);
    EXPECT_EQ(encode_hex(paid->preimage->expose()), kHex);
    const auto failed = parse_phoenixd_paid(R"({"paymentHash":"00","reason":"not enough funds"})");
    ASSERT_TRUE(failed.has_value());
    EXPECT_EQ(failed->state, State::failed);
    EXPECT_EQ(failed->why, "not enough funds");
}

TEST(PhoenixdAnswers, AnOutgoingPaymentThatIsOverAndUnpaidHasFailed)
{
    EXPECT_EQ(parse_phoenixd_outgoing(R"({"isPaid":false,"createdAt":1})")->state, State::pending);
    EXPECT_EQ(parse_phoenixd_outgoing(R"({"isPaid":false,"completedAt":null})")->state, State::pending);
    EXPECT_EQ(parse_phoenixd_outgoing(R"({"isPaid":false,"completedAt":1})")->state, State::failed);
    const auto paid = parse_phoenixd_outgoing(R"({"isPaid":true,"completedAt":1,"preimage":")" + kHex + "\"}");
    EXPECT_EQ(paid->state, State::paid);
    EXPECT_TRUE(paid->preimage.has_value());
    EXPECT_FALSE(parse_phoenixd_outgoing(R"({"isPaid":true})")->preimage.has_value());
}

TEST(PhoenixdAnswers, WhatIsNoneIsRefused)
{
    for (const std::string& text :
         {std::string(), std::string("Not found"), std::string("[]"), std::string("{}"), std::string(100'000, '['),
          std::string(R"({"isPaid":"true"})"), std::string(R"({"paymentPreimage":7})"),
          std::string(R"({"paymentPreimage":"bb"})"), std::string((1 << 20) + 1, ' ')}) {
        EXPECT_FALSE(parse_phoenixd_paid(text).has_value()) << text.substr(0, 40);
        EXPECT_FALSE(parse_phoenixd_outgoing(text).has_value()) << text.substr(0, 40);
    }
    EXPECT_FALSE(parse_phoenixd_outgoing(R"({"isPaid":true,"preimage":"bb"})").has_value());
}

// ---- choosing a node -----------------------------------------------------------------------------------------------

constexpr Option kOptions[]{{"--pay-with"},          {"--pay-url"},       {"--pay-macaroon-file"},
                            {"--pay-password-file"}, {"--pay-cert-file"}, {"--pay-max-fee"}};

Result<std::optional<PayerChoice>> chosen(const std::vector<std::string>& words)
{
    return parse_payer_choice(Arguments::parse(words, kOptions).value());
}

TEST(PayerWords, EachNodeHasItsOwn)
{
    EXPECT_FALSE(chosen({}).value().has_value());
    const auto lnd =
        chosen({"--pay-with", "lnd", "--pay-macaroon-file", "m", "--pay-cert-file", "c", "--pay-max-fee", "7"});
    ASSERT_TRUE(lnd.has_value()) << lnd.error().detail;
    EXPECT_EQ(**lnd, (PayerChoice{PayerChoice::Kind::lnd, "https://127.0.0.1:8080", "m", "c", Sat(7)}));
    const auto phoenixd =
        chosen({"--pay-with", "phoenixd", "--pay-password-file", "p", "--pay-url", "http://10.0.0.1:9740/"});
    ASSERT_TRUE(phoenixd.has_value()) << phoenixd.error().detail;
    EXPECT_EQ(**phoenixd, (PayerChoice{PayerChoice::Kind::phoenixd, "http://10.0.0.1:9740", "p", "", {}}));
}

TEST(PayerWords, WhatDoesNotFitIsRefused)
{
    for (const auto& words : std::vector<std::vector<std::string>>{
             {"--pay-url", "http://a"},
             {"--pay-max-fee", "1"},
             {"--pay-with", "cln"},
             {"--pay-with", "lnd"},
             {"--pay-with", "lnd", "--pay-password-file", "p"},
             {"--pay-with", "phoenixd", "--pay-macaroon-file", "m"},
             {"--pay-with", "phoenixd", "--pay-password-file", "p", "--pay-max-fee", "1"},
             {"--pay-with", "lnd", "--pay-macaroon-file", "m", "--pay-url", "nonsense"},
             {"--pay-with", "lnd", "--pay-macaroon-file", "m", "--pay-max-fee", "0"}})
        EXPECT_FALSE(chosen(words).has_value()) << words.back();
}

class CapturedHttp final : public payments::HttpClient {
public:
    Result<payments::HttpReply> call(const payments::HttpCall& call) override
    {
        header = call.secret_header->expose();
        body = call.body;
        return Error{Reason::mint_unreachable, "no"};
    }
    std::string header;
    std::string body;
};

TEST(PayerWords, TheSecretIsReadFromItsFileAndTheFeeIsAlwaysLimited)
{
    char name[] = "/tmp/adit-payer-XXXXXX";
    const std::filesystem::path folder = ::mkdtemp(name);
    ASSERT_TRUE(write_private_file(folder / "secret", "ab\n").has_value());
    ASSERT_TRUE(write_private_file(folder / "empty", "").has_value());
    CapturedHttp http;
    PayerChoice choice{PayerChoice::Kind::lnd, "https://a", (folder / "secret").string(), "", {}};
    auto lnd = make_payer(choice, Sat(5000), http);
    ASSERT_TRUE(lnd.has_value()) << lnd.error().detail;
    const auto silence = (*lnd)->pay("lnbc1", {});
    ASSERT_FALSE(silence.has_value());
    EXPECT_EQ(silence.error().reason, Reason::lightning_unreachable);
    EXPECT_EQ(http.header, "Grpc-Metadata-macaroon: 61620a");
    EXPECT_THAT(http.body, HasSubstr(R"("fee_limit_sat":"60")")) << "1 % and 10 sat";
    choice.kind = PayerChoice::Kind::phoenixd;
    auto phoenixd = make_payer(choice, Sat(5000), http);
    ASSERT_TRUE(phoenixd.has_value());
    EXPECT_FALSE((*phoenixd)->look_up({}).has_value());
    EXPECT_EQ(http.header, "Authorization: Basic OmFi");
    choice.secret_file = (folder / "empty").string();
    EXPECT_FALSE(make_payer(choice, Sat(1), http).has_value());
    choice.secret_file = (folder / "absent").string();
    EXPECT_FALSE(make_payer(choice, Sat(1), http).has_value());
    std::filesystem::remove_all(folder);
}

} // namespace
} // namespace adit::cli
