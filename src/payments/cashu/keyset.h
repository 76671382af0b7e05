// payments/cashu/keyset.h - a mint's keysets: ids, keys, fees, and how an amount is cut. NUT-01, NUT-02.
#pragma once

#include "base/time.h"
#include "payments/cashu/proof.h"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace adit::payments::cashu {

/// Amounts are in the keyset's unit, up to 2^63.
using AmountKeys = std::map<Sat, Point>;

struct Keyset {
    KeysetId id; // complete, lowercase
    std::string unit;
    bool active = false;
    std::uint64_t input_fee_ppk = 0; // parts per thousand of one unit, for each input
    std::optional<UnixSeconds> final_expiry;
    AmountKeys keys; // empty where only /v1/keysets was read

    bool expired(UnixSeconds now) const { return final_expiry && *final_expiry <= now; }
};

/// "00" + 14 hex digits or "01" + 64, all lowercase.
bool is_complete_id(std::string_view id);
/// Complete, or the first 16 digits of an "01" id, as tokens carry them.
bool is_token_id(std::string_view id);
/// The one known id that `id` is or begins. Errors: invalid_token (none, or more than one).
Result<KeysetId> complete_id(std::string_view id, std::span<const Keyset> known);

/// Version 00: over the keys alone.
KeysetId derive_id_v0(const AmountKeys& keys);
/// Version 01: over keys, unit, fee and expiry.
KeysetId derive_id_v1(const Keyset& keyset);
/// Whether id and content belong together. False for ids of unknown versions and for keysets without keys.
bool id_matches(const Keyset& keyset);

/// floor((sum of ppk + 999) / 1000) over all inputs of one transaction; none on overflow. NUT-02
std::optional<Sat> input_fee(std::span<const std::uint64_t> ppk_of_each_input);

inline constexpr std::size_t kMaxOutputs = 1000;
/// The amounts of outputs for `amount`, ascending, as few as the keyset's keys allow; none for zero.
/// Errors: internal (not payable with these keys, or over kMaxOutputs of them).
Result<std::vector<Sat>> split(Sat amount, const Keyset& keyset);

/// Answers of /v1/keys and /v1/keys/{id}, keys on the curve. An unknown id version is left out, a malformed keyset
/// fails all. Whether the id matches is for the caller, who may know unit and fee from /v1/keysets only.
/// Errors: mint_unreachable (not the JSON it should be).
Result<std::vector<Keyset>> parse_keys(std::string_view json);
/// Answer of /v1/keysets: keysets without their keys. Ids of legacy kinds are left out. Errors: mint_unreachable.
Result<std::vector<Keyset>> parse_keysets(std::string_view json);
/// The mint's side of the two.
std::string encode_keys(std::span<const Keyset> keysets);
std::string encode_keysets(std::span<const Keyset> keysets);

} // namespace adit::payments::cashu
