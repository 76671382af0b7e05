#include "payments/cashu/json_fields.h"

#include "payments/cashu/keyset.h"

#include <limits>

namespace adit::payments::cashu {
namespace {

Error malformed_field(const char* what) { return Error{Reason::bad_encoding, what}; }

Result<std::optional<Dleq>> read_dleq(const Json* value)
{
    if (value == nullptr) return std::optional<Dleq>();
    const auto e = as_hex<32>(member(*value, "e"));
    const auto s = as_hex<32>(member(*value, "s"));
    if (!e || !s) return malformed_field("dleq");
    Dleq dleq{*e, *s, std::nullopt};
    if (const Json* r = member(*value, "r")) {
        dleq.r = as_hex<32>(r);
        if (!dleq.r) return malformed_field("dleq r");
    }
    return std::optional<Dleq>(dleq);
}

Json dleq_json(const Dleq& dleq)
{
    Json out{{"e", encode_hex(dleq.e)}, {"s", encode_hex(dleq.s)}};
    if (dleq.r) out["r"] = encode_hex(*dleq.r);
    return out;
}

struct Common { // what proofs, outputs and signatures share
    KeysetId keyset;
    Sat amount;
};

Result<Common> read_common(const Json& value)
{
    const std::string* id = as_string(member(value, "id"));
    const auto amount = as_u64(member(value, "amount"));
    if (id == nullptr || !is_token_id(*id)) return malformed_field("keyset id");
    if (!amount) return malformed_field("amount");
    return Common{*id, Sat(*amount)};
}

template<typename Item>
Result<std::vector<Item>> read_all(const Json* value, Result<Item> (*read)(const Json&))
{
    if (value == nullptr || !value->is_array()) return malformed_field("not an array");
    std::vector<Item> items;
    items.reserve(value->size());
    for (const Json& element : *value) items.push_back(TRY(read(element)));
    return items;
}

} // namespace

const Json* member(const Json& object, const char* name)
{
    if (!object.is_object()) return nullptr;
    const auto found = object.find(name);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::optional<std::uint64_t> as_u64(const Json* value)
{
    if (value == nullptr || !value->is_number_unsigned()) return std::nullopt;
    return value->get<std::uint64_t>();
}

const std::string* as_string(const Json* value)
{
    return value != nullptr && value->is_string() ? &value->get_ref<const std::string&>() : nullptr;
}

std::optional<UnixSeconds> as_time(const Json* value)
{
    const auto seconds = as_u64(value);
    if (!seconds || *seconds == 0 || *seconds > std::uint64_t{std::numeric_limits<std::int64_t>::max()})
        return std::nullopt;
    return UnixSeconds(static_cast<std::int64_t>(*seconds));
}

std::optional<Point> as_point(const Json* value)
{
    const std::string* text = as_string(value);
    if (text == nullptr) return std::nullopt;
    auto point = Point::parse_hex(*text);
    if (!point) return std::nullopt;
    return *point;
}

Result<Proof> read_proof(const Json& value)
{
    const Common common = TRY(read_common(value));
    const std::string* secret = as_string(member(value, "secret"));
    const auto c = as_point(member(value, "C"));
    if (secret == nullptr) return malformed_field("secret");
    if (!c) return malformed_field("C");
    Proof proof{common.keyset, common.amount, *secret, *c, std::nullopt, std::nullopt};
    if (const Json* witness = member(value, "witness")) {
        const std::string* text = as_string(witness);
        if (text == nullptr) return malformed_field("witness");
        if (!text->empty()) proof.witness = *text;
    }
    proof.dleq = TRY(read_dleq(member(value, "dleq")));
    return proof;
}

Result<BlindedMessage> read_output(const Json& value)
{
    const Common common = TRY(read_common(value));
    const auto b = as_point(member(value, "B_"));
    if (!b) return malformed_field("B_");
    return BlindedMessage{common.keyset, common.amount, *b};
}

Result<BlindSignature> read_signature(const Json& value)
{
    const Common common = TRY(read_common(value));
    const auto c = as_point(member(value, "C_"));
    if (!c) return malformed_field("C_");
    const auto dleq = TRY(read_dleq(member(value, "dleq")));
    return BlindSignature{common.keyset, common.amount, *c, dleq};
}

Result<std::vector<Proof>> read_proofs(const Json* value) { return read_all(value, read_proof); }
Result<std::vector<BlindedMessage>> read_outputs(const Json* value) { return read_all(value, read_output); }
Result<std::vector<BlindSignature>> read_signatures(const Json* value) { return read_all(value, read_signature); }

Json proof_json(const Proof& proof, WithDleq dleq)
{
    Json out{{"amount", proof.amount.count()}, {"id", proof.keyset}, {"secret", proof.secret}, {"C", proof.c.hex()}};
    if (proof.witness) out["witness"] = *proof.witness;
    if (dleq == WithDleq::kept && proof.dleq) out["dleq"] = dleq_json(*proof.dleq);
    return out;
}

Json output_json(const BlindedMessage& output)
{
    return {{"amount", output.amount.count()}, {"id", output.keyset}, {"B_", output.b.hex()}};
}

Json signature_json(const BlindSignature& signature)
{
    Json out{{"amount", signature.amount.count()}, {"id", signature.keyset}, {"C_", signature.c.hex()}};
    if (signature.dleq) out["dleq"] = dleq_json(*signature.dleq);
    return out;
}

std::string dump(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

} // namespace adit::payments::cashu
