#include "protocol/nip61.h"

#include "protocol/constants.h"
#include "protocol/json.h"

#include <nlohmann/json.hpp>

namespace adit::protocol {

namespace {

Error no_nutzap(const char* what) { return Error{Reason::bad_encoding, std::string("nutzap: ") + what}; }

} // namespace

Result<Nutzap> parse_nutzap(const Event& event, const PublicKey& recipient)
{
    if (event.kind != kKindNutzap) return Error{Reason::wrong_kind, "nutzap: another kind"};
    nlohmann::json content = {{"unit", "sat"}, {"proofs", nlohmann::json::array()}};
    bool ours = false;
    for (const Tag& tag : event.tags) {
        if (tag.size() < 2) continue;
        if (tag[0] == "p") ours = ours || tag[1] == recipient.hex();
        if (tag[0] == "u") content["mint"] = tag[1];
        if (tag[0] == "unit") content["unit"] = tag[1];
        if (tag[0] != "proof") continue;
        if (content["proofs"].size() >= kMaxNutzapProofs) return no_nutzap("too many proofs");
        content["proofs"].push_back(TRY(parse_json(tag[1])));
    }
    if (!ours) return no_nutzap("for somebody else");
    if (content["unit"] != "sat") return no_nutzap("not in sat");
    if (!content.contains("mint") || content["proofs"].empty()) return no_nutzap("no mint or no proof");
    TokenContent token =
        TRY(parse_token_content(content.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
    return Nutzap{event.id, event.pubkey, std::move(token.mint), std::move(token.proofs)};
}

Filter nutzap_filter(const PublicKey& recipient, std::optional<UnixSeconds> since)
{
    Filter filter;
    filter.kinds = {kKindNutzap};
    filter.tags['p'] = {recipient.hex()};
    filter.since = since;
    return filter;
}

Result<EventDraft> redeemed_draft(const EventId& nutzap, const PublicKey& sender, std::uint64_t amount,
                                  const SecretKey& author, UnixSeconds now, Rng& rng)
{
    HistoryContent history;
    history.amount = amount;
    history.references.push_back({nutzap, "", HistoryMark::redeemed});
    EventDraft draft = TRY(history_draft(history, author, now, rng));
    draft.tags.push_back({"p", sender.hex()});
    return draft;
}

} // namespace adit::protocol
