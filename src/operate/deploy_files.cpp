#include "operate/deploy_files.h"

#include "operate/repository_files.h"

#include <algorithm>

namespace adit::operate {

namespace {

void replace_all(std::string& text, std::string_view what, std::string_view with)
{
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
        text.replace(at, what.size(), with);
}

/// "{$NAME:default}" gets another default: Caddy's way to name a variable of its environment, which still counts.
void fill_in(std::string& text, std::string_view name, std::string_view value)
{
    const std::string begin = "{$" + std::string(name) + ":";
    for (std::size_t at = 0; (at = text.find(begin, at)) != std::string::npos; at += begin.size()) {
        const std::size_t end = text.find('}', at);
        if (end == std::string::npos) return;
        text.replace(at + begin.size(), end - at - begin.size(), value);
    }
}

/// Replaces each line that begins so; an empty text removes it.
void replace_lines(std::string& text, std::string_view begin, std::string_view with)
{
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
        const std::string_view line = std::string_view(text).substr(at, end - at);
        out += line.starts_with(begin) ? with : line;
        at = end;
    }
    text = std::move(out);
}

/// Where a proxy on this machine finds the daemon.
std::string upstream(const app::ServerConfig& server)
{
    std::string host = server.host;
    if (host == "0.0.0.0") host = "127.0.0.1";
    if (host == "::") host = "::1";
    if (host.find(':') != std::string::npos && !host.starts_with("[")) host = "[" + host + "]";
    return host + ":" + std::to_string(server.port);
}

std::string caddyfile(const app::Config& config)
{
    std::string text(repository_file("Caddyfile"));
    fill_in(text, "ADIT_SITE", config.server.public_host);
    fill_in(text, "ADIT_UPSTREAM", upstream(config.server));
    return text;
}

std::string compose(const app::Config& config, const ShopPlaces& places)
{
    const std::string udp = std::to_string(config.wireguard.endpoint_port);
    std::string text(repository_file("docker-compose.yml"));
    // Relative where it can be: then it is right as well if this runs in a container that sees the folder elsewhere.
    const std::filesystem::path beside = places.folder.lexically_relative(places.deploy);
    const bool is_beside = !beside.empty() && *beside.begin() != ".." && beside != ".";
    replace_all(text, "./etc:/etc/adit", (is_beside ? "./" + beside.string() : places.folder.string()) + ":/etc/adit");
    replace_all(text, "\"51820:51820/udp\"", "\"" + udp + ":" + udp + "/udp\"");
    replace_all(text, "ADIT_UPSTREAM: aditd:8080", "ADIT_UPSTREAM: aditd:" + std::to_string(config.server.port));
    replace_lines(text, "    build: .", ""); // the image is built in the repository
    if (text.find("    image: adit\n") == std::string::npos)
        replace_all(text, "  aditd:\n", "  aditd:\n    image: adit\n");
    return text;
}

/// What the compose file takes from the environment.
std::string compose_environment(const app::Config& config)
{
    return "# Read by `docker compose` in this folder.\nADIT_SITE=" + config.server.public_host +
           "\nADIT_PORT=" + std::to_string(config.server.port) + "\n";
}

std::string unit(const app::Config& config, const ShopPlaces& places)
{
    std::string text(repository_file("deploy/aditd.service"));
    if (text.empty()) return text;
    replace_all(text, "/usr/bin/aditd", places.daemon.string());
    replace_all(text, "/etc/adit/config.toml", places.config().string());
    replace_all(text, "wg-quick@wg0", "wg-quick@" + config.wireguard.interface);
    if (places.folder != "/etc/adit") replace_lines(text, "ConfigurationDirectory", "");
    if (places.data != "/var/lib/adit") {
        replace_lines(text, "StateDirectoryMode", "");
        replace_lines(text, "StateDirectory", "ReadWritePaths=" + places.data.string() + "\n");
    }
    // Not a script in a folder that the daemon's user may write: it would run as root.
    if (!places.has_forwarding_script)
        replace_lines(text, "ExecStartPre=+/usr/lib/adit/forwarding",
                      "ExecStartPre=+/sbin/sysctl -q -w net.ipv4.ip_forward=1\n"
                      "ExecStartPre=-+/sbin/sysctl -q -w net.ipv6.conf.all.forwarding=1\n");
    return text;
}

} // namespace

std::string container_network()
{
    constexpr std::string_view kSubnet = "- subnet: ";
    const std::string_view text = repository_file("docker-compose.yml");
    const std::size_t at = text.find(kSubnet);
    if (at == std::string_view::npos) return "";
    return std::string(text.substr(at + kSubnet.size(), text.find('\n', at) - at - kSubnet.size()));
}

std::vector<DeployFile> deploy_files(const app::Config& config, const ShopPlaces& places)
{
    std::vector<DeployFile> files{{"Caddyfile", caddyfile(config)}};
    switch (places.daemon_runs) {
    case Runs::on_host:
        files.push_back({"aditd.service", unit(config, places)});
        break;
    case Runs::in_container:
        files.push_back({"docker-compose.yml", compose(config, places)});
        files.push_back({".env", compose_environment(config)});
        break;
    }
    std::erase_if(files, [](const DeployFile& file) { return file.text.empty(); });
    return files;
}

} // namespace adit::operate
