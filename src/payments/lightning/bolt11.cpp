#include "payments/lightning/bolt11.h"

#include "base/hash.h"
#include "protocol/bech32.h"
#include "protocol/constants.h"
#include "protocol/secp.h"

#include <algorithm>
#include <secp256k1_recovery.h>

namespace adit::payments::lightning {
namespace {

constexpr std::size_t kTimestampWords = 7;
constexpr std::size_t kSignatureWords = 104;
constexpr std::size_t kHashWords = 52; // 256 bits and four of padding
constexpr std::size_t kKeyWords = 53;
constexpr std::uint64_t kMaxNumber = (1ULL << 60U) - 1; // added to a timestamp of 35 bits it still fits

Error bad_invoice(std::string what) { return Error{Reason::bad_encoding, "invoice: " + std::move(what)}; }

struct Hrp {
    std::string_view word; // after "ln"
    Network network;
};
// The longest first: "bcrt" begins as "bc" does.
constexpr Hrp kHrps[]{{"bcrt", Network::regtest},
                      {"tbs", Network::signet},
                      {"bc", Network::bitcoin},
                      {"tb", Network::testnet},
                      {"sb", Network::simnet}};

struct Multiplier {
    char letter;
    std::uint64_t msat; // in one unit
};
constexpr Multiplier kMultipliers[]{{'m', 100'000'000}, {'u', 100'000}, {'n', 100}};
constexpr std::uint64_t kMsatInBitcoin = 100'000'000'000;

// BOLT-9, of those that may stand in an invoice: what a payer of today knows, by its even bit.
constexpr std::size_t kKnownFeatures[]{8 /* onion of any length */, 14 /* payment secret */, 16 /* many parts */,
                                       48 /* payment metadata */};

Result<Msat> parse_amount(std::string_view text)
{
    std::uint64_t unit = kMsatInBitcoin;
    const bool pico = text.ends_with('p');
    if (text.back() < '0' || text.back() > '9') {
        const auto* const found = std::find_if(std::begin(kMultipliers), std::end(kMultipliers),
                                               [&](const Multiplier& one) { return one.letter == text.back(); });
        if (found != std::end(kMultipliers))
            unit = found->msat;
        else if (pico)
            unit = 1;
        else
            return bad_invoice("an unknown multiplier");
        text.remove_suffix(1);
    }
    if (text.empty() || text.front() == '0') return bad_invoice("an amount without digits, or with a zero in front");
    Msat units;
    for (const char c : text) {
        if (c < '0' || c > '9') return bad_invoice("an amount that is no number");
        const auto shifted = times(units, 10);
        const auto longer = shifted ? sum(*shifted, Msat(static_cast<std::uint64_t>(c - '0'))) : std::nullopt;
        if (!longer) return bad_invoice("an amount that is too large");
        units = *longer;
    }
    if (pico) { // a tenth of a millisatoshi
        if (units.count() % 10 != 0) return bad_invoice("a fraction of a millisatoshi");
        return Msat(units.count() / 10);
    }
    const auto amount = times(units, unit);
    if (!amount) return bad_invoice("an amount that is too large");
    return *amount;
}

Result<void> read_prefix(std::string_view prefix, Bolt11& invoice)
{
    if (!prefix.starts_with("ln")) return bad_invoice("not for Lightning");
    prefix.remove_prefix(2);
    const auto* const hrp =
        std::find_if(std::begin(kHrps), std::end(kHrps), [&](const Hrp& one) { return prefix.starts_with(one.word); });
    if (hrp == std::end(kHrps)) return bad_invoice("an unknown network");
    invoice.network = hrp->network;
    prefix.remove_prefix(hrp->word.size());
    if (!prefix.empty()) invoice.amount = TRY(parse_amount(prefix));
    return {};
}

Result<std::uint64_t> number_of(ByteView words)
{
    std::uint64_t number = 0;
    for (const std::uint8_t word : words) {
        if (number > kMaxNumber >> 5U) return bad_invoice("a number that is too large");
        number = number << 5U | word;
    }
    return number;
}

/// Zero bits fill the last byte: how the signed part is made bytes.
Bytes packed(ByteView words)
{
    const std::size_t bytes = (words.size() * 5 + 7) / 8;
    Bytes whole(words.begin(), words.end());
    whole.resize((bytes * 8 + 4) / 5, 0);
    return protocol::from_words(whole).value();
}

template<std::size_t N>
Result<ByteArray<N>> fixed(ByteView words, std::size_t expected)
{
    if (words.size() != expected) return bad_invoice("a field of a wrong length");
    const Bytes bytes = TRY(protocol::from_words(words));
    ByteArray<N> out{};
    CHECK(bytes.size() == N);
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return out;
}

/// Counted from the right end of the words.
Result<void> check_features(ByteView words)
{
    for (std::size_t bit = 0; bit < words.size() * 5; bit += 2) {
        const bool set = (words[words.size() - 1 - bit / 5] >> bit % 5 & 1U) != 0;
        if (set && std::find(std::begin(kKnownFeatures), std::end(kKnownFeatures), bit) == std::end(kKnownFeatures))
            return bad_invoice("it wants a feature that is not known");
    }
    return {};
}

/// Of a field that stands there twice the first counts. BOLT-11 says so of `p`; wallets do so with all.
struct Fields {
    std::optional<PaymentHash> payment_hash;
    std::optional<ByteArray<32>> payment_secret;
    std::optional<ByteArray<33>> payee;
    std::optional<std::uint64_t> expiry, cltv;
};

Result<void> read_field(std::uint8_t type, ByteView words, Fields& fields, Bolt11& invoice)
{
    switch (type) {
    case 1: { // p
        const auto hash = TRY(fixed<32>(words, kHashWords));
        if (!fields.payment_hash) fields.payment_hash = hash;
        return {};
    }
    case 16: { // s
        const auto secret = TRY(fixed<32>(words, kHashWords));
        if (!fields.payment_secret) fields.payment_secret = secret;
        return {};
    }
    case 23: { // h
        const auto hash = TRY(fixed<32>(words, kHashWords));
        if (!invoice.description_hash) invoice.description_hash = hash;
        return {};
    }
    case 19: { // n
        const auto payee = TRY(fixed<33>(words, kKeyWords));
        if (!fields.payee) fields.payee = payee;
        return {};
    }
    case 13: { // d
        const Bytes text = TRY(protocol::from_words(words));
        if (!is_utf8(as_text(text))) return bad_invoice("a description that is not UTF-8");
        if (!invoice.description) invoice.description = std::string(as_text(text));
        return {};
    }
    case 6: { // x
        const std::uint64_t expiry = TRY(number_of(words));
        if (!fields.expiry) fields.expiry = expiry;
        return {};
    }
    case 24: { // c
        const std::uint64_t cltv = TRY(number_of(words));
        if (!fields.cltv) fields.cltv = cltv;
        return {};
    }
    case 5: // 9
        return check_features(words);
    default: // fallback addresses, route hints and metadata are the payer's
        return {};
    }
}

/// With `n` as BOLT-11 has it: that key, and only the lower S.
Result<ByteArray<33>> payee_of(ByteView signature_words, const Sha256& digest,
                               const std::optional<ByteArray<33>>& named)
{
    const Bytes signature = TRY(protocol::from_words(signature_words)); // 64 bytes and the recovery id
    CHECK(signature.size() == 65);
    if (signature[64] > 3) return bad_invoice("a recovery id that is none");
    secp256k1_pubkey key;
    if (named) {
        secp256k1_ecdsa_signature plain;
        if (secp256k1_ec_pubkey_parse(protocol::secp(), &key, named->data(), named->size()) != 1 ||
            secp256k1_ecdsa_signature_parse_compact(protocol::secp(), &plain, signature.data()) != 1 ||
            secp256k1_ecdsa_verify(protocol::secp(), &plain, digest.data(), &key) != 1)
            return bad_invoice("the signature is not the payee's");
        return *named;
    }
    secp256k1_ecdsa_recoverable_signature recoverable;
    if (secp256k1_ecdsa_recoverable_signature_parse_compact(protocol::secp(), &recoverable, signature.data(),
                                                            signature[64]) != 1 ||
        secp256k1_ecdsa_recover(protocol::secp(), &key, &recoverable, digest.data()) != 1)
        return bad_invoice("no key fits the signature");
    ByteArray<33> payee{};
    std::size_t length = payee.size();
    secp256k1_ec_pubkey_serialize(protocol::secp(), payee.data(), &length, &key, SECP256K1_EC_COMPRESSED);
    return payee;
}

} // namespace

std::string_view network_word(Network network)
{
    switch (network) {
    case Network::bitcoin:
        return "bitcoin";
    case Network::testnet:
        return "testnet";
    case Network::signet:
        return "signet";
    case Network::regtest:
        return "regtest";
    case Network::simnet:
        return "simnet";
    }
    return {};
}

Result<Bolt11> parse_bolt11(std::string_view text)
{
    constexpr std::string_view kScheme = "lightning:";
    const bool with_scheme = text.size() >= kScheme.size() &&
                             std::equal(kScheme.begin(), kScheme.end(), text.begin(), [](char wanted, char c) {
                                 return wanted == (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
                             });
    if (with_scheme) text.remove_prefix(kScheme.size());

    const protocol::Bech32 bech32 = TRY(protocol::parse_bech32(text, protocol::kMaxInvoiceLength));
    if (bech32.form != protocol::Bech32Form::bech32) return bad_invoice("not bech32");
    if (bech32.words.size() < kTimestampWords + kSignatureWords) return bad_invoice("too short");
    Bolt11 invoice;
    TRY(read_prefix(bech32.prefix, invoice));

    const ByteView signature = ByteView(bech32.words).last(kSignatureWords);
    const ByteView signed_words = ByteView(bech32.words).first(bech32.words.size() - kSignatureWords);
    invoice.timestamp = UnixSeconds(static_cast<std::int64_t>(TRY(number_of(signed_words.first(kTimestampWords)))));
    Fields fields;
    for (ByteView rest = signed_words.subspan(kTimestampWords); !rest.empty();) {
        if (rest.size() < 3) return bad_invoice("a torn field");
        const std::size_t length = rest[1] * 32U + rest[2];
        if (rest.size() - 3 < length) return bad_invoice("a torn field");
        TRY(read_field(rest[0], rest.subspan(3, length), fields, invoice));
        rest = rest.subspan(3 + length);
    }
    if (!fields.payment_hash) return bad_invoice("no payment hash");
    if (!fields.payment_secret) return bad_invoice("no payment secret");
    if (invoice.description.has_value() == invoice.description_hash.has_value())
        return bad_invoice("not exactly one of description and description hash");
    invoice.payment_hash = *fields.payment_hash;
    invoice.payment_secret = *fields.payment_secret;
    if (fields.expiry) invoice.expiry = Seconds(static_cast<std::int64_t>(*fields.expiry));
    if (fields.cltv) invoice.min_final_cltv_expiry_delta = *fields.cltv;

    Bytes signed_bytes(bech32.prefix.begin(), bech32.prefix.end());
    append(signed_bytes, packed(signed_words));
    invoice.payee = TRY(payee_of(signature, sha256(signed_bytes), fields.payee));
    return invoice;
}

} // namespace adit::payments::lightning
