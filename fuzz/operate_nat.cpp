// What nft and iptables-save may print of somebody's packet filter: JSON, and lines. Whatever it is, it is judged.
#include "base/check.h"
#include "operate/check_nat.h"
#include "wg/cidr.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace adit;
    using namespace adit::operate;
    using Family = wg::HostAddress::Family;
    static const TunnelNet kNet{"wg0", *wg::parse_cidr("10.66.42.0/24"), *wg::parse_cidr("fd00:66::/64")};
    const std::string_view text = as_text({data, size});
    FilterSeen all;
    if (const auto nft = read_nft(text, kNet)) add(all, *nft);
    for (const Family family : {Family::v4, Family::v6}) {
        const FilterSeen seen = read_iptables(text, kNet, family);
        CHECK(family == Family::v4 ? !seen.masquerades6 : !seen.masquerades4);
        CHECK(seen.closed_chains.size() <= 1);
        add(all, seen);
    }
    const Findings found = judge_nat(all, kNet, "");
    CHECK(found.size() == 2 + all.closed_chains.size());
    CHECK((found[0].level == Level::ok) == all.masquerades4 && (found[1].level == Level::ok) == all.masquerades6);
    return 0;
}
