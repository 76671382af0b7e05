#include "devnet/faulty_mint.h"

#include <nlohmann/json.hpp>

namespace adit::devnet {
namespace {

using nlohmann::json;

/// The same answer with UNSPENT told as PENDING.
std::string with_pending(const std::string& answer)
{
    json object = json::parse(answer, nullptr, false);
    if (!object.is_object() || !object.contains("states")) return answer;
    for (json& state : object["states"])
        if (state["state"] == "UNSPENT") state["state"] = "PENDING";
    return object.dump();
}

std::string without_change(const std::string& answer)
{
    json object = json::parse(answer, nullptr, false);
    if (!object.is_object()) return answer;
    object.erase("change");
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
    const bool melts_later = fault && fault->act == FaultAct::pending && mint_endpoint(path) == "mint.melt";
    HttpAnswer answer;
    if (melts_later) mint_.hold_melts(true);
    if (acts(fault)) {
        MintAnswer true_answer = mint_.handle(method, path, body);
        answer = {true_answer.status, std::move(true_answer.body)};
    }
    if (melts_later) mint_.hold_melts(false);
    if (fault && answer.status == 200 && fault->act == FaultAct::pending && !melts_later)
        answer.body = with_pending(answer.body);
    if (fault && answer.status == 200 && fault->act == FaultAct::lose_change) answer.body = without_change(answer.body);
    if (fault && answer.status == 200 && fault->act == FaultAct::lie_bad_signature)
        answer.body = with_bad_signatures(answer.body);
    HttpAnswer rejection;
    if (fault) rejection = {400, payments::cashu::encode_refusal({fault->code, fault->message})};
    return spoilt(fault, std::move(answer), std::move(rejection));
}

} // namespace adit::devnet
