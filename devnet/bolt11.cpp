#include "devnet/bolt11.h"

#include "base/hash.h"

#include <algorithm>
#include <secp256k1.h>
#include <secp256k1_recovery.h>

namespace adit::devnet {
namespace {

using Groups = std::vector<std::uint8_t>; // five bits each

constexpr std::string_view kAlphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::size_t kChecksumGroups = 6;
constexpr std::size_t kSignatureGroups = 104;
constexpr std::size_t kTimestampGroups = 7;
constexpr std::size_t kMaxInvoiceLength = 4096;
constexpr std::size_t kMaxDescriptionBytes = 639;
constexpr Seconds kDefaultExpiry{3600};

struct Multiplier {
    char letter; // 0: none
    std::uint64_t msat;
};
constexpr Multiplier kMultipliers[]{{0, 100'000'000'000}, {'m', 100'000'000}, {'u', 100'000}, {'n', 100}};

const secp256k1_context* signing_context()
{
    static const secp256k1_context* const context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    return context;
}

std::uint32_t polymod(std::uint32_t checksum, std::uint8_t value)
{
    constexpr std::uint32_t kGenerators[]{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
    const std::uint32_t top = checksum >> 25;
    checksum = (checksum & 0x1ffffff) << 5 ^ value;
    for (unsigned i = 0; i < 5; ++i)
        if (top >> i & 1) checksum ^= kGenerators[i];
    return checksum;
}

std::uint32_t checksum_of(std::string_view hrp, std::span<const std::uint8_t> groups)
{
    std::uint32_t checksum = 1;
    for (const char c : hrp) checksum = polymod(checksum, static_cast<std::uint8_t>(c) >> 5);
    checksum = polymod(checksum, 0);
    for (const char c : hrp) checksum = polymod(checksum, static_cast<std::uint8_t>(c) & 31);
    for (const std::uint8_t group : groups) checksum = polymod(checksum, group);
    return checksum;
}

/// Zero bits fill the last group.
Groups to_groups(ByteView bytes)
{
    Groups groups;
    std::uint32_t window = 0;
    int bits = 0;
    for (const std::uint8_t byte : bytes) {
        window = (window << 8 | byte) & 0xfff;
        for (bits += 8; bits >= 5; bits -= 5) groups.push_back(window >> (bits - 5) & 31);
    }
    if (bits > 0) groups.push_back(static_cast<std::uint8_t>(window << (5 - bits) & 31));
    return groups;
}

/// Zero bits fill the last byte: BOLT-11's rule for what is signed.
Bytes to_bytes(std::span<const std::uint8_t> groups)
{
    Bytes bytes;
    std::uint32_t window = 0;
    int bits = 0;
    for (const std::uint8_t group : groups) {
        window = (window << 5 | group) & 0xfff;
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            bytes.push_back(static_cast<std::uint8_t>(window >> bits));
        }
    }
    if (bits > 0) bytes.push_back(static_cast<std::uint8_t>(window << (8 - bits)));
    return bytes;
}

void append_number(Groups& out, std::uint64_t value, std::size_t groups)
{
    for (std::size_t i = groups; i-- > 0;) out.push_back(value >> (5 * i) & 31);
}

/// Without zeros in front.
Groups shortest(std::uint64_t value)
{
    Groups groups;
    append_number(groups, value, 7);
    groups.erase(groups.begin(), std::find_if(groups.begin(), groups.end(), [](auto group) { return group != 0; }));
    return groups;
}

void append_field(Groups& out, char type, const Groups& payload)
{
    out.push_back(static_cast<std::uint8_t>(kAlphabet.find(type)));
    append_number(out, payload.size(), 2);
    out.insert(out.end(), payload.begin(), payload.end());
}

std::string amount_text(std::optional<Msat> amount)
{
    if (!amount) return {};
    for (const Multiplier& multiplier : kMultipliers) {
        if (amount->count() % multiplier.msat != 0) continue;
        std::string text = std::to_string(amount->count() / multiplier.msat);
        if (multiplier.letter != 0) text += multiplier.letter;
        return text;
    }
    return std::to_string(amount->count()) + "0p";
}

/// The part of the HRP after the network. Errors: bad_encoding.
Result<std::optional<Msat>> parse_amount(std::string_view text)
{
    if (text.empty()) return std::optional<Msat>();
    char letter = 0;
    if (text.back() < '0' || text.back() > '9') {
        letter = text.back();
        text.remove_suffix(1);
    }
    if (text.empty() || text.size() > 18 || text.front() == '0') return Error{Reason::bad_encoding, "invoice amount"};
    std::uint64_t digits = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return Error{Reason::bad_encoding, "invoice amount"};
        digits = digits * 10 + static_cast<std::uint64_t>(c - '0');
    }
    if (letter == 'p') {
        if (digits % 10 != 0) return Error{Reason::bad_encoding, "invoice amount below a millisatoshi"};
        return std::optional(Msat(digits / 10));
    }
    for (const Multiplier& multiplier : kMultipliers) {
        if (multiplier.letter != letter) continue;
        const auto amount = times(Msat(multiplier.msat), digits);
        if (!amount) return Error{Reason::bad_encoding, "invoice amount"};
        return amount;
    }
    return Error{Reason::bad_encoding, "invoice multiplier"};
}

Result<void> read_hrp(std::string_view hrp, InvoiceFacts& facts)
{
    for (const std::string_view prefix : {"lnbcrt", "lnbc", "lntbs", "lntb"}) { // the longer of two that fit is first
        if (!hrp.starts_with(prefix)) continue;
        facts.network = prefix.substr(2);
        facts.amount = TRY(parse_amount(hrp.substr(prefix.size())));
        return {};
    }
    return Error{Reason::bad_encoding, "not an invoice"};
}

ByteArray<33> compressed(const secp256k1_pubkey& key)
{
    ByteArray<33> out{};
    std::size_t size = out.size();
    secp256k1_ec_pubkey_serialize(signing_context(), out.data(), &size, &key, SECP256K1_EC_COMPRESSED);
    return out;
}

/// `signed_groups`: the data without signature and checksum.
std::optional<ByteArray<33>> recover_payee(std::string_view hrp, std::span<const std::uint8_t> signed_groups,
                                           std::span<const std::uint8_t> signature_groups)
{
    Bytes signed_text(hrp.begin(), hrp.end());
    append(signed_text, to_bytes(signed_groups));
    const Sha256 digest = sha256(signed_text);
    const Bytes compact = to_bytes(signature_groups);
    secp256k1_ecdsa_recoverable_signature signature;
    secp256k1_pubkey key;
    if (compact[64] > 3 ||
        secp256k1_ecdsa_recoverable_signature_parse_compact(signing_context(), &signature, compact.data(),
                                                            compact[64]) != 1 ||
        secp256k1_ecdsa_recover(signing_context(), &key, &signature, digest.data()) != 1)
        return std::nullopt;
    return compressed(key);
}

template<std::size_t N>
ByteArray<N> array_of(std::span<const std::uint8_t> groups)
{
    const Bytes bytes = to_bytes(groups);
    ByteArray<N> out{};
    std::copy_n(bytes.begin(), std::min(N, bytes.size()), out.begin());
    return out;
}

std::uint64_t number_of(std::span<const std::uint8_t> groups)
{
    std::uint64_t value = 0;
    for (const std::uint8_t group : groups) value = value << 5 | group;
    return value;
}

} // namespace

