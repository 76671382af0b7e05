// The config that `adit init` writes is the example's, and is right for whatever is answered.
#include "operate/shop_answers.h"

#include "fakes/seeded_rng.h"
#include "payments/cashu/curve.h"

#include <gmock/gmock.h>

namespace adit::operate {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ShopConfig : public ::testing::Test {
protected:
    ShopConfig()
    {
        answers_.public_host = "vpn.shop.test";
        answers_.endpoint_host = "wg.shop.test";
        answers_.title = "A tunnel";
        answers_.prices = {{"21", "sat", "hour"}, {"500", "sat", "GiB"}};
        answers_.mints = {"https://mint.shop.test", "https://other.shop.test/Bitcoin"};
        answers_.relays = {"wss://relay.shop.test"};
        answers_.subnet = "10.99.0.0/16";
    }
    app::LoadedConfig loaded()
    {
        text_ = shop_config(answers_, keys_);
        auto tried = try_config(text_, folder_, keys_);
        EXPECT_THAT(tried.errors, ::testing::IsEmpty()) << text_;
        // While the daemon does not make its own interface yet.
        std::erase_if(tried.warnings,
                      [](const std::string& each) { return each.find("wireguard.manage") != std::string::npos; });
        EXPECT_THAT(tried.warnings, ::testing::IsEmpty()) << text_;
        return tried;
    }

    fakes::SeededRng rng_{3};
    std::filesystem::path folder_ = "/nowhere/etc";
    ShopKeys keys_ = std::move(find_or_make_keys(folder_ / "secret", {}, rng_)).value();
    ShopAnswers answers_;
    std::string text_;
};

TEST_F(ShopConfig, SaysWhatWasAnswered)
{
    const auto tried = loaded();
    ASSERT_TRUE(tried.config);
    const app::Config& config = *tried.config;
    EXPECT_EQ(config.server.public_host, "vpn.shop.test");
    EXPECT_EQ(config.server.host, "127.0.0.1");
    EXPECT_EQ(config.wireguard.endpoint_host, "wg.shop.test");
    EXPECT_EQ(config.wireguard.server_key, protocol::wireguard_public_key(keys_.tunnels));
    EXPECT_EQ(config.wireguard.private_key_file, folder_ / "secret" / "wg.key");
    EXPECT_TRUE(config.wireguard.manage);
    EXPECT_EQ(config.cashu.mints, answers_.mints);
    EXPECT_EQ(config.cashu.seed_file, folder_ / "secret" / "wallet.seed");
    ASSERT_TRUE(config.cashu.sales_key);
    EXPECT_EQ(config.cashu.sales_key->public_key(), keys_.sales.public_key());
    EXPECT_EQ(config.nostr.key.public_key(), keys_.nostr.public_key());
    EXPECT_EQ(config.nostr.relays, answers_.relays);
    EXPECT_EQ(config.listing.prices.size(), 2U);
    EXPECT_EQ(config.listing.payments.size(), 2U);
    EXPECT_EQ(config.database.ours, "/var/lib/adit/adit.db");
    // What the example says for an operator who is somebody else.
    EXPECT_EQ(config.listing.country, "");
    EXPECT_EQ(config.listing.geohash, "");
    EXPECT_EQ(config.listing.content, "");
    EXPECT_TRUE(config.listing.policies.empty());
    EXPECT_FALSE(config.lightning.enabled);
}

TEST_F(ShopConfig, KeepsTheExamplesCommentsAndNoneOfItsMarks)
{
    loaded();
    EXPECT_THAT(text_, HasSubstr("# the host that buyers use"));
    EXPECT_THAT(text_, HasSubstr("[limits]"));
    EXPECT_THAT(text_, Not(HasSubstr("CHANGE")));
    EXPECT_THAT(text_, Not(HasSubstr("example.com/purchase")));
    EXPECT_THAT(text_, Not(HasSubstr("Berlin\"\ngeohash")));
}

TEST_F(ShopConfig, HoldsNoSecret)
{
    loaded();
    for (const KeyFile& file : keys_.files) EXPECT_THAT(text_, Not(HasSubstr(file.text.expose())));
}

TEST_F(ShopConfig, IsRightForTextThatIsTomlItself)
{
    for (const std::string& text : {std::string("a\"b"), std::string("\\"), std::string("\"\"\""), std::string("# [x]"),
                                    std::string("a = 1\\n"), std::string("été 漢字")}) {
        answers_.title = text;
        answers_.summary = text;
        answers_.d_tag = text;
        const auto tried = loaded();
        ASSERT_TRUE(tried.config);
        EXPECT_EQ(tried.config->listing.title, text);
        EXPECT_EQ(tried.config->listing.summary, text);
        EXPECT_EQ(tried.config->listing.d_tag, text);
    }
}

TEST_F(ShopConfig, ComplainsInTheWordsOfTheConfig)
{
    answers_.subnet = "10.0.0.0/33";
    answers_.mints = {"ftp://mint"};
    const auto tried = try_config(shop_config(answers_, keys_), folder_, keys_);
    EXPECT_FALSE(tried.config);
    EXPECT_EQ(complaints_about("wireguard.subnet_cidr", tried.errors).size(), 1U);
    EXPECT_EQ(complaints_about("listing.payment_methods.mint", tried.errors).size(), 1U);
    EXPECT_TRUE(complaints_about("server", tried.errors).empty());
}

TEST_F(ShopConfig, TakesACountryAndIpv6)
{
    answers_.country = "PT";
    answers_.subnet6 = "fd00:1::/112";
    answers_.interface_is = Interface::of_operator;
    const auto tried = loaded();
    ASSERT_TRUE(tried.config);
    EXPECT_EQ(tried.config->listing.country, "PT");
    EXPECT_EQ(tried.config->listing.geohash, "");
    EXPECT_TRUE(tried.config->wireguard.subnet6);
    EXPECT_FALSE(tried.config->wireguard.manage);
}

TEST(ShopWords, PricesAreWholeSatsForAUnit)
{
    EXPECT_EQ(parse_price("100/hour")->amount, "100");
    EXPECT_EQ(parse_price(" 5 sat / GiB ")->unit, "GiB");
    for (const char* text : {"", "/", "100", "100/", "/hour", "1.5/hour", "-1/hour", "0/hour", "100/parsec", "1e3/day",
                             "100/hour/day", "99999999999999999999999/hour", "0x10/hour"})
        EXPECT_FALSE(parse_price(text)) << text;
}

TEST(ShopWords, AHostIsTakenAsItIsPasted)
{
    EXPECT_EQ(bare_host("https://VPN.Example.com/"), "vpn.example.com");
    EXPECT_EQ(bare_host("vpn.example.com:8443"), "vpn.example.com:8443");
    EXPECT_EQ(comma_separated(" a, b,,c "), (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_FALSE(usual_relays().empty());
    for (const std::string& relay : usual_relays()) EXPECT_TRUE(relay.starts_with("wss://")) << relay;
}

} // namespace
} // namespace adit::operate
