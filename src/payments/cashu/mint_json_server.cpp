// The mint's side of mint_json.h: for test mints, and for reading a stored body back.
#include "payments/cashu/json_fields.h"
#include "payments/cashu/mint_json.h"
#include "protocol/json.h"

namespace adit::payments::cashu {
namespace {

Error malformed_request(const char* what) { return Error{Reason::bad_encoding, what}; }

Json signatures_json(std::span<const BlindSignature> signatures)
{
    Json list = Json::array();
    for (const BlindSignature& signature : signatures) list.push_back(signature_json(signature));
    return list;
}

const char* word(ProofState state)
{
    switch (state) {
    case ProofState::unspent:
        return "UNSPENT";
    case ProofState::pending:
        return "PENDING";
    case ProofState::spent:
        return "SPENT";
    }
    CHECK(false && "a state outside its enum");
    return "";
}

} // namespace

Result<SwapRequest> parse_swap(std::string_view json)
{
    const Json root = TRY(protocol::parse_json(json));
    SwapRequest request;
    request.inputs = TRY(read_proofs(member(root, "inputs")));
    request.outputs = TRY(read_outputs(member(root, "outputs")));
    return request;
}

Result<std::vector<BlindedMessage>> parse_restore(std::string_view json)
{
    const Json root = TRY(protocol::parse_json(json));
    return read_outputs(member(root, "outputs"));
}

Result<std::vector<Point>> parse_check_state(std::string_view json)
{
    const Json root = TRY(protocol::parse_json(json));
    const Json* list = member(root, "Ys");
    if (list == nullptr || !list->is_array()) return malformed_request("no Ys");
    std::vector<Point> ys;
    for (const Json& element : *list) {
        const auto y = as_point(&element);
        if (!y) return malformed_request("Y");
        ys.push_back(*y);
    }
    return ys;
}

Result<MintRequest> parse_mint(std::string_view json)
{
    const Json root = TRY(protocol::parse_json(json));
    const std::string* quote = as_string(member(root, "quote"));
    if (quote == nullptr) return malformed_request("quote");
    auto outputs = TRY(read_outputs(member(root, "outputs")));
    MintRequest request{*quote, std::move(outputs), std::nullopt};
    if (const Json* signature = member(root, "signature")) {
        request.signature = as_hex<64>(signature);
        if (!request.signature) return malformed_request("signature");
    }
    return request;
}

Result<MeltRequest> parse_melt(std::string_view json)
{
    const Json root = TRY(protocol::parse_json(json));
    const std::string* quote = as_string(member(root, "quote"));
    if (quote == nullptr) return malformed_request("quote");
    auto inputs = TRY(read_proofs(member(root, "inputs")));
    MeltRequest request{*quote, std::move(inputs), {}};
    if (const Json* blanks = member(root, "outputs")) request.blanks = TRY(read_outputs(blanks));
    return request;
}

std::string encode_signatures(std::span<const BlindSignature> signatures)
{
    return dump(Json{{"signatures", signatures_json(signatures)}});
}

std::string encode_restored(const Restored& restored)
{
    Json outputs = Json::array();
    for (const BlindedMessage& output : restored.outputs) outputs.push_back(output_json(output));
    return dump(Json{{"outputs", std::move(outputs)}, {"signatures", signatures_json(restored.signatures)}});
}

std::string encode_proof_states(std::span<const ProofStatus> states)
{
    Json list = Json::array();
    for (const ProofStatus& status : states)
        list.push_back(Json{{"Y", status.y.hex()}, {"state", word(status.state)}, {"witness", nullptr}});
    return dump(Json{{"states", std::move(list)}});
}

std::string encode_refusal(const Refusal& refusal)
{
    return dump(Json{{"code", refusal.code}, {"detail", refusal.detail}});
}

} // namespace adit::payments::cashu
