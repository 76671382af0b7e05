#include "protocol/config_link.h"

#include "protocol/nostr_testing.h"

namespace adit::protocol {
namespace {

const std::string kConfig = "# é\n[Interface]\nAddress = 10.66.42.7/32\n~?~?\n";

TEST(ConfigLink, CarriesTheConfigBehindTheHash)
{
    const std::string link = config_viewer_link("vpn.example:8443", kConfig);
    EXPECT_TRUE(link.starts_with("https://vpn.example:8443/config-viewer#")) << link;
    EXPECT_EQ(link.find_first_of("+/=", link.find('#')), std::string::npos) << "base64url without padding";
    EXPECT_EQ(config_of_plaintext(link).value(), kConfig);
}

TEST(ConfigLink, WhatIsNoLinkIsTheConfigItself)
{
    for (const std::string& text :
         {kConfig, std::string(), std::string("https://vpn.example/"), "# https://x/config-viewer#AAAA\n" + kConfig,
          std::string("https://vpn.example/\n/config-viewer#AAAA")})
        EXPECT_EQ(config_of_plaintext(text).value(), text);
}

TEST(ConfigLink, ALinkWithJunkInItIsRefused)
{
    for (const char* fragment : {"!", "A", "AAAA=A", "AA\nAA", "__79-A+", "gICA"})
        expect_reason(config_of_plaintext("https://vpn.example/config-viewer#" + std::string(fragment)),
                      Reason::bad_encoding);
    EXPECT_EQ(config_of_plaintext("https://vpn.example/config-viewer#").value(), "");
}

} // namespace
} // namespace adit::protocol
