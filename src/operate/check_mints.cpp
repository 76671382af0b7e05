#include "operate/check_mints.h"

#include "operate/mint_look.h"
#include "operate/web_look.h"
#include "protocol/json.h"
#include "protocol/json_fields.h"

#include <algorithm>

namespace adit::operate {

namespace {

using nlohmann::json;

constexpr Milliseconds kMintPatience{5'000};
constexpr std::size_t kMintDepth = 16;

MintDoor door_of(const json& nuts, const char* nut)
{
    MintDoor door;
    const json* there = protocol::member(nuts, nut);
    if (!there) return door;
    const json* disabled = protocol::member(*there, "disabled");
    const json* methods = protocol::member(*there, "methods");
    if ((disabled && *disabled == true) || !methods || !methods->is_array()) return door;
    for (const json& method : *methods) {
        const std::string* name = protocol::text_member(method, "method");
        const std::string* unit = protocol::text_member(method, "unit");
        if (!name || !unit || *name != "bolt11" || *unit != "sat") continue;
        door.open = true;
        if (const auto most = protocol::count_member(method, "max_amount")) door.most = Sat(*most);
    }
    return door;
}

} // namespace

Result<MintDoors> parse_mint_doors(std::string_view info_json)
{
    const json info = TRY(protocol::parse_json(info_json, kMintDepth));
    const json* nuts = protocol::member(info, "nuts");
    if (!nuts || !nuts->is_object()) return Error{Reason::bad_encoding, "no object `nuts` in /v1/info"};
    return MintDoors{door_of(*nuts, "4"), door_of(*nuts, "5")};
}

Findings judge_mint_doors(const std::string& url, const MintDoors& doors, Sat dearest)
{
    Findings found;
    if (!doors.in.open)
        found.push_back({"mint-limits", Level::warn, url + " makes no new coins over Lightning",
                         "buyers who have none can not pay: name a second mint in the listing"});
    else if (doors.in.most && *doors.in.most < dearest)
        found.push_back({"mint-limits", Level::warn,
                         url + " makes coins for at most " + std::to_string(doors.in.most->count()) +
                             " sat at once, and the dearest price is " + std::to_string(dearest.count()) + " sat",
                         "buyers have to go there twice for it: sell a smaller unit, or name a second mint"});
    if (!doors.out.open)
        found.push_back({"mint-limits", Level::warn, url + " pays no Lightning invoices",
                         "what is earned there can not be taken out over Lightning: sell for another mint"});
    if (found.empty()) found.push_back({"mint-limits", Level::ok, url + " takes and pays Lightning"});
    return found;
}

Findings look_at_our_mint(const std::string& url, Sat dearest, const std::string& ca_file, const Clock& clock,
                          ClockSamples& samples)
{
    payments::CurlHttpClient http;
    Findings found = judge_mint(look_at_mint(http, url, kMintPatience), clock.now());
    const WebSight sight = look_at({.url = url + "/v1/info", .ca_file = ca_file, .timeout = kMintPatience});
    const auto* answer = std::get_if<WebAnswer>(&sight);
    if (!answer || answer->status != 200) return found; // which has been said
    if (answer->date) samples.add(url, *answer->date, clock.now());
    if (const auto doors = parse_mint_doors(answer->body)) {
        const Findings limits = judge_mint_doors(url, *doors, dearest);
        found.insert(found.end(), limits.begin(), limits.end());
    }
    return found;
}

} // namespace adit::operate
