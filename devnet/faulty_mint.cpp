#include "devnet/faulty_mint.h"

#include <nlohmann/json.hpp>

namespace adit::devnet {
namespace {

using nlohmann::json;

constexpr std::string_view kPage = "<html><body>502 Bad Gateway</body></html>";

/// The same answer with UNSPENT told as PENDING.
std::string with_pending(const std::string& answer)
{
    json object = json::parse(answer, nullptr, false);
    if (!object.is_object() || !object.contains("states")) return answer;
    for (json& state : object["states"])
        if (state["state"] == "UNSPENT") state["state"] = "PENDING";
    return object.dump();
}

/// The same answer with every C_ turned into its negative: a point of the curve, and not a signature of the mint's.
std::string with_bad_signatures(const std::string& answer)
{
    json object = json::parse(answer, nullptr, false);
    if (!object.is_object()) return answer;
    for (const char* key : {"signatures", "promises", "change"}) {
        if (!object.contains(key)) continue;
        for (json& signature : object[key]) {
            std::string c = signature["C_"];
            c[1] = c[1] == '2' ? '3' : '2';
            signature["C_"] = c;
        }
    }
    return object.dump();
}

} // namespace

std::string_view mint_endpoint(std::string_view path)
{
    struct Name {
        std::string_view path;
        std::string_view endpoint;
    };
    constexpr Name kNames[]{
        {"/v1/info", "mint.info"},
        {"/v1/keysets", "mint.keysets"}, // before /v1/keys, which it begins with
        {"/v1/keys", "mint.keys"},
        {"/v1/swap", "mint.swap"},
        {"/v1/checkstate", "mint.checkstate"},
        {"/v1/restore", "mint.restore"},
        {"/v1/mint/quote", "mint.quote"},
        {"/v1/mint/", "mint.mint"},
        {"/v1/melt/quote", "mint.melt_quote"},
        {"/v1/melt/", "mint.melt"},
    };
    for (const Name& name : kNames)
        if (path.starts_with(name.path)) return name.endpoint;
    return "mint.unknown";
}

Outcome FaultyMint::serve(const std::optional<Fault>& fault, std::string_view method, std::string_view path,
                          std::string_view body)
{
    if (!fault) return {Delivery::whole, mint_.handle(method, path, body)};
    const bool melts_later = fault->act == FaultAct::pending && mint_endpoint(path) == "mint.melt";
    // Acts that spoil a true answer have nothing to spoil without one.
    const bool acts = fault->moment == FaultMoment::after || fault->act == FaultAct::delay ||
                      fault->act == FaultAct::pending || fault->act == FaultAct::lie_bad_signature ||
                      fault->act == FaultAct::lie_other_event || fault->act == FaultAct::require_auth;
    Outcome outcome;
    if (melts_later) mint_.hold_melts(true);
    if (acts) outcome.answer = mint_.handle(method, path, body);
    if (melts_later) mint_.hold_melts(false);

    switch (fault->act) {
    case FaultAct::drop:
        outcome.delivery = Delivery::dropped;
        break;
    case FaultAct::hang:
        outcome.delivery = Delivery::never;
        break;
    case FaultAct::cut:
        if (!acts) outcome.answer = {200, std::string(kPage)};
        outcome.delivery = Delivery::cut;
        break;
    case FaultAct::status:
        outcome.answer = {fault->status, fault->body};
        break;
    case FaultAct::not_json:
        outcome.answer = {200, std::string(kPage)};
        outcome.content_type = "text/html";
        break;
    case FaultAct::reject:
        outcome.answer = {400, payments::cashu::encode_refusal({fault->code, fault->message})};
        break;
    case FaultAct::pending:
        if (outcome.answer.status == 200 && !melts_later) outcome.answer.body = with_pending(outcome.answer.body);
        break;
    case FaultAct::lie_bad_signature:
        if (outcome.answer.status == 200) outcome.answer.body = with_bad_signatures(outcome.answer.body);
        break;
    case FaultAct::delay:
    case FaultAct::lie_other_event:
    case FaultAct::require_auth:
        break;
    }
    return outcome;
}

} // namespace adit::devnet