ByteArray<33> node_id(const SecretBytes<32>& node_key)
{
    secp256k1_pubkey key;
    CHECK(secp256k1_ec_pubkey_create(signing_context(), &key, node_key.expose().data()) == 1);
    return compressed(key);
}

std::string encode_invoice(const InvoiceDraft& draft, const SecretBytes<32>& node_key)
{
    const std::string hrp = "lnbcrt" + amount_text(draft.amount);
    Groups groups;
    append_number(groups, static_cast<std::uint64_t>(draft.timestamp.count()), kTimestampGroups);
    append_field(groups, 's', to_groups(draft.payment_secret));
    append_field(groups, 'p', to_groups(draft.payment_hash));
    if (draft.description_hash)
        append_field(groups, 'h', to_groups(*draft.description_hash));
    else
        append_field(groups, 'd',
                     to_groups(as_bytes(std::string_view(draft.description).substr(0, kMaxDescriptionBytes))));
    append_field(groups, 'x', shortest(static_cast<std::uint64_t>(draft.expiry.count())));
    if (draft.min_final_cltv_expiry_delta) append_field(groups, 'c', shortest(*draft.min_final_cltv_expiry_delta));
    append_field(groups, '9', {16, 8, 0});

    Bytes signed_text(hrp.begin(), hrp.end());
    append(signed_text, to_bytes(groups));
    const Sha256 digest = sha256(signed_text);
    secp256k1_ecdsa_recoverable_signature signature;
    CHECK(secp256k1_ecdsa_sign_recoverable(signing_context(), &signature, digest.data(), node_key.expose().data(),
                                           nullptr, nullptr) == 1);
    ByteArray<65> compact{};
    int recovery_id = 0;
    secp256k1_ecdsa_recoverable_signature_serialize_compact(signing_context(), compact.data(), &recovery_id,
                                                            &signature);
    compact[64] = static_cast<std::uint8_t>(recovery_id);
    const Groups signature_groups = to_groups(compact);
    groups.insert(groups.end(), signature_groups.begin(), signature_groups.end());

    Groups padded = groups;
    padded.resize(padded.size() + kChecksumGroups, 0);
    append_number(groups, checksum_of(hrp, padded) ^ 1, kChecksumGroups);
    std::string text = hrp + "1";
    for (const std::uint8_t group : groups) text += kAlphabet[group];
    return text;
}

