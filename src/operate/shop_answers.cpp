#include "operate/shop_answers.h"

#include "base/ascii.h"
#include "operate/repository_files.h"
#include "operate/toml_template.h"
#include "payments/cashu/curve.h"
#include "protocol/units.h"

#include <algorithm>

namespace adit::operate {

namespace {

constexpr std::string_view kOpening =
    "# The config of aditd, made by `adit init`, with every key it knows; `# key = value` shows one that is not set.\n"
    "# `aditd --check --config FILE` reads it and says what is wrong. Restart the daemon after a change.\n";

void set_lightning(TomlTemplate& config, const ShopAnswers& answers)
{
    if (answers.lightning == Lightning::none) return;
    const bool lnd = answers.lightning == Lightning::lnd;
    config.set("lightning", "enabled", "true");
    config.set("lightning", "backend", lnd ? "\"lnd\"" : "\"phoenixd\"");
    std::string url = answers.lightning_url;
    if (url.empty()) url = lnd ? "https://127.0.0.1:8080" : "http://127.0.0.1:9740";
    config.set("lightning", "base_url", toml_text(url), lnd ? 2 : 1); // the example has a line for each backend
    if (lnd) {
        config.set("lightning", "macaroon_file", toml_text(answers.macaroon_file.string()));
        config.set("lightning", "tls_cert_file", toml_text(answers.tls_cert_file.string()));
        config.set("lightning", "hold", answers.hold ? "true" : "false");
    } else {
        config.set("lightning", "api_token_file", toml_text(answers.phoenixd_password_file.string()));
    }
}

void set_payment_methods(TomlTemplate& config, const ShopAnswers& answers, const ShopKeys& keys)
{
    const std::string url = "https://" + answers.public_host;
    TomlTemplate::Rows rows;
    for (const std::string& mint : answers.mints)
        rows.push_back({{"type", "\"cashu\""},
                        {"mint", toml_text(mint)},
                        {"p2pk", toml_text(payments::cashu::even_point(keys.sales.public_key()).hex())},
                        {"endpoint", toml_text(url + "/purchase")}});
    if (answers.lightning != Lightning::none)
        rows.push_back(
            {{"type", "\"lightning\""}, {"endpoint", toml_text(url + "/lnurlp")}, {"mechanism", "\"lnurl-pay\""}});
    config.set_rows("listing.payment_methods", rows);
}

/// "file:line:column: " goes.
std::string without_place(const app::Complaint& complaint)
{
    std::size_t at = complaint.find(": ");
    return at == std::string::npos ? complaint : complaint.substr(at + 2);
}

std::string_view beside_config(const KeyFile& file, std::string& into)
{
    into = "secret/" + file.path.filename().string();
    return into;
}

} // namespace

std::vector<std::string> comma_separated(std::string_view text)
{
    std::vector<std::string> out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(','), text.size());
        if (const auto part = trimmed(text.substr(0, end)); !part.empty()) out.emplace_back(part);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

std::vector<std::string> usual_relays()
{
    std::string listed = TomlTemplate(repository_file("config.example.toml")).value("nostr", "relays");
    std::erase_if(listed, [](char c) { return c == '[' || c == ']' || c == '"' || c == ' '; });
    return comma_separated(listed);
}

Result<protocol::Price> parse_price(std::string_view text)
{
    const auto wrong = [] {
        return Error{Reason::bad_request,
                     "a price is written as SATS/UNIT, for one hour, day, week, month, GiB or TiB: 100/hour"};
    };
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return wrong();
    std::string_view amount = trimmed(text.substr(0, slash));
    if (amount.ends_with("sat")) amount = trimmed(amount.substr(0, amount.size() - 3));
    const std::string_view unit = trimmed(text.substr(slash + 1));
    const protocol::Price price{std::string(amount), "sat", std::string(unit)};
    if (amount.find_first_not_of("0123456789") != std::string_view::npos ||
        protocol::sellable_tiers(std::span(&price, 1)).empty())
        return wrong();
    return price;
}

std::string bare_host(std::string_view text)
{
    for (const std::string_view scheme : {"https://", "http://"})
        if (text.starts_with(scheme)) text.remove_prefix(scheme.size());
    while (text.ends_with("/")) text.remove_suffix(1);
    return to_lower(text);
}

std::string shop_config(const ShopAnswers& answers, const ShopKeys& keys)
{
    TomlTemplate config(repository_file("config.example.toml"));
    config.set_opening(kOpening);
    config.set("server", "host", toml_text(answers.listen_host));
    config.set("server", "port", std::to_string(answers.port));
    config.set("server", "public_host", toml_text(answers.public_host));
    if (!answers.trusted_proxies.empty()) {
        std::vector<std::string> proxies{"127.0.0.0/8", "::1"};
        proxies.insert(proxies.end(), answers.trusted_proxies.begin(), answers.trusted_proxies.end());
        config.set("server", "trusted_proxies", toml_texts(proxies));
    }
    config.set("db", "path", toml_text(answers.database.string()));

    std::string place;
    config.set("wireguard", "interface", toml_text(answers.interface));
    config.set("wireguard", "endpoint_host", toml_text(answers.endpoint_host));
    config.set("wireguard", "endpoint_port", std::to_string(answers.endpoint_port));
    config.set("wireguard", "subnet_cidr", toml_text(answers.subnet));
    if (!answers.subnet6.empty()) config.set("wireguard", "subnet_cidr6", toml_text(answers.subnet6));
    config.unset("wireguard", "server_pubkey"); // it follows from the private key
    config.set("wireguard", "private_key_file", toml_text(beside_config(keys.files[2], place)));
    config.set("wireguard", "manage", answers.interface_is == Interface::of_daemon ? "true" : "false");

    config.set("cashu", "enabled", answers.mints.empty() ? "false" : "true");
    config.set("cashu", "p2pk_privkey_file", toml_text(beside_config(keys.files[1], place)));
    config.set("cashu", "seed_file", toml_text(beside_config(keys.words(), place)));
    set_lightning(config, answers);
    config.set("nostr", "relays", toml_texts(answers.relays));
    config.set("nostr", "nsec_file", toml_text(beside_config(keys.files[0], place)));

    config.set("listing", "d_tag", toml_text(answers.d_tag));
    config.set("listing", "title", toml_text(answers.title));
    config.set("listing", "summary", toml_text(answers.summary));
    // What the example says for itself is not this operator's to say.
    config.set("listing", "content", "\"\"");
    config.set("listing", "policies", "[]");
    if (answers.country.empty()) {
        config.drop("listing.region");
    } else {
        config.set("listing.region", "country", toml_text(answers.country));
        config.unset("listing.region", "sub");
        config.unset("listing.region", "geohash");
    }
    TomlTemplate::Rows prices;
    for (const protocol::Price& price : answers.prices)
        prices.push_back(
            {{"amount", price.amount}, {"currency", toml_text(price.currency)}, {"unit", toml_text(price.unit)}});
    config.set_rows("listing.prices", prices);
    set_payment_methods(config, answers, keys);
    config.end_marks();
    return config.text();
}

app::LoadedConfig try_config(const std::string& text, const std::filesystem::path& folder, const ShopKeys& keys)
{
    const auto read_secret = [&](const std::filesystem::path& path) -> Result<app::SecretFile> {
        for (const KeyFile& file : keys.files)
            if (file.path == path) return app::SecretFile{file.text.expose(), FileOpenness::closed};
        // Of Lightning: the operator's own.
        const FileOpenness how_open = TRY(openness(path));
        if (how_open == FileOpenness::open) return app::SecretFile{"", how_open};
        return app::SecretFile{TRY(read_file(path, 64 * 1024)), how_open};
    };
    return app::parse_config({text, "config.toml", folder, FileOpenness::closed, read_secret});
}

std::vector<std::string> without_places(const std::vector<app::Complaint>& complaints)
{
    std::vector<std::string> out;
    out.reserve(complaints.size());
    for (const app::Complaint& each : complaints) out.push_back(without_place(each));
    return out;
}

std::vector<std::string> complaints_about(std::string_view key, const std::vector<app::Complaint>& complaints)
{
    std::vector<std::string> out = without_places(complaints);
    std::erase_if(out, [&](const std::string& text) { return !text.starts_with(key); });
    return out;
}

} // namespace adit::operate
