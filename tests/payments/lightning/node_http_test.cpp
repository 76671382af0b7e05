#include "payments/lightning/node_http.h"

#include "base/clock.h"
#include "scripted_node.h"

#include <gtest/gtest.h>

namespace adit::payments::lightning {
namespace {

TEST(FitForLog, WhatLooksLikeAKeyIsCutOut)
{
    EXPECT_EQ(fit_for_log("permission denied"), "permission denied");
    EXPECT_EQ(fit_for_log(R"(invalid value "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789+/AbCdE=" here)"),
              R"(invalid value "[...]" here)");
    EXPECT_EQ(fit_for_log(std::string(64, 'a')), "[...]");
    EXPECT_EQ(fit_for_log(std::string(31, 'a')), std::string(31, 'a'));
    EXPECT_EQ(fit_for_log("line\nbreak\x1b[31m\xff"), "line break [31m");
    EXPECT_LE(fit_for_log(std::string(5000, '!')).size(), 200U);
    EXPECT_EQ(fit_for_log(""), "");
}

TEST(NodeUrl, HostPortAndPathAreTaken)
{
    const std::tuple<const char*, const char*, const char*> rows[]{
        {"http://127.0.0.1:9740", "127.0.0.1", "http://127.0.0.1:9740"},
        {"http://phoenixd:9740/", "phoenixd", "http://phoenixd:9740"},
        {"https://lnd.example", "lnd.example", "https://lnd.example:443"},
        {"http://h", "h", "http://h:80"},
        {"https://[::1]:8080/a/b//", "::1", "https://[::1]:8080/a/b"},
    };
    for (const auto& [text, host, whole] : rows) {
        const auto url = parse_node_url(text);
        ASSERT_TRUE(url) << text << url.error().detail;
        EXPECT_EQ(url->host, host);
        EXPECT_EQ(url->text(), whole);
    }
}

TEST(NodeUrl, WhateverElseIsRefusedAndNotRepeated)
{
    for (const char* text : {"",
                             "127.0.0.1:9740",
                             "ftp://h",
                             "HTTP://h",
                             "http://",
                             "http:///path",
                             "http://:80",
                             "http://h:",
                             "http://h:0",
                             "http://h:65536",
                             "http://h:1x",
                             "http://h:80:90",
                             "http://user:marked@h",
                             "http://h?marked",
                             "http://h#marked",
                             "http://h /",
                             "http://h\r\nX: y",
                             "http://[::1",
                             "http://[::1]x",
                             "http://[]",
                             "http://[h]",
                             "http://]",
                             "http://h\\marked",
                             "unix:/marked"}) {
        const auto url = parse_node_url(text);
        ASSERT_FALSE(url) << text;
        EXPECT_EQ(url.error().reason, Reason::bad_encoding);
        EXPECT_EQ(url.error().detail.find("marked"), std::string::npos);
    }
    EXPECT_FALSE(parse_node_url("http://" + std::string(2000, 'h')));
}

NodeAccess access_to(const std::string& url, const std::string& ca_file)
{
    return NodeAccess{
        .name = "lnd", .url = parse_node_url(url).value(), .header = SecretText("X-Key: marked"), .ca_file = ca_file};
}

TEST(NodeHttp, OnlyThePinnedCertificateIsTrustedAndItsNameChecked)
{
    const TestCertificate right("IP:127.0.0.1"), other("IP:127.0.0.1"), elsewhere("lnd.example");
    const auto hello = [](ScriptedNode::Session& session, const NodeRequest&) { session.answer(200, "hello"); };
    ScriptedNode node(hello, &right);
    ScriptedNode misnamed(hello, &elsewhere);

    NodeHttp good(access_to(node.url(), right.certificate_file()));
    const auto reply = good.get("/x", good.deadline());
    ASSERT_TRUE(reply) << reply.error().detail;
    EXPECT_EQ(reply->body, "hello");
    EXPECT_EQ(node.requests().at(0).header("X-Key"), "marked");

    NodeHttp stranger(access_to(node.url(), other.certificate_file()));
    NodeHttp system(access_to(node.url(), ""));
    NodeHttp named(access_to(misnamed.url(), elsewhere.certificate_file()));
    NodeHttp missing(access_to(node.url(), "/nonexistent/tls.cert"));
    for (NodeHttp* const http : {&stranger, &system, &named, &missing}) {
        const auto refused = http->get("/x", http->deadline());
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().reason, Reason::lightning_unreachable);
        EXPECT_EQ(refused.error().detail.find("marked"), std::string::npos);
    }
    EXPECT_EQ(node.requests().size(), 1U); // nobody else came as far as to send the header
    EXPECT_TRUE(misnamed.requests().empty());
}

TEST(NodeHttp, ANewCertificateInTheFileCountsAtOnce)
{
    const TestCertificate first("IP:127.0.0.1"), second("IP:127.0.0.1");
    const auto hello = [](ScriptedNode::Session& session, const NodeRequest&) {
        session.answer(200, "hello");
        session.close();
    };
    ScriptedNode node(hello, &second);
    const std::string file = first.certificate_file();
    NodeHttp http(access_to(node.url(), file));
    ASSERT_FALSE(http.get("/", http.deadline()));
    std::filesystem::copy_file(second.certificate_file(), file, std::filesystem::copy_options::overwrite_existing);
    EXPECT_TRUE(http.get("/", http.deadline()));
}

TEST(NodeHttp, AfterTheDeadlineNothingIsSent)
{
    ScriptedNode node([](ScriptedNode::Session& session, const NodeRequest&) { session.answer(200, ""); });
    NodeHttp http(access_to(node.url(), ""));
    EXPECT_FALSE(http.get("/", system_clock().steady()));
    EXPECT_TRUE(node.requests().empty());
}

} // namespace
} // namespace adit::payments::lightning
