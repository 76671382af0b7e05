// tests/payments/cashu/cashu_testing.h - what the tests of Cashu share: vectors, a mint's keys, proofs.
#pragma once

#include "base/file.h"
#include "fakes/seeded_rng.h"
#include "payments/cashu/curve.h"
#include "payments/cashu/keyset.h"
#include "protocol/keys.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace adit::payments::cashu {

using nlohmann::json;

inline json vectors(const std::string& name)
{
    return json::parse(read_file(std::string(ADIT_VECTORS) + "/" + name).value());
}

/// By value: a loop over a part of a temporary would outlive the rest.
inline json rows(const std::string& name, const char* key) { return vectors(name)[key]; }

inline std::string str(const json& value) { return value.get<std::string>(); }
inline Point point(const json& value) { return Point::parse_hex(str(value)).value(); }
inline Scalar scalar(const std::string& hex) { return parse_scalar(std::string(64 - hex.size(), '0') + hex).value(); }

template<std::size_t N>
ByteArray<N> hex(const json& value)
{
    return parse_hex_exactly<N>(str(value)).value();
}

inline protocol::SecretKey secret_key(std::uint8_t number)
{
    ByteArray<32> bytes{};
    bytes[31] = number;
    return protocol::SecretKey::from_secret(SecretBytes<32>(bytes)).value();
}

/// The mint's private key of an amount, for tests.
inline Scalar mint_scalar(Sat amount)
{
    return scalar(encode_hex(Bytes{7, static_cast<std::uint8_t>(amount.count())}));
}

/// A sat keyset with the powers of two up to 128, its id right.
inline Keyset make_keyset(std::uint64_t fee_ppk = 0, bool version_one = true)
{
    Keyset keyset;
    keyset.unit = "sat";
    keyset.active = true;
    keyset.input_fee_ppk = fee_ppk;
    for (std::uint64_t amount = 1; amount <= 128; amount *= 2)
        keyset.keys.emplace(Sat(amount), public_point(mint_scalar(Sat(amount))).value());
    keyset.id = version_one ? derive_id_v1(keyset) : derive_id_v0(keyset.keys);
    return keyset;
}

/// A proof as if the mint had signed it.
inline Proof make_proof(const Keyset& keyset, std::uint64_t amount, std::string secret)
{
    const Point c = multiply(proof_y(secret), mint_scalar(Sat(amount))).value();
    return Proof{keyset.id, Sat(amount), std::move(secret), c, std::nullopt, std::nullopt};
}

/// Every prefix of a text, and the text with each byte changed in turn: `parse` must come back from all of them.
template<typename Parse>
void maul(std::string text, Parse parse)
{
    for (std::size_t length = 0; length < text.size(); ++length) parse(std::string_view(text).substr(0, length));
    for (char& byte : text) {
        const char before = byte;
        for (const int change : {1, 0x20, 0x80, 0xff}) {
            byte = static_cast<char>(before ^ change);
            parse(std::string_view(text));
        }
        byte = before;
    }
}

} // namespace adit::payments::cashu
