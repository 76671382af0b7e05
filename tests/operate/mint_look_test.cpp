#include "operate/mint_look.h"

#include "devnet/world.h"
#include "operate/look_testing.h"

#include <gmock/gmock.h>

namespace adit::operate {
namespace {

namespace cashu = payments::cashu;
using ::testing::HasSubstr;

cashu::Keyset good_keyset()
{
    cashu::Keyset keyset{.id = "0000000000000001", .unit = "sat", .active = true};
    keyset.keys.emplace(
        Sat(1), cashu::Point::parse_hex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798").value());
    return keyset;
}

MintSight good_mint()
{
    MintSight seen{.url = "https://mint.example"};
    seen.info = cashu::MintInfo{"A mint", "Mint/1.0", {4, 5, 7, 8, 9, 10, 11, 12}};
    seen.keysets = std::vector{good_keyset()};
    return seen;
}

TEST(MintLook, AGoodMintIsAllOk)
{
    const auto findings = judge_mint(good_mint(), kLookedAt);
    ASSERT_EQ(findings.size(), 4U);
    for (const Finding& finding : findings) {
        EXPECT_EQ(finding.level, Level::ok) << finding.check << ": " << finding.what;
        EXPECT_EQ(finding.hint, "");
    }
}

TEST(MintLook, OneThatIsAwayIsSaidOnceAndNothingElseOfIt)
{
    const auto findings = judge_mint({.url = "https://mint.example", .silence = "could not connect"}, kLookedAt);
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].check, "mint-reachable");
    EXPECT_EQ(findings[0].level, Level::fail);
    EXPECT_THAT(findings[0].hint, HasSubstr("payment_methods"));
}

TEST(MintLook, EachMissingNutIsNamed)
{
    MintSight seen = good_mint();
    seen.info->nuts.erase(11);
    seen.info->nuts.erase(7);
    const auto findings = judge_mint(seen, kLookedAt);
    EXPECT_EQ(worst_of(findings, "mint-nuts").level, Level::fail);
    EXPECT_THAT(worst_of(findings, "mint-nuts").what, HasSubstr("lacks NUT-07, NUT-11"));
    seen.info.reset();
    EXPECT_EQ(worst_of(judge_mint(seen, kLookedAt), "mint-nuts").level, Level::warn) << "silence is no no";
}

TEST(MintLook, AKeysetMustBeActiveInSatReadableAndLast)
{
    MintSight seen = good_mint();
    const auto keyset = [&]() -> cashu::Keyset& { return seen.keysets->front(); };
    const auto level = [&] { return worst_of(judge_mint(seen, kLookedAt), "mint-keyset").level; };
    keyset().final_expiry = kLookedAt + kKeysetEndsSoon - Seconds(1);
    EXPECT_EQ(level(), Level::warn);
    keyset().final_expiry = kLookedAt + kKeysetEndsSoon;
    EXPECT_EQ(level(), Level::ok);
    keyset().final_expiry = kLookedAt;
    EXPECT_EQ(level(), Level::fail) << "it is over";
    seen = good_mint();
    keyset().unit = "usd";
    EXPECT_EQ(level(), Level::fail);
    seen = good_mint();
    keyset().active = false;
    EXPECT_EQ(level(), Level::fail);
    seen = good_mint();
    keyset().keys.clear();
    EXPECT_THAT(worst_of(judge_mint(seen, kLookedAt), "mint-keyset").what, HasSubstr("fit"));
    seen.keysets->push_back(good_keyset());
    EXPECT_EQ(level(), Level::ok) << "one that can be read is enough";
    seen.keysets.reset();
    EXPECT_EQ(level(), Level::fail);
}

TEST(MintLook, FeesAreWorthAWarning)
{
    MintSight seen = good_mint();
    seen.keysets->front().input_fee_ppk = 100;
    const Finding fee = worst_of(judge_mint(seen, kLookedAt), "mint-fees");
    EXPECT_EQ(fee.level, Level::warn);
    EXPECT_THAT(fee.what, HasSubstr("1 sat for each 10 proofs"));
    seen.keysets->push_back(good_keyset());
    EXPECT_EQ(worst_of(judge_mint(seen, kLookedAt), "mint-fees").level, Level::ok)
        << "buyers are given the cheaper one";
}

TEST(MintLook, ARealMintIsSeenAsItIs)
{
    devnet::WorldOptions options;
    options.mint.fee_ppk = 0;
    const auto world = devnet::World::start(options).value();
    payments::CurlHttpClient http;
    const auto look = [&](const std::string& url) {
        return judge_mint(look_at_mint(http, url, Milliseconds(5'000)), system_clock().now());
    };
    const auto findings = look(world->mint_url() + "/");
    ASSERT_EQ(findings.size(), 4U);
    for (const Finding& finding : findings) EXPECT_EQ(finding.level, Level::ok) << finding.what;

    EXPECT_EQ(look("nonsense").front().level, Level::fail);
    EXPECT_EQ(look("http://127.0.0.1:1").front().level, Level::fail);
    world->faults().add({.endpoint = "mint.info", .act = devnet::FaultAct::not_json});
    EXPECT_EQ(worst_of(look(world->mint_url()), "mint-nuts").level, Level::warn);
    world->faults().add({.endpoint = "mint.keysets", .act = devnet::FaultAct::status});
    EXPECT_EQ(look(world->mint_url()).size(), 1U) << "it answers, but nothing of use";
}

} // namespace
} // namespace adit::operate
