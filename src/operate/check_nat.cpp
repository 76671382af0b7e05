#include "operate/check_nat.h"

#include "base/ascii.h"
#include "protocol/json.h"
#include "protocol/json_fields.h"
#include "wg/cidr.h"
#include "wg/program.h"

#include <algorithm>
#include <fstream>
#include <set>

namespace adit::operate {

namespace {

using nlohmann::json;
using protocol::member;
using protocol::text_member;
using Family = wg::HostAddress::Family;

constexpr Milliseconds kProgramPatience{3'000};
constexpr std::size_t kRulesDepth = 64; // sets in maps in rules

bool covers(const app::Network& range, const app::Network& subnet)
{
    return range.prefix <= subnet.prefix && wg::contains(range, subnet.address);
}

/// Whether every address of the subnet is among these. What is named elsewhere (a set, a range) is taken to have it.
bool may_cover(const json& right, const app::Network& subnet)
{
    if (const std::string* text = protocol::text_of(right)) {
        if (text->starts_with('@')) return true;
        const auto range = wg::parse_cidr(*text);
        return range && covers(*range, subnet);
    }
    if (const json* prefix = member(right, "prefix")) {
        const std::string* address = text_member(*prefix, "addr");
        const auto bits = protocol::count_member(*prefix, "len");
        const auto range = address && bits ? wg::parse_cidr(*address + "/" + std::to_string(*bits))
                                           : Result<wg::AllowedIp>(Error{Reason::bad_encoding});
        return range && covers(*range, subnet);
    }
    if (const json* set = member(right, "set"))
        return !set->is_array() || std::ranges::any_of(*set, [&](const json& each) { return may_cover(each, subnet); });
    return true;
}

bool names(const json& right, std::string_view interface)
{
    if (const std::string* text = protocol::text_of(right)) {
        if (text->ends_with('*')) return interface.starts_with(std::string_view(*text).substr(0, text->size() - 1));
        return *text == interface;
    }
    if (const json* set = member(right, "set"); set && set->is_array())
        return std::ranges::any_of(*set, [&](const json& each) { return names(each, interface); });
    return false;
}

struct Match {
    enum class Of { other, source4, source6, in, out } of = Of::other;
    bool equal = true;
    const json* right = nullptr;
};

Match match_of(const json& statement)
{
    Match match;
    const json* found = member(statement, "match");
    const json* left = found ? member(*found, "left") : nullptr;
    match.right = found ? member(*found, "right") : nullptr;
    if (!left || !match.right) return match;
    const std::string* op = text_member(*found, "op");
    match.equal = !op || *op != "!=";
    if (const json* payload = member(*left, "payload")) {
        const std::string* field = text_member(*payload, "field");
        const std::string* of = text_member(*payload, "protocol");
        if (field && of && *field == "saddr") match.of = *of == "ip6" ? Match::Of::source6 : Match::Of::source4;
    }
    if (const json* meta = member(*left, "meta")) {
        const std::string* key = text_member(*meta, "key");
        if (key && (*key == "iifname" || *key == "iif")) match.of = Match::Of::in;
        if (key && (*key == "oifname" || *key == "oif")) match.of = Match::Of::out;
    }
    return match;
}

bool is_for(const Match& match, const app::Network& subnet) { return may_cover(*match.right, subnet) == match.equal; }

/// Whether packets from the subnet to the world come to the end of this rule.
bool reaches(const json& statements, const app::Network& subnet, const std::string& interface)
{
    const bool v4 = subnet.address.family == Family::v4;
    return std::ranges::all_of(statements, [&](const json& statement) {
        const Match match = match_of(statement);
        switch (match.of) {
        case Match::Of::other:
            return true;
        case Match::Of::source4:
            return v4 && is_for(match, subnet);
        case Match::Of::source6:
            return !v4 && is_for(match, subnet);
        case Match::Of::in:
            return names(*match.right, interface) == match.equal;
        case Match::Of::out: // they leave by another one
            return !match.equal || !names(*match.right, interface);
        }
        return true;
    });
}

bool has(const json& statements, std::initializer_list<const char*> verbs)
{
    return std::ranges::any_of(statements, [&](const json& statement) {
        return std::ranges::any_of(verbs, [&](const char* verb) { return member(statement, verb) != nullptr; });
    });
}

struct NftRule {
    std::string table; // with its family
    const json* statements;
};

std::string table_of(const json& thing)
{
    const std::string* family = text_member(thing, "family");
    const std::string* table = text_member(thing, "table");
    return (family ? *family : "?") + " " + (table ? *table : "?");
}

bool is_family(const std::string& table, Family family)
{
    return table.starts_with("inet ") || table.starts_with(family == Family::v4 ? "ip " : "ip6 ");
}

bool masquerades(std::span<const NftRule> rules, const std::set<std::string>& tables, const app::Network& subnet,
                 const std::string& interface)
{
    return std::ranges::any_of(rules, [&](const NftRule& rule) {
        return tables.contains(rule.table) && is_family(rule.table, subnet.address.family) &&
               has(*rule.statements, {"masquerade", "snat"}) && reaches(*rule.statements, subnet, interface);
    });
}

} // namespace

Result<FilterSeen> read_nft(std::string_view text, const TunnelNet& net)
{
    const json all = TRY(protocol::parse_json(text, kRulesDepth));
    const json* things = member(all, "nftables");
    if (!things || !things->is_array()) return Error{Reason::bad_encoding, "nft gave no list of rules"};
    std::vector<NftRule> rules;
    std::set<std::string> nat_tables;
    std::vector<std::pair<std::string, std::string>> closed; // table, chain
    for (const json& thing : *things) {
        if (const json* chain = member(thing, "chain")) {
            const std::string* type = text_member(*chain, "type");
            const std::string* hook = text_member(*chain, "hook");
            const std::string* policy = text_member(*chain, "policy");
            const std::string* name = text_member(*chain, "name");
            if (type && hook && *type == "nat" && *hook == "postrouting") nat_tables.insert(table_of(*chain));
            if (hook && policy && name && *hook == "forward" && *policy == "drop")
                closed.emplace_back(table_of(*chain), *name);
        }
        if (const json* rule = member(thing, "rule"))
            if (const json* statements = member(*rule, "expr"); statements && statements->is_array())
                rules.push_back({table_of(*rule), statements});
    }
    FilterSeen seen;
    seen.masquerades4 = masquerades(rules, nat_tables, net.subnet, net.interface);
    seen.masquerades6 = net.subnet6 && masquerades(rules, nat_tables, *net.subnet6, net.interface);
    for (const auto& [table, chain] : closed) {
        if (!is_family(table, Family::v4)) continue;
        const bool open = std::ranges::any_of(rules, [&, of = table](const NftRule& rule) {
            return rule.table == of && has(*rule.statements, {"accept"}) &&
                   reaches(*rule.statements, net.subnet, net.interface);
        });
        if (!open) seen.closed_chains.emplace_back(table).append(" ").append(chain);
    }
    return seen;
}

namespace {

std::vector<std::string_view> split_words(std::string_view line)
{
    std::vector<std::string_view> words;
    while (!(line = trimmed(line)).empty()) {
        const std::size_t end = std::min(line.find(' '), line.size());
        words.push_back(line.substr(0, end));
        line.remove_prefix(end);
    }
    return words;
}

/// Of one "-A CHAIN …": whether packets of the tunnels to the world come to its end, and what that is.
struct IptablesRule {
    bool reaches = true;
    std::string_view target = {};
};

IptablesRule read_rule(std::span<const std::string_view> words, const app::Network& subnet, std::string_view interface)
{
    IptablesRule rule;
    for (std::size_t i = 2; i + 1 < words.size(); ++i) {
        const bool equal = words[i - 1] != "!";
        const std::string_view value = words[i + 1];
        const auto is_interface = [&] {
            return value.ends_with('+') ? interface.starts_with(value.substr(0, value.size() - 1)) : value == interface;
        };
        if (words[i] == "-s") {
            const auto range = wg::parse_cidr(value);
            if (!range || covers(*range, subnet) != equal) rule.reaches = false;
        } else if (words[i] == "-i") {
            if (is_interface() != equal) rule.reaches = false;
        } else if (words[i] == "-o") {
            if (equal && is_interface()) rule.reaches = false;
        } else if (words[i] == "-j") {
            rule.target = value;
        }
    }
    return rule;
}

} // namespace

FilterSeen read_iptables(std::string_view text, const TunnelNet& net, Family family)
{
    FilterSeen seen;
    if (family == Family::v6 && !net.subnet6) return seen;
    const app::Network& subnet = family == Family::v4 ? net.subnet : *net.subnet6;
    std::string_view table;
    bool closed = false;
    bool open = false;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = trimmed(text.substr(0, end), " \t\r");
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.starts_with('*')) table = line.substr(1);
        if (table == "filter" && line.starts_with(":FORWARD DROP")) closed = true;
        if (!line.starts_with("-A ")) continue;
        const auto words = split_words(line);
        const IptablesRule rule = read_rule(words, subnet, net.interface);
        if (!rule.reaches) continue;
        if (table == "nat" && (rule.target == "MASQUERADE" || rule.target == "SNAT"))
            (family == Family::v4 ? seen.masquerades4 : seen.masquerades6) = true;
        if (table == "filter" && rule.target == "ACCEPT" && words[1] != "INPUT" && words[1] != "OUTPUT") open = true;
    }
    if (closed && !open && family == Family::v4) seen.closed_chains.emplace_back("iptables FORWARD");
    return seen;
}

