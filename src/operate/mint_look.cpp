#include "operate/mint_look.h"

#include "cli/printable.h"
#include "payments/cashu/mint_client.h"
#include "payments/cashu/mint_url.h"

#include <algorithm>
#include <array>

namespace adit::operate {

namespace cashu = payments::cashu;

namespace {

constexpr std::array kNutsNeeded{7, 9, 10, 11}; // state, restore, conditions, P2PK: without them money can be lost
constexpr std::size_t kMostKeysetsRead = 3;

template<typename T>
std::string words_of(const cashu::Answer<T>& answer)
{
    if (const auto* refusal = std::get_if<cashu::Refusal>(&answer))
        return "it refuses: " + cli::printable(refusal->detail, 200);
    if (const auto* unknown = std::get_if<cashu::Unknown>(&answer)) return unknown->error.detail;
    return {};
}

/// Active, in sat and not over: what a buyer can be given.
bool may_be_used(const cashu::Keyset& keyset, UnixSeconds now)
{
    return keyset.active && keyset.unit == "sat" && !keyset.expired(now);
}

std::string nut_word(int nut) { return (nut < 10 ? "NUT-0" : "NUT-") + std::to_string(nut); }

Finding judge_nuts(const MintSight& seen)
{
    if (!seen.info)
        return {"mint-nuts", Level::warn, seen.url + " does not say what it can do",
                "its /v1/info can not be read: ask the mint's operator, or choose another"};
    std::string lacks;
    for (const int nut : kNutsNeeded)
        if (!seen.info->supports(nut)) lacks += (lacks.empty() ? "" : ", ") + nut_word(nut);
    if (lacks.empty()) return {"mint-nuts", Level::ok, seen.url + " has NUT-07, 09, 10 and 11"};
    return {
        "mint-nuts", Level::fail, seen.url + " lacks " + lacks,
        "tokens can not be locked to you, or not be got back after a silence: choose a mint that has all of NUT-07, "
        "09, 10 and 11"};
}

Finding judge_keysets(const MintSight& seen, UnixSeconds now)
{
    const std::string check = "mint-keyset";
    if (!seen.keysets)
        return {check, Level::fail, "the keysets of " + seen.url + " can not be read",
                "no ecash can be made or checked there: ask the mint's operator, or choose another"};
    const cashu::Keyset* last = nullptr; // of those with keys, the one that lasts longest
    bool any = false;
    for (const cashu::Keyset& keyset : *seen.keysets) {
        if (!may_be_used(keyset, now)) continue;
        any = true;
        if (keyset.keys.empty()) continue;
        if (!last || !keyset.final_expiry || (last->final_expiry && *keyset.final_expiry > *last->final_expiry))
            last = &keyset;
    }
    if (!any)
        return {check, Level::fail, seen.url + " has no active keyset in sat",
                "tiers are paid in sat: choose a mint that issues sat"};
    if (!last)
        return {check, Level::fail, "the keys of " + seen.url + " can not be read, or do not fit their keyset's id",
                "such a mint is not to be trusted with money: choose another"};
    if (last->final_expiry && *last->final_expiry < now + kKeysetEndsSoon)
        return {check, Level::warn,
                "the last keyset in sat of " + seen.url + " ends at " + to_iso8601(*last->final_expiry),
                "swap what the wallet has there before, and ask the mint's operator for the next keyset"};
    return {check, Level::ok, seen.url + " has an active keyset in sat"};
}

Finding judge_fees(const MintSight& seen, UnixSeconds now)
{
    std::uint64_t least = UINT64_MAX;
    if (seen.keysets)
        for (const cashu::Keyset& keyset : *seen.keysets)
            if (may_be_used(keyset, now)) least = std::min(least, keyset.input_fee_ppk);
    if (least == UINT64_MAX || least == 0) return {"mint-fees", Level::ok, seen.url + " takes no fee"};
    return {"mint-fees", Level::warn,
            seen.url + " takes " + std::to_string(least) + " ppk: 1 sat for each " +
                std::to_string(std::max<std::uint64_t>(1, 1000 / least)) + " proofs that are swapped",
            "buyers pay it on top of the price, and software that does not know of fees is refused with "
            "amount-mismatch: a mint without fees, or round prices, spare you the questions"};
}

} // namespace

MintSight look_at_mint(payments::HttpClient& http, const std::string& url, Milliseconds timeout)
{
    MintSight seen{.url = cli::printable(url, 200)};
    const auto normal = cashu::normalise_mint_url(url);
    if (!normal) {
        seen.silence = "not the URL of a mint";
        return seen;
    }
    cashu::MintClient mint(http, *normal, timeout);
    auto info = mint.info();
    if (auto* said = std::get_if<cashu::MintInfo>(&info)) seen.info = std::move(*said);
    auto keysets = mint.keysets();
    auto* listed = std::get_if<std::vector<cashu::Keyset>>(&keysets);
    if (!listed) {
        if (!seen.info) seen.silence = words_of(info);
        return seen;
    }
    std::size_t read = 0;
    for (cashu::Keyset& keyset : *listed) {
        if (!keyset.active || keyset.unit != "sat" || ++read > kMostKeysetsRead) continue;
        const auto answer = mint.keys(keyset.id);
        const auto* whole = std::get_if<cashu::Keyset>(&answer);
        if (!whole) continue;
        keyset.keys = whole->keys;
        if (!cashu::id_matches(keyset)) keyset.keys.clear();
    }
    seen.keysets = std::move(*listed);
    return seen;
}

std::vector<Finding> judge_mint(const MintSight& seen, UnixSeconds now)
{
    if (!seen.silence.empty())
        return {{"mint-reachable", Level::fail, seen.url + ": " + seen.silence,
                 "buyers can not pay with its ecash while it is away. If that lasts, name another mint in "
                 "[[listing.payment_methods]]"}};
    std::string name = seen.info ? cli::printable(seen.info->version, 60) : std::string();
    std::vector<Finding> findings{
        {"mint-reachable", Level::ok, seen.url + " answers" + (name.empty() ? "" : " (" + name + ")")}};
    findings.push_back(judge_nuts(seen));
    findings.push_back(judge_keysets(seen, now));
    findings.push_back(judge_fees(seen, now));
    return findings;
}

} // namespace adit::operate
