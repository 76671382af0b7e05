// payments/cashu/json_fields.h - reading JSON that others wrote, without exceptions. Internal: it brings nlohmann's
// header.
#pragma once

#include "base/money.h"
#include "base/time.h"
#include "payments/cashu/proof.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace adit::payments::cashu {

using Json = nlohmann::json;

/// The member, or nullptr where it is absent, null, or `object` is no object.
const Json* member(const Json& object, const char* name);
/// Whole, 0 to 2^64-1; anything written with a sign, point or exponent is none of that.
std::optional<std::uint64_t> as_u64(const Json* value);
const std::string* as_string(const Json* value);
/// Seconds that fit; none where absent. 0 is "not set" in these protocols.
std::optional<UnixSeconds> as_time(const Json* value);

std::optional<Point> as_point(const Json* value);
template<std::size_t N>
std::optional<ByteArray<N>> as_hex(const Json* value)
{
    const std::string* text = as_string(value);
    if (text == nullptr || text->size() != 2 * N) return std::nullopt;
    const auto bytes = parse_hex(*text);
    if (!bytes) return std::nullopt;
    ByteArray<N> out;
    std::copy(bytes->begin(), bytes->end(), out.begin());
    return out;
}

/// Errors: bad_encoding.
Result<Proof> read_proof(const Json& value);
Result<std::vector<Proof>> read_proofs(const Json* value);
Result<BlindedMessage> read_output(const Json& value);
Result<std::vector<BlindedMessage>> read_outputs(const Json* value);
Result<BlindSignature> read_signature(const Json& value);
Result<std::vector<BlindSignature>> read_signatures(const Json* value);

enum class WithDleq { kept, stripped };
Json proof_json(const Proof& proof, WithDleq dleq);
Json output_json(const BlindedMessage& output);
Json signature_json(const BlindSignature& signature);
/// Of JSON that we built: text that is not UTF-8 would be replaced, not thrown over.
std::string dump(const Json& value);

} // namespace adit::payments::cashu