void add(FilterSeen& all, const FilterSeen& more)
{
    all.masquerades4 |= more.masquerades4;
    all.masquerades6 |= more.masquerades6;
    all.closed_chains.insert(all.closed_chains.end(), more.closed_chains.begin(), more.closed_chains.end());
}

Findings judge_nat(const FilterSeen& seen, const TunnelNet& net, const std::string& unseen)
{
    Findings found;
    const auto masquerade = [&](const app::Network& subnet, bool there, const char* table) {
        const std::string range = wg::cidr_text(subnet);
        const std::string hint = std::string("nft 'add table ") + table + " adit; add chain " + table +
                                 " adit nat { type nat hook postrouting priority srcnat; }; add rule " + table +
                                 " adit nat " + table + " saddr " + range + " oifname != \"" + net.interface +
                                 "\" masquerade' (or [wireguard] manage = true)";
        if (there)
            found.push_back({"nat", Level::ok, "packets from " + range + " are masqueraded"});
        else if (!unseen.empty())
            found.push_back({"nat", Level::warn, "not looked at, because " + unseen, "run adit check as root"});
        else
            found.push_back({"nat", Level::fail,
                             "nothing masquerades packets from " + range +
                                 ": what buyers send out leaves with an address that nobody can answer",
                             hint});
    };
    masquerade(net.subnet, seen.masquerades4, "ip");
    if (net.subnet6) masquerade(*net.subnet6, seen.masquerades6, "ip6");
    for (const std::string& chain : seen.closed_chains)
        found.push_back(
            {"forward-chain", Level::warn,
             "the chain " + chain + " drops what is forwarded, and no rule in its table lets " + net.interface + " by",
             "let it by there: a packet is accepted only if every forward chain accepts it (ufw and Docker "
             "make such chains; iptables -I FORWARD -i " +
                 net.interface + " -j ACCEPT)"});
    return found;
}

