// What the config by itself tells: each mistake under its own name, with what to do.
#include "operate/check_config.h"

#include "operate/check_files.h"
#include "operate/check_world.h"

#include <sys/stat.h>

namespace adit::operate {
namespace {

using CheckConfig = CheckWorld;

std::string replaced(std::string text, const std::string& what, const std::string& by)
{
    const std::size_t at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return text.replace(at, what.size(), by);
}

/// Of the config with that part of it replaced. Nothing else is looked at: it has a mistake.
class CheckMistake : public CheckWorld {
protected:
    Findings with(const std::string& what, const std::string& by)
    {
        write_config();
        const auto text = read_file(options.config);
        EXPECT_TRUE(text);
        write(options.config, replaced(*text, what, by));
        Findings found = judge_config(app::load_config(options.config), options.config);
        return found;
    }
};

TEST_F(CheckMistake, TheListingsP2pkIsNotOurKey)
{
    expect(with("p2pk = \"02" + sales_key.public_key().hex(), "p2pk = \"02" + operator_key.public_key().hex()),
           "listing-p2pk", Level::fail, "is not the key that we hold", "public part of the [cashu] key");
    expect(with("p2pk = \"02" + sales_key.public_key().hex(), "p2pk = \"02ab"), "listing-p2pk", Level::fail,
           "no public key", "02 and the public part");
}

TEST_F(CheckMistake, ThePaymentEndpointIsOnAnotherHost)
{
    expect(with("\"https://localhost", "\"https://other.example"), "payment-endpoint", Level::fail,
           "is not on server.public_host", "must be on [server] public_host");
}

TEST_F(CheckMistake, LightningIsAdvertisedButOff)
{
    lines.lightning = "[lightning]\nenabled = false\n";
    expect(with("enabled = false", "enabled = false"), "lightning-off", Level::fail, "lightning is listed but",
           "enabled = true");
}

TEST_F(CheckMistake, CashuIsAdvertisedButOffOrHasNoKey)
{
    expect(with("enabled = true", "enabled = false"), "cashu-off", Level::fail, "cashu is listed but",
           "enabled = true");
    expect(with("p2pk_privkey_file", "# p2pk_privkey_file"), "cashu-key", Level::fail, "is missing",
           "holds the sales key");
}

TEST_F(CheckMistake, AServerKeyIsNoneOrIsNotThere)
{
    lines.wireguard = "interface = \"wg0\"\n";
    expect(with("interface = \"wg0\"", "interface = \"wg0\""), "wireguard-key", Level::warn, "is not there",
           "public-key");
    expect(with("interface = \"wg0\"", "server_pubkey = \"x\""), "wireguard-key", Level::fail,
           "no WireGuard public key", "44 characters");
}

TEST_F(CheckConfig, FindsATierPricedInUsdAndAShopWithNothingElse)
{
    lines.prices += "[[listing.prices]]\namount = 5\ncurrency = \"usd\"\nunit = \"day\"\n";
    const Findings found = check();
    expect(found, "price-currency", Level::warn, "can not be bought", "currency = \"sat\"");
    expect(found, "prices", Level::ok, "1 of 2", "");
    EXPECT_EQ(failures(found), "");
    lines.prices = "[[listing.prices]]\namount = 5\ncurrency = \"usd\"\nunit = \"day\"\n";
    expect(check(), "prices", Level::fail, "no price can be bought", "currency = \"sat\"");
}

TEST_F(CheckConfig, AConfigWithSecretsInItMustBeClosed)
{
    lines.cashu = "enabled = true\n";
    write_config();
    const auto text = read_file(options.config);
    const std::string with_key = replaced(*text, "p2pk_privkey_file = \"" + (folder / "p2pk").string() + "\"",
                                          "p2pk_privkey_hex = \"" + encode_hex(sales_key.expose()) + "\"");
    write(options.config, with_key, 0644);
    const Findings found = check_as_it_is();
    expect(found, "secret-modes", Level::warn, "holds secrets", "chmod 600");
    for (const Finding& finding : found)
        EXPECT_EQ((finding.what + finding.hint).find(encode_hex(sales_key.expose())), std::string::npos);
}

TEST(CheckFiles, FoldersAndDisksAreJudgedByWhoAndHowMuch)
{
    EXPECT_EQ(judge_folder("/x", 0700).level, Level::ok);
    EXPECT_EQ(judge_folder("/x", 0750).level, Level::warn);
    EXPECT_EQ(judge_folder("/x", 0705).level, Level::fail);
    EXPECT_EQ(judge_folder("/x", 0770).level, Level::fail);
    constexpr std::uint64_t kGiB = 1ULL << 30;
    EXPECT_EQ(judge_space("/x", 20 * kGiB, 1'000'000).level, Level::ok);
    EXPECT_EQ(judge_space("/x", kGiB / 2, 1'000'000).level, Level::warn);
    EXPECT_EQ(judge_space("/x", 1 << 20, 1'000'000).level, Level::fail);
    EXPECT_EQ(judge_space("/x", 20 * kGiB, 3).level, Level::fail);
}

} // namespace
} // namespace adit::operate
