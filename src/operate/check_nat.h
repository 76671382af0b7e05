// operate/check_nat.h - what this host's packet filter does to the tunnels' packets, read out of nft's and iptables'
// listings. Pure, but for look_at_nat.
#pragma once

#include "operate/side_by_side.h"

#include "app/config.h"

namespace adit::operate {

struct TunnelNet {
    std::string interface;
    app::Network subnet;
    std::optional<app::Network> subnet6 = {};
};

struct FilterSeen {
    bool masquerades4 = false; // packets from the subnet get an address of this host when they leave
    bool masquerades6 = false;
    std::vector<std::string> closed_chains =
        {}; // on the way of forwarded packets: drop by default, and let no tunnel by
};

/// `nft -j list ruleset`. What a rule matches beside source and interface is not looked at: it is taken to match.
/// Errors: bad_encoding.
Result<FilterSeen> read_nft(std::string_view json, const TunnelNet& net);
/// iptables-save; with `v6`, ip6tables-save.
FilterSeen read_iptables(std::string_view text, const TunnelNet& net, wg::HostAddress::Family family);
void add(FilterSeen& all, const FilterSeen& more);

/// `unseen`: why a part of the filter could not be looked at; "" for all of it was.
Findings judge_nat(const FilterSeen& seen, const TunnelNet& net, const std::string& unseen);

/// Asks nft and iptables for their rules, read only. 3 s for each.
Findings look_at_nat(const TunnelNet& net);

} // namespace adit::operate
