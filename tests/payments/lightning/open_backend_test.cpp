#include "payments/lightning/open_backend.h"

#include "base/file.h"
#include "scripted_node.h"

#include <gtest/gtest.h>

namespace adit::payments::lightning {
namespace {

/// The error's words, or "" where it opens.
std::string complaint(BackendOptions options)
{
    const auto backend = open_backend(std::move(options));
    if (backend) return "";
    EXPECT_EQ(backend.error().reason, Reason::bad_config);
    EXPECT_EQ(backend.error().detail.find("marked"), std::string::npos) << backend.error().detail;
    return backend.error().detail;
}

BackendOptions phoenixd_at(std::string url) { return {.base_url = std::move(url), .password = SecretText("marked")}; }

class OpenLnd : public testing::Test {
protected:
    std::filesystem::path file(const char* name, std::string_view content)
    {
        auto path = std::filesystem::path(certificate_.key_file()).parent_path() / name;
        CHECK(write_private_file(path, content).has_value());
        return path;
    }
    BackendOptions lnd_at(std::string url)
    {
        return {.kind = BackendKind::lnd,
                .base_url = std::move(url),
                .macaroon_file = file("invoice.macaroon", "\x02\x01marked"),
                .tls_cert_file = certificate_.certificate_file()};
    }
    const TestCertificate certificate_{"IP:127.0.0.1"};
};

TEST(OpenPhoenixd, ItNeedsAUrlAndAPassword)
{
    EXPECT_EQ(complaint(phoenixd_at("http://127.0.0.1:9740")), "");
    EXPECT_EQ(complaint(phoenixd_at("https://phoenixd.example/api")), "");
    EXPECT_EQ(open_backend(phoenixd_at("http://127.0.0.1:9740")).value()->name(), "phoenixd");
    EXPECT_NE(complaint({.base_url = "http://127.0.0.1:9740"}).find("api_token"), std::string::npos);
    EXPECT_NE(complaint(phoenixd_at("http://marked:marked@h")).find("base_url"), std::string::npos);
    BackendOptions holding = phoenixd_at("http://127.0.0.1:9740");
    holding.hold = true;
    EXPECT_NE(complaint(std::move(holding)).find("hold"), std::string::npos);
}

TEST_F(OpenLnd, ItNeedsHttpsAndFilesThatAreWhatTheySay)
{
    EXPECT_EQ(complaint(lnd_at("https://127.0.0.1:8080")), "");
    EXPECT_NE(complaint(lnd_at("http://127.0.0.1:8080")).find("https"), std::string::npos);
    BackendOptions options = lnd_at("https://127.0.0.1:8080");
    options.macaroon_file = "/nonexistent/invoice.macaroon";
    EXPECT_NE(complaint(std::move(options)).find("macaroon_file: "), std::string::npos);
    options = lnd_at("https://127.0.0.1:8080");
    options.macaroon_file.clear();
    EXPECT_NE(complaint(std::move(options)).find("macaroon_file"), std::string::npos);
    options = lnd_at("https://127.0.0.1:8080");
    options.macaroon_file = file("empty", " \n");
    EXPECT_NE(complaint(std::move(options)).find("empty"), std::string::npos);
    options = lnd_at("https://127.0.0.1:8080");
    options.tls_cert_file = certificate_.key_file(); // the wrong one of two
    EXPECT_NE(complaint(std::move(options)).find("tls_cert_file"), std::string::npos);
    options = lnd_at("https://127.0.0.1:8080");
    options.tls_cert_file = "/nonexistent/tls.cert";
    EXPECT_NE(complaint(std::move(options)).find("/nonexistent/tls.cert"), std::string::npos);
    options = lnd_at("https://127.0.0.1:8080");
    options.tls_cert_file.clear(); // behind a proxy with a certificate that everybody trusts
    EXPECT_EQ(complaint(std::move(options)), "");
}

TEST_F(OpenLnd, AMacaroonInHexIsSentAsTheSameOne)
{
    ScriptedNode node([](ScriptedNode::Session& session, const NodeRequest&) { session.answer(500, ""); },
                      &certificate_);
    BackendOptions binary = lnd_at(node.url());
    BackendOptions hex = lnd_at(node.url());
    hex.macaroon_file = file("hex.macaroon", "02016D61726B6564\n");
    hex.hold = true;
    for (BackendOptions* options : {&binary, &hex}) {
        const auto backend = open_backend(std::move(*options));
        ASSERT_TRUE(backend);
        EXPECT_EQ((*backend)->name(), "lnd");
        EXPECT_EQ((*backend)->holds(), options == &hex);
        EXPECT_EQ((*backend)->network().error().reason, Reason::lightning_unreachable);
        EXPECT_EQ(node.requests().back().header("Grpc-Metadata-macaroon"), "02016d61726b6564");
    }
}

} // namespace
} // namespace adit::payments::lightning
