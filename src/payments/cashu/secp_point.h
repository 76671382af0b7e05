// payments/cashu/secp_point.h - between Point and libsecp256k1's own form. Internal to this folder.
#pragma once

#include "payments/cashu/proof.h"

#include <optional>
#include <secp256k1.h>
#include <string_view>

namespace adit::payments::cashu {

struct SecpPoint {
    /// Takes a square root, as every reading of a compressed point does: about a fifth of a multiplication.
    static secp256k1_pubkey load(const Point& point);
    static Point save(const secp256k1_pubkey& pubkey);
    static ByteArray<65> uncompressed(const secp256k1_pubkey& pubkey);

    /// hash_to_curve of a proof's secret.
    static secp256k1_pubkey of_secret(std::string_view secret);
    /// None where the scalar is not in [1, n-1].
    static std::optional<secp256k1_pubkey> times_g(const std::uint8_t* scalar);
    static std::optional<secp256k1_pubkey> times(secp256k1_pubkey point, const std::uint8_t* scalar);
    /// None where the sum, or the difference, is the point at infinity.
    static std::optional<secp256k1_pubkey> sum(const secp256k1_pubkey& a, const secp256k1_pubkey& b);
    static std::optional<secp256k1_pubkey> difference(const secp256k1_pubkey& a, secp256k1_pubkey b);
};

} // namespace adit::payments::cashu
