#include "operate/check_world.h"

#include "payments/http_client.h"

#include <arpa/inet.h>
#include <cstdlib>
#include <fstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace adit::operate {

namespace {

std::uint16_t a_free_port()
{
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length), 0);
    ::close(fd);
    return ntohs(address.sin_port);
}

} // namespace

CheckWorld::CheckWorld() : port(a_free_port())
{
    char name[] = "/tmp/adit-check-XXXXXX";
    EXPECT_NE(::mkdtemp(name), nullptr);
    folder = name;
    std::filesystem::create_directory(folder / "state");
    ::chmod((folder / "state").c_str(), 0700);
    write(folder / "nsec", encode_hex(operator_key.expose()));
    write(folder / "p2pk", encode_hex(sales_key.expose()));
    options.config = folder / "config.toml";
    options.ca_file = certificate.certificate_file();
    proxy.pass_to(port);
}

CheckWorld::~CheckWorld()
{
    daemon.reset();
    world.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
}

void CheckWorld::write(const std::filesystem::path& path, const std::string& text, unsigned mode) const
{
    std::ofstream(path, std::ios::trunc) << text;
    ::chmod(path.c_str(), mode);
}

void CheckWorld::write_config() const
{
    const std::string host = "localhost:" + std::to_string(proxy.port());
    const std::string name = lines.public_host.empty() ? host : lines.public_host;
    write(options.config,
          "[server]\nhost = \"127.0.0.1\"\nport = " + std::to_string(port) + "\npublic_host = \"" + name + "\"\n" +
              lines.server + "[db]\npath = \"" + (folder / "state" / "adit.db").string() +
              "\"\n[wireguard]\nendpoint_host = \"vpn.example\"\nsubnet_cidr = \"10.66.42.0/24\"\n" + lines.wireguard +
              "[cashu]\np2pk_privkey_file = \"" + (folder / "p2pk").string() + "\"\n" + lines.cashu +
              "[nostr]\nnsec_file = \"" + (folder / "nsec").string() + "\"\nrelays = [" +
              (lines.relays.empty() ? "\"" + world->relay_url() + "\"" : lines.relays) + "]\n" + lines.lightning +
              "[listing]\nd_tag = \"exit-1\"\ntitle = \"Exit One\"\nprotocols = [\"wireguard\"]\n" + lines.prices +
              "[[listing.payment_methods]]\ntype = \"cashu\"\nmint = \"" + world->mint_url() + "\"\np2pk = \"02" +
              sales_key.public_key().hex() + "\"\nendpoint = \"https://" + name + "/purchase\"\n" +
              (lines.lightning.empty() ? ""
                                       : "[[listing.payment_methods]]\ntype = \"lightning\"\nendpoint = \"https://" +
                                             name + "/lnurlp\"\nmechanism = \"lnurl-pay\"\n") +
              lines.more);
}

Findings CheckWorld::check(const Clock& clock)
{
    write_config();
    return check_as_it_is(clock);
}

Findings CheckWorld::check_as_it_is(const Clock& clock) const
{
    CheckResult result = check_shop(options, clock, system_rng());
    EXPECT_TRUE(result.all_done);
    return std::move(result.findings);
}

void CheckWorld::run_daemon()
{
    write_config();
    auto loaded = app::load_config(options.config);
    ASSERT_TRUE(loaded.config) << loaded.errors.front();
    daemon = std::make_unique<app::App>(std::move(*loaded.config));
    const auto started = daemon->start();
    ASSERT_TRUE(started) << started.error().detail;
}

void CheckWorld::control(const std::string& path, const std::string& body) const
{
    payments::CurlHttpClient http;
    const auto reply = http.call({.method = "POST", .url = world->control_url() + path, .body = body});
    ASSERT_TRUE(reply) << reply.error().detail;
    ASSERT_EQ(reply->status, 200) << reply->body;
}

void expect(const Findings& findings, std::string_view check, Level level, const std::string& what,
            const std::string& hint)
{
    const Finding found = worst_of(findings, check);
    EXPECT_EQ(found.level, level) << check << ": " << found.what;
    EXPECT_THAT(found.what, testing::HasSubstr(what));
    EXPECT_THAT(found.hint, testing::HasSubstr(hint));
}

std::string failures(const Findings& findings)
{
    std::string all;
    for (const Finding& finding : findings)
        if (finding.level == Level::fail) all += finding.check + ": " + finding.what + "\n";
    return all;
}

} // namespace adit::operate
