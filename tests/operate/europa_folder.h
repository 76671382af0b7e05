// tests/operate/europa_folder.h - what europa-node leaves on a machine: a config, and a database beside it.
#pragma once

#include "fakes/europa.h"
#include "protocol/wireguard_key.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace adit::operate {

inline protocol::WireguardKey client(std::uint8_t n)
{
    ByteArray<32> bytes{};
    bytes.fill(n);
    return protocol::WireguardKey(bytes);
}

class EuropaFolder {
public:
    EuropaFolder()
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "adit-europa-XXXXXX").string();
        EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
        path_ = pattern;
        write_config("");
    }
    ~EuropaFolder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    EuropaFolder(const EuropaFolder&) = delete;
    EuropaFolder& operator=(const EuropaFolder&) = delete;

    std::filesystem::path path() const { return path_; }
    std::filesystem::path config() const { return path_ / "config.toml"; }
    std::filesystem::path theirs() const { return path_ / "sessions.db"; }
    std::filesystem::path ours() const { return path_ / "adit.db"; }

    void write_config(const std::string& more) const
    {
        std::ofstream(config()) << "[server]\nhost = \"0.0.0.0\"\nport = 8080\npublic_host = \"vpn.example.com\"\n"
                                   "[db]\npath = \"" +
                                       theirs().string() +
                                       "\"\n[wireguard]\ninterface = \"wg0\"\nendpoint_host = \"vpn.example.com\"\n"
                                       "endpoint_port = 51820\n"
                                       "server_pubkey = \"xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\"\n"
                                       "subnet_cidr = \"10.66.42.0/24\"\ndns = [\"1.1.1.1\"]\n"
                                       "[lightning]\nenabled = false\nbackend = \"stub\"\n"
                                       "[cashu]\nenabled = true\np2pk_privkey_hex = "
                                       "\"0000000000000000000000000000000000000000000000000000000000000001\"\n"
                                       "[nostr]\nrelays = [\"wss://relay.one\", \"wss://relay.two\"]\nnsec = "
                                       "\"0000000000000000000000000000000000000000000000000000000000000002\"\n"
                                       "[listing]\nd_tag = \"exit-1\"\ntitle = \"Exit\"\nprotocols = [\"wireguard\"]\n"
                                       "[[listing.prices]]\namount = 100\ncurrency = \"sat\"\nunit = \"hour\"\n"
                                       "[[listing.payment_methods]]\ntype = \"cashu\"\n"
                                       "mint = \"https://mint.example.com\"\np2pk = "
                                       "\"0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\"\n"
                                       "endpoint = \"https://vpn.example.com/purchase\"\n" +
                                       more;
        std::filesystem::permissions(config(),
                                     std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    }

private:
    std::filesystem::path path_;
};

/// Every file of the folder but our own, with its content and when it was written.
inline std::map<std::string, std::pair<std::string, std::filesystem::file_time_type>>
all_but_ours(const std::filesystem::path& folder)
{
    std::map<std::string, std::pair<std::string, std::filesystem::file_time_type>> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().filename().string().starts_with("adit.db")) continue;
        std::ifstream stream(entry.path(), std::ios::binary);
        std::ostringstream content;
        content << stream.rdbuf();
        files[entry.path().filename().string()] = {content.str(), entry.last_write_time()};
    }
    return files;
}

} // namespace adit::operate