namespace {

bool is_loaded(const char* names_file)
{
    std::ifstream file(names_file);
    std::string first;
    return static_cast<bool>(file >> first);
}

} // namespace

Findings look_at_nat(const TunnelNet& net)
{
    FilterSeen seen;
    std::string unseen;
    const auto nft = wg::run_program("nft", {"-j", "list", "ruleset"}, {}, kProgramPatience);
    if (nft && nft->status == 0) {
        if (const auto rules = read_nft(nft->output, net))
            add(seen, *rules);
        else
            unseen = rules.error().detail;
    } else {
        unseen = nft ? "nft refuses: " + std::string(trimmed(nft->errors, " \r\n")) : nft.error().detail;
    }
    // Rules made with iptables are shown by nft without their targets. The older kind is asked only where it is in use:
    // asking would load its modules.
    struct Save {
        const char* program;
        Family family;
        const char* in_use; // nullptr: nft's tables, which are there anyway
    };
    for (const Save& save :
         {Save{"iptables-nft-save", Family::v4, nullptr}, Save{"ip6tables-nft-save", Family::v6, nullptr},
          Save{"iptables-legacy-save", Family::v4, "/proc/net/ip_tables_names"},
          Save{"ip6tables-legacy-save", Family::v6, "/proc/net/ip6_tables_names"}}) {
        if (save.in_use && !is_loaded(save.in_use)) continue;
        const auto saved = wg::run_program(save.program, {}, {}, kProgramPatience);
        if (!saved || saved->status != 0) continue;
        // nft showed this chain too, less well.
        if (!save.in_use && save.family == Family::v4) std::erase(seen.closed_chains, "ip filter FORWARD");
        add(seen, read_iptables(saved->output, net, save.family));
    }
    return judge_nat(seen, net, unseen);
}

} // namespace adit::operate
