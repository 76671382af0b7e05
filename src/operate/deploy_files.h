// operate/deploy_files.h - what stands around the daemon, filled in for one shop: proxy, container, unit.
#pragma once

#include "app/config.h"

#include <filesystem>
#include <string>
#include <vector>

namespace adit::operate {

enum class Runs { on_host, in_container };

/// Where a shop's files are, absolute.
struct ShopPlaces {
    Runs daemon_runs = Runs::on_host;
    std::filesystem::path folder;      // config.toml and secret/
    std::filesystem::path data;        // the database
    std::filesystem::path deploy;      // Caddyfile and others: nothing secret
    std::filesystem::path daemon;      // the program
    bool has_forwarding_script = true; // of the package

    std::filesystem::path config() const { return folder / "config.toml"; }
    std::filesystem::path secrets() const { return folder / "secret"; }
};

struct DeployFile {
    std::string name;
    std::string text;
};

/// The network of the compose file that its proxy is in: what `trusted_proxies` needs there. "": it has none.
std::string container_network();

/// The repository's own Caddyfile, and docker-compose.yml with its .env or aditd.service, with this shop's values in
/// them.
std::vector<DeployFile> deploy_files(const app::Config& config, const ShopPlaces& places);

} // namespace adit::operate
