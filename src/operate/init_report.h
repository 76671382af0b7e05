// operate/init_report.h - what `adit init` tells at its end: what is there now, what to open, what to set, what to
// keep.
#pragma once

#include "app/config.h"
#include "operate/deploy_files.h"
#include "operate/shop_folder.h"

#include <string>
#include <vector>

namespace adit::operate {

struct InitReport {
    /// "made  /etc/adit/secret/nsec  the Nostr key"
    void made(const std::filesystem::path& path, const std::string& what) { line("made", path, what); }
    void kept(const std::filesystem::path& path, const std::string& what) { line("kept", path, what); }
    void written(const std::filesystem::path& path, Written how);
    void line(const std::string& verb, const std::filesystem::path& path, const std::string& what);

    std::string lines;
};

/// npub, naddr, firewall, DNS, backup, and the next steps of this shop.
Result<std::string> what_now(const app::Config& config, const ShopPlaces& places);

} // namespace adit::operate
