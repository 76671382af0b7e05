#include "payments/cashu/token.h"

#include "payments/cashu/cbor.h"
#include "payments/cashu/json_fields.h"
#include "payments/cashu/keyset.h"
#include "payments/cashu/mint_url.h"
#include "protocol/json.h"

#include <map>
#include <unordered_set>

namespace adit::payments::cashu {
namespace {

constexpr std::string_view kPrefixes[]{"web+cashu://", "cashu://", "cashu:"};
constexpr std::string_view kRawMagic = "craw";
constexpr std::size_t kMaxMintUrlBytes = 1024;

Error bad_token(std::string what) { return Error{Reason::invalid_token, std::move(what)}; }

template<typename T>
Result<T> as_token_error(Result<T> result)
{
    if (!result) return bad_token(std::move(result).error().detail);
    return result;
}

/// What holds for a token of either version.
Result<Token> checked(Token token, const TokenLimits& limits)
{
    if (token.mint.empty() || token.mint.size() > kMaxMintUrlBytes) return bad_token("no mint, or too long a name");
    if (token.unit.empty()) return bad_token("no unit");
    if (token.proofs.empty()) return bad_token("no proofs");
    if (token.proofs.size() > limits.proofs) return bad_token("too many proofs");
    std::unordered_set<std::string_view> secrets;
    for (const Proof& proof : token.proofs) {
        if (proof.amount == Sat()) return bad_token("a proof of nothing");
        if (proof.secret.empty()) return bad_token("a proof with an empty secret");
        if (!secrets.insert(proof.secret).second) return bad_token("a proof is there twice");
    }
    if (!total(token.proofs)) return bad_token("the amounts do not fit");
    return token;
}

// ---- V3: JSON

Result<Token> read_v3(std::string_view json, const TokenLimits& limits)
{
    const auto root = protocol::parse_json(json);
    if (!root) return bad_token("V3: not JSON");
    const Json* entries = member(*root, "token");
    if (entries == nullptr || !entries->is_array()) return bad_token("V3: no list of proofs by mint");

    Token token;
    for (const Json& entry : *entries) {
        const std::string* mint = as_string(member(entry, "mint"));
        const Json* proofs = member(entry, "proofs");
        if (mint == nullptr) return bad_token("V3: no mint");
        if (token.mint.empty())
            token.mint = *mint;
        else if (token.mint != *mint && !same_mint(token.mint, *mint))
            return bad_token("V3: proofs of more than one mint");
        if (proofs != nullptr && proofs->is_array() && proofs->size() > limits.proofs - token.proofs.size())
            return bad_token("too many proofs");
        for (Proof& proof : TRY(as_token_error(read_proofs(proofs)))) token.proofs.push_back(std::move(proof));
    }
    token.unit = "sat";
    if (const Json* unit = member(*root, "unit")) {
        if (!unit->is_string()) return bad_token("V3: unit");
        token.unit = *as_string(unit);
    }
    if (const Json* memo = member(*root, "memo")) {
        if (!memo->is_string()) return bad_token("V3: memo");
        token.memo = *as_string(memo);
    }
    return checked(std::move(token), limits);
}

// ---- V4: CBOR

template<std::size_t N>
Result<ByteArray<N>> read_exactly(CborReader& in)
{
    const Bytes bytes = TRY(in.read_bytes());
    if (bytes.size() != N) return bad_token("V4: a byte string of the wrong length");
    ByteArray<N> out;
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return out;
}

Result<Dleq> read_cbor_dleq(CborReader& in)
{
    std::optional<ByteArray<32>> e, s, r;
    auto items = TRY(in.enter_map());
    while (TRY(in.next(items))) {
        const std::string key = TRY(in.read_key());
        const auto read = [&] { return read_exactly<32>(in); };
        if (key == "e")
            TRY(in.read_once(e, read));
        else if (key == "s")
            TRY(in.read_once(s, read));
        else if (key == "r")
            TRY(in.read_once(r, read));
        else
            TRY(in.skip());
    }
    if (!e || !s) return bad_token("V4: incomplete DLEQ");
    return Dleq{*e, *s, r};
}

Result<Proof> read_proof_v4(CborReader& in)
{
    std::optional<std::uint64_t> amount;
    std::optional<std::string> secret, witness;
    std::optional<Point> c;
    std::optional<Dleq> dleq;
    auto items = TRY(in.enter_map());
    while (TRY(in.next(items))) {
        const std::string key = TRY(in.read_key());
        if (key == "a")
            TRY(in.read_once(amount, [&] { return in.read_uint(); }));
        else if (key == "s")
            TRY(in.read_once(secret, [&] { return in.read_text(); }));
        else if (key == "c")
            TRY(in.read_once(c, [&]() -> Result<Point> { return Point::from_bytes(TRY(in.read_bytes())); }));
        else if (key == "d")
            TRY(in.read_once(dleq, [&] { return read_cbor_dleq(in); }));
        else if (key == "w")
            TRY(in.read_once(witness, [&] { return in.read_text(); }));
        else
            TRY(in.skip());
    }
    if (!amount || !secret || !c) return bad_token("V4: incomplete proof");
    if (witness && witness->empty()) witness.reset();
    return Proof{{}, Sat(*amount), std::move(*secret), *c, std::move(witness), dleq};
}

Result<KeysetId> read_keyset_id(CborReader& in)
{
    KeysetId id = encode_hex(TRY(in.read_bytes()));
    if (!is_token_id(id)) return bad_token("V4: keyset id");
    return id;
}

Result<std::vector<Proof>> read_proofs_v4(CborReader& in, std::size_t limit)
{
    std::vector<Proof> proofs;
    auto items = TRY(in.enter_array());
    while (TRY(in.next(items))) {
        if (proofs.size() == limit) return bad_token("too many proofs");
        proofs.push_back(TRY(read_proof_v4(in)));
    }
    return proofs;
}

/// One entry of "t": a keyset and its proofs, appended to `out`.
Result<void> read_group(CborReader& in, std::vector<Proof>& out, const TokenLimits& limits)
{
    std::optional<KeysetId> id;
    std::optional<std::vector<Proof>> proofs;
    auto items = TRY(in.enter_map());
    while (TRY(in.next(items))) {
        const std::string key = TRY(in.read_key());
        if (key == "i")
            TRY(in.read_once(id, [&] { return read_keyset_id(in); }));
        else if (key == "p")
            TRY(in.read_once(proofs, [&] { return read_proofs_v4(in, limits.proofs - out.size()); }));
        else
            TRY(in.skip());
    }
    if (!id || !proofs) return bad_token("V4: proofs without a keyset, or a keyset without proofs");
    for (Proof& proof : *proofs) {
        proof.keyset = *id;
        out.push_back(std::move(proof));
    }
    return {};
}

Result<std::vector<Proof>> read_groups(CborReader& in, const TokenLimits& limits)
{
    std::vector<Proof> proofs;
    auto items = TRY(in.enter_array());
    while (TRY(in.next(items))) TRY(read_group(in, proofs, limits));
    return proofs;
}

Result<Token> read_v4_map(CborReader& in, const TokenLimits& limits)
{
    std::optional<std::string> mint, unit, memo;
    std::optional<std::vector<Proof>> proofs;
    const auto text = [&] { return in.read_text(); };
    auto items = TRY(in.enter_map());
    while (TRY(in.next(items))) {
        const std::string key = TRY(in.read_key());
        if (key == "m")
            TRY(in.read_once(mint, text));
        else if (key == "u")
            TRY(in.read_once(unit, text));
        else if (key == "d")
            TRY(in.read_once(memo, text));
        else if (key == "t")
            TRY(in.read_once(proofs, [&] { return read_groups(in, limits); }));
        else
            TRY(in.skip());
    }
    if (!in.at_end()) return bad_token("V4: something follows the token");
    if (!mint || !unit || !proofs) return bad_token("V4: mint, unit or proofs are missing");
    return Token{std::move(*mint), std::move(*unit), std::move(memo), std::move(*proofs)};
}

Result<Token> read_v4(ByteView cbor, const TokenLimits& limits)
{
    CborReader in(cbor);
    return checked(TRY(as_token_error(read_v4_map(in, limits))), limits);
}

Bytes encode_cbor(const Token& token)
{
    std::vector<KeysetId> order;
    std::map<KeysetId, std::vector<const Proof*>> groups;
    for (const Proof& proof : token.proofs) {
        auto& group = groups[proof.keyset];
        if (group.empty()) order.push_back(proof.keyset);
        group.push_back(&proof);
    }

    CborWriter out;
    out.map(token.memo ? 4 : 3);
    out.text("m");
    out.text(token.mint);
    out.text("u");
    out.text(token.unit);
    if (token.memo) {
        out.text("d");
        out.text(*token.memo);
    }
    out.text("t");
    out.array(order.size());
    for (const KeysetId& id : order) {
        const auto id_bytes = parse_hex(id);
        CHECK(id_bytes.has_value()); // a KeysetId is hex
        out.map(2);
        out.text("i");
        out.bytes(*id_bytes);
        out.text("p");
        out.array(groups[id].size());
        for (const Proof* proof : groups[id]) {
            const bool dleq = proof->dleq && proof->dleq->r;
            out.map(std::size_t{3} + (dleq ? 1 : 0) + (proof->witness ? 1 : 0));
            out.text("a");
            out.uint(proof->amount.count());
            out.text("s");
            out.text(proof->secret);
            out.text("c");
            out.bytes(proof->c.bytes());
            if (dleq) {
                out.text("d");
                out.map(3);
                out.text("e");
                out.bytes(proof->dleq->e);
                out.text("s");
                out.bytes(proof->dleq->s);
                out.text("r");
                out.bytes(*proof->dleq->r);
            }
            if (proof->witness) {
                out.text("w");
                out.text(*proof->witness);
            }
        }
    }
    return out.out();
}

template<typename Items>
std::optional<Sat> total_of(const Items& items)
{
    Sat result;
    for (const auto& item : items) {
        const auto more = sum(result, item.amount);
        if (!more) return std::nullopt;
        result = *more;
    }
    return result;
}

} // namespace

Result<Token> parse_token(std::string_view text, const TokenLimits& limits)
{
    if (text.size() > limits.bytes) return bad_token("too long");
    for (const std::string_view prefix : kPrefixes) {
        if (!text.starts_with(prefix)) continue;
        text.remove_prefix(prefix.size());
        break;
    }
    if (!text.starts_with("cashu") || text.size() < 6) return bad_token("does not begin with cashu");
    const char version = text[5];
    if (version != 'A' && version != 'B') return bad_token("an unknown version");
    const auto body = parse_base64_any(text.substr(6));
    if (!body) return bad_token("not base64");
    return version == 'A' ? read_v3(as_text(*body), limits) : read_v4(*body, limits);
}

Result<Token> parse_raw_token(ByteView bytes, const TokenLimits& limits)
{
    if (bytes.size() > limits.bytes) return bad_token("too long");
    if (bytes.size() < 5 || as_text(bytes.first(4)) != kRawMagic || bytes[4] != 'B')
        return bad_token("not a raw V4 token");
    return read_v4(bytes.subspan(5), limits);
}

std::string encode_token(const Token& token) { return "cashuB" + encode_base64url(encode_cbor(token)); }

std::string encode_token_v3(const Token& token)
{
    Json proofs = Json::array();
    for (const Proof& proof : token.proofs) proofs.push_back(proof_json(proof, WithDleq::kept));
    Json root{{"token", Json::array({Json{{"mint", token.mint}, {"proofs", std::move(proofs)}}})},
              {"unit", token.unit}};
    if (token.memo) root["memo"] = *token.memo;
    return "cashuA" + encode_base64url(as_bytes(dump(root)));
}

Bytes encode_raw_token(const Token& token)
{
    Bytes out;
    append(out, as_bytes(kRawMagic));
    out.push_back('B');
    append(out, encode_cbor(token));
    return out;
}

std::optional<Sat> total(std::span<const Proof> proofs) { return total_of(proofs); }
std::optional<Sat> total(std::span<const BlindedMessage> outputs) { return total_of(outputs); }

} // namespace adit::payments::cashu