Result<InvoiceFacts> parse_invoice(std::string_view text)
{
    if (text.size() > kMaxInvoiceLength) return Error{Reason::bad_encoding, "invoice too long"};
    std::string lower(text);
    const bool has_upper = std::any_of(lower.begin(), lower.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    const bool has_lower = std::any_of(lower.begin(), lower.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    if (has_upper && has_lower) return Error{Reason::bad_encoding, "mixed case"};
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');

    const std::size_t separator = lower.rfind('1');
    if (separator == std::string::npos) return Error{Reason::bad_encoding, "not bech32"};
    const std::string_view hrp = std::string_view(lower).substr(0, separator);
    Groups groups;
    for (const char c : std::string_view(lower).substr(separator + 1)) {
        const std::size_t value = kAlphabet.find(c);
        if (value == std::string_view::npos) return Error{Reason::bad_encoding, "not bech32"};
        groups.push_back(static_cast<std::uint8_t>(value));
    }
    if (groups.size() < kTimestampGroups + kSignatureGroups + kChecksumGroups)
        return Error{Reason::bad_encoding, "invoice too short"};
    if (checksum_of(hrp, groups) != 1) return Error{Reason::bad_encoding, "checksum"};

    InvoiceFacts facts{{}, {}, {}, kDefaultExpiry};
    TRY(read_hrp(hrp, facts));
    std::span<const std::uint8_t> rest(groups);
    const auto signature = rest.subspan(rest.size() - kSignatureGroups - kChecksumGroups, kSignatureGroups);
    rest = rest.first(rest.size() - kSignatureGroups - kChecksumGroups);
    facts.payee = recover_payee(hrp, rest, signature);
    facts.timestamp = UnixSeconds(static_cast<std::int64_t>(number_of(rest.first(kTimestampGroups))));
    rest = rest.subspan(kTimestampGroups);
    bool has_hash = false;
    while (!rest.empty()) {
        if (rest.size() < 3) return Error{Reason::bad_encoding, "truncated field"};
        const char type = kAlphabet[rest[0]];
        const std::size_t length = number_of(rest.subspan(1, 2));
        rest = rest.subspan(3);
        if (rest.size() < length) return Error{Reason::bad_encoding, "truncated field"};
        const auto payload = rest.first(length);
        rest = rest.subspan(length);
        if (type == 'p' && length == 52 && !has_hash) {
            facts.payment_hash = array_of<32>(payload);
            has_hash = true;
        }
        if (type == 's' && length == 52) facts.payment_secret = array_of<32>(payload);
        if (type == 'h' && length == 52) facts.description_hash = array_of<32>(payload);
        if (type == 'd') facts.description = as_text(array_of<kMaxDescriptionBytes>(payload)).substr(0, length * 5 / 8);
        if (type == 'c' && length <= 12) facts.min_final_cltv_expiry_delta = number_of(payload);
        if (type == 'x' && length <= 12) facts.expiry = Seconds(static_cast<std::int64_t>(number_of(payload)));
    }
    if (!has_hash) return Error{Reason::bad_encoding, "no payment hash"};
    return facts;
}

} // namespace adit::devnet
