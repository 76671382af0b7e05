// tests/operate/diagnosed_shop.h - a real shop behind a proxy, with relay, mint and Lightning node, and `adit diagnose`
// to be typed at it.
#pragma once

#include "app/app.h"
#include "devnet/world.h"
#include "operate/look_testing.h"
#include "operate/test_proxy.h"
#include "protocol/wireguard_key.h"

#include <filesystem>

namespace adit::operate {

enum class SellsFor { ecash, ecash_and_lightning };

/// The device behind the shop: none but in memory, or one that a test has made.
struct ShopDevice {
    std::string interface = "adit-diag";
    std::string backend = "memory";
    protocol::WireguardKey key = protocol::wireguard_public_key(protocol::generate_wireguard_secret(system_rng()));
    std::string endpoint_host = "127.0.0.1";
    std::uint16_t endpoint_port = 51820;
};

/// How `adit diagnose` ended.
struct Diagnosed {
    int status = -1;
    std::vector<Finding> findings = {}; // out of its JSON
    std::string said = {};              // standard error
    Milliseconds took{0};
};

class DiagnosedShop {
public:
    explicit DiagnosedShop(SellsFor sells = SellsFor::ecash, const ShopDevice& device = {});
    ~DiagnosedShop();

    std::string relay() const { return world->relay_url(); }
    std::string npub() const;
    std::string base_url() const { return "http://127.0.0.1:" + std::to_string(front.port()); }
    /// The listing as the relay has it, once it has it.
    protocol::Event listing() const;
    /// The same, newer, with other tags, signed by the operator.
    void publish_with(const std::function<void(std::vector<protocol::Tag>&)>& change);
    /// `adit diagnose WORDS --json`. With the shop's npub and relay where there are no words.
    Diagnosed diagnose(std::vector<std::string> words = {}) const;

    std::filesystem::path folder;
    protocol::SecretKey operator_key;
    protocol::SecretKey sales_key;
    TestProxy front;
    std::unique_ptr<devnet::World> world;
    std::unique_ptr<app::App> shop;

private:
    std::string config(SellsFor sells, const ShopDevice& device) const;
};

/// The tag of that name and second element.
protocol::Tag& tag_of(std::vector<protocol::Tag>& tags, std::string_view name, std::string_view value);

} // namespace adit::operate
