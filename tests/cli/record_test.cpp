#include "cli/record.h"

#include "base/clock.h"
#include "base/file.h"
#include "cli/buyer.h"
#include "cli/delivery.h"
#include "fakes/seeded_rng.h"
#include "payments/cashu/curve.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace adit::cli {
namespace {

namespace cashu = payments::cashu;

Record example(Stage stage)
{
    fakes::SeededRng rng(7);
    const auto operator_key = protocol::SecretKey::generate(rng).public_key();
    Offer offer{{30402, operator_key, "a:b"},
                "Tunnel \"é\"",
                {"21", "sat", "hour"},
                Sat(21),
                2,
                "https://mint.example",
                cashu::even_point(operator_key),
                "https://vpn.example/purchase",
                "vpn.example"};
    Record record = new_record(std::move(offer), "cashuBgiven", system_clock(), rng);
    record.stage = stage;
    record.quote = Quote{"q-1", "lnbc1", Sat(43), UnixSeconds(1'800'000'000), true};
    MintWork work;
    work.kind = MintWork::Kind::swap;
    work.body = "{\"inputs\":[]}";
    work.inputs = {cashu::proof_y("x")};
    auto r = cashu::random_scalar(rng);
    const auto b = cashu::blind("secret", r).value();
    work.outputs.push_back(
        {payments::OutputOwner::buyer, {"00deadbeef000000", Sat(32), b}, "secret", std::move(r), {}});
    record.funding.push_back(std::move(work));
    record.payment = "cashuBpaid";
    record.locktime = UnixSeconds(1'900'000'000);
    record.request = Request{"Nostr e30=", "{}", UnixSeconds(1'800'000'300)};
    record.refusal = Refusal{503, "busy", "later"};
    record.puzzle = "what?";
    record.tunnel = Tunnel{"[Interface]\n", UnixSeconds(1'800'003'600), "https://vpn.example/session/1", 2};
    record.coins.push_back({Coin::Kind::change, "cashuBchange", Sat(3), true});
    return record;
}

TEST(Record, EveryStageComesBackAsItWasWritten)
{
    for (const Stage stage : {Stage::begun, Stage::quoted, Stage::funding, Stage::ready, Stage::asked, Stage::delivered,
                              Stage::refunded, Stage::refused}) {
        const Record record = example(stage);
        const std::string text = encode_record(record);
        const auto back = parse_record(text);
        ASSERT_TRUE(back.has_value()) << back.error().detail;
        EXPECT_EQ(back->stage, stage);
        EXPECT_EQ(encode_record(*back), text);
        EXPECT_TRUE(back->keys.wireguard == record.keys.wireguard);
        EXPECT_EQ(back->funding.at(0).outputs.at(0).owner, payments::OutputOwner::buyer);
        EXPECT_TRUE(back->funding.at(0).outputs.at(0).r == record.funding.at(0).outputs.at(0).r);
    }
}

Record lightning_example(Stage stage)
{
    Record record = example(stage);
    record.offer.mint.clear();
    record.offer.lock.reset();
    record.offer.tier = 3;
    record.tunnel->expires_at.reset();
    LightningPurchase lightning;
    lightning.lnurl = "https://vpn.example/lnurlp?p=3";
    lightning.metadata = R"([["text/plain","x"]])";
    lightning.answer = R"({"pr":"lnbc1"})";
    lightning.payer = PayerChoice{PayerChoice::Kind::phoenixd, "http://127.0.0.1:9740", "/p", "/c", Sat(7)};
    lightning.attempt = Attempt::begun;
    lightning.preimage = SecretBytes<32>(std::span<const std::uint8_t, 32>(ByteArray<32>{1, 2, 3}));
    record.lightning = std::move(lightning);
    return record;
}

TEST(Record, APurchaseOverLightningComesBackAsItWasWritten)
{
    for (const Stage stage :
         {Stage::begun, Stage::handed, Stage::invoiced, Stage::settled, Stage::delivered, Stage::refunded}) {
        const std::string text = encode_record(lightning_example(stage));
        const auto back = parse_record(text);
        ASSERT_TRUE(back.has_value()) << back.error().detail;
        EXPECT_EQ(encode_record(*back), text);
        EXPECT_EQ(back->offer.tier, 3U);
        EXPECT_EQ(back->lightning->payer, lightning_example(stage).lightning->payer);
        EXPECT_EQ(back->lightning->attempt, Attempt::begun);
        EXPECT_TRUE(back->lightning->preimage == lightning_example(stage).lightning->preimage);
    }
}

TEST(Record, AStageOfTheOtherWayOfPayingIsRefused)
{
    for (const Stage stage : {Stage::quoted, Stage::funding, Stage::ready, Stage::asked, Stage::refused})
        EXPECT_FALSE(parse_record(encode_record(lightning_example(stage))).has_value()) << stage_word(stage);
    for (const Stage stage : {Stage::handed, Stage::invoiced, Stage::settled})
        EXPECT_FALSE(parse_record(encode_record(example(stage))).has_value()) << stage_word(stage);
    Record unpaid = lightning_example(Stage::settled);
    unpaid.lightning->preimage.reset();
    EXPECT_FALSE(parse_record(encode_record(unpaid)).has_value());
}

TEST(Record, AFileFromBeforeLightningIsRead)
{
    std::string text = encode_record(example(Stage::asked));
    const auto at = text.find("\"tier\"");
    ASSERT_NE(at, std::string::npos);
    text.replace(at, 6, "\"gone\"");
    const auto back = parse_record(text);
    ASSERT_TRUE(back.has_value()) << back.error().detail;
    EXPECT_EQ(back->offer.tier, 0U);
}

TEST(Record, AFileCutAnywhereIsRefused)
{
    const std::string text = encode_record(example(Stage::delivered));
    for (std::size_t length = 0; length + 2 < text.size(); length += 7)
        EXPECT_FALSE(parse_record(text.substr(0, length)).has_value()) << length;
}

TEST(Record, AMissingMemberIsNamedAndNoSecretRepeated)
{
    const std::string text = encode_record(example(Stage::asked));
    for (const char* name : {"adit_purchase", "stage", "created_at", "offer", "keys", "wireguard", "refund", "lock",
                             "request", "payment", "funding", "coins", "body"}) {
        std::string without = text;
        const std::string member = std::string("\"") + name + "\":";
        const auto at = without.find(member);
        ASSERT_NE(at, std::string::npos) << name;
        without.replace(at, member.size(), "\"gone\":");
        const auto back = parse_record(without);
        ASSERT_FALSE(back.has_value()) << name;
        EXPECT_EQ(back.error().detail.find(encode_hex(example(Stage::asked).keys.refund.expose())), std::string::npos);
    }
}

TEST(Record, WhatIsDeepOrNotJsonIsRefused)
{
    EXPECT_FALSE(parse_record(std::string(100'000, '[')).has_value());
    EXPECT_FALSE(parse_record("{}").has_value());
    EXPECT_FALSE(parse_record("\xff\xfe").has_value());
    EXPECT_FALSE(parse_record(std::string(kMaxRecordBytes + 1, ' ')).has_value());
}

TEST(Record, AFileThatOthersMayReadIsRefused)
{
    char name[] = "/tmp/adit-record-XXXXXX";
    const std::filesystem::path folder = ::mkdtemp(name);
    const auto file = folder / "p.json";
    ASSERT_TRUE(create_record(file, example(Stage::begun)).has_value());
    struct stat status {};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    EXPECT_TRUE(load_record(file).has_value());
    EXPECT_FALSE(create_record(file, example(Stage::begun)).has_value()) << "a purchase file is never written over";
    ::chmod(file.c_str(), 0644);
    ASSERT_FALSE(load_record(file).has_value());
    EXPECT_EQ(load_record(file).error().reason, Reason::bad_config);
    std::filesystem::remove_all(folder);
}

TEST(Record, TheSessionsAddressStandsBesideTheEndpoint)
{
    EXPECT_EQ(session_url("https://a.example/purchase", "0f"), "https://a.example/session/0f");
    EXPECT_EQ(session_url("https://a.example/vpn/purchase", "0f"), "https://a.example/vpn/session/0f");
    EXPECT_EQ(session_url("https://a.example", "0f"), "https://a.example/session/0f");
}

} // namespace
} // namespace adit::cli
