#include "payments/cashu/keyset.h"

#include "base/hash.h"
#include "payments/cashu/json_fields.h"
#include "protocol/json.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace adit::payments::cashu {
namespace {

constexpr std::size_t kShortIdDigits = 16;

bool is_lower_hex(std::string_view text)
{
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Error not_keysets(const char* what) { return Error{Reason::mint_unreachable, what}; }

std::optional<std::uint64_t> parse_amount(std::string_view text)
{
    std::uint64_t amount = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
    if (error != std::errc() || end != text.data() + text.size() || amount == 0) return std::nullopt;
    return amount;
}

Result<AmountKeys> read_keys(const Json& object)
{
    AmountKeys keys;
    for (const auto& [name, value] : object.items()) {
        const auto amount = parse_amount(name);
        const auto key = as_point(&value);
        if (!amount || !key) return not_keysets("a keyset has a malformed key");
        if (!keys.emplace(Sat(*amount), *key).second) return not_keysets("a keyset has an amount twice");
    }
    return keys;
}

enum class Want { ids, keys };

/// None: an id of a kind that we do not know.
Result<std::optional<Keyset>> read_keyset(const Json& value, Want want)
{
    const std::string* id = as_string(member(value, "id"));
    const std::string* unit = as_string(member(value, "unit"));
    if (id == nullptr || unit == nullptr) return not_keysets("a keyset without id or unit");
    if (!is_complete_id(*id)) return std::optional<Keyset>();

    Keyset keyset;
    keyset.id = *id;
    keyset.unit = *unit;
    if (const Json* active = member(value, "active")) {
        if (!active->is_boolean()) return not_keysets("a keyset's active is no boolean");
        keyset.active = active->get<bool>();
    }
    if (const Json* fee = member(value, "input_fee_ppk")) {
        const auto ppk = as_u64(fee);
        if (!ppk) return not_keysets("a keyset's fee is no whole number");
        keyset.input_fee_ppk = *ppk;
    }
    if (const Json* expiry = member(value, "final_expiry")) {
        if (!as_u64(expiry)) return not_keysets("a keyset's expiry is no whole number");
        keyset.final_expiry = as_time(expiry);
    }
    if (want == Want::keys) {
        const Json* keys = member(value, "keys");
        if (keys == nullptr || !keys->is_object()) return not_keysets("a keyset without keys");
        keyset.keys = TRY(read_keys(*keys));
    }
    return std::optional<Keyset>(std::move(keyset));
}

Result<std::vector<Keyset>> read_keysets(std::string_view json, Want want)
{
    const auto parsed = protocol::parse_json(json);
    if (!parsed) return not_keysets("the answer about keysets is not JSON");
    const Json* list = member(*parsed, "keysets");
    if (list == nullptr || !list->is_array()) return not_keysets("no list of keysets");
    std::vector<Keyset> keysets;
    for (const Json& element : *list)
        if (auto keyset = TRY(read_keyset(element, want))) keysets.push_back(std::move(*keyset));
    return keysets;
}

std::string encode(std::span<const Keyset> keysets, Want want)
{
    Json list = Json::array();
    for (const Keyset& keyset : keysets) {
        Json out{{"id", keyset.id},
                 {"unit", keyset.unit},
                 {"active", keyset.active},
                 {"input_fee_ppk", keyset.input_fee_ppk}};
        if (keyset.final_expiry) out["final_expiry"] = keyset.final_expiry->count();
        if (want == Want::keys) {
            Json keys = Json::object();
            for (const auto& [amount, key] : keyset.keys) keys[std::to_string(amount.count())] = key.hex();
            out["keys"] = std::move(keys);
        }
        list.push_back(std::move(out));
    }
    return dump(Json{{"keysets", std::move(list)}});
}

} // namespace

bool is_complete_id(std::string_view id)
{
    return is_lower_hex(id) && ((id.size() == 16 && id.starts_with("00")) || (id.size() == 66 && id.starts_with("01")));
}

bool is_token_id(std::string_view id)
{
    return is_complete_id(id) || (id.size() == kShortIdDigits && id.starts_with("01") && is_lower_hex(id));
}

Result<KeysetId> complete_id(std::string_view id, std::span<const Keyset> known)
{
    if (!is_token_id(id)) return Error{Reason::invalid_token, "not a keyset id"};
    const Keyset* found = nullptr;
    for (const Keyset& keyset : known) {
        if (!std::string_view(keyset.id).starts_with(id)) continue;
        if (found != nullptr && found->id != keyset.id) return Error{Reason::invalid_token, "keyset id is ambiguous"};
        found = &keyset;
    }
    if (found == nullptr) return Error{Reason::invalid_token, "keyset is unknown"};
    return found->id;
}

KeysetId derive_id_v0(const AmountKeys& keys)
{
    Bytes joined;
    joined.reserve(keys.size() * 33);
    for (const auto& [amount, key] : keys) append(joined, key.bytes());
    return "00" + encode_hex(sha256(joined)).substr(0, 14);
}

KeysetId derive_id_v1(const Keyset& keyset)
{
    std::string text;
    for (const auto& [amount, key] : keyset.keys) {
        if (!text.empty()) text += ',';
        text += std::to_string(amount.count()) + ':' + key.hex();
    }
    text += "|unit:";
    for (const char c : keyset.unit) text += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (keyset.input_fee_ppk != 0) text += "|input_fee_ppk:" + std::to_string(keyset.input_fee_ppk);
    if (keyset.final_expiry) text += "|final_expiry:" + std::to_string(keyset.final_expiry->count());
    return "01" + encode_hex(sha256(as_bytes(text)));
}

bool id_matches(const Keyset& keyset)
{
    if (keyset.keys.empty() || !is_complete_id(keyset.id)) return false;
    return keyset.id == (keyset.id.starts_with("00") ? derive_id_v0(keyset.keys) : derive_id_v1(keyset));
}

std::optional<Sat> input_fee(std::span<const std::uint64_t> ppk_of_each_input)
{
    Sat ppk;
    for (const std::uint64_t one : ppk_of_each_input) {
        const auto more = sum(ppk, Sat(one));
        if (!more) return std::nullopt;
        ppk = *more;
    }
    const auto rounded = sum(ppk, Sat(999));
    if (!rounded) return std::nullopt;
    return Sat(rounded->count() / 1000);
}

Result<std::vector<Sat>> split(Sat amount, const Keyset& keyset)
{
    std::vector<Sat> parts;
    std::uint64_t left = amount.count();
    for (auto key = keyset.keys.rbegin(); key != keyset.keys.rend() && left > 0; ++key) {
        const std::uint64_t value = key->first.count();
        const std::uint64_t times_it_fits = left / value;
        if (times_it_fits > kMaxOutputs - parts.size())
            return Error{Reason::internal, "amount needs too many outputs with this keyset"};
        parts.insert(parts.end(), times_it_fits, key->first);
        left %= value;
    }
    if (left > 0) return Error{Reason::internal, "amount is not payable with this keyset"};
    std::reverse(parts.begin(), parts.end());
    return parts;
}

Result<std::vector<Keyset>> parse_keys(std::string_view json) { return read_keysets(json, Want::keys); }
Result<std::vector<Keyset>> parse_keysets(std::string_view json) { return read_keysets(json, Want::ids); }
std::string encode_keys(std::span<const Keyset> keysets) { return encode(keysets, Want::keys); }
std::string encode_keysets(std::span<const Keyset> keysets) { return encode(keysets, Want::ids); }

} // namespace adit::payments::cashu
