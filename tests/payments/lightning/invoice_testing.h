// tests/payments/lightning/invoice_testing.h - invoices as a test wants them, right or wrong, signed by a key of the
// tests.
#pragma once

#include "base/hash.h"
#include "payments/lightning/backend.h"
#include "protocol/bech32.h"
#include "protocol/secp.h"

#include <gtest/gtest.h>
#include <secp256k1_recovery.h>

namespace adit::payments::lightning {

struct InvoiceField {
    std::uint8_t type;
    Bytes words;
};

/// What is signed is what is written, so that only the field under test can be at fault.
struct InvoiceDraft {
    std::string prefix = "lnbcrt210n"; // 21 sat
    std::uint64_t timestamp = 1'800'000'000;
    std::vector<InvoiceField> fields = {};
    Bytes tail = {}; // words after the last field

    InvoiceDraft& with(std::uint8_t type, ByteView bytes)
    {
        fields.push_back({type, protocol::to_words(bytes)});
        return *this;
    }
    InvoiceDraft& with_words(std::uint8_t type, Bytes words)
    {
        fields.push_back({type, std::move(words)});
        return *this;
    }
};

inline Bytes number_words(std::uint64_t number, std::size_t count)
{
    Bytes words;
    for (std::size_t i = count; i-- > 0;)
        words.push_back(static_cast<std::uint8_t>(5 * i < 64 ? number >> 5 * i & 31 : 0));
    return words;
}

inline Bytes drafted_words(const InvoiceDraft& draft)
{
    Bytes words = number_words(draft.timestamp, 7);
    for (const InvoiceField& field : draft.fields) {
        words.push_back(field.type);
        append(words, number_words(field.words.size(), 2));
        append(words, field.words);
    }
    append(words, draft.tail);
    return words;
}

inline const ByteArray<32> kNodeKey{1, 2, 3, 4, 5, 6, 7, 8, 9};

inline ByteArray<33> node_pubkey()
{
    secp256k1_pubkey key;
    CHECK(secp256k1_ec_pubkey_create(protocol::secp(), &key, kNodeKey.data()) == 1);
    ByteArray<33> out{};
    std::size_t length = out.size();
    secp256k1_ec_pubkey_serialize(protocol::secp(), out.data(), &length, &key, SECP256K1_EC_COMPRESSED);
    return out;
}

/// Independent of the parser's own packing: bit by bit.
inline std::string sign(const InvoiceDraft& draft)
{
    Bytes words = drafted_words(draft);
    Bytes bytes(draft.prefix.begin(), draft.prefix.end());
    const std::size_t prefix = bytes.size();
    bytes.resize(prefix + (words.size() * 5 + 7) / 8, 0);
    for (std::size_t bit = 0; bit < words.size() * 5; ++bit)
        if (words[bit / 5] >> (4 - bit % 5) & 1U)
            bytes[prefix + bit / 8] = static_cast<std::uint8_t>(bytes[prefix + bit / 8] | 0x80U >> bit % 8);
    secp256k1_ecdsa_recoverable_signature signature;
    CHECK(secp256k1_ecdsa_sign_recoverable(protocol::secp(), &signature, sha256(bytes).data(), kNodeKey.data(), nullptr,
                                           nullptr) == 1);
    ByteArray<65> compact{};
    int recovery_id = 0;
    secp256k1_ecdsa_recoverable_signature_serialize_compact(protocol::secp(), compact.data(), &recovery_id, &signature);
    compact[64] = static_cast<std::uint8_t>(recovery_id);
    append(words, protocol::to_words(compact));
    return protocol::encode_bech32(protocol::Bech32Form::bech32, draft.prefix, words);
}

inline constexpr std::uint8_t kP = 1, kS = 16, kD = 13, kH = 23, kX = 6, kC = 24, kN = 19, kFeatures = 5;

/// As a good backend would answer `request` at `now`.
inline InvoiceDraft good_draft(const InvoiceRequest& request, const PaymentHash& hash, UnixSeconds now)
{
    InvoiceDraft draft{.prefix = "lnbcrt" + std::to_string(request.amount.count() * 10) + "n",
                       .timestamp = static_cast<std::uint64_t>(now.count())};
    draft.with(kP, hash).with(kS, ByteArray<32>{7}).with(kH, request.description_hash);
    draft.with_words(kX, number_words(static_cast<std::uint64_t>(request.expiry.count()), 6));
    draft.with_words(kFeatures, {16, 8, 0});
    return draft;
}

inline Preimage test_preimage(std::uint8_t seed = 1) { return Preimage(ByteArray<32>{seed, 0xfe, 0xdc}); }

inline InvoiceRequest test_request(std::uint8_t seed = 1)
{
    return InvoiceRequest{Sat(21), ByteArray<32>{0xd5, seed}, Seconds(600), "adit-1", test_preimage(seed)};
}

} // namespace adit::payments::lightning
