// The page as bytes and headers. What a browser makes of it: tests/browser/config_viewer_test.cpp.
#include "app/config_viewer.h"

#include "base/bytes.h"

#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <regex>

namespace adit::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string kServer = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
const std::string kOther = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";

http::Response page(const std::string& title = "Alpine exit", const std::string& endpoint = "vpn.example:51820",
                    const std::string& key = kServer)
{
    return config_viewer_page({*protocol::WireguardKey::parse_base64(key), endpoint, title});
}

std::string header(const http::Response& response, const std::string& name)
{
    std::string out;
    for (const auto& [each, value] : response.headers)
        if (each == name) out += out.empty() ? value : ", " + value;
    return out;
}

/// What stands in the elements of that name, as a browser sees it: up to the next end tag.
std::vector<std::string> contents(const std::string& html, const std::string& element)
{
    const std::string open = "<" + element + ">";
    const std::string close = "</" + element;
    std::vector<std::string> out;
    for (std::size_t at = html.find(open); at != std::string::npos; at = html.find(open, at)) {
        at += open.size();
        out.push_back(html.substr(at, html.find(close, at) - at));
    }
    return out;
}

/// The page without the contents of its scripts and style: what is markup in it.
std::string markup(std::string html)
{
    for (const std::string element : {"script", "style"})
        for (const std::string& content : contents(html, element)) html.erase(html.find(content), content.size());
    return html;
}

std::string sha256_source(const std::string& text)
{
    ByteArray<32> digest{};
    unsigned length = 0;
    EXPECT_EQ(EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr), 1);
    std::string base64(44, '\0');
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64.data()), digest.data(), 32);
    base64.resize(44);
    return "'sha256-" + base64 + "'";
}

std::map<std::string, std::string> directives(const std::string& policy)
{
    std::map<std::string, std::string> out;
    static const std::regex kDirective("([a-z-]+) ([^;]+)(?:; )?");
    for (auto each = std::sregex_iterator(policy.begin(), policy.end(), kDirective); each != std::sregex_iterator();
         ++each)
        EXPECT_TRUE(out.emplace((*each)[1], (*each)[2]).second) << policy;
    return out;
}

TEST(ConfigViewerPage, IsConfinedByItsHeaders)
{
    const http::Response response = page();
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.content_type, "text/html; charset=utf-8");
    EXPECT_EQ(header(response, "X-Frame-Options"), "DENY");
    EXPECT_EQ(header(response, "Referrer-Policy"), "no-referrer");
    EXPECT_EQ(header(response, "X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(header(response, "Cache-Control"), "no-store");
}

TEST(ConfigViewerPage, ThePolicyAllowsItsOwnBytesAndNothingElse)
{
    const http::Response response = page();
    const auto scripts = contents(response.body, "script");
    const auto styles = contents(response.body, "style");
    ASSERT_EQ(scripts.size(), 2U);
    ASSERT_EQ(styles.size(), 1U);
    const std::map<std::string, std::string> expected{
        {"default-src", "'none'"},
        {"script-src", sha256_source(scripts[0]) + " " + sha256_source(scripts[1])},
        {"style-src", sha256_source(styles[0])},
        {"img-src", "data:"},
        {"base-uri", "'none'"},
        {"form-action", "'none'"},
        {"frame-ancestors", "'none'"},
        {"require-trusted-types-for", "'script'"},
        {"trusted-types", "'none'"},
    };
    EXPECT_EQ(directives(header(response, "Content-Security-Policy")), expected);
}

TEST(ConfigViewerPage, HasNoScriptStyleOrAddressOutsideOfWhatIsHashed)
{
    const std::string html = markup(page().body);
    static const std::regex kInline(R"(\s(on[a-z]+|style|src|srcset|action|background|http-equiv)\s*=)");
    EXPECT_FALSE(std::regex_search(html, kInline)) << html;
    static const std::regex kAddress(R"raw(\b(href|data|xlink:href)="([^"]*)")raw");
    std::vector<std::string> addresses;
    for (auto each = std::sregex_iterator(html.begin(), html.end(), kAddress); each != std::sregex_iterator(); ++each)
        addresses.push_back((*each)[2]);
    EXPECT_THAT(addresses, ElementsAre("data:,"));
    EXPECT_THAT(html, Not(HasSubstr("{{")));
    EXPECT_EQ(html.find('\r'), std::string::npos) << "a browser would hash LF";
}

TEST(ConfigViewerPage, SaysWhoseKeyAndEndpointALinkMustHave)
{
    EXPECT_THAT(page().body, HasSubstr("data-server-key=\"" + kServer +
                                       "\" data-endpoint=\"vpn.example:51820\" "
                                       "data-placeholder=\"&lt;PASTE YOUR OWN"));
    EXPECT_THAT(page("t", "[2001:db8::1]:51820").body, HasSubstr("data-endpoint=\"[2001:db8::1]:51820\""));
}

TEST(ConfigViewerPage, AnotherOperatorsPageHasTheSameScriptsAndPolicy)
{
    const http::Response one = page();
    const http::Response other = page("Another", "other.example:1", kOther);
    EXPECT_NE(one.body, other.body);
    EXPECT_EQ(contents(one.body, "script"), contents(other.body, "script"));
    EXPECT_EQ(header(one, "Content-Security-Policy"), header(other, "Content-Security-Policy"));
}

TEST(ConfigViewerPage, ATitleOrEndpointIsTextWhateverItSays)
{
    const std::string hostile =
        "\"'><script>alert(1)</script></title><img src=x onerror=alert(1)>&amp;{{script}}\n\x01";
    const http::Response response = page(hostile, "\" autofocus onfocus=\"alert(1)");
    EXPECT_EQ(contents(response.body, "script"), contents(page().body, "script"));
    const std::string text = "&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;/title&gt;&lt;img src=x "
                             "onerror=alert(1)&gt;&amp;amp;{{script}}  ";
    EXPECT_THAT(response.body, HasSubstr("<title>WireGuard config · " + text + "</title>"));
    EXPECT_THAT(response.body, HasSubstr("<p class=\"operator\">" + text + "</p>"));
    EXPECT_THAT(response.body, HasSubstr("data-endpoint=\"&quot; autofocus onfocus=&quot;alert(1)\""));
}

} // namespace
} // namespace adit::app
