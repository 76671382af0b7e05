// tests/operate/check_world.h - a shop in order, behind a proxy with a certificate, at a relay, a mint and Lightning
// nodes of its own; and each part of it can be spoilt.
#pragma once

#include "operate/check.h"
#include "operate/look_testing.h"
#include "operate/test_proxy.h"

#include "app/app.h"
#include "devnet/world.h"

#include <filesystem>
#include <gmock/gmock.h>

namespace adit::operate {

/// The lines of the config that a test may want to be others.
struct ShopLines {
    std::string public_host = {}; // "": the proxy's
    std::string server = {};      // further lines of [server]
    std::string wireguard = "backend = \"memory\"\ninterface = \"wg-none\"\n";
    std::string cashu = "enabled = true\n";
    std::string relays = {}; // "": the world's
    std::string lightning = {};
    std::string prices = "[[listing.prices]]\namount = 100\ncurrency = \"sat\"\nunit = \"hour\"\n";
    std::string more = {}; // whole tables of the listing
};

class CheckWorld : public testing::Test {
protected:
    CheckWorld();
    ~CheckWorld() override;

    void write(const std::filesystem::path& path, const std::string& text, unsigned mode = 0600) const;
    void write_config() const;
    /// With the config written anew.
    Findings check(const Clock& clock = system_clock());
    Findings check_as_it_is(const Clock& clock = system_clock()) const;
    /// The daemon itself, in this process, until the test's end.
    void run_daemon();
    /// POST to the world's control port.
    void control(const std::string& path, const std::string& body) const;
    void fault(const std::string& body) const { control("/faults", body); }

    ShopLines lines;
    CheckOptions options;
    TestCertificate certificate{"localhost"};
    TestProxy proxy{&certificate};
    std::unique_ptr<devnet::World> world = devnet::World::start({}).value();
    std::filesystem::path folder;
    std::uint16_t port = 0; // of the daemon, or of what stands in for it
    protocol::SecretKey operator_key = protocol::SecretKey::generate(system_rng());
    protocol::SecretKey sales_key = protocol::SecretKey::generate(system_rng());
    std::unique_ptr<app::App> daemon;
};

/// Fails the test where it is not so, with what there is instead.
void expect(const Findings& findings, std::string_view check, Level level, const std::string& what,
            const std::string& hint);
/// All that failed, for showing.
std::string failures(const Findings& findings);

} // namespace adit::operate
