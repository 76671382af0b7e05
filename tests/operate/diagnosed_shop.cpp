#include "operate/diagnosed_shop.h"

#include "app/config.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/verbs.h"
#include "operate/verbs.h"
#include "payments/cashu/curve.h"
#include "protocol/constants.h"
#include "protocol/nip19.h"

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <poll.h>

namespace adit::operate {

namespace {

std::filesystem::path folder_of_its_own()
{
    char name[] = "/tmp/adit-diagnose-XXXXXX";
    EXPECT_NE(::mkdtemp(name), nullptr);
    return name;
}

Level level_of(const std::string& word)
{
    if (word == "ok") return Level::ok;
    return word == "warn" ? Level::warn : Level::fail;
}

std::unique_ptr<devnet::World> world_without_fees()
{
    devnet::WorldOptions options;
    options.mint.fee_ppk = 0;
    return devnet::World::start(options).value();
}

} // namespace

DiagnosedShop::DiagnosedShop(SellsFor sells, const ShopDevice& device)
    : folder(folder_of_its_own()), operator_key(protocol::SecretKey::generate(system_rng())),
      sales_key(protocol::SecretKey::generate(system_rng())), world(world_without_fees())
{
    log_to_stderr(LogLevel::off);
    const auto write = [&](const char* name, const std::string& text) {
        EXPECT_TRUE(write_private_file(folder / name, text).has_value());
    };
    write("nsec", encode_hex(operator_key.expose()));
    write("p2pk", encode_hex(sales_key.expose()));
    write("config.toml", config(sells, device));
    std::filesystem::create_directory(folder / "state");
    std::filesystem::permissions(folder / "state", std::filesystem::perms::owner_all);
    auto loaded = app::load_config(folder / "config.toml");
    for (const auto& error : loaded.errors) ADD_FAILURE() << error;
    loaded.config->server.port = 0; // any free one: buyers see the proxy's
    shop = std::make_unique<app::App>(std::move(loaded.config).value());
    const auto started = shop->start();
    EXPECT_TRUE(started.has_value()) << (started ? "" : started.error().detail);
    front.pass_to(shop->port());
    listing();
}

DiagnosedShop::~DiagnosedShop()
{
    shop.reset();
    world.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
}

std::string DiagnosedShop::config(SellsFor sells, const ShopDevice& device) const
{
    const std::string host = "127.0.0.1:" + std::to_string(front.port());
    std::string text = "[server]\nhost = \"127.0.0.1\"\npublic_host = \"" + host + "\"\n[db]\npath = \"" +
                       (folder / "state" / "adit.db").string() + "\"\n[wireguard]\ninterface = \"" + device.interface +
                       "\"\nbackend = \"" + device.backend + "\"\nendpoint_host = \"" + device.endpoint_host +
                       "\"\nendpoint_port = " + std::to_string(device.endpoint_port) +
                       "\npreshared_keys = true\ndns = [\"10.66.0.1\"]\nserver_pubkey = \"" + device.key.base64() +
                       "\"\nsubnet_cidr = \"10.66.0.0/16\"\n[cashu]\nenabled = true\np2pk_privkey_file = \"" +
                       (folder / "p2pk").string() + "\"\n[nostr]\nrelays = [\"" + world->relay_url() +
                       "\"]\nnsec_file = \"" + (folder / "nsec").string() +
                       "\"\n[limits]\nrequests_per_minute_per_source = 1000000\n[listing]\nd_tag = \"exit-1\"\n"
                       "title = \"Exit One\"\nprotocols = [\"wireguard\"]\n"
                       "[[listing.prices]]\namount = 21\ncurrency = \"sat\"\nunit = \"hour\"\n"
                       "[[listing.prices]]\namount = 210\ncurrency = \"sat\"\nunit = \"day\"\n"
                       "[[listing.payment_methods]]\ntype = \"cashu\"\nmint = \"" +
                       world->mint_url() + "\"\np2pk = \"" + payments::cashu::even_point(sales_key.public_key()).hex() +
                       "\"\nendpoint = \"http://" + host + "/purchase\"\n";
    if (sells == SellsFor::ecash_and_lightning)
        text += "[[listing.payment_methods]]\ntype = \"lightning\"\nendpoint = \"http://" + host +
                "/lnurlp\"\nmechanism = \"lnurl-pay\"\n[lightning]\nenabled = true\nbackend = \"phoenixd\"\n"
                "base_url = \"" +
                world->phoenixd_url() + "\"\napi_token_file = \"" + world->phoenixd_limited_password_file().string() +
                "\"\n";
    return text;
}

std::string DiagnosedShop::npub() const { return protocol::encode_npub(operator_key.public_key()); }

protocol::Event DiagnosedShop::listing() const
{
    protocol::Filter filter;
    filter.kinds = {protocol::kKindListing};
    for (int tries = 0; tries < 3'000; ++tries) {
        const auto events = world->relay_events(filter);
        if (!events.empty()) return events.front();
        ::poll(nullptr, 0, 10);
    }
    ADD_FAILURE() << "no listing";
    std::abort();
}

void DiagnosedShop::publish_with(const std::function<void(std::vector<protocol::Tag>&)>& change)
{
    const auto now = listing();
    auto tags = now.tags;
    change(tags);
    world->publish(protocol::sign_event({now.created_at + Seconds(1), now.kind, std::move(tags), now.content},
                                        operator_key, system_rng()));
}

Diagnosed DiagnosedShop::diagnose(std::vector<std::string> words) const
{
    if (words.empty()) words = {npub(), "--relay", relay()};
    words.insert(words.begin(), "diagnose");
    words.emplace_back("--json");
    Diagnosed out;
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const SteadyTime began = system_clock().steady();
    {
        cli::Terminal terminal;
        out.status = cli::run(words, terminal, verbs());
    }
    out.took = std::chrono::duration_cast<Milliseconds>(system_clock().steady() - began);
    const std::string text = testing::internal::GetCapturedStdout();
    out.said = testing::internal::GetCapturedStderr();
    if (text.empty()) return out;
    const auto json = nlohmann::json::parse(text);
    for (const auto& check : json["checks"])
        out.findings.push_back({check["check"], level_of(check["level"]), check["what"],
                                check.contains("hint") ? check["hint"].get<std::string>() : std::string()});
    EXPECT_EQ(json["ok"].get<bool>(), out.status == cli::kDone);
    return out;
}

protocol::Tag& tag_of(std::vector<protocol::Tag>& tags, std::string_view name, std::string_view value)
{
    for (protocol::Tag& tag : tags)
        if (tag.size() > 1 && tag[0] == name && tag[1] == value) return tag;
    ADD_FAILURE() << "no tag " << name;
    std::abort();
}

} // namespace adit::operate
