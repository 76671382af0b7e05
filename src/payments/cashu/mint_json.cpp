// What a wallet says and hears. The mint's side is in mint_json_server.cpp.
#include "payments/cashu/mint_json.h"

#include "payments/cashu/json_fields.h"
#include "protocol/json.h"

#include <charconv>
#include <limits>

namespace adit::payments::cashu {
namespace {

constexpr std::size_t kMaxInfoDepth = 16; // NUTs may put anything into their settings
constexpr std::size_t kMaxDetailBytes = 200;

Error not_understood(const char* what) { return Error{Reason::mint_unreachable, what}; }

template<typename T>
Result<T> as_answer_error(Result<T> result, const char* what)
{
    if (!result) return not_understood(what);
    return result;
}

Json outputs_json(std::span<const BlindedMessage> outputs)
{
    Json list = Json::array();
    for (const BlindedMessage& output : outputs) list.push_back(output_json(output));
    return list;
}

Json proofs_json(std::span<const Proof> proofs, WithDleq dleq)
{
    Json list = Json::array();
    for (const Proof& proof : proofs) list.push_back(proof_json(proof, dleq));
    return list;
}

std::optional<ProofState> proof_state(const std::string* word)
{
    if (word == nullptr) return std::nullopt;
    if (*word == "UNSPENT") return ProofState::unspent;
    if (*word == "PENDING") return ProofState::pending;
    if (*word == "SPENT") return ProofState::spent;
    return std::nullopt;
}

/// Newer mints count instead of naming a state; the oldest had only `paid`.
std::optional<QuoteState> quote_state(const Json& root)
{
    if (const std::string* word = as_string(member(root, "state"))) {
        if (*word == "UNPAID") return QuoteState::unpaid;
        if (*word == "PAID") return QuoteState::paid;
        if (*word == "ISSUED") return QuoteState::issued;
        return std::nullopt;
    }
    const auto paid = as_u64(member(root, "amount_paid"));
    const auto issued = as_u64(member(root, "amount_issued"));
    if (paid && issued) {
        if (*paid > *issued) return QuoteState::paid;
        return *issued > 0 ? QuoteState::issued : QuoteState::unpaid;
    }
    const Json* flag = member(root, "paid");
    if (flag == nullptr || !flag->is_boolean()) return std::nullopt;
    return flag->get<bool>() ? QuoteState::paid : QuoteState::unpaid;
}

std::optional<MeltState> melt_state(const Json& root)
{
    if (const std::string* word = as_string(member(root, "state"))) {
        if (*word == "UNPAID") return MeltState::unpaid;
        if (*word == "PENDING") return MeltState::pending;
        if (*word == "PAID") return MeltState::paid;
        return std::nullopt;
    }
    const Json* flag = member(root, "paid");
    if (flag == nullptr || !flag->is_boolean()) return std::nullopt;
    return flag->get<bool>() ? MeltState::paid : MeltState::unpaid;
}

bool is_supported(const Json& settings)
{
    if (settings.is_array()) return !settings.empty();
    if (!settings.is_object()) return false;
    if (const Json* disabled = member(settings, "disabled"); disabled != nullptr && *disabled == true) return false;
    const Json* supported = member(settings, "supported");
    if (supported == nullptr) return true; // NUT-04, 05, 15, 19: to have settings is to support it
    if (supported->is_boolean()) return supported->get<bool>();
    return supported->is_array() && !supported->empty();
}

} // namespace

std::string encode_swap(std::span<const Proof> inputs, std::span<const BlindedMessage> outputs)
{
    return dump(Json{{"inputs", proofs_json(inputs, WithDleq::stripped)}, {"outputs", outputs_json(outputs)}});
}

std::string encode_restore(std::span<const BlindedMessage> outputs)
{
    return dump(Json{{"outputs", outputs_json(outputs)}});
}

std::string encode_check_state(std::span<const Point> ys)
{
    Json list = Json::array();
    for (const Point& y : ys) list.push_back(y.hex());
    return dump(Json{{"Ys", std::move(list)}});
}

std::string encode_mint_quote(Sat amount, std::string_view unit, const std::optional<Point>& pubkey,
                              std::string_view description)
{
    Json body{{"amount", amount.count()}, {"unit", unit}};
    if (pubkey) body["pubkey"] = pubkey->hex();
    if (!description.empty()) body["description"] = description;
    return dump(body);
}

std::string encode_mint(std::string_view quote, std::span<const BlindedMessage> outputs,
                        const std::optional<ByteArray<64>>& signature)
{
    Json body{{"quote", quote}, {"outputs", outputs_json(outputs)}};
    if (signature) body["signature"] = encode_hex(*signature);
    return dump(body);
}

std::string encode_melt_quote(std::string_view invoice, std::string_view unit)
{
    return dump(Json{{"request", invoice}, {"unit", unit}});
}

std::string encode_melt(std::string_view quote, std::span<const Proof> inputs, std::span<const BlindedMessage> blanks)
{
    Json body{{"quote", quote}, {"inputs", proofs_json(inputs, WithDleq::stripped)}};
    if (!blanks.empty()) body["outputs"] = outputs_json(blanks);
    return dump(body);
}

Result<std::vector<BlindSignature>> parse_signatures(std::string_view json)
{
    const Json root = TRY(as_answer_error(protocol::parse_json(json), "signatures: not JSON"));
    return as_answer_error(read_signatures(member(root, "signatures")), "signatures: malformed");
}

bool matches(const BlindedMessage& output, const BlindSignature& signature)
{
    return output.keyset == signature.keyset && output.amount == signature.amount;
}

const BlindSignature* Restored::find(const Point& b) const
{
    for (std::size_t i = 0; i < outputs.size() && i < signatures.size(); ++i)
        if (outputs[i].b == b) return &signatures[i];
    return nullptr;
}

Result<Restored> parse_restored(std::string_view json)
{
    const Json root = TRY(as_answer_error(protocol::parse_json(json), "restore: not JSON"));
    const Json* signatures = member(root, "signatures");
    if (signatures == nullptr || (signatures->is_array() && signatures->empty() && member(root, "promises") != nullptr))
        signatures = member(root, "promises"); // the older name
    Restored restored;
    restored.outputs = TRY(as_answer_error(read_outputs(member(root, "outputs")), "restore: malformed outputs"));
    restored.signatures = TRY(as_answer_error(read_signatures(signatures), "restore: malformed signatures"));
    if (restored.outputs.size() != restored.signatures.size())
        return not_understood("restore: outputs and signatures are not as many");
    return restored;
}

Result<std::vector<ProofStatus>> parse_proof_states(std::string_view json)
{
    const Json root = TRY(as_answer_error(protocol::parse_json(json), "checkstate: not JSON"));
    const Json* list = member(root, "states");
    if (list == nullptr || !list->is_array()) return not_understood("checkstate: no states");
    std::vector<ProofStatus> states;
    for (const Json& element : *list) {
        const auto y = as_point(member(element, "Y"));
        const auto state = proof_state(as_string(member(element, "state")));
        if (!y || !state) return not_understood("checkstate: malformed state");
        states.push_back({*y, *state});
    }
    return states;
}

Result<MintQuote> parse_mint_quote(std::string_view json)
{
    const Json root = TRY(as_answer_error(protocol::parse_json(json), "quote: not JSON"));
    const std::string* id = as_string(member(root, "quote"));
    const std::string* request = as_string(member(root, "request"));
    const auto state = quote_state(root);
    if (id == nullptr || id->empty() || request == nullptr || !state) return not_understood("quote: malformed");
    MintQuote quote;
    quote.id = *id;
    quote.request = *request;
    quote.state = *state;
    if (const auto amount = as_u64(member(root, "amount"))) quote.amount = Sat(*amount);
    if (const std::string* unit = as_string(member(root, "unit"))) quote.unit = *unit;
    quote.expiry = as_time(member(root, "expiry"));
    quote.pubkey = as_point(member(root, "pubkey"));
    return quote;
}

Result<MeltQuote> parse_melt_quote(std::string_view json)
{
    const Json root = TRY(as_answer_error(protocol::parse_json(json), "melt quote: not JSON"));
    const std::string* id = as_string(member(root, "quote"));
    const auto amount = as_u64(member(root, "amount"));
    const auto reserve = as_u64(member(root, "fee_reserve"));
    const auto state = melt_state(root);
    if (id == nullptr || id->empty() || !amount || !reserve || !state) return not_understood("melt quote: malformed");
    MeltQuote quote;
    quote.id = *id;
    quote.amount = Sat(*amount);
    quote.fee_reserve = Sat(*reserve);
    quote.state = *state;
    if (const std::string* request = as_string(member(root, "request"))) quote.request = *request;
    if (const std::string* unit = as_string(member(root, "unit"))) quote.unit = *unit;
    quote.expiry = as_time(member(root, "expiry"));
    if (const std::string* preimage = as_string(member(root, "payment_preimage")); preimage && !preimage->empty())
        quote.preimage = *preimage;
    if (const Json* change = member(root, "change"))
        quote.change = TRY(as_answer_error(read_signatures(change), "melt quote: malformed change"));
    return quote;
}

Result<MintInfo> parse_info(std::string_view json)
{
    const Json root = TRY(as_answer_error(protocol::parse_json(json, kMaxInfoDepth), "info: not JSON"));
    const Json* nuts = member(root, "nuts");
    if (nuts == nullptr || !nuts->is_object()) return not_understood("info: no nuts");
    MintInfo info;
    if (const std::string* name = as_string(member(root, "name"))) info.name = *name;
    if (const std::string* version = as_string(member(root, "version"))) info.version = *version;
    for (const auto& [key, settings] : nuts->items()) {
        int number = 0;
        const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), number);
        if (error == std::errc() && end == key.data() + key.size() && is_supported(settings)) info.nuts.insert(number);
    }
    return info;
}

std::optional<Refusal> parse_refusal(int status, std::string_view body)
{
    if (status < 400 || status > 499 || status == 408 || status == 425 || status == 429) return std::nullopt;
    const auto root = protocol::parse_json(body);
    if (!root) return std::nullopt;
    const Json* code = member(*root, "code");
    const std::string* detail = as_string(member(*root, "detail"));
    if (detail == nullptr) detail = as_string(member(*root, "error"));
    if (code == nullptr || !code->is_number_integer() || detail == nullptr) return std::nullopt;
    if (code->is_number_unsigned() &&
        code->get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()})
        return std::nullopt;
    return Refusal{code->get<std::int64_t>(), detail->substr(0, kMaxDetailBytes)};
}

std::string encode_proofs(std::span<const Proof> proofs) { return dump(proofs_json(proofs, WithDleq::kept)); }

Result<std::vector<Proof>> parse_proofs(std::string_view json)
{
    const Json root = TRY(protocol::parse_json(json));
    return read_proofs(&root);
}

} // namespace adit::payments::cashu
